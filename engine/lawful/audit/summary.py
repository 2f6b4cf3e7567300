"""What an audit comes to, in numbers: what the terminal, the report and the pipelines tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lawful.decision import PolicyNamed
from lawful.ir import Place, Severity, Text

About = Literal["account", "move", "event", "group", "data"]


@dataclass(frozen=True, slots=True)
class RuleTally:
    """One rule and how many findings it has. `violated` and `unknown` count outcomes, excused ones included."""

    rule: str
    title: Text | None
    severity: Severity
    source: str | None
    place: Place | None
    """Where the policy has it; None for data findings and expired waivers."""
    violated: int = 0
    unknown: int = 0
    excused: int = 0
    """Of the violated: known by the baseline, or waived."""

    @property
    def counting(self) -> int:
        """The violated ones that no baseline and no waiver excuses."""
        return self.violated - self.excused


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A rule that could not be looked at, and the fields without a column (or `history`) that it reads."""

    rule: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataProblem:
    """What is odd about the data: told before the audit, with examples."""

    column: str
    problem: Text
    """In words: `values outside the enum`."""
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Months:
    """How many accounts have a date of this field in each month, `2025-03`, around the day of the audit."""

    field: str
    title: Text | None
    counts: tuple[tuple[str, int], ...]
    before: int
    """Earlier than the first month."""
    after: int
    rules: tuple[str, ...] = ()
    """The rules about accounts that read the field, as far as they were judged."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A step between two states, and how many accounts were seen to make it."""

    source: str
    target: str
    move: str | None
    """The transition's id; None where no single transition makes the step: a difference between snapshots."""
    count: int
    allowed: bool = True
    """Whether the life cycle has such a step."""


@dataclass(frozen=True, slots=True)
class LifecycleTally:
    """How many accounts are in each state of a life cycle (None: unknown), and what moves were seen."""

    field: str
    title: Text | None
    states: tuple[tuple[str | None, Text | None, int], ...]
    initial: tuple[str, ...]
    final: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """How many accounts the reference judged again, and where it differed."""

    accounts: int
    outcomes: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one audit."""

    policy: PolicyNamed
    title: Text | None
    languages: tuple[str, ...]
    at: str
    """ISO 8601, in the policy's zone."""
    inventory: str
    engine: str
    """`duckdb`, `postgres`, `pyspark`."""
    accounts: int
    accounts_with_findings: int
    """Of the inventory's; what only the data has (an event of nobody, a waiver) is no account's."""
    events: int | None
    vanished: int | None
    """Accounts of the earlier snapshot that are gone; None without one."""
    rules: tuple[RuleTally, ...]
    not_judged: tuple[NotJudged, ...]
    data: tuple[DataProblem, ...]
    months: tuple[Months, ...]
    lifecycles: tuple[LifecycleTally, ...]
    questions: Mapping[str, Mapping[str, int]]
    """Of `--can`: question -> verdict -> accounts."""
    cross_check: CrossCheck | None
    seconds: float
    with_default: tuple[str, ...] = ()
    """The fields that rules were not judged for want of and that have a default: `--map =field` takes it."""
    already: Mapping[str, int] = field(default_factory=dict)
    """Of `--can`: question -> how many of the allowed accounts have already what is asked for."""

    def counting(self, severity: Severity) -> int:
        """How many findings of a severity fail an audit: violated, not excused."""
        return sum(each.counting for each in self.rules if each.severity == severity)

    @property
    def judged_nothing(self) -> bool:
        """Whether no rule of the policy was asked of any account: then nothing is known to be right."""
        return not self.accounts or all(each.place is None for each in self.rules)
