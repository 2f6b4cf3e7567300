"""A concrete situation as a scene of Z3 terms, so that the terms can be held to the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lawful import ir
from lawful.calendar import Window
from lawful.engines.situation import Situation
from lawful.ir import Owner, Program, Type, Value
from lawful.proofs import dates
from lawful.proofs.logic import Meaning, Number, Term, given
from lawful.proofs.moves import Change
from lawful.proofs.space import Model, Space
from lawful.proofs.state import State, fresh
from lawful.proofs.terms import Scene, constant
from lawful.question import Asked


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

    def then(self, events: object) -> Recorded:
        """What comes after is not asked."""
        return self


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
    whole = situation.history.whole_from is not None
    return Scene(space, records, moment_of(situation, space), Recorded(situation, whole), situation.conditions)


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


def change_of(asked: Asked, space: Space, program: Program) -> Change:
    """A concrete change."""
    types = {name: program.account[name].type for name in asked.values}
    values = {name: (True, constant(space, value, types[name])) for name, value in asked.values.items()}
    return Change(asked.kind, asked.name, values)


def state_of(situation: Situation, program: Program, space: Space) -> State:
    """A concrete account, told by equations."""
    records = situation.records
    account = {
        name: known_as(space, name, each.type, records["account"].get(name)) for name, each in program.account.items()
    }
    features = {name: known_as(space, name, ir.BOOL, records["features"].get(name)) for name in program.features}
    whole = situation.history.whole_from is not None
    return State(account, features, Recorded(situation, whole))  # type: ignore[arg-type]  # counts are all it is asked


def request_of(situation: Situation, program: Program, space: Space) -> dict[str, Meaning]:
    given = situation.records["request"]
    return {name: known_as(space, name, each.type, given.get(name)) for name, each in program.request.items()}


def moment_of(situation: Situation, space: Space) -> At:
    today, now = space.integer("today"), space.integer("now")
    space.assume(today == situation.today.toordinal())
    space.assume(now == dates.micros(situation.at))
    return At(today, now)
