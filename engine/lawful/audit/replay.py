"""What recorded moves mean, in the plainest Python: the tests hold the columns of `events` and `snapshots` to this.

An event is judged at its own time, by the rules in force on its local day, in the state of the account just before it:
fixed fields as the inventory has them, fields with a life cycle replayed, all else unknown unless the event carries it.
What a rule comes to in that state, and how events are counted, the reference says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Final, Literal
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.calendar import CalendarUnit, Instant
from lawful.deciding.rulebook import facts_read
from lawful.engines import reference
from lawful.engines.situation import Facts, History, Situation, counted
from lawful.ir import (
    INT,
    TRUE,
    And,
    AtMost,
    Call,
    Compare,
    Constant,
    Expr,
    Known,
    Move,
    Or,
    Period,
    Program,
    Rule,
    Value,
    conjunction,
    rebuilt,
)
from lawful.question import EARLIEST

Status = Literal["violated", "unknown"]
About = Literal["move", "event"]
States = frozenset[str]

UNKNOWN: Final = Compare("==", Call("/", (Constant(1, INT), Constant(0, INT))), Constant(0, INT))
"""A truth that nobody knows."""
_WORST: Final = {"satisfied": 0, "unknown": 1, "violated": 2}
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{(account|change)\.([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Happened:
    """An entry of a history; `before` is what it carries of the account just before it."""

    event: str
    at: Instant
    before: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about recorded moves, or an outcome that is unknown."""

    rule: Rule
    about: About
    at: Instant
    status: Status
    count: int | None = None
    facts: Facts = field(default_factory=dict)
    """Those that are told with it: `account.f` and `change.f`, the known ones."""


# ------------------------------------------------------------------------------------------- what a policy has judged


@dataclass(frozen=True, slots=True)
class Limited:
    """A limit or a `never_after` over events of one name."""

    rule: Rule
    asked: Rule
    """The rule as it is asked of an event: its `when` is what the author wrote, and no more.

    That the change was made is the record's word: it need not be seen from the state, which `from` is judged by.
    """
    event: str
    limit: AtMost

    @property
    def about(self) -> About:
        return "event" if self.rule.kind == "limit" else "move"


@dataclass(frozen=True, slots=True)
class Refused:
    """Events of that name are refused on days outside all of the periods."""

    rule: Rule
    event: str
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Cycle:
    """A life cycle as events are judged by it."""

    field: str
    domain: States
    initial: States
    final: States
    transitions: Mapping[str, tuple[Move, ...]]
    """The versions of each, by the event's name."""
    unlisted: Rule
    at_end: Rule | None
    begins: Rule | None

    def targets(self, event: str, day: date) -> States:
        """Where it leads: by the version in force, else by any."""
        return frozenset(state for step in self._steps(event, day) for state in step[1])

    def sources(self, event: str, day: date) -> States:
        return frozenset(state for step in self._steps(event, day) for state in step[0])

    def _steps(self, event: str, day: date) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        versions = self.transitions[event]
        chosen = [each for each in versions if each.in_force.holds(day)] or versions
        return [(each.step.sources, each.step.targets) for each in chosen if each.step is not None]


def limits(program: Program, asked: Program) -> list[Limited]:
    """Every limit and every `never_after` of a change that events record. `asked` is the program of `at_events`."""
    versions: dict[tuple[str, str], list[Move]] = {}
    for move in program.moves:
        versions.setdefault((move.trigger, move.id), []).append(move)
    found = []
    for rule, blurred in zip(program.rules, asked.rules, strict=True):
        if rule.scope == "move" and rule.kind in ("limit", "never_after") and isinstance(rule.requires, AtMost):
            moves = next(of for (trigger, id), of in versions.items() if trigger == rule.subject and _is_of(rule, id))
            when = _written(blurred.when, moves)
            found.append(Limited(rule, replace(blurred, when=when), moves[0].event, rule.requires))
    return found


def _is_of(rule: Rule, move: str) -> bool:
    rest = rule.id.removeprefix(move)
    return rest != rule.id and (rest in (".limit", ".never_after") or rest.startswith(".limits."))


def _written(when: Expr, versions: Iterable[Move]) -> Expr:
    """What is left of a rule's `when` without that its change applies."""
    for move in versions:
        if when == move.applies:
            return TRUE
        if isinstance(when, And) and when.operands[0] == move.applies:
            return conjunction(list(when.operands[1:]))
    return when


