"""Few rows of many, which one statement looks at many times: computed once, and put close together.

DuckDB computes 2 048 rows at a time and does not close the gaps that a filter leaves: of one row in twenty everything
after the filter costs ten times what it costs of rows that stand close.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.operations as ops

from lawful.audit.views import kept

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_PUSHER: Final = "cte_filter_pusher"
"""Of DuckDB's optimizer: it would ask of every row of the table what any of those who look at the few rows asks."""


class Held:
    """The rows that the statements of one connection hold."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._rows: dict[str, ibis_types.Table] = {}
        self._queries: dict[ops.Node, str] = {}

    def dense(self, rows: ibis_types.Table) -> ibis_types.Table:
        """The same rows, for tables that are stored or asked for here, and nowhere else."""
        match self._connection.name:
            case "duckdb":
                name = ibis.util.gen_name("lawful")
                self._rows[name] = rows
                return ibis.table(rows.schema(), name=name)
            case "pyspark":
                return kept(self._connection, rows)
            case _:  # PostgreSQL computes once what a statement names twice
                return rows

    def query(self, table: ibis_types.Table) -> str:
        """In DuckDB's SQL, written once; it may be asked for beside other work, before it is run."""
        found = self._queries.get(table.op())
        if found is None:
            self._connection._run_pre_execute_hooks(table)
            found = self._queries[table.op()] = str(self._connection.compile(table))
            for node in table.op().find(ops.UnboundTable):
                self.query(self._rows[node.name])
        return found

    @contextmanager
    def statement(self, tables: Sequence[ibis_types.Table]) -> Iterator[str]:
        """The query of all their rows, to be run within: with the rows that it holds."""
        queries = [self.query(table) for table in tables]
        union = " UNION ALL ".join(f"SELECT * FROM ({each})" for each in queries)
        names = dict.fromkeys(node.name for table in tables for node in table.op().find(ops.UnboundTable))
        if not names:
            yield union
            return
        parts = [f'"{name}" AS MATERIALIZED ({self.query(self._rows[name])})' for name in names]
        with _unpushed(self._connection.con):
            yield f"WITH {', '.join(parts)} {union}"


@contextmanager
def _unpushed(connection: Any) -> Iterator[None]:
    [(disabled,)] = connection.execute("SELECT current_setting('disabled_optimizers')").fetchall()
    connection.execute(f"SET disabled_optimizers = '{','.join(filter(None, [disabled, _PUSHER]))}'")
    try:
        yield
    finally:
        connection.execute(f"SET disabled_optimizers = '{disabled}'")
