"""The facts a policy speaks of: the fields of the account and of the request."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, Literal

from lawful import values
from lawful.compiler.context import Context
from lawful.conditions.vocabulary import TYPE_NAMES
from lawful.document import Path
from lawful.ir import (
    ALWAYS,
    BOOL,
    DATE,
    INT,
    STRING,
    TIMESTAMP,
    FieldDeclaration,
    FieldMotion,
    Period,
    Schema,
    Text,
    Type,
    Value,
)
from lawful.scalar import Scalar
from lawful.written import FieldWritten, PolicyWritten, TextWritten

_MOST_TO_ASK: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPES: Final = {"bool": BOOL, "int": INT, "string": STRING, "date": DATE, "timestamp": TIMESTAMP}
_RESERVED_IN_CEL: Final = (
    "as break const continue else false for function if import in let loop package namespace null return true var void"
    " while"
)
_SUBJECTS: Final = "account request before after today now count"
_WORDS: Final = frozenset(f"{_RESERVED_IN_CEL} {_SUBJECTS}".split())


def check_name(context: Context, name: str, path: Path, *, top_level: bool) -> None:
    """Fields are read as `account.name`, so only conditions must keep clear of CEL's type names."""
    if not _NAME.fullmatch(name):
        context.key_mistake("bad-name", f"`{name}` is no name: letters, digits and `_`, no digit first", path)
    elif name in _WORDS or (top_level and name in TYPE_NAMES):
        context.key_mistake(
            "reserved-name", f"`{name}` means something else in a condition", path, "choose another name"
        )


def schema(context: Context, fields: dict[str, FieldWritten], path: Path, moving: frozenset[str] | None) -> Schema:
    """The declarations. `moving` are the fields with a life cycle; None for the request, whose facts do not move."""
    found: dict[str, FieldDeclaration] = {}
    for name, written in fields.items():
        here = (*path, name)
        check_name(context, name, here, top_level=False)
        if moving is not None and name == "features":
            context.key_mistake(
                "reserved-name", "`features` is the list of the enabled features", here, "choose another name"
            )
        motion, fixed = ("outside", None) if moving is None else _motion(context, name, written, here, moving)
        found[name] = replace(_declaration(context, name, written, motion, here), fixed=fixed)
        if moving is None:
            _refuse_motion(context, written, here)
    return found


def _motion(
    context: Context, name: str, written: FieldWritten, path: Path, moving: frozenset[str]
) -> tuple[FieldMotion, Period | None]:
    """How it moves, and when it does not. Only what may be set, or what effects move, may be fixed on some days."""
    fixed = None if written.fixed is None else context.period(written.fixed.in_force, (*path, "fixed"))
    ways: list[tuple[FieldMotion, bool]] = [
        ("lifecycle", name in moving),
        ("fixed", fixed is not None),
        ("settable", written.settable is not None),
        ("outside", written.outside),
    ]
    given = [way for way, is_given in ways if is_given]
    dated = fixed is not None and fixed != ALWAYS
    if len(given) > 1 and not (dated and given == ["fixed", "settable"]):
        names = " and ".join("has a life cycle" if way == "lifecycle" else f"is `{way}`" for way in given)
        help = "say with `in_force` when it is fixed" if given == ["fixed", "settable"] else None
        context.key_mistake("conflicting-motion", f"the field {names}: it can move in one way only", path, help)
    if dated and given[0] == "fixed":
        return ("settable" if len(given) > 1 else "effects"), fixed
    return (given[0] if given else "effects"), fixed


def _refuse_motion(context: Context, written: FieldWritten, path: Path) -> None:
    for key in ("fixed", "settable", "outside"):
        if getattr(written, key) not in (False, None):
            context.key_mistake(
                "unknown-key", f"what a request says does not move: `{key}` means nothing here", (*path, key)
            )


def _declaration(
    context: Context, name: str, written: FieldWritten, motion: FieldMotion, path: Path
) -> FieldDeclaration:
    type_, titles = _type(context, written, path)
    plain = FieldDeclaration(
        name,
        type_,
        motion,
        context.text(written.title, (*path, "title")),
        titles,
        private=written.private,
        ask_cost=_ask_cost(context, written, path),
        note=context.note(written.note),
        source=context.citation(written.source, path),
    )
    if not _has_type(written):
        return plain
    low = _bound(context, plain, written.min, (*path, "min"))
    high = _bound(context, plain, written.max, (*path, "max"))
    if low is not None and high is not None and low > high:  # type: ignore[operator]  # both of the field's type
        context.mistake("wrong-value", "`max` is below `min`", (*path, "max"))
    bounded = replace(plain, minimum=low, maximum=high)
    default = _read(context, bounded, written.default, (*path, "default"))
    return replace(bounded, default=default)


def _ask_cost(context: Context, written: FieldWritten, path: Path) -> int:
    if written.ask_cost is None:
        return 1
    if not 0 <= written.ask_cost <= _MOST_TO_ASK:
        context.mistake("wrong-value", f"what asking costs is from 0 to {_MOST_TO_ASK}", (*path, "ask_cost"))
        return 1
    return written.ask_cost


def _type(context: Context, written: FieldWritten, path: Path) -> tuple[Type, dict[str, Text]]:
    if not _has_type(written):
        message = "a field has exactly one of `type`, `enum` and `set`"
        context.key_mistake("field-type", message, path)
        return STRING, {}
    if written.type is not None:
        return _TYPES[written.type], {}
    kind: Literal["enum", "set"] = "enum" if written.enum is not None else "set"
    listed = written.enum if written.enum is not None else written.set
    return Type(kind, tuple(listed or ())), _titles(context, listed or {}, (*path, kind))


def _has_type(written: FieldWritten) -> bool:
    return sum(each is not None for each in (written.type, written.enum, written.set)) == 1


def _titles(context: Context, listed: dict[str, TextWritten | None], path: Path) -> dict[str, Text]:
    if not listed:
        context.mistake("wrong-value", "there must be at least one value", path)
    titles = {}
    for value, written in listed.items():
        title = context.text(written, (*path, value))
        if title is not None:
            titles[value] = title
    return titles


def _bound(context: Context, field: FieldDeclaration, given: str | None, path: Path) -> Value | None:
    if given is not None and field.type.kind not in ("int", "date", "timestamp"):
        context.mistake("wrong-value", "only numbers, dates and timestamps have a least and a most", path)
        return None
    # pydantic has made a plain string of it: it is still a scalar without a type of its own
    return _read(context, field, None if given is None else Scalar(given), path)


def _read(context: Context, field: FieldDeclaration, given: object, path: Path) -> Value | None:
    try:
        return values.read(field, given, context.zone)
    except values.BadValue as error:
        context.mistake("wrong-value", error.message, path, error.help)
        return None


def schemas(context: Context, policy: PolicyWritten) -> None:
    """Both schemas, into the context."""
    context.account = schema(context, policy.account.fields, ("account", "fields"), frozenset(policy.lifecycle))
    context.request = schema(context, policy.request.fields, ("request", "fields"), None)
