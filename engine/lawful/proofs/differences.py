"""How two policies differ, as data: what was found, what shows it, and where it is so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from lawful.decision import Cited, Reason, Verdict
from lawful.ir import Expr, Program, Text, Value
from lawful.proofs.answers import Severity, Why

Json = dict[str, Any]
Side = Literal["old", "new"]
Kind = Literal[
    "deny_to_allow",
    "undetermined_to_allow",
    "allow_to_deny",
    "allow_to_undetermined",
    "deny_to_undetermined",
    "undetermined_to_deny",
    "reasons",
    "consequences",
]
SIDES: Final[tuple[Side, Side]] = ("old", "new")
Tendency = Literal["loosened", "tightened", "other"]

VERDICTS: Final[Mapping[Kind, tuple[Verdict, Verdict]]] = {
    "deny_to_allow": ("deny", "allow"),
    "undetermined_to_allow": ("undetermined", "allow"),
    "allow_to_deny": ("allow", "deny"),
    "allow_to_undetermined": ("allow", "undetermined"),
    "deny_to_undetermined": ("deny", "undetermined"),
    "undetermined_to_deny": ("undetermined", "deny"),
}
"""Of each kind of which the verdicts differ, the old one and the new one."""

DECIDING: Final[Mapping[Verdict, Literal["violated", "unknown"]]] = {"deny": "violated", "undetermined": "unknown"}
"""What becomes of the rules that make a verdict."""

KINDS: Final[Mapping[Kind, Text]] = {
    "deny_to_allow": Text("deny → allow", "拒绝 → 允许"),
    "undetermined_to_allow": Text("undetermined → allow", "无法确定 → 允许"),
    "allow_to_deny": Text("allow → deny", "允许 → 拒绝"),
    "allow_to_undetermined": Text("allow → undetermined", "允许 → 无法确定"),
    "deny_to_undetermined": Text("deny → undetermined", "拒绝 → 无法确定"),
    "undetermined_to_deny": Text("undetermined → deny", "无法确定 → 拒绝"),
    "reasons": Text("the same verdict for other reasons", "结论相同，理由不同"),
    "consequences": Text("allowed by both, with other consequences", "均允许，后果不同"),
}


def tendency(kind: Kind) -> Tendency:
    """Loosened: allowed what was not; tightened: the other way round."""
    old, new = VERDICTS.get(kind, ("allow", "allow"))
    if old == new or "allow" not in (old, new):
        return "other"
    return "loosened" if new == "allow" else "tightened"


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that is so, is not so or (None) is unknown, of the account before the change or after it."""

    side: Side
    """In whose terms the expression is; of both policies, in the new one's."""
    expr: Expr
    value: bool | None
    after: bool = False
    apart: bool = False
    """Whether the same words mean something else to the other policy: its days or its defaults are others."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Of a change of several fields: whether it sets that one."""

    field: str
    value: bool


@dataclass(frozen=True, slots=True)
class Moving:
    """Whether the change moves a fact, `account.f` or `features.f`, by one of the policies."""

    side: Side
    fact: str
    value: bool


Part = Statement | Setting | Moving


@dataclass(frozen=True, slots=True)
class Where:
    """The condition under which something differs: some case of which every part is so."""

    cases: tuple[tuple[Part, ...], ...]
    whole: bool
    """Whether there is no other case; otherwise these are examples of cases."""
    unknown: bool = False
    """Of other reasons: whether there are more where facts are missing, so that the verdict is open."""


@dataclass(frozen=True, slots=True)
class Became:
    """A rule that is not satisfied, and what became of it."""

    rule: str
    status: Literal["satisfied", "violated", "unknown"]
    severity: Severity