def refused(program: Program) -> list[Refused]:
    """What no version allows on some days, or nothing ever allows: all but transitions, which are judged by state."""
    found = []
    for rule in program.rules:
        if rule.scope != "move" or rule.kind not in ("unlisted", "fixed") or rule.id.startswith("lifecycle."):
            continue
        moves = [move for move in program.moves if move.trigger == rule.subject]
        event = moves[0].event if moves else rule.subject
        allowed = [*rule.in_force.rest(), *(move.in_force for move in moves)]
        if rule.kind == "unlisted" and rule.id.startswith("fields."):  # on the days on which it is fixed, that is told
            fixed = program.account[rule.id.split(".")[1]].fixed
            allowed += [fixed] if fixed is not None else []
        found.append(Refused(rule, event, tuple(allowed)))
    return found


def is_kept(program: Program, field: str, first: date | None, last: date | None) -> bool:
    """Whether a field is fixed from the one day to the other, so that its value on one of them tells the other's."""
    fixed = program.account[field].fixed
    return fixed is not None and fixed.covers(first, last)


def cycles(program: Program) -> list[Cycle]:
    rules = {rule.id: rule for rule in program.rules if rule.scope == "move"}
    found = []
    for name, each in program.lifecycles.items():
        transitions: dict[str, tuple[Move, ...]] = {}
        for move in program.moves:
            if move.step is not None and move.step.field == name:
                transitions[move.event] = (*transitions.get(move.event, ()), move)
        found.append(
            Cycle(
                name,
                frozenset(program.account[name].type.values),
                frozenset(each.initial),
                frozenset(each.final),
                transitions,
                rules[f"lifecycle.{name}.unlisted"],
                rules.get(f"lifecycle.{name}.final"),
                rules.get(f"lifecycle.{name}.initial"),
            )
        )
    return found


def at_events(program: Program, fields: frozenset[str]) -> Program:
    """The program as it is asked about a moment that has passed: `has` is false only of what is known to be absent.

    `fields` are those the inventory has. Of a fixed field what it has not was never there; of any other it may be that
    nobody recorded it, so that `has` is unknown where nothing else is known.
    """
    sure = {f"account.{name}" for name in fields if program.account[name].motion == "fixed"}

    def blurred(expr: Expr) -> Expr:
        return rebuilt(expr, lambda node: _had(node) if isinstance(node, Known) else None)

    def _had(node: Known) -> Expr:
        known = Known(blurred(node.operand))
        return known if facts_read(program, node.operand) <= sure else Or((known, UNKNOWN))

    def rule(each: Rule) -> Rule:
        is_limit = each.kind in ("limit", "never_after")
        return replace(each, when=blurred(each.when)) if is_limit else each

    return replace(
        program,
        conditions={name: replace(each, holds=blurred(each.holds)) for name, each in program.conditions.items()},
        rules=tuple(rule(each) for each in program.rules),
    )


def told_with(program: Program, rule: Rule) -> tuple[str, ...]:
    """The facts that are told with a finding: those its texts name, and those that decided whether it applies."""
    texts = [text for each in (rule.title, rule.explanation) if each is not None for text in (each.en, each.zh) if text]
    named = {f"{found[1]}.{found[2]}" for text in texts for found in _PLACEHOLDER.finditer(text) if found[1]}
    section, name = (*rule.id.split("."), "")[:2]
    if section == "lifecycle" and rule.kind in ("final", "unlisted", "initial"):
        named.add(f"account.{name}")
    if section == "lifecycle" and rule.kind in ("final", "unlisted"):
        named.add(f"change.{name}")
    if rule.kind in ("limit", "never_after"):
        named |= facts_read(program, rule.when)
    return tuple(sorted(each for each in named if each.split(".", 1)[1] in program.account))


# --------------------------------------------------------------------------------------------------------- one account


