"""Counting events as columns, for every instant of a history at once and without joining it to itself.

A rolling window is a running sum: one more at each event, one less where it counts no more. An event counts at `t` if
and only if `event <= t < expiry`, so this is exact although the expiries need not come in the order of the events
(around a doubled hour). A calendar window is a running sum within its day, month or year. Events of one instant count
together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful import calendar
from lawful.audit import zones
from lawful.audit.dialects import Dialect, null_of
from lawful.audit.views import kept
from lawful.audit.zones import DAY, Zone
from lawful.calendar import Window
from lawful.ir import Count

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_EPOCH_DAY: Final = date(1970, 1, 1)
_LAST_DAY: Final = (date.max - _EPOCH_DAY).days
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_ONE_MICROSECOND: Final = timedelta(microseconds=1)
_SLACK: Final = timedelta(days=8)
"""More than months and the clocks can move a window's beginning."""
_STEPS: Final = itertools.count(1)
"""Names of queries within queries, each given once."""


def settled(rows: ibis_types.Table) -> ibis_types.Table:
    """The rows as a query of their own: Ibis would else write out a column's expression wherever the column is used.

    Spark takes queries within queries apart, and plans and compiles each again wherever it is used: for a history of
    ten events it takes minutes. It is given each step's rows.
    """
    connection = rows.get_backend()
    if connection.name == "pyspark":
        return kept(connection, rows)
    return rows.alias(f"step_{next(_STEPS)}")


def one_if(truth: Any) -> Any:
    """1 or 0, or NULL, to be summed."""
    return truth.cast("int32").cast("int64")  # PostgreSQL has no way from a truth to 64 bits


class Clock:
    """Local days, windows and expiries as columns of one zone and one engine."""

    def __init__(self, zone: Zone, dialect: Dialect) -> None:
        self.zone = zone
        self.dialect = dialect

    def dated(self, rows: ibis_types.Table) -> ibis_types.Table:
        """The rows with the `local` time of `at`, in microseconds, and its `day`, a number: 0 is 1970-01-01."""
        rows = settled(rows.mutate(local=self.zone.local(rows.at)))
        return settled(rows.mutate(day=zones.floor_divided(rows.local, DAY)))

    def bucket(self, window: Window, day: Any) -> Any:
        """A number that the days of one day, month or year have in common; None for the other windows."""
        match window.unit:
            case "day":
                return day
            case "month":
                date = self.dialect.date_of_days(day)
                return date.year().cast("int64") * 12 + date.month().cast("int64")
            case "year":
                return self.dialect.date_of_days(day).year().cast("int64")
            case _:
                return None

    def expiry(self, window: Window, rows: ibis_types.Table) -> Any:
        """The first instant at which dated events count no more, of a rolling window; NULL: they always will."""
        if window.unit == "days":
            until: Any = rows.day + window.length
        else:
            months = ibis.literal(window.length, type="int64")
            until = self.dialect.days_of_date(self.dialect.add_months(self.dialect.date_of_days(rows.day), months))
        found = self.zone.instant(until * DAY + (rows.local - rows.day * DAY))
        return ibis.cases(((until <= _LAST_DAY) & (found <= zones.LATEST), found))

    def covered(self, window: Window, rows: ibis_types.Table, whole_from: int | None) -> Any:
        """Whether a history that is whole from `whole_from` on (None: whole) has all that counts at dated instants."""
        if whole_from is None or whole_from <= zones.EARLIEST:
            return ibis.literal(True)
        before = zones.instant(whole_from) - _ONE_MICROSECOND
        if window.since is not None and before < calendar.opening(window.since, self.zone.zone):
            return rows.at >= whole_from
        match window.unit:
            case "lifetime":
                return ibis.literal(False)
            case "day" | "month" | "year":
                elsewhere = self.bucket(window, rows.day) != bucket_of(window, calendar.day_of(before, self.zone.zone))
                return (rows.at >= whole_from) & elsewhere
            case "days" | "months":
                leaves = calendar.expiry(window, before, self.zone.zone)
                return ibis.literal(False) if leaves is None else rows.at >= max(zones.micros(leaves), whole_from)

    def is_since(self, window: Window, rows: ibis_types.Table) -> Any:
        """Whether dated events happened from the day on from which the window counts."""
        if window.since is None:
            return ibis.literal(True)
        return rows.at >= zones.micros(calendar.opening(window.since, self.zone.zone))

    def is_counted(self, window: Window, rows: ibis_types.Table, now: int) -> Any:
        """Whether dated events that happened by now count now."""
        if window.since is not None:
            return self.is_since(window, rows) & self.is_counted(window.whole, rows, now)
        match window.unit:
            case "lifetime":
                return ibis.literal(True)
            case "day" | "month" | "year":
                today = calendar.day_of(zones.instant(now), self.zone.zone)
                return self.bucket(window, rows.day) == bucket_of(window, today)
            case "days" | "months":
                return ibis.coalesce(self.expiry(window, rows) > now, True)


def bucket_of(window: Window, day: date) -> int:
    """The bucket of a day: see `Clock.bucket`."""
    match window.unit:
        case "day":
            return day_number(day)
        case "month":
            return day.year * 12 + day.month
        case _:
            return day.year


