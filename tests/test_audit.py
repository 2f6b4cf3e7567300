"""An audit finds in an inventory what the reference finds in each of its accounts, and says it in the same words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drawing
import lawful
from columns import ARROW
from lawful import calendar
from lawful.audit import sieve
from lawful.audit.result import Audit
from lawful.audit.telling import words
from lawful.cli.audit import code_of
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judged, Judgement
from lawful.engines import reference
from lawful.engines.situation import Situation
from lawful.ir import Text
from lawful.policy import Policy
from lawful.question import Question
from policies import Drawn, drawn


def inventory(policy: Policy, questions: Sequence[Question]) -> pa.Table:
    """The accounts of questions, as a person would have them in a file: `account_id`, the fields, `features`."""
    columns: dict[str, Any] = {policy.program.account_id: [f"a{n}" for n in range(len(questions))]}
    for name, declared in policy.program.account.items():
        held = [each.account.known().get(name) for each in questions]
        if declared.type.kind == "set":
            lists = [None if value is None else sorted(value) for value in held]
            columns[name] = pa.array(lists, type=pa.list_(pa.string()))
        elif declared.type.kind == "timestamp":
            columns[name] = pa.array(held, type=pa.timestamp("us", tz="UTC"))
        else:
            columns[name] = pa.array(held, type=ARROW[declared.type.kind])
    for name in policy.program.features:
        columns[f"features.{name}"] = pa.array([each.features.get(name) for each in questions], type=pa.bool_())
    return pa.table(columns)


def expected(policy: Policy, question: Question, at: datetime) -> dict[str, tuple[str, str, str]]:
    """Each rule that is not satisfied, and what a decision would say of it."""
    judge = policy._judge
    base = judge.situation(question)
    situation = Situation(
        records={"account": base.records["account"], "features": question.features},
        at=at,
        today=calendar.day_of(at, policy.zone),
        zone=policy.zone,
        history=base.history,
        conditions=policy.program.conditions,
        initial=base.initial,
    )
    explanation = Explanation(judge, Judgement(question, (), "reference"))
    found = {}
    for rule in policy.program.rules:
        if rule.scope not in ("account", "feature") or not rule.in_force.holds(situation.today):
            continue
        outcome = reference.outcome(rule, situation)
        if outcome != "satisfied":
            judged = Judged(rule, outcome, situation)
            told = explanation._explanation(judged, explanation._justification(judged))
            found[rule.id] = (outcome, told.best("en"), told.best("zh"))
    return found


@pytest.mark.parametrize("sifted", [False, True], ids=["all rows are asked", "a file of few rows is asked"])
@settings(max_examples=drawing.examples(5))
@given(drawn())
def test_random_policies_are_audited_as_the_reference_judges(sifted: bool, drawn: Drawn) -> None:
    policy = lawful.loads(drawn.policy)
    questions = [policy.read(each) for each in drawn.requests]
    at = questions[0].at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve, "are_few", lambda *_: sifted)
        audit = policy.audit(inventory(policy, questions), at=at, unknown=True)
        skipped = {each.rule for each in audit.summary.not_judged}
    found: dict[str, dict[str, tuple[str, str, str]]] = {f"a{n}": {} for n in range(len(questions))}
    for row in audit.findings.filter(audit.findings.about == "account").to_pyarrow().to_pylist():
        found[row["account_id"]][row["rule"]] = (row["status"], row["explanation_en"], row["explanation_zh"])
    unknown: Counter[str] = Counter()
    for n, question in enumerate(questions):
        wanted = {rule: told for rule, told in expected(policy, question, at).items() if rule not in skipped}
        assert found[f"a{n}"] == wanted
        unknown.update(rule for rule, (outcome, *_) in wanted.items() if outcome == "unknown")
    assert {each.rule: each.unknown for each in audit.summary.rules if unknown[each.rule]} == unknown


def test_rows_are_sifted_where_few_have_something_to_be_said_of() -> None:
    policy = lawful.loads(CHANNEL.partition("feature_tables")[0])
    for certified, is_file in ((True, True), (None, False)):
        accounts = {"account_id": [str(n) for n in range(50)], "certified": [certified] * 50, "strikes": [1] * 50}
        accounts["certified"][7] = False
        with policy.audit(pa.table({**accounts, "features": [["live"]] * 50}), at=AT) as audit:
            assert (audit._audited.findings.parent / "few.parquet").exists() is is_file
            rules = audit.summary.rules
            assert sum(each.violated for each in rules) == 1
            assert sum(each.unknown for each in rules) == (0 if certified else 49)


# ------------------------------------------------------------------------------- by example: the first part that failed

CHANNEL = """
policy: channel
version: "1"
account:
  fields:
    kind: {enum: {small: {en: small, zh: 小号}, large: {en: large, zh: 大号}}, title: {en: kind, zh: 类别}}
    certified: {type: bool, title: {en: it is certified, zh: 已认证}}
    vip: {type: bool, private: true, title: {en: it is a VIP, zh: 是贵宾}}
    strikes: {type: int, title: {en: strikes, zh: 违规次数}}
