"""A policy as meant: a flat list of rules, each *applies -> holds*, and the moves with their effects.

After the compiler there is no YAML, no name to look up and no default to apply. Everything here is a frozen value;
what it means is `engines/reference.py`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal, TypeAlias, final

from lawful.calendar import Window

# ---------------------------------------------------------------------------------------------------------- types

Kind = Literal["bool", "int", "string", "date", "timestamp", "duration", "enum", "set", "list"]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an expression. `values` are the domain of an enum or a set, `element` is for lists only."""

    kind: Kind
    values: tuple[str, ...] = ()
    element: Type | None = None

    def __str__(self) -> str:
        if self.kind in ("enum", "set"):
            return f"{self.kind} of {', '.join(self.values)}"
        return f"list of {self.element}" if self.kind == "list" else self.kind


BOOL: Final = Type("bool")
INT: Final = Type("int")
STRING: Final = Type("string")
DATE: Final = Type("date")
TIMESTAMP: Final = Type("timestamp")
DURATION: Final = Type("duration")

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

Value: TypeAlias = bool | int | str | date | datetime | timedelta | frozenset[str] | tuple["Value", ...]
"""A known value. An enum's is its name, a list's a tuple. Unknown is None, everywhere."""


# ---------------------------------------------------------------------------------------------------- expressions

Owner = Literal[
    "account",  # the account in the state the rule is judged in
    "features",  # one bool per feature, of the same state
    "request",  # what the request says beside the change
    "change",  # the value a `set` asks for; `register`, a bool: whether the change is a registration
    "before",
    "after",
    "before.features",
    "after.features",
]
Comparison = Literal["==", "!=", "<", "<=", ">", ">="]
Function = Literal[
    "+",
    "-",
    "*",
    "/",
    "%",
    "negate",
    "add_duration",  # timestamp + duration
    "subtract_duration",  # timestamp - duration
    "between",  # timestamp - timestamp
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "date",  # the local day of a timestamp
    "addDays",
    "addMonths",
    "addYears",
    "daysBetween",
    "getFullYear",  # of a date; of a timestamp with the zone's name, likewise below
    "getMonth",
    "getDate",
    "getDayOfWeek",
]


@final
@dataclass(frozen=True, slots=True)
class Constant:
    value: Value
    type: Type


@final
@dataclass(frozen=True, slots=True)
class Field:
    """A fact, by its owner and name: unknown where it is absent or null."""

    owner: Owner
    name: str
    type: Type


@final
@dataclass(frozen=True, slots=True)
class Clock:
    """`today`, the local day of the decision, or `now`, its instant."""

    name: Literal["today", "now"]

    @property
    def type(self) -> Type:
        return DATE if self.name == "today" else TIMESTAMP


@final
@dataclass(frozen=True, slots=True)
class Variable:
    """What a quantifier's body calls the element at hand."""

    name: str
    type: Type


@final
@dataclass(frozen=True, slots=True)
class ConditionOf:
    """A named condition, of the account in the state at hand or, in a rule over two states, before or after."""

    name: str
    state: Literal["account", "before", "after"] = "account"


@final
@dataclass(frozen=True, slots=True)
class Count:
    """How many of the events fall into the window; unknown unless the history covers it."""

    events: tuple[str, ...]
    window: Window


@final
@dataclass(frozen=True, slots=True)
class AtMost:
    """A limit: the counted events, and `own` (1 where the change asked for is one of them), are at most `at_most`.

    `counted_by` is a fact that holds the number; with a history beside it the larger counts. An incomplete history
    gives at least a number: above the limit is false, else unknown. `guaranteed`: the life cycle lets the event happen
    once at the most, so that an account that can still make it has not; then nothing known counts as nothing happened.
    """

    count: Count
    at_most: int
    own: int
    counted_by: Field | None = None
    guaranteed: bool = False


