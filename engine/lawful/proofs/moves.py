"""What `check` says of a change, as terms: a verdict, and the state that the change leaves.

This follows `deciding/judging.py` step by step, for one change in a state that is open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from lawful import ir
from lawful.deciding.rulebook import Rulebook
from lawful.ir import Move, Owner, Period, Program, Rule
from lawful.proofs.logic import (
    FALSE,
    Bool,
    Meaning,
    Truth,
    alike,
    all_of,
    both,
    chosen,
    conjunction,
    disjunction,
    either,
    implies,
    known,
    less,
    no_more,
    opposite,
)
from lawful.proofs.logic import TRUE as SURELY
from lawful.proofs.space import Space
from lawful.proofs.state import Lazy, Made, Now, State, filled, fresh_fact
from lawful.proofs.terms import Facts, Scene, Terms, absent, constant

Kind = Literal["set", "enable", "disable", "do", "register"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is asked for. Of a `set` it may be open which fields it sets, and to what."""

    kind: Kind
    name: str = ""
    values: Mapping[str, tuple[Bool, Meaning]] = field(default_factory=dict)
    """Of a `set`: for each field whether it is set, and to which value, a known one."""

    @property
    def triggers(self) -> list[tuple[str, Bool]]:
        match self.kind:
            case "set":
                return [(f"set.{name}", asked) for name, (asked, _) in self.values.items()]
            case "register":
                return [("register", True)]
            case kind:
                return [(f"{kind}.{self.name}", True)]


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, whether it is asked at all, and its outcome: true is satisfied, false violated."""

    rule: Rule
    asked: Bool
    outcome: Truth

    @property
    def violated(self) -> Bool:
        return both(self.asked, self.outcome.false)

    @property
    def fine(self) -> Bool:
        return either(opposite(self.asked), self.outcome.true)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The reference's verdict of one change in one state, and the state after it."""

    change: Change
    guards: Sequence[Judged]
    constraints: Sequence[Judged]
    before: State
    after: State
    moved: Mapping[str, Bool]
    """For each fact, `account.f` and `features.f`, whether it differs."""
    scene_before: Scene
    scene_after: Scene

    @property
    def judged(self) -> list[Judged]:
        """Those that decide."""
        return [each for each in (*self.guards, *self.constraints) if each.rule.severity == "error"]

    @property
    def allow(self) -> Bool:
        return conjunction(each.fine for each in self.judged)

    @property
    def deny(self) -> Bool:
        return disjunction(each.violated for each in self.judged)

    @property
    def undetermined(self) -> Bool:
        return both(opposite(self.allow), opposite(self.deny))


_FEATURES: Final = "features."


