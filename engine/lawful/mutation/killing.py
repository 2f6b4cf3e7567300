"""Which cases catch which mutants: a case catches a program that does not answer as it expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lawful.cases import Case, differences
from lawful.deciding.judging import Judgement
from lawful.deciding.rulebook import triggers_of
from lawful.ir import Program
from lawful.mutation.answering import Decider
from lawful.mutation.mutants import Mutant
from lawful.mutation.noticing import Delta
from lawful.policy import Policy
from lawful.question import Question


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
    """Each mutant with the cases that catch it: with `every` one of them, else with the first that was found."""
    for index, mutant in enumerate(mutants):
        decider, delta = Decider(mutant.program), Delta(program, mutant.program)
        if every:
            caught = tuple(_catching(asked, mutant, decider, delta, by_missing=True))
        else:
            likely = sorted(asked, key=lambda each: not mutant.rules & {*(each.case.expect.rules or ())})
            naming = [each for each in likely if each.names_missing]
            ways = ((likely, False), (naming, True))
            found = (case for some, way in ways for case in _catching(some, mutant, decider, delta, by_missing=way))
            caught = tuple(islice(found, 1))
        progress((index + 1) / len(mutants))
        yield Tried(mutant, caught)


def _catching(
    asked: Iterable[Asked], mutant: Mutant, decider: Decider, delta: Delta, *, by_missing: bool
) -> Iterator[Case]:
    for each in asked:
        if each.may_notice(mutant, delta, by_missing=by_missing) and each.catches(decider, by_missing=by_missing):
            yield each.case
