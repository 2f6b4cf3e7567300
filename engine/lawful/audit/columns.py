"""From a stranger's column to a fact: what it says in the policy's types, and where nothing can be taken from it.

Read as `lawful.values` reads a request, by the engine that holds the data. Where the column's own type already fits,
the fact is the bare column: a comparison of it is then as fast as the engine has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

from lawful.audit import problems, zones
from lawful.audit.dialects import Dialect, null_of
from lawful.audit.instants import (
    FIRST_DAY,
    LAST_DAY,
    SPECIAL,
    Instant,
    Written,
    day_of_text,
    is_outside,
    of_days,
    of_numbers,
    of_text,
    of_timestamps,
)
from lawful.audit.mapping import DAY_OF, EPOCHS, Column, value_of
from lawful.audit.rows import SetColumn
from lawful.audit.zones import EARLIEST, LATEST
from lawful.ir import INT_MAX, INT_MIN, FieldDeclaration, Text, Type, Value
from lawful.values import written

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_NUMBER: Final = "^-?[0-9]{1,30}$"
_MARK: Final = "\x1f"
"""Stands around each value of a list in a text; no value holds it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a column holds what cannot be taken."""

    problem: Text
    """In words, of several values: `values outside the enum`."""
    where: ibis_types.BooleanValue
    """TRUE at the rows; FALSE or NULL elsewhere."""
    unless_beyond: tuple[Any, Any] | None = None
    """There is no such row where all values lie between these two (None: no end): statistics may know."""
    unless_other: tuple[Any, ...] | None = None
    """Nor where there are no other values than these."""
    unless_listed: tuple[Any, ...] | None = None
    """Nor where the lists have no other elements than these, and none that is NULL."""
    unless_null: bool = False
    """Nor where none is null."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A column as a fact."""

    column: str
    """As the source calls it."""
    given: ibis_types.Value
    """As the source has it: what examples are taken from."""
    faults: tuple[Fault, ...]
    strict: ibis_types.Value | SetColumn
    """The fact, where there are no faults at all."""
    lenient: ibis_types.Value | SetColumn
    """The fact, unknown where there are faults."""
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads columns as facts of one policy in one engine."""

    dialect: Dialect
    iana: ZoneInfo

    # ------------------------------------------------------------------------------------------------------- fields

    def field(
        self,
        given: Any,
        column: Column,
        declared: FieldDeclaration,
        *,
        outside: Text = problems.OF_THE_ENUM,
        instant: Instant | None = None,
        day: Any = None,
    ) -> Reading:
        """The column as that field; without the field's default. What `written` and `day` have led to is given back."""
        if declared.type.kind == "set":
            return self.members(given, column, declared.type.values, problems.THE_SET, is_private=declared.private)
        cleaned = _without_nulls(given, column.nulls)
        found = self._mapped(cleaned, column.values, column.others, declared) if column.values is not None else None
        if found is None:
            found = self._of_kind(cleaned, column, declared, outside, instant, day)
        value, faults = found
        faults = (*faults, *_bounds(value, declared))
        bad = [each.where for each in faults]
        return Reading(column.path, given, faults, value, _unless(bad, value), declared.private)

    def _of_kind(
        self, given: Any, column: Column, declared: FieldDeclaration, outside: Text, instant: Instant | None, day: Any
    ) -> tuple[Any, tuple[Fault, ...]]:
        match declared.type.kind:
            case "bool":
                return self._bool(given)
            case "int":
                return self._int(given)
            case "string":
                return self._string(given, declared)
            case "enum":
                return self._enum(given, declared, outside)
            case "date":
                return self._date(given, column.format, instant, day)
            case "timestamp":
                return self._timestamp(given, column.format, instant)
            case kind:
                raise TypeError(kind)  # no field is declared so

    def _mapped(
        self,
        given: Any,
        values: MappingOf[str, str | None],
        others: tuple[str | None] | None,
        declared: FieldDeclaration,
    ) -> Any:
        """The value that the mapping has for what is given."""
        keyed, keys = _keyed(given, values)
        if keyed is None:
            return _null(declared), (_wrong_type(given, problems.TEXTS_OR_NUMBERS),)
        kind = _ibis_type(declared)
        nothing = ibis.null(kind)

        def meant(text: str | None) -> Any:
            value = value_of(declared, text, self.iana)
            return nothing if value is None else ibis.literal(_internal(value), type=kind)

        pairs = [(keyed == key, meant(text)) for key, text in keys.items()]
        if others is not None:
            pairs.append((given.notnull(), meant(others[0])))
        value = ibis.cases(*pairs, else_=nothing) if pairs else nothing
        if others is not None:
            return value, ()
        where = given.notnull() & ~keyed.isin(list(keys)) if keys else given.notnull()
        return value, (Fault(problems.NOT_MAPPED, where, unless_other=tuple(keys)),)

    def _bool(self, given: Any) -> tuple[Any, tuple[Fault, ...]]:
        if given.type().is_boolean():
            return given, ()
        text = text_of(given)
        if text is None:
            return ibis.null("boolean"), (_wrong_type(given, problems.kind("bool")),)
        lowered = text.lower()
        value = ibis.cases((lowered.isin(["true", "yes"]), True), (lowered.isin(["false", "no"]), False))
        return value, (Fault(problems.NO_TRUTH, given.notnull() & value.isnull()),)

    def _int(self, given: Any) -> tuple[Any, tuple[Fault, ...]]:
        kind = given.type()
        outside = problems.TOO_LARGE
        if kind.is_integer() and not kind.is_uint64():
            return (given if kind.is_int64() else given.cast("int64")), ()
        if kind.is_uint64():
            fits = given <= ibis.literal(INT_MAX, type="uint64")
            return fits.ifelse(given, null_of(kind)).cast("int64"), (Fault(outside, ~fits, (0, INT_MAX)),)
        if kind.is_numeric():
            whole = _is_whole(given)
            value = whole.ifelse(given, null_of(kind)).cast("int64")
            return value, (Fault(problems.NOT_WHOLE, ~whole),)
        text = text_of(given)
        if text is None:
            return ibis.null("int64"), (_wrong_type(given, problems.kind("int")),)
        is_number = self.dialect.finds(text, _NUMBER)
        number = is_number.ifelse(text, ibis.null("string")).cast("decimal(38, 0)")
        low, high = (ibis.literal(edge, type="decimal(38, 0)") for edge in (INT_MIN, INT_MAX))
        fits = (number >= low) & (number <= high)
        faults = (Fault(problems.NO_NUMBERS, ~is_number), Fault(outside, ~fits))
        return fits.ifelse(number, ibis.null("decimal(38, 0)")).cast("int64"), faults

    def _string(self, given: Any, declared: FieldDeclaration) -> tuple[Any, tuple[Fault, ...]]:
        text = text_of(given)
        if text is None:
            return ibis.null("string"), (_wrong_type(given, problems.kind(declared.type.kind)),)
        return text, ()

    def _enum(self, given: Any, declared: FieldDeclaration, outside: Text) -> tuple[Any, tuple[Fault, ...]]:
        text, faults = self._string(given, declared)
        if faults:
            return text, faults
        return text, (Fault(outside, ~text.isin(list(declared.type.values)), unless_other=declared.type.values),)

    def _date(self, given: Any, form: str | None, instant: Instant | None, day: Any) -> tuple[Any, tuple[Fault, ...]]:
        if instant is not None:
            return _day(self.dialect, instant.day), self._instant_faults(given, form, instant)
        if given.type().is_timestamp() and given.type().timezone is None and form is None:
            return self._midnights(given)
        if given.type().is_date():
            where = (given < ibis.literal(FIRST_DAY)) | (given > ibis.literal(LAST_DAY))
            return given, (Fault(problems.YEARS_OF_DATES, where, (FIRST_DAY, LAST_DAY)),)
        if day is None:
            return ibis.null("date"), (_wrong_type(given, problems.kind("date")),)
        problem = problems.no_dates(form or "2024-04-12")
        return day, (Fault(problem, given.notnull() & day.isnull()),)

    def _midnights(self, given: Any) -> tuple[Any, tuple[Fault, ...]]:
        """Days that are kept as local timestamps, as pandas and Excel have them."""
        day = given.cast("date")
        where = (day < ibis.literal(FIRST_DAY)) | (day > ibis.literal(LAST_DAY))
        whole = day.cast("timestamp(6)") == given.cast("timestamp(6)")
        return day, (Fault(problems.NO_DATES, ~whole), Fault(problems.YEARS_OF_DATES, where))

    def _timestamp(self, given: Any, form: str | None, instant: Instant | None) -> tuple[Any, tuple[Fault, ...]]:
        if instant is not None:
            return instant.at, self._instant_faults(given, form, instant)
        kind = given.type()
        if not kind.is_timestamp():
            return ibis.null("int64"), (_wrong_type(given, problems.kind("timestamp")),)
        return self.dialect.micros(given), (Fault(problems.YEARS_OF_INSTANTS, is_outside(given), (EARLIEST, LATEST)),)

    def _instant_faults(self, given: Any, form: str | None, instant: Instant) -> tuple[Fault, ...]:
        problem = problems.YEARS_OF_INSTANTS
        if text_of(given) is not None and form not in EPOCHS:
            sample = form if form is not None and form != DAY_OF else "2025-03-01T09:00:00+08:00"
            problem = problems.no_timestamps(sample)
        elif form in EPOCHS:
            problem = problems.NO_INSTANTS
        found = [Fault(problem, given.notnull() & instant.at.isnull())]
        found.append(Fault(problems.YEARS_OF_INSTANTS, (instant.at < EARLIEST) | (instant.at > LATEST)))
        if instant.gap is not None:
            found.append(Fault(problems.no_such_times(self.iana.key), instant.gap))
        return tuple(found)

    def written(self, given: Any, column: Column, declared: FieldDeclaration) -> Written | None:
        """What is to be made an instant in two steps before the column can be read; None where it can be at once."""
        kind, form = declared.type.kind, column.format
        if column.values is not None or (kind != "timestamp" and form != DAY_OF and form not in EPOCHS):
            return None
        cleaned = _without_nulls(given, column.nulls)
        if form in EPOCHS:
            return of_numbers(self._int(cleaned)[0], form)
        source = cleaned.type()
        if source.is_timestamp():
            return None if source.timezone is not None and kind == "timestamp" else of_timestamps(self.dialect, cleaned)
        if source.is_date():
            return of_days(self.dialect, cleaned) if kind == "timestamp" else None
        text = text_of(cleaned)
        return None if text is None else of_text(self.dialect, text, None if form == DAY_OF else form)

    def day(self, given: Any, column: Column, declared: FieldDeclaration) -> Any:
        """The dates of a column of texts; None where it is none, or is read otherwise."""
        form = column.format
        if declared.type.kind != "date" or column.values is not None or form == DAY_OF or form in EPOCHS:
            return None
        text = text_of(_without_nulls(given, column.nulls))
        return None if text is None else day_of_text(self.dialect, text, form)

    # --------------------------------------------------------------------------------------------------------- sets

    def members(
        self, given: Any, column: Column, domain: Sequence[str], of: Text, *, is_private: bool = False
    ) -> Reading:
        """The column as a set of values of that domain; `of` is what they are of, in words."""
        cleaned = _without_nulls(given, column.nulls)
        known, holds, faults = self._members(cleaned, column, domain, of)
        bad = [each.where for each in faults]
        lenient = known & ~ibis.coalesce(reduce(or_, bad), False)
        return Reading(column.path, given, faults, SetColumn(known, holds), SetColumn(lenient, holds), is_private)

    def _members(
        self, given: Any, column: Column, domain: Sequence[str], of: Text
    ) -> tuple[Any, dict[str, Any], tuple[Fault, ...]]:
        kind = given.type()
        spelled = {value: [value] for value in domain}
        taken = list(domain)
        if column.values is not None:
            spelled = {value: [key for key, each in column.values.items() if each == value] for value in domain}
            taken = list(column.values)
        problem = problems.outside(of)
        if kind.is_array() and (kind.value_type.is_string() or kind.value_type.is_integer()):
            elements = given if kind.value_type.is_string() else given.cast("array<string>")
            holds = {value: _any([elements.contains(key) for key in keys]) for value, keys in spelled.items()}
            unless = tuple(taken) if kind.value_type.is_string() else None
            fault = Fault(problem, _holds_others(self.dialect, elements, taken), unless_listed=unless)
            return given.notnull(), holds, (fault,)
        if kind.is_array() and kind.value_type.is_null():
            nothing = {value: ibis.literal(False) for value in domain}
            return given.notnull(), nothing, (Fault(problem, given.length() > 0),)
        text = text_of(given)
        if text is None:
            nothing = {value: ibis.null("boolean") for value in domain}
            return ibis.literal(False), nothing, (_wrong_type(given, problems.kind("set")),)
        listed = _listed(text, column.split)
        holds = {value: _any([listed.contains(_marked(key)) for key in keys]) for value, keys in spelled.items()}
        rest = reduce(lambda left, key: left.replace(_marked(key), ""), taken, listed.replace(_MARK, 2 * _MARK))
        return text.notnull(), holds, (Fault(problem, rest.replace(_MARK, "").length() > 0),)

    # ------------------------------------------------------------------------------------------------- ids and events

    def identity(self, given: Any, column: Column) -> Reading | None:
        """The column as the ids of accounts; None where it holds what can be none."""
        cleaned = _without_nulls(given, column.nulls)
        text = text_of(cleaned)
        if text is None and cleaned.type().is_integer():
            text = cleaned.cast("string")
        if text is None:
            return None
        faults = [Fault(problems.NO_ID, text.isnull(), unless_null=not column.nulls)]
        if given.type().is_json():  # of values of several types: only texts have `str`
            faults.append(
                Fault(problems.NO_NAME, given.str.isnull() & text.notnull() & ~self.dialect.finds(text, _NUMBER))
            )
        return Reading(column.path, given, tuple(faults), text, text)

    def event(self, given: Any, column: Column, names: Sequence[str]) -> Reading:
        """The column as the names of events."""
        declared = FieldDeclaration("event", Type("enum", tuple(names)), "outside")
        found = self.field(given, column, declared, outside=problems.NO_EVENTS_OF_IT)
        return required(found, column, problems.NO_EVENT)

    def ignored(self, given: Any, column: Column) -> Any:
        """Where the mapping says that an event is nothing to the policy; None: nowhere."""
        keyed, keys = _keyed(given, column.values or {})
        if keyed is None:
            return None
        if column.others == (None,):
            return keyed.notnull() & ~keyed.isin([key for key, value in keys.items() if value is not None])
        names = [key for key, value in keys.items() if value is None]
        return keyed.isin(names) if names else None


