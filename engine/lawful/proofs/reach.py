"""What of a policy matters to a question: the facts that it reads, the changes that move those, what these read, …

A change that moves nothing of that is left out of the question's traces, with all its rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lawful import ir
from lawful.calendar import LIFETIME
from lawful.deciding.rulebook import facts_read
from lawful.ir import AtMost, Clock, Count, Expr, Program, everything
from lawful.proofs.moves import Moves

EVENT = "event."


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which an account changes: `set.f`, `enable.f`, `disable.f`, `do.a`, or a declared event."""

    id: str
    writes: frozenset[str]
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a policy that matters to a question."""

    facts: frozenset[str]
    ways: frozenset[str]


@dataclass(frozen=True, slots=True)
class Toward:
    """The ways that lead to a change, by how many steps there are left before it: none, one, … In a shortest sequence
    of steps each moves something that a later one reads."""

    ways: tuple[frozenset[str], ...]
    facts: frozenset[str]
    """Everything that these read."""

    def within(self, steps: int) -> frozenset[str]:
        return self.ways[min(steps, len(self.ways) - 1)]


class Ways:
    """Every way in which an account of one policy changes, with what it reads and writes."""

    def __init__(self, moves: Moves) -> None:
        self.moves = moves
        self.program = moves.program
        self.all = [self._of_trigger(each) for each in self._triggers()]
        self.all += [self._of_event(each) for each in self.program.events.values()]

    def _triggers(self) -> list[str]:
        program = self.program
        found = [f"set.{name}" for name, each in program.account.items() if each.motion in ("lifecycle", "settable")]
        for name in program.features:
            found += [f"enable.{name}", f"disable.{name}"]
        return found + [f"do.{name}" for name in program.actions]

    def slice(self, facts: Iterable[str]) -> Slice:
        """What matters to a question about those facts."""
        known, ways = set(facts), set[str]()
        growing = True
        while growing:
            growing = False
            for way in self.all:
                if way.id not in ways and way.writes & known:
                    ways.add(way.id)
                    known |= way.reads
                    growing = True
        return Slice(frozenset(known), frozenset(ways))

    def moving(self, part: Slice, facts: frozenset[str]) -> frozenset[str]:
        """Those of a slice that may move one of these facts. Fields may be set together: all of them, or none."""
        found = {each.id for each in self.all if each.id in part.ways and each.writes & facts}
        if any(each.startswith("set.") for each in found):
            found |= {each for each in part.ways if each.startswith("set.")}
        return frozenset(found)

    def toward(self, way: str, facts: Iterable[str], *, together: bool = False) -> Toward:
        """What may be of use before a change that rests on those facts: what moves them first, then what moves that.
        `together`: and what may have to be set at once with a field that is set, for the change to be allowed."""
        known = set(facts)
        near = [each for each in self.all if each.id == way]
        found = [frozenset([way])]
        while True:
            if together:
                near += self._beside(near, found[-1])
                known = known.union(*(each.reads for each in near))
                found[-1] = found[-1].union(each.id for each in near)
            near = [each for each in self.all if each.id not in found[-1] and each.writes & known]
            if not near:
                return Toward(tuple(found), frozenset(known))
            known = known.union(*(each.reads for each in near))
            found.append(found[-1].union(each.id for each in near))

    def _beside(self, ways: Iterable[Way], but: frozenset[str]) -> list[Way]:
        """What else may be set at once with those of the ways that set a field: it moves what rules of the change read,
        or what rules of that read."""
        sets = [each for each in self.all if each.id.startswith("set.") and each.id not in but]
        read = set[str]().union(*(each.reads for each in ways if each.id.startswith("set.")))
        found: list[Way] = []
        while near := [each for each in sets if each not in found and each.writes & read]:
            found += near
            read = read.union(*(each.reads for each in near))
        return found

    def _of_trigger(self, trigger: str) -> Way:
        kind, _, name = trigger.partition(".")
        book = self.moves.book
        writes: set[str] = set()
        read: list[Expr] = []
        if kind == "set":
            writes.add(f"account.{name}")
        elif kind in ("enable", "disable"):
            writes.add(f"features.{name}")
        for move in self.moves.moves_of(trigger):
            writes |= {f"account.{effect.field}" for effect in move.effects} | {EVENT + move.event}
            read += [move.applies, *(effect.value for effect in move.effects)]
        for rule in self.moves.guards_of(trigger):
            read += [rule.when, rule.requires]
        writes |= self._lost(writes)
        read += self._entitling(writes)
        for rule in book.constraints:
            if book.reads[id(rule)] & writes:
                read += [rule.when, rule.requires]
        return Way(trigger, frozenset(writes), frozenset(reads_of(self.program, *read)))

    def _lost(self, writes: set[str]) -> set[str]:
        """The features that may be lost with what is written, and those that need them."""
        lost: set[str] = set()
        growing = True
        while growing:
            growing = False
            for name, feature in self.program.features.items():
                fact = f"features.{name}"
                gone = writes | lost
                touched = self.moves.book.entitlements.reads[name] & gone
                if fact not in gone and (touched or any(f"features.{each}" in gone for each in feature.needs)):
                    lost.add(fact)
                    growing = True
        return lost

    def _entitling(self, writes: set[str]) -> list[Expr]:
        return [
            expr
            for rule in self.program.rules
            if rule.scope == "feature" and f"features.{rule.subject}" in writes
            for expr in (rule.when, rule.requires)
        ]

    def _of_event(self, event: ir.Event) -> Way:
        writes = {f"account.{effect.field}" for effect in event.moves} | {EVENT + event.id}
        reads = reads_of(self.program, *(effect.value for effect in event.moves))
        return Way(f"event.{event.id}", frozenset(writes), frozenset(reads))


def reads_of(program: Program, *exprs: Expr) -> set[str]:
    """The facts and the events that expressions read."""
    found = facts_read(program, *exprs)
    for expr in exprs:
        for node in everything(expr, program.conditions):
            if isinstance(node, (Count, AtMost)):
                count = node.count if isinstance(node, AtMost) else node
                found |= {EVENT + event for event in count.events}
                if isinstance(node, AtMost) and node.counted_by is not None and node.counted_by.owner == "account":
                    found.add(f"account.{node.counted_by.name}")
    return found


def rests_on(program: Program, *exprs: Expr) -> set[str]:
    """The facts, the events, what of the request (`request.f`), and whether the clock (`clock`), expressions read."""
    nodes = [node for expr in exprs for node in everything(expr, program.conditions)]
    asked = {f"request.{node.name}" for node in nodes if isinstance(node, ir.Field) and node.owner == "request"}
    clock = {"clock"} if any(isinstance(node, Clock) for node in nodes) else set[str]()
    return reads_of(program, *exprs) | asked | clock


def is_timeless(program: Program, *exprs: Expr) -> bool:
    """Whether expressions mean the same on every day."""
    for expr in exprs:
        for node in everything(expr, program.conditions):
            if isinstance(node, Clock):
                return False
            if isinstance(node, (Count, AtMost)):
                window = node.count.window if isinstance(node, AtMost) else node.window
                if window != LIFETIME:
                    return False
    return True
