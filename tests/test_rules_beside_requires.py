"""Rules beside `requires`: each judged, told, dated and cited by itself."""

from __future__ import annotations

from typing import Any

import pytest

import lawful
from lawful.show.rules import rules_in_words

POLICY = """
policy: p
version: "1"
sources: {first: {title: the first book}, second: {title: the second book}}
account:
  fields:
    kind: {enum: [small, large]}
    size: {type: int, min: 0}
    name: {type: string, settable: {rules: {short: {requires: account.size < 9, source: second}}, source: first}}
request: {fields: {others: int, consent: bool}}
lifecycle:
  kind:
    transitions:
      grow: {from: small, to: large, rules: {room: {requires: request.others < 2}}}
registration:
  source: first
  rules:
    few:
      - {requires: request.others < 5, severity: warning, in_force: {until: 2020-01-01}}
      - {when: account.kind == 'small', requires: request.others < 2, in_force: {from: 2020-01-01}, source: second#4,
         title: two of a kind, explanation: "two at the most, there are {request.others}"}
features:
  badge: {rules: {large: {when: account.kind == 'large', requires: account.size > 2}, consent: {requires: request.consent}}}
actions:
  post: {requires: account.size > 0, rules: {few: {requires: request.others < 2}}}
"""


@pytest.fixture(scope="module")
def policy() -> lawful.Policy:
    return lawful.loads(POLICY)


def asked(policy: lawful.Policy, change: dict[str, Any], at: str = "2024-01-01", **given: Any) -> tuple[str, list[str]]:
    """The verdict and the rules that are told."""
    account = {"kind": "small", "size": 1, **given.pop("account", {})}
    decision = policy.check({"account": account, "change": change, "request": given, "history": [], "at": at})
    return decision.verdict, [reason.rule for reason in decision.reasons]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"set": {"kind": "large"}}, "lifecycle.kind.grow.rules.room"),
        ({"register": {}}, "registration.rules.few"),
        ({"do": "post"}, "actions.post.rules.few"),
    ],
)
def test_it_refuses_beside_what_is_required(policy: lawful.Policy, change: dict[str, Any], rule: str) -> None:
    assert asked(policy, change, others=1) == ("allow", [])
    assert asked(policy, change, others=2) == ("deny", [rule])
    assert asked(policy, change) == ("undetermined", [rule])


def test_a_field_is_set_by_its_rules(policy: lawful.Policy) -> None:
    change = {"set": {"name": "x"}}
    assert asked(policy, change, account={"size": 8, "name": "y"}) == ("allow", [])
    assert asked(policy, change, account={"size": 9, "name": "y"}) == ("deny", ["fields.name.set.rules.short"])


def test_each_version_has_its_own_severity_days_and_condition(policy: lawful.Policy) -> None:
    register: dict[str, Any] = {"register": {}}
    assert asked(policy, register, at="2019-12-31", others=5) == ("allow", ["registration.rules.few"])
    assert asked(policy, register, at="2020-01-01", others=5) == ("deny", ["registration.rules.few"])
    assert asked(policy, register, others=5, account={"kind": "large"}) == ("allow", [])


def test_it_is_told_in_its_own_words_and_by_its_own_source(policy: lawful.Policy) -> None:
    decision = policy.check(
        {"account": {"kind": "small"}, "change": {"register": {}}, "request": {"others": 3}, "at": "2024-01-01"}
    )
    [reason] = decision.reasons
    assert reason.explanation is not None
    assert reason.source is not None
    assert (str(reason.explanation.en), reason.source.id, reason.source.clause) == (
        "two at the most, there are 3",
        "second",
        "4",
    )
    others = {rule.id: rule.source.source.id for rule in policy.program.rules if rule.source is not None}
    assert others["fields.name.set"] == "first"
    assert others["fields.name.set.rules.short"] == "second"


def test_of_a_feature_it_must_go_on_holding_unless_it_reads_the_request(policy: lawful.Policy) -> None:
    standing = [rule for rule in policy.program.rules if rule.scope == "feature"]
    assert [rule.id for rule in standing] == ["features.badge", "features.badge.rules.large"]
    held = {"kind": "large", "size": 3, "features": ["badge"]}
    for size, found in ((3, []), (2, ["features.badge.rules.large"])):
        asking = {"account": {**held, "size": size}, "change": {"do": "post"}, "request": {"others": 0}}
        decision = policy.check({**asking, "history": [], "at": "2024-01-01"})
        assert [(reason.rule, reason.standing) for reason in decision.reasons] == [(each, True) for each in found]


def test_where_it_does_not_apply_the_feature_is_not_lost(policy: lawful.Policy) -> None:
    held = {"kind": "small", "size": 1, "features": ["badge"]}
    grown = policy.check(
        {"account": held, "change": {"set": {"kind": "large"}}, "request": {"others": 0}, "at": "2024-01-01"}
    )
    assert grown.consequences.lost == ("badge",)
    named = policy.check({"account": held, "change": {"set": {"name": "x"}}, "at": "2024-01-01"})
    assert named.consequences.lost == ()


def test_it_is_shown_with_its_title_its_days_and_its_source(policy: lawful.Policy) -> None:
    lines = [line.text for line in rules_in_words(policy.program, "en")]
    start = lines.index("two of a kind (from 2020-01-01)")
    assert lines[start + 1 : start + 4] == [
        "where kind is small",
        "requires: others (of the request) is less than 2",
        "source: the second book, § 4",
    ]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("{rules: {Bad: {requires: account.size > 0}}}", "bad-id"),
        ("{rules: {a: {title: nothing}}}", "missing-key"),
        ("{rules: {a: [{requires: account.size > 0}, {requires: account.size > 1}]}}", "overlapping-versions"),
        (
            "{in_force: {until: 2020-01-01}, rules: {a: {requires: account.size > 0, in_force: {from: 2020-01-01}}}}",
            "in-force-empty",
        ),
        ("{rules: {a: {requires: account.sizes > 0}}}", "unknown-field"),
    ],
)
def test_mistakes_are_told_at_their_place(wrong: str, code: str) -> None:
    text = POLICY.replace(
        "post: {requires: account.size > 0, rules: {few: {requires: request.others < 2}}}", f"post: {wrong}"
    )
    with pytest.raises(lawful.PolicyError) as caught:
        lawful.loads(text)
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].span is not None
