"""Findings as a table of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lawful.audit import sources
from lawful.audit.errors import AuditError
from lawful.audit.longform import COLUMNS
from lawful.diagnostics import legible

_SCHEMES: Final = ("postgres://", "postgresql://")
_ROWS: Final = 50_000
_TYPES: Final = {"at": "timestamptz"}


def is_server(target: str) -> bool:
    """Whether a target is an address."""
    return target.lower().startswith(_SCHEMES)


def must_take_findings(address: str) -> None:
    """Whether the server can be reached and the table be replaced, before anything is computed. Raises AuditError."""
    connection, schema, name = sources.server(address)
    try:
        with connection.con.transaction(), connection.con.cursor() as cursor:
            _check(cursor, _full(schema, name), name)
    finally:
        connection.disconnect()


@contextmanager
def stored_on_server(address: str, findings: Path) -> Iterator[None]:
    """Replaces the table with the findings, in one transaction, which ends with the block: till then all see the old.

    A table of that name that holds no findings is not touched. Raises AuditError.
    """
    connection, schema, name = sources.server(address)
    table = _full(schema, name)
    try:
        with connection.con.transaction():
            with connection.con.cursor() as cursor:
                _check(cursor, table, name)
                columns = ", ".join(f"{_quoted(each)} {_TYPES.get(each, 'text')}" for each in COLUMNS)
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
                cursor.execute(f"CREATE TABLE {table} ({columns})")
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in _rows(findings):
                        copy.write_row(row)
            yield
    finally:
        connection.disconnect()


def _full(schema: str | None, name: str) -> str:
    return f"{_quoted(schema)}.{_quoted(name)}" if schema is not None else _quoted(name)


def _check(cursor: Any, table: str, name: str) -> None:
    """Refuse to replace what is no findings."""
    cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0", (table,))
    there = [row[0] for row in cursor.fetchall()]
    if there and not set(COLUMNS) <= set(there):
        raise AuditError(f"the table `{legible(name)}` is there and holds no findings", "name another, or drop it")


def _rows(findings: Path) -> Iterator[list[Any]]:
    """As PostgreSQL's COPY takes them: it can hold no NUL."""
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(findings).iter_batches(_ROWS, columns=list(COLUMNS)):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield [each.replace("\0", "") if isinstance(each, str) else each for each in row]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
