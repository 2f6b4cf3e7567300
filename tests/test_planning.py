"""Plans: each replays through `check`, none is longer than need be, and where there is none there is none.

Small policies are drawn, and every account, date and change of theirs is gone through by the plainest of searches.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta
from functools import partial
from itertools import permutations, product
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import chains
import drawing
import lawful
import small
from lawful import cli, schemas
from lawful.engines.reference import evaluate
from lawful.planning.setting import Setting, State
from lawful.question import Asked
from small import Small

MOST_STATES = 30
"""Accounts on one level, each on every day: past it the enumeration gives up."""
DEPTH = 3


def asked_of(drawn: Small) -> dict[str, Any]:
    return {"account": drawn.account, "history": drawn.history, "at": small.START.isoformat()}


def planned(policy: lawful.Policy, drawn: Small, **how: Any) -> Any:
    goal = {"change": drawn.change} if drawn.change is not None else {"reach": drawn.reach}
    return policy.plan(asked_of(drawn), **goal, **how)


# ------------------------------------------------------------------------------------------------- by enumeration


class Enumeration:
    """Every sequence of changes, level by level, each asked of the judge on every day of a week."""

    def __init__(self, policy: lawful.Policy, drawn: Small) -> None:
        self.policy = policy
        self.drawn = drawn
        self.question = policy._reader.account(asked_of(drawn))
        self.setting = Setting.of(policy._judge, self.question, obtains=False)
        self.reach = None if drawn.reach is None else policy.condition(drawn.reach)
        self.goal = None
        if drawn.change is not None:
            self.goal = policy._reader.question({**asked_of(drawn), "change": drawn.change}).changes[0]
        self.complete = -1
        """All sequences of so many changes were gone through."""

    def fewest(self) -> int | None:
        """How many changes it takes; None where none of those that were gone through leads there."""
        if self.goal is not None and is_so(self.question, self.goal):
            return 0
        for depth, level in enumerate(self.levels()):
            if self.reach is not None and any(self.holds(state) for state in level):
                return depth
            if self.goal is not None and any(self.after(state, self.goal) for state in level):
                return depth + 1
            self.complete = depth + (self.goal is not None)
        return None

    def levels(self) -> Iterator[Collection[State]]:
        """The states after no change, after one, and so on, as long as they are few."""
        level = {self.key(state): state for state in self.days(self.first())}
        seen = set(level)
        every = changes(self.policy)
        for _ in range(DEPTH + 1):
            yield level.values()
            if len(level) > MOST_STATES * (small.DAYS + 1):
                return
            following: dict[object, State] = {}
            for state in level.values():
                for asked in every:
                    after = self.after(state, asked)
                    for each in () if after is None else self.days(after):
                        key = self.key(each)
                        if key not in seen:
                            seen.add(key)
                            following[key] = each
            level = following

    def first(self) -> State:
        question = self.question
        return State(question.account.known(), question.features, question.events(), question.at)

    def days(self, state: State) -> Iterator[State]:
        """The state, and the same on each later day of the week."""
        last = self.question.at + timedelta(days=small.DAYS)
        at = state.at
        while at <= last:
            yield State(state.account, state.features, state.events, at)
            at += timedelta(days=1)

    def key(self, state: State) -> object:
        return (
            tuple(sorted(state.account.items())),
            tuple(sorted(state.features.items())),
            tuple(sorted(event for event in state.events if event[0] in small.ACTIONS or event[0].startswith("t"))),
            state.at,
        )

    def holds(self, state: State) -> bool:
        assert self.reach is not None
        return evaluate(self.reach, self.setting.situation(state, {})) is True

    def after(self, state: State, asked: Asked) -> State | None:
        """The state after the change; None where it is not allowed."""
        judge = self.policy._judge
        step = judge.step(asked, self.setting.situation(state, {}), "reference")
        if step.verdict != "allow":
            return None
        left = judge.settled(step)
        events = tuple((move.event, state.at) for move, applies in step.moves if applies is True)
        return State(left.records["account"], left.records["features"], (*state.events, *events), state.at)


def is_so(question: Any, goal: Asked) -> bool:
    account = question.account.known()
    if goal.kind == "set":
        return all(account.get(name) == value for name, value in goal.values.items())
    return goal.kind == "enable" and question.features.get(goal.name) is True


def changes(policy: lawful.Policy) -> list[Asked]:
    """All there are: of every value, and of two and three fields at once."""
    types = [{"type": each} for each in small.TYPES]
    fields = policy.program.account
    flags = [{"flag": each} for each in (True, False)] if fields["flag"].motion == "settable" else []
    levels = [{"level": each} for each in small.LEVELS] if fields["level"].motion == "settable" else []
    sets: list[dict[str, Any]] = []
    for one in [{}, *types]:
        for two in [{}, *flags]:
            for three in [{}, *levels]:
                if together := {**one, **two, **three}:
                    sets.append(together)
    found = [Asked("set", "", each) for each in sets]
    found += [Asked(kind, name, {}) for kind in ("enable", "disable") for name in small.FEATURES]
    return found + [Asked("do", name, {}) for name in small.ACTIONS]


@pytest.mark.parametrize("hundred", range(drawing.examples(5)))
def test_no_plan_is_shorter_and_none_is_passed_over(hundred: int) -> None:
    """A hundred policies each; and there must be something to find, and not to find."""
    seen: Counter[str] = Counter()
    for seed in range(hundred * 100, hundred * 100 + 100):
        seen[judged(seed)] += 1
    assert min(seen["none"], seen["found"]) >= 20, seen
    assert seen["longer"] >= 5, seen


def judged(seed: int) -> str:
    drawn = small.drawn(seed)
    policy = lawful.loads(drawn.policy)
    plan = planned(policy, drawn, obtain=False, max_steps=DEPTH + 1, within="1 years", seconds=60)
    replay(policy, drawn, plan)
    agrees(policy, drawn, plan)
    return "longer" if plan.found and plan.cost > 1 else plan.status


def agrees(policy: lawful.Policy, drawn: Small, plan: Any) -> None:
    """Whether a plan, or that there is none, is what the enumeration says."""
    enumeration = Enumeration(policy, drawn)
    fewest = enumeration.fewest()
    if plan.found:
        assert fewest is None or plan.cost <= fewest
        within = plan.done_at[:10] <= (small.START + timedelta(days=small.DAYS)).isoformat()
        if within and plan.cost <= enumeration.complete:
            assert fewest == plan.cost
    else:
        assert fewest is None


# ------------------------------------------------------------------------------------------------------ replaying


def replay(policy: lawful.Policy, drawn: Small, plan: Any) -> None:
    """Every step of a plan, asked of `check` as anybody would: from what the plan says, and nothing else."""
    for steps in (plan.steps, *(each.steps for each in plan.alternatives)):
        account = dict(drawn.account)
        features = None if "features" not in account else set(account.pop("features"))
        history = list(drawn.history)
        for step in steps:
            if step.kind == "obtain":
                owner, _, name = step.obtained.fact.partition(".")
                if owner == "account":
                    account[name] = step.obtained.value
                continue
            asked = {
                "account": account if features is None else {**account, "features": sorted(features)},
                "change": step.change,
                "request": step.request,
                "history": history,
                "at": step.at,
            }
            decision = policy.check(asked, engine="direct")
            assert decision.verdict == "allow", (step, decision.reasons)
            assert (decision.consequences.lost, decision.obligations) == (step.lost, step.obligations)
            for each in step.changed:
                account[each.field] = each.to
                if each.to is None:
                    account.pop(each.field)
            match step.change:
                case {"enable": name} if features is not None:
                    features.add(name)
                case {"disable": name} if features is not None:
                    features.discard(name)
            if features is not None:
                features -= set(step.lost)
            history = [*history, *({"event": event, "at": step.at} for event in made(policy, asked))]


def made(policy: lawful.Policy, asked: dict[str, Any]) -> list[str]:
    """The events of an allowed change, as an operator would record them."""
    question = policy.read(asked)
    [step] = policy._judge.judge(question, "reference").steps
    return [move.event for move, applies in step.moves if applies is True]


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_plans_with_what_is_obtained_and_cheap_ones_replay_and_are_no_dearer(seed: int) -> None:
    drawn = small.drawn(seed)
    policy = lawful.loads(drawn.policy)
    short = planned(policy, drawn, obtain=False, max_steps=3, within="1 years", seconds=60)
    obtaining = planned(policy, drawn, max_steps=3, within="1 years", seconds=60)
    cheap = planned(policy, drawn, obtain=False, max_steps=3, within="1 years", seconds=60, cost="days")
    fee = planned(policy, drawn, obtain=False, max_steps=3, within="1 years", seconds=60, **fees(policy))
    for plan in (obtaining, cheap, fee):
        replay(policy, drawn, plan)
    assert not short.found or obtaining.found
    assert short.found == cheap.found == fee.found
    if short.found:
        assert obtaining.cost <= short.cost
        assert cheap.done_at <= short.done_at
        assert fee.measure == "steps" or fee.cost <= sum(step.cost.get("fee", 0) for step in short.steps)
        assert fee.measure == "steps" or fee.cost == sum(step.cost.get("fee", 0) for step in fee.steps)


def fees(policy: lawful.Policy) -> dict[str, str]:
    return {"cost": "fee"} if any(move.cost for move in policy.program.moves) else {}


@pytest.mark.parametrize("seed", range(2000, 2080))
def test_remedies_are_what_check_allows_after_them(seed: int) -> None:
    drawn = small.drawn(seed)
    if drawn.change is None:
        return
    policy = lawful.loads(drawn.policy)
    decision = policy.check(asked_of(drawn), change=drawn.change, engine="reference")
    assert decision.verdict == "deny" or not decision.remedies
    plan = planned(policy, drawn, obtain=False, max_steps=5, within="60 months", seconds=60)
    if decision.verdict == "deny":  # what one other change helps is found, whatever is seen at once to be of no help
        found = {len(each.steps) + 1 for each in decision.remedies}
        assert found == {plan.cost} if found else len(plan.steps) != 2
    for remedy in decision.remedies:
        last = {"kind": "change", "at": remedy.allowed_at, "change": drawn.change, "request": {}}
        assert remedy.steps
        assert allowed(policy, drawn, [*({**step.model_dump(), "request": {}} for step in remedy.steps), last])


def allowed(policy: lawful.Policy, drawn: Small, steps: list[dict[str, Any]]) -> bool:
    """Whether each of the changes is, after those before it."""
    question = policy._reader.account(asked_of(drawn))
    setting = Setting.of(policy._judge, question, obtains=False)
    state = State(question.account.known(), question.features, question.events(), question.at)
    for step in steps:
        read = policy._reader.question({**asked_of(drawn), "change": step["change"], "at": step["at"]})
        here = State(state.account, state.features, state.events, read.at)
        judged = policy._judge.step(read.changes[0], setting.situation(here, {}), "reference")
        if judged.verdict != "allow":
            return False
        left = policy._judge.settled(judged)
        events = tuple((move.event, read.at) for move, applies in judged.moves if applies is True)
        state = State(left.records["account"], left.records["features"], (*here.events, *events), read.at)
    return True


@pytest.mark.parametrize("seed", range(3000, 3100))
def test_what_is_asked_for_settles_the_verdict_and_nothing_less_does(seed: int) -> None:
    """Of a small domain every answer is tried: to the sets that are told, and to each with a fact less."""
    drawn = small.drawn(seed)
    if drawn.change is None:
        return
    policy = lawful.loads(drawn.policy)
    account = {key: value for key, value in drawn.account.items() if key not in ("flag", "level")}
    asked = {**asked_of(drawn), "account": account, "change": drawn.change}
    decision = policy.check(asked, engine="reference")
    assert (decision.verdict == "undetermined") or not decision.inquiries
    assert tuple(each.facts for each in decision.inquiries) == decision.missing
    for inquiry in decision.inquiries:
        assert inquiry.cost == len(inquiry.facts)
        if not set(inquiry.facts) <= ANSWERS.keys():
            continue
        assert "undetermined" not in verdicts(policy, asked, inquiry.facts)
        for fact in inquiry.facts:
            fewer = tuple(each for each in inquiry.facts if each != fact)
            assert "undetermined" in verdicts(policy, asked, fewer)
        assert {each.verdict for each in inquiry.answers} == verdicts(policy, asked, inquiry.facts)
        for each in inquiry.answers:
            assert verdict_of(policy, asked, each.example) == each.verdict


ANSWERS = {
    "account.flag": (True, False),
    "account.level": small.LEVELS,
    "account.type": small.TYPES,
    "account.proof": (True, False),
    "request.consent": (True, False),
}


def verdicts(policy: lawful.Policy, asked: dict[str, Any], facts: tuple[str, ...]) -> set[str]:
    every = product(*(ANSWERS[fact] for fact in facts))
    return {verdict_of(policy, asked, dict(zip(facts, values, strict=True))) for values in every}


def verdict_of(policy: lawful.Policy, asked: dict[str, Any], answers: dict[str, Any]) -> str:
    filled = {**asked, "account": dict(asked["account"]), "request": {}}
    for fact, value in answers.items():
        owner, _, name = fact.partition(".")
        filled[owner][name] = value
    return policy.check(filled, engine="reference").verdict


def test_answers_that_decide_the_same_are_one_and_what_is_allowed_comes_first() -> None:
    policy = lawful.loads(
        """
