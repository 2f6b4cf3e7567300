"""The columnar engine judges as the reference does: random rules over random rows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import ibis
from hypothesis import given, settings

import columns
import drawing
from drawing import Case
from lawful import calendar, ir
from lawful.audit.accounts import Outcomes
from lawful.audit.dialects import Dialect
from lawful.audit.expressions import Translator
from lawful.audit.zones import Zone
from lawful.engines import reference
from lawful.engines.situation import Situation

OUTCOMES = {True: "violated", False: "satisfied", None: "unknown"}


@cache
def duckdb() -> Any:
    return ibis.duckdb.connect(threads=1)


def counts_of(case: Case) -> list[ir.Count]:
    roots = [expr for rule in case.rules for expr in (rule.when, rule.requires)]
    roots += [condition.holds for condition in case.conditions.values()]
    nodes = [node for root in roots for node in ir.walk(root)]
    return [each for each in nodes if isinstance(each, ir.Count)] + [
        each.count for each in nodes if isinstance(each, ir.AtMost)
    ]


def translated(case: Case, situations: list[Situation], connection: Any, *, clock: bool) -> list[dict[str, Any]]:
    """What each rule comes to in each situation, whether the engine thought that it might be unknown, and `some`: what
    filters out the rows that break none.
    """
    spread = columns.spread(situations, drawing.fields_read(case.rules, case.conditions), counts_of(case))
    table = columns.placed(spread.arrow, connection)
    first = situations[0]
    today, now = (table.today, table.now) if clock else (first.today, columns.zones.micros(first.at))
    world = case.world
    program = columns.program_of(case.conditions, world.account, world.request, first.zone.key)
    translator = Translator(program, spread.row(table, today, now), Zone.of(first.zone), Dialect(connection.name))
    asked: dict[str, Any] = {}
    for n, rule in enumerate(case.rules):
        asked[f"r{n}"] = translator.violated(rule)
        doubts = translator.doubts(ir.And((rule.when, ir.negation(rule.requires))))
        asked[f"d{n}"] = ibis.or_(*doubts) if doubts else ibis.literal(False)
    asked["some"] = Outcomes.of(case.rules, translator).some_violated()
    found = connection.to_pyarrow(table.select("row", **asked)).to_pylist()
    return sorted(found, key=lambda row: row["row"])


def differences(case: Case, situations: list[Situation], connection: Any, *, clock: bool) -> list[str]:
    found = translated(case, situations, connection, clock=clock)
    told = []
    for situation, row in zip(situations, found, strict=True):
        if bool(row["some"]) != any(row[f"r{n}"] for n in range(len(case.rules))):
            told.append(f"row {row['row']}: the filter says {row['some']}")
        for n, rule in enumerate(case.rules):
            expected = reference.outcome(rule, situation)
            outcome = OUTCOMES[row[f"r{n}"]]
            if outcome != expected:
                told.append(f"row {row['row']}: {rule.id} is {expected}, {connection.name} says {outcome}")
            if outcome == "unknown" and not row[f"d{n}"]:
                told.append(f"row {row['row']}: nobody doubted {rule.id}")
    return told


@settings(max_examples=drawing.examples(22))
@given(drawing.cases(replace(drawing.USUAL, situations=4)))
def test_rows_are_judged_as_the_reference_judges_them(case: Case) -> None:
    situations = columns.at_the_same_instant(columns.audited(case.situations))
    assert differences(case, situations, duckdb(), clock=False) == []


@settings(max_examples=drawing.examples(12))
@given(drawing.cases(replace(drawing.USUAL, situations=4)))
def test_rows_with_a_clock_of_their_own_are_judged_as_the_reference_judges_them(case: Case) -> None:
    first = case.situations[0]
    situations = columns.audited(case.situations)
    for one in situations:
        one.zone, one.today = first.zone, calendar.day_of(one.at, first.zone)
    assert differences(case, situations, duckdb(), clock=True) == []
