"""Tables beside a policy: a sheet of Excel says what the same CSV says."""

from __future__ import annotations

import csv
import shutil
import sys
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


def test_numbers_blank_rows_and_spaces_are_read_as_they_are_meant(pack: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(pack / "services.xlsx")
    sheet = book.active
    sheet["D2"] = 1.0
    sheet["B3"] = "  E-books "
    sheet.insert_rows(4, 3)
    book.save(pack / "services.xlsx")
    assert rules(lawful.load(pack)) == rules(lawful.load(CARDS))
    ebooks = next(each for each in lawful.load(pack).program.rules if each.id == "features.rare_books")
    assert ebooks.place == ir.Place("services.xlsx", 7, 1)


def test_the_first_sheet_that_is_seen_is_read_or_the_one_that_is_named(pack: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(pack / "services.xlsx")
    book.active.title = "who may"
    book.create_sheet("notes", 0)["A1"] = "feature"
    book["notes"].sheet_state = "hidden"
    book.save(pack / "services.xlsx")
    assert rules(lawful.load(pack)) == rules(lawful.load(CARDS))
    book["notes"].sheet_state = "visible"
    book.save(pack / "services.xlsx")
    with pytest.raises(lawful.PolicyError, match="the table has no column `Visitor`"):
        lawful.load(pack)
    policy = pack / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("xlsx\n", "xlsx\n    sheet: who may\n"), "utf-8")
    assert rules(lawful.load(pack)) == rules(lawful.load(CARDS))


def test_without_the_extra_it_is_said_what_to_install(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(lawful.PolicyError) as told:
        lawful.load(pack)
    (only,) = [each for each in told.value.diagnostics if each.code == "table-file"]
    assert (only.message, only.help) == ("`services.xlsx` needs the Excel extra", "pip install 'lawful[excel]'")


def test_what_is_no_workbook_or_too_large_a_one_is_told(pack: Path) -> None:
    (pack / "services.xlsx").write_bytes(b"PK not quite")
    with pytest.raises(lawful.PolicyError, match=r"`services.xlsx` is not an Excel file"):
        lawful.load(pack)
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active["A1"] = "feature"
    book.active["XFD1048576"] = 1
    book.save(pack / "services.xlsx")
    with pytest.raises(lawful.PolicyError, match=r"`services.xlsx` is too large for a table"):
        lawful.load(pack)


def test_a_sheet_that_changed_is_noticed_by_the_cache(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    policy = pack / "policy.yaml"
    text = policy.read_text("utf-8").replace("title: more than five loans a year", 'note: "more than five"')
    policy.write_text(text, "utf-8")  # without the warning, on account of which nothing would be kept
    monkeypatch.setenv("LAWFUL_CACHE", str(tmp_path / "cache"))
    before = lawful.load(pack, cached=True).program
    assert lawful.load(pack, cached=True).program == before
    assert len(list((tmp_path / "cache").iterdir())) == 1
    book = openpyxl.load_workbook(pack / "services.xlsx")
    book.active["C2"] = 0
    book.save(pack / "services.xlsx")
    after = lawful.load(pack, cached=True).program
    assert (after.rules != before.rules, after.digest != before.digest) == (True, True)


def test_a_rule_from_a_sheet_is_placed_in_its_row(pack: Path) -> None:
    by_file = {rule.place.file for rule in lawful.load(pack).program.rules if rule.scope == "feature"}
    assert "services.xlsx" in by_file
