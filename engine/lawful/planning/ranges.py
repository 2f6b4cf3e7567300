"""What an expression may come to, whatever happens: a set of values that holds every one it can ever have.

Too large at times, never too small: so what cannot be in it cannot be. A `Range` with `values` lists them; without,
it is everything between its bounds. `unknown`: it may also be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from itertools import product
from typing import Any, Final, Protocol, cast
from zoneinfo import ZoneInfo

from msgspec import Struct

from lawful.engines.reference import call, compare
from lawful.ir import (
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Comparison,
    Condition,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    Known,
    ListOf,
    Member,
    Not,
    Or,
    Quantifier,
    Type,
    Value,
    Variable,
    type_of,
    walk,
)

_MOST_VALUES: Final = 24
_MOST_PAIRS: Final = 600
_KEPT: Final = 1024
_RISING: Final = ("addDays", "addMonths", "addYears", "+")


class Range(Struct, frozen=True):
    values: frozenset[Value] | None
    unknown: bool
    low: Any = None
    high: Any = None

    @property
    def is_known_to_be(self) -> frozenset[Value]:
        return self.values if self.values is not None else frozenset()

    def joined(self, other: Range) -> Range:
        """All that either may be."""
        unknown = self.unknown or other.unknown
        if self.values is not None and other.values is not None and len(self.values | other.values) <= _MOST_VALUES:
            return Range(self.values | other.values, unknown)
        if self.values == frozenset() or other.values == frozenset():
            kept = other if self.values == frozenset() else self
            return Range(kept.values, unknown, kept.low, kept.high)
        low, high = _hull([self, other])
        return Range(None, unknown, low, high)


@lru_cache(_KEPT, typed=True)
def exactly(value: Value | None) -> Range:
    return Range(frozenset(), unknown=True) if value is None else Range(frozenset([value]), unknown=False)


def anything(type: Type, *, unknown: bool, low: Any = None, high: Any = None) -> Range:
    if type.kind == "bool":
        return Range(frozenset([True, False]), unknown)
    if type.kind == "enum" and len(type.values) <= _MOST_VALUES:
        return Range(frozenset(type.values), unknown)
    return Range(None, unknown, low, high)


TRUE_OR_FALSE: Final = Range(frozenset([True, False]), unknown=False)
_UNKNOWN: Final = frozenset([None])
UNSURE: Final = Range(frozenset([True, False]), unknown=True)


def _hull(ranges: Iterable[Range]) -> tuple[Any, Any]:
    lows, highs = [], []
    for each in ranges:
        low, high = bounds(each)
        lows.append(low)
        highs.append(high)
    low = None if None in lows or any(isinstance(each, (str, frozenset)) for each in lows) else min(lows)
    high = None if None in highs or any(isinstance(each, (str, frozenset)) for each in highs) else max(highs)
    return low, high


def bounds(of: Range) -> tuple[Any, Any]:
    """The least and the greatest; None where there is none, or no order."""
    if of.values is None:
        return of.low, of.high
    if not of.values or any(isinstance(each, (str, frozenset, tuple, bool)) for each in of.values):
        return None, None
    return min(of.values), max(of.values)


def within(of: Range, low: Any, high: Any) -> Range:
    """What of it lies between two bounds, of which either may be missing."""
    if low is None and high is None:
        return of
    if of.values is not None:
        kept = (each for each in cast("frozenset[Any]", of.values))
        return Range(
            frozenset(each for each in kept if (low is None or low <= each) and (high is None or each <= high)),
            of.unknown,
        )
    lows, highs = ([each for each in pair if each is not None] for pair in ((of.low, low), (of.high, high)))
    least, most = max(lows, default=None), min(highs, default=None)
    if least is not None and most is not None and least > most:
        return Range(frozenset(), of.unknown)
    return Range(None, of.unknown, least, most)


class Counting(Protocol):
    """The range of a count; of a limit's only the least is asked."""

    def __call__(self, count: Count, *, of_a_limit: bool = False) -> Range: ...


