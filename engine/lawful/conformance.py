"""Cases of expressions, each with the value it must have: judged by every engine, and by CEL's own evaluator.

A published conformance suite comes in by this door. What the language leaves out on purpose is not wrong here: it is
*outside*, and its reason is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, assert_never, get_args
from zoneinfo import ZoneInfo

from lawful import calendar, ir, values, wording
from lawful.conditions import ConditionError, Conditions, Vocabulary, literal
from lawful.conditions.evaluator import Evaluator, variable
from lawful.conditions.vocabulary import TYPE_NAMES
from lawful.deciding.judging import Judge
from lawful.diagnostics import Problem, RequestError, near
from lawful.engines import direct, reference, rete
from lawful.engines.situation import History, Situation
from lawful.ir import Expr, Type, Value
from lawful.reading import Reader

Engine = Literal["reference", "rete", "direct", "cel"]


class Another(Enum):
    """What rete gives where it is asked for one value and finds that it is not that."""

    ANOTHER = "another value"


Given: TypeAlias = Value | Another | None


@dataclass(frozen=True, slots=True)
class Case:
    """An expression, what it speaks of, and the value it must have: None is unknown, as a failed evaluation is."""

    expr: str
    bindings: Mapping[str, object]
    value: object
    fails: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case is outside: the code of a diagnostic, or `other-type`; and words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case. An engine that cannot be asked has given nothing."""

    case: Case
    outside: tuple[Reason, ...] = ()
    wanted: Value | None = None
    given: Mapping[Engine, Given] = field(default_factory=dict)

    @property
    def wrong(self) -> tuple[Engine, ...]:
        return tuple(engine for engine, given in self.given.items() if not _same(given, self.wanted))

    @property
    def outcome(self) -> Literal["right", "wrong", "outside"]:
        if self.outside:
            return "outside"
        return "wrong" if self.wrong else "right"


class Outside(Exception):
    """Something that CEL has and the language does not."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.reason = Reason("other-type", message)


# ---------------------------------------------------------------------------------------------------------- reading

_KEYS: Final = ("expr", "bindings", "value", "error", "name", "id", "note")
_FOREIGN: Final = {
    "double": "a number with a fraction",
    "uint": "an unsigned number",
    "bytes": "bytes",
    "null": "null",
    "map": "a map",
    "type": "a type",
    "message": "a message",
}
_OWN: Final = tuple(kind for kind in get_args(ir.Kind) if kind != "enum")
_DEEPEST: Final = 60
_FINER: Final = re.compile(r"\.[0-9]{7,}")


def read_case(given: Mapping[str, Any]) -> Case:
    """The case that a JSON object is. Raises RequestError with every problem."""
    problems = [Problem(key, "a case has no such key", near(key, _KEYS)) for key in given if key not in _KEYS]
    expr, bindings, name = given.get("expr"), given.get("bindings", {}), given.get("name", given.get("id"))
    if not isinstance(expr, str):
        problems.append(Problem("expr", "a case needs the text of an expression"))
    if not isinstance(bindings, Mapping):
        problems.append(Problem("bindings", f"{values.shown(bindings)} stands where an object should be"))
    problems += [
        Problem(key, "the value is nested too deeply") for key in ("bindings", "value") if _is_deep(given.get(key))
    ]
    if not isinstance(name, (str, int, type(None))):
        problems.append(Problem("name", f"{values.shown(name)} is not a text"))
    fails = given.get("error", False)
    if not isinstance(fails, (bool, str)):
        problems.append(Problem("error", f"{values.shown(fails)} is neither `true` nor a text"))
    if ("value" in given) == bool(fails):
        problems.append(Problem("value", "a case has either a `value` or an `error`"))
    if problems or not isinstance(expr, str):
        raise RequestError(problems)
    return Case(expr, bindings, given.get("value"), bool(fails), None if name is None else str(name))


def _is_deep(given: object) -> bool:
    """Whether it is nested deeper than any value of the language, and maybe than Python can follow."""
    level = [given]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return False
    return True


def _within(given: object) -> Iterable[object]:
    if isinstance(given, Mapping):
        return given.values()
    return given if isinstance(given, (list, tuple)) else ()


def typed(given: object, path: str) -> tuple[Type, Value]:
    """A value and its type: JSON's own, or told as in `{"duration": "90s"}`. Raises RequestError, Outside."""
    match given:
        case bool():
            return ir.BOOL, given
        case values.Fractional() | float():
            raise Outside(_FOREIGN["double"])
        case int():
            return _whole(given)
        case str():
            return ir.STRING, _text(given, path)
        case list():
            return _list(given, path)
        case None:
            raise Outside(_FOREIGN["null"])
        case Mapping() if len(given) == 1:
            ((name, inner),) = given.items()
            return _told(name, inner, path)
        case _:
            raise _not_a_value(given, path)


