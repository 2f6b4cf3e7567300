"""A DuckDB in this process; each of them is made here.

Left to itself DuckDB prints a bar of its own to standard output, into whatever is piped there, once a query takes two
seconds. Only a connection's own setting keeps it from that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis.backends import BaseBackend
    from ibis.expr.types import Table

_NO_BAR: Final = "SET enable_progress_bar_print = false"


def connected(**settings: Any) -> DuckDBPyConnection:
    """DuckDB alone, with its own settings."""
    import duckdb

    connection = duckdb.connect(config=settings)
    connection.execute(_NO_BAR)
    return connection


def through_ibis(**settings: Any) -> BaseBackend:
    """As a backend of Ibis, which sets its time zone to UTC."""
    import ibis

    backend: Any = ibis.duckdb.connect(**settings)
    backend.con.execute(_NO_BAR)
    return backend


def parquet(backend: Any, path: str) -> Table:
    """A file that is no inventory as a table, whatever the folders above it are called: `type=a` says nothing of it."""
    return cast("Table", backend.read_parquet(path, hive_partitioning=False))
