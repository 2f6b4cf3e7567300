"""Ways out of a value: so many days of waiting, changes and events, and at last a change that leaves it clean.

One is looked for from an account whose facts are all known, which is quick. It is then asked of all accounts at once
whether it serves them: nothing in it is open but the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import product
from typing import Final, TypeAlias

from lawful import ir
from lawful.calendar import Window
from lawful.ir import Count, Schema, Value
from lawful.proofs import dates
from lawful.proofs.induction import Induction
from lawful.proofs.lasting import expressions
from lawful.proofs.leaving import Leaving
from lawful.proofs.logic import (
    FALSE,
    TRUE,
    Bool,
    Meaning,
    Term,
    alike,
    both,
    disjunction,
    equal,
    less,
    no_more,
    opposite,
)
from lawful.proofs.moves import Change, Kind
from lawful.proofs.property import Property
from lawful.proofs.reach import Slice
from lawful.proofs.space import Model, Space
from lawful.proofs.state import Before, History, Now, State
from lawful.proofs.terms import absent, constant
from lawful.proofs.trace import Option, Trace
from lawful.proofs.witness import Reading, granted

LONGEST_WAIT: Final = 10 * 366
"""Days, of all waits together: so much later than all other decisions those of a strategy may be made."""
_LONG: Final = 400
"""Days."""
_DEEPEST: Final = 3
"""Steps before the last."""


@dataclass(frozen=True, slots=True)
class Later:
    """A day or an instant that is so far from the moment: days, or microseconds."""

    by: int


Given: TypeAlias = "Value | Later | None"
Facts: TypeAlias = tuple[tuple[str, Given], ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """Wait; let the world move this; then do that."""

    days: int
    world: Facts
    kind: Kind | None
    """None of a declared event."""
    name: str
    values: Facts = ()
    request: Facts = ()


_DROPS: Final = Hop(0, (), "disable", "")
"""Disable every feature."""

Strategy: TypeAlias = tuple[Hop, ...]
"""The last hop leaves the value."""


class Place:
    """Where an account is that may leave a value: all accounts that there can be, or one on a trace."""

    def __init__(self, trace: Trace, options: list[Option], leaving: Leaving) -> None:
        """`options`: the changes that may leave it."""
        self.trace = trace
        self.options = options
        self.leaving = leaving

    @property
    def space(self) -> Space:
        return self.trace.space

    @property
    def state(self) -> State:
        return self.trace.state

    @property
    def moment(self) -> Now:
        return self.trace.moment

    @cached_property
    def leaves(self) -> list[tuple[Option, Bool]]:
        return [(each, both(each.allowed, self.leaving.leaves(each.ruling))) for each in self.options]

    @cached_property
    def cleanly(self) -> list[tuple[Option, Bool]]:
        """The options, and when they leave the value and nothing is found because of it."""
        return [(each, both(each.allowed, self._told(each, clean=True))) for each in self.options]

    @cached_property
    def dirtily(self) -> list[tuple[Option, Bool]]:
        """The options, and when they leave the value and something is found because of it."""
        return [(each, both(each.allowed, self._told(each, clean=False))) for each in self.options]

    def is_not(self, claim: Property) -> Bool:
        """Where the account does not break that."""
        return opposite(claim.broken(self.leaving.moves, self.space, self.state, self.moment))

    def _told(self, option: Option, *, clean: bool) -> Bool:
        if option.ruling is None:
            return False
        told = self.leaving.clean if clean else self.leaving.dirty
        return told(self.space, option.ruling, self.moment)


def somewhere(option_of: Sequence[tuple[Option, Bool]]) -> Bool:
    return disjunction(each for _, each in option_of)


# ------------------------------------------------------------------------------------------- found from one account


class Finder:
    """Looks for a strategy of one account."""

    def __init__(self, induction: Induction, leaving: Leaving) -> None:
        self.induction = induction
        self.moves = induction.moves
        self.program = induction.moves.program
        self.leaving = leaving
        self.toward = induction.ways.toward(leaving.trigger, leaving.facts, together=True)
        self.windows = {
            (event, count.window)
            for expr in expressions(self.program)
            for count in ir.everything(expr, self.program.conditions)
            if isinstance(count, Count)
            for event in count.events
        }

    def found(self, place: Place, model: Model) -> Strategy | None:
        """The shortest for the account of a model at a place. Raises NotSettled."""
        held = [name for name, each in place.state.features.items() if model.holds(each.value)]
        for steps, drops in product(range(_DEEPEST + 1), (False, True) if held and self.may_drop else (False,)):
            ahead = self._ahead(place, model, steps, drops=drops)
            formula = somewhere(ahead.cleanly)
            among = ahead.space.satisfiable(formula, ahead.space.texts.known()) or ahead.space.satisfiable(formula)
            if among is not None:
                among = granted(ahead.space, among, formula, self._wishes(ahead))
                last = next(each for each, claim in ahead.cleanly if among.holds(claim))
                return (*((_DROPS,) if drops else ()), *self._read(ahead, among, last))
        return None

    @cached_property
    def may_drop(self) -> bool:
        """Whether all features can be disabled at once, by everybody, and nobody counts that: which saves a step for
        each of them."""
        program = self.program
        triggers = [f"disable.{each}" for each in program.features]
        guarded = any(self.moves.guards_of(each) for each in triggers)
        effects = any(move.effects for each in triggers for move in self.moves.moves_of(each))
        counted = any(event in triggers for event, _ in self.windows)
        book = self.moves.book
        read = any(fact.startswith("features.") for rule in book.constraints for fact in book.reads[id(rule)])
        return not (guarded or effects or counted or read)

    def _ahead(self, place: Place, model: Model, steps: int, *, drops: bool) -> Place:
        """So many steps of an account that is known, whose features may be disabled first."""
        space = self.induction.space(context=place.space.context)
        space.clock = widened(space.clock)
        leaving = self.leaving
        part = Slice(leaving.part.facts | self.toward.facts, leaving.part.ways)
        trace = Trace(self.moves, space, part)
        state, moment = self._known(place, model, space)
        state = _without_features(state) if drops else state
        trace.states.append(state)
        trace.moments.append(moment)
        for left in range(steps, 0, -1):
            trace.pass_time()
            sets = frozenset(each for each in part.ways if each.startswith("set."))
            trace.extend(trace.options(trace.state, trace.moment, self.toward.within(left) | sets))
        trace.pass_time()
        return Place(trace, trace.options(trace.state, trace.moment, leaving.triggers), leaving)

    def _known(self, place: Place, model: Model, space: Space) -> tuple[State, Now]:
        """The account of a model, in a space of its own."""
        reading = Reading(self.program, place.space, model)
        values = reading.facts(place.state.account, self.program.account)
        account = {name: _term(space, each.type, values.get(name)) for name, each in self.program.account.items()}
        features: dict[str, Meaning] = {
            name: TRUE if model.holds(held.value) else FALSE for name, held in place.state.features.items()
        }
        moment = Now(space, day=date.fromordinal(model.number(place.moment.today)))
        before = Before(space)
        for event, window in sorted(self.windows, key=str):
            if f"event.{event}" in self.leaving.part.facts:
                self._happened(place, model, before, event, window, moment)
        return State(account, features, History(space, before)), moment

    def _happened(self, place: Place, model: Model, before: Before, event: str, window: Window, moment: Now) -> None:
        times = model.number(place.state.history.count((event,), window, place.moment))
        before.space.assume(equal(before.count(event, window, moment), times))

    def _wishes(self, ahead: Place) -> list[Bool]:
        """No wait that is for nothing, nothing that the world need not move, nothing set beside or said for nothing. A
        wait is long, and days that are given are today: that serves most of the others, too."""
        trace = ahead.trace
        waits = list(zip(trace.moments, trace.moments[1:], strict=False))
        wishes = [equal(one.today, other.today) for one, other in waits]
        wishes += [less(one.today + _LONG, other.today) for one, other in waits]
        for before, after in zip(trace.states, trace.states[1:], strict=False):
            for name, declaration in self.program.account.items():
                if declaration.motion == "outside" and before.account[name] is not after.account[name]:
                    wishes.append(alike(before.account[name], after.account[name]))
        for option in (*(each for step in trace.steps for each in step.options), *ahead.options):
            if option.ruling is not None and option.ruling.change.kind == "set":
                values = option.ruling.change.values
                wishes += [opposite(asked) for name, (asked, _) in values.items() if name != self.leaving.field]
        wishes += [wish for option in ahead.options for wish in self._plainly(option, trace.moment)]
        for step in trace.steps:
            wishes += [wish for option in step.options for wish in self._plainly(option, step.moment)]
        return wishes

    def _plainly(self, option: Option, moment: Now) -> Iterator[Bool]:
        if option.ruling is None:
            return
        said = option.ruling.scene_before.records["request"]
        for name, meaning in said.items():
            yield opposite(meaning.known)
            if self.program.request[name].type == ir.DATE:
                yield equal(meaning.value, moment.today)
        for name, (_, meaning) in option.ruling.change.values.items():
            if self.program.account[name].type == ir.DATE:
                yield equal(meaning.value, moment.today)

    # ---------------------------------------------------------------------------------------------------- as values

    def _read(self, ahead: Place, model: Model, last: Option) -> Strategy:
        trace = ahead.trace
        reading = Reading(self.program, trace.space, model)
        chosen = [step.options[model.number(step.which)] for step in trace.steps] + [last]
        hops = []
        for number, option in enumerate(chosen):
            # Before each step time passes: it is between the states 2n and 2n + 1.
            earlier, now = trace.moments[2 * number], trace.moments[2 * number + 1]
            days = model.number(now.today) - model.number(earlier.today)
            before, after = trace.states[2 * number].account, trace.states[2 * number + 1].account
            world = []
            for name, declaration in self.program.account.items():
                if before[name] is not after[name] and not model.holds(alike(before[name], after[name])):
                    world.append((name, self._given(reading, now, reading.value(after[name], declaration.type))))
            hops.append(self._hop(reading, now, days, tuple(world), option))
        return tuple(hops)

    def _hop(self, reading: Reading, now: Now, days: int, world: Facts, option: Option) -> Hop:
        if option.ruling is None:
            assert option.event is not None
            return Hop(days, world, None, option.event.id)
        change = option.ruling.change
        values = tuple(
            (name, self._given(reading, now, reading.value(meaning, self.program.account[name].type)))
            for name, (asked, meaning) in change.values.items()
            if reading.model.holds(asked)
        )
        facts = reading.facts(dict(option.ruling.scene_before.records["request"]), self.program.request)
        request = tuple((name, self._given(reading, now, value)) for name, value in facts.items())
        return Hop(days, world, change.kind, change.name, values, request)

    def _given(self, reading: Reading, now: Now, value: Value | None) -> Given:
        """Days and instants that are near are near for whoever follows."""
        if isinstance(value, datetime):
            by = dates.micros(value) - reading.model.number(now.now)
            return Later(by) if abs(by) <= LONGEST_WAIT * dates.DAY else value
        if isinstance(value, date):
            by = value.toordinal() - reading.model.number(now.today)
            return Later(by) if abs(by) <= LONGEST_WAIT else value
        return value


def widened(clock: tuple[int, int]) -> tuple[int, int]:
    """The clock of whoever may wait."""
    return clock[0], clock[1] + LONGEST_WAIT


# ------------------------------------------------------------------------------------------------ asked of everybody


def serves(strategy: Strategy, place: Place) -> Bool:
    """Whether it leads whoever is there out of the value clean. False where it waits for too long."""
    if sum(hop.days for hop in strategy) > LONGEST_WAIT:
        return False
    leaving, moves, space = place.leaving, place.leaving.moves, place.space
    program = moves.program
    state, moment = place.state, place.moment
    parts: list[Bool] = []
    for hop in strategy:
        if hop is _DROPS:
            state = _without_features(state)
            continue
        if hop.days:
            moment = _later(space, moment, hop.days)
        if hop.world:
            moved = _facts(space, moment, program.account, hop.world, parts)
            state = replace(state, account={**state.account, **moved})
        if hop.kind is None:
            event = program.events[hop.name]
            state = moves.happens(space, event, state, moment)
            parts.append(moves.inside(space, state, [effect.field for effect in event.moves]))
            continue
        wanted = _facts(space, moment, program.account, hop.values, parts)
        request = {name: _default(space, each) for name, each in program.request.items()}
        request |= _facts(space, moment, program.request, hop.request, parts)
        change = Change(hop.kind, hop.name, {name: (True, meaning) for name, meaning in wanted.items()})
        ruling = moves.ruling(space, change, state, moment, request)
        parts.append(ruling.allow)
        if hop is strategy[-1]:
            parts.append(leaving.clean(space, ruling, moment))
        state = ruling.after
    return both(*parts)


def _without_features(state: State) -> State:
    return replace(state, features=dict.fromkeys(state.features, FALSE))


def _later(space: Space, moment: Now, days: int) -> Now:
    later = Now(space, moment)
    space.assume(equal(later.today, moment.today + days))
    return later


def _facts(space: Space, moment: Now, schema: Schema, facts: Facts, parts: list[Bool]) -> Mapping[str, Meaning]:
    """The facts that are given then; that they are within their bounds goes to the parts."""
    found: dict[str, Meaning] = {}
    for name, value in facts:
        declaration = schema[name]
        if isinstance(value, Later):
            origin = moment.now if declaration.type.kind == "timestamp" else moment.today
            term = Term(origin + value.by, True)
            for bound, below in ((declaration.minimum, True), (declaration.maximum, False)):
                if bound is not None:
                    limit = constant(space, bound, declaration.type).value
                    parts.append(no_more(limit, term.value) if below else no_more(term.value, limit))
            found[name] = term
        elif value is None:
            found[name] = _default(space, declaration)
        else:
            found[name] = constant(space, value, declaration.type)
    return found


def _default(space: Space, declaration: ir.FieldDeclaration) -> Meaning:
    return _term(space, declaration.type, declaration.default)


def _term(space: Space, type: ir.Type, value: Value | None) -> Meaning:
    return absent(type) if value is None else constant(space, value, type)
