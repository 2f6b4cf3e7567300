"""The plug-in of pytest: cases files as tests, told in words, and nothing else touched. Each test is a run of pytest."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import lawful

ROOT = Path(__file__).parent.parent

# Loaded before any run inside this process: what a run imports, pytester takes away again, and C libraries come once.
lawful.load("wechat").check(account={}, change={"do": "mass_send"}).model_dump_json()

POLICY = """
policy: club
version: "1"
account:
  fields:
    age: {type: int, min: 0, outside: true}
    member: {enum: [no, yes]}
actions:
  enter:
    requires: account.age >= 18
    explanation: entry from eighteen, not at {account.age}
"""
CASES = """
policy: club
at: 2025-03-01
cases:
  - name: a grown-up enters
    account: {age: 18}
    change: {do: enter}
    expect: {verdict: allow}
  - name: a child does not
    account: {age: 17}
    change: {do: enter}
    expect: {verdict: deny, rules: actions.enter}
"""


@pytest.fixture
def club(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a policy and its cases, which pass."""
    write(pytester, {"club/policy.yaml": POLICY, "club/cases.yaml": CASES})
    return pytester


def write(pytester: pytest.Pytester, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def lines(result: pytest.RunResult) -> list[str]:
    return [line.rstrip() for line in result.outlines]


def section(result: pytest.RunResult, head: str) -> list[str]:
    """What is told under a headline, up to the next one."""
    told = lines(result)
    [start] = [number for number, line in enumerate(told) if line.startswith(("_", "=")) and f" {head} " in line]
    rest = told[start + 1 :]
    end = next(number for number, line in enumerate(rest) if line.startswith(("=", "____")))
    return rest[:end]


# --------------------------------------------------------------------------------------------------- what is run


def test_each_case_is_a_test_of_its_name(club: pytest.Pytester) -> None:
    result = club.runpytest("-v")
    result.assert_outcomes(passed=2)
    told = [line.split("  ")[0] for line in lines(result)]
    assert any(line.startswith("club/cases.yaml::a grown-up enters PASSED") for line in told)
    assert any(line.startswith("club/cases.yaml::a child does not PASSED") for line in told)


def test_cases_are_chosen_as_other_tests_are(club: pytest.Pytester) -> None:
    club.runpytest("club/cases.yaml").assert_outcomes(passed=2)
    club.runpytest("club/cases.yaml::a child does not").assert_outcomes(passed=1)
    club.runpytest("-k", "child").assert_outcomes(passed=1, deselected=1)


def test_cases_are_shared_among_workers(club: pytest.Pytester) -> None:
    club.runpytest_subprocess("-n", "2", "-p", "no:hypothesispytest", "-p", "no:anyio").assert_outcomes(passed=2)


def test_a_file_of_a_name_of_its_own_tests_the_policy_beside_it(club: pytest.Pytester) -> None:
    write(club, {"club/entry.cases.yaml": CASES})
    club.runpytest().assert_outcomes(passed=4)


def test_a_file_without_a_policy_beside_it_tests_the_shipped_one(pytester: pytest.Pytester) -> None:
    case = "{name: x, account: {type: service}, change: {set: {type: subscription}}, expect: {verdict: deny}}"
    write(pytester, {"tests/wechat.cases.yaml": f"{{policy: wechat, cases: [{case}]}}"})
    pytester.runpytest().assert_outcomes(passed=1)


def test_two_cases_of_one_name_are_two_tests(club: pytest.Pytester) -> None:
    write(club, {"club/cases.yaml": CASES.replace("a grown-up enters", "a child does not")})
    result = club.runpytest("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*a child does not (line 5) PASSED*", "*a child does not (line 9) PASSED*"])


def test_the_shipped_cases_pass_beside_the_tests_of_this_repository() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "policies/wechat/cases.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


# ------------------------------------------------------------------------------------------------- how it is told


