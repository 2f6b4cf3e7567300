"""The proofs are held to enumeration: of random small policies every state and move is looked at, by the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from enumerated import Whole, small, tied, warned
from lawful.deciding.judging import Step
from lawful.deciding.rulebook import triggers_of
from lawful.engines.reference import evaluate, outcome
from lawful.ir import FALSE, AtMost, Rule
from lawful.proofs.answers import Answer
from lawful.proofs.asking import event_of, limits_of_once, limits_of_once_where, written_rules
from lawful.proofs.property import at_most, of_invariant, stays
from lawful.question import Asked

SHARDS = 10
SEEDS = 52
"""Of each shard: 520 policies, of which few make no sense."""
LIMIT = 60.0
TRAPS = 20
"""Of each shard: policies in which accounts are trapped now and then."""
TIED = 30
"""Of each shard: policies in which a type and a field are often only set together."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_an_answer_is_what_enumeration_finds(shard: int) -> None:
    told: Counter[str] = Counter()
    for seed in range(shard * SEEDS, (shard + 1) * SEEDS):
        policy = small(seed)
        if policy is None:
            continue
        told["policies"] += 1
        whole = Whole(policy)
        truth = Truth(whole)
        asked = () if seed % 5 == 0 else ("invariant", "final", "once", "dead")
        for answer in policy.prove(*asked, timeout=LIMIT).answers:
            told[answer.status] += 1
            if answer.status != "unsettled":
                expected = truth.of(answer)
                assert expected in (answer.status, None), (seed, answer.question.id, answer.told.en)
    assert told["policies"] >= 50
    assert told["proved"] > 20 * told["unsettled"]
    assert told["refuted"] > 0


def test_guards_and_constraints_exclude_each_other_where_enumeration_says_so() -> None:
    told: Counter[str] = Counter()
    for seed in range(80):
        policy = small(seed, at_odds=True)
        if policy is None:
            continue
        truth = Truth(Whole(policy, explored=False))
        for answer in policy.prove("conflict", timeout=LIMIT).answers:
            assert answer.status == truth.of(answer), (seed, answer.question.id, answer.told.en)
            told["across" if " apply to `" in answer.told.en else answer.status] += 1
    assert told["across"] >= 20
    assert told["proved"] >= 100


@pytest.mark.parametrize("shard", range(4))
def test_an_account_is_trapped_where_enumeration_finds_one(shard: int) -> None:
    told: Counter[str] = Counter()
    for seed in range(shard * TRAPS, (shard + 1) * TRAPS):
        policy = warned(seed)
        if policy is None:
            continue
        trapped = Whole(policy).trapped()
        for answer in policy.prove("trap", timeout=LIMIT).answers:
            told[answer.status] += 1
            expected = _told(answer.question.subject not in trapped)
            assert answer.status in (expected, "unsettled"), (seed, answer.question.id, answer.told.en)
            assert answer.status != "refuted" or answer.witness is not None
    assert told["refuted"] >= 2
    assert told["proved"] + told["refuted"] > 20 * told["unsettled"]


@pytest.mark.parametrize("shard", range(2))
def test_what_is_only_set_together_is_settled(shard: int) -> None:
    told: Counter[str] = Counter()
    for seed in range(shard * TIED, (shard + 1) * TIED):
        policy = tied(seed)
        if policy is None:
            continue
        truth = Truth(Whole(policy))
        for answer in policy.prove("unusable", "stuck", "trap", timeout=LIMIT).answers:
            settled = (truth.of(answer), "unsettled") if answer.question.kind == "trap" else (truth.of(answer),)
            assert answer.status in settled, (seed, answer.question.id, answer.told.en)
            happenings = answer.witness.happenings if answer.witness is not None else ()
            together = any(len(_set(each.request)) > 1 for each in happenings)
            told["together" if together else answer.status] += 1
    assert told["together"] >= 4
    assert told["proved"] >= 100
    assert told["refuted"] >= 100
    assert told["proved"] + told["refuted"] > 20 * told["unsettled"]


