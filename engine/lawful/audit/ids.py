"""Which ids of Parquet files come twice: 54 bits of each are compared, in a thread beside whatever else is done.

It needs neither Ibis nor anything that an inventory is read with: a command line begins it before it imports them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lawful.audit.local import connected
from lawful.audit.rowwise import literally
from lawful.audit.sql import parquet_rows, quoted

if TYPE_CHECKING:
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]

_MOST: Final = 20_000_000
"""Ids that are compared at a time: their bytes are in memory."""
_BATCH: Final = 400_000
# One thread reads, so that what goes on beside it keeps the other cores.
_SETTINGS: Final[dict[str, Any]] = {"threads": 1, "memory_limit": "128MB", "autoinstall_known_extensions": False}
_ORDERED: Final = frozenset(("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UBIGINT"))
"""Types whose statistics are told in their own order."""
LEFT_OUT: Final = 10
"""Bits of DuckDB's hash. Of twenty million ids two have the others in common in one of 90 audits: they are compared."""
_SHELVES: Final = 64
_ROWS: Final = parquet_rows("?")
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
        """What is compared of the hashes that more than one id has; waits for them. Raises what DuckDB raises."""
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
        [(rows,)] = self._asked(f"SELECT count(*) FROM {_ROWS}", [*self.files])
        parts = max(-(-rows // _MOST), 1)
        expected = rows if parts == 1 else rows // parts + rows // 50
        return np.concatenate([self._of_part(part, parts, expected) for part in range(parts)])

    def _of_part(self, part: int, parts: int, expected: int) -> Hashes:
        """Those that come twice among the hashes that leave this remainder, of which so many are expected."""
        hashed = f"hash(CAST({quoted(self.column)} AS VARCHAR)) >> {LEFT_OUT}"
        query = f"SELECT {hashed} AS h FROM {parquet_rows('$files')}"
        given: dict[str, Any] = {"files": [*self.files]}
        if parts > 1:
            query = f"SELECT h FROM ({query}) WHERE h % $parts = $part"
            given |= {"parts": parts, "part": part}
        hashes = _Hashes(expected)
        for each in self._duckdb.sql(query, params=given).to_arrow_reader(_BATCH):
            column = each.column(0)  # of which `to_numpy` would import pandas
            hashes.add(np.frombuffer(column.buffers()[1], np.uint64)[column.offset : column.offset + len(column)])
        return hashes.repeated()

    def _are_increasing(self) -> bool:
        """Whether the ids grow from row to row, as in files that were written in their order: then none comes twice.

        Each row is compared with the one before it, which takes no memory. Only tried where the footers make it likely.
        """
        name, files = quoted(self.column), [*self.files]
        [(kind,)] = self._asked(
            f"SELECT any_value(typeof({name})) FROM (SELECT {name} FROM {_ROWS} LIMIT 1)",
            files,
        )
        if kind not in _ORDERED:
            return False
        groups = self._asked(_GROUPS.format(type=kind), files, self.column, files)
        if any(None in group for group in groups) or any(most >= least for (_, most), (least, _) in pairwise(groups)):
            return False
        query = f"SELECT count(*) FROM (SELECT {name} > lag({name}) OVER () AS grows FROM {_ROWS}) WHERE NOT grows"
        return self._asked(query, files) == [(0,)]

    def _asked(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(query, list(given)).fetchall()


class _Hashes:
    """54 bits of each, in six bytes: batch by batch they lie in the order of the first six bits, their shelf.

    Of a shelf all that is looked at is near at hand, and in all a quarter less memory is needed.
    """

    def __init__(self, expected: int) -> None:
        self._high = np.empty(expected, np.uint16)
        self._low = np.empty(expected, np.uint32)
        self._ends = [np.zeros(1, np.int64)]
        """Of each shelf, batch after batch."""

    def add(self, hashes: Hashes) -> None:
        shelf = (hashes >> np.uint64(48)).astype(np.uint8)
        hashes = hashes[np.argsort(shelf, kind="stable")]
        begin = int(self._ends[-1][-1])
        end = begin + len(hashes)
        if end > len(self._low):  # than the files said
            self._high = np.concatenate([self._high[:begin], np.empty(end, np.uint16)])
            self._low = np.concatenate([self._low[:begin], np.empty(end, np.uint32)])
        self._high[begin:end] = hashes >> np.uint64(32)
        self._low[begin:end] = hashes
        self._ends.append(begin + np.cumsum(np.bincount(shelf, minlength=_SHELVES)))

    def repeated(self) -> Hashes:
        """Those that come more than once."""
        found = [np.empty(0, np.uint64)]
        for shelf in range(_SHELVES):
            there = self._on(shelf)
            there.sort()
            again = there[1:][there[1:] == there[:-1]]
            if len(again):
                found.append(np.unique(again) | np.uint64(shelf << 48))
        return np.concatenate(found)

    def _on(self, shelf: int) -> Hashes:
        """What is left of those on a shelf."""
        ends = np.concatenate(self._ends)
        bounds = zip(ends[shelf:-1:_SHELVES].tolist(), ends[shelf + 1 :: _SHELVES].tolist(), strict=True)
        places = [slice(*each) for each in bounds] or [slice(0)]
        found = np.concatenate([self._high[each] for each in places]).astype(np.uint64)
        found <<= np.uint64(32)
        found |= np.concatenate([self._low[each] for each in places])
        return found


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
