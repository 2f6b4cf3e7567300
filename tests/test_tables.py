"""Tables beside a policy: a sheet of Excel says what the same CSV says."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import lawful
from lawful import ir

CARDS = Path(__file__).parent.parent / "fixtures" / "library-cards"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The library's policy with its first table as a sheet."""
    openpyxl = pytest.importorskip("openpyxl")
    folder = tmp_path / "cards"
    shutil.copytree(CARDS, folder)
    book = openpyxl.Workbook()
    with (folder / "services.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.reader(lines):
            book.active.append([int(cell) if cell.isdigit() else cell for cell in line])
    book.save(folder / "services.xlsx")
    (folder / "services.csv").unlink()
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("services.csv", "services.xlsx"), "utf-8")
    return folder


def rules(policy: lawful.Policy) -> list[ir.Rule]:
    nowhere = ir.Place("", 0, 0)
    return [replace(rule, place=nowhere) for rule in policy.program.rules]


def test_a_sheet_of_excel_compiles_to_the_rules_of_the_csv(pack: Path) -> None:
    assert rules(lawful.load(pack)) == rules(lawful.load(CARDS))


def test_a_rule_from_a_sheet_is_placed_in_its_row(pack: Path) -> None:
    by_file = {rule.place.file for rule in lawful.load(pack).program.rules if rule.scope == "feature"}
    assert "services.xlsx" in by_file
