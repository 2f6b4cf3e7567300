"""What each engine says in its own way, where Ibis has no word for it or an inexact one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, reduce
from inspect import Parameter, Signature
from operator import add
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.datatypes as dt
from ibis.backends.sql.dialects import PySpark

from lawful.audit.errors import AuditError
from lawful.ir import INT_MAX, INT_MIN

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types
    from ibis.backends import BaseBackend

KNOWN: Final = ("duckdb", "postgres", "pyspark")
_EPOCH: Final = date(1970, 1, 1)
_LONGEST_DAYS: Final = 4_000_000
_LONGEST_MONTHS: Final = 130_000
"""More than the calendar has: what is added is cut to it, and the result refused for being outside the years."""


# sqlglot writes these characters as `\\a`, `\\f` and `\\v`, which Spark reads as letters; as they are it takes them.
PySpark.ESCAPED_SEQUENCES = {each: mark for each, mark in PySpark.ESCAPED_SEQUENCES.items() if each not in "\a\f\v"}


@ibis.udf.scalar.builtin(name="divide")
def _duckdb_divide(left: dt.int64, right: dt.int64) -> dt.int64: ...


@ibis.udf.scalar.builtin(name="div")
def _postgres_div(left: dt.decimal, right: dt.decimal) -> dt.decimal: ...


@ibis.udf.scalar.builtin(name="date_add")
def _spark_date_add(day: dt.date, days: dt.int32) -> dt.date: ...


@ibis.udf.scalar.builtin(name="add_months")
def _spark_add_months(day: dt.date, months: dt.int32) -> dt.date: ...


@ibis.udf.scalar.builtin(name="epoch_us")
def _duckdb_epoch_us(at: dt.timestamp) -> dt.int64: ...


@ibis.udf.scalar.builtin(name="make_timestamp")
def _duckdb_make_timestamp(micros: dt.int64) -> dt.timestamp: ...


@ibis.udf.scalar.builtin(name="unix_micros")
def _spark_unix_micros(at: dt.timestamp) -> dt.int64: ...


@ibis.udf.scalar.builtin(name="timestamp_micros")
def _spark_timestamp_micros(micros: dt.int64) -> dt.timestamp: ...


@cache
def _duckdb_concat(parts: int) -> Callable[..., Any]:
    """`concat` of so many texts. It is called by its schema, too: bare, sqlglot would make `||` of it."""

    def concat(*texts: Any) -> Any: ...

    names = [Parameter(f"text_{number}", Parameter.POSITIONAL_ONLY) for number in range(parts)]
    vars(concat)["__signature__"] = Signature(names)
    function: Callable[..., Any] = ibis.udf.scalar.builtin(
        concat, database="main", signature=((dt.string,) * parts, dt.string)
    )
    return function


@dataclass(frozen=True, slots=True)
class Dialect:
    """One engine's ways."""

    name: str

    def quotient(self, left: ibis_types.IntegerValue, right: ibis_types.IntegerValue) -> Any:
        """Truncated; `right` is neither 0 nor makes the quotient overflow."""
        match self.name:
            case "duckdb":
                return _duckdb_divide(left, right)
            case "postgres":
                return _postgres_div(left.cast("decimal(38, 0)"), right.cast("decimal(38, 0)")).cast("int64")
            case _:
                # what divides evenly leaves nothing to be rounded
                even = (left - left % right).cast("decimal(20, 0)")
                return (even / right.cast("decimal(19, 0)")).cast("decimal(20, 0)").cast("int64")

    def exact(self, operator: str, left: ibis_types.IntegerValue, right: ibis_types.IntegerValue) -> Any:
        """`+`, `-` or `*` of 64-bit numbers; NULL where the result has no 64 bits."""
        a, b = left.cast("decimal(19, 0)"), right.cast("decimal(19, 0)")
        wide = a + b if operator == "+" else a - b if operator == "-" else a * b
        low, high = (ibis.literal(edge, type="decimal(38, 0)") for edge in (INT_MIN, INT_MAX))
        fits = (wide >= low) & (wide <= high)
        return fits.ifelse(wide, ibis.null("decimal(38, 0)")).cast("int64")

    def date_of_days(self, days: ibis_types.IntegerValue) -> Any:
        """The date so many days after 1970-01-01; `days` is within the years 1 to 9999."""
        return self.add_days(ibis.literal(_EPOCH), days)

    def days_of_date(self, day: ibis_types.DateValue) -> Any:
        """How many days a date is after 1970-01-01."""
        return day.delta(ibis.literal(_EPOCH), unit="day").cast("int64")

    def add_days(self, day: ibis_types.DateValue, days: ibis_types.IntegerValue) -> Any:
        """What lies outside the calendar's years comes out as a date outside them."""
        days = cut(days, _LONGEST_DAYS).cast("int32")
        if self.name == "pyspark":
            return _spark_date_add(day, days)
        return _as_date(day + days.as_interval("D"))

    def add_months(self, day: ibis_types.DateValue, months: ibis_types.IntegerValue) -> Any:
        """Clamped to the month's end; likewise."""
        months = cut(months, _LONGEST_MONTHS).cast("int32")
        if self.name == "pyspark":
            return _spark_add_months(day, months)
        return _as_date(day + months.as_interval("M"))

    def micros(self, at: ibis_types.TimestampValue) -> Any:
        """Whole microseconds since 1970 of an instant, or of a local time as if it were UTC's."""
        match self.name:
            case "duckdb":
                return _duckdb_epoch_us(at)
            case "postgres":
                seconds = at.epoch_seconds()  # with a fraction, whatever Ibis takes it for
                return (seconds.cast("decimal(38, 6)") * 1_000_000).cast("int64")
            case _:
                return _spark_unix_micros(at)

    def timestamp(self, micros: ibis_types.IntegerValue) -> Any:
        """The instant of so many microseconds, as the engine's own type, in UTC."""
        match self.name:
            case "duckdb":
                return _duckdb_make_timestamp(micros).cast("timestamp('UTC', 6)")
            case "postgres":
                start = ibis.timestamp("1970-01-01 00:00:00+00:00")
                return start + micros.as_interval("us")
            case _:
                return _spark_timestamp_micros(micros)

    def joined(self, parts: Sequence[Any]) -> Any:
        """One text of many, none of which is NULL: DuckDB's `||` would write a text for every two of them."""
        if self.name == "duckdb" and len(parts) > 2:
            return _duckdb_concat(len(parts))(*parts)
        return reduce(add, parts) if parts else ibis.literal("")

    def finds(self, text: ibis_types.StringValue, pattern: str) -> Any:
        """Whether a pattern of the profile is found: RE2's `.` is no line break, its `$` the very end."""
        match self.name:
            case "duckdb":
                return text.re_search(pattern)
            case "postgres":
                return text.re_search(_rewritten(pattern, end="$", begin="^"))
            case _:
                return text.re_search(_rewritten(pattern, end=r"\z", begin=r"\A"))


