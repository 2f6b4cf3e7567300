"""What would help a change that is denied: the shortest other changes after which it is allowed.

The budget is counted in rules judged, not in time: the same request gets the same remedies everywhere.
"""

from __future__ import annotations

from datetime import UTC
from typing import Final

from msgspec.structs import replace

from lawful import values
from lawful.calendar import Window
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge
from lawful.decision import Irreversible, Remedy, RemedyStep
from lawful.planning.goals import Goal
from lawful.planning.planner import Options, Planner
from lawful.planning.search import Path
from lawful.planning.setting import Setting, change_of, first_state, question_of
from lawful.question import Asked, Question

WORK: Final = 1500
"""Rules judged for one denial: ten milliseconds or so."""
OPTIONS: Final = Options(
    within=Window("months", 60), max_steps=5, obtains=False, work=WORK, seconds=None, alternatives=False
)


class Remedies:
    """Those of one program; what is worked out of it is kept."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._planner = Planner(judge)

    def of(self, denied: Explanation) -> tuple[Remedy, ...]:
        """Plans of at least one other change, all of one length; none where waiting alone helps, or none was found."""
        question = denied.judgement.question
        if len(question.changes) != 1 or question.changes[0].kind == "register" or self._frees_up(denied):
            return ()
        paths = self._planner.paths(question, Goal(question.changes[0]), OPTIONS)
        setting = Setting.of(self.judge, question, obtains=False)
        return tuple(self._remedy(question, setting, path) for path in paths if len(path.taken) > 1)

    def _frees_up(self, denied: Explanation) -> bool:
        """Whether it is allowed once limits have freed up: no plan is shorter than to wait for that."""
        freed = denied.next_allowed_at()
        question = denied.judgement.question
        if freed is None or freed > self._planner.until(question, OPTIONS):
            return False
        state = replace(first_state(question), at=freed.astimezone(UTC))
        situation = Setting.of(self.judge, question, obtains=False).situation(state, {})
        return self.judge.step(question.changes[0], situation, "reference").verdict == "allow"

    def _irreversible(self, asked: Asked, question: Question) -> Irreversible | None:
        """Only a field with a life cycle cannot be moved back; and only to set it moves it."""
        if not asked.values.keys() & self.judge.program.lifecycles.keys():
            return None
        return Explanation(self.judge, self.judge.judge(question, "reference")).irreversible()

    def _remedy(self, question: Question, setting: Setting, path: Path) -> Remedy:
        judge = self.judge
        steps = []
        for taken in path.taken[:-1]:
            if taken.asked is None:
                continue
            irreversible = self._irreversible(taken.asked, question_of(taken, setting, question))
            change = change_of(taken.asked, judge.program, judge.zone)
            steps.append(RemedyStep(at=values.written(taken.at, judge.zone), change=change, irreversible=irreversible))
        return Remedy(
            steps=tuple(steps),
            allowed_at=values.written(path.taken[-1].at, judge.zone),
            irreversible=any(each.irreversible is not None for each in steps),
        )
