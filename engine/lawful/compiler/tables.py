"""Tables beside a policy: a feature a row, a condition a column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lawful.compiler.context import Context
from lawful.diagnostics import Diagnostic, near
from lawful.document import Path, Unreadable, decode
from lawful.ir import Text
from lawful.source import Source, Span
from lawful.written import TableWritten

Beside = Callable[[str], bytes]
"""Reads a file of the policy's folder. Raises OSError."""

_TITLES: Final = {"title": "en", "en": "en", "zh": "zh", "title_en": "en", "title_zh": "zh"}


@dataclass(frozen=True, slots=True)
class Row:
    feature: str
    title: Text | None
    cells: dict[str, str]
    """By the column's head."""
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    file: str
    rows: tuple[Row, ...]


def table(context: Context, written: TableWritten, path: Path, beside: Beside) -> Table | None:
    """The table's rows; None where it cannot be read. What does not fit is told with its place in the table."""
    lines = _lines(context, written.file, path, beside)
    if lines is None:
        return None
    source, cells = lines
    if not cells:
        context.mistake("table-shape", f"`{written.file}` is empty", (*path, "file"))
        return None
    head = cells[0][1]
    _check_head(context, written, head, source, path)
    rows: list[Row] = []
    for number, line in cells[1:]:
        row = _row(context, written, head, line, _span(source, number), number)
        if row is None:
            continue
        if any(row.feature == each.feature for each in rows):
            context.mistake("duplicate-id", f"`{row.feature}` has two rows", _span(source, number))
            continue
        rows.append(row)
    return Table(written.file, tuple(rows))


def _lines(
    context: Context, file: str, path: Path, beside: Beside
) -> tuple[Source, list[tuple[int, list[str]]]] | None:
    """Each line that is not blank, with its number from 1, and the text they stand in."""
    if "/" in file or "\\" in file or not file.endswith((".csv", ".xlsx")):
        message = f"`{file}` is no table beside the policy: a `.csv` or `.xlsx` in its folder"
        context.mistake("table-file", message, (*path, "file"))
        return None
    try:
        raw = beside(file)
    except OSError:
        context.mistake("table-file", f"there is no file `{file}` beside the policy", (*path, "file"))
        return None
    if file.endswith(".xlsx"):
        return _sheet(context, file, raw, path)
    try:
        source = decode(file, raw)
        parsed = csv.reader(io.StringIO(source.text), strict=True)
        return source, [(parsed.line_num, [cell.strip() for cell in line]) for line in parsed if any(line)]
    except Unreadable as error:
        context.diagnostics.extend(error.diagnostics)
    except csv.Error as error:
        context.mistake("table-shape", f"`{file}` is not CSV: {error}", (*path, "file"))
    return None


def _sheet(context: Context, file: str, raw: bytes, path: Path) -> tuple[Source, list[tuple[int, list[str]]]] | None:
    try:
        import openpyxl  # type: ignore[import-untyped]  # an extra without stubs, needed for such a file only
    except ImportError:
        help = "pip install 'lawful[excel]'"
        context.mistake("table-file", f"`{file}` needs the Excel extra", (*path, "file"), help)
        return None
    try:
        sheet = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True).worksheets[0]
        lines = [
            ["" if cell is None else str(cell).strip() for cell in row] for row in sheet.iter_rows(values_only=True)
        ]
    except Exception as error:  # noqa: BLE001 - a stranger's file: whatever the reader raises says it cannot be read
        context.mistake("table-file", f"`{file}` is not an Excel file: {error}", (*path, "file"))
        return None
    width = max((index + 1 for line in lines for index, cell in enumerate(line) if cell), default=0)
    shaped = [(number + 1, (line + [""] * width)[:width]) for number, line in enumerate(lines) if any(line)]
    return Source(file, "\n".join(",".join(line) for line in lines)), shaped


def _check_head(context: Context, written: TableWritten, head: list[str], source: Source, path: Path) -> None:
    span = _span(source, 1)
    for name in written.columns:
        if name not in head[1:]:
            context.key_mistake(
                "table-column", f"the table has no column `{name}`", (*path, "columns", name), near(name, head[1:])
            )
    for name in head[1:]:
        if name not in written.columns and name not in _TITLES:
            help = near(name, written.columns) or "map it in `columns`; titles stand under `en` and `zh`"
            context.diagnostics.append(
                Diagnostic("table-column", f"nothing says what the column `{name}` is", span, help)
            )
    for name in {each for each in head if head.count(each) > 1}:
        context.diagnostics.append(Diagnostic("table-column", f"two columns are called `{name}`", span))


def _row(
    context: Context, written: TableWritten, head: list[str], line: list[str], span: Span, number: int
) -> Row | None:
    if len(line) != len(head):
        message = f"this row has {len(line)} cells and the head {len(head)}"
        context.mistake("table-shape", message, span)
        return None
    by_head = dict(zip(head, line, strict=True))
    feature = line[0]
    titles = {_TITLES[name]: text for name, text in by_head.items() if name in _TITLES and name != head[0] and text}
    cells = {name: cell for name, cell in by_head.items() if name in written.columns}
    for name, cell in cells.items():
        if cell not in written.cells:
            help = near(cell, written.cells) or f"`cells` has {', '.join(f'`{each}`' for each in written.cells)}"
            context.mistake("table-cell", f"`{cells[name]}` under `{name}` means nothing", span, help)
    if not context.check_id(feature, span):
        return None
    return Row(feature, Text(titles.get("en"), titles.get("zh")) if titles else None, cells, number)


def _span(source: Source, number: int) -> Span:
    start = source.offset(number)
    return Span(source, start, start + len(source.line(number)))