features:
  live: {rules: {seen: {when: account.strikes > 0, requires: account.certified}}}
  chat: {requires: [account.vip, account.certified]}
feature_tables:
  - file: rows.csv
    columns: {small: account.kind == 'small', large: account.kind == 'large'}
    cells:
      "1": yes
      A: {rules: {applied: {requires: account.certified}}}
      R: {rules: {seen: {when: account.strikes > 0, requires: account.certified}}}
"""
WRONG = ("violated", "not so: it is certified", "不满足：已认证")
OPEN = ("unknown", "not known: it is certified", "未知：已认证")
RULES = ("features.live.rules.seen", "features.polls.rules.applied", "features.votes.rules.seen")


NO_VIP = {"features.chat": ("violated", "not so: it is a VIP", "不满足：是贵宾")}
TOLD: list[tuple[dict[str, Any], dict[str, tuple[str, str, str]]]] = [
    ({}, dict.fromkeys(RULES, WRONG)),
    ({"certified": None}, dict.fromkeys(RULES, OPEN)),
    ({"kind": "large", "strikes": 0}, {}),
    (
        {"strikes": None},
        {RULES[1]: WRONG, **dict.fromkeys(RULES[::2], ("unknown", "not known: strikes", "未知：违规次数"))},
    ),
    ({"vip": False, "kind": "large", "strikes": 0}, NO_VIP),
    ({"vip": False, "certified": True}, NO_VIP),
    ({"vip": None, "certified": True}, {"features.chat": ("unknown", "not known: it is a VIP", "未知：是贵宾")}),
]


def test_it_is_what_a_rule_requires_that_failed_and_not_that_it_applies(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(CHANNEL, "utf-8")
    (tmp_path / "rows.csv").write_text("feature,small,large\npolls,A,1\nvotes,R,1\n", "utf-8")
    policy = lawful.load(tmp_path)
    questions = []
    for other, _ in TOLD:
        features = ["live", "polls", "votes", *(["chat"] if "vip" in other else [])]
        account = {"kind": "small", "certified": False, "vip": True, "strikes": 1, "features": features, **other}
        questions.append(policy.read({"account": account, "change": {"disable": "live"}, "history": [], "at": AT}))
    with policy.audit(inventory(policy, questions), at=questions[0].at, unknown=True) as audit:
        found: dict[str, dict[str, tuple[str, str, str]]] = {f"a{n}": {} for n in range(len(TOLD))}
        for row in audit.findings.to_pyarrow().to_pylist():
            found[row["account_id"]][row["rule"]] = (row["status"], row["explanation_en"], row["explanation_zh"])
    assert found == {f"a{n}": told for n, (_, told) in enumerate(TOLD)}
    assert [expected(policy, each, each.at) for each in questions] == [told for _, told in TOLD]


# ----------------------------------------------------------------------------------------------- by example: a shop

SHOP = """
policy: shop
version: "1"
timezone: Asia/Shanghai
account:
  fields:
    type: {enum: {small: {en: small shop, zh: 小店}, large: {en: large shop, zh: 大店}}}
    state: {enum: [open, paused, closed]}
    owner: string
    since: date
lifecycle:
  type:
    final: [large]
    transitions: {grow: {from: small, to: large, limit: once}}
  state:
    transitions:
      pause: {from: open, to: paused}
      move: {from: paused, to: [open, closed]}
actions:
  post: {limit: {at_most: 1, per: day}}
constraints:
  few: {per: account.owner, at_most: 2, counted_by: request.others, explanation: "{count} of {limit}"}
  silent: {per: account.owner, at_most: 2, counted_by: request.others, severity: warning}
  quiet: {requires: "count('post', '7 days') <= 1", severity: info}
request:
  fields: {others: int}
