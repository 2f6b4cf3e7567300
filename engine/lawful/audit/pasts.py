"""What happened to an account before it became what it is, and what somebody who looked half a year ago saw.

A past is a few events at days drawn at random, in an order that leads to the state the account is in. What becomes of
each event is judged by the rules of the change it stands for, in the state of its time, with the events before it:
a past that breaks a limit, a life cycle or a period is told from one that breaks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.audit import replay
from lawful.audit.candidates import Record
from lawful.calendar import Instant
from lawful.engines.reference import outcome
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import AtMost, Move, Period, Program, Rule, Value
from lawful.question import EARLIEST

LOOKED_BACK: Final = timedelta(days=180)
"""How much earlier the earlier snapshot is."""
JITTER: Final = timedelta(hours=1)
"""A whole past may be moved by up to so much: no event leaves its local day, and none comes nearer to another."""

_YEARS: Final = 7
_MOST_STEPS: Final = 4
_MOST_AT_ONCE: Final = 150
"""Events that are put into one day to exceed a limit; no greater limit is exceeded."""
_NEW: Final = 0.03
_TRIES: Final = 6
_OPENING: Final = time(8)

Happened: TypeAlias = tuple[str, Instant]


@dataclass(frozen=True, slots=True)
class Past:
    """The events of one account, in order."""

    events: tuple[Happened, ...]
    lifecycle: Mapping[str, Value | None] | None
    """The states it was in when the earlier snapshot was made; None where it was not there yet."""


@dataclass(frozen=True, slots=True)
class _Made:
    """An event on a day, and what it moves."""

    event: str
    day: date
    field: str | None = None
    source: str | None = None
    target: str | None = None
    order: int = 0
    """Of several on one day."""


class Pasts:
    """Draws pasts of one program's accounts. The same seed draws the same."""

    def __init__(self, program: Program, at: Instant, zone: ZoneInfo, seed: int) -> None:
        self._program = program
        self._zone = zone
        self._today = calendar.day_of(at, zone)
        self.snapshot_on = self._today - LOOKED_BACK
        self._random = Random(f"lawful sample's events {seed}")
        self._moves = {move.event: move for move in program.moves}
        self._steps = [move for move in program.moves if move.step is not None]
        self._guards: dict[str, list[Rule]] = {}
        for rule in program.rules:
            is_of_cycle = rule.kind in ("final", "unlisted") and rule.id.startswith("lifecycle.")
            if rule.scope == "move" and rule.kind not in ("effect", "clash", "fixed") and not is_of_cycle:
                self._guards.setdefault(rule.subject, []).append(rule)
        self._limits = [
            (rule, event)
            for rule in program.rules
            if rule.scope == "move" and rule.kind in ("limit", "never_after")
            for event in sorted({move.event for move in program.moves if move.trigger == rule.subject})
        ]
        self._extras = [move for move in program.moves if move.trigger.startswith("do.")]
        self.fixed = [name for name in program.account if replay.is_kept(program, name, self.snapshot_on, self._today)]
        """The fields that have not moved since the earlier snapshot."""
        self._periods: dict[str, list[Period]] = {}
        for move in program.moves:
            self._periods.setdefault(move.event, []).append(move.in_force)

    # ------------------------------------------------------------------------------------------------ lawful pasts

    def lawful(self, record: Record) -> Past:
        """A past that breaks nothing and leads to the record's states; without events where none was found."""
        for _ in range(_TRIES):
            events = self._drawn(record)
            if events is not None and not self._is_broken(record, events, guards_too=True):
                return Past(tuple(self._placed(events)), self._states_then(record, events))
        return Past((), {name: record[f"account.{name}"] for name in self._program.lifecycles})

    def _drawn(self, record: Record) -> list[_Made] | None:
        states = {name: record[f"account.{name}"] for name in self._program.lifecycles}
        if any(not isinstance(state, str) for state in states.values()):
            return None
        is_new = self._random.random() < _NEW
        steps: list[_Made] = []
        for name, state in states.items():
            way = self._way(name, str(state), is_new=is_new)
            if way is None:
                return None
            days = self._days(way)
            if days is None:
                return None
            found = zip(way, days, strict=True)
            steps += [_Made(move.event, day, name, source, target) for (move, source, target), day in found]
        first = min((each.day for each in steps), default=self._today)
        register = self._registered(first, is_new=is_new and not steps)
        extras = max(0, self._random.choice((1, 1, 2, 2, 2, 3, 3)) - 1 - len(steps))
        made = [_Made("register", register), *steps]
        for _ in range(extras):
            made += self._extra(record, register)
        made.sort(key=lambda each: each.day)
        return made if len({each.day for each in made}) == len(made) else None

    def _way(self, field: str, state: str, *, is_new: bool) -> list[tuple[Move, str, str]] | None:
        """The steps from an initial state to this one; None where there are none."""
        initial = self._program.lifecycles[field].initial
        ways = [(state, list[tuple[Move, str, str]]())]
        reached = []
        if state in initial and (is_new or self._random.random() < 0.6):
            return []
        while ways:
            here, way = ways.pop(0)
            if here in initial and way:
                reached.append(way)
                if len(reached) == 4:
                    break
            if len(way) == _MOST_STEPS:
                continue
            been = {target for _, _, target in way}
            for move in self._steps:
                step = move.step
                if step is not None and step.field == field and here in step.targets:
                    before = [each for each in step.sources if each not in been and each != here]
                    ways += [(source, [(move, source, here), *way]) for source in before]
        if reached:
            return self._random.choice(reached)
        return [] if state in initial or not initial else None

    def _days(self, way: Sequence[tuple[Move, str, str]]) -> list[date] | None:
        """A day for each step, one after the other, on which it is in force."""
        until = self._today
        days: list[date] = []
        for move, _, _ in reversed(way):
            day = self._day(move.in_force, self._floor(), until)
            if day is None:
                return None
            days.insert(0, day)
            until = day
        return days

    def _day(self, period: Period, earliest: date, until: date) -> date | None:
        """A day of the period before `until`, not before `earliest` unless the period is."""
        until = min(until, period.until) if period.until is not None else until
        earliest = max(earliest, period.start) if period.start is not None else earliest
        if earliest >= until:
            earliest = until - timedelta(days=400)
            if period.start is not None and period.start > earliest:
                earliest = period.start
        days = (until - earliest).days
        return earliest + timedelta(days=self._random.randrange(days)) if days > 0 else None

    def _floor(self) -> date:
        return self._today - timedelta(days=365 * _YEARS)

    def _registered(self, before: date, *, is_new: bool) -> date:
        if is_new:
            earliest, until = self.snapshot_on + timedelta(days=1), min(before, self._today)
        else:
            until = min(before, self.snapshot_on)
            earliest = min(self._floor(), until - timedelta(days=400))
        return earliest + timedelta(days=self._random.randrange(max((until - earliest).days, 1)))

    def _extra(self, record: Record, since: date) -> list[_Made]:
        """Something the account did, or a feature it enabled, since it was registered."""
        had = [name for name in self._program.features if record[f"features.{name}"]]
        if had and (not self._extras or self._random.random() < 0.25):
            event = f"enable.{self._random.choice(had)}"
        elif self._extras:
            event = self._random.choice(self._extras).event
        else:
            return []
        period = self._random.choice(self._periods.get(event, [Period()]))
        day = self._day(period, since + timedelta(days=1), self._today)
        return [] if day is None or day <= since else [_Made(event, day)]

    # ------------------------------------------------------------------------------------------------- wrong pasts

    def wrong(self, record: Record) -> tuple[Happened, ...] | None:
        """Events that break some rule of a change; None where none were found."""
        ways = [self._too_many, self._again, self._from_elsewhere, self._out_of_force]
        made = self._drawn(record)
        if made is None:
            return None
        for _ in range(_TRIES):
            way = self._random.choice(ways)
            events = way(record, made)
            if events and self._is_broken(record, events, guards_too=False):
                return tuple(self._placed(events))
        return None

    def _too_many(self, record: Record, made: list[_Made]) -> list[_Made]:
        """On one day more of what is limited than any window allows; or first what must never have been."""
        if not self._limits:
            return []
        rule, event = self._random.choice(self._limits)
        limit = rule.requires
        if not isinstance(limit, AtMost) or limit.at_most > _MOST_AT_ONCE or self._moves[event].step is not None:
            return []
        day = self._day(rule.in_force, made[0].day + timedelta(days=1), self._today)
        if day is None:
            return []
        counted = event if event in limit.count.events else limit.count.events[0]
        if self._moves.get(counted) is not None and self._moves[counted].step is not None:
            return []
        events = [counted] * (limit.at_most + 1) + ([] if counted == event else [event])
        return _ordered([*made, *(_Made(each, day, order=order + 1) for order, each in enumerate(events))])

    def _again(self, record: Record, made: list[_Made]) -> list[_Made]:
        """A step made twice: a second upgrade."""
        steps = [each for each in made if each.field is not None]
        if not steps:
            return []
        step = self._random.choice(steps)
        later = [each.day for each in made if each.field == step.field and each.day > step.day]
        day = self._day(Period(step.day + timedelta(days=1)), step.day, min([*later, self._today]))
        if day is None:
            return []
        return _ordered([*made, _Made(step.event, day, step.field, step.target, step.target)])

    def _from_elsewhere(self, record: Record, made: list[_Made]) -> list[_Made]:
        """A step to the state the account is in, from one it was not in."""
        moves = [
            (move, move.step.field, str(record[f"account.{move.step.field}"]))
            for move in self._steps
            if move.step is not None and record[f"account.{move.step.field}"] in move.step.targets
        ]
        if not moves:
            return []
        move, field, state = self._random.choice(moves)
        day = self._day(move.in_force, made[-1].day + timedelta(days=1), self._today)
        return [] if day is None else _ordered([*made, _Made(move.event, day, field, state, state)])

    def _out_of_force(self, record: Record, made: list[_Made]) -> list[_Made]:
        """Something done on a day on which no version of its rule was in force."""
        dated = [event for event, periods in self._periods.items() if Period() not in periods]
        if not dated:
            return []
        event = self._random.choice(dated)
        move = self._moves[event]
        day = made[0].day + timedelta(days=1 + self._random.randrange(max((self._today - made[0].day).days, 1)))
        if day >= self._today or any(period.holds(day) for period in self._periods[event]):
            return []
        if move.step is None:
            return _ordered([*made, _Made(event, day)])
        state = record[f"account.{move.step.field}"]
        if state not in move.step.targets or any(each.field == move.step.field for each in made):
            return []
        return _ordered([*made, _Made(event, day, move.step.field, move.step.sources[0], str(state))])

    # ---------------------------------------------------------------------------------------------------- snapshots

    def differing(
        self, record: Record, past: Past, another: Mapping[str, Value | None]
    ) -> dict[str, Value | None] | None:
        """What an earlier snapshot may say that nothing can explain: a field and its value; None where there is none.

        `another` has another value for each field.
        """
        if past.lifecycle is None:
            return None
        found: dict[str, Value | None] = {}
        for name in self.fixed:
            value, other = record[f"account.{name}"], another.get(name)
            if value is not None and other is not None and value != other:
                found[name] = other
        for name in self._program.lifecycles:
            state = record[f"account.{name}"]
            if state is not None:
                apart = [each for each in self._program.account[name].type.values if not self._leads(name, each, state)]
                if apart:
                    found[name] = self._random.choice(apart)
        if not found:
            return None
        name = self._random.choice(sorted(found))
        return {name: found[name]}

    def _leads(self, field: str, source: str, target: Value) -> bool:
        """Whether steps in force since the earlier snapshot, or about to be, may lead from one state to another."""
        reached = {source}
        growing = True
        while growing and target not in reached:
            growing = False
            for move in self._steps:
                step, period = move.step, move.in_force
                is_over = period.until is not None and period.until <= self.snapshot_on
                is_to_come = period.start is not None and period.start > self._today
                if step is None or step.field != field or is_over or is_to_come:
                    continue
                if reached & set(step.sources) and not reached >= set(step.targets):
                    reached |= set(step.targets)
                    growing = True
        return target in reached

    def _states_then(self, record: Record, events: Iterable[_Made]) -> dict[str, Value | None] | None:
        events = list(events)
        if events[0].day >= self.snapshot_on:
            return None
        states = {name: record[f"account.{name}"] for name in self._program.lifecycles}
        for each in reversed(events):
            if each.field is not None and each.day >= self.snapshot_on:
                states[each.field] = each.source
        return states

    # ------------------------------------------------------------------------------------------------------ judging

    def _is_broken(self, record: Record, events: Sequence[_Made], *, guards_too: bool) -> bool:
        """Whether some event breaks a rule of its change; `guards_too`: what it requires counts as well."""
        if self._contradicted(events):
            return True
        happened: list[Happened] = []
        placed = list(self._placed(events))
        for (made, situation), one in zip(self._situations(record, events, placed, happened), placed, strict=True):
            for rule in self._guards.get(self._trigger(made.event), ()):
                if rule.kind == "requires" and not guards_too:
                    continue
                if rule.in_force.holds(situation.today) and outcome(rule, situation) == "violated":
                    return True
            happened.append(one)
        return False

    def _contradicted(self, events: Sequence[_Made]) -> bool:
        """Whether a step is not in force, or leaves a state that the account was surely not in."""
        states = {name: set(each.initial) for name, each in self._program.lifecycles.items()}
        for made in events:
            if made.field is None:
                continue
            steps = [each for each in self._steps if each.event == made.event and each.in_force.holds(made.day)]
            sources = {state for each in steps if each.step is not None for state in each.step.sources}
            if not steps or (states[made.field] and not states[made.field] & sources):
                return True
            states[made.field] = {state for each in steps if each.step is not None for state in each.step.targets}
        return False

    def _situations(
        self, record: Record, events: Sequence[_Made], placed: Sequence[Happened], happened: Sequence[Happened]
    ) -> Iterator[tuple[_Made, Situation]]:
        """Each event's, judged with what has `happened` by then: fixed fields and life cycles are known, no more."""
        account: dict[str, Value] = {
            name: value for name in self.fixed if (value := record[f"account.{name}"]) is not None
        }
        for name in self._program.lifecycles:
            moves = [each for each in events if each.field == name]
            state = moves[0].source if moves else record[f"account.{name}"]
            if state is not None:
                account[name] = state
        for made, (_, at) in zip(events, placed, strict=True):
            change: Facts = {"register": made.event == "register"}
            if made.field is not None and made.target is not None:
                change = {**change, made.field: made.target}
            yield made, self._situation(dict(account), change, happened, at, made.day)
            if made.field is not None and made.target is not None:
                account[made.field] = made.target

    def _situation(
        self, account: Facts, change: Facts, happened: Sequence[Happened], at: Instant, today: date
    ) -> Situation:
        return Situation(
            records={"account": account, "change": change},
            at=at,
            today=today,
            zone=self._zone,
            history=History(tuple(happened), EARLIEST),
            conditions=self._program.conditions,
            initial=account,
        )

    def _trigger(self, event: str) -> str:
        move = self._moves.get(event)
        return "" if move is None else move.trigger

    def _placed(self, events: Iterable[_Made]) -> Iterator[Happened]:
        """Each at an hour of its local day; those of one day minutes apart."""
        for each in events:
            minutes = 4 * each.order if each.order else 60 * (_hour(each) % 11)
            local = datetime.combine(each.day, _OPENING) + timedelta(minutes=minutes)
            yield each.event, calendar.instant_of(local, self._zone)


def _hour(made: _Made) -> int:
    """A number that differs from event to event and from day to day, the same in every process."""
    return made.day.toordinal() * 7 + sum(made.event.encode())


def _ordered(events: Iterable[_Made]) -> list[_Made]:
    return sorted(events, key=lambda each: (each.day, each.order))
