"""A table's columns under names of their own, for as long as a session lasts: what is made of them names them only."""

from __future__ import annotations

from typing import Any


def kept(connection: Any, table: Any) -> Any:
    """The same table as a temporary view: Ibis does not write its expressions out again wherever a column is used."""
    import ibis
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

    name = ibis.util.gen_name("lawful")
    # The plain translation: PostgreSQL's own turns JSON into texts, as for a result that leaves the server.
    query = SQLGlotCompiler.to_sqlglot(connection.compiler, table).sql(dialect=connection.dialect)
    with connection._safe_raw_sql(f"CREATE TEMPORARY VIEW {name} AS {query}"):
        pass  # Ibis makes views for others to see, and closes here what the statement has opened
    return connection.table(name)