"""
AT = "2025-03-01"


def shop(accounts: dict[str, Any], *, policy: str = SHOP, **given: Any) -> Audit:
    return lawful.loads(policy).audit(pa.table(accounts), at=AT, **given)


def events(*lines: str) -> pa.Table:
    """`gh_1 post 2025-02-01`."""
    columns = zip(*(line.split() for line in lines), strict=True)
    return pa.table(dict(zip(("account_id", "event", "at"), map(list, columns), strict=True)))


def found(audit: Audit) -> list[tuple[str, str, str, str]]:
    """Account, rule, status and what is said of it."""
    rows = audit.findings.to_pyarrow().to_pylist()
    return sorted((each["account_id"], each["rule"], each["status"], each["explanation_en"]) for each in rows)


def test_only_accounts_of_the_inventory_are_accounts_with_findings() -> None:
    strays = events("gh_1 post 2025-02-01", "gh_8 post 2025-02-01", "gh_9 post 2025-04-01", "gh_1 post 2025-04-02")
    with shop({"account_id": ["gh_1"], "type": ["small"]}, history=strays) as audit:
        assert {each[0] for each in found(audit)} == {"gh_1", "gh_8", "gh_9"}
        assert (audit.summary.accounts, audit.summary.accounts_with_findings) == (1, 1)


def test_events_of_nobody_make_no_account_one_with_findings() -> None:
    with shop({"account_id": ["gh_1"], "type": ["small"]}, history=events("gh_9 post 2025-04-01")) as audit:
        assert audit.summary.accounts_with_findings == 0
        assert words.found_in_all(audit.summary).en == "no findings for 1 account, only about the data"


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        (
            {"account_id": ["gh_1"], "kind": ["small"]},
            "nothing was judged: every rule reads what is not given (history, owner)",
        ),
        (
            {"account_id": pa.array([], pa.string()), "owner": pa.array([], pa.string())},
            "the inventory has no accounts",
        ),
    ],
    ids=["no columns", "no rows"],
)
def test_where_nothing_was_judged_nothing_is_said_to_be_right(accounts: dict[str, Any], told: str) -> None:
    with shop(accounts) as audit:
        assert audit.summary.judged_nothing
        assert words.found_in_all(audit.summary).en == told
        assert code_of(audit.summary, "error", unknown=False) == 3


def test_where_some_rule_was_judged_the_others_are_only_listed() -> None:
    with shop({"account_id": ["gh_1"], "owner": ["li"]}) as audit:
        assert not audit.summary.judged_nothing
        assert code_of(audit.summary, "error", unknown=False) == 0


def test_the_count_of_a_group_has_the_account_itself_in_it() -> None:
    with shop({"account_id": ["gh_1", "gh_2", "gh_3"], "owner": ["li"] * 3}) as audit:
        assert [each[3] for each in found(audit) if each[1] == "constraints.few"] == ["3 of 2"] * 3
        facts = audit.findings.filter(audit.findings.rule == "constraints.few").facts.to_pyarrow().to_pylist()
        assert {json.loads(each)["count"] for each in facts} == {3}
        said = {each[3] for each in found(audit) if each[1] == "constraints.silent"}
        assert said == {"at most 2 of one group: 3 with this one"}


def test_of_whom_it_is_unknown_whether_they_count_the_outcome_is_unknown() -> None:
    policy = SHOP.replace("few: {per: account.owner,", "few: {per: account.owner, when: account.state == 'open',")
    accounts = {"account_id": list("1234"), "type": ["small"] * 4, "owner": ["o"] * 4}
    with shop({**accounts, "state": ["open", "open", "open", None]}, policy=policy, unknown=True) as audit:
        told = {(account, status) for account, rule, status, _ in found(audit) if rule == "constraints.few"}
        assert told == {("1", "violated"), ("2", "violated"), ("3", "violated"), ("4", "unknown")}
        [few] = [each for each in audit.summary.rules if each.rule == "constraints.few"]
        assert (few.violated, few.unknown) == (3, 1)


def test_a_decision_counts_a_group_as_an_audit_does() -> None:
    policy = lawful.loads(SHOP)
    decision = policy.check(account={}, change={"set": {"owner": "li"}}, request={"others": 2}, at=AT)
    said = {each.rule: each.explanation.best("en") for each in decision.reasons if each.explanation is not None}
    assert said["constraints.few"] == "3 of 2"
    assert said["constraints.silent"] == "at most 2 of one group: 3 with this one"


def test_the_facts_have_each_count_that_a_rule_read() -> None:
    posts = events("gh_1 post 2025-02-25", "gh_1 post 2025-02-26", "gh_1 post 2025-01-01")
    with shop({"account_id": ["gh_1"], "type": ["small"]}, history=posts) as audit:
        (facts,) = audit.findings.filter(audit.findings.rule == "constraints.quiet").facts.to_pyarrow().to_pylist()
        assert facts == "{\"count('post', '7 days')\":2}"


@pytest.mark.parametrize("types", [["small", "large"], ["large", "small"]])
def test_of_an_account_that_was_listed_twice_only_what_both_rows_say_is_known(types: list[str]) -> None:
    now = {"account_id": ["gh_1", "gh_2"], "type": ["small", "small"], "state": ["open", "open"]}
    before = {"account_id": ["gh_1", "gh_1", "gh_2"], "type": [*types, "large"], "state": ["open", "open", "open"]}
    with shop(now, before=pa.table(before), before_at="2025-01-01", unknown=True) as audit:
        told = [each[:3] for each in found(audit)]
        assert told == [
            ("gh_1", "data.duplicate-id-before", "violated"),
            ("gh_1", "lifecycle.type.unlisted", "unknown"),
            ("gh_2", "lifecycle.type.final", "violated"),
        ]
        assert audit.summary.accounts_with_findings == 1


def test_what_became_of_a_final_state_is_asked_under_one_id() -> None:
    now = {"account_id": ["gh_1", "gh_2"], "type": [None, "small"]}
    before = {"account_id": ["gh_1", "gh_2"], "type": ["large", "large"]}
    with shop(now, before=pa.table(before), unknown=True) as audit:
        assert found(audit) == [
            (
                "gh_1",
                "lifecycle.type.final",
                "unknown",
                "type was large shop, which is final; what it became is not known",
            ),
            ("gh_2", "lifecycle.type.final", "violated", "type is large shop, which is final"),
        ]


CLOSED = SHOP.replace(
    "{grow: {from: small, to: large, limit: once}}",
    """
      grow:
        - {from: small, to: large, limit: once, in_force: {until: 2025-01-15}}
        - {from: small, to: large, limit: once, requires: 'false', in_force: {from: 2025-01-15}}""",
)


@pytest.mark.parametrize(("day", "told"), [("2025-01-10", []), ("2025-02-10", ["lifecycle.type.unlisted"])])
def test_a_way_that_requires_what_is_never_so_is_closed_to_what_is_recorded(day: str, told: list[str]) -> None:
    with shop({"account_id": ["gh_1"], "type": ["large"]}, policy=CLOSED, history=events(f"gh_1 grow {day}")) as audit:
        assert [each[1] for each in found(audit)] == told


@pytest.mark.parametrize(("day", "told"), [("2025-01-10", []), ("2025-01-20", ["lifecycle.type.unlisted"])])
def test_a_way_that_requires_what_is_never_so_explains_no_difference(day: str, told: list[str]) -> None:
    now, before = ({"account_id": ["gh_1"], "type": [each]} for each in ("large", "small"))
    with shop(now, policy=CLOSED, before=pa.table(before), before_at=day) as audit:
        assert [each[1] for each in found(audit)] == told


def test_a_sentence_says_by_itself_what_is_not_known() -> None:
    now = {"account_id": ["gh_1", "gh_2", "gh_3", "gh_4"], "state": [None, "open", "open", "closed"]}
    before = {"account_id": ["gh_1", "gh_2", "gh_4"], "state": ["open", None, "open"]}
    moved = events("gh_3 pause 2025-02-01", "gh_3 pause 2025-02-02", "gh_2 move 2025-02-01", "gh_2 move 2025-02-03")
    with shop(now, before=pa.table(before), history=moved, unknown=True) as audit:
        said = {(each[0], each[3]) for each in found(audit) if each[1] == "lifecycle.state.unlisted"}
    assert said == {
        ("gh_1", "a change of state from open, to what is not known"),
        ("gh_2", "a change of state to open, from what is not known"),
        ("gh_2", "a change of state, from what to what is not known"),
        ("gh_3", "a change of state to paused, which it was already"),
    }


def test_every_rule_that_has_no_title_of_its_author_s_has_one() -> None:
    now = {"account_id": ["gh_1"], "type": ["small"], "state": ["open"], "owner": ["li"]}
    with shop(now, history=events("gh_1 post 2025-02-01"), before=pa.table(now)) as audit:
        titles = {each.rule: each.title for each in audit.summary.rules}
    assert titles["lifecycle.type.final"] == Text("type never leaves a final state", "type处于终态后不可变更")
    assert titles["lifecycle.type.grow.limit"] == Text("grow: at most 1 in all", "grow：累计至多1次")
    assert titles["actions.post.limit"] == Text("post: at most 1 a day", "post：每天至多1次")
    assert titles["constraints.few"] == Text("at most 2 accounts of one owner", "同一owner至多2个帐号")
    assert [rule for rule, title in titles.items() if title is None] == ["constraints.quiet"]


# ------------------------------------------------------------------------------------- what was lawful in its time

QUOTA = """
policy: p
version: "1"
account:
  fields: {owner: string, since: date, closed: bool}
