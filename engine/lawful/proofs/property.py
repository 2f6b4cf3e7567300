"""What must never be, as an expression of the IR: invariants, what the language promises, and what helps to prove them.

All are of one form, so that Z3 and the reference judge the same thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lawful import ir
from lawful.calendar import LIFETIME
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation
from lawful.ir import (
    ALWAYS,
    BOOL,
    INT,
    And,
    AtMost,
    Clock,
    Compare,
    Constant,
    Count,
    Expr,
    Field,
    Invariant,
    Known,
    ListOf,
    Member,
    Not,
    Or,
    Owner,
    Period,
    Program,
    Rule,
    Type,
    conjunction,
    in_force,
    negation,
)
from lawful.proofs.logic import Bool, both
from lawful.proofs.moves import Moves, holds
from lawful.proofs.reach import is_timeless, reads_of
from lawful.proofs.space import Space
from lawful.proofs.state import Now, State
from lawful.proofs.terms import Facts, Scene, Terms


@dataclass(frozen=True, slots=True)
class Property:
    """Broken where `never` is true: of a state or, a `pair`, of an earlier and a later one of one account."""

    never: Expr
    pair: bool = False
    period: Period = ALWAYS

    def reads(self, program: Program) -> frozenset[str]:
        return frozenset(reads_of(program, self.never))

    def is_timeless(self, program: Program) -> bool:
        return self.period == ALWAYS and is_timeless(program, self.never)

    def broken(self, moves: Moves, space: Space, state: State, moment: Now, earlier: State | None = None) -> Bool:
        """Whether it is, in states that are open. What happened is known to whoever asks."""
        known = replace(state.history, whole=True)
        scene = moves.scene(space, replace(state, history=known), moment)
        if self.pair and earlier is not None:
            scene = _over_two(scene, earlier)
        return both(holds(self.period, moment), Terms(scene).truth(self.never).true)

    def broken_in(self, later: Situation, earlier: Situation) -> bool:
        """Whether it is, in two states that are known; the later one's history is whole."""
        if not self.period.holds(later.today):
            return False
        seen = later
        if self.pair:
            before = earlier.records
            seen = later.with_records(account=before["account"], features=before["features"])
            seen = seen.followed_by(later.records["account"], later.records["features"])
        return evaluate(self.never, seen) is True


def _over_two(scene: Scene, earlier: State) -> Scene:
    records: dict[Owner, Facts] = {
        **scene.records,
        "before": earlier.account,
        "before.features": earlier.features,
        "after": scene.records["account"],
        "after.features": scene.records["features"],
    }
    return replace(scene, records=records)


def of_invariant(invariant: Invariant) -> Property:
    never = invariant.expr if invariant.kind == "never" else negation(invariant.expr)
    return Property(never, invariant.pair, invariant.in_force)


def stays(field: ir.FieldDeclaration, values: tuple[str, ...]) -> Property:
    """A field that has one of these values keeps it."""
    before, after = (Field(owner, field.name, field.type) for owner in ("before", "after"))
    moved = Or((Not(Known(after)), Compare("!=", before, after)))
    return Property(And((_one_of(before, values), moved)), pair=True)


def at_most(event: str, times: int) -> Property:
    return Property(Compare(">", Count((event,), LIFETIME), Constant(times, INT)))


def _one_of(field: Field, values: tuple[str, ...]) -> Expr:
    items = tuple(Constant(value, field.type) for value in values)
    return Member(field, ListOf(items, Type("list", element=field.type)))


# --------------------------------------------------------------------------------------------------- what may help


def helpful(program: Program, facts: frozenset[str]) -> Iterator[Property]:
    """Candidates about those facts: what can be proved of them together is assumed of every state."""
    counted = [fact.removeprefix("event.") for fact in sorted(facts) if fact.startswith("event.")]
    fields = [each for name, each in program.account.items() if f"account.{name}" in facts]
    cycles = [each for each in fields if each.name in program.lifecycles]
    for field in fields:
        yield from _about_a_field(field)
    for feature in program.features:
        if f"features.{feature}" in facts:
            yield from _about_a_feature(program, feature)
    for event in counted:
        yield from _about_an_event(event, cycles)
        yield from _left_by(program, event, facts)
    for rule in program.rules:
        if (
            rule.scope == "account"
            and rule.severity == "error"
            and reads_of(program, rule.when, rule.requires) <= facts
        ):
            yield _violated(rule)
    yield from _counters(program, facts)
    yield from _limited(program, facts)
    for each in program.invariants:
        if not each.pair and is_timeless(program, each.expr) and reads_of(program, each.expr) <= facts:
            yield of_invariant(each)
    yield from _about_two_fields(cycles, fields)


def _about_two_fields(cycles: list[ir.FieldDeclaration], fields: list[ir.FieldDeclaration]) -> Iterator[Property]:
    """What a field is never, while one with a life cycle has some value."""
    for cycle in cycles:
        for field in fields:
            if field.name == cycle.name:
                continue
            fact = Field("account", field.name, field.type)
            for value in _values(cycle):
                here = Compare("==", Field("account", cycle.name, cycle.type), value)
                yield Property(And((here, Not(Known(fact)))))
                if field.type.kind in ("enum", "bool"):
                    for other in _values(field):
                        yield Property(And((here, Compare("==", fact, other))))


