"""What is odd about an inventory and a history, told before anything is judged: how often, and where for instance.

As few scans as can be: one for each table. What the columns' types or the file's own statistics rule out is not looked
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from lawful.audit import statistics
from lawful.audit.asking import records
from lawful.audit.columns import Fault, Reading, text_of
from lawful.audit.errors import AuditError
from lawful.audit.failures import telling
from lawful.audit.inventory import History, Inventory, Readings
from lawful.audit.problems import NO_DATES, NO_ID, NO_NAME, NOT_GIVEN
from lawful.audit.rows import ID
from lawful.audit.sources import Opened
from lawful.audit.sql import parquet_rows
from lawful.audit.statistics import Known
from lawful.audit.summary import DataProblem
from lawful.diagnostics import legible

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

MASKED: Final = "•••"
_EXAMPLES: Final = 5
_LONGEST_EXAMPLE: Final = 60


class Check:
    """Of one source, begun at once: lists are read by a thread, beside whatever comes before the answer is needed."""

    def __init__(self, readings: Readings) -> None:
        self._opened = opened = readings.opened
        self._thread = ThreadPoolExecutor(1, "checks")
        with self._telling():
            faults = [(reading, fault) for reading in readings.all() for fault in reading.faults]
            self._listed = {
                reading.column: self._thread.submit(statistics.listed, opened, reading.column)
                for reading, fault in faults
                if fault.unless_listed is not None and _has_statistics(opened, reading)
            }
            footers = statistics.known(opened, dict.fromkeys(reading.column for reading, _ in faults))
            self._faults = [each for each in faults if not _is_ruled_out(opened, *each, footers)]

    def problems(self) -> tuple[DataProblem, ...]:
        """Everything in the columns that cannot be taken, with how many rows have it and some of them."""
        with self._telling():
            asked = [each for each in self._faults if not self._are_listed(*each)]
            counts = _counted(self._opened.table, [fault.where for _, fault in asked])
            return tuple(
                DataProblem(reading.column, fault.problem, count, _examples(self._opened, reading, fault))
                for (reading, fault), count in zip(asked, counts, strict=True)
                if count
            )

    def stop(self) -> None:
        """Nobody asks any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _are_listed(self, reading: Reading, fault: Fault) -> bool:
        """Whether no list has other elements than a fault leaves out."""
        if fault.unless_listed is None or reading.column not in self._listed:
            return False
        listed = self._listed[reading.column].result()
        return listed is not None and listed <= {*fault.unless_listed}

    def _telling(self) -> AbstractContextManager[None]:
        return telling(f"`{legible(self._opened.name, 200)}` cannot be read")


def _has_statistics(opened: Opened, reading: Reading) -> bool:
    return opened.connection.name == "duckdb" and reading.column in opened.table.columns


def _is_ruled_out(opened: Opened, reading: Reading, fault: Fault, footers: Mapping[str, Known]) -> bool:
    """Whether there can be no such row, known without a look at all of them."""
    if not _has_statistics(opened, reading):
        return False
    if fault.unless_other is not None:
        return _has_no_others(opened, reading.column, fault.unless_other)
    if not fault.unless_null and fault.unless_beyond is None:
        return False
    known = footers.get(reading.column)
    if known is None:
        return False
    if fault.unless_null:
        return known.nulls == 0
    if fault.unless_beyond is None or known.least is None or known.most is None:
        return False
    low, high = fault.unless_beyond
    return (low is None or known.least >= low) and (high is None or known.most <= high)


def _has_no_others(opened: Opened, column: str, values: Sequence[Any]) -> bool:
    """Whether a column holds these values and NULL: of a dictionary DuckDB reads little more than its entries."""
    different = opened.table.select(value=column).distinct().limit(len(values) + 2)
    return {each["value"] for each in records(different)} <= {*values, None}


def _counted(table: ibis_types.Table, wheres: Sequence[ibis_types.BooleanValue]) -> list[int]:
    """How many rows each is true of, in one scan."""
    if not wheres:
        return []
    counts = {f"n{index}": where.ifelse(1, 0).sum() for index, where in enumerate(wheres)}
    found = records(table.aggregate(**counts))[0]
    return [int(found[f"n{index}"] or 0) for index in range(len(wheres))]


