"""Expressions as Python: the fast engine writes each rule down as a few lines and lets Python compile them.

An expression of three values has two rails: Python that is truthy exactly where it is true, and Python that is truthy
exactly where it is false; neither is where it is unknown. Everything that is no logic is computed once, into a local
variable. Policies stay data: names are made here, texts and numbers are written as literals, all else is a constant.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any, Final, Literal, NamedTuple, Protocol, assert_never, cast
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.engines.reference import arithmetic, part_of, shifted, zone_named
from lawful.engines.situation import Situation, counted
from lawful.ir import (
    BOOL,
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
    Function,
    Known,
    ListOf,
    Member,
    Not,
    Or,
    Owner,
    Quantifier,
    Value,
    Variable,
    rebuilt,
    type_of,
    walk,
)
from lawful.patterns import matches

DEEPEST: Final = 30
"""How deep an expression is nested in Python: its parser gives up at 200."""
_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Rails(NamedTuple):
    """Python that is truthy where an expression is true, and where it is false."""

    true: str
    false: str
    depth: int = 0


ALWAYS: Final = Rails("True", "False")
NEVER: Final = Rails("False", "True")


class Facts(Protocol):
    """What the writer does not know by itself: where facts, conditions and counts come from."""

    def fact(self, writer: Writer, field: Field) -> str: ...
    def condition(self, writer: Writer, condition: ConditionOf) -> Expr: ...
    def counted(self, writer: Writer, limit: AtMost) -> tuple[str, str]:
        """The least and the greatest number, None where there is none: of other events than the change itself."""

    def count(self, writer: Writer, count: Count) -> tuple[str, str]: ...


class Writer:
    """Writes the lines of one function."""

    def __init__(self, zone: ZoneInfo, facts: Facts, uses: Mapping[Expr, int] | None = None) -> None:
        self.uses: Counter[Expr] = Counter()
        """How many of the expressions that were prepared for use a fact or a condition."""
        self._worth = uses
        self.lines: list[str] = []
        self.constants: dict[str, object] = {}
        """What the lines call by name."""
        self._constant_names: dict[object, str] = {}
        self._zone = zone
        self._facts = facts
        self._indent = 1
        self._names: set[str] = set()
        self._sure = {"today", "now"}
        """The names of what is never unknown."""
        self._known: list[dict[Expr, str]] = [{}]
        self._variables: dict[str, str] = {}

    # -------------------------------------------------------------------------------------------------- the lines

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """The lines below a header; what is computed there is not known after it."""
        self.line(header)
        self._indent += 1
        self._known.append({})
        before = len(self.lines)
        yield
        if all(line.lstrip().startswith("#") for line in self.lines[before:]):
            self.line("pass")
        self._known.pop()
        self._indent -= 1

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Lines after which what they computed is not known, because it will be otherwise."""
        self._known.append({})
        yield
        self._known.pop()

    @contextmanager
    def condition(self, test: str) -> Iterator[None]:
        """The lines that are run where a test holds, if there are any."""
        if test == "True":
            yield
            return
        before = len(self.lines)
        with self.block(f"if {test}:"):
            yield
        if self.lines[-1].strip() == "pass" and len(self.lines) == before + 2:
            del self.lines[before:]

    def name(self, wish: str) -> str:
        """A name not used before, like the one that is wished for."""
        stem = re.sub(r"\W", "_", wish, flags=re.ASCII).strip("_") or "x"
        name, number = f"{stem}_", 1
        while name in self._names:
            number += 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def constant(self, wish: str, value: object) -> str:
        """A name for a value that has no literal."""
        same = (type(value), value) if type(value) in _PLAIN else id(value)
        name = self._constant_names.get(same)
        if name is None:
            name = self._constant_names[same] = self.name(wish)
            self.constants[name] = value  # which keeps it, and so its identity
        return name

    def assigned(self, wish: str, text: str) -> str:
        name = self.name(wish)
        self.line(f"{name} = {text}")
        return name

    def let(self, expr: Expr, text: str) -> None:
        """From here on the expression has that value."""
        self._known[-1][expr] = text

    def sure(self, name: str) -> str:
        """That name, of a value that is never unknown."""
        self._sure.add(name)
        return name

    # ---------------------------------------------------------------------------------------------- the expressions

    def prepare(self, *exprs: Expr) -> None:
        """Read the facts and evaluate the conditions of expressions here, whether they will be needed or not.

        Where the lines branch, each branch finds them: each is read once. What nothing else uses can wait, if the uses
        are known from an earlier writing.
        """
        found = dict.fromkeys(node for expr in exprs for node in walk(expr) if isinstance(node, (Field, ConditionOf)))
        self.uses.update(found.keys())
        for node in found:
            if self._worth is None or self._worth.get(node, 2) > 1:
                self.value(node)

    def rails(self, expr: Expr) -> Rails:
        """Of a boolean expression."""
        known = self._lookup(expr)
        if known is not None:
            return _of(known)
        match expr:
            case Constant():
                return ALWAYS if expr.value is True else NEVER
            case Not():
                true, false, depth = self.rails(expr.operand)
                return Rails(false, true, depth)
            case And():
                return self._shallow(expr, conjunction([self.rails(each) for each in expr.operands]))
            case Or():
                return self._shallow(expr, disjunction([self.rails(each) for each in expr.operands]))
            case Compare():
                return self._comparison(expr)
            case Member():
                return self._membership(expr)
            case Known():
                value = self.value(expr.operand)
                if self._is_known(value):
                    return ALWAYS
                return NEVER if value == "None" else Rails(f"{value} is not None", f"{value} is None")
            case Conditional():
                return self._shallow(expr, self._choice(expr))
            case AtMost():
                least, most = self._facts.counted(self, expr)
                others = expr.at_most - expr.own
                return Rails(f"{most} is not None and {most} <= {others}", f"{least} > {others}", 1)
            case _:
                return _of(self.value(expr))

    def value(self, expr: Expr) -> str:
        """A name or a literal with the value of the expression: None where it is unknown."""
        known = self._lookup(expr)
        if known is not None:
            return known
        if isinstance(expr, Constant):
            return self._literal(expr.value)
        value = self._written(expr)
        self.let(expr, value)
        return value

    def _written(self, expr: Expr) -> str:
        match expr:
            case Field():
                return self._facts.fact(self, expr)
            case Clock():
                return expr.name
            case Variable():
                return self._variables[expr.name]
            case ConditionOf():
                return self._materialised(expr.name, self.rails(self._facts.condition(self, expr)))
            case Count():
                least, most = self._facts.count(self, expr)
                return self.assigned("count", f"{least} if {least} == {most} else None")
            case ListOf():
                items = [self.value(each) for each in expr.items]
                return self._if_known("listed", f"({', '.join(items)},)" if items else "()", items)
            case Conditional() if type_of(expr.then) != BOOL:
                test = self.value(expr.test)
                then, otherwise = self.value(expr.then), self.value(expr.otherwise)
                return self.assigned("chosen", f"{then} if {test} else {otherwise} if {test} is False else None")
            case Call():
                arguments = [self.value(each) for each in expr.arguments]
                if expr.function == "startsWith" and isinstance(expr.arguments[1], Constant):
                    return self._begins(arguments[0], cast("str", expr.arguments[1].value))
                text = f"{self._function(expr)}({', '.join(arguments)})"
                return self._if_known(expr.function if expr.function.isalpha() else "number", text, arguments)
            case Quantifier():
                return self._quantified(expr)
            case Not() | And() | Or() | Compare() | Member() | Known() | Conditional() | AtMost():
                return self._materialised("holds", self.rails(expr))
            case Constant():
                return self._literal(expr.value)
        assert_never(expr)

    # -------------------------------------------------------------------------------------------- kind by kind

    def _comparison(self, expr: Compare) -> Rails:
        left, right = self.value(expr.left), self.value(expr.right)
        if "None" in (left, right):
            return Rails("False", "False")
        known = [f"{each} is not None" for each in (left, right) if not self._is_known(each)]
        true = f"{left} {expr.operator} {right}"
        false = f"{left} {_OPPOSITE[expr.operator]} {right}"
        # Nothing is equal to None but itself: one that is known is enough.
        enough = known[:-1]
        true_guard, false_guard = known, known
        if expr.operator == "==":
            true_guard = enough
        elif expr.operator == "!=":
            false_guard = enough
        return Rails(all_of([*true_guard, true]), all_of([*false_guard, false]), 1)

    def _membership(self, expr: Member) -> Rails:
        item = self.value(expr.item)
        if isinstance(expr.collection, ListOf) and all(isinstance(each, Constant) for each in expr.collection.items):
            items = [self.value(each) for each in expr.collection.items]
            within, known = f"({', '.join(items)},)" if items else "()", [item]
        else:
            within = self.value(expr.collection)
            known = [item, within]
        if "None" in known:
            return Rails("False", "False")
        guard = [f"{each} is not None" for each in known if not self._is_known(each)]
        return Rails(all_of([*guard, f"{item} in {within}"]), all_of([*guard, f"{item} not in {within}"]), 1)

    def _choice(self, expr: Conditional) -> Rails:
        test = self.value(expr.test)
        then, otherwise = self.rails(expr.then), self.rails(expr.otherwise)
        depth = 1 + max(then.depth, otherwise.depth)
        decided = _of(test)
        true = any_of([all_of([decided.true, then.true]), all_of([decided.false, otherwise.true])])
        false = any_of([all_of([decided.true, then.false]), all_of([decided.false, otherwise.false])])
        return Rails(true, false, depth)

    def _quantified(self, expr: Quantifier) -> str:
        collection = self.value(expr.collection)
        self.prepare(expr.body)
        body, element = self.name("holds"), self.name(expr.variable.name)
        outer, known = self._variables, self._known
        self._variables = {**outer, expr.variable.name: element}
        # What was computed of an outer variable of that name is not of this one.
        self._known = [{each: name for scope in known for each, name in scope.items() if not _has_variables(each)}]
        with self.block(f"def {body}({element}):"):
            true, false, _ = self.rails(expr.body)
            self.line(f"return {_three_valued(true, false)}")
        self._variables, self._known = outer, known
        quantifier = self.constant(expr.kind, _exists if expr.kind == "exists" else _every)
        return self._if_known("found", f"{quantifier}({collection}, {body})", [collection])

    def _begins(self, text: str, beginning: str) -> str:
        """Of a constant: to cut the text takes half as long as to call its method."""
        return self._if_known("begins", f"{text}[:{len(beginning)}] == {beginning!r}", [text])

    def _function(self, call: Call) -> str:
        return self.constant(call.function if call.function.isalpha() else "calculate", self._callable(call))

    def _callable(self, call: Call) -> Callable[..., Value | None]:
        match call.function:
            case "date":
                return _partial(_day_in, self._zone)
            case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek":
                return _partial(_part_in if len(call.arguments) == 2 else _part_of_day, call.function)
            case function:
                return _FUNCTIONS[function]

    # ------------------------------------------------------------------------------------------------- the pieces

    def _lookup(self, expr: Expr) -> str | None:
        for scope in reversed(self._known):
            if expr in scope:
                return scope[expr]
        return None

    def _shallow(self, expr: Expr, rails: Rails) -> Rails:
        """The rails themselves, or those of a name for what is nested too deep."""
        if rails.depth <= DEEPEST:
            return rails
        name = self._materialised("holds", rails)
        self.let(expr, name)
        return _of(name)

    def _materialised(self, wish: str, rails: Rails) -> str:
        if rails == _of(rails.true):  # it has a name already
            return rails.true
        return self.assigned(wish, _three_valued(rails.true, rails.false))

    def _is_known(self, value: str) -> bool:
        """Whether a name or a literal is surely not None."""
        return value in self._sure or _LITERAL.match(value) is not None

    def _if_known(self, wish: str, text: str, operands: list[str]) -> str:
        if "None" in operands:
            return "None"
        unsure = [f"{each} is not None" for each in dict.fromkeys(operands) if not self._is_known(each)]
        return self.assigned(wish, f"{text} if {' and '.join(unsure)} else None" if unsure else text)

    def _literal(self, value: Value) -> str:
        if type(value) in (bool, int, str):
            return repr(value)
        name = self.constant(f"day_{value}" if type(value) is date else type(value).__name__, value)
        self._sure.add(name)
        return name


