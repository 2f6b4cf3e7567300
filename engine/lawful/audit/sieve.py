"""The rows that rules have something to say of, out of all: one pass puts them into a file, which is asked further.

Which rules are violated and which are unknown are two questions. Asked one after the other, each reads every row.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.operations as ops

from lawful.audit.asking import records
from lawful.audit.sql import literal, parquet_rows

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_LOOKED_AT: Final = 20_480
_FEW: Final = 1 / 5
"""Of the rows looked at: where more than that are wanted, writing them takes longer than reading all of them again."""
_HOW: Final = "FORMAT parquet, COMPRESSION uncompressed, WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE 20480"


class Sieve:
    """Some rows of a table of DuckDB's. `few` can be used in other tables at once, and asked for once it was filled."""

    def __init__(self, connection: Any, rows: ibis_types.Table, path: Path) -> None:
        self._connection = connection
        self._path = literal(path)
        self._name = ibis.util.gen_name("lawful")
        self._query = str(connection.compile(rows))
        self.few: ibis_types.Table = ops.DatabaseTable(
            name=self._name, schema=rows.schema(), source=connection
        ).to_expr()

    def fill(self) -> None:
        """The one pass."""
        execute = self._connection.con.execute
        execute(f"COPY ({self._query}) TO {self._path} ({_HOW})")
        execute(f"CREATE TEMPORARY VIEW {self._name} AS FROM {parquet_rows(self._path)}")

    def forget(self) -> None:
        """Leave nothing in a connection that goes on."""
        with suppress(Exception):
            self._connection.con.execute(f"DROP VIEW IF EXISTS {self._name}")


def are_few(table: ibis_types.Table, wanted: ibis_types.BooleanValue) -> bool:
    """Whether a condition is true of few rows, by a look at the first."""
    looked_at = table.select(wanted=wanted.fill_null(False)).limit(_LOOKED_AT)
    [found] = records(looked_at.aggregate(rows=looked_at.count(), wanted=looked_at.wanted.sum()))
    return bool((found["wanted"] or 0) <= found["rows"] * _FEW)