policy: levels
version: "1"
account: {fields: {kind: {enum: [a, b, c, d]}, level: {type: int, min: 0, max: 99, outside: true}}}
actions:
  go: {requires: account.level == 7}
  come: {requires: "account.kind in ['b', 'd'] && account.level >= 10"}
"""
    )

    def told(action: str) -> list[tuple[dict[str, str], str]]:
        [inquiry] = policy.check(account={"features": []}, change={"do": action}, at="2025-03-01").inquiries
        return [({fact: text.en for fact, text in each.given.items()}, each.verdict) for each in inquiry.answers]

    level, kind = "account.level", "account.kind"
    assert told("go") == [({level: "7"}, "allow"), ({level: "up to 6 or from 8 on"}, "deny")]
    assert told("come") == [
        ({kind: "b or d", level: "from 10 on"}, "allow"),
        ({kind: "a or c", level: "any"}, "deny"),
        ({kind: "b or d", level: "up to 9"}, "deny"),
    ]


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31"])
def test_instants_that_suit_each_other_are_looked_for_at_the_ends_of_the_calendar(at: str) -> None:
    policy = lawful.loads(
        """
policy: instants
version: "1"
account: {fields: {opened: timestamp, closed: timestamp}}
actions: {go: {requires: account.opened < account.closed}}
"""
    )
    [inquiry] = policy.check(account={}, change={"do": "go"}, at=at).inquiries
    assert [each.verdict for each in inquiry.answers] == ["allow", "deny"]


# ------------------------------------------------------------------------------------------------------ wechat

ACCOUNT = {"type": "subscription", "subject": "enterprise", "certified_until": "2025-01-31", "features": []}
NOW = {"history": [], "at": "2025-03-01"}


def test_an_expired_subscription_account_comes_to_wechat_pay() -> None:
    plan = lawful.load("wechat").plan(account=ACCOUNT, change={"enable": "wechat_pay"}, **NOW)
    assert [step.change for step in plan.steps] == [
        {"do": "certify"},
        {"set": {"type": "service"}},
        {"enable": "wechat_pay"},
    ]
    assert (plan.status, plan.proved, plan.cost, plan.irreversible) == ("found", True, 3, True)
    assert [step.irreversible is not None for step in plan.steps] == [False, True, False]
    assert plan.steps[2].obligations[0].text.en == "apply as a WeChat Pay merchant"


def test_what_an_individual_can_never_have_is_proved() -> None:
    plan = lawful.load("wechat").plan(
        account={**ACCOUNT, "subject": "individual"}, change={"enable": "wechat_pay"}, **NOW
    )
    assert (plan.status, plan.proved, plan.rules) == ("none", True, ("features.wechat_pay",))
    assert "actions.certify" in [each.rule for each in plan.blocked]


@pytest.mark.parametrize(
    ("requires", "is_never"),
    [
        ("daysBetween(date('2000-01-01'), today) > 20000", False),
        ("daysBetween(today, date('2025-01-01')) < -90", False),
        ("addDays(today, -90) > date('2025-01-01')", False),
        ("addMonths(today, 1) >= date('2025-12-01')", False),
        ("now - timestamp('2025-01-01T00:00:00Z') > duration('9000h')", False),
        ("daysBetween(date('2000-01-01'), today) < 2", True),
        ("addMonths(today, 1) < date('2025-03-01')", True),
    ],
)
def test_what_turns_later_than_is_looked_is_not_said_to_be_never(requires: str, is_never: bool) -> None:
    policy = lawful.loads(
        f'policy: p\nversion: "1"\naccount: {{fields: {{k: {{enum: [a]}}}}}}\nactions: {{x: {{requires: "{requires}"}}}}\n'
    )
    plan = policy.plan(account={"k": "a"}, change={"do": "x"}, history=[], at="2025-03-01", within="20 days")
    assert (plan.status, plan.proved) == (("none", True) if is_never else ("not found", False))


def test_without_the_subject_it_is_asked_for() -> None:
    account = {key: value for key, value in ACCOUNT.items() if key != "subject"}
    plan = lawful.load("wechat").plan(account=account, change={"enable": "wechat_pay"}, **NOW)
    assert (plan.status, plan.missing) == ("undetermined", (("account.subject",),))


@pytest.mark.parametrize(
    ("subject", "chosen", "statuses"),
    [("enterprise", ("service",), ["none", "found", "none"]), ("individual", (), ["none", "none", "none"])],
)
def test_which_type_a_subject_should_choose(subject: str, chosen: tuple[str, ...], statuses: list[str]) -> None:
    needs = ["wechat_pay", "mass_send 2 per month"]
    choice = lawful.load("wechat").choose(needs, account={"subject": subject}, at="2025-03-01")
    assert choice.chosen == chosen
    assert [option.status for option in choice.options] == statuses
    assert all(
        option.status == "found" or option.rules or any(each.rules for each in option.needs)
        for option in choice.options
    )


@pytest.mark.parametrize("given", [{}, {"type": "service"}])
@pytest.mark.parametrize("need", ["wechat_pay", "certify"])
def test_a_type_that_may_not_be_registered_for_want_of_a_fact_is_no_type_that_may_not(
    need: str, given: dict[str, Any]
) -> None:
    choice = lawful.load("wechat").choose([need], account=given, at="2025-03-01")
    assert (choice.status, choice.chosen, choice.missing) == ("undetermined", (), (("account.subject",),))


@pytest.mark.parametrize("seed", range(4010, 4020))
def test_what_none_serves_none_serves_whatever_is_not_told(seed: int) -> None:
    """Every value of the facts that are left out is tried: a sure no stays one."""
    drawn = small.drawn(seed)
    policy = lawful.loads(drawn.policy)
    known = {"type": drawn.account["type"]} if seed % 2 else {}
    how: dict[str, Any] = {"at": small.START.isoformat(), "obtain": False, "max_steps": 3, "within": "1 years"}
    for need in (*policy.program.features, *policy.program.actions):
        vague = policy.choose([need], account=known, **how)
        for flag, level in product((True, False), small.LEVELS):
            sure = policy.choose([need], account={**known, "flag": flag, "level": level}, **how)
            for option, filled in zip(vague.options, sure.options, strict=True):
                assert option.status != "none" or filled.status != "found", (need, option.value, flag, level)


@pytest.mark.parametrize("ten", range(drawing.examples(2)))
def test_a_type_serves_a_need_where_some_way_comes_to_it_and_surely_does_not_where_none_does(ten: int) -> None:
    """Every way is gone through, with what must be done before the account is of the type."""
    seen: Counter[str] = Counter()
    for seed in range(6000 + ten * 10, 6010 + ten * 10):
        drawn = small.drawn(seed)
        policy = lawful.loads(drawn.policy)
        levels = [list(level) for level in Enumeration(policy, drawn).levels()]
        for need in (*small.FEATURES, *small.ACTIONS):
            choice = policy.choose(
                [need], asked_of(drawn), obtain=False, max_steps=DEPTH + 1, within="1 years", seconds=60
            )
            for option in choice.options:
                assert option.plan is None or replay(policy, drawn, option.plan) is None
                is_served = serves(policy, drawn, levels, option.value, need)
                assert option.status == "found" or not is_served or is_open(option), (seed, need, option.value)
                seen[option.status, is_served] += 1
    assert min(seen["found", True], seen["none", False]) >= 20, seen


def serves(policy: lawful.Policy, drawn: Small, levels: list[list[State]], type_: str, need: str) -> bool:
    """Whether an account of the type was found to which it is allowed, or that has it and may."""
    enumeration = Enumeration(policy, drawn)
    asked = Asked("enable" if need in small.FEATURES else "do", need, {})
    for state in (state for level in levels for state in level if state.account.get("type") == type_):
        if state.features.get(need) is not True and enumeration.after(state, asked) is not None:
            return True
    return False


def is_open(option: Any) -> bool:
    """Where it is not known whether what is counted happens, a plan goes no further, and the enumeration does."""
    return option.status == "not found" and "unknown" in option.plan.bound.left_out


BEFORE = """
policy: before
version: "1"
account:
  fields:
    st: {enum: [a, b]}
    z: {type: int, min: 0, max: 10, default: 0}
    y: {type: int, min: 0, max: 10, default: 0}
