"""Tables beside a policy: a feature a row, a condition a column."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from lawful import sheet
from lawful.compiler.context import Context
from lawful.diagnostics import Diagnostic, near
from lawful.document import CONTROL, Path, Unreadable, decode
from lawful.ir import Citation, Expr, Period, Place, Text
from lawful.source import Source, Span
from lawful.written import TableWritten

Beside = Callable[[str], bytes]
"""Reads a file of the policy's folder. Raises OSError."""

MOST_COLUMNS: Final = 200

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
    columns: tuple[str, ...]
    """Those with a condition, in the table's order."""
    rows: tuple[Row, ...]
    head: int
    """The line of the columns' names."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out: what of it the program no longer knows, for those who look at it."""

    file: str
    sheet: str | None
    """As the policy names them."""
    columns: Mapping[str, Expr]
    cells: Mapping[str, tuple[Text, ...] | None]
    """What each means: None is no, else yes with what must still be done."""
    rules: Mapping[str, tuple[str, ...]]
    """The names of the rules beside a cell's yes."""
    rows: tuple[Row, ...]
    in_force: Period
    title: Text | None
    source: Citation | None
    place: Place
    """Where the policy names it."""
    head: Place


@dataclass(frozen=True, slots=True)
class _Lines:
    """Each line that is not blank, with its number from 1, and the text they stand in."""

    source: Source
    rows: list[tuple[int, list[str]]]
    called: str
    """What they stand in, as messages call it."""
    told: frozenset[int] = frozenset()
    """Rows of which it has been told already that they hold what is no text."""
    elsewhere: str | None = None
    """Where a table may be instead, if there is none here."""


def table(context: Context, written: TableWritten, path: Path, beside: Beside) -> Table | None:
    """The table's rows; None where it cannot be read. What does not fit is told with its place in the table."""
    lines = _lines(context, written, path, beside)
    if lines is None:
        return None
    if not lines.rows:
        context.mistake("table-shape", f"{lines.called} is empty", (*path, "file"), lines.elsewhere)
        return None
    source, (first, head) = lines.source, lines.rows[0]
    if (separator := _other_separator(head, written)) is not None:
        message = f"the cells of `{written.file}` stand between {separator}, not between commas"
        context.mistake("table-shape", message, _span(source, first), "save it as CSV with commas")
        return None
    if len(head) > MOST_COLUMNS:
        context.mistake("table-shape", f"`{written.file}` has more than {MOST_COLUMNS} columns", (*path, "file"))
        return None
    _check_head(context, written, head, _span(source, first), path)
    _check_nameless(context, lines)
    if len(lines.rows) == 1:
        help = "write a feature a row under it"
        context.warning("table-shape", f"`{written.file}` has a head and no rows", _span(source, first), help)
    rows: dict[str, Row] = {}
    for number, line in lines.rows[1:]:
        row = _row(context, written, head, line, _span(source, number), number, told=number in lines.told)
        if row is None:
            continue
        if row.feature in rows:
            context.mistake("duplicate-id", f"`{row.feature}` has two rows", _span(source, number))
            continue
        rows[row.feature] = row
    columns = tuple(name for name in head[1:] if name in written.columns)
    return Table(source.name, tuple(dict.fromkeys(columns)), tuple(rows.values()), first)


def _lines(context: Context, written: TableWritten, path: Path, beside: Beside) -> _Lines | None:
    file = written.file
    if "/" in file or "\\" in file or not file.endswith((".csv", ".xlsx")):
        message = f"`{file}` is no table beside the policy: a `.csv` or `.xlsx` in its folder"
        context.mistake("table-file", message, (*path, "file"))
        return None
    try:
        raw = beside(file)
    except FileNotFoundError:
        context.mistake("table-file", f"there is no file `{file}` beside the policy", (*path, "file"))
        return None
    except (OSError, ValueError):
        message = f"`{file}` is not a file of the policy's folder that can be read"
        context.mistake("table-file", message, (*path, "file"))
        return None
    if file.endswith(".xlsx"):
        return _sheet(context, written, raw, path)
    if written.sheet is not None:
        context.mistake("table-sheet", f"`{file}` is CSV, which has no sheets", (*path, "sheet"))
    try:
        source = decode(_shown(context, file), raw)
    except Unreadable as error:
        for each in error.diagnostics:
            context.diagnostics.append(each)
        return None
    if (control := _control(source)) is not None:
        context.diagnostics.append(control)
        return None
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend(_parsed(source.text))
    except _NotCsv as error:
        context.mistake("table-shape", f"`{file}` is not CSV: {error.why}", _span(source, error.line), error.help)
        return None
    return _Lines(source, rows, f"`{file}`")


def _control(source: Source) -> Diagnostic | None:
    """The first character that no text may hold; a line may end as in Windows."""
    found = next((each for each in CONTROL.finditer(source.text) if each[0] != "\r"), None)
    if found is None:
        return None
    message = f"a table holds no control character, this one holds U+{ord(found[0]):04X}"
    return Diagnostic("bad-text", message, Span(source, *found.span()))


class _NotCsv(Exception):
    """Why a text is no CSV, in which line it begins, and how to mend it."""

    def __init__(self, line: int, found: str, text: str) -> None:
        self.line = line
        self.why = "a quote, a line end or a cell is malformed"
        self.help = "a quote within a cell is written twice, and the whole cell stands in quotes"
        if "unexpected end" in found:
            self.why = "a quote in this row is not closed"
            self.help = "close it; a quote within a cell is written twice, and the whole cell stands in quotes"
        elif re.search(r"\r(?!\n)", text):
            self.why = "a line ends as on old Macintoshes"
            self.help = "save it with the line ends of Unix or of Windows"
        super().__init__(self.why)


