"""Days, months and local days as terms: loose at first, exact where a model was wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import z3

from lawful import calendar
from lawful.proofs.logic import Bool, Number, both, choice, either, implies
from lawful.proofs.space import Model, Space

DAY: Final = 86_400_000_000
"""In microseconds."""
EPOCH: Final = date(1970, 1, 1).toordinal()
FIRST: Final = date.min.toordinal()
LAST: Final = date.max.toordinal()
EARLIEST: Final = (FIRST - EPOCH) * DAY
LATEST: Final = (LAST + 1 - EPOCH) * DAY - 1
_FARTHEST: Final = 16 * 3_600_000_000
"""More than any zone was ever away from UTC."""
_WIDEST_GAP: Final = 3 * 3_600_000_000
"""No clock that a zone of our time has was moved by more."""
_PIECES: Final = 3
"""How many stretches are told one by one before the whole calendar is."""
_BEFORE: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)

_ORIGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """An instant as a number.

    >>> micros(datetime(1970, 1, 2, tzinfo=UTC)) == DAY
    True
    """
    return (at - _ORIGIN) // timedelta(microseconds=1)


def instant(number: int) -> datetime:
    return _ORIGIN + timedelta(microseconds=number)


# ------------------------------------------------------------------------------------------------------ calendars


@dataclass(frozen=True, slots=True)
class Civil:
    """A day's year, its month from 1 on and the day of that."""

    year: Number
    month: Number
    day: Number


def civil(space: Space, ordinal: Number) -> Civil:
    """The parts of a day, exactly: cycles of 400, 100, 4 and 1 years, as the Gregorian calendar has them."""
    if isinstance(ordinal, int):
        known = date.fromordinal(min(max(ordinal, FIRST), LAST))
        return Civil(known.year, known.month, known.day)
    return space.once("civil", (ordinal,), lambda: _civil(space, ordinal))


def _civil(space: Space, ordinal: z3.ArithRef) -> Civil:
    a, b = space.integer("a", 0, 24), space.integer("b", 0, 3)
    c, d = space.integer("c", 0, 24), space.integer("d", 0, 3)
    day = space.integer("day_of_year", 0, 365)
    leap = both(d == 3, either(c != 24, b == 3))
    space.assume(ordinal - 1 == 146097 * a + 36524 * b + 1461 * c + 365 * d + day)
    space.assume(either(day < 365, leap))
    month = space.integer("month", 1, 12)
    first: Number = 0
    for number in range(1, 13):
        begins = _first(number, leap)
        space.assume(implies(month == number, both(day >= begins, day < _first(number + 1, leap))))
        first = choice(month == number, begins, first)
    return Civil(400 * a + 100 * b + 4 * c + d + 1, month, day - first + 1)


def _first(month: int, leap: Bool) -> Number:
    """The days of a year before its month."""
    days = _BEFORE[month - 1]
    return days if month <= 2 else choice(leap, days + 1, days)


def _ordinal(space: Space, year: Number, month: Number, day: Number) -> Number:
    """The day of that year and month, or the month's last where it has no such day."""
    a, b = space.integer("a", 0, 24), space.integer("b", 0, 3)
    c, d = space.integer("c", 0, 24), space.integer("d", 0, 3)
    space.assume(year == 400 * a + 100 * b + 4 * c + d + 1)
    leap = both(d == 3, either(c != 24, b == 3))
    first: Number = 0
    longest: Number = 31
    for number in range(1, 13):
        first = choice(month == number, _first(number, leap), first)
        length = choice(leap, 29, 28) if number == 2 else _BEFORE[number] - _BEFORE[number - 1]
        longest = choice(month == number, length, longest)
    clamped = choice(day <= longest, day, longest)
    return 146097 * a + 36524 * b + 1461 * c + 365 * d + first + clamped


