"""Days and instants as strangers write them: texts, local times, numbers of seconds, days where instants are wanted.

Two steps, each kept as columns of a view before the next: what the clocks showed and how far from UTC they were, then
the instant. What is made of a zone names its operand many times over; so it should be no more than a column's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import ibis

from lawful.audit import zones
from lawful.audit.asking import records
from lawful.audit.dialects import Dialect, null_of
from lawful.audit.mapping import EPOCHS
from lawful.audit.views import kept
from lawful.audit.zones import DAY, EARLIEST, LATEST, SECOND, Zone

FIRST_DAY: Final = date(1, 1, 1)
LAST_DAY: Final = date(9999, 12, 31)
SPECIAL: Final = re.compile(r"([.*+?{}()|^$\[\]\\])")
_TIME: Final = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
_OFFSET: Final = "[+-]([01][0-9]|2[0-3])([0-5][0-9]|:[0-5][0-9](:[0-5][0-9])?)"
_ISO_DAY: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_ISO: Final = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([Tt ]{_TIME}([Zz]|{_OFFSET})?)?$"
_NAME: Final = "lawful_{}_{}"


@dataclass(frozen=True, slots=True)
class Written:
    """What is written: NULL where nothing is, or nothing that can be read."""

    local: Any
    """Microseconds since the clocks showed 1970."""
    offset: Any = None
    """Microseconds that they were ahead of UTC; NULL where the policy's zone is meant, None where it always is."""
    is_day: Any = None
    """Where a day stands for its first instant; None: nowhere."""


@dataclass(frozen=True, slots=True)
class Instant:
    """What was made of it: columns of the last view."""

    at: Any
    gap: Any
    """TRUE where the clocks never showed that time; None: nowhere."""
    day: Any
    """The local day, counted from 1970."""


def day_of_text(dialect: Dialect, text: Any, form: str | None) -> Any:
    """The date of a text; NULL where it is none."""
    iso = _canonical(dialect, text, form) if form is not None else text
    return _day(dialect, dialect.finds(iso, _ISO_DAY).ifelse(iso, ibis.null("string")))


def of_text(dialect: Dialect, text: Any, form: str | None) -> Written:
    """The instant of a text, as `lawful.values` reads it or in a format such as `%Y/%m/%d %H:%M`."""
    iso = _canonical(dialect, text, form) if form is not None else text
    plain = dialect.finds(iso, _ISO).ifelse(iso, ibis.null("string"))
    day = _day(dialect, plain.substr(0, 10))
    clock = plain.substr(11, 2).nullif("").cast("int64") * 60 + plain.substr(14, 2).nullif("").cast("int64")
    seconds = ibis.coalesce(_found(plain, "^.{16}:([0-9]{2})", "string").cast("int64"), 0)
    fraction = ibis.coalesce(_found(plain, "[.]([0-9]*)", "string").concat("000000").substr(0, 6).cast("int64"), 0)
    since_midnight = ibis.coalesce((clock * 60 + seconds) * SECOND + fraction, 0)
    local = dialect.days_of_date(day) * DAY + since_midnight
    if form is not None:
        return Written(local)
    ahead = _found(plain, "^.{16}[0-9:.]*[+-]([0-9:]+)$", "string").replace(":", "").concat("00").substr(0, 6)
    parts = [ahead.substr(start, 2).cast("int64") for start in (0, 2, 4)]
    length = ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * SECOND
    offset = ibis.cases((dialect.finds(plain, "[Zz]$"), 0), (dialect.finds(plain, "-[0-9:]+$"), -length), else_=length)
    is_day = plain.length() == 10  # it has a `-` before its last digits, too, but nothing that is far behind it
    return Written(local, offset, is_day)


def of_timestamps(dialect: Dialect, given: Any) -> Written:
    """Instants are UTC's, local times the policy's zone's; outside the calendar they are not read."""
    inside = is_outside(given).ifelse(null_of(given.type()), given)
    zero = None if given.type().timezone is None else ibis.literal(0, type="int64")
    return Written(dialect.micros(inside), zero)


def of_days(dialect: Dialect, given: Any) -> Written:
    """Each day stands for its first instant."""
    inside = given.between(ibis.literal(FIRST_DAY), ibis.literal(LAST_DAY)).ifelse(given, ibis.null("date"))
    return Written(dialect.days_of_date(inside) * DAY, None, ibis.literal(True))


