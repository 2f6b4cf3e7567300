"""PostgreSQL and Spark find what DuckDB finds, row for row, and what the reference says of random rules and histories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings

import columns
import drawing
import lawful
from drawing import Case
from engines_of_audit import on_postgres, on_spark, postgres, together, without_nul
from lawful.audit.longform import COLUMNS
from lawful.audit.replay import Happened
from lawful.audit.sampling import Wanted, files_in, sample
from test_audit_events import SHOP, Account, World, by_columns, by_replay, of_events
from test_columnar import differences

pytestmark = [
    together,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # PySpark 4.0 and pandas 3 have some for each other
]
ENGINES = [pytest.param(on_postgres, 25, id="postgres"), pytest.param(on_spark, 3, id="spark")]
"""Each with how many random examples it looks at: Spark takes seconds to compile one."""
SPREAD = Path(__file__).parent.parent / "fixtures" / "inventories" / "engines" / "policy.yaml"
AT = "2024-11-20"


# ------------------------------------------------------------------------------------------- as the reference says


@pytest.mark.parametrize(("engine", "examples"), ENGINES)
def test_random_rules_come_to_what_the_reference_says(engine: Callable[[], Any], examples: int) -> None:
    connection = engine()

    @settings(max_examples=drawing.examples(examples), phases=[Phase.explicit, Phase.generate])
    @given(drawing.cases(replace(drawing.USUAL, situations=4)))
    def agree(case: Case) -> None:
        plain = without_nul(case)
        situations = columns.at_the_same_instant(columns.audited(plain.situations))
        assert differences(plain, situations, connection, clock=False) == []

    agree()


def happened(*events: str) -> tuple[Any, ...]:
    found = []
    for each in events:
        day, time, name = each.split()
        found.append(Happened(name, datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC), {}))
    return tuple(found)


@pytest.mark.parametrize(("engine", "examples"), ENGINES)
def test_what_happened_comes_to_what_the_replay_says(engine: Callable[[], Any], examples: int) -> None:
    program = lawful.loads(SHOP).program
    seen = date(2024, 2, 1)
    accounts = (
        Account("gh_1", {"type": "large", "country": "cn"}, happened("2024-02-01 09:00 grow", "2024-03-01 09:00 grow")),
        Account("gh_2", {"type": "closed"}, happened("2024-02-01 09:00 close", "2024-06-05 09:00 shrink")),
        Account("gh_3", {"type": "small"}, happened("2024-02-01 08:00 send", "2024-02-01 15:59 send")),
        Account("gh_4", {"type": "small"}, happened("2024-02-01 15:59 send", "2024-02-01 16:00 send")),
        Account("gh_5", {"type": "large"}, happened("2024-01-02 09:00 fined", *(f"2024-02-0{n} 08:00 send" for n in "1234"))),
        Account("gh_6", {"seen": seen}, happened("2024-02-01 08:00 set.country", "2024-02-01 08:00 register"), {"type": "large"}),
    )  # fmt: skip
    fields = ("type", "country", "seen")
    world = World(
        program, accounts, datetime(2025, 1, 1, tzinfo=UTC), fields, before_at=datetime(2024, 1, 1, tzinfo=UTC)
    )
    connection = engine()
    assert by_columns(world, of_events(world, connection), connection) == by_replay(world)


# ---------------------------------------------------------------------------------------------------- row for row


@cache
def policy() -> lawful.Policy:
    return lawful.load(SPREAD)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 300 accounts, with events and an earlier snapshot, and with what stands at every edge."""
    folder = tmp_path_factory.mktemp("engines")
    at = datetime.fromisoformat(AT).replace(tzinfo=ZoneInfo(policy().program.timezone))
    files = files_in(folder)
    sample(policy().program, files, Wanted(300, at, events=True, before=True, unknown=0.1, violations=0.3))
    odd = [
        {
            "shop": "😀",
            "kind": "pro",
            "owner": "王",
            "opened": datetime(2024, 11, 3, 5, 59, 59, 999_999),
            "tags": ["书"],
        },
        {
            "shop": "店1",
            "kind": "vip",
            "owner": "王",
            "opened": datetime(2024, 3, 10, 7),
            "name": "测试店",
            "code": "A'",
        },
        {
            "shop": "店2",
            "kind": "basic",
            "owner": "王",
            "opened": datetime(2024, 10, 21, 4),
            "tags": ["food"],
            "score": 0,
        },
        {"shop": "店2", "kind": "basic", "owner": None, "opened": None, "tags": [], "due": date(2024, 10, 31)},
    ]
    _add(folder / "accounts.parquet", [{"features": ["pay", "loan"], "paid": False, **each} for each in odd])
    sent = [("😀", datetime(2024, 11, 3, hour, 59)) for hour in (3, 4, 5, 23)] + [("店1", datetime(2024, 11, 27))]
    events = [{"account_id": shop, "event": "post", "at": at} for shop, at in sent]
    events += [{"account_id": "店1", "event": "set.name", "at": datetime(2024, month, 1)} for month in (2, 3, 4)]
    _add(folder / "events.parquet", [*events, {"account_id": "none", "event": "strike", "at": datetime(2024, 1, 1)}])
    return folder