lifecycle: {st: {initial: [a], transitions: {ab: {from: a, to: b}}}}
actions:
  sell: {effects: {z: account.z + 1}, requires: "account.st == 'a'"}
  win: {requires: ["account.st == 'b'", "account.z >= 1"]}
  rep: {requires: ["account.st == 'b'", "account.z >= 1"], limit: {at_most: 2, per: month}}
  own: {requires: "account.st == 'a' || account.y >= 1", effects: {y: account.y + 1}}
  mine: {requires: "account.y < 10 && (account.y >= 1 || account.st == 'a')", effects: {y: "account.st == 'a' ? 1 : account.y"}}
features: {pay: {requires: "account.st == 'b' && account.z >= 2"}}
"""


@pytest.mark.parametrize("need", ["win", "pay", "rep 2 per month", "own 1 per year", "mine 1 per month"])
def test_what_must_be_done_before_the_account_is_of_the_type_is_found(need: str) -> None:
    choice = lawful.loads(BEFORE).choose([need], at="2025-01-10")
    [_, option] = choice.options
    assert (option.value, option.status) == ("b", "found")
    assert option.plan is not None
    steps = [step.change for step in option.plan.steps]
    assert steps.index({"set": {"st": "b"}}) > 1, steps


def test_needs_that_have_different_ways_into_a_type_are_served_by_one() -> None:
    choice = lawful.loads(BEFORE).choose(["win", "own", "pay"], at="2025-01-10")
    assert [(option.value, option.status) for option in choice.options] == [("a", "none"), ("b", "found")]


def test_a_type_that_may_be_registered_later_is_waited_for() -> None:
    later = """
policy: later
version: "1"
account: {fields: {k: {enum: [a, b, c]}}}
lifecycle: {k: {initial: [a, b, c]}}
registration: {requires: "account.k == 'a' || (account.k == 'b' && today >= date('2025-06-01'))"}
actions: {go: {requires: account.k != 'a'}}
"""
    choice = lawful.loads(later).choose(["go"], at="2025-01-10")
    assert [option.status for option in choice.options] == ["none", "found", "none"]
    assert choice.options[1].plan is not None
    assert choice.options[1].plan.done_at[:10] == "2025-06-01"


@pytest.mark.parametrize(
    ("need", "chosen"),
    [
        ("mass_send 4 per month", ("subscription", "service", "enterprise")),
        ("mass_send 5 per month", ("subscription", "enterprise")),
        ("mass_send 2 per day", ("enterprise",)),
        ("mass_send 366 per year", ("enterprise",)),
    ],
)
def test_a_rate_is_kept_up_or_not(need: str, chosen: tuple[str, ...]) -> None:
    """366 a year are more than one a day: the first year that is looked at, 2026, has 365 days."""
    choice = lawful.load("wechat").choose([need], account={"subject": "enterprise"}, at="2025-03-01")
    assert set(choice.chosen) == set(chosen)


RATED = """
policy: rated
version: "1"
account:
  fields:
    k: {enum: [a, b]}
    lvl: {type: int, min: 0, max: 2, default: 0}
    on: {type: bool, default: no}
lifecycle: {k: {initial: [a, b]}}
actions:
  old: {requires: "today < date('2025-03-10')"}
  xmas: {requires: today.getMonth() == 11}
  ten: {requires: today.getDate() < 10}
  dow: {requires: today.getDayOfWeek() == 3 && today.getDate() == 31}
  free: {}
  slow: {cost: {days: 20}}
  rolling: {limit: {at_most: 1, within: {days: 20}}}
  tog: {requires: "!account.on", effects: {on: "true"}}
  back: {effects: {on: "false"}}
  %s
"""
UP = "up: {effects: {lvl: account.lvl + 1}}"
LOST = "lost: {requires: account.lvl == 0, effects: {lvl: '1'}}"


@pytest.mark.parametrize(
    ("more", "need", "status", "rule"),
    [
        (UP, "old 1 per month", "none", "actions.old"),
        (UP, "up 1 per day", "none", "actions.up.effects.lvl"),
        (UP, "up 2 per year", "found", None),
        (UP, "up 3 per year", "none", "actions.up.effects.lvl"),
        (LOST, "lost 1 per day", "none", "actions.lost"),
        (LOST, "lost 1 per year", "found", None),
        (UP, "xmas 1 per month", "none", "actions.xmas"),
        (UP, "xmas 31 per year", "found", None),
        (UP, "ten 1 per day", "none", "actions.ten"),
        (UP, "ten 3 per month", "found", None),
        (UP, "dow 1 per month", "none", "actions.dow"),
        (UP, "free 1 per day", "found", None),
        (UP, "slow 1 per month", "found", None),
        (UP, "slow 3 per month", "not found", None),  # `check` knows nothing of the days
        (UP, "rolling 1 per month", "found", None),
        (UP, "rolling 3 per month", "none", "actions.rolling.limit"),
        (UP, "tog 2 per month", "found", None),  # with `back` in between
    ],
)
def test_a_rate_is_served_if_it_was_tried_for_12_months(more: str, need: str, status: str, rule: str | None) -> None:
    """Alike for both types, of which none of it reads anything."""
    choice = lawful.loads(RATED % more).choose([need], account={"lvl": 0, "on": False}, at="2025-03-01", seconds=200)
    assert [option.needs[0].status for option in choice.options] == [status, status]
    assert choice.chosen == (("a", "b") if status == "found" else ())
    assert all(rule is None or rule in option.needs[0].rules for option in choice.options)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"needs": ["wechat_pya"]}, "there is no feature or action"),
        ({"needs": ["wechat_pay 2 per month"]}, "is a feature"),
        ({"needs": []}, "nothing is needed"),
        ({"needs": ["wechat_pay"], "by": "subject"}, "no field with a life cycle"),
        ({"change": {"do": "certify"}, "cost": "fee"}, "no change has a cost"),
        ({"change": {"do": "certify"}, "within": "soon"}, "no length of time"),
        ({"change": {"do": "certify"}, "max_steps": -1}, "a number from 0"),
        ({"change": {"do": "certify"}, "seconds": 0}, "a number above 0"),
        ({"change": {"do": "certify"}, "max_steps": "a"}, "a number from 0"),
        ({"change": {"do": "certify"}, "max_steps": True}, "a number from 0"),
        ({"change": {"do": "certify"}, "seconds": "long"}, "a number above 0"),
        ({"change": {"do": "certify"}, "within": 3}, "no length of time"),
        ({"change": {"do": "certify"}, "cost": 5}, "no change has a cost"),
        ({"change": {"do": "certify"}, "obtain": 1}, "true or false"),
        ({"reach": 5}, "it is a text"),
        ({"needs": "ff"}, "a list of needs"),
        ({"needs": 5}, "a list of needs"),
        ({"needs": [5]}, "is no text"),
        ({"needs": ["wechat_pay"], "by": 5}, "no field with a life cycle"),
        ({"change": {"register": {}}}, "for an account that there is"),
        ({}, "needs a goal"),
        ({"change": {"do": "certify"}, "reach": "true"}, "one goal"),
    ],
)
def test_what_makes_no_sense_is_told(wrong: dict[str, Any], message: str) -> None:
    policy = lawful.load("wechat")
    choosing = "needs" in wrong
    ask = partial(policy.choose, wrong.get("needs")) if choosing else policy.plan
    with pytest.raises(lawful.RequestError, match=message):
        ask(account=ACCOUNT, **{key: value for key, value in wrong.items() if key != "needs"})


# ------------------------------------------------------------------------------------------------ the command


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(("plan", *arguments))
    out, err = capsys.readouterr()
    return code, out, err


EXPIRED = str(Path(__file__).parent.parent / "fixtures" / "demo" / "expired.json")
CERTIFIED = str(Path(__file__).parent.parent / "fixtures" / "demo" / "certified.json")
OFFICIAL = str(Path(__file__).parent.parent / "fixtures" / "wechat-official" / "certified.json")
WHEN = ("--at", "2025-03-01", "--history", "none")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plan", (EXPIRED, "--enable", "wechat_pay")),
        ("plan", (EXPIRED, "--do", "reprint")),
        ("plan", (EXPIRED, "--reach", "account.type == 'enterprise'")),
        ("choice", (EXPIRED, "--need", "wechat_pay")),
        ("choice", ("--need", "mass_send 2 per month", "--account", "subject=media")),
    ],
)
def test_the_json_is_what_the_schema_says(
    name: str, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "wechat", *arguments, *WHEN, "--format", "json")
    jsonschema.validate(json.loads(out), json.loads(schemas.published(name)))


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, (EXPIRED, "--enable", "wechat_pay")),
        (0, (EXPIRED, "--set", "type=subscription")),
        (1, (EXPIRED, "--set", "type=enterprise")),
        (1, ("--need", "wechat_pay", "--account", "subject=individual")),
        (3, (EXPIRED, "--enable", "wechat_pay", "--max-steps", "2")),
        (3, ("--need", "wechat_pay")),
        (2, (EXPIRED,)),
        (2, (EXPIRED, "--enable", "wechat_pay", "--do", "certify")),
        (2, (EXPIRED, "--enable", "wechat_pay", "--by", "type")),
        (2, (EXPIRED, "--need", "wechat_pay", "--account", "subject=media")),
        (2, (EXPIRED, "--reach", "account.nothing == 1")),
        (2, ("--enable", "wechat_pay")),
        (2, (EXPIRED, "--enable", "wechat_pay", "--cost", "fee")),
    ],
)
def test_the_exit_code_is_the_answer(code: int, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    found, out, err = run(capsys, "wechat", *arguments, *WHEN)
    assert found == code, err
    assert bool(out) == (code != 2)
    assert "Traceback" not in err
    assert (code == 2) == err.startswith("error")


def test_it_is_told_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "wechat", EXPIRED, "--enable", "wechat_pay", *WHEN, "--lang", "zh")
    assert "共3步" in out
    assert "不可逆：账号类型——服务号无法再变回订阅号" in out
    assert "没有更短的方案" in out


def test_in_chinese_fields_features_and_actions_are_called_by_their_titles(capsys: pytest.CaptureFixture[str]) -> None:
    _, reprint, _ = run(capsys, "wechat", CERTIFIED, "--do", "reprint", *WHEN, "--lang", "zh")
    assert "✓ 共3步   执行“转载”" in reprint
    assert "取得原作者授权：是" in reprint
    assert "申请须说明：已加入转载白名单：是" in reprint
    _, chosen, _ = run(capsys, "wechat", CERTIFIED, "--need", "mass_send 5 per month", *WHEN, "--lang", "zh")
    assert "✓ 订阅号   需求：群发（每月5次）" in chosen
    told = re.findall(r"[a-z]+_[a-z_]+|request\.|account\.", reprint + chosen)
    assert set(told) <= {"mass_send"}  # in the id of the rule that refuses


def test_only_those_changes_are_never_allowed_that_would_help(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--set", "type=service", "--at", "2024-04-12", "--history", "none", "--seconds", "2")
    _, out, _ = run(capsys, "wechat-official", OFFICIAL, *asked)
    assert "lifecycle.type.upgrade" in out
    assert "never allowed" not in out


MOVING = """
policy: moving
version: "1"
account:
  fields: {type: {enum: [a, b]}, status: {enum: [open, moved], default: open}}
