"""What an account may do at all, as it is answered: public models with a published JSON Schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from lawful.decision import Answer, PolicyNamed, Status, Text, Verdict


class LimitLeft(Answer):
    """What is left of a limit; null where the history does not tell."""

    rule: str
    at_most: int
    used: int | None
    left: int | None
    until: datetime | None
    """When the next of the counted events counts no more; null where none ever does, or none counts."""


class Warned(Answer):
    """A rule that refuses nothing and is violated by the change, or perhaps is."""

    rule: str
    severity: Literal["warning", "info"]
    status: Status
    explanation: Text


class Possibility(Answer):
    """One thing the account may ask for, and the answer."""

    change: dict[str, Any]
    title: Text | None
    verdict: Verdict
    enabled: bool | None
    """Of a feature: whether it is on."""
    rules: tuple[str, ...]
    """The rules that refuse or leave it open."""
    why: tuple[Text, ...]
    """Their explanations, in the same order."""
    warnings: tuple[Warned, ...]
    """Of what is not refused: what is to be known of it all the same; not what was wrong with the account before."""
    limits: tuple[LimitLeft, ...]
    next_allowed_at: datetime | None


class Possibilities(Answer):
    """Every move and feature of one account."""

    schema_: Literal["lawful/possibilities/v1"] = Field(default="lawful/possibilities/v1", alias="schema")
    at: str
    policy: PolicyNamed
    possibilities: tuple[Possibility, ...]
