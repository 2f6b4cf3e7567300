"""Values of facts that meet in one comparison, or that come round again: what is tried where none so far is allowed.

Each fact by itself has its thresholds only where the others are known. So all but one are given some plain value, and
of the last the thresholds are looked for then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from lawful.calendar import add_days
from lawful.ir import FieldDeclaration, Value
from lawful.question import Question

_NUMBERS: Final = (10, 1, 100, 1000, -10, -1)
_DAYS: Final = (0, 30, 365, -30, -365)
ROUND: Final = 60
"""So many numbers after a threshold are tried: remainders of small numbers come round in them."""
_PLAIN: Final = 10**9
"""Numbers that people would give."""


def plain_values(declaration: FieldDeclaration, question: Question) -> list[Value]:
    """Some values of a number, a day or an instant that a person might give."""
    found: list[Value] = []
    match declaration.type.kind:
        case "int":
            found = list(_NUMBERS)
        case "date":
            found = [day for days in _DAYS if (day := add_days(question.today, days)) is not None]
        case "timestamp":
            found = [question.at + timedelta(days=days) for days in _DAYS]
        case _:
            pass
    return [each for each in found if _is_within(each, declaration)]


def numbers_after(values: Sequence[Value], declaration: FieldDeclaration) -> Iterator[int]:
    """The numbers that follow thresholds."""
    if declaration.type.kind == "int":
        starts = [each for each in values if isinstance(each, int)]
        numbers = dict.fromkeys(number for start in starts for number in range(start, start + ROUND))
        yield from (each for each in numbers if _is_within(each, declaration))


def plainer(values: Sequence[Value]) -> list[Value]:
    """Without numbers that only overflow is tried with, where there are others."""
    kept = [each for each in values if not isinstance(each, int) or abs(each) <= _PLAIN]
    return kept or list(values)


def plainness(value: object) -> tuple[int, bool]:
    """By what examples are told first: small numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value), value < 0
    return 0, False


def _is_within(value: Value, declaration: FieldDeclaration) -> bool:
    low, high = declaration.minimum, declaration.maximum
    if isinstance(value, datetime):
        return (not isinstance(low, datetime) or low <= value) and (not isinstance(high, datetime) or value <= high)
    return (low is None or low <= value) and (high is None or value <= high)  # type: ignore[operator]  # of one type
