"""What would help a change that is denied: the shortest other changes after which it is allowed.

The budget is counted in rules judged, not in time: the same request gets the same remedies everywhere.
"""

from __future__ import annotations

from typing import Final

from lawful import values
from lawful.calendar import Window
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge
from lawful.decision import Remedy, RemedyStep
from lawful.planning.goals import Goal
from lawful.planning.planner import Options, Planner
from lawful.planning.search import Path
from lawful.planning.setting import Setting, change_of, question_of
from lawful.question import Question

WORK: Final = 1500
"""Rules judged for one denial: ten milliseconds or so."""
OPTIONS: Final = Options(
    within=Window("months", 60), max_steps=5, obtains=False, work=WORK, seconds=None, alternatives=False
)


def remedies(judge: Judge, question: Question) -> tuple[Remedy, ...]:
    """Plans of at least one other change, all of one length; none where waiting alone helps, or nothing was found."""
    if len(question.changes) != 1 or question.changes[0].kind == "register":
        return ()
    outcome = Planner(judge).outcome(question, Goal(question.changes[0]), OPTIONS)
    setting = Setting.of(judge, question, obtains=False)
    return tuple(_remedy(judge, question, setting, path) for path in outcome.paths if len(path.taken) > 1)


def _remedy(judge: Judge, question: Question, setting: Setting, path: Path) -> Remedy:
    steps = []
    for taken in path.taken[:-1]:
        if taken.asked is None:
            continue
        judgement = judge.judge(question_of(taken, setting, question), "reference")
        irreversible = Explanation(judge, judgement).consequences().irreversible
        change = change_of(taken.asked, judge.program, judge.zone)
        steps.append(RemedyStep(at=values.written(taken.at, judge.zone), change=change, irreversible=irreversible))
    return Remedy(
        steps=tuple(steps),
        allowed_at=values.written(path.taken[-1].at, judge.zone),
        irreversible=any(each.irreversible is not None for each in steps),
    )
