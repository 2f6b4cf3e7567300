"""The matrix as a workbook: a sheet for each grid, a legend, the sources. Nothing in it is a formula.

People edit it and hand it back: the first row of a grid's sheet says of which table it is, and below it `feature`
begins the row of the columns' names. `comparing.py` finds a grid by these two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lawful import wording
from lawful.ir import Citation, Language, Text
from lawful.matrix.grid import Answer, Grid, Matrix
from lawful.sheet import address, spaced
from lawful.show.phrases import Phrases
from lawful.show.rules import Teller

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

FEATURE: Final = "feature"
SOURCE: Final = "source"
DIGEST: Final = "digest"
LEGEND: Final = ("sheet", "sign")
RULES: Final = ("rule", "in force")
SOURCES: Final = ("id", "title", "published", "url", "note", "sheets")
COLOURS: Final[Mapping[Answer, tuple[str, str]]] = {
    "yes": ("D5F0DC", "14532D"),
    "owed": ("FDEFC3", "6B4A00"),
    "depends": ("DCEBFA", "1B4A7A"),
    "no": ("F7DADA", "7A1C1C"),
}
"""The ground and the letters of each answer."""
_HEAD: Final = ("2F3B4A", "FFFFFF")
_QUIET: Final = "57606A"
_LONGEST_NAME: Final = 31
_LONGEST_CELL: Final = 32_767
_LONGEST_LIST: Final = 255
_WIDTHS: Final = {FEATURE: 24.0, "en": 34.0, "zh": 26.0, SOURCE: 40.0}
_TABLE_COLUMN: Final = 21.0
_DERIVED_COLUMN: Final = 34.0
_LINE_HEIGHT: Final = 15.0
_MOST_LINES: Final = 12
_MOST_MEANING_LINES: Final = 7
"""They stay in view: the rest of the screen is for the features."""
_TITLES: Final[Mapping[Language, str]] = {"en": "en", "zh": "zh"}


def write(matrix: Matrix, target: Path) -> None:
    """Write the workbook. Raises ImportError where openpyxl is not installed, OSError."""
    workbook_of(matrix).save(target)


def workbook_of(matrix: Matrix) -> Workbook:
    """The workbook. Raises ImportError where openpyxl is not installed."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    names = sheet_names(matrix)
    for grid in matrix.grids:
        _Sheet(book.create_sheet(names[grid.key]), grid, matrix).fill()
    _legend(book, matrix)
    _rules(book, matrix, names)
    _sources(book, matrix, names)
    book.properties.title = f"{matrix.program.id} {matrix.program.version}"
    book.properties.creator = "lawful"
    return book


def sheet_names(matrix: Matrix) -> dict[str, str]:
    """What the sheet of each grid is called: Excel takes 31 characters, and not all of them."""
    found: dict[str, str] = {}
    taken = {name.casefold() for name in ("history", *_names_beside(matrix.languages))}
    for grid in matrix.grids:
        stem = re.sub(r"[\[\]:*?/\\']", " ", re.sub(r"\.(csv|xlsx)(?=[ ·]|$)", "", grid.key)).strip() or "table"
        name, number = stem[:_LONGEST_NAME], 2
        while name.casefold() in taken:
            end = f" ({number})"
            name, number = stem[: _LONGEST_NAME - len(end)] + end, number + 1
        taken.add(name.casefold())
        found[grid.key] = name
    return found


def heads(grid: Grid, languages: tuple[Language, ...]) -> list[str]:
    """The names of a grid's columns: the feature, its titles, what the table has, and of a derived one the source."""
    own = [each.head for each in grid.columns]
    before = [FEATURE, *(_apart(_TITLES[language], own) for language in languages)]
    return [*before, *own, *([_apart(SOURCE, own)] if grid.derived else [])]


def texts(grid: Grid, languages: tuple[Language, ...]) -> Iterator[tuple[str, list[str]]]:
    """Each line's name with what stands in its cells, under the `heads`, from the second on."""
    for line in grid.lines:
        titles = [getattr(line.title, language) or "" for language in languages]
        cells = [both(cell.text, languages) for cell in line.cells]
        cited = [_cited(line.source, languages)] if grid.derived else []
        yield line.name, [*titles, *cells, *cited]


