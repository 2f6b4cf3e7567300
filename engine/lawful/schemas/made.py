"""The schemas, made from the models.

Policies and cases are written by people: their scalars have no type until the model reads them, and short forms stand
for longer ones. Pydantic sees only what validators leave, so each validator of `written.py` is told here by what it
takes; a validator without an entry is refused rather than passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from lawful import written
from lawful.cases import CasesWritten
from lawful.decision import Decision, schema_of
from lawful.planning.plan import Choice, Plan
from lawful.possibility import Possibilities
from lawful.proofs.published import Diff, Proof
from lawful.request import Request

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# What YAML may make of a scalar that this language reads as a text: `version: 2.0`, `default: no`.
_SCALAR: Final[JsonSchemaValue] = {"type": ["string", "number", "boolean"]}


def made(name: str) -> str:
    """The text of a schema, as it is published."""
    return json.dumps(_SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


class _AsWritten(GenerateJsonSchema):
    """What people may write, short forms included."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        return dict(_SCALAR)

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        function = schema["function"]["function"]
        return _TAKES[_name(function)](self.generate_inner(schema["schema"]))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Without the default: it is the model's, not the author's."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _name(function: Callable[..., Any]) -> str:
    return function.__qualname__.partition(".")[0]


def _or(*others: JsonSchemaValue) -> Callable[[JsonSchemaValue], JsonSchemaValue]:
    return lambda inner: {"anyOf": [*others, inner]}


def _one_or_many(inner: JsonSchemaValue) -> JsonSchemaValue:
    return {"anyOf": [inner["items"], inner]} if "items" in inner else inner


_NAMES: Final[JsonSchemaValue] = {"type": "array", "items": dict(_SCALAR), "uniqueItems": True}
_TAKES: Final[Mapping[str, Callable[[JsonSchemaValue], JsonSchemaValue]]] = {
    "_whole_number": _or({"type": "string", "pattern": "^-?[0-9]{1,19}$"}),
    "_truth": _or({"enum": ["true", "false", "yes", "no"]}),
    "_day": lambda _: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "_one_or_many": _one_or_many,
    "_as": _or(dict(_SCALAR)),
    "_named": _or(_NAMES),
    "_once": _or({"const": "once"}),
    "_fixed": _or({"enum": ["yes", "no", "true", "false"]}, {"type": "boolean"}),
    "_cell": _or({"enum": ["yes", "no", "true", "false"]}, {"type": "boolean"}),
}


def _written(model: type[written.Written], title: str) -> JsonSchemaValue:
    schema = model.model_json_schema(by_alias=True, schema_generator=_AsWritten)
    return {"$schema": _DIALECT, **schema, "title": title}


_SCHEMAS: Final[Mapping[str, Callable[[], JsonSchemaValue]]] = {
    "policy": lambda: _written(written.PolicyWritten, "a policy of lawful"),
    "cases": lambda: _written(CasesWritten, "cases of a policy of lawful"),
    "request": lambda: schema_of(Request, "validation"),
    "decision": lambda: schema_of(Decision, "serialization"),
    "possibilities": lambda: schema_of(Possibilities, "serialization"),
    "plan": lambda: schema_of(Plan, "serialization"),
    "choice": lambda: schema_of(Choice, "serialization"),
    "proof": lambda: schema_of(Proof, "serialization"),
    "diff": lambda: schema_of(Diff, "serialization"),
}