constraints:
  few:
    - {per: account.owner, at_most: 2, when: "!account.closed", as_of: account.since, explanation: "{count} of {limit}", in_force: {from: 2018-02-10, until: 2018-11-16}}
    - {per: account.owner, at_most: 1, when: "!account.closed", as_of: account.since, explanation: "{count} of {limit}", in_force: {from: 2018-11-16}}
"""  # fmt: skip
LIMITS = ((date(2018, 2, 10), date(2018, 11, 16), 2), (date(2018, 11, 16), date.max, 1))
DAYS = [date(2018, 2, 9), date(2018, 2, 10), date(2018, 11, 15), date(2018, 11, 16), date(2020, 1, 1)]


Registered = tuple[date | None, bool | None]
"""When, and whether it is closed by now."""


def quota(*owners: Sequence[Registered], **how: Any) -> list[tuple[str, str, str, str]]:
    """What is found of accounts of each owner: `a0.1` is the first owner's second."""
    rows = [(f"a{of}.{n}", f"o{of}", *each) for of, held in enumerate(owners) for n, each in enumerate(held)]
    table = pa.table(
        {
            "account_id": pa.array([each[0] for each in rows], pa.string()),
            "owner": pa.array([each[1] for each in rows], pa.string()),
            "since": pa.array([each[2] for each in rows], pa.date32()),
            "closed": pa.array([each[3] for each in rows], pa.bool_()),
        }
    )
    with lawful.loads(QUOTA).audit(table, at=how.pop("at", AT), **how) as audit:
        return found(audit)


