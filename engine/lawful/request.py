"""What is asked, as a stranger gives it: the shape of a request, with its published JSON Schema."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


FactValue = Annotated[StrictBool | StrictInt | StrictStr | list[StrictStr] | None, BeforeValidator(_as_json)]
Moment = Annotated[StrictStr, BeforeValidator(_as_json)]


class Asking(BaseModel):
    """What the parts of a request share: no key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class Change(Asking):
    """Exactly one of the five."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    set: dict[str, FactValue] | None = None
    enable: str | None = None
    disable: str | None = None
    do: str | None = None
    register_: dict[str, FactValue] | None = Field(None, alias="register")


class HistoryEvent(Asking):
    """Something that happened to the account: a transition, an action, `register`, `enable.f`, `set.f`, …"""

    event: str
    at: Moment


class Request(Asking):
    """A proposed change of an account. Dates and timestamps are ISO 8601; a fact that is absent or null is unknown."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["change"]}, {"required": ["changes"]}]})

    account: dict[str, FactValue] = {}
    change: Change | None = None
    changes: list[Change] | None = None
    request: dict[str, FactValue] = {}
    history: list[HistoryEvent] | None = None
    history_from: Moment | None = None
    at: Moment | None = None
