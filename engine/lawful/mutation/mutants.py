"""Programs with one change, with its place and in words.

What stands once in the policy may stand in several places of its program: the requirement of a feature is asked when
it is enabled and of those who have it, the edges of a transition are in its guards and in what is listed. A mutant is
what the compiler would have made of the policy with one thing written differently, so all of these change together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from lawful import wording
from lawful.calendar import LIFETIME
from lawful.compiler.context import overlaps
from lawful.ir import (
    FALSE,
    TRUE,
    And,
    AtMost,
    Clock,
    Compare,
    Condition,
    ConditionOf,
    Constant,
    Count,
    Effect,
    Expr,
    Field,
    Known,
    ListOf,
    Member,
    Move,
    Not,
    Or,
    Period,
    Place,
    Program,
    Rule,
    RuleKind,
    Step,
    Text,
    Type,
    conjunction,
    disjunction,
    everything,
    in_force,
    rebuilt,
)
from lawful.mutation.operators import Operator, becomes, changed

_DAY: Final = timedelta(days=1)
_AUTHORS: Final[frozenset[RuleKind]] = frozenset({"requires", "limit", "constraint"})
"""The rules with a `when` of their author's."""
_CHANGEABLE: Final[frozenset[RuleKind]] = frozenset({"requires", "limit", "never_after", "constraint"})
"""The rules whose requirement is an expression of their author's; of the others there is only whether they are."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """The program with one change."""

    name: str
    """What was changed, `constraints.may-hold-service` or `conditions.certified`, with a number: unique."""
    subject: str
    operator: Operator
    place: Place
    words: Text
    program: Program = field(repr=False)
    """Not shown where a mutant is: with its rules written out again for every condition, it takes gigabytes."""
    rules: frozenset[str]
    """The ids of the rules that may come out differently, or be asked in other cases."""
    triggers: frozenset[str] | None
    """The changes whose judging it may touch; None: any."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A change, before it has its number."""

    subject: str
    operator: Operator
    place: Place
    words: Text
    program: Program


def mutants(program: Program) -> Iterator[Mutant]:
    """Every mutant of the program, in file order of what was changed; the same program gives the same ones."""
    numbers: dict[str, int] = {}
    seen: dict[tuple[str, str], list[Program]] = {}
    for each in sorted(_made(program), key=lambda made: (made.place.file, made.place.line)):
        alike = seen.setdefault((each.subject, each.words.best("en")), [])
        if each.program in alike:
            continue
        alike.append(each.program)
        numbers[each.subject] = numbers.get(each.subject, 0) + 1
        rules, triggers = _touched(program, each.program)
        yield Mutant(
            name=f"{each.subject}#{numbers[each.subject]}",
            subject=each.subject,
            operator=each.operator,
            place=each.place,
            words=each.words,
            program=each.program,
            rules=rules,
            triggers=triggers,
        )


def _made(program: Program) -> Iterator[_Made]:
    for condition in program.conditions.values():
        yield from _of_condition(program, condition)
    for rules in _written_once(program):
        yield from _of_rules(program, rules)
    for index, move in enumerate(program.moves):
        yield from _of_effects(program, move, index)
        yield from _of_obligations(program, move, index)
        if move.step is not None:
            yield from _of_transition(program, move, move.step)
    yield from _of_initial_states(program)
    yield from _of_final_states(program)
    yield from _of_periods(program)


def _touched(program: Program, other: Program) -> tuple[frozenset[str], frozenset[str] | None]:
    """Which rules and which changes the difference may touch."""
    conditions = {name for name, each in program.conditions.items() if other.conditions.get(name) != each}
    rules: set[str] = set()
    triggers: set[str] = set()
    everywhere = False
    kept = {id(rule) for rule in program.rules} & {id(rule) for rule in other.rules}
    for rule in (*program.rules, *other.rules):
        if id(rule) not in kept or _uses(program, conditions, rule.when, rule.requires):
            rules.add(rule.id)
            triggers.add(rule.subject)
            everywhere |= rule.scope != "move"
    same = {id(move) for move in program.moves} & {id(move) for move in other.moves}
    for move in (*program.moves, *other.moves):
        if id(move) not in same or _uses(program, conditions, *expressions(move)):
            rules.add(move.id)
            triggers.add(move.trigger)
    return frozenset(rules), None if everywhere else frozenset(triggers)


