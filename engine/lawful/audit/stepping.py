"""A change asked of any account at all: what refuses it and what leaves it open, said of the account as it is.

`deciding.judging` makes the step from one state to the next with the values of one account. Here the step is made with
expressions: every fact of the state after is an expression over the state before, so that whoever evaluates expressions
over a table answers for all of its accounts at once. The tests hold the two to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

from lawful import values
from lawful.deciding.rulebook import Rulebook, facts_read, triggers_of
from lawful.ir import (
    BOOL,
    FALSE,
    INT,
    TRUE,
    And,
    AtMost,
    Call,
    Compare,
    Condition,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    Known,
    Move,
    Not,
    Or,
    Place,
    Program,
    Rule,
    Type,
    Value,
    conjunction,
    disjunction,
    everything,
    negation,
    rebuilt,
    with_known,
)
from lawful.question import Asked

UNKNOWN: Final = Compare("==", Call("/", (Constant(1, INT), Constant(0, INT))), Constant(0, INT))
"""A truth that nobody knows."""
_NOWHERE: Final = Place("", 1, 1)


@dataclass(frozen=True, slots=True)
class Objection:
    """A rule of severity `error` that may keep a change from being allowed."""

    rule: Rule
    refuses: Expr
    """True where the rule refuses the change, unknown where it leaves it open, false where it does neither."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change: denied where an objection is true, else undetermined where one is unknown, else allowed."""

    asked: Asked
    objections: tuple[Objection, ...]
    """In the order of a decision. What can neither refuse nor leave open is not there."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Changes, each asked of the account as it is: none follows another."""

    program: Program
    """With the conditions that the objections name beside the policy's own."""
    steps: tuple[Step, ...]

    def counts(self) -> frozenset[Count]:
        """What of the history the objections read."""
        nodes = (
            node
            for step in self.steps
            for each in step.objections
            for node in everything(each.refuses, self.program.conditions)
        )
        return frozenset(node for node in nodes if isinstance(node, Count))


def steps(
    program: Program,
    changes: Iterable[Asked],
    today: date,
    *,
    absent: frozenset[str] = frozenset(),
    has_history: bool = True,
) -> Steps:
    """What each change comes to on a day; a `set` is of one field. What is asked twice is answered once.

    `absent` are facts (`account.f`, `features.f`) of which nothing is known, not even whether anybody knows them: `has`
    of such a fact is unknown, where it would be false of one that is merely unknown.

    An account that is being registered has no features, whatever those of the account it is asked of, and without a
    history nothing has happened to it.
    """
    program = _blurred(program, absent) if absent else program
    book = Rulebook(program)
    conditions = dict(program.conditions)
    made = []
    for number, asked in enumerate({told(each): each for each in changes}.values(), 1):
        step = _Stepping(program, book, asked, today, number, has_history=has_history)
        made.append(Step(asked, step.objections()))
        conditions.update(step.conditions)
    return Steps(replace(program, conditions=conditions), tuple(made))


def told(asked: Asked) -> str:
    """The change as it is asked for: `enable wechat_pay`, `set type=service`.

    >>> told(Asked("set", "", {"type": "service"}))
    'set type=service'
    """
    pairs = [f"{name}={_plain(value)}" for name, value in asked.values.items()]
    return " ".join(each for each in (asked.kind, asked.name, *pairs) if each)


def _plain(value: Value) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else values.written(value, zone=None)


def _blurred(program: Program, absent: frozenset[str]) -> Program:
    """The program in which `has` of what reads an absent fact is true or unknown, never false."""

    def blurred(expr: Expr) -> Expr:
        return rebuilt(expr, lambda node: blurred_known(node) if isinstance(node, Known) else None)

    def blurred_known(node: Known) -> Expr:
        known = Known(blurred(node.operand))
        return Or((known, UNKNOWN)) if facts_read(program, node.operand) & absent else known

    def rule(each: Rule) -> Rule:
        return replace(each, when=blurred(each.when), requires=blurred(each.requires))

    def move(each: Move) -> Move:
        effects = tuple(replace(effect, value=blurred(effect.value)) for effect in each.effects)
        return replace(each, applies=blurred(each.applies), effects=effects)

    return replace(
        program,
        conditions={name: replace(each, holds=blurred(each.holds)) for name, each in program.conditions.items()},
        rules=tuple(rule(each) for each in program.rules),
        moves=tuple(move(each) for each in program.moves),
    )


