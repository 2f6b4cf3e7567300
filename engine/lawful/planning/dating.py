"""From which day on what a request tells is to be old enough: from the plan's first day, and then one waits.

A plan is what can be done. A resolution that is to be 28 days old is passed today and waited for; that one was passed
28 days ago can only be found out, and no plan rests on it where waiting will do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.thresholds import turning_instants
from lawful.ir import Expr, Field, Program, Value, walk
from lawful.planning.cone import Cone
from lawful.planning.setting import Setting, State


class Dating(Struct):
    """Of the facts of one cone's requests that are days, and that waiting makes old enough."""

    setting: Setting
    turns: dict[str, tuple[Instant, ...]]
    """Of each when something turns, if it was the plan's first day."""
    left_out: bool = False
    """Whether a day before the plan's first might have done."""

    @classmethod
    def of(cls, setting: Setting, cone: Cone, begin: State, until: Instant) -> Dating:
        asked: dict[str, list[Expr]] = {}
        for leaf in cone.timing.leaves if setting.obtains else ():
            for name in _request_days(leaf, setting.judge.program) - set(setting.facts):
                asked.setdefault(name, []).append(leaf)
        turns = {}
        for name, leaves in asked.items():
            first = setting.situation(begin, {name: _first(setting, name)})
            found = turning_instants(leaves, first, until).found
            turns[name] = tuple(each for each in found if isinstance(each, datetime))
        return cls(setting, {name: instants for name, instants in turns.items() if instants})

    def after(self, at: Instant) -> set[Instant]:
        """When what was told on the first day has become old enough, or too old."""
        return {each for instants in self.turns.values() for each in instants if each > at}

    def possible(self, name: str, values: Iterable[Value]) -> list[Value]:
        """Those of the values that need not have been so before the plan begins."""
        if name not in self.turns:
            return list(values)
        first = _first(self.setting, name)
        every = list(values)
        kept = [each for each in every if each >= first]  # type: ignore[operator]  # of one type
        self.left_out = self.left_out or len(kept) < len(every)
        return kept


def _request_days(expr: Expr, program: Program) -> set[str]:
    fields = (node for node in walk(expr) if isinstance(node, Field) and node.owner == "request")
    return {each.name for each in fields if program.request[each.name].type.kind in ("date", "timestamp")}


def _first(setting: Setting, name: str) -> date | Instant:
    is_date = setting.judge.program.request[name].type.kind == "date"
    return calendar.day_of(setting.start, setting.judge.zone) if is_date else setting.start
