"""What comparisons of months, days and weekdays come to together, on any day and in whatever zones.

Taken one by one they could be anything; but where it is Sunday it is no other day, and where two zones have the same
day of the month they have the same month. Days repeat: in 28 years every kind of year follows on every other that it
can follow on, so a proof over these is one over all. What time it is there does not matter, only which zones may be a
day ahead of which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import combinations, product
from typing import Final
from zoneinfo import ZoneInfo

from lawful.engines.reference import evaluate, part_of
from lawful.engines.situation import History, Situation
from lawful.ir import BOOL, INT, Call, Clock, Compare, Constant, Expr, Field, children, rebuilt, type_of, walk
from lawful.question import EARLIEST

_PARTS: Final = ("getFullYear", "getMonth", "getDate", "getDayOfWeek")
_CYCLE: Final = range(2000, 2028)
_AROUND: Final = 56
"""Years beyond those that are named: in so many there surely are 28 in a row that no century interrupts."""
_SAMPLED: Final = range(1850, 2101)
_STRIDE: Final = 97
_TABLES_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A part of the local date in a zone."""

    part: str
    zone: str


def is_of_calendar(atom: Expr) -> bool:
    """Whether it reads parts of the present date, and nothing else; a year only beside a year."""
    if type_of(atom) != BOOL or any(isinstance(node, Field) for node in walk(atom)):
        return False
    leaves = [*_leaves(atom, "")]
    if not leaves or any(leaf is None for leaf in leaves):
        return False
    return all(leaf is None or leaf.part != "getFullYear" for leaf in leaves) or _is_of_years(atom)


def ways(atoms: Sequence[Expr], zone: ZoneInfo) -> Iterator[tuple[bool, ...]]:
    """All that the atoms may be together, in their order, each once; maybe more, never less."""
    read = [tuple(dict.fromkeys(leaf for leaf in _leaves(atom, zone.key) if leaf)) for atom in atoms]
    zones = tuple(dict.fromkeys(leaf.zone for leaves in read for leaf in leaves))
    judged = [_Judged(atom, leaves, zone) for atom, leaves in zip(atoms, read, strict=True)]
    years = _years(atoms)
    first = date(years[0], 1, 1).toordinal()
    last = date(years[-1], 12, 31).toordinal()
    days = _days(first - 1, last + 1)
    shifts = [dict(zip(zones, each, strict=True)) for each in _shifts(zones)]
    found: set[tuple[bool, ...]] = set()
    for begin in range(1, _STRIDE + 1):  # far apart first: what differs soon comes up
        for number in range(begin, len(days) - 1, _STRIDE):
            for shift in shifts:
                way = tuple([each.value(days, number, shift) for each in judged])
                if way not in found:
                    found.add(way)
                    yield way


class _Judged:
    """An atom's value, by the parts that it reads: of these there are few."""

    def __init__(self, atom: Expr, leaves: tuple[_Leaf, ...], zone: ZoneInfo) -> None:
        self._leaves = leaves
        self._zone = zone
        self._known: dict[tuple[int, ...], bool] = {}
        self._atom = rebuilt(atom, lambda node: _place(leaf) if (leaf := _leaf(node, zone.key)) else None)

    def value(self, days: Sequence[dict[str, int]], number: int, shift: dict[str, int]) -> bool:
        key = tuple([days[number + shift[leaf.zone]][leaf.part] for leaf in self._leaves])
        if key not in self._known:
            facts = {_place(leaf).name: value for leaf, value in zip(self._leaves, key, strict=True)}
            self._known[key] = evaluate(self._atom, _situation(facts, self._zone)) is True
        return self._known[key]


def _place(leaf: _Leaf) -> Field:
    return Field("request", f"{leaf.part} {leaf.zone}", INT)


def _situation(facts: dict[str, int], zone: ZoneInfo) -> Situation:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return Situation(
        records={"request": facts},
        at=at,
        today=at.date(),
        zone=zone,
        history=History((), EARLIEST),
        conditions={},
        initial={},
    )


# ---------------------------------------------------------------------------------------------------- what is read


def _leaves(expr: Expr, zone: str) -> Iterator[_Leaf | None]:
    """The parts of dates that it reads; None for whatever else it reads of the clock."""
    leaf = _leaf(expr, zone)
    if leaf is not None:
        yield leaf
    elif isinstance(expr, Clock):
        yield None
    else:
        for each in children(expr):
            yield from _leaves(each, zone)


def _leaf(expr: Expr, zone: str) -> _Leaf | None:
    """`zone` is that of `today`."""
    if not isinstance(expr, Call) or expr.function not in _PARTS:
        return None
    match expr.arguments:
        case (Clock(name="today"),) | (Call(function="date", arguments=(Clock(name="now"),)),):
            return _Leaf(expr.function, zone)
        case (Clock(name="now"), Constant(value=str() as named)):
            return _Leaf(expr.function, named)
        case _:
            return None


def _is_of_years(atom: Expr) -> bool:
    """Whether years are compared with years, and not computed with."""
    return isinstance(atom, Compare) and all(
        isinstance(side, Constant) or ((leaf := _leaf(side, "")) is not None and leaf.part == "getFullYear")
        for side in (atom.left, atom.right)
    )


def _years(atoms: Sequence[Expr]) -> range:
    """Those around the ones that are named; where none is, any 28."""
    named = [
        side.value
        for atom in atoms
        if isinstance(atom, Compare) and _is_of_years(atom)
        for side in (atom.left, atom.right)
        if isinstance(side, Constant) and isinstance(side.value, int)
    ]
    if not named:
        return _CYCLE
    low, high = (min(max(each, _AROUND + 2), 9997 - _AROUND) for each in (min(named), max(named)))
    return range(low - _AROUND, high + _AROUND + 1)


@lru_cache(_TABLES_KEPT)
def _days(first: int, last: int) -> list[dict[str, int]]:
    return [_parts(date.fromordinal(number)) for number in range(first, last + 1)]


def _parts(day: date) -> dict[str, int]:
    return {part: part_of(part, day.year, day.month, day.day, day.isoweekday() % 7) for part in _PARTS}


# ------------------------------------------------------------------------------------------------------- of zones


def _shifts(zones: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """How many days each zone may be ahead of Greenwich at one instant."""
    offsets = [_offsets(zone) for zone in zones]
    possible = [
        [shift for shift, is_so in ((-1, low < timedelta(0)), (0, True), (1, high > timedelta(0))) if is_so]
        for low, high in offsets
    ]
    for chosen in product(*possible):
        pairs = combinations(zip(chosen, offsets, strict=True), 2)
        if all(_may_be(*one, *other) and _may_be(*other, *one) for one, other in pairs):
            yield chosen


def _may_be(ahead: int, offsets: tuple[timedelta, timedelta], behind: int, others: tuple[timedelta, timedelta]) -> bool:
    """Not if the one is a day ahead of the other though its clocks never are."""
    return not (ahead > behind and offsets[1] <= others[0])


@cache
def _offsets(zone: str) -> tuple[timedelta, timedelta]:
    """The least and the greatest there are from the days of local mean time on."""
    where = ZoneInfo(zone)
    sampled = [
        datetime(year, month, day, tzinfo=UTC).astimezone(where).utcoffset() or timedelta(0)
        for year in _SAMPLED
        for month in range(1, 13)
        for day in (1, 8, 15, 22)
    ]
    return min(sampled), max(sampled)