class _Stepping:
    """One change on a day, judged as `Judge` judges it: see there for why."""

    def __init__(
        self, program: Program, book: Rulebook, asked: Asked, today: date, number: int, *, has_history: bool
    ) -> None:
        self.conditions: dict[str, Condition] = {}
        """Those made here."""
        self._program = program
        self._book = book
        self._asked = asked
        self._today = today
        self._number = number
        self._registers = asked.kind == "register"
        self.has_no_past = self._registers and not has_history
        (self._trigger,) = triggers_of(asked)
        enabled: dict[str, Expr] = {f"features.{name}": FALSE for name in program.features} if self._registers else {}
        self._before = _State(self, "before", enabled)
        self._clashes: dict[str, Expr] = {}
        """The rules of effects that may give a field a second value, and whether they do; never unknown."""
        self._moved: dict[str, Expr] = {}
        """The facts that may differ afterwards, and whether they do; never unknown."""
        self._after = self._state_after()

    def objections(self) -> tuple[Objection, ...]:
        found = [(rule, self._guarded(rule)) for rule in self._book.guards(self._trigger, self._today)]
        if self._registers:
            self._moved = dict.fromkeys(self._book.everything, TRUE)
        else:
            self._lose()
        found += [(rule, self._constrained(rule)) for rule in self._constraints()]
        return tuple(
            Objection(rule, refuses) for rule, refuses in found if rule.severity == "error" and refuses != FALSE
        )

    # ------------------------------------------------------------------------------------------------- the step

    def _state_after(self) -> _State:
        facts = dict(self._before.facts)
        for name, writing in self._writing().items():
            fact = f"account.{name}"
            facts[fact], self._moved[fact] = self._written(name, writing)
        if self._asked.kind in ("enable", "disable"):
            fact, enables = f"features.{self._asked.name}", self._asked.kind == "enable"
            had = Field("features", self._asked.name, BOOL)
            facts[fact] = TRUE if enables else FALSE
            self._moved[fact] = Not(is_true(had) if enables else is_false(had))
        return _State(self, "after", facts, self._before)

    def _writing(self) -> dict[str, list[tuple[str, Expr, Expr]]]:
        """For each field that the change may write: the rules of the effects, whether they take place, the values."""
        writing: dict[str, list[tuple[str, Expr, Expr]]] = {name: [] for name in self._asked.values}
        for move in self._book.moves(self._trigger, self._today):
            applies = self._before.said(move.applies)
            if applies == FALSE:
                continue
            for effect in move.effects:
                rule = f"{move.id}.effects.{effect.field}"
                writing.setdefault(effect.field, []).append((rule, applies, self._before.said(effect.value)))
        return writing

    def _written(self, name: str, writing: list[tuple[str, Expr, Expr]]) -> tuple[Expr, Expr]:
        """The field's value afterwards, and whether it moves."""
        type = self._program.account[name].type
        present: Expr = Field("account", name, type)
        is_asked = name in self._asked.values
        after: Expr = Constant(self._asked.values[name], type) if is_asked else present
        is_written: Expr = TRUE if is_asked else FALSE
        for rule, applies, value in writing:
            takes_place = negated(is_false(applies))
            # whether the move takes place is not known, so neither is what it leaves
            settled = any_of([applies, Compare("==", value, present)])
            new = value if settled == TRUE else Conditional(settled, value, value)
            if is_written != FALSE:
                self._clashes[rule] = all_of([takes_place, is_written, negated(_same(after, new))])
            after = new if takes_place == TRUE else Conditional(takes_place, new, after)
            is_written = any_of([is_written, takes_place])
        # what is left unknown may have moved
        return after, all_of([is_written, negated(is_true(_equal(after, present)))])

    def _lose(self) -> None:
        """Take the lost features from the state after, as far as constraints read them."""
        watched = self._book.entitlements.watched
        if not watched or not self._moved:
            return
        lost: dict[str, Expr] = {}
        for name in self._needed_first():
            if self._disables(name):
                continue
            had = negated(is_false(Field("features", name, BOOL)))
            gone = all_of([had, any_of([self._loses(name), self._in_need(name, lost)])])
            if gone != FALSE:
                lost[name] = self.named(f"loses {name}", gone)
        facts = dict(self._after.facts)
        for name, is_lost in lost.items():
            fact = f"features.{name}"
            facts[fact] = all_of([negated(is_lost), self._after.fact("features", name, BOOL)])
            self._moved[fact] = any_of([self._moved.get(fact, FALSE), is_lost])
        if lost:
            self._after = _State(self, "after all", facts, self._before)

    def _loses(self, name: str) -> Expr:
        """Whether the account was entitled to the feature and surely is not any more."""
        required = self._book.entitlements.required(name, self._today)
        before = all_of([self._before.said(each) for each in required])
        after = all_of([self._after.said(each) for each in required])
        return all_of([self._moves(self._book.entitlements.reads[name]), is_true(before), is_false(after)])

    def _in_need(self, name: str, lost: Mapping[str, Expr]) -> Expr:
        """Whether a feature that this one needs is lost, or is the one that is disabled."""
        needed = sorted(self._book.entitlements.needs_on(self._today).get(name, ()))
        disabled = any_of(self._moved.values())
        return any_of([disabled if self._disables(each) else lost.get(each, FALSE) for each in needed])

    def _disables(self, feature: str) -> bool:
        return self._asked.kind == "disable" and self._asked.name == feature

    def _needed_first(self) -> list[str]:
        """The features that constraints watch, each after those it needs: they need each other in no circle."""
        needs = self._book.entitlements.needs_on(self._today)
        watched = self._book.entitlements.watched
        ordered: dict[str, None] = {}
        pending = [name for name in reversed(list(self._program.features)) if name in watched]
        while pending:
            waiting = [each for each in needs.get(pending[-1], ()) if each not in ordered]
            if waiting:
                pending.extend(waiting)
            else:
                ordered[pending.pop()] = None
        return list(ordered)

    # ------------------------------------------------------------------------------------------------ the rules

    def _guarded(self, rule: Rule) -> Expr:
        clash = self._clashes.get(rule.id, FALSE) if rule.kind == "effect" else FALSE
        return any_of([clash, self._before.violated(rule)])

    def _constraints(self) -> list[Rule]:
        """Those that may read what moves, in the order in which `Judge` comes to them."""
        reading = self._book.constraints_reading
        found = reading(self._book.may_move(self._trigger), self._today)
        known = {id(rule) for rule in found}
        by_features = reading(self._book.may_move("features"), self._today)
        return found + [rule for rule in by_features if id(rule) not in known]

    def _constrained(self, rule: Rule) -> Expr:
        """A constraint that reads nothing that moved cannot refuse; one that was violated before is standing."""
        moves = self._moves(self._book.reads[id(rule)])
        if moves == FALSE:
            return FALSE
        broken = self._after.violated(rule)
        if rule.scope != "account" or self._registers:
            return all_of([moves, broken])
        was = self._before.violated(rule)
        refuses = broken if FALSE in (broken, was) else Conditional(broken, negated(was), FALSE)
        return all_of([moves, refuses])

    def _moves(self, facts: Iterable[str]) -> Expr:
        """Whether one of these facts moves."""
        return any_of([self._moved[fact] for fact in sorted(facts) if fact in self._moved])

    # ------------------------------------------------------------------------------------------------ the states

    def named(self, name: str, expr: Expr) -> Expr:
        """The expression under a name, so that it is computed once; as it is where that is nothing to compute."""
        if isinstance(expr, (Constant, Field, ConditionOf)):
            return expr
        name = f"{name}, change {self._number}"  # no condition of a policy is called so
        self.conditions[name] = Condition(name, expr, None, None, None, _NOWHERE)
        return ConditionOf(name)

    def rereads(self, condition: ConditionOf, facts: Mapping[str, Expr]) -> bool:
        """Whether a condition reads one of these facts or, of an account without a past, counts."""
        if facts and not facts_read(self._program, condition).isdisjoint(facts):
            return True
        return self.has_no_past and any(
            isinstance(node, (Count, AtMost)) for node in everything(condition, self._program.conditions)
        )

    @cached_property
    def changed(self) -> dict[str, Expr]:
        """What the change asks for."""
        asked = {name: Constant(each, self._program.account[name].type) for name, each in self._asked.values.items()}
        return {**asked, "register": TRUE if self._registers else FALSE}

    @property
    def holds(self) -> Mapping[str, Condition]:
        return self._program.conditions