request:
  fields: {to: {enum: [a, b]}, f1: bool, f2: bool, f3: bool, f4: bool, f5: bool, n: int, spare: bool}
lifecycle:
  type:
    transitions:
      rise: {from: a, to: b, requires: "false", instead: {set: {status: moved}, request: {to: b}}}
  status:
    transitions:
      move:
        from: open
        to: moved
        requires: ["!request.f1", request.f2, request.f3, request.f4 && request.f5, "request.to == 'b' && request.n < 9 || request.spare"]
features: {extra: {}}
"""


AGED = """
policy: aged
version: "1"
account: {fields: {type: {enum: [x, y]}}}
request: {fields: {asked_on: date}}
lifecycle:
  type:
    transitions:
      wait: {from: x, to: y, requires: "addDays(request.asked_on, 28) < today", in_force: {until: UNTIL}}
"""


def test_what_serves_the_same_purpose_is_planned_where_there_is_no_way() -> None:
    plan = lawful.loads(MOVING).plan(account={"type": "a"}, change={"set": {"type": "b"}}, at="2025-03-01", history=[])
    assert (plan.status, plan.found) == ("none", False)
    assert plan.instead is not None
    assert plan.instead.request == {"to": "b"}
    other = plan.instead.plan
    assert (other.goal, other.status, other.instead) == ("set status=moved", "found", None)
    told = {each.obtained.fact: each.obtained.value for each in other.steps if each.obtained is not None}
    assert {name: told[f"request.{name}"] for name in ("f1", "f2", "f3", "f4", "f5")} == dict(
        zip(("f1", "f2", "f3", "f4", "f5"), (False, True, True, True, True), strict=True)
    )
    assert len(told) == 6  # `n` or `spare`, and not both


def test_what_serves_instead_is_named_where_no_way_to_it_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "moving.yaml").write_text(MOVING, "utf-8")
    (tmp_path / "account.json").write_text('{"type": "a"}', "utf-8")
    asked = ["plan", str(tmp_path / "moving.yaml"), str(tmp_path / "account.json"), "--set", "type=b"]
    assert cli.main([*asked, "--history", "none", "--no-obtain"]) == 1
    told = capsys.readouterr().out.splitlines()
    headlines = [line.split("  ")[0] for line in told if "set type: b" in line or "set status=moved" in line]
    assert headlines == ["✗ there is no way", "? undetermined"]


def test_what_is_near_is_found_and_a_closed_way_is_seen_however_late_it_is() -> None:
    account = json.loads(Path("fixtures/wechat-official/certified.json").read_text("utf-8"))
    asked: dict[str, Any] = {"account": account, "change": {"set": {"type": "service"}}, "at": "2024-04-12"}
    plan = lawful.load("wechat-official").plan(**asked, history=[], seconds=0.001)
    assert (plan.status, plan.proved) == ("none", True)
    assert plan.instead is not None
    assert plan.instead.plan.found


@pytest.mark.parametrize(
    ("until", "asked_on", "done"),
    [("2026-04-01", "2026-03-01", "2026-03-30"), ("2026-03-10", "2026-01-31", "2026-03-01")],
)
def test_a_day_that_is_to_lie_back_is_waited_for_where_that_serves(until: str, asked_on: str, done: str) -> None:
    policy = lawful.loads(AGED.replace("UNTIL", until))
    plan = policy.plan(account={"type": "x"}, change={"set": {"type": "y"}}, at="2026-03-01", history=[])
    [told] = [each.obtained.value for each in plan.steps if each.obtained is not None]
    assert (told, (plan.done_at or "")[:10]) == (asked_on, done)


def test_no_other_way_is_told_of_what_has_a_plan_or_names_none() -> None:
    policy = lawful.loads(MOVING.replace('requires: "false", ', ""))
    asked = {"account": {"type": "a"}, "at": "2025-03-01", "history": []}
    assert policy.plan(asked, change={"set": {"type": "b"}}).instead is None
    assert policy.plan(asked, change={"set": {"type": "b"}}, max_steps=0).instead is not None
    assert policy.plan(asked, change={"set": {"status": "moved"}}, max_steps=0).instead is None


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ("{set: {statuses: moved}}", "the account has no field `statuses`"),
        ("{set: {status: gone}}", "`gone`"),
        ("{set: {status: moved}, request: {too: b}}", "the request has no field `too`"),
        ("{do: nothing}", "there is no action `nothing`"),
        ("{enable: nothing}", "there is no feature `nothing`"),
        ("{request: {to: b}}", "exactly one change"),
        ("{set: {status: moved}, when: account.kind}", "the account has no field `kind`"),
    ],
)
def test_what_is_done_instead_is_checked(instead: str, told: str) -> None:
    with pytest.raises(lawful.PolicyError, match=told):
        lawful.loads(MOVING.replace("{set: {status: moved}, request: {to: b}}", instead))


COUNTED = """
policy: counted
version: "1"
account:
  fields:
    type: {enum: [a]}
    n: {type: int, min: 0, default: 0}
actions:
  bump: {effects: {n: account.n + 1}, limit: {at_most: 1, per: month}}
"""


@pytest.mark.parametrize(
    ("reach", "until", "steps"),
    [
        ("today >= date('2025-06-01')", "2025-06-01", 0),
        ("count('bump', 'month') == 0 && account.n == 2", "2025-05-01", 2),
        ("account.n == 2", None, 2),
        ("account.n == 0", None, 0),
    ],
)
def test_the_wait_after_the_last_step_is_told(
    reach: str, until: str | None, steps: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counted.yaml").write_text(COUNTED)
    (tmp_path / "account.json").write_text('{"type": "a", "features": []}')
    files = (str(tmp_path / "counted.yaml"), str(tmp_path / "account.json"))
    code, out, _ = run(capsys, *files, "--reach", reach, "--at", "2025-03-31", "--history", "none")
    assert (code, out.count("do “bump”")) == (0, steps)
    assert (f"wait until {until}" in out) if until else "wait" not in out
    assert ("it is so already" in out) == (until is None and not steps)


def told_of(
    policy: str, account: dict[str, Any], goal: tuple[str, ...], tmp_path: Path, capsys: Any
) -> tuple[int, str]:
    (tmp_path / "p.yaml").write_text(policy)
    (tmp_path / "account.json").write_text(json.dumps(account))
    files = (str(tmp_path / "p.yaml"), str(tmp_path / "account.json"))
    code, out, _ = run(capsys, *files, *goal, "--at", "2025-03-01", "--history", "none")
    return code, out


def test_a_leap_day_is_waited_for_and_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = """
policy: leap
version: "1"
account: {fields: {born: {type: date, settable: {}}}}
actions:
  party: {requires: "today.getMonth() == 1 && today.getDate() == 29"}
  greet: {requires: "account.born.getMonth() == 1 && account.born.getDate() == 29"}
"""
    code, out = told_of(policy, {"features": []}, ("--do", "party"), tmp_path, capsys)
    assert (code, "2028-02-29   do “party”" in out) == (0, True)
    code, out = told_of(policy, {"features": []}, ("--do", "greet"), tmp_path, capsys)
    assert (code, "set born: unknown → 2028-02-29" in out or "set born: 2028-02-29" in out) == (0, True)


def test_alternatives_do_something_else_and_tell_their_last_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = """
policy: ways
version: "1"
account: {fields: {a: {type: date}, b: {type: date}, n: {type: int, outside: true}}}
actions:
  one: {effects: {a: "addDays(today, 2)"}}
  other: {effects: {b: "addDays(today, 3)"}}
  more: {requires: account.n > 5 || account.n < 0}
"""
    reach = "account.a == today || account.b == today"
    code, out = told_of(policy, {"features": []}, ("--reach", reach), tmp_path, capsys)
    assert (code, out.count("wait until 2025-03-03"), out.count("wait until 2025-03-04")) == (0, 1, 1)
    code, out = told_of(policy, {"features": []}, ("--do", "more"), tmp_path, capsys)
    assert (code, out.count("obtain: n"), "or, at the same cost" in out) == (0, 1, False)


def test_why_a_condition_is_never_reached_is_told() -> None:
    plan = lawful.load("wechat").plan(
        account=ACCOUNT, reach="account.type == 'enterprise' && today >= date('2025-01-01')", **NOW
    )
    assert (plan.status, plan.proved) == ("none", True)
    [unmet] = plan.unmet
    assert (unmet.text, unmet.facts) == ("account.type == 'enterprise'", {"account.type": "subscription"})


FREE_MOVES = """
policy: free
version: "1"
account:
  fields:
    k: {enum: [a, b, c]}
    n: {type: int, min: 0, max: 1000000000, default: 0}
    bal: {type: int, default: 0, outside: true}
