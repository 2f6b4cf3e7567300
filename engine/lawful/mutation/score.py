"""How much of a policy its cases hold: of its mutants, which are caught, which are none, which survive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lawful.cases import Case, run
from lawful.diagnostics import LawfulError
from lawful.mutation.distinguishing import PATIENCE, Found, Search
from lawful.mutation.equivalence import equivalent
from lawful.mutation.killing import Asked, Tried, asked, caught_by_missing, tried
from lawful.mutation.mutants import Mutant, mutants
from lawful.mutation.solving import Solver
from lawful.policy import Policy


class Telling(Protocol):
    """Told what is being done now, and the share of it that is done."""

    def __call__(self, step: str, share: float | None = None, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no case catches, and the request that would show it, where one was found."""

    mutant: Mutant
    found: Found | None


@dataclass(frozen=True, slots=True)
class Score:
    """What became of every mutant of a policy."""

    caught: tuple[Tried, ...]
    equivalent: tuple[Mutant, ...]
    """Proved to answer as the policy does: there is nothing to catch."""
    survivors: tuple[Survivor, ...]
    with_solver: bool
    """Whether Z3 was there to be asked."""

    @property
    def share(self) -> float:
        """The mutants that are caught, of those that are not equivalent; 1 where there is none."""
        total = len(self.caught) + len(self.survivors)
        return len(self.caught) / total if total else 1.0


def score(policy: Policy, cases: Sequence[Case]) -> Score:
    """How much of the policy these cases hold, which must pass. Raises LawfulError."""
    failing = next((each.name for each in cases if not run(each, policy, "reference").passed), None)
    if failing is not None:
        raise LawfulError(f"the case `{failing}` does not pass: mutants are tried on cases that do")
    return scored(policy, asked(policy, cases), lambda _, __=None: None)


def scored(
    policy: Policy,
    cases: Sequence[Asked],
    telling: Telling,
    *,
    every: bool = True,
    patience: int = PATIENCE,
    made: Sequence[Mutant] | None = None,
) -> Score:
    """Every mutant tried on the cases, the survivors looked at for equivalence and for a request that shows them.

    With `every`, all cases that catch a mutant are looked for, not only one; with `patience` 0, no requests, nor is
    Z3 asked: it is where no request was found. `made`: some mutants, where not all are to be tried.
    """
    made = [*mutants(policy.program)] if made is None else made
    caught: list[Tried] = []
    left: list[Mutant] = []
    for each in tried(
        policy.program, made, cases, lambda share: telling("trying mutants on the cases", share), every=every
    ):
        if each.caught_by:
            caught.append(each)
        else:
            left.append(each.mutant)
    same: list[Mutant] = []
    survivors: list[Survivor] = []
    search, solver = Search(policy, cases, patience), Solver(policy.program)
    for index, mutant in enumerate(left):
        telling("looking for requests that show the survivors", index / len(left))
        if equivalent(policy.program, mutant.program):
            same.append(mutant)
            continue
        late = None if every else caught_by_missing(policy.program, mutant, cases)
        if late is not None and late.caught_by:
            caught.append(late)
            continue
        found = search.near(mutant) if patience else None
        if found is None and patience:
            solved = solver.solved(mutant.program)
            if solved.equivalent:
                same.append(mutant)
                continue
            found = None if solved.request is None else search.shown(solved.request, mutant)
            found = found or search.anywhere(mutant)
        survivors.append(Survivor(mutant, found))
    return Score(tuple(caught), tuple(same), tuple(survivors), solver.is_there)
