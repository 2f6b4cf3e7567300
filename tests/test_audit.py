"""An audit finds in an inventory what the reference finds in each of its accounts, and says it in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings

import drawing
import lawful
from columns import ARROW
from lawful import calendar
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judged, Judgement
from lawful.engines import reference
from lawful.engines.situation import Situation
from lawful.policy import Policy
from lawful.question import Question
from policies import Drawn, drawn


def inventory(policy: Policy, questions: Sequence[Question]) -> pa.Table:
    """The accounts of questions, as a person would have them in a file: `account_id`, the fields, `features`."""
    columns: dict[str, Any] = {policy.program.account_id: [f"a{n}" for n in range(len(questions))]}
    for name, declared in policy.program.account.items():
        held = [each.account.known().get(name) for each in questions]
        if declared.type.kind == "set":
            lists = [None if value is None else sorted(value) for value in held]
            columns[name] = pa.array(lists, type=pa.list_(pa.string()))
        elif declared.type.kind == "timestamp":
            columns[name] = pa.array(held, type=pa.timestamp("us", tz="UTC"))
        else:
            columns[name] = pa.array(held, type=ARROW[declared.type.kind])
    for name in policy.program.features:
        columns[f"features.{name}"] = pa.array([each.features.get(name) for each in questions], type=pa.bool_())
    return pa.table(columns)


def expected(policy: Policy, question: Question, at: datetime) -> dict[str, tuple[str, str, str]]:
    """Each rule that is not satisfied, and what a decision would say of it."""
    judge = policy._judge
    base = judge.situation(question)
    situation = Situation(
        records={"account": base.records["account"], "features": question.features},
        at=at,
        today=calendar.day_of(at, policy.zone),
        zone=policy.zone,
        history=base.history,
        conditions=policy.program.conditions,
        initial=base.initial,
    )
    explanation = Explanation(judge, Judgement(question, (), "reference"))
    found = {}
    for rule in policy.program.rules:
        if rule.scope not in ("account", "feature") or not rule.in_force.holds(situation.today):
            continue
        outcome = reference.outcome(rule, situation)
        if outcome != "satisfied":
            judged = Judged(rule, outcome, situation)
            told = explanation._explanation(judged, explanation._justification(judged))
            found[rule.id] = (outcome, told.best("en"), told.best("zh"))
    return found


@settings(max_examples=drawing.examples(12))
@given(drawn())
def test_random_policies_are_audited_as_the_reference_judges(drawn: Drawn) -> None:
    policy = lawful.loads(drawn.policy)
    questions = [policy.read(each) for each in drawn.requests]
    at = questions[0].at
    audit = policy.audit(inventory(policy, questions), at=at, unknown=True)
    found: dict[str, dict[str, tuple[str, str, str]]] = {f"a{n}": {} for n in range(len(questions))}
    for row in audit.findings.filter(audit.findings.about == "account").to_pyarrow().to_pylist():
        found[row["account_id"]][row["rule"]] = (row["status"], row["explanation_en"], row["explanation_zh"])
    skipped = {each.rule for each in audit.summary.not_judged}
    for n, question in enumerate(questions):
        wanted = {rule: told for rule, told in expected(policy, question, at).items() if rule not in skipped}
        assert found[f"a{n}"] == wanted