def _set(request: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a request sets."""
    return {} if request is None else request.get("change", {}).get("set", {})


class Truth:
    """What enumeration says of each question; None where it does not say."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.program = whole.program
        self._outcomes: dict[int, list[tuple[object, str, bool]]] = {}
        self._steps: dict[str, list[Step]] = {}

    def of(self, answer: Answer) -> str | None:
        question, program, whole = answer.question, self.program, self.whole
        match question.kind:
            case "invariant":
                (invariant,) = [each for each in program.invariants if each.id == question.subject]
                return _told(not whole.breaks(of_invariant(invariant)))
            case "final":
                claim = stays(program.account[question.subject], program.lifecycles[question.subject].final)
                return _told(not whole.breaks(claim))
            case "once":
                if question.subject in {each.id for each in limits_of_once_where(program)}:
                    return _told(question.subject not in whole.again)
                (rule,) = [each for each in limits_of_once(program) if each.id == question.subject]
                event = event_of(program, rule)
                return _told(not whole.breaks(at_most(event, 1))) if event in whole.counted else None
            case "unusable":
                return _told(question.subject in whole.used)
            case "stuck":
                return _told(question.subject in whole.left)
            case "trap":
                return _told(question.subject not in whole.trapped())
            case "dead":
                return self._dead(self.rule(question.subject))
            case "shadowed":
                return self._shadowed(self.rule(question.subject), answer)
            case "conflict":
                return self._conflict(self.rule(question.subject))
            case _:
                return None

    def rule(self, id: str) -> Rule:
        return next(each for each in written_rules(self.program) if each.id == id)

    def outcomes(self, rule: Rule) -> list[tuple[object, str, bool]]:
        """Of every state and change that the rule can be asked of: which, the outcome, whether it applies."""
        if id(rule) not in self._outcomes:
            self._outcomes[id(rule)] = list(self._judged(rule))
        return self._outcomes[id(rule)]

    def _judged(self, rule: Rule):  # type: ignore[no-untyped-def]  # a generator of what `outcomes` says
        name = rule.subject.removeprefix("set.")
        values = self.whole.values(name) if rule.subject.startswith("set.") else [None]
        for seen in self.whole.everything():
            situation = self.whole.situation(seen)
            for value in values:
                change = {} if value is None else {name: value}
                at = situation.with_records(change={**change, "register": False})
                yield (seen, value), outcome(rule, at), evaluate(rule.when, at) is True

    def _dead(self, rule: Rule) -> str:
        found = [(each, applies) for _, each, applies in self.outcomes(rule)]
        means_to = rule.requires == FALSE or (isinstance(rule.requires, AtMost) and rule.requires.at_most == 0)
        can_hold = means_to or ("satisfied", True) in found
        return _told(can_hold and any(each == "violated" for each, _ in found))

    def _others(self, rule: Rule) -> list[Rule]:
        return [
            each
            for each in written_rules(self.program)
            if each is not rule
            and (each.scope, each.subject) == (rule.scope, rule.subject)
            and each.severity == "error"
        ]

    def _shadowed(self, rule: Rule, answer: Answer) -> str | None:
        """If it is said to be, there is no state in which it alone refuses."""
        if answer.status == "proved":
            return None
        broken = {key for key, found, _ in self.outcomes(rule) if found == "violated"}
        for other in self._others(rule):
            broken -= {key for key, found, _ in self.outcomes(other) if found == "violated"}
        return _told(bool(broken))

    def _conflict(self, rule: Rule) -> str:
        """It is told of the later of two."""
        deciding = [each for each in written_rules(self.program) if each.severity == "error"]
        before = deciding[: next(n for n, each in enumerate(deciding) if each is rule)]
        alike = [each for each in before if (each.scope, each.subject) == (rule.scope, rule.subject)]
        guards = [each for each in before if each.scope == "move"] if rule.scope == "account" else []
        excludes = any(self._exclude(rule, each) for each in alike)
        return _told(not excludes and not any(self._refuse(each, rule) for each in guards))

    def _exclude(self, one: Rule, other: Rule) -> bool:
        held = [
            {key for key, found, applies in self.outcomes(each) if applies and found == "satisfied"}
            for each in (one, other)
        ]
        applying = [{key for key, _, applies in self.outcomes(each) if applies} for each in (one, other)]
        return bool(applying[0] & applying[1]) and all(held) and not held[0] & held[1]

    def _refuse(self, guard: Rule, constraint: Rule) -> bool:
        """Whether, of some change by itself, one of a guard and a constraint always refuses where both can."""
        at_odds: dict[object, list[tuple[bool, bool, bool]]] = {}
        for step in self.steps(guard.subject):
            asked = step.asked.values.get(guard.subject.removeprefix("set."))
            few = asked if isinstance(asked, bool | str) else None
            at_odds.setdefault(few, []).append(_together(step, guard, constraint))
        return any(
            not any(guards and holds for _, guards, holds in some)
            and any(can and guards for can, guards, _ in some)
            and any(can and holds for can, _, holds in some)
            for some in at_odds.values()
        )

    def steps(self, trigger: str) -> list[Step]:
        """Every such change of every state."""
        if trigger not in self._steps:
            asked = [each for each in self.whole.changes() if trigger in triggers_of(each)]
            seen = list(self.whole.everything())
            if trigger == "register":
                asked, seen = [Asked("register", "", {})], [each for each in seen if not each.pays]
            states = [self.whole.situation(each) for each in seen]
            judge = self.whole.judge
            self._steps[trigger] = [judge.step(each, state, "reference") for state in states for each in asked]
        return self._steps[trigger]


def _together(step: Step, guard: Rule, constraint: Rule) -> tuple[bool, bool, bool]:
    """Of one change: whether both apply and can refuse it, whether the guard holds, whether the constraint does."""
    applies = evaluate(guard.when, step.before) is True
    asked = any(each.rule is constraint for each in step.judged)
    meets = asked and evaluate(constraint.when, step.after) is True
    stood = step.asked.kind != "register" and outcome(constraint, step.before) == "violated"
    alone = len(step.asked.values) <= 1
    return (
        alone and applies and meets and not stood,
        applies and evaluate(guard.requires, step.before) is True,
        meets and evaluate(constraint.requires, step.after) is True,
    )


def _told(fine: bool) -> str:
    return "proved" if fine else "refuted"
