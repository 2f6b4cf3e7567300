"""What a proof looks at of what has no end: the days that decisions are made on, and texts that may stand for others.

The days are a bound of what is proved, and told. The texts are none: any other text is possible, too, but only of these
are functions exact from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final

from lawful.deciding.texts import texts_by
from lawful.ir import AtMost, Constant, Count, Expr, Period, Program, walk

_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2100, 12, 31)
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2300, 1, 1)
_MOST_TEXTS: Final = 60
_LONGEST_TEXT: Final = 300


def clock_of(program: Program) -> tuple[int, int]:
    """The days that decisions may be made on: this century, and what the policy's own dates add to it."""
    days = [each for each in _days(program) if _EARLIEST <= each <= _LATEST]
    first = min([_FIRST, *(each - timedelta(days=400) for each in days)])
    last = max([_LAST, *(each + timedelta(days=400) for each in days)])
    return first.toordinal(), last.toordinal()


def _days(program: Program) -> Iterator[date]:
    for expr in _exprs(program):
        for node in walk(expr):
            if isinstance(node, Count | AtMost):
                since = (node.count if isinstance(node, AtMost) else node).window.since
                yield from () if since is None else (since,)
            elif isinstance(node, Constant):
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
    samples = texts_by(node for expr in _exprs(program) for node in walk(expr))
    return tuple(islice(dict.fromkeys(each for each in samples if len(each) <= _LONGEST_TEXT), _MOST_TEXTS))
