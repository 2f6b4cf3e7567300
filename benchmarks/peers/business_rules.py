"""business-rules: Venmo's. Rules as JSON of `all` and `any` over declared variables, run one after the other.

`run_all` as its README has it, the verdict with `stop_on_first_trigger`. It has nothing to compile and no index; words
are variables of its type `select`, since a `string` cannot be asked to differ. It tells nothing of why.
"""

from __future__ import annotations

import json
from typing import Any, assert_never

from business_rules import run_all
from business_rules.actions import BaseActions, rule_action
from business_rules.fields import FIELD_TEXT
from business_rules.variables import (
    BaseVariables,
    numeric_rule_variable,
    select_rule_variable,
    string_rule_variable,
)

from peers.peer import Peer
from peers.requests import Request
from peers.rules import FIELDS, TEXTS, WORDS, Comparison, Condition, Every, Policy, Prefixed, Rule, Some

_OPERATORS = {
    "==": "equal_to",
    "<": "less_than",
    "<=": "less_than_or_equal_to",
    ">": "greater_than",
    ">=": "greater_than_or_equal_to",
}


class _Refusals(BaseActions):
    def __init__(self) -> None:
        self.ids: list[str] = []

    @rule_action(params={"rule": FIELD_TEXT})
    def refuse(self, rule: str) -> None:
        self.ids.append(rule)


class _Variables(BaseVariables):
    def __init__(self, request: Request) -> None:
        self.account = request["account"]
        self.asked = request["change"].get("do")

    @select_rule_variable()
    def action(self) -> tuple[str, ...]:
        return (self.asked,)


def _variable(name: str) -> Any:
    if name in WORDS:
        return select_rule_variable(options=list(WORDS[name]))(lambda self: (self.account[name],))
    declared = string_rule_variable if name in TEXTS else numeric_rule_variable
    return declared(label=name)(lambda self: self.account[name])


for _name in FIELDS:
    setattr(_Variables, _name, _variable(_name))


def load(policy: Policy) -> Peer:
    rules = [
        {"conditions": _conditions(rule), "actions": [{"name": "refuse", "params": {"rule": rule.id}}]}
        for rule in policy.rules
    ]

    def broken(variables: _Variables) -> list[str]:
        refusals = _Refusals()
        run_all(rules, variables, refusals)
        return refusals.ids

    return Peer(
        prepare=_Variables,
        allows=lambda variables: not run_all(rules, variables, _Refusals(), stop_on_first_trigger=True),
        broken=broken,
        from_dict=lambda request: broken(_Variables(request)),
        from_json=lambda text: broken(_Variables(json.loads(text))),
    )


def _conditions(rule: Rule) -> dict[str, Any]:
    broken = _written(rule.broken)
    if rule.action is None:
        return broken
    return {"all": [{"name": "action", "operator": "contains", "value": rule.action}, broken]}


def _written(condition: Condition) -> dict[str, Any]:
    match condition:
        case Comparison(field, operator, value) if field in WORDS:
            return {"name": field, "operator": "contains" if operator == "==" else "does_not_contain", "value": value}
        case Comparison(field, "!=", value):  # a number cannot be asked to differ either
            return {
                "any": [{"name": field, "operator": each, "value": value} for each in ("less_than", "greater_than")]
            }
        case Comparison(field, operator, value):
            return {"name": field, "operator": _OPERATORS[operator], "value": value}
        case Prefixed(field, prefix, True):
            return {"name": field, "operator": "starts_with", "value": prefix}
        case Prefixed(field, prefix):
            return {"name": field, "operator": "matches_regex", "value": f"^(?!{prefix})"}
        case Every(parts):
            return {"all": [_written(part) for part in parts]}
        case Some(parts):
            return {"any": [_written(part) for part in parts]}
        case _:
            assert_never(condition)
