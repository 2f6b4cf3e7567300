"""What can matter to a goal: the facts it rests on, the changes that move them, the facts those rest on, and so on.

A change outside the cone moves nothing that any rule on the way to the goal reads: a plan with it is a plan without it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from msgspec import Struct, field

from lawful.deciding.rulebook import Rulebook, facts_read, triggers_of
from lawful.deciding.thresholds import Read
from lawful.ir import (
    AtMost,
    Clock,
    Compare,
    Constant,
    Count,
    Expr,
    Field,
    Move,
    Program,
    Rule,
    everything,
    walk,
)
from lawful.planning.goals import Goal

_MOST_KEPT: Final = 256
_MOST_COUNTING: Final = 20_000


class Timing(Struct, frozen=True):
    """What of a cone turns by the passing of time."""

    leaves: tuple[Expr, ...]
    """Those that read the clock."""
    counts: frozenset[Count]
    fields: tuple[str, ...]
    """The facts beside the clock on which it depends when something turns."""
    by_history: bool
    """Whether what reads the clock counts events, too."""


class Reading(Struct, frozen=True):
    """What becomes of a change depends on these."""

    facts: tuple[str, ...]
    counts: tuple[tuple[Count, bool], ...]
    """Each with whether only a limit counts so."""
    is_timed: bool
    names: frozenset[str]
    """The facts, and the events that something else than a limit counts."""


class Cone(Struct, frozen=True):
    """`facts` are `account.f`, `features.f`; `event.e` of what is counted. It serves every question of its goal."""

    facts: frozenset[str]
    triggers: tuple[str, ...]
    movable: frozenset[str]
    """The facts that these may move; `account.features` stands for every feature."""
    exprs: tuple[Expr, ...]
    """Everything that is evaluated on the way."""
    read: Read
    """The same, as turns are looked for in it."""
    read_by: Mapping[str, tuple[Expr, ...]]
    """What decides on each trigger, the goal's included, and what it leaves behind."""
    counted: frozenset[str]
    """The events that anything of it counts."""
    wanted: frozenset[str]
    """Those of them that something else than a limit counts."""
    enough: Mapping[str, int | None]
    """Of these: from how many on one more makes no difference; None where nobody knows."""
    in_windows: frozenset[str]
    """The events that are counted in windows which forget."""
    timing: Timing
    edges: tuple[date, ...]
    """The days on which something of it comes into force, or goes."""
    written_by_clock: tuple[tuple[str, Expr], ...]
    """The fields that effects write by the clock, and what they write."""
    timely: frozenset[str]
    """The triggers whose outcome depends on when they are asked for, beside whether they are allowed."""
    readings: dict[tuple[str, ...], Reading] = field(default_factory=dict)
    """What becomes of changes depends on, as far as anybody asked."""


