"""What is answered: the decision, with its reasons read off the judgement when somebody asks for them."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, NoReturn, Protocol

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, computed_field
from pydantic.json_schema import JsonSchemaValue

from lawful.kept import kept

Verdict = Literal["allow", "deny", "undetermined"]
Status = Literal["violated", "unknown", "satisfied"]
JsonValue = bool | int | str | list[Any] | None
"""A value as JSON has it: dates and timestamps as texts, sets as lists; null is unknown."""


class Answer(BaseModel):
    """What the parts of a decision share."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,
        ignored_types=(kept,),
    )


class Text(Answer):
    """What a person reads; null where the policy does not say it in that language."""

    en: str | None = None
    zh: str | None = None

    def best(self, language: str) -> str:
        """In that language, else in the other."""
        first, second = (self.zh, self.en) if language == "zh" else (self.en, self.zh)
        return first if first is not None else second or ""


class Place(Answer):
    """Where a rule is written, counted from 1."""

    file: str
    line: int
    column: int


class Cited(Answer):
    """What a rule rests on."""

    id: str
    clause: str | None = None
    title: str
    """In the language it was published in, or English."""
    titles: Text
    published: str | None = None
    url: str | None = None


class Justification(Answer):
    """Why an expression has its value: `because` holds the parts that decided it."""

    text: str
    value: JsonValue
    title: Text | None = None
    """What a named condition means."""
    because: tuple[Justification, ...] = ()


class Reason(Answer):
    """A rule and what became of it."""

    rule: str
    status: Status
    severity: Literal["error", "warning", "info"]
    step: int
    """The change of the list, from 0."""
    standing: bool
    """It was violated before the change too, which therefore cannot be refused for it."""
    title: Text | None
    explanation: Text
    source: Cited | None
    note: Text | None
    place: Place
    justification: Justification


class Owed(Answer):
    """What must still be done or paid."""

    rule: str
    text: Text


class Changed(Answer):
    """A field that the change moves; null is unknown."""

    field: str
    from_: JsonValue = Field(alias="from")
    to: JsonValue


class Irreversible(Answer):
    """A field that no later transition can bring back."""

    field: str
    why: Text


class Consequences(Answer):
    """What follows from an allowed change."""

    changed: tuple[Changed, ...] = ()
    lost: tuple[str, ...] = ()
    irreversible: Irreversible | None = None


class Answered(Answer):
    """One kind of answer, and what it would decide."""

    given: dict[str, Text]
    """By fact, what the answer says."""
    example: dict[str, JsonValue]
    """A value of the kind for each; null where it has no short form."""
    only_examples: tuple[str, ...]
    """The facts of which `given` tells values that were tried, a few at most: others may decide otherwise."""
    verdict: Verdict
    rules: tuple[str, ...]
    """Those that refuse, or leave it open."""


class Inquiry(Answer):
    """Facts to ask for: whatever they are, they settle the verdict."""

    facts: tuple[str, ...]
    cost: int
    """What asking costs, by the `ask_cost` of the fields."""
    answers: tuple[Answered, ...]
    """What each kind of answer decides; empty where there are too many kinds to be told."""


class RemedyStep(Answer):
    """A change that is allowed at that time, after the steps before it."""

    at: str
    change: dict[str, Any]
    irreversible: Irreversible | None


class Remedy(Answer):
    """A plan of other allowed changes after which this one is allowed."""

    steps: tuple[RemedyStep, ...]
    allowed_at: str
    """When the change that was asked for is allowed, once they are taken."""
    irreversible: bool
    """Whether one of them is."""


class PolicyNamed(Answer):
    """Which policy decided."""

    id: str
    version: str
    digest: str


_NO_TRUTH: Final = "a denial is an object too: ask `.allowed`"
"""What `if decision:` is told, which would let everybody in."""


class Ruling(NamedTuple):
    """The bare answer of a checker: no words, no obligations, no consequences."""

    verdict: Verdict
    broken: tuple[str, ...]
    """The ids of the rules that refuse."""
    unknown: tuple[str, ...]
    """The ids of the rules that cannot be judged, and would have to be for the change to be allowed."""

    def __bool__(self) -> NoReturn:
        raise TypeError(_NO_TRUTH)

    @property
    def allowed(self) -> bool:
        return self.verdict == "allow"


