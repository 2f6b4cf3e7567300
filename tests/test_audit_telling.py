"""How an audit is told: on the terminal, to pipelines, in files for other programs. tests/test_report.py: the report."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import jsonschema
import openpyxl
import pyarrow.parquet as pq
import pytest

import audit_samples
from lawful.audit.errors import AuditError
from lawful.audit.summary import CrossCheck, Edge, LifecycleTally, Summary
from lawful.audit.telling import exporting, junit, markdown, sarif, terminal, words
from lawful.audit.telling.finding import COLUMNS, Findings
from lawful.audit.telling.lifecycles import picture
from lawful.audit.writing import beside
from lawful.cli.layout import Row, arranged, columns
from lawful.ir import LANGUAGES, Language, Text
from lawful.pages.diagram import Drawing, drawing

Golden = Callable[[str, str], None]


@pytest.fixture(scope="module")
def told() -> Summary:
    return audit_samples.summary()


@pytest.fixture(scope="module")
def findings(told: Summary, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return audit_samples.written(tmp_path_factory.mktemp("findings") / "found.parquet", audit_samples.rows(told))


@pytest.fixture(scope="module")
def few(told: Summary, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """At most a hundred findings of each rule."""
    return audit_samples.written(tmp_path_factory.mktemp("few") / "few.parquet", audit_samples.rows(told, 100))


@pytest.fixture
def hostile(tmp_path: Path) -> Findings:
    return audit_samples.written(tmp_path / "hostile.parquet", audit_samples.hostile_rows())


# ----------------------------------------------------------------------------------------------- the first findings


def test_those_that_count_come_first_then_by_account(findings: Findings) -> None:
    first = findings.first_of_each_rule(70)["constraints.certified-individual"]
    assert [each.excused is None for each in first] == [True] * 58 + [False] * 12
    counting = [each.account for each in first[:58]]
    assert counting == sorted(counting)


def test_the_worst_findings_come_first(findings: Findings) -> None:
    ranks = [(each.excused is not None, each.status != "violated", each.severity) for each in findings.first(20_000)]
    assert ranks == sorted(ranks, key=lambda rank: (*rank[:2], ["error", "warning", "info"].index(rank[2])))


def test_the_order_of_the_file_does_not_matter(told: Summary, findings: Findings, tmp_path: Path) -> None:
    backwards = audit_samples.written(tmp_path / "backwards.parquet", reversed(list(audit_samples.rows(told))))
    assert backwards.first(500) == findings.first(500)
    assert backwards.first_of_each_rule(50) == findings.first_of_each_rule(50)


def test_a_file_whose_name_is_a_pattern_is_read_alone(tmp_path: Path) -> None:
    other = audit_samples.written(tmp_path / "it's 1.parquet", audit_samples.hostile_rows())
    named = audit_samples.written(tmp_path / "it's [1]*.parquet", audit_samples.hostile_rows()[:1])
    assert (named.count(), other.count()) == (1, len(audit_samples.hostile_rows()))


def test_who_excuses_how_many_is_counted(findings: Findings) -> None:
    assert findings.excuses(10) == [("baseline", 31), ("waiver: 王芳: 存量账号，六月底前整改", 31)]


# ----------------------------------------------------------------------------------------------------- the terminal


def drawn(summary: Summary, findings: Findings, language: Language) -> str:
    lines = [
        "".join(text for text, _ in pieces).rstrip()
        for each in terminal.rows(summary, findings, language)
        for pieces in arranged(Row(*each), 100, folds=False)
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terminal_tells_all_of_it(language: Language, told: Summary, findings: Findings, golden: Golden) -> None:
    golden(f"audit/terminal.{language}.txt", drawn(told, findings, language))


def test_a_good_inventory_is_told_in_three_lines(told: Summary, tmp_path: Path) -> None:
    empty = audit_samples.written(tmp_path / "empty.parquet", [])
    rules = tuple(each for each in told.rules if each.violated == each.unknown == 0)
    good = audit_samples.summary(
        accounts=1, accounts_with_findings=0, rules=rules, not_judged=(), data=(), questions={}, cross_check=None
    )
    assert drawn(good, empty, "en").splitlines() == [
        "✓ no findings for 1 account                                                        wechat 2024-04-12",
        "  accounts.parquet   41 250 events   12 accounts gone   2025-03-01T00:00:00+08:00   duckdb, 6.4 s",
        "",
        "  ✓ 9 rules without a finding",
    ]


def test_what_the_reference_says_otherwise_is_told(told: Summary, findings: Findings) -> None:
    differing = audit_samples.summary(
        cross_check=CrossCheck(1, 25, ("gh_1: constraints.dormant: violated, not unknown",))
    )
    assert "1 account judged again by the reference, 25 outcomes: 1 differs" in drawn(differing, findings, "en")
    assert "gh_1: constraints.dormant: violated, not unknown" in drawn(differing, findings, "zh")


def test_the_columns_of_the_table_are_aligned_in_both_languages(told: Summary, findings: Findings) -> None:
    for language in LANGUAGES:
        rows = [line for line in drawn(told, findings, language).splitlines() if re.search(r"[█▏▎▍▌▋▊▉]", line)]
        starts = {columns(re.split(r" (?=[a-z]+\.)", line)[0]) for line in rows}
        assert len(rows) == 10
        assert len(starts) == 1


def test_no_account_moves_the_cursor(told: Summary, hostile: Findings) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", drawn(told, hostile, "en"))


# ---------------------------------------------------------------------------------------------------------- markdown


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_markdown_tells_all_of_it(language: Language, told: Summary, findings: Findings, golden: Golden) -> None:
    golden(f"audit/summary.{language}.md", markdown.markdown(told, findings, language))


def test_nothing_in_the_markdown_is_acted_upon(told: Summary, hostile: Findings) -> None:
    written = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown.markdown(told, hostile))
    assert "<script>" not in written
    assert "@owner" not in written
    assert "#12" not in written
    assert "\u202e" not in written


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("[here](http://x.example)", r"\[here\](http:&#8203;//x.example)"),
        ("![](www.x.example)", r"!\[\](www&#8203;.x.example)"),
        ("**a** _b_ ~c~ $d$ `e` |f|", r"\*\*a\*\* \_b\_ \~c\~ \$d\$ \`e\` \|f\|"),
        ("see GH-12 and #7", "see GH&#8203;-12 and #&#8203;7"),
        ("a\n\n# b &amp;", "a # b &amp;amp;"),
        ("微信（订阅号）", "微信（订阅号）"),
    ],
)
def test_a_text_is_inert_in_markdown(text: str, inert: str) -> None:
    assert markdown.escaped(text) == inert


def test_every_row_of_a_markdown_table_has_its_cells(told: Summary, hostile: Findings) -> None:
    heads = 0
    for line in markdown.markdown(told, hostile).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        if re.match(r"\| -", line):
            heads = cells
        elif not line.startswith("|"):
            heads = 0
        assert cells == heads or not heads, line


# ------------------------------------------------------------------------------------------------------------ SARIF


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


MESSAGE = closed(("text",), text={"type": "string"})
LEVEL = {"enum": ["none", "note", "warning", "error"]}
BAG = {"type": "object"}
LOCATION = closed(
    physicalLocation=closed(
        artifactLocation=closed(uri={"type": "string", "pattern": r"^[\x21-\x7e]+$"}, uriBaseId={"type": "string"}),
        region=closed(
            startLine={"type": "integer", "minimum": 1},
            startColumn={"type": "integer", "minimum": 1},
        ),
    ),
    logicalLocations={"type": "array", "items": closed(name={"type": "string"}, kind={"type": "string"})},
)
RULE = closed(
    ("id",),
    id={"type": "string"},
    name={"type": "string"},
    shortDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed(level=LEVEL),
    properties=BAG,
)
RESULT = closed(
    ("message",),
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": -1},
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    level=LEVEL,
    message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    suppressions={
        "type": "array",
        "uniqueItems": True,
        "items": closed(
            ("kind",),
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
            justification={"type": "string"},
        ),
    },
    properties=BAG,
)
NOTIFICATION = closed(("message",), message=MESSAGE, level=LEVEL, associatedRule=closed(id={"type": "string"}))
RUN = closed(
    ("tool",),
    tool=closed(
        ("driver",),
        driver=closed(
            ("name",),
            name={"type": "string"},
            version={"type": "string"},
            semanticVersion={"type": "string"},
            rules={"type": "array", "uniqueItems": True, "items": RULE},
        ),
    ),
    language={"type": "string", "pattern": "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$"},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations={
        "type": "array",
        "items": closed(
            ("executionSuccessful",),
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications={"type": "array", "items": NOTIFICATION},
        ),
    },
    results={"type": "array", "items": RESULT},
    properties=BAG,
)
SARIF = closed(
    ("version", "runs"),
    **{
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN},
    },
)
"""What the standard's schema demands of the objects that we write, and no more."""


