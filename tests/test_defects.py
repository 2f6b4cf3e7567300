"""Planted defects: each is found, with a counterexample that `check` confirms; each repaired twin is proved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import lawful
from lawful.proofs.answers import Answer
from lawful.proofs.witness import Happening

ROOT = Path(__file__).resolve().parents[1] / "fixtures" / "defects"
DEFECTS = sorted(each.name for each in ROOT.iterdir())
LIMIT = 20.0


@dataclass(frozen=True)
class Expected:
    question: str
    told: str | None = None


def expected(name: str) -> Expected:
    return Expected(**yaml.safe_load((ROOT / name / "expected.yaml").read_text("utf-8")))


def answer(name: str, file: str) -> tuple[lawful.Policy, Answer]:
    policy = lawful.load(str(ROOT / name / file))
    (found,) = policy.prove(expected(name).question, timeout=LIMIT).answers
    return policy, found


def test_there_are_enough_of_them() -> None:
    assert len(DEFECTS) >= 25


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(name: str) -> None:
    policy, found = answer(name, "defect.yaml")
    assert found.status == "refuted", found
    if expected(name).told is not None:
        assert found.told.en == expected(name).told
    for each in found.witness.happenings if found.witness is not None else ():
        confirm(policy, each)
    if found.question.severity == "error":
        assert found.witness is not None


@pytest.mark.parametrize("name", DEFECTS)
def test_a_repaired_twin_is_proved(name: str) -> None:
    policy, found = answer(name, "repaired.yaml")
    assert found.status == "proved", found
    for each in found.witness.happenings if found.witness is not None else ():
        confirm(policy, each)


def confirm(policy: lawful.Policy, happening: Happening) -> None:
    """What a witness says of a change, the default `check` says, too."""
    if happening.kind not in ("register", "change"):
        return
    decision = policy.check(happening.request)
    assert decision.verdict == (happening.verdict or "allow")
    refusing = {each.rule for each in decision.reasons if each.severity == "error" and each.status == "violated"}
    assert set(happening.rules) <= refusing
    assert list(decision.consequences.lost) == list(happening.lost) or happening.verdict is not None
