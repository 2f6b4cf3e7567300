"""A workbook that people have edited, compared with the matrix of the policy, cell by cell.

The sheets of the legend, of the rules and of the sources are compared, too, where they are there: row by row, by what
it begins with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from lawful import sheet
from lawful.ir import Language, Place
from lawful.matrix.grid import Grid, Line, Matrix
from lawful.matrix.workbook import DIGEST, FEATURE, LEGEND, RULES, SOURCES, heads, sheet_names, texts, workbook_of
from lawful.sheet import Fault, Sheet, address, spaced

if TYPE_CHECKING:
    from openpyxl import Workbook

Kind = Literal[
    "cell",
    "meaning",
    "unreadable",
    "row-added",
    "row-removed",
    "row-renamed",
    "row-repeated",
    "rows-reordered",
    "column-added",
    "column-removed",
    "column-renamed",
    "column-repeated",
    "columns-reordered",
    "sheet-removed",
    "sheet-headless",
    "sheet-repeated",
    "sheet-added",
]
_HEAD_WITHIN: Final = 20
"""So far down the row of the columns' names is looked for."""


class NoMatrix(Exception):
    """The workbook has no sheet that is one of the policy's."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`was` is what the policy says, `now` what the workbook does; `at` is a cell, a row or a column of the sheet."""

    kind: Kind
    grid: str
    sheet: str | None
    feature: str | None = None
    column: str | None = None
    was: str | None = None
    now: str | None = None
    at: str | None = None
    place: Place | None = None
    signs: tuple[str, ...] = ()
    """Of a cell whose sign is none of the table's: those that are."""
    chinese: str | None = None
    """Of what cannot be read: what `now` says, in Chinese."""

    @property
    def matters(self) -> bool:
        """Whether the policy would be another: the order of rows and columns means nothing."""
        return self.kind not in ("rows-reordered", "columns-reordered")


@dataclass(frozen=True, slots=True)
class Compared:
    differences: tuple[Difference, ...]
    policy: str | None
    """Id and version of what the workbook was written from, if its legend says so still."""
    digest: str | None


@dataclass(slots=True)
class _Found:
    """A grid as the workbook has it."""

    sheet: Sheet
    head: int
    heads: dict[str, int]
    """Columns by their names."""
    rows: dict[str, int] = field(default_factory=dict)
    repeated: list[tuple[Kind, str, str]] = field(default_factory=list)

    def text(self, row: int, column: int) -> str:
        return self.sheet.cells.get((row, column), "")


def compare(matrix: Matrix, raw: bytes) -> Compared:
    """How the workbook of those bytes differs. Raises `sheet.NoWorkbook`, NoMatrix."""
    book = sheet.workbook(raw)
    found, strays = _grids(book, matrix)
    said = _legend(book)
    if not found and not strays.headless and said.get("policy", "").partition(" ")[0] != matrix.program.id:
        raise NoMatrix
    differences: list[Difference] = []
    for grid in matrix.grids:
        if grid.key in found:
            differences += _Comparison(grid, matrix.languages, found[grid.key]).differences()
            differences += [
                Difference("sheet-repeated", grid.key, name, place=grid.place)
                for name in strays.repeated.get(grid.key, ())
            ]
        elif grid.key in strays.headless:
            differences.append(Difference("sheet-headless", grid.key, strays.headless[grid.key], place=grid.place))
        else:
            differences.append(Difference("sheet-removed", grid.key, None, place=grid.place))
    differences += [Difference("sheet-added", key, name) for key, name in strays.unknown]
    written = workbook_of(matrix)
    differences += _beside("legend", _listed(written, LEGEND), _listed(book, LEGEND), len(LEGEND))
    differences += _beside("rules", _listed(written, RULES), _listed(book, RULES), len(RULES))
    differences += _beside("sources", _listed(written, SOURCES[:2]), _listed(book, SOURCES[:2]), 1)
    return Compared(tuple(differences), said.get("policy"), said.get(DIGEST))


@dataclass(slots=True)
class _Strays:
    """Sheets that are compared with nothing."""

    unknown: list[tuple[str, str]] = field(default_factory=list)
    """Those with a row of columns' names and of no grid: what each says it is, and its name."""
    repeated: dict[str, list[str]] = field(default_factory=dict)
    """By the grid, those that are one more of it."""
    headless: dict[str, str] = field(default_factory=dict)
    """By the grid, the one that has lost the row of the columns' names."""


