"""durable-rules through its Host, which is how its documentation uses it: a fact asserted, the rules that fire, the
fact retracted.

Beginnings of texts are computed before, as a number: its regular expressions are not sound. The Host's timer threads
take part in deciding, so an answer may come late; where that happens the run stops, as for any other difference. It
tells nothing of why. lawful's own default engine uses the same library without the Host: see docs/decisions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, assert_never

from durable import engine

from peers.peer import Peer
from peers.requests import Request
from peers.rules import Comparison, Condition, Every, Policy, Prefixed, Rule, Some

_OPERATORS = {"!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


def load(policy: Policy) -> Peer:
    fired: dict[str, None] = {}  # a rule fires once for each of its alternatives that holds
    rules = {rule.id.replace(".", "_"): _definition(rule, fired) for rule in policy.rules}
    host = engine.Host({"policy": rules})

    def broken(fact: dict[str, Any]) -> Iterable[str]:
        fired.clear()
        try:
            host.assert_fact("policy", fact)
        except engine.MessageNotHandledException:  # no rule is broken; then nothing was kept either
            return ()
        host.retract_fact("policy", fact)
        return tuple(fired)

    return Peer(
        prepare=_fact,
        allows=lambda fact: not broken(fact),
        broken=broken,
        from_dict=lambda request: broken(_fact(request)),
        from_json=lambda text: broken(_fact(json.loads(text))),
    )


def _fact(request: Request) -> dict[str, Any]:
    account = request["account"]
    fact = {**account, "id": 1, "mainland": account["region"].startswith("CN")}
    if "do" in request["change"]:
        fact["action"] = request["change"]["do"]
    return fact


def _definition(rule: Rule, fired: dict[str, None]) -> dict[str, Any]:
    asked = [] if rule.action is None else [{"action": rule.action}]
    return {"all": [{"m": {"$and": [*asked, _written(rule.broken)]}}], "run": _firing(rule.id, fired)}


def _firing(id: str, fired: dict[str, None]) -> Callable[[Any], None]:
    def fire(closure: Any) -> None:
        fired[id] = None

    return fire


def _written(condition: Condition) -> dict[str, Any]:
    match condition:
        case Comparison(field, "==", value):
            return {field: value}
        case Comparison(field, operator, value):
            return {_OPERATORS[operator]: {field: value}}
        case Prefixed(_, "CN", holds):
            return {"mainland": holds}
        case Every(parts):
            return {"$and": [_written(part) for part in parts]}
        case Some(parts):
            return {"$or": [_written(part) for part in parts]}
        case Prefixed():
            raise ValueError("only `CN` is computed before")
        case _:
            assert_never(condition)
