"""Hypothesis strategies for policies as meant, derived from the IR: a new node, operator or function is drawn at once.

`MAKERS` holds one maker for each node kind; what a maker needs it draws with a `Pen`. Everything is well typed. The
values are few and odd on purpose: facts and constants must meet, at the edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st

from lawful import calendar, ir
from lawful.calendar import Window
from lawful.engines.situation import Facts, History, Listed, Situation
from lawful.ir import BOOL, DATE, INT, INT_MAX, INT_MIN, STRING, TIMESTAMP, Expr, Owner, Type, Value

T = TypeVar("T")

# ----------------------------------------------------------------------------------------------------------- values

ZONES = ("Asia/Shanghai", "America/Sao_Paulo", "Europe/London", "UTC", "Pacific/Apia")
INTS = (0, 1, 2, 3, 4, -1, -2, 7, 10, 30, 31, 365, 10_000, 2**31, 2**53 + 1, INT_MIN, INT_MIN + 1, INT_MAX - 1, INT_MAX)
STRINGS = (
    "",
    "a",
    "b",
    "ab",
    "A",
    "x61",  # looks like a text encoded for the engine
    "订阅号",
    "服务号 2",
    "😀",
    "é",
    "e\u0301",
    "ß",
    '"',
    "'",
    "\\",
    "\n",
    "\0",
    "a\0b",
    "👩‍👧",  # three code points that are shown as one
    "null",
    "0",
    "{a: 1}",
    "a" * 32,
    "a" * 33,
    "号" * 400,
)
PATTERNS = ("a", "^a", "b$", "^$", "^[a-z]+$", "x?6.", "(a|号){2,3}", "[0-9]", "号 ")
DOMAINS = (("a", "b"), ("subscription", "service", "enterprise"), ("a", "b", "订阅号", "x61"))

DATES = tuple(
    date.fromisoformat(each)
    for each in (
        "2024-02-29",
        "2024-02-28",
        "2024-03-01",
        "2023-02-28",
        "2024-03-31",
        "2024-04-30",
        "2024-12-31",
        "2025-01-01",
        "2018-11-04",
        "2018-02-17",
        "1970-01-01",
        "1969-12-31",
        "0001-01-01",
        "9999-12-31",
    )
)
_MOMENTS = (
    "2024-02-29T12:00:00",
    "2024-02-28T16:00:00",  # Shanghai's midnight, the start of 29 February
    "2024-02-29T16:00:00",
    "2024-12-31T16:00:00",
    "2024-03-31T00:00:00",
    "2024-03-31T01:00:00",  # London: the clocks go forward
    "2024-10-27T00:30:00",  # London: a doubled hour
    "2024-10-27T01:30:00",
    "2018-11-04T03:00:00",  # São Paulo: midnight does not exist
    "2018-02-18T02:00:00",  # São Paulo: the hour before midnight is doubled
    "2018-02-18T03:00:00",
    "1986-05-03T18:00:00",  # Shanghai: summer time begins
    "1991-09-14T17:00:00",
    "1970-01-01T00:00:00",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.999999",
)
MOMENTS = tuple(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in _MOMENTS)
SHIFTS = (timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(hours=1), timedelta(days=-1))
DURATIONS = (
    *SHIFTS,
    timedelta(hours=24),
    timedelta(days=30),
    timedelta(hours=23),
    timedelta(seconds=-1),
    timedelta(days=3_652_500),
)
EVENTS = ("upgrade", "mass_send", "certify")
FEATURES = ("wechat_pay", "api")
_STRETCHES = tuple(
    Window(unit, length)
    for unit in get_args(calendar.CalendarUnit) + get_args(calendar.RollingUnit)
    for length in ((1, 6, 30, 60) if unit in get_args(calendar.RollingUnit) else (0,))
)
_SINCES = tuple(map(date.fromisoformat, ("2024-02-29", "2018-11-04", "2018-02-18", "2024-10-27", "1970-01-01")))
WINDOWS = (
    *_STRETCHES,
    *(replace(each, since=_SINCES[place % len(_SINCES)]) for place, each in enumerate(_STRETCHES)),
    *(Window("lifetime", since=each) for each in _SINCES),
)


@dataclass(frozen=True)
class Size:
    """How much is drawn: enough to find, little enough for every run of the tests."""

    depth: int = 3
    operands: int = 3
    conditions: int = 3
    rules: int = 10
    situations: int = 3


SMALL = Size(depth=2, operands=2, conditions=2, rules=3, situations=2)
USUAL = Size()
LARGE = Size(depth=4, operands=5, conditions=5, rules=12, situations=5)


def soaking() -> bool:
    """Whether the profile is `soak`: see conftest.py."""
    return settings.get_current_profile_name() == "soak"


def size() -> Size:
    """The usual, or the large where there is time."""
    return LARGE if soaking() else USUAL


def examples(many: int) -> int:
    """How many examples a test looks at: so many in CI, more where there is time."""
    return many * 20 if soaking() else many


class Pen:
    """Plain choices on top of Hypothesis: an index each, which is quick to draw and shrinks to the first."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self._favourites: dict[Type, tuple[Value, ...]] = {}

    def draw(self, strategy: st.SearchStrategy[T]) -> T:
        return self._draw(strategy)  # type: ignore[no-any-return]  # Hypothesis types `draw` no better

    def number(self, least: int, most: int) -> int:
        return self.draw(_numbers(least, most))

    def one(self, choices: Sequence[T]) -> T:
        return choices[self.number(0, len(choices) - 1)]

    def chance(self, percent: int) -> bool:
        return self.number(0, 99) >= 100 - percent

    def value(self, type: Type) -> Value:
        """A value of the type: mostly one of two that come again and again, so that facts and constants are equal."""
        if type not in self._favourites:
            self._favourites[type] = (draw_value(self, type), draw_value(self, type))
        return self.one(self._favourites[type]) if self.chance(70) else draw_value(self, type)

    def several(self, choices: Sequence[T], most: int) -> tuple[T, ...]:
        return tuple(dict.fromkeys(self.one(choices) for _ in range(self.number(0, most))))