lifecycle:
  k:
    initial: a
    transitions:
      ab: {from: a, to: b, cost: {fee: 0}}
      bc: {from: b, to: c, cost: {fee: 5}}
      ac: {from: a, to: c, requires: account.n > 900000000, cost: {fee: 1}}
actions:
  more: {effects: {n: account.n + 1}}
  big: {requires: "account.bal > 1000 && account.bal % 7 == 3"}
"""


def test_moves_that_cost_nothing_do_not_hide_the_plan_that_there_is() -> None:
    policy = lawful.loads(FREE_MOVES)
    asked = {"account": {"k": "a", "features": []}, **NOW}
    plan = policy.plan(asked, change={"set": {"k": "c"}}, cost="fee", seconds=2)
    assert [step.change for step in plan.steps] == [{"set": {"k": "b"}}, {"set": {"k": "c"}}]
    assert (plan.status, plan.proved, plan.cost, plan.measure) == ("found", False, 5, "fee")


def test_a_fact_is_obtained_once_before_a_change() -> None:
    policy = lawful.loads(FREE_MOVES)
    plan = policy.plan(account={"k": "a", "features": []}, change={"do": "big"}, **NOW)
    for steps in (plan.steps, *(each.steps for each in plan.alternatives)):
        assert [step.kind for step in steps] == ["obtain", "change"]
        value = steps[0].obtained.value
        assert value > 1000
        assert value % 7 == 3


FACTS = """
policy: facts
version: "1"
account:
  fields:
    a: {type: int, min: 0, outside: true}
    b: {type: int, min: 0, outside: true}
    c: {type: int, min: 0, outside: true}
    d: {type: int, min: 0, outside: true}
    e: {type: int, min: 0, outside: true}
    f: {type: int, min: 0, outside: true}
    x: {type: int, min: 0, max: 100, default: 0, settable: {}}
    y: {type: int, min: 0, max: 100, default: 0, settable: {}}
    score: {type: int, outside: true}
    other: {type: int, outside: true}
    few: {type: int, min: 0, max: 5, outside: true}
    note: {type: string, outside: true}
    lease: {type: date, outside: true}
features:
  many: {requires: [account.a > 3 && account.a != 9, account.b > 4 && account.b != 9, account.c > 5, account.d > 6, account.e > 7, account.f > 8]}
  set: {requires: [account.x > 3 && account.x < 60, account.y > 10 && account.y < 60]}
actions:
  unequal: {requires: account.score * 3 != 6}
  less: {requires: account.other - account.score > 10}
  named: {requires: "account.note != 'x'"}
  lease: {requires: account.lease > today, in_force: {from: 2026-01-01}}
  square: {requires: account.few * account.few == 7}
  late: {in_force: {from: 2050-01-01}}
"""
WAYS = {
    "as many facts as there are": ({"enable": "many"}, {}, [4, 5, 6, 7, 8, 9, {"enable": "many"}]),
    "several fields at once": ({"enable": "set"}, {}, [{"set": {"x": 4, "y": 11}}, {"enable": "set"}]),
    "a small number, not one that overflows": ({"do": "unequal"}, {}, [1, {"do": "unequal"}]),
    "beyond where it overflows": ({"do": "less"}, {"other": 0}, [-11, {"do": "less"}]),
    "the nearest to what it is": ({"do": "less"}, {"other": 1000, "score": 5000}, [989, {"do": "less"}]),
    "what only later will do": ({"do": "lease"}, {}, ["2026-01-02", {"do": "lease"}]),
}


@pytest.mark.parametrize(("change", "account", "steps"), WAYS.values(), ids=WAYS.keys())
def test_the_way_is_the_one_that_one_would_go(change: Any, account: Any, steps: list[Any]) -> None:
    plan = lawful.loads(FACTS).plan(account={**account, "features": []}, change=change, **NOW)
    assert [each.change or each.obtained.value for each in plan.steps] == steps
    ways = [plan.steps, *(each.steps for each in plan.alternatives)]
    assert [[each.change or each.obtained.fact for each in way] for way in ways].count(
        [each.change or each.obtained.fact for each in plan.steps]
    ) == 1


def test_a_few_values_are_gone_through_and_an_end_is_told() -> None:
    policy = lawful.loads(FACTS)
    none = policy.plan(account={"features": []}, change={"do": "square"}, **NOW)
    assert (none.status, none.proved) == ("none", True)
    late = policy.plan(account={"features": []}, change={"do": "late"}, **NOW)
    assert (late.status, late.bound.left_out, late.bound.whole) == ("not found", ("later",), None)


def test_where_the_work_is_over_it_is_told_how_far_all_was_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = """
policy: counting
version: "1"
account:
  fields:
    n: {type: int, default: 0}
    m: {type: int, default: 1}
    k: {type: int, default: 1}
    p: {type: int, default: 1}
    q: {type: int, default: 1}
actions:
  one: {effects: {n: account.n + account.q}}
  two: {effects: {m: account.m + account.p}}
  three: {effects: {k: account.k + account.m}}
  four: {effects: {p: account.p + account.k}}
  five: {effects: {q: account.q + account.p}}
  go: {requires: "account.n * account.k == 999983 * account.q"}
"""
    code, out = told_of(policy, {"features": []}, ("--do", "go", "--seconds", "2"), tmp_path, capsys)
    assert code == 3
    assert re.search(r"looked at every plan of up to \d+ steps?, at some of up to 12, until 2035-03-01", out)


def test_any_other_text_is_told_as_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = told_of(FACTS, {"features": []}, ("--do", "named"), tmp_path, capsys)
    assert "obtain: note: any other text" in out


OPEN = """
policy: open
version: "1"
account: {fields: {type: {enum: [a, b]}, n: {type: int, default: 0}, who: {enum: [p, q], fixed: true}}}
lifecycle: {type: {initial: [a, b]}}
actions:
  go: {requires: account.n % 1000 == 999}
  more: {effects: {n: account.n + 1}}
  own: {requires: account.who == 'p' && account.type == 'a'}
"""


def test_where_it_is_open_whether_a_need_is_served_it_is_told_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(OPEN)
    asked = ("--need", "go", "--need", "own", "--at", "2025-03-01", "--seconds", "2", "--lang", "en")
    _, out, _ = run(capsys, str(tmp_path / "p.yaml"), *asked)
    assert re.search(r"open: a, go +not looked at: .+", out)
    assert re.search(r"open: a, own +missing: account.who", out)
    choice = lawful.loads(OPEN).choose(["own"], at="2025-03-01")
    assert [(need.status, need.missing) for option in choice.options for need in option.needs] == [
        ("undetermined", (("account.who",),)),
        ("none", ()),
    ]


def test_the_question_of_the_article_has_an_answer_by_the_dated_rules() -> None:
    """What the platform has to be asked is a step of the way; a type that no account begins with has its reasons, too."""
    needs, account = ["wechat_pay", "mass_send 2 per month"], {"subject": "enterprise"}
    choice = lawful.load("wechat-official").choose(needs, account=account, at="2025-03-01", seconds=120)
    assert {option.value: option.status for option in choice.options} == {
        "subscription": "none",
        "service": "found",
        "enterprise": "none",
        "wecom": "none",
    }
    [plan] = [option.plan for option in choice.options if option.value == "service"]
    assert plan is not None
    asked = [step.change or (step.obtained and step.obtained.fact) for step in plan.steps]
    assert asked == ["request.accounts_of_subject", {"register": {}}, {"do": "certify"}, {"enable": "wechat_pay"}]
    for option in choice.options:
        assert option.status == "found" or [each.rules for each in option.needs if each.rules]


def compared(seed: int) -> tuple[lawful.Policy, dict[str, Any], dict[str, Any]]:
    """A policy of two numbers that are compared with each other and may be set, an account of it, and a goal."""
    pen = small.Dice(seed)

    def comparison() -> str:
        sides = ("account.x", "account.y", "account.x + 1", "account.y * 2", "account.x + account.y", "1", "2", "3")
        return f"{pen.one(sides[:5])} {pen.one(('==', '<=', '<', '!=', '>='))} {pen.one(sides)}"

    def requires(atoms: int) -> dict[str, Any]:
        return {"requires": [comparison() for _ in range(atoms)]} if atoms else {}

    def number() -> dict[str, Any]:
        return {"type": "int", "min": "0", "max": "3", "settable": requires(pen.number(0, 1))}

    written = {
        "policy": "compared",
        "version": "1",
        "account": {"fields": {"x": number(), "y": number()}},
        "actions": {"go": requires(2)},
        "constraints": {f"c{n}": requires(1) for n in range(pen.number(0, 2))},
    }
    account = {name: pen.number(0, 3) for name in ("x", "y") if pen.chance(90)}
    goal = {"set": {"x": pen.number(0, 3)}} if pen.chance(50) else {"do": "go"}
    return lawful.loads(json.dumps(written)), account, goal


def fewest_sets(policy: lawful.Policy, account: dict[str, Any], goal: dict[str, Any]) -> int | None:
    """Level by level, one field and both with every value."""
    every = [{"set": {**x, **y}} for x in ({}, *each_value("x")) for y in ({}, *each_value("y")) if x or y]
    level, seen = [account], [account]
    for depth in range(1, 20):
        following = []
        for state in level:
            ask = partial(policy.check, account=state, history=[], at="2025-03-01", engine="direct")
            if ask(change=goal).verdict == "allow":
                return depth
            for change in every:
                after = {**state, **change["set"]}
                if after not in seen and ask(change=change).verdict == "allow":
                    seen.append(after)
                    following.append(after)
        level = following
    return None


def each_value(name: str) -> list[dict[str, int]]:
    return [{name: value} for value in range(4)]


def test_fields_that_are_compared_are_set_so_that_they_suit_each_other() -> None:
    """No plan is shorter than by enumeration, and none is passed over."""
    seen: Counter[int | None] = Counter()
    for seed in range(7000, 7060):
        policy, account, goal = compared(seed)
        if all(account.get(name) == value for name, value in goal.get("set", {}).items()) and "set" in goal:
            continue
        fewest = fewest_sets(policy, account, goal)
        plan = policy.plan(account=account, change=goal, history=[], at="2025-03-01", seconds=60)
        assert plan.cost == fewest, (seed, plan.status, fewest)
        seen[fewest] += 1
    assert min(seen[None], seen[1], seen[2]) >= 5, seen


TEXTS = """
policy: texts
version: "1"
timezone: Asia/Shanghai
account:
  fields:
    phone: {type: string, settable: {limit: {at_most: 1, per: day}}}
    cc: {type: string, outside: true}
    cert: date
