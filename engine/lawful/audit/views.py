"""A table's columns under names of their own, for as long as a session lasts: what is made of them names them only."""

from __future__ import annotations

from typing import Any


def kept(connection: Any, table: Any) -> Any:
    """The same table as a temporary view: its expressions are not written out again wherever a column is used."""
    import ibis
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

    name = ibis.util.gen_name("lawful")
    # The plain translation: PostgreSQL's own turns JSON into texts, as for a result that leaves the server.
    query = SQLGlotCompiler.to_sqlglot(connection.compiler, table).sql(dialect=connection.dialect)
    if connection.name == "postgres":
        query += " OFFSET 0"  # else it, too, writes them out wherever they are used, and what they use, and so on
    if connection.name == "pyspark":  # what is made of it is planned from its rows, not from its expressions once more
        connection._session.sql(query).persist().createTempView(name)
        return connection.table(name)
    with connection._safe_raw_sql(f"CREATE TEMPORARY VIEW {name} AS {query}"):
        pass  # Ibis makes views for others to see, and closes here what the statement has opened
    return connection.table(name)