def _examples(opened: Opened, reading: Reading, fault: Fault) -> tuple[str, ...]:
    if fault.problem in NOT_GIVEN:
        return _row_numbers(opened, reading)
    if reading.is_private:
        return (MASKED,)
    # As texts: engines have days that Python's calendar has not.
    text = text_of(reading.given)
    value = text if text is not None else reading.given
    if text is None and not value.type().is_nested():
        value = value.cast("string")
    given = opened.table.filter(fault.where).select(given=value)
    return tuple(_shown(each) for each in given.distinct().limit(_EXAMPLES).to_pyarrow()["given"].to_pylist())


def _row_numbers(opened: Opened, reading: Reading) -> tuple[str, ...]:
    """`row 3`: where the source keeps its rows in an order."""
    if opened.connection.name != "duckdb" or len(opened.files) != 1 or "." in reading.column:
        return ()
    name = reading.column.replace('"', '""')
    rows_of = f"SELECT file_row_number FROM {parquet_rows('?', 'file_row_number = true')}"
    query = f'{rows_of} WHERE "{name}" IS NULL ORDER BY 1 LIMIT ?'
    rows = statistics.asked(opened, query, [opened.files[0], _EXAMPLES])
    return tuple(f"row {number + 1}" for (number,) in rows)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case list():
            return legible("[" + ", ".join(_shown(each) for each in value) + "]", _LONGEST_EXAMPLE)
        case _:
            return legible(str(value), _LONGEST_EXAMPLE)


# ------------------------------------------------------------------------------------------------------------ refusals


def refuse_unnamed(problems: Iterable[DataProblem], name: str) -> None:
    """Raises AuditError where accounts have no id: no finding about them could be told, `--lenient` or not."""
    for each in problems:
        source = legible(name, 200)
        if each.problem == NO_ID:
            where = f": {', '.join(each.examples)}" if each.examples else ""
            raise AuditError(
                f"`{source}` has {_rows(each.count)} without an id: `{each.column}` is empty{where}",
                "give each an id, or leave them out",
            )
        if each.problem == NO_NAME:
            raise AuditError(
                f"`{source}` has {_rows(each.count)} with what is no id in `{each.column}`{_such_as(each)}",
                "an id is a text or a whole number",
            )


def refused(problems: Sequence[DataProblem], name: str) -> AuditError:
    """All of them, as what keeps the audit from being made."""
    lines = [f"  `{each.column}`: {each.problem.en}, in {_rows(each.count)}{_such_as(each)}" for each in problems]
    listed = "\n".join(lines)
    help = "`columns` or `mapping` (`--map`, `--mapping`) may say what they stand for"
    if any(each.problem == NO_DATES for each in problems):
        help = "a mapping with `format: timestamp` takes an instant's local day"
    elif all(each.problem in NOT_GIVEN for each in problems):
        help = "give each its event and its instant, or leave it out"
    return AuditError(
        f"`{legible(name, 200)}` holds what the policy cannot read\n{listed}",
        f"{help}; with `lenient` (`--lenient`) these values are taken as if nothing stood there",
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _such_as(problem: DataProblem) -> str:
    return f", such as {', '.join(f'`{each}`' for each in problem.examples)}" if problem.examples else ""


# ------------------------------------------------------------------------------------------------------ stray events


def events_in_the_future(history: History, at_micros: int) -> ibis_types.Table:
    """Those after the day of the audit: `account_id`, `event`, `at`."""
    events = history.events.select("account_id", "event", "at")
    return events.filter(events["at"] > at_micros)


def events_of_unknown_accounts(history: History, inventory: Inventory) -> ibis_types.Table:
    """Those of accounts that the inventory does not have; likewise."""
    events = history.events.select("account_id", "event", "at")
    known = inventory.accounts.select(ID)
    return events.anti_join(known, events["account_id"] == known[ID])
