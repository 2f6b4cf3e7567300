"""Diagnostics and other errors, as they are told on a terminal or in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO

from lawful.cli.layout import visible
from lawful.cli.terminal import is_coloured
from lawful.diagnostics import Diagnostic

_COLOURS = {"error": "31", "warning": "33"}


def coloured(diagnostic: Diagnostic, stream: TextIO | None = None) -> str:
    """The diagnostic as it is drawn; its first word in colour where the stream (stdout) takes any."""
    lines = [visible(line) for line in str(diagnostic).split("\n")]
    if is_coloured(stream if stream is not None else sys.stdout):
        head, bracket, rest = lines[0].partition("]: ")
        lines[0] = f"\x1b[{_COLOURS[diagnostic.severity]}m{head}{bracket.strip()}\x1b[0m {rest}"
    return "\n".join(lines)


def error(message: str, help: str | None = None) -> str:
    """An error without a place."""
    word = "\x1b[31merror\x1b[0m" if is_coloured(sys.stderr) else "error"
    told = f"{word}: {visible(message)}"
    return f"{told}\n  = help: {visible(help)}" if help else told


def all_of(diagnostics: Iterable[Diagnostic]) -> str:
    """Everything found, for stderr."""
    return "\n\n".join(coloured(each, sys.stderr) for each in diagnostics)