def conjunction(parts: Iterable[Rails]) -> Rails:
    parts = tuple(parts)
    return Rails(all_of(each.true for each in parts), any_of(each.false for each in parts), _depth(parts))


def disjunction(parts: Iterable[Rails]) -> Rails:
    parts = tuple(parts)
    return Rails(any_of(each.true for each in parts), all_of(each.false for each in parts), _depth(parts))


def _depth(parts: tuple[Rails, ...]) -> int:
    return 1 + max((each.depth for each in parts), default=0)


def all_of(tests: Iterable[str]) -> str:
    tests = list(dict.fromkeys(each for each in tests if each != "True"))
    if "False" in tests:
        return "False"
    if len(tests) < 2:
        return tests[0] if tests else "True"
    return " and ".join(f"({each})" if " or " in each or " if " in each else each for each in tests)


def any_of(tests: Iterable[str]) -> str:
    tests = list(dict.fromkeys(each for each in tests if each != "False"))
    if "True" in tests:
        return "True"
    if len(tests) < 2:
        return tests[0] if tests else "False"
    return " or ".join(f"({each})" if " and " in each or " if " in each else each for each in tests)


def negated(test: str) -> str:
    match test:
        case "True":
            return "False"
        case "False":
            return "True"
        case _:
            return f"not ({test})" if " " in test else f"not {test}"


