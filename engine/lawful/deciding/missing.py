"""Which facts would settle an undetermined verdict: the smallest sets, whatever the facts turn out to be.

Each comparison whose facts are in the set is taken to be free, true or false: so a set may be larger than need be,
where two comparisons are tied to one another, but never too small.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Final, TypeAlias

from lawful.deciding.judging import Judged, Judgement
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation, held_number
from lawful.ir import (
    And,
    AtMost,
    Conditional,
    ConditionOf,
    Count,
    Expr,
    Field,
    Known,
    Not,
    Or,
    Quantifier,
    Variable,
    children,
    everything,
    type_of,
    walk,
)

MOST_SETS: Final = 8
_MOST_WORK: Final = 200_000
"""Formulas evaluated for one answer, a quarter of a second; past it only the set of all unknown facts is told."""
_MOST_FREE: Final = 14
"""Comparisons that are tried both ways."""

Facts: TypeAlias = frozenset[str]
Formula: TypeAlias = "bool | _Leaf | _Presence | _Junction | _Choice"


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    """A comparison that is unknown, or that would change if an absent fact were there."""

    settled_by: tuple[Facts, ...]
    """The sets of facts each of which would make it known."""
    now: bool | None = None
    hangs_on: Facts = frozenset()
    """It is `now` as long as none of these is given."""


@dataclass(frozen=True, slots=True, eq=False)
class _Presence:
    """`has` of something absent: true once these facts are given."""

    facts: Facts


@dataclass(frozen=True, slots=True, eq=False)
class _Junction:
    """*And* (`all_of`) or *or* of some parts, negated where `negated`."""

    parts: tuple[Formula, ...]
    all_of: bool
    negated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    test: Formula
    then: Formula
    otherwise: Formula


@dataclass(frozen=True, slots=True)
class _Open:
    """A rule that is still open: in the state it is judged in and, for a constraint, in the one before."""

    when: Formula
    requires: Formula
    when_before: Formula = False
    requires_before: Formula = True


@dataclass(slots=True)
class _Reads:
    """What an open rule depends on, and what it came to so far: most sets of facts leave most rules as they were."""

    rule: _Open
    leaves: tuple[_Leaf, ...]
    present: Facts
    outcomes: dict[object, bool | None] = field(default_factory=dict)

    @classmethod
    def of(cls, rule: _Open) -> _Reads:
        leaves: dict[_Leaf, None] = {}
        present: Facts = frozenset()
        seen: set[int] = set()
        pending: list[Formula] = [rule.when, rule.requires, rule.when_before, rule.requires_before]
        while pending:
            formula = pending.pop()
            if id(formula) in seen:
                continue
            seen.add(id(formula))
            match formula:
                case _Leaf():
                    leaves[formula] = None
                case _Presence():
                    present |= formula.facts
                case _Junction():
                    pending += formula.parts
                case _Choice():
                    pending += [formula.test, formula.then, formula.otherwise]
                case bool():
                    pass
        return cls(rule, tuple(leaves), present)


@dataclass(slots=True)
class _Search:
    """Tries sets of facts on the open rules."""

    rules: list[_Reads]
    leaves: list[_Leaf]
    work: int = 0

    def settles(self, facts: Facts) -> bool:
        """Whether no values of those facts leave the verdict undetermined."""
        free: list[_Leaf] = []
        values: dict[_Leaf, bool | None] = {}
        for leaf in self.leaves:
            if leaf.now is not None and not leaf.hangs_on & facts:
                values[leaf] = leaf.now
            elif any(each <= facts for each in leaf.settled_by):
                free.append(leaf)
        return not self._can_stay_open(free, facts, values)

    def _can_stay_open(self, free: list[_Leaf], facts: Facts, known: dict[_Leaf, bool | None]) -> bool:
        """Whether some values of the free comparisons leave the verdict open; it is taken to be so past the work."""
        if len(free) > _MOST_FREE:
            return True
        for values in product((True, False), repeat=len(free)):
            if self._is_open(_Chosen(facts, {**known, **dict(zip(free, values, strict=True))})):
                return True
        return False

    def _is_open(self, chosen: _Chosen) -> bool:
        """Whether no rule is violated, and one is unknown."""
        is_open = False
        for reads in self.rules:
            key = (*map(chosen.values.get, reads.leaves), reads.present & chosen.facts)
            if key not in reads.outcomes:
                reads.outcomes[key] = _outcome(reads.rule, chosen)
            self.work += 1
            if reads.outcomes[key] is False:
                return False
            is_open = is_open or reads.outcomes[key] is None
        self.work += len(chosen.memo)
        return is_open or self.work > _MOST_WORK


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The facts taken to be given, and a value for each comparison that is then known."""

    facts: Facts
    values: dict[_Leaf, bool | None]
    memo: dict[int, bool | None] = field(default_factory=dict)
    """The values of the formulas met so far: a condition may stand in many."""


