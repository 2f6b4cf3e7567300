"""Days, months, windows and local times: the arithmetic of calendars, decided once.

Instants are aware `datetime`s in UTC, days are `date`s. A policy's zone says where days and months begin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Instant: TypeAlias = datetime
"""An aware `datetime` in UTC, to the microsecond."""

CalendarUnit = Literal["lifetime", "day", "month", "year"]
RollingUnit = Literal["days", "months"]

_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_ONE_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST: Final = timedelta(microseconds=(2**63 - 1) // 1000)
"""What CEL can give as the time between two instants: 64 bits of nanoseconds, some 292 years."""


@dataclass(frozen=True, slots=True)
class Window:
    """Over which stretch of time events are counted: `length` is for the rolling units only.

    What happened before the local midnight with which the day `since` begins counts never.
    """

    unit: CalendarUnit | RollingUnit
    length: int = 0
    since: date | None = None

    def __str__(self) -> str:
        stretch = f"{self.length} {self.unit}" if self.length else self.unit
        return stretch if self.since is None else f"{stretch} since {self.since}"

    @property
    def whole(self) -> Window:
        """The same stretch of time, whatever the day."""
        return self if self.since is None else replace(self, since=None)


LIFETIME: Final = Window("lifetime")


def window(text: str) -> Window | None:
    """The window that CEL's `count` names: `lifetime day month year`, `30 days`, `6 months`; None where it names none.

    >>> window("30 days"), window("fortnight")
    (Window(unit='days', length=30, since=None), None)
    >>> window("lifetime since 1997-01-02")
    Window(unit='lifetime', length=0, since=datetime.date(1997, 1, 2))
    """
    stretch, marked, day = text.partition(" since ")
    since = iso_day(day)
    if marked and since is None:
        return None
    match stretch:
        case "lifetime" | "day" | "month" | "year":
            return Window(stretch, since=since)
        case _:
            pass
    found = re.fullmatch(r"([1-9][0-9]{0,4}) (day|month)s?", stretch)
    if found is None:
        return None
    return Window("days" if found[2] == "day" else "months", int(found[1]), since)


def iso_day(text: str) -> date | None:
    """
    >>> iso_day("2024-02-29"), iso_day("2023-02-29")
    (datetime.date(2024, 2, 29), None)
    """
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def day_of(at: Instant, where: ZoneInfo) -> date:
    """The local day of an instant. At the ends of time, where local time leaves the calendar, the day in UTC."""
    try:
        return at.astimezone(where).date()
    except OverflowError:
        return at.date()


def shown(at: Instant, where: ZoneInfo) -> tuple[int, int, int, int]:
    """Year, month, day and day of the week (Sunday is 0) that the clocks show.

    At the ends of time they may show the last day of the year 0 or the first of the year 10000, as in CEL.
    """
    try:
        day = at.astimezone(where).date()
    except OverflowError:
        return (0, 12, 31, 0) if at.year == 1 else (10_000, 1, 1, 6)
    return day.year, day.month, day.day, day.isoweekday() % 7


def instant_of(local: datetime, where: ZoneInfo) -> Instant:
    """The instant of a naive local time: of a doubled one the earlier; one that does not exist moves by the gap.

    Raises OverflowError where the instant is outside the years 1 to 9999.
    """
    # PEP 495: fold=0 takes the offset before a gap, which lands behind it, and the first of a doubled time.
    return local.replace(tzinfo=where, fold=0).astimezone(UTC)


def exists(local: datetime, where: ZoneInfo) -> bool:
    """Whether the clocks of `where` ever show this naive local time."""
    try:
        there = instant_of(local, where).astimezone(where)
    except OverflowError:
        return False
    return there.replace(tzinfo=None, fold=0) == local


def start_of(day: date, where: ZoneInfo) -> Instant:
    """The first instant of a local day; the edge of time where that is outside the calendar."""
    try:
        return instant_of(datetime(day.year, day.month, day.day), where)
    except OverflowError:
        return _EARLIEST if day.year == 1 else _LATEST


def between(later: Instant, earlier: Instant) -> timedelta | None:
    """The time from one instant to another, as CEL has it; None where it is longer than 64 bits of nanoseconds."""
    length = later - earlier
    return length if -_LONGEST <= length <= _LONGEST else None


def add_days(day: date, days: int) -> date | None:
    """None where the result is outside the years 1 to 9999; likewise below."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def add_months(day: date, months: int) -> date | None:
    """Clamped to the month's end.

    >>> add_months(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def add_years(day: date, years: int) -> date | None:
    """Clamped to the month's end: 29 February becomes the 28th."""
    return add_months(day, years * 12)


