"""What two policies can both be asked: fields, values, features, actions and events that both have.

One account is told twice, in the terms of either policy; what only one of them knows is left out, and listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lawful.ir import FieldDeclaration, Program, Schema, Type
from lawful.proofs.differences import SIDES, OnlyOne, Side
from lawful.proofs.logic import (
    Bool,
    Meaning,
    Term,
    alike,
    both,
    choice,
    chosen,
    disjunction,
    either,
    equal,
    opposite,
)
from lawful.proofs.space import Space
from lawful.proofs.terms import Facts, absent, constant
from lawful.values import written


@dataclass(slots=True)
class Shared:
    """The part of two policies that requests to both can speak of."""

    old: Program
    new: Program
    account: Schema = field(init=False)
    request: Schema = field(init=False)
    features: tuple[str, ...] = field(init=False)
    actions: tuple[str, ...] = field(init=False)
    events: frozenset[str] = field(init=False)
    only: list[OnlyOne] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = dict(self._common(self.old.account, self.new.account, "field"))
        self.request = dict(self._common(self.old.request, self.new.request, "request field"))
        self.features = self._named(self.old.features, self.new.features, "feature")
        self.actions = self._named(self.old.actions, self.new.actions, "action")
        self.events = self.old.event_names & self.new.event_names
        declared = self._named(self.old.events, self.new.events, "event")
        assert set(declared) <= self.events

    def program(self, side: Side) -> Program:
        return self.old if side == "old" else self.new

    # ------------------------------------------------------------------------------------------------ in common

    def _named(self, old: Mapping[str, object], new: Mapping[str, object], what: Any) -> tuple[str, ...]:
        for side, these, others in (("old", old, new), ("new", new, old)):
            self.only += [OnlyOne(side, what, name) for name in these if name not in others]  # type: ignore[arg-type]  # one of the two
        return tuple(name for name in old if name in new)

    def _common(self, old: Schema, new: Schema, what: Any) -> Iterator[tuple[str, FieldDeclaration]]:
        for name in self._named(old, new, what):
            found = self._declaration(name, old[name], new[name])
            if found is not None:
                yield name, found

    def _declaration(self, name: str, old: FieldDeclaration, new: FieldDeclaration) -> FieldDeclaration | None:
        """The field with the values that both have; None where its type is another."""
        if old.type.kind != new.type.kind:
            self.only += [
                OnlyOne(side, "type", name, each.type.kind) for side, each in zip(SIDES, (old, new), strict=True)
            ]
            return None
        values = tuple(each for each in old.type.values if each in new.type.values)
        for side, these in zip(SIDES, (old.type.values, new.type.values), strict=True):
            self.only += [OnlyOne(side, "value", name, each) for each in these if each not in values]
        if old.type.kind in ("enum", "set") and not values:
            return None
        low = [each.minimum for each in (old, new) if each.minimum is not None]
        high = [each.maximum for each in (old, new) if each.maximum is not None]
        if (old.minimum, old.maximum) != (new.minimum, new.maximum):
            for side, each in zip(SIDES, (old, new), strict=True):
                self.only.append(OnlyOne(side, "bounds", name, _bounds(each)))
        return replace(
            new,
            type=Type(old.type.kind, values, new.type.element),
            default=None,
            minimum=max(low) if low else None,
            maximum=min(high) if high else None,
        )

    # --------------------------------------------------------------------------------------------- told twice

    def facts(self, space: Space, raw: Facts, own: Schema, common: Schema) -> dict[str, Meaning]:
        """Facts in the terms of one policy: what nobody gave has its default, what nobody can give is unknown."""
        found: dict[str, Meaning] = {}
        for name, declaration in own.items():
            default = absent(declaration.type)
            if declaration.default is not None:
                default = constant(space, declaration.default, declaration.type)
            if name in common:
                given = renumbered(raw[name], common[name].type, declaration.type)
                found[name] = chosen(given.known, given, default) if declaration.default is not None else given
            else:
                found[name] = default
        return found

    def differ(self, name: str, old: Meaning, new: Meaning) -> Bool:
        """Whether a fact of the account is not the same to both."""
        first, second = self.old.account[name].type, self.new.account[name].type
        if first.values == second.values:
            return opposite(alike(old, new))
        values = self.account[name].type.values
        if first.kind == "set":
            one, other = _bits(old, first), _bits(new, second)
            names = dict.fromkeys((*first.values, *second.values))
            same = [equal(one.get(each, False), other.get(each, False)) for each in names]
            return opposite(either(both(opposite(old.known), opposite(new.known)), both(old.known, new.known, *same)))
        equals = disjunction(
            both(equal(old.value, first.values.index(each)), equal(new.value, second.values.index(each)))
            for each in values
        )
        return opposite(either(both(opposite(old.known), opposite(new.known)), both(old.known, new.known, equals)))


def _bits(meaning: Meaning, type: Type) -> dict[str, Bool]:
    return dict(zip(type.values, meaning.value, strict=True))  # type: ignore[arg-type]  # a set's value is a tuple


def renumbered(meaning: Meaning, common: Type, own: Type) -> Meaning:
    """A value of the common type as one of the policy's own, which may have more values, in another order."""
    if common.values == own.values or not isinstance(meaning, Term):
        return meaning
    if own.kind == "set":
        held = dict(zip(common.values, meaning.value, strict=True))
        return Term(tuple(held.get(each, False) for each in own.values), meaning.known)
    value: Any = own.values.index(common.values[-1])
    for place, each in reversed(list(enumerate(common.values[:-1]))):
        value = choice(equal(meaning.value, place), own.values.index(each), value)
    return Term(value, meaning.known)


def _bounds(declaration: FieldDeclaration) -> str:
    low, high = (None if each is None else written(each, None) for each in (declaration.minimum, declaration.maximum))
    return f"{low if low is not None else '…'} – {high if high is not None else '…'}"