def both(text: Text, languages: Iterable[Language]) -> str:
    """A text in each of the languages that says something else."""
    return "\n".join(dict.fromkeys(text.best(language) for language in languages))


def _apart(name: str, others: list[str]) -> str:
    """A name that none of the table's own columns has."""
    return name if name not in others else _apart(f"{name}*", others)


def _cited(citation: Citation | None, languages: Iterable[Language]) -> str:
    if citation is None:
        return ""
    title = citation.source.title
    clauses: dict[str, str] = {}
    for each in languages:
        clauses.setdefault(title.best(each), wording.clause(citation.clause, each))
    return "\n".join(f"{named}{clause}" for named, clause in clauses.items())


def _names_beside(languages: tuple[Language, ...]) -> tuple[str, str, str]:
    """Of the legend, the sources and the rules."""
    return ("legend 图例", "sources 依据", "rules 细则") if "zh" in languages else ("legend", "sources", "rules")


# ------------------------------------------------------------------------------------------------------- of a grid


class _Sheet:
    """Fills one sheet from the top."""

    def __init__(self, sheet: Worksheet, grid: Grid, matrix: Matrix) -> None:
        self.sheet = sheet
        self.grid = grid
        self.matrix = matrix
        self.languages = matrix.languages
        self.heads = heads(grid, self.languages)
        self.before = 1 + len(self.languages)
        """The columns before the table's own."""
        self.head = 2 + len(self.languages)
        """The row of the columns' names: the grid's title stands above, then what each column means."""
        self.last = self.head + len(grid.lines)

    def fill(self) -> None:
        self._title()
        self._meanings()
        self._names()
        self._lines()
        self._frame()
        if self.grid.derived:
            return
        self._colours_of_signs()
        self._choice_of_signs()

    def _title(self) -> None:
        from openpyxl.styles import Font

        put(self.sheet, 1, 1, self.grid.key).font = Font(color=_QUIET)
        put(self.sheet, 1, 2, " · ".join(self._said())).font = Font(bold=True, size=13)

    def _said(self) -> Iterator[str]:
        program, grid = self.matrix.program, self.grid
        both_ways = [Phrases(program, language) for language in self.languages]
        yield " ".join(dict.fromkeys(each.text(program.title, program.id) for each in both_ways))
        if grid.title.en != grid.key:
            yield " ".join(dict.fromkeys(each.text(grid.title) for each in both_ways))
        yield f"{program.id} {program.version}"
        if period := " ".join(dict.fromkeys(each.period(grid.in_force) for each in both_ways)):
            yield period
        if grid.source is not None:
            yield _cited(grid.source, self.languages).replace("\n", " ")

    def _meanings(self) -> None:
        from openpyxl.styles import Alignment, Font

        for row, language in enumerate(self.languages, 2):
            most = 1
            for index, column in enumerate(self.grid.columns, self.before + 1):
                meaning = column.meaning.best(language)
                cell = put(self.sheet, row, index, meaning)
                cell.font, cell.alignment = Font(color=_QUIET, italic=True), Alignment(wrap_text=True, vertical="top")
                most = max(most, _lines_of(meaning, self._width(index)))
            self.sheet.row_dimensions[row].height = _LINE_HEIGHT * min(most, _MOST_MEANING_LINES)

    def _names(self) -> None:
        from openpyxl.styles import Alignment

        for index, head in enumerate(self.heads, 1):
            cell = put(self.sheet, self.head, index, head)
            _coloured(cell, _HEAD, bold=True)
            cell.alignment = Alignment(wrap_text=True, vertical="center")

    def _lines(self) -> None:
        from openpyxl.styles import Alignment

        wrapped, centred = (
            Alignment(wrap_text=True, vertical="top"),
            Alignment(horizontal="center", vertical="top", wrap_text=True),
        )
        for row, (line, (name, told)) in enumerate(
            zip(self.grid.lines, texts(self.grid, self.languages), strict=True), self.head + 1
        ):
            for index, text in enumerate([name, *told], 1):
                cell = put(self.sheet, row, index, text)
                cell.alignment = wrapped
                at = index - self.before - 1
                if 0 <= at < len(line.cells):
                    if self.grid.derived:
                        _coloured(cell, COLOURS[line.cells[at].answer])
                    else:
                        cell.alignment = centred
            most = max(_lines_of(text, self._width(index)) for index, text in enumerate([name, *told], 1))
            self.sheet.row_dimensions[row].height = _LINE_HEIGHT * min(most, _MOST_LINES)

    def _frame(self) -> None:
        from openpyxl.utils import get_column_letter

        for index in range(1, len(self.heads) + 1):
            self.sheet.column_dimensions[get_column_letter(index)].width = self._width(index)
        self.sheet.freeze_panes = address((self.head + 1, self.before + 1))
        self.sheet.auto_filter.ref = f"A{self.head}:{address((self.last, len(self.heads)))}"
        self.sheet.page_setup.orientation = "landscape"
        self.sheet.page_setup.fitToHeight = 0
        self.sheet.sheet_properties.pageSetUpPr.fitToPage = True
        self.sheet.print_title_rows = f"1:{self.head}"

    def _width(self, index: int) -> float:
        if index <= self.before:
            return _WIDTHS[[FEATURE, *self.languages][index - 1]]
        if index > self.before + len(self.grid.columns):
            return _WIDTHS[SOURCE]
        return _DERIVED_COLUMN if self.grid.derived else _TABLE_COLUMN

    def _region(self) -> str | None:
        """The cells that say who has what."""
        if not self.grid.lines or not self.grid.columns:
            return None
        first = address((self.head + 1, self.before + 1))
        return f"{first}:{address((self.last, self.before + len(self.grid.columns)))}"

    def _colours_of_signs(self) -> None:
        """By the sign that stands there, so that an edited cell changes its colour."""
        from openpyxl.formatting.rule import FormulaRule
        from openpyxl.styles import Font, PatternFill

        region = self._region()
        if region is None:
            return
        first = region.partition(":")[0]
        for mark in self.grid.marks:
            quoted = mark.sign.replace('"', '""')
            ground, letters = COLOURS[mark.answer]
            rule = FormulaRule(
                [f'EXACT({first},"{quoted}")'], fill=PatternFill(bgColor=ground), font=Font(color=letters)
            )
            self.sheet.conditional_formatting.add(region, rule)

    def _choice_of_signs(self) -> None:
        """A list to choose from, where Excel can hold it."""
        from openpyxl.worksheet.datavalidation import DataValidation

        region, listed = self._region(), ",".join(mark.sign for mark in self.grid.marks)
        apart = all(mark.sign and not re.search(r'[,"]', mark.sign) for mark in self.grid.marks)
        if region is None or not apart or len(listed) > _LONGEST_LIST:
            return
        choice = DataValidation("list", formula1=f'"{listed}"', allow_blank=False)
        choice.error, choice.errorTitle, choice.showErrorMessage = (
            "The legend says what may stand here.",
            "lawful",
            True,
        )
        choice.add(region)
        self.sheet.add_data_validation(choice)


