"""A foreign witness: Google's CEL evaluator, with functions of our own written once more, judges what our engines judge.

An expression is told in CEL by a printer that shares nothing with `wording`, compiled and evaluated by cel-expr-python
against messages of the schema. A CEL error is our unknown. Three differences are bridged, in the open:

- CEL reads an unset field as its type's zero. Where facts are unknown each is read through a list that is too short
  (`[account.n]['account.n' in known ? 0 : 1]`): an error, which CEL's `&&`, `||`, `?:`, `exists` and `all` take as
  Kleene does. Where all facts are known they are read plainly.
- `has` of an empty set is false to CEL. Sets are asked for by name (`'account.s' in known`).
- A timestamp minus a duration of more than 64 bits of nanoseconds, 292 years, is wrong in this library: it takes off
  292 years and says nothing, where `+` is right. Of such a duration the opposite is added.

What CEL does not have is written here a second time, from the language's description: `date`, `addDays`, `addMonths`,
`addYears`, `daysBetween`, `count`. Days are numbers of days since 1970, by the algorithm for the proleptic Gregorian
calendar; local time is asked of CEL's own getters and so of its own time-zone database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, cast

from cel_expr_python import cel
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from lawful import ir
from lawful.conditions.messages import message_types
from lawful.engines.situation import Situation
from lawful.ir import Expr, Value

_ASIDE: Final = 12
"""How many expressions under `has`, which CEL knows of fields only, may be judged beside the text."""


class Untold(Exception):
    """CEL has no way to say this: `has` of more than a field, of a quantifier's variable."""


# ------------------------------------------------------------------------------------------------------- the printer


@dataclass
class Telling:
    """Tells one expression; everything is in parentheses, so that no precedence needs to be known."""

    plainly: bool
    """Every fact that is read is known."""
    aside: list[Expr] = field(default_factory=list)
    """What stands under `has` and is no field: judged first, by itself."""

    def tell(self, expr: Expr) -> str:
        match expr:
            case ir.Constant():
                return _literal(expr.value)
            case ir.Field():
                return self._read(expr)
            case ir.Clock() | ir.Variable():
                return expr.name
            case ir.ConditionOf():
                return self._condition(expr)
            case ir.Count():
                counts = [f"count('{name}', '{expr.window}')" for name in expr.events]
                return counts[0] if len(counts) == 1 else f"({' + '.join(counts)})"
            case ir.AtMost():
                return self._at_most(expr)
            case ir.Known():
                return self._known(expr.operand)
            case ir.Not():
                return f"!({self.tell(expr.operand)})"
            case ir.And() | ir.Or():
                sign = " && " if isinstance(expr, ir.And) else " || "
                return "(" + sign.join(self.tell(each) for each in expr.operands) + ")"
            case ir.Compare():
                return f"({self.tell(expr.left)} {expr.operator} {self.tell(expr.right)})"
            case ir.ListOf():
                return "[" + ", ".join(self.tell(each) for each in expr.items) + "]"
            case ir.Member():
                return f"({self.tell(expr.item)} in {self.tell(expr.collection)})"
            case ir.Conditional():
                return f"({self.tell(expr.test)} ? {self.tell(expr.then)} : {self.tell(expr.otherwise)})"
            case ir.Quantifier():
                return f"{self.tell(expr.collection)}.{expr.kind}({expr.variable.name}, {self.tell(expr.body)})"
            case ir.Call():
                arguments = [self.tell(each) for each in expr.arguments]
                if expr.function == "subtract_duration" and _may_be_long(expr.arguments[1]):
                    return f"({arguments[0]} + {self.tell(_negated(expr.arguments[1]))})"
                return _call(expr.function, arguments)

    def _condition(self, condition: ir.ConditionOf) -> str:
        return _condition_name(condition)

    def _read(self, fact: ir.Field) -> str:
        if self.plainly:
            return _path(fact)
        return f"[{_path(fact)}]['{_key(fact)}' in known ? 0 : 1]"

    def _known(self, operand: Expr) -> str:
        if isinstance(operand, ir.Field):
            plain = self.plainly and operand.type.kind != "set" and not operand.owner.endswith("features")
            return f"has({_path(operand)})" if plain else f"('{_key(operand)}' in known)"
        if any(isinstance(each, ir.Variable) for each in ir.walk(operand)) or len(self.aside) == _ASIDE:
            raise Untold(operand)
        self.aside.append(operand)
        return f"aside{len(self.aside) - 1}"

    def _at_most(self, limit: ir.AtMost) -> str:
        """Of a whole history; the bound is moved, not the sum, which could overflow."""
        counted = self.tell(limit.count)
        if limit.counted_by is not None:
            held = self._read(limit.counted_by)
            larger = f"({held} > {counted} ? {held} : {counted})"
            counted = f"({self._known(limit.counted_by)} ? {larger} : {counted})"
        return f"({counted} <= {limit.at_most - limit.own})"


