"""Reference, rete, direct and Google's CEL evaluator give one value: random typed expressions, and those of policies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drawing
import lawful
from drawing import Pen, Size, World
from lawful import calendar, ir, wording
from lawful.calendar import Window
from lawful.conditions import ConditionError, Conditions
from lawful.conditions.vocabulary import Vocabulary
from lawful.engines import direct, reference, rete
from lawful.engines.situation import History, Situation
from lawful.ir import Expr, Value
from witness import Authored, Untold, Witness

ROOT: Final = Path(__file__).parent.parent
CASES: Final = 21_000
"""So many cases, an expression in a situation each, are judged in every run of these tests at least."""


@dataclass(frozen=True)
class Case:
    """Expressions, and situations in which to judge each of them. Histories are whole."""

    world: World = field(repr=False)
    conditions: Mapping[str, ir.Condition]
    expressions: tuple[Expr, ...]
    situations: tuple[Situation, ...]
    plainly: bool
    """Every fact that is read is known."""


# --------------------------------------------------------------------------------------------------------- the judges

Judgement = list[list[Any]]
"""For each expression its value in each situation; None is unknown."""


class Another:
    """A value that is not what it should be: rete says no more."""


def one_by_one(evaluate: Callable[[Expr, Situation], Value | None]) -> Callable[[Case, Judgement], Judgement]:
    def judge(case: Case, _: Judgement) -> Judgement:
        afresh = [each.with_records() for each in case.situations]  # nothing is remembered of what another found
        return [[evaluate(expr, situation) for situation in afresh] for expr in case.expressions]

    return judge


def by_rete(case: Case, wanted: Judgement) -> Judgement:
    """A truth is a rule; of any other expression a rule asks for each value it should have, and one whether it has any.

    A value that none of them asks for is `Another`.
    """
    if not rete.available():
        return wanted
    rules: list[ir.Rule] = []
    asked: list[dict[int, Any]] = []
    for expr, values in zip(case.expressions, wanted, strict=True):
        asked.append({})
        if ir.type_of(expr) == ir.BOOL:
            asked[-1][len(rules)] = True
            rules.append(_rule(expr))
            continue
        for value in [Another, *dict.fromkeys(each for each in values if each is not None)]:
            other = expr if value is Another else ir.Constant(value, ir.type_of(expr))
            asked[-1][len(rules)] = value
            rules.append(_rule(ir.Compare("==", expr, other)))
    network = rete.Network(tuple(rules), case.conditions)
    outcomes = [network.outcomes(each.with_records()) for each in case.situations]
    return [[_value(each, found) for found in outcomes] for each in asked]


def _rule(holds: Expr) -> ir.Rule:
    return ir.Rule("r", "requires", "move", "do.it", ir.TRUE, holds, "error", ir.ALWAYS, drawing.PLACE)


def _value(asked: Mapping[int, Any], outcomes: Sequence[reference.Outcome]) -> Any:
    """What the outcomes of the rules about one expression say of it."""
    (first, value), *others = asked.items()
    if outcomes[first] == "unknown":
        return None
    if value is True:
        return outcomes[first] == "satisfied"
    return next((other for rule, other in others if outcomes[rule] == "satisfied"), Another)


def by_cel(case: Case) -> Judgement:
    cel = Witness(case.world.account, case.world.request, case.conditions)
    return [
        [cel.value(expr, situation, plainly=case.plainly) for situation in case.situations] for expr in case.expressions
    ]


ENGINES: Final[dict[str, Callable[[Case, Judgement], Judgement]]] = {
    "reference": one_by_one(reference.evaluate),
    "rete": by_rete,
    "direct": one_by_one(direct.value),
}


def differences(case: Case) -> tuple[list[str], Judgement]:
    """Where an engine does not give what CEL gives, a line for each expression and situation; and what CEL gives."""
    wanted = by_cel(case)
    found = []
    for name, judge in ENGINES.items():
        for expr, values, judged in zip(case.expressions, wanted, judge(case, wanted), strict=True):
            for number, (value, other) in enumerate(zip(values, judged, strict=True)):
                if value != other or type(value) is not type(other):
                    found.append(f"{name} gives {other!r}, CEL {value!r}, in situation {number}: {told(case, expr)}")
    return found, wanted


def told(case: Case, expr: Expr) -> str:
    return Witness(case.world.account, case.world.request, case.conditions).told(expr, plainly=case.plainly)


# ---------------------------------------------------------------------------------------------------------- drawing

KINDS: Final[tuple[ir.Kind, ...]] = tuple(kind for kind in get_args(ir.Kind) if kind != "list")
EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)


def draw_situation(
    pen: Pen,
    world: World,
    conditions: Mapping[str, ir.Condition],
    read: Read,
    known: int,
    zone: ZoneInfo | None = None,
) -> Situation:
    """With a whole history of what is counted; each fact is known with that many percent."""
    zone = ZoneInfo(pen.one(drawing.ZONES)) if zone is None else zone
    at = pen.value(ir.TIMESTAMP)
    assert isinstance(at, datetime)
    records: dict[ir.Owner, Mapping[str, Value]] = {}
    for owner in get_args(ir.Owner):
        fields = [each for each in world.fields if each.owner == owner and each in read.facts]
        records[owner] = drawing.draw_facts(pen, fields, world.request if owner == "request" else world.account, known)
    return Situation(
        records=records,
        at=at,
        today=calendar.day_of(at, zone),
        zone=zone,
        history=History(drawing.draw_events(pen, read.events, at, zone, read.windows), EARLIEST),
        conditions=conditions,
        initial=records["account"],
    )


@dataclass(frozen=True)
class Read:
    """What expressions ask of a situation."""

    facts: frozenset[ir.Field]
    events: tuple[str, ...]
    windows: tuple[Window, ...]


def read_by(expressions: Sequence[Expr], conditions: Mapping[str, ir.Condition]) -> Read:
    roots = [*expressions, *(each.holds for each in conditions.values())]
    counts = [node for root in roots for node in ir.walk(root) if isinstance(node, ir.Count)]
    events = tuple(sorted({event for count in counts for event in count.events}))
    windows = tuple(dict.fromkeys(count.window for count in counts))
    facts = drawing.fields_read([_rule(each) for each in expressions], conditions)
    return Read(facts, events or drawing.EVENTS, windows or drawing.WINDOWS)


@st.composite
def cases(draw: st.DrawFn, size: Size, expressions: int, situations: int) -> Case:
    """Half of the expressions are conditions, the others of any type; the first is often a limit."""
    pen = Pen(draw)
    world = drawing.draw_world(pen, size)
    conditions = drawing.draw_conditions(pen, world)
    world = replace(world, conditions=tuple(conditions))
    drawn = []
    if pen.chance(30):
        limit = drawing.MAKERS[ir.AtMost](pen, world, ir.BOOL, 0)
        assert limit is not None
        drawn.append(limit)
    while len(drawn) < expressions:
        type = ir.BOOL if pen.chance(50) else pen.one(world.types(KINDS))
        drawn.append(drawing.draw_expr(pen, world, type, size.depth))
    read = read_by(drawn, conditions)
    plainly = pen.chance(70)
    known = 100 if plainly else pen.one((85, 60))
    found = tuple(draw_situation(pen, world, conditions, read, known) for _ in range(situations))
    return Case(world, conditions, tuple(drawn), found, plainly)


# ------------------------------------------------------------------------------------------------ random expressions

SIZES: Final = {
    "usual": (drawing.USUAL, 6, 8),
    "deep": (replace(drawing.USUAL, depth=4, conditions=1), 3, 8),
    "flat": (replace(drawing.USUAL, depth=1, operands=5), 8, 8),
}
"""How the expressions are drawn, how many to a case, and in how many situations each."""


@pytest.mark.parametrize("drawn", SIZES)
def test_every_engine_gives_what_cel_gives(drawn: str) -> None:
    size, expressions, situations = SIZES[drawn]
    wanted = CASES // len(SIZES) + 1
    seen: Counter[str] = Counter()

    @settings(max_examples=drawing.examples(wanted * 21 // 20 // (expressions * situations) + 1))
    @given(cases(size, expressions, situations))
    def judge(case: Case) -> None:
        with suppress(Untold):
            found, values = differences(case)
            assert found == []
            seen.update(type(each).__name__ for of_expression in values for each in of_expression)

    judge()
    assert seen.total() >= wanted
    assert set(seen) == {"NoneType", "bool", "int", "str", "date", "datetime", "timedelta", "frozenset"}
    assert wanted / 10 < seen["NoneType"] < seen.total() / 2


def flattened(expr: Expr) -> Expr:
    """As it is read: `a && (b && c)` is one chain."""
    parts = ir.rebuilt(expr, lambda node: None if node is expr else flattened(node))
    if not isinstance(parts, (ir.And, ir.Or)):
        return parts
    kind = type(parts)
    return kind(tuple(each for part in parts.operands for each in (part.operands if type(part) is kind else (part,))))


def test_an_expression_told_in_cel_is_read_back_as_it_was() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=drawing.examples(600))
    @given(st.data())
    def read_back(data: st.DataObject) -> None:
        pen = Pen(data.draw)
        world = drawing.draw_world(pen, drawing.USUAL)
        world = replace(world, owners=("account", "features", "request"), states=("account",), conditions=("c0", "c1"))
        events, zone = tuple(sorted(world.events)), "Asia/Shanghai"
        names = Vocabulary(world.account, world.request, world.features, world.conditions, events, zone)
        try:
            text = Authored().tell(flattened(drawing.draw_expr(pen, world, ir.BOOL, 3)))
            read = Conditions(names).boolean(text)
        except (Untold, ConditionError) as error:
            seen[type(error).__name__] += 1
            return  # the language has no words for it, or refuses what can only be a mistake
        seen["read"] += 1
        assert Authored().tell(read) == text

    read_back()
    assert seen["read"] > seen.total() / 3


@given(st.data())
def test_a_constant_in_words_is_read_back_as_it_was(data: st.DataObject) -> None:
    pen = Pen(data.draw)
    type = ir.Type(pen.one(("bool", "int", "string", "date", "timestamp", "duration")))
    constant = ir.Constant(drawing.draw_value(pen, type), type)
    if not (isinstance(constant.value, str) and "\0" in constant.value):  # which the language refuses
        assert Conditions(Vocabulary({}, {}, (), (), (), "UTC")).anything(wording.cel(constant)) == constant


# -------------------------------------------------------------------------------------------------- policies as they are

POLICIES: Final = (
    *sorted((ROOT / "policies").iterdir()),
    *sorted(path.parent for path in (ROOT / "fixtures").glob("*/policy.yaml")),
    ROOT / "benchmarks" / "pack25.yaml",
)


def expressions_of(program: ir.Program) -> Iterator[Expr]:
    """Everything that is ever evaluated."""
    yield from (each.holds for each in program.conditions.values())
    for rule in program.rules:
        yield from (rule.when, rule.requires)
    for move in program.moves:
        yield move.applies
        yield from (each.value for each in move.effects)
        yield from (each.when for each in move.obligations)
    yield from (effect.value for event in program.events.values() for effect in event.moves)
    yield from (each.when for each in program.groups)
    yield from (each.expr for each in program.invariants)


AT_ONCE: Final = 60
"""Expressions that are judged together: what it takes grows faster than their number."""


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_expression_of_a_policy_means_what_it_means_to_cel(path: Path) -> None:
    program = lawful.load(path).program
    expressions = tuple(dict.fromkeys(expressions_of(program)))
    for begin in range(0, len(expressions), AT_ONCE):
        judged(program, expressions[begin : begin + AT_ONCE], 12 if len(expressions) <= 2 * AT_ONCE else 4)


def judged(program: ir.Program, expressions: tuple[Expr, ...], examples: int) -> None:
    world = World(
        program.account,
        program.request,
        features=tuple(program.features),
        events=tuple(sorted(program.event_names)) or drawing.EVENTS,
    )
    read = read_by(expressions, program.conditions)
    assert read.facts <= set(world.fields)
    zone = ZoneInfo(program.timezone)
    told: set[Expr] = set()

    @settings(max_examples=drawing.examples(examples))
    @given(st.data())
    def judge(data: st.DataObject) -> None:
        pen = Pen(data.draw)
        plainly = pen.chance(70)
        known = 100 if plainly else 85
        situations = tuple(draw_situation(pen, world, program.conditions, read, known, zone) for _ in range(8))
        case = Case(world, program.conditions, expressions, situations, plainly)
        found, values = differences(case)
        assert found == []
        told.update(expr for expr, of_it in zip(expressions, values, strict=True) if set(of_it) != {None})

    judge()
    assert [each for each in expressions if each not in told] == []
