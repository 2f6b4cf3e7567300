"""A policy as written: its keys and the shape of their values, nothing of their meaning.

Scalars come in as the author wrote them (`document.Scalar`); the types here read them. Short forms are spelled out
before validation, so that what comes after sees one form of each thing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from lawful.diagnostics import MOST_MISTAKES, Diagnostic, near
from lawful.document import Document

# ------------------------------------------------------------------------------------------------ reading scalars


def _whole_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        return int(value)
    raise PydanticCustomError("wrong-type", "{value} is not a whole number", {"value": _shown(value)})


def _truth(value: object) -> object:
    match value:
        case "true" | "yes":
            return True
        case "false" | "no":
            return False
        case _:
            pass
    raise PydanticCustomError("wrong-type", "{value} is neither `true` nor `false`", {"value": _shown(value)})


def _day(value: object) -> object:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("bad-date", "{value} is not a date such as `2024-04-12`", {"value": _shown(value)})


def _one_or_many(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as(key: str) -> Callable[[object], object]:
    """A lone scalar, short for a mapping with that one key."""

    def spelled_out(value: object) -> object:
        return {key: value} if isinstance(value, str) else value

    return spelled_out


def _named(value: object) -> object:
    """A list of names, short for a mapping of names to texts."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        twice = sorted(name for name, times in Counter(value).items() if times > 1)
        if twice:
            raise PydanticCustomError("repeated-value", "`{name}` is listed twice", {"name": twice[0]})
        return dict.fromkeys(value)
    return value


def _once(value: object) -> object:
    if value == "once":
        return {"at_most": "1", "per": "lifetime"}
    if isinstance(value, str):
        message = "{value} is no limit: it is `once` or a mapping with `at_most`"
        raise PydanticCustomError("wrong-value", message, {"value": _shown(value)})
    return value


def _fixed(value: object) -> object:
    """`yes` is always; a mapping says when."""
    match value:
        case "yes" | "true":
            return {}
        case "no" | "false":
            return None
        case dict():
            return value
        case _:
            pass
    message = "{value} is neither `yes`, `no` nor a mapping with `in_force`"
    raise PydanticCustomError("wrong-type", message, {"value": _shown(value)})


def _shown(value: object) -> str:
    match value:
        case None:
            return "an empty value"
        case str():
            return f"`{value if len(value) <= 60 else value[:57] + '...'}`"
        case dict():
            return "a mapping"
        case _:
            return "a list"


