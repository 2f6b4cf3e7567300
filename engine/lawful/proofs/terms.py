"""An expression of the IR as terms of Z3, of three values, as `engines/reference.py` has them.

`Terms` is to `Scene` what `evaluate` is to `Situation`. What Z3 does not know (functions of texts) is left free: a
counterexample is shown only once `check` has confirmed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol, assert_never, cast

import z3

from lawful import ir
from lawful.calendar import _LONGEST, Window
from lawful.engines.reference import arithmetic, zone_named
from lawful.ir import (
    INT_MAX,
    INT_MIN,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
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
    Quantifier,
    Type,
    Value,
    Variable,
    type_of,
)
from lawful.patterns import matches
from lawful.proofs import dates
from lawful.proofs.logic import (
    FALSE,
    TRUE,
    UNKNOWN,
    Bool,
    Item,
    Meaning,
    Number,
    Term,
    Truth,
    all_of,
    any_of,
    both,
    certain,
    choice,
    chosen,
    conjunction,
    disjunction,
    either,
    equal,
    given,
    less,
    negated,
    no_more,
    opposite,
    same,
)
from lawful.proofs.space import Atom, Model, Space

_LONGEST_DURATION: Final = _LONGEST // timedelta(microseconds=1)


class Moment(Protocol):
    """When something is judged."""

    @property
    def today(self) -> Number:
        """The local day, as an ordinal."""
        ...

    @property
    def now(self) -> Number:
        """The instant, in microseconds."""
        ...


class Counting(Protocol):
    """What happened to an account."""

    @property
    def whole(self) -> Bool:
        """Whether it is known at all."""
        ...

    def count(self, events: tuple[str, ...], window: Window, moment: Moment) -> Number:
        """How many of the events fall into the window, seen from that moment."""
        ...


Facts = Mapping[str, Meaning]
NOTHING: Final[Facts] = {}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a rule is judged in: the facts of one state, the moment, the history. What is absent is unknown."""

    space: Space
    records: Mapping[Owner, Facts]
    moment: Moment
    history: Counting
    conditions: Mapping[str, ir.Condition]

    def seen_from(self, state: str) -> Scene:
        """The scene of a condition about the state `before` or `after`: that account is *the* account."""
        features: Owner = "before.features" if state == "before" else "after.features"
        account: Owner = "before" if state == "before" else "after"
        records: dict[Owner, Facts] = {
            **self.records,
            "account": self.records.get(account, NOTHING),
            "features": self.records.get(features, NOTHING),
        }
        return replace(self, records=records)