def test_a_case_that_fails_is_told_in_words(club: pytest.Pytester) -> None:
    write(
        club,
        {"club/cases.yaml": CASES.replace("age: 18", "age: 11").replace("rules: actions.enter", "obligations: pay")},
    )
    result = club.runpytest()
    result.assert_outcomes(failed=2)
    assert section(result, "a grown-up enters") == [
        "club/cases.yaml:5: verdict: expected allow, found deny (actions.enter) (line 8)",
        "  actions.enter (violated): entry from eighteen, not at 11   club/policy.yaml:10",
    ]
    assert section(result, "a child does not") == [
        "club/cases.yaml:9: obligations: expected pay, found none (line 12)",
        "  actions.enter (violated): entry from eighteen, not at 17   club/policy.yaml:10",
    ]
    assert any(
        line.startswith("FAILED club/cases.yaml::a grown-up enters - club/cases.yaml:5: ") for line in lines(result)
    )


def test_a_failure_is_told_as_the_documents_say(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    [(options, shown)] = re.findall(r"^\$ pytest ([^\n]+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    failing = CASES.replace("verdict: deny, rules: actions.enter", "verdict: allow")
    write(pytester, {"policies/club/policy.yaml": POLICY, "policies/club/cases.yaml": failing})
    result = pytester.runpytest(*options.split())
    result.assert_outcomes(failed=1, deselected=1)
    assert section(result, "a child does not") == shown.splitlines()


def test_what_would_settle_an_undetermined_case_is_told(club: pytest.Pytester) -> None:
    write(club, {"club/cases.yaml": CASES.replace("{age: 18}", "{}")})
    assert section(club.runpytest(), "a grown-up enters") == [
        "club/cases.yaml:5: verdict: expected allow, found undetermined (actions.enter) (line 8)",
        "  actions.enter (unknown): entry from eighteen, not at unknown   club/policy.yaml:10",
        "  missing: account.age",
    ]


def test_a_request_that_cannot_be_read_fails_its_case_alone(club: pytest.Pytester) -> None:
    write(club, {"club/cases.yaml": CASES.replace("age: 18", "agee: 18, member: maybe")})
    result = club.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    assert section(result, "a grown-up enters") == [
        "club/cases.yaml:5: request: expected allow, found an error: account.agee: the account has no field `agee` (did you mean `age`?) (line 6)",
        "club/cases.yaml:5: request: expected allow, found an error: account.member: there is no value `maybe` (the values are `no`, `yes`) (line 6)",
    ]


def test_everything_wrong_with_a_file_and_its_policy_is_an_error_of_collection(club: pytest.Pytester) -> None:
    wrong = CASES.replace("expect: {verdict: allow}", "expects: {verdict: allow}").replace(
        "verdict: deny", "verdict: no"
    )
    write(
        club,
        {"club/cases.yaml": wrong, "club/policy.yaml": POLICY.replace("account.age", "account.agee") + "titel: x\n"},
    )
    write(club, {"other/policy.yaml": POLICY, "other/cases.yaml": CASES})
    result = club.runpytest("--continue-on-collection-errors")
    result.assert_outcomes(passed=2, errors=1)
    told = section(result, "ERROR collecting club/cases.yaml")
    assert [line for line in told if line.startswith("error[")] == [
        "error[missing-key]: the key `expect` is missing",
        "error[unknown-key]: there is no key `expects` here",
        "error[wrong-value]: `no` is none of `allow`, `deny` or `undetermined`",
        "error[unknown-field]: the account has no field `agee`",
        "error[unknown-placeholder]: nothing stands for `{account.agee}`",
        "error[unknown-key]: there is no key `titel` here",
    ]
    assert not [line for line in told if "Traceback" in line or "pytest_plugin.py" in line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CASES.replace("policy: club", "policy: clubs"), "error[other-policy]: these are cases of `clubs`, the policy is `club`"),
        (CASES.replace("- name", "- [name"), "error[yaml]: "),
        (CASES.replace("at: 2025", "at: *2025"), "error[yaml-alias]: "),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_run_is_an_error_with_its_place(text: str, expected: str, club: pytest.Pytester) -> None:
    write(club, {"club/cases.yaml": text})
    result = club.runpytest()
    result.assert_outcomes(errors=1)
    told = section(result, "ERROR collecting club/cases.yaml")
    assert told[0].startswith(expected)
    assert told[1].strip().startswith("--> club/cases.yaml:")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("wechta", "error[no-such-policy]: there is no policy `wechta` for these cases"),
        ("../club", "error[no-such-policy]: there is no policy `../club` for these cases"),
        ("", "these cases name no policy"),
    ],
)
def test_cases_of_a_policy_that_is_not_there_are_an_error(named: str, expected: str, pytester: pytest.Pytester) -> None:
    write(pytester, {"cases.yaml": CASES.replace("policy: club", f"policy: {named}")})
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    assert section(result, "ERROR collecting cases.yaml")[0] == expected