class Searching:
    """Sets of facts for one judgement: `universe` are all that might help, `account.f`, `request.f`, `history`."""

    def __init__(self, judgement: Judgement) -> None:
        reading = _Reading(judgement)
        self._search = _Search([_Reads.of(each) for each in reading.open_rules()], reading.leaves)
        self._can_be_settled = all(leaf.settled_by for leaf in reading.leaves)
        self.universe = sorted({fact for leaf in reading.leaves for each in leaf.settled_by for fact in each})

    def settles(self, facts: Iterable[str]) -> bool:
        """Whether those facts surely settle the verdict, whatever they are."""
        return self._search.settles(frozenset(facts))

    @property
    def is_spent(self) -> bool:
        """Whether no more work may be done."""
        return self._search.work > _MOST_WORK

    def everything(self) -> tuple[str, ...]:
        """All facts there are, where they would settle it; else nothing."""
        return tuple(self.universe) if self._can_be_settled else ()


class _Reading:
    """Turns the open rules of a judgement into formulas over what is unknown."""

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.leaves: list[_Leaf] = []
        self._known: dict[tuple[int, Expr], _Leaf] = {}
        self._states: dict[int, Situation] = {}
        self._conditions: dict[tuple[int, str, str], Formula] = {}
        self._facts: dict[tuple[int, str, str], Facts] = {}

    def open_rules(self) -> list[_Open]:
        """Those that are unknown, and those that a fact could open again by its mere presence."""
        return [
            self._open(each)
            for step in self.judgement.steps
            for each in step.judged
            if each.leaves_open or (each.rule.severity == "error" and self._can_reopen(each))
        ]

    def _can_reopen(self, judged: Judged) -> bool:
        return any(self._hangs_on(expr, judged.situation) for expr in (judged.rule.when, judged.rule.requires))

    def _hangs_on(self, expr: Expr, situation: Situation) -> Facts:
        """The absent facts whose presence the expression asks for, itself or by a condition."""
        found: Facts = frozenset()
        for node in everything(expr, situation.conditions):
            if isinstance(node, Known) and evaluate_closed(node, situation) is False:
                found |= self._unknown(node.operand, situation)
        return found

    def _open(self, judged: Judged) -> _Open:
        rule = judged.rule
        when, requires = self.formula(rule.when, judged.situation), self.formula(rule.requires, judged.situation)
        if judged.before is None:
            return _Open(when, requires)
        before = judged.before
        return _Open(when, requires, self.formula(rule.when, before), self.formula(rule.requires, before))

    def formula(self, expr: Expr, situation: Situation) -> Formula:
        value = evaluate(expr, situation)
        if isinstance(value, bool) and not self._hangs_on(expr, situation):
            return value
        match expr:
            case Known():
                return _Presence(self._unknown(expr.operand, situation))
            case And() | Or():
                return _joined([self.formula(each, situation) for each in expr.operands], isinstance(expr, And))
            case Not():
                return _Junction((self.formula(expr.operand, situation),), all_of=True, negated=True)
            case ConditionOf():
                return self._condition(expr, situation)
            case Conditional() if type_of(expr).kind == "bool":
                return _Choice(*(self.formula(each, situation) for each in (expr.test, expr.then, expr.otherwise)))
            case _:
                return self._leaf(expr, situation)

    def _condition(self, expr: ConditionOf, situation: Situation) -> Formula:
        key = (id(situation), expr.state, expr.name)
        if key not in self._conditions:
            where = situation if expr.state == "account" else situation.seen_from(expr.state)
            self._states[id(where)] = where  # kept, so that no other takes its identity
            self._conditions[key] = self.formula(situation.conditions[expr.name].holds, where)
        return self._conditions[key]

    def _leaf(self, expr: Expr, situation: Situation) -> _Leaf:
        key = (id(situation), expr)
        if key not in self._known:
            now = evaluate(expr, situation)
            hangs_on = self._hangs_on(expr, situation)
            settled_by = self._settling(expr, situation) or ((hangs_on,) if hangs_on else ())
            leaf = _Leaf(settled_by, now if isinstance(now, bool) else None, hangs_on)
            self._known[key] = leaf
            self.leaves.append(leaf)
        return self._known[key]

    def _settling(self, expr: Expr, situation: Situation) -> tuple[Facts, ...]:
        if isinstance(expr, AtMost):
            return self._settling_a_limit(expr, situation)
        facts = self._unknown(expr, situation)
        return (facts,) if facts else ()  # unknown though every fact is known: it failed, and nothing would help

    def _settling_a_limit(self, limit: AtMost, situation: Situation) -> tuple[Facts, ...]:
        """The history, or the field that counts: either would do."""
        ways = [frozenset({"history"})]
        if limit.counted_by is not None and held_number(limit, situation) is None:
            ways.append(self._unknown(limit.counted_by, situation))
        return tuple(ways)

    def _unknown(self, expr: Expr, situation: Situation) -> Facts:
        """The facts without which the expression is not known."""
        match expr:
            case Field():
                return self._origin(expr, situation) if evaluate(expr, situation) is None else frozenset()
            case Count():
                return frozenset({"history"}) if evaluate(expr, situation) is None else frozenset()
            case Known():
                return self._unknown(expr.operand, situation)
            case ConditionOf():
                return self._unknown_in_condition(expr, situation)
            case AtMost():
                return frozenset({"history"}) if evaluate(expr, situation) is None else frozenset()
            case Quantifier():
                return self._unknown(expr.collection, situation) | self._fields_of(expr.body, situation)
            case _:
                return frozenset().union(*(self._unknown(each, situation) for each in children(expr)))

    def _unknown_in_condition(self, expr: ConditionOf, situation: Situation) -> Facts:
        key = (id(situation), expr.state, expr.name)
        if key not in self._facts:
            where = situation if expr.state == "account" else situation.seen_from(expr.state)
            self._states[id(where)] = where
            self._facts[key] = self._unknown(situation.conditions[expr.name].holds, where)
        return self._facts[key]

    def _fields_of(self, body: Expr, situation: Situation) -> Facts:
        """Of a quantifier's body, whose variable has no value here: every unknown field in it."""
        if isinstance(body, (Field, Count, ConditionOf)):
            return self._unknown(body, situation)
        return frozenset().union(*(self._fields_of(each, situation) for each in children(body)))

    def _origin(self, fact: Field, situation: Situation) -> Facts:
        """The facts of the request behind an unknown one; of what a change left unknown, what it was made of."""
        if fact.owner == "request":
            return frozenset({f"request.{fact.name}"})
        if fact.owner.endswith("features"):
            return frozenset({"account.features"})
        if fact.owner == "change":
            return frozenset()
        if fact.owner != "before":
            record = situation.records["after" if fact.owner == "after" else "account"]
            for index, step in enumerate(self.judgement.steps):
                if record is step.after.records["account"]:
                    return self._moved(fact.name, index)
        return frozenset({f"account.{fact.name}"})

    def _moved(self, name: str, index: int) -> Facts:
        """What a field that is unknown after a step was made of, in that step or in the last that moved it."""
        for step in reversed(self.judgement.steps[: index + 1]):
            found: Facts = frozenset()
            moved = False
            for move, applies in step.moves:
                if applies is not False and any(effect.field == name for effect in move.effects):
                    moved = True
                    values = [effect.value for effect in move.effects if effect.field == name]
                    for expr in (*values, *([move.applies] if applies is None else [])):
                        found |= self._unknown(expr, step.before)
            if moved:
                return found
        return frozenset({f"account.{name}"})