class Explains(Protocol):
    """Where a decision reads what it does not carry: each is computed on first reading."""

    def reasons(self) -> tuple[Reason, ...]: ...
    def satisfied(self) -> tuple[Reason, ...]: ...
    def missing(self) -> tuple[tuple[str, ...], ...]: ...
    @property
    def inquiries(self) -> tuple[Inquiry, ...]: ...
    def obligations(self) -> tuple[Owed, ...]: ...
    def consequences(self) -> Consequences: ...
    def events(self) -> tuple[str, ...]: ...
    def next_allowed_at(self) -> datetime | None: ...
    def rests_on(self) -> tuple[str, ...]: ...
    def notes(self) -> tuple[Text, ...]: ...
    def remedies(self) -> tuple[Remedy, ...]: ...


class Decision(Answer):
    """May the account change so, and why.

    The verdict is there at once; reasons and what else explains it are computed when first read.
    """

    schema_: Literal["lawful/decision/v1"] = Field(default="lawful/decision/v1", alias="schema")
    verdict: Verdict
    at: str
    engine: Literal["rete", "reference", "direct"]
    lawful: str
    policy: PolicyNamed
    _explains: Explains = PrivateAttr()

    @classmethod
    def of(cls, explains: Explains, **carried: Any) -> Decision:
        """A decision that reads its explanation there."""
        decision = cls(**carried)
        decision._explains = explains
        return decision

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, explanations included."""
        return isinstance(other, Decision) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash((self.verdict, self.at, self.policy))

    def __bool__(self) -> NoReturn:
        raise TypeError(_NO_TRUTH)

    @property
    def allowed(self) -> bool:
        return self.verdict == "allow"

    @computed_field
    @kept
    def reasons(self) -> tuple[Reason, ...]:
        """The rules that are violated or unknown; also those that only warn, and those violated already before."""
        return self._explains.reasons()

    @kept
    def satisfied(self) -> tuple[Reason, ...]:
        """The rules that were judged and hold: not part of the JSON unless asked for."""
        return self._explains.satisfied()

    @computed_field
    @kept
    def missing(self) -> tuple[tuple[str, ...], ...]:
        """The smallest sets of facts that settle an undetermined verdict, whatever they are; the cheapest first."""
        return self._explains.missing()

    @computed_field
    @kept
    def inquiries(self) -> tuple[Inquiry, ...]:
        """The same sets, with what asking costs and what each answer would decide."""
        return self._explains.inquiries

    @computed_field
    @kept
    def obligations(self) -> tuple[Owed, ...]:
        return self._explains.obligations()

    @computed_field
    @kept
    def consequences(self) -> Consequences:
        return self._explains.consequences()

    @kept
    def events(self) -> tuple[str, ...]:
        """What the changes are in a history, in order, none where they are denied: record them with `at` once they are
        made, and limits count them. Where it is not known whether a change moves anything, its event is among them.
        Not part of the JSON.
        """
        return self._explains.events()

    @computed_field
    @kept
    def next_allowed_at(self) -> datetime | None:
        """The first instant at which no limit refuses, all else equal."""
        return self._explains.next_allowed_at()

    @computed_field
    @kept
    def remedies(self) -> tuple[Remedy, ...]:
        """Of a denial: the shortest plans of other changes after which it is allowed, as far as a small search goes."""
        return self._explains.remedies()

    @computed_field
    @kept
    def rests_on(self) -> tuple[str, ...]:
        """The facts and counts used: make the write conditional on them."""
        return self._explains.rests_on()

    @computed_field
    @kept
    def notes(self) -> tuple[Text, ...]:
        """What else should be known, as where a history and a field that counts differ."""
        return self._explains.notes()


def _complete() -> None:
    """Models are made at first use, under a lock of pydantic's: the child of a fork must not inherit it locked."""
    for model in Answer.__subclasses__():
        model.model_rebuild()


if sys.platform != "win32":
    os.register_at_fork(before=_complete)


def schema_of(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> JsonSchemaValue:
    """The model's JSON Schema, draft 2020-12."""
    schema = model.model_json_schema(mode=mode, by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