def counts(span: Window, event: Instant, at: Instant, where: ZoneInfo) -> bool:
    """Whether an event counts at `at`, given that it happened by then."""
    if span.since is not None and event < opening(span.since, where):
        return False
    match span.unit:
        case "lifetime":
            return True
        case "day" | "month" | "year":
            return in_period(span.unit, day_of(event, where), day_of(at, where))
        case "days" | "months":
            leaves = expiry(span, event, where)
            return leaves is None or at < leaves


@lru_cache(512)
def opening(since: date, where: ZoneInfo) -> Instant:
    """The first instant that counts in a window since that day: `start_of`, kept."""
    return start_of(since, where)


def in_period(unit: Literal["day", "month", "year"], day: date, today: date) -> bool:
    """Whether a day is in the same day, month or year."""
    match unit:
        case "day":
            return day == today
        case "month":
            return (day.year, day.month) == (today.year, today.month)
        case "year":
            return day.year == today.year


def period(unit: Literal["day", "month", "year"], today: date, where: ZoneInfo) -> tuple[Instant, Instant] | None:
    """Where a day, month or year begins, and the next; None where that is not all there is to be said.

    The clocks may show a local day, then the one before it again: an instant is in the period if and only if it lies
    between the two, provided that they do not move around either.
    """
    first = today if unit == "day" else today.replace(day=1) if unit == "month" else today.replace(month=1, day=1)
    last = add_days(first, 1) if unit == "day" else add_months(first, 1 if unit == "month" else 12)
    if last is None or first.year == 1:
        return None
    begins, ends = start_of(first, where), start_of(last, where)
    return (begins, ends) if is_steady(begins, where) and is_steady(ends, where) else None


_HOURS_AROUND: Final = [timedelta(hours=hours) for hours in range(-48, 49, 4)]


def is_steady(at: Instant, where: ZoneInfo) -> bool:
    """Whether the clocks are not moved within two days of an instant."""
    try:
        return len({(at + each).astimezone(where).utcoffset() for each in _HOURS_AROUND}) == 1
    except OverflowError:
        return False


def not_just_before(at: Instant) -> Instant:
    """The second that begins a microsecond later, where one does: what is asked of the last instant before another."""
    return at + timedelta(microseconds=1) if at.microsecond == 999_999 else at


def expiry(span: Window, event: Instant, where: ZoneInfo) -> Instant | None:
    """The first instant at which an event counts no more; None where it always will.

    The event's own instant, where it counts never: what counts at `at` is what happened by then and expires later.
    """
    if span.since is not None and event < opening(span.since, where):
        return event
    try:
        local = event.astimezone(where)
    except OverflowError:
        return None
    day: date | None
    match span.unit:
        case "lifetime":
            return None
        case "day":
            day = add_days(local.date(), 1)
        case "month":
            day = add_months(local.date().replace(day=1), 1)
        case "year":
            day = add_months(date(local.year, 1, 1), 12)
        case "days" | "months":
            move = add_days if span.unit == "days" else add_months
            day = move(local.date(), span.length)
            if day is None:
                return None
            return _instant_or_none(datetime.combine(day, local.time()), where)
    return None if day is None else start_of(day, where)


def covers(span: Window, since: Instant, at: Instant, where: ZoneInfo) -> bool:
    """Whether a record that is whole from `since` on holds every event that counts at `at`."""
    if since <= _EARLIEST:
        return True
    return since <= at and not counts(span, since - _ONE_MICROSECOND, at, where)


def _instant_or_none(local: datetime, where: ZoneInfo) -> Instant | None:
    try:
        return instant_of(local, where)
    except OverflowError:
        return None


def _days_in(year: int, month: int) -> int:
    if month == 12:
        return 31
    return (date(year, month + 1, 1) - timedelta(days=1)).day