def _grids(book: Workbook, matrix: Matrix) -> tuple[dict[str, _Found], _Strays]:
    """The sheets of the policy's grids, by the table that each names, else by the sheet's name; and what else there is.

    A sheet that has its own name comes before a copy of it.
    """
    by_name = {name: key for key, name in sheet_names(matrix).items()}
    keys = {grid.key for grid in matrix.grids}
    found: dict[str, _Found] = {}
    strays = _Strays()
    for name in sorted(sheet.names(book), key=lambda each: each not in by_name):
        read = sheet.read(book, name)
        named, grid = read.cells.get((1, 1), ""), _read(read)
        key = named if named in keys else by_name.get(name)
        if grid is None:
            if key is not None:
                strays.headless.setdefault(key, name)
        elif key is None:
            strays.unknown.append((named, name))
        elif key in found:
            strays.repeated.setdefault(key, []).append(name)
        else:
            found[key] = grid
    return found, strays


def _read(read: Sheet) -> _Found | None:
    """The grid of a sheet; None where no row begins with `feature`."""
    head = next((row for row in range(1, _HEAD_WITHIN + 1) if read.cells.get((row, 1)) == FEATURE), None)
    if head is None:
        return None
    found = _Found(read, head, {})
    for (row, column), text in sorted(read.cells.items()):
        if row == head:
            if text in found.heads:
                found.repeated.append(("column-repeated", text, address((row, column))))
            found.heads.setdefault(text, column)
        elif row > head and column == 1:
            if text in found.rows:
                found.repeated.append(("row-repeated", text, address((row, column))))
            found.rows.setdefault(text, row)
    nameless = {row for row, _ in read.cells if row > head} - set(found.rows.values())
    repeated = {at for _, _, at in found.repeated}
    for row in sorted(nameless):
        if address((row, 1)) not in repeated:
            found.rows[f"\0{row}"] = row  # a row without a name: no feature is called so
    found.rows = dict(sorted(found.rows.items(), key=lambda each: each[1]))
    return found


def _legend(book: Workbook) -> dict[str, str]:
    """What the legend says of the policy."""
    for each in book.worksheets:
        rows = each.iter_rows(max_row=_HEAD_WITHIN, max_col=2, values_only=True)
        said = {row[0]: row[1] for row in rows if len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], str)}
        if DIGEST in said:
            return said
    return {}


@dataclass(frozen=True, slots=True)
class _Listed:
    """A sheet beside the grids: rows under a head."""

    sheet: Sheet
    head: int

    def rows(self, keys: int) -> dict[tuple[str, ...], tuple[int, dict[str, str]]]:
        """By their first columns: the number of a row, and the texts by the head."""
        found: dict[tuple[str, ...], tuple[int, dict[str, str]]] = {}
        names = {column: text for (row, column), text in self.sheet.cells.items() if row == self.head}
        for row in sorted({row for row, _ in self.sheet.cells if row > self.head}):
            key = tuple(self.sheet.cells.get((row, column), "") for column in range(1, keys + 1))
            texts = {name: self.sheet.cells.get((row, column), "") for column, name in names.items()}
            found.setdefault(key, (row, texts))
        return found

    def at(self, row: int, name: str) -> str:
        column = next(column for (at, column), text in self.sheet.cells.items() if at == self.head and text == name)
        return address((row, column))


def _listed(book: Workbook, begins: Sequence[str]) -> _Listed | None:
    """The sheet whose head begins so; None where it is there no more."""
    for name in sheet.names(book):
        read = sheet.read(book, name)
        for row in range(1, _HEAD_WITHIN + 1):
            if tuple(read.cells.get((row, column), "") for column in range(1, len(begins) + 1)) == tuple(begins):
                return _Listed(read, row)
    return None