class _State:
    """A state of the account: what is said of it, said of the account as it is."""

    def __init__(self, step: _Stepping, name: str, facts: dict[str, Expr], before: _State | None = None) -> None:
        self.facts = facts
        """The facts, `account.f` and `features.f`, that are not what they are in the table."""
        self._step = step
        self._name = name
        self._before = before if before is not None else self
        self._conditions: dict[str, Expr] = {}

    def said(self, expr: Expr) -> Expr:
        """The expression over the account as it is; what can be decided without it is."""
        # folds what has become constant; `register` is in the expression no more
        return with_known(rebuilt(expr, self._node), Field("change", "register", BOOL), value=False)

    def violated(self, rule: Rule) -> Expr:
        return violated(self.said(rule.when), self.said(rule.requires))

    def fact(self, owner: str, name: str, type: Type) -> Expr:
        fact = f"{owner}.{name}"
        if fact in self.facts:
            return self.facts[fact]
        return Field("features" if owner == "features" else "account", name, type)

    def _node(self, node: Expr) -> Expr | None:
        match node:
            case Field():
                return self._field(node)
            case ConditionOf():
                return (self._before if node.state == "before" else self)._condition(node)
            case AtMost():
                return self._limit(node)
            case Count() if self._step.has_no_past:
                return Constant(0, INT)
            case Known():
                return known(rebuilt(node.operand, self._node))
            case _:
                return None

    def _field(self, field: Field) -> Expr:
        match field.owner:
            case "account" | "after":
                return self.fact("account", field.name, field.type)
            case "features" | "after.features":
                return self.fact("features", field.name, field.type)
            case "before":
                return self._before.fact("account", field.name, field.type)
            case "before.features":
                return self._before.fact("features", field.name, field.type)
            case "change":
                return self._step.changed.get(field.name, field)
            case "request":
                return field

    def _condition(self, condition: ConditionOf) -> Expr:
        name = condition.name
        if name not in self._conditions:
            is_other = self._step.rereads(condition, self.facts)
            self._conditions[name] = (
                self._step.named(f"{name} {self._name}", self.said(self._step.holds[name].holds))
                if is_other
                else ConditionOf(name)
            )
        return self._conditions[name]

    def _limit(self, limit: AtMost) -> Expr:
        """Where the field that counts is not what it is in the table, its number and the events' are limited apart."""
        field = limit.counted_by
        held = None if field is None else self._field(field)
        if held == field and not self._step.has_no_past:
            return limit
        counted = self._events_limited(replace(limit, counted_by=None))
        if held is None:
            return counted
        # the larger counts, and a number that is known is as good as a whole history
        enough = self._events_limited(replace(limit, counted_by=None, guaranteed=True))
        number = Compare("<=", held, Constant(limit.at_most - limit.own, INT))
        return Conditional(known(held), all_of([number, enough]), counted)

    def _events_limited(self, limit: AtMost) -> Expr:
        if self._step.has_no_past:
            return TRUE if limit.own <= limit.at_most else FALSE
        return limit


