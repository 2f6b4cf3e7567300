"""datalogic-py: JSONLogic in Rust. One rule compiled once, which gives the ids of the rules that are broken.

As its README has it for speed: a Session for hot loops, the request as a DataHandle (prepared), as a dict, or as JSON
text; typed results for the verdict. The rules stand under a `switch` over the actions. (`evaluate_many`, its shape for
a set of rules, was slower for 25 of them.) Its trace is for debugging; it compiles the rule anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, assert_never

from datalogic_py import DataHandle, Engine

from peers.peer import Peer
from peers.rules import Comparison, Condition, Every, Policy, Prefixed, Rule, Some

_OPERATORS = {"==": "===", "!=": "!=="}
_ITEM = {"val": []}
_ACTION = {"val": ["change", "do"]}


def load(policy: Policy) -> Peer:
    engine = Engine()
    session = engine.session()
    listing = {"filter": [_by_action(policy, _ids, []), _ITEM]}
    broken = engine.compile_checked(listing)
    refused = engine.compile_checked(_by_action(policy, _any, False))
    traced = json.dumps(listing)
    return Peer(
        prepare=DataHandle,
        allows=lambda handle: not session.evaluate_bool(refused, handle),
        broken=lambda handle: session.evaluate_data(broken, handle),
        from_dict=lambda request: session.evaluate(broken, request),
        from_json=lambda text: session.evaluate(broken, text.decode()),
        explain=lambda request: json.loads(engine.evaluate_with_trace(traced, json.dumps(request))),
    )


def _by_action(policy: Policy, made: Any, otherwise: Any) -> Any:
    groups = dict(policy.by_action())
    if None in groups:
        return made(groups[None])
    return {"switch": [_ACTION, [[action, made(rules)] for action, rules in groups.items()], otherwise]}


def _ids(rules: Iterable[Rule]) -> list[Any]:
    return [{"if": [_written(rule.broken), rule.id, None]} for rule in rules]


def _any(rules: Iterable[Rule]) -> dict[str, Any]:
    return {"or": [_written(rule.broken) for rule in rules]}


def _written(condition: Condition) -> dict[str, Any]:
    match condition:
        case Comparison(field, operator, value):
            return {_OPERATORS.get(operator, operator): [{"val": ["account", field]}, value]}
        case Prefixed(field, prefix, holds):
            begins: dict[str, Any] = {"starts_with": [{"val": ["account", field]}, prefix]}
            return begins if holds else {"!": [begins]}
        case Every(parts):
            return {"and": [_written(part) for part in parts]}
        case Some(parts):
            return {"or": [_written(part) for part in parts]}
        case _:
            assert_never(condition)