def _whole(number: int) -> tuple[Type, Value]:
    if not ir.INT_MIN <= number <= ir.INT_MAX:
        raise Outside("a number of more than 64 bits")
    return ir.INT, number


def _text(given: str, path: str) -> str:
    try:
        given.encode()
    except UnicodeEncodeError:
        raise RequestError([Problem(path, "the text holds half a character (a lone surrogate)")]) from None
    return given


def _list(given: list[object], path: str) -> tuple[Type, Value]:
    items = [typed(each, f"{path}[{number}]") for number, each in enumerate(given)]
    kinds = {type for type, _ in items} or {ir.STRING}
    if len(kinds) > 1 or any(kind.kind in ("list", "set") for kind in kinds):
        raise Outside("a list of several types" if len(kinds) > 1 else "a list of lists")
    return Type("list", element=kinds.pop()), tuple(value for _, value in items)


def _told(name: str, inner: object, path: str) -> tuple[Type, Value]:
    if name in _FOREIGN:
        raise Outside(_FOREIGN[name])
    if name not in _OWN:
        raise _not_a_value({name: inner}, path)
    within = f"{path}.{name}"
    moment = _MOMENTS.get(name)
    if moment is not None:
        return moment[0], _moment(*moment, inner, within)
    type, value = typed(inner, within)
    if name == "set" and isinstance(value, tuple):
        members = _as_set(value)
        if members is None:
            raise Outside("a set of what is no text")
        return Type("set", tuple(sorted(members))), members
    if type.kind != name:
        raise RequestError([Problem(within, f"{values.shown(inner)} is not of the type `{name}`")])
    return type, value


def _as_set(items: tuple[Value, ...]) -> frozenset[str] | None:
    members = [each for each in items if isinstance(each, str)]
    return frozenset(members) if len(members) == len(items) else None


_Read: TypeAlias = Callable[[str], Value | None]
_MOMENTS: Final[Mapping[str, tuple[Type, _Read]]] = {
    "date": (ir.DATE, calendar.iso_day),
    "timestamp": (ir.TIMESTAMP, literal.timestamp_of),
    "duration": (ir.DURATION, literal.duration_of),
}


def _moment(type: Type, read: _Read, given: object, path: str) -> Value:
    if isinstance(given, str) and _FINER.search(given):
        raise Outside(f"a {type} finer than a microsecond")
    value = read(given) if isinstance(given, str) else None
    if value is None:
        raise RequestError([Problem(path, f"{values.shown(given)} is not a {type}")])
    return value


def _not_a_value(given: object, path: str) -> RequestError:
    help = f"one of {', '.join(f'`{each}`' for each in (*_OWN, *_FOREIGN))} with its value, or a value of JSON"
    if path in ("bindings.account", "bindings.request"):
        help = "fields need types: name a policy with `--policy`"
    return RequestError([Problem(path, f"{values.shown(given)} is not a value", help)])


def told(value: Value | Another | None) -> Any:
    """A value as a case would give it."""
    match value:
        case None | bool() | int() | str():
            return value
        case Another():
            return {"another": True}
        case datetime():
            return {"timestamp": values.written(value, None).replace("+00:00", "Z")}
        case date():
            return {"date": value.isoformat()}
        case timedelta():
            return {"duration": values.written(value, None)}
        case tuple():
            return [told(each) for each in value]
        case frozenset():
            return {"set": sorted(value)}
        case _:
            assert_never(value)


# ---------------------------------------------------------------------------------------------------------- judging


@dataclass(frozen=True, slots=True)
class _Stated:
    """A case as every judge takes it."""

    expr: Expr
    situation: Situation
    told_to_cel: Callable[[], tuple[Evaluator, str, Mapping[str, Any]] | None]
    """The text and the data for CEL; None where CEL cannot judge it."""