class Authored(Telling):
    """Tells it as an author of a policy would write it, where the language has the words."""

    def __init__(self) -> None:
        super().__init__(plainly=True)

    def tell(self, expr: Expr) -> str:
        if isinstance(expr, ir.AtMost) or (isinstance(expr, ir.Constant) and isinstance(expr.value, frozenset)):
            raise Untold(expr)
        return super().tell(expr)

    def _condition(self, condition: ir.ConditionOf) -> str:
        return condition.name

    def _known(self, operand: Expr) -> str:
        if not isinstance(operand, ir.Field) or operand.owner.endswith("features"):
            raise Untold(operand)
        return f"has({_path(operand)})"


_MESSAGES: Final[Mapping[ir.Owner, str]] = {
    "account": "account",
    "features": "account",
    "request": "request",
    "change": "request",
    "before": "before.account",
    "after": "after.account",
    "before.features": "before.account",
    "after.features": "after.account",
}
_CHANGE: Final = "change_"
"""What the fields of a change are called among those of the request, which is where this witness puts them."""


def _may_be_long(duration: Expr) -> bool:
    return any(isinstance(each, ir.Constant) and _is_long(each.value) for each in ir.walk(duration))


def _is_long(value: Value) -> bool:
    return isinstance(value, timedelta) and abs(value) > timedelta(days=106_751)


def _negated(duration: Expr) -> Expr:
    match duration:
        case ir.Constant(value=timedelta() as length):
            return ir.Constant(-length, ir.DURATION)
        case ir.Conditional():
            return ir.Conditional(duration.test, _negated(duration.then), _negated(duration.otherwise))
        case ir.Call(function="between", arguments=(later, earlier)):
            return ir.Call("between", (earlier, later))
        case _:
            raise Untold(duration)


def _path(fact: ir.Field) -> str:
    message = _MESSAGES[fact.owner]
    if fact.owner.endswith("features"):
        return f"({_quoted(fact.name)} in {message}.features)"
    return f"{message}.{_CHANGE if fact.owner == 'change' else ''}{fact.name}"


def _key(fact: ir.Field) -> str:
    return f"{fact.owner}.{fact.name}"


def _condition_name(condition: ir.ConditionOf) -> str:
    return f"{condition.name}_{condition.state}"


_SIGNS: Final[Mapping[str, str]] = {"add_duration": "+", "subtract_duration": "-", "between": "-"}
_BEFORE: Final = ("date", "addDays", "addMonths", "addYears", "daysBetween", "size")


def _call(function: str, arguments: list[str]) -> str:
    sign = _SIGNS.get(function, function)
    if function == "negate":
        return f"-({arguments[0]})"
    if sign in ("+", "-", "*", "/", "%"):
        return f"({arguments[0]} {sign} {arguments[1]})"
    if function in _BEFORE:
        return f"{function}({', '.join(arguments)})"
    return f"({arguments[0]}).{function}({', '.join(arguments[1:])})"