def expressions(move: Move) -> list[Expr]:
    """All that is evaluated of a move."""
    return [move.applies, *(each.value for each in move.effects), *(each.when for each in move.obligations)]


def _uses(program: Program, conditions: set[str], *exprs: Expr) -> bool:
    return bool(conditions) and any(
        isinstance(node, ConditionOf) and node.name in conditions
        for expr in exprs
        for node in everything(expr, program.conditions)
    )


# ------------------------------------------------------------------------------------------- conditions and rules


def _of_condition(program: Program, condition: Condition) -> Iterator[_Made]:
    for each in changed(condition.holds):
        conditions = {**program.conditions, condition.name: replace(condition, holds=each.expr)}
        other = replace(program, conditions=conditions)
        yield _Made(f"conditions.{condition.name}", each.operator, condition.place, each.words, other)


def _written_once(program: Program) -> Iterator[list[Rule]]:
    """The rules by what is written: those of one id and one period that ask for the same."""
    found: dict[tuple[str, Period, Expr], list[Rule]] = {}
    for rule in program.rules:
        found.setdefault((rule.id, rule.in_force, rule.requires), []).append(rule)
    yield from found.values()


def _of_rules(program: Program, rules: list[Rule]) -> Iterator[_Made]:
    first = rules[0]

    def put(requires: Expr) -> Program:
        return _with_rules(program, {id(rule): replace(rule, requires=requires) for rule in rules})

    if first.requires != TRUE and first.kind != "unlisted":
        yield _Made(first.id, "rule", first.place, _no_longer(first), put(TRUE))
    if first.kind == "unlisted" and not _is_listed(first):
        yield _Made(first.id, "rule", first.place, _no_longer(first), put(TRUE))
    if first.kind in _CHANGEABLE and first.requires != TRUE:
        for each in changed(first.requires):
            yield _Made(first.id, each.operator, first.place, each.words, put(each.expr))
    if first.kind in _AUTHORS:
        yield from _of_when(program, first)
    if first.kind == "group":
        yield from _of_group(program, first)
    if first.kind == "effect":
        yield from _of_bounds(program, first)


def _is_listed(rule: Rule) -> bool:
    """Whether an `unlisted` rule lists dates or transitions, which have mutants of their own."""
    return not (isinstance(rule.requires, Compare) and rule.requires.operator == "==")


def _no_longer(rule: Rule) -> Text:
    return Text(f"the rule `{rule.id}` is dropped", f"去掉规则 `{rule.id}`")


def _with_rules(program: Program, others: dict[int, Rule]) -> Program:
    return replace(program, rules=tuple(others.get(id(rule), rule) for rule in program.rules))


def _of_when(program: Program, rule: Rule) -> Iterator[_Made]:
    """The author's part of when a rule applies: beyond the move's own for a guard."""
    put = _author_when(program, rule)
    if put is None:
        return
    expr, around = put
    text = wording.cel(expr)
    words = Text(f"`when: {text}` is dropped", f"去掉 `when: {text}`")
    yield _Made(
        rule.id, "dropped", rule.place, words, _with_rules(program, {id(rule): replace(rule, when=around(TRUE))})
    )
    for each in changed(expr):
        other = _with_rules(program, {id(rule): replace(rule, when=around(each.expr))})
        yield _Made(rule.id, each.operator, rule.place, each.words, other)


def _author_when(program: Program, rule: Rule) -> tuple[Expr, Callable[[Expr], Expr]] | None:
    if rule.when == TRUE:
        return None
    if rule.scope == "account":
        return rule.when, lambda expr: expr
    if rule.scope != "move" or rule.kind not in ("limit", "requires"):
        return None
    move = _move_of(program, rule)
    applies = move.applies if move is not None else TRUE
    if applies == TRUE:
        return rule.when, lambda expr: expr
    if isinstance(rule.when, And) and len(rule.when.operands) == 2 and rule.when.operands[0] == applies:
        return rule.when.operands[1], lambda expr: conjunction([applies, expr])
    return None


