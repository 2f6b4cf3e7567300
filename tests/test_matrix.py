"""The matrix for people: what it says, that it comes back as it went, and that every edit is told and nothing else."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import drawing
import lawful
import policies
from lawful import cli, ir
from lawful.document import CONTROL
from lawful.engines.reference import evaluate
from lawful.matrix.comparing import Difference, compare
from lawful.matrix.grid import Matrix, matrix, remaining
from lawful.matrix.workbook import COLOURS, write
from lawful.sheet import read, workbook

ROOT = Path(__file__).parent.parent
CARDS = ROOT / "fixtures" / "library-cards"
CASES = (*sorted(each.parent for each in (ROOT / "policies").glob("*/policy.yaml")), CARDS)


def matrix_of(policy: lawful.Policy) -> Matrix:
    return matrix(policy.program, policy.layouts)


def written(policy: lawful.Policy, folder: Path) -> bytes:
    target = folder / "matrix.xlsx"
    write(matrix_of(policy), target)
    return target.read_bytes()


@pytest.fixture(scope="module")
def cards() -> lawful.Policy:
    return lawful.load(CARDS)


@pytest.fixture
def edited(cards: lawful.Policy, tmp_path: Path) -> Callable[..., list[Difference]]:
    """The differences after an edit of the library's matrix."""

    def differences(edit: Callable[[Any], object]) -> list[Difference]:
        book = openpyxl.load_workbook(io.BytesIO(written(cards, tmp_path)))
        edit(book)
        book.save(tmp_path / "edited.xlsx")
        return list(compare(matrix_of(cards), (tmp_path / "edited.xlsx").read_bytes()).differences)

    return differences


def told(each: Difference) -> tuple[object, ...]:
    place = f"{each.place.file}:{each.place.line}" if each.place is not None else None
    return each.kind, each.grid, each.feature, each.column, each.was, each.now, each.at, place


# ----------------------------------------------------------------------------------------------------- what it says


def test_a_table_is_shown_as_it_is_written(cards: lawful.Policy) -> None:
    services = matrix_of(cards).grids[0]
    assert [each.head for each in services.columns] == ["Visitor", "Child", "Reader", "Researcher", "In debt"]
    assert services.columns[0].meaning == ir.Text("kind of card is visitor card", "卡种为访客卡")
    rare = services.lines[2]
    assert (rare.name, rare.title) == ("rare_books", ir.Text("Rare books", "善本阅览"))
    assert [(each.text.en, each.answer) for each in rare.cells] == [
        ("0", "no"), ("0", "no"), ("A", "depends"), ("1", "yes"), ("0", "no"),
    ]  # fmt: skip
    assert services.marks[2].meaning.en == (
        "yes; still to do: book a supervised seat; under further rules: “a seat is for a card in use”"
    )


def test_what_stands_in_no_table_is_derived_by_type_of_account() -> None:
    (grid,) = matrix_of(lawful.load("wechat")).grids
    assert grid.derived
    assert [each.head for each in grid.columns] == ["subscription", "service", "enterprise"]
    (pay,) = grid.lines
    assert [each.answer for each in pay.cells] == ["no", "depends", "no"]
    assert pay.cells[1].text == ir.Text(
        "if the account is certified; still to do: apply as a WeChat Pay merchant",
        "须账号已通过微信认证且在有效期内；尚需：申请微信支付商户",
    )


def test_versions_of_a_feature_are_lines_of_their_own(cards: lawful.Policy) -> None:
    derived = matrix_of(cards).grids[2]
    assert [line.name for line in derived.lines if line.feature == "atlas_room"] == [
        "atlas_room (until 2019-01-01)",
        "atlas_room (from 2019-01-01)",
    ]


