"""The pack of the platform's own rules: what it says of an inventory, and what of the article is no longer so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import lawful
from lawful.decision import Reason
from lawful.proofs.compared import Alike, Asking
from lawful.proofs.differences import KINDS, Difference
from lawful.proofs.diffing import Differ

FIXTURES = Path(__file__).parent.parent / "fixtures" / "wechat-official"
STORY = ("set.type", "enable.wechat_pay", "do.mass_send")
"""The changes of which the article and the platform speak differently, that take little time."""


@pytest.fixture(scope="module")
def official() -> lawful.Policy:
    return lawful.load("wechat-official")


def test_the_platforms_answers_are_an_inventory(official: lawful.Policy, golden: Callable[[str, str], None]) -> None:
    with official.audit(FIXTURES / "accounts.jsonl", mapping="wechat-official", at="2026-10-15") as audit:
        found = Counter((each["rule"], each["severity"]) for each in audit.findings.to_pyarrow().to_pylist())
    told = "".join(f"{severity:8} {number:4} {rule}\n" for (rule, severity), number in sorted(found.items()))
    golden("audit/wechat-official.txt", told)


def test_what_was_registered_under_an_older_limit_is_no_finding(official: lawful.Policy) -> None:
    """Five accounts of 2018-03 were as many as there might be then; the third since 2018-11-16 is one too many."""
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
    plan = official.plan(account=account, change={"set": {"type": "service"}}, at="2024-04-12", history=[], seconds=1)
    assert (plan.status, plan.rules) == ("none", ("lifecycle.type.upgrade",))
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


def test_what_the_article_says_that_is_no_longer_so(
    official: lawful.Policy, golden: Callable[[str, str], None]
) -> None:
    differ = Differ(lawful.load("wechat").program, official.program, seconds=300)
    golden("diff/wechat-official.txt", "".join(story(differ)))


def story(differ: Differ) -> Iterator[str]:
    """Of each difference its kind, and of what decides it the rule and its source: not the example, which may be another."""
    for name in STORY:
        yield f"{name}\n"
        for each in differ.differences(Asking(name, (name,)), set(), Alike(differ.shared)):
            yield f"  {KINDS[each.kind].en}\n"
            yield from (f"    {line}\n" for line in sorted(set(deciding(each))))


def deciding(difference: Difference) -> Iterator[str]:
    assert difference.example is not None
    for side, answered in (("article", difference.example.old), ("platform", difference.example.new)):
        for each in answered.reasons:
            if each.severity == "error":
                # What is unknown may be so under several versions, of which the example shows any one.
                yield f"{side}: {each.rule} {each.status}" + (
                    f", by {source(each)}" if each.status == "violated" else ""
                )


def source(reason: Reason) -> str:
    assert reason.source is not None
    return f"{reason.source.id}: {reason.source.title}"
