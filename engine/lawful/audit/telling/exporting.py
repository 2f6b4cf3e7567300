"""The findings as other programs take them: CSV, JSON Lines, Excel, Parquet; and the answers of `can`.

CSV and Excel are for people: a text that a spreadsheet would take for a formula gets an apostrophe before it. JSON
Lines and Parquet hold every text as it is.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from zipfile import ZIP_DEFLATED, ZipFile

from lawful.audit.errors import AuditError
from lawful.audit.rowwise import literally
from lawful.audit.sql import literal, parquet_rows
from lawful.audit.summary import Summary
from lawful.audit.telling import words
from lawful.audit.telling.finding import COLUMNS, Findings
from lawful.audit.writing import beside
from lawful.audit.zones import Zone
from lawful.ir import Language

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from openpyxl import Workbook

Form = Literal["csv", "jsonl", "xlsx", "parquet"]
AnswersForm = Literal["csv", "parquet"]

SHEET_ROWS: Final = 1_048_576
"""Excel's most, the header's row among them."""
_ANSWERED: Final = ("account_id", "question", "verdict", "rules")
_BATCH: Final = 10_000
_LONGEST_CELL: Final = 32_767
"""Excel's most."""
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Tells Excel that a CSV is UTF-8; without it Chinese is garbled."""
_FORMULA: Final = r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]"
"""What a spreadsheet takes for a formula's beginning; some take the full-width signs too."""
_NOT_XML: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"
_WIDTHS: Final = {"account_id": 24, "rule": 36, "at": 27, "explanation_en": 60, "explanation_zh": 60, "facts": 40}
_HEADER: Final = ("rule", "title", "severity", "counting", "excused", "unknown")
_CHINESE_HEADER: Final = ("规则", "名称", "严重程度", "计入", "不计入", "无法确定")


def export(findings: Findings, target: Path, form: Form, summary: Summary, language: Language = "en") -> None:
    """Write all the findings, in their order. `at` is ISO 8601 in the policy's zone, in Parquet a timestamp.

    The summary and the language are for Excel's sheet of totals.
    """
    match form:
        case "parquet":
            with beside(target) as part:
                shutil.copyfile(findings.path, part)
        case "csv":
            columns = ", ".join(
                f"{_at(findings) if name == 'at' else _harmless(name)} AS"
                f' "{_BYTE_ORDER_MARK if name == COLUMNS[0] else ""}{name}"'
                for name in COLUMNS
            )
            _copied(findings.connection, findings.path, columns, target, "FORMAT csv, HEADER")
        case "jsonl":
            columns = ", ".join(_in_json(findings, name) for name in COLUMNS)
            _copied(findings.connection, findings.path, columns, target, "FORMAT json")
        case "xlsx":
            _to_excel(findings, target, summary, language)


def export_answers(answers: Path, connection: DuckDBPyConnection, target: Path, form: AnswersForm) -> None:
    """Write the answers, which lie in a Parquet file."""
    match form:
        case "parquet":
            with beside(target) as part:
                shutil.copyfile(answers, part)
        case "csv":
            columns = ", ".join(f"{_harmless(name)} AS {name}" for name in _ANSWERED)
            _copied(connection, answers, columns, target, "FORMAT csv, HEADER")


def _copied(connection: DuckDBPyConnection, source: Path, columns: str, target: Path, options: str) -> None:
    """By DuckDB, as a stream."""
    with beside(target) as part, _one_by_one(connection):
        query = f"SELECT {columns} FROM {parquet_rows(literal(literally(source)))}"
        connection.execute(f"COPY ({query}) TO {literal(str(part))} ({options}, USE_TMP_FILE false)")


@contextmanager
def _one_by_one(connection: DuckDBPyConnection) -> Iterator[None]:
    """One thread reads and writes: the rows stay in their order, and none of them wait in memory for their turn.

    It is no slower: two threads put the rows in order again.
    """
    threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        connection.execute(f"SET threads = {threads}")


# ----------------------------------------------------------------------------------------------- columns as text


def _in_json(findings: Findings, name: str) -> str:
    match name:
        case "at":
            return f'{_at(findings)} AS "at"'
        case "facts":
            return "facts::JSON AS facts"
        case _:
            return name


def _harmless(column: str) -> str:
    return f"CASE WHEN regexp_matches({column}, '{_FORMULA}') THEN '''' || {column} ELSE {column} END"


def _in_a_cell(column: str) -> str:
    """As `_harmless`, of characters that a workbook can hold, and no more than fit into a cell."""
    clean = f"regexp_replace({column}, '{_NOT_XML}', '\ufffd', 'g')"
    return f"left({_harmless(clean)}, {_LONGEST_CELL})"


