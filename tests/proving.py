"""A concrete situation as a scene of Z3 terms, so that the terms can be held to the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lawful import ir
from lawful.calendar import Window
from lawful.engines.situation import History, Situation
from lawful.ir import Owner, Type, Value
from lawful.proofs import dates
from lawful.proofs.logic import Meaning, Number, Term, given
from lawful.proofs.space import Model, Space
from lawful.proofs.state import fresh
from lawful.proofs.terms import Scene, constant


def space_of(zone: Any) -> Space:
    return Space(zone, (dates.FIRST, dates.LAST))


@dataclass(frozen=True)
class At:
    """A moment that is known, told by equations."""

    today: Number
    now: Number


@dataclass(frozen=True)
class Recorded:
    """The counts of a concrete history."""

    situation: Situation
    whole: bool = True

    def count(self, events: tuple[str, ...], window: Window, moment: object) -> int:
        history = self.situation.history
        return history.count(events, window, self.situation.at, self.situation.zone)[0]


def known_as(space: Space, name: str, type: Type, value: Value | None) -> Meaning:
    """A variable that has this value: what is known now would be worked out without Z3."""
    made = fresh(space, name, type)
    known = space.boolean(f"{name}_known")
    space.assume(known == (value is not None))
    if value is not None:
        told = constant(space, value, type).value
        pairs = zip(made, told, strict=True) if isinstance(made, tuple) else [(made, told)]
        for one, other in pairs:
            space.assume(one == other)
    return given(made, known) if type == ir.BOOL else Term(made, known)


def scene_of(situation: Situation, fields: Mapping[Owner, Mapping[str, Type]], space: Space) -> Scene:
    """The scene of a situation: every fact is an equation."""
    records = {
        owner: {
            name: known_as(space, f"{owner}.{name}", type, situation.records[owner].get(name))
            for name, type in schema.items()
        }
        for owner, schema in fields.items()
    }
    today = space.integer("today")
    now = space.integer("now")
    space.assume(today == situation.today.toordinal())
    space.assume(now == dates.micros(situation.at))
    whole = situation.history.whole_from is not None
    return Scene(space, records, At(today, now), Recorded(situation, whole), situation.conditions)


def value_of(model: Model, meaning: Meaning, type: Type, space: Space) -> Value | None:
    """The value that a model gives a term."""
    if not model.holds(meaning.known):
        return None
    value = model.value(meaning.value)
    match type.kind:
        case "enum":
            return type.values[value]
        case "set":
            return frozenset(each for each, held in zip(type.values, value, strict=True) if held)
        case "date":
            return date.fromordinal(value)
        case "timestamp":
            return dates.instant(value)
        case "duration":
            return dates.timedelta(microseconds=value)
        case "string":
            return space.texts.named[value] if value < len(space.texts.named) else f"text {value}"
        case _:
            return value  # type: ignore[no-any-return]


def absent_history() -> History:
    return History((), None)