@cache
def _numbers(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


_ANY_INT = st.integers(INT_MIN, INT_MAX)
_ANY_TEXT = st.text(max_size=6)
_ANY_DATE = st.dates()
_ANY_INSTANT = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))


def draw_value(pen: Pen, type: Type) -> Value:
    """A value of the type, mostly one of the odd ones."""
    anything = pen.chance(8)
    match type.kind:
        case "bool":
            return pen.number(0, 1) == 1
        case "int":
            return pen.draw(_ANY_INT) if anything else pen.one(INTS)
        case "string":
            return pen.draw(_ANY_TEXT) if anything else pen.one(STRINGS)
        case "date":
            return pen.draw(_ANY_DATE) if anything else pen.one(DATES)
        case "timestamp":
            return pen.draw(_ANY_INSTANT) if anything else draw_instant(pen)
        case "duration":
            return pen.one(DURATIONS)
        case "enum":
            return pen.one(type.values)
        case "set":
            return frozenset(pen.several(type.values, 3))
        case "list":
            assert type.element is not None
            element = type.element
            return tuple(draw_value(pen, element) for _ in range(pen.number(0, 3)))


def draw_instant(pen: Pen) -> datetime:
    moment, shift = pen.one(MOMENTS), pen.one(SHIFTS)
    try:
        return moment + shift
    except OverflowError:
        return moment


# ------------------------------------------------------------------------------------------------------------ world


@dataclass(frozen=True)
class World:
    """What expressions may speak of."""

    account: ir.Schema
    request: ir.Schema
    size: Size = USUAL
    features: tuple[str, ...] = FEATURES
    events: tuple[str, ...] = EVENTS
    owners: tuple[Owner, ...] = get_args(Owner)
    states: tuple[str, ...] = ("account", "before", "after")
    """The states in which a named condition may be asked for."""
    conditions: tuple[str, ...] = ()
    variables: tuple[ir.Variable, ...] = ()
    fields: tuple[ir.Field, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(each for owner in self.owners for each in self._of(owner)))

    def _of(self, owner: Owner) -> list[ir.Field]:
        match owner:
            case "features" | "before.features" | "after.features":
                return [ir.Field(owner, name, BOOL) for name in self.features]
            case "change":
                of_account = [ir.Field(owner, name, each.type) for name, each in self.account.items()]
                return [*of_account, ir.Field(owner, "register", BOOL)]
            case _:
                schema = self.request if owner == "request" else self.account
                return [ir.Field(owner, name, each.type) for name, each in schema.items()]

    def typed(self, wanted: Type) -> list[ir.Field]:
        return [each for each in self.fields if each.type == wanted]

    def types(self, kinds: Sequence[ir.Kind]) -> list[Type]:
        """Types of those kinds that a value can have here, one of each: an enum's and a set's are a field's own."""
        first = {each.type.kind: each.type for each in reversed(self.fields)}
        return [
            Type(kind) if kind == "duration" else first[kind] for kind in kinds if kind == "duration" or kind in first
        ]


