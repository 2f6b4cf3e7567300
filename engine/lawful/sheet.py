"""A sheet of Excel as texts, and what it holds that is no text of its own: formulas, dates, merged cells.

The only reader of workbooks that people edit: tables beside a policy, and the matrix they hand back.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from lawful.document import MAX_BYTES, MAX_VALUES

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_UNPACKED: Final = 16
"""How many times a workbook may grow when it is unpacked: its XML is wordy."""
_MOST_PLACES: Final = 2_000_000
"""Rows times columns: a lone cell far out would make more of nothing than anyone waits for."""
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Place: TypeAlias = tuple[int, int]
"""Row and column, from 1."""


class NoWorkbook(Exception):
    """Why the file is not read as a workbook."""

    def __init__(self, reason: Literal["extra", "form", "size"]) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a cell holds, or a row or column is, that no table can be. `hidden` ones count nevertheless."""

    row: int
    message: str
    help: str
    hidden: bool = False
    place: Place | None = None
    to: Place | None = None
    """Where it is about several cells, the last of them."""
    chinese: str = ""
    """The message in Chinese, of what is told where a workbook is compared."""

    def covers(self, place: Place) -> bool:
        if self.place is None:
            return False
        last = self.to or self.place
        return self.place[0] <= place[0] <= last[0] and self.place[1] <= place[1] <= last[1]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The texts that stand in it, by place; a number is written as short as it can be, spaces are single ones."""

    name: str
    cells: Mapping[Place, str]
    faults: tuple[Fault, ...]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not blank, with its number, as wide as the widest."""
        by_row: dict[int, dict[int, str]] = {}
        for (row, column), text in self.cells.items():
            by_row.setdefault(row, {})[column] = text
        width = max((column for _, column in self.cells), default=0)
        for row in sorted(by_row):
            yield row, [by_row[row].get(column, "") for column in range(1, width + 1)]


def workbook(raw: bytes) -> Workbook:
    """The workbook of those bytes. Raises NoWorkbook."""
    try:
        import openpyxl  # an extra, needed for such a file only
    except ImportError:
        raise NoWorkbook("extra") from None
    try:
        unpacked = sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(raw)).infolist())
        if max(len(raw), unpacked // _UNPACKED) > MAX_BYTES:
            raise NoWorkbook("size")
        book = openpyxl.load_workbook(io.BytesIO(raw))
        if not book.worksheets:  # nothing but charts
            raise NoWorkbook("form")
        return book
    except NoWorkbook:
        raise
    except Exception:  # noqa: BLE001 - a stranger's file: whatever the reader raises says it cannot be read
        raise NoWorkbook("form") from None


def names(book: Workbook) -> list[str]:
    """The sheets that have cells, those that are seen before those that are hidden."""
    sheets = sorted(book.worksheets, key=lambda each: each.sheet_state != "visible")
    return [each.title for each in sheets]


def read(book: Workbook, name: str) -> Sheet:
    """The sheet of that name. Raises NoWorkbook where it is too large."""
    sheet = book[name]
    if sheet.max_row * sheet.max_column > _MOST_PLACES:
        raise NoWorkbook("size")
    cells: dict[Place, str] = {}
    faults: list[Fault] = []
    for row in sheet.iter_rows():
        for cell in row:
            text, fault = _read(cell)
            if text:
                cells[cell.row, cell.column] = text
            if fault is not None:
                faults.append(fault)
    if len(cells) > MAX_VALUES:
        raise NoWorkbook("size")
    return Sheet(name, cells, (*faults, *_merged(sheet, cells), *_hidden(sheet, cells)))


def address(place: Place) -> str:
    """
    >>> address((5, 28))
    'AB5'
    """
    row, column = place
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def spaced(text: str) -> str:
    """A text as a cell gives it back: single spaces, and nothing that a workbook cannot hold.

    >>> spaced(" a\\n b\\x01")
    'a b\ufffd'
    """
    return " ".join(_NOT_XML.sub("\ufffd", text).split())


def _read(cell: Cell) -> tuple[str, Fault | None]:
    """What stands in a cell. A formula is told as it is written, whatever its value was when the file was saved."""
    value, place = cell.value, (cell.row, cell.column)
    if cell.data_type == "f":
        told = spaced(str(getattr(value, "text", value) or "="))
        message = f"cell {address(place)} holds a formula, `{told}`, where a value should stand"
        chinese = f"单元格{address(place)}是公式`{told}`，应为值"
        return told, Fault(cell.row, message, "paste it as a value", place=place, chinese=chinese)
    if cell.data_type == "e":
        message = f"cell {address(place)} holds the error `{value}`"
        chinese = f"单元格{address(place)}是错误值`{value}`"
        return str(value), Fault(cell.row, message, "write what should stand there", place=place, chinese=chinese)
    match value:
        case None:
            return "", None
        case bool():
            return str(value).upper(), None
        case int():
            return str(value), None
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value), None
        case datetime() | date() | time() | timedelta():
            told = str(value).removesuffix(" 00:00:00")
            message = f"cell {address(place)} holds a date or a time, `{told}`: what was typed is lost"
            chinese = f"单元格{address(place)}是日期或时间`{told}`，原先输入的内容已丢失"
            return told, Fault(
                cell.row, message, "format the cell as text, and type it anew", place=place, chinese=chinese
            )
        case _:
            return spaced(str(value)), None


def _merged(sheet: Worksheet, cells: Mapping[Place, str]) -> Iterator[Fault]:
    """Merged cells that begin in a row that says something."""
    rows = {row for row, _ in cells}
    for each in sheet.merged_cells.ranges:
        if each.min_row in rows:
            message = f"the cells {each.coord} are merged: which of them the value is of cannot be told"
            first, last = (each.min_row, each.min_col), (each.max_row, each.max_col)
            chinese = f"单元格{each.coord}已合并，无法判断其值属于哪一格"
            yield Fault(each.min_row, message, "unmerge them, and fill in each", place=first, to=last, chinese=chinese)


def _hidden(sheet: Worksheet, cells: Mapping[Place, str]) -> Iterator[Fault]:
    """Rows and columns that say something and are not seen."""
    for row in sorted({row for row, _ in cells}):
        if row in sheet.row_dimensions and sheet.row_dimensions[row].hidden:
            yield Fault(row, f"row {row} is hidden, and counts", "show it, or delete it", hidden=True)
    first = min((row for row, _ in cells), default=1)
    shown = {column for _, column in cells}
    for each in sheet.column_dimensions.values():
        for column in range(each.min or 0, (each.max or 0) + 1):
            if each.hidden and column in shown:
                name = address((first, column)).rstrip("0123456789")
                yield Fault(first, f"column {name} is hidden, and counts", "show it, or delete it", hidden=True)
