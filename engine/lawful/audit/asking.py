"""The few rows of an answer, as Python has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types


def records(table: ibis_types.Table) -> list[dict[str, Any]]:
    """The rows of a table, which are few, each by the names of its columns."""
    connection: Any = table._find_backend()
    if connection.name != "duckdb":
        return list(table.to_pyarrow().to_pylist())
    connection._run_pre_execute_hooks(table)
    return fetched(connection.con, connection.compile(table))


def fetched(connection: Any, query: str) -> list[dict[str, Any]]:
    """The rows of DuckDB's answer. Asked for by way of Ibis they would need pandas, which takes long to import."""
    answer = connection.execute(query)
    names = [each[0] for each in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