def _day(dialect: Dialect, number: Any) -> Any:
    """The day so many days after 1970, of the engine's own type of days: DuckDB's sum is a timestamp by itself."""
    day = dialect.date_of_days(number)
    return day if dialect.name == "pyspark" else day.cast("timestamp").cast("date")


def required(reading: Reading, column: Column, problem: Text) -> Reading:
    """The column where nothing may be left out: null is a fault."""
    cleaned = _without_nulls(reading.given, column.nulls)
    text = text_of(cleaned)
    where = (cleaned if text is None else text).isnull()
    return replace(reading, faults=(Fault(problem, where, unless_null=not column.nulls), *reading.faults))


# ------------------------------------------------------------------------------------------------------------ parts


def text_of(given: Any) -> Any:
    """The column as texts; None where it holds something else."""
    kind = given.type()
    if kind.is_string():
        return given
    if kind.is_uuid() or kind.is_null():
        return given.cast("string")
    if kind.is_json():
        plain = ibis.coalesce(given.str, given.cast("string"))
        return plain.nullif("null")
    return None


def _without_nulls(given: Any, nulls: Sequence[str]) -> Any:
    text = text_of(given) if nulls else None
    return given if text is None else text.isin(list(nulls)).ifelse(ibis.null("string"), text)


def _keyed(given: Any, values: MappingOf[str, str | None]) -> tuple[Any, dict[Any, str | None]]:
    """What the keys of a mapping are compared with, and the keys in its type."""
    kind = given.type()
    if kind.is_integer() and all(re.fullmatch(r"-?[0-9]{1,18}", key) for key in values):
        return given, {int(key): value for key, value in values.items()}
    if kind.is_boolean():
        return given.ifelse("true", "false"), dict(values)
    if kind.is_integer():
        return given.cast("string"), dict(values)
    if kind.is_floating() or kind.is_decimal():
        return _is_whole(given).ifelse(given, null_of(kind)).cast("int64").cast("string"), dict(values)
    text = text_of(given)
    return text, dict(values)


