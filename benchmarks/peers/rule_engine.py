"""rule-engine: expressions on Python objects, in Python. One rule that gives the ids of the rules that are broken.

A rule for each, matched one after the other, is how its documentation begins, and a third slower: each match sets up
a decimal context. So one rule with a literal list of conditional values, sorted under their actions; the verdict is
one rule of them all. It tells nothing of why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, assert_never

import rule_engine

from peers.peer import Peer
from peers.requests import Request
from peers.rules import Comparison, Condition, Every, Policy, Prefixed, Rule, Some


def load(policy: Policy) -> Peer:
    # it finds names in one flat dict: for the actions, the one that is asked is put beside the account's fields
    facts = (lambda request: {**request["account"], "action": request["change"]["do"]}) if policy.actions else _account
    groups = list(policy.by_action())
    refused = rule_engine.Rule(_or([_asked(action, f"({_any(rules)})", " and ") for action, rules in groups]))
    listing = rule_engine.Rule(
        f"[{', '.join(_asked(action, _ids(rules), ' ? ', ' : []') for action, rules in groups)}]"
    )

    def broken(facts: dict[str, Any]) -> list[str]:
        return [id for ids in listing.evaluate(facts) for id in ids if id is not None]

    return Peer(
        prepare=facts,
        allows=lambda facts: not refused.matches(facts),
        broken=broken,
        from_dict=lambda request: broken(facts(request)),
        from_json=lambda text: broken(facts(json.loads(text))),
    )


def _account(request: Request) -> dict[str, Any]:
    account: dict[str, Any] = request["account"]
    return account


def _asked(action: str | None, text: str, joined: str, otherwise: str = "") -> str:
    return text if action is None else f'action == "{action}"{joined}{text}{otherwise}'


def _ids(rules: Iterable[Rule]) -> str:
    return f"[{', '.join(f'{_written(rule.broken)} ? {json.dumps(rule.id)} : null' for rule in rules)}]"


def _or(texts: Sequence[str]) -> str:
    """Halves of halves: a long chain would go deeper than Python's stack."""
    if len(texts) == 1:
        return texts[0]
    half = len(texts) // 2
    return f"({_or(texts[:half])} or {_or(texts[half:])})"


def _any(rules: Iterable[Rule]) -> str:
    return " or ".join(_written(rule.broken) for rule in rules)


def _written(condition: Condition) -> str:
    match condition:
        case Comparison(field, operator, value):
            return f"{field} {operator} {json.dumps(value)}"
        case Prefixed(field, prefix, holds):
            return f'{"" if holds else "not "}{field}.starts_with("{prefix}")'
        case Every(parts):
            return f"({' and '.join(map(_written, parts))})"
        case Some(parts):
            return f"({' or '.join(map(_written, parts))})"
        case _:
            assert_never(condition)
