"""A space whose solver is begun anew where a question takes long, and a second one in another time zone.

How long Z3 takes is partly luck: what it has not found in a second it often finds at once from another beginning.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

import z3

from lawful.proofs.logic import Bool
from lawful.proofs.space import Deadline, Model, NotSettled, Space

_PATIENCE: Final = (1.0, 3.0, float("inf"))
"""Seconds for each beginning."""
_APART: Final = 1_000_000
"""Where the names of variables of another zone begin, so that they are not those of the first."""


class Restarting(Space):
    """Likewise, as long as its deadline lets it."""

    def _once(self, parts: Iterable[Bool]) -> Model | None:
        asked, deadline = list(parts), self.deadline
        try:
            for turn, patience in enumerate(_PATIENCE, 1):
                self.deadline = Deadline(min(deadline.at, time.monotonic() + patience))
                try:
                    return super()._once(asked)
                except NotSettled:
                    if deadline.passed():
                        raise
                    self._begin_anew(turn)
            raise NotSettled
        finally:
            self.deadline = deadline

    def _begin_anew(self, seed: int) -> None:
        solver = z3.Solver(ctx=self.context)
        solver.set("random_seed", seed)
        solver.add(self._solver.assertions())
        self._solver = solver


class Elsewhere(Space):
    """The same variables and assumptions, seen from another time zone. It is asked nothing itself."""

    def __init__(self, space: Space, zone: ZoneInfo) -> None:
        super().__init__(zone, space.clock)
        self.context, self.texts, self.doubts = space.context, space.texts, space.doubts
        self._count = _APART
        self._space = space

    def assume(self, constraint: Bool) -> None:
        self._space.assume(constraint)