def _about_a_field(field: ir.FieldDeclaration) -> Iterator[Property]:
    fact = Field("account", field.name, field.type)
    yield Property(Not(Known(fact)))
    match field.type.kind:
        case "enum":
            for value in field.type.values:
                yield Property(Compare("==", fact, Constant(value, field.type)))
        case "bool":
            yield Property(fact)
            yield Property(Not(fact))
        case "int":
            yield Property(Compare("<", fact, Constant(0, INT)))
        case _:
            pass
    if field.motion == "outside":
        return
    if field.default is None:
        yield Property(Known(fact))
    earlier, later = (Field(owner, field.name, field.type) for owner in ("before", "after"))
    yield Property(And((Known(earlier), Not(Known(later)))), pair=True)
    if field.type.kind in ("enum", "bool"):
        for one in _values(field):
            for other in _values(field):
                if one != other:
                    steps = Compare("==", earlier, one), Compare("==", later, other)
                    yield Property(And(steps), pair=True)
    else:
        yield Property(Compare("!=", earlier, later), pair=True)
    if field.type.kind == "date":
        yield Property(Compare(">", fact, Clock("today")))
    if field.type.kind == "int":
        yield Property(Compare("<", later, earlier), pair=True)


def _values(field: ir.FieldDeclaration) -> list[Constant]:
    values: tuple[str | bool, ...] = (False, True) if field.type == BOOL else field.type.values
    return [Constant(value, field.type) for value in values]


def _about_a_feature(program: Program, feature: str) -> Iterator[Property]:
    held = Field("features", feature, BOOL)
    yield Property(held)
    for rule in program.rules:
        if rule.scope == "feature" and rule.subject == feature and rule.requires != ir.TRUE:
            required = ir.entitlement(rule)
            parts = required.operands if isinstance(required, And) else (required,)
            for part in parts:
                entitled = conjunction([in_force(rule.in_force), part])
                yield Property(And((held, Not(entitled))), period=rule.in_force)


def _about_an_event(event: str, cycles: list[ir.FieldDeclaration]) -> Iterator[Property]:
    count = Count((event,), LIFETIME)
    for most in (0, 1):
        more = Compare(">", count, Constant(most, INT))
        yield Property(more)
        for field in cycles:
            for value in _values(field):
                yield Property(And((Compare("==", Field("account", field.name, field.type), value), more)))
    never = Compare("<", count, Constant(1, INT))
    for field in cycles:
        for value in _values(field):
            yield Property(And((Compare("==", Field("account", field.name, field.type), value), never)))


def _left_by(program: Program, event: str, facts: frozenset[str]) -> Iterator[Property]:
    """Once it happened, a field has what it gave it."""
    happened = Compare(">", Count((event,), LIFETIME), Constant(0, INT))
    for move in program.moves:
        for effect in move.effects if move.event == event else ():
            if isinstance(effect.value, Constant) and f"account.{effect.field}" in facts:
                fact = Field("account", effect.field, program.account[effect.field].type)
                yield Property(And((happened, Or((Not(Known(fact)), Compare("!=", fact, effect.value))))))


def _limited(program: Program, facts: frozenset[str]) -> Iterator[Property]:
    """What a limit counts is no more than it lets be: for events that something else counts, too."""
    counted = {(each.events, each.window) for each in _counts(program)}
    told = set()
    for rule in program.rules:
        limit = rule.requires
        if rule.kind == "limit" and rule.severity == "error" and isinstance(limit, AtMost):
            key = (limit.count.events, limit.count.window, limit.at_most)
            if key[:2] in counted and key not in told and reads_of(program, limit.count) <= facts:
                told.add(key)
                yield Property(Compare(">", limit.count, Constant(limit.at_most, INT)))


def _counts(program: Program) -> Iterator[Count]:
    """What conditions, rules and invariants count beside limits."""
    exprs = [each.holds for each in program.conditions.values()] + [each.expr for each in program.invariants]
    exprs += [expr for rule in program.rules for expr in (rule.when, rule.requires)]
    for expr in exprs:
        if not isinstance(expr, AtMost):
            yield from (node for node in ir.walk(expr) if isinstance(node, Count))


def _violated(rule: Rule) -> Property:
    return Property(conjunction([rule.when, Not(rule.requires)]), period=rule.in_force)


def _counters(program: Program, facts: frozenset[str]) -> Iterator[Property]:
    """A field that counts what a limit counts holds no less than happened."""
    told = set()
    for rule in program.rules:
        limit = rule.requires
        if not (isinstance(limit, AtMost) and limit.counted_by is not None and limit.counted_by.owner == "account"):
            continue
        key = (limit.count.events, limit.counted_by.name)
        if key in told or f"account.{limit.counted_by.name}" not in facts or limit.count.window != LIFETIME:
            continue
        told.add(key)
        happened = Compare(">", limit.count, Constant(0, INT))
        short = Compare("<", limit.counted_by, limit.count)
        yield Property(And((happened, Or((Not(Known(limit.counted_by)), short)))))
