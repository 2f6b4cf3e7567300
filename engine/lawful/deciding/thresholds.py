"""Where comparisons turn: the values of a fact, and the instants, on whose two sides a rule may say different things.

Found by trying: a comparison is evaluated further and further out, and between two results that differ the turn is
found by halving. So every function of the language is covered, and none is inverted. `exact` says whether the turns
found are surely all there are.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.texts import texts_by
from lawful.engines.reference import evaluate
from lawful.engines.situation import History, Situation
from lawful.ir import (
    INT,
    INT_MAX,
    INT_MIN,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Condition,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Known,
    ListOf,
    Member,
    Not,
    Or,
    Quantifier,
    Value,
    Variable,
    type_of,
    walk,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ORDERED: Final = ("int", "date", "timestamp", "duration")
_GETTERS: Final = ("getFullYear", "getMonth", "getDate", "getDayOfWeek")
_DAYS_SCANNED: Final = 400
"""What turns again and again, as with the months, is looked at day by day for so long."""
_MOST_TURNS: Final = 48
_TURNS_BETWEEN_PROBES: Final = 4
"""Where numbers overflow nothing is known: what is false beyond it turns once more."""
_FEW: Final = 12
_MOST_TEXTS: Final = 40
_LONGEST_TEXT: Final = 1000
_FEWEST_TO_MEET: Final = 2
_DAYS_OF_ALL_YEARS: Final = 40 * 366
MOST_OF_A_SET: Final = 4
"""Of a set of so many values each subset is tried."""

Subject = Callable[[Expr], bool]


class Turns(Struct, frozen=True):
    """Values, or instants, in order; and whether there surely are no others that matter."""

    found: tuple[Value, ...]
    exact: bool
    later: bool = False
    """Of instants: whether there are others after those that were looked at."""


class Read(Struct, frozen=True):
    """Expressions as turns are looked for in them: what is true or false by itself, and what else is computed."""

    leaves: tuple[Expr, ...]
    computed: tuple[Expr, ...]

    @classmethod
    def of(cls, exprs: Iterable[Expr], conditions: Mapping[str, Condition]) -> Read:
        exprs = tuple(exprs)
        computed = tuple(each for each in exprs if type_of(each).kind != "bool")
        return cls(tuple(leaves(exprs, conditions)), computed)


# -------------------------------------------------------------------------------------------------------- the leaves


def leaves(exprs: Iterable[Expr], conditions: Mapping[str, Condition]) -> Iterator[Expr]:
    """What is true or false by itself: everything below `&&`, `||`, `!`, `?:` and the named conditions, once each."""
    seen: set[Expr] = set()
    pending = list(exprs)
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        match node:
            case And() | Or():
                pending.extend(node.operands)
            case Not():
                pending.append(node.operand)
            case ConditionOf():
                if node.name in conditions:
                    pending.append(conditions[node.name].holds)
            case Conditional() if type_of(node).kind == "bool":
                pending.extend((node.test, node.then, node.otherwise))
            case Constant():
                pass
            case _ if type_of(node).kind == "bool":
                yield node
            case _:
                pending.extend(each.test for each in walk(node) if isinstance(each, Conditional))


def _about(leaf: Expr, subject: Subject) -> list[Expr]:
    """The leaf as comparisons that turn once where they turn: an equality turns where its value is reached, and left.

    None where nothing of it is the subject.
    """
    match leaf:
        case Compare(operator="==" | "!=") if type_of(leaf.left).kind in _ORDERED:
            found: list[Expr] = [Compare(">=", leaf.left, leaf.right), Compare(">", leaf.left, leaf.right)]
        case Member(collection=ListOf() as listed) if type_of(leaf.item).kind in _ORDERED:
            found = [Compare(operator, leaf.item, each) for each in listed.items for operator in (">=", ">")]
        case AtMost(counted_by=Field() as counter):
            found = [Compare("<=", counter, Constant(leaf.at_most - leaf.own, INT))]
        case _:
            found = [leaf]
    return [each for each in found if any(subject(node) for node in walk(each))]


def _turns_once(leaf: Expr, subject: Subject) -> bool:
    """Whether it is a comparison of what rises or falls with the subject and of what has nothing to do with it."""
    if not isinstance(leaf, Compare):
        return isinstance(leaf, Known)
    sides = [any(subject(node) for node in walk(side)) for side in (leaf.left, leaf.right)]
    if sides.count(True) != 1:
        return False
    return _is_monotone(leaf.left if sides[0] else leaf.right, subject)


def _is_monotone(expr: Expr, subject: Subject) -> bool:
    if subject(expr):
        return True
    if not isinstance(expr, Call):
        return False
    within = [each for each in expr.arguments if any(subject(node) for node in walk(each))]
    steady = all(isinstance(each, Constant) for each in expr.arguments if each not in within)
    match expr.function:
        case "date" | "negate" | "addDays" | "addMonths" | "addYears":
            return len(within) == 1 and within[0] is expr.arguments[0] and _is_monotone(within[0], subject)
        case "+" | "-" | "daysBetween" | "add_duration" | "subtract_duration" | "between":
            return len(within) == 1 and steady and _is_monotone(within[0], subject)
        case _:
            return False


# ------------------------------------------------------------------------------------------------------- of a fact


def turning_values(read: Read, fact: FieldDeclaration, situation: Situation, *, of_request: bool = False) -> Turns:
    """The values of a fact that stand for all: of a small domain each, else those on both sides of every turn."""
    kind = fact.type.kind
    if kind == "bool":
        return Turns((True, False), exact=True)
    if kind == "enum":
        return Turns(fact.type.values, exact=True)
    if kind == "set":
        return _subsets(fact, situation)
    owners = ("request",) if of_request else ("account", "before", "after", "change")

    def subject(node: Expr) -> bool:
        return isinstance(node, Field) and node.name == fact.name and node.owner in owners

    about = [leaf for leaf in read.leaves if any(subject(node) for node in walk(leaf))]
    turns = _texts(about, subject) if kind == "string" else _ordered(about, fact, situation, subject, owners)
    # what is computed from it may be compared elsewhere
    computed = any(subject(node) for each in read.computed for node in walk(each))
    exact = turns.exact and not computed
    if not exact and kind == "int" and (every := _few(fact)):
        return Turns(every, exact=True)
    return Turns(turns.found, exact)


def _few(fact: FieldDeclaration) -> tuple[int, ...]:
    """All the values of a number, where there are few."""
    low, high = _bounds(fact)
    return tuple(range(low, high + 1)) if high - low < _FEW else ()


def _subsets(fact: FieldDeclaration, situation: Situation) -> Turns:
    values = fact.type.values
    if len(values) <= MOST_OF_A_SET:
        every = [
            frozenset(each for bit, each in enumerate(values) if number >> bit & 1)
            for number in range(2 ** len(values))
        ]
        return Turns(tuple(every), exact=True)
    present = situation.fact("account", fact.name)
    now = present if isinstance(present, frozenset) else frozenset[str]()
    some: set[frozenset[str]] = {frozenset(), frozenset(values), *(now ^ {each} for each in values)}
    return Turns(tuple(each for _, each in sorted((sorted(each), each) for each in some)), exact=False)


def _texts(read: list[Expr], subject: Subject) -> Turns:
    """The texts that are named, and one that is not."""
    patterns = {
        id(node.arguments[1])
        for leaf in read
        for node in walk(leaf)
        if isinstance(node, Call) and node.function == "matches"
    }
    constants = {
        node.value
        for leaf in read
        for node in walk(leaf)
        if isinstance(node, Constant) and isinstance(node.value, str) and id(node) not in patterns
    }
    listed = {
        item.value
        for leaf in read
        for node in walk(leaf)
        if isinstance(node, ListOf)
        for item in node.items
        if isinstance(item, Constant) and isinstance(item.value, str)
    }
    other = next(
        text for text in ("…", "……", "………", *("…" * n for n in range(4, 99))) if text not in constants | listed
    )
    if all(_names_texts(leaf, subject) for leaf in read):
        return Turns((*sorted(constants | listed), other), exact=True)
    nodes = (node for leaf in read for node in walk(leaf))
    written = [text for text in islice(dict.fromkeys(texts_by(nodes)), _MOST_TEXTS) if 0 < len(text) <= _LONGEST_TEXT]
    return Turns(tuple(dict.fromkeys((*written, *sorted(constants | listed), other))), exact=False)


def _names_texts(leaf: Expr, subject: Subject) -> bool:
    match leaf:
        case Compare(operator="==" | "!=", left=left, right=right):
            return (subject(left) and isinstance(right, Constant)) or (subject(right) and isinstance(left, Constant))
        case Member(item=item, collection=ListOf(items=items)):
            return subject(item) and all(isinstance(each, Constant) for each in items)
        case _:
            return isinstance(leaf, Known)


def _ordered(
    read: list[Expr], fact: FieldDeclaration, situation: Situation, subject: Subject, owners: tuple[str, ...]
) -> Turns:
    kind = fact.type.kind
    low, high = _bounds(fact)
    present = situation.fact("request" if owners == ("request",) else "account", fact.name)
    middle = _number(situation.today if kind == "date" else situation.at) if kind != "int" else 0
    probes = sorted(
        {low, high, *(each for each in (middle, 0, _number(present)) if each is not None and low <= each <= high)}
    )

    def at(leaf: Expr, number: int) -> object:
        value = _value(number, kind)
        records = {owner: {**situation.records[owner], fact.name: value} for owner in owners}  # type: ignore[index]  # owners are those
        return evaluate(leaf, situation.with_records(**records))

    found: set[int] = set()
    exact = True
    for leaf in read:
        for each in _about(leaf, subject):
            exact = exact and _turns_once(each, subject)
            for turn in _turns(lambda number, each=each: at(each, number), probes):  # type: ignore[misc]  # mypy and defaults
                found |= {turn - 1, turn}
    if kind == "date":
        found |= _days_of_a_year([leaf for leaf in read if _recurs(leaf)], middle or 1, at)
    if not found:
        found = {next((each for each in (_number(present), middle) if each is not None and low <= each <= high), low)}
    return Turns(tuple(_value(each, kind) for each in sorted(found) if low <= each <= high), exact)


def _days_of_a_year(recurring: list[Expr], start: int, at: Callable[[Expr, int], object]) -> set[int]:
    """Of a leap year, the next one or this, a day for each way in which comparisons of months and the like come out."""
    if not recurring:
        return set()
    years = range(date.fromordinal(start).year, date.max.year)
    year = next((each for each in years if isleap(each)), 2024)
    found: dict[tuple[object, ...], int] = {}
    for day in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()):
        found.setdefault(tuple(at(leaf, day) for leaf in recurring), day)
    return set(found.values())


def _recurs(leaf: Expr) -> bool:
    """Whether it reads a month, or a day of one: what comes again and again."""
    return any(isinstance(node, Call) and node.function in _GETTERS for node in walk(leaf))


def _turns(at: Callable[[int], object], probes: Iterable[int]) -> Iterator[int]:
    """The first number of each new value between two probes that differ; beyond one that turn there may be another."""
    for low, high in pairwise(probes):
        above, last = low, at(high)
        for _ in range(_TURNS_BETWEEN_PROBES):
            below, before = above, at(above)
            if before is last or before == last:
                break
            above = high
            while above - below > 1:
                middle = (below + above) // 2
                if at(middle) == before:
                    below = middle
                else:
                    above = middle
            yield above


def _bounds(fact: FieldDeclaration) -> tuple[int, int]:
    match fact.type.kind:
        case "date":
            low, high = 1, date.max.toordinal()
        case "timestamp":
            low, high = (
                _number(each) or 0 for each in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
            )
        case _:
            low, high = INT_MIN, INT_MAX
    least, most = _number(fact.minimum), _number(fact.maximum)
    return (low if least is None else least), (high if most is None else most)


def _number(value: Value | None) -> int | None:
    match value:
        case datetime():
            return (value - _EPOCH) // _MICROSECOND
        case date():
            return value.toordinal()
        case int():
            return value
        case _:
            return None


def _value(number: int, kind: str) -> Value:
    if kind == "date":
        return date.fromordinal(number)
    return _EPOCH + number * _MICROSECOND if kind == "timestamp" else number


# -------------------------------------------------------------------------------------------------------- in time


def turning_instants(timed: Iterable[Expr], situation: Situation, until: Instant, *, rare: bool = False) -> Turns:
    """When one of the leaves turns by the passing of time alone, after the situation's instant; edges of days
    and months, and events that count no more, included. `rare`: also days such as a Friday the 13th.
    """
    timed = tuple(timed)
    found: set[Instant] = set()
    exact, beyond = True, False
    for leaf in timed:
        for node in walk(leaf):
            if isinstance(node, Count):
                found.update(_expiries(node, situation))
        for each in _about(leaf, _is_clock):
            turns, sure, is_over = _in_time(each, situation, until)
            found.update(turns)
            exact, beyond = exact and sure, beyond or not is_over
    later = sorted(each for each in found if situation.at < each)
    within = [each for each in later if each <= until]
    kept = tuple(within[:_MOST_TURNS])
    days, are_all = _days_that_meet(timed, situation, until) if rare else ([], True)
    kept = (*kept, *(each for each in days if each not in kept))
    beyond = beyond or len(within) < len(later) or not are_all
    return Turns(kept, exact and len(within) <= _MOST_TURNS, beyond)


def _days_that_meet(timed: Iterable[Expr], situation: Situation, until: Instant) -> tuple[list[Instant], bool]:
    """The first day until then of each way in which weekdays, months and days of a month come out together, and the day
    after; whether there are no other ways ever.
    """
    calendrical = tuple(
        leaf for leaf in timed if _recurs(leaf) and all(_is_of_the_calendar(node) for node in walk(leaf))
    )
    if len(calendrical) < _FEWEST_TO_MEET:
        return [], True
    zone = situation.zone
    first, last = (calendar.day_of(each, zone).toordinal() for each in (situation.at, until))
    days = _meeting(calendrical, zone, first)
    found = {each for day in days if first < day <= last for each in (day, day + 1) if each <= last}
    return [calendar.start_of(date.fromordinal(each), zone) for each in sorted(found)], days[-1] <= last


@lru_cache(_FEW)
def _meeting(leaves: tuple[Expr, ...], zone: ZoneInfo, first: int) -> tuple[int, ...]:
    """The days, from one on, on which they first come out as they did not before: years come again after 28, or 40."""
    seen: dict[tuple[object, ...], int] = {}
    for day in range(first, min(first + _DAYS_OF_ALL_YEARS, date.max.toordinal())):
        today = date.fromordinal(day)
        at = calendar.start_of(today, zone)
        situation = Situation(
            records={}, at=at, today=today, zone=zone, history=History((), None), conditions={}, initial={}
        )
        seen.setdefault(tuple(evaluate(leaf, situation) for leaf in leaves), day)
    return tuple(seen.values())


def _is_of_the_calendar(node: Expr) -> bool:
    """Whether it reads nothing but the clock."""
    return isinstance(node, Clock | Constant | Compare | Member | ListOf | Call | Not | And | Or)


def _is_clock(node: Expr) -> bool:
    return isinstance(node, Clock)


def _expiries(count: Count, situation: Situation) -> Iterator[Instant]:
    """When an event counts no more, and when an incomplete history is whole for the window."""
    history = situation.history
    times = [when for name, when in history.events if name in count.events]
    if history.whole_from is not None and history.whole_from > _FIRST:
        times.append(history.whole_from - _MICROSECOND)
    if count.window.since is not None:
        yield calendar.opening(count.window.since, situation.zone)  # what is done from then on counts
    for when in times:
        expires = calendar.expiry(count.window, when, situation.zone)
        if expires is not None:
            yield calendar.not_just_before(expires)


_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)


def _in_time(leaf: Expr, situation: Situation, until: Instant) -> tuple[list[Instant], bool, bool]:
    """When it turns, whether that is surely all until then, and whether it surely turns no more after that."""
    if any(isinstance(node, Quantifier | Variable) for node in walk(leaf)):
        return [], False, False
    days = _of_a_day(leaf, situation)
    if days is not None:
        return [calendar.start_of(each, situation.zone) for each in days], True, True
    by_days = not any(isinstance(node, Clock) and node.name == "now" for node in walk(leaf))
    recurs = _recurs(leaf)
    sure = _turns_once(leaf, _is_clock)
    is_over = not sure or _is_over(leaf, situation, until)
    if by_days or recurs:
        return _by_days(leaf, situation, until, recurs=recurs), sure, is_over
    start, end = _number(situation.at) or 0, _number(until) or 0
    at = lambda number: evaluate(leaf, situation.seen_at(_EPOCH + number * _MICROSECOND))  # noqa: E731 - a word for it is no plainer
    turns = [_EPOCH + each * _MICROSECOND for each in _turns(at, _further(start, end))]
    return turns, sure, is_over


def _is_over(leaf: Expr, situation: Situation, until: Instant) -> bool:
    """Whether what turns once at the most comes out at the end of all time as it does at the end of the search."""
    last, ever = (evaluate(leaf, situation.seen_at(each)) for each in (until, max(until, _END)))
    return last is ever or last == ever


_END: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Days and months can still be added to it."""