def _move_of(program: Program, rule: Rule) -> Move | None:
    """The move that a rule guards; its versions share the id, so the one whose period holds the rule's."""
    for move in program.moves:
        if (rule.id == move.id or rule.id.startswith(f"{move.id}.")) and move.trigger == rule.subject:
            first = rule.in_force.start or (rule.in_force.until and rule.in_force.until - _DAY)
            if first is None or move.in_force.holds(first):
                return move
    return None


def _of_group(program: Program, rule: Rule) -> Iterator[_Made]:
    """One account more or fewer in a group; and of whom it is."""
    for each in changed(rule.requires):
        if each.operator == "boundary":
            other = _with_rules(program, {id(rule): replace(rule, requires=each.expr)})
            yield _Made(rule.id, "limit", rule.place, each.words, other)
    for group in program.groups:
        if (group.rule, group.in_force) == (rule.id, rule.in_force) and group.when != TRUE:
            for each in changed(group.when):
                when = _replaced(rule.when, in_state(group.when, "after"), in_state(each.expr, "after"))
                when = _replaced(when, in_state(group.when, "before"), in_state(each.expr, "before"))
                other = _with_rules(program, {id(rule): replace(rule, when=when)})
                yield _Made(rule.id, each.operator, rule.place, each.words, other)


def in_state(expr: Expr, state: str) -> Expr:
    """As the compiler has it of the account before or after a change."""

    def there(node: Expr) -> Expr | None:
        match node:
            case Field(owner="account"):
                return replace(node, owner="before" if state == "before" else "after")
            case Field(owner="features"):
                return replace(node, owner="before.features" if state == "before" else "after.features")
            case ConditionOf():
                return ConditionOf(node.name, "before" if state == "before" else "after")
            case AtMost(counted_by=Field(owner="account") as counter):
                return replace(node, counted_by=replace(counter, owner="before" if state == "before" else "after"))
            case _:
                return None

    return rebuilt(expr, there)


def _replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    return rebuilt(expr, lambda node: new if node == old else None)


def _of_bounds(program: Program, rule: Rule) -> Iterator[_Made]:
    """The bounds of a field, as the effects on it are held to them."""
    bounds = rule.requires.operands if isinstance(rule.requires, And) else (rule.requires,)
    for index, bound in enumerate(bounds):
        if not isinstance(bound, Compare):
            continue
        for each in changed(bound.right):
            kept = [*bounds[:index], replace(bound, right=each.expr), *bounds[index + 1 :]]
            words = becomes(
                f"{bound.operator} {wording.cel(bound.right)}", f"{bound.operator} {wording.cel(each.expr)}"
            )
            other = _with_rules(program, {id(rule): replace(rule, requires=conjunction(kept))})
            yield _Made(rule.id, each.operator, rule.place, words, other)


# --------------------------------------------------------------------------------------------------------- moves


def _with_move(program: Program, index: int, move: Move) -> Program:
    moves = (*program.moves[:index], move, *program.moves[index + 1 :])
    return replace(program, moves=moves)


def _of_effects(program: Program, move: Move, index: int) -> Iterator[_Made]:
    for at, effect in enumerate(move.effects):
        rule = _bound_of(program, move, effect)
        place = rule.place if rule is not None else move.place
        subject = f"{move.id}.effects.{effect.field}"
        kept = (*move.effects[:at], *move.effects[at + 1 :])
        other = _with_move(program, index, replace(move, effects=kept))
        if rule is not None:
            other = replace(other, rules=tuple(each for each in other.rules if each is not rule))
        words = Text(f"the effect on `{effect.field}` is dropped", f"去掉对 `{effect.field}` 的影响")
        yield _Made(subject, "effect", place, words, other)
        for each in changed(effect.value):
            effects = (*move.effects[:at], Effect(effect.field, each.expr), *move.effects[at + 1 :])
            other = _with_move(program, index, replace(move, effects=effects))
            if rule is not None:
                other = _with_rules(other, {id(rule): _bounding(rule, effect.value, each.expr)})
            yield _Made(subject, each.operator, place, each.words, other)


def _bound_of(program: Program, move: Move, effect: Effect) -> Rule | None:
    """The rule that an effect's value stays within the bounds of its field."""
    id = f"{move.id}.effects.{effect.field}"
    return next(
        (rule for rule in program.rules if (rule.id, rule.kind, rule.in_force) == (id, "effect", move.in_force)), None
    )


