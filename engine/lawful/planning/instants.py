"""When it is worth asking again: the instants at which anything on the way to a goal may come out otherwise.

Between two of them nothing turns. What an effect writes by the clock also depends on when it is written: for that the
last day before each turn is tried, and the days from which on the value reaches what it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lawful import calendar
from lawful.calendar import Instant, Window
from lawful.deciding.thresholds import Turns, turning_instants, turning_values
from lawful.ir import Compare, Constant, Expr
from lawful.planning.cone import Cone
from lawful.planning.setting import Bounds, Cut, Setting, State

_MOST_INSTANTS: Final = 96
_WORK_OF_A_TURN: Final = 20
_WORK_FOR_RARE_DAYS: Final = 10_000
"""With less than that, as `check` has for remedies, they are not looked for."""


class Instants:
    """Those of one cone. What had to be left out is told in `cut`."""

    def __init__(self, setting: Setting, cone: Cone, bounds: Bounds, cut: set[Cut]) -> None:
        self.setting = setting
        self.cone = cone
        self.bounds = bounds
        self.cut = cut
        self._timing = cone.timing
        self.work = 0
        """What looking for turns took, as so many rules judged."""
        self._turns: dict[object, Turns] = {}
        self._expiries: dict[tuple[Window, Instant], Instant | None] = {}
        zone = setting.judge.zone
        self._edges = frozenset(calendar.start_of(day, zone) for day in cone.edges)

    def after(self, state: State) -> list[Instant]:
        """Those later than the state's own, in order."""
        turns = self._of_the_clock(state)
        found = {each for each in turns.found if isinstance(each, Instant)}
        found.update(self._forgotten(state))
        found |= self._edges
        if not turns.exact:
            self.cut.add("dates")
        if turns.later or any(each > self.bounds.until for each in found):
            self.cut.add("later")
        if self.cone.timely:
            for count in self._timing.counts:  # what is done at a month's end leaves room for more soon after
                found.update(self._expiry(count.window, state.at))
            found.update(self._days_before(list(found)))
        within = sorted(each for each in found if state.at < each <= self.bounds.until)
        if len(within) > _MOST_INSTANTS:
            self.cut.add("dates")
        return within[:_MOST_INSTANTS]

    def _of_the_clock(self, state: State) -> Turns:
        """Of all time to come from the start on: what a state adds is which facts it has."""
        by_history = self._timing.by_history
        history = (state.events, state.at) if by_history else None
        key = (tuple(state.account.get(name) for name in self._timing.fields), history)
        if key not in self._turns:
            begin = state if by_history else State(state.account, state.features, (), self.setting.start)
            self._turns[key] = self._searched(begin)
        return self._turns[key]

    def _searched(self, begin: State) -> Turns:
        self.work += _WORK_OF_A_TURN * (len(self._timing.leaves) + len(self.cone.written_by_clock))
        situation = self.setting.situation(begin, {})
        rare = self.bounds.work >= _WORK_FOR_RARE_DAYS
        every = [turning_instants(self._timing.leaves, situation, self.bounds.until, rare=rare)]
        program = self.setting.judge.program
        for name, written in self.cone.written_by_clock:
            declaration = program.account[name]
            if declaration.type.kind not in ("date", "timestamp"):
                continue
            reached = turning_values(self.cone.read, declaration, situation).found
            reaching: list[Expr] = [Compare(">=", written, Constant(each, declaration.type)) for each in reached]
            every.append(turning_instants(reaching, situation, self.bounds.until))
        found = {each for turns in every for each in turns.found}
        return Turns(tuple(found), all(each.exact for each in every), any(each.later for each in every))

    def _forgotten(self, state: State) -> Iterator[Instant]:
        """When a counted event counts no more, and when what is known of the history covers a window."""
        times = list(state.events)
        since = self.setting.unknown_before
        for count in self._timing.counts:
            if count.window.since is not None:
                yield calendar.opening(count.window.since, self.setting.judge.zone)
            for name, when in times:
                if name in count.events:
                    yield from self._expiry(count.window, when)
            if since is not None:
                yield from self._expiry(count.window, since)

    def _expiry(self, window: Window, when: Instant) -> Iterator[Instant]:
        key = (window, when)
        if key not in self._expiries:
            expires = calendar.expiry(window, when, self.setting.judge.zone)
            self._expiries[key] = None if expires is None else calendar.not_just_before(expires)
        expires = self._expiries[key]
        if expires is not None:
            yield expires

    def _days_before(self, edges: Iterable[Instant]) -> Iterator[Instant]:
        zone = self.setting.judge.zone
        for edge in edges:
            before = calendar.add_days(calendar.day_of(edge, zone), -1)
            if before is not None:
                yield calendar.start_of(before, zone)
