"""Truth and numbers that are either known now, as Python has them, or left to Z3.

What is known now is worked out at once: terms stay small, and most of a policy never reaches the solver.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import z3
from z3 import z3core

Bool: TypeAlias = "bool | z3.BoolRef"
Number: TypeAlias = "int | z3.ArithRef"


def both(*parts: Bool) -> Bool:
    """*And* of any number."""
    return conjunction(parts)


def conjunction(parts: Iterable[Bool]) -> Bool:
    kept = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            kept.append(part)
    if not kept:
        return True
    return kept[0] if len(kept) == 1 else _joined(z3core.Z3_mk_and, kept)


def either(*parts: Bool) -> Bool:
    """*Or* of any number."""
    return disjunction(parts)


def disjunction(parts: Iterable[Bool]) -> Bool:
    kept = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            kept.append(part)
    if not kept:
        return False
    return kept[0] if len(kept) == 1 else _joined(z3core.Z3_mk_or, kept)


def opposite(part: Bool) -> Bool:
    if isinstance(part, bool):
        return not part
    known = getattr(part, "opposite", None)
    if known is not None:
        return known  # set below
    made = z3.BoolRef(z3core.Z3_mk_not(part.ctx.ref(), part.ast), part.ctx)
    made.opposite = part
    return made


def implies(one: Bool, other: Bool) -> Bool:
    return either(opposite(one), other)


def choice(test: Bool, then: Any, otherwise: Any) -> Any:
    """`then` where the test holds, else `otherwise`: truth or numbers."""
    if isinstance(test, bool):
        return then if test else otherwise
    if then is otherwise:
        return then
    if isinstance(then, bool) or isinstance(otherwise, bool):
        return either(both(test, then), both(opposite(test), otherwise))
    if isinstance(then, int) and then == otherwise:
        return then
    context = test.ctx
    made = z3core.Z3_mk_ite(context.ref(), test.ast, _ast(then, context), _ast(otherwise, context))
    return (z3.BoolRef if isinstance(then, z3.BoolRef) else z3.ArithRef)(made, context)


def equal(one: Any, other: Any) -> Bool:
    """Of two truths or two numbers."""
    if isinstance(one, bool) and isinstance(other, bool):
        return one == other
    if isinstance(one, bool):
        return other if one else opposite(other)
    if isinstance(other, bool):
        return one if other else opposite(one)
    return _related(z3core.Z3_mk_eq, one, other, operator.eq)


def less(one: Number, other: Number) -> Bool:
    return _related(z3core.Z3_mk_lt, one, other, operator.lt)


def no_more(one: Number, other: Number) -> Bool:
    return _related(z3core.Z3_mk_le, one, other, operator.le)


# What follows goes past Z3's own Python, which looks at every operand anew: that takes five times as long as Z3 does.


def _joined(make: Callable[..., Any], parts: list[Any]) -> z3.BoolRef:
    context = parts[0].ctx
    asts = (z3.Ast * len(parts))(*[each.ast for each in parts])
    return z3.BoolRef(make(context.ref(), len(parts), asts), context)


def _related(make: Callable[..., Any], one: Any, other: Any, plainly: Callable[[int, int], bool]) -> Bool:
    if isinstance(one, int) and isinstance(other, int):
        return plainly(one, other)
    context = other.ctx if isinstance(one, int) else one.ctx
    if one is other:
        return plainly(0, 0)
    return z3.BoolRef(make(context.ref(), _ast(one, context), _ast(other, context)), context)


def _ast(number: Any, context: z3.Context) -> Any:
    if not isinstance(number, int):
        return number.ast
    numerals = context.__dict__.setdefault("numerals", {})
    if number not in numerals:
        numerals[number] = z3.IntVal(number, context)
    return numerals[number].ast


# ------------------------------------------------------------------------------------------------- three values


@dataclass(frozen=True, slots=True)
class Truth:
    """True, false or, where it is neither, unknown."""

    true: Bool
    false: Bool

    @property
    def known(self) -> Bool:
        return either(self.true, self.false)

    @property
    def value(self) -> Bool:
        """What it is where it is known."""
        return self.true


@dataclass(frozen=True, slots=True)
class Term:
    """A value where it is known. An enum's is its place among the type's values, a day's its ordinal, an instant's its
    microseconds since 1970, a text's its code; a set's is a tuple of truths, a list's a tuple of items."""

    value: Any
    known: Bool


Meaning: TypeAlias = Truth | Term


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list, where it is one: which list is meant may be open."""

    held: Bool
    meaning: Meaning


TRUE: Final = Truth(True, False)
FALSE: Final = Truth(False, True)
UNKNOWN: Final = Truth(False, False)


def certain(value: Bool) -> Truth:
    """A truth that is never unknown."""
    return Truth(value, opposite(value))


def given(value: Bool, known: Bool) -> Truth:
    """A truth of that value where it is known."""
    return Truth(both(known, value), both(known, opposite(value)))


def negated(truth: Truth) -> Truth:
    return Truth(truth.false, truth.true)


def all_of(truths: Iterable[Truth]) -> Truth:
    """Kleene's *and*."""
    found = list(truths)
    return Truth(conjunction(each.true for each in found), disjunction(each.false for each in found))


def any_of(truths: Iterable[Truth]) -> Truth:
    """Kleene's *or*."""
    found = list(truths)
    return Truth(disjunction(each.true for each in found), conjunction(each.false for each in found))


def chosen(test: Bool, then: Meaning, otherwise: Meaning) -> Meaning:
    """One of two meanings of one type."""
    if isinstance(test, bool):
        return then if test else otherwise
    if isinstance(then, Truth) and isinstance(otherwise, Truth):
        return Truth(choice(test, then.true, otherwise.true), choice(test, then.false, otherwise.false))
    if isinstance(then, Truth) or isinstance(otherwise, Truth):
        raise TypeError("two types")  # no well-typed expression comes here
    value: Any
    if isinstance(then.value, tuple) and any(isinstance(each, Item) for each in (*then.value, *otherwise.value)):
        kept = [Item(both(test, each.held), each.meaning) for each in then.value]
        value = (*kept, *(Item(both(opposite(test), each.held), each.meaning) for each in otherwise.value))
    elif isinstance(then.value, tuple):
        pairs = zip(then.value, otherwise.value, strict=True)
        value = tuple(choice(test, one, other) for one, other in pairs)
    else:
        value = choice(test, then.value, otherwise.value)
    return Term(value, choice(test, then.known, otherwise.known))


def same(one: Meaning, other: Meaning) -> Bool:
    """Whether two known values of one type are equal; says nothing where one of them is unknown."""
    if isinstance(one, Term) and isinstance(other, Term) and isinstance(one.value, tuple):
        return conjunction(equal(left, right) for left, right in zip(one.value, other.value, strict=True))
    return equal(one.value, other.value)


def alike(one: Meaning, other: Meaning) -> Bool:
    """Whether both are unknown, or known and equal."""
    if isinstance(one, Truth) and isinstance(other, Truth):
        return both(equal(one.true, other.true), equal(one.false, other.false))
    return either(
        both(one.known, other.known, same(one, other)),
        both(opposite(one.known), opposite(other.known)),
    )


def known(meaning: Meaning) -> Meaning:
    """The same value, surely known."""
    return certain(meaning.value) if isinstance(meaning, Truth) else Term(meaning.value, True)
