"""Whole decisions: random policies, accounts, histories and dates; both engines; and what a decision promises."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import drawing
import lawful
import policies
from lawful import ir, wording
from lawful.conditions import ConditionError, Conditions
from lawful.conditions.vocabulary import Vocabulary
from lawful.deciding import ruling
from lawful.engines import reference, rete
from policies import Drawn

# A drawn policy is large: shrinking one takes minutes and makes it little plainer.
UNSHRUNK = [Phase.explicit, Phase.generate]

needs_durable_rules = pytest.mark.skipif(not rete.available(), reason="durable_rules does not run on this Python")


@needs_durable_rules
@settings(max_examples=drawing.examples(250), phases=UNSHRUNK)
@given(policies.drawn(requests=5))
def test_both_engines_decide_alike_and_explain_themselves(drawn: Drawn) -> None:
    """1 250 decisions: an outcome that differs would raise, here also in the parts that are read later."""
    policy = lawful.loads(drawn.policy)
    for request in drawn.requests:
        crossed = policy.check(request, engine="rete")
        alone = policy.check(request, engine="reference")
        assert json.loads(crossed.model_dump_json()) | {"engine": ""} == json.loads(alone.model_dump_json()) | {
            "engine": ""
        }
        assert (crossed.verdict == "deny") == any(is_refusal(each) for each in crossed.reasons)
        assert crossed.verdict == "undetermined" or not crossed.missing
        assert crossed.satisfied is not None


@patch.object(ruling, "PATIENCE", 0)
@settings(max_examples=drawing.examples(250), phases=UNSHRUNK)
@given(policies.drawn(requests=6))
def test_direct_rules_as_the_reference_judges(drawn: Drawn) -> None:
    """1 500 lists of changes, and each of their changes alone: the verdict, and the rules behind it.

    So do trusted rows, as a dict and as JSON.
    """
    policy = lawful.loads(drawn.policy)
    checker = policy.checker()
    by_reference = checker._ruler._by_reference  # in the same order, too: a checker may go from one to the other
    for request in drawn.requests:
        for asked in [request, *({**request, "changes": [change]} for change in request["changes"])]:
            try:
                alone = policy.check(asked, engine="reference")
            except lawful.RequestError:
                continue  # of a change that is wrong without those before it
            for form in (asked, policy.read(asked)):
                found = checker(form)
                assert found.verdict == alone.verdict
                assert checker.allows(form) == (alone.verdict == "allow")
                assert sorted(found.broken) == sorted(each.rule for each in alone.reasons if is_refusal(each))
                assert sorted(found.unknown) == sorted(each.rule for each in alone.reasons if is_open(each))
            assert found == by_reference(policy.read(asked))
            assert policy.check(asked, engine="direct").reasons == alone.reasons
            if len(asked["changes"]) == 1:
                row = {key: value for key, value in asked.items() if key != "changes"} | {"change": asked["changes"][0]}
                for trusted in (row, json.dumps(row).encode()) * 2:  # the first time a function may be written
                    assert checker.unvalidated(trusted) == found


def test_direct_sees_the_new_state_within_a_list() -> None:
    policy = lawful.loads(
        """
        policy: p
        version: "1"
        account: {fields: {type: {enum: [a, b]}, is_paid: {type: bool, outside: true}}}
        lifecycle: {type: {transitions: {up: {from: a, to: b}}}}
        constraints: {paid: {requires: "account.is_paid in [account.type == 'b', has(account.type)]"}}
        """
    )
    for paid in (True, False):
        request = {"account": {"type": "a", "is_paid": paid}, "change": {"set": {"type": "b"}}, "history": []}
        assert policy.checker()(request).verdict == policy.check(request, engine="reference").verdict


def is_open(reason: Any) -> bool:
    return reason.status == "unknown" and reason.severity == "error"


def is_refusal(reason: Any) -> bool:
    return reason.status == "violated" and reason.severity == "error" and not reason.standing


def is_warning(reason: Any) -> bool:
    return reason.severity != "error" and not reason.standing


@settings(max_examples=drawing.examples(100), phases=UNSHRUNK)
@given(policies.drawn(requests=2))
def test_what_an_account_can_do_is_what_check_allows(drawn: Drawn) -> None:
    policy = lawful.loads(drawn.policy)
    for request in drawn.requests:
        asked = {key: value for key, value in request.items() if key != "changes"}
        for each in policy.can(asked).possibilities:
            if None not in each.change.get("set", {}).values():
                decision = policy.check(asked, change=each.change)
                assert decision.verdict == each.verdict
                warnings = {(reason.rule, reason.status) for reason in decision.reasons if is_warning(reason)}
                assert {(told.rule, told.status) for told in each.warnings} == (
                    warnings if each.verdict != "deny" else set()
                )


@settings(max_examples=drawing.examples(150), phases=UNSHRUNK)
@given(policies.drawn(requests=4), st.data())
def test_the_facts_called_missing_settle_the_verdict_whatever_they_are(drawn: Drawn, data: st.DataObject) -> None:
    policy = lawful.loads(drawn.policy)
    pen = drawing.Pen(data.draw)
    for request in drawn.requests:
        if any("register" in change for change in request["changes"]):
            continue  # the account of a registration cannot have features to be told
        for facts in policy.check(request).missing:
            filled = supplied(policy, request, facts, pen)
            decision = policy.check(filled)
            assert decision.verdict != "undetermined" or fails(policy, filled), facts


def supplied(
    policy: lawful.Policy, request: dict[str, Any], facts: tuple[str, ...], pen: drawing.Pen
) -> dict[str, Any]:
    """The request with those facts, drawn."""
    filled = {**request, "account": dict(request["account"]), "request": dict(request["request"])}
    for fact in facts:
        owner, _, name = fact.partition(".")
        if fact == "history":
            filled["history"] = [*request.get("history", [])]
            filled.pop("history_from", None)
        elif fact == "account.features":
            filled["account"]["features"] = list(pen.several(policies.FEATURES, 3))
        else:
            schema = policy.program.account if owner == "account" else policy.program.request
            value = drawing.draw_field_value(pen, schema[name])
            filled[owner][name] = policies.plain(value)
    return filled


def fails(policy: lawful.Policy, request: dict[str, Any]) -> bool:
    """Whether what is still open is an evaluation that fails, as one that overflows: no fact is asked for it."""
    return policy.check(request).missing == ()


@settings(max_examples=drawing.examples(300))
@given(st.data())
def test_an_expression_told_in_cel_is_read_back_with_the_same_meaning(data: st.DataObject) -> None:
    pen = drawing.Pen(data.draw)
    world = replace(
        drawing.draw_world(pen, drawing.USUAL), owners=("account", "features", "request"), states=("account",)
    )
    expr = drawing.draw_expr(pen, world, ir.BOOL, 3)
    situation = drawing.draw_situation(pen, world, {})
    names = Vocabulary(
        world.account, world.request, world.features, (), tuple(sorted(world.events)), situation.zone.key
    )
    try:
        read = Conditions(names).boolean(wording.cel(expr))
    except ConditionError:
        return  # something that the language has no word for
    if any(isinstance(node, ir.AtMost) for node in ir.walk(expr)):
        return  # of the compiler's own: as CEL it has no incomplete histories
    assert reference.evaluate(read, situation) == reference.evaluate(expr, situation)


def test_all_verdicts_are_drawn_often() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=60)
    @given(policies.drawn())
    def draw(drawn: Drawn) -> None:
        policy = lawful.loads(drawn.policy)
        seen.update(policy.check(request).verdict for request in drawn.requests)

    draw()
    assert min(seen[verdict] for verdict in ("allow", "deny", "undetermined")) > seen.total() / 10