def on(*days: date) -> list[Registered]:
    return [(day, False) for day in days]


def test_more_accounts_than_may_be_registered_today_are_lawful_where_they_are_older() -> None:
    assert quota(on(date(2015, 1, 1), date(2016, 1, 1), date(2018, 2, 9))) == []


def test_an_account_is_judged_by_the_limit_of_its_day_among_those_that_there_were() -> None:
    registered = on(date(2018, 3, 1), date(2018, 4, 1), date(2018, 5, 1), date(2019, 1, 1))
    assert [each[0::3] for each in quota(registered)] == [("a0.2", "3 of 2"), ("a0.3", "4 of 1")]


def test_accounts_of_one_day_are_told_together() -> None:
    assert [each[0] for each in quota(on(date(2019, 1, 1), date(2019, 1, 1)))] == ["a0.0", "a0.1"]


def test_a_version_that_is_not_yet_in_force_judges_nobody() -> None:
    assert quota(on(date(2018, 12, 1), date(2018, 12, 1)), at="2018-10-01") == []


def test_an_account_that_is_registered_later_is_not_there_yet() -> None:
    registered = on(date(2018, 3, 1), date(2018, 3, 2), date(2018, 3, 3))
    assert quota(registered, at="2018-03-02T12:00:00Z") == []
    assert [each[0] for each in quota(registered, at="2018-03-03T12:00:00Z")] == ["a0.2"]
    unknown = [*on(date(2018, 3, 1)), (None, False), *on(date(2019, 1, 1))]
    assert [each[0] for each in quota(unknown, at="2018-10-01", unknown=True)] == []


def judged_one_by_one(held: Sequence[Registered], today: date) -> set[tuple[int, str]]:
    """The accounts of one owner with too many by their day, surely or perhaps."""
    told = set()
    there = [(since, gone) for since, gone in held if since is None or since <= today]
    for number, (day, closed) in enumerate(held):
        for first, end, most in LIMITS:
            if closed is True or first > today or (day is not None and not first <= day < end):
                continue
            if (day, closed) not in there:
                continue
            surely = [gone for since, gone in there if since is not None and day is not None and since <= day]
            perhaps = [gone for since, gone in there if since is None or day is None or since <= day]
            if surely.count(False) > most:
                told |= {(number, "violated")} if closed is False else set()
            elif len(perhaps) - perhaps.count(True) > most:
                told.add((number, "unknown"))
    return told


@settings(max_examples=drawing.examples(4), deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from([*DAYS, None]), st.sampled_from([False, False, True, None])), max_size=6),
        min_size=20,
        max_size=20,
    ),
    st.sampled_from(DAYS),
)
def test_accounts_are_counted_one_by_one_as_of_their_day(owners: list[list[Registered]], today: date) -> None:
    owners = [on(DAYS[0]), *owners]
    judged = [judged_one_by_one(held, today) for held in owners]
    expected = {(f"a{of}.{n}", status) for of, held in enumerate(judged) for n, status in held}
    assert {(each[0], each[2]) for each in quota(*owners, at=today, unknown=True)} == expected