class Judges:
    """Judge cases: about accounts of a policy or, without one, about names that each case binds."""

    def __init__(self, program: ir.Program | None = None) -> None:
        self._states = _of_names if program is None else _OfPolicy(program)
        self._knows_names = program is not None
        """Whether an expression that does not compile is a mistake. A suite, without a policy, may mean another one."""

    def result(self, case: Case) -> Result:
        """What became of the case. Raises RequestError where its bindings or its value cannot be read."""
        try:
            stated = self._states(case)
            wanted = None if case.fails or case.value is None else _fitting(case.value, ir.type_of(stated.expr))
        except Outside as outside:
            return Result(case, (outside.reason,))
        except ConditionError as refused:
            if self._knows_names and any(each.code not in _OF_THE_LANGUAGE for each in refused.mistakes):
                raise RequestError([Problem("expr", each.message, each.help) for each in refused.mistakes]) from None
            return Result(case, tuple(Reason(each.code, each.message) for each in refused.mistakes))
        value = reference.evaluate(stated.expr, stated.situation)
        given: dict[Engine, Given] = {"reference": value}
        if rete.available():
            given["rete"] = _by_rete(stated, (wanted, value))
        given["direct"] = direct.value(stated.expr, _afresh(stated.situation))
        told_to_cel = stated.told_to_cel()
        if told_to_cel is not None:
            evaluator, text, data = told_to_cel
            given["cel"] = evaluator.value(text, ir.type_of(stated.expr), data)
        return Result(case, (), wanted, given)


_OF_THE_LANGUAGE: Final = ("not-in-profile", "too-deep")
"""The mistakes that say what the language leaves out."""
_IDENTIFIER: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_TAKEN: Final = TYPE_NAMES | {"account", "request", "before", "after", "today", "now"}


def _of_names(case: Case) -> _Stated:
    """The bindings are variables."""
    bound = {name: typed(given, f"bindings.{name}") for name, given in case.bindings.items()}
    for name in bound:
        if not _IDENTIFIER.fullmatch(name):
            raise Outside("a name within a name, `a.b`")
        if name in _TAKEN:
            raise Outside(f"`{name}`, which is no name to be bound")
    free = {name: type for name, (type, _) in bound.items()}
    conditions = _speaking_of(tuple(sorted(free.items(), key=lambda each: each[0])))
    expr = conditions.anything(case.expr)
    situation = _at_no_account({name: value for name, (_, value) in bound.items()})

    def told_to_cel() -> tuple[Evaluator, str, Mapping[str, Any]] | None:
        facts = situation.records["request"]
        if not _is_for_cel(expr, situation) or any("\0" in text for value in facts.values() for text in _texts(value)):
            return None  # CEL's library cuts a text at its first NUL
        data = {name: variable(value) for name, value in facts.items()}
        return Evaluator(conditions), case.expr, data | _clock(situation)

    return _Stated(expr, situation, told_to_cel)


@lru_cache(maxsize=256)
def _speaking_of(free: tuple[tuple[str, Type], ...]) -> Conditions:
    return Conditions(Vocabulary({}, {}, (), (), (), "UTC", dict(free)))


def _at_no_account(facts: Mapping[str, Value]) -> Situation:
    at = datetime.now(UTC)
    return Situation(
        records={"request": facts},
        at=at,
        today=at.date(),
        zone=ZoneInfo("UTC"),
        history=History((), None),
        conditions={},
        initial={},
    )


def _texts(value: Value) -> Iterable[str]:
    if isinstance(value, (tuple, frozenset)):
        return (each for each in value if isinstance(each, str))
    return (value,) if isinstance(value, str) else ()