def _of_a_day(leaf: Expr, situation: Situation) -> list[date] | None:
    """`today` against a day that time does not move: the usual case, without trying."""
    if not isinstance(leaf, Compare):
        return None
    today = Clock("today")
    other = leaf.right if leaf.left == today else leaf.left if leaf.right == today else None
    if other is None or any(_is_clock(node) or isinstance(node, Count) for node in walk(other)):
        return None
    day = evaluate(other, situation)
    if not isinstance(day, date) or isinstance(day, datetime):
        return []
    return [each for each in (day, calendar.add_days(day, 1)) if each is not None]


def _by_days(leaf: Expr, situation: Situation, until: Instant, *, recurs: bool) -> list[Instant]:
    start = situation.today.toordinal()
    end = calendar.day_of(until, situation.zone).toordinal()

    def at(number: int) -> object:
        when = situation.at if number == start else calendar.start_of(date.fromordinal(number), situation.zone)
        return evaluate(leaf, situation.seen_at(when))

    probes = list(_further(start, end))
    if recurs:
        scanned = range(start, min(start + _DAYS_SCANNED, end))
        probes = sorted({*scanned, *(day for day in _leap_days(start, end) if day not in scanned), *probes})
    return [calendar.start_of(date.fromordinal(each), situation.zone) for each in _turns(at, probes)]


def _leap_days(start: int, end: int) -> Iterator[int]:
    """Those between two days, each with the day before and the day after: no year that is scanned need have one."""
    for year in range(date.fromordinal(start).year, date.fromordinal(end).year + 1):
        if isleap(year):
            leap_day = date(year, 2, 29).toordinal()
            yield from (day for day in (leap_day - 1, leap_day, leap_day + 1) if start <= day <= end)


def _further(start: int, end: int) -> Iterator[int]:
    """Further and further from the start."""
    yield start
    step = 1
    while start + step < end:
        yield start + step
        step *= 2
    if end > start:
        yield end
