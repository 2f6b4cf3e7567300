"""The proofs are held to enumeration: of random small policies every state and move is looked at, by the reference."""

from __future__ import annotations

from collections import Counter

import pytest

from enumerated import Whole, small, warned
from lawful.engines.reference import evaluate, outcome
from lawful.ir import Rule
from lawful.proofs.answers import Answer
from lawful.proofs.asking import event_of, limits_of_once, limits_of_once_where, written_rules
from lawful.proofs.property import at_most, of_invariant, stays

SHARDS = 10
SEEDS = 52
"""Of each shard: 520 policies, of which few make no sense."""
LIMIT = 60.0
TRAPS = 20
"""Of each shard: policies in which accounts are trapped now and then."""


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


class Truth:
    """What enumeration says of each question; None where it does not say."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.program = whole.program
        self._outcomes: dict[int, list[tuple[object, str, bool]]] = {}

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
                return _told(any(found == "violated" for _, found, _ in self.outcomes(self.rule(question.subject))))
            case "shadowed":
                return self._shadowed(self.rule(question.subject), answer)
            case "conflict":
                return self._conflict(self.rule(question.subject), answer)
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

    def _conflict(self, rule: Rule, answer: Answer) -> str | None:
        if answer.status == "proved":
            return None
        return _told(not any(self._exclude(rule, other) for other in self._others(rule)))

    def _exclude(self, one: Rule, other: Rule) -> bool:
        held = [
            {key for key, found, applies in self.outcomes(each) if applies and found == "satisfied"}
            for each in (one, other)
        ]
        applying = [{key for key, _, applies in self.outcomes(each) if applies} for each in (one, other)]
        return bool(applying[0] & applying[1]) and all(held) and not held[0] & held[1]


def _told(fine: bool) -> str:
    return "proved" if fine else "refuted"
