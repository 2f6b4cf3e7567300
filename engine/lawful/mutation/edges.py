"""Where the rules of a program change: the values of each fact on both sides of what it is compared with, the dates on
which something comes or goes, the histories that fill a limit.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations, islice, product
from random import Random
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.audit.candidates import number_of, turns, value_of
from lawful.calendar import Instant, Window
from lawful.engines.reference import evaluate
from lawful.engines.situation import History, Situation
from lawful.ir import (
    INT_MAX,
    INT_MIN,
    AtMost,
    Call,
    Clock,
    Compare,
    Constant,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Owner,
    Program,
    Rule,
    Value,
    everything,
)
from lawful.patterns import text_for
from lawful.question import EARLIEST

Fact: TypeAlias = tuple[Owner, str]
"""`account` or `request`, and the name of a field."""

_ORDERED: Final = ("int", "date", "timestamp")
_STEPS: Final[Mapping[str, int]] = {"int": 1, "date": 1, "timestamp": 1_000_000}
"""How far beside an edge a value stands, as a number (`candidates.number_of`): a whole second for timestamps."""
_MOST_SETS: Final = 16
_MOST_EDGES: Final = 24
_TEXTS: Final = ("x", "")
_MOST_CHARACTERS: Final = 10_000
_FEW_EVENTS: Final = 6
_MOST_EVENTS: Final = 5000
_OWNERS: Final[Mapping[Owner, Owner]] = {"before": "account", "after": "account", "change": "account"}


@dataclass(slots=True)
class Looked:
    """What expressions look for: of each fact, of the clock, in the history."""

    facts: dict[Fact, None] = field(default_factory=dict)
    features: dict[str, None] = field(default_factory=dict)
    comparisons: dict[Fact, list[Compare]] = field(default_factory=dict)
    constants: dict[Fact, list[Value]] = field(default_factory=dict)
    patterns: dict[Fact, list[str]] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    instants: set[Instant] = field(default_factory=set)
    calendars: set[Fact] = field(default_factory=set)
    """The facts of which months and the like are read."""
    years: set[int] = field(default_factory=set)
    counts: dict[Count, int] = field(default_factory=dict)
    """Windows of events, and how many of them matter."""


def looked(*read: tuple[Program, Iterable[Expr]]) -> Looked:
    """What expressions look for, with the conditions that their program has for them."""
    found = Looked()
    for program, exprs in read:
        for expr in exprs:
            for node in everything(expr, program.conditions):
                _look(program, node, found)
    return found


def _look(program: Program, node: Expr, found: Looked) -> None:
    match node:
        case Field():
            fact = fact_of(program, node)
            if fact is not None:
                found.facts[fact] = None
            elif node.owner.endswith("features"):
                found.features[node.name] = None
        case AtMost():
            _look(program, node.count, found)
            found.counts[node.count] = max(found.counts.get(node.count, 0), node.at_most)
        case Count():
            found.counts.setdefault(node, 1)
            found.days |= set() if node.window.since is None else {node.window.since}
        case Compare():
            _compared(program, node, found)
        case Call(function="matches", arguments=(Field() as of, Constant(value=str() as pattern))):
            fact = fact_of(program, of)
            if fact is not None:
                found.patterns.setdefault(fact, []).append(pattern)
        case Call(function="getMonth" | "getDate" | "getDayOfWeek" | "getFullYear", arguments=(Field() as of, *_)):
            fact = fact_of(program, of)
            if fact is not None:
                found.calendars.add(fact)
            _noted(program, node, found)
        case Call():
            _noted(program, node, found)
        case _:
            pass


def _compared(program: Program, node: Compare, found: Looked) -> None:
    inside = [*everything(node, {})]
    facts = {fact for each in inside if isinstance(each, Field) and (fact := fact_of(program, each)) is not None}
    for fact in facts:
        found.comparisons.setdefault(fact, []).append(node)
    values = [each.value for each in inside if isinstance(each, Constant)]
    if any(isinstance(each, Clock) for each in inside):
        found.days |= {each for each in values if isinstance(each, date) and not isinstance(each, datetime)}
        found.instants |= {each for each in values if isinstance(each, datetime)}
    if any(isinstance(each, Call) and each.function == "getFullYear" for each in inside):
        found.years |= {each for each in values if type(each) is int and 1900 < each < 2900}
    for count in (each for each in inside if isinstance(each, Count)):
        most = max([each for each in values if type(each) is int and each < _MOST_EVENTS], default=0)
        found.counts[count] = max(found.counts.get(count, 0), most)
    _noted(program, node, found)


def _noted(program: Program, node: Expr, found: Looked) -> None:
    """Constants beside a fact are what its values are near to."""
    inside = [*everything(node, {})]
    values = [each.value for each in inside if isinstance(each, Constant)]
    for each in inside:
        fact = fact_of(program, each) if isinstance(each, Field) else None
        if fact is not None:
            found.constants.setdefault(fact, []).extend(values)


def fact_of(program: Program, node: Field) -> Fact | None:
    """The field of the account or of the request that a node reads, in whatever state; None of features."""
    owner = _OWNERS.get(node.owner, node.owner)
    schema = program.request if owner == "request" else program.account
    return (owner, node.name) if owner in ("account", "request") and node.name in schema else None


def declaration(program: Program, fact: Fact) -> FieldDeclaration:
    return (program.request if fact[0] == "request" else program.account)[fact[1]]


# --------------------------------------------------------------------------------------------------------- values


class Edges:
    """The values of facts worth trying at one instant."""

    def __init__(self, program: Program, look: Looked, at: Instant, zone: ZoneInfo) -> None:
        self.program = program
        self.look = look
        self.at = at
        self.zone = zone
        self.today = calendar.day_of(at, zone)
        self._found: dict[Fact, tuple[Value | None, ...]] = {}

    def values(self, fact: Fact) -> tuple[Value | None, ...]:
        """Known ones first, then None, which is unknown."""
        if fact not in self._found:
            of = declaration(self.program, fact)
            known = [each for each in dict.fromkeys(self._known(fact, of)) if _is_within(each, of)]
            self._found[fact] = (*known, None)
        return self._found[fact]

    def _known(self, fact: Fact, of: FieldDeclaration) -> Iterator[Value]:
        match of.type.kind:
            case "bool":
                yield from (True, False)
            case "enum":
                yield from of.type.values
            case "set":
                yield from _sets(of.type.values)
            case "string":
                yield from self._texts(fact)
            case kind:
                yield from (value_of(kind, number) for number in self._numbers(fact, of))

    def _texts(self, fact: Fact) -> Iterator[str]:
        random = Random(0)
        for pattern in dict.fromkeys(self.look.patterns.get(fact, ())):
            for _ in range(4):
                yield text_for(pattern, random)
        for value in self.look.constants.get(fact, ()):
            match value:
                case str():
                    yield from (value, f"a{value}", f"{value}a", f"a{value}a")
                case bool():
                    pass
                case int() if 0 <= value <= _MOST_CHARACTERS:
                    yield from ("x" * each for each in (value - 1, value, value + 1) if each >= 0)
                case _:
                    pass
        yield from _TEXTS

    def _numbers(self, fact: Fact, of: FieldDeclaration) -> Iterator[int]:
        kind = of.type.kind
        step = _STEPS[kind]
        near: list[int] = []
        for expr in self.look.comparisons.get(fact, ()):
            near += self._turns(expr, fact, of)
        constants = [each for each in self.look.constants.get(fact, ()) if type(each) is type(value_of(kind, 0))]
        near += [number_of(each) for each in constants]
        near += [number_of(each) for each in (of.minimum, of.maximum) if each is not None]
        near.append({"date": number_of(self.today), "timestamp": number_of(self.at)}.get(kind, 1))
        if kind == "date" and fact in self.look.calendars:
            near += [number_of(day) for day in _calendar_days(self.today.year)]
        for number in [*dict.fromkeys(near)][:_MOST_EDGES]:
            yield from (number, number - step, number + step)
            if kind == "timestamp":
                yield number - 1  # a microsecond

    def _turns(self, expr: Compare, fact: Fact, of: FieldDeclaration) -> list[int]:
        """Where a comparison of nothing but this fact changes; none where others are in it."""
        low, high = self._window(of)
        reads = {(node.owner, node.name) for node in everything(expr, {}) if isinstance(node, Field)}
        if len(reads) != 1 or low >= high:
            return []
        below, same = Compare("<", expr.left, expr.right), Compare("==", expr.left, expr.right)
        [(owner, name)] = reads

        def side(number: int) -> tuple[Value | None, Value | None]:
            situation = self._knowing(owner, name, value_of(of.type.kind, number))
            return evaluate(below, situation), evaluate(same, situation)

        if of.type.kind not in _ORDERED:
            return []
        try:
            return [*islice(turns(low, high, side(low), side(high), side), _MOST_EDGES)]
        except TypeError:  # of values that have no order
            return []

    def _window(self, of: FieldDeclaration) -> tuple[int, int]:
        """Between which values of a fact one looks: within its bounds, some years around the day."""
        match of.type.kind:
            case "int":
                low, high = -(10**12), 10**12
            case "date":
                low, high = number_of(self.today) - 40_000, number_of(self.today) + 4_000
            case "timestamp":
                year = 365 * 86_400_000_000
                low, high = number_of(self.at) - 40 * year, number_of(self.at) + 5 * year
            case _:
                return 0, 0
        least = number_of(of.minimum) if of.minimum is not None else INT_MIN
        most = number_of(of.maximum) if of.maximum is not None else INT_MAX
        return max(low, least), min(high, most)

    def _knowing(self, owner: Owner, name: str, value: Value) -> Situation:
        return Situation(
            records={owner: {name: value}},
            at=self.at,
            today=self.today,
            zone=self.zone,
            history=History((), EARLIEST),
            conditions=self.program.conditions,
            initial={},
        )


def _calendar_days(year: int) -> list[date]:
    """Of months the first days, and leap days: where parts of dates are other ones."""
    leap_days = [date(each, 2, 29) for each in range(year - 4, year + 5) if isleap(each)]
    return [*leap_days, *(date(year, month, 1) for month in range(1, 13))]


def _is_within(value: Value, of: FieldDeclaration) -> bool:
    if isinstance(value, date) and not 1900 <= value.year <= 2999:
        return False
    if of.minimum is not None and value < of.minimum:  # type: ignore[operator]  # of one ordered type
        return False
    return of.maximum is None or value <= of.maximum  # type: ignore[operator]  # likewise


def _sets(values: tuple[str, ...]) -> list[Value]:
    """The smallest and the largest first."""
    sizes = sorted(range(len(values) + 1), key=lambda size: min(size, len(values) - size))
    found: list[Value] = []
    for size in sizes:
        found += [frozenset(each) for each in combinations(values, size)]
        if len(found) >= _MOST_SETS:
            break
    return found[: 2 * _MOST_SETS]


# ------------------------------------------------------------------------------------------------- when, and before


class Past(NamedTuple):
    """What has happened: all of it, or all `since` an instant."""

    events: tuple[tuple[str, Instant], ...]
    since: Instant | None = None


def instants(program: Program, look: Looked, rules: Iterable[Rule], at: Instant, zone: ZoneInfo) -> list[Instant]:
    """When to ask: at `at`; on both sides of days on which something changes; on odd days of calendars."""
    noon = timedelta(hours=12)
    days = set(look.days)
    periods = [*(rule.in_force for rule in rules), *(move.in_force for move in program.moves)]
    days |= {day for each in periods for day in (each.start, each.until) if day is not None}
    found = [at]
    for day in sorted(days):
        start = calendar.start_of(day, zone)
        found += [start + noon, start - noon, start, start + 3 * noon]
    for instant in sorted(look.instants):
        for shift in (timedelta(0), timedelta(hours=1), timedelta(hours=-1), timedelta(days=1)):
            found += [instant + shift + each for each in (timedelta(0), timedelta(seconds=1), -timedelta(seconds=1))]
    today = calendar.day_of(at, zone)
    odd = [date(today.year, 12, 31), date(today.year, 1, 31), date(today.year, 3, 1), date(today.year + 1, 1, 1)]
    odd += [date(year, 2, 29) for year in range(today.year - 4, today.year + 5) if isleap(year)]
    odd += [date(year + each, 12, 31) for year in sorted(look.years) for each in (-1, 0, 1)]
    odd += [today + timedelta(days=each) for each in range(1, 8)]
    for day in odd:
        start = calendar.start_of(day, zone)
        found += [start + timedelta(hours=each) for each in (12, 1, 22)]
    return [each for each in dict.fromkeys(found) if 1901 <= each.year <= 2998]


def histories(look: Looked, at: Instant, zone: ZoneInfo) -> list[Past | None]:
    """None, which is unknown; nothing; so many events as a limit lets happen, on both sides of its window's start;
    the last of them, where it is not known what was before.
    """
    found: dict[Past | None, None] = {Past(()): None, None: None}
    today = calendar.start_of(calendar.day_of(at, zone), zone)
    sinces = dict.fromkeys([today, *(min(_around(count.window, at, zone)[0], at) for count in look.counts)])
    for count, most in look.counts.items():
        inside, outside = _around(count.window, at, zone)
        for event in count.events:
            for many in _numbers(most):
                found.setdefault(Past(((event, inside),) * many))
                if outside is not None:
                    found.setdefault(Past(((event, outside),) * many))
                    found.setdefault(Past((*((event, outside),) * many, (event, inside))))
                found.setdefault(Past(((event, at - timedelta(minutes=5)),) * many))
            for back in (2, 33, 200, 300, 400, 800):
                found.setdefault(Past(((event, at - timedelta(days=back)),) * max(most, 1)))
            for since in sinces:
                found.setdefault(Past((), since))
                for many, when in product((1, max(most, 1)), (at, inside)):
                    if since <= when:
                        found.setdefault(Past(((event, when),) * many, since))
    return [*found]


def _numbers(most: int) -> list[int]:
    """How many events are worth trying: few, and as many as matter, one fewer, one more."""
    few = range(1, min(most, _FEW_EVENTS) + 2)
    return sorted({*few, *(each for each in (most - 1, most, most + 1) if 0 < each <= _MOST_EVENTS)})


def _around(window: Window, at: Instant, zone: ZoneInfo) -> tuple[Instant, Instant | None]:
    """The first minute that still counts, and the last before it."""
    minute = timedelta(minutes=1)
    if window.since is not None:
        opens = calendar.opening(window.since, zone)
        inside, outside = _around(window.whole, at, zone)
        if outside is None or outside < opens:
            return min(max(inside, opens), at), min(opens - minute, at)
        return inside, outside
    today = calendar.day_of(at, zone)
    match window.unit:
        case "lifetime":
            return at - timedelta(days=4000), None
        case "day" | "month" | "year":
            first = today if window.unit == "day" else today.replace(day=1)
            first = first.replace(month=1) if window.unit == "year" else first
            start = calendar.start_of(first, zone)
        case _:
            move = calendar.add_days if window.unit == "days" else calendar.add_months
            day = move(today, -window.length) or today
            start = calendar.instant_of(datetime.combine(day, at.astimezone(zone).time()), zone) + minute
    return min(start, at), min(start - minute, at)
