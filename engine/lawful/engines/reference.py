"""The meaning of a policy, in the plainest Python. The tests hold the other engines to it.

Three values: True, False and None, which is unknown. `&&`, `||`, `!` are Kleene's; every other operator with an
unknown operand is unknown, and so is one that fails; `has` alone is never unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal, assert_never, cast
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.engines.situation import Situation, counted
from lawful.ir import (
    INT_MAX,
    INT_MIN,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Comparison,
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
    Rule,
    Value,
    Variable,
)
from lawful.patterns import matches

Outcome = Literal["satisfied", "violated", "unknown"]


def outcome(rule: Rule, situation: Situation) -> Outcome:
    """Satisfied if `when` is false or `requires` true, violated if true and false, else unknown."""
    applies = evaluate(rule.when, situation)
    if applies is False:
        return "satisfied"
    holds = evaluate(rule.requires, situation)
    if holds is True:
        return "satisfied"
    return "violated" if applies is True and holds is False else "unknown"


def evaluate(expr: Expr, situation: Situation) -> Value | None:
    """The value of a well-typed expression; None where it is unknown.

    A chain of `type(expr) is …` where a `match` would read better: it takes 0.6 of the time, and this is the inner loop
    of every check. The type checker still finds a missing kind.
    """
    if type(expr) is Compare:
        left = evaluate(expr.left, situation)
        if left is None:
            return None
        right = evaluate(expr.right, situation)
        return None if right is None else compare(expr.operator, left, right)
    if type(expr) is Field:
        return situation.records[expr.owner].get(expr.name)
    if type(expr) is Constant:
        return expr.value
    if type(expr) is ConditionOf:
        return _condition(expr, situation)
    if type(expr) is And:
        return _kleene(expr.operands, situation, deciding=False)
    if type(expr) is Or:
        return _kleene(expr.operands, situation, deciding=True)
    if type(expr) is Not:
        value = evaluate(expr.operand, situation)
        return None if value is None else not value
    if type(expr) is Known:
        return evaluate(expr.operand, situation) is not None
    if type(expr) is Clock:
        return situation.today if expr.name == "today" else situation.at
    if type(expr) is Member:
        item, within = evaluate(expr.item, situation), evaluate(expr.collection, situation)
        return None if item is None or within is None else item in cast("frozenset[str]", within)
    if type(expr) is ListOf:
        items = tuple(evaluate(each, situation) for each in expr.items)
        return None if None in items else cast("tuple[Value, ...]", items)
    if type(expr) is AtMost:
        return _at_most(expr, situation)
    if type(expr) is Call:
        arguments = [evaluate(each, situation) for each in expr.arguments]
        return None if None in arguments else call(expr, cast("list[Value]", arguments), situation.zone)
    if type(expr) is Conditional:
        test = evaluate(expr.test, situation)
        return None if test is None else evaluate(expr.then if test else expr.otherwise, situation)
    if type(expr) is Quantifier:
        return _quantified(expr, situation)
    if type(expr) is Variable:
        return situation.variables[expr.name]
    if type(expr) is Count:
        least, most = situation.history.count(expr.events, expr.window, situation.at, situation.zone)
        return least if least == most else None
    assert_never(expr)


def _at_most(limit: AtMost, situation: Situation) -> bool | None:
    least, most = counted(limit, situation)
    if least > limit.at_most:
        return False
    return True if most is not None and most <= limit.at_most else None


def _condition(expr: ConditionOf, situation: Situation) -> Value | None:
    key = (expr.state, expr.name)
    if key not in situation.memo:
        where = situation if expr.state == "account" else situation.seen_from(expr.state)
        situation.memo[key] = evaluate(situation.conditions[expr.name].holds, where)
    return situation.memo[key]


def _kleene(operands: tuple[Expr, ...], situation: Situation, *, deciding: bool) -> bool | None:
    """Kleene's *and*, which one false operand decides, and *or*, which one true one does; else unknown if any is."""
    value: bool | None = not deciding
    for each in operands:
        found = evaluate(each, situation)
        if found is deciding:
            return deciding
        if found is None:
            value = None
    return value