# ------------------------------------------------------------------------------------------------------------ truth


def all_of(parts: Iterable[Expr]) -> Expr:
    """*And*, decided where it can be."""
    kept = list(parts)
    return FALSE if FALSE in kept else conjunction(kept)


def any_of(parts: Iterable[Expr]) -> Expr:
    """*Or*, likewise."""
    return disjunction([part for part in parts if part != FALSE])


def violated(when: Expr, requires: Expr) -> Expr:
    """Of a rule: true where it is violated, false where it is satisfied."""
    return all_of([when, negated(requires)])


def negated(expr: Expr) -> Expr:
    if expr in (TRUE, FALSE):
        return FALSE if expr == TRUE else TRUE
    return negation(expr)


def known(expr: Expr) -> Expr:
    return TRUE if isinstance(expr, Constant) else Known(expr)


def is_true(expr: Expr) -> Expr:
    """Whether it is known to be true; never unknown."""
    return expr if _is_certain(expr) else And((Known(expr), expr))


def is_false(expr: Expr) -> Expr:
    """Whether it is known to be false; never unknown."""
    return negated(expr) if _is_certain(expr) else And((Known(expr), negated(expr)))


def _is_certain(expr: Expr) -> bool:
    """Whether it is plain to see that a truth is never unknown."""
    match expr:
        case Constant() | Known():
            return True
        case And() if len(expr.operands) == 2 and isinstance(expr.operands[0], Known):
            return expr.operands[1] in (expr.operands[0].operand, negated(expr.operands[0].operand))
        case And() | Or():
            return all(_is_certain(each) for each in expr.operands)
        case Not():
            return _is_certain(expr.operand)
        case _:
            return False


def _equal(left: Expr, right: Expr) -> Expr:
    return TRUE if left == right and isinstance(left, Constant) else Compare("==", left, right)


def _same(left: Expr, right: Expr) -> Expr:
    """Whether two values are the same, where unknown is a value like any other; never unknown."""
    neither = all_of([negated(known(left)), negated(known(right))])
    return any_of([is_true(_equal(left, right)), neither])