class Moves:
    """What one program says of changes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.book = Rulebook(program)
        self._guards: dict[str, list[Rule]] = {}
        self._moves: dict[str, list[Move]] = {}
        for rule in program.rules:
            if rule.scope == "move":
                self._guards.setdefault(rule.subject, []).append(rule)
        for move in program.moves:
            self._moves.setdefault(move.trigger, []).append(move)
        self._watched = self.book.entitlements.watched
        self._needs: dict[str, list[Rule]] = {}
        for rule in program.rules:
            if rule.scope == "feature" and rule.kind == "needs":
                self._needs.setdefault(rule.subject, []).append(rule)

    @cached_property
    def most_counted(self) -> int:
        """The greatest number that a count is compared with, as far as it is a sensible one."""
        program = self.program
        limits = [rule.requires.at_most for rule in program.rules if isinstance(rule.requires, ir.AtMost)]
        numbers = [
            node.value
            for rule in program.rules
            for expr in (rule.when, rule.requires)
            for node in ir.everything(expr, program.conditions)
            if isinstance(node, ir.Constant) and node.type == ir.INT and isinstance(node.value, int)
        ]
        return max([0, *(each for each in (*limits, *numbers) if each <= 100)])

    # ------------------------------------------------------------------------------------------------ the changes

    def changes(self, space: Space, among: Collection[str]) -> list[Change]:
        """Those of these triggers; of `set` one, whose fields are open."""
        found = []
        settable = {
            name: (space.boolean(f"sets_{name}"), known(fresh_fact(space, f"to_{name}", declaration)))
            for name, declaration in self.program.account.items()
            if f"set.{name}" in among
        }
        if settable:
            found.append(Change("set", values=settable))
        for name in self.program.features:
            found += [Change("enable", name), Change("disable", name)]
        found += [Change("do", name) for name in self.program.actions]
        return [each for each in found if each.kind == "set" or f"{each.kind}.{each.name}" in among]

    def moves_of(self, trigger: str) -> list[Move]:
        return self._moves.get(trigger, [])

    def guards_of(self, trigger: str) -> list[Rule]:
        return self._guards.get(trigger, [])

    # ---------------------------------------------------------------------------------------------------- the way

    def ruling(
        self,
        space: Space,
        change: Change,
        state: State,
        moment: Now,
        request: Facts | None = None,
        standing: Terms | None = None,
    ) -> Ruling:
        """The verdict on a change in a state, whatever the request says beside it unless that is given.

        `standing`: the terms of the state as it is, for those who ask about several changes of one.
        """
        if standing is None:
            standing = Terms(self.scene(space, state, moment))
        asked = Lazy(space, "request", self.program.request) if request is None else request
        registers = change.kind == "register"
        before = Scene(
            space,
            {
                "account": state.account,
                "features": state.features,
                "request": asked,
                "change": {
                    **{name: value for name, (_, value) in change.values.items()},
                    "register": SURELY if registers else FALSE,
                },
            },
            moment,
            state.history,
            self.program.conditions,
        )
        terms = Terms(before)
        account, moved, clashes, made = self._account_after(change, state, terms, moment)
        features, moved_features = _features_after(change, state.features)
        moved |= moved_features
        if registers:
            moved = dict.fromkeys(self.book.everything, True)
        after = self._followed(before, account, features)
        after, features = self._lose(change, before, standing, after, moved, features)
        guards = [
            self._guard(rule, terms, moment, asks, clashes)
            for trigger, asks in change.triggers
            for rule in self.guards_of(trigger)
        ]
        constraints = self._constraints(Terms(after), moved, moment, None if registers else standing)
        history = state.history.then(made)
        left = State(filled(space, self.program.account, account), features, history)
        return Ruling(change, guards, constraints, state, left, moved, before, after)

    def _guard(self, rule: Rule, terms: Terms, moment: Now, asked: Bool, clashes: Mapping[str, Bool]) -> Judged:
        outcome = terms.outcome(rule.when, rule.requires)
        if rule.kind == "effect" and rule.id in clashes:
            outcome = _chosen_truth(clashes[rule.id], FALSE, outcome)
        return Judged(rule, both(asked, holds(rule.in_force, moment)), outcome)

    def _followed(self, before: Scene, account: Facts, features: Facts) -> Scene:
        records: dict[Owner, Facts] = {
            **before.records,
            "before": before.records["account"],
            "before.features": before.records["features"],
            "account": account,
            "after": account,
            "features": features,
            "after.features": features,
        }
        return Scene(before.space, records, before.moment, before.history, before.conditions)

    # ------------------------------------------------------------------------------------------------- the effects

    def _account_after(
        self, change: Change, state: State, terms: Terms, moment: Now
    ) -> tuple[dict[str, Meaning], dict[str, Bool], dict[str, Bool], list[Made]]:
        """The account after the change, what moved, the effects that give a field a second value, the events made."""
        written: dict[str, tuple[Bool, Meaning]] = dict(change.values)
        clashes: dict[str, Bool] = {}
        made: list[Made] = []
        for trigger, asked in change.triggers:
            for move in self.moves_of(trigger):
                applies = terms.truth(move.applies)
                active = both(asked, holds(move.in_force, moment))
                made.append(Made(move.event, moment, self._happened(terms.scene.space, active, applies)))
                for effect in move.effects:
                    self._write(effect, move, active, applies, state, terms, written, clashes)
        account = dict(state.account)
        moved: dict[str, Bool] = {}
        for name, (writes, value) in written.items():
            present = state.account[name]
            account[name] = chosen(writes, value, present)
            moved[f"account.{name}"] = both(writes, either(opposite(value.known), opposite(alike(value, present))))
        return account, moved, clashes, made

    def _happened(self, space: Space, active: Bool, applies: Truth) -> Bool:
        """Where it is not known whether a move takes place, it may have."""
        if applies.known is True:
            return both(active, applies.true)
        return both(active, either(applies.true, both(opposite(applies.false), space.boolean("perhaps"))))

    def _write(
        self,
        effect: ir.Effect,
        move: Move,
        active: Bool,
        applies: Truth,
        state: State,
        terms: Terms,
        written: dict[str, tuple[Bool, Meaning]],
        clashes: dict[str, Bool],
    ) -> None:
        writes = both(active, opposite(applies.false))
        value = terms.meaning(effect.value)
        if applies.true is not True:  # whether the move takes place is not known, so neither is what it leaves
            stays = both(value.known, alike(value, state.account[effect.field]))
            value = chosen(either(applies.true, stays), value, absent(_type(self.program, effect.field)))
        if effect.field in written:
            already, other = written[effect.field]
            key = f"{move.id}.effects.{effect.field}"
            clash = both(writes, already, opposite(alike(value, other)))
            clashes[key] = either(clashes.get(key, False), clash)
            written[effect.field] = (either(already, writes), chosen(writes, value, other))
        else:
            written[effect.field] = (writes, value)

    # ------------------------------------------------------------------------------------------------- constraints

    def _constraints(
        self, after: Terms, moved: Mapping[str, Bool], moment: Now, standing: Terms | None
    ) -> list[Judged]:
        """A constraint that reads nothing that moved cannot refuse; nor can one that was violated before."""
        found = []
        for rule in self.book.constraints:
            read = disjunction(moved[fact] for fact in self.book.reads[id(rule)] if fact in moved)
            if read is False:
                continue
            outcome = after.outcome(rule.when, rule.requires)
            if rule.scope == "account" and standing is not None:
                was = standing.outcome(rule.when, rule.requires)
                stood = both(outcome.false, was.false)
                outcome = Truth(either(outcome.true, stood), both(outcome.false, was.true))
            found.append(Judged(rule, both(read, holds(rule.in_force, moment)), outcome))
        return found

    # ---------------------------------------------------------------------------------------------------- features

    def _lose(
        self,
        change: Change,
        before: Scene,
        standing: Terms,
        after: Scene,
        moved: dict[str, Bool],
        features: dict[str, Meaning],
    ) -> tuple[Scene, dict[str, Meaning]]:
        """First what constraints read is taken away, then the rest, as a list of changes has it."""
        if change.kind == "register" or not self.program.features:
            return after, features
        account = after.records["account"]
        seen = after
        for among in (self._watched, frozenset(self.program.features)):
            if not among:
                continue
            lost = self._lost(change, standing, Terms(after), moved, among)
            if not lost:
                continue
            features = {
                name: chosen(lost[name], FALSE, held) if name in lost else held for name, held in features.items()
            }
            for name, gone in lost.items():
                moved[f"{_FEATURES}{name}"] = either(moved.get(f"{_FEATURES}{name}", False), gone)
            after = self._followed(before, account, features)
            if among is self._watched:
                seen = after
        return (seen if self._watched else after), features

    def _lost(
        self, change: Change, before: Terms, after: Terms, moved: Mapping[str, Bool], among: frozenset[str]
    ) -> dict[str, Bool]:
        """The features entitled before and surely not after, with all that need them."""
        had = before.scene.records["features"]
        disabled = change.name if change.kind == "disable" else None
        lost: dict[str, Bool] = {}
        for name in self.program.features:
            if name == disabled or name not in among:
                continue
            reads = self.book.entitlements.reads[name]
            touched = disjunction(moved[fact] for fact in reads if fact in moved)
            if touched is False:
                continue
            gone = both(
                touched,
                opposite(_off(had, name)),
                self._entitled(name, before).true,
                self._entitled(name, after).false,
            )
            if gone is not False:
                lost[name] = gone
        return self._with_those_in_need(lost, had, disabled, before.scene.moment)

    def _entitled(self, feature: str, terms: Terms) -> Truth:
        """Whether an account in that state may go on having the feature, what it needs apart."""
        moment = terms.scene.moment
        return all_of(
            _chosen_truth(holds(period, moment), terms.truth(entitled), SURELY)
            for period, entitled in self.book.entitlements.conditions.get(feature, ())
        )

    def _with_those_in_need(
        self, lost: dict[str, Bool], had: Facts, disabled: str | None, moment: object
    ) -> dict[str, Bool]:
        if not lost and disabled is None:
            return lost
        gone: dict[str, Bool] = dict(lost)
        if disabled is not None:
            gone[disabled] = True
        for name in self._in_order_of_need():
            if name == disabled:
                continue
            needed = disjunction(
                both(holds(rule.in_force, moment), gone[rule.requires.name])
                for rule in self._needs.get(name, ())
                if isinstance(rule.requires, ir.Field) and rule.requires.name in gone
            )
            falls = both(needed, opposite(_off(had, name)))
            if falls is not False:
                gone[name] = either(gone.get(name, False), falls)
        return {name: each for name, each in gone.items() if name != disabled}

    def _in_order_of_need(self) -> list[str]:
        """Each feature behind those that it needs."""
        ordered: dict[str, None] = {}

        def add(name: str) -> None:
            for needed in self.program.features[name].needs:
                if needed not in ordered:
                    add(needed)
            ordered[name] = None

        for name in self.program.features:
            add(name)
        return list(ordered)

    # ------------------------------------------------------------------------------------------ the world, findings

    def happens(self, space: Space, event: ir.Event, state: State, moment: Now) -> State:
        """What an event that nobody asked for leaves: nothing guards it."""
        terms = Terms(Scene(space, self._records(state), moment, state.history, self.program.conditions))
        account = dict(state.account)
        for effect in event.moves:
            account[effect.field] = terms.meaning(effect.value)
        history = state.history.then([Made(event.id, moment, True)])
        return State(filled(space, self.program.account, account), state.features, history)

    def inside(self, space: Space, state: State, names: Iterable[str]) -> Bool:
        """Whether the fields have values that they can have."""
        found: list[Bool] = []
        for name in names:
            declaration, fact = self.program.account[name], state.account[name]
            for bound, below in ((declaration.minimum, True), (declaration.maximum, False)):
                if bound is not None:
                    limit = constant(space, bound, declaration.type).value
                    found.append(
                        implies(fact.known, no_more(limit, fact.value) if below else no_more(fact.value, limit))
                    )
        return conjunction(found)

    def scene(self, space: Space, state: State, moment: Now) -> Scene:
        """A state as it is, outside of any change."""
        return Scene(space, self._records(state), moment, state.history, self.program.conditions)

    def _records(self, state: State) -> dict[Owner, Facts]:
        return {"account": state.account, "features": state.features}

    def finding(self, rule: Rule, terms: Terms) -> Bool:
        """Whether the account in that scene surely breaks the rule."""
        violated = terms.outcome(rule.when, rule.requires).false
        return both(holds(rule.in_force, terms.scene.moment), violated)


def _features_after(change: Change, features: Facts) -> tuple[dict[str, Meaning], dict[str, Bool]]:
    after = dict(features)
    if change.kind not in ("enable", "disable"):
        return after, {}
    held = features[change.name]
    after[change.name] = SURELY if change.kind == "enable" else FALSE
    is_so = held.true if change.kind == "enable" else held.false  # type: ignore[union-attr]  # features are truths
    return after, {f"{_FEATURES}{change.name}": opposite(is_so)}


def _off(features: Facts, name: str) -> Bool:
    held = features.get(name)
    return held.false if isinstance(held, Truth) else False


def _chosen_truth(test: Bool, then: Truth, otherwise: Truth) -> Truth:
    found = chosen(test, then, otherwise)
    assert isinstance(found, Truth)
    return found


def _type(program: Program, name: str) -> ir.Type:
    return program.account[name].type


def holds(period: Period, moment: object) -> Bool:
    """Whether a period holds on the day of a moment."""
    today = moment.today  # type: ignore[attr-defined]  # a Moment, of whichever kind
    start = True if period.start is None else no_more(period.start.toordinal(), today)
    until = True if period.until is None else less(today, period.until.toordinal())
    return both(start, until)
