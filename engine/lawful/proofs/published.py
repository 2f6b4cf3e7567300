"""What `prove` and `diff` answer to programs, as public models: their JSON Schemas are published."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from lawful.decision import Answer as Part
from lawful.decision import Cited, Place, PolicyNamed, Text
from lawful.proofs import answers, differences

Verdict = Literal["allow", "deny", "undetermined"]


class Happened(Part):
    """One thing that happens to the account of a witness."""

    kind: Literal["register", "change", "event", "world", "state"]
    at: str
    what: dict[str, JsonValue]
    """The change, the event, or what the world moves."""
    request: dict[str, JsonValue] | None
    """As `check` takes it."""
    lost: tuple[str, ...]
    verdict: Verdict | None
    """What `check` says of the request; null where nothing is asked for."""
    rules: tuple[str, ...]
    """Those that refuse it."""


class Answered(Part):
    """One question and its answer."""

    id: str
    kind: answers.Kind
    severity: answers.Severity
    status: answers.Status
    title: Text
    told: Text
    proof: str | None
    """By what it was proved."""
    counted_by: str | None
    """The field that alone counts, where the answer is about requests that state no history, too."""
    place: Place | None
    seconds: float
    witness: tuple[Happened, ...] | None
    """Of what is refuted a counterexample; of what is proved, where something can be, an example."""


class Proof(Part):
    """What `lawful prove` answers."""

    schema_: Literal["lawful/proof/v1"] = Field(default="lawful/proof/v1", alias="schema")
    lawful: str
    policy: PolicyNamed
    seconds: float
    assumptions: tuple[Text, ...]
    answers: tuple[Answered, ...]


class Outcome(Part):
    """A rule that is not satisfied."""

    rule: str
    status: Literal["violated", "unknown"]
    severity: answers.Severity


class Because(Outcome):
    """A rule that decides, in its own words."""

    explanation: Text
    source: Cited | None


class Moved(Part):
    """A field that the change moves."""

    field: str
    from_: JsonValue = Field(alias="from")
    to: JsonValue


class Side(Part):
    """What one of the policies answers."""

    verdict: Verdict
    rules: tuple[Outcome, ...]
    changed: tuple[Moved, ...]
    left: dict[str, JsonValue]
    """The fields that the other one leaves otherwise, as they are afterwards."""
    lost: tuple[str, ...]
    events: tuple[str, ...]
    perhaps: tuple[str, ...]
    """Those of the events of which it is not known whether they happen."""
    obligations: tuple[str, ...]
    reasons: tuple[Because, ...]


class Example(Part):
    """The smallest request that shows a difference, and both answers."""

    request: dict[str, JsonValue]
    told: Text
    """The request in words, with what it leaves out."""
    old: Side
    new: Side


class Where(Part):
    """Where it is so, case by case; `whole`: there is no other case."""

    whole: bool
    cases: tuple[Text, ...]


class Difference(Part):
    """One kind of difference in one change."""

    change: str
    title: Text
    kind: differences.Kind
    tendency: differences.Tendency
    example: Example
    further: tuple[Example, ...]
    """Requests that other rules decide: one for each rule, and each version of one, that `example` does not show."""
    surveyed: bool
    """Whether no such rule is left out that a request can show."""
    where: Where | None


class Unsettled(Part):
    """What was not settled, and why."""

    change: str
    kind: differences.Kind
    why: answers.Why | None
    timeout: float


class Only(Part):
    """What only one of the policies can be asked."""

    policy: differences.Side
    what: str
    name: str
    told: str


class Retold(Part):
    """What both policies have, and each calls by other words; `of` is the field of a value, `source` the new one's."""

    what: differences.Called
    name: str
    of: str
    old: Text
    new: Text
    source: Cited | None


class Turned(Part):
    """Accounts that get another answer to a question; examples of them."""

    question: str
    old: str
    new: str
    accounts: int
    examples: tuple[JsonValue, ...]


class Found(Part):
    """Accounts that become a finding of a rule or, where it does not appear, are none any more."""

    rule: str
    appears: bool
    accounts: int
    examples: tuple[JsonValue, ...]


class Touched(Part):
    """Whom it touches, of an inventory; `sampled` is null where all were asked."""

    engine: str
    accounts: int
    sampled: int | None
    questions: tuple[str, ...]
    turned: tuple[Turned, ...]
    findings: tuple[Found, ...]


class Diff(Part):
    """What `lawful diff` answers."""

    schema_: Literal["lawful/diff/v1"] = Field(default="lawful/diff/v1", alias="schema")
    lawful: str
    old: PolicyNamed
    new: PolicyNamed
    equal: bool
    changes: tuple[str, ...]
    identical: tuple[str, ...]
    """Those of them that are written alike."""
    differences: tuple[Difference, ...]
    unsettled: tuple[Unsettled, ...]
    only: tuple[Only, ...]
    texts: tuple[Retold, ...]
    assumptions: tuple[Text, ...]
    seconds: float
    accounts: Touched | None = None
    """With an inventory."""