def judged(
    program: Program,
    account: Facts,
    events: Iterable[Happened],
    *,
    at: Instant,
    fields: frozenset[str] | None = None,
    history_from: Instant | None = None,
    before: Facts | None = None,
    before_at: Instant | None = None,
) -> list[Found]:
    """What is wrong, or not known to be right, with what happened to one account up to `at`.

    `account` are the known facts of the inventory, whose columns are `fields` (None: all). The history is whole from
    `history_from` on (None: whole). `before` is an earlier snapshot of the account, at `before_at` (None: of an unknown
    date, so that it tells nothing of a state between).
    """
    fields = frozenset(program.account) if fields is None else fields
    whole_from = EARLIEST if history_from is None else history_from
    shown = before if before is not None and before_at is not None else {}
    happened = sorted((each for each in events if each.at <= at), key=lambda each: each.at)
    one = _Account(program, account, happened, at, fields, whole_from, shown, before_at)
    found = [*one.transitions(), *one.registrations(), *one.refusals(), *one.limits()]
    return sorted(found, key=lambda each: (each.rule.id, each.at))


def edges(
    program: Program, account: Facts, events: Iterable[Happened], *, at: Instant
) -> set[tuple[str, str, str, str, bool]]:
    """The steps that one account was seen to make: field, from, to, the transition and whether any version of it was in
    force then. The history is whole.
    """
    happened = sorted((each for each in events if each.at <= at), key=lambda each: each.at)
    one = _Account(program, account, happened, at, frozenset(program.account), EARLIEST, {}, None)
    found = set()
    for cycle in one.cycles:
        for each in one.steps(cycle):
            day = one.day(each.at)
            source = one.state(cycle, each) or _single(cycle.sources(each.event, day))
            target = _single(cycle.targets(each.event, day))
            if source is not None and target is not None:
                in_force = any(version.in_force.holds(day) for version in cycle.transitions[each.event])
                found.add((cycle.field, source, target, each.event, in_force))
    return found


