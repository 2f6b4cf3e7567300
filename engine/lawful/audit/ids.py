"""Which ids of Parquet files come twice: eight bytes of each are compared, in a thread beside whatever else is done.

It needs neither Ibis nor anything that an inventory is read with: a command line begins it before it imports them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lawful.audit.local import connected
from lawful.audit.rowwise import literally

if TYPE_CHECKING:
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]

_MOST: Final = 20_000_000
"""Ids that are compared at a time: their bytes are in memory."""
_BATCH: Final = 250_000
# One thread reads, so that what goes on beside it keeps the other cores.
_SETTINGS: Final[dict[str, Any]] = {"threads": 1, "memory_limit": "128MB", "autoinstall_known_extensions": False}
_ORDERED: Final = frozenset(("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UBIGINT"))
"""Types whose statistics are told in their own order."""
_GROUPS: Final = """
SELECT CAST(coalesce(stats_min_value, stats_min) AS {type}), CAST(coalesce(stats_max_value, stats_max) AS {type})
FROM parquet_metadata(?) WHERE path_in_schema = ? ORDER BY list_position(?, file_name), row_group_id
"""


class Search:
    """For the bytes that several ids have: begun at once, in a thread and a DuckDB of its own."""

    def __init__(self, files: Sequence[str], column: str) -> None:
        self.files = tuple(files)
        """Spelled as DuckDB is told them."""
        self.column = column
        self._duckdb = connected(**_SETTINGS)
        self._thread = ThreadPoolExecutor(1, "ids")
        self._found: Future[Hashes] = self._thread.submit(self._repeated)

    def found(self) -> Hashes:
        """DuckDB's hashes that more than one id has; waits for them. Raises what DuckDB raises."""
        return self._found.result()

    def stop(self) -> None:
        """Nobody asks any more."""
        with suppress(Exception):
            self._duckdb.interrupt()
        self._thread.shutdown()
        self._duckdb.close()

    def _repeated(self) -> Hashes:
        if self._are_increasing():
            return np.empty(0, np.uint64)
        [(rows,)] = self._asked("SELECT count(*) FROM read_parquet(?)", [*self.files])
        parts = max(-(-rows // _MOST), 1)
        expected = rows if parts == 1 else rows // parts + rows // 50
        return np.concatenate([self._of_part(part, parts, expected) for part in range(parts)])

    def _of_part(self, part: int, parts: int, expected: int) -> Hashes:
        """Those that come twice among the hashes that leave this remainder, of which so many are expected."""
        query = f"SELECT hash(CAST({quoted(self.column)} AS VARCHAR)) AS h FROM read_parquet($files)"
        given: dict[str, Any] = {"files": [*self.files]}
        if parts > 1:
            query = f"SELECT h FROM ({query}) WHERE h % $parts = $part"
            given |= {"parts": parts, "part": part}
        hashes = _gathered(self._duckdb.sql(query, params=given).to_arrow_reader(_BATCH), expected)
        hashes.sort()
        return _repeated(hashes)

    def _are_increasing(self) -> bool:
        """Whether the ids grow from row to row, as in files that were written in their order: then none comes twice.

        Each row is compared with the one before it, which takes no memory. Only tried where the footers make it likely.
        """
        name, files = quoted(self.column), [*self.files]
        [(kind,)] = self._asked(
            f"SELECT any_value(typeof({name})) FROM (SELECT {name} FROM read_parquet(?) LIMIT 1)", files
        )
        if kind not in _ORDERED:
            return False
        groups = self._asked(_GROUPS.format(type=kind), files, self.column, files)
        if any(None in group for group in groups) or any(most >= least for (_, most), (least, _) in pairwise(groups)):
            return False
        query = (
            f"SELECT count(*) FROM (SELECT {name} > lag({name}) OVER () AS grows FROM read_parquet(?)) WHERE NOT grows"
        )
        return self._asked(query, files) == [(0,)]

    def _asked(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(query, list(given)).fetchall()


def _repeated(numbers: Hashes) -> Hashes:
    """Those that come more than once among sorted ones; looked for in stretches, which need little memory."""
    stretches = [numbers[start : start + _BATCH + 1] for start in range(0, len(numbers), _BATCH)]
    return np.unique(np.concatenate([each[1:][each[1:] == each[:-1]] for each in stretches] or [numbers]))


def _gathered(batches: Iterable[Any], expected: int) -> Hashes:
    """The first column of all of them, with no more memory than its numbers take, if so many come as are expected."""
    found, end = np.empty(expected, np.uint64), 0
    for each in batches:
        column = each.column(0)  # of which `to_numpy` would import pandas
        values = np.frombuffer(column.buffers()[1], np.uint64)[column.offset : column.offset + len(column)]
        if end + len(values) > len(found):
            found = np.concatenate([found, np.empty(len(found) // 2 + len(values), np.uint64)])
        found[end : end + len(values)] = values
        end += len(values)
    return found[:end]


@contextmanager
def begun(where: str, column: str) -> Iterator[Search | None]:
    """Begin to look before anything else is known, where a path names one Parquet file. Nothing is told of mistakes."""
    path = Path(where)
    search = Search([literally(path)], column) if path.suffix == ".parquet" and path.is_file() else None
    try:
        yield search
    finally:
        if search is not None:
            search.stop()


def quoted(name: str) -> str:
    """A name, as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