@dataclass(slots=True)
class _Months:
    """Which month of all months a day is in."""

    space: Space
    day: Number
    index: z3.ArithRef
    told: list[Bool] = field(default_factory=list)
    exact: bool = False

    def lemmas(self, model: Model) -> list[Bool]:
        if self.exact:
            return []
        day = date.fromordinal(min(max(model.number(self.day), FIRST), LAST))
        index = day.year * 12 + day.month - 1
        if model.number(self.index) == index:
            return []
        if len(self.told) == _PIECES:
            self.exact = True
            self.told.clear()
            parts = civil(self.space, self.day)
            return [self.index == parts.year * 12 + parts.month - 1]
        first = day.replace(day=1)
        following = calendar.add_months(first, 1)
        last = LAST if following is None else following.toordinal() - 1
        here = both(self.day >= first.toordinal(), self.day <= last)
        self.told.append(here)
        return [implies(here, self.index == index)]


def month_index(space: Space, day: Number) -> Number:
    """The number of months up to a day: two days are in one month if it is the same."""
    if isinstance(day, int):
        known = date.fromordinal(day)
        return known.year * 12 + known.month - 1
    return space.once("months", (day,), lambda: _month_index(space, day))


def _month_index(space: Space, day: z3.ArithRef) -> z3.ArithRef:
    index = space.integer("months", 12, 12 * 10_000)
    # 146097 days are 4800 months; no month begins further than three days from there.
    space.assume(146097 * (index - 12) <= 4800 * (day + 3))
    space.assume(4800 * (day - 35) <= 146097 * (index - 12))
    space.doubts.append(_Months(space, day, index))
    return index


@dataclass(slots=True)
class _Shifted:
    """A day some months later."""

    space: Space
    day: Number
    months: Number
    result: z3.ArithRef
    known: z3.BoolRef
    matters: Bool
    told: list[Bool] = field(default_factory=list)
    exact: bool = False

    def lemmas(self, model: Model) -> list[Bool]:
        if self.exact or not model.holds(self.matters):
            return []
        day = date.fromordinal(min(max(model.number(self.day), FIRST), LAST))
        months = model.number(self.months)
        there = calendar.add_months(day, months)
        agrees = model.holds(self.known) == (there is not None)
        if agrees and (there is None or model.number(self.result) == there.toordinal()):
            return []
        if len(self.told) == _PIECES or there is None:
            self.exact = True
            self.told.clear()
            return self._exactly()
        here = both(self.months == months, *_same_stretch(self.day, day, there))
        moved = self.day + (there.toordinal() - day.toordinal()) if there.day == day.day else there.toordinal()
        self.told.append(here)
        return [implies(here, both(self.known, self.result == moved))]

    def _exactly(self) -> list[Bool]:
        parts = civil(self.space, self.day)
        index = self.space.integer("index")
        self.space.assume(index == parts.year * 12 + parts.month - 1 + self.months)
        year, month = self.space.integer("year"), self.space.integer("month", 1, 12)
        self.space.assume(index == year * 12 + month - 1)
        inside = both(year >= 1, year <= 9999)
        clamped = choice(inside, year, 1)
        there = _ordinal(self.space, clamped, month, parts.day)
        return [self.known == inside, implies(inside, self.result == there)]


def _same_stretch(term: Number, day: date, there: date) -> list[Bool]:
    """The days around this one that move by as much, or to the same day."""
    first = day.replace(day=1)
    if there.day != day.day:  # clamped: every day from this one's end on goes to the month's last
        low = first.replace(day=there.day)
        return [term >= low.toordinal(), term < _next_month(first)]
    last = min(_next_month(first), first.toordinal() + (_next_month(there.replace(day=1)) - _first_of(there)))
    return [term >= first.toordinal(), term < last]


def _first_of(day: date) -> int:
    return day.replace(day=1).toordinal()


def _next_month(first: date) -> int:
    following = calendar.add_months(first, 1)
    return LAST + 1 if following is None else following.toordinal()


def add_months(space: Space, day: Number, months: Number, matters: Bool = True) -> tuple[Number, Bool]:
    """The day so many months later, clamped to the month's end; and whether there is one.

    `matters`: whether anybody asks, the operands being known; likewise below.
    """
    if isinstance(day, int) and isinstance(months, int):
        there = calendar.add_months(date.fromordinal(day), months)
        return (0, False) if there is None else (there.toordinal(), True)
    return space.once("later", (day, months, matters), lambda: _add_months(space, day, months, matters))


