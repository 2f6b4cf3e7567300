"""What is judged: rules as plain data, which each peer writes in its own language.

Two policies. `RECORD` is 25 rules of which every one is judged at every request, so that no index helps anybody.
`moves(count)` is as many rules as wanted, five for each of many actions, of which a request asks one.

Everything is a whole number, a text or one of a few words, and every value is known: dates are days from today and
events are counted before, since most peers have neither calendars nor histories nor an unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]
_OPPOSITE: dict[Operator, Operator] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@dataclass(frozen=True, slots=True)
class Comparison:
    field: str
    operator: Operator
    value: str | int


@dataclass(frozen=True, slots=True)
class Prefixed:
    """Whether a text begins so, or does not."""

    field: str
    prefix: str
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Prefixed | Every | Some
"""There is no *not*: some peers have none, so `negated` pushes it into the comparisons."""


def negated(condition: Condition) -> Condition:
    match condition:
        case Comparison(field, operator, value):
            return Comparison(field, _OPPOSITE[operator], value)
        case Prefixed(field, prefix, holds):
            return Prefixed(field, prefix, not holds)
        case Every(parts):
            return Some(tuple(negated(part) for part in parts))
        case Some(parts):
            return Every(tuple(negated(part) for part in parts))
        case _:
            assert_never(condition)


@dataclass(frozen=True, slots=True)
class Rule:
    """Broken where `when` is true and `requires` is not."""

    id: str
    requires: Condition
    when: Condition | None = None
    action: str | None = None
    """Of the action that the rule is about; None: of every request."""

    @property
    def broken(self) -> Condition:
        """Where it is broken, for a request that asks its action."""
        if self.when is None:
            return negated(self.requires)
        return every(self.when, negated(self.requires))


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    rules: tuple[Rule, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule.action for rule in self.rules if rule.action is not None))

    def by_action(self) -> Iterator[tuple[str | None, list[Rule]]]:
        for action in dict.fromkeys(rule.action for rule in self.rules):
            yield action, [rule for rule in self.rules if rule.action == action]


def every(*parts: Condition) -> Condition:
    return Every(_flat(parts, Every))


def some(*parts: Condition) -> Condition:
    return Some(_flat(parts, Some))


def _flat(parts: Sequence[Condition], kind: type[Every | Some]) -> tuple[Condition, ...]:
    found: list[Condition] = []
    for part in parts:
        found.extend(part.parts if isinstance(part, kind) else [part])
    return tuple(found)


# ----------------------------------------------------------------------------------------------------- the account

WORDS: dict[str, tuple[str, ...]] = {
    "type": ("subscription", "service", "enterprise"),
    "status": ("active", "frozen", "closed"),
    "subject": ("individual", "media", "enterprise", "government", "organization"),
}
TEXTS = ("region",)
NUMBERS = (
    "certified_days",  # until the certification ends; negative where it has ended
    "idle_days",
    "followers",
    "warnings",
    # of the four kinds of events, how many there were
    "sent_today",
    "sent_this_month",
    "renames",
    "upgrades",
)
FIELDS = (*WORDS, *TEXTS, *NUMBERS)


class _Field:
    """A field as the rules below write it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, value: object) -> Any:
        return Comparison(self.name, "==", _literal(value))

    def __ne__(self, value: object) -> Any:
        return Comparison(self.name, "!=", _literal(value))

    def __lt__(self, value: int) -> Condition:
        return Comparison(self.name, "<", value)

    def __le__(self, value: int) -> Condition:
        return Comparison(self.name, "<=", value)

    def __gt__(self, value: int) -> Condition:
        return Comparison(self.name, ">", value)

    def __ge__(self, value: int) -> Condition:
        return Comparison(self.name, ">=", value)

    __hash__ = None  # type: ignore[assignment]

    def begins(self, prefix: str) -> Condition:
        return Prefixed(self.name, prefix)


def _literal(value: object) -> str | int:
    assert isinstance(value, str | int)
    return value


type_, status, subject, region = _Field("type"), _Field("status"), _Field("subject"), _Field("region")
certified_days, idle_days = _Field("certified_days"), _Field("idle_days")
followers, warnings = _Field("followers"), _Field("warnings")
sent_today, sent_this_month = _Field("sent_today"), _Field("sent_this_month")
renames, upgrades = _Field("renames"), _Field("upgrades")

