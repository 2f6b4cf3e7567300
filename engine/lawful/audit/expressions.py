"""Conditions as columns: the fourth engine. Its meaning is `engines/reference.py`, its truth SQL's own three values.

What no row decides is computed beforehand, by the reference; what every engine would say its own way (overflow,
division, months, local time) is guarded here or said by `dialects`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never, cast

import ibis
import ibis.expr.operations as ops

from lawful.audit import zones
from lawful.audit.dialects import Dialect, cut
from lawful.audit.rows import Row, SetColumn
from lawful.audit.thresholds import bound
from lawful.audit.zones import Zone
from lawful.engines.reference import evaluate, zone_named
from lawful.engines.situation import History, Situation
from lawful.ir import (
    INT_MAX,
    INT_MIN,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Comparison,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    Known,
    ListOf,
    Member,
    Not,
    Or,
    Owner,
    Program,
    Quantifier,
    Rule,
    Type,
    Value,
    Variable,
    children,
    rebuilt,
    type_of,
)

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    Truth: TypeAlias = "ibis_types.BooleanValue"

_FIRST_DAY: Final = date.min
_LAST_DAY: Final = date.max
_LONGEST_BETWEEN: Final = (2**63 - 1) // 1000
"""Microseconds: see `calendar.between`."""
_LONGEST_SHIFT: Final = 700_000_000_000_000_000
"""Microseconds: more than the calendar has from end to end."""
_MOST_YEARS: Final = 10_400
_STRICT: Final = (Compare, Member, Call, Count, AtMost, Field)
_TYPES: Final[Mapping[str, str]] = {
    "bool": "boolean",
    "int": "int64",
    "string": "string",
    "enum": "string",
    "date": "date",
    "timestamp": "int64",
    "duration": "int64",
}


class Translator:
    """Translates the expressions of one program over the columns of one table."""

    def __init__(self, program: Program, row: Row, zone: Zone, dialect: Dialect) -> None:
        self.program = program
        self.row = row
        self.zone = zone
        self.dialect = dialect
        self._values: dict[Expr, Any] = {}
        self._constants: dict[Expr, bool] = {}
        self._situation = self._without_facts()

    # ------------------------------------------------------------------------------------------------ what is asked

    def violated(self, rule: Rule) -> Truth:
        """TRUE: `when` is true and `requires` false; FALSE: satisfied; NULL: unknown."""
        return self._and([self.truth(rule.when), self._not(self.truth(rule.requires))])

    def truth(self, expr: Expr) -> Truth:
        """The value of a condition."""
        return cast("Truth", self.value(expr))

    def value(self, expr: Expr) -> Any:
        """The value of an expression, NULL where it is unknown; of a set a `SetColumn`."""
        if expr not in self._values:
            self._values[expr] = self._value(expr)
        return self._values[expr]

    def doubts(self, *exprs: Expr) -> list[Truth]:
        """What is true, one of them at least, wherever one of the expressions is unknown."""
        parts = dict.fromkeys(part for expr in exprs for part in self._doubtful(expr))
        return [doubt for part in parts for doubt in self._doubt(part)]

    def _doubt(self, part: Expr) -> list[Truth]:
        if isinstance(part, Field) and part.owner == "features" and self.row.holds_features is not None:
            return [self.row.holds_features.isnull()]  # of a list they are unknown together
        found = self._bound(part) if isinstance(part, Compare) else None
        if found is None:
            return [self._not(self.known(part))]
        column, inside, _ = found
        return [column.isnull(), *(~each for each in inside)]

    def holds(self, expr: Expr) -> Truth:
        """TRUE where the condition is, else FALSE or NULL, whichever is quicker: for filters without *not*."""
        found = self._bound(expr) if isinstance(expr, Compare) else None
        if found is None:
            return self.truth(expr)
        column, inside, is_so = found
        if isinstance(is_so, bool):
            return _all([*inside, column.notnull()]) if is_so else ibis.literal(False)
        return _all([*inside, is_so])

    def known(self, expr: Expr) -> Truth:
        """Whether it is known; never NULL itself."""
        if isinstance(expr, ListOf):
            return _all([self.known(each) for each in expr.items])
        value = self.value(expr)
        return value.known if isinstance(value, SetColumn) else value.notnull()

    # -------------------------------------------------------------------------------------------------- each node

    def _value(self, expr: Expr) -> Any:
        if self.is_constant(expr):
            return literal(evaluate(expr, self._situation), type_of(expr))
        match expr:
            case Field():
                return self.row.facts[expr.owner, expr.name]
            case Clock():
                return self.row.today if expr.name == "today" else self.row.now
            case ConditionOf():
                return self._condition(expr)
            case And():
                return self._and([self.truth(each) for each in expr.operands])
            case Or():
                return self._or([self.truth(each) for each in expr.operands])
            case Not():
                return self._not(self.truth(expr.operand))
            case Known():
                return self.known(expr.operand)
            case Compare():
                return self._compared(expr)
            case Member():
                return self._member(expr)
            case Conditional():
                return self._conditional(expr)
            case Quantifier():
                return self._quantified(expr)
            case Call():
                return self._called(expr)
            case Count():
                counted = self.row.counts[expr]
                return _where(_truth(counted.whole), counted.least)
            case AtMost():
                return self._at_most(expr)
            case Constant() | Variable() | ListOf():
                raise TypeError(f"{expr} has no column")  # constants are known, variables replaced, lists unrolled
        assert_never(expr)

    def _condition(self, expr: ConditionOf) -> Any:
        where = self if expr.state == "account" else self._seen_from(expr.state)
        return where.value(self.program.conditions[expr.name].holds)

    def _seen_from(self, state: str) -> Translator:
        """The translator of a condition about the state `before` or `after`: that account is *the* account."""
        moved: dict[Owner, Owner] = {
            "account": cast("Owner", state),
            "features": cast("Owner", f"{state}.features"),
        }
        facts = dict(self.row.facts)
        for owner, source in moved.items():
            facts = {key: column for key, column in facts.items() if key[0] != owner}
            facts |= {(owner, name): column for (held, name), column in self.row.facts.items() if held == source}
        return Translator(self.program, replace(self.row, facts=facts), self.zone, self.dialect)

    # ------------------------------------------------------------------------------------------------------ logic

    def _and(self, operands: Iterable[Truth]) -> Truth:
        return _all(list(operands))

    def _or(self, operands: Iterable[Truth]) -> Truth:
        return _any(list(operands))

    def _not(self, operand: Truth) -> Truth:
        node = operand.op()
        if isinstance(node, ops.NotNull):
            return cast("Truth", ops.IsNull(node.arg).to_expr())
        # Ibis puts no parentheses around NOT, as it does around AND: `NOT (a) IS NULL` is read as `NOT ((a) IS NULL)`
        return ~operand & ibis.literal(True)

    def _conditional(self, expr: Conditional) -> Any:
        test = self.truth(expr.test)
        then, otherwise = self.value(expr.then), self.value(expr.otherwise)
        if isinstance(then, SetColumn):
            return SetColumn(
                _all([test.notnull(), test.ifelse(then.known, otherwise.known)]),
                {value: _chosen(test, then.holds[value], otherwise.holds[value]) for value in then.holds},
            )
        return _chosen(test, then, otherwise)

    def _quantified(self, expr: Quantifier) -> Truth:
        elements, known = self._elements(expr.collection)
        parts = []
        for element, present in elements:
            body = self.truth(_with_element(expr.body, expr.variable.name, element))
            if expr.kind == "exists":
                parts.append(body if present is None else _all([present, body]))
            else:
                parts.append(body if present is None else _any([~present, body]))
        return _where(known, _any(parts) if expr.kind == "exists" else _all(parts))

    def _elements(self, collection: Expr) -> tuple[list[tuple[Expr, Truth | None]], Truth]:
        """What may be in a collection, each with whether it is (None: it is); and whether the collection is known."""
        if isinstance(collection, ListOf):
            return [(item, None) for item in collection.items], self.known(collection)
        if isinstance(collection, Constant) and isinstance(collection.value, tuple):
            element = collection.type.element
            assert element is not None
            return [(Constant(item, element), None) for item in collection.value], ibis.literal(True)
        column = cast("SetColumn", self.value(collection))
        of = Type("enum", tuple(column.holds))
        return [(Constant(name, of), holds) for name, holds in column.holds.items()], column.known

    def _member(self, expr: Member) -> Truth:
        elements, known = self._elements(expr.collection)
        constant = all(isinstance(each, Constant) and held is None for each, held in elements)
        if constant and type_of(expr.item).kind != "bool":  # sqlglot writes `a < b IN (TRUE)`, which is read otherwise
            item = self.value(expr.item)
            if not elements:
                return _where(_all([item.notnull(), known]), ibis.literal(False))
            return cast("Truth", item.isin([self.value(each) for each, _ in elements]))
        if isinstance(expr.item, Constant):
            there = [present for each, present in elements if present is not None and each == _as(each, expr.item)]
            if there:
                return _where(known, there[0])
        same = [
            _all([self.truth(Compare("==", expr.item, each)), ibis.literal(True) if present is None else present])
            for each, present in elements
        ]
        return _where(_all([self.known(expr.item), known]), _any(same))

    # ------------------------------------------------------------------------------------------------ comparisons

    def _compared(self, expr: Compare) -> Truth:
        found = self._as_bound(expr)
        if found is not None:
            return found
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, SetColumn):
            return self._sets_compared(expr.operator, left, right)
        return compared(expr.operator, left, right)

    def _sets_compared(self, operator: Comparison, left: SetColumn, right: SetColumn) -> Truth:
        values = dict.fromkeys([*left.holds, *right.holds])
        no = ibis.literal(False)
        same = _all([left.holds.get(each, no) == right.holds.get(each, no) for each in values])
        return _where(_all([left.known, right.known]), same if operator == "==" else ~same)

    def _as_bound(self, expr: Compare) -> Truth | None:
        """A comparison of what is computed from one column, as one of the column itself."""
        found = self._bound(expr)
        if found is None:
            return None
        column, inside, is_so = found
        if isinstance(is_so, bool):
            return _where(_all(inside) if inside else column.notnull(), ibis.literal(is_so))
        return _where(_all(inside), is_so) if inside else is_so

    def _bound(self, expr: Compare) -> tuple[Any, list[Truth], Truth | bool] | None:
        """The column, where the comparison does not fail, and what it comes to there: found by the reference."""
        if not isinstance(self.row.today, date):
            return None
        found = bound(expr, self.is_constant, self._situation)
        if found is None:
            return None
        column: Any = self.row.facts[found.field.owner, found.field.name]
        inside = []
        if found.low is not None:
            inside.append(column >= literal(found.low, found.field.type))
        if found.high is not None:
            inside.append(column <= literal(found.high, found.field.type))
        if found.edge is None:
            return column, inside, found.above
        edge = literal(found.edge, found.field.type)
        return column, inside, column >= edge if found.above else column < edge

    # -------------------------------------------------------------------------------------------------- functions

    def _called(self, call: Call) -> Any:
        arguments = [self.value(each) for each in call.arguments]
        match call.function, arguments:
            case "+" | "-" | "*" | "negate", _:
                return self._arithmetic(call, arguments)
            case "/" | "%", [left, right]:
                return self._divided(call, left, right)
            case "add_duration", [at, length]:
                return self._shifted(at, length)
            case "subtract_duration", [at, length]:
                return self._shifted(at, cut(length, _LONGEST_SHIFT) * -1)
            case "between", [later, earlier]:
                length = later - earlier
                return _where(length.between(-_LONGEST_BETWEEN, _LONGEST_BETWEEN), length)
            case "size", [text]:
                return text.length().cast("int64")
            case "startsWith", [text, part]:
                return text.startswith(part)
            case "endsWith", [text, part]:
                return text.endswith(part)
            case "contains", [text, part]:
                return text.contains(part)
            case "matches", [text, _]:
                return self.dialect.finds(text, _pattern(call))
            case "date", [at]:
                return self.dialect.date_of_days(self.zone.day_number(at))
            case "addDays", [day, days]:
                return _in_calendar(self.dialect.add_days(day, days))
            case "addMonths", [day, months]:
                return _in_calendar(self.dialect.add_months(day, months))
            case "addYears", [day, years]:
                return _in_calendar(self.dialect.add_months(day, cut(years, _MOST_YEARS) * 12))
            case "daysBetween", [first, second]:
                return self.dialect.days_of_date(second) - self.dialect.days_of_date(first)
            case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek", [day]:
                return _part(call.function, day)
            case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek", [at, _]:
                return self._shown(call, at)
            case _:
                raise TypeError(f"{call.function} of {len(arguments)}")  # no well-typed expression comes here

    def _arithmetic(self, call: Call, arguments: list[Any]) -> Any:
        """Plain where the result surely has 64 bits; else guarded."""
        left, right = ([ibis.literal(0, type="int64")] if call.function == "negate" else []) + arguments
        operator = "-" if call.function == "negate" else call.function
        low, high = self._range(call)
        if low >= INT_MIN and high <= INT_MAX:
            return left + right if operator == "+" else left - right if operator == "-" else left * right
        return self.dialect.exact(operator, left, right)

    def _divided(self, call: Call, left: Any, right: Any) -> Any:
        by = call.arguments[1]
        plain = self.is_constant(by) and evaluate(by, self._situation) not in (None, 0, -1)
        if plain:
            return self.dialect.quotient(left, right) if call.function == "/" else left % right
        # literals on both sides: where one is NULL, Ibis asks the other whether it is
        zero, least, minus_one = (ibis.literal(each, type="int64") for each in (0, INT_MIN, -1))
        fails = (right == zero) | ((left == least) & (right == minus_one))
        safe = fails.ifelse(ibis.literal(1, type="int64"), right)  # an engine may compute what is then not asked for
        value = self.dialect.quotient(left, safe) if call.function == "/" else left % safe
        return fails.ifelse(ibis.null("int64"), value)

    def _range(self, expr: Expr) -> tuple[int, int]:
        """Between which numbers an expression's value surely lies, overflow not yet refused."""
        match expr:
            case Constant(value=int() as value):
                return value, value
            case Field(owner="account", name=name) if name in self.program.account:
                declared = self.program.account[name]
                low = declared.minimum if isinstance(declared.minimum, int) else INT_MIN
                high = declared.maximum if isinstance(declared.maximum, int) else INT_MAX
                return low, high
            case Call(function="+" | "-" | "*", arguments=(left, right)):
                return _combined(expr.function, self._within_64(left), self._within_64(right))
            case Call(function="negate", arguments=(operand,)):
                low, high = self._within_64(operand)
                return -high, -low
            case Call(function="size"):
                return 0, 2**31
            case Call(function="daysBetween"):
                return -4_000_000, 4_000_000
            case Call(function="getFullYear" | "getMonth" | "getDate" | "getDayOfWeek"):
                return 0, 10_000
            case _:
                return INT_MIN, INT_MAX

    def _within_64(self, expr: Expr) -> tuple[int, int]:
        low, high = self._range(expr)
        return max(low, INT_MIN), min(high, INT_MAX)

    def _shifted(self, at: Any, length: Any) -> Any:
        moved = at + cut(length, _LONGEST_SHIFT)
        return _where(moved.between(zones.EARLIEST, zones.LATEST), moved)

    def _shown(self, call: Call, at: Any) -> Any:
        """What the clocks of a zone show; at the ends of time perhaps the last day of year 0, the first of 10000."""
        name = call.arguments[1]
        assert isinstance(name, Constant)
        zone = Zone.of(zone_named(str(name.value)), self.zone.low, self.zone.high)
        part = _part(call.function, self.dialect.date_of_days(zone.day_number(at)))
        if zone.low > zones.EARLIEST + 2 * zones.DAY and zone.high < zones.LATEST - 2 * zones.DAY:
            return part
        raw = at + zone.offset(at)
        early, late = {
            "getFullYear": (0, 10_000),
            "getMonth": (11, 0),
            "getDate": (31, 1),
            "getDayOfWeek": (0, 6),
        }[call.function]
        return ibis.cases((raw < zones.EARLIEST, early), (raw > zones.LATEST, late), else_=part)

    # ----------------------------------------------------------------------------------------------------- limits

    def _at_most(self, limit: AtMost) -> Truth:
        least, most = self._before(limit)
        at_most = limit.at_most - limit.own  # no number on record is too large to be compared
        return ibis.cases((least > at_most, ibis.literal(False)), (most <= at_most, ibis.literal(True)))

    def counted(self, limit: AtMost) -> Any:
        """The least number a limit compares, its own event included: no more than there are numbers."""
        least, _ = self._before(limit)
        return _where_else(least > INT_MAX - limit.own, ibis.literal(INT_MAX), least + limit.own)

    def _before(self, limit: AtMost) -> tuple[Any, Any]:
        """The least and the greatest number before a limit's own event; NULL: there is no greatest."""
        counted = self.row.counts[limit.count]
        least: Any = counted.least
        most: Any = _where(_truth(counted.whole), least)
        if limit.counted_by is not None:
            held = self.value(limit.counted_by)
            least = _where_else(held > least, held, least)
            most = ibis.coalesce(most, _where(held.notnull(), least))
            most = _where_else(most < held, held, most)
        if limit.guaranteed:
            most = ibis.coalesce(most, least)
        return least, most

    # -------------------------------------------------------------------------------------- what no row decides

    def is_constant(self, expr: Expr) -> bool:
        """Whether every row has the same value of it."""
        if expr not in self._constants:
            self._constants[expr] = self._decides_nothing(expr)
        return self._constants[expr]

    def _decides_nothing(self, expr: Expr) -> bool:
        match expr:
            case Field() | Count() | AtMost() | Variable():
                return False
            case Clock():
                return isinstance(self.row.today, date)
            case ConditionOf():
                return self.is_constant(self.program.conditions[expr.name].holds)
            case _:
                return all(self.is_constant(each) for each in children(expr))

    def _without_facts(self) -> Situation:
        """Where the reference evaluates what reads no fact; the clock stands where it is the same for every row."""
        row = self.row
        at = zones.instant(row.now) if isinstance(row.now, int) else zones.EPOCH
        today = row.today if isinstance(row.today, date) else zones.EPOCH.date()
        return Situation(
            records={},
            at=at,
            today=today,
            zone=self.zone.zone,
            history=History((), None),
            conditions=self.program.conditions,
            initial={},
        )

    # ------------------------------------------------------------------------------------------ what may be unknown

    def _doubtful(self, expr: Expr) -> Iterator[Expr]:
        """The parts that make it unknown if they are; each a fact, or a function that may fail."""
        if self.is_constant(expr):
            if evaluate(expr, self._situation) is None:
                yield expr
            return
        match expr:
            case Known() | Constant() | Variable() | Clock():
                return
            case Field() | Count() | AtMost():
                yield expr
            case ConditionOf(state="account") | Not():
                yield from self._opened(expr)
            case ConditionOf():
                yield expr
            case And():
                yield from self._of_conjunction(expr, denied=False)
            case Or():
                yield from self._of_conjunction(expr, denied=True)
            case Compare() if self._as_bound(expr) is not None:
                yield expr  # cheaper to ask than the sum on one of its sides
            case Quantifier():
                if _fails(expr.body):
                    yield expr
                yield from self._doubtful(expr.collection)
                yield from (each for each in self._doubtful(expr.body) if not _has_variable(each))
            case Call() if expr.function not in _NEVER_FAIL:
                yield expr
            case _:
                for each in children(expr):
                    yield from self._doubtful(each)

    def _opened(self, expr: ConditionOf | Not) -> Iterator[Expr]:
        inner = expr.operand if isinstance(expr, Not) else self.program.conditions[expr.name].holds
        yield from self._doubtful(inner)

    def _of_conjunction(self, expr: Expr, *, denied: bool) -> Iterator[Expr]:
        """Where a fact is asked to be known, its being unknown makes all of it false."""
        parts = list(self._conjuncts(expr, denied=denied))
        asked = {part.operand for part, is_denied in parts if isinstance(part, Known) and not is_denied}
        for part, _ in parts:
            yield from (each for each in self._doubtful(part) if each not in asked)

    def _conjuncts(self, expr: Expr, *, denied: bool) -> Iterator[tuple[Expr, bool]]:
        """What must all be so, and whether what must be so is that it is false."""
        match expr:
            case And() if not denied:
                for each in expr.operands:
                    yield from self._conjuncts(each, denied=False)
            case Or() if denied:
                for each in expr.operands:
                    yield from self._conjuncts(each, denied=True)
            case Not():
                yield from self._conjuncts(expr.operand, denied=not denied)
            case ConditionOf(state="account"):
                yield from self._conjuncts(self.program.conditions[expr.name].holds, denied=denied)
            case _:
                yield expr, denied


