"""Every case of every policy, shipped or under fixtures/, on every engine; and the reading of case files."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

import lawful
from lawful.cases import Case, Cases, read_cases, run, unfit
from lawful.engines import rete
from lawful.policy import Engine
from lawful.source import Source

ROOT = Path(__file__).parent.parent
STARTER = ROOT / "engine" / "lawful" / "cli" / "starter"
FOLDERS = [*sorted((ROOT / "policies").iterdir()), *sorted((ROOT / "fixtures").iterdir()), STARTER]
PACKS = [each for each in FOLDERS if (each / "cases.yaml").is_file()]


def read(folder: Path) -> Cases:
    path = folder / "cases.yaml"
    return read_cases(Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")))


CASES = {folder: read(folder) for folder in PACKS}
POLICIES = {folder: lawful.load(folder) for folder in PACKS}
EACH = [(folder, case) for folder, cases in CASES.items() for case in cases.cases]
NAMES = [f"{folder.name}: {case.name}" for folder, case in EACH]


@pytest.mark.parametrize("engine", get_args(Engine))
@pytest.mark.parametrize(("folder", "case"), EACH, ids=NAMES)
def test_case(folder: Path, case: Case, engine: Engine) -> None:
    if engine == "rete" and not rete.available():
        pytest.skip("durable_rules does not run on this Python")
    outcome = run(case, POLICIES[folder], engine)
    told = [f"{each.what}: expected {each.expected}, found {each.found}" for each in outcome.differences]
    assert outcome.passed, "\n".join([case.place, *told])


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_the_files_have_nothing_doubtful(folder: Path) -> None:
    cases = CASES[folder]
    assert [str(each) for each in (*cases.diagnostics, *unfit(cases, POLICIES[folder]))] == []


def test_the_wechat_pack_has_at_least_sixty_cases() -> None:
    assert len(CASES[ROOT / "policies" / "wechat"].cases) >= 60


# ------------------------------------------------------------------------------------------------- what differs

POLICY = lawful.loads(
    """
policy: small
version: "1"
account:
  fields:
    type: {enum: [a, b]}
    n: {type: int, outside: true}
lifecycle:
  type: {initial: a, transitions: {go: {from: a, to: b, requires: account.n > 0, obligations: [{en: pay, zh: 付款}]}}}
actions:
  act: {limit: {at_most: 1, per: day}}
"""
)


def differences(case: str) -> list[tuple[str, str, str, int]]:
    """Of one case, written as YAML: what, expected, found, in which line."""
    cases = read_cases(Source("cases.yaml", f"at: 2025-03-01\ncases:\n{case}"))
    assert not cases.diagnostics, [str(each) for each in cases.diagnostics]
    [one] = cases.cases
    return [(each.what, each.expected, each.found, each.span.line) for each in run(one, POLICY).differences]


def test_a_case_that_passes_differs_in_nothing() -> None:
    case = (
        "- {name: x, account: {type: a, n: 1}, change: {set: {type: b}}, expect: {verdict: allow, obligations: 付款}}"
    )
    assert differences(case) == []


def test_another_verdict_is_told_with_the_rules_that_led_to_it() -> None:
    case = "- name: x\n  account: {type: a, n: 0}\n  change: {set: {type: b}}\n  expect: {verdict: allow}"
    assert differences(case) == [("verdict", "allow", "deny (lifecycle.type.go)", 6)]


def test_each_expectation_that_is_not_met_is_told() -> None:
    case = """
- name: x
  account: {type: a, n: 1}
  change: {set: {type: b}}
  expect:
    verdict: allow
    rules: [lifecycle.type.go]
    missing: [account.n]
    obligations: []
    irreversible: no
    lost: [f]
    next_allowed_at: 2025-03-02
"""
    assert [each[0] for each in differences(case)] == [
        "rules",
        "missing",
        "obligations",
        "irreversible",
        "lost",
        "next_allowed_at",
    ]


def test_an_instant_is_compared_as_such() -> None:
    history = "history: [{event: act, at: 2025-03-01T00:00:00}]"
    case = f"- name: x\n  account: {{}}\n  change: {{do: act}}\n  {history}\n  expect: {{verdict: deny, next_allowed_at: %s}}"
    assert differences(case % "2025-03-02") == []
    assert differences(case % "2025-03-02T08:00:00+08:00") == []
    assert [each[:3] for each in differences(case % "null")] == [
        ("next_allowed_at", "none", "2025-03-02T00:00:00+00:00")
    ]


def test_a_mistake_in_the_request_fails_the_case_at_the_value() -> None:
    case = "- name: x\n  account:\n    type: a\n    n: many\n  change: {do: act}\n  expect: {verdict: allow}"
    [(what, expected, found, line)] = differences(case)
    assert (what, expected, line) == ("request", "allow", 6)
    assert found == "an error: account.n: `many` is not a whole number"


# -------------------------------------------------------------------------------------------- what is wrong with a file


def found(text: str) -> list[tuple[str, str]]:
    cases = read_cases(Source("cases.yaml", text))
    return [(each.severity, each.code) for each in (*cases.diagnostics, *unfit(cases, POLICY))]


ONE = "{name: x, account: {}, change: {do: act}, at: 2025-03-01, expect: {verdict: allow}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"cases: [{ONE}]", []),
        ("cases: []", []),
        (f"policy: other\ncases: [{ONE}]", [("error", "other-policy")]),
        ("cases: [{name: x, change: {do: act}, expect: {verdict: allow}}]", [("warning", "case-without-at")]),
        (f"cases: [{ONE}, {ONE}]", [("warning", "repeated-case")]),
        (f"cases: [{ONE[:-2]}, rules: [actions.ac]}}}}]", [("warning", "unknown-rule")]),
        ("cases: [{name: x, expect: {verdict: maybe}}]", [("error", "wrong-value")]),
        ("cases: [{name: x, expects: {verdict: allow}}]", [("error", "missing-key"), ("error", "unknown-key")]),
        ("cases: [{name: x", [("error", "yaml")]),
        ("", [("error", "wrong-type")]),
    ],
)
def test_what_is_wrong_with_a_file_is_told(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(found(text)) == expected