@dataclass(frozen=True)  # without slots: `cached_property` keeps what it found in the instance
class _Account:
    program: Program
    account: Facts
    events: Sequence[Happened]
    at: Instant
    fields: frozenset[str]
    whole_from: Instant
    shown: Facts
    """The earlier snapshot; nothing where there is none, or its date is unknown."""
    shown_at: Instant | None

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.program.timezone)

    @cached_property
    def asked(self) -> Program:
        return at_events(self.program, self.fields)

    @cached_property
    def cycles(self) -> list[Cycle]:
        return cycles(self.program)

    def day(self, at: Instant) -> date:
        return calendar.day_of(at, self.zone)

    # --------------------------------------------------------------------------------------------- what was the state

    def steps(self, cycle: Cycle) -> list[Happened]:
        return [each for each in self.events if each.event in cycle.transitions]

    def at_once(self, cycle: Cycle, at: Instant, said: Callable[[str, date], States]) -> States:
        """What the transitions of one instant say: if not all the same, nothing, for their order is not known."""
        sayings = {said(each.event, self.day(at)) for each in self.steps(cycle) if each.at == at}
        return sayings.pop() if len(sayings) == 1 else cycle.domain

    def recorded(self, cycle: Cycle, at: Instant) -> States | None:
        """The states it may have been in just before an instant, by the last record; None: there is no record."""
        if at < self.whole_from:
            return None
        last = max((each.at for each in self.steps(cycle) if self.whole_from <= each.at < at), default=None)
        shown = self.shown.get(cycle.field)
        # a snapshot has what happened up to its instant
        shows = shown is not None and self.shown_at is not None and self.whole_from <= self.shown_at < at
        if shows and (last is None or self.shown_at is None or last <= self.shown_at):
            return frozenset({str(shown)})
        return None if last is None else self.at_once(cycle, last, cycle.targets)

    def begun(self, cycle: Cycle, at: Instant) -> States | None:
        """The states it may have been in if it began as it must and nothing is recorded since; None: who knows."""
        whole = self.whole_from <= EARLIEST
        registered = any(each.event == "register" and self.whole_from <= each.at <= at for each in self.events)
        return cycle.initial if cycle.initial and (whole or registered) else None

    def seen_later(self, cycle: Cycle, at: Instant) -> tuple[States | None, bool]:
        """The states it may have been in, by what is known of the time from `at` on; and whether it was seen there.

        What leaves a state next says which it was, if less surely than a snapshot in which it is seen.
        """
        following = min((each.at for each in self.steps(cycle) if each.at >= at), default=None)
        if following == at:
            return self.at_once(cycle, at, cycle.sources), False
        if at < self.whole_from:
            return None, False
        shown = self.shown.get(cycle.field)
        shows = shown is not None and self.shown_at is not None and self.shown_at >= at
        if shows and (following is None or self.shown_at is None or following > self.shown_at):
            return frozenset({str(shown)}), True
        if following is not None:
            return self.at_once(cycle, following, cycle.sources), False
        present = self.account.get(cycle.field)
        return (None, False) if present is None else (frozenset({str(present)}), True)

    def together(self, cycle: Cycle, event: Happened) -> bool:
        """Whether another transition is recorded at its instant: which came first is not known."""
        return any(each is not event and each.at == event.at for each in self.steps(cycle))

    def state(self, cycle: Cycle, event: Happened) -> str | None:
        """The field's value just before an event."""
        carried = event.before.get(cycle.field)
        if carried is not None:
            return str(carried)
        if self.together(cycle, event):
            return None
        earlier = self.recorded(cycle, event.at)
        later, seen = self.seen_later(cycle, event.at)
        if earlier is None and not (later is not None and seen):
            earlier = self.begun(cycle, event.at)
        if earlier is None or later is None:
            return _single(later if earlier is None else earlier)
        return _single(earlier & later or earlier)

    def facts(self, event: Happened) -> Facts:
        """The state just before an event, as far as it is known."""
        known: dict[str, Value] = {
            name: value
            for name, value in self.account.items()
            if name in self.fields and is_kept(self.program, name, self.day(event.at), self.day(self.at))
        }
        for cycle in self.cycles:
            state = self.state(cycle, event)
            if state is not None:
                known[cycle.field] = state
        return {**known, **event.before}

    # ------------------------------------------------------------------------------------------------- what is judged

    def transitions(self) -> Iterator[Found]:
        for cycle in self.cycles:
            sayings = [(self.stepped(cycle, each), each) for each in self.steps(cycle)]
            for rule in (cycle.unlisted, cycle.at_end):
                if rule is not None:
                    told = [(status, each) for (judge, status), each in sayings if judge is rule]
                    yield from self.by_instant(rule, "move", told)

    def stepped(self, cycle: Cycle, event: Happened) -> tuple[Rule, str]:
        """By which rule a transition is judged, and what it comes to."""
        carried = event.before.get(cycle.field)
        states: States | None = frozenset({str(carried)}) if carried is not None else None
        unordered = states is None and self.together(cycle, event)
        if states is None and not unordered:
            states = self.recorded(cycle, event.at) or self.begun(cycle, event.at)
        at_end = cycle.at_end is not None and states is not None and states <= cycle.final
        rule = cycle.at_end if at_end and cycle.at_end is not None else cycle.unlisted
        day = self.day(event.at)
        if not any(each.in_force.holds(day) for each in cycle.transitions[event.event]):
            return rule, "violated"
        if unordered:
            return rule, "unknown"
        # a recorded change is taken at its word where nothing contradicts it
        contradicted = states is not None and not states & cycle.sources(event.event, day)
        return rule, "violated" if contradicted else "satisfied"

    def registrations(self) -> Iterator[Found]:
        for cycle in self.cycles:
            if cycle.begins is None:
                continue
            sayings = [(self.registered(cycle, each), each) for each in self.events if each.event == "register"]
            yield from self.by_instant(cycle.begins, "move", sayings)

    def registered(self, cycle: Cycle, event: Happened) -> str:
        if cycle.initial >= cycle.domain:
            return "satisfied"  # whatever it began with
        carried = event.before.get(cycle.field)
        states = frozenset({str(carried)}) if carried is not None else self.seen_later(cycle, event.at)[0]
        if states is not None and not states & cycle.initial:
            return "violated"
        if cycle.field not in self.fields or (states is not None and states <= cycle.initial):
            return "satisfied"  # of a field without a column nothing unknown is told
        return "unknown"

    def refusals(self) -> Iterator[Found]:
        for each in refused(self.program):
            happened = [one for one in self.events if one.event == each.event]
            refusing = [one for one in happened if not any(period.holds(self.day(one.at)) for period in each.periods)]
            yield from self.by_instant(each.rule, "move", [("violated", one) for one in refusing])

    def by_instant(self, rule: Rule, about: About, sayings: Sequence[tuple[str, Happened]]) -> Iterator[Found]:
        """A finding for each instant: the worst of what is recorded there."""
        for at, several in _instants(sayings):
            wrong = [(status, each) for status, each in several if status != "satisfied"]
            if wrong:
                worst = max((status for status, _ in wrong), key=_WORST.__getitem__)
                yield Found(rule, about, at, _status(worst), None, self.told(rule, [each for _, each in wrong]))

    def told(self, rule: Rule, events: Sequence[Happened]) -> Facts:
        """The facts told with a finding, where the events of its instant agree."""
        states = [self.all_facts(each) for each in events]
        first = states[0]
        names = [each for each in told_with(self.program, rule) if each in first]
        return {each: first[each] for each in names if all(state.get(each) == first[each] for state in states)}

    def all_facts(self, event: Happened) -> Facts:
        known: dict[str, Value] = {f"account.{name}": value for name, value in self.facts(event).items()}
        for cycle in self.cycles:
            if event.event == "register":  # what it began with
                known.pop(f"account.{cycle.field}", None)
                begun = event.before.get(cycle.field) or _single(self.seen_later(cycle, event.at)[0])
                if begun is not None:
                    known[f"account.{cycle.field}"] = begun
            if event.event in cycle.transitions:
                target = _single(cycle.targets(event.event, self.day(event.at)))
                if target is not None:
                    known[f"change.{cycle.field}"] = target
        return known

    # --------------------------------------------------------------------------------------------------------- limits

    def limits(self) -> Iterator[Found]:
        for each in limits(self.program, self.asked):
            happened = [
                one for one in self.events if one.event == each.event and each.rule.in_force.holds(self.day(one.at))
            ]
            weighed = [self.weighed(each, one) for one in happened]
            unit = each.limit.count.window.unit
            if each.rule.kind == "never_after":
                groups = [list(several) for _, several in groupby(weighed, key=lambda one: one.event.at)]
            elif unit == "days" or unit == "months":
                groups = self.runs(weighed)
            else:
                groups = self.windows(unit, weighed)
            for group in groups:
                yield from self.exceeded(each, group)

    def weighed(self, limited: Limited, event: Happened) -> _Weighed:
        others = tuple((each.event, each.at) for each in self.events if each is not event and each.at <= event.at)
        situation = Situation(
            records={"account": self.facts(event)},
            at=event.at,
            today=self.day(event.at),
            zone=self.zone,
            history=History(others, self.whole_from),
            conditions=self.asked.conditions,
            initial={},
        )
        # a field that counts holds what was counted before the event
        situation.initial = situation.records["account"]
        return _Weighed(event, reference.outcome(limited.asked, situation), counted(limited.limit, situation)[0])

    def windows(self, unit: CalendarUnit, weighed: Sequence[_Weighed]) -> list[list[_Weighed]]:
        """Those of one day, month, year or lifetime together."""
        found: dict[object, list[_Weighed]] = {}
        for each in weighed:
            found.setdefault(bucket(unit, self.day(each.event.at)), []).append(each)
        return list(found.values())

    def runs(self, weighed: Sequence[_Weighed]) -> list[list[_Weighed]]:
        """Those that follow one another and come to the same; what is recorded at one instant is one."""
        instants = [list(several) for _, several in groupby(weighed, key=lambda one: one.event.at)]
        worsts = [max((one.outcome for one in several), key=_WORST.__getitem__) for several in instants]
        found: list[list[_Weighed]] = []
        for index, several in enumerate(instants):
            if index and worsts[index] == worsts[index - 1]:
                found[-1].extend(several)
            else:
                found.append(list(several))
        return found

    def exceeded(self, limited: Limited, group: Sequence[_Weighed]) -> Iterator[Found]:
        """One finding for what belongs together: it begins with the first that is as bad as any."""
        worst = max((each.outcome for each in group), key=_WORST.__getitem__)
        if worst == "satisfied":
            return
        at = next(each.event.at for each in group if each.outcome == worst)
        number = max([each.number for each in group] + [self.total(limited, group)])
        count = None if worst == "unknown" and number <= limited.limit.own else number
        events = [each.event for each in group if each.event.at == at]
        yield Found(limited.rule, limited.about, at, _status(worst), count, self.told(limited.rule, events))

    def total(self, limited: Limited, group: Sequence[_Weighed]) -> int:
        """How many events there are in a calendar's window, by its end; only limits have one."""
        window = limited.limit.count.window
        if limited.rule.kind == "never_after" or window.unit in ("days", "months"):
            return 0
        unit: CalendarUnit = window.unit  # type: ignore[assignment]  # the rolling ones are gone
        this = bucket(unit, self.day(group[0].event.at))
        names, since = limited.limit.count.events, window.since
        opens = self.events[0].at if since is None else calendar.opening(since, self.zone)
        return sum(
            each.event in names and each.at >= opens and bucket(unit, self.day(each.at)) == this for each in self.events
        )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """An event, what the limit comes to there, and how many there were with it."""

    event: Happened
    outcome: str
    number: int


