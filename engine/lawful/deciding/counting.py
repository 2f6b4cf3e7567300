"""How many events a history has in a window, at the speed that ruling asks for; the reference counts in `History`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.calendar import Instant, Window
from lawful.ir import Count
from lawful.question import EARLIEST, Question
from lawful.row import Row

_COUNTERS_KEPT: Final = 4096
_DAYS_KEPT: Final = 512

Counting: TypeAlias = Callable[[Question | Row], tuple[int, int | None]]
"""The least and the greatest number of some events in a window; None where there is no greatest."""


@lru_cache(_COUNTERS_KEPT)
def counting(count: Count, zone: ZoneInfo) -> Counting:
    """What counts those events in a history."""
    names, window = frozenset(count.events), count.window
    counts = _counts(window, zone)

    def counted(question: Question | Row) -> tuple[int, int | None]:
        least, whole_from, now, today = 0, question.whole_from, question.at, question.today
        for each in question.recorded:
            if each.event in names:
                at = each.at
                if at.tzinfo is not UTC:
                    at = at.astimezone(UTC)
                if at <= now and counts(at, now, today):
                    least += 1
        whole = whole_from is EARLIEST or (whole_from is not None and calendar.covers(window, whole_from, now, zone))
        return least, least if whole else None

    return counted


def _counts(window: Window, zone: ZoneInfo) -> Callable[[Instant, Instant, date], bool]:
    """Whether an event counts now, and today."""
    if window.since is not None:
        opens, of_stretch = calendar.opening(window.since, zone), _counts(window.whole, zone)
        return lambda at, now, today: at >= opens and of_stretch(at, now, today)
    match window.unit:
        case "lifetime":
            return lambda at, now, today: True
        case "day" | "month" | "year" as unit:

            @lru_cache(_DAYS_KEPT)
            def period(today: date) -> tuple[Instant, Instant] | None:
                return calendar.period(unit, today, zone)

            def counts(at: Instant, now: Instant, today: date) -> bool:
                span = period(today)
                if span is not None:
                    return span[0] <= at < span[1]
                return calendar.in_period(unit, calendar.day_of(at, zone), today)

            return counts
        case "days" | "months":
            return lambda at, now, today: calendar.counts(window, at, now, zone)
