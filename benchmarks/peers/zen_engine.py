"""zen-engine: GoRules' ZEN. One expression compiled once, which gives the ids of the rules that are broken.

`compile_expression` is its quickest way: a decision (a graph with an expression node or a decision table, loaded into
the engine once) of the same rules takes some 180 µs more. It takes the request as a dict or as JSON, of which the text
is the quickest, so that is what is prepared. What it tells of why is the trace of a decision, here of a table of the
rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, assert_never

import zen

from peers.peer import Peer
from peers.rules import Comparison, Condition, Every, Policy, Prefixed, Rule, Some


def load(policy: Policy) -> Peer:
    broken = zen.compile_expression(_by_action(policy, _ids, "[]"))
    allows = zen.compile_expression(_by_action(policy, _none, "true"))
    decision = zen.ZenEngine().create_decision(json.dumps(_table(policy)))
    return Peer(
        prepare=json.dumps,
        allows=allows.evaluate,
        broken=broken.evaluate,
        from_dict=broken.evaluate,
        from_json=broken.evaluate,
        explain=lambda request: decision.evaluate(request, {"trace": True}),
    )


def _by_action(policy: Policy, made: Any, otherwise: str) -> str:
    groups = dict(policy.by_action())
    if None in groups:
        return str(made(groups[None]))
    return "".join(f'change.do == "{action}" ? {made(rules)} : ' for action, rules in groups.items()) + otherwise


def _ids(rules: Iterable[Rule]) -> str:
    listed = ", ".join(f'{_written(rule.broken)} ? "{rule.id}" : null' for rule in rules)
    return f"filter([{listed}], # != null)"


def _none(rules: Iterable[Rule]) -> str:
    return f"not ({' or '.join(_written(rule.broken) for rule in rules)})"


def _written(condition: Condition) -> str:
    match condition:
        case Comparison(field, operator, value):
            return f"account.{field} {operator} {json.dumps(value)}"
        case Prefixed(field, prefix, holds):
            return f'{"" if holds else "not "}startsWith(account.{field}, "{prefix}")'
        case Every(parts):
            return f"({' and '.join(map(_written, parts))})"
        case Some(parts):
            return f"({' or '.join(map(_written, parts))})"
        case _:
            assert_never(condition)


def _table(policy: Policy) -> dict[str, Any]:
    """A decision table that collects every row that holds."""
    rows = [{"_id": rule.id, "broken": _row(rule), "rule": json.dumps(rule.id)} for rule in policy.rules]
    place = {"x": 0, "y": 0}
    content = {
        "hitPolicy": "collect",
        "inputs": [{"id": "broken", "name": "broken", "field": ""}],
        "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
        "rules": rows,
    }
    return {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "position": place},
            {"id": "table", "name": "table", "type": "decisionTableNode", "position": place, "content": content},
            {"id": "out", "name": "out", "type": "outputNode", "position": place},
        ],
        "edges": [
            {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "2", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }


def _row(rule: Rule) -> str:
    written = _written(rule.broken)
    return written if rule.action is None else f'change.do == "{rule.action}" and {written}'