def bucket(unit: CalendarUnit, day: date) -> object:
    """What the days of one calendar window have in common."""
    match unit:
        case "lifetime":
            return None
        case "day":
            return day
        case "month":
            return day.year, day.month
        case "year":
            return day.year


def _instants(sayings: Sequence[tuple[str, Happened]]) -> Iterator[tuple[Instant, list[tuple[str, Happened]]]]:
    for at, several in groupby(sayings, key=lambda each: each[1].at):
        yield at, list(several)


def _single(states: States | None) -> str | None:
    return next(iter(states)) if states is not None and len(states) == 1 else None


def _status(outcome: str) -> Status:
    return "violated" if outcome == "violated" else "unknown"


# -------------------------------------------------------------------------------------------- between two snapshots


def compared(
    program: Program,
    earlier: Facts | None,
    later: Facts,
    *,
    days: tuple[date | None, date],
    fields: frozenset[str] | None = None,
) -> list[tuple[Rule, Status]]:
    """What is wrong with how an account differs from what it was; `earlier` None: it is new.

    `days` are those of the snapshots, the first None where it is not known; `fields` are the ones that both have.
    """
    fields = frozenset(program.account) if fields is None else fields
    found: list[tuple[Rule, Status]] = []
    for cycle in cycles(program):
        if cycle.field in fields:
            found.extend(_moved(program, cycle, earlier, later.get(cycle.field), days))
    for rule in program.rules:
        name = rule.subject.removeprefix("set.")
        if rule.kind == "fixed" and name in fields and earlier is not None and is_kept(program, name, *days):
            was, is_ = earlier.get(name), later.get(name)
            if was is None or is_ is None:
                found.append((rule, "unknown"))
            elif was != is_:
                found.append((rule, "violated"))
    return sorted(found, key=lambda each: each[0].id)