def put(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """A text in a cell, never a formula: also not when somebody opens the cell and leaves it again.

    A whole number is a number, since a spreadsheet makes one of it anyway where it is typed.
    """
    cell = sheet.cell(row, column)
    shown = "\n".join(spaced(line) for line in text.split("\n"))[:_LONGEST_CELL]
    if re.fullmatch(r"0|-?[1-9][0-9]{0,14}", shown):
        cell.value = int(shown)
        return cell
    cell.value = shown or None
    if shown:
        cell.data_type = "s"
        cell.number_format = "@"
        cell.quotePrefix = True
    return cell


def _coloured(cell: Cell, colours: tuple[str, str], *, bold: bool = False) -> None:
    from openpyxl.styles import Font, PatternFill

    cell.fill = PatternFill("solid", fgColor=colours[0])
    cell.font = Font(color=colours[1], bold=bold)


def _lines_of(text: str, width: float) -> int:
    """How many lines a text takes in a column of that width: a Chinese character is as wide as two letters."""
    wide = [sum(2 if ord(char) > 0x2E80 else 1 for char in line) for line in text.split("\n")]
    return sum(max(-(-each // max(int(width) - 2, 1)), 1) for each in wide)


# -------------------------------------------------------------------------------------------- the legend, the sources


def _legend(book: Workbook, matrix: Matrix) -> None:
    program, languages = matrix.program, matrix.languages
    sheet = book.create_sheet(_names_beside(languages)[0])
    title = both(program.title, languages).replace("\n", " ") if program.title is not None else program.id
    about = [("policy", f"{program.id} {program.version}"), ("title", title), (DIGEST, program.digest)]
    about.append(("compare an edited copy", f"lawful lint {program.id} --matrix FILE"))
    _filled(sheet, 1, about)
    names = sheet_names(matrix)
    marks = [(names[grid.key], grid, mark) for grid in matrix.grids for mark in grid.marks]
    told = [(name, mark.sign, *(mark.meaning.best(each) for each in languages)) for name, _, mark in marks]
    head = (*LEGEND, *({"en": "meaning", "zh": "含义"}[each] for each in languages))
    _filled(sheet, len(about) + 2, [head, *told], headed=True)
    for row, (_, _, mark) in enumerate(marks, len(about) + 3):
        _coloured(sheet.cell(row, 2), COLOURS[mark.answer])
    _widths(sheet, 30, 26, 60, 60)


def _rules(book: Workbook, matrix: Matrix, names: Mapping[str, str]) -> None:
    """The rules beside what the features require, whole; no sheet where there are none."""
    languages = matrix.languages
    tellers = [Teller(matrix.program, each) for each in languages]
    told = [(*RULES, "sheet", *languages, SOURCE)]
    for grid in matrix.grids:
        for rule in grid.rules:
            days = dict.fromkeys(teller.period(rule.in_force) for teller in tellers)
            said = (
                "\n".join(line.text for line in teller.further(rule) if line.kind != "source") for teller in tellers
            )
            told.append((rule.id, "\n".join(days), names[grid.key], *said, _cited(rule.source, languages)))
    if len(told) == 1:
        return
    sheet = book.create_sheet(_names_beside(languages)[2])
    _filled(sheet, 1, told, headed=True)
    _widths(sheet, 40, 18, 18, *(60 for _ in languages), 60)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{address((len(told), len(told[0])))}"


def _sources(book: Workbook, matrix: Matrix, names: Mapping[str, str]) -> None:
    languages = matrix.languages
    sheet = book.create_sheet(_names_beside(languages)[1])
    told = [SOURCES]
    for source in matrix.program.sources.values():
        citing = [
            names[grid.key]
            for grid in matrix.grids
            if any(line.source is not None and line.source.source.id == source.id for line in grid.lines)
        ]
        if any(
            rule.source is not None and rule.source.source.id == source.id
            for each in matrix.grids
            for rule in each.rules
        ):
            citing.append(_names_beside(languages)[2])
        title, note = both(source.title, languages), "" if source.note is None else both(source.note, languages)
        told.append((source.id, title, source.published or "", source.url or "", note, ", ".join(citing)))
    _filled(sheet, 1, told, headed=True)
    _widths(sheet, 26, 60, 14, 60, 60, 30)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:F{len(told)}"


def _filled(sheet: Worksheet, first: int, rows: Iterable[Sequence[str]], *, headed: bool = False) -> None:
    from openpyxl.styles import Alignment

    for number, row in enumerate(rows, first):
        for index, text in enumerate(row, 1):
            cell = put(sheet, number, index, text)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if headed and number == first:
                _coloured(cell, _HEAD, bold=True)


def _widths(sheet: Worksheet, *widths: float) -> None:
    from openpyxl.utils import get_column_letter

    for index, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(index)].width = width
