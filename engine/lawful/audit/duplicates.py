"""The ids that several rows have.

Of files DuckDB is asked twice at the most: eight bytes of each id are compared, then the ids whose bytes come twice.
The first takes a core for seconds and needs nothing that comes before an audit's own work, so it goes on beside that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.datatypes as dt
import numpy as np
import pyarrow as pa

from lawful.audit import statistics
from lawful.audit.asking import records
from lawful.audit.failures import telling
from lawful.audit.inventory import Inventory, Readings
from lawful.audit.rows import ID
from lawful.audit.sources import Opened
from lawful.diagnostics import legible

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]

_MOST: Final = 20_000_000
"""Ids that are compared at a time: their bytes are in memory."""
_BATCH: Final = 250_000


class Search:
    """For the bytes that several ids of one inventory have: begun at once, in a thread of its own."""

    def __init__(self, opened: Opened, column: str) -> None:
        self._cursor = opened.connection.con.cursor()
        self._thread = ThreadPoolExecutor(1, "ids")
        self._found: Future[Hashes] = self._thread.submit(self._repeated, opened, column)

    def found(self) -> Hashes:
        """Waits for them."""
        return self._found.result()

    def stop(self) -> None:
        """Nobody asks any more."""
        with suppress(Exception):
            self._cursor.interrupt()
        self._thread.shutdown()
        self._cursor.close()

    def _repeated(self, opened: Opened, column: str) -> Hashes:
        if _is_increasing(opened, column):
            return np.empty(0, np.uint64)
        files = list(opened.files)
        [(rows,)] = self._cursor.execute("SELECT count(*) FROM read_parquet(?)", [files]).fetchall()
        parts = max(-(-rows // _MOST), 1)
        expected = rows if parts == 1 else rows // parts + rows // 50
        return np.concatenate([self._of_part(files, column, part, parts, expected) for part in range(parts)])

    def _of_part(self, files: list[str], column: str, part: int, parts: int, expected: int) -> Hashes:
        """Those that come twice among the hashes that leave this remainder, of which so many are expected."""
        query = f"SELECT hash(CAST({_quoted(column)} AS VARCHAR)) AS h FROM read_parquet($files)"
        given: dict[str, Any] = {"files": files}
        if parts > 1:
            query = f"SELECT h FROM ({query}) WHERE h % $parts = $part"
            given |= {"parts": parts, "part": part}
        hashes = _gathered(self._cursor.sql(query, params=given).to_arrow_reader(_BATCH), expected)
        hashes.sort()
        return _repeated(hashes)


def _repeated(numbers: Hashes) -> Hashes:
    """Those that come more than once among sorted ones; looked for in stretches, which need little memory."""
    stretches = [numbers[start : start + _BATCH + 1] for start in range(0, len(numbers), _BATCH)]
    return np.unique(np.concatenate([each[1:][each[1:] == each[:-1]] for each in stretches] or [numbers]))


def _gathered(batches: Iterable[Any], expected: int) -> Hashes:
    """The first column of all of them, with no more memory than its numbers take, if so many come as are expected."""
    found, end = np.empty(expected, np.uint64), 0
    for each in batches:
        column = each.column(0)  # of which `to_numpy` would import pandas
        values = np.frombuffer(column.buffers()[1], np.uint64)[column.offset : column.offset + len(column)]
        if end + len(values) > len(found):
            found = np.concatenate([found, np.empty(len(found) // 2 + len(values), np.uint64)])
        found[end : end + len(values)] = values
        end += len(values)
    return found[:end]


@contextmanager
def search(readings: Readings) -> Iterator[Search | None]:
    """Begin to look for ids that come twice; None where no file keeps them as they are."""
    opened, column = readings.opened, readings.identity.column
    kind = readings.identity.given.type()
    if not (kind.is_string() or kind.is_integer()) or not statistics.is_stored(opened, column):
        yield None
        return
    begun = Search(opened, column)
    try:
        yield begun
    finally:
        begun.stop()


@ibis.udf.scalar.builtin(name="hash")
def _duckdb_hash(text: dt.string) -> dt.uint64: ...


def duplicates(inventory: Inventory, search: Search | None = None) -> ibis_types.Table | None:
    """The ids that several rows have: `account_id`, `count`; None where it is certain that there are none.

    `search`: begun on the same source.
    """
    accounts = inventory.accounts
    with telling(f"`{legible(inventory.name, 200)}` cannot be read"):
        match inventory.dialect.name:
            case "duckdb":
                hashed = accounts.select(ID, hashed=_duckdb_hash(accounts[ID]))
                several = _several(hashed) if search is None else search.found().tolist()
                if not several:
                    return None
                accounts = hashed.semi_join(ibis.memtable(_hashes(several)), "hashed")
            case "postgres" if _has_unique_index(inventory):
                return None
            case _:
                pass
    found = accounts.group_by(account_id=accounts[ID]).agg(count=accounts.count())
    return found.filter(found["count"] > 1)


def _several(hashed: ibis_types.Table) -> list[int]:
    return [each["hashed"] for each in records(hashed.group_by("hashed").having(hashed.count() > 1).agg())]


def _hashes(hashes: list[int]) -> pa.Table:
    return pa.table({"hashed": pa.array(hashes, pa.uint64())})


def _is_increasing(opened: Opened, column: str) -> bool:
    """Whether the ids grow from row to row, as in files that were written in their order: then none comes twice.

    Each row is compared with the one before it, which takes no memory. Only tried where the footers make it likely.
    """
    starts = statistics.starts_if_increasing(opened, column)
    if starts is None:
        return False
    name = _quoted(column)
    query = (
        f"SELECT count(*) FROM (SELECT {name} > lag({name}) OVER () AS grows FROM read_parquet(?)"
        f" WHERE {name} >= ? AND (CAST(? AS VARCHAR) IS NULL OR {name} < ?)) WHERE NOT grows"
    )
    files = list(opened.files)

    def falls(bounds: tuple[str, str | None]) -> int:
        low, high = bounds
        return int(statistics.asked(opened, query, [files, low, high, high])[0][0])

    with ThreadPoolExecutor(len(starts)) as threads:
        return not any(threads.map(falls, zip(starts, [*starts[1:], None], strict=True)))


_UNIQUE_INDEX: Final = """
SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1
  AND a.attname = %s
"""


def _has_unique_index(inventory: Inventory) -> bool:
    """Whether the server itself keeps the ids apart, by a primary key or the like."""
    name = inventory.opened.server_table
    if name is None:
        return False
    connection = inventory.connection.con
    with connection.cursor() as cursor, connection.transaction():
        row = cursor.execute(_UNIQUE_INDEX, (name, inventory.id_column)).fetchone()
    return bool(row[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
