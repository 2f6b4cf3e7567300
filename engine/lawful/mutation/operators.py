"""What may be changed in an expression, one node at a time: the mistakes that authors make.

Each gives expressions of the same type. What is no mistake of an author is left alone: `has` of a fact, the clock, the
names of fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal, assert_never, cast

from lawful import calendar, wording
from lawful.calendar import CalendarUnit, Window
from lawful.ir import (
    BOOL,
    FALSE,
    INT_MAX,
    INT_MIN,
    STRING,
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
    Function,
    Known,
    ListOf,
    Member,
    Not,
    Or,
    Quantifier,
    Text,
    Type,
    Value,
    Variable,
    children,
    conjunction,
    disjunction,
    type_of,
)

Operator = Literal[
    "comparison",  # `<` becomes `<=`, `==` becomes `!=`
    "boundary",  # a number, date, time or duration moves by one
    "rule",  # a whole rule is not asked for
    "dropped",  # a part of a condition is not asked for
    "negation",  # what must hold must not
    "connective",  # and, or
    "values",  # another value of an enum is let in, or one is shut out
    "arithmetic",  # another function of the same type
    "branch",  # only one side of `? :`
    "quantifier",  # exists, all
    "limit",  # one more, one fewer
    "window",  # events are counted over another stretch of time
    "counted",  # another set of events, or no field beside the history
    "transition",  # from or to another state, or not at all
    "final",  # a state is final no more
    "period",  # in force from or until another day
    "effect",  # a change does not move what it should
    "obligation",  # something is not owed
]


@dataclass(frozen=True, slots=True)
class Changed:
    """An expression with one node changed, and what was changed, in words."""

    operator: Operator
    expr: Expr
    words: Text


_BOUNDARIES: Final[Mapping[Comparison, tuple[Comparison, ...]]] = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=", "<=", ">="),
    "!=": ("==", "<", ">"),
}
"""What an author may have meant: the edge on the other side, the opposite. Only `==` and `!=` of what has no order."""
_ORDERED: Final = ("int", "date", "timestamp", "duration")
_FUNCTIONS: Final[Mapping[Function, Function]] = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "/",
    "add_duration": "subtract_duration",
    "subtract_duration": "add_duration",
    "startsWith": "endsWith",
    "endsWith": "startsWith",
    "contains": "startsWith",
    "addDays": "addMonths",
    "addMonths": "addDays",
    "addYears": "addMonths",
    "getFullYear": "getMonth",
    "getMonth": "getDate",
    "getDate": "getMonth",
    "getDayOfWeek": "getDate",
}
_SWAPPED: Final[frozenset[Function]] = frozenset({"between", "daysBetween"})
_LOCAL: Final[frozenset[Function]] = frozenset({"getFullYear", "getMonth", "getDate", "getDayOfWeek"})
_CALENDAR_UNITS: Final[tuple[CalendarUnit, ...]] = ("day", "month", "year", "lifetime")


def changed(expr: Expr) -> Iterator[Changed]:
    """Every expression that differs in one node, each once."""
    seen = {expr}
    for each in _changed(expr):
        if each.expr not in seen:
            seen.add(each.expr)
            yield each


def _changed(expr: Expr) -> Iterator[Changed]:
    yield from _here(expr)
    parts = children(expr)
    for index, part in enumerate(parts):
        if _is_left_alone(expr, index):
            continue
        for each in _changed(part):
            if isinstance(expr, Not) and each.expr == Not(part):
                continue  # twice negated is what dropping the negation gives
            rest = (*parts[:index], each.expr, *parts[index + 1 :])
            yield Changed(each.operator, with_children(expr, rest), each.words)


def _is_left_alone(expr: Expr, index: int) -> bool:
    """Whether an operand is changed by what stands above it, if at all."""
    match expr:
        case Known():
            return True
        case Compare():
            other = (expr.right, expr.left)[index]
            return isinstance((expr.left, expr.right)[index], Constant) and type_of(other).kind not in _ORDERED
        case Member():
            return isinstance((expr.item, expr.collection)[index], Constant | ListOf)
        case AtMost():
            return index > 0
        case Quantifier():
            return index == 0
        case Call():
            return isinstance(expr.arguments[index], Constant) and (
                expr.function == "matches" or type_of(expr.arguments[index]) == STRING
            )
        case _:
            return False


def _here(expr: Expr) -> Iterator[Changed]:
    """What may be changed in the node itself."""
    match expr:
        case Constant():
            yield from _constant(expr)
        case Field() | Variable():
            if expr.type == BOOL:
                yield _negated(expr)
        case ConditionOf() | Known():
            yield _negated(expr)
        case Clock():
            return
        case Count():
            yield from _count(expr)
        case AtMost():
            yield from _at_most(expr)
        case Not():
            yield _becomes("negation", expr, expr.operand)
        case And() | Or():
            yield from _connective(expr)
        case Compare():
            yield from _compare(expr)
        case ListOf():
            yield from _list(expr)
        case Member():
            yield _negated(expr)
            yield from _member(expr)
        case Conditional():
            yield _becomes("branch", expr, expr.then)
            yield _becomes("branch", expr, expr.otherwise)
        case Quantifier():
            other: Literal["exists", "all"] = "all" if expr.kind == "exists" else "exists"
            yield _becomes("quantifier", expr, replace(expr, kind=other))
            yield _negated(expr)
        case Call():
            yield from _call(expr)
        case _:
            assert_never(expr)


def with_children(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """The node with other operands, as many as it has (`ir.children`)."""
    match expr:
        case Constant() | Field() | Clock() | Variable() | ConditionOf() | Count():
            return expr
        case AtMost():
            count = cast("Count", parts[0])
            return replace(expr, count=count, guaranteed=expr.guaranteed and count == expr.count)
        case Known() | Not():
            return type(expr)(parts[0])
        case And() | Or():
            return type(expr)(parts)
        case Compare():
            return Compare(expr.operator, parts[0], parts[1])
        case ListOf():
            return ListOf(parts, expr.type)
        case Member():
            return Member(parts[0], parts[1])
        case Conditional():
            return Conditional(parts[0], parts[1], parts[2])
        case Quantifier():
            return Quantifier(expr.kind, expr.variable, parts[0], parts[1])
        case Call():
            return Call(expr.function, parts)


# -------------------------------------------------------------------------------------------------- node by node


def _constant(expr: Constant) -> Iterator[Changed]:
    if expr.type.kind == "bool":
        yield _becomes("negation", expr, FALSE if expr.value is True else Constant(True, BOOL))
    elif expr.type.kind == "enum":
        for name in expr.type.values:
            if name != expr.value:
                yield _becomes("values", expr, Constant(name, expr.type))
    else:
        for value in _neighbours(expr.value):
            yield _becomes("boundary", expr, Constant(value, expr.type))


def _neighbours(value: Value) -> list[Value]:
    """One more and one less: a day of dates, a second of times. None of what has no order."""
    match value:
        case bool() | str() | frozenset() | tuple():
            return []
        case datetime() | timedelta():
            return _shifted(value, timedelta(seconds=1))
        case date():
            return _shifted(value, timedelta(days=1))
        case int():
            return [each for each in (value + 1, value - 1) if INT_MIN <= each <= INT_MAX]


def _shifted(value: date | timedelta, step: timedelta) -> list[Value]:
    found: list[Value] = []
    for way in (step, -step):
        try:
            found.append(value + way)
        except OverflowError:
            continue
    return found


def _count(expr: Count) -> Iterator[Changed]:
    for window in _other_windows(expr.window):
        yield _becomes("window", expr, replace(expr, window=window))
    if len(expr.events) > 1:
        for event in expr.events:
            rest = tuple(each for each in expr.events if each != event)
            yield _becomes("counted", expr, replace(expr, events=rest))


def _other_windows(window: Window) -> list[Window]:
    if window.length:
        lengths = [each for each in (window.length + 1, window.length - 1) if each >= 1]
        return [replace(window, length=each) for each in lengths] + _other_beginnings(window)
    place = [*map(str, _CALENDAR_UNITS)].index(window.unit)
    units = [_CALENDAR_UNITS[each] for each in (place - 1, place + 1) if 0 <= each < len(_CALENDAR_UNITS)]
    return [replace(window, unit=each) for each in units] + _other_beginnings(window)


def _other_beginnings(window: Window) -> list[Window]:
    """From the day before, and from the day after."""
    if window.since is None:
        return []
    days = (calendar.add_days(window.since, each) for each in (-1, 1))
    return [replace(window, since=day) for day in days if day is not None]


def _at_most(expr: AtMost) -> Iterator[Changed]:
    for most in (expr.at_most + 1, expr.at_most - 1):
        if 0 <= most <= INT_MAX:
            words = Text(f"at most {expr.at_most} becomes at most {most}", f"至多{expr.at_most}次改为至多{most}次")
            yield Changed("limit", replace(expr, at_most=most, guaranteed=expr.guaranteed and most >= 1), words)
    if expr.counted_by is not None:
        name = wording.cel(expr.counted_by)
        words = Text(f"`{name}` is not counted by", f"不再以 `{name}` 计数")
        yield Changed("counted", replace(expr, counted_by=None), words)


def _connective(expr: And | Or) -> Iterator[Changed]:
    is_and = isinstance(expr, And)
    yield _becomes("connective", expr, Or(expr.operands) if is_and else And(expr.operands))
    for index, operand in enumerate(expr.operands):
        rest = [each for place, each in enumerate(expr.operands) if place != index]
        left = conjunction(rest) if is_and else disjunction(rest)
        yield Changed("dropped", left, dropped(operand))


def _compare(expr: Compare) -> Iterator[Changed]:
    kind = type_of(expr.left).kind
    for other in _BOUNDARIES[expr.operator]:
        if kind in _ORDERED or other in ("==", "!="):
            yield _becomes("comparison", expr, replace(expr, operator=other))
    if kind == "enum" and isinstance(expr.right, Constant):
        yield from _widened(expr, expr.left, expr.right)


def _widened(expr: Compare, item: Expr, constant: Constant) -> Iterator[Changed]:
    """`x == 'a'` lets another value in as well; `x != 'a'` shuts another one out."""
    for value in constant.type.values:
        if value == constant.value:
            continue
        items = (constant, Constant(value, constant.type))
        both = Member(item, ListOf(items, Type("list", element=constant.type)))
        yield _becomes("values", expr, both if expr.operator == "==" else Not(both))


def _member(expr: Member) -> Iterator[Changed]:
    if not isinstance(expr.collection, ListOf):
        if isinstance(expr.item, Constant):
            for each in _constant(expr.item):
                yield _becomes(each.operator, expr, Member(each.expr, expr.collection))
        return
    for each in _list(expr.collection):
        yield _becomes("values", expr, Member(expr.item, each.expr))
    item = type_of(expr.item)
    listed = {each.value for each in expr.collection.items if isinstance(each, Constant)}
    for value in item.values if item.kind == "enum" else ():
        if value not in listed:
            items = (*expr.collection.items, Constant(value, item))
            yield _becomes("values", expr, Member(expr.item, replace(expr.collection, items=items)))


def _list(expr: ListOf) -> Iterator[Changed]:
    for index in range(len(expr.items)):
        yield _becomes("values", expr, replace(expr, items=(*expr.items[:index], *expr.items[index + 1 :])))


def _call(expr: Call) -> Iterator[Changed]:
    if type_of(expr) == BOOL:
        yield _negated(expr)
    if expr.function in _FUNCTIONS:
        yield _becomes("arithmetic", expr, Call(_FUNCTIONS[expr.function], expr.arguments))
    if expr.function in _SWAPPED:
        yield _becomes("arithmetic", expr, Call(expr.function, expr.arguments[::-1]))
    if expr.function == "negate":
        yield _becomes("arithmetic", expr, expr.arguments[0])
    if expr.function in _LOCAL and len(expr.arguments) == 2:
        zone = expr.arguments[1]
        other = "UTC" if isinstance(zone, Constant) and zone.value != "UTC" else "Asia/Shanghai"
        yield _becomes("arithmetic", expr, Call(expr.function, (expr.arguments[0], Constant(other, STRING))))


# --------------------------------------------------------------------------------------------------------- words


def _negated(expr: Expr) -> Changed:
    return _becomes("negation", expr, Not(expr))


def _becomes(operator: Operator, expr: Expr, other: Expr) -> Changed:
    return Changed(operator, other, becomes(wording.cel(expr), wording.cel(other)))


def becomes(was: str, now: str) -> Text:
    """One text instead of another."""
    return Text(f"`{was}` becomes `{now}`", f"`{was}` 改为 `{now}`")


def dropped(expr: Expr) -> Text:
    """A part that is not asked for."""
    return Text(f"`{wording.cel(expr)}` is dropped", f"去掉 `{wording.cel(expr)}`")
