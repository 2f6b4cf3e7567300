"""Local time as columns, from the zone's own transitions: no engine's time-zone data and no session's setting matters.

Python's `zoneinfo` says where clocks change; what is computed from that is whole numbers. So every engine gives what
`lawful.calendar` gives, around a doubled hour too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1)
MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
EARLIEST: Final = -62_135_596_800 * SECOND
"""The first microsecond of the year 1."""
LATEST: Final = 253_402_300_799 * SECOND + 999_999
"""The last of the year 9999."""

_FIRST_CHANGE: Final = -5_364_662_400 * SECOND
"""1800: before it no zone's clocks were ever moved."""
_LAST_WRITTEN: Final = 2_240_524_800 * SECOND
"""2041: past it each year is as the one before it, where the clocks are still moved."""
_REPEATS: Final = 146_097 * DAY
"""400 years of the Gregorian calendar are whole weeks: the rules of the years to come begin again."""
_LAST_KEPT: Final = _LAST_WRITTEN + _REPEATS
_STEP: Final = 6 * 3600 * SECOND
_LATER_STEP: Final = 5 * DAY


def micros(at: datetime) -> int:
    """An aware instant in microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant(of: int) -> datetime:
    """The instant of those microseconds."""
    return EPOCH + timedelta(microseconds=of)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone's offsets over a stretch of time, which the instants it is asked about lie within (or are NULL)."""

    zone: ZoneInfo
    turns: tuple[tuple[int, int], ...]
    """From which instant on there is which offset, in microseconds; the first is from the beginning."""
    low: int
    high: int

    @classmethod
    def of(cls, zone: ZoneInfo, low: int = EARLIEST, high: int = LATEST) -> Zone:
        """For instants between two. The fewer years, the shorter the expressions."""
        low, high = max(low - 2 * DAY, EARLIEST), min(high + 2 * DAY, LATEST)
        return cls(zone, _turns(zone, low, high), low, high)

    def offset(self, at: ibis_types.IntegerValue) -> ibis_types.IntegerValue:
        """Local time minus UTC at an instant, in microseconds."""
        return _stepwise(self._kept(at), list(self.turns))

    def local(self, at: ibis_types.IntegerValue) -> ibis_types.IntegerValue:
        """What the clocks show, as microseconds since they showed 1970; where they cannot show it, UTC."""
        shown = at + self.offset(at)
        if self.low > EARLIEST + 2 * DAY and self.high < LATEST - 2 * DAY:
            return shown
        return shown.between(EARLIEST, LATEST).ifelse(shown, at)

    def instant(self, local: ibis_types.IntegerValue) -> ibis_types.IntegerValue:
        """The instant of a local time: of a doubled one the earlier; one that does not exist moves by the gap.

        It may lie outside the years 1 to 9999.
        """
        before = [offset for _, offset in self.turns[:1]] + [offset for _, offset in self.turns[:-1]]
        steps = [
            (start + max(offset, was) if index else start, offset)
            for index, ((start, offset), was) in enumerate(zip(self.turns, before, strict=True))
        ]
        return local - _stepwise(self._kept(local), steps)

    def _kept(self, at: ibis_types.IntegerValue) -> ibis_types.IntegerValue:
        """The same time of a year that is among the turns."""
        if not self._keeps():
            return at
        return (at < _LAST_KEPT).ifelse(at, (at - _LAST_WRITTEN) % _REPEATS + _LAST_WRITTEN)

    def _keeps(self) -> bool:
        return self.turns[-1][0] > _LAST_WRITTEN and self.high >= _LAST_KEPT

    def day_number(self, at: ibis_types.IntegerValue) -> ibis_types.IntegerValue:
        """The local day of an instant, counted from 1970."""
        return floor_divided(self.local(at), DAY)

    def is_since(self, at: ibis_types.IntegerValue, day: date) -> ibis_types.BooleanValue:
        """Whether the local day of an instant is this one or later: by the instants alone, which is much less to say.

        An engine writes a local day out wherever it is used, and of a zone with summer time it is long.
        """
        number = (day - _EPOCH_DAY).days
        if number * DAY > _LAST_WRITTEN and self._keeps():
            return self.day_number(at) >= number
        stretches = self._since(number * DAY)
        parts = [at >= begin if end is None else (at >= begin) & (at < end) for begin, end in stretches]
        return reduce(lambda either, other: either | other, parts)

    def _since(self, local: int) -> list[tuple[int, int | None]]:
        """The stretches in which the clocks show a time or a later one: several where they are put back past it."""
        if local <= EARLIEST:
            return [(EARLIEST, None)]
        stretches: list[tuple[int, int | None]] = []
        ends: list[int | None] = [*(start for start, _ in self.turns[1:]), None]
        for (start, offset), end in zip(self.turns, ends, strict=True):
            begin = max(start, local - offset)
            if end is not None and begin >= end:
                continue
            if stretches and stretches[-1][1] == begin:
                begin = stretches.pop()[0]
            stretches.append((begin, end))
        return stretches


