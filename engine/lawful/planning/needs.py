"""What an account is needed for: features, and actions at some rate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, cast

from lawful.diagnostics import Problem, RequestError, near
from lawful.ir import Program
from lawful.question import Asked

Unit = Literal["day", "month", "year"]
_NEED: Final = re.compile(r"(\S+)(?:\s+([1-9][0-9]{0,3})\s+(?:per|a)\s+(day|month|year))?")


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
    found: dict[object, Need] = {}
    problems: list[Problem] = []
    for text in given:
        if not isinstance(text, str):
            problems.append(Problem("need", f"`{text}` is no text", "name a feature or an action"))
            continue
        need = _need(text.strip(), program)
        if isinstance(need, Problem):
            problems.append(need)
        else:
            found.setdefault((need.asked.kind, need.asked.name, need.times, need.per), need)
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