def test_a_file_that_is_used_twice_has_two_grids(tmp_path: Path) -> None:
    policy = """
        policy: p
        version: "1"
        account: {fields: {a: bool}}
        feature_tables:
          - {file: t.csv, columns: {x: account.a}, cells: {"1": yes, "0": no}, in_force: {until: 2024-01-01}}
          - {file: t.csv, columns: {x: "!account.a"}, cells: {"1": yes, "0": no}, in_force: {from: 2024-01-01}}
        """
    loaded = lawful.loads(policy, tables={"t.csv": b"id,x\nf,1\n"})
    assert [each.key for each in matrix_of(loaded).grids] == ["t.csv", "t.csv #2"]
    raw = written(loaded, tmp_path)
    assert openpyxl.load_workbook(io.BytesIO(raw)).sheetnames == ["t", "t #2", "legend", "sources"]
    assert compare(matrix_of(loaded), raw).differences == ()


FURTHER = """
    policy: p
    version: "1"
    sources: {code: {title: {en: the code, zh: 守则}}, letter: {title: {en: a letter, zh: 来函}}}
    account: {fields: {type: {enum: [small, large]}, old: bool, frozen: bool}}
    features:
      talk:
        requires: account.type == 'small'
        rules:
          newer: {when: "!account.old", requires: "!account.frozen", title: {en: of new ones, zh: 新的}, in_force: {from: 2024-01-01}, source: letter#2}
          never: {when: account.type == 'large', requires: "!account.frozen"}
    feature_tables:
      - file: t.csv
        columns: {x: account.old}
        cells:
          "1": yes
          A: {rules: {asked: {requires: "!account.frozen", severity: warning, title: {en: asked for, zh: 申请}, source: code}}}
    """


def test_a_yes_under_further_rules_says_so_and_a_sheet_tells_them(tmp_path: Path) -> None:
    loaded = lawful.loads(FURTHER, tables={"t.csv": b"id,x\nf,A\ng,1\n"})
    table, derived = matrix_of(loaded).grids
    assert [(each.answer, each.meaning) for each in table.marks] == [
        ("yes", ir.Text("yes", "是")),
        (
            "depends",
            ir.Text("yes; under further rules: “asked for” (only a warning)", "是；另有细则：“申请”（仅警告）"),
        ),
    ]
    assert [(each.answer, each.text) for each in derived.lines[0].cells] == [
        (
            "depends",
            ir.Text(
                "yes; under further rules: “of new ones” (from 2024-01-01)", "是；另有细则：“新的”（自2024-01-01起）"
            ),
        ),
        ("no", ir.Text("no", "否")),
    ]
    raw = written(loaded, tmp_path)
    assert compare(matrix_of(loaded), raw).differences == ()
    book = openpyxl.load_workbook(io.BytesIO(raw))
    asked, newer, _ = list(book["rules 细则"].iter_rows(min_row=2, values_only=True))
    assert asked[3] == "asked for\nwhere old\nrequires: it is not so that frozen (only a warning)"
    assert newer[:3] == ("features.talk.rules.newer", "from 2024-01-01\n自2024-01-01起", "features")
    assert newer[5] == "a letter, § 2\n来函，§ 2"
    assert [row[5] for row in book["sources 依据"].iter_rows(min_row=2, values_only=True)] == [
        "rules 细则",
        "rules 细则",
    ]
    book["rules 细则"]["D2"] = "asked for"
    book.save(tmp_path / "edited.xlsx")
    (found,) = compare(matrix_of(loaded), (tmp_path / "edited.xlsx").read_bytes()).differences
    assert (found.kind, found.grid, found.at) == ("cell", "rules", "D2")


@given(drawing.cases(drawing.USUAL))
@settings(max_examples=drawing.examples(30), suppress_health_check=list(HealthCheck), deadline=None)
def test_what_is_left_of_a_condition_is_what_it_comes_to(case: drawing.Case) -> None:
    """Once the type is known, the reference gives the rest the value of the whole."""
    for name, declaration in case.world.account.items():
        if declaration.type.kind != "enum":
            continue
        fact = ir.Field("account", name, declaration.type)
        for situation in case.situations:
            value = situation.records.get("account", {}).get(name)
            if value is None:
                continue
            for rule in case.rules:
                left = remaining(case.conditions, rule.requires, fact, ir.Constant(value, declaration.type))
                assert evaluate(left, situation) == evaluate(rule.requires, situation)


