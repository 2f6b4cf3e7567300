"""A request and what a policy answers as a case: as data, and as YAML in the hand of the shipped packs."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import values
from lawful.ir import FieldDeclaration, Program, Text
from lawful.mutation.answering import Answer
from lawful.scalar import Scalar

CaseData: TypeAlias = dict[str, Any]
"""A case as `cases.yaml` has it, as plain data."""

_ORDER: Final = ("account", "change", "changes", "request", "history", "history_from", "at")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_/.+-][A-Za-z0-9_/.+@ -]*(:[A-Za-z0-9_/.+@-]+)*|[⺀-鿿]+")
_SPECIAL: Final = ("null", "~", "true", "false", "yes", "no", "on", "off")
_VERDICTS: Final[Mapping[str, Text]] = {
    "allow": Text("allowed", "允许"),
    "deny": Text("refused", "拒绝"),
    "undetermined": Text("left open", "待定"),
}


def case(program: Program, request: Mapping[str, Any], answer: Answer, other: Answer | None = None) -> CaseData:
    """The case that expects the answer: its verdict and, of another answer that it is to catch, what differs.

    Without another answer, everything but what the account becomes.
    """
    asked = {key: _typed(program, key, request[key]) for key in _ORDER if key in request}
    return {"name": name_of(request, answer), **asked, "expect": expected(program, answer, other)}


def _typed(program: Program, key: str, given: Any) -> Any:
    """With `true` and `5` of a file of cases as what they are, where they are no texts: JSON tells the two apart."""
    match key:
        case "account" | "request" if isinstance(given, Mapping):
            schema = program.account if key == "account" else program.request
            return {name: _value(schema[name], each) if name in schema else each for name, each in given.items()}
        case "change" if isinstance(given, Mapping):
            return {kind: _typed(program, "account", what) for kind, what in given.items()}
        case "changes" if isinstance(given, list | tuple):
            return [_typed(program, "change", each) for each in given]
        case _:
            return given


def _value(declaration: FieldDeclaration, given: Any) -> Any:
    element = declaration.type.element or declaration.type
    if element.kind not in ("bool", "int"):
        return given
    if isinstance(given, list):
        return [_value(replace(declaration, type=element), each) for each in given]
    try:
        return values.read(declaration, given, ZoneInfo("UTC")) if isinstance(given, Scalar) else given
    except values.BadValue:  # whoever reads the case tells it
        return given


def expected(program: Program, answer: Answer, other: Answer | None) -> dict[str, Any]:
    """The expectation that the answer meets and the other one does not."""
    zone = ZoneInfo(program.timezone)
    found: dict[str, Any] = {"verdict": answer.verdict}
    if answer.verdict == "deny" or (other is not None and not answer.violated <= other.violated):
        found["rules"] = sorted(answer.violated - (other.violated if other is not None else frozenset()))
        found["rules"] = found["rules"] or sorted(answer.violated)
    elif not answer.violated and (other is None or other.violated):
        found["rules"] = []
    elif other is None:
        found["rules"] = sorted(answer.violated)
    if other is None:
        return found
    if answer.verdict != other.verdict:
        return found
    if answer.obligations != other.obligations:
        found["obligations"] = sorted(answer.obligations)
    if answer.lost != other.lost:
        found["lost"] = sorted(answer.lost)
    if answer.irreversible != other.irreversible:
        found["irreversible"] = answer.irreversible
    moved = [name for name in program.account if answer.account.get(name) != other.account.get(name)]
    if moved:
        found["after"] = {name: values.to_json(answer.account.get(name), zone) for name in moved}
    if answer.next_allowed_at != other.next_allowed_at:
        frees_up = answer.next_allowed_at
        found["next_allowed_at"] = None if frees_up is None else frees_up.astimezone(zone).isoformat()
    return found


def name_of(request: Mapping[str, Any], answer: Answer) -> str:
    """A name to begin with: what is asked of which account, and the verdict."""
    changes = request.get("changes") or [request.get("change") or {}]
    asked = ", then ".join(_said(each) for each in changes)
    account = request.get("account") or {}
    known = ", ".join(f"{name} {_flat(value)}" for name, value in account.items())
    return f"{_VERDICTS[answer.verdict].en}: {asked}" + (f", with {known}" if known else "")


def distinct(name: str, taken: Container[str]) -> str:
    """The name, with a number where there is a case of it already."""
    number = 2
    told = name
    while told in taken:
        told = f"{name} ({number})"
        number += 1
    return told


def _said(change: Mapping[str, Any]) -> str:
    for kind, what in change.items():
        if isinstance(what, Mapping):
            named = ", ".join(f"{name} to {_flat(value)}" for name, value in what.items())
            return f"{kind} {named}".strip()
        return f"{kind} {what}"
    return "a change"


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(str, value)) or "none"
    return "unknown" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# ------------------------------------------------------------------------------------------------------- as YAML


def yaml_of(data: CaseData, indent: str = "  ") -> str:
    """The case as an entry of `cases`: a line a key, in flow style."""
    lines = [f"{key}: {_flow(value)}" for key, value in data.items()]
    return "\n".join([f"{indent}- {lines[0]}", *(f"{indent}  {line}" for line in lines[1:])]) + "\n"


def _flow(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_flow(each) for each in value) + "]"
        case Scalar() if _PLAIN.fullmatch(value) and value.lower() not in ("null", "~"):
            return str.__str__(value)  # as it was written: it has no type of its own
        case str():
            return _scalar(str.__str__(value))
        case _:
            return str(value)


def _scalar(text: str) -> str:
    """Plain where YAML reads it as that text, in quotes otherwise."""
    if _PLAIN.fullmatch(text) and text.strip() == text and text.lower() not in _SPECIAL and not text.startswith("- "):
        return text
    return json.dumps(text, ensure_ascii=False)
