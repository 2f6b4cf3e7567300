"""Rules and conditions as production rules, in the subset of durable_rules that is sound.

What durable_rules can compare soundly becomes a literal about a fact; what it cannot is computed first, and its truth
becomes the fact. Logic is always the engine's: named conditions, and expressions too big for one production, are facts
that earlier strata derive. Nothing here knows the engine itself: what is made here, `rete.py` runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast

from lawful.engines.forms import (
    ALWAYS,
    NEVER,
    All,
    Form,
    Rails,
    Some,
    Test,
    choice,
    conjunction,
    either,
    fits,
    opposite,
    size,
    tests,
    together,
)
from lawful.ir import (
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Comparison,
    Condition,
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
    Rule,
    Type,
    Value,
    Variable,
    type_of,
)

LITERALS: Final = 30
"""The most literals of one production, and the most of its `$or`-branches: what is bigger is cut into derived facts."""

SHARD: Final = 2 * LITERALS
"""The most literals of one ruleset, and the most firings: 64 matches at once are the engine's limit, 128 `$nex` or
branches under a node crash it, and 511 conditions under a node hang it."""

NAMES: Final = 250_000
"""The most facts: fields are told apart by a 32-bit hash, which no two of the names `f0` to `f249999` share."""

GUARD: Final = "g"
"""The field that every fact has and every production asks for first: it keeps out the engine's own state fact."""

_LONGEST: Final = 32
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLAMP: Final = 2**62

View = Literal["account", "before", "after"]
"""The state whose account is *the* account: conditions are judged in that of the rule, before, or after."""


# ------------------------------------------------------------------------------------------------------- base facts

Encoder: TypeAlias = Callable[[Value], int | str]


@lru_cache(maxsize=2048)
def text(value: Value) -> str:
    """A string or an enum's value as the engine may see it: ASCII, short, and another for each."""
    plain = cast("str", value)
    if len(plain) <= _LONGEST and plain.isascii() and plain.isidentifier():
        return f"s{plain}"
    raw = plain.encode("utf-8", "surrogatepass")
    if len(raw) <= _LONGEST:
        return f"x{raw.hex()}"
    import hashlib  # OpenSSL takes 4 ms: only for a long text

    return f"h{hashlib.sha256(raw).hexdigest()}"


def microseconds(value: Value) -> int:
    """An instant since 1970."""
    return (cast("datetime", value) - _EPOCH) // timedelta(microseconds=1)


def day_number(value: Value) -> int:
    return cast("date", value).toordinal()


def number(value: Value) -> int:
    return int(cast("int", value))


def presence(value: Value) -> int:
    """What stands for a value that is only asked whether it is there: a set's."""
    return 1


def encoder(type: Type) -> Encoder:
    match type.kind:
        case "bool" | "int":
            return number
        case "string" | "enum":
            return text
        case "date":
            return day_number
        case "timestamp":
            return microseconds
        case "set" | "list" | "duration":
            return presence


@dataclass(frozen=True, slots=True)
class Read:
    """A fact that stands in a record."""

    owner: Owner
    name: str
    encode: Encoder


@dataclass(frozen=True, slots=True)
class Computed:
    """A fact that is evaluated: the value of the expression or, encoded as its presence, 1 where it has one."""

    view: View
    expr: Expr
    encode: Encoder


