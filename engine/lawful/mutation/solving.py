"""Z3 asked about the mutants that neither cells nor tried requests settle, where it is installed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from lawful.ir import Program
from lawful.kept import kept
from lawful.mutation.distinguishing import Request
from lawful.mutation.equivalence import reaches

SECONDS: Final = 3.0
"""How long about one mutant is thought."""
SECONDS_IN_ALL: Final = 30.0
"""And about all of them: who has many survivors has other worries than whether some are equivalent."""


@dataclass(frozen=True, slots=True)
class Solved:
    """Whether a mutant is proved to answer as its policy does; or a request on which it may not."""

    equivalent: bool
    request: Request | None = None


class Solver:
    """Asks Z3 about a program and its mutants, one after the other."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._left = SECONDS_IN_ALL

    @kept
    def is_there(self) -> bool:
        """Whether Z3 is installed; it is imported when it is first asked."""
        try:
            return find_spec("z3") is not None
        except ValueError:  # a module that is kept from being imported has no spec
            return False

    def solved(self, mutant: Program) -> Solved:
        """What Z3 says of the mutant; nothing where it is not there, or has thought for long enough."""
        if not self.is_there or self._left <= 0:
            return Solved(False)
        from lawful.proofs.equality import equality  # Z3: only where something has survived

        begun = time.monotonic()
        found = equality(self._program, mutant, seconds=min(SECONDS, self._left))
        self._left -= time.monotonic() - begun
        if found.proved:
            return Solved(reaches(self._program) == reaches(mutant))
        shown = None if found.difference is None else found.difference.example
        return Solved(False, None if shown is None else shown.request)