def _bounding(rule: Rule, old: Expr, new: Expr) -> Rule:
    """The rule for another value: its bounds stay, though they may look like the value."""
    parts = rule.requires.operands if isinstance(rule.requires, And) else (rule.requires,)
    bounds = [replace(each, left=new) if isinstance(each, Compare) else each for each in parts]
    return replace(rule, when=_replaced(rule.when, Known(old), Known(new)), requires=conjunction(bounds))


def _of_obligations(program: Program, move: Move, index: int) -> Iterator[_Made]:
    for at, owed in enumerate(move.obligations):
        kept = (*move.obligations[:at], *move.obligations[at + 1 :])
        other = _with_move(program, index, replace(move, obligations=kept))
        words = Text(f"the obligation “{owed.text.best('en')}” is dropped", f"去掉义务“{owed.text.best('zh')}”")
        yield _Made(move.id, "obligation", move.place, words, other)
        for each in changed(owed.when) if owed.when != TRUE else ():
            owes = (*move.obligations[:at], replace(owed, when=each.expr), *move.obligations[at + 1 :])
            other = _with_move(program, index, replace(move, obligations=owes))
            yield _Made(move.id, each.operator, move.place, each.words, other)


def _of_transition(program: Program, move: Move, step: Step) -> Iterator[_Made]:
    """A transition from one state more or fewer, or to one; with one state only, none is the whole transition."""
    domain = program.account[step.field].type.values
    final = program.lifecycles[step.field].final
    for end, held, barred in (("from", step.sources, final), ("to", step.targets, ())):
        for value in domain:
            if value in barred and value not in held:
                continue
            states = tuple(each for each in held if each != value) if value in held else (*held, value)
            sources, targets = (states, step.targets) if end == "from" else (step.sources, states)
            fresh = _pairs(sources, targets) - _pairs(step.sources, step.targets)
            if value not in held and (not fresh or fresh & _taken(program, move)):
                continue  # a state to itself is no transition, and of two for one step the compiler takes neither
            if end == "to" and not states and len(step.sources) == 1:
                continue  # without its only `from` it was dropped already
            other = _with_edges(program, move, Step(step.field, sources, targets))
            if not states:
                words = Text("the transition is dropped", "去掉该变更途径")
            elif value in held:
                words = Text(f"`{end}: {value}` is dropped", f"去掉 `{end}: {value}`")
            else:
                words = Text(f"`{end}` lets in `{value}` as well", f"`{end}` 增加 `{value}`")
            yield _Made(move.id, "transition", move.place, words, other)


def _pairs(sources: tuple[str, ...], targets: tuple[str, ...]) -> set[tuple[str, str]]:
    return {(source, target) for source in sources for target in targets if source != target}


def _taken(program: Program, move: Move) -> set[tuple[str, str]]:
    """The steps that other transitions make on some day on which this one is in force."""
    return {
        pair
        for other in program.moves
        if other.id != move.id and other.trigger == move.trigger and other.step is not None
        if overlaps(other.in_force, move.in_force)
        for pair in _pairs(other.step.sources, other.step.targets)
    }


def _with_edges(program: Program, move: Move, step: Step) -> Program:
    """The program with other ends of a transition: in the move, in what guards it, in what the life cycle lists."""
    old, new = move.applies, _edges(program, step)
    cycle = f"lifecycle.{step.field}.unlisted"
    listed = conjunction([in_force(move.in_force), old])
    relisted = conjunction([in_force(move.in_force), new])

    def guarding(rule: Rule) -> Rule:
        if rule.id == cycle:
            return replace(rule, requires=_relisted(rule.requires, listed, relisted))
        if rule.when != TRUE and f"{rule.id}.".startswith(f"{move.id}.") and _move_of(program, rule) is move:
            return replace(rule, when=_replaced(rule.when, old, new))
        return rule

    moves = tuple(replace(each, applies=new, step=step) if each is move else each for each in program.moves)
    rules = tuple(guarding(rule) for rule in program.rules)
    return _with_guarantees(replace(program, moves=moves, rules=rules), step.field)