FIELD_KINDS: tuple[ir.Kind, ...] = tuple(kind for kind in get_args(ir.Kind) if kind not in ("duration", "list"))


def draw_schema(pen: Pen, prefix: str) -> dict[str, ir.FieldDeclaration]:
    """Fields of every type, two of the frequent ones; some have bounds, a default or are private."""
    kinds: tuple[ir.Kind, ...] = (*FIELD_KINDS, "bool", "int", "enum")
    schema = {}
    for number, kind in enumerate(kinds):
        name = f"{prefix}{number}_{kind}"
        domain = pen.one(DOMAINS) if kind in ("enum", "set") else ()
        bounded = kind == "int" and pen.chance(30)
        schema[name] = ir.FieldDeclaration(
            name,
            Type(kind, domain),
            motion=pen.one(("settable", "outside", "effects", "fixed")),
            values={value: ir.Text(en=value) for value in domain},
            minimum=0 if bounded else None,
            maximum=10_000 if bounded else None,
            private=pen.chance(10),
        )
    return schema


def draw_field_value(pen: Pen, declaration: ir.FieldDeclaration) -> Value:
    """Within the field's bounds."""
    value = pen.value(declaration.type)
    low, high = declaration.minimum, declaration.maximum
    if isinstance(value, int) and isinstance(low, int) and isinstance(high, int):
        return min(max(value, low), high)
    return value


# ------------------------------------------------------------------------------------------------------ expressions

Maker = Callable[[Pen, World, Type, int], "Expr | None"]
"""Draws a node of that kind and type whose operands are at most so deep; None where it cannot."""

MAKERS: dict[type, Maker] = {}
KINDS: dict[type, tuple[str, ...]] = {}
LEAVES: list[type] = []
COMPARISONS: tuple[ir.Comparison, ...] = get_args(ir.Comparison)
QUANTIFIERS = get_args(get_type_hints(ir.Quantifier)["kind"])
EQUALITY_ONLY = ("bool", "string", "enum", "set")


M = TypeVar("M", bound=Maker)


def makes(node: type, *kinds: str, leaf: bool = False) -> Callable[[M], M]:
    def register(maker: M) -> M:
        MAKERS[node], KINDS[node] = maker, kinds
        if leaf:
            LEAVES.append(node)
        return maker

    return register


_ALL_KINDS = get_args(ir.Kind)


