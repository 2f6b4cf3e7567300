"""Comparisons of what is computed from one column, as comparisons of the column itself.

`addDays(account.last_active, 210) <= today` asks for a sum on every row; `account.last_active <= date('2024-08-03')`
asks for nothing. Where the computed value only ever rises or only ever falls with the column's, there is one edge, and
the reference is asked where it lies: this module knows no arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from lawful.audit import zones
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation
from lawful.ir import Call, Compare, Expr, Field, Value

_MONOTONE: Final = {
    "addDays": (0,),
    "addMonths": (0,),
    "addYears": (0,),
    "add_duration": (0,),
    "subtract_duration": (0,),
    "between": (0, 1),
    "daysBetween": (0, 1),
}
"""By which of its arguments a function's value only rises, or only falls, the others being the same for every row."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A field compared with an edge. `above`: true from the edge on, else true below it.

    Without an edge it is as `above` says wherever it is known. Outside `low` and `high` (None: no such end) it fails.
    """

    field: Field
    edge: Value | None
    above: bool
    low: Value | None
    high: Value | None


def bound(expr: Compare, is_constant: Callable[[Expr], bool], situation: Situation) -> Bound | None:
    """The comparison as a bound of the one column it reads; None where it is none."""
    if expr.operator in ("==", "!="):
        return None
    if is_constant(expr.left) == is_constant(expr.right):
        return None
    computed = expr.right if is_constant(expr.left) else expr.left
    field = _only_field(computed, is_constant)
    if field is None or field is computed or field.type.kind not in ("date", "timestamp"):
        return None
    return _found(expr, computed, field, situation)


def _only_field(expr: Expr, is_constant: Callable[[Expr], bool]) -> Field | None:
    """The field below functions that rise or fall with it."""
    while not isinstance(expr, Field):
        if not isinstance(expr, Call) or expr.function not in _MONOTONE:
            return None
        moving = [index for index, each in enumerate(expr.arguments) if not is_constant(each)]
        if len(moving) != 1 or moving[0] not in _MONOTONE[expr.function]:
            return None
        expr = expr.arguments[moving[0]]
    return expr


def _found(expr: Compare, computed: Expr, field: Field, situation: Situation) -> Bound | None:
    first, last, value_of = _domain(field)

    def at(place: int, of: Expr) -> Value | None:
        records = {**situation.records, field.owner: {field.name: value_of(place)}}
        return evaluate(of, situation.with_records(**records))

    inside = next((place for place in _samples(first, last, situation, field) if at(place, expr) is not None), None)
    if inside is None:
        return None
    low = first if at(first, computed) is not None else _edge(first, inside, lambda n: at(n, computed) is not None)
    high = last if at(last, computed) is not None else _edge(inside, last, lambda n: at(n, computed) is None) - 1
    ends = (None if low == first else value_of(low), None if high == last else value_of(high))
    becomes = at(high, expr) is True
    if (at(low, expr) is True) == becomes:
        return Bound(field, None, becomes, *ends)
    edge = _edge(low, high, lambda n: (at(n, expr) is True) == becomes)
    return Bound(field, value_of(edge), becomes, *ends)


def _edge(low: int, high: int, is_past: Callable[[int], bool]) -> int:
    """The first place after `low` that is past it; `high` is, `low` is not."""
    while high - low > 1:
        middle = (low + high) // 2
        if is_past(middle):
            high = middle
        else:
            low = middle
    return high


def _domain(field: Field) -> tuple[int, int, Callable[[int], Value]]:
    if field.type.kind == "date":
        return 1, date.max.toordinal(), date.fromordinal
    return zones.EARLIEST, zones.LATEST, zones.instant


def _samples(first: int, last: int, situation: Situation, field: Field) -> list[int]:
    """Places to begin from: today, the ends, the middle."""
    now = situation.today.toordinal() if field.type.kind == "date" else zones.micros(situation.at)
    return [now, (first + last) // 2, first, last]
