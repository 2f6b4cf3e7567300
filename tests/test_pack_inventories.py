"""What is made up for shipped packs: inventories are what their modules write, and an audit finds what was planted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import account_inventory
import entity_inventory
import lawful
import platform_inventory
from lawful.audit.result import Audit

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = ["wechat", "us-entity-classification", "developer-platforms"]


@pytest.mark.parametrize("module", [account_inventory, entity_inventory, platform_inventory])
def test_an_inventory_is_what_its_module_writes(module: object, tmp_path: Path) -> None:
    folder: Path = module.FOLDER  # type: ignore[attr-defined]  # each module has it
    write: Callable[[Path], None] = module.write  # type: ignore[attr-defined]
    write(tmp_path)
    made = {each.name: each.read_text(encoding="utf-8") for each in tmp_path.iterdir()}
    assert made == {name: (folder / name).read_text(encoding="utf-8") for name in made}


def test_the_accounts_of_an_agency() -> None:
    folder = account_inventory.FOLDER
    audit = lawful.load("wechat").audit(
        str(folder / "answers-2024.jsonl"),
        before=str(folder / "answers-2023.jsonl"),
        before_at="2023-04-12",
        history=str(folder / "messages.jsonl"),
        mapping=str(folder / "mapping.yaml"),
        at="2024-04-12",
        unknown=True,
    )
    with audit:
        assert {(int(id.removeprefix("wx"), 16), rule, status) for id, rule, status in found(audit)} == {
            (0, "constraints.may-hold-service", "violated"),
            (1, "features.wechat_pay", "violated"),
            (2, "features.wechat_pay", "violated"),
            (2, "constraints.lapsed-certification", "violated"),
            (3, "constraints.certified-individual", "violated"),
            (4, "constraints.dormant", "violated"),
            (5, "lifecycle.type.final", "violated"),
            (6, "fields.subject.fixed", "violated"),
            (7, "actions.mass_send.limits.daily", "violated"),
            (8, "actions.mass_send.limits.monthly", "violated"),
            (10, "constraints.may-hold-service", "unknown"),
            (10, "constraints.dormant", "unknown"),
            (10, "fields.subject.fixed", "unknown"),
        }


def test_the_register_of_entities() -> None:
    folder = entity_inventory.FOLDER
    audit = lawful.load("us-entity-classification").audit(
        str(folder / "entities.csv"),
        history=str(folder / "filings.csv"),
        mapping=str(folder / "mapping.yaml"),
        at="2026-11-01",
        unknown=True,
    )
    with audit:
        assert found(audit) == {
            ("E001", "constraints.partnership-has-two-owners", "violated"),
            ("E002", "constraints.disregarded-has-one-owner", "violated"),
            ("E003", "constraints.per-se-alone-are-corporations", "violated"),
            ("E004", "constraints.per-se-alone-are-corporations", "violated"),
            ("E005", "constraints.per-se-alone-are-corporations", "violated"),
            ("E006", "features.s_corporation", "violated"),
            ("E007", "lifecycle.classification.elect_disregarded.limit", "violated"),
            ("E008", "lifecycle.classification.elect_partnership.limit", "violated"),
            ("E012", "constraints.partnership-has-two-owners", "unknown"),
            ("E013", "lifecycle.classification.elect_association.limit", "violated"),
            ("E014", "lifecycle.classification.final", "violated"),
            ("E999", "data.unknown-account", "violated"),
        }


def test_the_review_of_accounts_on_github() -> None:
    folder = platform_inventory.FOLDER
    audit = lawful.load("developer-platforms").audit(
        str(folder / "accounts-2026.jsonl"),
        before=str(folder / "accounts-2025.jsonl"),
        before_at="2025-11-01",
        mapping=str(folder / "mapping.yaml"),
        at="2026-11-01",
    )
    with audit:
        broken = {(id.rpartition("-")[2], rule, status) for id, rule, status in found(audit)}
        assert broken == {
            ("1", "lifecycle.type.final", "violated"),
            ("2", "features.github_ssh_keys", "violated"),
            ("3", "features.github_sign_in", "violated"),
            ("3", "features.github_gists", "violated"),
        }


def found(audit: Audit) -> set[tuple[str, str, str]]:
    rows = audit.findings.select("account_id", "rule", "status").to_pyarrow().to_pylist()
    return {(row["account_id"], row["rule"], row["status"]) for row in rows}


# ------------------------------------------------------------------------------------------------- sample accounts


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_accounts_are_read(name: str) -> None:
    policy = lawful.load(name)
    samples = [json.loads(path.read_text(encoding="utf-8")) for path in (FIXTURES / name).glob("*.json")]
    accounts = [sample for sample in samples if isinstance(sample, dict)]  # a history is a list
    assert len(accounts) >= 3
    for account in accounts:
        verdicts = {each.verdict for each in policy.can(account=account, at="2026-11-01").possibilities}
        assert "deny" in verdicts
        assert verdicts != {"deny"}