def _quantified(expr: Quantifier, situation: Situation) -> bool | None:
    """*or* and *and* over the elements."""
    collection = evaluate(expr.collection, situation)
    if collection is None:
        return None
    deciding = expr.kind == "exists"
    value: bool | None = not deciding
    name = expr.variable.name
    shadowed = situation.variables.get(name)
    try:
        for element in cast("Iterable[Value]", collection):
            situation.variables[name] = element
            found = evaluate(expr.body, situation)
            if found is deciding:
                return deciding
            if found is None:
                value = None
        return value
    finally:
        if shadowed is None:
            situation.variables.pop(name, None)
        else:
            situation.variables[name] = shadowed


def compare(operator: Comparison, left: Value, right: Value) -> bool:
    """Two known values of one type."""
    match operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right  # type: ignore[operator]  # well typed: both ordered, of one type; likewise below
        case "<=":
            return left <= right  # type: ignore[operator]
        case ">":
            return left > right  # type: ignore[operator]
        case ">=":
            return left >= right  # type: ignore[operator]


def call(expr: Call, arguments: list[Value], zone: ZoneInfo) -> Value | None:
    """The function's value of known arguments; None where it fails."""
    match expr.function, arguments:
        case "+" | "-" | "*" | "/" | "%" | "negate", [*numbers]:
            return arithmetic(expr.function, *cast("list[int]", numbers))
        case "add_duration", [datetime() as at, timedelta() as length]:
            return shifted(at, length)
        case "subtract_duration", [datetime() as at, timedelta() as length]:
            return shifted(at, -length)
        case "between", [datetime() as later, datetime() as earlier]:
            return calendar.between(later, earlier)
        case "size", [str() as text]:
            return len(text)
        case "startsWith", [str() as text, str() as part]:
            return text.startswith(part)
        case "endsWith", [str() as text, str() as part]:
            return text.endswith(part)
        case "contains", [str() as text, str() as part]:
            return part in text
        case "matches", [str() as text, str() as pattern]:
            return matches(text, pattern)
        case "date", [datetime() as at]:
            return calendar.day_of(at, zone)
        case "addDays", [date() as day, int() as days]:
            return calendar.add_days(day, days)
        case "addMonths", [date() as day, int() as months]:
            return calendar.add_months(day, months)
        case "addYears", [date() as day, int() as years]:
            return calendar.add_years(day, years)
        case "daysBetween", [date() as first, date() as second]:
            return (second - first).days
        case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek", [datetime() as at, str() as where]:
            return part_of(expr.function, *calendar.shown(at, zone_named(where)))
        case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek", [date() as day]:
            return part_of(expr.function, day.year, day.month, day.day, day.isoweekday() % 7)
        case _:
            raise TypeError(f"{expr.function} of {arguments}")  # no well-typed expression comes here


def arithmetic(operator: str, left: int, right: int = 0) -> int | None:
    """64-bit, as CEL has it: division truncates, the remainder has the dividend's sign, overflow fails."""
    match operator:
        case "+":
            value = left + right
        case "-":
            value = left - right
        case "*":
            value = left * right
        case "negate":
            value = -left
        case _ if right == 0 or (left == INT_MIN and right == -1):
            return None
        case "/":
            value = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        case _:
            value = abs(left) % abs(right) * (-1 if left < 0 else 1)
    return value if INT_MIN <= value <= INT_MAX else None


def shifted(at: datetime, length: timedelta) -> datetime | None:
    try:
        return (at + length).astimezone(UTC)
    except OverflowError:
        return None


def part_of(getter: str, year: int, month: int, day: int, weekday: int) -> int:
    match getter:
        case "getFullYear":
            return year
        case "getMonth":
            return month - 1
        case "getDate":
            return day
        case _:
            return weekday


@cache
def zone_named(name: str) -> ZoneInfo:
    return ZoneInfo(name)
