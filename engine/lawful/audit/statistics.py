"""What Parquet files say of their columns in their footers: it need not be looked for in the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lawful.audit.sources import Opened

_TYPES: Final = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint64": "UBIGINT",
    "date": "DATE",
    "string": "VARCHAR",
}
_SPECIAL: Final = frozenset("*?[")
"""In the name of a file: it is spelled for DuckDB alone."""
_INSTANT: Final = "TIMESTAMP WITH TIME ZONE"
_READ: Final = """
SELECT path_in_schema, stats_null_count, stats_min_value, stats_min, stats_max_value, stats_max
FROM parquet_metadata(?) WHERE list_contains(?, path_in_schema)
"""
_KNOWN: Final = """
SELECT count(*) = count(stats_null_count), sum(stats_null_count),
  count(*) = count(coalesce(stats_min_value, stats_min)), min({least}),
  count(*) = count(coalesce(stats_max_value, stats_max)), max({most})
FROM footers WHERE path_in_schema = ? GROUP BY path_in_schema
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Of a column in all files: None where some row group does not say."""

    nulls: int | None
    least: Any
    most: Any


_NOTHING: Final = Known(None, None, None)


def _type(opened: Opened, column: str) -> str | None:
    """What DuckDB casts a column's statistics to; None for what has none that could be compared."""
    kind = opened.table.schema().get(column)
    if kind is not None and kind.is_timestamp():
        return _INSTANT if kind.timezone is not None else None
    return _TYPES.get(str(kind).removeprefix("!"))


def asked(opened: Opened, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query of DuckDB's own, beside whatever else its connection is doing: for use by threads, too."""
    with opened.connection.con.cursor() as cursor:
        return list(cursor.execute(query, list(parameters)).fetchall())


def known(opened: Opened, columns: Iterable[str]) -> dict[str, Known]:
    """What the footers say of these columns; of those left out nothing, nor where DuckDB reads no Parquet."""
    if opened.connection.name != "duckdb" or not opened.files:
        return {}
    found: dict[str, Known] = {}
    types = {column: kind for column in columns if (kind := _type(opened, column)) is not None}
    if not types:
        return {}
    with opened.connection.con.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE footers AS {_READ}", [list(opened.files), list(types)])
        for column, kind in types.items():
            rows = cursor.execute(_known_as(kind), [column]).fetchall()
            if rows:
                found[column] = _known(kind, rows[0])
    return found


def _known_as(kind: str) -> str:
    least, most = (f"CAST(coalesce(stats_{end}_value, stats_{end}) AS {kind})" for end in ("min", "max"))
    if kind == _INSTANT:  # in microseconds, as tables have them
        least, most = f"epoch_us({least})", f"epoch_us({most})"
    return _KNOWN.format(least=least, most=most)


def _known(kind: str, row: Sequence[Any]) -> Known:
    tells_nulls, nulls, tells_least, least, tells_most, most = row
    if kind == "DATE" and not (isinstance(least, date) and isinstance(most, date)):
        return _NOTHING  # there are days that Python's calendar does not have
    return Known(nulls if tells_nulls else None, least if tells_least else None, most if tells_most else None)


def is_stored(opened: Opened, column: str) -> bool:
    """Whether the source is Parquet that DuckDB reads, and its files have that column themselves."""
    if opened.connection.name != "duckdb" or not opened.files:
        return False
    query = "SELECT 1 FROM parquet_metadata(?) WHERE path_in_schema = ? LIMIT 1"
    return bool(asked(opened, query, [opened.files[0], column]))


def listed(opened: Opened, column: str) -> frozenset[Any] | None:
    """Every different element of a column of lists, None for NULL; None where that would need all rows to be looked at.

    Files keep the elements of a list as numbers of a dictionary's entries, which are read without the lists.
    """
    if opened.connection.name != "duckdb" or not opened.files or any(set(each) & _SPECIAL for each in opened.files):
        return None
    found: set[Any] = set()
    for file in opened.files:
        source = pq.ParquetFile(file)
        leaves = [name for name in _leaves(source) if name.startswith(f"{column}.")]
        if len(leaves) != 1:
            return None
        source = pq.ParquetFile(file, read_dictionary=leaves)
        for group in range(source.num_row_groups):
            chunks = source.read_row_group(group, columns=leaves, use_threads=False).column(0).chunks
            for chunk in chunks:
                elements = chunk.values
                if not pa.types.is_dictionary(elements.type):
                    return None
                found.update(elements.dictionary.to_pylist())
                if elements.null_count:
                    found.add(None)
    pa.default_memory_pool().release_unused()  # Arrow would keep it, for what it is not asked for again
    return frozenset(found)


def _leaves(source: pq.ParquetFile) -> list[str]:
    return [source.schema.column(index).path for index in range(len(source.schema))]