def test_the_sarif_is_as_the_standard_demands(told: Summary, few: Findings, hostile: Findings) -> None:
    for language in LANGUAGES:
        for read in (few, hostile):
            jsonschema.validate(sarif.sarif(told, read, language, folder="policies/wechat"), SARIF)


def test_the_sarif_holds_a_finding_with_its_place(told: Summary, tmp_path: Path, golden: Golden) -> None:
    some = [each for each in audit_samples.rows(told, 2) if each["rule"].startswith("constraints.may-hold")]
    few = audit_samples.written(tmp_path / "few.parquet", some)
    sarif.write_sarif(told, few, tmp_path / "found.sarif", folder="policies/wechat")
    golden("audit/findings.sarif", (tmp_path / "found.sarif").read_text(encoding="utf-8"))


def test_sarif_holds_the_worst_five_thousand_and_says_what_it_leaves_out(told: Summary, findings: Findings) -> None:
    run = sarif.sarif(told, findings)["runs"][0]
    first = run["invocations"][0]["toolExecutionNotifications"][0]
    assert len(run["results"]) == 5_000
    assert first["message"]["text"] == f"left out: {words.grouped(findings.count() - 5_000)} more findings"
    assert {each["level"] for each in run["results"][:1_000]} == {"error"}


def test_a_rule_of_each_result_is_found_by_its_index(told: Summary, findings: Findings) -> None:
    run = sarif.sarif(told, findings)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_an_excused_finding_is_suppressed_and_an_unknown_one_open(told: Summary, tmp_path: Path) -> None:
    rows = list(audit_samples.rows(told))
    excused = next(each for each in rows if each["excused"] is not None)
    unknown = next(each for each in rows if each["status"] == "unknown")
    found = audit_samples.written(tmp_path / "two.parquet", [excused, unknown])
    open_one, suppressed = sarif.sarif(told, found)["runs"][0]["results"]
    assert (open_one["kind"], open_one["level"]) == ("open", "none")
    assert suppressed["suppressions"][0]["justification"] == excused["excused"]


