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
    """A text at a depth; `aside` is for those who want to know more (the condition as written, a rule's id).

    `of` is the id of what it is about: a section, a field, a condition, a rule, a source.
    """

    depth: int
    text: str
    aside: str = ""
    heading: bool = False
    kind: Kind = ""
    of: str = ""


def plain(lines: Iterable[Line]) -> str:
    """The lines without any colour."""
    return "".join(f"{_one(line)}\n" for line in lines)


def _one(line: Line) -> str:
    aside = f"{GAP}{line.aside}" if line.aside else ""
    return f"{INDENT * line.depth}{line.text}{aside}" if line.text else ""