@final
@dataclass(frozen=True, slots=True)
class Known:
    """CEL's `has`: whether the operand is known. Never unknown itself."""

    operand: Expr


@final
@dataclass(frozen=True, slots=True)
class Not:
    operand: Expr


@final
@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Expr, ...]


@final
@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Expr, ...]


@final
@dataclass(frozen=True, slots=True)
class Compare:
    operator: Comparison
    left: Expr
    right: Expr


@final
@dataclass(frozen=True, slots=True)
class ListOf:
    """A literal list."""

    items: tuple[Expr, ...]
    type: Type


@final
@dataclass(frozen=True, slots=True)
class Member:
    """`item in collection`; the collection is a set or a literal list."""

    item: Expr
    collection: Expr


@final
@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? then : otherwise`."""

    test: Expr
    then: Expr
    otherwise: Expr


@final
@dataclass(frozen=True, slots=True)
class Quantifier:
    """`collection.exists(variable, body)` or `.all`: Kleene's *or* and *and* over the elements."""

    kind: Literal["exists", "all"]
    variable: Variable
    collection: Expr
    body: Expr


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A function of known operands; unknown where an operand is, or where it fails (overflow, division by zero)."""

    function: Function
    arguments: tuple[Expr, ...]


Expr: TypeAlias = (
    Constant
    | Field
    | Clock
    | Variable
    | ConditionOf
    | Count
    | AtMost
    | Known
    | Not
    | And
    | Or
    | Compare
    | ListOf
    | Member
    | Conditional
    | Quantifier
    | Call
)

TRUE: Final = Constant(True, BOOL)
FALSE: Final = Constant(False, BOOL)

SIGNATURES: Final[Mapping[Function, tuple[tuple[tuple[Type, ...], Type], ...]]] = {
    "+": (((INT, INT), INT),),
    "-": (((INT, INT), INT),),
    "*": (((INT, INT), INT),),
    "/": (((INT, INT), INT),),
    "%": (((INT, INT), INT),),
    "negate": (((INT,), INT),),
    "add_duration": (((TIMESTAMP, DURATION), TIMESTAMP),),
    "subtract_duration": (((TIMESTAMP, DURATION), TIMESTAMP),),
    "between": (((TIMESTAMP, TIMESTAMP), DURATION),),
    "size": (((STRING,), INT),),
    "startsWith": (((STRING, STRING), BOOL),),
    "endsWith": (((STRING, STRING), BOOL),),
    "contains": (((STRING, STRING), BOOL),),
    "matches": (((STRING, STRING), BOOL),),  # the pattern is a constant
    "date": (((TIMESTAMP,), DATE),),
    "addDays": (((DATE, INT), DATE),),
    "addMonths": (((DATE, INT), DATE),),
    "addYears": (((DATE, INT), DATE),),
    "daysBetween": (((DATE, DATE), INT),),
    "getFullYear": (((DATE,), INT), ((TIMESTAMP, STRING), INT)),  # the zone's name is a constant
    "getMonth": (((DATE,), INT), ((TIMESTAMP, STRING), INT)),
    "getDate": (((DATE,), INT), ((TIMESTAMP, STRING), INT)),
    "getDayOfWeek": (((DATE,), INT), ((TIMESTAMP, STRING), INT)),
}
"""What each function takes and gives, overload by overload: the compiler types with it, the tests draw from it."""


def type_of(expr: Expr) -> Type:
    """The type of a well-typed expression."""
    match expr:
        case Constant() | Field() | Clock() | Variable() | ListOf():
            return expr.type
        case Count():
            return INT
        case Conditional():
            return type_of(expr.then)
        case Call():
            return _result(expr)
        case ConditionOf() | AtMost() | Known() | Not() | And() | Or() | Compare() | Member() | Quantifier():
            return BOOL


def _result(call: Call) -> Type:
    return SIGNATURES[call.function][0][1]  # every overload of a function gives the same type


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct operands, in the order they are written."""
    match expr:
        case Constant() | Field() | Clock() | Variable() | ConditionOf() | Count():
            return ()
        case AtMost():
            return (expr.count,) if expr.counted_by is None else (expr.count, expr.counted_by)
        case Known() | Not():
            return (expr.operand,)
        case And() | Or():
            return expr.operands
        case Compare():
            return (expr.left, expr.right)
        case ListOf():
            return expr.items
        case Member():
            return (expr.item, expr.collection)
        case Conditional():
            return (expr.test, expr.then, expr.otherwise)
        case Quantifier():
            return (expr.collection, expr.body)
        case Call():
            return expr.arguments


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it; named conditions are not entered."""
    pending = [expr]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def everything(expr: Expr, conditions: Mapping[str, Condition]) -> Iterator[Expr]:
    """The expression and everything below it, each condition that it uses entered once."""
    pending = [expr]
    entered: set[tuple[str, str]] = set()
    while pending:
        for node in walk(pending.pop()):
            yield node
            if isinstance(node, ConditionOf) and (node.state, node.name) not in entered and node.name in conditions:
                entered.add((node.state, node.name))
                pending.append(conditions[node.name].holds)


def rebuilt(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with each node replaced for which `change` gives another."""
    other = change(expr)
    if other is not None:
        return other
    match expr:
        case Constant() | Field() | Clock() | Variable() | ConditionOf() | Count() | AtMost():
            return expr
        case Known() | Not():
            return type(expr)(rebuilt(expr.operand, change))
        case And() | Or():
            return type(expr)(tuple(rebuilt(each, change) for each in expr.operands))
        case Compare():
            return Compare(expr.operator, rebuilt(expr.left, change), rebuilt(expr.right, change))
        case ListOf():
            return ListOf(tuple(rebuilt(each, change) for each in expr.items), expr.type)
        case Member():
            return Member(rebuilt(expr.item, change), rebuilt(expr.collection, change))
        case Conditional():
            parts = (rebuilt(each, change) for each in (expr.test, expr.then, expr.otherwise))
            return Conditional(*parts)
        case Quantifier():
            collection, body = rebuilt(expr.collection, change), rebuilt(expr.body, change)
            return Quantifier(expr.kind, expr.variable, collection, body)
        case Call():
            return Call(expr.function, tuple(rebuilt(each, change) for each in expr.arguments))


def with_known(expr: Expr, fact: Field, value: Value) -> Expr:
    """The expression once a fact has that value: what this decides of the logic around it is decided."""

    def known(node: Expr) -> Expr | None:
        match node:
            case Field():
                return Constant(value, node.type) if node == fact else None
            case Compare(operator="==" | "!="):
                left, right = rebuilt(node.left, known), rebuilt(node.right, known)
                if isinstance(left, Constant) and isinstance(right, Constant):
                    return TRUE if (left.value == right.value) == (node.operator == "==") else FALSE
                return Compare(node.operator, left, right)
            case Member(collection=ListOf() as within):
                item, items = rebuilt(node.item, known), tuple(rebuilt(each, known) for each in within.items)
                if isinstance(item, Constant) and all(isinstance(each, Constant) for each in items):
                    return TRUE if item.value in {each.value for each in items if type(each) is Constant} else FALSE
                return Member(item, ListOf(items, within.type))
            case And():
                parts = [rebuilt(each, known) for each in node.operands]
                return FALSE if FALSE in parts else conjunction(parts)
            case Or():
                return disjunction([part for each in node.operands if (part := rebuilt(each, known)) != FALSE])
            case Not():
                operand = rebuilt(node.operand, known)
                return FALSE if operand == TRUE else TRUE if operand == FALSE else Not(operand)
            case _:
                return None

    return rebuilt(expr, known)


# ------------------------------------------------------------------------------------------- what people are told

Severity = Literal["error", "warning", "info"]
Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads, in one language or both. `{account.type}` and the like are filled in when it is told."""

    en: str | None = None
    zh: str | None = None

    def best(self, language: Language) -> str:
        """In that language, else in the other."""
        first, second = (self.en, self.zh) if language == "en" else (self.zh, self.en)
        return first if first is not None else second or ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: counted from 1; the file is relative to the policy's folder."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a rule rests on."""

    id: str
    title: Text
    published: str | None
    url: str | None
    note: Text | None


@dataclass(frozen=True, slots=True)
class Citation:
    source: Source
    clause: str | None


@dataclass(frozen=True, slots=True)
class Period:
    """From the start of a local day until the start of another (exclusive); None is always."""

    start: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.until is None or day < self.until)

    def covers(self, first: date | None, last: date | None) -> bool:
        """Whether it holds on every day from the first to the last; None is as far as days go."""
        begins = self.start is None or (first is not None and self.start <= first)
        return begins and (self.until is None or (last is not None and last < self.until))

    def rest(self) -> tuple[Period, ...]:
        """The days on which it does not hold."""
        before = () if self.start is None else (Period(until=self.start),)
        return before if self.until is None else (*before, Period(self.until))

    def meets(self, other: Period) -> bool:
        """Whether there is a day in both."""
        starts = [each for each in (self.start, other.start) if each is not None]
        ends = [each for each in (self.until, other.until) if each is not None]
        return not (starts and ends) or max(starts) < min(ends)


ALWAYS: Final = Period()


def in_force(period: Period) -> Expr:
    """The period as an expression over `today`."""
    parts: list[Expr] = []
    if period.start is not None:
        parts.append(Compare(">=", Clock("today"), Constant(period.start, DATE)))
    if period.until is not None:
        parts.append(Compare("<", Clock("today"), Constant(period.until, DATE)))
    return conjunction(parts)


def conjunction(parts: list[Expr]) -> Expr:
    """*And* of any number: true of none, itself of one."""
    kept = [part for part in parts if part != TRUE]
    if not kept:
        return TRUE
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def disjunction(parts: list[Expr]) -> Expr:
    """*Or* of any number: false of none, itself of one."""
    if TRUE in parts:
        return TRUE
    if not parts:
        return FALSE
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def negation(expr: Expr) -> Expr:
    return expr.operand if isinstance(expr, Not) else Not(expr)


# --------------------------------------------------------------------------------------------------- the program

FieldMotion = Literal["lifecycle", "fixed", "settable", "outside", "effects"]


@dataclass(frozen=True, slots=True)
class FieldDeclaration:
    """A fact's type and how it moves. `values` are an enum's or a set's values with their titles."""

    name: str
    type: Type
    motion: FieldMotion
    """How it moves; of one that is `fixed` on some days only, on the others."""
    title: Text | None = None
    values: Mapping[str, Text] = field(default_factory=dict)
    default: Value | None = None
    minimum: Value | None = None
    maximum: Value | None = None
    private: bool = False
    ask_cost: int = 1
    """What it costs to find it out."""
    fixed: Period | None = None
    """On which days it never moves: always of the motion `fixed`."""
    note: Text | None = None
    source: Citation | None = None


Schema = Mapping[str, FieldDeclaration]


@dataclass(frozen=True, slots=True)
class Condition:
    """A named condition. Conditions stand in the program before those that use them."""

    name: str
    holds: Expr
    title: Text | None
    note: Text | None
    source: Citation | None
    place: Place


Scope = Literal[
    "move",  # guards the changes of `subject`, judged in the state before
    "account",  # a constraint: of every account, always
    "feature",  # of an account that has the feature `subject`: a finding, never a refusal
    "group",  # across accounts: judged over `before` and `after`
]
RuleKind = Literal[
    "requires",
    "limit",
    "never_after",
    "effect",
    "clash",  # made while judging: two changes of one request give a field two values
    "needs",
    "unlisted",
    "final",
    "initial",
    "fixed",
    "constraint",
    "group",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """Satisfied if `when` is false or `requires` true, violated if `when` is true and `requires` false, else unknown.

    Versions of one rule share the id; at most one is in force on a day.
    """

    id: str
    kind: RuleKind
    scope: Scope
    subject: str
    """Of a move's rule the change it guards, `set.type`, `enable.f`, `do.a`, `register`; of a feature's the feature."""
    when: Expr
    requires: Expr
    severity: Severity
    in_force: Period
    place: Place
    title: Text | None = None
    explanation: Text | None = None
    source: Citation | None = None
    note: Text | None = None


def entitlement(rule: Rule) -> Expr:
    """Of a feature's rule: what must hold of an account for it to go on having the feature."""
    held = Field("features", rule.subject, BOOL)
    where = [each for each in (rule.when.operands if isinstance(rule.when, And) else (rule.when,)) if each != held]
    return disjunction([negation(conjunction(where)), rule.requires]) if where else rule.requires


@dataclass(frozen=True, slots=True)
class Effect:
    """What a move does to a field: the value is computed from the state before."""

    field: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Obligation:
    """What must still be done or paid once the move is allowed."""

    text: Text
    when: Expr = TRUE


@dataclass(frozen=True, slots=True)
class Step:
    """The edges of a transition, in a life cycle's diagram."""

    field: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instead:
    """What serves a move's purpose where it is refused: another change, and what the request says for it."""

    kind: Literal["set", "enable", "do"]
    name: str
    values: Mapping[str, Value]
    facts: Mapping[str, Value]
    when: Expr = TRUE
    """Not said where this is false, in the state before."""


@dataclass(frozen=True, slots=True)
class Move:
    """A change that may be asked for. One that does not apply (the present value, set again) is an event of nothing."""

    id: str
    trigger: str
    """`set.type`, `enable.f`, `disable.f`, `do.a`, `register`."""
    event: str
    applies: Expr
    in_force: Period
    place: Place
    step: Step | None = None
    effects: tuple[Effect, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    cost: tuple[tuple[str, int], ...] = ()
    title: Text | None = None
    instead: Instead | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    field: str
    initial: tuple[str, ...]
    final: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Feature:
    id: str
    title: Text | None
    needs: tuple[str, ...]
    """The features it needs, by any of its versions."""
    place: Place


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to an account unasked: it may move fields at any time."""

    id: str
    title: Text | None
    moves: tuple[Effect, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Group:
    """An across-accounts constraint, as an audit counts it: at most `at_most` accounts with one value of `per`."""

    rule: str
    per: Field
    at_most: int
    when: Expr
    counted_by: Field | None
    in_force: Period
    as_of: Expr | None = None
    """The day as of which each account is judged: by what was in force then, among those of no later day."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """Of any reachable state, or (`pair`) of any earlier and any later state of one account."""

    id: str
    kind: Literal["never", "always"]
    expr: Expr
    pair: bool
    severity: Severity
    in_force: Period
    title: Text | None
    explanation: Text | None
    source: Citation | None
    note: Text | None
    place: Place


@dataclass(frozen=True, slots=True)
class Program:
    """A policy as meant: all that any engine is given."""

    id: str
    version: str
    digest: str
    """`sha256:` of the policy's files."""
    title: Text | None
    scope: Text | None
    """In a line, what the policy is about and what it leaves out."""
    timezone: str
    languages: tuple[Language, ...]
    sources: Mapping[str, Source]
    account_id: str
    account: Schema
    request: Schema
    conditions: Mapping[str, Condition]
    rules: tuple[Rule, ...]
    moves: tuple[Move, ...]
    lifecycles: Mapping[str, Lifecycle]
    features: Mapping[str, Feature]
    actions: Mapping[str, Text | None]
    events: Mapping[str, Event]
    event_names: frozenset[str]
    """Everything a history may record."""
    groups: tuple[Group, ...]
    invariants: tuple[Invariant, ...]
    note: Text | None = None