def test_a_fingerprint_outlives_the_words_of_a_finding(told: Summary, tmp_path: Path) -> None:
    row = next(audit_samples.rows(told))
    reworded = row | {"explanation_en": "other words", "severity": "info", "excused": "baseline"}
    later = row | {"at": row["at"].replace(year=2026)}
    first, second, third = (
        sarif.sarif(told, audit_samples.written(tmp_path / f"{index}.parquet", [each]))["runs"][0]["results"][0]
        for index, each in enumerate((row, reworded, later))
    )
    assert first["partialFingerprints"] == second["partialFingerprints"] != third["partialFingerprints"]


@pytest.mark.parametrize(
    ("folder", "uri"),
    [
        ("", "policy.yaml"),
        ("policies/wechat", "policies/wechat/policy.yaml"),
        ("policies/微信 1", "policies/%E5%BE%AE%E4%BF%A1%201/policy.yaml"),
        ("{here}/policies", "policies/policy.yaml"),
        ("/elsewhere/policies", "policy.yaml"),
    ],
)
def test_the_policy_s_file_is_named_without_the_machine(
    folder: str, uri: str, told: Summary, few: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = sarif.sarif(told, few, folder=folder.format(here=tmp_path))["runs"][0]["results"]
    places = [each["locations"][0].get("physicalLocation") for each in results]
    assert {each["artifactLocation"]["uri"] for each in places if each is not None} == {uri}


def test_an_account_is_no_link_in_sarif(told: Summary, tmp_path: Path) -> None:
    row = next(audit_samples.rows(told)) | {"account_id": "[a](http://x.example)", "explanation_en": "[b] (c)"}
    result = sarif.sarif(told, audit_samples.written(tmp_path / "one.parquet", [row]))["runs"][0]["results"][0]
    assert result["message"]["text"] == r"\[a](http://x.example): [b] (c)"


# ------------------------------------------------------------------------------------------------------------ JUnit


def test_the_junit_has_a_case_for_each_rule(told: Summary, findings: Findings, tmp_path: Path, golden: Golden) -> None:
    junit.write_junit(told, findings, tmp_path / "junit.xml")
    golden("audit/junit.xml", (tmp_path / "junit.xml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 7), ("warning", 9), ("info", 10)])
def test_what_fails_is_what_counts(fail_on: Any, failures: int, told: Summary, findings: Findings) -> None:
    root = junit.junit(told, findings, fail_on=fail_on)
    assert root.get("failures") == str(failures) == str(len(root.findall(".//failure")))
    assert int(root.get("tests") or 0) == len(root.findall(".//testcase"))


def test_a_rule_that_was_not_judged_is_skipped(told: Summary, findings: Findings) -> None:
    skipped = junit.junit(told, findings).findall(".//testcase[skipped]")
    assert [each.get("name") for each in skipped] == [each.rule for each in told.not_judged]


def test_a_disagreement_is_an_error_in_junit(findings: Findings) -> None:
    differing = audit_samples.summary(cross_check=CrossCheck(10, 250, ("gh_1: …",)))
    assert junit.junit(differing, findings).get("errors") == "1"


def test_junit_is_xml_whatever_the_accounts_are_called(told: Summary, hostile: Findings, tmp_path: Path) -> None:
    junit.write_junit(told, hostile, tmp_path / "junit.xml")
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert audit_samples.HOSTILE in (root.findtext(".//failure") or "")


# ---------------------------------------------------------------------------------------------------------- exports


def exported(findings: Findings, folder: Path, form: exporting.Form, told: Summary | None = None) -> Path:
    target = folder / f"out.{form}"
    exporting.export(findings, target, form, told or audit_samples.summary())
    return target


def test_json_lines_hold_every_text_as_it_is(hostile: Findings, tmp_path: Path) -> None:
    lines = exported(hostile, tmp_path, "jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {**row, "at": row["at"].isoformat(), "facts": json.loads(row["facts"])} for row in audit_samples.hostile_rows()
    ]


def test_a_csv_begins_with_the_mark_that_excel_wants(findings: Findings, tmp_path: Path) -> None:
    written = exported(findings, tmp_path, "csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbfaccount_id,rule,severity,status,about,at,")
    assert "主体".encode() in written


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_no_cell_of_a_csv_is_a_formula(hostile: Findings, tmp_path: Path) -> None:
    rows = read_csv(exported(hostile, tmp_path, "csv"))
    for found, row in zip(rows, audit_samples.hostile_rows(), strict=True):
        text = row["account_id"]
        apostrophe = "'" if re.match(r"\s*[=+\-@＝]|[\t\r\n]", text) else ""
        assert found["account_id"] == found["explanation_zh"] == apostrophe + text
    assert not any(cell and cell[0] in "=+-@\t\r\n＝" for row in rows for cell in row.values())


def test_a_csv_has_the_rows_in_the_order_of_the_file(told: Summary, findings: Findings, tmp_path: Path) -> None:
    rows = read_csv(exported(findings, tmp_path, "csv"))
    expected = [(each["account_id"], each["rule"]) for each in audit_samples.rows(told)]
    assert [(each["account_id"], each["rule"]) for each in rows] == expected


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/London", "America/St_Johns", "Pacific/Apia", "UTC"])
def test_instants_are_as_python_writes_them(zone: str, tmp_path: Path) -> None:
    row = audit_samples.hostile_rows()[0]
    moments = audit_samples.instants()
    found = audit_samples.written(tmp_path / "at.parquet", [row | {"at": at} for at in moments], ZoneInfo(zone))
    expected = [at.astimezone(ZoneInfo(zone)).isoformat() for at in moments]
    assert [each["at"] for each in read_csv(exported(found, tmp_path, "csv"))] == expected
    lines = exported(found, tmp_path, "jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["at"] for line in lines] == expected


def test_the_connection_s_own_zone_has_no_say(tmp_path: Path) -> None:
    row = audit_samples.hostile_rows()[0]
    found = audit_samples.written(tmp_path / "at.parquet", [row])
    found.connection.execute("SET TimeZone = 'America/New_York'")
    assert read_csv(exported(found, tmp_path, "csv"))[0]["at"] == "2025-03-01T00:00:00+08:00"
    assert found.first(1)[0].at == 1_740_758_400_000_000


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "parquet"])
def test_no_findings_are_a_file_without_rows(form: exporting.Form, told: Summary, tmp_path: Path) -> None:
    empty = audit_samples.written(tmp_path / "empty.parquet", [])
    target = exported(empty, tmp_path, form)
    match form:
        case "csv":
            assert target.read_text(encoding="utf-8-sig").strip() == ",".join(COLUMNS)
        case "jsonl":
            assert target.read_text(encoding="utf-8") == ""
        case "xlsx":
            assert openpyxl.load_workbook(target)["findings"].max_row == 1
        case "parquet":
            assert pq.read_table(target).num_rows == 0


def test_a_connection_that_keeps_no_order_exports_in_order(told: Summary, findings: Findings, tmp_path: Path) -> None:
    findings.connection.execute("SET preserve_insertion_order = false")
    test_a_csv_has_the_rows_in_the_order_of_the_file(told, findings, tmp_path)
    assert findings.connection.execute("SELECT current_setting('threads') > 1").fetchall() == [(os.cpu_count() != 1,)]


def test_parquet_is_the_file_itself(findings: Findings, tmp_path: Path) -> None:
    assert exported(findings, tmp_path, "parquet").read_bytes() == findings.path.read_bytes()


def test_excel_opens_with_totals_and_a_header_that_stays(told: Summary, few: Findings, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(exported(few, tmp_path, "xlsx", told))
    assert book.sheetnames == ["totals", "findings"]
    sheet = book["findings"]
    assert sheet.max_row == few.count() + 1
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:K{sheet.max_row}"
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    totals = {row[0]: row for row in book["totals"].iter_rows(values_only=True)}
    assert totals["accounts"][1] == 20_000
    assert totals["constraints.certified-individual"][2:] == ("warning", 58, 60, 0)


def test_no_cell_of_a_workbook_is_a_formula(hostile: Findings, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(exported(hostile, tmp_path, "xlsx"))
    cells = [cell for row in book["findings"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}  # n: empty
    assert not any(str(cell.value).startswith(("=", "+", "-", "@", "\t")) for cell in cells)
    assert "微信\ufffd" in {cell.value for cell in cells}  # XML has no such control character


def test_what_exceeds_a_sheet_goes_on_on_the_next(told: Summary, few: Findings, tmp_path: Path) -> None:
    target = tmp_path / "sheets.xlsx"
    exporting._to_excel(few, target, told, "zh", sheet_rows=301)
    book = openpyxl.load_workbook(target, read_only=True)
    rows = {name: list(book[name].iter_rows(values_only=True)) for name in book.sheetnames[1:]}
    assert book.sheetnames == ["汇总", "问题", "问题 2", "问题 3"], few.count()
    assert [len(each) for each in rows.values()] == [301, 301, few.count() - 600 + 1]
    accounts = [row[0] for each in rows.values() for row in each[1:]]
    assert accounts == [each["account_id"] for each in audit_samples.rows(told, 100)]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux, which tells a process's memory")
def test_many_findings_take_little_memory(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
import duckdb
from zoneinfo import ZoneInfo
from lawful.audit.telling import exporting, finding
connection = duckdb.connect(config={{"memory_limit": "128MB", "threads": 2}})
connection.execute("SET enable_progress_bar = false")
path = Path({str(tmp_path / "many.parquet")!r})
connection.execute(f'''
    COPY (SELECT 'gh_' || i AS account_id, 'constraints.r' || i % 25 AS rule, 'error' AS severity,
                 'violated' AS status, 'account' AS about, make_timestamp(1740758400000000 + i)::TIMESTAMPTZ AS "at",
                 repeat('x', 100) || i AS explanation_en, repeat('微', 40) || i AS explanation_zh,
                 '{{{{}}}}' AS facts, 'seed' AS source, NULL::VARCHAR AS excused
          FROM range(400000) t(i) ORDER BY account_id DESC) TO '{{path}}' (FORMAT parquet)''')
found = finding.Findings(path, lambda: connection, ZoneInfo("Asia/Shanghai"))
for form in ("csv", "jsonl", "parquet"):
    exporting.export(found, path.with_suffix("." + form + "x"), form, None)
assert len(found.first(5000)) == 5000
assert sum(map(len, found.first_of_each_rule(50).values())) == 1250
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])  # the process's own, not its parent's
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 250_000


# ---------------------------------------------------------------------------------------------------------- writing


def test_what_was_there_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with beside(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
        assert part.parent == tmp_path
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_half_written_stays_behind(interrupt: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")

    def write() -> None:
        with beside(target) as part:
            part.write_text("half")
            raise interrupt

    with pytest.raises(interrupt):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told_and_what_was_there_stays(findings: Findings, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(AuditError, match=r"`.*out\.txt` cannot be written: no space left on device"), beside(target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert target.read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "parquet"])
def test_every_writer_tells_of_a_full_disk(form: exporting.Form, few: Findings) -> None:
    with pytest.raises(AuditError, match="`/dev/full` cannot be written: no space left on device"):
        exporting.export(few, Path("/dev/full"), form, audit_samples.summary())


def test_a_device_is_written_to_and_not_replaced(told: Summary, findings: Findings) -> None:
    with beside(Path("/dev/null")) as part:
        part.write_text("gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_an_error_of_what_is_read_is_not_one_of_what_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), beside(tmp_path / "out.txt"):
        (tmp_path / "absent.csv").read_text()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("absent/out.csv", "`absent/out.csv` cannot be written: there is no folder `absent`"),
        ("folder", "`folder` is a folder"),
    ],
)
def test_a_place_that_cannot_be_is_refused_at_once(
    target: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(AuditError) as caught, beside(Path(target)):
        pytest.fail("nothing may be computed for it")
    assert str(caught.value) == told


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with beside(tmp_path / "link.txt") as part:
        part.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_file_that_is_replaced_keeps_who_may_read_it(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o640)
    with beside(target) as part:
        part.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


# ------------------------------------------------------------------------------------------- the life cycle's drawing


def cycle(names: str, *edges: tuple[str, str]) -> LifecycleTally:
    states = tuple((name, Text(name, name), 1) for name in names)
    return LifecycleTally("f", None, states, (names[0],), (), tuple(Edge(a, b, "go", 1) for a, b in edges))


def overlapping(drawn: Drawing) -> list[tuple[str, str]]:
    boxes = [(each.title.best("en"), each.x, each.y, each.width) for each in drawn.states]
    return [
        (name, other)
        for index, (name, x, y, width) in enumerate(boxes)
        for other, other_x, other_y, wide in boxes[index + 1 :]
        if abs(y - other_y) < 48 and abs(x - other_x) < (width + wide) / 2
    ]


@pytest.mark.parametrize(
    "drawn",
    [
        cycle("a"),
        cycle("abc"),
        cycle("abc", ("a", "b"), ("b", "c"), ("a", "c")),
        cycle("abcd", ("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "d")),
        cycle("abcdef", *((a, b) for a in "abcdef" for b in "abcdef")),
    ],
)
def test_states_and_labels_have_room(drawn: LifecycleTally) -> None:
    found = drawing(picture(drawn))
    assert overlapping(found) == []
    for each in found.ways:
        assert 0 < each.x < found.width
        assert not any(state.y < each.y < state.y + state.height for state in found.states)
    for each in found.states:
        assert each.width / 2 <= each.x <= found.width - each.width / 2
        assert each.y + each.height <= found.height


def test_a_move_points_down_and_its_return_up() -> None:
    found = drawing(picture(cycle("ab", ("a", "b"), ("b", "a"))))
    heights = [(float(way.path.split()[1].split("C")[0]), float(way.path.split()[-1])) for way in found.ways]
    assert heights[0] == heights[1][::-1]
    assert heights[0][0] < heights[0][1]


def test_what_was_recorded_against_the_life_cycle_is_drawn_as_such() -> None:
    tally = LifecycleTally(
        "f",
        None,
        tuple((name, Text(name, name), 1) for name in "abc"),
        ("a",),
        ("b",),
        (
            Edge("a", "b", "go", 7),
            Edge("c", "b", "go", 2, allowed=False),
            Edge("b", "b", "go", 3, allowed=False),
            Edge("c", "a", None, 4),
        ),
    )
    found = drawing(picture(tally))
    assert [(way.arrow.label.en, way.arrow.kind != "stray") for way in found.ways] == [
        ("go · 7", True),
        ("✗ go · 2", False),
        ("… · 4", True),
        ("✗ · 3", False),
    ]
    loop, state = found.ways[-1], next(each for each in found.states if each.title.en == "b")
    assert loop.x > state.x + state.width / 2
    assert loop.x < found.width
    assert overlapping(found) == []


def test_a_drawing_of_three_states_fits_a_phone() -> None:
    (tally,) = audit_samples.summary().lifecycles
    assert drawing(picture(tally)).width <= 320


# ----------------------------------------------------------------------------------------------------- other corners


def test_a_summary_of_nothing_is_told_by_all(tmp_path: Path) -> None:
    empty = audit_samples.written(tmp_path / "empty.parquet", [])
    none = audit_samples.summary(
        title=None,
        accounts=0,
        accounts_with_findings=0,
        events=None,
        vanished=None,
        rules=(),
        not_judged=(),
        data=(),
        months=(),
        lifecycles=(),
        questions={},
        cross_check=None,
    )
    for language in LANGUAGES:
        assert drawn(none, empty, language)
        assert markdown.markdown(none, empty, language)
        jsonschema.validate(sarif.sarif(none, empty, language), SARIF)
        assert junit.junit(none, empty, language).get("tests") == "1"


def nothing_judged(**changed: Any) -> Summary:
    nothing = {
        "accounts_with_findings": 0,
        "rules": (),
        "data": (),
        "months": (),
        "lifecycles": (),
        "cross_check": None,
    }
    return audit_samples.summary(**nothing | changed)


def test_an_audit_that_judged_nothing_is_told_as_open(tmp_path: Path) -> None:
    empty = audit_samples.written(tmp_path / "empty.parquet", [])
    open_one = nothing_judged()
    why = "nothing was judged: every rule reads what is not given (history, account.region, account.city)"
    assert drawn(open_one, empty, "en").startswith(f"? {why}")
    assert drawn(open_one, empty, "zh").startswith("? 未判定任何规则：")
    assert markdown.markdown(open_one, empty).splitlines()[2] == f"❓ **{why}**"
    assert junit.junit(open_one, empty).get("errors") == "1"
    (first, *_) = sarif.sarif(open_one, empty)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert first == {"level": "warning", "message": {"text": why}}


def test_an_inventory_without_accounts_is_told_as_open(tmp_path: Path) -> None:
    empty = audit_samples.written(tmp_path / "empty.parquet", [])
    none = nothing_judged(accounts=0, rules=audit_samples.summary().rules[:1], not_judged=())
    assert drawn(none, empty, "en").startswith("? the inventory has no accounts ")
    assert drawn(none, empty, "zh").startswith("? 清单中没有帐号 ")


def test_what_cannot_be_read_is_told_with_what_became_of_it(told: Summary, findings: Findings) -> None:
    assert "`has` is false" in drawn(told, findings, "en")
    assert "has 为假" in drawn(told, findings, "zh")
    assert "`has` is false".replace("`", r"\`") in markdown.markdown(told, findings)


def test_at_the_ends_of_time_the_clock_is_utc() -> None:
    assert words.moment(-62_135_596_800_000_000, ZoneInfo("America/New_York")) == datetime(1, 1, 1, tzinfo=UTC)


def test_the_words_for_numbers_agree_with_them() -> None:
    one = audit_samples.summary(accounts=1, accounts_with_findings=1)
    assert words.found_in_all(one) == Text("1 of 1 account has findings", "1个帐号中有1个存在问题")
