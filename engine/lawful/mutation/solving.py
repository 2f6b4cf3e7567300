"""Z3 asked about the mutants that neither cells nor tried requests settle, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lawful.ir import Program
from lawful.mutation.distinguishing import Request
from lawful.mutation.equivalence import reaches
from lawful.proofs.errors import ProofError, installed

SECONDS: Final = 3.0
"""How long about one mutant is thought about."""


@dataclass(frozen=True, slots=True)
class Solved:
    """Whether a mutant is proved to answer as its policy does; or a request on which it may not."""

    equivalent: bool
    request: Request | None = None


def solver() -> Callable[[Program, Program], Solved] | None:
    """What asks Z3 about a program and its mutant; None where it is not installed."""
    try:
        with installed():
            from lawful.proofs.equality import equality
    except ProofError:
        return None

    def solve(program: Program, mutant: Program) -> Solved:
        found = equality(program, mutant, seconds=SECONDS)
        if found.proved:
            return Solved(reaches(program) == reaches(mutant))
        shown = None if found.difference is None else found.difference.example
        return Solved(False, None if shown is None else shown.request)

    return solve