def _add(path: Path, rows: list[dict[str, Any]]) -> None:
    there = pq.read_table(path)
    # what has no zone is UTC's: Arrow takes it so
    filled = [pa.array([row.get(each.name) for row in rows], type=each.type) for each in there.schema]
    more = pa.Table.from_arrays(filled, schema=there.schema)
    pq.write_table(pa.concat_tables([there, more]), path)


def on_the_server(path: Path, name: str) -> str:
    """The table of a file, as PostgreSQL has it, and as a person names it."""
    on_postgres().create_table(name, pq.read_table(path), overwrite=True)
    return postgres().address(name)


def found(place: dict[str, str], **how: Any) -> tuple[list[dict[str, Any]], dict[Any, Any], Any]:
    """Findings, answers and the numbers of the summary, in one order."""
    audit = policy().audit(
        place["accounts"],
        history=place["events"],
        before=place["before"],
        before_at="2024-05-20",
        at=AT,
        unknown=True,
        can=["set kind=vip", "enable loan", "do post"],
        cross_check=0.1,
        **how,
    )
    rows = audit.findings.to_pyarrow().cast(ibis.schema(COLUMNS).to_pyarrow()).to_pylist()
    answers = {
        (r["account_id"], r["question"], r["verdict"], r["rules"]) for r in audit.answers.to_pyarrow().to_pylist()
    }
    summary = audit.summary
    assert summary.cross_check is not None
    assert not summary.cross_check.differences
    numbers = [(each.rule, each.violated, each.unknown) for each in summary.rules]
    audit.close()
    return sorted(rows, key=str), answers, (summary.accounts, summary.accounts_with_findings, summary.vanished, numbers)


@pytest.fixture(scope="module")
def by_duckdb(inventory: Path) -> Any:
    return found({name: str(inventory / f"{name}.parquet") for name in ("accounts", "events", "before")})


def test_the_inventory_has_findings_of_every_kind_of_rule(by_duckdb: Any) -> None:
    rows, _, _ = by_duckdb
    violated = {row["rule"] for row in rows if row["status"] == "violated"}
    assert {row["about"] for row in rows} == {"account", "group", "event", "move", "data"}
    rules = [each.id for each in policy().program.rules if each.kind in ("constraint", "entitlement", "limit", "group")]
    assert sorted(set(rules) - violated - {row["rule"] for row in rows if row["status"] == "unknown"}) == []
    assert len(rows) > 200


def test_postgresql_finds_the_same_rows(inventory: Path, by_duckdb: Any) -> None:
    place = {name: on_the_server(inventory / f"{name}.parquet", name) for name in ("accounts", "events", "before")}
    _same(found(place), by_duckdb)


def test_spark_finds_the_same_rows(inventory: Path, by_duckdb: Any) -> None:
    on_spark()  # or it is left out
    place = {name: str(inventory / f"{name}.parquet") for name in ("accounts", "events", "before")}
    _same(found(place, on="local[2]"), by_duckdb)


def _same(one: Any, other: Any) -> None:
    rows, expected = one[0], other[0]
    assert [row for row in rows if row not in expected] == [row for row in expected if row not in rows] == []
    assert len(rows) == len(expected)
    assert one[1] == other[1]
    assert one[2] == other[2]