class Ranger:
    """Evaluates expressions over ranges of facts: `fact` gives the range of a field, `clock` of the clock."""

    def __init__(
        self,
        fact: Callable[[Field], Range],
        clock: Mapping[str, Range],
        count: Counting,
        conditions: Mapping[str, Condition],
        zone: ZoneInfo,
    ) -> None:
        self._fact = fact
        self._clock = clock
        self._count = count
        self._conditions = conditions
        self._zone = zone
        self._memo: dict[tuple[str, str], Range] = {}

    def truths(self, expr: Expr) -> frozenset[bool | None]:
        """What a condition may be; None is unknown."""
        found = self.of(expr)
        truths = cast("frozenset[bool | None]", found.is_known_to_be)
        return truths | _UNKNOWN if found.unknown else truths

    def of(self, expr: Expr) -> Range:
        match expr:  # the most frequent ones first
            case Field():
                return self._fact(expr)
            case Compare():
                return self._compare(expr.operator, self.of(expr.left), self.of(expr.right))
            case Constant():
                return exactly(expr.value)
            case And():
                return self._junction(expr.operands, deciding=False)
            case ConditionOf():
                return self._condition(expr)
            case Or():
                return self._junction(expr.operands, deciding=True)
            case Clock():
                return self._clock[expr.name]
            case Not():
                return _of_truths(frozenset(None if each is None else not each for each in self.truths(expr.operand)))
            case Known():
                return self._known(self.of(expr.operand))
            case Member():
                return self._member(expr)
            case AtMost():
                return self._limit(expr)
            case Count():
                return self._count(expr)
            case Conditional():
                return self._conditional(expr)
            case Call():
                return self._call(expr)
            case Variable() | ListOf() | Quantifier():
                return anything(type_of(expr), unknown=True)

    def _known(self, operand: Range) -> Range:
        truths: set[bool | None] = set()
        if operand.values is None or operand.values:
            truths.add(True)
        if operand.unknown:
            truths.add(False)
        return _of_truths(frozenset(truths))

    def _condition(self, expr: ConditionOf) -> Range:
        if expr.state != "account":
            return UNSURE
        key = (expr.state, expr.name)
        if key not in self._memo:
            self._memo[key] = self.of(self._conditions[expr.name].holds)
        return self._memo[key]

    def _junction(self, operands: Iterable[Expr], *, deciding: bool) -> Range:
        """Kleene's, operand by operand: what is decided, and what is still open."""
        found: frozenset[bool | None] = frozenset([not deciding])
        for each in operands:
            found = _combinations(found, self.truths(each), deciding=deciding)
            if found == {deciding}:
                break
        return _of_truths(found)

    def _compare(self, operator: Comparison, left: Range, right: Range) -> Range:
        unknown = left.unknown or right.unknown
        if left.values is not None and right.values is not None:
            if len(left.values) * len(right.values) <= _MOST_PAIRS:
                found = {compare(operator, one, other) for one, other in product(left.values, right.values)}
                return Range(frozenset(found), unknown)
            return Range(frozenset([True, False]), unknown)
        return Range(frozenset(_by_bounds(operator, left, right)), unknown)

    def _member(self, expr: Member) -> Range:
        item, collection = self.of(expr.item), expr.collection
        if isinstance(collection, ListOf):
            options = [self.of(each) for each in collection.items]
            if item.values is not None and all(each.values is not None for each in options):
                unknown = item.unknown or any(each.unknown for each in options)
                every = frozenset[Value]().union(*(each.values or frozenset() for each in options))
                sure = frozenset[Value]().union(
                    *(each.values for each in options if each.values is not None and len(each.values) == 1)
                )
                found: set[Value] = set()
                for value in item.values:
                    found |= {True} if value in sure else {True, False} if value in every else {False}
                return Range(frozenset(found), unknown)
            return UNSURE
        within = self.of(collection)
        if item.values is not None and within.values is not None:
            pairs = product(item.values, within.values)
            return Range(frozenset(one in other for one, other in pairs), item.unknown or within.unknown)  # type: ignore[operator]  # sets
        return Range(frozenset([True, False]), item.unknown or within.unknown)

    def _conditional(self, expr: Conditional) -> Range:
        truths = self.truths(expr.test)
        found = Range(frozenset(), unknown=None in truths)
        if True in truths:
            found = found.joined(self.of(expr.then))
        if False in truths:
            found = found.joined(self.of(expr.otherwise))
        return found

    def _call(self, expr: Call) -> Range:
        if any(isinstance(node, Variable) for node in walk(expr)):
            return anything(type_of(expr), unknown=True)
        arguments = [self.of(each) for each in expr.arguments]
        unknown = any(each.unknown for each in arguments)
        listed = [each.values for each in arguments]
        size = 1
        for values in listed:
            size *= _MOST_PAIRS + 1 if values is None else len(values)
        if size <= _MOST_PAIRS:
            found = [call(expr, list(chosen), self._zone) for chosen in product(*(values or () for values in listed))]
            values = frozenset(each for each in found if each is not None)
            if len(values) <= _MOST_VALUES:
                return Range(values, unknown or None in found)
            low, high = bounds(Range(values, unknown=False))
            return Range(None, unknown or None in found, low, high)
        if expr.function in _RISING:
            ends = [bounds(each) for each in arguments]
            low = None if any(end[0] is None for end in ends) else call(expr, [end[0] for end in ends], self._zone)
            high = None if any(end[1] is None for end in ends) else call(expr, [end[1] for end in ends], self._zone)
            return Range(None, True, low, high)
        return anything(type_of(expr), unknown=True)

    def _limit(self, limit: AtMost) -> Range:
        """More may happen, and what happened may be forgotten, except in a lifetime."""
        counted = self._count(limit.count, of_a_limit=True)
        least = bounds(counted)[0]
        if limit.counted_by is not None:
            held = bounds(self.of(limit.counted_by))[0]
            least = held if least is None else least if held is None else max(least, held)
        if least is not None and least + limit.own > limit.at_most:
            return exactly(False)
        return UNSURE


@cache
def _combinations(
    some: frozenset[bool | None], others: frozenset[bool | None], *, deciding: bool
) -> frozenset[bool | None]:
    """What *and* or *or* of two may come to: what is decided, and what is still open."""
    return frozenset(
        deciding if deciding in (one, other) else None if one is None or other is None else not deciding
        for one, other in product(some, others)
    )


@cache
def _of_truths(truths: frozenset[bool | None]) -> Range:
    return Range(frozenset(each for each in truths if each is not None), None in truths)


def _by_bounds(operator: Comparison, left: Range, right: Range) -> set[Value]:
    """Both answers, less what the bounds rule out."""
    if left.values == frozenset() or right.values == frozenset():
        return set()
    (low, high), (least, most) = bounds(left), bounds(right)
    surely_below = high is not None and least is not None and high < least
    surely_above = low is not None and most is not None and low > most
    at_most = high is not None and least is not None and high <= least
    at_least = low is not None and most is not None and low >= most
    match operator:
        case "==":
            return {False} if surely_below or surely_above else {True, False}
        case "!=":
            return {True} if surely_below or surely_above else {True, False}
        case "<":
            return {True} if surely_below else {False} if at_least else {True, False}
        case "<=":
            return {True} if at_most else {False} if surely_above else {True, False}
        case ">":
            return {True} if surely_above else {False} if at_most else {True, False}
        case ">=":
            return {True} if at_least else {False} if surely_below else {True, False}