@dataclass(slots=True)
class Terms:
    """The meanings of expressions in one scene, each worked out once."""

    scene: Scene
    _memo: dict[int, tuple[Expr, Meaning]] = field(default_factory=dict)
    _conditions: dict[tuple[str, str], Truth] = field(default_factory=dict)
    _elsewhere: dict[str, Terms] = field(default_factory=dict)
    _variables: dict[str, Meaning] = field(default_factory=dict)

    # -------------------------------------------------------------------------------------------------- by type

    def truth(self, expr: Expr) -> Truth:
        """Of an expression of type bool."""
        return cast("Truth", self.meaning(expr))

    def term(self, expr: Expr) -> Term:
        """Of an expression of any other type."""
        return cast("Term", self.meaning(expr))

    def outcome(self, when: Expr, requires: Expr) -> Truth:
        """Satisfied or violated or, where it is neither, unknown: of a rule."""
        applies, holds = self.truth(when), self.truth(requires)
        return Truth(either(applies.false, holds.true), both(applies.true, holds.false))

    def meaning(self, expr: Expr) -> Meaning:
        if self._variables:  # what a body means depends on the element at hand
            return self._meaning(expr)
        found = self._memo.get(id(expr))
        if found is None:
            found = self._memo[id(expr)] = (expr, self._meaning(expr))  # keeping the node keeps its identity
        return found[1]

    def _meaning(self, expr: Expr) -> Meaning:
        match expr:
            case Constant():
                return constant(self.scene.space, expr.value, expr.type)
            case Field():
                return self.scene.records.get(expr.owner, NOTHING).get(expr.name, absent(expr.type))
            case Clock():
                moment = self.scene.moment
                return Term(moment.today if expr.name == "today" else moment.now, True)
            case Variable():
                return self._variables[expr.name]
            case ConditionOf():
                return self._condition(expr)
            case Count():
                return self._count(expr)
            case AtMost():
                return self._at_most(expr)
            case Known():
                return certain(self.meaning(expr.operand).known)
            case Not():
                return negated(self.truth(expr.operand))
            case And():
                return all_of(self.truth(each) for each in expr.operands)
            case Or():
                return any_of(self.truth(each) for each in expr.operands)
            case Compare():
                return self._compare(expr)
            case ListOf():
                items = tuple(Item(True, self.meaning(each)) for each in expr.items)
                return Term(items, conjunction(each.meaning.known for each in items))
            case Member():
                return self._member(expr)
            case Conditional():
                return self._conditional(expr)
            case Quantifier():
                return self._quantified(expr)
            case Call():
                return self._call(expr)
            case _:
                assert_never(expr)

    # ------------------------------------------------------------------------------------------------- the nodes

    def _condition(self, expr: ConditionOf) -> Truth:
        key = (expr.state, expr.name)
        if key not in self._conditions:
            self._conditions[key] = self._seen_from(expr.state).truth(self.scene.conditions[expr.name].holds)
        return self._conditions[key]

    def _seen_from(self, state: str) -> Terms:
        """A condition has no variables but its own."""
        if state not in self._elsewhere:
            scene = self.scene if state == "account" else self.scene.seen_from(state)
            self._elsewhere[state] = Terms(scene)
        return self._elsewhere[state]

    def _count(self, expr: Count) -> Term:
        history = self.scene.history
        return Term(history.count(expr.events, expr.window, self.scene.moment), history.whole)

    def _at_most(self, limit: AtMost) -> Truth:
        """With a history and a field that holds the number, the larger counts."""
        history = self.scene.history
        recorded = history.count(limit.count.events, limit.count.window, self.scene.moment)
        number = choice(history.whole, recorded, 0)
        known = history.whole
        if limit.counted_by is not None:
            held = self.term(limit.counted_by)
            more = both(held.known, less(number, held.value))
            number = choice(more, held.value, number)
            known = either(known, held.known)
        within = no_more(number + limit.own, limit.at_most)
        return Truth(both(within, True if limit.guaranteed else known), opposite(within))

    def _compare(self, expr: Compare) -> Truth:
        left, right = self.meaning(expr.left), self.meaning(expr.right)
        known = both(left.known, right.known)
        match expr.operator:
            case "==" | "!=":
                equals = given(same(left, right), known)
                return equals if expr.operator == "==" else negated(equals)
            case "<":
                return given(less(left.value, right.value), known)
            case "<=":
                return given(no_more(left.value, right.value), known)
            case ">":
                return given(less(right.value, left.value), known)
            case ">=":
                return given(no_more(right.value, left.value), known)

    def _member(self, expr: Member) -> Truth:
        item, within = self.meaning(expr.item), self.term(expr.collection)
        known = both(item.known, within.known)
        if type_of(expr.collection).kind == "set":
            places = enumerate(within.value)
            return given(disjunction(both(equal(item.value, place), held) for place, held in places), known)
        return given(disjunction(both(each.held, same(item, each.meaning)) for each in within.value), known)

    def _conditional(self, expr: Conditional) -> Meaning:
        test = self.truth(expr.test)
        then, otherwise = self.meaning(expr.then), self.meaning(expr.otherwise)
        found = chosen(test.true, then, otherwise)
        if isinstance(found, Truth):
            return Truth(both(test.known, found.true), both(test.known, found.false))
        return Term(found.value, both(test.known, found.known))

    def _quantified(self, expr: Quantifier) -> Truth:
        """Kleene's *or* and *and* over the elements; unknown where the collection is."""
        collection = self.term(expr.collection)
        if type_of(expr.collection).kind == "set":
            elements: list[tuple[Meaning, Bool]] = [(Term(n, True), held) for n, held in enumerate(collection.value)]
        else:
            elements = [(each.meaning, each.held) for each in collection.value]
        bodies = [(self._body(expr, element), held) for element, held in elements]
        if expr.kind == "exists":
            found = any_of(Truth(both(held, body.true), either(opposite(held), body.false)) for body, held in bodies)
        else:
            found = all_of(Truth(either(opposite(held), body.true), both(held, body.false)) for body, held in bodies)
        return Truth(both(collection.known, found.true), both(collection.known, found.false))

    def _body(self, expr: Quantifier, element: Meaning) -> Truth:
        shadowed = self._variables
        self._variables = {**shadowed, expr.variable.name: element}
        try:
            return self.truth(expr.body)
        finally:
            self._variables = shadowed

    def _call(self, expr: Call) -> Meaning:
        arguments = [self.meaning(each) for each in expr.arguments]
        known = conjunction(each.known for each in arguments)
        if known is False:
            return absent(type_of(expr))
        values = [each.value for each in arguments]
        result, defined = self._value(expr, type_of(expr.arguments[0]), values, known)
        if defined is False:
            return absent(type_of(expr))
        if type_of(expr) == ir.BOOL:
            return given(result, both(known, defined))
        return Term(result, both(known, defined))

    def _value(self, expr: Call, of: Type, values: list[Any], known: Bool) -> tuple[Any, Bool]:
        """The function's value of known arguments, and whether it has one."""
        space = self.scene.space
        match expr.function, values:
            case "+" | "-" | "*" | "/" | "%" | "negate", _:
                return _arithmetic(space, expr.function, values)
            case "add_duration", [at, length]:
                return at + length, _within(at + length, dates.EARLIEST, dates.LATEST)
            case "subtract_duration", [at, length]:
                return at - length, _within(at - length, dates.EARLIEST, dates.LATEST)
            case "between", [later, earlier]:
                return later - earlier, _within(later - earlier, -_LONGEST_DURATION, _LONGEST_DURATION)
            case "size" | "startsWith" | "endsWith" | "contains" | "matches", [text, *more]:
                return self._of_text(expr.function, text, more[0] if more else None), True
            case "date", [at]:
                return dates.local_day(space, at, space.zone, known)[0], True
            case "addDays", [day, days]:
                return day + days, _within(day + days, dates.FIRST, dates.LAST)
            case "addMonths", [day, months]:
                return dates.add_months(space, day, months, known)
            case "addYears", [day, years]:
                return dates.add_months(space, day, 12 * years, known)
            case "daysBetween", [first, second]:
                return second - first, True
            case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek", [of_day, *where]:
                zone = expr.arguments[1] if where else None
                return self._part(expr.function, of_day, zone, known), True
            case _:
                raise TypeError(f"{expr.function} of {of}")  # no well-typed expression comes here

    def _part(self, function: str, of: Number, zone: Expr | None, known: Bool) -> Number:
        space = self.scene.space
        day = of
        if zone is not None:
            name = cast("str", cast("Constant", zone).value)
            day = dates.local_day(space, of, zone_named(name), known)[0]
        if function == "getDayOfWeek":
            return dates.day_of_week(space, day)
        parts = dates.civil(space, day)
        match function:
            case "getFullYear":
                return parts.year
            case "getMonth":
                return parts.month - 1
            case _:
                return parts.day

    def _of_text(self, function: str, text: Number, argument: Number | None) -> Any:
        """Exact of texts that the policy names, else free: the doubt makes it exact where a model has such a text."""
        space = self.scene.space
        arguments = [text] if argument is None else [text, argument]
        if all(isinstance(each, int) for each in arguments):
            return _text_value(function, [space.texts.named[each] for each in cast("list[int]", arguments)])
        numbers = [z3.IntVal(each, space.context) if isinstance(each, int) else each for each in arguments]
        value = space.function(function, len(arguments), truth=function != "size")(*numbers)
        if function == "size":
            space.assume(value >= 0)
        space.texts.atoms.append(Atom(function, text, argument, value))
        space.doubts.append(_OfText(space, function, arguments, value))
        if isinstance(argument, int) or argument is None:
            self._tell(function, text, argument, value)
        return value

    def _tell(self, function: str, text: Number, argument: int | None, value: Any) -> None:
        """What it is of each text that has a name so far."""
        named = self.scene.space.texts.named
        more = [] if argument is None else [named[argument]]
        for code, each in enumerate(named):
            exact = _text_value(function, [each, *more])
            self.scene.space.assume(either(opposite(equal(text, code)), equal(value, exact)))