def _literal(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"({value})"
        case str():
            return _quoted(value)
        case datetime():
            return f"timestamp('{value.strftime('%Y').zfill(4)}-{value:%m-%dT%H:%M:%S.%f}Z')"
        case date():
            return f"date('{value.year:04}-{value.month:02}-{value.day:02}')"
        case timedelta():
            return f"duration('{_seconds(value)}s')"
        case frozenset():
            return "[" + ", ".join(_quoted(each) for each in sorted(value)) + "]"
        case tuple():
            return "[" + ", ".join(_literal(each) for each in value) + "]"


def _quoted(text: str) -> str:
    return '"' + "".join(each if each.isalnum() else f"\\U{ord(each):08X}" for each in text) + '"'


def _seconds(length: timedelta) -> str:
    microseconds = length // timedelta(microseconds=1)
    whole, rest = divmod(abs(microseconds), 1_000_000)
    return f"{'-' if microseconds < 0 else ''}{whole}.{rest:06}"


# --------------------------------------------------------------------------------------------------- the calendar
# Written from the description, to be compared with lawful.calendar: please do not import it here.

_DAY: Final = 86_400
_FIRST, _LAST = -719_162, 2_932_896
"""1 January of the year 1 and 31 December 9999, in days since 1970."""


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; a year begins in March, so that the leap day is its last."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def civil_from_days(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * of_year + 2) // 153
    day = of_year - (153 * march_month + 2) // 5 + 1
    month = march_month + 3 if march_month < 10 else march_month - 9
    return year_of_era + era * 400 + (month <= 2), month, day


def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 400 == 0 or (year % 4 == 0 and year % 100 != 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


class Failed(ValueError):
    """CEL takes it as an error of the evaluation."""


def _in_calendar(day: int) -> int:
    if not _FIRST <= day <= _LAST:
        raise Failed(f"day {day} is outside the years 1 to 9999")
    return day


def plus_months(day: int, months: int) -> int:
    """Clamped to the month's end."""
    year, month, of_month = civil_from_days(day)
    total = year * 12 + (month - 1) + months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        raise Failed(f"the year {year}")
    return days_from_civil(year, month, min(of_month, _month_length(year, month)))


def _day_number(day: datetime) -> int:
    return days_from_civil(day.year, day.month, day.day)


def _as_timestamp(day: int) -> Timestamp:
    return Timestamp(seconds=day * _DAY)


def _read_date(text: str) -> Timestamp:
    year, month, day = (int(part) for part in text.split("-"))
    return _as_timestamp(days_from_civil(year, month, day))


def _seconds_of(at: datetime) -> int:
    return _day_number(at) * _DAY + at.hour * 3600 + at.minute * 60 + at.second


def _timestamp(at: datetime) -> Timestamp:
    return Timestamp(seconds=_seconds_of(at), nanos=at.microsecond * 1000)


@cache
def _wall_clock() -> Any:
    """CEL's own reading of the clocks of a zone."""
    parts = ("getFullYear", "getMonth", "getDate", "getHours", "getMinutes", "getSeconds")
    told = ", ".join(f"t.{part}(zone)" for part in parts)
    return cel.NewEnv(variables={"t": cel.Type.TIMESTAMP, "zone": cel.Type.STRING}).compile(f"[{told}]")


def wall(seconds: int, zone: str) -> int:
    """What the clocks of the zone show, as seconds since they showed 1970."""
    shown = _wall_clock().eval(data={"t": Timestamp(seconds=seconds), "zone": zone}).value()
    year, month, day, hours, minutes, rest = (each.value() for each in shown)
    return days_from_civil(year, month + 1, day) * _DAY + hours * 3600 + minutes * 60 + rest


def local_day(seconds: int, zone: str) -> int:
    """The local day; at the ends of time, where that is outside the calendar, the day in UTC."""
    day = wall(seconds, zone) // _DAY
    return day if _FIRST <= day <= _LAST else seconds // _DAY


def instant_shown(local: int, zone: str) -> int:
    """When the clocks show it: of two instants the earlier; where they never do, as if they went on as before."""

    def offset(around: int) -> int:
        within = min(max(around, _FIRST * _DAY), (_LAST + 1) * _DAY - 1)
        return wall(within, zone) - within

    before, after = offset(local - _DAY), offset(local + _DAY)
    for instant in (local - before, local - after):
        if local - offset(instant) == instant:
            return instant
    return local - before


def counted(situation: Situation, event: str, window: str) -> int:
    """How many of a whole history are in the window."""
    return sum(_counts(when, window, situation) for name, when in situation.history.events if name == event)


def _counts(when: datetime, window: str, situation: Situation) -> bool:
    zone, event, at = situation.zone.key, _seconds_of(when), _seconds_of(situation.at)
    of_event, today = civil_from_days(local_day(event, zone)), civil_from_days(local_day(at, zone))
    window, _, since = window.partition(" since ")
    if since and of_event < tuple(map(int, since.split("-"))):
        return False
    match window.split():
        case ["lifetime"]:
            return True
        case ["day"]:
            return of_event == today
        case ["month"]:
            return of_event[:2] == today[:2]
        case ["year"]:
            return of_event[0] == today[0]
        case [length, unit]:
            leaves = _leaves(event, int(length), unit, zone)
            return leaves is None or (at, situation.at.microsecond) < (leaves, when.microsecond)
    raise AssertionError(window)


def _leaves(event: int, length: int, unit: str, zone: str) -> int | None:
    """When an event stops counting; None: never, its local time being outside the calendar."""
    day, of_day = divmod(wall(event, zone), _DAY)
    try:
        moved = _in_calendar(_in_calendar(day) + length if unit.startswith("day") else plus_months(day, length))
        leaves = instant_shown(moved * _DAY + of_day, zone)
        _in_calendar(leaves // _DAY)
    except Failed:
        return None
    return leaves


# --------------------------------------------------------------------------------------------------- the evaluator


class Told:
    """An expression as CEL has it."""

    def __init__(self, witness: Witness, expr: Expr, *, plainly: bool) -> None:
        telling = Telling(plainly)
        self.text = telling.tell(expr)
        self.type = ir.type_of(expr)
        self.program = witness.environment.compile(self.text)
        self.aside = [Told(witness, each, plainly=plainly) for each in telling.aside]
        self.conditions = {each for each in ir.walk(expr) if isinstance(each, ir.ConditionOf)}


class Witness:
    """Gives what CEL gives, for expressions over one schema and situations of it with whole histories."""

    def __init__(self, account: ir.Schema, request: ir.Schema, conditions: Mapping[str, ir.Condition]) -> None:
        change = {f"{_CHANGE}{each.name}": each for each in account.values()}
        change[f"{_CHANGE}register"] = ir.FieldDeclaration("register", ir.BOOL, "outside")
        self._pool = message_types(account, {**request, **change})
        self._message = {
            name: GetMessageClass(self._pool.FindMessageTypeByName(f"lawful.policy.{name}"))
            for name in ("Account", "Request", "State")
        }
        self._conditions = conditions
        self._told: dict[tuple[Expr, bool], Told] = {}
        self._situation: Situation | None = None
        self.environment = self._environment()

    def value(self, expr: Expr, situation: Situation, *, plainly: bool) -> Value | None:
        """What CEL gives; None for an error. Raises Untold."""
        told = self._of(expr, plainly=plainly)
        return self._value(told, situation, plainly=plainly)

    def told(self, expr: Expr, *, plainly: bool = True) -> str:
        return self._of(expr, plainly=plainly).text

    def _of(self, expr: Expr, *, plainly: bool) -> Told:
        key = (expr, plainly)
        if key not in self._told:
            self._told[key] = Told(self, expr, plainly=plainly)
        return self._told[key]

    def _value(self, told: Told, situation: Situation, *, plainly: bool) -> Value | None:
        facts = self._facts(situation)
        for number, each in enumerate(told.aside):
            facts[f"aside{number}"] = self._value(each, situation, plainly=plainly) is not None
        for condition in told.conditions:
            value = self._of_condition(condition, situation, plainly=plainly)
            if value is not None:  # a variable without a value is an error to CEL
                facts[_condition_name(condition)] = value
        self._situation = situation
        found = told.program.eval(data=facts)
        return None if found.type() == cel.Type.ERROR else _ours(found.value(), told.type)

    def _of_condition(self, condition: ir.ConditionOf, situation: Situation, *, plainly: bool) -> Value | None:
        holds = self._conditions[condition.name].holds
        where = situation if condition.state == "account" else situation.seen_from(condition.state)
        return self.value(holds, where, plainly=plainly)

    # ------------------------------------------------------------------------------------------------- its facts

    def _facts(self, situation: Situation) -> dict[str, Any]:
        records = situation.records
        account = self._account(records["account"], records["features"])
        before = self._account(records["before"], records["before.features"])
        after = self._account(records["after"], records["after.features"])
        change = {f"{_CHANGE}{name}": value for name, value in records["change"].items()}
        return {
            "account": account,
            "request": self._filled("Request", {**records["request"], **change}),
            "before": self._message["State"](account=before),
            "after": self._message["State"](account=after),
            "today": _as_timestamp(situation.today.toordinal() - date(1970, 1, 1).toordinal()),
            "now": _timestamp(situation.at),
            "known": [f"{owner}.{name}" for owner, facts in records.items() for name in facts],
        }

    def _account(self, facts: Mapping[str, Value], features: Mapping[str, Value]) -> Any:
        return self._filled("Account", {**facts, "features": frozenset(name for name in features if features[name])})

    def _filled(self, name: str, facts: Mapping[str, Value]) -> Any:
        message = self._message[name]()
        for field_name, value in facts.items():
            match value:
                case datetime() | date():
                    moment = getattr(message, field_name)
                    moment.seconds, moment.nanos = _protobuf_time(value)
                    moment.SetInParent()
                case frozenset():
                    getattr(message, field_name).extend(sorted(value))
                case _:
                    setattr(message, field_name, value)
        return message

    # --------------------------------------------------------------------------------------------- its environment

    def _environment(self) -> Any:
        moment, truth = cel.Type.TIMESTAMP, cel.Type.BOOL
        messages = {"account": "Account", "request": "Request", "before": "State", "after": "State"}
        variables = {name: cel.Type(f"lawful.policy.{message}") for name, message in messages.items()}
        variables |= {"today": moment, "now": moment, "known": cel.Type.List(cel.Type.STRING)}
        variables |= {f"aside{number}": truth for number in range(_ASIDE)}
        variables |= {f"{name}_{state}": truth for name in self._conditions for state in ("account", "before", "after")}
        return cel.NewEnv(
            descriptor_pool=self._pool,
            variables=variables,
            extensions=[cel.CelExtension("written_once_more", self._functions())],
        )

    def _functions(self) -> list[Any]:
        moment, number, text = cel.Type.TIMESTAMP, cel.Type.INT, cel.Type.STRING
        return [
            _declared("date", (moment, [text], _read_date), (moment, [moment], self._local_day)),
            _declared("count", (number, [text, text], self._count)),
            _declared("addDays", (moment, [moment, number], lambda day, n: _moved(_day_number(day) + n))),
            _declared("addMonths", (moment, [moment, number], lambda day, n: _moved(plus_months(_day_number(day), n)))),
            _declared(
                "addYears", (moment, [moment, number], lambda day, n: _moved(plus_months(_day_number(day), 12 * n)))
            ),
            _declared("daysBetween", (number, [moment, moment], lambda a, b: _day_number(b) - _day_number(a))),
        ]

    def _local_day(self, at: datetime) -> Timestamp:
        assert self._situation is not None
        return _as_timestamp(local_day(_seconds_of(at), self._situation.zone.key))

    def _count(self, event: str, window: str) -> int:
        assert self._situation is not None
        return counted(self._situation, event, window)


def _moved(day: int) -> Timestamp:
    return _as_timestamp(_in_calendar(day))


def _declared(name: str, *overloads: tuple[Any, list[Any], Callable[..., Any]]) -> Any:
    made = [cel.Overload(f"{name}_{n}", gives, takes, impl=does) for n, (gives, takes, does) in enumerate(overloads)]
    return cel.FunctionDecl(name, made)


def _protobuf_time(value: date) -> tuple[int, int]:
    """Seconds since 1970 and nanoseconds; of a day, its midnight in UTC."""
    if isinstance(value, datetime):
        return _seconds_of(value), value.microsecond * 1000
    return days_from_civil(value.year, value.month, value.day) * _DAY, 0


def _ours(value: Any, type: ir.Type) -> Value:
    """What CEL gave as a value of that type, which CEL may not have: a day, a set."""
    match type.kind:
        case "date":
            assert value == value.replace(hour=0, minute=0, second=0, microsecond=0), value
            return cast("datetime", value).date()
        case "timestamp":
            return cast("datetime", value).astimezone(UTC)
        case "set":
            return frozenset(each.value() for each in value)
        case "list":
            assert type.element is not None
            return tuple(_ours(each.value(), type.element) for each in value)
        case _:
            return cast("Value", value)