def _add_months(space: Space, day: Number, months: Number, matters: Bool) -> tuple[Number, Bool]:
    result = space.integer("later", FIRST, LAST)
    known: z3.BoolRef = space.boolean("later_known")
    if isinstance(months, int):
        low, high = _between(months)
        space.assume(implies(known, both(result >= day + low, result <= day + high)))
        space.assume(known == both(*_inside(day, months)))
    space.doubts.append(_Shifted(space, day, months, result, known, matters))
    return result, known


def _between(months: int) -> tuple[int, int]:
    """How many days a number of months can be."""
    if months % 12 == 0:
        years = months // 12
        least = years * 365 + years * 97 // 400
        return least - 2, least + 3
    about = months * 146097 // 4800
    return about - 4, about + 5


def _inside(day: Number, months: int) -> list[Bool]:
    """Whether the calendar has a day so many months away."""
    if months >= 0:
        last = calendar.add_months(date(9999, 12, 1), -months)
        return [False] if last is None else [day < _next_month(last)]
    first = calendar.add_months(date.min, -months)
    return [False] if first is None else [day >= first.toordinal()]


def day_of_week(space: Space, day: Number) -> Number:
    """Sunday is 0."""
    if isinstance(day, int):
        return day % 7
    return space.once("week", (day,), lambda: _day_of_week(space, day))


def _day_of_week(space: Space, day: z3.ArithRef) -> z3.ArithRef:
    week, number = space.integer("week"), space.integer("day_of_week", 0, 6)
    space.assume(day == 7 * week + number)
    return number


# ----------------------------------------------------------------------------------------------------- local days


@dataclass(slots=True)
class _Offset:
    """How far local time is from UTC at an instant."""

    zone: ZoneInfo
    at: Number
    offset: z3.ArithRef
    matters: Bool
    told: list[Bool] = field(default_factory=list)

    def lemmas(self, model: Model) -> list[Bool]:
        number = model.number(self.at)
        if not (EARLIEST <= number <= LATEST and model.holds(self.matters)):
            return []
        begins, ends, offset = stretch(self.zone, number)
        if model.number(self.offset) == offset:
            return []
        here = both(self.at >= begins, self.at < ends)
        self.told.append(here)
        return [implies(here, self.offset == offset)]


def local_day(space: Space, at: Number, zone: ZoneInfo, matters: Bool = True) -> tuple[Number, Number]:
    """The local day of an instant, and how far local time is from UTC then."""
    if isinstance(at, int):
        day = calendar.day_of(instant(at), zone)
        return day.toordinal(), _offset_at(zone, at)
    return space.once("local", (at, zone.key, matters), lambda: _local_day(space, at, zone, matters))


def _local_day(space: Space, at: z3.ArithRef, zone: ZoneInfo, matters: Bool) -> tuple[Number, Number]:
    always = steady_offset(zone, EARLIEST, LATEST)
    if always is not None:
        offset: Number = always
    else:
        offset = space.integer("offset", -_FARTHEST, _FARTHEST)
        space.doubts.append(_Offset(zone, at, offset, matters))
    day_term = space.integer("local_day", FIRST, LAST)
    begins = (day_term - EPOCH) * DAY
    # At the ends of time, where local time leaves the calendar, the day in UTC: the bounds of the day see to that.
    space.assume(either(begins <= at + offset, day_term == FIRST))
    space.assume(either(at + offset < begins + DAY, day_term == LAST))
    return day_term, offset


def instant_on(space: Space, day: Number, time: Number, offset: int) -> Number:
    """The instant at which the clocks of the policy show that, so far from UTC as they always are."""
    at = (day - EPOCH) * DAY + time - offset
    space.once("local", (at, space.zone.key, True), lambda: (day, offset))
    return at


def steady(space: Space) -> int | None:
    """How far the clocks of the policy are from UTC, where they are never moved while decisions are made."""
    first, last = space.clock
    return steady_offset(space.zone, (first - 1 - EPOCH) * DAY, (last + 2 - EPOCH) * DAY)


