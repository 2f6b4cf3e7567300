"""What a program answers on a request that was read once, as far as a case can state it, and without words.

A request read by a policy may be asked of each of its mutants: they have the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from lawful import values
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge, Judgement
from lawful.decision import Decision, PolicyNamed, Verdict
from lawful.ir import Program, Value
from lawful.kept import kept
from lawful.question import Question
from lawful.version import __version__

Key = Literal["verdict", "rules", "obligations", "lost", "irreversible", "after", "next_allowed_at"]
"""By which part of what a case expects two answers are told apart."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The parts of a decision that a case can expect, the facts called missing apart: those explain, decide nothing."""

    verdict: Verdict
    violated: frozenset[str]
    obligations: frozenset[str]
    lost: frozenset[str]
    irreversible: bool
    account: Mapping[str, Value]
    """The known fields once the change is made, without private ones; as they were where it is refused."""
    next_allowed_at: datetime | None


class Decider:
    """One program's decisions, by the reference: it is the meaning, and nothing is prepared for it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.zone = ZoneInfo(program.timezone)
        self._named = PolicyNamed(id=program.id, version=program.version, digest=program.digest)
        self._private = frozenset(name for name, each in program.account.items() if each.private)

    @kept
    def judge(self) -> Judge:
        """Made for the first question: of most mutants nobody asks one."""
        return Judge(self.program, self.zone)

    def decide(self, question: Question) -> Decision:
        """The decision; what explains it is worked out when it is read."""
        judgement = self.judge.judge(question, "reference")
        return Decision.of(
            Explanation(self.judge, judgement),
            verdict=judgement.verdict,
            at=values.written(question.at, self.zone),
            engine="reference",
            lawful=__version__,
            policy=self._named,
        )

    def answer(self, question: Question) -> Answer:
        return self.answer_of(self.judge.judge(question, "reference"))

    def answer_of(self, judgement: Judgement) -> Answer:
        """What a judgement of this program comes to."""
        explanation = Explanation(self.judge, judgement)
        refused = judgement.verdict == "deny"
        owed = () if refused else explanation.obligations()
        return Answer(
            verdict=judgement.verdict,
            violated=explanation.violated(),
            obligations=frozenset(each.text.best("en") for each in owed),
            lost=frozenset(explanation.lost()),
            irreversible=explanation.irreversible() is not None,
            account=self._left(judgement),
            next_allowed_at=explanation.next_allowed_at() if refused else None,
        )

    def _left(self, judgement: Judgement) -> Mapping[str, Value]:
        state = judgement.steps[0].before if judgement.verdict == "deny" else judgement.steps[-1].after
        return {name: value for name, value in state.records["account"].items() if name not in self._private}


def told_apart(one: Answer, other: Answer) -> Key | None:
    """By what a case that expects the one answer, as strictly as cases can, fails on the other; None where it passes.

    A case cannot say that a rule is not violated beside others that are.
    """
    if one.verdict != other.verdict:
        return "verdict"
    if not one.violated <= other.violated or (not one.violated and other.violated):
        return "rules"
    if not one.obligations <= other.obligations or (not one.obligations and other.obligations):
        return "obligations"
    if one.lost != other.lost:
        return "lost"
    if one.irreversible != other.irreversible:
        return "irreversible"
    if one.account != other.account:
        return "after"
    if one.next_allowed_at != other.next_allowed_at:
        return "next_allowed_at"
    return None
