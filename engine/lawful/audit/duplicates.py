"""The ids that several rows have.

DuckDB is asked twice at the most: 54 bits of each id's hash are compared, then the ids whose bits come twice. Of files
the first takes a core for seconds and needs nothing that comes before an audit's own work: it goes on beside that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from lawful.audit import statistics
from lawful.audit.asking import records
from lawful.audit.failures import telling
from lawful.audit.ids import LEFT_OUT, Search
from lawful.audit.inventory import Inventory, Readings
from lawful.audit.rows import ID
from lawful.diagnostics import legible

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types


@contextmanager
def search(readings: Readings, begun: Search | None = None) -> Iterator[Search | None]:
    """Begin to look for ids that come twice; None where no file keeps them as they are.

    `begun`: before it was known where they are. It goes on where that was right.
    """
    opened, column = readings.opened, readings.identity.column
    kind = readings.identity.given.type()
    if begun is not None and (begun.files, begun.column) != (opened.files, column):
        begun.stop()
        begun = None
    if not (kind.is_string() or kind.is_integer()) or not statistics.is_stored(opened, column):
        yield None
    elif begun is not None:
        yield begun
    else:
        search = Search(opened.files, column)
        try:
            yield search
        finally:
            search.stop()


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
                hashed = accounts.select(ID, hashed=_duckdb_hash(accounts[ID]) >> LEFT_OUT)
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