_STEADY: dict[tuple[str, int, int], int | None] = {}


def steady_offset(zone: ZoneInfo, begins: int, ends: int) -> int | None:
    """How far local time is from UTC between two instants, where it is always as far; None where it is not."""
    key = (zone.key, begins, ends)
    if key not in _STEADY:
        if zone.key in ("UTC", "Etc/UTC"):
            _STEADY[key] = 0
        elif ends - begins > 366 * 300 * DAY:
            _STEADY[key] = None  # so long no clock was left alone
        else:
            step = 7 * DAY  # no zone moves its clocks and back again sooner
            found = {_offset_at(zone, each) for each in (*range(begins, ends, step), ends)}
            _STEADY[key] = found.pop() if len(found) == 1 else None
    return _STEADY[key]


def _offset_at(zone: ZoneInfo, at: int) -> int:
    try:
        shift = instant(min(max(at, EARLIEST), LATEST)).astimezone(zone).utcoffset()
    except OverflowError:
        return 0
    return 0 if shift is None else shift // timedelta(microseconds=1)


def stretch(zone: ZoneInfo, at: int) -> tuple[int, int, int]:
    """The time around an instant in which local time is as far from UTC as then: its begin, its end, how far."""
    offset = _offset_at(zone, at)
    return _edge(zone, at, offset, -1), _edge(zone, at, offset, 1), offset


def _edge(zone: ZoneInfo, at: int, offset: int, direction: Literal[-1, 1]) -> int:
    """Where the offset changes, within some years: found by steps of a week, then by halving."""
    inside, limit = at, EARLIEST if direction < 0 else LATEST
    for _ in range(300):
        outside = inside + direction * 7 * DAY
        if (outside - limit) * direction >= 0:
            return limit
        if _offset_at(zone, outside) != offset:
            break
        inside = outside
    else:
        return inside
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if _offset_at(zone, middle) == offset:
            inside = middle
        else:
            outside = middle
    return inside if direction < 0 else outside


# -------------------------------------------------------------------------------------------------------- windows


def expiry(space: Space, now: Number, unit: Literal["days", "months"], length: int) -> tuple[Number, Bool]:
    """When an event of that instant counts no more, and whether it ever does so: for where the clocks are moved."""
    return space.once("expiry", (now, unit, length), lambda: _expiry(space, now, unit, length))


def _expiry(space: Space, now: Number, unit: Literal["days", "months"], length: int) -> tuple[Number, Bool]:
    today, offset = local_day(space, now, space.zone)
    if unit == "months":
        day, known = add_months(space, today, length)
    else:
        day, known = today + length, today + length <= LAST
    moved = now + (day - today) * DAY
    leaves = space.integer("leaves")
    _, there = local_day(space, leaves, space.zone)
    # The clocks may have been moved in between; a local time that does not exist moves by the gap.
    gap = space.integer("gap", 0, _WIDEST_GAP)
    space.assume(leaves == moved + offset - there + gap)
    space.doubts.append(_Gap(space.zone, leaves, gap))
    return leaves, known


@dataclass(slots=True)
class _Gap:
    """By how much a local time that does not exist moves: only next to where the clocks do."""

    zone: ZoneInfo
    at: Number
    gap: z3.ArithRef
    told: list[Bool] = field(default_factory=list)

    def lemmas(self, model: Model) -> list[Bool]:
        at, gap = model.number(self.at), model.number(self.gap)
        begins, ends, offset = stretch(self.zone, at)
        # By how much the clocks were moved when this stretch began.
        forward = offset - _offset_at(self.zone, begins - 1)
        soon = at < begins + abs(forward)
        if not (soon and forward < 0) if gap == 0 else soon and gap == forward:
            return []
        here = both(self.at >= begins, self.at < ends)
        self.told.append(here)
        soon_after = self.at < begins + abs(forward)
        if forward > 0:
            right = either(self.gap == 0, both(self.gap == forward, soon_after))
        else:  # of a doubled time the earlier one is meant: nothing comes out in the second hour
            right = both(self.gap == 0, self.at >= begins - forward)
        return [implies(here, right)]
