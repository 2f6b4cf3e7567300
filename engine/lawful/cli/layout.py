"""Rows of text on a screen of some width, where a Chinese character takes two columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

Role = Literal["plain", "bold", "dim", "good", "bad", "open", "warning"]
Piece: TypeAlias = tuple[str, Role]

GAP: Final = "   "
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line at a depth: pieces from the left, and a text at the right margin."""

    depth: int
    pieces: tuple[Piece, ...]
    right: str = ""


def row(depth: int, *pieces: str | Piece, right: str = "") -> Row:
    """A row of pieces; a bare text is plain."""
    return Row(depth, tuple((each, "plain") if isinstance(each, str) else each for each in pieces), right)


def visible(text: str) -> str:
    """The text without what would move a terminal's cursor or turn its writing round: told as escapes.

    >>> visible("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes.

    >>> columns("ab"), columns("微信")
    (2, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def arranged(row: Row, width: int, *, folds: bool) -> Iterator[list[Piece]]:
    """The row as lines of at most `width` columns where it `folds`; as one line, however long, where it does not."""
    indent = "  " * row.depth
    pieces = [(visible(text), role) for text, role in row.pieces if text]
    lines = list(_folded(pieces, max(width - len(indent), 20))) if folds else [_merged(pieces)]
    right = visible(row.right)
    for index, line in enumerate(lines):
        lead: Piece = (indent if index == 0 else indent + "  ", "plain")
        told = [lead, *line]
        if right and index == len(lines) - 1:
            room = width - sum(columns(text) for text, _ in told) - columns(right)
            if folds and room < len(GAP):
                yield told
                told, room = [], max(width - columns(right), 0)
            told += [(" " * max(room, len(GAP) if told else 0), "plain"), (right, "dim")]
        yield told


@cache
def _chunk() -> re.Pattern[str]:
    """A word with the blanks behind it; a wide character with the punctuation that may not begin a line."""
    return re.compile(r"[⺀-鿿豈-﫿！-～][、。，；：）」！？]*|[^⺀-鿿豈-﫿！-～\s]*\s*")


def _folded(pieces: list[Piece], width: int) -> Iterator[list[Piece]]:
    """Lines of whole words; those after the first are indented, and so narrower."""
    line: list[Piece] = []
    taken, room = 0, width
    for text, role in pieces:
        for chunk in _chunk().findall(text):
            if line and taken + columns(chunk.rstrip()) > room:
                yield line
                line, taken, room = [], 0, width - 2
            if chunk.strip() or taken:
                _append(line, chunk, role)
                taken += columns(chunk)
    yield line


def _merged(pieces: list[Piece]) -> list[Piece]:
    line: list[Piece] = []
    for text, role in pieces:
        _append(line, text, role)
    return line


def _append(line: list[Piece], chunk: str, role: Role) -> None:
    """Put a chunk at the line's end: one piece with what stands there, where they look the same."""
    if line and line[-1][1] == role:
        line[-1] = (line[-1][0] + chunk, role)
    else:
        line.append((chunk, role))