def _as_date(day: Any) -> Any:
    """Ibis takes a date and an interval for a date already, and leaves a cast to one out; engines give a timestamp."""
    return day.cast("timestamp").cast("date")


def of(connection: BaseBackend) -> Dialect:
    """The ways of a connection's engine."""
    if connection.name not in KNOWN:
        named = ", ".join(f"`{each}`" for each in KNOWN)
        raise AuditError(f"audits do not run on `{connection.name}`", f"they run on {named}")
    return Dialect(connection.name)


def null_of(kind: Any) -> ibis_types.Value:
    """NULL of a type, also of that of a column which has none."""
    return ibis.null(kind.copy(nullable=True))


def cut(number: ibis_types.IntegerValue, most: int) -> ibis_types.IntegerValue:
    """Within `-most` and `most`. Not LEAST and GREATEST: of NULL and a number they give the number."""
    return (number > most).ifelse(most, (number < -most).ifelse(-most, number)).cast("int64")


def _rewritten(pattern: str, *, begin: str, end: str) -> str:
    """The pattern with what stands outside classes said so that the engine reads it as RE2 does."""
    found: list[str] = []
    index, in_class = 0, False
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            found.append(pattern[index : index + 2])
            index += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        else:
            char = {".": r"[^\n]", "^": begin, "$": end}.get(char, char)
        found.append(char)
        index += 1
    return "".join(found)
