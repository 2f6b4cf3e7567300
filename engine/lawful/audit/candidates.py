"""Accounts on both sides of every rule: records drawn near what the rules compare with, and what becomes of each.

The reference judges them; nothing here knows what a rule means. Where a field is only ever compared with what is the
same for every account, no rule can tell two values between neighbouring edges apart: such a field is given as a stretch
of values, any of which may stand in its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from random import Random
from typing import Final, Literal, TypeAlias, cast
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.rulebook import facts_read
from lawful.engines.reference import evaluate, outcome
from lawful.engines.situation import History, Situation
from lawful.ir import (
    INT_MAX,
    INT_MIN,
    Call,
    Clock,
    Compare,
    ConditionOf,
    Constant,
    Expr,
    Field,
    FieldDeclaration,
    Known,
    ListOf,
    Member,
    Program,
    Rule,
    Value,
    children,
    everything,
)
from lawful.patterns import text_for
from lawful.question import EARLIEST

Record: TypeAlias = Mapping[str, Value | None]
"""The facts of one account, `account.f` and `features.f`; None is unknown."""

Verdict = Literal["lawful", "violating", "unknown"]

_RISING_OR_FALLING: Final[Mapping[str, tuple[int, ...]]] = {
    "+": (0, 1),
    "-": (0, 1),
    "negate": (0,),
    "addDays": (0,),
    "addMonths": (0,),
    "addYears": (0,),
    "daysBetween": (0, 1),
    "add_duration": (0,),
    "subtract_duration": (0,),
    "between": (0, 1),
    "date": (0,),
    "getFullYear": (0,),
}
"""By which of its arguments a function's value only rises, or only falls."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = 86_400_000_000
_WIDEST: Final = 2**52
"""Stretches are drawn from with doubles."""
_MOST_TURNS: Final = 1_000
"""Of one comparison: a remainder turns without end."""
_STEPS: Final = 120
"""How many facts of a record are drawn anew before it is given up."""
_PATIENCE: Final = 400
"""How many records in a row may be given up before a verdict counts as out of reach."""
_CHOICE: Final = 4
_FAILURES: Final = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values that no rule can tell apart: `width` of them from `low` on, as numbers (see `number_of`)."""

    low: int
    width: int


@dataclass(frozen=True, slots=True)
class Pools:
    """Records by what becomes of them. Each is empty where the policy has no such account, or none was found."""

    lawful: tuple[Record, ...]
    violating: tuple[Record, ...]
    unknown: tuple[Record, ...]
    broken: Mapping[str, int]
    """How many of the violating break each rule; a rule that is not here is broken by none."""


def number_of(value: Value) -> int:
    """Where a value of an ordered type stands: an int itself, days or microseconds since 1970."""
    match value:
        case datetime():
            return (value - _EPOCH) // _MICROSECOND
        case date():
            return value.toordinal() - _EPOCH.date().toordinal()
        case int():
            return value
        case _:
            raise TypeError(value)  # only ordered values have a place


class Candidates:
    """Draws records of one program's accounts, judged at one instant. The same seed draws the same."""

    def __init__(self, program: Program, at: Instant, zone: ZoneInfo, seed: int) -> None:
        self._program = program
        self._at, self._zone = at, zone
        self._today = calendar.day_of(at, zone)
        self._random = Random(f"lawful sample {seed}")
        self.rules = tuple(
            rule for rule in program.rules if rule.scope in ("account", "feature") and rule.in_force.holds(self._today)
        )
        read = [facts_read(program, rule.when, rule.requires) for rule in self.rules]
        self._reads = [tuple(sorted(each)) for each in read]
        self._readers: dict[str, list[int]] = {}
        for index, facts in enumerate(self._reads):
            for fact in facts:
                self._readers.setdefault(fact, []).append(index)
        self._defaults = {name: each.default for name, each in program.account.items() if each.default is not None}
        seen = _Seen(program, self.rules, self._edges)
        self._fields = {name: _Drawn(each, self._today, at, seen) for name, each in program.account.items()}
        for each in self._fields.values():
            each.settle()

    def is_read(self, name: str) -> bool:
        """Whether any rule reads the field."""
        return f"account.{name}" in self._readers

    def stretch(self, name: str, value: Value) -> Stretch:
        """The values of an ordered field that may stand in the place of this one."""
        return self._fields[name].stretch(number_of(value))

    def pools(self, size: int) -> Pools:
        """About so many lawful records, half as many that break one rule or another, a quarter that leave one open."""
        lawful = tuple(self._found(self._lawful, size))
        broken: dict[str, int] = {}
        violating = tuple(self._violating(lawful, max(size // 2, 1), broken))
        unknown = tuple(self._found(lambda: self._unknown(lawful), max(size // 4, 1)))
        return Pools(lawful, violating, unknown, broken)

    def fresh(self, name: str) -> Value | None:
        """Another value of a field."""
        return self._fields[name].drawn(self._random)

    # ------------------------------------------------------------------------------------------------- the search

    def _found(self, draw: Callable[[], Record | None], size: int) -> Iterator[Record]:
        failed = found = 0
        while found < size and failed < _PATIENCE:
            record = draw()
            if record is None:
                failed += 1
            else:
                found, failed = found + 1, 0
                yield record

    def _lawful(self) -> Record | None:
        """A record that satisfies every rule: drawn, then what some broken rule reads is drawn anew."""
        record: Record = self._drawn()
        outcomes = self._outcomes(record, range(len(self.rules)))
        for _ in range(_STEPS):
            wrong = [index for index, each in outcomes.items() if each != "satisfied"]
            if not wrong:
                return record
            fact = self._random.choice(self._reads[self._random.choice(wrong)] or ("",))
            other = self._moved(record, fact)
            after = {**outcomes, **self._outcomes(other, self._readers.get(fact, range(len(self.rules))))}
            if sum(each != "satisfied" for each in after.values()) <= len(wrong) or self._random.random() < 0.05:
                record, outcomes = other, after
        return None

    def _violating(self, lawful: Sequence[Record], size: int, broken: dict[str, int]) -> Iterator[Record]:
        """Records that break one rule after the other, and few others."""
        failures = dict.fromkeys((index for index in range(len(self.rules)) if self._reads[index] or not lawful), 0)
        found = 0
        while found < size and failures:
            for index in [*failures]:
                record = self._breaking(index, lawful)
                if record is None:
                    failures[index] += 1
                    if failures[index] == _FAILURES:
                        del failures[index]
                    continue
                failures[index] = 0
                for rule, each in self._outcomes(record, range(len(self.rules))).items():
                    if each == "violated":
                        broken[self.rules[rule].id] = broken.get(self.rules[rule].id, 0) + 1
                found += 1
                yield record

    def _breaking(self, index: int, lawful: Sequence[Record]) -> Record | None:
        """A record that breaks the rule; of a few, the one that breaks the fewest others."""
        found: list[tuple[int, Record]] = []
        for _ in range(_PATIENCE // 4):
            record = self._random.choice(lawful) if lawful else self._drawn()
            for _ in range(5):
                if outcome(self.rules[index], self._situation(record)) == "violated":
                    outcomes = self._outcomes(record, range(len(self.rules))).values()
                    found.append((sum(each == "violated" for each in outcomes), record))
                    break
                record = self._moved(record, self._random.choice(self._reads[index] or ("",)))
            if len(found) == _CHOICE or (found and found[-1][0] == 1):
                break
        return min(found, key=lambda each: each[0])[1] if found else None

    def _unknown(self, lawful: Sequence[Record]) -> Record | None:
        """A record that breaks nothing and leaves something open: a lawful one with less known."""
        if not lawful or not self._readers:
            return None
        record = {**self._random.choice(lawful)}
        fact = self._random.choice(sorted(self._readers))
        if fact.startswith("features."):
            record.update({f"features.{name}": None for name in self._program.features})
        else:
            record[fact] = None
        outcomes = self._outcomes(record, range(len(self.rules))).values()
        return record if "violated" not in outcomes and "unknown" in outcomes else None

    def _drawn(self) -> dict[str, Value | None]:
        record: dict[str, Value | None] = {}
        for name, each in self._fields.items():
            record[f"account.{name}"] = each.drawn(self._random, record)
        for name in self._program.features:
            record[f"features.{name}"] = self._random.random() < 0.3
        return record

    def _moved(self, record: Record, fact: str) -> Record:
        """The record with a fact drawn anew; all of it where no fact is named."""
        if not fact:
            return self._drawn()
        kind, _, name = fact.partition(".")
        if kind == "features":
            return {**record, fact: not record[fact]}
        return {**record, fact: self._fields[name].drawn(self._random, record)}

    def _outcomes(self, record: Record, rules: Sequence[int]) -> dict[int, str]:
        situation = self._situation(record)
        return {index: outcome(self.rules[index], situation) for index in rules}

    # -------------------------------------------------------------------------------------------- judging, edges

    def _situation(self, record: Record) -> Situation:
        account: dict[str, Value] = {**self._defaults}
        features: dict[str, Value] = {}
        for fact, value in record.items():
            if value is not None:
                if fact.startswith("account."):
                    account[fact[8:]] = value
                else:
                    features[fact[9:]] = value
        return Situation(
            records={"account": account, "features": features},
            at=self._at,
            today=self._today,
            zone=self._zone,
            history=History((), EARLIEST),
            conditions=self._program.conditions,
            initial=account,
        )

    def _edges(self, expr: Compare, of: Field, low: int, high: int) -> list[int] | None:
        """Where the comparison changes as the field's value goes from `low` to `high`; None where that is not known."""
        below = Compare("<", expr.left, expr.right)
        same = Compare("==", expr.left, expr.right)

        def side(number: int) -> tuple[Value | None, Value | None]:
            situation = self._situation({f"account.{of.name}": value_of(of.type.kind, number)})
            return evaluate(below, situation), evaluate(same, situation)

        ends = side(low), side(high)
        if any(None in each for each in ends):
            return None
        found = [*islice(turns(low, high, *ends, side), _MOST_TURNS + 1)]
        return found if len(found) <= _MOST_TURNS else None


def turns(low: int, high: int, at_low: object, at_high: object, side: Callable[[int], object]) -> Iterator[int]:
    """The places where a value becomes another, in order: all of them of one that comes to the same no second time.

    Of others (a remainder) as many as are asked for, which may be without end.
    """
    if at_low == at_high:
        return
    if high - low == 1:
        yield high
        return
    middle = (low + high) // 2
    between = side(middle)
    yield from turns(low, middle, at_low, between, side)
    yield from turns(middle, high, between, at_high, side)


# ---------------------------------------------------------------------------------------------- what the rules look at


@dataclass(slots=True)
class _Look:
    """What the rules look for in one field."""

    bounds: list[tuple[Compare, Field]] = field(default_factory=list)
    """Comparisons of nothing but this field with what is the same for every account."""
    values: list[Value] = field(default_factory=list)
    """What it is compared with, or with what it is computed."""
    patterns: list[str] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)
    """`startsWith`, `endsWith`, `contains`, and of what."""
    is_tied: bool = False
    """Looked at in some other way: together with another field, or computed from."""
    may_lack: bool = False
    """Some rule asks whether it is known."""


Edges: TypeAlias = Callable[[Compare, Field, int, int], "list[int] | None"]


class _Seen:
    """What the rules look for, by field."""

    def __init__(self, program: Program, rules: Sequence[Rule], edges: Edges) -> None:
        self.looks: dict[str, _Look] = {name: _Look() for name in program.account}
        self.edges = edges
        used = {
            node.name
            for rule in rules
            for expr in (rule.when, rule.requires)
            for node in everything(expr, program.conditions)
            if isinstance(node, ConditionOf)
        }
        for rule in rules:
            self._look(rule.when)
            self._look(rule.requires)
        for name in sorted(used):
            self._look(program.conditions[name].holds)

    def _look(self, expr: Expr) -> None:
        match expr:
            case Field(owner="account"):
                self.looks[expr.name].is_tied = True
                return
            case Known(operand=Field(owner="account") as of):
                self.looks[of.name].may_lack = True
                return
            case Compare():
                self._note(expr)
                lone = _lone_field(expr)
                if lone is not None:
                    self.looks[lone.name].bounds.append((expr, lone))
                    return
            case Member(item=Field(owner="account") as of, collection=ListOf(items=items)):
                values = [each.value for each in items if isinstance(each, Constant)]
                self.looks[of.name].values += values
                if len(values) == len(items):
                    self.looks[of.name].bounds += [(Compare("==", of, each), of) for each in items]
                    return
            case Call(function="matches", arguments=(Field(owner="account") as of, Constant(value=str() as pattern))):
                self.looks[of.name].patterns.append(pattern)
            case Call(
                function="startsWith" | "endsWith" | "contains" as function,
                arguments=(Field() as of, Constant() as part),
            ):
                if of.owner == "account":
                    self.looks[of.name].parts.append((function, cast("str", part.value)))
            case _:
                pass
        for each in children(expr):
            self._look(each)

    def _note(self, expr: Compare) -> None:
        """Constants beside a field are what its values are drawn near to."""
        nodes = [*everything(expr, {})]
        constants = [node.value for node in nodes if isinstance(node, Constant)]
        for node in nodes:
            if isinstance(node, Field) and node.owner == "account":
                self.looks[node.name].values += constants


def _lone_field(expr: Compare) -> Field | None:
    """The field on one side, below functions that rise or fall with it; the other side is the same for everybody."""
    for computed, other in ((expr.left, expr.right), (expr.right, expr.left)):
        if _is_same_for_all(other):
            return _rising_or_falling(computed)
    return None


def _rising_or_falling(expr: Expr) -> Field | None:
    if isinstance(expr, Field):
        return expr if expr.owner == "account" else None
    if not isinstance(expr, Call):
        return None
    moving = [index for index, each in enumerate(expr.arguments) if not _is_same_for_all(each)]
    if len(moving) != 1 or moving[0] not in _RISING_OR_FALLING.get(expr.function, ()):
        return None
    return _rising_or_falling(expr.arguments[moving[0]])


def _is_same_for_all(expr: Expr) -> bool:
    return all(isinstance(each, (Constant, Clock, Call, ListOf)) for each in everything(expr, {}))


# ------------------------------------------------------------------------------------------------------- field values


class _Drawn:
    """Draws the values of one field."""

    def __init__(self, declaration: FieldDeclaration, today: date, at: Instant, seen: _Seen) -> None:
        self.declaration = declaration
        self._look = seen.looks[declaration.name]
        self._seen = seen
        self._today, self._at = today, at
        self._edges: list[int] = []
        self._between: list[tuple[int, int]] = []
        self._likely: list[int] = []
        self._is_stretched = False
        self._low = self._high = 0
        lifelong = declaration.motion == "lifecycle" or declaration.fixed is not None
        self._lacking = 0.25 if self._look.may_lack else 0.002 if lifelong else 0.02

    def settle(self) -> None:
        """Find the edges between values that the rules tell apart."""
        if self.declaration.type.kind not in ("int", "date", "timestamp"):
            return
        self._low, self._high = self._window()
        self._is_stretched = not self._look.is_tied
        edges = set()
        for expr, of in self._look.bounds:
            found = self._seen.edges(expr, of, self._low, self._high) if self._low < self._high else []
            if found is None:
                self._is_stretched = False
            else:
                edges.update(found)
        now = self._now()
        if self._is_stretched and now is not None and self._low < now and all(each < now for each in edges):
            self._high = min(self._high, now - 1)  # what nobody compares with a later day is of the past
        self._edges = sorted({self._low, *edges, self._high + 1})
        self._between = [*pairwise(self._edges)]
        self._likely = [min(high - low, 30) for low, high in self._between]

    def _now(self) -> int | None:
        match self.declaration.type.kind:
            case "date":
                return number_of(self._today)
            case "timestamp":
                return number_of(self._at)
            case _:
                return None

    def stretch(self, number: int) -> Stretch:
        if not self._is_stretched or not self._low <= number <= self._high:
            return Stretch(number, 1)
        index = bisect_right(self._edges, number)
        low, high = self._edges[index - 1], self._edges[index]
        low = max(low, number - _WIDEST // 2)  # of a very wide one, the part around the value
        return Stretch(low, min(high - low, _WIDEST))

    def drawn(self, random: Random, record: Record | None = None) -> Value | None:
        """A value, or None at times; `record`: what else is known, which it may have to do with."""
        if random.random() < self._lacking:
            return None
        kind = self.declaration.type.kind
        match kind:
            case "bool":
                return random.random() < 0.5
            case "enum":
                return random.choice(self.declaration.type.values)
            case "set":
                return frozenset(each for each in self.declaration.type.values if random.random() < 0.4)
            case "string":
                return self._text(random)
            case _:
                return value_of(kind, self._number(random, record or {}))

    def _number(self, random: Random, record: Record) -> int:
        near = [
            number_of(value)
            for name, value in record.items()
            if self._look.is_tied and type(value) is type(value_of(self.declaration.type.kind, 0))
        ]
        if near and random.random() < 0.5:
            number = random.choice(near) + random.choice((-30, -1, 0, 0, 1, 30))
            return min(max(number, self._low), self._high)
        way = random.random()
        if way < 0.05:
            edge = random.choice(self._edges) + random.choice((-1, 0))
            return min(max(edge, self._low), self._high)
        if way >= 0.5 and self.declaration.type.kind == "int":  # many are small
            return self._low + int((self._high - self._low + 1) ** random.random()) - 1
        if way < 0.5:
            ((low, high),) = random.choices(self._between, self._likely)
            return random.randrange(low, high)
        return random.randint(self._low, self._high)

    def _window(self) -> tuple[int, int]:
        """Between which values the field's lie, as far as one would expect."""
        declaration = self.declaration
        kind = declaration.type.kind
        noted = [each for each in self._look.values if type(each) is type(value_of(kind, 0))]
        numbers = [number_of(each) for each in noted]
        if kind == "int":
            low = min([0, *(10 * each for each in numbers)])
            high = max([1000, *(10 * each for each in numbers)])
            least, most = INT_MIN, INT_MAX
        else:
            unit = 1 if kind == "date" else _DAY
            now = self._now() or 0
            low = min([now - 4 * 365 * unit, *(each - 200 * unit for each in numbers)])
            high = max([now + 395 * unit, *(each + 200 * unit for each in numbers)])
            # years of four digits, where no offset leads out of the calendar
            least, most = (number_of(date(1000, 1, 1)) * unit, number_of(date(2999, 12, 31)) * unit)
        if declaration.minimum is not None:
            least = max(least, number_of(declaration.minimum))
        if declaration.maximum is not None:
            most = min(most, number_of(declaration.maximum))
        low, high = max(low, least), min(high, most)
        return (low, high) if low <= high else (least, min(most, least + 1000)) if high < least else (most, most)

    def _text(self, random: Random) -> str:
        look = self._look
        texts = [each for each in look.values if isinstance(each, str)]
        ways: list[Callable[[], str]] = [lambda: _word(random)]
        if texts:
            ways.append(lambda: random.choice(texts))
        if look.parts:
            ways.append(lambda: _with_part(*random.choice(look.parts), random))
        if look.patterns:
            ways.append(lambda: text_for(random.choice(look.patterns), random))
        return random.choice(ways)()


def value_of(kind: str, number: int) -> Value:
    """The value of an ordered type that stands there: see `number_of`."""
    match kind:
        case "date":
            return _EPOCH.date() + timedelta(days=number)
        case "timestamp":
            return _EPOCH + number * _MICROSECOND
        case _:
            return number


# ------------------------------------------------------------------------------------------------------------- texts

PLACES: Final = (
    "城南",
    "江北",
    "西湖",
    "海淀",
    "滨海",
    "Nova",
    "Lotus",
    "云端",
    "春晓",
    "北辰",
    "Harbour",
    "老街",
    "南山",
    "清风",
)
TRADES: Final = (
    "早餐",
    "财经",
    "读书",
    "医院",
    "Media",
    "旅行",
    "课堂",
    "Coffee",
    "园艺",
    "法律",
    "健身",
    "News",
    "亲子",
    "影评",
)
ENDINGS: Final = ("", "服务号", "日报", "Club", "工作室", "之家", "Lab", "资讯")


def _word(random: Random) -> str:
    return random.choice(PLACES) + random.choice(TRADES) + random.choice(ENDINGS)


def _with_part(function: str, part: str, random: Random) -> str:
    before = "" if function == "startsWith" else _word(random)
    after = "" if function == "endsWith" else _word(random)
    return before + part + after