certified = certified_days >= 0
organized = subject != "individual"
in_order = every(status == "active", warnings < 3)
mainland = region.begins("CN")


def _constraint(id: str, requires: Condition, when: Condition | None = None) -> Rule:
    return Rule(f"constraints.{id}", requires, when)


# fmt: off
RECORD = Policy("record", (
    _constraint("may-hold-service", organized, when=type_ == "service"),
    _constraint("may-hold-enterprise", some(subject == "enterprise", subject == "government", subject == "organization"), when=type_ == "enterprise"),  # noqa: E501 - a rule a line
    _constraint("big-service-certified", certified, when=every(type_ == "service", followers >= 10_000)),
    _constraint("few-warnings", warnings < 6, when=type_ == "service"),
    _constraint("frozen-for-a-reason", warnings >= 3, when=status == "frozen"),
    _constraint("active-in-order", warnings < 9, when=status == "active"),
    _constraint("closed-is-idle", idle_days >= 30, when=status == "closed"),
    _constraint("closed-is-silent", sent_today == 0, when=status == "closed"),
    _constraint("frozen-is-silent", sent_today == 0, when=status == "frozen"),
    _constraint("dormant", idle_days < 210, when=every(type_ != "enterprise", negated(certified))),
    _constraint("daily", sent_today <= 1, when=type_ == "subscription"),
    _constraint("monthly", sent_this_month <= 4, when=type_ == "service"),
    _constraint("enterprise-daily", sent_today <= 10, when=type_ == "enterprise"),
    _constraint("renamed-once", renames <= 1, when=subject == "individual"),
    _constraint("renamed-twice", renames <= 2, when=organized),
    _constraint("big-keeps-its-name", some(renames == 0, organized), when=followers >= 50_000),
    _constraint("upgraded-once", upgrades <= 1),
    _constraint("upgraded-is-service", type_ == "service", when=upgrades >= 1),
    _constraint("media-at-home", mainland, when=subject == "media"),
    _constraint("government-certified", some(certified, idle_days < 30), when=every(subject == "government", status != "closed")),  # noqa: E501
    _constraint("individual-is-small", followers < 100_000, when=subject == "individual"),
    _constraint("foreign-certified", every(certified, organized), when=negated(mainland)),
    _constraint("certified-for-a-year", certified_days <= 366),
    _constraint("upgraded-in-order", upgrades == 0, when=every(warnings >= 3, status == "active")),
    _constraint("sends-while-used", idle_days <= 31, when=sent_this_month >= 1),
))
# fmt: on


PACK25 = Policy("pack25", ())
"""benchmarks/pack25.yaml: for lawful alone, which writes it in no other language."""


def policy_named(name: str) -> Policy:
    return {RECORD.name: RECORD, PACK25.name: PACK25}.get(name) or moves(int(name.removeprefix("moves-")))


def moves(count: int) -> Policy:
    """So many rules, five for each action: what it requires, and four limits on what was counted before."""
    assert count % 5 == 0
    return Policy(f"moves-{count}", tuple(rule for number in range(count // 5) for rule in _action(number)))


def allowances(number: int) -> tuple[int, int, int, int, int]:
    """The numbers in the five rules of an action: no two actions near each other have all of them alike."""
    return 3 + number % 5, 1 + number % 3, 3 + number % 7, 1 + number % 2, 1 + number % 4


def _action(number: int) -> Iterator[Rule]:
    name = f"a_{number}"
    warned, daily, monthly, yearly, ever = allowances(number)
    id = f"actions.{name}"
    yield Rule(id, every(status == "active", warnings < warned), action=name)
    # one more would be too many: `at_most: N` of what was counted is broken from N on
    yield Rule(f"{id}.limits.1", sent_today < daily, when=type_ == "subscription", action=name)
    yield Rule(f"{id}.limits.2", sent_this_month < monthly, when=type_ == "service", action=name)
    yield Rule(f"{id}.limits.3", renames < yearly, when=subject == "individual", action=name)
    yield Rule(f"{id}.limits.4", upgrades < ever, when=mainland, action=name)