@dataclass(frozen=True, slots=True)
class Counted:
    """The least or the greatest number that a limit compares."""

    view: View
    limit: AtMost
    bound: Literal["least", "most"]


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact concluded by the productions of an earlier stratum: 1 where true, 0 where false, else absent."""

    rails: Rails
    stratum: int


Fact: TypeAlias = Read | Computed | Counted | Derived


def clamped(value: int) -> int:
    """A count that the engine can hold: limits beyond are computed."""
    return min(value, _CLAMP)


# ------------------------------------------------------------------------------------------------------ productions


@dataclass(frozen=True, slots=True)
class Goal:
    """What productions conclude: that a rule is satisfied or violated, or that a fact is 1 or 0."""

    conclusion: int
    """The rule's position, or the fact's."""
    rails: Rails


@dataclass
class Translation:
    """The production rules of `rules`, and the facts they are about, in the order in which they are needed."""

    rules: Sequence[Rule]
    conditions: Mapping[str, Condition]
    facts: list[Fact] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    """One per rule."""
    _known: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for position, rule in enumerate(self.rules):
            breach = self._all([self._rails(rule.when, "account"), opposite(self._rails(rule.requires, "account"))])
            self.goals.append(Goal(position, opposite(breach)))
        if len(self.facts) > NAMES:
            raise ValueError(f"more than {NAMES} facts")

    def strata(self) -> list[list[Goal]]:
        """The derivations in an order in which each finds its facts derived before it; the rules come last."""
        found: dict[int, list[Goal]] = {}
        for position, fact in enumerate(self.facts):
            if isinstance(fact, Derived):
                found.setdefault(fact.stratum, []).append(Goal(position, fact.rails))
        return [found[stratum] for stratum in sorted(found)]

    def _rails(self, expr: Expr, view: View) -> Rails:
        match expr:
            case Constant():
                return Rails(ALWAYS, NEVER) if expr.value else Rails(NEVER, ALWAYS)
            case Field():
                return self._truth(self._field(expr, view))
            case ConditionOf():
                return self._condition(expr, view)
            case Not():
                return opposite(self._rails(expr.operand, view))
            case And():
                return self._all([self._rails(each, view) for each in expr.operands])
            case Or():
                return opposite(self._all([opposite(self._rails(each, view)) for each in expr.operands]))
            case Conditional():
                return self._choice(*(self._rails(each, view) for each in (expr.test, expr.then, expr.otherwise)))
            case Known():
                return self._presence(expr.operand, view)
            case AtMost():
                return self._limit(expr, view)
            case Compare():
                return self._comparison(expr, view)
            case Member():
                return self._member(expr, view)
            case Quantifier() | Call():
                return self._computed(expr, view)
            case Clock() | Count() | ListOf() | Variable():
                raise TypeError(f"{expr} is no condition")

    def _condition(self, expr: ConditionOf, view: View) -> Rails:
        state = view if expr.state == "account" else expr.state
        key = (state, expr.name)
        if key not in self._known:
            self._known[key] = self._derived(self._rails(self.conditions[expr.name].holds, state))
        return self._truth(self._known[key])

    def _comparison(self, expr: Compare, view: View) -> Rails:
        if expr.operator in ("==", "!=") and type_of(expr.left).kind == "bool":
            right = self._rails(expr.right, view)
            same = self._choice(self._rails(expr.left, view), right, opposite(right))
            return same if expr.operator == "==" else opposite(same)
        match expr.left, expr.right:
            case (Field() | Clock() | Count()) as read, Constant() as constant if _comparable(read):
                return self._literal(expr.operator, read, constant, view)
            case Constant() as constant, (Field() | Clock() | Count()) as read if _comparable(read):
                return self._literal(_MIRRORED[expr.operator], read, constant, view)
            case _:
                return self._computed(expr, view)

    def _literal(self, operator: Comparison, read: Field | Clock | Count, constant: Constant, view: View) -> Rails:
        fact = self._field(read, view) if isinstance(read, Field) else self._value(read, view)
        value = encoder(read.type if not isinstance(read, Count) else constant.type)(constant.value)
        return Rails(Test(_TESTS[operator], fact, value), Test(_TESTS[_DENIED[operator]], fact, value))

    def _member(self, expr: Member, view: View) -> Rails:
        items = expr.collection.items if isinstance(expr.collection, ListOf) else ()
        constants = [each for each in items if isinstance(each, Constant)]
        if not isinstance(expr.item, Field) or not 0 < len(items) == len(constants) <= LITERALS:
            return self._computed(expr, view)
        rails = [self._literal("!=", expr.item, each, view) for each in constants]
        return opposite(self._all(rails))

    def _limit(self, expr: AtMost, view: View) -> Rails:
        if expr.at_most >= _CLAMP:
            return self._computed(expr, view)
        most = self._fact(Counted(view, expr, "most"))
        least = self._fact(Counted(view, expr, "least"))
        return Rails(Test("$lte", most, expr.at_most), Test("$gt", least, expr.at_most))

    def _presence(self, operand: Expr, view: View) -> Rails:
        if isinstance(operand, Field):
            fact = self._field(operand, view)
        elif type_of(operand).kind == "bool":
            fact = self._derived(self._rails(operand, view))
        else:
            fact = self._fact(Computed(view, operand, presence))
        return Rails(Test("$ex", fact, 1), Test("$nex", fact, 1))

    def _computed(self, expr: Expr, view: View) -> Rails:
        return self._truth(self._value(expr, view))

    def _truth(self, fact: int) -> Rails:
        return Rails(Test("$eq", fact, 1), Test("$eq", fact, 0))

    def _field(self, expr: Field, view: View) -> int:
        owner = _SEEN[view].get(expr.owner, expr.owner)
        return self._fact(Read(owner, expr.name, encoder(expr.type)))

    def _value(self, expr: Expr, view: View) -> int:
        return self._fact(Computed(view, expr, encoder(type_of(expr))))

    def _derived(self, rails: Rails) -> int:
        used = {test.fact for form in (rails.true, rails.false) for test in tests(form)}
        strata = [fact.stratum for each in used if isinstance(fact := self.facts[each], Derived)]
        return self._fact(Derived(rails, 1 + max(strata, default=0)))

    def _fact(self, fact: Fact) -> int:
        position = self._known.setdefault(fact, len(self.facts))
        if position == len(self.facts):
            self.facts.append(fact)
        return position

    def _all(self, parts: list[Rails]) -> Rails:
        """*And*, cut into derived facts until it is small enough."""
        rails = conjunction(parts)
        if fits(rails, LITERALS):
            return rails
        return self._all([self._cut(group) for group in _packed(parts, LITERALS)])

    def _choice(self, *parts: Rails) -> Rails:
        rails = choice(*parts)
        return rails if fits(rails, LITERALS) else choice(*(self._cut(each) for each in parts))

    def _cut(self, rails: Rails) -> Rails:
        """The expression as a fact of its own, unless it is as small already."""
        return rails if fits(rails, 1) else self._truth(self._derived(rails))


def _packed(parts: list[Rails], bound: int) -> Iterator[Rails]:
    """The conjunctions of neighbours, as many to each as fit."""
    group: list[Rails] = []
    true, false = together([]), either([])
    for part in parts:
        more_true, more_false = together([true, size(part.true)]), either([false, size(part.false)])
        if group and not (more_true.fits(bound) and more_false.fits(bound)):
            yield conjunction(group)
            group = []
            more_true, more_false = together([size(part.true)]), either([size(part.false)])
        group.append(part)
        true, false = more_true._replace(groups=more_true.groups - 1), more_false._replace(groups=more_false.groups - 1)
    yield conjunction(group)


def _comparable(read: Field | Clock | Count) -> bool:
    return isinstance(read, Count) or encoder(read.type) is not presence


_SEEN: Final[Mapping[View, Mapping[Owner, Owner]]] = {
    "account": {},
    "before": {"account": "before", "features": "before.features"},
    "after": {"account": "after", "features": "after.features"},
}
_TESTS: Final[Mapping[Comparison, Literal["$eq", "$neq", "$lt", "$lte", "$gt", "$gte"]]] = {
    "==": "$eq",
    "!=": "$neq",
    "<": "$lt",
    "<=": "$lte",
    ">": "$gt",
    ">=": "$gte",
}
_DENIED: Final[Mapping[Comparison, Comparison]] = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
_MIRRORED: Final[Mapping[Comparison, Comparison]] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


# ----------------------------------------------------------------------------------------------------------- shards


@dataclass(frozen=True, slots=True)
class Production:
    """If its form matches, its goal is reached: `conclusion` is true, or false."""

    name: str
    conclusion: int
    holds: bool
    form: Form


@dataclass(frozen=True, slots=True)
class Shard:
    """Productions few enough for one ruleset."""

    productions: tuple[Production, ...]

    @property
    def facts(self) -> tuple[int, ...]:
        return tuple(sorted({test.fact for each in self.productions for test in tests(each.form)}))

    @property
    def ruleset(self) -> str:
        """In the engine's own language."""
        guard = {GUARD: 1}
        rules = {each.name: {"all": [{"m": {"$and": [guard, *_written(each.form)]}}]} for each in self.productions}
        return json.dumps(rules)