@dataclass(slots=True)
class _OfText:
    """A function of texts: known where the texts are."""

    space: Space
    function: str
    arguments: list[Number]
    value: Any
    told: list[Bool] = field(default_factory=list)

    def lemmas(self, model: Model) -> list[Bool]:
        codes = [model.number(each) for each in self.arguments]
        named = self.space.texts.named
        if not all(0 <= code < len(named) for code in codes):
            return []
        exact = _text_value(self.function, [named[code] for code in codes])
        if model.value(self.value) == exact:
            return []
        these = conjunction(each == code for each, code in zip(self.arguments, codes, strict=True))
        return [either(opposite(these), equal(self.value, exact))]


def _text_value(function: str, texts: list[str]) -> int | bool:
    match function, texts:
        case "size", [text]:
            return len(text)
        case "startsWith", [text, part]:
            return text.startswith(part)
        case "endsWith", [text, part]:
            return text.endswith(part)
        case "contains", [text, part]:
            return part in text
        case "matches", [text, pattern]:
            return matches(text, pattern)
        case _:
            raise TypeError(function)


def absent(type: Type) -> Meaning:
    """What is unknown."""
    if type == ir.BOOL:
        return UNKNOWN
    return Term((False,) * len(type.values) if type.kind == "set" else 0, False)


