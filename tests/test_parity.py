"""The engines judge as the reference does: random rules in random situations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import get_args
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drawing
from drawing import Case
from lawful import ir
from lawful.engines import direct, productions, reference, rete

needs_durable_rules = pytest.mark.skipif(not rete.available(), reason="durable_rules does not run on this Python")


def differences(case: Case) -> list[str]:
    """Where the network and the reference disagree, one line for each rule and situation."""
    network = rete.Network(case.rules, case.conditions)
    found = []
    for number, situation in enumerate(case.situations):
        outcomes = network.outcomes(situation)
        for rule, outcome in zip(case.rules, outcomes, strict=True):
            expected = reference.outcome(rule, situation)
            if outcome != expected:
                found.append(f"situation {number}: {rule.id} is {expected}, rete says {outcome}")
    return found


@contextmanager
def productions_of_at_most(literals: int) -> Iterator[None]:
    """Cut expressions into derived facts much sooner than need be."""
    with patch.multiple(productions, LITERALS=literals, SHARD=2 * literals):
        yield


@needs_durable_rules
@settings(max_examples=drawing.examples(450))
@given(drawing.cases(drawing.size()))
def test_the_network_judges_as_the_reference_does(case: Case) -> None:
    assert differences(case) == []


@needs_durable_rules
@settings(max_examples=drawing.examples(450))
@given(drawing.cases(replace(drawing.SMALL, depth=4, rules=4)))
def test_expressions_cut_into_derived_facts_mean_the_same(case: Case) -> None:
    with productions_of_at_most(4):
        assert differences(case) == []


@needs_durable_rules
@settings(max_examples=drawing.examples(450))
@given(drawing.cases(replace(drawing.SMALL, depth=1, conditions=6, rules=8)))
def test_many_small_rules_mean_the_same(case: Case) -> None:
    assert differences(case) == []


def test_every_kind_of_node_has_a_maker() -> None:
    assert set(drawing.MAKERS) == set(get_args(ir.Expr))


def marks(expr: ir.Expr) -> Iterator[object]:
    """What an expression shows of the IR: node kinds, operators, functions by overload, owners, windows, states."""
    for node in ir.walk(expr):
        yield type(node)
        match node:
            case ir.Call():
                yield node.function, tuple(ir.type_of(each) for each in node.arguments)
            case ir.Compare():
                yield node.operator
            case ir.Field():
                yield node.owner
                yield node.type.kind
            case ir.Count():
                yield node.window.unit
            case ir.Quantifier():
                yield node.kind
            case ir.ConditionOf():
                yield "condition", node.state
            case _:
                pass


def test_everything_in_the_ir_is_drawn() -> None:
    seen: set[object] = set()

    @settings(max_examples=300)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        for kind in ("bool", "int", "date", "timestamp", "duration"):
            expr = data.draw(drawing.expressions(ir.Type(kind), drawing.LARGE))
            seen.update(marks(expr))

    draw()
    overloads = [(function, operands) for function, many in ir.SIGNATURES.items() for operands, _ in many]
    wanted = [
        *get_args(ir.Expr),
        *get_args(ir.Comparison),
        *get_args(ir.Owner),
        *overloads,
        *drawing.FIELD_KINDS,
        *drawing.QUANTIFIERS,
        *(window.unit for window in drawing.WINDOWS),
        *(("condition", state) for state in ("account", "before", "after")),
    ]
    assert [each for each in wanted if each not in seen] == []


def test_every_function_has_a_signature() -> None:
    assert set(ir.SIGNATURES) == set(get_args(ir.Function))


def test_all_outcomes_are_drawn_often() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=300)
    @given(drawing.cases(drawing.USUAL))
    def draw(case: Case) -> None:
        seen.update(reference.outcome(rule, each) for rule in case.rules for each in case.situations)

    draw()
    assert min(seen[outcome] for outcome in get_args(reference.Outcome)) > sum(seen.values()) / 20


@settings(max_examples=drawing.examples(450))
@given(drawing.cases(drawing.size()))
def test_direct_evaluates_as_the_reference_does(case: Case) -> None:
    for situation in case.situations:
        for rule in case.rules:
            for expr in (rule.when, rule.requires):
                assert direct.value(expr, situation) == reference.evaluate(expr, situation), expr