def floor_divided(number: ibis_types.IntegerValue, by: int) -> ibis_types.IntegerValue:
    """Exact, towards minus infinity: engines differ in what they do with remainders of negative numbers.

    Their remainders all have the sign of the number.
    """
    remainder = number % by
    whole = number - (remainder < 0).ifelse(remainder + by, remainder)
    return evenly_divided(whole, by)


def evenly_divided(number: ibis_types.IntegerValue, by: int) -> ibis_types.IntegerValue:
    """What divides without remainder, with a quotient far within a double's 53 bits: any engine's division is exact."""
    return (number / by).round().cast("int64")


def _stepwise(at: ibis_types.IntegerValue, steps: list[tuple[int, int]]) -> ibis_types.IntegerValue:
    """The value of the last step that begins at or before; halved at each question, so that many steps stay cheap."""
    import ibis

    if len({value for _, value in steps}) == 1:
        return ibis.literal(steps[0][1], type="int64")
    middle = len(steps) // 2
    later = _stepwise(at, steps[middle:])
    return (at >= steps[middle][0]).ifelse(later, _stepwise(at, steps[:middle]))


@lru_cache(64)
def _turns(zone: ZoneInfo, low: int, high: int) -> tuple[tuple[int, int], ...]:
    found = [(EARLIEST, _offset(zone, low))]
    for start, end in _stretches(low, high):
        if _offset(zone, start) == found[-1][1] == _offset(zone, end):
            continue
        turn = _turn(start, end, lambda at: _offset(zone, at))
        found.append((turn, _offset(zone, turn)))
    return tuple(found)


def _stretches(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Stretches with no more than one change of the clocks: they come closer before rules were written for all time."""
    at = low
    if at < _FIRST_CHANGE < high:
        yield at, _FIRST_CHANGE
        at = _FIRST_CHANGE
    high = min(high, _LAST_KEPT)
    while at < high:
        after = min(at + (_STEP if at < _LAST_WRITTEN else _LATER_STEP), high)
        yield at, after
        at = after


def _turn(start: int, end: int, offset: Callable[[int], int]) -> int:
    """The first instant after `start` at which the offset is `end`'s."""
    becomes = offset(end)
    while end - start > 1:
        middle = (start + end) // 2
        if offset(middle) == becomes:
            end = middle
        else:
            start = middle
    return end


def _offset(zone: ZoneInfo, at: int) -> int:
    moment = instant(at)
    try:
        offset = moment.astimezone(zone).utcoffset()
    except OverflowError:  # at the ends of time the clocks cannot show it
        near = moment + (timedelta(days=2) if moment.year == 1 else timedelta(days=-2))
        offset = near.astimezone(zone).utcoffset()
    return (offset or timedelta()) // MICROSECOND