def _is_whole(given: Any) -> Any:
    """Whether a number is a whole one of 64 bits; of doubles those that they have exactly."""
    kind = given.type()
    if kind.is_decimal() and kind.scale == 0 and kind.precision == 38:
        return (given >= ibis.literal(INT_MIN, type=kind)) & (given <= ibis.literal(INT_MAX, type=kind))
    most = 2.0**53 if kind.is_floating() else 9.2e18  # a double is near enough to say that a number has 64 bits
    size = given.cast("float64")
    is_within = (size >= -most) & (size <= most)  # not a number is above all numbers
    tame = is_within.ifelse(given, ibis.literal(0).cast(kind))
    return is_within & (tame == tame.cast("int64").cast(kind))


def _bounds(value: Any, declared: FieldDeclaration) -> tuple[Fault, ...]:
    low, high = declared.minimum, declared.maximum
    is_bare = isinstance(value.op(), ops.Field)  # only then do statistics speak of the same values
    found = []
    if low is not None:
        least = _internal(low)
        problem = problems.below(written(low, None))
        found.append(Fault(problem, value < least, (least, None) if is_bare else None))
    if high is not None:
        most = _internal(high)
        problem = problems.above(written(high, None))
        found.append(Fault(problem, value > most, (None, most) if is_bare else None))
    return tuple(found)