def _beside(grid: str, ours: _Listed | None, theirs: _Listed | None, keys: int) -> Iterator[Difference]:
    if ours is None or theirs is None:
        return
    was, now, name = ours.rows(keys), theirs.rows(keys), theirs.sheet.name
    for key, (_, texts_) in was.items():
        told = " · ".join(key)
        if key not in now:
            yield Difference("row-removed", grid, name, told)
            continue
        row, there = now[key]
        for head, text in texts_.items():
            if head in there and there[head] != text:
                yield Difference("cell", grid, name, told, head, text, there[head], theirs.at(row, head))
    for key, (row, there) in now.items():
        if key not in was:
            said = " · ".join(text for text in list(there.values())[keys:] if text)
            yield Difference("row-added", grid, name, " · ".join(filter(None, key)), now=said, at=f"row {row}")
    removed = [
        head for head in next(iter(was.values()), (0, {}))[1] if head not in next(iter(now.values()), (0, {}))[1]
    ]
    if now:
        yield from (Difference("column-removed", grid, name, column=head) for head in removed)


class _Comparison:
    """One grid with the sheet of it."""

    def __init__(self, grid: Grid, languages: tuple[Language, ...], found: _Found) -> None:
        self.grid = grid
        self.found = found
        self.languages = languages
        self.heads = heads(grid, languages)
        self.texts = {
            name: dict(zip(self.heads[1:], map(spaced, told), strict=True)) for name, told in texts(grid, languages)
        }
        self.places: Mapping[str, Line] = {line.name: line for line in grid.lines}
        self.columns = self._renamed_columns()
        """The workbook's name of each of the grid's columns that it has."""
        self.rows = self._renamed_rows()

    def differences(self) -> Iterator[Difference]:
        yield from self._of_columns()
        yield from self._of_meanings()
        yield from self._of_rows()
        yield from self._of_cells()
        yield from self._faults()

    def _difference(
        self,
        kind: Kind,
        feature: str | None = None,
        column: str | None = None,
        was: str | None = None,
        now: str | None = None,
        at: str | None = None,
    ) -> Difference:
        line = self.places.get(feature) if feature is not None else None
        place = line.place if line is not None else self.grid.head or self.grid.place
        return Difference(kind, self.grid.key, self.found.sheet.name, feature, column, was, now, at, place)

    # --------------------------------------------------------------------------------------------------- columns

    def _renamed_columns(self) -> dict[str, str]:
        """Columns by their names; a missing one is taken to be the new one that says the same of every feature."""
        kept = {head: head for head in self.heads[1:] if head in self.found.heads}
        new = [head for head in self.found.heads if head not in self.heads and head != FEATURE]
        for head in self.heads[1:]:
            if head in kept:
                continue
            alike = [other for other in new if self._says_the_same(head, other)]
            if len(alike) == 1 or (alike and self._stands_alike(head, alike[0])):
                kept[head] = alike[0]
                new.remove(alike[0])
        return kept

    def _says_the_same(self, head: str, other: str) -> bool:
        column = self.found.heads[other]
        common = [name for name in self.texts if name in self.found.rows]
        return bool(common) and all(
            self.found.text(self.found.rows[name], column) == self.texts[name][head] for name in common
        )

    def _stands_alike(self, head: str, other: str) -> bool:
        return self.heads.index(head) == list(self.found.heads).index(other)

    def _of_columns(self) -> Iterator[Difference]:
        for head in self.heads[1:]:
            if head not in self.columns:
                yield self._difference("column-removed", column=head)
            elif self.columns[head] != head:
                at = address((self.found.head, self.found.heads[self.columns[head]]))
                yield self._difference("column-renamed", column=head, was=head, now=self.columns[head], at=at)
        known = {FEATURE, *self.columns.values()}
        for head, column in self.found.heads.items():
            if head not in known:
                yield self._difference("column-added", column=head, at=address((self.found.head, column)))
        for kind, text, at in self.found.repeated:
            column_named = text if kind == "column-repeated" else None
            yield self._difference(kind, None if column_named else text, column_named, at=at)
        order = [self.columns[head] for head in self.heads[1:] if head in self.columns]
        there = [head for head in self.found.heads if head in order]
        if order != there:
            yield self._difference("columns-reordered", was=", ".join(order), now=", ".join(there))

    def _of_meanings(self) -> Iterator[Difference]:
        """What stands above the columns' names: what each of them means."""
        for above, language in enumerate(reversed(self.languages), 1):
            row = self.found.head - above
            for each in self.grid.columns:
                if each.head not in self.columns:
                    continue
                place = (row, self.found.heads[self.columns[each.head]])
                was, now = spaced(each.meaning.best(language)), self.found.text(*place)
                if now != was:
                    at = address(place) if row > 0 else None  # the rows above were deleted
                    yield self._difference("meaning", column=each.head, was=was, now=now, at=at)

    # ------------------------------------------------------------------------------------------------------ rows

    def _renamed_rows(self) -> dict[str, str]:
        """Rows by their names; a missing one is taken to be the new one that has all its texts."""
        kept = {name: name for name in self.texts if name in self.found.rows}
        new = [name for name in self.found.rows if name not in self.texts]
        for name, told in self.texts.items():
            if name in kept:
                continue
            alike = [other for other in new if self._row_says(told, other)]
            if len(alike) == 1 or (alike and self._neighbours_agree(name, alike[0])):
                kept[name] = alike[0]
                new.remove(alike[0])
        return kept

    def _row_says(self, told: Mapping[str, str], other: str) -> bool:
        """Whether a row has these texts, under the columns that both have."""
        row, common = self.found.rows[other], {head: text for head, text in told.items() if head in self.columns}
        return any(common.values()) and all(
            self.found.text(row, self.found.heads[self.columns[head]]) == text for head, text in common.items()
        )

    def _neighbours_agree(self, name: str, other: str) -> bool:
        return list(self.texts).index(name) == list(self.found.rows).index(other)

    def _of_rows(self) -> Iterator[Difference]:
        for name in self.texts:
            if name not in self.rows:
                yield self._difference("row-removed", name)
            elif self.rows[name] != name:
                row = self.found.rows[self.rows[name]]
                yield self._difference("row-renamed", name, was=name, now=_named(self.rows[name]), at=address((row, 1)))
        known = set(self.rows.values())
        for name, row in self.found.rows.items():
            if name not in known:
                told = " · ".join(
                    filter(None, (self.found.text(row, each) for each in list(self.found.heads.values())[1:]))
                )
                yield self._difference("row-added", _named(name), now=told, at=f"row {row}")
        order = [self.rows[name] for name in self.texts if name in self.rows]
        there = [name for name in self.found.rows if name in known]
        if order != there:
            moved = next((ours, theirs) for ours, theirs in zip(order, there, strict=True) if ours != theirs)
            yield self._difference("rows-reordered", was=_named(moved[0]), now=_named(moved[1]))

    # ----------------------------------------------------------------------------------------------------- cells

    def _of_cells(self) -> Iterator[Difference]:
        faults = [each for each in self.found.sheet.faults if each.row >= self.found.head]
        for name, told in self.texts.items():
            if name not in self.rows:
                continue
            row = self.found.rows[self.rows[name]]
            for head, was in told.items():
                if head not in self.columns:
                    continue
                place = (row, self.found.heads[self.columns[head]])
                now = self.found.text(*place)
                if now != was and not any(each.covers(place) for each in faults):
                    difference = self._difference("cell", name, head, was, now, address(place))
                    yield replace(difference, signs=self._signs(head, now))

    def _signs(self, head: str, now: str) -> tuple[str, ...]:
        """What a cell of that column may hold, where it holds something else."""
        if self.grid.derived or all(each.head != head for each in self.grid.columns):
            return ()
        signs = tuple(each.sign for each in self.grid.marks)
        return () if now in signs else signs

    def _faults(self) -> Iterator[Difference]:
        """What stands there and is no text."""
        names = {self.found.rows[theirs]: ours for ours, theirs in self.rows.items()}
        columns = {self.found.heads[theirs]: ours for ours, theirs in self.columns.items()}
        for each in self.found.sheet.faults:
            if each.hidden or each.row < self.found.head:
                continue
            for number, (row, column) in enumerate(_places(each)):
                name, head = names.get(row), columns.get(column)
                if number and (name is None or head is None):
                    continue  # of several cells those that the policy has, and the first
                was = self.texts[name].get(head) if name is not None and head is not None else None
                found = self._difference("unreadable", name, head, was, each.message, address((row, column)))
                yield replace(found, chinese=each.chinese)


def _places(fault: Fault) -> Iterator[sheet.Place]:
    """The cells that a fault is about."""
    first = fault.place or (fault.row, 1)
    last = fault.to or first
    for row in range(first[0], last[0] + 1):
        yield from ((row, column) for column in range(first[1], last[1] + 1))


def _named(name: str) -> str:
    return "" if name.startswith("\0") else name


def count(differences: Sequence[Difference]) -> int:
    """Those that matter."""
    return sum(each.matters for each in differences)