def _with_guarantees(program: Program, field: str) -> Program:
    """The limits of a life cycle's transitions, where the life cycle itself lets them happen once or more often."""
    again = _reachable_again([move for move in program.moves if move.step is not None and move.step.field == field])

    def limiting(rule: Rule) -> Rule:
        limit, move = rule.requires, _move_of(program, rule)
        if rule.kind != "limit" or move is None or move.step is None or not isinstance(limit, AtMost):
            return rule
        once = limit.count == Count((move.event,), LIFETIME) and limit.at_most >= 1 and move.id not in again
        return rule if once == limit.guaranteed else replace(rule, requires=replace(limit, guaranteed=once))

    return replace(program, rules=tuple(limiting(rule) for rule in program.rules))


def _reachable_again(moves: list[Move]) -> set[str]:
    """The transitions that leave a state which can be reached from one that they lead to."""
    steps = [(move.id, move.step) for move in moves if move.step is not None]
    again = set()
    for id in {id for id, _ in steps}:
        reached = {target for other, step in steps if other == id for target in step.targets}
        grown = True
        while grown:
            further = {t for _, step in steps if reached & {*step.sources} for t in step.targets}
            grown = not further <= reached
            reached |= further
        if reached & {source for other, step in steps if other == id for source in step.sources}:
            again.add(id)
    return again


def _relisted(requires: Expr, old: Expr, new: Expr) -> Expr:
    """What is listed, with one part replaced."""
    if requires == old:
        return new
    relisted = _replaced(requires, old, new)
    if not isinstance(relisted, Or):
        return relisted
    return disjunction([each for each in relisted.operands if each != FALSE])


def _edges(program: Program, step: Step) -> Expr:
    """As the compiler has it: from one of the states to one of the others."""
    type_ = program.account[step.field].type
    present, asked = Field("account", step.field, type_), Field("change", step.field, type_)
    if not step.sources or not step.targets:
        return FALSE
    moving = [Compare("!=", present, asked)] if set(step.sources) & set(step.targets) else []
    return conjunction([_one_of(present, step.sources, type_), _one_of(asked, step.targets, type_), *moving])


def _one_of(item: Expr, names: tuple[str, ...], type_: Type) -> Expr:
    items = tuple(Constant(name, type_) for name in names)
    return (
        Compare("==", item, items[0]) if len(items) == 1 else Member(item, ListOf(items, Type("list", element=type_)))
    )


def _of_initial_states(program: Program) -> Iterator[_Made]:
    """An account may begin with a value that is not listed, or may not with one that is."""
    for cycle in program.lifecycles.values():
        type_ = program.account[cycle.field].type
        present = Field("account", cycle.field, type_)
        rule = next((each for each in program.rules if each.id == f"lifecycle.{cycle.field}.initial"), None)
        if rule is None:
            continue
        for state in type_.values:
            held = state in cycle.initial
            states = tuple(each for each in cycle.initial if each != state) if held else (*cycle.initial, state)
            if not states:
                continue
            lifecycles = {**program.lifecycles, cycle.field: replace(cycle, initial=states)}
            other = _with_rules(program, {id(rule): replace(rule, requires=_one_of(present, states, type_))})
            words = (
                Text(f"`initial: {state}` is dropped", f"去掉 `initial: {state}`")
                if held
                else Text(f"`initial` lets in `{state}` as well", f"`initial` 增加 `{state}`")
            )
            yield _Made(rule.id, "values", rule.place, words, replace(other, lifecycles=lifecycles))


def _of_final_states(program: Program) -> Iterator[_Made]:
    """A state is final no more: the rule does not hold it, and what is listed may leave it, as from any other."""
    for cycle in program.lifecycles.values():
        type_ = program.account[cycle.field].type
        present = Field("account", cycle.field, type_)
        final = next((each for each in program.rules if each.id == f"lifecycle.{cycle.field}.final"), None)
        if final is None:
            continue
        for state in cycle.final:
            kept = tuple(each for each in cycle.final if each != state)
            old = _one_of(present, cycle.final, type_)
            new = _one_of(present, kept, type_) if kept else FALSE

            def without(rule: Rule, old: Expr = old, new: Expr = new, field: str = cycle.field) -> Rule:
                if rule.id not in (f"lifecycle.{field}.final", f"lifecycle.{field}.unlisted"):
                    return rule
                when = _replaced(rule.when, Not(old), TRUE if new == FALSE else Not(new))
                return replace(rule, when=_tidied(_replaced(when, old, new)))

            lifecycles = {**program.lifecycles, cycle.field: replace(cycle, final=kept)}
            rules = tuple(without(rule) for rule in program.rules if kept or rule is not final)
            words = Text(f"`{state}` is not final", f"`{state}` 不再是终态")
            yield _Made(final.id, "final", final.place, words, replace(program, rules=rules, lifecycles=lifecycles))


