"""`lint --matrix`: how a workbook that people have edited differs from the policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lawful.cli.errors import WrongUsage
from lawful.cli.layout import GAP, Row, row
from lawful.cli.written import installed, no_matrix
from lawful.diagnostics import legible

if TYPE_CHECKING:
    from lawful.cli.terminal import Terminal
    from lawful.matrix.comparing import Compared, Difference
    from lawful.policy import Policy

_LONGEST: Final = 60
"""Of a new row, what is told of its texts."""
_LONGEST_CELL: Final = 300
"""Of a cell; `--format json` has the whole text."""


def compared(policy: Policy, name: str, file: str) -> Compared:
    """The workbook's differences. Raises WrongUsage where it cannot be read, or is no matrix of the policy."""
    raw = _bytes(file)
    with installed("a workbook", "lawful[excel]"):
        import openpyxl  # noqa: F401 - told here, before anything is read

    from lawful import sheet
    from lawful.matrix.comparing import NoMatrix, compare
    from lawful.matrix.grid import matrix

    found = matrix(policy.program, policy.layouts)
    if not found.grids:
        raise no_matrix(name)
    try:
        return compare(found, raw)
    except sheet.NoWorkbook as error:
        why = {"size": "is too large"}.get(error.reason, "is not an Excel file")
        raise WrongUsage(f"`{file}` {why}", "it should be what `--matrix` of `lawful show` writes") from None
    except NoMatrix:
        help = f"`lawful show {name} --matrix FILE.xlsx` writes one"
        raise WrongUsage(f"`{file}` is no matrix of `{policy.program.id}`: none of its sheets is of it", help) from None


def _bytes(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "no file is called so"
        raise WrongUsage(f"`{file}` cannot be read: {why.lower()}") from None


# --------------------------------------------------------------------------------------------------- for a terminal


def rows(found: Compared, policy: Policy, file: str, terminal: Terminal) -> Iterator[Row]:
    """Every difference, sheet by sheet."""
    from lawful.matrix.comparing import count

    many, program = count(found.differences), policy.program
    named = f"{program.id} {program.version}"
    if not many:
        yield row(0, (terminal.say(f"✓ {file} says what {named} says", f"✓ {file}与{named}一致"), "good"))
    else:
        differences = f"{many} difference{'' if many == 1 else 's'}"
        told = terminal.say(f"✗ {differences} between {file} and {named}", f"✗ {file}与{named}有{many}处差异")
        yield row(0, (told, "bad"))
    if found.digest is not None and found.digest != program.digest:
        told = terminal.say(
            f"it was written from another text ({found.policy}): what that has changed since is told, too",
            f"该表由策略的另一版文本（{found.policy}）生成：此后策略本身的修改也一并列出",
        )
        yield row(1, (told, "open"))
    for (grid, sheet), differences_of in groupby(found.differences, key=lambda each: (each.grid, each.sheet)):
        beside = f"{GAP}{sheet}" if sheet is not None and sheet != grid else ""
        yield row(1, (grid or "?", "bold"), (beside, "dim"))
        for each in differences_of:
            place = f"{each.place.file}:{each.place.line}" if each.place is not None else ""
            at = f"{GAP}{each.at}" if each.at is not None else ""
            yield row(2, sentence(each, terminal), (at, "dim"), right=place)


def sentence(each: Difference, terminal: Terminal) -> str:
    """What differs, in words: *was* is the policy's, *is* the workbook's."""
    feature, column = f"`{each.feature}`", f"`{each.column}`"
    was, now = _quoted(each.was, terminal), _quoted(each.now, terminal)
    match each.kind:
        case "cell":
            signs = ", ".join(f"`{sign}`" for sign in each.signs)
            wrong = (
                terminal.say(f", which is no sign of the table: {signs}", f"，不是该表的符号：{signs}") if signs else ""
            )
            return (
                terminal.say(f"{feature} under {column}: {was} → {now}", f"{feature}的{column}：{was} → {now}") + wrong
            )
        case "meaning":
            return terminal.say(f"what {column} means: {was} → {now}", f"{column}的含义：{was} → {now}")
        case "unreadable":
            where = terminal.say(f"{feature} ", feature) if each.feature is not None else ""
            if each.column is not None:
                where += terminal.say(f"under {column}: ", f"{'的' if where else ''}{column}：")
            there = terminal.say(f" (the policy has {was})", f"（策略为{was}）") if each.was is not None else ""
            return where + terminal.say(each.now or "", each.chinese or each.now or "") + there
        case "row-added":
            what = feature if each.feature else terminal.say("one without an id", "无标识的行")
            texts = legible(each.now or "", _LONGEST)
            english, chinese = (f" ({texts})", f"（{texts}）") if texts else ("", "")
            return terminal.say(f"row added: {what}{english}", f"新增行：{what}{chinese}")
        case "row-removed":
            return terminal.say(f"row removed: {feature}", f"删除行：{feature}")
        case "row-renamed":
            return terminal.say(f"row renamed: {was} → {now}", f"行更名：{was} → {now}")
        case "row-repeated":
            return terminal.say(f"{feature} has a second row, which is not compared", f"{feature}有重复的行，未比较")
        case "rows-reordered":
            return terminal.say(
                f"the rows stand in another order, which means nothing: {now} where {was} stood",
                f"行的顺序不同（无实质影响）：{was}处为{now}",
            )
        case "column-added":
            return terminal.say(f"column added: {column}", f"新增列：{column}")
        case "column-removed":
            return terminal.say(f"column removed: {column}", f"删除列：{column}")
        case "column-renamed":
            return terminal.say(f"column renamed: {was} → {now}", f"列更名：{was} → {now}")
        case "column-repeated":
            return terminal.say(
                f"there is a second column {column}, which is not compared", f"{column}有重复的列，未比较"
            )
        case "columns-reordered":
            return terminal.say("the columns stand in another order, which means nothing", "列的顺序不同（无实质影响）")
        case "sheet-removed":
            return terminal.say("there is no sheet of it", "缺少该表对应的工作表")
        case "sheet-headless":
            return terminal.say(
                "its sheet has no row that begins with `feature`, with the features below: nothing in it is compared",
                "其工作表中没有以`feature`开头的标题行，未作比较",
            )
        case "sheet-repeated":
            return terminal.say(
                "this sheet is a second one of it, which is not compared: move what was edited there to the first",
                "该工作表与前一张重复，未作比较；请将其中的修改移至前一张",
            )
        case "sheet-added":
            return terminal.say("this sheet is of no table that the policy has", "该工作表不对应策略中的任何表")


def _quoted(text: str | None, terminal: Terminal) -> str:
    return f"`{legible(text, _LONGEST_CELL)}`" if text else terminal.say("nothing", "空")


# -------------------------------------------------------------------------------------------------------- as data


def as_data(found: Compared, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "written_from": {"policy": found.policy, "digest": found.digest},
        "differences": [_one(each) for each in found.differences],
    }


def _one(each: Difference) -> dict[str, Any]:
    place = each.place
    return {
        "kind": each.kind,
        "matters": each.matters,
        "table": each.grid,
        "sheet": each.sheet,
        "at": each.at,
        "feature": each.feature,
        "column": each.column,
        "was": each.was,
        "is": each.now,
        "signs": list(each.signs),
        "place": None if place is None else {"file": place.file, "line": place.line, "column": place.column},
    }


def differs(differences: Sequence[Difference]) -> bool:
    return any(each.matters for each in differences)