def _joined(parts: list[Formula], all_of: bool) -> Formula:
    """Without the parts that are known already: one that decides stands for all."""
    if (not all_of) in parts:
        return not all_of
    return _Junction(tuple(each for each in parts if not isinstance(each, bool)), all_of)


def evaluate_closed(expr: Known, situation: Situation) -> bool:
    """Whether it is known; inside a quantifier, whose variable has no value here, taken not to be."""
    if any(isinstance(node, Variable) for node in walk(expr)):
        return False
    return evaluate(expr, situation) is True


def _outcome(rule: _Open, chosen: _Chosen) -> bool | None:
    """Whether the rule is satisfied, with those leaves chosen; a violation from before is no violation."""
    now = _implied(rule.when, rule.requires, chosen)
    if now is not False:
        return now
    before = _implied(rule.when_before, rule.requires_before, chosen)
    return {True: False, False: True, None: None}[before]


def _implied(when: Formula, requires: Formula, chosen: _Chosen) -> bool | None:
    applies = _value(when, chosen)
    if applies is False:
        return True
    holds = _value(requires, chosen)
    if holds is True:
        return True
    return False if applies is True and holds is False else None


def _value(formula: Formula, chosen: _Chosen) -> bool | None:
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, _Leaf):
        return chosen.values.get(formula)
    key = id(formula)
    if key not in chosen.memo:
        chosen.memo[key] = _value_of_parts(formula, chosen)
    return chosen.memo[key]


def _value_of_parts(formula: _Presence | _Junction | _Choice, chosen: _Chosen) -> bool | None:
    match formula:
        case _Presence():
            return formula.facts <= chosen.facts
        case _Choice():
            test = _value(formula.test, chosen)
            return None if test is None else _value(formula.then if test else formula.otherwise, chosen)
        case _Junction():
            value: bool | None = formula.all_of
            for part in formula.parts:
                found = _value(part, chosen)
                if found is None:
                    value = None
                elif found is not formula.all_of:
                    value = found
                    break
            return value if value is None or not formula.negated else not value
