"""Whether a request can show a mutant at all: what was changed, evaluated in each state that the policy goes through.

Where everything that was changed comes out as it did, the mutant goes the same way and answers alike. That is seen in
a fraction of the time that it takes to answer, and it is so of most requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final, TypeVar

from lawful.deciding.judging import Judgement, Step
from lawful.deciding.rulebook import facts_read, triggers_of
from lawful.engines.reference import evaluate, outcome
from lawful.engines.situation import Situation
from lawful.ir import AtMost, Condition, Move, Program, Rule, entitlement
from lawful.mutation.mutants import expressions

_COMPARED: Final = ("conditions", "rules", "moves")


class Delta:
    """What a mutant has otherwise than its program."""

    def __init__(self, program: Program, mutant: Program) -> None:
        rules = _pairs(program.rules, mutant.rules)
        moves = _pairs(program.moves, mutant.moves)
        self._rules = rules or []
        self._moves = moves or []
        self._conditions = [
            (one, mutant.conditions[name])
            for name, one in program.conditions.items()
            if mutant.conditions[name] is not one
        ]
        self._mutants_own = mutant.conditions
        self._reads = _read_otherwise(program, mutant) if rules is not None else []
        """What rules of any account read: they are judged only where some of that moves."""
        self._is_plain = (
            rules is not None
            and moves is not None
            and all(_is_alike(*pair) for pair in self._moves)
            and all(
                getattr(program, each.name) is getattr(mutant, each.name)
                for each in fields(Program)
                if each.name not in _COMPARED
            )
        )

    def may_show(self, judgement: Judgement, *, by_missing: bool = False) -> bool:
        """Whether the mutant may answer otherwise than the policy, which judged so.

        `by_missing`: or may call other facts missing, which it cannot where nothing that was changed is unknown.
        """
        return not self._is_plain or any(self._is_seen(step, by_missing=by_missing) for step in judgement.steps)

    def _is_seen(self, step: Step, *, by_missing: bool) -> bool:
        if _loses(step):  # between the state after and the one without what is lost lies one more
            return True
        if any(bool(was & step.moved) != bool(now & step.moved) for was, now in self._reads):
            return True
        triggers = triggers_of(step.asked)
        for situation in (step.before, step.after):
            if any(self._turns(*pair, situation, by_missing=by_missing) for pair in self._conditions):
                return True
            for one, other in self._rules:
                guards = one.scope == "move"
                if guards and (situation is step.after or one.subject not in triggers):
                    continue
                if _comes_out_otherwise(one, other, situation, by_missing=by_missing):
                    return True
        return any(
            evaluate(was, step.before) != evaluate(now, step.before)
            for one, other in self._moves
            if one.trigger in triggers
            for was, now in zip(expressions(one), expressions(other), strict=True)
        )

    def _turns(self, one: Condition, other: Condition, situation: Situation, *, by_missing: bool) -> bool:
        was, now = evaluate(one.holds, situation), evaluate(other.holds, situation.with_conditions(self._mutants_own))
        return was != now or (by_missing and was is None)


Part = TypeVar("Part", Rule, Move)


def _pairs(one: Sequence[Part], other: Sequence[Part]) -> list[tuple[Part, Part]] | None:
    """Those that differ, with what they became; None where they cannot be matched."""
    if len(one) != len(other):
        return None
    pairs = [(was, now) for was, now in zip(one, other, strict=True) if was is not now]
    return pairs if all(_frame(was) == _frame(now) for was, now in pairs) else None


def _read_otherwise(program: Program, mutant: Program) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Of the rules that read other facts in the mutant: which, and which there."""
    same_conditions = program.conditions is mutant.conditions
    found = []
    for one, other in zip(program.rules, mutant.rules, strict=True):
        if one.scope == "move" or (one is other and same_conditions):
            continue
        was = frozenset(facts_read(program, one.when, one.requires))
        now = frozenset(facts_read(mutant, other.when, other.requires))
        if was != now:
            found.append((was, now))
    return found


def _frame(part: Rule | Move) -> object:
    """What says where it stands."""
    if isinstance(part, Move):
        return part.id, part.trigger, part.event
    return part.id, part.kind, part.scope, part.subject, part.severity


def _is_alike(one: Move, other: Move) -> bool:
    """Whether they differ in expressions alone."""
    return (
        (one.in_force, one.step) == (other.in_force, other.step)
        and [each.field for each in one.effects] == [each.field for each in other.effects]
        and [each.text for each in one.obligations] == [each.text for each in other.obligations]
    )


def _comes_out_otherwise(one: Rule, other: Rule, situation: Situation, *, by_missing: bool) -> bool:
    """A limit that refuses may free up at another time; what a feature requires also says whether it is lost."""
    was = outcome(one, situation) if one.in_force.holds(situation.today) else None
    now = outcome(other, situation) if other.in_force.holds(situation.today) else None
    if was != now or (was == "violated" and isinstance(one.requires, AtMost)) or (by_missing and was == "unknown"):
        return True
    return one.scope == "feature" and evaluate(entitlement(one), situation) != evaluate(entitlement(other), situation)


def _loses(step: Step) -> bool:
    """Whether the change took features away while it was judged."""
    had, left = step.before.records["features"], step.after.records["features"]
    return any(left.get(name) is False and on is not False and name != step.asked.name for name, on in had.items())