# ----------------------------------------------------------------------------------------------- out, and in again


@pytest.mark.parametrize("policy", CASES, ids=lambda folder: folder.name)
def test_what_is_written_is_read_without_a_difference(policy: Path, tmp_path: Path) -> None:
    loaded = lawful.load(policy)
    if not matrix_of(loaded).grids:
        assert not loaded.program.features
        return
    found = compare(matrix_of(loaded), written(loaded, tmp_path))
    assert found.differences == ()
    assert (found.policy, found.digest) == (f"{loaded.program.id} {loaded.program.version}", loaded.program.digest)


TEXTS = st.one_of(
    st.sampled_from(["=1+1", "+1", "-1", "@a", "'x", "0", "01", "1.0", "1e3", "TRUE", "a,b", '"', "A  B", "日", "1-2", "#N/A"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
).map(str.strip)  # fmt: skip
NAMES = TEXTS.filter(
    lambda text: text and text.isprintable() and text not in ("en", "zh", "title", "title_en", "title_zh")
)
IDS = st.from_regex(r"[a-z0-9]{1,6}([_-][a-z0-9]{1,4})?", fullmatch=True)


def distinct(text: str) -> str:
    """What a workbook makes of a name: two that differ in their spaces alone are no two columns."""
    return " ".join(text.split())


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes]:
    """A policy with one table, and the table as CSV."""
    heads = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=distinct))
    signs = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=distinct))
    ids = draw(st.lists(IDS, min_size=1, max_size=5, unique=True))
    meanings = [["yes", "no", {"obligations": ["pay"]}][number % 3] for number in range(len(signs))]
    policy = {
        "policy": "drawn",
        "version": "1",
        "title": {"en": "drawn", "zh": "样例"},
        "account": {"fields": {"a": "bool"}},
        "feature_tables": [
            {
                "file": "drawn.csv",
                "columns": dict.fromkeys(heads, "account.a"),
                "cells": dict(zip(signs, meanings, strict=True)),
            }
        ],
    }
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["id", *heads, "en", "zh"])
    for id in ids:
        titles = (CONTROL.sub("", draw(TEXTS)), CONTROL.sub("", draw(TEXTS)))
        lines.writerow([id, *(draw(st.sampled_from(signs)) for _ in heads), *titles])
    return json.dumps(policy, ensure_ascii=False), out.getvalue().encode()


@given(tables())
@settings(max_examples=drawing.examples(20), suppress_health_check=list(HealthCheck), deadline=None)
def test_any_table_comes_back_as_it_went(tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, bytes]) -> None:
    policy = lawful.loads(drawn[0], tables={"drawn.csv": drawn[1]})
    raw = written(policy, tmp_path_factory.getbasetemp())
    assert compare(matrix_of(policy), raw).differences == ()
    (layout,) = policy.layouts
    found = read(workbook(raw), "drawn")
    lines = [line for row, line in found.rows() if row > 4]
    assert found.faults == ()
    assert [line[0] for line in lines] == [row.feature for row in layout.rows]
    assert [line[3:] for line in lines] == [[distinct(cell) for cell in row.cells.values()] for row in layout.rows]


@given(policies.drawn(requests=0))
@settings(max_examples=drawing.examples(20), suppress_health_check=list(HealthCheck), deadline=None)
def test_what_is_derived_of_any_policy_comes_back_as_it_went(
    tmp_path_factory: pytest.TempPathFactory, drawn: policies.Drawn
) -> None:
    policy = lawful.loads(drawn.policy)
    assert matrix_of(policy).grids
    assert compare(matrix_of(policy), written(policy, tmp_path_factory.getbasetemp())).differences == ()


@given(tables())
@settings(max_examples=drawing.examples(20), suppress_health_check=list(HealthCheck), deadline=None)
def test_nothing_that_is_written_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, bytes]
) -> None:
    policy = lawful.loads(drawn[0], tables={"drawn.csv": drawn[1]})
    book = openpyxl.load_workbook(io.BytesIO(written(policy, tmp_path_factory.getbasetemp())))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in ("n", "s")
                assert cell.data_type == "n" or cell.quotePrefix


