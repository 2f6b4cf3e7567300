"""A value of a declared type, read from what a stranger gave, and written for one to read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.diagnostics import legible, near
from lawful.ir import INT_MAX, INT_MIN, FieldDeclaration, Value
from lawful.scalar import Scalar

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"([Zz]|[+-][0-9]{2}([0-9]{2}|:[0-9]{2}(:[0-9]{2})?))?"  # before 1900 zones differ from UTC by seconds, too
)


class BadValue(ValueError):
    """A value that cannot be taken, in words that follow the name of its field."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class Fractional(float):
    """A number that is not whole, or no number at all, as it was written: no field takes one."""

    def __new__(cls, text: str) -> Fractional:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def read(declaration: FieldDeclaration, given: object, zone: ZoneInfo) -> Value | None:
    """The value as its declaration has it; None for null. Raises BadValue.

    From JSON and Python each type is taken as itself; a scalar of YAML has no type of its own and is read as the
    declaration's. Dates and timestamps are ISO 8601 texts, or Python's.
    """
    if given is None:
        return None
    value: Value
    match declaration.type.kind:
        case "enum":
            return _one_of(given, declaration.type.values)
        case "date":
            value = day(given)
        case "int":
            value = _int(given)
        case "bool":
            return _bool(given)
        case "string":
            return _text(given)
        case "timestamp":
            value = instant(given, zone)
        case "set":
            return _set(given, declaration.type.values)
        case kind:
            raise TypeError(kind)  # no field is declared so
    if declaration.minimum is not None or declaration.maximum is not None:
        within(value, declaration)
    return value


def day(given: object) -> date:
    """A date: a text such as `2024-04-12`, or Python's."""
    if isinstance(given, datetime):
        raise BadValue("a timestamp stands where a date should be", "give its local day")
    if isinstance(given, date):
        return given
    if isinstance(given, str) and _DATE.fullmatch(given):
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise BadValue(f"there is no day {shown(given)}") from None
    if isinstance(given, str) and _TIMESTAMP.fullmatch(given):
        raise BadValue(f"{shown(given)} is a timestamp where a date should be", "give its local day")
    raise BadValue(f"{shown(given)} is not a date such as `2024-04-12`")


def instant(given: object, zone: ZoneInfo) -> datetime:
    """An instant in UTC, from an ISO text or Python's; a naive one is local, a date is its local midnight."""
    if isinstance(given, str):
        if _TIMESTAMP.fullmatch(given):
            return _placed(_parsed(given), zone, given)
        if _DATE.fullmatch(given):
            return calendar.start_of(day(given), zone)
    elif isinstance(given, datetime):
        at = _plain_datetime(given)
        return _placed(at, zone, at.isoformat())
    elif isinstance(given, date):
        return calendar.start_of(given, zone)
    raise BadValue(f"{shown(given)} is not a timestamp such as `2025-03-01T09:00:00+08:00`")


def _plain_datetime(given: datetime) -> datetime:
    """Python's own, of a class of somebody else's: pandas has one with nanoseconds, and one that is no time at all."""
    if type(given) is datetime:
        return given
    try:
        plain = datetime.combine(given.date(), given.time(), given.tzinfo).replace(fold=given.fold)
        is_finer = bool(getattr(given, "nanosecond", 0))
    except (AttributeError, TypeError, ValueError):
        raise BadValue("something that is no time stands where a timestamp should be") from None
    if is_finer:
        raise BadValue("a timestamp is exact to the microsecond, this one to less", "round it")
    return plain


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise BadValue(f"there is no instant {shown(text)}") from None


def _placed(at: datetime, zone: ZoneInfo, written: str) -> datetime:
    try:
        instant = at.astimezone(UTC) if at.tzinfo is not None else calendar.instant_of(at, zone)
    except OverflowError:
        raise BadValue(f"`{written}` is outside the years 1 to 9999") from None
    if at.tzinfo is None and not calendar.exists(at, zone):
        message = f"`{written}` is a local time that does not exist in {zone.key}"
        raise BadValue(message, "the clocks go forward then: give an offset")
    return instant


def _bool(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, Scalar) and given in ("true", "yes", "false", "no"):
        return given in ("true", "yes")
    message = f"{_as_given(given)} is neither `true` nor `false`"
    raise BadValue(message, _UNQUOTED if given in ("true", "false") else None)