def _of(value: str) -> Rails:
    """Of a name or a literal."""
    match value:
        case "True":
            return ALWAYS
        case "False":
            return NEVER
        case "None":
            return Rails("False", "False")
        case _:
            return Rails(value, f"{value} is False")


def _three_valued(true: str, false: str) -> str:
    if true == "True" or false == "True":
        return true
    if false == "False":
        return "None" if true == "False" else f"True if {true} else None"
    return f"True if {true} else False if {false} else None"


_PLAIN: Final = (int, str, date, datetime)
_LITERAL: Final = re.compile(r"-?[0-9]|['\"]|True$|False$")


def _has_variables(expr: Expr) -> bool:
    return any(isinstance(node, Variable) for node in walk(expr))


# -------------------------------------------------------------------------------------------------- what is called


def _exists(collection: Iterable[Value], holds: Callable[[Value], bool | None]) -> bool | None:
    found: bool | None = False
    for each in collection:
        value = holds(each)
        if value:
            return True
        if value is None:
            found = None
    return found


def _every(collection: Iterable[Value], holds: Callable[[Value], bool | None]) -> bool | None:
    found: bool | None = True
    for each in collection:
        value = holds(each)
        if value is False:
            return False
        if value is None:
            found = None
    return found


def _day_in(zone: ZoneInfo, at: datetime) -> date:
    return calendar.day_of(at, zone)


