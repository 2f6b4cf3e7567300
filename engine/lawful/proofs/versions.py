"""Gaps between the versions of a rule. Nothing of Z3 is needed: `lint` tells of them, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from lawful.ir import Place, Program, Rule
from lawful.proofs.asking import versions_of


@dataclass(frozen=True, slots=True)
class Gap:
    """Days on which no version of a rule is in force, though one was before and one is after."""

    rule: str
    first: date
    until: date
    """Exclusive."""
    place: Place
    is_move: bool
    """Whether it is the change itself that has versions, not a limit or a constraint."""
    before: Rule
    """The version whose days end with the gap."""

    def __str__(self) -> str:
        days = f"from {self.first} until {self.until}"
        return f"no version of `{self.rule}` is in force {days} ({self.place.file}:{self.place.line})"


def gaps(program: Program) -> Iterator[Gap]:
    for id, versions in versions_of(program).items():
        yield from _between(id, versions)


def _between(id: str, versions: list[Rule]) -> Iterator[Gap]:
    for one, other in pairwise(versions):
        until, start = one.in_force.until, other.in_force.start
        if until is not None and start is not None and until < start:
            yield Gap(id, until, start, other.place, one.scope == "move" and one.kind != "limit", one)
