"""A text and a place in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from lawful.kept import kept


@dataclass(frozen=True)
class Source:
    """A named text. The name is what people are shown: a path as they gave it."""

    name: str
    text: str

    @kept
    def _line_starts(self) -> list[int]:
        starts = [0]
        starts.extend(index + 1 for index, char in enumerate(self.text) if char == "\n")
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset in code points, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def offset(self, line: int) -> int:
        """Where a line begins."""
        return self._line_starts[line - 1]

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        starts = self._line_starts
        end = starts[number] if number < len(starts) else len(self.text) + 1
        return self.text[starts[number - 1] : end - 1].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until `end` (exclusive), in code points."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]