def _part_in(getter: str, at: datetime, where: str) -> int:
    return part_of(getter, *calendar.shown(at, zone_named(where)))


def _part_of_day(getter: str, day: date) -> int:
    return part_of(getter, day.year, day.month, day.day, day.isoweekday() % 7)


def _days_between(first: date, second: date) -> int:
    return (second - first).days


def _earlier(at: datetime, length: timedelta) -> datetime | None:
    return shifted(at, -length)


_partial = cache(partial)  # one object for one function, so that it is one constant

_FUNCTIONS: Final[Mapping[Function, Callable[..., Value | None]]] = {
    "+": _partial(arithmetic, "+"),
    "-": _partial(arithmetic, "-"),
    "*": _partial(arithmetic, "*"),
    "/": _partial(arithmetic, "/"),
    "%": _partial(arithmetic, "%"),
    "negate": _partial(arithmetic, "negate"),
    "add_duration": shifted,
    "subtract_duration": _earlier,
    "between": calendar.between,
    "size": len,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
    "matches": matches,
    "addDays": calendar.add_days,
    "addMonths": calendar.add_months,
    "addYears": calendar.add_years,
    "daysBetween": _days_between,
}
"""Of known values; None where it fails. `date` and the getters depend on a zone: the writer makes them."""


# ------------------------------------------------------------------------------------------------- one expression