def _tidied(expr: Expr) -> Expr:
    return conjunction([*expr.operands]) if isinstance(expr, And) else expr


# ------------------------------------------------------------------------------------------------------- periods


def _of_periods(program: Program) -> Iterator[_Made]:
    """What comes into force or lapses on another day. Where one version follows another, both move."""
    for root, day, place in _edges_of_periods(program):
        for other in (day + _DAY, day - _DAY):
            made = _with_day(program, root, day, other)
            if _has_two_for_one_step(made):
                continue  # the compiler takes neither
            words = Text(
                f"what changes on {day.isoformat()} changes on {other.isoformat()}",
                f"{day.isoformat()} 的变更改在 {other.isoformat()}",
            )
            yield _Made(root, "period", place, words, made)


def _has_two_for_one_step(program: Program) -> bool:
    """Whether two transitions lead the same way on one day."""
    return any(
        _pairs(move.step.sources, move.step.targets) & _taken(program, move)
        for move in program.moves
        if move.step is not None
    )


def _edges_of_periods(program: Program) -> Iterator[tuple[str, date, Place]]:
    found: dict[tuple[str, date], Place] = {}
    written: list[Rule | Move] = [*program.rules, *program.moves]
    for each in written:
        for day in (each.in_force.start, each.in_force.until):
            if day is not None:
                found.setdefault((_root(program, each.id), day), each.place)
    for (root, day), place in found.items():
        yield root, day, place


def _root(program: Program, id: str) -> str:
    """What has the versions: a transition, else a field, feature, action or constraint."""
    parts = id.split(".")
    return ".".join(parts[: 3 if parts[0] == "lifecycle" else 2])


def _with_day(program: Program, root: str, day: date, other: date) -> Program:
    def belongs(id: str) -> bool:
        return id == root or id.startswith(f"{root}.")

    def moved(period: Period) -> Period:
        return Period(other if period.start == day else period.start, other if period.until == day else period.until)

    def touches(id: str, period: Period) -> bool:
        return belongs(id) and day in (period.start, period.until)

    rules = [
        replace(each, in_force=moved(each.in_force)) if touches(each.id, each.in_force) else each
        for each in program.rules
    ]
    moves = [
        replace(each, in_force=moved(each.in_force)) if touches(each.id, each.in_force) else each
        for each in program.moves
    ]
    if root.startswith("lifecycle."):
        cycle = f"{root.rpartition('.')[0]}.unlisted"
        for old, new in zip(program.moves, moves, strict=True):
            if old.in_force != new.in_force:
                was = conjunction([in_force(old.in_force), old.applies])
                now = conjunction([in_force(new.in_force), new.applies])
                rules = [
                    replace(each, requires=_replaced(each.requires, was, now)) if each.id == cycle else each
                    for each in rules
                ]
    else:
        rules = [
            replace(each, requires=_on_another_day(each.requires, day, other))
            if each.id == f"{root}.unlisted"
            else each
            for each in rules
        ]
    account = {
        name: replace(each, fixed=moved(each.fixed)) if each.fixed is not None and root == f"fields.{name}" else each
        for name, each in program.account.items()
    }
    return replace(program, account=account, rules=tuple(rules), moves=tuple(moves))


def _on_another_day(listed: Expr, day: date, other: date) -> Expr:
    """The versions in force, with one of the days on which they come or go moved."""

    def there(node: Expr) -> Expr | None:
        match node:
            case Compare(left=Clock(name="today"), right=Constant(value=value)) if value == day:
                return (
                    replace(node, right=replace(node.right, value=other)) if isinstance(node.right, Constant) else None
                )
            case _:
                return None

    return rebuilt(listed, there)