def draw_expr(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    """A well-typed expression of the wanted type."""
    for node in (pen.one(_choices(wanted.kind, depth > 0)), ir.Field, ir.Constant):
        made = MAKERS[node](pen, world, wanted, depth - 1)
        if made is not None:
            return made
    raise AssertionError(wanted)


_DEEP: dict[type, int] = {
    ir.Constant: 0,
    ir.Call: 6,
    ir.And: 4,
    ir.Or: 4,
    ir.Compare: 6,
    ir.Not: 2,
    ir.Conditional: 2,
    ir.ConditionOf: 4,
}
_FLAT: dict[type, int] = {ir.Field: 4, ir.ConditionOf: 4}
"""How much more often than once a node is drawn where there is room: what grows, or has many kinds of its own."""


@cache
def _choices(kind: str, deep: bool) -> tuple[type, ...]:
    able = [node for node in get_args(Expr) if kind in KINDS[node] and (deep or node in LEAVES)]
    weights = _DEEP if deep else _FLAT
    return tuple(each for node in able for each in [node] * weights.get(node, 1))


@makes(ir.Constant, *_ALL_KINDS, leaf=True)
def _constant(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    return ir.Constant(pen.value(wanted), wanted)


@makes(ir.Field, *FIELD_KINDS, leaf=True)
def _field(pen: Pen, world: World, wanted: Type, depth: int) -> Expr | None:
    fields = world.typed(wanted)
    return pen.one(fields) if fields else None


@makes(ir.Clock, "date", "timestamp", leaf=True)
def _clock(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    return ir.Clock("today" if wanted == DATE else "now")


@makes(ir.Variable, *_ALL_KINDS, leaf=True)
def _variable(pen: Pen, world: World, wanted: Type, depth: int) -> Expr | None:
    visible = {each.name: each for each in world.variables}  # the innermost of a name
    fitting = [each for each in visible.values() if each.type == wanted]
    return pen.one(fitting) if fitting else None


@makes(ir.ConditionOf, "bool", leaf=True)
def _condition_of(pen: Pen, world: World, wanted: Type, depth: int) -> Expr | None:
    if not world.conditions:
        return None
    return ir.ConditionOf(pen.one(world.conditions), pen.one(world.states))  # type: ignore[arg-type]  # states are those


@makes(ir.Count, "int", leaf=True)
def _count(pen: Pen, world: World, wanted: Type, depth: int) -> ir.Count:
    first = pen.one(world.events)
    others = pen.several(world.events, 1)
    return ir.Count(tuple(dict.fromkeys((first, *others))), pen.one(WINDOWS))


@makes(ir.AtMost, "bool", leaf=True)
def _at_most(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    counters = [each for each in world.typed(INT) if each.owner in ("account", "request")]
    counter = pen.one(counters) if counters and pen.chance(30) else None
    most = pen.one((1, 0, 2, 3, INT_MAX))
    return ir.AtMost(_count(pen, world, INT, depth), most, pen.number(0, 1), counter, pen.chance(20))


@makes(ir.Known, "bool", leaf=True)
def _known(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    if depth <= 0 or pen.chance(80):
        return ir.Known(pen.one(world.fields))
    return ir.Known(draw_expr(pen, world, pen.one(world.types(_ALL_KINDS)), depth))


@makes(ir.Not, "bool")
def _not(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    return ir.Not(draw_expr(pen, world, BOOL, depth))


@makes(ir.And, "bool")
def _and(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    return ir.And(_operands(pen, world, BOOL, depth, least=2))


@makes(ir.Or, "bool")
def _or(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    return ir.Or(_operands(pen, world, BOOL, depth, least=2))


def _operands(pen: Pen, world: World, wanted: Type, depth: int, least: int) -> tuple[Expr, ...]:
    many = pen.number(least, max(least, world.size.operands))
    return tuple(draw_expr(pen, world, wanted, depth) for _ in range(many))


@makes(ir.Compare, "bool")
def _compare(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    operator = pen.one(COMPARISONS)
    equality = operator in ("==", "!=")
    kinds = [kind for kind in _ALL_KINDS if kind != "list" and (equality or kind not in EQUALITY_ONLY)]
    of = pen.one(world.types(kinds))
    left = draw_expr(pen, world, of, min(depth, pen.number(0, 2)))
    right = _constant(pen, world, of, 0) if pen.chance(40) else draw_expr(pen, world, of, 0)
    return ir.Compare(operator, right, left) if pen.chance(25) else ir.Compare(operator, left, right)


@makes(ir.ListOf, "list", leaf=True)
def _list_of(pen: Pen, world: World, wanted: Type, depth: int) -> ir.ListOf:
    assert wanted.element is not None
    element = wanted.element
    constants = pen.chance(70)
    draw_item = _constant if constants else draw_expr
    return ir.ListOf(tuple(draw_item(pen, world, element, min(depth, 0)) for _ in range(pen.number(0, 4))), wanted)


@makes(ir.Member, "bool")
def _member(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    collection = pen.one([*world.types(("set",)), Type("list")])
    if collection.kind == "set":
        return ir.Member(
            draw_expr(pen, world, Type("enum", collection.values), 0), draw_expr(pen, world, collection, 0)
        )
    of = pen.one(world.types(("string", "enum", "int", "date", "timestamp", "bool")))
    return ir.Member(draw_expr(pen, world, of, min(depth, 1)), _list_of(pen, world, Type("list", element=of), depth))


@makes(ir.Conditional, *_ALL_KINDS)
def _conditional(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    test, then, otherwise = (draw_expr(pen, world, each, depth) for each in (BOOL, wanted, wanted))
    return ir.Conditional(test, then, otherwise)


@makes(ir.Quantifier, "bool")
def _quantifier(pen: Pen, world: World, wanted: Type, depth: int) -> Expr:
    kind = pen.one(QUANTIFIERS)
    collection = pen.one([*world.types(("set",)), Type("list")])
    if collection.kind == "set":
        element, over = Type("enum", collection.values), draw_expr(pen, world, collection, 0)
    else:
        element = pen.one(world.types(("enum", "int", "string", "date")))
        over = _list_of(pen, world, Type("list", element=element), 0)
    variable = ir.Variable(pen.one(("x", "y")), element)
    within = replace(world, variables=(*world.variables, variable))
    body = (
        ir.Compare("==", variable, draw_expr(pen, within, element, 0))
        if pen.chance(50)
        else draw_expr(pen, within, BOOL, depth)
    )
    return ir.Quantifier(kind, variable, over, body)


@makes(ir.Call, *_ALL_KINDS)
def _call(pen: Pen, world: World, wanted: Type, depth: int) -> Expr | None:
    signatures = _signatures(wanted)
    if not signatures:
        return None
    function, operands = pen.one(signatures)
    return ir.Call(function, tuple(_argument(pen, world, function, operands, n, depth) for n in range(len(operands))))


@cache
def _signatures(wanted: Type) -> tuple[tuple[ir.Function, tuple[Type, ...]], ...]:
    """Every overload that gives the type: each function is in `SIGNATURES`, so a new one is drawn."""
    return tuple(
        (function, operands)
        for function in get_args(ir.Function)
        for operands, result in ir.SIGNATURES[function]
        if result == wanted
    )


def _argument(pen: Pen, world: World, function: str, operands: tuple[Type, ...], n: int, depth: int) -> Expr:
    if function == "matches" and n == 1:
        return ir.Constant(pen.one(PATTERNS), STRING)
    if operands == (TIMESTAMP, STRING) and n == 1:
        return ir.Constant(pen.one(ZONES), STRING)
    return draw_expr(pen, world, operands[n], depth)


# ------------------------------------------------------------------------------------------------- rules, situations

PLACE = ir.Place("policy.yaml", 1, 1)


def draw_conditions(pen: Pen, world: World) -> dict[str, ir.Condition]:
    """Named conditions, each of which may use those before it."""
    found: dict[str, ir.Condition] = {}
    for number in range(pen.number(0, world.size.conditions)):
        name = f"condition{number}"
        within = replace(world, conditions=tuple(found))
        found[name] = ir.Condition(name, draw_expr(pen, within, BOOL, world.size.depth), None, None, None, PLACE)
    return found


def draw_rule(pen: Pen, world: World, id: str) -> ir.Rule:
    when = ir.TRUE if pen.chance(30) else draw_expr(pen, world, BOOL, world.size.depth - 1)
    requires = draw_expr(pen, world, BOOL, world.size.depth)
    return ir.Rule(id, "requires", "move", "do.it", when, requires, "error", ir.ALWAYS, PLACE)


def draw_history(pen: Pen, world: World, at: datetime, zone: ZoneInfo) -> History:
    """Absent, whole or incomplete; its events stand at the edges of windows, and none after `at`."""
    known = pen.number(0, 3)
    if known == 0:
        return History((), None, _listed(pen, world))
    whole_from = datetime(1, 1, 1, tzinfo=UTC) if known < 3 else _before(pen, at, zone)
    return History(draw_events(pen, world.events, at, zone), whole_from, _listed(pen, world))


def draw_events(
    pen: Pen, names: Sequence[str], at: datetime, zone: ZoneInfo, windows: Sequence[Window] = WINDOWS
) -> tuple[tuple[str, datetime], ...]:
    events = tuple((pen.one(names), _before(pen, at, zone, windows)) for _ in range(pen.number(0, 4)))
    return tuple(sorted(events, key=lambda each: each[1]))


def _listed(pen: Pen, world: World) -> tuple[Listed, ...]:
    if pen.chance(75):
        return ()
    return tuple(Listed(pen.one(world.events), pen.chance(60)) for _ in range(pen.number(1, 2)))


def _before(pen: Pen, at: datetime, zone: ZoneInfo, windows: Sequence[Window] = WINDOWS) -> datetime:
    """An instant no later than `at` where a window begins, or next to it."""
    window = pen.one(windows)
    day = calendar.day_of(at, zone)
    start: datetime | None
    if window.since is not None and pen.chance(50):
        return min(calendar.start_of(window.since, zone) + pen.one(SHIFTS), at)
    match window.unit:
        case "lifetime":
            start = at
        case "day":
            start = calendar.start_of(day, zone)
        case "month":
            start = calendar.start_of(day.replace(day=1), zone)
        case "year":
            start = calendar.start_of(day.replace(month=1, day=1), zone)
        case "days" | "months":
            start = _earlier(at, zone, window)
    try:
        return min((start or at) + pen.one(SHIFTS), at)
    except OverflowError:
        return at


def _earlier(at: datetime, zone: ZoneInfo, window: Window) -> datetime | None:
    """When an event stops counting at `at`, or nearly."""
    move = calendar.add_days if window.unit == "days" else calendar.add_months
    try:
        local = at.astimezone(zone)
        day = move(local.date(), -window.length)
        return None if day is None else calendar.instant_of(datetime.combine(day, local.time()), zone)
    except OverflowError:
        return None


def draw_facts(pen: Pen, fields: Sequence[ir.Field], schema: ir.Schema, known: int) -> Facts:
    """Values of the fields, each known with that many percent."""
    facts = {}
    for each in fields:
        if pen.chance(known):
            declaration = schema.get(each.name)
            value = pen.value(each.type) if declaration is None else draw_field_value(pen, declaration)
            facts[each.name] = value
    return facts


def draw_situation(
    pen: Pen, world: World, conditions: Mapping[str, ir.Condition], read: frozenset[ir.Field] | None = None
) -> Situation:
    """A situation; facts that are not in `read` are left out, which saves the time to draw them."""
    zone = ZoneInfo(pen.one(ZONES))
    at = pen.value(TIMESTAMP)
    assert isinstance(at, datetime)
    known = pen.one((85, 60, 100, 20))
    records: dict[Owner, Facts] = {}
    for owner in get_args(Owner):
        fields = [each for each in world.fields if each.owner == owner and (read is None or each in read)]
        if owner == "change":  # a change says little
            fields = [each for each in fields if pen.chance(50)]
        records[owner] = draw_facts(pen, fields, world.request if owner == "request" else world.account, known)
    initial = records["account"] if pen.chance(70) else {}
    return Situation(
        records=records,
        at=at,
        today=calendar.day_of(at, zone),
        zone=zone,
        history=draw_history(pen, world, at, zone),
        conditions=conditions,
        initial=initial,
    )


def fields_read(rules: Sequence[ir.Rule], conditions: Mapping[str, ir.Condition]) -> frozenset[ir.Field]:
    """The facts that the rules and the conditions read, in whatever state."""
    roots = [expr for rule in rules for expr in (rule.when, rule.requires)]
    roots += [condition.holds for condition in conditions.values()]
    found = {node for root in roots for node in ir.walk(root) if isinstance(node, ir.Field)}
    return frozenset(found | {other for each in found for other in _elsewhere(each)})


def _elsewhere(read: ir.Field) -> list[ir.Field]:
    """What a condition reads of the account it reads of the states before and after too."""
    states: dict[Owner, tuple[Owner, Owner]] = {
        "account": ("before", "after"),
        "features": ("before.features", "after.features"),
    }
    return [replace(read, owner=owner) for owner in states.get(read.owner, ())]


# ------------------------------------------------------------------------------------------------------- strategies


@dataclass(frozen=True)
class Case:
    """Rules with their conditions, and situations to judge them in."""

    world: World = field(repr=False)
    conditions: dict[str, ir.Condition]
    rules: tuple[ir.Rule, ...]
    situations: tuple[Situation, ...]


def draw_world(pen: Pen, size: Size) -> World:
    return World(draw_schema(pen, "a"), draw_schema(pen, "r"), size)


@st.composite
def worlds(draw: st.DrawFn, size: Size = USUAL) -> World:
    return draw_world(Pen(draw), size)


@st.composite
def expressions(draw: st.DrawFn, wanted: Type = BOOL, size: Size = USUAL) -> Expr:
    """An expression over a world of its own; conditions are named `c0` and `c1`."""
    pen = Pen(draw)
    world = replace(draw_world(pen, size), conditions=("c0", "c1"))
    return draw_expr(pen, world, wanted, size.depth)


@st.composite
def cases(draw: st.DrawFn, size: Size = USUAL) -> Case:
    pen = Pen(draw)
    world = draw_world(pen, size)
    conditions = draw_conditions(pen, world)
    world = replace(world, conditions=tuple(conditions))
    rules = tuple(draw_rule(pen, world, f"rule{n}") for n in range(pen.number(size.rules // 2, size.rules)))
    read = fields_read(rules, conditions)
    situations = tuple(draw_situation(pen, world, conditions, read) for _ in range(pen.number(1, size.situations)))
    return Case(world, conditions, rules, situations)
