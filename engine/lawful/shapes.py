"""What msgspec is told to expect of requests: types made from a policy's schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, TypeAlias, TypedDict

import msgspec
from msgspec import Meta

from lawful.ir import INT_MAX, INT_MIN, FieldDeclaration, Program, Schema
from lawful.moments import Moments
from lawful.question import KINDS, MAX_CHANGES, Recorded
from lawful.record import Record, slot
from lawful.row import Row

Form = Literal["python", "json"]
Type: TypeAlias = Any
"""Made while the program runs, where no type checker sees it."""
ValueType: TypeAlias = Callable[[FieldDeclaration], Type]
"""Of values of a field."""
_typed_dict: Final[Any] = TypedDict  # with names that a checker cannot know


def row_type(program: Program, moments: Moments, form: Form) -> Type:
    """Of usual requests: strict, and what is not declared is refused."""
    change = _change_type(program, wanted_type(program))
    moment = Any if form == "python" else str | None
    return _row_type(
        program,
        moments,
        {
            "account": (_account_type(program) | None, None),
            "changes": (change | None, None),
            "key": (Annotated[_list(change), Meta(max_length=MAX_CHANGES)] | None, None),
            "facts": (_record_type(program.request) | None, None),
            "recorded": (_list(_event_type(program, forbid_unknown_fields=True)) | None, None),
            "whole_from": (moment, None),
            "moment": (moment, None),
        },
    )


def trusted_row_type(program: Program, moments: Moments) -> Type:
    """Of trusted requests with one change and a whole history or none."""
    account_type = _account_type(program, _trusted_value_type)
    facts_type = _record_type(program.request, of=_trusted_value_type)
    return _row_type(
        program,
        moments,
        {
            "account": (account_type, account_type()),
            "changes": (
                _change_type(program, GenericAlias(dict, (_one_of(program.account) if program.account else str, Any))),
            ),
            "key": (None, None),
            "facts": (facts_type, facts_type()),
            "recorded": (_list(_event_type(program)) | None, None),
            "whole_from": (None, None),
            "moment": (Any, None),
        },
    )


def _row_type(program: Program, moments: Moments, members: Mapping[str, tuple[Type, ...]]) -> Type:
    """Of each slot the type, and what it holds where nothing is given."""
    return msgspec.defstruct(
        "Request",
        [(name, *each) for name, each in members.items()],
        bases=(Row,),
        namespace={"program": program, "moments": moments},
        rename={
            "changes": "change",
            "key": "changes",
            "facts": "request",
            "recorded": "history",
            "whole_from": "history_from",
            "moment": "at",
        },
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )


def _event_type(program: Program, **options: Any) -> Type:
    named = [("event", _one_of(program.event_names))]
    return msgspec.defstruct("Event", named, bases=(Recorded,), frozen=True, gc=False, **options)


def _account_type(program: Program, of: ValueType | None = None) -> Type:
    beside: dict[str, Type] = {"features": _listed(program.features)}
    key = program.account_id
    is_taken = key in program.account or key == "features"
    if not is_taken and key.isprintable() and not {'"', "\\"} & {*key}:  # msgspec takes no other keys
        beside["identity"] = str | int
    called = {"identity": key} if "identity" in beside else None
    return _record_type(program.account, beside, called, of)


def _record_type(
    schema: Schema,
    beside: Mapping[str, Type] | None = None,
    called: Mapping[str, str] | None = None,
    of: ValueType | None = None,
) -> Type:
    """Of records with a slot for each field, and for what else is given with them; `called`: by which key."""
    members = {slot(name): (of or _value_type)(each) for name, each in schema.items()} | dict(beside or {})
    return msgspec.defstruct(
        "Facts",
        [(name, type | None, None) for name, type in members.items()],
        bases=(Record,),
        frozen=True,
        namespace={"names": tuple(schema)},
        rename={slot(name): name for name in schema} | dict(called or {}),
        omit_defaults=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def _change_type(program: Program, wanted: Type) -> Type:
    """Of changes of any number of kinds."""
    kinds: dict[str, Type] = {"set": wanted | None, "register": Annotated[dict[str, bool], Meta(max_length=0)] | None}
    if program.features:
        kinds |= dict.fromkeys(("enable", "disable"), _one_of(program.features) | None)
    if program.actions:
        kinds["do"] = _one_of(program.actions) | None
    fields = [(kind, kinds.get(kind), None) for kind in KINDS]
    return msgspec.defstruct("Change", fields, forbid_unknown_fields=True, omit_defaults=True, gc=False)


def wanted_type(program: Program) -> Type:
    """Of what is set. It alone is a dict, in which msgspec passes over what it does not know."""
    return _typed_dict("Wanted", {name: _value_type(each) for name, each in program.account.items()}, total=False)


def _list(of: Type) -> Type:
    return GenericAlias(list, of)


def _one_of(names: Iterable[str]) -> Type:
    return Literal[tuple(names)]


def _value_type(declaration: FieldDeclaration) -> Type:
    match declaration.type.kind:
        case "enum":
            return _one_of(declaration.type.values)
        case "bool":
            return bool
        case "int":
            low, high = declaration.minimum, declaration.maximum
            least, most = low if type(low) is int else INT_MIN, high if type(high) is int else INT_MAX
            return Annotated[int, Meta(ge=least, le=most)]
        case "string":
            return str
        case "date":
            return date
        case "timestamp":
            return Annotated[datetime, Meta(tz=True)]
        case "set":
            return GenericAlias(frozenset, _one_of(declaration.type.values))
        case kind:
            raise TypeError(kind)  # no field is declared so


def _trusted_value_type(declaration: FieldDeclaration) -> Type:
    """Without bounds, for which every number would be compared."""
    return int if declaration.type.kind == "int" else _value_type(declaration)


def _listed(names: Iterable[str]) -> Type:
    """A list of them, and of nothing if there are none: a literal needs a value."""
    listed = [*names]
    return _list(_one_of(listed)) if listed else Annotated[list[str], Meta(max_length=0)]
