"""An account, a request, a moment and a history, each as far as it is open: what the states of a proof are made of.

A history is what surely was recorded along a trace and, where a trace begins anywhere, what was before: then how often
each event happened within each window is open, but for what windows have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final, cast

from lawful import calendar, ir
from lawful.calendar import LIFETIME, Window
from lawful.ir import FieldDeclaration, Schema, Type, Value
from lawful.proofs import dates
from lawful.proofs.logic import (
    Bool,
    Meaning,
    Number,
    Term,
    both,
    choice,
    chosen,
    either,
    equal,
    given,
    implies,
    less,
    no_more,
    opposite,
)
from lawful.proofs.space import Space
from lawful.proofs.terms import Facts, constant

_NOON: Final = time(12)
_MOST_EVENTS: Final = 1_000_000
"""How often something may have happened before a trace begins."""

# -------------------------------------------------------------------------------------------------------- moments


class Now:
    """When a step is made. Its instant and its month are made up only where something reads them.

    `day`: at noon of that day; otherwise the day is open, too. What reads the clock is then worked out at once.
    """

    def __init__(self, space: Space, earlier: Now | None = None, day: date | None = None) -> None:
        low, high = space.clock
        self.space = space
        self.day = day
        self.today: Number = space.integer("today", low, high) if day is None else day.toordinal()
        self.earlier = earlier
        self._time: Number | None = None
        self._now: Number | None = None
        self._month: Number | None = None
        if earlier is not None:
            space.assume(no_more(earlier.today, self.today))

    @property
    def now(self) -> Number:
        """The instant, in microseconds since 1970."""
        if self._now is None and self.day is not None:
            self._now = dates.micros(calendar.instant_of(datetime.combine(self.day, _NOON), self.space.zone))
        if self._now is None:
            offset = dates.steady(self.space)
            if offset is None:
                self._now = self._somewhen()
            else:
                self._now = dates.instant_on(self.space, self.today, self.time, offset)
        return self._now

    def _somewhen(self) -> Number:
        """An instant of the day, where the clocks are moved now and then."""
        first, last = self.space.clock
        begin, end = (first - 1 - dates.EPOCH) * dates.DAY, (last + 2 - dates.EPOCH) * dates.DAY
        made = self.space.integer("now", begin, end)
        self.space.assume(equal(dates.local_day(self.space, made, self.space.zone)[0], self.today))
        if self.earlier is not None:
            self.space.assume(no_more(self.earlier.now, made))
        return made

    @property
    def time(self) -> Number:
        """What the clocks show, in microseconds since midnight: for where they are never moved. There, days and times
        are enough to tell which of two moments is the earlier."""
        if self._time is None and self.day is not None:
            self._time = dates.DAY // 2
        if self._time is None:
            self._time = self.space.integer("time", 0, dates.DAY - 1)
            if self.earlier is not None:
                same = equal(self.earlier.today, self.today)
                self.space.assume(implies(same, no_more(self.earlier.time, self._time)))
        return self._time

    def follows(self, other: Now) -> bool:
        """Whether it is later than the other, along one trace."""
        before = self.earlier
        while before is not None and before is not other:
            before = before.earlier
        return before is other

    @property
    def is_timed(self) -> bool:
        """Whether its instant matters: otherwise any time of the day will do."""
        return self._time is not None or self._now is not None

    @property
    def month(self) -> Number:
        """Its month's number among all months."""
        if self._month is None:
            self._month = dates.month_index(self.space, self.today)
        return self._month

    @property
    def year(self) -> Number:
        return self.space.once("year", (self.month,), self._made_year)

    def _made_year(self) -> Number:
        if isinstance(self.month, int):
            return self.month // 12
        year = self.space.integer("year", 1, 9999)
        self.space.assume(both(self.month >= 12 * year, self.month < 12 * (year + 1)))
        return year


# -------------------------------------------------------------------------------------------------------- history


@dataclass(frozen=True, slots=True)
class Made:
    """An event of a trace, where it was one."""

    event: str
    moment: Now
    happened: Bool