def test_a_sheet_stays_in_view_and_filters(cards: lawful.Policy, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(cards, tmp_path)))
    assert book.sheetnames == ["services", "pilot", "features", "legend 图例", "rules 细则", "sources 依据"]
    services = book["services"]
    assert (services.freeze_panes, services.auto_filter.ref) == ("D5", "A4:H9")
    assert services.column_dimensions["B"].width > services.column_dimensions["D"].width > 10
    rules = [rule for region in services.conditional_formatting for rule in region.rules]
    assert [rule.formula for rule in rules] == [[f'EXACT(D5,"{sign}")'] for sign in ("1", "0", "A", "G")]
    assert [rule.dxf.fill.bgColor.rgb[2:] for rule in rules] == [
        COLOURS[answer][0] for answer in ("yes", "no", "depends", "owed")
    ]
    (choice,) = services.data_validations.dataValidation
    assert (choice.formula1, str(choice.sqref)) == ('"1,0,A,G"', "D5:H9")
    assert [row[0].value for row in book["sources 依据"].iter_rows()] == ["id", "code", "tariff"]


# -------------------------------------------------------------------------------------------------------- its edits


def test_a_cell_is_told_with_what_it_was_and_is(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["services"]["D6"] = 1
        book["services"]["B7"] = "Rare books and maps"

    assert [told(each) for each in edited(edit)] == [
        ("cell", "services.csv", "ebooks", "Visitor", "0", "1", "D6", "services.csv:3"),
        ("cell", "services.csv", "rare_books", "en", "Rare books", "Rare books and maps", "B7", "services.csv:4"),
    ]


def test_a_cell_with_a_sign_the_table_has_not_is_told_with_those_it_has(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    target = tmp_path / "cards.xlsx"
    run("show", CARDS, "--matrix", target)
    book = openpyxl.load_workbook(target)
    sheet = book["services"]
    (head,) = (each.row for each in sheet["A"] if each.value == "feature")
    place = sheet.cell(head + 1, sheet.max_column)
    was, place.value = place.value, "maybe"
    book.save(target)
    code, out, _ = run("lint", CARDS, "--matrix", target)
    assert code == 1
    assert f"`{was}` → `maybe`, which is no sign of the table: `1`, " in out
    _, out, _ = run("lint", CARDS, "--matrix", target, "--format", "json")
    (difference,) = json.loads(out)["matrix"]["differences"]
    assert str(was) in difference["signs"]
    assert "maybe" not in difference["signs"]


def test_a_cell_of_a_derived_grid_is_told_at_the_feature(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["features"]["D6"] = "yes"

    (each,) = edited(edit)
    assert told(each) == ("cell", "features", "inter_library", "visitor", "no 否", "yes", "D6", "policy.yaml:193")


def test_rows_that_come_go_and_are_renamed_are_told(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        sheet = book["services"]
        sheet["A5"] = "terminal"
        sheet.delete_rows(6)
        sheet.append(["films", "Films", None, 1, 1, 1, 1, 0])

    assert [told(each)[:6] for each in edited(edit)] == [
        ("row-renamed", "services.csv", "catalogue", None, "catalogue", "terminal"),
        ("row-removed", "services.csv", "ebooks", None, None, None),
        ("row-added", "services.csv", "films", None, None, "Films · 1 · 1 · 1 · 1 · 0"),
    ]


def test_columns_that_come_go_and_are_renamed_are_told(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        sheet = book["services"]
        sheet["D4"] = "Guest"
        sheet.delete_cols(8)
        sheet["H4"] = "Staff"
        sheet["H5"] = 0

    assert [told(each)[:6] for each in edited(edit)] == [
        ("column-renamed", "services.csv", None, "Visitor", "Visitor", "Guest"),
        ("column-removed", "services.csv", None, "In debt", None, None),
        ("column-added", "services.csv", None, "Staff", None, None),
    ]


def test_another_order_is_told_and_means_nothing(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        sheet = book["services"]
        for cell in [*sheet[5]]:
            other = sheet.cell(6, cell.column)
            cell.value, other.value = other.value, cell.value
        for row in range(2, 10):
            left, right = sheet.cell(row, 4), sheet.cell(row, 5)
            left.value, right.value = right.value, left.value

    found = edited(edit)
    assert [each.kind for each in found] == ["columns-reordered", "rows-reordered"]
    assert not any(each.matters for each in found)


def test_twice_the_same_row_or_column_is_told(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["services"].append(["ebooks", "E-books", None, 1])
        book["pilot"]["F4"] = "under 18"
        book["pilot"].append([None, "nameless", None, "y", "n"])

    assert [told(each)[:4] for each in edited(edit)] == [
        ("row-repeated", "services.csv", "ebooks", None),
        ("column-repeated", "pilot.csv", None, "under 18"),
        ("row-added", "pilot.csv", "", None),
    ]


def test_what_is_no_text_is_told_once(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["services"]["D6"] = "=D5"

    (each,) = edited(edit)
    message = "cell D6 holds a formula, `=D5`, where a value should stand"
    assert told(each) == ("unreadable", "services.csv", "ebooks", "Visitor", "0", message, "D6", "services.csv:3")


def test_what_stands_above_and_beside_is_compared_too(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["services"]["D2"] = "another condition"
        legend, sources = book["legend 图例"], book["sources 依据"]
        legend.cell(legend.max_row, 3).value = "another meaning"
        sources["B2"] = "another title"
        sources.append(["new", "a new source"])

    found = edited(edit)
    assert [(each.kind, each.grid, each.now) for each in found] == [
        ("meaning", "services.csv", "another condition"),
        ("cell", "legend", "another meaning"),
        ("cell", "sources", "another title"),
        ("row-added", "sources", "a new source"),
    ]
    assert all(each.matters for each in found)


def test_a_name_that_is_blanked_is_told_as_nothing(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["services"]["A5"] = None

    (each,) = edited(edit)
    assert (each.kind, each.now, each.at) == ("row-renamed", "", "A5")


def test_merged_cells_are_told_each_with_what_the_policy_has(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["services"].merge_cells("D5:D6")

    assert [(*told(each)[:5], each.at) for each in edited(edit)] == [
        ("unreadable", "services.csv", "catalogue", "Visitor", "1", "D5"),
        ("unreadable", "services.csv", "ebooks", "Visitor", "0", "D6"),
    ]


def test_sheets_may_be_renamed_moved_and_filtered_but_not_lost(edited: Callable[..., list[Difference]]) -> None:
    def rename(book: Any) -> None:
        book["services"].title = "Dienste"
        book.move_sheet("features", -2)
        book["pilot"].row_dimensions[5].hidden = True

    def lose(book: Any) -> None:
        del book["pilot"]

    def add(book: Any) -> None:
        book.copy_worksheet(book["pilot"])

    assert edited(rename) == []
    assert [told(each)[:2] for each in edited(lose)] == [("sheet-removed", "pilot.csv")]
    assert [told(each)[:2] for each in edited(add)] == [("sheet-repeated", "pilot.csv")]


def test_a_sheet_that_lost_its_head_is_told_as_that(edited: Callable[..., list[Difference]]) -> None:
    def behead(book: Any) -> None:
        (row,) = (each.row for each in book["pilot"]["A"] if each.value == "feature")
        book["pilot"].delete_rows(row)

    def blank(book: Any) -> None:
        for row in book["pilot"].iter_rows():
            for cell in row:
                cell.value = None

    def without_id(book: Any) -> None:
        book["pilot"].delete_cols(1)

    for edit in (behead, blank, without_id):
        assert [told(each)[:2] for each in edited(edit)] == [("sheet-headless", "pilot.csv")]


def test_no_place_is_told_above_the_first_row(edited: Callable[..., list[Difference]]) -> None:
    def edit(book: Any) -> None:
        book["pilot"].delete_rows(1, 3)

    assert {each.at for each in edited(edit)} == {None}


# ----------------------------------------------------------------------------------------------------- the commands


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(ROOT)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main([str(each) for each in arguments])
        return code, *capsys.readouterr()

    return command


def test_what_show_writes_lint_compares(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    target = tmp_path / "wechat.xlsx"
    assert run("show", "wechat", "--matrix", target) == (0, "", f"features by sheet (features: 1): {target}\n")
    code, out, _ = run("lint", "wechat", "--matrix", target)
    assert (code, out) == (0, f"✓ nothing to tell\n✓ {target} says what wechat 2024-04-12 says\n")
    book = openpyxl.load_workbook(target)
    book["features"]["D5"] = "yes"
    book.save(target)
    code, out, _ = run("lint", "wechat", "--matrix", target)
    assert code == 1
    assert f"✗ 1 difference between {target} and wechat 2024-04-12" in out
    assert "    `wechat_pay` under `subscription`: `no 否` → `yes`   D5" in out
    assert out.rstrip().endswith("policy.yaml:125")
    code, out, _ = run("lint", "wechat", "--matrix", target, "--lang", "zh")
    assert "`wechat_pay`的`subscription`：`no 否` → `yes`" in out
    code, out, _ = run("lint", "wechat", "--matrix", target, "--format", "json")
    (difference,) = json.loads(out)["matrix"]["differences"]
    assert code == 1
    assert (difference["kind"], difference["was"], difference["is"], difference["at"]) == ("cell", "no 否", "yes", "D5")
    assert difference["place"] == {"file": "policy.yaml", "line": 125, "column": 5}


def test_the_order_of_rows_alone_does_not_fail(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    target = tmp_path / "cards.xlsx"
    run("show", CARDS, "--matrix", target)
    book = openpyxl.load_workbook(target)
    book["pilot"].move_range("A6:E6", rows=2)
    book["pilot"].move_range("A5:E5", rows=4)
    book.save(target)
    code, out, _ = run("lint", CARDS, "--matrix", target)
    assert code == 0
    assert "the rows stand in another order, which means nothing: `maker_space` where `night_pickup` stood" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "wechat", "--matrix", "m.csv"), "`--matrix` writes a file that ends in `.xlsx`, not `m.csv`"),
        (("show", "wechat", "--matrix", "/nowhere/m.xlsx"), "there is no folder `/nowhere`"),
        (("show", "--matrix", "m.xlsx"), "there is no policy to show"),
        (("show", "wechat", "--matrix", "m.xlsx", "--ir"), "`--ir` and `--matrix` show different things"),
        (("show", "wechat", "--matrix", "m.xlsx", "--format", "json"), "`--matrix` shows a workbook, which has no other"),
        (("lint", "wechat", "--matrix", "nowhere.xlsx"), "`nowhere.xlsx` cannot be read: no such file or directory"),
        (("lint", "wechat", "--matrix", "README.md"), "`README.md` is not an Excel file"),
        (("lint", "wechat", "--matrix", "fixtures/errors/table-sheet.xlsx"), "none of its sheets is of it"),
        (("show", "fixtures/defects/trap/defect.yaml", "--matrix", "m.xlsx"), "has no features, and so no matrix"),
    ],
)  # fmt: skip
def test_a_command_that_makes_no_sense_is_told(
    run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err


def test_the_policy_s_own_table_is_not_written_over(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    folder = tmp_path / "cards"
    shutil.copytree(CARDS, folder)
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("pilot.csv", "pilot.xlsx"), "utf-8")
    book = openpyxl.Workbook()
    for line in csv.reader((folder / "pilot.csv").read_text("utf-8").splitlines()):
        book.active.append(line)
    book.save(folder / "pilot.xlsx")
    before = (folder / "pilot.xlsx").read_bytes()
    code, _, err = run("show", folder, "--matrix", folder / "pilot.xlsx")
    assert (code, before) == (2, (folder / "pilot.xlsx").read_bytes())
    assert "is read as the policy: it is not written over" in err