request: {fields: {note: string}}
actions:
  dial: {requires: "account.phone == '123'"}
  far: {requires: "account.phone.startsWith('86') && size(account.phone) > 4"}
  ends: {requires: "account.phone.endsWith('.cn') && account.phone.contains('@')"}
  note: {requires: "request.note.matches('^[A-Z]{2}[0-9]+$')"}
  sent: {requires: "account.cc.matches('^(cn|hk)[0-9]{3}$')"}
  certify: {effects: {cert: "addDays(today, 30)"}, limit: {at_most: 1, per: month}}
  twice: {requires: "count('certify', '20 days') >= 2"}
"""


@pytest.mark.parametrize("account", [{}, {"phone": "1"}])
@pytest.mark.parametrize(
    ("action", "cost"), [("dial", 2), ("far", 2), ("ends", 2), ("note", 2), ("sent", 2), ("twice", 3)]
)
def test_texts_that_serve_are_found_and_what_is_unknown_is_set(action: str, cost: int, account: dict[str, Any]) -> None:
    policy = lawful.loads(TEXTS)
    plan = policy.plan(account=account, change={"do": action}, history=[], at="2025-01-10", seconds=60)
    assert (plan.status, plan.cost) == ("found", cost)
    replay(policy, Small(TEXTS, account, [], {"do": action}, None), plan)


TOLD = """
policy: told
version: "1"
account:
  fields:
    st: {title: {en: state, zh: 状态}, enum: {a: {en: alpha, zh: 甲}, b: {en: beta, zh: 乙}}}
    n: {type: int, default: 0, min: 0, max: 20}
    d: {type: date, fixed: true}
lifecycle: {st: {initial: [a], transitions: {ab: {from: a, to: b, requires: "account.n >= 2"}}}}
actions:
  inc: {effects: {n: account.n + 1}, limit: {at_most: 1, per: day}}
  late: {requires: "account.d < today && daysBetween(account.d, today) > 30"}
  rare: {limit: {at_most: 1, within: {months: 60}}}
  free: {requires: "account.st == 'b'"}
"""
TOLD_ACCOUNT = {"st": "a", "n": 0, "d": "2025-01-10", "features": []}


def test_remedies_tell_the_day_that_a_step_waits_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.yaml").write_text(TOLD)
    (tmp_path / "a.json").write_text(json.dumps(TOLD_ACCOUNT))
    asked = ("--account", str(tmp_path / "a.json"), "--set", "st=b", "--at", "2025-03-01T09:00:00", "--history", "none")
    cli.main(["check", str(tmp_path / "p.yaml"), *asked, "--lang", "en"])
    assert "would help: do inc; from 2025-03-02 do inc, then this is allowed" in capsys.readouterr().out


def test_what_refuses_a_step_to_the_last_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told_of(TOLD, {**TOLD_ACCOUNT, "d": "2025-03-01"}, ("--do", "late"), tmp_path, capsys)
    assert code == 0
    assert "not before: actions.late   not so: the days from d to today is more than 30" in out


def test_where_a_limit_is_waited_for_since_the_history_is_not_known_it_is_asked_for() -> None:
    policy = lawful.loads(TOLD)
    plan = policy.plan(account=TOLD_ACCOUNT, change={"do": "rare"}, at="2025-01-10")
    assert plan.steps[0].waited is not None
    assert plan.steps[0].waited.missing == (("history",),)
    whole = policy.plan(
        account=TOLD_ACCOUNT, change={"do": "rare"}, at="2025-01-10", history=[], history_from="2024-01-01"
    )
    assert whole.steps[0].at == "2029-01-01T00:00:00+00:00"


def test_what_the_bounds_of_a_field_rule_out_is_proved() -> None:
    plan = lawful.loads(TOLD).plan(account=TOLD_ACCOUNT, reach="account.n > 20", history=[], at="2025-01-10")
    assert (plan.status, plan.proved) == ("none", True)


def test_nothing_is_cheaper_than_what_costs_nothing() -> None:
    policy = lawful.loads(
        TOLD.replace("limit: {at_most: 1, per: day}", "limit: {at_most: 1, per: day}, cost: {fee: 0}")
    )
    plan = policy.plan(account=TOLD_ACCOUNT, change={"do": "free"}, history=[], at="2025-01-10", cost="fee")
    assert (plan.cost, plan.proved) == (0, True)


def test_in_chinese_fields_and_values_are_told_by_their_titles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(TOLD)
    _, out, _ = run(capsys, str(tmp_path / "p.yaml"), "--need", "free", "--at", "2025-01-10", "--lang", "zh")
    assert "帐号信息：状态：甲" in out
    assert "设置状态：甲 → 乙" in out


WHY = """
policy: why
version: "1"
account: {fields: {st: {enum: [a, b, c, d]}, opened: {type: date, fixed: true}}}
lifecycle:
  st:
    initial: a
    transitions:
      ab: {from: a, to: b}
      cd: {from: [b, c], to: d, requires: "daysBetween(account.opened, today) >= 90"}
actions: {go: {}}
"""


def test_the_reasons_against_a_type_are_those_of_what_leads_to_it() -> None:
    policy = lawful.loads(WHY)
    reasons = {option.value: option.rules for option in policy.choose(["go"], at="2025-01-10").options}
    assert reasons == {"a": (), "b": (), "c": ("lifecycle.st.unlisted",), "d": ("lifecycle.st.cd",)}
    begun = policy.choose(["go"], account={"st": "b"}, at="2025-01-10")
    assert [option.rules for option in begun.options] == [("lifecycle.st.initial",)] * 4


def test_what_refuses_the_first_step_is_told_where_there_is_no_direct_one() -> None:
    policy = lawful.loads(
        """
policy: hops
version: "1"
account: {fields: {st: {enum: [b, c, d]}}}
lifecycle:
  st: {transitions: {bc: {from: b, to: c, limit: {at_most: 1, within: {months: 60}, of: [bc, cb]}}, cb: {from: c, to: b}, cd: {from: c, to: d}}}
"""
    )
    history = [{"event": "cb", "at": "2023-04-05"}]
    plan = policy.plan(
        account={"st": "b"}, change={"set": {"st": "d"}}, history=history, at="2025-01-10", within="2 years"
    )
    assert (plan.status, plan.rules) == ("not found", ("lifecycle.st.bc.limit", "lifecycle.st.unlisted"))


def test_much_evidence_is_the_least_that_will_do() -> None:
    """Of six facts that are yes, no or not told, every combination is asked of `check`."""
    seen: Counter[int | None] = Counter()
    names = [f"f{n}" for n in range(6)]
    for seed in range(8000, 8012):
        pen = small.Dice(seed)

        def atom(pen: small.Dice = pen) -> str:
            return pen.one(("", "", "!")) + f"request.{pen.one(names)}"

        requires = [" || ".join(atom() for _ in range(pen.number(1, 2))) for _ in range(pen.number(2, 5))]
        every = [f"(has(request.{name}) || true)" for name in names]  # so that each is read
        written = {
            "policy": "much",
            "version": "1",
            "account": {"fields": {"n": {"type": "int", "fixed": True}}},
            "request": {"fields": dict.fromkeys(names, "bool")},
            "actions": {"go": {"requires": [*requires, *every]}},
        }
        policy = lawful.loads(json.dumps(written))
        ask = partial(policy.check, account={}, change={"do": "go"}, history=[], at="2025-03-01", engine="direct")
        told = [
            {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
            for chosen in product((None, True, False), repeat=len(names))
        ]
        least = min((len(facts) for facts in told if ask(request=facts).verdict == "allow"), default=None)
        plan = policy.plan(account={}, change={"do": "go"}, history=[], at="2025-03-01", seconds=60)
        assert plan.cost == (None if least is None else least + 1), (seed, requires)
        seen[least] += 1
    assert len(seen) >= 3, seen


EXCLUSIVE = """
policy: exclusive
version: "1"
account: {fields: {t: {enum: [a, b]}, n: {type: int, min: 0, default: 0}}}
lifecycle: {t: {initial: [a, b]}}
features: {f: {requires: "account.n == 0"}, g: {}}
actions: {use: {effects: {n: account.n + 1}}, pair: {never_after: pair2}, pair2: {never_after: pair}}
"""


@pytest.mark.parametrize(
    ("needs", "status"),
    [
        (["f", "use"], "not found"),  # the first use loses it
        (["f", "use 1 per month"], "not found"),
        (["pair", "pair2"], "not found"),
        (["pair 1 per month", "pair2 1 per month"], "not found"),
        (["g", "use 1 per month"], "found"),
        (["pair", "use"], "found"),
    ],
)
def test_needs_that_exclude_each_other_are_not_served_together(needs: list[str], status: str) -> None:
    choice = lawful.loads(EXCLUSIVE).choose(needs, at="2025-01-10")
    assert choice.status == status
    for option in choice.options:
        assert [each.status for each in option.needs] == ["found"] * len(needs)
        assert [each.needs for each in option.apart] == ([] if status == "found" else [tuple(needs)])


@pytest.mark.parametrize(
    ("needs", "apart"),
    [
        (["f", "g", "use"], {("f", "use"): ("features.f",)}),
        (
            ["pair 1 per month", "use", "pair2"],
            {("pair 1 per month", "pair2"): ("actions.pair2.never_after", "actions.pair.never_after")},
        ),
    ],
)
def test_which_needs_exclude_each_other_is_told_with_the_rule(
    needs: list[str], apart: dict[tuple[str, ...], tuple[str, ...]]
) -> None:
    for option in lawful.loads(EXCLUSIVE).choose(needs, at="2025-01-10").options:
        assert {each.needs: each.rules for each in option.apart} == apart


def test_a_need_said_twice_is_one() -> None:
    policy = lawful.loads(AT_RATES)
    choice = policy.choose(["e 3 per month", "e  3 per month", "e 3 a month"], at="2026-03-01")
    assert (choice.needs, choice.status) == (("e 3 per month",), "found")


APART = """
policy: apart
version: "1"
account: {fields: {t: {enum: [a, b]}}}
lifecycle: {t: {initial: [a, b]}}
features: {f: {}, g: {}}
actions: {use: {requires: "!('f' in account.features)"}}
constraints: {one: {when: "'f' in account.features", requires: "!('g' in account.features)"}}
"""


@pytest.mark.parametrize(
    ("needs", "code", "en", "zh"),
    [
        ("f g", 1, "but not together\n    constraints.one   not so: ", "但不能同时满足\n    constraints.one   "),
        ("f use", 3, "but no way to them together was found\n    actions.use   not so: ", "但未找到同时满足的途径"),
    ],
)
def test_what_keeps_needs_apart_is_told_below_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], needs: str, code: int, en: str, zh: str
) -> None:
    (tmp_path / "p.yaml").write_text(APART, "utf-8")
    one, other = needs.split()
    asked = (str(tmp_path / "p.yaml"), "--need", one, "--need", other, "--at", "2025-01-10")
    assert run(capsys, *asked, "--lang", "en")[0] == code
    assert f"  against b: {one} and {other} are each served, {en}" in run(capsys, *asked, "--lang", "en")[1]
    assert f"  不宜选b：可分别满足{one}与{other}，{zh}" in run(capsys, *asked, "--lang", "zh")[1]


# ------------------------------------------------------------------------------------------- together at their rates

AT_RATES = """
policy: at-rates
version: "1"
account:
  fields:
    t: {enum: [a, b]}
    m: {enum: [p, q], settable: {limit: {at_most: 1, within: {months: 2}}}}
    w: {enum: [p, q], settable: {}}
    k: {type: int, min: 0, default: 0}
    paid_until: {type: date}
    ready: {type: bool, default: no}
