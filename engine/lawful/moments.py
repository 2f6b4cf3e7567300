"""Instants as requests give them, each with its local day: one day is asked about many times."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import calendar, values
from lawful.calendar import Instant

Moment: TypeAlias = tuple[Instant, date]
"""An instant, and its local day."""
# Years of four digits that no offset leads out of the calendar.
_INSTANT: Final = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2999, 12, 31, tzinfo=UTC)
_DAYS_KEPT: Final = 512
_LENGTH_OF_DAY: Final = len("2025-03-01")


class Moments:
    """On the clocks of a zone. Safe to share between threads, which may at worst read a text twice."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._day: tuple[Instant, Instant, date] = (_LAST, _FIRST, date.min)
        """The local day last asked about, and between which instants it is; first of all no day at all."""
        self.midnights: dict[str, Moment] = {}
        """By days as texts, which are short, and so few of them are kept."""

    def of(self, given: object) -> Moment:
        """Now, where nothing is given. Raises ValueError for what is no instant, or should be read with more care."""
        known = self.midnights.get(given) if type(given) is str else None
        if known is not None:
            return known
        if given is None:
            at = datetime.now(UTC)
        elif type(given) is str and _INSTANT(given):
            at = datetime.fromisoformat(given).astimezone(UTC)
        else:
            at = values.instant(given, self._zone)
        begins, ends, day = self._day
        moment = at, day if begins <= at < ends else self._day_of(at)
        if type(given) is str and len(given) == _LENGTH_OF_DAY:
            if len(self.midnights) >= _DAYS_KEPT:
                self.midnights.clear()
            self.midnights[given] = moment
        return moment

    def _day_of(self, at: Instant) -> date:
        day = calendar.day_of(at, self._zone)
        period = calendar.period("day", day, self._zone)
        if period is not None:
            self._day = (*period, day)
        return day