class Cones:
    """The cones of one program."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.book = rulebook
        self.program: Program = rulebook.program
        self._guards: dict[str, list[Rule]] = {}
        self._moves: dict[str, list[Move]] = {}
        for rule in self.program.rules:
            if rule.scope == "move" and rule.severity == "error":
                self._guards.setdefault(rule.subject, []).append(rule)
        for move in self.program.moves:
            self._moves.setdefault(move.trigger, []).append(move)
        self._constraints = [rule for rule in rulebook.constraints if rule.severity == "error"]
        periods = [move.in_force for move in self.program.moves]
        self.turns = sorted({*rulebook.turns, *(day for each in periods for day in (each.start, each.until) if day)})
        """The days on which rules or moves come or go."""
        self._read_by: dict[str, tuple[Expr, ...]] = {}
        self._behind: dict[str, set[str]] = {}
        self._written: dict[str, set[str]] = {}
        self._counting: dict[Expr, tuple[tuple[Count, ...], tuple[Count, ...]]] = {}
        self._cones: dict[object, Cone] = {}

    def of(self, goal: Goal) -> Cone:
        """The cone of a goal, over all dates; the last ones are kept."""
        key = (() if goal.asked is None else triggers_of(goal.asked), goal.holds, goal.throughout)
        if key not in self._cones:
            if len(self._cones) >= _MOST_KEPT:
                self._cones.clear()
            self._cones[key] = self._of(goal)
        return self._cones[key]

    def _of(self, goal: Goal) -> Cone:
        triggers = () if goal.asked is None else triggers_of(goal.asked)
        exprs: list[Expr] = [goal.holds]
        if not self._stays_by_itself(goal.throughout):
            exprs.append(goal.throughout)
        edges = set[date]()
        for trigger in triggers:
            exprs += self.read_by(trigger)
            edges |= self._edges(trigger)
        facts = self._facts(exprs)
        reached = set[str]()
        growing = True
        while growing:
            growing = False
            for trigger in self._triggers():
                if trigger not in reached and not self._writes(trigger).isdisjoint(facts):
                    reached.add(trigger)
                    exprs += self.read_by(trigger)
                    edges |= self._edges(trigger)
                    facts |= self._facts_behind(trigger)
                    growing = True
        exprs.append(goal.throughout)
        facts |= self._facts([goal.throughout])
        ordered = tuple(each for each in self._triggers() if each in reached)
        written = [
            (effect.field, effect.value)
            for trigger in ordered
            for move in self._moves.get(trigger, ())
            for effect in move.effects
            if f"account.{effect.field}" in facts and self._reads_time(effect.value)
        ]
        every = tuple(dict.fromkeys(exprs))
        wanted = {name for count in self._counted(every) for name in count.events}
        dated = {name for count in self._counted(every) if _forgets(count) for name in count.events}
        timely = frozenset(each for each in ordered if self._is_timely(each, facts, dated))
        read = Read.of(every, self.program.conditions)
        return Cone(
            facts=frozenset(facts),
            triggers=ordered,
            movable=self._movable(ordered),
            exprs=every,
            read=read,
            read_by={trigger: self.read_by(trigger) for trigger in (*ordered, *triggers)},
            counted=frozenset(name for count in self._counts(every) for name in count.events),
            wanted=frozenset(wanted),
            enough=self._enough(every, wanted),
            in_windows=frozenset(name for count in self._counts(every) if _forgets(count) for name in count.events),
            timing=_timing(read.leaves, [name for name, _ in written]),
            edges=tuple(sorted(edges)),
            written_by_clock=tuple(written),
            timely=timely,
        )

    def _stays_by_itself(self, condition: Expr) -> bool:
        """Whether only a change that sets what it reads can end it: none of these is wanted where it must not end."""
        written = {
            f"account.{effect.field}" for moves in self._moves.values() for move in moves for effect in move.effects
        }
        named = {f"account.{name}" for name in self.program.lifecycles}
        return self._facts([condition]) <= named - written

    # -------------------------------------------------------------------------------------------------- triggers

    def _triggers(self) -> Iterator[str]:
        """Every change but a registration, in the order of the file."""
        for name, declaration in self.program.account.items():
            if declaration.motion in ("lifecycle", "settable"):
                yield f"set.{name}"
        for name in self.program.features:
            yield f"enable.{name}"
            yield f"disable.{name}"
        for name in self.program.actions:
            yield f"do.{name}"

    def _writes(self, trigger: str) -> set[str]:
        """The facts it may move, the features it names, the events it makes: what is lost follows from what is read."""
        if trigger not in self._written:
            self._written[trigger] = self._all_written(trigger)
        return self._written[trigger]

    def _all_written(self, trigger: str) -> set[str]:
        kind, _, name = trigger.partition(".")
        written = {f"account.{effect.field}" for move in self._moves.get(trigger, ()) for effect in move.effects}
        written |= {f"event.{move.event}" for move in self._moves.get(trigger, ())}
        if kind == "set":
            written.add(f"account.{name}")
        elif kind in ("enable", "disable"):
            written.add(f"features.{name}")
        return written

    def _movable(self, triggers: Iterable[str]) -> frozenset[str]:
        moved = frozenset(fact for trigger in triggers for fact in self._may_move(trigger))
        features = {"account.features"} if any(each.startswith("features.") for each in moved) else set()
        return moved | features

    def turn(self, day: date) -> int:
        """Which stretch between two days on which rules or moves come or go."""
        return bisect_right(self.turns, day)

    def reading(self, triggers: Iterable[str], throughout: Expr, cone: Cone) -> Reading:
        """What it depends on what becomes of a change."""
        exprs = [throughout, *(expr for trigger in triggers for expr in self.read_by(trigger))]
        nodes = [node for expr in exprs for node in everything(expr, self.program.conditions)]
        limited = {id(node.count) for node in nodes if isinstance(node, AtMost)}
        counts = {(node, id(node) in limited) for node in nodes if isinstance(node, Count)}
        facts = facts_read(self.program, *exprs)
        facts |= {f"account.{each.removeprefix('set.')}" for each in triggers if each.startswith("set.")}
        facts |= {each for each in cone.facts if each.startswith("features.")}  # any may be lost
        moves = (move for trigger in triggers for move in self._moves.get(trigger, ()))
        facts |= {f"account.{effect.field}" for move in moves for effect in move.effects}
        wanted = {f"event.{name}" for count, is_limited in counts if not is_limited for name in count.events}
        is_timed = any(isinstance(node, Clock) for node in nodes)
        return Reading(tuple(sorted(facts)), tuple(counts), is_timed, frozenset(facts | wanted))

    def read_by(self, trigger: str) -> tuple[Expr, ...]:
        """All that decides whether the change is allowed, and what it leaves behind."""
        if trigger not in self._read_by:
            self._read_by[trigger] = tuple(self._read(trigger))
        return self._read_by[trigger]

    def _read(self, trigger: str) -> list[Expr]:
        exprs = [expr for rule in self._guards.get(trigger, ()) for expr in (rule.when, rule.requires)]
        for move in self._moves.get(trigger, ()):
            exprs.append(move.applies)
            exprs += [effect.value for effect in move.effects]
        moved = self._may_move(trigger)
        for rule in self._constraints:
            if self.book.reads[id(rule)] & moved:
                exprs += [rule.when, rule.requires]
        return exprs

    def _may_move(self, trigger: str) -> frozenset[str]:
        """What the change may move, the features that it may take from the account included."""
        moved = set(self.book.may_move(trigger))
        growing = True
        while growing:
            growing = False
            for name, feature in self.program.features.items():
                needed = {f"features.{each}" for each in feature.needs}
                if f"features.{name}" not in moved and (self.book.entitlements.reads[name] | needed) & moved:
                    moved.add(f"features.{name}")
                    growing = True
        return frozenset(moved)

    def _edges(self, trigger: str) -> set[date]:
        moved = self._may_move(trigger)
        held = [*self._guards.get(trigger, ()), *self._moves.get(trigger, ())]
        held += [rule for rule in self._constraints if self.book.reads[id(rule)] & moved]
        return {day for each in held for day in (each.in_force.start, each.in_force.until) if day is not None}

    # ----------------------------------------------------------------------------------------------------- facts

    def _facts_behind(self, trigger: str) -> set[str]:
        if trigger not in self._behind:
            self._behind[trigger] = self._facts(self.read_by(trigger))
        return self._behind[trigger]

    def _facts(self, exprs: Iterable[Expr]) -> set[str]:
        """What is read; of a feature also what decides whether the account keeps it."""
        exprs = list(exprs)
        facts = facts_read(self.program, *exprs)
        facts |= {f"event.{name}" for count in self._counted(exprs) for name in count.events}
        pending = [each for each in facts if each.startswith("features.")]
        while pending:
            feature = pending.pop().removeprefix("features.")
            more = set(self.book.entitlements.reads.get(feature, ()))
            more |= {f"features.{each}" for each in self.program.features[feature].needs}
            pending += [each for each in more - facts if each.startswith("features.")]
            facts |= more
        return facts

    def _counts(self, exprs: Iterable[Expr]) -> Iterator[Count]:
        for expr in exprs:
            yield from self._counts_of(expr)[0]

    def _counted(self, exprs: Iterable[Expr]) -> Iterator[Count]:
        """What some condition may want to have happened: a limit never wants one more."""
        for expr in exprs:
            yield from self._counts_of(expr)[1]

    def _counts_of(self, expr: Expr) -> tuple[tuple[Count, ...], tuple[Count, ...]]:
        """All the counts of an expression, and those that are no limit's; the cones of many goals read the same."""
        if expr not in self._counting:
            nodes = tuple(everything(expr, self.program.conditions))
            limited = {id(node.count) for node in nodes if isinstance(node, AtMost)}
            counts = tuple(node for node in nodes if isinstance(node, Count))
            if len(self._counting) >= _MOST_COUNTING:
                self._counting.clear()
            self._counting[expr] = counts, tuple(each for each in counts if id(each) not in limited)
        return self._counting[expr]

    def _enough(self, exprs: Iterable[Expr], wanted: Iterable[str]) -> dict[str, int | None]:
        """One more than any number that a count is compared with."""
        found: dict[str, int | None] = dict.fromkeys(wanted, 0)
        compared: set[int] = set()
        counting = [expr for expr in exprs if self._counts_of(expr)[1]]
        for node in (node for expr in counting for node in everything(expr, self.program.conditions)):
            match node:
                case Compare(left=Count() as count, right=Constant(value=int() as number)):
                    pass
                case Compare(left=Constant(value=int() as number), right=Count() as count):
                    pass
                case _:
                    continue
            compared.add(id(count))
            for name in count.events:
                most = found[name]
                found[name] = None if most is None else max(most, number + 1)
        for count in self._counted(exprs):
            if id(count) not in compared:
                found |= dict.fromkeys(count.events)
        return found

    def _is_timely(self, trigger: str, facts: set[str], counted: set[str]) -> bool:
        moves = self._moves.get(trigger, ())
        return any(
            move.event in counted
            or any(f"account.{e.field}" in facts and self._reads_time(e.value) for e in move.effects)
            for move in moves
        )

    def _reads_time(self, expr: Expr) -> bool:
        return any(isinstance(node, Clock | Count) for node in everything(expr, self.program.conditions))