def constant(space: Space, value: Value, type: Type) -> Meaning:
    """A known value as a term."""
    match type.kind, value:
        case "bool", bool():
            return TRUE if value else FALSE
        case "int", int():
            return Term(value, True)
        case "string", str():
            return Term(space.texts.code(value), True)
        case "date", date():
            return Term(value.toordinal(), True)
        case "timestamp", datetime():
            return Term(dates.micros(value), True)
        case "duration", timedelta():
            return Term(value // timedelta(microseconds=1), True)
        case "enum", str():
            # A variable's type may be the element of a list of names: such a value may be none of the type's.
            return Term(type.values.index(value) if value in type.values else -1, True)
        case "set", frozenset():
            return Term(tuple(each in value for each in type.values), True)
        case "list", tuple():
            assert type.element is not None
            element = type.element
            return Term(tuple(Item(True, constant(space, each, element)) for each in value), True)
        case _:
            raise TypeError(f"{value!r} as {type}")


# -------------------------------------------------------------------------------------------------------- numbers


def _within(number: Number, low: int, high: int) -> Bool:
    if isinstance(number, int):
        return low <= number <= high
    return both(no_more(low, number), no_more(number, high))


def _arithmetic(space: Space, function: str, values: list[Any]) -> tuple[Number, Bool]:
    """64-bit: what overflows, and what is divided by zero, has no value."""
    if all(isinstance(each, int) for each in values):
        known = arithmetic(function, *values)
        return (0, False) if known is None else (known, True)
    match function, values:
        case "+", [left, right]:
            value = left + right
        case "-", [left, right]:
            value = left - right
        case "*", [left, right]:
            value = left * right
        case "negate", [one]:
            value = -one
        case "/" | "%", [left, right]:
            return _divided(space, function, left, right)
        case _:
            raise TypeError(function)
    return value, _within(value, INT_MIN, INT_MAX)


def _divided(space: Space, function: str, left: Number, right: Number) -> tuple[Number, Bool]:
    """Truncated; the remainder has the dividend's sign."""
    quotient, rest = space.integer("quotient"), space.integer("rest")
    defined = both(right != 0, either(left != INT_MIN, right != -1))
    size: Callable[[Number], Number] = lambda number: choice(number >= 0, number, -number)  # noqa: E731 - said once
    space.assume(
        either(
            equal(right, 0),
            both(
                left == quotient * right + rest,
                size(rest) < size(right),
                either(rest == 0, equal(rest > 0, left > 0)),
            ),
        )
    )
    return (quotient if function == "/" else rest), defined
