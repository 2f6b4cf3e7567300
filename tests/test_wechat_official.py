"""The pack of the platform's own rules: what it says of an inventory, and what of the article is no longer so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

import lawful
from lawful.decision import Reason
from lawful.proofs.compared import Alike, changes
from lawful.proofs.differences import KINDS, VERDICTS, Became, Difference
from lawful.proofs.diffing import Differ
from lawful.proofs.regions import day_bound

FIXTURES = Path(__file__).parent.parent / "fixtures" / "wechat-official"
SLOW = {"do.certify": {"consequences"}}
"""Kinds of differences that take long to be settled, and of which no row of the README's table is."""


@pytest.fixture(scope="module")
def official() -> lawful.Policy:
    return lawful.load("wechat-official")


def test_the_platforms_answers_are_an_inventory(official: lawful.Policy, golden: Callable[[str, str], None]) -> None:
    with official.audit(FIXTURES / "accounts.jsonl", mapping="wechat-official", at="2026-10-15") as audit:
        found = Counter((each["rule"], each["severity"]) for each in audit.findings.to_pyarrow().to_pylist())
    told = "".join(f"{severity:8} {number:4} {rule}\n" for (rule, severity), number in sorted(found.items()))
    golden("audit/wechat-official.txt", told)


def test_what_was_registered_under_an_older_limit_is_no_finding(official: lawful.Policy) -> None:
    """Five accounts of 2018-03 were as many as there might be then; the third since December 2018 is one too many."""
    registered = ["2015-03-01", "2018-03-01", "2018-03-02", "2018-03-03", "2018-03-04", "2019-01-01"]
    company = {"subject": "enterprise", "subject_id": "91310000", "type": "service", "status": "normal"}
    old = [{"account_id": f"a{day}", "registered": day, **company} for day in registered]
    new = [{**each, "account_id": f"b{each['account_id']}", "subject_id": "91310001"} for each in old[-3:]]
    with official.audit(pa.Table.from_pylist(old + new), columns={"": "extension"}, at="2026-10-15") as audit:
        found = {each["account_id"] for each in audit.findings.to_pyarrow().to_pylist() if each["about"] == "group"}
    assert found == {"a2019-01-01", "ba2019-01-01"}


def test_a_subscription_account_that_wants_to_be_a_service_account_is_told_of_the_migration(
    official: lawful.Policy,
) -> None:
    account = json.loads((FIXTURES / "certified.json").read_text("utf-8"))
    plan = official.plan(account=account, change={"set": {"type": "service"}}, at="2024-04-12", history=[], seconds=3)
    assert (plan.status, plan.rules, plan.blocked) == ("none", ("lifecycle.type.upgrade",), ())
    assert plan.instead is not None
    assert plan.instead.request == {"target_type": "service"}
    *evidence, migration = plan.instead.plan.steps
    assert {each.obtained.fact for each in evidence if each.obtained is not None} == {
        f"request.{name}"
        for name in (
            "platform_confirms",
            "target_subject",
            "target_verified",
            "target_followers",
            "target_normal",
            "both_unpunished",
            "notarised",
        )
    }
    assert (migration.change, migration.at[:10], migration.cost) == (
        {"set": {"status": "migrating"}},
        "2024-04-12",
        {"cny": 300},
    )
    owed = " ".join(each.text.best("en") for each in migration.obligations)
    assert all(part in owed for part in ("300 CNY", "1 day", "OpenIDs", "deregistered for good"))
    individual = {**account, "subject": "individual"}
    other = official.plan(account=individual, change={"set": {"type": "service"}}, at="2024-04-12", history=[])
    assert (other.status, other.instead) == ("none", None)


def test_a_new_account_is_told_of_no_certification_to_renew(official: lawful.Policy) -> None:
    account = {"type": "subscription", "subject": "individual"}
    decision = official.check(
        account=account,
        change={"register": {}},
        request={"accounts_of_subject": 0},
        history=[],
        at="2026-10-15",
    )
    assert (decision.verdict, decision.reasons) == ("allow", ())


def test_whoever_asks_for_another_subject_is_told_what_to_do_instead(official: lawful.Policy) -> None:
    account = {"type": "subscription", "subject": "enterprise"}
    reason, *_ = official.check(account=account, change={"set": {"subject": "media"}}, at="2026-10-15").reasons
    assert reason.rule == "fields.subject.fixed"
    assert "register a new account" in reason.explanation.best("en")
    assert "另行注册" in reason.explanation.best("zh")


def test_an_account_is_deregistered_by_itself_after_its_cooling_off(official: lawful.Policy) -> None:
    """Two changes, with the evidence that the first takes; what else may happen to an account does not hide them."""
    account = {"type": "subscription", "subject": "enterprise", "followers": 100, "features": []}
    asked = {"account": account, "change": {"set": {"status": "deregistered"}}, "history": [], "at": "2025-03-01"}
    plan = official.plan(asked, request={"subject_verified": True, "admin_confirms": True})
    assert [(step.at[:10], step.change) for step in plan.steps] == [
        ("2025-03-01", {"set": {"status": "cooling_off"}}),
        ("2025-03-16", {"set": {"status": "deregistered"}}),
    ]
    assert plan.proved


@pytest.fixture(scope="module")
def differences(official: lawful.Policy) -> dict[str, list[Difference]]:
    differ = Differ(lawful.load("wechat").program, official.program, seconds=300)
    alike = Alike(differ.shared)
    return {
        each.name: list(differ.differences(each, set(SLOW.get(each.name, ())), alike))
        for each in changes(differ.shared)
    }


def test_what_the_article_says_that_is_no_longer_so(
    differences: dict[str, list[Difference]], golden: Callable[[str, str], None]
) -> None:
    assert all(each.settled and each.surveyed for found in differences.values() for each in found)
    golden("diff/wechat-official.txt", "".join(story(differences)))


def story(differences: dict[str, list[Difference]]) -> Iterator[str]:
    """Of each difference its kind, and of what decides it, somewhere, the rule and its source."""
    for name, found in differences.items():
        yield f"{name}\n"
        for each in found:
            yield f"  {KINDS[each.kind].en}\n"
            yield from (f"    {line}\n" for line in sorted(set(deciding(each))))


def deciding(difference: Difference) -> Iterator[str]:
    """What decides the platform's answer, and not the article's; of other reasons it is chance which the example shows."""
    for example in (difference.example, *difference.further):
        assert example is not None
        for each in example.new.deciding() if difference.kind in VERDICTS else ():
            if Became(each.rule, each.status, each.severity) not in example.old.rules:
                yield f"{each.rule} {each.status}, by {source(each)}"


@pytest.mark.parametrize(
    ("change", "kind", "days"),
    [
        ("set.type", "allow_to_deny", {"2016-05-01", "2018-12-27"}),
        ("register", "allow_to_undetermined", {"2018-02-10"}),
        ("do.certify", "allow_to_deny", {"2013-12-24"}),
    ],
)
def test_since_when_the_platform_answers_otherwise(
    differences: dict[str, list[Difference]], change: str, kind: str, days: set[str]
) -> None:
    (found,) = [each for each in differences[change] if each.kind == kind]
    assert found.where is not None
    assert found.where.whole
    bounds = {bound for case in found.where.cases for bound in map(day_bound, case) if bound is not None}
    assert {str(date.fromordinal(each.day)) for each in bounds if each.lower} == days


def source(reason: Reason) -> str:
    assert reason.source is not None
    return f"{reason.source.id}: {reason.source.title}"
