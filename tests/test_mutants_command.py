"""`lawful test --mutants` and `--review` as people and pipelines meet them; what a review writes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lawful
from lawful import cli
from lawful.audit.errors import AuditError
from lawful.cases import read_cases, run
from lawful.mutation.killing import asked
from lawful.mutation.pasting import distinct
from lawful.review.pairs import Proposal, proposals, rules
from lawful.review.recording import CaseFile
from lawful.source import Source

POLICY = """
policy: small
version: "1"
account:
  fields:
    fee: {type: int, min: 0, outside: true}
    born: {type: date, private: true, fixed: true}
actions:
  pay: {requires: account.fee != 0}
"""
CASES = """# kept
policy: small
at: 2024-04-12
cases:
  # the edge
  - name: a fee is paid   # kept, too
    account: {fee: 1}
    change: {do: pay}
    expect: {verdict: allow}

  - name: no fee, no payment
    account: {fee: 0}
    change: {do: pay}
    expect: {verdict: deny, rules: [actions.pay]}
  # the end
"""
FEW = "at: 2024-04-12\ncases:\n  - {name: paid, account: {fee: 7}, change: {do: pay}, expect: {verdict: allow}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "cases.yaml").write_text(CASES)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["test", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


# -------------------------------------------------------------------------------------------------------- mutants


def test_survivors_are_told_with_a_case_to_paste(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases.yaml").write_text(FEW)
    code, out, _ = told(capsys, str(folder), "--mutants")
    assert code == 0
    assert "✗ actions.pay: the rule `actions.pay` is dropped" in out
    assert "policy.yaml:9" in out
    assert re.search(r"^! \d+ of \d+ mutants caught \([\d.]+ %\), 1 more are equivalent$", out, re.MULTILINE)
    pasted = re.findall(r"^  - name: .*?(?=^\S|^  \S{3,} cas)", out, re.MULTILINE | re.DOTALL)
    (folder / "cases.yaml").write_text(FEW + "".join(numbered(pasted)))
    code, out, _ = told(capsys, str(folder), "--mutants", "--min-score", "100")
    assert (code, out.splitlines()[-1][:1]) == (0, "✓")


def numbered(pasted: list[str]) -> list[str]:
    """Two survivors may ask for the same case."""
    return [each for index, each in enumerate(pasted) if each not in pasted[:index]]


def test_cases_that_differ_have_names_that_differ(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are told apart by their histories, and their names by a number; those of the file are taken, too."""
    (folder / "policy.yaml").write_text(
        POLICY.replace("account.fee != 0", "[\"count('pay', 'day') < 2\", \"count('pay', 'year') < 3\"]")
    )
    (folder / "cases.yaml").write_text(
        'at: 2024-04-12\ncases:\n  - {name: "refused: do pay", account: {fee: 0}, change: {set: {fee: 1}}, at: 2024-04-12, expect: {verdict: deny}}\n'
    )
    _, out, _ = told(capsys, str(folder), "--mutants")
    names = re.findall(r"^  - name: (.*)$", out, re.MULTILINE)
    assert len(names) == len(set(names)) > 2
    assert '"refused: do pay"' not in names
    _, out, _ = told(capsys, str(folder), "--mutants", "--format", "json")
    cases = [each["case"] for each in json.loads(out)["outcomes"] if each["case"]]
    assert len({each["name"] for each in cases}) == len({json.dumps(each) for each in cases})


def test_z3_is_imported_for_survivors_only(folder: Path) -> None:
    code = (
        "import sys; from lawful.cli import main; main(['test', sys.argv[1], '--mutants']);"
        "print([name for name in sys.modules if name.startswith('z3')])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n"), done.stdout


def test_a_score_below_the_wanted_one_is_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases.yaml").write_text(FEW)
    code, out, _ = told(capsys, str(folder), "--mutants", "--min-score", "90")
    assert (code, "below 90 %" in out) == (1, True)
    code, out, _ = told(capsys, str(folder), "--mutants", "--min-score", "90", "--lang", "zh")
    assert (code, "低于90%" in out, "可发现它的用例" in out) == (1, True, True)


