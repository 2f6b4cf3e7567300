"""What, once it is so of an account, stays so: whatever is allowed, whatever happens, however time passes.

A fact that a field no longer has, a condition that is met or is not, a limit that is used up: the most of them that
nothing breaks while all of them hold are found by induction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from lawful import ir, wording
from lawful.ir import (
    BOOL,
    DATE,
    And,
    Clock,
    Compare,
    Constant,
    Expr,
    Field,
    Known,
    Language,
    Not,
    Or,
    Program,
    Text,
    Value,
    everything,
    type_of,
)
from lawful.proofs.property import Property
from lawful.proofs.reach import Slice, is_timeless, reads_of

_MOST: Final = 400
_MOST_BY_VALUE: Final = 1000
"""More conditions than these are not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """Something that is so of an account or is not, and is never unknown."""

    so: Expr
    fact: Field | None = None
    without: Value | None = None
    """Of a fact of few values the one that it does not have; None is unknown."""
    where: tuple[Field, str] | None = None
    """It is asked only where a life cycle has that value."""
    told: Text = Text()  # noqa: RUF009  # frozen
    never: Property = field(init=False)
    """That it is not so."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "never", Property(Not(self.so)))


def literals(program: Program, part: Slice) -> list[Literal]:
    """What may last of the facts of a part: what is read more easily comes first."""
    found = [*_of_facts(program, part), *_of_dates(program), *_of_conditions(program, part)]
    return found[:_MOST]


def literals_by_value(program: Program, part: Slice) -> list[Literal]:
    """What may last of each value of a life cycle by itself; nothing where that is too much."""
    cycles = [each for name, each in program.account.items() if name in program.lifecycles]
    cycles = [each for each in cycles if f"account.{each.name}" in part.facts]
    every = literals(program, part)
    if len(every) * sum(len(each.type.values) for each in cycles) > _MOST_BY_VALUE:
        return []
    found = []
    for cycle in cycles:
        fact = Field("account", cycle.name, cycle.type)
        for value in cycle.type.values:
            there = And((Known(fact), Compare("==", fact, Constant(value, cycle.type))))
            for each in every:
                if each.fact != fact:
                    so = Or((Not(there), each.so))
                    found.append(Literal(so, each.fact, each.without, (fact, value), each.told))
    return found


def _of_facts(program: Program, part: Slice) -> Iterator[Literal]:
    for name, declaration in program.account.items():
        if f"account.{name}" not in part.facts:
            continue
        fact = Field("account", name, declaration.type)
        yield Literal(Known(fact), fact)
        if declaration.type.kind not in ("enum", "bool"):
            yield Literal(Not(Known(fact)), told=Text(f"{name} is unknown", f"{name}未知"))
            continue
        values: tuple[Value, ...] = (True, False) if declaration.type == BOOL else declaration.type.values
        for value in values:
            has = Compare("==", fact, Constant(value, declaration.type))
            yield Literal(Not(And((Known(fact), has))), fact, value)
    for name in program.features:
        if f"features.{name}" in part.facts:
            held = Field("features", name, BOOL)
            yield Literal(held, told=Text(f"it has {name}", f"已开通{name}"))
            yield Literal(Not(held), told=Text(f"it has no {name}", f"未开通{name}"))


def _of_dates(program: Program) -> Iterator[Literal]:
    periods = [*(each.in_force for each in program.rules), *(each.in_force for each in program.moves)]
    days = {day for each in periods for day in (each.start, each.until) if day is not None}
    for day in sorted(days):
        since = Compare(">=", Clock("today"), Constant(day, DATE))
        yield Literal(since, told=Text(f"it is {day} or later", f"日期不早于{day}"))


def _of_conditions(program: Program, part: Slice) -> Iterator[Literal]:
    """Each condition that the policy has, as it is true, false or unknown: those that are parts of others first."""
    nodes: dict[Expr, str] = {}
    for expr in expressions(program):
        for node in everything(expr, program.conditions):
            if node not in nodes and _is_condition(program, node, part):
                nodes[node] = wording.cel(node)
    for node, told in sorted(nodes.items(), key=lambda each: len(each[1])):
        known = Known(node)
        if isinstance(node, ir.AtMost):
            en, zh = (_events(program, node, language) for language in ("en", "zh"))
            yield Literal(And((known, Not(node))), told=Text(f"the limit on {en} is used up", f"{zh}的次数已用完"))
            continue
        yield Literal(And((known, node)), told=Text(told, told))
        yield Literal(And((known, Not(node))), told=Text(f"not {_within(told)}", f"非{_within(told)}"))
        yield Literal(Not(known), told=Text(f"{told} is unknown", f"{told}未知"))


def _events(program: Program, limit: ir.AtMost, language: Language) -> str:
    titles = [wording.event_title(program, event, language) for event in limit.count.events]
    return (" and " if language == "en" else "与").join(titles)


def expressions(program: Program) -> Iterator[Expr]:
    """All that decides on changes, and what they leave."""
    for rule in program.rules:
        yield from (rule.when, rule.requires)
    for move in program.moves:
        yield move.applies
        yield from (effect.value for effect in move.effects)


def _is_condition(program: Program, node: Expr, part: Slice) -> bool:
    if isinstance(node, (Field, Constant, Not, ir.Variable)) or type_of(node) != BOOL:
        return False
    for each in everything(node, program.conditions):
        if isinstance(each, ir.Variable) or (isinstance(each, Field) and each.owner not in ("account", "features")):
            return False
        if isinstance(each, ir.AtMost) and each.counted_by is not None and each.counted_by.owner != "account":
            return False
    reads = reads_of(program, node)
    return reads <= part.facts and not _is_told_by_values(program, node, reads)


def _is_told_by_values(program: Program, node: Expr, reads: set[str]) -> bool:
    """Whether it is about one fact of few values: which of them it has is asked anyway."""
    few = {f"account.{name}" for name, each in program.account.items() if each.type.kind in ("enum", "bool")}
    return len(reads) == 1 and reads <= few and is_timeless(program, node)


def _within(told: str) -> str:
    return f"({told})" if " " in told else told


# ----------------------------------------------------------------------------------------------------------- words


def told_of(program: Program, some: Sequence[Literal], here: tuple[Field, str], zone: ZoneInfo) -> Text:
    """All of them in words, of an account that has the value `here`."""
    some = [replace(each, where=None) if each.where == here else each for each in some]
    return Text(
        " and ".join(_parts(program, some, "en", zone)),
        "且".join(_parts(program, some, "zh", zone)),
    )


def _parts(program: Program, some: Sequence[Literal], language: Language, zone: ZoneInfo) -> list[str]:
    """Those about one fact, in one case, together."""
    together: dict[tuple[object, ...], list[Literal]] = {}
    for number, each in enumerate(some):
        together.setdefault((each.where, each.fact if each.fact is not None else number), []).append(each)
    parts = []
    for group in together.values():
        first = group[0]
        told = first.told.best(language)
        if first.fact is not None:
            told = _of_fact(program, first.fact, [each.without for each in group], language, zone)
        if first.where is not None:
            fact, value = first.where
            title = wording.field_title(program.account[fact.name], language)
            named = wording.of_field(program.account[fact.name], value, language, zone)
            told = f"{told} whenever {title} is {named}" if language == "en" else f"{title}为{named}时{told}"
        parts.append(told)
    return parts


def _of_fact(program: Program, fact: Field, without: list[Value | None], language: Language, zone: ZoneInfo) -> str:
    """A fact by the values that it has or, where these are fewer, by those that it does not have."""
    declaration = program.account[fact.name]
    every: list[Value | None] = [*((True, False) if fact.type == BOOL else fact.type.values)]
    if declaration.default is None:
        every.append(None)
    left = [each for each in every if each not in without]
    is_so = bool(left) and len(left) <= len(without)
    named = left if is_so else without
    told = [wording.of_field(declaration, each, language, zone) for each in named]
    title = wording.field_title(declaration, language)
    if language == "en":
        return f"{title} is {'' if is_so else 'not '}{' or '.join(told)}"
    return f"{title}{'为' if is_so else '不为'}{'或'.join(told)}"