class _OfPolicy:
    """The bindings are the parts of a request, and the texts are a policy's."""

    def __init__(self, program: ir.Program) -> None:
        zone = ZoneInfo(program.timezone)
        self._program = program
        self._reader = Reader(program, zone)
        self._judge = Judge(program, zone)
        self._conditions = Conditions(Vocabulary.of(program))
        self._evaluator = Evaluator(self._conditions)

    def __call__(self, case: Case) -> _Stated:
        expr = self._conditions.anything(case.expr)
        situation = self._judge.situation(self._reader.account(case.bindings))
        return _Stated(expr, situation, lambda: self._told_to_cel(expr, situation))

    def _told_to_cel(self, expr: Expr, situation: Situation) -> tuple[Evaluator, str, Mapping[str, Any]] | None:
        """Told anew, without the names of conditions and with every time zone."""
        inlined = _inlined(expr, situation.conditions)
        if not _is_for_cel(inlined, situation):
            return None
        account, features, request = (situation.records[owner] for owner in ("account", "features", "request"))
        enabled = frozenset(name for name, held in features.items() if held)
        data = {
            "account": self._evaluator.record("Account", self._program.account, account, enabled),
            "request": self._evaluator.record("Request", self._program.request, request, frozenset()),
        }
        return self._evaluator, wording.cel(inlined), data | _clock(situation)


def _inlined(expr: Expr, conditions: Mapping[str, ir.Condition]) -> Expr:
    def holds(node: Expr) -> Expr | None:
        return _inlined(conditions[node.name].holds, conditions) if isinstance(node, ir.ConditionOf) else None

    return ir.rebuilt(expr, holds)


def _clock(situation: Situation) -> dict[str, Any]:
    return {"today": variable(situation.today), "now": variable(situation.at)}


_NOT_OF_CEL: Final = ("date", "addDays", "addMonths", "addYears", "daysBetween")


def _is_for_cel(expr: Expr, situation: Situation) -> bool:
    """Whether CEL has all of its functions, and would take no unknown fact for a known one."""
    return all(_is_known_to_cel(each, situation) for each in ir.walk(expr))


def _is_known_to_cel(node: Expr, situation: Situation) -> bool:
    match node:
        case ir.Call():
            return node.function not in _NOT_OF_CEL
        case ir.Constant():
            return node.type != ir.DATE
        case ir.Count() | ir.AtMost():
            return False
        case ir.Known(ir.Field(owner, name, Type("set"))):
            return bool(situation.fact(owner, name))  # an empty set is one that is not there to CEL
        case ir.Field():
            return situation.fact(node.owner, node.name) is not None
        case _:
            return True


def _afresh(situation: Situation) -> Situation:
    """Without what another engine has remembered."""
    return situation.with_records()


def _fitting(given: object, type: Type) -> Value:
    """The value that is wanted; a list stands for a set where the expression is one."""
    _, value = typed(given, "value")
    members = _as_set(value) if type.kind == "set" and isinstance(value, tuple) else None
    return value if members is None else members


def _same(one: Given, other: Given) -> bool:
    """Equal and of one type: to Python 1 is True."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


# ------------------------------------------------------------------------------------------------------------- rete


_PYTHON: Final[Mapping[ir.Kind, type]] = {
    "bool": bool,
    "int": int,
    "string": str,
    "enum": str,
    "date": date,
    "timestamp": datetime,
    "duration": timedelta,
    "set": frozenset,
    "list": tuple,
}


def _by_rete(stated: _Stated, candidates: Iterable[Value | None]) -> Given:
    """A truth is a rule. Of another value rules ask whether there is any, and whether it is one of the candidates."""
    of = ir.type_of(stated.expr)
    if of == ir.BOOL:
        (outcome,) = _outcomes(stated, [stated.expr])
        return None if outcome == "unknown" else outcome == "satisfied"
    asked = [each for each in candidates if each is not None and _is_of(each, of)]
    equal = [ir.Compare("==", stated.expr, ir.Constant(each, of)) for each in asked]
    known, *found = _outcomes(stated, [ir.Known(stated.expr), *equal])
    if known == "violated":
        return None
    matching = (value for value, outcome in zip(asked, found, strict=True) if outcome == "satisfied")
    return next(matching, Another.ANOTHER)


def _is_of(value: Value, of: Type) -> bool:
    if isinstance(value, tuple) and of.element is not None:
        return all(_is_of(each, of.element) for each in value)
    return type(value) is _PYTHON[of.kind]


def _outcomes(stated: _Stated, holds: list[Expr]) -> tuple[reference.Outcome, ...]:
    place = ir.Place("case", 1, 1)
    rules = tuple(
        ir.Rule(f"r{n}", "requires", "move", "case", ir.TRUE, each, "error", ir.ALWAYS, place)
        for n, each in enumerate(holds)
    )
    return rete.Network(rules, stated.situation.conditions).outcomes(_afresh(stated.situation))