lifecycle: {t: {initial: [a, b], transitions: {}}}
features:
  low: {requires: account.k < 2}
  other: {}
  early: {requires: today.getDate() < 20}
  paid: {requires: "has(account.paid_until) && account.paid_until >= today"}
actions:
  pay: {effects: {paid_until: "addMonths(today, 14)"}}
  e: {limits: [{at_most: 3, per: month, of: [e, e2]}]}
  e2: {limits: [{at_most: 3, per: month, of: [e, e2]}]}
  for_a: {limits: [{at_most: 1, per: day, of: [for_a, free], when: account.t == 'a'}]}
  free: {limits: [{at_most: 1, per: day, of: [for_a, free], when: account.t == 'a'}]}
  first: {limits: [{at_most: 1, per: day, of: [first, then]}]}
  then: {limits: [{at_most: 1, per: day}]}
  slow: {limits: [{at_most: 1, within: {days: 7}}]}
  one: {limits: [{at_most: 1, within: {days: 20}, of: [one, two]}]}
  two: {limits: [{at_most: 1, within: {days: 20}, of: [one, two]}]}
  raise: {requires: account.m == 'p', effects: {k: account.k + 1}}
  in_q: {requires: account.m == 'q'}
  in_wp: {requires: account.w == 'p'}
  in_wq: {requires: account.w == 'q'}
  prepare: {effects: {ready: "true"}}
  prepared: {requires: account.ready, effects: {ready: "false"}}
"""


@pytest.mark.parametrize(
    ("needs", "statuses", "rules"),
    [
        (["e 2 per month", "e2 2 per month"], ("none", "none"), ("actions.e.limits.1", "actions.e2.limits.1")),
        (["e 2 per month", "e2 1 per month"], ("found", "found"), ()),
        (["e 2 per month", "low", "e2 2 per month"], ("none", "none"), ("actions.e.limits.1", "actions.e2.limits.1")),
        (["for_a 1 per day", "free 1 per day"], ("none", "found"), ("actions.for_a.limits.1", "actions.free.limits.1")),
        (["first 1 per day", "then 1 per day"], ("found", "found"), ()),
        (["then 1 per day", "first 1 per day"], ("found", "found"), ()),  # in the other order
        (["slow 3 per month", "then 1 per day", "other"], ("found", "found"), ()),
        (["one 1 per month", "two 1 per month"], ("not found", "not found"), None),  # each needs 20 days
        (["raise 1 per month", "in_q 1 per month"], ("not found", "not found"), None),  # m is set every other month
        (["in_wp 1 per month", "in_wq 1 per month"], ("found", "found"), ()),
        (["low", "raise 1 per month"], ("not found", "not found"), ("features.low",)),  # lost by the second
        (["low", "raise"], ("found", "found"), ()),
        (["low", "e 3 per month"], ("found", "found"), ()),
        (["paid", "e 1 per month"], ("found", "found"), ()),
        (["other", "prepared 1 per month"], ("found", "found"), ()),  # nothing takes the feature away
    ],
)
def test_needs_are_served_together_only_at_their_rates(
    needs: list[str], statuses: tuple[str, ...], rules: tuple[str, ...] | None
) -> None:
    choice = lawful.loads(AT_RATES).choose(needs, at="2026-03-01", seconds=100)
    assert tuple(each.status for each in choice.options) == statuses
    for option in choice.options:
        assert [each.status for each in option.needs] == ["found"] * len(needs)
        if option.status == "found":
            assert option.apart == ()
        else:
            [apart] = option.apart
            assert rules is None or set(apart.rules) == set(rules)
            assert option.plan is not None
            assert ("rates" in option.plan.bound.left_out) == (option.status == "not found")


@pytest.mark.parametrize("feature", ["paid", "early"])
def test_a_feature_that_lapses_meanwhile_is_not_kept(feature: str) -> None:
    """Paid for 40 days, and not again; or had early in each month, when the action is done, and lost late in it."""
    policy = lawful.loads(AT_RATES.replace("addMonths(today, 14)", "addDays(today, 40)"))
    for option in policy.choose([feature, "e 1 per month"], at="2026-03-01", seconds=60).options:
        assert option.status == "not found"
        assert [each.rules for each in option.apart] == [(f"features.{feature}",)]


def test_it_is_told_that_needs_were_not_found_together_at_their_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(AT_RATES, "utf-8")
    asked = (str(tmp_path / "p.yaml"), "--need", "low", "--need", "raise 1 per month", "--at", "2026-03-01", "--lang")
    code, out, _ = run(capsys, *asked, "en")
    assert code == 3
    assert "low and raise (1 per month) are each served, but were not found together at their rates\n" in out
    assert "open: a, all of it together   not looked at: other ways to keep them together at their rates\n" in out
    assert "但未找到按各自频次同时满足的途径\n" in run(capsys, *asked, "zh")[1]


def test_mass_messages_that_share_a_daily_limit_are_not_served_one_a_day_each() -> None:
    needs = ["mass_send 1 per day", "mass_send_some 1 per day"]
    account = {"subject": "enterprise", "type": "subscription"}
    choice = lawful.load("wechat-official").choose(needs, account=account, at="2026-03-01", seconds=60)
    [option] = [each for each in choice.options if each.value == "subscription"]
    assert option.status != "found"
    assert [each.rules for each in option.apart] == [
        ("actions.mass_send.limits.daily", "actions.mass_send_some.limits.daily")
    ]


def test_actions_under_drawn_limits_are_served_together_where_some_order_of_them_is_allowed() -> None:
    """The limits are of the period of the rates: one period is as good as another, and every order of it is tried."""
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in range(7000, 7080):
        pen = small.Dice(seed)
        limits = {
            name: [(pen.number(2, 5), pen.one((["u", "v"], [name], ["u", "v"]))) for _ in range(pen.number(0, 2))]
            for name in ("u", "v")
        }
        times = {name: pen.number(1, 3) for name in ("u", "v")}
        written = {
            "policy": "shared",
            "version": "1",
            "account": {"fields": {"t": {"enum": ["a"]}}},
            "lifecycle": {"t": {"initial": ["a"], "transitions": {}}},
            "actions": {
                name: {"limits": [{"at_most": most, "per": "month", "of": of} for most, of in each]}
                for name, each in limits.items()
            },
        }

        def is_allowed(order: tuple[str, ...], limits: Any = limits) -> bool:
            return all(
                sum(each in of for each in order[: place + 1]) <= most
                for place, name in enumerate(order)
                for most, of in limits[name]
            )

        alone = all(is_allowed((name,) * many) for name, many in times.items())
        every = [name for name, many in times.items() for _ in range(many)]
        is_served = any(is_allowed(order) for order in set(permutations(every)))
        needs = [f"{name} {many} per month" for name, many in times.items()]
        [option] = lawful.loads(json.dumps(written)).choose(needs, at="2026-03-01", seconds=60).options
        assert option.status == "found" or not is_served, (seed, limits, times)
        assert option.status != "found" or is_served, (seed, limits, times)
        seen[option.status, alone] += 1
    assert seen["found", True] >= 5, seen
    assert seen["none", True] >= 2, seen


HELD_OFF = """
policy: held-off
version: "1"
account: {fields: {t: {enum: [a, b]}, mode: {enum: [m1, m2], settable: {}}, day: {type: date, fixed: yes}}}
lifecycle: {t: {initial: [a, b], transitions: {}}}
features:
  f: {requires: account.mode == 'm1'}
  g: {requires: account.mode == 'm2'}
  h: {requires: "!('f' in account.features)"}
  i: {needs: f}
  j: {requires: account.t == 'a' || account.day == today}
