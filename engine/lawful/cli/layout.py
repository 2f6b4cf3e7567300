"""Rows of text on a screen of some width, where a Chinese character takes two columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Role = Literal["plain", "bold", "dim", "good", "bad", "open", "warning"]
Piece: TypeAlias = tuple[str, Role]

GAP: Final = "   "
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# A word with the blanks behind it; a wide character with the punctuation that may not begin a line.
_CHUNK: Final = re.compile(r"[⺀-鿿豈-﫿！-～][、。，；：）」！？]*|[^⺀-鿿豈-﫿！-～\s]*\s*")


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
    lines = list(_folded(pieces, max(width - len(indent), 20))) if folds else [pieces]
    right = visible(row.right)
    for index, line in enumerate(lines):
        lead: Piece = (indent if index == 0 else indent + "  ", "plain")
        yield [lead, *line, *(_at_margin([lead, *line], right, width) if index == len(lines) - 1 else ())]


def _at_margin(line: list[Piece], right: str, width: int) -> list[Piece]:
    """What puts a text at the right margin; at least a gap away."""
    if not right:
        return []
    taken = sum(columns(text) for text, _ in line)
    return [(" " * max(width - taken - columns(right), len(GAP)), "plain"), (right, "dim")]


def _folded(pieces: list[Piece], width: int) -> Iterator[list[Piece]]:
    """Lines of whole words; those after the first are indented, and so narrower."""
    line: list[Piece] = []
    taken = 0
    for text, role in pieces:
        for chunk in _CHUNK.findall(text):
            if line and taken + columns(chunk.rstrip()) > width:
                yield line
                line, taken, width = [], 0, width if taken == 0 else width
            if not line and not chunk.strip():
                continue
            line.append((chunk, role))
            taken += columns(chunk)
    yield line
