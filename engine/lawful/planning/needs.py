"""What an account is needed for: features, and actions at some rate; and whether a state serves a rate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, cast

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge
from lawful.decision import Reason
from lawful.diagnostics import Problem, RequestError, near
from lawful.ir import Program
from lawful.planning.setting import Setting, State, Taken, question_of
from lawful.question import Asked, Question

Unit = Literal["day", "month", "year"]
_NEED: Final = re.compile(r"(\S+)(?:\s+([1-9][0-9]{0,3})\s+(?:per|a)\s+(day|month|year))?")
_PERIODS: Final = {"day": 62, "month": 12, "year": 3}
"""How long a rate must be kept up."""
_MOST_EVENTS: Final = 1500
_LIMITS: Final = ("limit", "never_after")


@dataclass(frozen=True, slots=True)
class Need:
    """A feature to be enabled, or an action to be allowed, so often in a period of the calendar."""

    text: str
    asked: Asked
    times: int = 1
    per: Unit | None = None

    @property
    def feature(self) -> str | None:
        return self.asked.name if self.asked.kind == "enable" else None


def needs_of(given: Iterable[str], program: Program) -> tuple[Need, ...]:
    """Raises RequestError with every need that is none."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise RequestError(
            [Problem("needs", "it is a list of needs", 'as in `["wechat_pay", "mass_send 2 per month"]`')]
        )
    found: dict[str, Need] = {}
    problems: list[Problem] = []
    for text in given:
        if not isinstance(text, str):
            problems.append(Problem("need", f"`{text}` is no text", "name a feature or an action"))
            continue
        need = _need(text.strip(), program)
        if isinstance(need, Problem):
            problems.append(need)
        else:
            found.setdefault(need.text, need)
    if not found and not problems:
        problems.append(Problem("need", "nothing is needed", "name a feature or an action"))
    if problems:
        raise RequestError(problems)
    return tuple(found.values())


def _need(text: str, program: Program) -> Need | Problem:
    parts = _NEED.fullmatch(text)
    if parts is None:
        return Problem("need", f"`{text}` is no need", "as in `wechat_pay`, or `mass_send 2 per month`")
    name, times, per = parts[1], parts[2], cast("Unit | None", parts[3])
    if name in program.features and times is None:
        return Need(text, Asked("enable", name, {}))
    if name in program.actions:
        return Need(text, Asked("do", name, {}), int(times or 1), per)
    if name in program.features:
        return Problem("need", f"`{name}` is a feature: it is enabled, not done {times} times", f"say `{name}`")
    known = [*program.features, *program.actions]
    return Problem("need", f"there is no feature or action `{name}`", near(name, known))


class Rates:
    """Asks the judge for one action again and again, as early as it is allowed, period after period."""

    def __init__(self, judge: Judge, setting: Setting, question: Question) -> None:
        self.judge = judge
        self.setting = setting
        self.question = question

    def refusing(self, need: Need, state: State, given: Taken) -> list[Reason]:
        """The limits that do not let it be done so often; none where they do.

        What else may refuse it later on (a certificate runs out) has been asked for the first time only.
        """
        if need.per is None:
            return []
        begin = state.at
        for _ in range(max(1, min(_PERIODS[need.per], _MOST_EVENTS // need.times))):
            start, end = self._next_period(begin, need.per)
            at = start
            for _ in range(need.times):
                when, reasons = self._earliest(need, state, given, at, end)
                if when is None:
                    return reasons
                at = when
                state = self._done(need, state, given, at)
            begin = start
        return []

    def _next_period(self, at: Instant, per: Unit) -> tuple[Instant, Instant]:
        zone = self.judge.zone
        day = calendar.day_of(at, zone)
        if per == "day":
            start, end = calendar.add_days(day, 1), calendar.add_days(day, 2)
        elif per == "month":
            start, end = (calendar.add_months(day.replace(day=1), many) for many in (1, 2))
        else:
            start, end = (calendar.add_months(day.replace(month=1, day=1), many) for many in (12, 24))
        return calendar.start_of(start or day, zone), calendar.start_of(end or day, zone)

    def _earliest(
        self, need: Need, state: State, given: Taken, at: Instant, end: Instant
    ) -> tuple[Instant | None, list[Reason]]:
        """When the limits let it be done, before the period ends."""
        while True:
            explanation = self._asked(need, state, given, at)
            kinds = {each.rule.id: each.rule.kind for each in explanation.judgement.steps[0].judged}
            reasons = [
                each
                for each in explanation.reasons()
                if each.severity == "error" and not each.standing and kinds.get(each.rule) in _LIMITS
            ]
            if not reasons:
                return at, []
            frees = explanation.limits_free_at()
            if frees is None or not at < frees < end:
                return None, reasons
            at = frees

    def _asked(self, need: Need, state: State, given: Taken, at: Instant) -> Explanation:
        taken = Taken(at, State(state.account, state.features, state.events, at), need.asked, given.given)
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
        return Explanation(self.judge, judgement)

    def _done(self, need: Need, state: State, given: Taken, at: Instant) -> State:
        here = State(state.account, state.features, state.events, at)
        step = self.judge.step(need.asked, self.setting.situation(here, given.given), "reference")
        events = tuple((move.event, at) for move, applies in step.moves if applies is not False)
        account = self.judge.settled(step).records["account"] if step.verdict == "allow" else state.account
        return State(account, state.features, (*state.events, *events), at)
