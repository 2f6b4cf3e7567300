"""A line of what is shown, before it is known whether it goes to a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

INDENT: Final = "  "
GAP: Final = "   "


Kind = Literal[
    "",
    "field",
    "condition",
    "said",  # what is so of a whole section
    "rule",
    "requires",
    "limit",
    "needs",
    "then",
    "owed",
    "cost",
    "where",
    "must",
    "note",
    "told",  # what somebody is told where it is violated
    "source",
]
"""What a line is about."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text at a depth; `aside` is what it goes by (a rule's id, a field's name), `written` the condition as written,
    for those who ask for it.

    `of` is the id of what it is about: a section, a field, a condition, a rule, a source.
    """

    depth: int
    text: str
    aside: str = ""
    written: str = ""
    heading: bool = False
    kind: Kind = ""
    of: str = ""


def plain(lines: Iterable[Line], *, verbose: bool = False) -> str:
    """The lines without any colour."""
    return "".join(f"{_one(line, verbose=verbose)}\n" for line in lines)


def beside(line: Line, *, verbose: bool) -> str:
    """What stands beside a line's text."""
    written = line.written if verbose else ""
    return ": ".join(part for part in (line.aside, written) if part)


def _one(line: Line, *, verbose: bool) -> str:
    aside = beside(line, verbose=verbose)
    return f"{INDENT * line.depth}{line.text}{GAP + aside if aside else ''}" if line.text else ""