Whole = Annotated[int, BeforeValidator(_whole_number)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Day = Annotated[date, BeforeValidator(_day)]
Cel = str
OneOrMany = BeforeValidator(_one_or_many)


class Written(BaseModel):
    """What every part of a policy file shares: no key that the language does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TextWritten(Written):
    en: str | None = None
    zh: str | None = None


Text = Annotated[TextWritten, BeforeValidator(_as("en"))]


class ObligationWritten(TextWritten):
    when: Cel | None = None


Obligations = Annotated[list[Annotated[ObligationWritten, BeforeValidator(_as("en"))]], OneOrMany]


class SourceWritten(Written):
    title: Text
    published: str | None = None
    url: str | None = None
    note: Text | None = None


class InForce(Written):
    from_: Day | None = Field(None, alias="from")
    until: Day | None = None


class RuleWritten(Written):
    """What every rule may carry."""

    title: Text | None = None
    explanation: Text | None = None
    source: str | None = None
    note: Text | None = None
    severity: Literal["error", "warning", "info"] = "error"
    in_force: InForce | None = None


class Within(Written):
    days: Whole | None = None
    months: Whole | None = None


class LimitWritten(RuleWritten):
    id: str | None = None
    at_most: Whole
    per: Literal["lifetime", "day", "month", "year"] | None = None
    within: Within | None = None
    since: Day | None = None
    of: Annotated[list[str], OneOrMany] | None = None
    when: Cel | None = None
    counted_by: str | None = None


Limit = Annotated[LimitWritten, BeforeValidator(_once)]


class FurtherWritten(RuleWritten):
    """One more rule over a change, with words and a source of its own."""

    when: Cel | None = None
    requires: Annotated[list[Cel], OneOrMany]


Further = dict[str, Annotated[list[FurtherWritten], OneOrMany]]


class Guarded(RuleWritten):
    """What may stand over a change: its guards and what follows from it."""

    requires: Annotated[list[Cel], OneOrMany] = []
    rules: Further = {}
    limit: Limit | None = None
    limits: list[Limit] = []
    never_after: Annotated[list[str], OneOrMany] = []


class InsteadWritten(Written):
    """Another change, what the request says for it, and whom it serves."""

    set: dict[str, Any] | None = None
    enable: str | None = None
    do: str | None = None
    request: dict[str, Any] = {}
    when: Cel | None = None


class Changing(Guarded):
    effects: dict[str, Cel] = {}
    obligations: Obligations = []
    instead: InsteadWritten | None = None
    cost: Annotated[dict[str, Whole], BeforeValidator(_as("cost"))] = {}


class TransitionWritten(Changing):
    from_: Annotated[list[str], OneOrMany] = Field(alias="from")
    to: Annotated[list[str], OneOrMany]


class LifecycleWritten(Written):
    note: Text | None = None
    source: str | None = None
    initial: Annotated[list[str], OneOrMany] = []
    final: Annotated[list[str], OneOrMany] = []
    transitions: dict[str, Annotated[list[TransitionWritten], OneOrMany]] = {}


class FixedWritten(Written):
    """When a field does not move, and what whoever asks for it is told."""

    in_force: InForce | None = None
    explanation: Text | None = None


class FieldWritten(Written):
    type: Literal["bool", "int", "string", "date", "timestamp"] | None = None
    enum: Annotated[dict[str, Text | None], BeforeValidator(_named)] | None = None
    set: Annotated[dict[str, Text | None], BeforeValidator(_named)] | None = None
    title: Text | None = None
    note: Text | None = None
    default: Any = None
    min: str | None = None
    max: str | None = None
    private: Truth = False
    ask_cost: Whole | None = None
    fixed: Annotated[FixedWritten | None, BeforeValidator(_fixed)] = None
    outside: Truth = False
    source: str | None = None
    settable: Annotated[list[Changing], OneOrMany] | None = None


class AccountWritten(Written):
    id: str = "account_id"
    fields: dict[str, Annotated[FieldWritten, BeforeValidator(_as("type"))]]


class RequestWritten(Written):
    fields: dict[str, Annotated[FieldWritten, BeforeValidator(_as("type"))]] = {}


class ConditionWritten(Written):
    when: Cel
    title: Text | None = None
    note: Text | None = None
    source: str | None = None


class RegistrationWritten(RuleWritten):
    requires: Annotated[list[Cel], OneOrMany] = []
    rules: Further = {}
    obligations: Obligations = []


class FeatureWritten(RuleWritten):
    requires: Annotated[list[Cel], OneOrMany] = []
    rules: Further = {}
    needs: Annotated[list[str], OneOrMany] = []
    obligations: Obligations = []


class Granted(Written):
    """A cell that says yes, with something still to be done, or to be fulfilled beside."""

    obligations: Obligations = []
    rules: Further = {}


def _cell(value: object) -> object:
    match value:
        case "yes" | "true":
            return {"obligations": []}
        case "no" | "false":
            return None
        case dict():
            return value
        case _:
            pass
    raise PydanticCustomError(
        "table-cell", "{value} is neither `yes`, `no` nor obligations and rules", {"value": _shown(value)}
    )


class TableWritten(RuleWritten):
    file: str
    sheet: str | None = None
    columns: dict[str, Cel]
    cells: dict[str, Annotated[Granted | None, BeforeValidator(_cell)]]


class ActionWritten(Changing):
    pass


class EventWritten(Written):
    title: Text | None = None
    note: Text | None = None
    source: str | None = None
    moves: dict[str, Cel] = {}


class ConstraintWritten(RuleWritten):
    when: Cel | None = None
    requires: Annotated[list[Cel], OneOrMany] | None = None
    per: str | None = None
    at_most: Whole | None = None
    counted_by: str | None = None
    as_of: str | None = None


class InvariantWritten(RuleWritten):
    never: Cel | None = None
    always: Cel | None = None


class PolicyWritten(Written):
    policy: str
    version: str
    title: Text | None = None
    scope: Text | None = None
    note: Text | None = None
    timezone: str = "UTC"
    sources: dict[str, SourceWritten] = {}
    account: AccountWritten
    request: RequestWritten = RequestWritten()
    conditions: dict[str, Annotated[ConditionWritten, BeforeValidator(_as("when"))]] = {}
    lifecycle: dict[str, LifecycleWritten] = {}
    registration: Annotated[list[RegistrationWritten], OneOrMany] = []
    features: dict[str, Annotated[list[FeatureWritten], OneOrMany]] = {}
    feature_tables: list[TableWritten] = []
    actions: dict[str, Annotated[list[ActionWritten], OneOrMany]] = {}
    events: dict[str, EventWritten] = {}
    constraints: dict[str, Annotated[list[ConstraintWritten], OneOrMany]] = {}
    invariants: dict[str, InvariantWritten] = {}


# --------------------------------------------------------------------------------- pydantic's errors in our words

AnyWritten = TypeVar("AnyWritten", bound=Written)

_KINDS: Final[Mapping[str, str]] = {
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "string_type": "a text",
}


def validated(model: type[AnyWritten], document: Document) -> AnyWritten | list[Diagnostic]:
    """The document as that model, or every mistake of shape in it, up to the most that are told."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = error.errors(include_url=False)[:MOST_MISTAKES]
        return [_diagnostic(model, document, each) for each in found]


_NAMED: Final = ("policy", "mapping")
"""The first keys of files that have a name."""


def _diagnostic(model: type[Written], document: Document, error: ErrorDetails) -> Diagnostic:
    path = error["loc"]
    key = path[-1] if path else ""
    match error["type"]:
        case "extra_forbidden":
            span = document.key_span(path)
            return Diagnostic("unknown-key", f"there is no key `{key}` here", span, _meant(model, path))
        case "missing":
            place = document.key_span(path[:-1]) if len(path) > 1 else document.span(())
            return Diagnostic("missing-key", f"the key `{key}` is missing", place)
        case "literal_error":
            allowed = str(error.get("ctx", {}).get("expected", "")).replace("'", "`")
            message = f"{_shown(error['input'])} is none of {allowed}"
            help = near(str(error["input"]), re.findall(r"`(.*?)`", allowed))
            return Diagnostic("wrong-value", message, document.span(path), help)
        case _ if not path:
            message = f"{_shown(error['input'])} stands where the keys of this file should be"
            first = next(iter(model.model_fields))
            help = f"begin with `{first}:`" + (" and its name" if first in _NAMED else "")
            return Diagnostic("wrong-type", message, document.span(path), help)
        case kind if kind in _KINDS:
            message = f"{_shown(error['input'])} stands where {_KINDS[kind]} should be"
            return Diagnostic("wrong-type", message, document.span(path))
        case kind:
            return Diagnostic(kind, error["msg"], document.span(path))


def _meant(model: type[Written], path: tuple[str | int, ...]) -> str | None:
    """The key of the model at the path's parent that the author may have meant."""
    here: Any = model
    for part in path[:-1]:
        here = _below(here, part)
        if here is None:
            return None
    here = _model_in(here)
    if here is None:
        return None
    names = [info.alias or name for name, info in here.model_fields.items()]
    return near(str(path[-1]), names) or f"the keys here are {', '.join(f'`{name}`' for name in names)}"


def _below(annotation: Any, part: str | int) -> Any:
    """The type of the value at a key or an index of a value of that type."""
    model = _model_in(annotation)
    if model is not None:
        for name, info in model.model_fields.items():
            if part == (info.alias or name):
                return info.annotation
        return None
    container = _container_in(annotation)
    return get_args(container)[-1] if container is not None else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for each in _alternatives(annotation):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _container_in(annotation: Any) -> Any:
    return next((each for each in _alternatives(annotation) if get_origin(each) in (dict, list)), None)


def _alternatives(annotation: Any) -> list[Any]:
    """What is left of a type without `Annotated`, and each side of a union."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (dict, list) or not get_args(annotation):
        return [annotation]
    return [kind for each in get_args(annotation) for kind in _alternatives(each)]
