"""Whether all the values between two thresholds of a fact decide alike, so that a range may be told of a few tries.

By the form of what is judged alone: a fact has ranges where it is only ever compared, itself, with what neither another
answer nor the change moves. In doubt it has none; then only what was tried is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct

from lawful.deciding.thresholds import Read
from lawful.ir import (
    AtMost,
    Call,
    Clock,
    Compare,
    Condition,
    Constant,
    Expr,
    Field,
    Known,
    ListOf,
    Member,
    everything,
    type_of,
    walk,
)

Test = Callable[[Expr], bool]


class Ranging(Struct, frozen=True):
    """What one request is judged by."""

    read: Read
    conditions: Mapping[str, Condition]
    given: Collection[str]
    """The facts that the request gives, `account.f` and `request.f`."""
    moved: Collection[str]
    """Those that the change may move: where it moves nothing no constraint is judged, which no comparison shows."""

    def has_ranges(self, fact: str) -> bool:
        if fact in self.moved or any(self._reads(each, fact) for each in self.read.computed):
            return False
        return all(self._is_direct(leaf, fact) for leaf in self.read.leaves if self._reads(leaf, fact))

    def is_read_within(self, fact: str) -> bool:
        """Whether a comparison reads it by way of a named condition, where no threshold is looked for."""
        return any(
            self._reads(leaf, fact) and not any(_is(node, fact) for node in walk(leaf)) for leaf in self.read.leaves
        )

    def facts_of(self, leaf: Expr) -> set[str]:
        """The facts that a comparison reads: of a change's own value nothing is asked."""
        return {fact_of(node) for node in everything(leaf, self.conditions) if isinstance(node, Field)}

    def _reads(self, expr: Expr, fact: str) -> bool:
        return any(_is(node, fact) for node in everything(expr, self.conditions))

    def _is_direct(self, leaf: Expr, fact: str) -> bool:
        subject, fixed = _subject(fact), self._fixed(fact)
        match leaf:
            case Known(operand=operand):
                return subject(operand)
            case AtMost(counted_by=counter):
                return counter is not None and subject(counter)
            case Compare(left=left, right=right):
                sides = ((left, right), (right, left))
                if type_of(left).kind == "string" and leaf.operator not in ("==", "!="):
                    return False
                return any(_is_itself(one, subject, fixed) and _suits(one, other, fixed) for one, other in sides)
            case Member(item=item, collection=ListOf(items=items)):
                return subject(item) and all(_suits(item, each, fixed) for each in items)
            case _:
                return False

    def _fixed(self, fact: str) -> Test:
        """What is the same whatever is answered, before the change and after."""

        def fixed(expr: Expr) -> bool:
            match expr:
                case Constant() | Clock():
                    return True
                case Field(owner="features" | "before.features" | "after.features"):
                    return False
                case Field():
                    return not _is(expr, fact) and fact_of(expr) in self.given and fact_of(expr) not in self.moved
                case Call():
                    return all(fixed(each) for each in expr.arguments)
                case _:
                    return False

        return fixed


def _is_itself(expr: Expr, subject: Test, fixed: Test) -> bool:
    """The fact, or the days to it: they rise with it, and there are some for every two days."""
    if isinstance(expr, Call) and expr.function == "daysBetween":
        return any(subject(one) and fixed(other) for one, other in (expr.arguments, tuple(reversed(expr.arguments))))
    return subject(expr)


def _suits(subject: Expr, other: Expr, fixed: Test) -> bool:
    """Of texts only those are tried that are named."""
    return isinstance(other, Constant) if type_of(subject).kind == "string" else fixed(other)


def _subject(fact: str) -> Test:
    return lambda expr: _is(expr, fact)


def _is(expr: Expr, fact: str) -> bool:
    return isinstance(expr, Field) and fact_of(expr) == fact


def fact_of(fact: Field) -> str:
    """By the name that it is asked for by."""
    if fact.owner.endswith("features"):
        return "account.features"
    return f"{'request' if fact.owner == 'request' else 'account'}.{fact.name}"


def facts_given(account: Iterable[str], request: Iterable[str]) -> frozenset[str]:
    """By the names that facts are asked for by."""
    return frozenset((*(f"account.{each}" for each in account), *(f"request.{each}" for each in request)))
