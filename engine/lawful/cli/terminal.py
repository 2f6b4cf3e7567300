"""Where a command speaks: results to stdout, all else to stderr; in colour where a person looks on."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TextIO

from lawful.cli.errors import PipeClosed, WrongUsage
from lawful.cli.layout import GAP, Piece, Row, arranged, row

if TYPE_CHECKING:
    from lawful.show.line import Line

Language = Literal["en", "zh"]
_PIPE_WIDTH: Final = 100
_COLOURS: Final = {"plain": "", "bold": "1", "dim": "2", "good": "32", "bad": "31", "open": "33", "warning": "33"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """The streams of one command, and how to write to them."""

    language: Language
    quiet: bool = False

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    # ------------------------------------------------------------------------------------------------- results

    def rows(self, rows: Iterable[Row]) -> None:
        """Draw them on stdout."""
        if self.quiet:
            return
        for each in rows:
            self._draw(sys.stdout, each)

    def lines(self, lines: Iterable[Line], *, verbose: bool) -> None:
        """Draw what `show` tells."""
        if self.quiet:
            return
        from lawful.show.line import beside

        for line in lines:
            pieces: list[Piece] = [(line.text, "bold" if line.heading else "plain")]
            aside = beside(line, verbose=verbose)
            if aside:
                pieces.append((GAP + aside, "dim"))
            self._draw(sys.stdout, row(line.depth, *pieces))

    def text(self, text: str, *, flush: bool = False) -> None:
        """Write a text as it is (JSON, a diagram) and end the line."""
        if not self.quiet:
            _write(sys.stdout, text if text.endswith("\n") else text + "\n", flush=flush)

    def _draw(self, stream: TextIO, drawn: Row) -> None:
        coloured, terminal = is_coloured(stream), stream.isatty()
        for pieces in arranged(drawn, _width(stream), folds=terminal):
            painted = "".join(_painted(text, role, coloured=coloured) for text, role in pieces)
            _write(stream, painted.rstrip(" ") + "\n")

    # ------------------------------------------------------------------------------------------------ all else

    def remark(self, text: str) -> None:
        """Tell something beside the result."""
        if not self.quiet:
            tell(text)


def tell(text: str) -> None:
    """Write to stderr."""
    _write(sys.stderr, text + "\n", flush=True)


def is_coloured(stream: TextIO) -> bool:
    """On a terminal, unless NO_COLOR says no; FORCE_COLOR says yes anywhere."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def spoken(wanted: Language | None) -> Language:
    """The language asked for; else that of the environment, where we speak it."""
    if wanted is not None:
        return wanted
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next((name for name in names if name), "").lower().startswith("zh") else "en"


def make_writable() -> None:
    """Let the streams take every text: what their encoding lacks is escaped, and what is closed takes nothing."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process lives
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - likewise
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _width(stream: TextIO) -> int:
    return max(min(shutil.get_terminal_size().columns, 120), 40) if stream.isatty() else _PIPE_WIDTH


def _painted(text: str, role: str, *, coloured: bool) -> str:
    colour = _COLOURS[role]
    return f"\x1b[{colour}m{text}\x1b[0m" if coloured and colour and text.strip() else text


def _write(stream: TextIO, text: str, *, flush: bool = False) -> None:
    try:
        stream.write(text)
        if flush:
            stream.flush()
    except BrokenPipeError:
        raise PipeClosed from None
    except OSError as error:
        raise unwritable(error) from None


def unwritable(error: OSError) -> WrongUsage:
    return WrongUsage(f"the output cannot be written: {(error.strerror or str(error)).lower()}")
