"""What Parquet files say of their columns in their footers: it need not be looked for in the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
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
_QUERY: Final = """
SELECT count(*) = count(stats_null_count), sum(stats_null_count),
  count(*) = count(coalesce(stats_min_value, stats_min)), min({least}),
  count(*) = count(coalesce(stats_max_value, stats_max)), max({most})
FROM parquet_metadata(?) WHERE path_in_schema = ? GROUP BY path_in_schema
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


def known(opened: Opened, column: str) -> Known:
    """What the footers say of a column; nothing where the source is no Parquet that DuckDB reads."""
    kind = _type(opened, column)
    if opened.connection.name != "duckdb" or not opened.files or kind is None:
        return _NOTHING
    least, most = (f"CAST(coalesce(stats_{end}_value, stats_{end}) AS {kind})" for end in ("min", "max"))
    if kind == _INSTANT:  # in microseconds, as tables have them
        least, most = f"epoch_us({least})", f"epoch_us({most})"
    rows = asked(opened, _QUERY.format(least=least, most=most), [list(opened.files), column])
    if not rows:
        return _NOTHING
    tells_nulls, nulls, tells_least, least, tells_most, most = rows[0]
    if kind == "DATE" and not (isinstance(least, date) and isinstance(most, date)):
        return _NOTHING  # there are days that Python's calendar does not have
    return Known(nulls if tells_nulls else None, least if tells_least else None, most if tells_most else None)


_GROUPS: Final = """
SELECT CAST(coalesce(stats_min_value, stats_min) AS {type}), CAST(coalesce(stats_max_value, stats_max) AS {type})
FROM parquet_metadata(?) WHERE path_in_schema = ? ORDER BY list_position(?, file_name), row_group_id
"""


def starts_if_increasing(opened: Opened, column: str) -> list[Any] | None:
    """Where each row group's values lie above those of the one before: the least value of some groups, which divide
    the rows into parts of about one size, as many as DuckDB has threads. None where that is not so.
    """
    kind = _type(opened, column)
    if kind is None or kind == _INSTANT or not opened.files:
        return None
    files = list(opened.files)
    groups = asked(opened, _GROUPS.format(type=kind), [files, column, files])
    if not groups or any(None in group for group in groups):
        return None
    if any(most >= least for (_, most), (least, _) in pairwise(groups)):
        return None
    threads = asked(opened, "SELECT current_setting('threads')", [])[0][0]
    parts = min(int(threads), len(groups))
    return [groups[len(groups) * part // parts][0] for part in range(parts)]


def is_stored(opened: Opened, column: str) -> bool:
    """Whether the source is Parquet that DuckDB reads, and its files have that column themselves."""
    if opened.connection.name != "duckdb" or not opened.files:
        return False
    query = "SELECT count(*) FROM parquet_metadata(?) WHERE path_in_schema = ?"
    return bool(asked(opened, query, [opened.files[0], column])[0][0])


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
    return frozenset(found)


def _leaves(source: pq.ParquetFile) -> list[str]:
    return [source.schema.column(index).path for index in range(len(source.schema))]
