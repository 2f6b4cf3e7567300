"""The production-rule engine: durable_rules decides what each rule comes to.

What is known, and what had to be computed, is asserted as one flat fact; the productions that fire say which named
conditions and which rules are true or false. Conditions are derived stratum by stratum: what one stratum concludes is
asserted for the next. The engine is driven by its C module, within the limits that `productions.py` keeps.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, cast

from lawful.diagnostics import EngineDisagreement
from lawful.engines.productions import (
    GUARD,
    Computed,
    Counted,
    Encoder,
    Read,
    Shard,
    Translation,
    View,
    clamped,
    fact_name,
    number,
    shards,
    text,
)
from lawful.engines.reference import Outcome, evaluate
from lawful.engines.situation import Facts, Situation, counted
from lawful.ir import AtMost, Condition, Owner, Rule, Value

try:
    import durable_rules_engine as engine
except ImportError:  # it does not build on Python 3.13 and later
    engine = None

_MATCHED: Final = 0
_UNMATCHED: Final = 1  # and nothing was stored
_OPENING: Final = f'{{"id":"q","{GUARD}":1'
_CLOSING: Final = "}"
_RETRACTION: Final = '{"id":"q"}'
_NOTHING: Final[Facts] = {}
_serial = itertools.count()


def available() -> bool:
    """Whether durable_rules can be used here."""
    return engine is not None


class EngineFailure(EngineDisagreement):
    """durable_rules failed or contradicted itself: it has no outcome that could agree with the reference's."""

    def __init__(self, problem: str) -> None:
        super().__init__("in hand", [f"durable_rules: {problem}"])
        self.problem = problem

    def __reduce__(self) -> tuple[type[EngineFailure], tuple[str]]:  # type: ignore[override]  # made of less
        return type(self), (self.problem,)


class Network:
    """The production rules of a fixed tuple of rules. Threads may share it."""

    def __init__(self, rules: tuple[Rule, ...], conditions: Mapping[str, Condition]) -> None:
        if not available():
            raise EngineFailure("it cannot be imported here")
        translation = Translation(rules, conditions)
        self._slots = _Slots(len(translation.facts), len(rules))
        self._blank = self._slots.blank()
        self._readers = _readers(translation)
        self._rulesets = _rulesets(translation, self._slots)
        self._handles: list[int] = []
        self._fired: set[int] = set()
        self._lock = threading.Lock()
        weakref.finalize(self, _delete, self._handles, self._fired).atexit = False
        self._build()
        _networks.add(self)

    def outcomes(self, situation: Situation) -> tuple[Outcome, ...]:
        """One per rule, in their order. Raises EngineFailure."""
        slots = self._blank.copy()
        for read in self._readers:
            read(situation, slots)
        with self._lock:
            self._run(slots)
        return cast("tuple[Outcome, ...]", tuple(slots[self._slots.rules]))

    def _run(self, slots: list[str]) -> None:
        finished = False
        try:
            for handle, ruleset in zip(self._handles, self._rulesets, strict=True):
                if _fire(handle, ruleset, slots):
                    self._fired.add(handle)
            finished = True
        except engine.error as error:
            raise EngineFailure(str(error)) from error
        finally:
            if not finished:
                self._rebuild()

    def _rebuild(self) -> None:
        """A check was interrupted: its fact may still be in there, and no further check must meet it."""
        self._fired.clear()
        self._build()

    def _recover(self) -> None:
        """In the child of a fork: the thread that held the lock, if one did, is not there to give it back."""
        interrupted = self._lock.locked()
        self._lock = threading.Lock()
        if interrupted:
            self._rebuild()

    def _build(self) -> None:
        _delete(self._handles, self._fired)
        try:
            for ruleset in self._rulesets:
                self._handles.append(engine.create_ruleset(f"lawful{next(_serial)}", ruleset.rules))
        except engine.error as error:
            raise EngineFailure(str(error)) from error


_networks: weakref.WeakSet[Network] = weakref.WeakSet()


def _after_fork() -> None:
    for network in list(_networks):
        network._recover()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)


def _delete(handles: list[int], fired: set[int]) -> None:
    """Delete rulesets with the states of their sessions, some 20 KB a production, which outlive a ruleset.

    `delete_state` frees two pointers that nothing sets before a production of that ruleset has fired. A state without
    a firing is left behind, therefore, and so is one that an interrupted check may have left in disorder.
    """
    while handles:
        handle = handles.pop()
        with suppress(engine.error):  # a handle that is not one: there is nothing to delete
            if handle in fired:
                engine.delete_state(handle, None)
            engine.delete_ruleset(handle)
    fired.clear()


def _fire(handle: int, ruleset: _Ruleset, slots: list[str]) -> bool:
    """Assert the facts of one ruleset, note what its productions conclude, and leave it as it was.

    Whether any fired.
    """
    result, state = engine.assert_fact(handle, "".join(ruleset.gather(slots)))
    if result == _UNMATCHED:
        return False
    started = engine.start_action_for_state(handle, state) if result == _MATCHED else None
    if started is None:
        raise EngineFailure(f"no production fired for a fact (result {result})")
    action = started[1]
    while action is not None:
        slot, conclusion = ruleset.conclusions[action[2 : action.index('"', 2)]]
        if slots[slot] not in (conclusion, ruleset.unknown):
            raise EngineFailure("something was found both true and false")
        slots[slot] = conclusion
        action = engine.complete_and_start_action(handle, state)
    engine.retract_fact(handle, _RETRACTION)
    return True