@dataclass(frozen=True, slots=True)
class Answered:
    """What one policy answers, as `check` does."""

    verdict: Verdict
    rules: tuple[Became, ...]
    """What it says beside the verdict."""
    changed: tuple[tuple[str, Value | None, Value | None], ...]
    left: tuple[tuple[str, Value | None], ...]
    """The fields as they are afterwards."""
    lost: tuple[str, ...]
    events: tuple[str, ...]
    perhaps: tuple[str, ...]
    """Those of the events of which it is not known whether they happen."""
    obligations: tuple[Text, ...]
    reasons: tuple[Reason, ...] = ()
    """What its rules say of it, in their own words, each with its source."""

    def deciding(self) -> tuple[Reason, ...]:
        """Those of its reasons that make the verdict."""
        status = DECIDING.get(self.verdict)
        return tuple(each for each in self.reasons if each.severity == "error" and each.status == status)

    def otherwise(self, other: Answered) -> list[tuple[str, Value | None]]:
        """The fields that are not as the other one leaves them; none where one of them denies."""
        return [each for each in self.left if each not in other.left] if self.left and other.left else []


@dataclass(frozen=True, slots=True)
class Example:
    """A request that both policies were asked, by the reference."""

    request: Json
    at: datetime
    """Local."""
    old: Answered
    new: Answered


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of difference in one change. Without an example it is not settled whether there is one."""

    change: str
    """`set.type`, `enable.f`, `disable.f`, `do.a`, `register`; `set` of several fields at once."""
    kind: Kind
    example: Example | None
    where: Where | None
    why: Why | None = None
    """Where it is not settled: why."""
    further: tuple[Example, ...] = ()
    """Requests that other rules decide: one for each rule, and each version of one, that the example does not show."""
    surveyed: bool = True
    """Whether there are no other such rules, as far as a request can show them."""

    @property
    def settled(self) -> bool:
        return self.example is not None


@dataclass(frozen=True, slots=True)
class OnlyOne:
    """What only one of the policies can be asked: a field, a value, a feature, an action, an event."""

    side: Side
    what: Literal["field", "request field", "value", "bounds", "type", "feature", "action", "event"]
    name: str
    told: str = ""


Called = Literal["value", "field", "feature", "action", "request field", "event", "condition", "rule"]


@dataclass(frozen=True, slots=True)
class Retold:
    """What both have, and each calls by other words: the title or, of a rule, what explains it."""

    what: Called
    name: str
    old: Text
    new: Text
    of: str = ""
    """Of a value: the field."""
    source: Cited | None = None
    """Of a field and its values, and of a condition: what the new words rest on."""


@dataclass(frozen=True, slots=True)
class Diff:
    """How two policies differ in what they answer to one change of any account."""

    old: Program
    new: Program
    differences: tuple[Difference, ...]
    changes: tuple[str, ...]
    """The changes that were compared."""
    identical: tuple[str, ...]
    """Those of them that are written alike in both: there was nothing to prove."""
    only: tuple[OnlyOne, ...]
    assumptions: tuple[Text, ...]
    timeout: float
    seconds: float
    texts: tuple[Retold, ...] = ()
    """What has other words only, or other words, too: no answer is another one for it."""

    def __repr__(self) -> str:
        sides = " ".join(f"{each.id} {each.version}" for each in (self.old, self.new))
        left = f", {len(self.unsettled)} not settled" if self.unsettled else ""
        many = len(self.found)
        return f"<Diff {sides}: {many} {'difference' if many == 1 else 'differences'}{left}>"

    @property
    def found(self) -> tuple[Difference, ...]:
        return tuple(each for each in self.differences if each.settled)

    @property
    def unsettled(self) -> tuple[Difference, ...]:
        return tuple(each for each in self.differences if not each.settled)

    @property
    def equal(self) -> bool:
        """Proved: every request that both can be asked is answered alike."""
        return not self.differences

    def of(self, wanted: Tendency) -> tuple[Difference, ...]:
        """What was loosened, tightened or is otherwise different."""
        return tuple(each for each in self.found if tendency(each.kind) == wanted)