def _moved(
    program: Program, cycle: Cycle, earlier: Facts | None, state: Value | None, days: tuple[date | None, date]
) -> Iterator[tuple[Rule, Status]]:
    if earlier is None:
        if cycle.begins is not None and state not in cycle.initial and not cycle.initial >= cycle.domain:
            yield cycle.begins, "unknown" if state is None else "violated"
        return
    was = earlier.get(cycle.field)
    rule = cycle.at_end if was in cycle.final and cycle.at_end is not None else cycle.unlisted
    if was is None or state is None:
        yield rule, "unknown"
    elif state not in reachable(program, cycle.field, *days)[str(was)]:
        yield rule, "violated"


def reachable(program: Program, name: str, first: date | None, last: date) -> Mapping[str, States]:
    """For each state of a life cycle those that an account may be in by `last`, if it was in it on `first`.

    Each transition is made on a day it is in force, and no earlier than the one before it. Guards are not asked.
    """
    steps = [(move.step, move.in_force) for move in program.moves if move.step is not None and move.step.field == name]
    beginning = first or date.min
    found = {}
    for state in program.account[name].type.values:
        arrived = {state: beginning}  # the earliest day on which it may have been there: waiting is always possible
        pending = [state]
        while pending:
            here = pending.pop()
            for step, period in steps:
                day = max(arrived[here], period.start or date.min)
                if here not in step.sources or day > last or not period.holds(day):
                    continue
                for target in step.targets:
                    if target not in arrived or day < arrived[target]:
                        arrived[target] = day
                        pending.append(target)
        found[state] = frozenset(arrived)
    return found