"""


@pytest.mark.parametrize(
    ("needs", "rules"),
    [
        (["i", "h"], {"features.h", "features.i.needs.f"}),
        (["f", "h"], {"features.h"}),  # not that the mode is not known yet
        (["g", "i"], {"features.g", "features.i.needs.f"}),
    ],
)
def test_that_a_mode_is_not_known_is_no_reason_where_none_would_serve(needs: list[str], rules: set[str]) -> None:
    for option in lawful.loads(HELD_OFF).choose(needs, at="2026-03-01", seconds=60).options:
        assert option.status == "none"
        assert [set(each.rules) for each in option.apart] == [rules]


def test_what_only_an_unknown_fact_keeps_open_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.yaml").write_text(HELD_OFF, "utf-8")
    _, out, _ = run(
        capsys, str(tmp_path / "p.yaml"), "--need", "j", "--need", "h", "--at", "2026-03-01", "--lang", "en"
    )
    assert "nothing" not in out
    assert "missing: account.day" in out


# ------------------------------------------------------------------------------------------------ several steps


@pytest.mark.parametrize("seed", [19, 123, 160, 333, 330, 513, 76, 81, 115, 286, 542, 640])
def test_the_shortest_of_several_steps_is_found(seed: int) -> None:
    """Of four to seven: as many as it takes by enumeration, or fewer where one waits for longer than that does."""
    drawn = chains.drawn(seed)
    policy = lawful.loads(drawn.policy)
    fewest = chains.Breadth(policy, drawn, most=8_000).fewest()
    goal = {"change": drawn.change} if drawn.change is not None else {"reach": drawn.reach}
    plan = policy.plan(chains.asked_of(drawn), **goal, obtain=False, seconds=60)
    assert fewest is not None
    assert fewest >= 4
    assert (plan.status, plan.cost) == ("found", fewest)
    replay(policy, drawn, plan)


ROUND = """
policy: round
version: "1"
account:
  fields:
    lvl: {enum: [a, b, c]}
    n: {type: int, min: 0, max: 9, settable: {requires: account.lvl != 'c'}}
    m: {type: int, min: 0, max: 9, settable: {requires: account.n == 5}}
    flag: {type: bool, settable: {}}
lifecycle:
  lvl:
    transitions:
      ab: {from: a, to: b, requires: account.n == 3}
      ba: {from: b, to: a}
      bc: {from: b, to: c, requires: account.flag}
      ca: {from: c, to: a, requires: account.m == account.n}
features:
  f: {requires: "account.lvl == 'a' && count('ca','lifetime') >= 1"}
actions:
  pay: {limit: once}
  twice: {requires: "count('pay','lifetime') >= 2"}
"""


def test_fields_are_set_along_with_other_steps_where_that_saves_one() -> None:
    policy = lawful.loads(ROUND)
    account = {"lvl": "a", "n": 0, "m": 0, "flag": False, "features": []}
    plan = policy.plan(account=account, change={"enable": "f"}, seconds=60, **NOW)
    assert (plan.status, plan.cost, plan.proved) == ("found", 5, True)
    once = policy.plan(account=account, change={"do": "twice"}, **NOW)
    assert (once.status, once.proved) == ("none", True)


WIDE = """
policy: wide
version: "1"
account:
  fields:
    t: {enum: [a, b, c]}
    x: {enum: [p, q, r]}
    n: {type: int, min: 0, max: 20, default: 0, settable: {limit: {at_most: 1, per: month}, requires: "account.n != 7 || account.x == 'r'"}}
    s: {type: string, settable: {}}
    tags: {set: [x, y, z], settable: {requires: "!('x' in account.tags) || account.n == 3"}}
    d: date
lifecycle:
  t:
    transitions:
      ab: {from: a, to: b, requires: account.n > 0}
      ba: {from: b, to: a, never_after: [pay]}
      bc: {from: b, to: c, requires: "count('set.s','lifetime') >= 3"}
  x:
    transitions:
      pq: {from: p, to: q, in_force: {from: 2025-05-10, until: 2025-05-12}, requires: "count('pay','lifetime') >= 1"}
      qr: {from: q, to: r, requires: "has(account.d) && daysBetween(account.d, today) >= 45"}
      rp: {from: r, to: p}
actions:
  pay: {effects: {d: today}, limit: once}
  go: {requires: "account.x == 'r' && account.t == 'a'"}
constraints:
  c1: {when: account.x == 'q', requires: account.n <= 6}
"""


def test_what_may_be_done_beside_does_not_hide_the_way() -> None:
    account = {"t": "a", "x": "p", "n": 0, "s": "", "tags": ["y"], "features": []}
    plan = lawful.loads(WIDE).plan(account=account, change={"do": "go"}, seconds=60, **NOW)
    assert [(step.at[:10], step.change) for step in plan.steps] == [
        ("2025-03-01", {"do": "pay"}),
        ("2025-05-10", {"set": {"x": "q"}}),
        ("2025-05-10", {"set": {"x": "r"}}),
        ("2025-05-10", {"do": "go"}),
    ]


RARE = """
policy: rare
version: "1"
account: {fields: {k: {enum: [a]}, eff: {type: bool, default: yes}, flag: {type: bool, default: yes, settable: {}}}}
lifecycle: {k: {initial: a}}
actions:
  fri13: {requires: "today.getDate() == 13 && today.getDayOfWeek() == 5"}
  leap: {requires: "today.getDayOfWeek() == 3 && today.getMonth() == 1 && today.getDate() == 29"}
  fl: {limits: [{at_most: 1, per: month, when: account.flag}]}
  ef: {limits: [{at_most: 1, per: month, when: account.eff}]}
  off: {effects: {eff: "false"}, requires: "count('ef','lifetime') == 0"}
"""


@pytest.mark.parametrize(
    ("action", "within", "done"),
    [("fri13", "10 years", "2025-06-13"), ("leap", "20 years", "2040-02-29"), ("leap", "10 years", None)],
)
def test_a_day_that_several_conditions_of_the_calendar_make_is_waited_for(
    action: str, within: str, done: str | None
) -> None:
    plan = lawful.loads(RARE).plan(account={"k": "a"}, change={"do": action}, within=within, **NOW)
    assert (plan.done_at and plan.done_at[:10]) == done
    assert plan.found or (plan.status == "not found" and "later" in plan.bound.left_out)


@pytest.mark.parametrize("need", ["fl 3 per month", "ef 3 per month", "fri13 1 per year"])
def test_a_limit_that_need_not_apply_is_gone_round(need: str) -> None:
    """`fl` by setting the flag in between, `ef` by what is refused once it was done."""
    assert lawful.loads(RARE).choose([need], at="2025-03-01", seconds=60).status == "found"


@pytest.mark.parametrize(("subject", "told"), [("p", True), ("q", False), (None, True)])
def test_whom_it_does_not_serve_is_not_told_what_to_do_instead(subject: str | None, told: bool) -> None:
    policy = lawful.loads(
        """
policy: served
version: "1"
account: {fields: {st: {enum: [a, b]}, who: {enum: [p, q], fixed: true}}}
lifecycle: {st: {transitions: {ab: {from: a, to: b, requires: "false", instead: {do: other, when: account.who == 'p'}}}}}
actions: {other: {}}
"""
    )
    account = {"st": "a", **({} if subject is None else {"who": subject})}
    plan = policy.plan(account=account, change={"set": {"st": "b"}}, **NOW)
    assert (plan.instead is not None) == told


@pytest.mark.parametrize("seed", range(40))
def test_waiting_saves_evidence_where_the_rules_of_another_day_ask_for_less(seed: int) -> None:
    """Of each version it is plain how many steps it takes: its evidence, one request that sets fields, the action."""
    pen = small.Dice(seed)
    facts = ["request.a", "request.b", "request.c", "account.f", "account.g"]
    asked = [[each for each in facts if pen.chance(60)] for _ in range(3)]
    days = ("2025-04-01", "2025-05-01")
    periods = ({"until": days[0]}, {"from": days[0], "until": days[1]}, {"from": days[1]})
    versions = [
        {"in_force": period, "requires": " && ".join(each) or "true"}
        for period, each in zip(periods, asked, strict=True)
    ]
    settable = {"type": "bool", "default": False, "settable": {}}
    written = {
        "policy": "waiting",
        "version": "1",
        "account": {"fields": {"f": settable, "g": settable}},
        "request": {"fields": dict.fromkeys("abc", "bool")},
        "actions": {"go": versions},
    }
    plan = lawful.loads(json.dumps(written)).plan(account={}, change={"do": "go"}, **NOW)
    fewest = min(1 + sum(name[0] == "r" for name in each) + any(name[0] == "a" for name in each) for each in asked)
    assert (plan.cost, plan.proved) == (fewest, True)


def test_a_feature_that_lapses_before_the_next_step_is_not_kept_on_the_way() -> None:
    policy = lawful.loads(
        """
policy: lapsing
version: "1"
account: {fields: {t: {enum: [a]}, until: date}}
lifecycle: {t: {initial: a}}
features: {paid: {requires: account.until >= today}}
actions:
  renew: {requires: "today >= date('2025-06-01')", effects: {until: "addMonths(today, 60)"}}
"""
    )
    [option] = policy.choose(["paid", "renew"], account={"until": "2025-04-01"}, at="2025-03-01").options
    assert [step.change for step in option.plan.steps][-1] == {"do": "renew"}  # and once more, with the feature kept


def test_what_is_out_of_reach_is_not_proved_once_the_time_is_over() -> None:
    plan = lawful.load("wechat").plan(account=ACCOUNT, reach="account.type == 'enterprise'", seconds=1e-9, **NOW)
    assert (plan.status, plan.bound.left_out) == ("not found", ("dates", "later", "time"))


def test_of_many_needs_not_every_set_is_looked_at() -> None:
    names = [f"a{n}" for n in range(24)]
    limit = {"limit": {"at_most": 47, "per": "month", "of": names}}
    written = {
        "policy": "many",
        "version": "1",
        "account": {"fields": {"t": {"enum": ["x"]}}},
        "lifecycle": {"t": {"initial": "x"}},
        "actions": dict.fromkeys(names, limit),
    }
    choice = lawful.loads(json.dumps(written)).choose([f"{name} 2 per month" for name in names], at="2025-03-01")
    assert choice.status == "not found"


def test_that_a_day_which_is_written_comes_later_than_is_looked_is_told() -> None:
    policy = lawful.loads(
        """
policy: stamped
version: "1"
account: {fields: {stamp: date}}
actions:
  renew: {effects: {stamp: today}}
  go: {requires: "account.stamp >= date('2040-01-01')"}
"""
    )
    plan = policy.plan(account={"stamp": "2025-01-01"}, change={"do": "go"}, **NOW)
    assert (plan.status, "later" in plan.bound.left_out) == ("not found", True)