def _internal(value: Value) -> Any:
    """As tables hold it: an instant is its microseconds."""
    return zones.micros(value) if isinstance(value, datetime) else value


def default_of(declared: FieldDeclaration) -> Any:
    """The default as a literal of the field's column; None where it has none."""
    if declared.default is None:
        return None
    return ibis.literal(_internal(declared.default), type=_ibis_type(declared))


def _ibis_type(declared: FieldDeclaration) -> str:
    kinds = {"bool": "boolean", "int": "int64", "date": "date", "timestamp": "int64"}
    return kinds.get(declared.type.kind, "string")


def _null(declared: FieldDeclaration) -> Any:
    return ibis.null(_ibis_type(declared))


def _wrong_type(given: Any, wanted: Text) -> Fault:
    return Fault(problems.of_wrong_type(problems.called(given.type()), wanted), given.notnull())


def _unless(bad: Sequence[Any], value: Any) -> Any:
    """The value; unknown where any of these is true."""
    if not bad:
        return value
    return ibis.cases((reduce(or_, bad), null_of(value.type())), else_=value)


def _holds_others(dialect: Dialect, elements: Any, taken: Sequence[str]) -> Any:
    """Where a list has elements that are none of these; NULL is none. Repeats are looked at where there may be any."""
    number = reduce(add, [elements.contains(key).ifelse(1, 0) for key in taken], ibis.literal(0, type="int64"))
    several = elements.length() > number
    if dialect.name == "duckdb":  # ibis says it with a lambda of a form that DuckDB 2 refuses
        different = (_duckdb_list_unique(elements) > number) | (_duckdb_list_count(elements) < elements.length())
    else:
        different = elements.unique().length() > number
    return ibis.cases((several, different), else_=several)


