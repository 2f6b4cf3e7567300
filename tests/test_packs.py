"""The shipped packs: every rule cites its source, every text is in both languages, every id in a README exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lawful
from lawful.library import policy_root, shipped_names

# What the language itself refuses, where the policy says nothing that could be cited.
BUILT_IN = re.compile(r"fields\.\w+\.unlisted")


@pytest.mark.parametrize("name", shipped_names())
def test_every_rule_of_a_pack_has_its_source(name: str) -> None:
    program = lawful.load(name).program
    rules = [rule.id for rule in program.rules if rule.source is None and not BUILT_IN.fullmatch(rule.id)]
    invariants = [each.id for each in program.invariants if each.source is None]
    assert (rules, invariants) == ([], [])


@pytest.mark.parametrize("name", shipped_names())
def test_a_pack_has_no_warnings(name: str) -> None:
    assert lawful.load(name).diagnostics == ()


@pytest.mark.parametrize("name", shipped_names())
def test_every_rule_that_a_readme_names_exists(name: str) -> None:
    policy = lawful.load(name)
    known = {rule.id for rule in policy.program.rules} | {move.id for move in policy.program.moves}
    known |= {f"invariants.{each.id}" for each in policy.program.invariants}
    known |= {f"{section}.{id}" for section, ids in sections(policy).items() for id in ids}
    named = set(
        re.findall(
            r"`((?:lifecycle|features|actions|constraints|fields|invariants|conditions)\.[\w.-]+)`", readme(name)
        )
    )
    assert named - known == set()
    assert named


@pytest.mark.parametrize("name", shipped_names())
def test_every_rule_of_a_pack_is_in_its_readme(name: str) -> None:
    program = lawful.load(name).program
    written = {rule.id for rule in program.rules if rule.source is not None and rule.kind != "effect"}
    assert {id for id in written if id not in readme(name)} == set()


def sections(policy: lawful.Policy) -> dict[str, list[str]]:
    program = policy.program
    return {
        "conditions": list(program.conditions),
        "features": list(program.features),
        "actions": list(program.actions),
        "fields": list(program.account),
        "lifecycle": list(program.lifecycles),
    }


def readme(name: str) -> str:
    return Path(policy_root() / name / "README.md").read_text("utf-8")