def day_number(day: date) -> int:
    """How many days after 1970-01-01."""
    return (day - _EPOCH_DAY).days


def begins(window: Window, now: int, zone: Zone) -> int | None:
    """An instant before which nothing counts any more, not much too early; None where there is none."""
    if window.since is not None:
        opens, begun = zones.micros(calendar.opening(window.since, zone.zone)), begins(window.whole, now, zone)
        return opens if begun is None else max(opens, begun)
    today = calendar.day_of(zones.instant(now), zone.zone)
    first: date | None = None
    match window.unit:
        case "lifetime":
            return None
        case "day":
            first = today
        case "month":
            first = today.replace(day=1)
        case "year":
            first = today.replace(month=1, day=1)
        case "days":
            first = calendar.add_days(today, -window.length)
        case "months":
            first = calendar.add_months(today, -window.length)
    start = None if first is None else calendar.start_of(first, zone.zone)
    if start is None or start - _EARLIEST < _SLACK:
        return None
    return zones.micros(start - _SLACK)


def is_calendar(window: Window) -> bool:
    return window.unit in ("day", "month", "year")


def running(events: ibis_types.Table, counts: Sequence[Count], clock: Clock, until: int) -> ibis_types.Table:
    """The dated events with, for the i-th count, how many there were by the instant of each, it included: `n_<i>`.

    `events` has `account_id`, `event`, `at`, `local`, `day`; everything that is counted is among them. Of a calendar
    window and of a lifetime there is also `total_<i>`, how many there are by the window's end, and of a calendar window
    `w_<i>`, which it is.
    """
    rows = events.mutate(
        counted=ibis.literal(True),
        **{f"d_{i}": one_if(counts_ever(each, events, clock)) for i, each in enumerate(counts)},
        **{
            f"w_{i}": clock.bucket(each.window, events.day) for i, each in enumerate(counts) if is_calendar(each.window)
        },
    )
    rows = settled(rows)
    leaving = [_leaving(rows, i, counts, clock, until) for i, each in enumerate(counts) if _is_rolling(each.window)]
    rows = reduce(lambda one, other: one.union(other), leaving, rows)
    sums = {}
    for i, each in enumerate(counts):
        within = ["account_id"] + ([f"w_{i}"] if is_calendar(each.window) else [])
        by_then = ibis.window(group_by=within, order_by="at", range=(None, 0))
        sums[f"n_{i}"] = rows[f"d_{i}"].sum().over(by_then).cast("int64")
        if not _is_rolling(each.window):
            sums[f"total_{i}"] = rows[f"d_{i}"].sum().over(ibis.window(group_by=within)).cast("int64")
    summed = rows.mutate(**sums)
    return summed.filter(summed.counted).drop("counted", *(f"d_{i}" for i in range(len(counts))))


def counts_ever(count: Count, events: ibis_types.Table, clock: Clock) -> Any:
    """Whether dated events count when they happen."""
    named = events.event.isin(count.events)
    return named if count.window.since is None else named & clock.is_since(count.window, events)


def _leaving(rows: ibis_types.Table, index: int, counts: Sequence[Count], clock: Clock, until: int) -> Any:
    """One less for each event of a rolling window, where it counts no more."""
    counted = rows.filter(rows[f"d_{index}"] == 1)
    leaving = settled(counted.select(account_id=counted.account_id, left=clock.expiry(counts[index].window, counted)))
    leaving = leaving.filter(leaving.left <= until)
    changes: dict[str, Any] = {"account_id": leaving.account_id, "at": leaving.left, "counted": ibis.literal(False)}
    for i in range(len(counts)):
        changes[f"d_{i}"] = ibis.literal(-1 if i == index else 0, type="int64")
    schema = rows.schema()
    return leaving.select(**{name: changes.get(name, null_of(schema[name])) for name in rows.columns})


def _is_rolling(window: Window) -> bool:
    return window.unit in ("days", "months")


def counts(
    history: ibis_types.Table, asked: Iterable[Count], *, at_micros: int, zone: Zone, dialect: Dialect
) -> ibis_types.Table:
    """How many events count at an instant: a row per account that has any, `n_<i>` for the i-th of those asked for.

    What the columns say is the least number there is; see `Clock.covered` for whether there is no more.
    """
    listed, clock = list(asked), Clock(zone, dialect)
    names = sorted({name for each in listed for name in each.events})
    beginnings = [begins(each.window, at_micros, zone) for each in listed]
    rows = history.filter(history.event.isin(names), history.at <= at_micros)
    if None not in beginnings:
        rows = rows.filter(rows.at >= min(each for each in beginnings if each is not None))
    rows = clock.dated(rows)
    sums = {
        f"n_{i}": one_if(rows.event.isin(each.events) & clock.is_counted(each.window, rows, at_micros))
        for i, each in enumerate(listed)
    }
    rows = settled(rows.select("account_id", **sums))
    return rows.group_by("account_id").agg(**{name: rows[name].sum().cast("int64") for name in sums})
