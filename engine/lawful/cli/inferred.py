"""A policy that does no more than give an account's fields the types that their values show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lawful.cli.errors import WrongUsage

if TYPE_CHECKING:
    from lawful.policy import Policy


def policy_for(account: Mapping[str, Any]) -> Policy:
    """Raises WrongUsage where a value is of no type the language has."""
    from lawful.loading import loads

    fields = {name: _type(name, value) for name, value in account.items() if value is not None}
    declared = json.dumps(fields or {"none": "bool"}, ensure_ascii=False)
    return loads(f"policy: eval\nversion: '0'\naccount: {{fields: {declared}}}\n", name="account")


def _type(name: str, value: Any) -> Any:
    match value:
        case bool() | "true" | "false":
            return "bool"
        case int():
            return "int"
        case str() if re.fullmatch(r"-?[0-9]+", value) and type(value) is not str:
            return "int"  # a scalar of YAML
        case str() if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return "date"
        case str() if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:", value):
            return "timestamp"
        case str():
            return "string"
        case list() if value and all(isinstance(each, str) for each in value):
            return {"set": sorted({str(each) for each in value})}
        case _:
            raise WrongUsage(f"`account.{name}` is of no type the language has", "name a policy with `--policy`")
