"""Values of facts that meet in one comparison, or that come round again: what is tried where none so far is allowed.

Each fact by itself has its thresholds only where the others are known. So all but one are given some plain value, and
of the last the thresholds are looked for then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from lawful.calendar import add_days
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation
from lawful.ir import Compare, Expr, FieldDeclaration, ListOf, Member, Value
from lawful.question import Question

_NUMBERS: Final = (10, 1, 100, 1000, -10, -1)
_TEXTS: Final = ("a", "b", "?", "")
"""Some that are not the same, and one that has no letters: few forms are of all of them."""
_DAYS: Final = (0, 30, 365, -30, -365)
ROUND: Final = 60
"""So many numbers after a threshold are tried: remainders of small numbers come round in them."""
_PLAIN: Final = 10**9
"""Numbers that people would give."""


def plain_values(declaration: FieldDeclaration, question: Question) -> list[Value]:
    """Some values of a number, a text, a day or an instant that a person might give."""
    found: list[Value] = []
    match declaration.type.kind:
        case "int":
            found = list(_NUMBERS)
        case "string":
            found = list(_TEXTS)
        case "date":
            found = [day for days in _DAYS if (day := add_days(question.today, days)) is not None]
        case "timestamp":
            near = (add_days(question.at.date(), days) for days in _DAYS)
            found = [datetime.combine(day, question.at.timetz()) for day in near if day is not None]
        case _:
            pass
    return [each for each in found if _is_within(each, declaration)]


def numbers_after(values: Sequence[Value], declaration: FieldDeclaration) -> Iterator[int]:
    """The numbers that follow thresholds."""
    if declaration.type.kind == "int":
        starts = [each for each in values if isinstance(each, int)]
        numbers = dict.fromkeys(number for start in starts for number in range(start, start + ROUND))
        yield from (each for each in numbers if _is_within(each, declaration))


def with_a_text(texts: Sequence[Value]) -> list[Value]:
    """Texts, with one that may be given as an example for what stands for all the others: `…`."""
    plain = next((each for each in _TEXTS if each not in texts), None)
    return [plain if plain is not None and stands_for_others(each) else each for each in texts]


def stands_for_others(value: object) -> bool:
    """Whether it is what `thresholds` has for every text that is not named."""
    return isinstance(value, str) and set(value) == {"…"}


def texts_met(leaves: Iterable[Expr], subject: Callable[[Expr], bool], situation: Situation) -> Iterator[str]:
    """The texts that a fact is compared with, as far as they are known."""
    for leaf in leaves:
        match leaf:
            case Compare(operator="==" | "!=", left=left, right=right):
                others = [other for one, other in ((left, right), (right, left)) if subject(one)]
            case Member(item=item, collection=ListOf(items=items)) if subject(item):
                others = list(items)
            case _:
                others = []
        found = (evaluate(each, situation) for each in others)
        yield from (each for each in found if isinstance(each, str))


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
    return (low is None or low <= value) and (high is None or value <= high)  # type: ignore[operator]  # of one type
