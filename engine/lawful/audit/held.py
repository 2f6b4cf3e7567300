"""Few rows of many, which one statement looks at many times: computed once, and put close together.

DuckDB computes 2 048 rows at a time and does not close the gaps that a filter leaves: of one row in twenty everything
after the filter costs ten times what it costs of rows that stand close.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.operations as ops

from lawful.audit import asking
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

    @contextmanager
    def statement(self, table: ibis_types.Table) -> Iterator[str]:
        """The query of a table in DuckDB's SQL, to be run within: with the rows that it holds."""
        self._connection._run_pre_execute_hooks(table)
        query = self._connection.compile(table)
        names = dict.fromkeys(node.name for node in table.op().find(ops.UnboundTable))
        if not names:
            yield query
            return
        parts = []
        for name in names:
            self._connection._run_pre_execute_hooks(self._rows[name])
            parts.append(f'"{name}" AS MATERIALIZED ({self._connection.compile(self._rows[name])})')
        with _unpushed(self._connection.con):
            yield f"WITH {', '.join(parts)} SELECT * FROM ({query})"

    def records(self, table: ibis_types.Table) -> list[dict[str, Any]]:
        """Its rows, which are few, each by the names of its columns."""
        if self._connection.name != "duckdb":
            return asking.records(table)
        with self.statement(table) as query:
            return asking.fetched(self._connection.con, query)


@contextmanager
def _unpushed(connection: Any) -> Iterator[None]:
    [(disabled,)] = connection.execute("SELECT current_setting('disabled_optimizers')").fetchall()
    connection.execute(f"SET disabled_optimizers = '{','.join(filter(None, [disabled, _PUSHER]))}'")
    try:
        yield
    finally:
        connection.execute(f"SET disabled_optimizers = '{disabled}'")