@dataclass(slots=True)
class Before:
    """What happened before a trace that begins anywhere: how often each event is in each window, by moment."""

    space: Space
    counts: dict[tuple[str, Window, int], tuple[Now, Number]] = field(default_factory=dict)

    def count(self, event: str, window: Window, moment: Now) -> Number:
        at = id(moment) if window != LIFETIME else 0
        key = (event, window, at)
        if key not in self.counts:
            if window.since is not None:
                self.count(event, window.whole, moment)  # what the other windows are compared with
            made = self.space.integer(f"{event}_in_{window}", 0, _MOST_EVENTS)
            self._relate(event, window, moment, made)
            self.counts[key] = (moment, made)
        return self.counts[key][1]

    def _relate(self, event: str, window: Window, moment: Now, made: Number) -> None:
        """A window holds no more than a wider one, and no more later on; nothing before the day that it counts from."""
        if window.since is not None:
            first = window.since.toordinal() - (0 if is_told_by_days(window.since, self.space) else 1)
            self.space.assume(either(made == 0, no_more(first, moment.today)))
        for (name, other, _), (then, count) in self.counts.items():
            if name != event:
                continue
            if other == window:
                self._later(window, then, count, moment, made)
            elif other == LIFETIME or (then is moment and within(window, other)):
                self.space.assume(made <= count)
            elif window == LIFETIME or (then is moment and within(other, window)):
                self.space.assume(count <= made)
            elif then is moment and window.since == other.since:
                self._overlap(Counted(window, made), Counted(other, count), moment)
            if then is moment:
                self._since(Counted(window, made), Counted(other, count), moment)
                self._since(Counted(other, count), Counted(window, made), moment)

    def _overlap(self, one: Counted, other: Counted, moment: Now) -> None:
        """Of a month or a year and so many days or months, whichever began earlier holds the other."""
        for fixed, rolling in ((one, other), (other, one)):
            begins = _begins_within(fixed.window, rolling.window, moment)
            if begins is not None:
                self.space.assume(
                    choice(begins, no_more(rolling.number, fixed.number), no_more(fixed.number, rolling.number))
                )

    def _since(self, one: Counted, other: Counted, moment: Now) -> None:
        """Once a window reaches back no further than to the day from which a wider one counts, that one holds it."""
        since = other.window.since
        if since is None or not within(one.window.whole, other.window.whole):
            return
        clear = _clear_from(one.window.whole, since, self.space)
        if clear is not None:
            self.space.assume(implies(no_more(clear, moment.today), no_more(one.number, other.number)))

    def _later(self, window: Window, one: Now, count: Number, other: Now, number: Number) -> None:
        if one.follows(other):
            one, count, other, number = other, number, one, count
        if not other.follows(one):
            return
        self.space.assume(number <= count)
        if window.unit == "lifetime":
            self.space.assume(equal(number, count))
        if is_calendar(window):
            same = equal(period_of(window, one), period_of(window, other))
            self.space.assume(choice(same, number == count, number == 0))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many events are in a window."""

    window: Window
    number: Number


def is_calendar(window: Window) -> bool:
    return window.unit in ("day", "month", "year")


def is_told_by_days(since: date, space: Space) -> bool:
    """Whether days tell what happened from that day on: not where the clocks may show it, and then the day before."""
    zone = space.zone
    return dates.steady(space) is not None or calendar.is_steady(calendar.opening(since, zone), zone)


def _clear_from(window: Window, since: date, space: Space) -> int | None:
    """A day from which on nothing counts that was before the other; None where it always does."""
    leaves = calendar.expiry(window, calendar.opening(since, space.zone), space.zone)
    if leaves is None:
        return None
    first = since.replace(day=1, month=1 if window.unit == "year" else since.month)
    if window.unit == "day" or (is_calendar(window) and first == since):
        clear = since
    else:
        clear = calendar.day_of(leaves, space.zone)
    # until the end of that day what was late on the day before may count, and the clocks may be moved
    return clear.toordinal() + (0 if is_calendar(window) and is_told_by_days(since, space) else 2)


def _begins_within(calendar: Window, rolling: Window, moment: Now) -> Bool | None:
    """Whether the rolling window begins in the month or the year that it is; None where that is not told.

    What happened on the first day of it counts until the same time of that day, so much later: days do to tell.
    """
    match calendar.unit, rolling.unit:
        case "month", "days":
            return equal(dates.month_index(moment.space, moment.today - rolling.length), moment.month)
        case "year", "days":
            month = dates.month_index(moment.space, moment.today - rolling.length)
            return no_more(12 * moment.year, month)
        case "year", "months":
            return no_more(12 * moment.year, moment.month - rolling.length)
        case _:
            return None


def period_of(window: Window, moment: Now) -> Number:
    match window.unit:
        case "day":
            return moment.today
        case "month":
            return moment.month
        case _:
            return moment.year


def within(narrow: Window, wide: Window) -> bool:
    """Whether every event in the one is in the other, seen from the same moment, whenever that is.

    >>> within(Window("day"), Window("month")), within(Window("days", 30), Window("month"))
    (True, False)
    """
    if wide.since is not None and (narrow.since is None or narrow.since < wide.since):
        return False
    narrow, wide = narrow.whole, wide.whole
    if wide.unit == "lifetime" or narrow == wide or (narrow.unit == "day" and wide.unit != "day"):
        return True
    match narrow.unit, wide.unit:
        case "month", "year":
            return True
        case ("days", "days") | ("months", "months"):
            return narrow.length <= wide.length
        case "days", "months":
            return narrow.length <= wide.length * 28
        case "months", "days":
            return narrow.length * 31 <= wide.length
        case "month", ("days" | "months"):
            return wide.length >= (31 if wide.unit == "days" else 1)
        case "year", ("days" | "months"):
            return wide.length >= (366 if wide.unit == "days" else 12)
        case _:
            return False


@dataclass(frozen=True, slots=True)
class History:
    """What was before a trace, if anything was, and what the trace has made so far."""

    space: Space
    before: Before | None = None
    made: tuple[Made, ...] = ()
    whole: Bool = True

    def then(self, events: Iterable[Made]) -> History:
        fresh = tuple(each for each in events if each.happened is not False)
        return History(self.space, self.before, (*self.made, *fresh), self.whole)

    def count(self, events: tuple[str, ...], window: Window, moment: Any) -> Number:
        total: Number = 0
        if self.before is not None:
            for event in events:
                total = total + self.before.count(event, window, moment)
        for each in self.made:
            if each.event in events:
                total = total + choice(both(each.happened, self._counts(each, window, moment)), 1, 0)
        return total

    def _counts(self, made: Made, window: Window, moment: Now) -> Bool:
        if window.since is None:
            return self._counts_still(made, window, moment)
        return both(self._is_since(made.moment, window.since), self._counts_still(made, window.whole, moment))

    def _is_since(self, made: Now, since: date) -> Bool:
        if is_told_by_days(since, self.space):
            return no_more(since.toordinal(), made.today)
        return no_more(dates.micros(calendar.opening(since, self.space.zone)), made.now)

    def _counts_still(self, made: Made, window: Window, moment: Now) -> Bool:
        if window.unit == "lifetime" or made.moment is moment:
            return True
        if made.moment.day is not None and moment.day is not None:
            event, at = dates.instant(cast("int", made.moment.now)), dates.instant(cast("int", moment.now))
            return calendar.counts(window, event, at, self.space.zone)
        if window.unit in ("days", "months"):
            if dates.steady(self.space) is not None:
                return self._counts_by_day(made.moment, window, moment)
            leaves, ever = dates.expiry(self.space, made.moment.now, window.unit, window.length)
            return either(moment.now < leaves, opposite(ever))
        return equal(period_of(window, made.moment), period_of(window, moment))

    def _counts_by_day(self, made: Now, window: Window, moment: Now) -> Bool:
        """Of a rolling window, where the clocks are never moved: until the same time of the day that it ends on."""
        if window.unit == "months":
            leaves, ever = dates.add_months(self.space, made.today, window.length)
        else:
            leaves, ever = made.today + window.length, True
        on_that_day = both(equal(moment.today, leaves), less(moment.time, made.time))
        return either(less(moment.today, leaves), on_that_day, opposite(ever))


# ---------------------------------------------------------------------------------------------------------- facts


def fresh(space: Space, name: str, type: Type, low: Value | None = None, high: Value | None = None) -> Any:
    """A value of the type that is open: within its bounds, and within what the type has."""
    match type.kind:
        case "bool":
            return space.boolean(name)
        case "set":
            return tuple(space.boolean(f"{name}_{value}") for value in type.values)
        case "enum":
            return space.integer(name, 0, len(type.values) - 1)
        case "string":
            return space.text(name)
        case _:
            least, most = _RANGES[type.kind]
            return space.integer(
                name,
                least if low is None else constant(space, low, type).value,
                most if high is None else constant(space, high, type).value,
            )


_RANGES: Final = {
    "int": (ir.INT_MIN, ir.INT_MAX),
    "date": (dates.FIRST, dates.LAST),
    "timestamp": (dates.EARLIEST, dates.LATEST),
}


def fresh_fact(space: Space, name: str, declaration: FieldDeclaration) -> Meaning:
    """A fact of an account or a request: known or not, unless a default fills it."""
    value = fresh(space, name, declaration.type, declaration.minimum, declaration.maximum)
    known: Bool = True if declaration.default is not None else space.boolean(f"{name}_known")
    if declaration.type == ir.BOOL:
        return given(value, known)
    return Term(value, known)


def fresh_facts(space: Space, prefix: str, schema: Schema) -> dict[str, Meaning]:
    return {name: fresh_fact(space, f"{prefix}.{name}", each) for name, each in schema.items()}


class Lazy(dict[str, Meaning]):
    """Facts that are made up when something reads them: most of a request nobody does."""

    def __init__(self, space: Space, prefix: str, schema: Schema) -> None:
        super().__init__()
        self._space, self._prefix, self._schema = space, prefix, schema

    def get(self, name: str, otherwise: Any = None) -> Any:
        if name not in self and name in self._schema:
            self[name] = fresh_fact(self._space, f"{self._prefix}.{name}", self._schema[name])
        return super().get(name, otherwise)


@dataclass(frozen=True, slots=True)
class State:
    """An account between two changes, with what happened to it."""

    account: Facts
    features: Facts
    history: History


def some_state(space: Space, program: ir.Program, *, prefix: str = "account") -> State:
    """Any state at all: any facts, any features, any history."""
    features: dict[str, Meaning] = {
        name: given(space.boolean(f"{prefix}.features.{name}"), True) for name in program.features
    }
    return State(fresh_facts(space, prefix, program.account), features, History(space, Before(space)))


def filled(space: Space, schema: Mapping[str, FieldDeclaration], facts: Facts) -> dict[str, Meaning]:
    """The facts as they will be read again: what is unknown has its default."""
    found = dict(facts)
    for name, declaration in schema.items():
        if declaration.default is not None and name in found:
            default = constant(space, declaration.default, declaration.type)
            held = found[name]
            if held.known is not True:
                found[name] = chosen(held.known, held, default)
    return found
