"""Diagnostics and other errors, as they are told on a terminal or in a pipe."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TextIO

from lawful.cli.layout import visible
from lawful.cli.terminal import is_coloured
from lawful.diagnostics import Diagnostic

_COLOURS = {"error": "31", "warning": "33"}
_ENDLESS = re.compile(r"(\S{200})\S{800,}")
"""Longer than a path that anybody has."""


def coloured(diagnostic: Diagnostic, stream: TextIO | None = None) -> str:
    """The diagnostic as it is drawn; its first word in colour where the stream (stdout) takes any."""
    lines = [_brief(visible(line)) for line in str(diagnostic).split("\n")]
    if is_coloured(stream if stream is not None else sys.stdout):
        head, bracket, rest = lines[0].partition("]: ")
        lines[0] = f"\x1b[{_COLOURS[diagnostic.severity]}m{head}{bracket.strip()}\x1b[0m {rest}"
    return "\n".join(lines)


def error(message: str, help: str | None = None) -> str:
    """An error without a place."""
    word = "\x1b[31merror\x1b[0m" if is_coloured(sys.stderr) else "error"
    told = f"{word}: {_brief(visible(message))}"
    return f"{told}\n  = help: {visible(help)}" if help else told


def _brief(message: str) -> str:
    """What is given back of a person's words stays readable: of one that has no end its beginning."""
    return _ENDLESS.sub(r"\1…", message)


def all_of(diagnostics: Iterable[Diagnostic]) -> str:
    """Everything found, for stderr."""
    return "\n\n".join(coloured(each, sys.stderr) for each in diagnostics)
