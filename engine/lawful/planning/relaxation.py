"""Changes judged by what each fact may be, looked at by itself: whether one may be allowed, and what it may leave.

Too much is allowed at times, never too little, and too much is left: so what is refused here is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from msgspec import Struct

from lawful import calendar
from lawful.calendar import LIFETIME
from lawful.deciding.rulebook import triggers_of
from lawful.engines.situation import Situation
from lawful.ir import TRUE, AtMost, Count, Field, FieldDeclaration, Move, Rule, Value
from lawful.planning.cone import Cone, Cones
from lawful.planning.goals import Goal
from lawful.planning.ranges import Range, Ranger, anything, exactly, within
from lawful.planning.setting import Setting, State
from lawful.question import Asked

ANY: Final[Value] = ("any",)
"""What a change sets a field to where it may be anything: no value of a field is a tuple."""
_NEVER: Final = frozenset([False])


class Stretch(Struct, frozen=True):
    """Time between two days on which rules come or go: its first day, and what the clock may say."""

    day: date
    clock: Mapping[str, Range]


class Left(Struct, frozen=True):
    """What a change may leave beside what there was: the facts, and its events, with how often more each may happen."""

    facts: Mapping[str, Range]
    events: Mapping[str, int | None]


class Relaxation:
    """The changes on the way to one goal. `freed` are facts that may be anything to begin with, and `history`."""

    def __init__(
        self,
        setting: Setting,
        cones: Cones,
        cone: Cone,
        goal: Goal,
        starts: Iterable[State],
        freed: frozenset[str] = frozenset(),
    ) -> None:
        self.setting = setting
        self.program = setting.judge.program
        self.cones = cones
        self.cone = cone
        self.goal = goal
        self.starts = tuple(starts)
        self.freed = freed
        self.withheld: str | None = None
        """A fact of the request that is not told."""
        self.more: dict[str, int | None] = {}
        """How often each event may have happened since; None: any number of times."""
        self.work = 0
        """Rules looked at."""
        self._book = setting.judge.rulebook
        self._counted: dict[Count, tuple[int, ...]] = {}
        self.stretches = list(self._of_time())
        """From the earliest start on."""

    def _of_time(self) -> Iterator[Stretch]:
        zone = self.setting.judge.zone
        start = min(state.at for state in self.starts)
        first = calendar.day_of(start, zone)
        days = [first, *(day for day in self.cones.turns if day > first)]
        for day, following in zip(days, [*days[1:], None], strict=True):
            last = None if following is None else calendar.add_days(following, -1)
            begins = start if day == first else calendar.start_of(day, zone)
            ends = None if following is None else calendar.start_of(following, zone)
            yield Stretch(day, {"today": Range(None, False, day, last), "now": Range(None, False, begins, ends)})

    # -------------------------------------------------------------------------------------------------- the facts

    def facts(self) -> dict[str, Range]:
        """What they are to begin with."""
        found: dict[str, Range] = {}
        for name, declaration in self.program.account.items():
            key = f"account.{name}"
            given = (exactly(state.account.get(name)) for state in self.starts)
            found[key] = any_of(declaration, unknown=True) if key in self.freed else _joined(given)
        for name in self.program.features:
            given = (exactly(state.features.get(name)) for state in self.starts)
            free = Range(frozenset([True, False]), unknown=True)
            found[f"features.{name}"] = free if "account.features" in self.freed else _joined(given)
        return found

    def ranger(self, asked: Asked | None, stretch: Stretch, facts: Mapping[str, Range]) -> Ranger:
        """What expressions may come to with these facts, of an account of which that is asked."""
        request = self.setting.facts
        registers = asked is not None and asked.kind == "register"

        def fact(node: Field) -> Range:
            match node.owner:
                case "account" | "features":
                    return facts[f"{node.owner}.{node.name}"]
                case "request":
                    if node.name in request:
                        return exactly(request[node.name])
                    free = self.setting.obtains or f"request.{node.name}" in self.freed
                    if not free or node.name == self.withheld:
                        return exactly(None)
                    return any_of(self.program.request[node.name], unknown=True)
                case "change":
                    if node.name == "register" and node.name not in self.program.account:
                        return exactly(registers)
                    value = None if asked is None else asked.values.get(node.name)
                    if value is not None and value is not ANY:
                        return exactly(value)
                    is_asked = asked is not None and node.name in asked.values
                    return any_of(self.program.account[node.name], unknown=not is_asked)
                case _:
                    return anything(node.type, unknown=True)

        return Ranger(fact, stretch.clock, self.counts, self.program.conditions, self.setting.judge.zone)

    def counts(self, count: Count, *, of_a_limit: bool = False) -> Range:
        """How many there may be; of a limit's only the least is right."""
        forgets = count.window.unit != "lifetime"
        numbers = self._numbers(count)
        known = self.setting.whole_from is not None and self.setting.whole_from <= self.setting.start
        most: int | None = None
        if known and not of_a_limit and "history" not in self.freed:
            more = [self.more.get(name, 0) for name in count.events]
            most = None if None in more else max(numbers) + self._future(count) + sum(each or 0 for each in more)
        return Range(None, not known, 0 if forgets else min(numbers), most)

    def _numbers(self, count: Count) -> tuple[int, ...]:
        if count not in self._counted:
            self._counted[count] = tuple(self._number(count, state) for state in self.starts)
        return self._counted[count]

    def _number(self, count: Count, state: State) -> int:
        situation: Situation = self.setting.situation(state, {})
        return situation.history.count(count.events, count.window, situation.at, situation.zone)[0]

    def _future(self, count: Count) -> int:
        """Events that are told of times to come."""
        return max(sum(name in count.events and at > state.at for name, at in state.events) for state in self.starts)

    # ------------------------------------------------------------------------------------------- what a change leaves

    def left(self, asked: Asked, stretch: Stretch, facts: Mapping[str, Range]) -> Left | None:
        """None where it is refused."""
        if asked.kind == "set" and not self._moves(asked, stretch):
            return None  # to set what is there already leaves nothing
        if self.refusing(asked, stretch, facts):
            return None
        ranger = self.ranger(asked, stretch, facts)
        if self.goal.throughout != TRUE:
            after = self.ranger(asked, stretch, self._after(asked, stretch, ranger, facts))
            if True not in after.truths(self.goal.throughout):
                return None
        return Left(self._written(asked, stretch, ranger, facts), self._made(asked, stretch, ranger))

    def _written(self, asked: Asked, stretch: Stretch, ranger: Ranger, facts: Mapping[str, Range]) -> dict[str, Range]:
        """The facts that it may write, and what these are then if it does."""
        found = self._asked_for(asked)
        for move in self._moves(asked, stretch):
            if True in ranger.truths(move.applies):
                for effect in move.effects:
                    key = f"account.{effect.field}"
                    declaration = self.program.account[effect.field]
                    # a value beyond its bounds is refused
                    written = within(ranger.of(effect.value), declaration.minimum, declaration.maximum)
                    found[key] = found[key].joined(written) if key in found else written
        for name in self.program.features:  # any may be lost
            key = f"features.{name}"
            if key in self.cone.facts and key not in found and True in facts[key].is_known_to_be:
                found[key] = exactly(False)
        return found

    def _asked_for(self, asked: Asked) -> dict[str, Range]:
        found: dict[str, Range] = {}
        for name, value in asked.values.items():
            any_value = any_of(self.program.account[name], unknown=False)
            found[f"account.{name}"] = any_value if value is ANY else exactly(value)
        if asked.kind in ("enable", "disable"):
            found[f"features.{asked.name}"] = exactly(asked.kind == "enable")
        return found

    def _after(self, asked: Asked, stretch: Stretch, ranger: Ranger, facts: Mapping[str, Range]) -> dict[str, Range]:
        """All the facts then: what it need not write may be as it was, and other fields may be set at once."""
        effects = {f"account.{effect.field}" for move in self._moves(asked, stretch) for effect in move.effects}
        surely = self._asked_for(asked).keys() - effects
        after = dict(facts)
        for key, range_ in self._written(asked, stretch, ranger, facts).items():
            after[key] = range_ if key in surely else facts[key].joined(range_)
        if asked.kind == "set" and asked is not self.goal.asked:
            after |= self._set_beside(asked, after)
        return after

    def _set_beside(self, asked: Asked, facts: Mapping[str, Range]) -> dict[str, Range]:
        """What other fields may be after the change, which may set them, too."""
        names: set[str] = set()
        for trigger in self.cone.triggers:
            kind, _, name = trigger.partition(".")
            if kind == "set" and name not in asked.values:
                moves = (move for move in self.program.moves if move.trigger == trigger)
                names |= {name, *(effect.field for move in moves for effect in move.effects)}
        return {
            f"account.{name}": any_of(self.program.account[name], unknown=True).joined(facts[f"account.{name}"])
            for name in names - asked.values.keys()
        }

    def _made(self, asked: Asked, stretch: Stretch, ranger: Ranger) -> dict[str, int | None]:
        """The events of the change that something wants to have happened, and how often more they may."""
        return {
            move.event: self._limited(move, stretch)
            for move in self._moves(asked, stretch)
            if move.event in self.cone.wanted and ranger.truths(move.applies) != _NEVER
        }

    def _limited(self, move: Move, stretch: Stretch) -> int | None:
        """How often more the event may happen in a lifetime at the most, by the guards of its change."""
        found: int | None = None
        for rule in self._book.guards(move.trigger, stretch.day):
            limit = rule.requires
            if rule.severity != "error" or rule.when != TRUE or not isinstance(limit, AtMost) or not limit.own:
                continue
            if limit.count.window == LIFETIME and move.event in limit.count.events:
                left = max(0, limit.at_most - min(self._numbers(limit.count)))
                found = left if found is None else min(found, left)
        return found

    def _moves(self, asked: Asked, stretch: Stretch) -> list[Move]:
        return [move for trigger in triggers_of(asked) for move in self._book.moves(trigger, stretch.day)]

    # ------------------------------------------------------------------------------------------ what refuses a change

    def refusing(self, asked: Asked, stretch: Stretch, facts: Mapping[str, Range]) -> list[Rule]:
        """The rules that are not satisfied whatever the facts are; nothing where it may be allowed."""
        found: list[Rule] = []
        for each in self.split(asked, facts):
            refusing = self.refusing_there(asked, stretch, each)
            if not refusing:
                return []
            found = found or refusing
        return found

    def split(self, asked: Asked, facts: Mapping[str, Range]) -> list[Mapping[str, Range]]:
        """The facts for each state of a life cycle that the change may leave; as they are where it leaves none."""
        if len(asked.values) != 1:
            return [facts]
        [(name, value)] = asked.values.items()
        present = facts[f"account.{name}"]
        if name not in self.program.lifecycles or present.values is None:
            return [facts]
        left = [exactly(each) for each in sorted(present.values - {value}, key=str)]
        if present.unknown:
            left.append(exactly(None))
        return [{**facts, f"account.{name}": each} for each in left] or [facts]

    def refusing_there(self, asked: Asked, stretch: Stretch, facts: Mapping[str, Range]) -> list[Rule]:
        """The same without looking at each state of a life cycle by itself."""
        ranger = self.ranger(asked, stretch, facts)
        guards = self.guards(asked, stretch)
        self.work += len(guards) + 1
        found = [rule for rule in guards if rule.severity == "error" and not can_hold(rule, ranger)]
        return found or self._refusing_after(asked, stretch, ranger, facts)

    def guards(self, asked: Asked, stretch: Stretch) -> list[Rule]:
        return [rule for trigger in triggers_of(asked) for rule in self._book.guards(trigger, stretch.day)]

    def _refusing_after(self, asked: Asked, stretch: Stretch, ranger: Ranger, facts: Mapping[str, Range]) -> list[Rule]:
        """The constraints that are surely broken after the change and surely were not before."""
        after = self.ranger(asked, stretch, self._after(asked, stretch, ranger, facts))
        moved = set(self._written(asked, stretch, ranger, facts))
        if asked.kind == "register":  # there was no account: all of it is new
            moved |= {f"account.{name}" for name in self.program.account}
        return [
            rule
            for rule in self._book.constraints
            if rule.severity == "error"
            and rule.scope == "account"
            and rule.in_force.holds(stretch.day)
            and self._book.reads[id(rule)] & moved
            and not any(each.startswith("features.") for each in self._book.reads[id(rule)])
            and not can_hold(rule, after)
            and (asked.kind == "register" or not _can_fail(rule, ranger))
        ]


def any_of(declaration: FieldDeclaration, *, unknown: bool) -> Range:
    """Every value within the bounds of a field."""
    return anything(declaration.type, unknown=unknown, low=declaration.minimum, high=declaration.maximum)


def can_hold(rule: Rule, ranger: Ranger) -> bool:
    """Whether there may be facts that satisfy it."""
    return False in ranger.truths(rule.when) or True in ranger.truths(rule.requires)


def _can_fail(rule: Rule, ranger: Ranger) -> bool:
    """Whether there may be facts that violate it, or leave it open."""
    return ranger.truths(rule.when) != {False} and ranger.truths(rule.requires) != {True}


def _joined(ranges: Iterable[Range]) -> Range:
    found = Range(frozenset(), unknown=False)
    for each in ranges:
        found = found.joined(each)
    return found