def _forgets(count: Count) -> bool:
    return count.window.unit != "lifetime"


def _timing(leaves: Iterable[Expr], written_by_clock: Iterable[str]) -> Timing:
    leaves = tuple(leaves)
    timed = tuple(leaf for leaf in leaves if any(isinstance(node, Clock) for node in walk(leaf)))
    reaching = (leaf for leaf in leaves if any(_reads(leaf, each) for each in written_by_clock))
    return Timing(
        leaves=timed,
        counts=frozenset(node for leaf in leaves for node in walk(leaf) if isinstance(node, Count)),
        fields=tuple(
            sorted({node.name for leaf in (*timed, *reaching) for node in walk(leaf) if isinstance(node, Field)})
        ),
        by_history=any(isinstance(node, Count) for leaf in timed for node in walk(leaf)),
    )


def _reads(leaf: Expr, name: str) -> bool:
    return any(isinstance(node, Field) and node.name == name for node in walk(leaf))


def requests_read(exprs: Iterable[Expr], program: Program) -> tuple[str, ...]:
    """The facts of the request that expressions read."""
    found = {
        node.name
        for expr in exprs
        for node in everything(expr, program.conditions)
        if isinstance(node, Field) and node.owner == "request"
    }
    return tuple(name for name in program.request if name in found)
