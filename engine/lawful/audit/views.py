"""A table's columns under names of their own, for as long as a session lasts: what is made of them names them only."""

from __future__ import annotations

from typing import Any, Final

_held: Final[dict[int, list[str]]] = {}
"""The views of rows that Spark holds, by connection: its session may outlive the audit."""
_CONSTRAINTS: Final = "spark.sql.constraintPropagation.enabled"


def kept(connection: Any, table: Any) -> Any:
    """The same table as a temporary view: its expressions are not written out again wherever a column is used."""
    import ibis
    import ibis.expr.operations as ops
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

    name = ibis.util.gen_name("lawful")
    # The plain translation: PostgreSQL's own turns JSON into texts, as for a result that leaves the server.
    query = SQLGlotCompiler.to_sqlglot(connection.compiler, table).sql(dialect=connection.dialect)
    if connection.name == "postgres":
        query += " OFFSET 0"  # else it, too, writes them out wherever they are used, and what they use, and so on
    if connection.name == "pyspark":
        _checkpoint(connection._session, query).createTempView(name)
        _held.setdefault(id(connection), []).append(name)
        # of the very types that Ibis takes them for: it makes no union of what may be NULL and what may not
        return ops.DatabaseTable(name=name, schema=table.schema(), source=connection).to_expr()
    with connection._safe_raw_sql(f"CREATE TEMPORARY VIEW {name} AS {query}"):
        pass  # Ibis makes views for others to see, and closes here what the statement has opened
    return connection.table(name)


def release(connection: Any) -> None:
    """Let Spark forget the rows it holds; nothing that was kept can be asked then."""
    for name in _held.pop(id(connection), []):
        connection._session.catalog.dropTempView(name)


def _checkpoint(session: Any, query: str) -> Any:
    """The rows themselves: what is made of them is planned from them alone, not from all that they were made of.

    Cached, they would still be told with everything below them whenever a plan is written down, which Spark always
    does: steps that use the one before twice make that grow without end.
    """
    frame = session.sql(query)
    derived = session.conf.get(_CONSTRAINTS)
    session.conf.set(_CONSTRAINTS, "false")  # those of a union it cannot rename: `key not found`
    try:
        return frame.checkpoint() if session.sparkContext.getCheckpointDir() else frame.localCheckpoint()
    finally:
        session.conf.set(_CONSTRAINTS, derived)
