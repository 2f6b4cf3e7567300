"""Which cases catch which mutants: a case catches a program that does not answer as it expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lawful.cases import Case, differences
from lawful.deciding.judging import Judgement
from lawful.deciding.rulebook import triggers_of
from lawful.ir import Program
from lawful.mutation.answering import Decider
from lawful.mutation.mutants import Mutant
from lawful.mutation.noticing import Delta
from lawful.policy import Policy
from lawful.question import Question

_NAMING: Final = 12
"""To find out which facts are missing takes a tenth of a second in large policies."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A case, its request as it was read and judged, and the changes that judging it is about."""

    case: Case
    question: Question
    judgement: Judgement
    triggers: frozenset[str]

    @property
    def names_missing(self) -> bool:
        """Whether it says which facts are missing: to find them again takes longer than all else."""
        return self.case.expect.missing is not None

    def may_notice(self, mutant: Mutant, delta: Delta, *, by_missing: bool = True) -> bool:
        """Whether judging it can come upon what was changed, and that make a difference."""
        by_missing = by_missing and self.names_missing
        return comes_upon(self.triggers, mutant) and delta.may_show(self.judgement, by_missing=by_missing)

    def catches(self, decider: Decider, *, by_missing: bool = True) -> bool:
        """Whether a program answers otherwise than the case expects; `by_missing`: also which facts are missing."""
        decision = decider.decide(self.question)
        if decision.verdict != self.case.expect.verdict:
            return True  # told first: the words of a difference take long
        return any(True for _ in differences(self.case, self.question, decision, missing=by_missing))


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, and the cases that catch it: none where it survives."""

    mutant: Mutant
    caught_by: tuple[Case, ...]


def asked(policy: Policy, cases: Iterable[Case]) -> list[Asked]:
    """The cases, read once for all mutants. They must pass: a case that fails would catch everything."""
    found = []
    decider = Decider(policy.program)
    for case in cases:
        question = policy.read(case.request)
        found.append(Asked(case, question, decider.judge.judge(question, "reference"), triggers(question)))
    return found


def triggers(question: Question) -> frozenset[str]:
    """The changes that a request asks for, as rules are indexed by them."""
    return frozenset(trigger for each in question.changes for trigger in triggers_of(each))


def comes_upon(triggers: frozenset[str], mutant: Mutant) -> bool:
    """Whether judging such changes can come upon what was changed."""
    return mutant.triggers is None or bool(triggers & mutant.triggers)


def tried(
    program: Program,
    mutants: Sequence[Mutant],
    asked: Sequence[Asked],
    progress: Callable[[float], None] = lambda share: None,
    *,
    every: bool = True,
) -> Iterator[Tried]:
    """Each mutant with the cases that catch it: with `every` all of them, else with the first that was found.

    Without `every` nobody looks for the facts that are missing (`caught_by_missing`).
    """
    for index, mutant in enumerate(mutants):
        decider, delta = Decider(mutant.program), Delta(program, mutant.program)
        likely = asked if every else _likely(mutant, asked)
        caught = _catching(likely, mutant, decider, delta, by_missing=every)
        progress((index + 1) / len(mutants))
        yield Tried(mutant, tuple(caught if every else islice(caught, 1)))


def caught_by_missing(program: Program, mutant: Mutant, asked: Sequence[Asked]) -> Tried:
    """Likewise with the first that is caught by which facts it says are missing, of the likeliest few that say so."""
    decider, delta = Decider(mutant.program), Delta(program, mutant.program)
    naming = (each for each in _likely(mutant, asked) if each.names_missing and each.may_notice(mutant, delta))
    catching = (each.case for each in islice(naming, _NAMING) if each.catches(decider))
    return Tried(mutant, tuple(islice(catching, 1)))


def _likely(mutant: Mutant, asked: Sequence[Asked]) -> list[Asked]:
    """The cases, first those that expect something of a rule that was changed."""
    return sorted(asked, key=lambda each: not mutant.rules & {*(each.case.expect.rules or ())})


def _catching(
    asked: Iterable[Asked], mutant: Mutant, decider: Decider, delta: Delta, *, by_missing: bool
) -> Iterator[Case]:
    for each in asked:
        if each.may_notice(mutant, delta, by_missing=by_missing) and each.catches(decider, by_missing=by_missing):
            yield each.case