def value(expr: Expr, situation: Situation) -> Value | None:
    """The value of one expression, for who has no other: it is written and compiled each time."""
    writer = Writer(situation.zone, _OfSituation(situation))
    writer.line(f"return {writer.value(expr)}")
    return cast(
        "Value | None",
        compiled("value", ("situation", "today", "now"), writer)(situation, situation.today, situation.at),
    )


def compiled(name: str, parameters: tuple[str, ...], writer: Writer) -> Callable[..., Any]:
    """The function of the lines."""
    space: dict[str, Any] = {"__builtins__": {}, **writer.constants}
    exec(compile(source(name, parameters, writer), f"<lawful {name}>", "exec"), space)
    return cast("Callable[..., Any]", space[name])


def source(name: str, parameters: tuple[str, ...], writer: Writer) -> str:
    return "\n".join([f"def {name}({', '.join(parameters)}):", *writer.lines, ""])


class _OfSituation:
    """Facts as a situation has them, owner by owner."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation

    def fact(self, writer: Writer, field: Field) -> str:
        record = writer.constant(field.owner, self._situation.records[field.owner].get)
        return writer.assigned(field.name, f"{record}({field.name!r})")

    def condition(self, writer: Writer, condition: ConditionOf) -> Expr:
        return seen_from(self._situation.conditions[condition.name].holds, condition.state)

    def counted(self, writer: Writer, limit: AtMost) -> tuple[str, str]:
        owner = "account" if limit.counted_by is None else limit.counted_by.owner
        where = self._situation
        if limit.counted_by is not None and owner in ("before", "after"):
            where = where.seen_from(owner)
            limit = replace(limit, counted_by=replace(limit.counted_by, owner="account"))
        least, most = counted(limit, where)
        return self._bounds(writer, (least - limit.own, None if most is None else most - limit.own))

    def count(self, writer: Writer, count: Count) -> tuple[str, str]:
        where = self._situation
        return self._bounds(writer, where.history.count(count.events, count.window, where.at, where.zone))

    def _bounds(self, writer: Writer, bounds: tuple[int, int | None]) -> tuple[str, str]:
        least, most = bounds
        return writer.assigned("least", repr(least)), writer.assigned("most", repr(most))


_STATES: Final[Mapping[str, Mapping[Owner, Owner]]] = {
    "account": {},
    "before": {"account": "before", "features": "before.features"},
    "after": {"account": "after", "features": "after.features"},
}


def seen_from(expr: Expr, state: Literal["account", "before", "after"]) -> Expr:
    """An expression about *the* account, said of the account in that state."""
    owners = _STATES[state]

    def seen(node: Expr) -> Expr | None:
        match node:
            case Field(owner=owner) if owner in owners:
                return replace(node, owner=owners[owner])
            case AtMost(counted_by=Field(owner=owner) as field) if owner in owners:
                return replace(node, counted_by=replace(field, owner=owners[owner]))
            case ConditionOf(state="account"):
                return replace(node, state=state)
            case _:
                return None

    return rebuilt(expr, seen) if owners else expr
