"""Which accounts get another answer from another policy, as data; and what they are asked.

Nothing of Ibis is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from lawful.decision import Verdict
from lawful.ir import Program


@dataclass(frozen=True, slots=True)
class Turned:
    """Accounts whose answer to one question changes from one verdict to another; from one to the same: other rules."""

    question: str
    old: Verdict
    new: Verdict
    accounts: int
    examples: tuple[str, ...]
    """The first few by their ids."""


@dataclass(frozen=True, slots=True)
class Found:
    """Accounts that are findings of a rule by one of the policies only, such as of a feature that they have."""

    rule: str
    appears: bool
    """By the new policy; else the finding is gone."""
    accounts: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """What becomes of the accounts of an inventory."""

    engine: str
    """Which made the answers: `duckdb` and the like for every account, `direct` for a sample."""
    accounts: int
    sampled: int | None
    """How many of the accounts were asked, where not all were."""
    turned: tuple[Turned, ...]
    questions: tuple[str, ...]
    found: tuple[Found, ...] = ()
    """Of a sample it is not looked for."""


def questions_of(old: Program, new: Program) -> tuple[str, ...]:
    """What accounts may ask of both: every value that a transition leads to, and every feature."""
    found = []
    for field in old.lifecycles:
        if field in new.lifecycles:
            known = set(old.account[field].type.values) & set(new.account[field].type.values)
            targets = dict.fromkeys(
                target
                for program in (old, new)
                for move in program.moves
                if move.step is not None and move.step.field == field
                for target in move.step.targets
            )
            found += [f"set {field}={target}" for target in targets if target in known]
    return (*found, *(f"enable {name}" for name in old.features if name in new.features))
