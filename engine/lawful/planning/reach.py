"""What an account may come to have at all, step by step: what is not in it takes more steps, or is out of reach.

Whether a change may be allowed is asked of each fact by itself, of every date to come, and nothing that was reached is
taken to be given up. So more is found than there is, and what is not found is a proof: with so many steps, or never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, TypeAlias

from msgspec import Struct, field

from lawful import calendar
from lawful.deciding.rulebook import triggers_of
from lawful.engines.situation import Situation
from lawful.ir import (
    TRUE,
    And,
    AtMost,
    Compare,
    Constant,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Move,
    Rule,
    Value,
)
from lawful.planning.cone import Cone, Cones, Reading, requests_read
from lawful.planning.goals import Goal
from lawful.planning.ranges import Range, Ranger, anything, exactly, within
from lawful.planning.setting import Setting, State
from lawful.question import Asked

ANY: Final[Value] = ("any",)
"""What a change sets a field to where it may be anything: no value of a field is a tuple."""
_MOST_LAYERS: Final = 60
_MOST_WORK: Final = 200_000
"""Rules looked at; past it nothing is said."""
_NEVER: Final = frozenset([False])
_WIDENED_AFTER: Final = 12
"""Layers after which a fact that still grows may be anything: counters would never end."""


class Blocked(Struct, frozen=True):
    """A change that is never allowed, and a rule that never lets it."""

    asked: Asked
    rule: Rule


class Barred(Struct, frozen=True):
    """Why there is no plan."""

    rules: tuple[Rule, ...]
    """Those of the change asked for that can never be satisfied."""
    parts: tuple[Expr, ...]
    """Those of the condition to reach that can never hold."""
    blocked: tuple[Blocked, ...]
    """The changes of the cone that are never allowed."""


_Left: TypeAlias = tuple[Mapping[str, Range], Mapping[str, "int | None"]]
"""The facts that a change leaves, and its events, with how often more each may happen."""


class Seen(Struct):
    """What becomes of changes, by all that it depends on: from most states most of them come to the same."""

    evidence: dict[object, int] = field(default_factory=dict)
    left: dict[object, _Left | None] = field(default_factory=dict)
    barred: dict[object, bool] = field(default_factory=dict)


class Reaching:
    """The layers of one state and goal. `freed` are facts that may be anything to begin with, and `history`."""

    def __init__(
        self,
        setting: Setting,
        cones: Cones,
        cone: Cone,
        goal: Goal,
        starts: Iterable[State],
        freed: frozenset[str] = frozenset(),
        most_work: int = _MOST_WORK,
        seen: Seen | None = None,
    ) -> None:
        """`seen`: what was seen from other states, with the same goal."""
        self.most_work = most_work
        self._seen = seen
        self._withheld: str | None = None
        """A fact of the request that is not told."""
        self.setting = setting
        self.program = setting.judge.program
        self.book = setting.judge.rulebook
        self.cone = cone
        self.cones = cones
        self.goal = goal
        self.starts = tuple(starts)
        self.freed = freed
        self.facts: dict[str, Range] = {}
        self._more: dict[str, int | None] = {}
        """How often each event may have happened since; None: any number of times."""
        self._makers: dict[str, int | None] = {}
        """The events of changes that may be allowed, and how often more each may happen where that is limited."""
        self._grown: set[str] = set()
        """The facts that the last step may have moved."""
        self._due: dict[int, list[_Left]] = {}
        """What changes leave that are allowed, by the step with which they are done: evidence takes steps, too."""
        self.work = 0
        self._counted: dict[Count, tuple[int, ...]] = {}
        self._stretches = self._of_time()
        self._begin()

    def least(self) -> int | None:
        """No plan has fewer steps; None: there is no plan."""
        changes = self._changes()
        for layer in range(_MOST_LAYERS):
            if not self.is_barred_now():
                return layer + self._last()
            if self.work > self.most_work:
                return layer + 1 + (self.goal.asked is not None)
            self._take_all(layer, changes)
            if layer and not self._grown and not self._due:
                return None
        return _MOST_LAYERS

    def _last(self) -> int:
        """The change that is asked for, with the evidence it takes on the day on which it takes the least."""
        asked = self.goal.asked
        if asked is None:
            return 0
        return 1 + min(self._evidence(asked, day) for day, clock in self._stretches if not self._bars(day, clock))

    def _changes(self) -> list[Asked]:
        return [asked for trigger in self.cone.triggers for asked in self._asked(trigger)]

    def _take_all(self, layer: int, changes: list[Asked]) -> None:
        """What there is with a step more: by every change that may be allowed with what there is."""
        before, had = dict(self.facts), dict(self._more)
        self._obtain()
        for asked in changes:
            if not layer or self._reading(asked).names & self._grown:  # else it comes to what it came to before
                self._take(asked, before, layer)
        for written, made in self._due.pop(layer, ()):
            self._leave(written, made, widens=layer > _WIDENED_AFTER)
        self._happen(widens=layer > _WIDENED_AFTER)
        self._grown = {key for key, range_ in self.facts.items() if range_ != before[key]}
        self._grown |= {f"event.{name}" for name, many in self._more.items() if many != had.get(name, 0)}

    def _happen(self, *, widens: bool) -> None:
        """Each event of a change that may be allowed once more, as far as its own limit of a lifetime lets it."""
        for name, most in self._makers.items():
            many = self._more.get(name, 0)
            if many is not None and (most is None or many < most):
                enough = self.cone.enough[name]
                is_enough = widens or (enough is not None and many >= enough)
                self._more[name] = most if is_enough else many + 1

    def barred(self) -> Barred:
        """Why there is no plan, once that is known."""
        blocked = tuple(Blocked(asked, rule) for asked in self._changes() for rule in self._blocking(asked)[:1])
        return Barred(tuple(self._barred_by()), tuple(self._never()), blocked)

    def is_barred_now(self) -> bool:
        """Whether the goal cannot be met with the facts there are."""
        return all(self._bars(day, clock) for day, clock in self._stretches)

    # -------------------------------------------------------------------------------------------------- the facts

    def _begin(self) -> None:
        for name, declaration in self.program.account.items():
            key = f"account.{name}"
            if key in self.freed:
                self.facts[key] = self._any(declaration, unknown=True)
            else:
                self.facts[key] = self._joined(exactly(state.account.get(name)) for state in self.starts)
        for name in self.program.features:
            key = f"features.{name}"
            if "account.features" in self.freed:
                self.facts[key] = Range(frozenset([True, False]), unknown=True)
            else:
                self.facts[key] = self._joined(exactly(state.features.get(name)) for state in self.starts)

    def _obtain(self) -> None:
        """What the world may bring about takes a step each."""
        if not self.setting.obtains:
            return
        for name, declaration in self.program.account.items():
            if declaration.motion == "outside":
                self.facts[f"account.{name}"] = self._any(declaration, unknown=True)

    def _joined(self, ranges: Iterable[Range]) -> Range:
        found = Range(frozenset(), unknown=False)
        for each in ranges:
            found = found.joined(each)
        return found

    def _any(self, declaration: FieldDeclaration, *, unknown: bool) -> Range:
        return anything(declaration.type, unknown=unknown, low=declaration.minimum, high=declaration.maximum)

    def _of_time(self) -> list[tuple[date, dict[str, Range]]]:
        """The stretches of time between the days on which rules come or go, from the earliest start on."""
        zone = self.setting.judge.zone
        start = min(state.at for state in self.starts)
        first = calendar.day_of(start, zone)
        days = [first, *(day for day in self.cones.turns if day > first)]
        found = []
        for index, day in enumerate(days):
            last = None if index + 1 == len(days) else calendar.add_days(days[index + 1], -1)
            begins = start if day == first else calendar.start_of(day, zone)
            ends = None if index + 1 == len(days) else calendar.start_of(days[index + 1], zone)
            found.append((day, {"today": Range(None, False, day, last), "now": Range(None, False, begins, ends)}))
        return found

    # ------------------------------------------------------------------------------------------------- the changes

    def _asked(self, trigger: str) -> list[Asked]:
        kind, _, name = trigger.partition(".")
        match kind:
            case "set":
                declaration = self.program.account[name]
                if declaration.motion == "lifecycle":
                    return [Asked("set", "", {name: value}) for value in declaration.type.values]
                return [Asked("set", "", {name: ANY})]
            case "enable":
                return [Asked("enable", name, {})]
            case "disable":
                return [Asked("disable", name, {})]
            case _:
                return [Asked("do", name, {})]

    def _take(self, asked: Asked, before: Mapping[str, Range], layer: int) -> None:
        """What the change leaves behind, where it may be allowed on some day."""
        self.work += 1
        for day, clock in self._stretches:
            left = self._left_as_seen(asked, day, clock, before)
            if left is not None:
                self._due.setdefault(layer + self._evidence(asked, day), []).append(left)

    def _left_as_seen(
        self, asked: Asked, day: date, clock: Mapping[str, Range], before: Mapping[str, Range]
    ) -> _Left | None:
        if self._seen is None:
            return self._left(asked, day, clock, before)
        key = self._key(asked, day, clock, before)
        if key not in self._seen.left:
            self._seen.left[key] = self._left(asked, day, clock, before)
        return self._seen.left[key]

    def _left(self, asked: Asked, day: date, clock: Mapping[str, Range], before: Mapping[str, Range]) -> _Left | None:
        """The facts and the events; None where it is refused."""
        if asked.kind == "set" and not self._moves(asked, day):
            return None  # to set what is there already leaves nothing
        ranger = self._ranger(asked, clock, before)
        if self._refusing(asked, day, ranger, before):
            return None
        written = self._written(asked, day, ranger)
        if self.goal.throughout != TRUE:
            after = self._ranger(asked, clock, {**before, **written})
            if True not in after.truths(self.goal.throughout):
                return None
        return written, self._made(asked, day, ranger)

    def _key(self, asked: Asked, day: date, clock: Mapping[str, Range], facts: Mapping[str, Range]) -> object:
        """All that it depends on what becomes of a change on the days of a stretch."""
        reading = self._reading(asked)
        counts = tuple(self._counts(count, of_a_limit=limited) for count, limited in reading.counts)
        times = tuple(clock.values()) if reading.is_timed else ()
        values = tuple(facts[name] for name in reading.facts)
        return _identity(asked), self.cones.turn(day), times, values, counts

    def _reading(self, asked: Asked) -> Reading:
        triggers = triggers_of(asked)
        if triggers not in self.cone.readings:
            self.cone.readings[triggers] = self.cones.reading(triggers, self.goal.throughout, self.cone)
        return self.cone.readings[triggers]

    def _leave(self, written: Mapping[str, Range], made: Mapping[str, int | None], *, widens: bool) -> None:
        for key, range_ in written.items():
            grown = self.facts[key].joined(range_)
            if grown != self.facts[key] and widens and key.startswith("account."):
                grown = self._any(self.program.account[key.removeprefix("account.")], unknown=True)
            self.facts[key] = grown
        for name, most in made.items():
            known = self._makers.get(name, 0)
            self._makers[name] = None if most is None or known is None else max(most, known)

    def _evidence(self, asked: Asked, day: date) -> int:
        """How many facts a request has to tell for it on that day, whatever all else is."""
        if not self.setting.obtains:
            return 0
        if self._seen is None:
            return self._evidence_needed(asked, day)
        key = (_identity(asked), self.cones.turn(day))
        if key not in self._seen.evidence:
            self._seen.evidence[key] = self._evidence_needed(asked, day)
        return self._seen.evidence[key]

    def _evidence_needed(self, asked: Asked, day: date) -> int:
        """The facts without any of which some rule refuses it, in each state that it may leave."""
        guards = [rule for trigger in triggers_of(asked) for rule in self.book.guards(trigger, day)]
        reads = [(rule, requests_read([rule.when, rule.requires], self.program)) for rule in guards]
        names = {name for rule, each in reads if rule.severity == "error" for name in each} - set(self.setting.facts)
        if not names:
            return 0
        every = {"account.features", "history", *(f"account.{each}" for each in self.program.account)}
        free = Reaching(self.setting, self.cones, self.cone, self.goal, self.starts, frozenset(every))
        clock = self._clock(day)
        states = [{**free.facts, **each} for each in free._split(asked, free.facts) or [{}]]
        left = [each for each in states if not free._refusing_there(asked, day, free._ranger(asked, clock, each), each)]
        needed = 0
        for name in names if left else ():
            free._withheld = name
            reading = [rule for rule, each in reads if name in each and rule.severity == "error"]
            rangers = (free._ranger(asked, clock, each) for each in left)
            needed += all(any(not _can_hold(rule, ranger) for rule in reading) for ranger in rangers)
            self.work += len(reading)
        self.work += free.work
        return needed

    def _written(self, asked: Asked, day: date, ranger: Ranger) -> dict[str, Range]:
        found: dict[str, Range] = {}
        for name, value in asked.values.items():
            any_value = self._any(self.program.account[name], unknown=False)
            found[f"account.{name}"] = any_value if value is ANY else exactly(value)
        if asked.kind in ("enable", "disable"):
            found[f"features.{asked.name}"] = exactly(asked.kind == "enable")
        for move in self._moves(asked, day):
            if True in ranger.truths(move.applies):
                for effect in move.effects:
                    key = f"account.{effect.field}"
                    declaration = self.program.account[effect.field]
                    # a value beyond its bounds is refused
                    written = within(ranger.of(effect.value), declaration.minimum, declaration.maximum)
                    found[key] = found[key].joined(written) if key in found else written
        for name in self.program.features:  # any may be lost
            key = f"features.{name}"
            if key in self.cone.facts and key not in found and True in self.facts[key].is_known_to_be:
                found[key] = exactly(False)
        return found

    def _made(self, asked: Asked, day: date, ranger: Ranger) -> dict[str, int | None]:
        """The events of the change that something wants to have happened, and how often more they may."""
        return {
            move.event: self._limited(move, day)
            for move in self._moves(asked, day)
            if move.event in self.cone.wanted and ranger.truths(move.applies) != _NEVER
        }

    def _limited(self, move: Move, day: date) -> int | None:
        """How often more the event may happen in a lifetime at the most, by the guards of its change."""
        found: int | None = None
        for rule in self.book.guards(move.trigger, day):
            limit = rule.requires
            if rule.severity != "error" or rule.when != TRUE or not isinstance(limit, AtMost) or not limit.own:
                continue
            if limit.count.window.unit == "lifetime" and move.event in limit.count.events:
                left = max(0, limit.at_most - min(self._numbers(limit.count)))
                found = left if found is None else min(found, left)
        return found

    def _moves(self, asked: Asked, day: date) -> list[Move]:
        return [move for trigger in triggers_of(asked) for move in self.book.moves(trigger, day)]

    def _blocking(self, asked: Asked) -> list[Rule]:
        """What refuses it on every day there is; nothing where it may be allowed."""
        every = [
            self._refusing(asked, day, self._ranger(asked, clock, self.facts), self.facts)
            for day, clock in self._stretches
        ]
        return every[0] if all(every) else []

    def _refusing(self, asked: Asked, day: date, ranger: Ranger, facts: Mapping[str, Range]) -> list[Rule]:
        """The rules that are not satisfied whatever the facts are, looked at for each present state of a life cycle."""
        found: list[Rule] = []
        splits = self._split(asked, facts)
        for each in splits:
            within = {**facts, **each}
            refusing = self._refusing_there(asked, day, self._ranger(asked, self._clock(day), within), within)
            if not refusing:
                return []
            found = found or refusing
        return found if splits else self._refusing_there(asked, day, ranger, facts)

    def _split(self, asked: Asked, facts: Mapping[str, Range]) -> list[dict[str, Range]]:
        """The facts for each state that the change may leave; none where it leaves none."""
        if len(asked.values) != 1:
            return []
        [(name, value)] = asked.values.items()
        present = facts[f"account.{name}"]
        if name not in self.program.lifecycles or present.values is None:
            return []
        ordered = sorted(str(each) for each in present.values if each != value)
        found = [{f"account.{name}": exactly(each)} for each in ordered]
        return [*found, {f"account.{name}": exactly(None)}] if present.unknown else found

    def _refusing_there(self, asked: Asked, day: date, ranger: Ranger, facts: Mapping[str, Range]) -> list[Rule]:
        guards = [rule for trigger in triggers_of(asked) for rule in self.book.guards(trigger, day)]
        self.work += len(guards) + 1
        found = [rule for rule in guards if rule.severity == "error" and not _can_hold(rule, ranger)]
        if found:
            return found
        return self._refusing_after(asked, day, ranger, facts)

    def _refusing_after(self, asked: Asked, day: date, ranger: Ranger, facts: Mapping[str, Range]) -> list[Rule]:
        """The constraints that are surely broken after the change and surely were not before."""
        written = self._written(asked, day, ranger)
        if asked.kind != "register":
            written = {
                key: each
                for key, each in written.items()
                if not key.startswith("features.") or key == f"features.{asked.name}"
            }
        after = {**facts, **written}
        for move in self._moves(asked, day):  # what an effect of a move leaves that may not take place stays as it was
            for effect in move.effects:
                key = f"account.{effect.field}"
                after[key] = facts[key].joined(after[key]) if key in after else facts[key]
        if asked.kind == "set" and asked is not self.goal.asked:
            after |= self._set_beside(asked, after)
        later = self._ranger(asked, self._clock(day), after)
        moved = frozenset(written)
        if asked.kind == "register":  # there was no account: all of it is new
            moved |= {f"account.{name}" for name in self.program.account}
        return [
            rule
            for rule in self.book.constraints
            if rule.severity == "error"
            and rule.scope == "account"
            and rule.in_force.holds(day)
            and self.book.reads[id(rule)] & moved
            and not any(each.startswith("features.") for each in self.book.reads[id(rule)])
            and not _can_hold(rule, later)
            and (asked.kind == "register" or not _can_fail(rule, ranger))
        ]

    def _set_beside(self, asked: Asked, facts: Mapping[str, Range]) -> dict[str, Range]:
        """What other fields may be after the change, which may set them, too."""
        found: dict[str, Range] = {}
        for trigger in self.cone.triggers:
            kind, _, name = trigger.partition(".")
            if kind == "set" and name not in asked.values:
                fields = {
                    name,
                    *(
                        effect.field
                        for move in self.program.moves
                        if move.trigger == trigger
                        for effect in move.effects
                    ),
                }
                for each in fields - asked.values.keys():
                    found[f"account.{each}"] = self._any(self.program.account[each], unknown=True)
        return {key: each.joined(facts[key]) for key, each in found.items()}

    def _clock(self, day: date) -> dict[str, Range]:
        return next(clock for start, clock in self._stretches if start == day)

    # ---------------------------------------------------------------------------------------------------- the goal

    def _bars(self, day: date, clock: Mapping[str, Range]) -> bool:
        facts = self._where_it_holds(clock)
        if facts is None:
            return True
        if self.goal.asked is None:
            return True not in self._ranger(None, clock, facts).truths(self.goal.holds)
        if self._seen is None:
            return bool(self._refusing(self.goal.asked, day, self._ranger(self.goal.asked, clock, facts), facts))
        key = self._key(self.goal.asked, day, clock, facts)
        if key not in self._seen.barred:
            ranger = self._ranger(self.goal.asked, clock, facts)
            self._seen.barred[key] = bool(self._refusing(self.goal.asked, day, ranger, facts))
        return self._seen.barred[key]

    def _where_it_holds(self, clock: Mapping[str, Range]) -> dict[str, Range] | None:
        """The facts where the condition of the goal holds, as far as it names their values; None: it cannot."""
        if self.goal.holds == TRUE:
            return self.facts
        if True not in self._ranger(None, clock, self.facts).truths(self.goal.holds):
            return None
        named: dict[str, Range] = {}
        for part in parts_of(self.goal.holds):
            match part:
                case Compare("==", Field(owner="account") as field, Constant() as constant):
                    named[f"account.{field.name}"] = exactly(constant.value)
                case Field(owner="features"):
                    named[f"features.{part.name}"] = exactly(True)
                case _:
                    pass
        return {**self.facts, **named}

    def _barred_by(self) -> list[Rule]:
        if self.goal.asked is None:
            return []
        found: dict[str, Rule] = {}
        for day, clock in self._stretches:
            facts = self._where_it_holds(clock)
            if facts is None:
                continue
            for rule in self._refusing(self.goal.asked, day, self._ranger(self.goal.asked, clock, facts), facts):
                found.setdefault(rule.id, rule)
        return list(found.values())

    def _never(self) -> Iterator[Expr]:
        """The parts of the condition that hold on no day; the whole, where they only never hold together."""
        if self.goal.asked is not None:
            return
        holds = self.goal.holds
        rangers = [self._ranger(None, clock, self.facts) for _, clock in self._stretches]
        parts = [part for part in parts_of(holds) if not any(True in each.truths(part) for each in rangers)]
        yield from parts or [holds]

    # ------------------------------------------------------------------------------------------------- evaluation

    def _ranger(self, asked: Asked | None, clock: Mapping[str, Range], facts: Mapping[str, Range]) -> Ranger:
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
                    if not free or node.name == self._withheld:
                        return exactly(None)
                    return self._any(self.program.request[node.name], unknown=True)
                case "change":
                    if node.name == "register" and node.name not in self.program.account:
                        return exactly(registers)
                    value = None if asked is None else asked.values.get(node.name)
                    declaration = self.program.account[node.name]
                    if value is not None and value is not ANY:
                        return exactly(value)
                    return self._any(declaration, unknown=asked is None or node.name not in asked.values)
                case _:
                    return anything(node.type, unknown=True)

        return Ranger(fact, clock, self._counts, self.program.conditions, self.setting.judge.zone)

    def _counts(self, count: Count, *, of_a_limit: bool = False) -> Range:
        forgets = count.window.unit != "lifetime"
        numbers = self._numbers(count)
        known = self.setting.whole_from is not None and self.setting.whole_from <= self.setting.start
        most: int | None = None
        if known and not of_a_limit and "history" not in self.freed:  # to a limit only the least matters
            more = [self._more.get(name, 0) for name in count.events]
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


def _identity(asked: Asked) -> object:
    return asked.kind, asked.name, tuple(asked.values.items())


def parts_of(condition: Expr) -> tuple[Expr, ...]:
    """What must all hold."""
    return condition.operands if isinstance(condition, And) else (condition,)


def _can_hold(rule: Rule, ranger: Ranger) -> bool:
    """Whether there may be facts that satisfy it."""
    return False in ranger.truths(rule.when) or True in ranger.truths(rule.requires)


def _can_fail(rule: Rule, ranger: Ranger) -> bool:
    """Whether there may be facts that violate it, or leave it open."""
    when, requires = ranger.truths(rule.when), ranger.truths(rule.requires)
    return when != frozenset([False]) and requires != frozenset([True])
