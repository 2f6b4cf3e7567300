"""What is answered to *how does it get there*: public models with a published JSON Schema."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lawful.decision import Answer, Changed, Irreversible, JsonValue, Owed, PolicyNamed, Text

Status = Literal["found", "none", "not found", "undetermined"]


class Obtained(Answer):
    """A fact that no change brings about: evidence of a request, or what the world moves."""

    fact: str
    """`request.f` or `account.f`."""
    value: JsonValue
    """A value that will do."""
    so_that: tuple[str, ...]
    """The comparisons that it makes true or false, as the policy writes them: other values that do so will do, too."""
    title: Text | None


class Waited(Answer):
    """Why a step is not taken sooner."""

    rules: tuple[str, ...]
    """The rules that refuse it, or leave it open, just before."""
    why: tuple[Text, ...]
    missing: tuple[tuple[str, ...], ...] = ()
    """Where they only leave it open: facts that might let it be sooner."""


class PlanStep(Answer):
    """One step: a change to be asked for, or something to be obtained before."""

    kind: Literal["change", "obtain"]
    at: str
    """When it may be asked for: `check` allows it then, after the steps before it."""
    change: dict[str, Any] | None = None
    account: dict[str, JsonValue] | None = None
    """Of a registration: the account that is registered."""
    request: dict[str, JsonValue] = Field(default_factory=dict)
    """What the request has to say beside the change."""
    obtained: Obtained | None = None
    title: Text | None = None
    cost: dict[str, int] = Field(default_factory=dict)
    obligations: tuple[Owed, ...] = ()
    changed: tuple[Changed, ...] = ()
    lost: tuple[str, ...] = ()
    irreversible: Irreversible | None = None
    waited: Waited | None = None


class Bound(Answer):
    """How far was looked. `left_out` says what was not looked at: where it is empty, there was nothing else."""

    steps: int
    whole: int | None = None
    """Where the work or the time was over before: every plan of up to so many steps was looked at."""
    until: str
    left_out: tuple[str, ...]


class Blocked(Answer):
    """Something that never becomes possible for this account."""

    change: dict[str, Any]
    rule: str
    why: Text


class Alternative(Answer):
    """Another plan of the same cost."""

    steps: tuple[PlanStep, ...]
    done_at: str


class Unmet(Answer):
    """A part of a condition that can never hold."""

    text: str
    """As it is written."""
    facts: dict[str, JsonValue]
    """What it reads of the account, as it is now."""


class OtherWay(Answer):
    """What the policy says serves the purpose of a change that is refused."""

    request: dict[str, JsonValue] = Field(default_factory=dict)
    """What the request says for it."""
    plan: Plan


class Plan(Answer):
    """How an account gets to where a change is allowed, or a condition holds."""

    schema_: Literal["lawful/plan/v1"] = Field(default="lawful/plan/v1", alias="schema")
    policy: PolicyNamed
    at: str
    goal: str
    status: Status
    """`found`; `none`: there surely is no plan; `not found` within the bound; `undetermined`: facts are `missing`."""
    proved: bool
    """Of a plan: no plan costs less. Of `none`: there is none, however long."""
    measure: str
    """What is counted: `steps`, or the name of a cost."""
    cost: int | None = None
    done_at: str | None = None
    steps: tuple[PlanStep, ...] = ()
    irreversible: bool = False
    alternatives: tuple[Alternative, ...] = ()
    rules: tuple[str, ...] = ()
    """Without a plan: the rules of the goal that refuse it as things are; of `none`, those that always will."""
    why: tuple[Text, ...] = ()
    """Their explanations, in the same order."""
    unmet: tuple[Unmet, ...] = ()
    """Without a way to a condition: its parts that can never hold."""
    blocked: tuple[Blocked, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()
    instead: OtherWay | None = None
    """Without a plan: the way to what serves the same purpose."""
    bound: Bound

    @property
    def found(self) -> bool:
        return self.status == "found"


OtherWay.model_rebuild()


class Served(Answer):
    """Whether a type of account serves one need."""

    need: str
    status: Status
    """`found`: it does, maybe after some steps."""
    rules: tuple[str, ...] = ()
    """What refuses it."""
    why: tuple[Text, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()
    """Where it is open for want of facts: which."""
    left_out: tuple[str, ...] = ()
    """Where nothing was found: what was not tried, as in the bound of a plan."""


class Apart(Answer):
    """Needs of which a type of account serves each, and for which no way to all of them was found."""

    needs: tuple[str, ...]
    rules: tuple[str, ...] = ()
    """What refuses one of them once the other is met."""
    why: tuple[Text, ...] = ()


class Choosable(Answer):
    """One type of account, with what speaks against it."""

    value: str
    title: Text | None
    status: Status
    """`found`: it serves every need, and there is a way to it."""
    rules: tuple[str, ...] = ()
    """What keeps the account from being of that type."""
    why: tuple[Text, ...] = ()
    needs: tuple[Served, ...] = ()
    apart: tuple[Apart, ...] = ()
    """Where each need is served, and not all together: which of them exclude each other."""
    plan: Plan | None = None
    """The way to an account of that type with all that is needed."""


class Choice(Answer):
    """Which types of account serve given needs."""

    schema_: Literal["lawful/choice/v1"] = Field(default="lawful/choice/v1", alias="schema")
    policy: PolicyNamed
    at: str
    field: str
    """Whose values are the types."""
    needs: tuple[str, ...]
    status: Status
    """`found`: some type serves them all."""
    chosen: tuple[str, ...]
    """The types that do, the one with the cheapest way first."""
    missing: tuple[tuple[str, ...], ...] = ()
    options: tuple[Choosable, ...]