# --------------------------------------------------------------------------------------------------------- engines


def test_each_case_is_run_on_each_engine_that_is_asked_for(club: pytest.Pytester) -> None:
    result = club.runpytest("-v", "--lawful-engine", "reference", "--lawful-engine=rete", "-k", "child")
    result.assert_outcomes(passed=2, deselected=2)
    result.stdout.fnmatch_lines(
        ["*::a child does not [[]reference[]] PASSED*", "*::a child does not [[]rete[]] PASSED*"]
    )


def test_the_settings_may_name_engines_and_the_command_line_goes_before_them(club: pytest.Pytester) -> None:
    club.makeini("[pytest]\nlawful_engine = reference rete\n")
    club.runpytest().assert_outcomes(passed=4)
    club.runpytest("--lawful-engine=reference").assert_outcomes(passed=2)


@pytest.mark.parametrize("options", [["--lawful-engine=retee"], ["-o", "lawful_engine=reference retee"]])
def test_an_engine_that_is_not_there_is_wrong_usage(options: list[str], club: pytest.Pytester) -> None:
    result = club.runpytest(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: lawful has no engine `retee`: the engines are *`reference`*"])


# ------------------------------------------------------------------------------------------- what it leaves alone

OTHERS = {
    "cases.yaml": "cases: [{name: x}]\n",
    "a/cases.yaml": "tests:\n  policy: x\n",
    "b/cases.yaml": "- policy: x\n",
    "c/cases.yaml": "# policy: x\npolicy_of_ours: 3\n",
    "club/policy.yaml": POLICY,
    "club/other.yaml": CASES,
    "club/mycases.yaml": CASES,
    "club/cases.yml": CASES,
}


def test_a_misspelt_policy_is_told_and_not_passed_over(pytester: pytest.Pytester) -> None:
    write(pytester, {"cases.yaml": "policyy: wechat\ncases: []\n"})
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*there is no key `policyy` here*", "*did you mean `policy`?*"])


def test_other_files_are_ignored(pytester: pytest.Pytester) -> None:
    write(pytester, OTHERS)
    (pytester.path / "d").mkdir()
    (pytester.path / "d" / "cases.yaml").write_bytes(b"\xff\xfe\x00")
    result = pytester.runpytest("-rA")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "collected 0 items" in lines(result)


def test_it_can_be_left_out(club: pytest.Pytester) -> None:
    result = club.runpytest("-p", "no:lawful")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_run_without_cases_imports_nothing_large(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_here_that_only_cases_need():
            assert "lawful.pytest_plugin" in sys.modules
            large = ("lawful.cases", "lawful.policy", "lawful.compiler", "pydantic", "yaml", "cel_expr_python")
            assert [name for name in large if name in sys.modules] == []
        """
    )
    write(pytester, OTHERS)
    pytester.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_pytest_finds_it_by_itself() -> None:
    [found] = entry_points(group="pytest11", name="lawful")
    assert found.value == "lawful.pytest_plugin"