# ------------------------------------------------------------------------------------------------------------ slots


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where the texts of one check stand: the facts as JSON, then the rules' outcomes, then the braces around facts."""

    facts: int
    rule_count: int

    @property
    def rules(self) -> slice:
        return slice(self.facts, self.facts + self.rule_count)

    def blank(self) -> list[str]:
        return [""] * self.facts + ["unknown"] * self.rule_count + [_OPENING, _CLOSING]

    def gatherer(self, facts: Iterable[int]) -> Callable[[list[str]], tuple[str, ...]]:
        """What reads the parts of a fact's JSON text."""
        opening = self.facts + self.rule_count
        return itemgetter(opening, *facts, opening + 1)


@dataclass(frozen=True, slots=True)
class _Ruleset:
    """A shard, ready to run: what the firing of each production puts where."""

    rules: str
    gather: Callable[[list[str]], tuple[str, ...]]
    conclusions: Mapping[str, tuple[int, str]]
    unknown: str


def _rulesets(translation: Translation, slots: _Slots) -> list[_Ruleset]:
    """In the order in which they must run."""
    derivations = [
        _ruleset(shard, slots, _fact_conclusion, "") for goals in translation.strata() for shard in shards(goals)
    ]

    def verdict(rule: int, holds: bool) -> tuple[int, str]:
        return slots.facts + rule, "satisfied" if holds else "violated"

    return derivations + [_ruleset(shard, slots, verdict, "unknown") for shard in shards(translation.goals)]


def _ruleset(shard: Shard, slots: _Slots, concludes: Callable[[int, bool], tuple[int, str]], unknown: str) -> _Ruleset:
    conclusions = {each.name: concludes(each.conclusion, each.holds) for each in shard.productions}
    return _Ruleset(shard.ruleset, slots.gatherer(shard.facts), conclusions, unknown)


def _fact_conclusion(fact: int, holds: bool) -> tuple[int, str]:
    return fact, f',"{fact_name(fact)}":{int(holds)}'


# ---------------------------------------------------------------------------------------------------------- reading

Reader = Callable[[Situation, list[str]], None]


def _readers(translation: Translation) -> list[Reader]:
    """What puts the facts of a situation into their slots, one reader for each record and each view."""
    records: dict[Owner, list[tuple[int, str, Callable[[Value], str]]]] = {}
    computed: dict[View, list[tuple[int, Computed, Callable[[Value], str]]]] = {}
    limits: dict[View, dict[AtMost, dict[str, int]]] = {}
    for position, fact in enumerate(translation.facts):
        match fact:
            case Read():
                part = _part(position, fact.encode)
                records.setdefault(fact.owner, []).append((position, fact.name, part))
            case Computed():
                part = _part(position, fact.encode)
                computed.setdefault(fact.view, []).append((position, fact, part))
            case Counted():
                bounds = limits.setdefault(fact.view, {}).setdefault(fact.limit, {})
                bounds[fact.bound] = position
            case _:
                pass  # derived
    readers = [_record_reader(owner, fields) for owner, fields in records.items()]
    for view in dict.fromkeys([*computed, *limits]):
        bounds_of = [(limit, each["least"], each["most"]) for limit, each in limits.get(view, {}).items()]
        readers.append(_view_reader(view, computed.get(view, []), bounds_of))
    return readers


def _part(position: int, encode: Encoder) -> Callable[[Value], str]:
    """What writes one member of the fact."""
    name = f',"{fact_name(position)}":'
    if encode is number:
        return f"{name}%d".__mod__
    if encode is text:
        return lambda value: f'{name}"{text(value)}"'
    return lambda value: f"{name}{encode(value)}"


def _record_reader(owner: Owner, fields: list[tuple[int, str, Callable[[Value], str]]]) -> Reader:
    def read(situation: Situation, slots: list[str]) -> None:
        record = situation.records.get(owner, _NOTHING)
        for slot, name, part in fields:
            value = record.get(name)
            if value is not None:
                slots[slot] = part(value)

    return read


def _view_reader(
    view: View,
    computed: list[tuple[int, Computed, Callable[[Value], str]]],
    limits: list[tuple[AtMost, int, int]],
) -> Reader:
    def read(situation: Situation, slots: list[str]) -> None:
        seen = situation if view == "account" else situation.seen_from(view)
        for slot, fact, part in computed:
            value = evaluate(fact.expr, seen)
            if value is not None:
                slots[slot] = part(value)
        for limit, least_slot, most_slot in limits:
            least, most = counted(limit, seen)
            slots[least_slot] = f',"{fact_name(least_slot)}":{clamped(least)}'
            if most is not None:
                slots[most_slot] = f',"{fact_name(most_slot)}":{clamped(most)}'

    return read
