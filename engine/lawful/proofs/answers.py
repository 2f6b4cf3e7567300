"""What is asked of a policy as a whole, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from lawful.ir import Place, Text

if TYPE_CHECKING:
    from lawful.proofs.witness import Witness

Kind = Literal[
    "invariant",
    "final",
    "once",
    "dead",
    "shadowed",
    "conflict",
    "unusable",
    "stuck",
    "trap",
    "effect",
    "in_force",
    "feature_table",
]
Status = Literal["proved", "refuted", "unsettled"]
Severity = Literal["error", "warning", "info"]

KINDS: Final[Mapping[Kind, Text]] = {
    "invariant": Text("invariants hold", "不变式成立"),
    "final": Text("final states are final", "终态不可离开"),
    "once": Text("once means once", "“一次”即只有一次"),
    "dead": Text("every rule can apply, and can fail", "每条规则都可能适用，也可能不满足"),
    "shadowed": Text("no rule is implied by others", "没有规则被其他规则蕴含"),
    "conflict": Text("no two rules exclude each other", "没有互相排斥的规则"),
    "unusable": Text("every change can be used by somebody", "每种变更都有帐号能用"),
    "stuck": Text("every value that is not final can be left by some account", "每个非终态的取值都有帐号可以离开"),
    "trap": Text("every value can be left without a finding", "每个取值都能在不违反规则的情况下离开"),
    "effect": Text("no effect breaks a constraint", "变更的效果不会违反约束"),
    "in_force": Text("versions follow each other without a gap", "规则的各版本在时间上相接"),
    "feature_table": Text("feature tables have a column for everybody", "功能表的列覆盖所有帐号"),
}
"""Each kind of question, as what should be so."""

SEVERITIES: Final[Mapping[Kind, Severity]] = {
    kind: "error" if kind in ("invariant", "final", "once") else "warning" for kind in KINDS
}

Why = Literal["time", "check", "steps", "given up"]
"""Why something is not settled: the time was over, `check` says otherwise, longer traces are not tried, Z3 gave up."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; its id is `prove.`, its kind and what it is about."""

    kind: Kind
    subject: str
    title: Text
    place: Place | None
    severity: Severity

    @property
    def id(self) -> str:
        return f"prove.{self.kind}.{self.subject}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: proved or refuted, or neither within the time."""

    question: Question
    status: Status
    told: Text
    """The answer in words."""
    witness: Witness | None = None
    """What shows it: of a refuted question a counterexample, of a proved one, where it asks for something, that."""
    proof: str | None = None
    """By what it was proved."""
    counted_by: str | None = None
    """The field that alone counts, where the answer is about requests that state no history, too."""
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """The question's: `prove.final.type`."""
        return self.question.id


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was asked, in order."""

    answers: tuple[Answer, ...]
    assumptions: tuple[Text, ...]
    seconds: float

    def of(self, status: Status, *severities: Severity) -> list[Answer]:
        """Those with that status, of questions of these severities; of any without one."""
        return [
            each
            for each in self.answers
            if each.status == status and (not severities or each.question.severity in severities)
        ]


UNCONFIRMED: Final = Text("not settled: `check` does not confirm what Z3 found", "未能判定：`check`未确认Z3找到的例子")


def unsettled(question: Question, why: Why, seconds: float, within: int | None = None) -> Answer:
    """Not settled: never a wrong yes. `within`: so many steps were looked at, and do not refute it."""
    return Answer(question, "unsettled", why_not(why, seconds, within))


def why_not(why: Why, seconds: float, within: int | None = None) -> Text:
    """Why something is not settled, in words."""
    steps = f"{within} {'step' if within == 1 else 'steps'}"
    match why:
        case "check":
            return UNCONFIRMED
        case "steps":
            return Text(f"not settled by up to {steps}; more were not tried", f"{within}步以内未能判定，未尝试更多步")
        case "given up":
            en, zh = "not settled: Z3 gave up", "未能判定：Z3放弃了求解"
        case _:
            en, zh = f"not settled within {seconds:g} s", f"{seconds:g}秒内未能判定"
    if within is None:
        return Text(en, zh)
    return Text(f"{en}, nor by any {steps}", f"{zh}，{within}步之内也没有结论")
