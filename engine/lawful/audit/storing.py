"""A table of any engine as a local Parquet file: what an audit found leaves the engine so, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful.audit.held import Held
from lawful.audit.local import parquet, through_ibis
from lawful.audit.longform import COLUMNS, together
from lawful.audit.sql import literal

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

ROWS: Final = 20_480
"""Of a row group: each thread holds one in memory, and findings have long texts."""


def store(connection: Any, tables: Sequence[ibis_types.Table], path: Path, held: Held | None = None) -> None:
    """Write the rows of all of them; nothing is in memory but a batch, and what is `held`."""
    match connection.name:
        case "duckdb":
            with (held or Held(connection)).statement(tables) as query:
                # of findings the quickest level makes the smaller files, too
                how = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROWS}"
                connection.con.execute(f"COPY ({query}) TO {literal(path)} ({how})")
        case "pyspark":
            folder = path.with_suffix(".parts")
            connection.to_parquet(together(tables), str(folder))
            local = through_ibis(preserve_insertion_order=False)
            written = parquet(local, str(folder / "*.parquet"))
            # Spark's instants have no zone in its files: they are UTC's, as this session's
            written = written.cast({name: kind for name, kind in COLUMNS.items() if name in written.columns})
            local.to_parquet(written, path, compression="zstd")
            local.disconnect()
        case _:
            _by_batches(together(tables), path)


def store_findings(connection: Any, tables: Sequence[ibis_types.Table], path: Path, held: Held) -> None:
    """Likewise, of findings; without any there is a file without rows."""
    if tables:
        store(connection, tables, path, held)
        return
    import pyarrow.parquet as pq

    pq.write_table(ibis.schema(COLUMNS).to_pyarrow().empty_table(), path)


@contextmanager
def polled(connection: Any, progress: Callable[[float], None]) -> Iterator[None]:
    """Tell now and then how far the query inside has come, where the engine knows."""
    if connection.name != "duckdb":
        yield
        return
    [(before,)] = connection.con.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    connection.con.execute("SET enable_progress_bar = true")
    done = Event()

    def poll() -> None:
        while not done.wait(0.2):
            percent = connection.con.query_progress()
            if percent >= 0:
                progress(percent / 100)

    thread = Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(Exception):  # of a connection that is not there any more
            connection.con.execute(f"SET enable_progress_bar = {before}")


def _by_batches(table: ibis_types.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    with table.to_pyarrow_batches(chunk_size=100_000) as batches:
        writer = pq.ParquetWriter(path, batches.schema, compression="zstd")
        try:
            for each in batches:
                writer.write_batch(each)
        finally:
            writer.close()
