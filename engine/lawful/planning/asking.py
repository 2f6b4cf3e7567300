"""What a stranger asks a planner, as goals and options; what is wrong with it, in words."""

from __future__ import annotations

import re
from types import UnionType
from typing import Final

from msgspec.structs import replace

from lawful.calendar import Window
from lawful.diagnostics import Problem, RequestError, near
from lawful.ir import TRUE, Expr, Program
from lawful.planning.goals import Goal
from lawful.planning.planner import MOST_STEPS, SECONDS, WORK, Options
from lawful.planning.search import DAYS
from lawful.question import Question

_WITHIN: Final = re.compile(r"([1-9][0-9]{0,3}) ?(d|days?|m|months?|y|years?)")
MOST_STEPS_ASKED: Final = 100


def checked_reach(reach: object) -> str | None:
    """Raises RequestError where it is no text."""
    if reach is not None and not isinstance(reach, str):
        raise RequestError([Problem("reach", "it is a text: a condition", "as in `account.type == 'service'`")])
    return reach


def goal_of(question: Question, reach: Expr | None) -> Goal:
    """The change of the question, or the condition. Raises RequestError."""
    if reach is not None and question.changes:
        raise RequestError([Problem("reach", "a plan has one goal: a change, or a condition to reach")])
    if reach is not None:
        return Goal(None, reach)
    if not question.changes:
        raise RequestError([Problem("change", "a plan needs a goal", "a `change`, or a condition to `reach`")])
    if len(question.changes) > 1:
        raise RequestError([Problem("changes", "a plan leads to one change", "give it as `change`")])
    if question.changes[0].kind == "register":
        raise RequestError(
            [Problem("change.register", "a plan is for an account that there is", "`needs` begin with none")]
        )
    return Goal(question.changes[0], TRUE)


def without_what_is_asked(question: Question, goal: Goal) -> Question:
    """Where nothing is known of an account's features, who asks how to get one does not have it."""
    asked = goal.asked
    if asked is None or asked.kind not in ("enable", "disable") or question.features:
        return question
    return replace(question, features={asked.name: asked.kind == "disable"})


def options_of(
    program: Program,
    *,
    cost: str | None = None,
    within: str | None = None,
    max_steps: int | None = None,
    obtain: bool = True,
    seconds: float | None = None,
) -> Options:
    """Raises RequestError where something asked for makes no sense."""
    problems: list[Problem] = []
    window = None
    if cost is not None:
        names = sorted({name for move in program.moves for name, _ in move.cost} | {DAYS})
        if cost not in names:
            listed = ", ".join(f"`{name}`" for name in names)
            help = near(str(cost), names) or f"the costs are {listed}"
            problems.append(Problem("cost", f"no change has a cost named `{cost}`", help))
    if within is not None:
        window = _window(within)
        if window is None:
            problems.append(
                Problem("within", f"`{within}` is no length of time", "as in `90 days`, `6 months`, `2 years`")
            )
    if max_steps is not None and (not _is_number(max_steps, int) or not 0 <= max_steps <= MOST_STEPS_ASKED):
        problems.append(Problem("max_steps", f"it is a number from 0 to {MOST_STEPS_ASKED}"))
    if seconds is not None and (not _is_number(seconds, int | float) or not 0 < seconds <= 86_400):
        problems.append(Problem("seconds", "it is a number above 0, of a day at most"))
    if not isinstance(obtain, bool):
        problems.append(Problem("obtain", "it is true or false"))
    if problems:
        raise RequestError(problems)
    return Options(
        measure=cost,
        within=window,
        max_steps=MOST_STEPS if max_steps is None else max_steps,
        obtains=obtain,
        work=WORK if seconds is None else 10**12,
        seconds=SECONDS if seconds is None else seconds,
    )


def _is_number(given: object, kind: type | UnionType) -> bool:
    return isinstance(given, kind) and not isinstance(given, bool)


def _window(text: object) -> Window | None:
    found = _WITHIN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    number = int(found[1])
    match found[2][0]:
        case "d":
            return Window("days", number)
        case "m":
            return Window("months", number)
        case _:
            return Window("months", 12 * number)
