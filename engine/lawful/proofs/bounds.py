"""What a proof looks at of what has no end: the days that decisions are made on, and texts that may stand for others.

The days are a bound of what is proved, and told. The texts are none: any other text is possible, too, but only of these
are functions exact from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Final

from lawful.ir import Call, Compare, Constant, Expr, Period, Program, walk
from lawful.patterns import text_for

_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2100, 12, 31)
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2300, 1, 1)
_MOST_TEXTS: Final = 60
_LONGEST_TEXT: Final = 300
_OF_A_PATTERN: Final = 4


def clock_of(program: Program) -> tuple[int, int]:
    """The days that decisions may be made on: this century, and what the policy's own dates add to it."""
    days = [each for each in _days(program) if _EARLIEST <= each <= _LATEST]
    first = min([_FIRST, *(each - timedelta(days=400) for each in days)])
    last = max([_LAST, *(each + timedelta(days=400) for each in days)])
    return first.toordinal(), last.toordinal()


def _days(program: Program) -> Iterator[date]:
    for expr in _exprs(program):
        for node in walk(expr):
            if isinstance(node, Constant):
                if isinstance(node.value, datetime):
                    yield node.value.date()
                elif isinstance(node.value, date):
                    yield node.value
    for period in _periods(program):
        yield from (each for each in (period.start, period.until) if each is not None)


def _exprs(program: Program) -> Iterator[Expr]:
    yield from (condition.holds for condition in program.conditions.values())
    for rule in program.rules:
        yield from (rule.when, rule.requires)
    for move in program.moves:
        yield from (effect.value for effect in move.effects)
    yield from (invariant.expr for invariant in program.invariants)


def _periods(program: Program) -> Iterator[Period]:
    for each in (program.rules, program.moves, program.invariants):
        yield from (one.in_force for one in each)


# ---------------------------------------------------------------------------------------------------------- texts


def samples_of(program: Program) -> tuple[str, ...]:
    """Texts on both sides of what the policy asks of texts: that they match, begin, end, contain, are so long."""
    return tuple(islice(dict.fromkeys(each for each in _samples(program) if len(each) <= _LONGEST_TEXT), _MOST_TEXTS))


def _samples(program: Program) -> Iterator[str]:
    nodes = [node for expr in _exprs(program) for node in walk(expr)]
    asked: dict[str, list[str]] = {name: [] for name in ("matches", "startsWith", "endsWith", "contains")}
    sizes: list[int] = []
    for node in nodes:
        match node:
            case Call(function=function, arguments=(_, Constant(value=str() as text))) if function in asked:
                asked[function].append(text)
            case Compare(left=left, right=right) if _is_size(left) or _is_size(right):
                found = (each.value for each in (left, right) if isinstance(each, Constant))
                sizes += [each for each in found if isinstance(each, int)]
    random = Random(0)
    yield from (text_for(each, random) for each in asked["matches"] for _ in range(_OF_A_PATTERN))
    parts = [
        begin + part + end
        for begin in ("", *asked["startsWith"])
        for part in ("", *asked["contains"])
        for end in ("", *asked["endsWith"])
    ]
    yield from parts
    for size in sizes:
        for length in (size - 1, size, size + 1):
            yield from (part + "x" * (length - len(part)) for part in ("", *asked["startsWith"]) if length >= len(part))


def _is_size(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "size"