def test_as_json_every_mutant_has_the_cases_that_catch_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, str(folder), "--mutants", "--format", "json")
    found: dict[str, Any] = json.loads(out)
    assert (code, found["schema"]) == (0, "lawful/mutants/v1")
    assert found["mutants"] == len(found["outcomes"]) == found["caught"] + found["survived"] + found["equivalent"]
    dropped = next(each for each in found["outcomes"] if each["operator"] == "rule" and each["rule"] == "actions.pay")
    assert (dropped["status"], [each["name"] for each in dropped["caught_by"]]) == ("caught", ["no fee, no payment"])
    [edge] = [each for each in found["outcomes"] if "account.fee > 0" in each["change"]["en"]]
    assert edge["status"] == "equivalent"
    assert {each["status"] for each in found["outcomes"]} == {"caught", "survived", "equivalent"}


def test_caught_ones_are_listed_where_that_is_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = told(capsys, str(folder), "--mutants", "--caught")
    assert "caught by: a fee is paid" in out


def test_what_only_z3_proves_equivalent_is_left_out_and_without_z3_it_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`<` for `<=` beside `==`: two facts compared with each other have no cells."""
    (folder / "policy.yaml").write_text(
        POLICY.replace("    born:", "    paid: {type: int, min: 0, outside: true}\n    born:").replace(
            "account.fee != 0", "account.fee < account.paid || account.fee == account.paid"
        )
    )
    cases = [(6, 7, "allow"), (7, 7, "allow"), (8, 7, "deny")]
    (folder / "cases.yaml").write_text(
        "at: 2024-04-12\ncases:\n"
        + "".join(
            f"  - {{name: {fee} of {paid}, account: {{fee: {fee}, paid: {paid}}}, change: {{do: pay}},"
            f" expect: {{verdict: {verdict}}}}}\n"
            for fee, paid, verdict in cases
        )
    )
    change = "`account.fee < account.paid` becomes `account.fee <= account.paid`"
    _, out, _ = told(capsys, str(folder), "--mutants", "--format", "json")
    found = json.loads(out)
    status = {each["change"]["en"]: each["status"] for each in found["outcomes"]}
    assert (status[change], found["with_solver"]) == ("equivalent", True)
    code = "import sys; sys.modules['z3'] = None; from lawful.cli import main; main(['test', sys.argv[1], '--mutants'])"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert f"✗ actions.pay: {change}" in done.stdout
    assert "was not asked of Z3: pip install 'lawful[prove]'" in done.stdout


def test_cases_that_fail_come_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases.yaml").write_text(CASES.replace("verdict: allow", "verdict: deny"))
    for option in ("--mutants", "--review"):
        code, out, err = told(capsys, str(folder), option)
        assert (code, "1 of 2 cases failed" in out, "mend them first" in err) == (1, True, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-score", "90"], "`--min-score` is of use with `--mutants` only"),
        (["--caught"], "`--caught` is of use with `--mutants` only"),
        (["--output", "x.yaml"], "`--output` is of use with `--review` only"),
        (["--mutants", "--min-score", "101"], "`--min-score 101` is no percentage"),
        (["--mutants", "--min-score", "nan"], "`--min-score nan` is no percentage"),
        (["--mutants", "--review"], "`--mutants` and `--review` are two things"),
        (["cases.yaml", "--review"], "a review adds to the policy's own cases"),
        (["--review"], "there is no terminal to ask them on"),
    ],
)
def test_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    code, _, err = told(capsys, str(folder), *arguments)
    assert (code, message in err) == (2, True), err


# --------------------------------------------------------------------------------------------------------- review


def all_proposals(policy: lawful.Policy, cases: str) -> list[Proposal]:
    given = read_cases(Source("cases.yaml", cases)).cases
    return [*proposals(policy, asked(policy, given), rules(policy.program))]


def test_both_sides_of_each_rule_differ_in_one_fact() -> None:
    policy = lawful.loads(POLICY)
    found = {(each.rule, each.side): each.request for each in all_proposals(policy, CASES)}
    outside, inside = found["actions.pay", "outside"], found["actions.pay", "inside"]
    assert (outside["account"], inside["account"]) == ({"fee": 0}, {"fee": 1})
    assert {key: outside[key] for key in outside if key != "account"} == {
        key: inside[key] for key in inside if key != "account"
    }


def test_every_proposal_for_the_shipped_pack_passes_and_nearly_every_rule_has_two() -> None:
    policy = lawful.load("wechat")
    assert policy.folder is not None
    cases = (policy.folder / "cases.yaml").read_text(encoding="utf-8")
    found = all_proposals(policy, cases)
    for each in found:
        assert policy.check(each.request, engine="reference").verdict == each.case["expect"]["verdict"]
        wanted = each.request.get("change", {}).get("set", {})
        assert not wanted or any(each.request["account"].get(name) != value for name, value in wanted.items()), (
            each.case
        )
    sides = {(each.rule, each.side) for each in found}
    for mutant in rules(policy.program):
        never = mutant.subject.startswith("fields.")  # to set such a field is never allowed: nothing is inside
        assert (mutant.subject, "outside") in sides
        assert ((mutant.subject, "inside") in sides) is not never, mutant.subject


def test_an_accepted_case_is_added_and_the_rest_of_the_file_stays(folder: Path) -> None:
    policy = lawful.load(folder)
    [one, *_] = all_proposals(policy, CASES)
    CaseFile(folder / "cases.yaml", policy).add([one.case])
    text = (folder / "cases.yaml").read_text(encoding="utf-8")
    before, after = CASES.split("  # the end\n")
    assert text.startswith(before)
    assert text.endswith("  # the end\n" + after)
    added = read_cases(Source("cases.yaml", text)).cases[-1]
    assert run(added, policy).passed


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("", b"policy: small\ncases:\n  - name: ", b"\n"),
        ("policy: small\ncases: []\nat: 2024-01-01\n", b"policy: small\ncases:\n  - name: ", b"\nat: 2024-01-01\n"),
        (CASES.replace("\n", "\r\n"), b"# kept\r\n", b"  # the end\r\n"),
        ("\ufeff" + CASES, b"\xef\xbb\xbf# kept\n", b"  # the end\n"),
        (CASES.replace("  - ", "- ").replace("    ", "  "), b"# kept\n", b"  # the end\n"),
        (CASES.rstrip().removesuffix("  # the end").rstrip(), b"# kept\n", b"\n"),
        (FEW, b"at: 2024", b"\n"),
    ],
)
def test_files_of_every_form_are_added_to(folder: Path, text: str, begins: bytes, ends: bytes) -> None:
    path = folder / "cases.yaml"
    path.unlink()
    if text:
        path.write_bytes(text.encode())
    policy = lawful.load(folder)
    many = len(read_cases(Source("c", text.removeprefix("\ufeff"))).cases) if text else 0
    for each in all_proposals(policy, CASES):
        CaseFile(path, policy).add([each.case])
        many += 1
        raw = path.read_bytes()
        assert (raw.startswith(begins), raw.endswith(ends)) == (True, True)
        found = read_cases(Source("cases.yaml", raw.decode("utf-8-sig").replace("\r\n", "\n")))
        assert (found.errors, len(found.cases)) == ((), many)
        assert b"\r\n" not in raw or raw.count(b"\n") == raw.count(b"\r\n")


def test_a_list_in_brackets_is_left_as_it_is(folder: Path) -> None:
    path = folder / "cases.yaml"
    path.write_text(
        "at: 2024-04-12\ncases: [{name: x, account: {fee: 1}, change: {do: pay}, expect: {verdict: allow}}]\n"
    )
    before = path.read_bytes()
    with pytest.raises(AuditError, match="in brackets"):
        CaseFile(path, lawful.load(folder)).check()
    assert path.read_bytes() == before


def test_a_case_that_would_not_pass_is_never_written(folder: Path) -> None:
    policy = lawful.load(folder)
    [one, *_] = all_proposals(policy, CASES)
    wrong = {**one.case, "expect": {"verdict": "undetermined"}}
    with pytest.raises(AuditError, match="would not pass"):
        CaseFile(folder / "cases.yaml", policy).add([wrong])
    assert (folder / "cases.yaml").read_text(encoding="utf-8") == CASES


def test_names_are_told_apart() -> None:
    assert [distinct("a", ()), distinct("a", {"a"}), distinct("a", {"a", "a (2)"})] == ["a", "a (2)", "a (3)"]


def test_without_a_terminal_proposals_go_to_a_file_or_to_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = folder / "proposed.yaml"
    code, out, err = told(capsys, str(folder), "--review", "--output", str(target))
    assert (code, out, "cases to look through" in err) == (0, "", True)
    assert (folder / "cases.yaml").read_text(encoding="utf-8") == CASES
    assert f"`lawful test {folder} --review`" in target.read_text(encoding="utf-8")
    assert told(capsys, str(folder), str(target))[0] == 0
    code, out, _ = told(capsys, str(folder), "--review", "--format", "json")
    found = json.loads(out)
    assert (code, found["schema"]) == (0, "lawful/review/v1")
    first = found["proposals"][0]
    assert set(first) == {"rule", "side", "place", "words", "alone", "case"}
    assert [pair[0] for pair in first["words"]["zh"]][-1] == "时间"


@pytest.mark.parametrize("named", ["policies/wechat"])
def test_a_case_in_json_can_be_read_as_it_is(named: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parent.parent / named
    policy = lawful.load(folder)
    code, out, _ = told(capsys, str(folder), "--review", "--format", "json")
    cases = [each["case"] for each in json.loads(out)["proposals"]]
    assert code == 0
    assert cases
    for each in cases:
        request = {key: value for key, value in each.items() if key not in ("name", "note", "expect")}
        policy.read(request)
        assert policy.check(request).verdict == each["expect"]["verdict"]


NO_INSIDE = """
policy: lone
version: "1"
account: {fields: {born: {type: int, fixed: true}, seats: {type: int, outside: true}}}
actions: {archive: {requires: account.seats >= 10}}
"""


def test_a_review_says_why_a_rule_has_no_inside() -> None:
    policy = lawful.loads(NO_INSIDE)
    found = {(each.rule, each.side): each.alone for each in proposals(policy, [], rules(policy.program))}
    told = {key: alone.en.partition(":")[0] if alone is not None else None for key, alone in found.items()}
    refused = "every request to set it to another value is refused"
    assert told == {
        ("fields.born.fixed", "outside"): refused,
        ("fields.seats.unlisted", "outside"): refused,
        ("actions.archive", "outside"): None,
        ("actions.archive", "inside"): None,
    }


def test_a_policy_without_cases_can_be_reviewed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cases.yaml").unlink()
    code, out, _ = told(capsys, str(folder), "--review", "--format", "json")
    assert code == 0
    assert {each["rule"] for each in json.loads(out)["proposals"]} >= {"actions.pay"}


def on_a_terminal(folder: Path, answers: str, *more: str) -> tuple[int, str]:
    """The command on a terminal of its own, with what somebody types."""
    pid, terminal = pty.fork()
    if pid == 0:
        arguments = [sys.executable, "-m", "lawful.cli", "test", str(folder), "--review", *more]
        os.execve(sys.executable, arguments, {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"})
    written, typed = b"", list(answers)
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # Linux says so where the other end is closed
            break
        written += read
        if typed and written.endswith((b"[q]uit: ", "退出：".encode())):
            os.write(terminal, typed.pop(0).encode() + b"\n")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), written.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_a_review_asks_writes_what_is_accepted_and_goes_on_later(folder: Path) -> None:
    code, text = on_a_terminal(folder, "?aq")
    assert code == 0, text
    assert text.count("Is that right?") == 3  # of `?` it was asked again
    assert "1 accepted" in text
    code, text = on_a_terminal(folder, "wsssssss")
    assert (code, "said to be wrong" in text) == (1, True), text
    cases = read_cases(Source("c", (folder / "cases.yaml").read_text(encoding="utf-8"))).cases
    assert len(cases) == 3
    code, text = on_a_terminal(folder, "aaaaaaaa", "--lang", "zh")
    assert (code, "已确认" in text) == (0, True), text
    code, text = on_a_terminal(folder, "")
    assert (code, "Is that right?" in text) == (0, False), text
    assert cli.main(["test", str(folder), "--quiet"]) == 0