def shards(goals: Sequence[Goal]) -> Iterator[Shard]:
    """The productions of the goals, in as few shards as filling one after the other gives."""
    taken: list[Production] = []
    literals = firings = 0
    for goal in goals:
        made = _productions(goal)
        more = either([size(each.form) for each in made])
        if taken and (literals + more.literals > SHARD or firings + more.branches > SHARD):
            yield Shard(tuple(taken))
            taken, literals, firings = [], 0, 0
        taken += made
        literals, firings = literals + more.literals, firings + more.branches
    if taken:
        yield Shard(tuple(taken))


def _productions(goal: Goal) -> list[Production]:
    rails = ((True, goal.rails.true), (False, goal.rails.false))
    return [
        Production(f"{'t' if holds else 'f'}{goal.conclusion}", goal.conclusion, holds, form)
        for holds, form in rails
        if form != NEVER
    ]


def _written(form: Form) -> list[object]:
    """The form as members of an `$and`."""
    match form:
        case Test("$eq"):
            return [{fact_name(form.fact): form.value}]
        case Test():
            return [{form.operator: {fact_name(form.fact): form.value}}]
        case All():
            return [each for part in form.parts for each in _written(part)]
        case Some():
            return [{"$or": [_one(_written(part)) for part in form.parts]}]


def _one(members: list[object]) -> object:
    return members[0] if len(members) == 1 else {"$and": members}


def fact_name(position: int) -> str:
    """Generated: an author's own name could be the engine's, or share its hash with another."""
    return f"f{position}"