def _shown(context: Context, file: str) -> str:
    """How the table is called in messages: as the policy is, beside which it lies."""
    return PurePath(context.document.source.name).with_name(file).as_posix()


def _parsed(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line it begins in."""
    reader = csv.reader(io.StringIO(text), strict=True)
    begins = 1
    try:
        for row in reader:
            if any(row):
                yield begins, [cell.strip() for cell in row]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _NotCsv(begins, str(error), text) from None


def _sheet(context: Context, written: TableWritten, raw: bytes, path: Path) -> _Lines | None:
    """The rows of the sheet that is named, else of the first that is not hidden."""
    file = written.file
    try:
        book = sheet.workbook(raw)
        names = sheet.names(book)
        if written.sheet is not None and written.sheet not in names:
            help = near(written.sheet, names) or f"it has {', '.join(f'`{each}`' for each in names)}"
            context.mistake("table-sheet", f"`{file}` has no sheet `{written.sheet}`", (*path, "sheet"), help)
            return None
        name = written.sheet or names[0]
        found = sheet.read(book, name)
    except sheet.NoWorkbook as error:
        _no_workbook(context, file, error, path)
        return None
    rows = list(found.rows())
    lines = [""] * max((number for number, _ in rows), default=0)
    for number, cells in rows:
        lines[number - 1] = ",".join(cells)
    source = Source(_shown(context, file), "\n".join(lines))
    for each in found.faults:
        if each.hidden:
            context.warning("table-sheet", each.message, _span(source, each.row), each.help)
        else:
            context.mistake("table-sheet", each.message, _span(source, each.row), each.help)
    told = frozenset(each.row for each in found.faults if not each.hidden)
    others = [f"`{each}`" for each in names if each != name]
    elsewhere = f"another sheet is read where `sheet` names it: {', '.join(others)}" if others else None
    return _Lines(source, rows, f"the sheet `{name}` of `{file}`", told, elsewhere)


def _no_workbook(context: Context, file: str, error: sheet.NoWorkbook, path: Path) -> None:
    match error.reason:
        case "extra":
            help = "pip install 'lawful[excel]'"
            context.mistake("table-file", f"`{file}` needs the Excel extra", (*path, "file"), help)
        case "size":
            context.mistake("too-large", f"`{file}` is too large for a table", (*path, "file"))
        case "form":
            context.mistake("table-file", f"`{file}` is not an Excel file", (*path, "file"))


def _check_head(context: Context, written: TableWritten, head: list[str], span: Span, path: Path) -> None:
    for name in written.columns:
        if name not in head[1:]:
            context.key_mistake(
                "table-column", f"the table has no column `{name}`", (*path, "columns", name), near(name, head[1:])
            )
    for name in filter(None, head[1:]):
        if name not in written.columns and name not in _TITLES:
            help = near(name, written.columns) or "map it in `columns`; titles stand under `en` and `zh`"
            context.diagnostics.append(
                Diagnostic("table-column", f"nothing says what the column `{name}` is", span, help)
            )
    for name in sorted(name for name, times in Counter(head).items() if name and times > 1):
        context.diagnostics.append(Diagnostic("table-column", f"two columns are called `{name}`", span))


def _check_nameless(context: Context, lines: _Lines) -> None:
    """Columns without a name: told at the first cell that says something. On a sheet blank ones are no columns."""
    (first, head), *rows = lines.rows
    is_sheet = lines.source.name.endswith(".xlsx")
    for column in (number for number, name in enumerate(head, 1) if number > 1 and not name):
        line, cell = next(((at, row[column - 1]) for at, row in rows if any(row[column - 1 : column])), (first, ""))
        if not cell and is_sheet:
            continue
        message = f"column {column} has no name in the head"
        if cell:
            where = f"cell {sheet.address((line, column))}" if is_sheet else f"cell {column} of this row"
            message = f"{where} says `{cell}`, and its column has no name in the head"
        help = "delete it, or give its column a name and map that in `columns`"
        context.mistake("table-column", message, _span(lines.source, line), help)


def _other_separator(head: list[str], written: TableWritten) -> str | None:
    """What stands between the cells instead of commas, where the head is one cell that would else be several."""
    if len(head) > 1:
        return None
    for mark, words in ((";", "semicolons"), ("\t", "tabs")):
        if written.columns.keys() & {each.strip() for each in head[0].split(mark)[1:]}:
            return words
    return None


def _row(
    context: Context, written: TableWritten, head: list[str], line: list[str], span: Span, number: int, *, told: bool
) -> Row | None:
    if len(line) != len(head):
        message = f"this row has {len(line)} cells and the head {len(head)}"
        help = "put quotes around a cell that has a comma" if len(line) > len(head) else "write a comma for each cell"
        context.mistake("table-shape", message, span, help)
        return None
    by_head = dict(zip(head, line, strict=True))
    feature = line[0]
    titles = {_TITLES[name]: text for name, text in by_head.items() if name in _TITLES and name != head[0] and text}
    cells = {name: cell for name, cell in by_head.items() if name in written.columns}
    for name, cell in cells.items():
        if cell not in written.cells and not told:
            help = near(cell, written.cells) or f"`cells` has {', '.join(f'`{each}`' for each in written.cells)}"
            what = f"`{cell}`" if cell else "an empty cell"
            context.mistake("table-cell", f"{what} under `{name}` means nothing", span, help)
    if not context.check_id(feature, span):
        return None
    return Row(feature, Text(titles.get("en"), titles.get("zh")) if titles else None, cells, number)


def _span(source: Source, number: int) -> Span:
    start = source.offset(number)
    return Span(source, start, start + len(source.line(number)))
