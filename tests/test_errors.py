"""What is told of wrong policies and wrong requests, word for word; and that nothing a stranger gives does worse than that.

The corpus is fixtures/errors: `pytest tests/test_errors.py --update` rewrites the texts that are expected.
"""

from __future__ import annotations

import ast
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import lawful
from lawful.audit.errors import WrongFile
from lawful.audit.mapping_file import read_mapping
from lawful.cases import read_cases, unfit
from lawful.cli.lint import of_rules, of_versions
from lawful.diagnostics import Diagnostic, LawfulError, near
from lawful.document import decode
from lawful.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
ERRORS = ROOT / "fixtures" / "errors"
WECHAT = (ROOT / "policies" / "wechat" / "policy.yaml").read_text(encoding="utf-8")
DOCS = ROOT / "docs" / "diagnostics.md"
HEAD = 'policy: p\nversion: "1"\naccount:\n  fields:\n    ok: bool\n    n: int\n    s: string\n'


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def told_of(path: Path) -> list[Diagnostic]:
    """Every mistake and warning of a policy file, or of a file of cases."""
    if path.parent.name == "cases":
        cases = read_cases(decode(path.relative_to(ROOT).as_posix(), path.read_bytes()))
        return [*cases.diagnostics, *unfit(cases, lawful.load("wechat"))]
    warnings: list[Diagnostic] = []
    try:
        lawful.load(path, warnings=warnings)
    except lawful.PolicyError as error:
        return list(error.diagnostics)
    return warnings


# What takes no file of its own, or too large a one.
def too_large() -> list[Diagnostic]:
    return told_by(lambda: lawful.loads("title: [" + "x, " * 90_000 + "]"))


def too_many_bytes() -> list[Diagnostic]:
    return told_by(lambda: lawful.loads("# nothing\n" * 1_000_000))


def no_such_policy() -> list[Diagnostic]:
    return told_by(lambda: lawful.load("wechta"), lambda: lawful.load("./nowhere"), lambda: lawful.load("fixtures"))


def no_cases() -> list[Diagnostic]:
    help = "`lawful init` shows what they look like"
    return [Diagnostic("no-cases", "the policy has no `cases.yaml`", None, help, "warning")]


def gap_in_force() -> list[Diagnostic]:
    return of_versions(lawful.load(str(ROOT / "fixtures" / "defects" / "in-force-gap" / "defect.yaml")))


def doubtful_rules(defect: str) -> list[Diagnostic]:
    return of_rules(lawful.load(str(ROOT / "fixtures" / "defects" / defect / "defect.yaml")))


def bad_mapping(*texts: str) -> list[Diagnostic]:
    program = lawful.load("wechat").program
    found: list[Diagnostic] = []
    for text in texts:
        with pytest.raises(WrongFile) as told:
            read_mapping(program, text.encode(), "platform.yaml")
        found += told.value.diagnostics
    return found


MADE: dict[str, Callable[[], list[Diagnostic]]] = {
    "too-large": too_large,
    "too-large--bytes": too_many_bytes,
    "no-such-policy": no_such_policy,
    "no-cases": no_cases,
    "in-force-gap": gap_in_force,
    "conflict-rule": partial(doubtful_rules, "constraints-at-odds"),
    "dead-rule": partial(doubtful_rules, "never-fails"),
    "shadowed-rule": partial(doubtful_rules, "shadowed-deny"),
    "bad-mapping": partial(bad_mapping, "fields:\n  type: {column: kind, values: {0: servce}}\n"),
    "bad-mapping--of-another-policy": partial(
        bad_mapping,
        "mapping: registry\npolicy: uk-companies\nfields:\n  type: kind\n  charter: charter\n",
        "mapping: registry\nfields: {charter: a, seat: b, capital: c, type: d}\n",
    ),
}


def told_by(*loads: Callable[[], object]) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for load in loads:
        with pytest.raises(lawful.PolicyError) as told:
            load()
        found += told.value.diagnostics
    return found