@ibis.udf.scalar.builtin(name="list_unique")
def _duckdb_list_unique(elements: dt.Array[dt.string]) -> dt.int64: ...


@ibis.udf.scalar.builtin(name="list_count")
def _duckdb_list_count(elements: dt.Array[dt.string]) -> dt.int64: ...


def _any(parts: Sequence[Any]) -> Any:
    return reduce(or_, parts) if parts else ibis.literal(False)


def _listed(text: Any, split: str | None) -> Any:
    """A text's values, marked on both sides. Unless a separator is named, `a;b` and JSON's `["a", "b"]` are lists."""
    named = _split(text, split if split is not None else ";")
    if split is not None:
        return named
    inner = _split(text.substr(1, text.length() - 2), ",")
    unquoted = inner.re_replace(f"{_MARK}[\"']", _MARK).re_replace(f"[\"']{_MARK}", _MARK)
    is_list = text.startswith("[") & text.endswith("]")
    return is_list.ifelse(unquoted, named)


def _marked(value: str) -> str:
    return f"{_MARK}{value}{_MARK}"


def _split(text: Any, separator: str) -> Any:
    escaped = SPECIAL.sub(r"\\\1", separator)
    # not `strip`: Ibis lists the blanks to Spark as `\v\f`, which there are two letters
    bare = text.re_replace(r"^\s+", "").re_replace(r"\s+$", "")
    return ibis.literal(_MARK) + bare.re_replace(rf"\s*{escaped}\s*", _MARK) + _MARK