def of_numbers(number: Any, form: str) -> Written:
    """Of seconds (or less) since 1970."""
    factor = EPOCHS[form]
    inside = number.between(-(-EARLIEST // factor), LATEST // factor).ifelse(number, ibis.null("int64"))
    return Written(inside * factor, ibis.literal(0, type="int64"))


def is_outside(given: Any) -> Any:
    """Where a timestamp is outside the years 1 to 9999; those in nanoseconds reach from 1677 to 2262 only."""
    kind = given.type()
    if kind.scale == 9:
        return ibis.literal(False)
    first, last = (zones.instant(edge) for edge in (EARLIEST, LATEST))
    if kind.timezone is None:
        first, last = first.replace(tzinfo=None), last.replace(tzinfo=None)
    return (given < ibis.literal(first, type=kind)) | (given > ibis.literal(last, type=kind))


# -------------------------------------------------------------------------------------------------------- the steps


@dataclass(frozen=True, slots=True)
class Instants:
    """Of some columns of one table, by names of their own."""

    dialect: Dialect
    iana: ZoneInfo
    written: Mapping[str, Written] = field(default_factory=dict)
    days: Mapping[str, Any] = field(default_factory=dict)
    """Dates of texts: they need one step."""

    def settled(self, connection: Any, table: Any) -> tuple[Any, dict[str, Instant], dict[str, Any]]:
        """The table with more columns, the instants and the dates in it."""
        if not self.written and not self.days:
            return table, {}, {}
        numbers = {name: index for index, name in enumerate([*self.written, *self.days])}
        first = {_NAME.format(numbers[name], "day"): day for name, day in self.days.items()}
        for name, each in self.written.items():
            first[_NAME.format(numbers[name], "local")] = each.local
            if each.offset is not None:
                first[_NAME.format(numbers[name], "offset")] = each.offset
            if each.is_day is not None:
                first[_NAME.format(numbers[name], "is_day")] = each.is_day
        table = kept(connection, table.mutate(**first))
        if self.written:
            spans = _spans(table, {name: _NAME.format(numbers[name], "local") for name in self.written})
            zoned = {name: self._zone(*spans[name]) for name in self.written}
            instants = {
                _NAME.format(numbers[name], "at"): _instant(zoned[name], table, numbers[name], each)
                for name, each in self.written.items()
            }
            table = kept(connection, table.mutate(**instants))
            found = {name: _made(zoned[name], table, numbers[name], each) for name, each in self.written.items()}
        else:
            found = {}
        return table, found, {name: table[_NAME.format(numbers[name], "day")] for name in self.days}

    def _zone(self, low: int | None, high: int | None) -> Zone:
        """The zone where these local times are, or instants: the fewer years, the shorter what is made of them."""
        if low is None or high is None or self.iana.key in ("UTC", "Etc/UTC"):
            return Zone(self.iana, ((EARLIEST, 0),), EARLIEST, LATEST)
        return Zone.of(self.iana, max(low, EARLIEST), min(high, LATEST))


def _spans(table: Any, columns: Mapping[str, str]) -> dict[str, tuple[int | None, int | None]]:
    """The least and the greatest of each, in one scan."""
    asked: dict[str, Any] = {}
    for index, column in enumerate(columns.values()):
        asked |= {f"low{index}": table[column].min(), f"high{index}": table[column].max()}
    row = records(table.aggregate(**asked))[0]
    return {name: (row[f"low{index}"], row[f"high{index}"]) for index, name in enumerate(columns)}


def _column(table: Any, number: int, part: str, written: Any) -> Any:
    return None if written is None else table[_NAME.format(number, part)]


def _instant(zone: Zone, table: Any, number: int, written: Written) -> Any:
    local = table[_NAME.format(number, "local")]
    offset = _column(table, number, "offset", written.offset)
    is_day = _column(table, number, "is_day", written.is_day)
    at = zone.instant(local)
    if is_day is not None:
        # the edges of time are as far as a day goes, see `calendar.start_of`
        at = ibis.cases((is_day & (at < EARLIEST), EARLIEST), (is_day & (at > LATEST), LATEST), else_=at)
    return at if offset is None else ibis.coalesce(local - offset, at)


def _made(zone: Zone, table: Any, number: int, written: Written) -> Instant:
    local, at = table[_NAME.format(number, "local")], table[_NAME.format(number, "at")]
    offset = _column(table, number, "offset", written.offset)
    is_day = _column(table, number, "is_day", written.is_day)
    gap = None
    if len(zone.turns) > 1:
        gap = zone.local(at) != local
        if offset is not None:
            gap = gap & offset.isnull()
        if is_day is not None:
            gap = gap & ~is_day
    return Instant(at, gap, zone.day_number(at))


# ---------------------------------------------------------------------------------------------------------- in texts


def _found(text: Any, pattern: str, kind: str) -> Any:
    """What the pattern's group finds; NULL where it finds nothing, in every engine."""
    return text.re_extract(pattern, 1).nullif("").cast(kind)


def _canonical(dialect: Dialect, text: Any, form: str) -> Any:
    """The text in ISO's form, of a format such as `%Y/%m/%d`; NULL where it is not written so.

    Numbers may lack a zero in front where something stands between them.
    """
    pieces = re.split(r"%(.)", form)
    pattern, names = "", []
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pattern += SPECIAL.sub(r"\\\1", piece)
            continue
        names.append(piece)
        is_followed = index + 2 < len(pieces) and not pieces[index + 1]
        pattern += "([0-9]{4})" if piece == "Y" else "([0-9]{2})" if is_followed else "([0-9]{1,2})"
    pattern = f"^{pattern}$"

    def number(name: str) -> Any:
        if name not in names:
            return ibis.literal("00")
        found = text.re_extract(pattern, names.index(name) + 1)
        return found if name == "Y" else ibis.literal("0").concat(found).re_extract("(..)$", 1)

    iso = number("Y").concat("-", number("m"), "-", number("d"))
    if set(names) & {"H", "M", "S"}:
        iso = iso.concat("T", number("H"), ":", number("M"), ":", number("S"))
    return dialect.finds(text, pattern).ifelse(iso, ibis.null("string"))


def _day(dialect: Dialect, iso: Any) -> Any:
    """The date of a text of ISO's form; NULL where the calendar has no such day."""
    if dialect.name != "postgres":
        day = iso.try_cast("date")
        return (day >= ibis.literal(FIRST_DAY)).ifelse(day, ibis.null("date"))
    year, month, day = (iso.substr(start, length).cast("int64") for start, length in ((0, 4), (5, 2), (8, 2)))
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    longest = ibis.cases((month.isin([4, 6, 9, 11]), 30), (month != 2, 31), (leap, 29), else_=28)
    exists = (year >= 1) & month.between(1, 12) & day.between(1, longest)
    return exists.ifelse(iso, ibis.null("string")).cast("date")
