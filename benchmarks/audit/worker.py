"""One thing to be measured, in a process of its own: how long it took and what it found is told as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
AT = date(2026, 11, 1)
BEGINS = "2026-11-01 00:00:00+08"
COLUMNS = 'account_id, rule, severity, status, about, "at", explanation_en, explanation_zh, facts, source'


def sampled(policy: str, rows: str, target: str, *options: str) -> dict[str, Any]:
    """An inventory, unless it is there already."""
    import pyarrow.parquet as pq

    import lawful
    from lawful.audit.sampling import Wanted, files_in, sample
    from lawful.calendar import start_of

    loaded = lawful.load(HERE / policy)
    files = files_in(Path(target))
    wanted = Wanted(
        rows=int(rows),
        at=start_of(AT, loaded.zone),
        events="events" in options,
        feature_columns="feature-columns" in options,
    )
    if files.accounts.is_file():
        noted = json.loads(pq.read_schema(files.accounts).metadata.get(b"lawful.sample", b"{}"))
        if noted.get("policy", {}).get("digest") == loaded.program.digest and noted.get("rows") == wanted.rows:
            return {}
    return _timed(lambda: sample(loaded.program, files, wanted))


def scan(path: str, features: str) -> dict[str, Any]:
    """Every value that the rules need, looked at."""
    twin, connection = _hand_written()
    query = twin.scan(path, feature_columns=features == "columns")
    plan = connection.execute(f"EXPLAIN {query}").fetchall()[0][1]
    assert "PARQUET" in plan.upper(), "the scan was answered from statistics"
    return _timed(lambda: connection.execute(query).fetchall())


def hand_written(path: str, features: str, target: str) -> dict[str, Any]:
    """The twin: its findings as Parquet, and how often each rule is unknown."""
    twin, connection = _hand_written()
    as_columns = features == "columns"
    found = twin.findings(path, AT, BEGINS, feature_columns=as_columns)
    copy = f"COPY ({found}) TO '{target}' (FORMAT parquet, COMPRESSION zstd{_SMALL})"
    unknown = twin.unknown(path, AT, feature_columns=as_columns)
    return _timed(lambda: [connection.execute(each).fetchall() for each in (copy, unknown)])


def checked(path: str, features: str, target: str) -> dict[str, Any]:
    """The twin, which first looks at what lawful looks at: every id, and every value that is not one of a few."""
    twin, connection = _hand_written()
    for each in twin.checks(path, feature_columns=features == "columns"):
        connection.execute(each).fetchall()
    connection.close()
    return hand_written(path, features, target)


_SMALL = ", ROW_GROUP_SIZE 20480"


def ours(path: str, target: str) -> dict[str, Any]:
    """lawful, from Python: its queries are what it does between two steps that it tells of."""
    import lawful
    from lawful.audit.result import Audit
    from lawful.audit.wanted import wanted

    steps: dict[str, tuple[float, float]] = {}

    def at(step: str, share: float | None = None) -> None:
        steps.setdefault(step, (time.perf_counter(), time.process_time()))

    policy = lawful.load(HERE / "policy.yaml")
    with Audit(policy.program, wanted(policy.program, path, at=AT), at) as audit:
        audit.write(target)
    (wall, cpu), (since, cpu_since) = steps["counting"], steps["judging"]
    return {"wall": wall - since, "cpu": cpu - cpu_since}


def compared(one: str, other: str) -> dict[str, Any]:
    """How many rows either has that the other has not, and how many there are."""
    import duckdb

    # by a number for each row: the rows themselves would not fit into the memory of a small machine
    each = f"(SELECT hash({COLUMNS}) AS row FROM '{{}}')"
    with duckdb.connect() as connection:
        apart = "SELECT count(*) FROM (SELECT row FROM {} EXCEPT ALL SELECT row FROM {})"
        first, second = each.format(one), each.format(other)
        found = [
            connection.execute(apart.format(*pair)).fetchall()[0][0] for pair in ((first, second), (second, first))
        ]
        rows = connection.execute(f"SELECT count(*), count(DISTINCT account_id) FROM '{one}'").fetchall()[0]
    return {"apart": found, "findings": rows[0], "accounts": rows[1]}


def placed(path: str, socket: str, table: str) -> dict[str, Any]:
    """An inventory as a table of a server, with its ids as the key."""
    import ibis
    import pyarrow.parquet as pq

    connection = ibis.postgres.connect(host=socket, user="postgres", database="postgres")

    def place() -> None:
        connection.create_table(table, pq.read_table(path), overwrite=True)
        for each in (f"ALTER TABLE {table} ADD PRIMARY KEY (account_id)", f"VACUUM ANALYZE {table}"):
            with connection.con.cursor() as cursor:
                cursor.execute("COMMIT")
                cursor.execute(each)

    return _timed(place)


def pulled(socket: str, table: str, target: str) -> dict[str, Any]:
    """All rows of a server's table, as a file here."""
    import ibis
    import pyarrow.parquet as pq

    def pull() -> None:
        connection = ibis.postgres.connect(host=socket, user="postgres", database="postgres")
        batches = connection.table(table).to_pyarrow_batches(chunk_size=100_000)
        with batches, pq.ParquetWriter(target, batches.schema) as writer:
            for each in batches:
                writer.write_batch(each)

    return _timed(pull)


def _hand_written() -> tuple[Any, Any]:
    import duckdb
    import twin

    return twin, duckdb.connect(config=twin.SETTINGS)


def _timed(call: Callable[[], object]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    jobs: dict[str, Callable[..., dict[str, Any]]] = {
        "sampled": sampled,
        "scan": scan,
        "twin": hand_written,
        "checked": checked,
        "ours": ours,
        "compared": compared,
        "placed": placed,
        "pulled": pulled,
    }
    print(json.dumps(jobs[name](*arguments)))
