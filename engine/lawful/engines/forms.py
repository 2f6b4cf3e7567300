"""Where an expression is true and where it is false, as trees of literals that the production-rule engine matches.

Dual rail: a boolean expression has a form that matches where it is true and another that matches where it is false; a
literal about an absent fact matches in neither, which is *unknown*. Negation swaps the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

GROUPS: Final = 14
"""The most `$and` and `$or` of one production, beside the outermost: at 16 in all the engine gives up."""


@dataclass(frozen=True, slots=True)
class Test:
    """A literal: a fact compared with a constant. Without the fact it does not match, except for `$nex`."""

    operator: Literal["$eq", "$neq", "$lt", "$lte", "$gt", "$gte", "$ex", "$nex"]
    fact: int
    value: int | str


@dataclass(frozen=True, slots=True)
class All:
    """Matches where each part does; without parts, always."""

    parts: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Matches where any part does, once for each; without parts, never."""

    parts: tuple[Form, ...]


Form: TypeAlias = Test | All | Some
ALWAYS: Final = All(())
NEVER: Final = Some(())


@dataclass(frozen=True, slots=True)
class Rails:
    """Where an expression is true, and where it is false."""

    true: Form
    false: Form


def all_of(forms: Iterable[Form]) -> Form:
    parts = dict.fromkeys(part for form in forms for part in _flat(form, All))
    if NEVER in parts:
        return NEVER
    return next(iter(parts)) if len(parts) == 1 else All(tuple(parts))


def some_of(forms: Iterable[Form]) -> Form:
    parts = dict.fromkeys(part for form in forms for part in _flat(form, Some))
    if ALWAYS in parts:
        return ALWAYS
    return next(iter(parts)) if len(parts) == 1 else Some(tuple(parts))


def _flat(form: Form, kind: type[All | Some]) -> tuple[Form, ...]:
    return form.parts if isinstance(form, kind) else (form,)


def opposite(rails: Rails) -> Rails:
    return Rails(rails.false, rails.true)


def conjunction(parts: Sequence[Rails]) -> Rails:
    return Rails(all_of(each.true for each in parts), some_of(each.false for each in parts))


def choice(test: Rails, then: Rails, otherwise: Rails) -> Rails:
    """`test ? then : otherwise`: neither true nor false where the test is unknown."""
    true = some_of((all_of((test.true, then.true)), all_of((test.false, otherwise.true))))
    false = some_of((all_of((test.true, then.false)), all_of((test.false, otherwise.false))))
    return Rails(true, false)


def tests(form: Form) -> Iterator[Test]:
    """The literals of a form, each as often as it stands there."""
    if isinstance(form, Test):
        yield form
    else:
        for part in form.parts:
            yield from tests(part)


class Size(NamedTuple):
    """What the engine limits: of one production, and of one ruleset."""

    literals: int
    branches: int
    """How often it fires at the most."""
    groups: int
    """How many `$and` and `$or`."""

    def fits(self, bound: int) -> bool:
        return max(self.literals, self.branches) <= bound and self.groups <= GROUPS


def size(form: Form) -> Size:
    match form:
        case Test():
            return Size(1, 1, 0)
        case All():
            return together([size(part) for part in form.parts])
        case Some():
            return either([size(part) for part in form.parts])


def together(sizes: Iterable[Size]) -> Size:
    """The size of an `$and`."""
    literals, branches, groups = 0, 1, 1
    for each in sizes:
        literals, branches, groups = literals + each.literals, branches * each.branches, groups + each.groups
    return Size(literals, branches, groups)


def either(sizes: Iterable[Size]) -> Size:
    """The size of an `$or`, and of productions side by side."""
    literals, branches, groups = 0, 0, 1
    for each in sizes:
        literals, branches, groups = literals + each.literals, branches + each.branches, groups + each.groups
    return Size(literals, branches, groups)


def fits(rails: Rails, bound: int) -> bool:
    return size(rails.true).fits(bound) and size(rails.false).fits(bound)