def expected(path: Path, text: str, *, update: bool) -> str:
    if update:
        path.write_text(text + "\n", encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing: pytest --update writes it"
    return path.read_text(encoding="utf-8").removesuffix("\n")


POLICIES = sorted([*ERRORS.glob("*.yaml"), *ERRORS.glob("cases/*.yaml")])


def slug(path: Path) -> str:
    return path.stem.partition("--")[0]


# ------------------------------------------------------------------------------------------------------ the corpus


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_wrong_policy_is_told_word_for_word(path: Path, update: bool) -> None:
    found = told_of(path)
    text = "\n\n".join(str(each) for each in found)
    assert text == expected(path.with_suffix(".txt"), text, update=update)
    assert slug(path) in {each.code for each in found}


@pytest.mark.parametrize("name", MADE)
def test_a_wrong_policy_that_is_no_file_is_told_word_for_word(name: str, update: bool) -> None:
    found = MADE[name]()
    text = "\n\n".join(str(each) for each in found)
    assert text == expected(ERRORS / f"{name}.txt", text, update=update)
    assert {each.code for each in found} == {name.partition("--")[0]}


def test_every_code_has_a_fixture() -> None:
    shown = {slug(path) for path in POLICIES} | {name.partition("--")[0] for name in MADE}
    assert codes() - shown == set()
    assert len(POLICIES) >= 60


def test_every_code_has_a_heading_and_every_heading_a_code() -> None:
    headings = re.findall(r"^## (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(headings) == codes()
    assert headings == sorted(headings)


def codes() -> set[str]:
    """Every code that the package can give, found where it is given."""
    found = set()
    for path in (ROOT / "engine" / "lawful").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and called(node) in TELLING:
                found |= {code for code in written_codes(node.args[0]) if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)}
    return found


TELLING = {
    "Diagnostic",
    "Mistake",
    "PydanticCustomError",
    "mistake",
    "key_mistake",
    "warning",
    "known",
    "_tell",
    "_refuse",
}


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def written_codes(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as code):
            yield code
        case ast.JoinedStr(values=[ast.Constant(value="bad-"), ast.FormattedValue()]):
            yield from ("bad-date", "bad-timestamp", "bad-duration")
        case _:
            pass


def test_no_words_of_the_machinery_are_told() -> None:
    words = re.compile(
        r"pydantic|protobuf|libyaml|ANTLR|Traceback|NoneType|\bdict\b|\bstr\b|\bint_|Errno|openpyxl|0x[0-9a-f]{6}"
    )
    for path in ERRORS.rglob("*.txt"):
        assert words.findall(path.read_text(encoding="utf-8")) == [], path.name


def test_messages_are_phrases() -> None:
    for path in POLICIES:
        for each in told_of(path):
            assert not each.message.endswith(".") or each.message.endswith("…"), each.message
            assert not each.message[:1].isupper(), each.message


def test_all_mistakes_are_told_in_the_order_of_the_file() -> None:
    found = told_of(ERRORS / "unknown-key--and-many-more.yaml")
    lines = [each.span.line for each in found if each.span]
    assert len(found) >= 15
    assert lines == sorted(lines)


# --------------------------------------------------------------------------------------------------- wrong requests


CLUB = ERRORS / "requests" / "policy.yaml"
REQUESTS: dict[str, str] = yaml.safe_load((ERRORS / "requests" / "requests.yaml").read_text(encoding="utf-8"))


def test_wrong_requests_are_told_word_for_word(update: bool) -> None:
    policy = lawful.load(CLUB)
    told = []
    for name, text in REQUESTS.items():
        with pytest.raises(lawful.RequestError) as error:
            policy.check(text)
        told.append(f"# {name}\n{error.value}")
    found = "\n\n".join(told)
    assert found.split("\n\n") == expected(ERRORS / "requests" / "requests.txt", found, update=update).split("\n\n")


def test_there_are_forty_wrong_requests() -> None:
    assert len(REQUESTS) >= 40


MADE_REQUESTS: list[tuple[str, Any, str]] = [
    ("a hundred thousand brackets", "[" * 100_000, "the request is nested too deeply"),
    ("a hundred thousand braces", '{"a":' * 100_000, "the request is nested too deeply"),
    ("twenty megabytes", "x" * 20_000_000, "the request is larger than 8 MiB"),
    ("twenty megabytes of bytes", b" " * 20_000_000, "the request is larger than 8 MiB"),
    ("nine megabytes in three million characters", "借" * 3_000_000, "the request is larger than 8 MiB"),
    ("bytes that may change", bytearray(b" " * 9_000_000), "the request is larger than 8 MiB"),
    ("bytes that are no UTF-8", b'{"account": {"name": "\xff"}}', "the request is not UTF-8: byte 22 cannot be read"),
    ("a number of 5 000 digits", '{"account": {"members": 1' + "0" * 5000 + '}, "change": {"do": "send"}}', "account.members: the number is outside 64 bits"),
    ("2 to the 70th", {"account": {"members": 2**70}, "change": {"do": "send"}}, "account.members: the number is outside 64 bits"),
    ("no number", {"account": {"members": float("nan")}, "change": {"do": "send"}}, "account.members: `nan` is not a whole number"),
    ("an object of Python's", {"account": {"members": object()}, "change": {"do": "send"}}, "account.members: something that JSON has no form for is not a whole number"),
    ("a name that is a number", {"account": {1: 2}, "change": {"do": "send"}}, "account: `1` stands where the name of something should be"),
    ("a list", [], "a list stands where a request should be"),
    ("a number", 5, "`5` stands where a request should be"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "told"), [case[1:] for case in MADE_REQUESTS], ids=[case[0] for case in MADE_REQUESTS]
)
def test_a_request_that_is_too_much_is_refused_at_once(given_: Any, told: str) -> None:
    policy = lawful.load(CLUB)
    with within_a_second(), pytest.raises(lawful.RequestError) as error:
        policy.check(given_)
    assert str(error.value) == told


def test_a_hundred_thousand_unknown_fields_are_told_at_once() -> None:
    policy = lawful.load(CLUB)
    given_ = {"account": {f"field{i}": 1 for i in range(100_000)}, "change": {"do": "send"}}
    with within_a_second(3), pytest.raises(lawful.RequestError, match="the account has no field `field0`"):
        policy.check(given_)


# -------------------------------------------------------------------------------------------------- hostile policies


@contextmanager
def within_a_second(limit: float = 2.0) -> Iterator[None]:
    """The work takes a third of that alone; the machine may be busy."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < limit


def listed(form: str, count: int, between: str = "\n") -> str:
    return between.join(form.format(i, i + 1, (i + 1) % count) for i in range(count))


DEEP = 100_000
HOSTILE = {
    "aliases that multiply": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "yaml-alias"),
    "brackets": ("[" * DEEP, "yaml-depth"),
    "braces": ("{a: " * DEEP, "yaml-depth"),
    "dashes": ("- " * DEEP, "yaml-depth"),
    "indentation": ("\n".join(" " * i + "a:" for i in range(1500)), "yaml-depth"),
    "keys of keys": ("? " * DEEP, "yaml"),
    "ten megabytes": ("a: x\n" * 2_500_000, "too-large"),
    "half a million lists of nothing": ("[" + "[], " * 500_000 + "]", "too-large"),
    "a hundred thousand keys": (HEAD + "conditions:\n" + listed("  c{}: account.ok", 100_000), "too-large"),
    "a hundred thousand keys nobody knows": (HEAD + listed("k{}: v", 100_000), "too-large"),
    "nearly as many keys as there may be, none known": (HEAD + listed("k{}: v", 39_000), "unknown-key"),
    "nearly as many sources, none known": (HEAD + "actions:\n" + listed("  a{}: {{source: zzz}}", 15_000), "unknown-source"),
    "a hundred thousand times one key": (HEAD + "k: v\n" * 100_000, "repeated-key"),
    "a hundred thousand empty values": (HEAD + "title: [" + "," * 100_000 + "]", "yaml"),
    "a long line": (HEAD + "title: [" + "x" * 3_900_000, "yaml"),
    "a long key": (HEAD + "x" * 1000 + ": y", "unknown-key"),
    "half a character": ("a: \ud800", "not-utf8"),
    "half a character escaped": ('a: "\\ud800"', "yaml"),
    "a NUL": ("a: \0", "yaml"),
    "a NUL escaped": ('a: "\\0"', "bad-text"),
    "an escape sequence": ('a: "\\e[2J"', "bad-text"),
    "a tag of Python's": ("a: !!python/object:os.system {}", "yaml-tag"),
    "a tag around it all": ("!!python/object/apply:os.system ['true']", "yaml-tag"),
    "a merge": (HEAD + "<<: {title: x}", "unknown-key"),
    "ten thousand terms": (HEAD + "conditions:\n  c: " + " && ".join(["account.ok"] * 10_000), "too-deep"),
    "ten thousand sums": (HEAD + "conditions:\n  c: 0 < " + " + ".join(["account.n"] * 10_000), "too-deep"),
    "a million characters": (HEAD + "conditions:\n  c: account.s == '" + "x" * 1_000_000 + "'", "too-deep"),
    "parentheses": (HEAD + "conditions:\n  c: '" + "(" * DEEP + "'", "too-deep"),
    "a thousand conditions on top of each other": (
        HEAD + "conditions:\n  c0: account.ok\n" + listed("  c{1}: c{0} && account.ok", 1000), "too-deep"
    ),
    "a circle of a thousand conditions": (HEAD + "conditions:\n" + listed("  c{0}: c{2}", 1000), "circular-conditions"),
    "a circle of a thousand features": (HEAD + "features:\n" + listed("  f{0}: {{needs: f{2}}}", 1000), "circular-needs"),
    "two hundred features that all need each other": (
        HEAD + "features:\n" + "".join(f"  f{i}: {{needs: [{listed('f{}', 200, ', ')}]}}\n" for i in range(200)),
        "circular-needs",
    ),
    "two thousand transitions of one step": (
        'policy: p\nversion: "1"\naccount: {fields: {t: {enum: [a, b]}}}\nlifecycle:\n  t:\n    transitions:\n'
        + listed("      x{}: {{from: a, to: b}}", 2000),
        "two-transitions",
    ),
    "two thousand versions": (HEAD + "actions:\n  x:\n" + "    - {}\n" * 2000, "overlapping-versions"),
    "ten thousand sources that are none": (HEAD + "actions:\n" + listed("  a{}: {{source: zzz}}", 10_000), "unknown-source"),
    "five thousand names nearly known": (
        HEAD + "conditions:\n" + listed("  c{}: account.ok", 5000) + "\n" + listed("  d{}: cc{}", 5000), "unknown-name"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_policy_is_refused_at_once(name: str) -> None:
    text, code = HOSTILE[name]
    limit = 4.0 if "nearly known" in name else 2.0
    with within_a_second(limit), pytest.raises(lawful.PolicyError) as told:
        lawful.loads(text)
    assert code in {each.code for each in told.value.diagnostics}
    assert len(told.value.diagnostics) <= 2000
    assert len(max(str(told.value).splitlines(), key=len)) < 700


@pytest.mark.parametrize("path", ["./a\0b", "./" + "x" * 5000, "./\udc80", "/dev/zero", "/", "", "./round.yaml"])
def test_a_path_that_leads_nowhere(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "round.yaml").symlink_to("round.yaml")
    with within_a_second(), pytest.raises(lawful.PolicyError) as told:
        lawful.load(path)
    assert [each.code for each in told.value.diagnostics] == ["no-such-policy"]
    str(told.value).encode()


def test_a_life_cycle_of_ten_thousand_values_and_every_step() -> None:
    values = listed("v{}", 10_000, ", ")
    text = f'policy: p\nversion: "1"\naccount: {{fields: {{t: {{enum: [{values}]}}}}}}\nlifecycle:\n  t:\n    transitions:\n'
    step = f"{{from: [{values}], to: [{values}], limit: once}}"
    with within_a_second():
        lawful.loads(f"{text}      up: {step}\n")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for raw in (b"policy: \xff\xfe", b"\xff\xfep\x00", b"\x00" * 100, b"\x80"):
        (tmp_path / "policy.yaml").write_bytes(raw)
        with pytest.raises(lawful.PolicyError):
            lawful.load(tmp_path)


def test_large_policies_that_are_right_are_read() -> None:
    with within_a_second(2):
        lawful.loads(HEAD + "conditions:\n" + listed("  c{}: account.n > {}", 10_000))
    with within_a_second():
        lawful.loads(HEAD + "features:\n" + listed("  f{0}: {{needs: f{1}}}", 1000) + "\n  f1000: {}")


@pytest.mark.parametrize(("ok", "verdict"), [(True, "allow"), (False, "deny"), (None, "undetermined")])
def test_conditions_that_double_do_not_multiply(ok: bool | None, verdict: str) -> None:
    text = HEAD + "conditions:\n  c0: account.ok\n" + listed("  c{1}: c{0} && (c{0} || account.n > {0})", 40)
    with within_a_second():
        policy = lawful.loads(text + "\nactions: {a: {requires: c40}}")
        assert policy.check(account={"ok": ok}, change={"do": "a"}, history=[]).verdict == verdict


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "(a*)*b", "a*a*a*a*a*a*a*b", ".*.*.*.*x", "([a-z]+)*=", "(x?x){1,30}y"]
)
def test_a_pattern_cannot_hang(pattern: str) -> None:
    policy = lawful.loads(HEAD + f"actions: {{a: {{requires: \"account.s.matches('{pattern}')\"}}}}")
    with within_a_second():
        decision = policy.check(account={"s": "a" * 100_000 + "!"}, change={"do": "a"}, history=[])
    assert decision.verdict == ("allow" if re.fullmatch(r".*\)\*\$", pattern) else "deny")


# ------------------------------------------------------------------------------------------------------------ tables

TABLE = (
    HEAD
    + "conditions: {{x: account.ok}}\nfeature_tables: [{{file: '{}', columns: {{a: x}}, cells: {{'1': yes, '0': no}}}}]\n"
)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (listed("f{},1", 10_000), None),
        (listed("f{},7", 10_000), "table-cell"),
        ("f,1\n" * 10_000, "duplicate-id"),
        ("\0,1", "bad-text"),
        ('"f,1', "table-shape"),
        ("x" * 200_000 + ",1", "table-shape"),
        ("f,1\r\rg,1", "table-shape"),
    ],
)
def test_a_hostile_table(rows: str, code: str | None) -> None:
    with within_a_second(2):
        assert code in told_of_table(b"feature,a\n" + rows.encode())


def told_of_table(raw: bytes) -> set[str | None]:
    try:
        lawful.loads(TABLE.format("t.csv"), tables={"t.csv": raw})
    except lawful.PolicyError as error:
        return {each.code for each in error.diagnostics}
    return {None}


def test_a_table_of_a_hundred_thousand_columns() -> None:
    with within_a_second(), pytest.raises(lawful.PolicyError, match="more than 200 columns"):
        lawful.loads(TABLE.format("t.csv"), tables={"t.csv": listed("c{}", 100_000, ",").encode()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text("feature,a\nf,1\n")
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "inside.csv").write_text("feature,a\nf,1\n")
    (folder / "folder.csv").mkdir()
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "in.csv").symlink_to("inside.csv")
    (folder / "round.csv").symlink_to("round.csv")
    (folder / "endless.csv").symlink_to("/dev/zero")
    return folder


@pytest.mark.parametrize(
    "file",
    ["../secret.csv", "/etc/passwd", "/dev/zero", "folder.csv", "out.csv", "round.csv", "endless.csv", "..", ".", "", "x" * 5000 + ".csv", "policy/../in.csv", "..\\secret.csv", "http://example.org/x.csv"],
)  # fmt: skip
def test_a_table_is_a_file_of_the_policys_folder(folder: Path, file: str) -> None:
    (folder / "policy.yaml").write_text(TABLE.format(file))
    with within_a_second(), pytest.raises(lawful.PolicyError) as told:
        lawful.load(folder)
    assert [each.code for each in told.value.diagnostics] == ["table-file"]


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "policy.yaml").write_text(TABLE.format("in.csv"))
    assert set(lawful.load(folder).program.features) == {"f"}


def test_a_workbook_that_is_none(folder: Path) -> None:
    pytest.importorskip("openpyxl")
    (folder / "t.xlsx").write_bytes(b"PK\x03\x04 not really")
    (folder / "policy.yaml").write_text(TABLE.format("t.xlsx"))
    with pytest.raises(lawful.PolicyError, match=r"`t.xlsx` is not an Excel file"):
        lawful.load(folder)


# ------------------------------------------------------------------------------------------------ whatever is given


def takes(text: str) -> Policy | None:
    """The policy, or a mistake that is told: nothing else may come of a text."""
    try:
        return lawful.loads(text)
    except lawful.PolicyError as error:
        str(error).encode()
        return None


@settings(max_examples=300)
@given(st.text())
def test_any_text(text: str) -> None:
    takes(text)


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@`#~ \n\t\\0123.<=()")))
def test_any_text_of_yamls_signs(text: str) -> None:
    takes(text)


KEYS = sorted(
    set(re.findall(r"([a-z_]+):", WECHAT))
    | {
        "limit",
        "within",
        "per",
        "needs",
        "events",
        "min",
        "max",
        "default",
        "set",
        "settable",
        "counted_by",
        "never_after",
        "in_force",
        "feature_tables",
        "cost",
        "registration",
    }
)
SCALARS = st.sampled_from(
    ["", "1", "-1", "x", "account.type", "account.ok", "today", "true", "no", "2024-01-01", "once", "day", "error", "int", "'a' in account.features", "date", "type", "subscription", "seed#1", "{account.type}", "{", "t.csv"]
) | st.text(max_size=5)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | SCALARS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6))
def test_anything_that_looks_like_a_policy(data: dict[str, Any]) -> None:
    whole = {"policy": "p", "version": "1", "account": {"fields": {"type": {"enum": ["a", "b"]}, "ok": "bool"}}}
    takes(json.dumps({**whole, **data}))


LINES = WECHAT.splitlines()
WORDS = sorted(set(re.findall(r"[\w.'!&|=<>]+", WECHAT)))


@settings(max_examples=220)
@given(
    st.integers(0, len(LINES) - 1),
    st.sampled_from(["delete", "repeat", "swap", "indent", "word", "cut", "sign"]),
    st.randoms(use_true_random=False),
)
def test_the_policy_of_wechat_with_a_mistake(index: int, how: str, chance: random.Random) -> None:
    lines = LINES.copy()
    line = lines[index]
    match how:
        case "delete":
            del lines[index]
        case "repeat":
            lines.insert(index, line)
        case "swap":
            other = chance.randrange(len(lines))
            lines[index], lines[other] = lines[other], line
        case "indent":
            lines[index] = " " * chance.randrange(8) + line.lstrip()
        case "word":
            parts = re.split(r"([\w.'!&|=<>]+)", line)
            parts[chance.randrange(len(parts))] = chance.choice(WORDS)
            lines[index] = "".join(parts)
        case "cut":
            lines[index] = line[: chance.randrange(len(line) + 1)]
        case _:
            at = chance.randrange(len(line) + 1)
            lines[index] = line[:at] + chance.choice("'\"[]{}:,&*!#%@|>-? \t\0\x7f中") + line[at:]
    policy = takes("\n".join(lines))
    if policy is not None:
        answers(
            policy,
            {
                "account": {"type": "subscription", "features": []},
                "change": {"set": {"type": "service"}},
                "history": [],
                "at": "2025-03-01",
            },
        )


def answers(policy: Policy, request: Any) -> None:
    """A decision, or a mistake that is told."""
    for ask in (policy.check, policy.can):
        try:
            ask(request)
        except lawful.RequestError as error:
            str(error).encode()


NAMES = [
    "account",
    "change",
    "changes",
    "request",
    "history",
    "history_from",
    "at",
    "event",
    "type",
    "subject",
    "certified_until",
    "last_active",
    "features",
    "set",
    "enable",
    "disable",
    "do",
    "register",
    "account_id",
    "author_consent",
    "whitelisted",
]
GIVEN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.datetimes()
    | st.sampled_from(["subscription", "service", "individual", "wechat_pay", "upgrade", "mass_send", "certify", "register", "2025-03-01", "2025-03-01T09:00:00+08:00", "9999-12-31", "0001-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip
VALUES = {
    "type": ["subscription", "service"],
    "subject": ["media", "individual"],
    "certified_until": ["2026-01-01", "9999-12-31", "0001-01-01"],
    "last_active": ["2025-01-01"],
    "features": [[], ["wechat_pay"]],
}
ACCOUNTS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) | GIVEN for name, values in VALUES.items()}
)
CHANGES = (
    st.sampled_from(
        [
            {"set": {"type": "service"}},
            {"enable": "wechat_pay"},
            {"disable": "wechat_pay"},
            {"do": "certify"},
            {"do": "mass_send"},
            {"register": {}},
        ]
    )
    | GIVEN
)
EVENTS = (
    st.lists(
        st.fixed_dictionaries(
            {
                "event": st.sampled_from(["upgrade", "mass_send", "enable.wechat_pay"]) | GIVEN,
                "at": st.sampled_from(["2025-02-28", "2025-03-01T08:00:00", "9999-12-31T23:59:59Z", "0001-01-01"])
                | GIVEN,
            }
        ),
        max_size=3,
    )
    | GIVEN
)
ASKED = st.fixed_dictionaries(
    {"account": ACCOUNTS | GIVEN},
    optional={"change": CHANGES, "changes": st.lists(CHANGES, max_size=3) | GIVEN, "request": GIVEN, "history": EVENTS, "history_from": st.sampled_from(["2025-01-01", "2020-01-01"]) | GIVEN, "at": st.sampled_from(["2025-03-01", "0001-01-01T00:00:00", "9999-12-31T23:59:59"]) | st.datetimes() | GIVEN},
)  # fmt: skip


@settings(max_examples=500)
@given(ASKED)
def test_anything_that_looks_like_a_request(request: Any) -> None:
    answers(lawful.load("wechat") if not LOADED else LOADED[0], request)


@settings(max_examples=400)
@given(GIVEN)
def test_anything_as_a_request(request: Any) -> None:
    answers(LOADED[0], request)
    answers(LOADED[0], json.dumps(request, default=str))


LOADED = [lawful.load(ROOT / "policies" / "wechat")]


@settings(max_examples=300)
@given(st.text() | st.binary())
def test_any_text_as_a_request(request: str | bytes) -> None:
    answers(LOADED[0], request)


# ------------------------------------------------------------------------------------------------- names that collide


@pytest.mark.parametrize(
    "names",
    [
        ["seats_2", "seats2"],
        ["a", "_a"],
        ["a", "a_"],
        ["a", "A"],
        ["_"],
        ["optional", "message", "Account", "descriptor"],
    ],
)
def test_names_that_are_right_are_taken(names: list[str]) -> None:
    fields = "".join(f"    {name}: bool\n" for name in names)
    used = " || ".join(f"account.{name}" for name in names)
    lawful.loads(f'policy: p\nversion: "1"\naccount:\n  fields:\n{fields}conditions:\n  c: {used}\n')


# ---------------------------------------------------------------------------------------------------------- helpers


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pya", "pay"),
        ("PAY", "pay"),
        ("Certified", "certified"),
        ("certifed_until", "certified_until"),
        ("xyz", None),
        ("", None),
    ],
)
def test_what_is_near(word: str, meant: str | None) -> None:
    found = near(word, ["pay", "certified", "certified_until"])
    assert found == (f"did you mean `{meant}`?" if meant else None)


def test_errors_are_of_one_kind_and_travel() -> None:
    import pickle

    with pytest.raises(LawfulError) as told:
        lawful.loads("a: b")
    assert str(pickle.loads(pickle.dumps(told.value))) == str(told.value)
