"""A sequence of allowed changes of one account, as terms: from its registration, or from anywhere.

Between two steps time may pass, the world may move what is outside of the policy, and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lawful import ir
from lawful.proofs.logic import FALSE, TRUE, Bool, Meaning, Number, both, chosen, equal, implies
from lawful.proofs.moves import Change, Moves, Ruling
from lawful.proofs.reach import Slice
from lawful.proofs.space import Space
from lawful.proofs.state import Before, History, Made, Now, State, fresh_fact, fresh_facts
from lawful.proofs.terms import Facts, Terms


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that may happen next: a change that is allowed, or an event that nobody asked for."""

    way: str
    ruling: Ruling | None
    event: ir.Event | None
    allowed: Bool
    after: State


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a trace: which of the options it is."""

    moment: Now
    state: State
    options: tuple[Option, ...]
    which: Number


class Trace:
    """States and what led from each to the next."""

    def __init__(
        self, moves: Moves, space: Space, part: Slice, *, history_known: bool = True, day: date | None = None
    ) -> None:
        """`day`: all of it happens at noon of that day."""
        self.moves = moves
        self.space = space
        self.part = part
        self.history_known = history_known
        self.day = day
        self.steps: list[Step] = []
        self.registration: Ruling | None = None
        self.request: Facts = {}
        self.moments: list[Now] = []
        self.states: list[State] = []

    @property
    def state(self) -> State:
        return self.states[-1]

    @property
    def moment(self) -> Now:
        return self.moments[-1]

    def register(self) -> None:
        """Begin with an account that `register` allows, with no features and an empty history."""
        space, program = self.space, self.moves.program
        moment = Now(space, day=self.day)
        account = fresh_facts(space, "account", program.account)
        features: dict[str, Meaning] = dict.fromkeys(program.features, FALSE)
        state = State(account, features, History(space, whole=self.history_known))
        self.registration = self.moves.ruling(space, Change("register"), state, moment)
        self.request = self.registration.scene_before.records["request"]
        space.assume(self.registration.allow)
        self._go_on(self.registration.after, moment)

    def anywhere(self) -> None:
        """Begin with any account and any history."""
        space, program = self.space, self.moves.program
        features: dict[str, Meaning] = {
            name: chosen(space.boolean(f"has_{name}"), TRUE, FALSE) for name in program.features
        }
        history = History(space, Before(space), whole=self.history_known)
        self._go_on(State(fresh_facts(space, "account", program.account), features, history), Now(space))

    def pass_time(self) -> None:
        """Let time pass, and the world do what it likes."""
        moment = Now(self.space, self.moment, self.day)
        account = dict(self.state.account)
        for name, declaration in self.moves.program.account.items():
            if declaration.motion == "outside" and f"account.{name}" in self.part.facts:
                account[name] = fresh_fact(self.space, f"account.{name}", declaration)
        self._go_on(replace(self.state, account=account), moment)

    def extend(self, options: list[Option] | None = None) -> None:
        """One more step, at the moment of the last state; `options` if they are known already."""
        if options is None:
            options = self.options(self.state, self.moment)
        which = self.space.integer("step", 0, len(options) - 1)
        for number, option in enumerate(options):
            self.space.assume(implies(equal(which, number), option.allowed))
        self.steps.append(Step(self.moment, self.state, tuple(options), which))
        self._go_on(_merged(self.state, which, options), self.moment)

    def options(self, state: State, moment: Now, ways: frozenset[str] | None = None) -> list[Option]:
        """All that may happen in a state, as far as it matters; of those ways only, if they are given."""
        found = []
        among = self.part.ways if ways is None else ways
        standing = Terms(self.moves.scene(self.space, state, moment))
        for change in self.moves.changes(self.space, among):
            ruling = self.moves.ruling(self.space, change, state, moment, standing=standing)
            if ruling.allow is not False:
                found.append(Option(_way(change), ruling, None, ruling.allow, ruling.after))
        for event in self.moves.program.events.values():
            if f"event.{event.id}" in among:
                after = self.moves.happens(self.space, event, state, moment)
                inside = self.moves.inside(self.space, after, [effect.field for effect in event.moves])
                found.append(Option(f"event.{event.id}", None, event, inside, after))
        return found

    def _go_on(self, state: State, moment: Now) -> None:
        self.states.append(state)
        self.moments.append(moment)


def _way(change: Change) -> str:
    return "set" if change.kind == "set" else f"{change.kind}.{change.name}"


def _merged(before: State, which: Number, options: list[Option]) -> State:
    """The state after whichever it was."""
    account = _chosen(before.account, which, [each.after.account for each in options])
    features = _chosen(before.features, which, [each.after.features for each in options])
    made: list[Made] = []
    for number, option in enumerate(options):
        fresh = option.after.history.made[len(before.history.made) :]
        made += [replace(each, happened=both(equal(which, number), each.happened)) for each in fresh]
    return State(account, features, before.history.then(made))


def _chosen(before: Facts, which: Any, after: list[Facts]) -> Mapping[str, Meaning]:
    found = dict(before)
    for name, present in before.items():
        held = present
        for number, facts in enumerate(after):
            if facts[name] is not present:
                held = chosen(equal(which, number), facts[name], held)
        found[name] = held
    return found