_NEVER_FAIL: Final = frozenset(
    {"size", "startsWith", "endsWith", "contains", "matches", "date", "daysBetween"}
    | {"getFullYear", "getMonth", "getDate", "getDayOfWeek"}
)


def _fails(expr: Expr) -> bool:
    """Whether a function in it may fail: it may do so for one element of many."""
    if isinstance(expr, Call) and expr.function not in _NEVER_FAIL:
        return True
    return any(_fails(each) for each in children(expr))


def _has_variable(expr: Expr) -> bool:
    return isinstance(expr, Variable) or any(_has_variable(each) for each in children(expr))


# ------------------------------------------------------------------------------------------------------ little words


def literal(value: Value | None, of: Type) -> Any:
    """A known value as every engine takes it; NULL for unknown; a set as a `SetColumn`."""
    if of.kind == "set":
        held = cast("frozenset[str]", value or frozenset())
        holds = {each: ibis.literal(each in held) for each in dict.fromkeys([*of.values, *sorted(held)])}
        return SetColumn(ibis.literal(value is not None), holds)
    if value is None:
        return ibis.null(_TYPES[of.kind])
    match value:
        case datetime():
            return ibis.literal(zones.micros(value), type="int64")
        case timedelta():
            return ibis.literal(_in_64(value // zones.MICROSECOND), type="int64")
        case _:
            return ibis.literal(value, type=_TYPES[of.kind])


def compared(operator: Comparison, left: Any, right: Any) -> Truth:
    match operator:
        # Ibis takes `==` and `!=` of a literal NULL for a question of what is NULL
        case "==":
            return cast("Truth", ops.Equals(left, right).to_expr())
        case "!=":
            return cast("Truth", ops.NotEquals(left, right).to_expr())
        case "<":
            return cast("Truth", left < right)
        case "<=":
            return cast("Truth", left <= right)
        case ">":
            return cast("Truth", left > right)
        case ">=":
            return cast("Truth", left >= right)


def _all(operands: Sequence[Truth]) -> Truth:
    """Kleene's *and*, which is SQL's; halved, so that many operands nest little."""
    return _balanced(operands, lambda left, right: left & right) if operands else ibis.literal(True)


def _any(operands: Sequence[Truth]) -> Truth:
    return _balanced(operands, lambda left, right: left | right) if operands else ibis.literal(False)


every = _all
some = _any


_SHORT: Final = 16
"""Operands that an engine is given as one *and* or *or*, of which DuckDB is quicker than of nested ones."""


def _balanced(operands: Sequence[Any], joined: Callable[[Any, Any], Any]) -> Any:
    if len(operands) <= _SHORT:
        return reduce(joined, operands)
    middle = len(operands) // 2
    return joined(_balanced(operands[:middle], joined), _balanced(operands[middle:], joined))


def _chosen(test: Truth, then: Any, otherwise: Any) -> Any:
    """Unknown where the test is: SQL's `ELSE` would be taken then."""
    return ibis.cases((test, then), (~test, otherwise))


def _where(test: Truth, value: Any) -> Any:
    """The value where the test is true, else NULL."""
    return ibis.cases((test, value))


def _where_else(test: Truth, value: Any, otherwise: Any) -> Any:
    return test.ifelse(value, otherwise)


def _truth(given: Any) -> Truth:
    return ibis.literal(given) if isinstance(given, bool) else given


def _in_64(number: int) -> int:
    return max(min(number, INT_MAX), INT_MIN)


def _in_calendar(day: Any) -> Any:
    return _where((day >= ibis.literal(_FIRST_DAY)) & (day <= ibis.literal(_LAST_DAY)), day)


def _part(getter: str, day: Any) -> Any:
    match getter:
        case "getFullYear":
            return day.year().cast("int64")
        case "getMonth":
            return day.month().cast("int64") - 1
        case "getDate":
            return day.day().cast("int64")
        case _:
            return (day.day_of_week.index().cast("int64") + 1) % 7


def _pattern(call: Call) -> str:
    pattern = call.arguments[1]
    assert isinstance(pattern, Constant)  # the compiler asks for one
    return str(pattern.value)


def _combined(operator: str, left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    if operator == "+":
        return left[0] + right[0], left[1] + right[1]
    if operator == "-":
        return left[0] - right[1], left[1] - right[0]
    products = [a * b for a in left for b in right]
    return min(products), max(products)


def _as(like: Expr, item: Constant) -> Constant:
    """The item typed as that element, to be compared with it."""
    return Constant(item.value, type_of(like))


def _with_element(body: Expr, variable: str, element: Expr) -> Expr:
    """The body of a quantifier about one element."""

    def change(node: Expr) -> Expr | None:
        match node:
            case Variable() if node.name == variable:
                return element
            case Quantifier() if node.variable.name == variable:  # another of the same name hides it
                return Quantifier(node.kind, node.variable, rebuilt(node.collection, change), node.body)
            case _:
                return None

    return rebuilt(body, change)