def _int(given: object) -> int:
    if isinstance(given, Scalar) and re.fullmatch(r"-?[0-9]{1,30}", given):
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool):
        quoted = isinstance(given, str) and not isinstance(given, Scalar) and re.fullmatch(r"-?[0-9]+", given)
        raise BadValue(f"{_as_given(given)} is not a whole number", _UNQUOTED if quoted else None)
    if not INT_MIN <= given <= INT_MAX:
        raise BadValue("the number is outside 64 bits")
    return int(given)


_UNQUOTED: Final = "give it without quotes"


def _as_given(given: object) -> str:
    """A text is called one where something else is wanted that looks the same."""
    return f"the text {shown(given)}" if isinstance(given, str) and not isinstance(given, Scalar) else shown(given)


def plain(text: str) -> str:
    """The text itself, where it came as a member of an enumeration that is a text too."""
    return str.__str__(text)


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise BadValue(f"{shown(given)} is not a text")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise BadValue("the text holds half a character (a lone surrogate)") from None
    return plain(given)


def _one_of(given: object, values: tuple[str, ...]) -> str:
    if not isinstance(given, str):
        raise BadValue(f"{shown(given)} is not a text")
    if given not in values:
        listed = ", ".join(f"`{value}`" for value in values)
        raise BadValue(f"there is no value {shown(given)}", near(given, values) or f"the values are {listed}")
    return plain(given)


def _set(given: object, values: tuple[str, ...]) -> frozenset[str]:
    if isinstance(given, (set, frozenset, tuple)):
        given = list(given)
    if not isinstance(given, list):
        raise BadValue(f"{shown(given)} is not a list of values")
    return frozenset(_one_of(each, values) for each in given)


def within(value: Value, declaration: FieldDeclaration) -> None:
    """Raises BadValue where it is beyond a bound of its declaration."""
    low, high = declaration.minimum, declaration.maximum
    if low is not None and value < low:  # type: ignore[operator]  # the compiler gives bounds the field's type
        raise BadValue(f"{written(value, zone=None)} is below the least, {written(low, zone=None)}")
    if high is not None and value > high:  # type: ignore[operator]  # as above
        raise BadValue(f"{written(value, zone=None)} is above the most, {written(high, zone=None)}")


def shown(given: object) -> str:
    """What was given, short enough for a message."""
    match given:
        case None:
            return "null"
        case bool():
            return f"`{str(given).lower()}`"
        case str():
            return f"`{legible(plain(given))}`"
        case Fractional():
            return f"`{legible(given.text)}`"
        case int() | float():
            return f"`{given}`" if abs(given) < 10**40 or isinstance(given, float) else "a very large number"
        case dict():
            return "an object"
        case list() | tuple() | set() | frozenset():
            return "a list"
        case _:
            return "something that JSON has no form for"


def written(value: Value, zone: ZoneInfo | None) -> str:
    """The value as a text: ISO for dates and, in the zone (UTC without one), for timestamps."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return local(value, zone).isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return f"{_seconds(value)}s"
        case frozenset() | tuple():
            return "[" + ", ".join(written(each, zone) for each in _ordered(value)) + "]"
        case _:
            return str(value)


def _seconds(length: timedelta) -> str:
    """To the microsecond, without an exponent: CEL reads none.

    >>> _seconds(timedelta(microseconds=-1)), _seconds(timedelta(minutes=1))
    ('-0.000001', '60')
    """
    whole, rest = divmod(abs(length) // timedelta(microseconds=1), 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return f"{'-' if length < timedelta(0) else ''}{whole}{fraction}"


def local(at: datetime, zone: ZoneInfo | None) -> datetime:
    """The instant on the clocks of the zone, with the offset they have then; as it is where they cannot show it.

    The offset is a fixed one: Python never finds a local time that is shown twice equal to one of another zone.
    """
    if zone is None:
        return at
    try:
        return at.astimezone(timezone(at.astimezone(zone).utcoffset() or timedelta()))
    except OverflowError:
        return at


Json: TypeAlias = bool | int | str | list["Json"] | None


def to_json(value: Value | None, zone: ZoneInfo) -> Json:
    """The value for JSON: dates, timestamps and durations as texts, sets as sorted lists."""
    match value:
        case None | bool() | int() | str():
            return value
        case frozenset() | tuple():
            return [to_json(each, zone) for each in _ordered(value)]
        case _:
            return written(value, zone)


def _ordered(value: frozenset[str] | tuple[Value, ...]) -> list[Value]:
    return sorted(value) if isinstance(value, frozenset) else list(value)
