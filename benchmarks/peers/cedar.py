"""cedarpy: Cedar's authorizer. A `forbid` for each rule over one `permit`; the forbids that hold are its reasons.

As its README has it for speed: the policies parsed once into a PolicySet, single decisions by `is_authorized`. The
account is the resource, so that the prepared form is a parsed `Entities` handle; principals given as dicts are quicker
than as Cedar text. The action stands in the scope of the policy, where Cedar looks first.

It has no way to be asked for the verdict alone, and tells no more of why than the ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, assert_never

import cedarpy

from peers.peer import Peer
from peers.requests import Request
from peers.rules import Comparison, Condition, Every, Policy, Prefixed, Rule, Some

_PRINCIPAL = {"type": "User", "id": "somebody"}
_RESOURCE = {"type": "Account", "id": "asked"}


def load(policy: Policy) -> Peer:
    policies = cedarpy.PolicySet.from_str(
        "\n".join(["permit(principal, action, resource);", *map(_forbid, policy.rules)])
    )

    def decided(prepared: tuple[dict[str, Any], cedarpy.Entities]) -> cedarpy.AuthzResult:
        return cedarpy.is_authorized(prepared[0], policies, prepared[1])

    def broken(prepared: tuple[dict[str, Any], cedarpy.Entities]) -> Iterable[str]:
        result = cedarpy.is_authorized(prepared[0], policies, prepared[1])
        return () if result.allowed else result.diagnostics.id_annotations_by_reason.values()

    def from_dict(request: Request) -> Iterable[str]:
        result = cedarpy.is_authorized(_question(request), policies, _entities(request))
        return () if result.allowed else result.diagnostics.id_annotations_by_reason.values()

    return Peer(
        prepare=lambda request: (_question(request), cedarpy.Entities.from_json_str(_entities(request))),
        allows=lambda prepared: decided(prepared).allowed,
        broken=broken,
        from_dict=from_dict,
        from_json=lambda text: from_dict(json.loads(text)),
    )


def _question(request: Request) -> dict[str, Any]:
    action = request["change"].get("do", "register")
    return {"principal": _PRINCIPAL, "action": {"type": "Action", "id": action}, "resource": _RESOURCE}


def _entities(request: Request) -> str:
    return json.dumps([{"uid": _RESOURCE, "attrs": request["account"], "parents": []}])


def _forbid(rule: Rule) -> str:
    action = rule.action or "register"
    scope = f'principal, action == Action::"{action}", resource'
    return f'@id("{rule.id}") forbid({scope}) when {{ {_written(rule.broken)} }};'


def _written(condition: Condition) -> str:
    match condition:
        case Comparison(field, operator, value):
            return f"resource.{field} {operator} {json.dumps(value)}"
        case Prefixed(field, prefix, holds):
            return f'{"" if holds else "!"}(resource.{field} like "{prefix}*")'
        case Every(parts):
            return f"({' && '.join(map(_written, parts))})"
        case Some(parts):
            return f"({' || '.join(map(_written, parts))})"
        case _:
            assert_never(condition)