def _at(findings: Findings) -> str:
    """The instant as Python's `isoformat` writes it in the zone: its own transitions, no time-zone data of DuckDB's."""
    earliest, latest = findings.connection.execute(
        f'SELECT min(epoch_us("at")), max(epoch_us("at")) FROM {findings.rows}'
    ).fetchall()[0]
    if earliest is None:
        return "''"
    turns = Zone.of(findings.zone, earliest, latest).turns
    local = _stepwise([(start, f'make_timestamp(epoch_us("at") + ({offset}))') for start, offset in turns])
    signed = _stepwise([(start, f"'{_offset(offset)}'") for start, offset in turns])
    return f"replace(strftime({local}, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '') || {signed}"


def _stepwise(steps: list[tuple[int, str]]) -> str:
    """The value of the last step that begins at or before."""
    first, *rest = steps
    cases = " ".join(f'WHEN epoch_us("at") >= {start} THEN {value}' for start, value in reversed(rest))
    return f"CASE {cases} ELSE {first[1]} END" if cases else first[1]


def _offset(micros: int) -> str:
    """`+08:00`; with seconds where the zone's clocks once had them."""
    sign, seconds = ("-" if micros < 0 else "+"), abs(micros) // 1_000_000
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{sign}{hours:02}:{minutes:02}" + (f":{rest:02}" if rest else "")


# -------------------------------------------------------------------------------------------------------- Excel


def _to_excel(
    findings: Findings, target: Path, summary: Summary, language: Language, sheet_rows: int = SHEET_ROWS
) -> None:
    """A sheet of totals, then the findings on as many sheets as they need. The one writer that goes row by row."""
    try:
        from openpyxl import Workbook
        from openpyxl.writer.excel import ExcelWriter
    except ImportError:
        raise AuditError("Excel needs openpyxl", help="pip install 'lawful[excel]'") from None
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = datetime.fromisoformat(summary.at).replace(tzinfo=None)
    one_by_one = _one_by_one(findings.connection)
    with beside(target) as part, one_by_one, ZipFile(part, "w", ZIP_DEFLATED) as archive, _ended(book):
        _totals(book, summary, language)
        name = words.say(language, "findings", "问题")
        for number, rows in enumerate(_by_sheet(findings, sheet_rows - 1), 1):
            _sheet(book, f"{name} {number}" if number > 1 else name, rows)
        ExcelWriter(book, archive).write_data()


@contextmanager
def _ended(book: Workbook) -> Iterator[None]:
    """Ends the sheets after a failure: left open, they would complain when they are collected."""
    try:
        yield
    except BaseException:
        for sheet in book.worksheets:
            with suppress(Exception):
                if not sheet.closed:
                    sheet.close()
        raise


def _by_sheet(findings: Findings, most: int) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The rows, at most so many at once; none, if there are none."""
    columns = ", ".join(_in_a_cell(_at(findings) if name == "at" else name) for name in COLUMNS)
    findings.connection.execute(f"SELECT {columns} FROM {findings.rows}")
    rows = _fetched(findings.connection)
    following = next(rows, None)
    yield islice(chain([] if following is None else [following], rows), most)
    while (following := next(rows, None)) is not None:
        yield islice(chain([following], rows), most)


def _fetched(connection: Any) -> Iterator[tuple[Any, ...]]:
    while rows := connection.fetchmany(_BATCH):
        yield from rows


def _sheet(book: Workbook, name: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """Findings under a header that stays in view and filters."""
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for index, column in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(index)].width = _WIDTHS.get(column, 12)
    sheet.append(COLUMNS)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - told below
        sheet.append(row)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(COLUMNS))}{count + 1}"


def _totals(book: Workbook, summary: Summary, language: Language) -> None:
    sheet = book.create_sheet(words.say(language, "totals", "汇总"))
    sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 44
    named = f"{summary.policy.id} {summary.policy.version}"
    for english, chinese, value in (
        ("policy", "策略", named),
        ("digest", "摘要", summary.policy.digest),
        ("at", "审计时间", summary.at),
        ("inventory", "帐号清单", _inert(summary.inventory)),
        ("accounts", "帐号数", summary.accounts),
        ("accounts with findings", "存在问题的帐号数", summary.accounts_with_findings),
    ):
        sheet.append((words.say(language, english, chinese), value))
    sheet.append(())
    sheet.append(_HEADER if language == "en" else _CHINESE_HEADER)
    for each in words.worst_first(summary.rules):
        title = each.title.best(language) if each.title is not None else ""
        severity = words.SEVERITIES[each.severity].best(language)
        sheet.append((each.rule, _inert(title), severity, each.counting, each.excused, each.unknown))


def _inert(text: str) -> str:
    """As `_in_a_cell`, of what comes from the policy and the command."""
    clean = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text)[:_LONGEST_CELL]
    return f"'{clean}" if re.search(_FORMULA, clean) else clean
