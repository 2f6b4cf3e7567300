"""Made-up inventories: what was asked for is in them, and the same seed makes them again."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest
from audit import twin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lawful
from drawing import Pen
from lawful import calendar, cli
from lawful.audit import sampling
from lawful.audit.candidates import Candidates, number_of
from lawful.audit.errors import AuditError
from lawful.audit.sampling import Wanted, files_in, rows_of, sample
from lawful.diagnostics import PolicyError
from lawful.engines.reference import outcome
from lawful.engines.situation import History, Situation
from lawful.ir import Program
from lawful.policy import Policy
from lawful.question import EARLIEST
from policies import Author

pytestmark = pytest.mark.filterwarnings(
    "ignore:fetch_arrow_table:DeprecationWarning"  # ibis 12 asks DuckDB 2 so
)
ROOT = Path(__file__).parent.parent
TODAY = date(2026, 11, 1)
AT = datetime(2026, 10, 31, 16, tzinfo=UTC)
"""The beginning of that day in Shanghai."""


def made(policy: Policy, folder: Path, rows: int, **wanted: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of each file."""
    files = files_in(folder)
    sample(policy.program, files, Wanted(rows, AT, **wanted))
    found = {}
    for name, path in (("accounts", files.accounts), ("events", files.events), ("before", files.before)):
        if path.is_file():
            found[name] = pq.read_table(path).to_pylist()
    return found


def verdict_of(program: Program, row: dict[str, Any], at: datetime = AT) -> str:
    """What becomes of an account, by the reference."""
    zone = ZoneInfo(program.timezone)
    account: dict[str, Any] = {name: each.default for name, each in program.account.items() if each.default is not None}
    for name, each in program.account.items():
        if row.get(name) is not None:
            account[name] = frozenset(row[name]) if each.type.kind == "set" else row[name]
    held = row.get("features")
    features = {} if held is None else {name: name in held for name in program.features}
    situation = Situation(
        records={"account": account, "features": features},
        at=at,
        today=calendar.day_of(at, zone),
        zone=zone,
        history=History((), EARLIEST),
        conditions=program.conditions,
        initial=account,
    )
    rules = [each for each in program.rules if each.scope in ("account", "feature")]
    outcomes = {outcome(each, situation) for each in rules if each.in_force.holds(situation.today)}
    return "violating" if "violated" in outcomes else "unknown" if "unknown" in outcomes else "lawful"


def shares(program: Program, rows: list[dict[str, Any]]) -> dict[str, float]:
    return {name: count / len(rows) for name, count in Counter(verdict_of(program, each) for each in rows).items()}


@pytest.fixture(scope="module")
def wechat() -> Policy:
    return lawful.load("wechat")


@pytest.fixture(scope="module")
def measured() -> Policy:
    return lawful.load(ROOT / "benchmarks/audit/policy.yaml")


# -------------------------------------------------------------------------------------------------------- the accounts


def test_as_many_accounts_break_a_rule_as_were_asked_for(measured: Policy, tmp_path: Path) -> None:
    rows = made(measured, tmp_path, 6000)["accounts"]
    found = shares(measured.program, rows)
    assert found["violating"] == pytest.approx(0.05, abs=0.012)
    assert found["unknown"] == pytest.approx(0.01, abs=0.006)


def test_the_shares_can_be_chosen(wechat: Policy, tmp_path: Path) -> None:
    found = shares(wechat.program, made(wechat, tmp_path, 3000, violations=0.4, unknown=0.3)["accounts"])
    assert found["violating"] == pytest.approx(0.4, abs=0.03)
    assert found["unknown"] == pytest.approx(0.3, abs=0.03)


def test_none_breaks_a_rule_where_none_should(wechat: Policy, tmp_path: Path) -> None:
    rows = made(wechat, tmp_path, 2000, violations=0, unknown=0)["accounts"]
    assert shares(wechat.program, rows) == {"lawful": 1}


def test_every_rule_is_broken_by_some_account(measured: Policy, tmp_path: Path) -> None:
    made(measured, tmp_path, 3000, violations=1, unknown=0)
    with measured.audit(tmp_path / "accounts.parquet", at=TODAY) as audit:
        assert {each.rule for each in audit.summary.rules if each.violated} == {each.id for each in twin.rules(TODAY)}


def test_accounts_have_ids_of_their_own_and_fields_of_their_types(measured: Policy, tmp_path: Path) -> None:
    rows = made(measured, tmp_path, 5000)["accounts"]
    assert len({each["account_id"] for each in rows}) == 5000
    assert list(rows[0]) == ["account_id", *measured.program.account, "features"]
    assert {each["type"] for each in rows} - {None} == {"subscription", "service", "enterprise"}
    assert all(each["warnings"] is None or 0 <= each["warnings"] <= 12 for each in rows)
    assert len({each["followers"] for each in rows}) > 2000


def test_features_may_be_columns(measured: Policy, tmp_path: Path) -> None:
    listed = made(measured, tmp_path / "list", 500)["accounts"]
    columns = made(measured, tmp_path / "columns", 500, feature_columns=True)["accounts"]
    for one, other in zip(listed, columns, strict=True):
        held = None if other["shop"] is None else [name for name in measured.program.features if other[name]]
        assert one["features"] == held
        assert one["followers"] == other["followers"]


def test_texts_are_such_as_patterns_ask_for(tmp_path: Path) -> None:
    policy = lawful.loads(
        """
        policy: coded
        version: "1"
        timezone: Asia/Shanghai
        account:
          fields:
            code: string
            place: string
            named: string
        constraints:
          code: {requires: "account.code.matches('^(wx|gh)_[0-9a-f]{4,6}[^a-z]?$')"}
          place: {when: "account.place.startsWith('CN')", requires: "account.code.contains('a')"}
        """
    )
    rows = made(policy, tmp_path, 400)["accounts"]
    found = shares(policy.program, rows)
    assert found["lawful"] > 0.9
    assert any((each["place"] or "").startswith("CN") for each in rows)
    assert len({each["named"] for each in rows}) > 100


def test_few_accounts_share_a_key_but_for_some(tmp_path: Path) -> None:
    policy = lawful.load(ROOT / "benchmarks/audit/groups.yaml")
    rows = made(policy, tmp_path, 4000, violations=0.1)["accounts"]
    sizes = Counter(each["subject_id"] for each in rows if each["subject_id"] is not None)
    large = sum(size > 2 for size in sizes.values())
    assert 0 < large < 0.2 * len(sizes)
    with policy.audit(tmp_path / "accounts.parquet", at=TODAY) as audit:
        (group,) = [each for each in audit.summary.rules if each.rule == "constraints.few-accounts-of-a-subject"]
        assert group.violated > 0


def test_a_policy_without_rules_has_lawful_accounts_only(tmp_path: Path) -> None:
    policy = lawful.loads("{policy: bare, version: '1', timezone: UTC, account: {fields: {f: {type: int}}}}")
    found = sample(policy.program, files_in(tmp_path), Wanted(50, AT, events=True, before=True))
    assert (found.accounts, found.missing) == (50, ("violating", "unknown"))


# ------------------------------------------------------------------------------------------------------ what happened


def test_there_are_two_events_an_account(wechat: Policy, tmp_path: Path) -> None:
    found = made(wechat, tmp_path, 5000, events=True)
    assert len(found["events"]) / 5000 == pytest.approx(2, abs=0.4)
    ids = {each["account_id"] for each in found["accounts"]}
    assert all(each["account_id"] in ids and each["at"] < AT for each in found["events"])
    assert {each["event"] for each in found["events"]} <= wechat.program.event_names


def moves(policy: Policy, folder: Path, **more: Any) -> tuple[int, set[str]]:
    """How many accounts made a move that they were not allowed, and which rules they broke."""
    with policy.audit(folder / "accounts.parquet", at=TODAY, **more) as audit:
        found = [each for each in audit.findings.to_pyarrow().to_pylist() if each["about"] in ("move", "event")]
    return len({each["account_id"] for each in found}), {each["rule"] for each in found}


def test_an_audit_finds_the_events_that_break_a_rule_and_no_others(wechat: Policy, tmp_path: Path) -> None:
    made(wechat, tmp_path, 4000, events=True)
    accounts, rules = moves(wechat, tmp_path, history=tmp_path / "events.parquet")
    sent = {"actions.mass_send.limits.daily", "actions.mass_send.limits.monthly"}
    assert rules == {*sent, "lifecycle.type.final", "lifecycle.type.upgrade.limit"}
    assert accounts / 4000 == pytest.approx(0.05, abs=0.015)
    made(wechat, tmp_path, 4000, events=True, violations=0)
    assert moves(wechat, tmp_path, history=tmp_path / "events.parquet") == (0, set())


def test_an_audit_finds_the_differences_that_nothing_explains_and_no_others(wechat: Policy, tmp_path: Path) -> None:
    found = made(wechat, tmp_path, 4000, before=True)
    earlier = {"before": tmp_path / "before.parquet", "before_at": date(2026, 5, 5)}
    accounts, rules = moves(wechat, tmp_path, **earlier)
    assert rules == {"fields.subject.fixed", "lifecycle.type.unlisted", "lifecycle.type.final"}
    assert accounts / 4000 == pytest.approx(0.05, abs=0.015)
    now, then = ({each["account_id"] for each in found[name]} for name in ("accounts", "before"))
    assert 0 < len(then - now) < 100
    assert 0 < len(now - then) < 300
    made(wechat, tmp_path, 4000, before=True, violations=0)
    assert moves(wechat, tmp_path, **earlier) == (0, set())


def test_some_moves_are_made_when_they_are_not_in_force(tmp_path: Path) -> None:
    policy = lawful.load(ROOT / "benchmarks/audit/groups.yaml")
    made(policy, tmp_path, 4000, events=True)
    _, rules = moves(policy, tmp_path, history=tmp_path / "events.parquet")
    assert {"actions.rename.limit", "lifecycle.type.unlisted"} <= rules


# ------------------------------------------------------------------------------------------------------- made again


def digests(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(folder.iterdir())}


def test_the_same_seed_makes_the_same_files_however_many_threads_there_are(
    measured: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(150_000, AT, seed=7, events=True, before=True)
    sample(measured.program, files_in(tmp_path / "several"), wanted)
    monkeypatch.setattr(sampling, "_THREADS", 1)
    sample(measured.program, files_in(tmp_path / "one"), wanted)
    assert len(digests(tmp_path / "one")) == 3
    assert digests(tmp_path / "several") == digests(tmp_path / "one")


def test_another_seed_makes_other_accounts(wechat: Policy, tmp_path: Path) -> None:
    one = made(wechat, tmp_path, 100, seed=1)["accounts"]
    other = made(wechat, tmp_path, 100, seed=2)["accounts"]
    assert not {each["account_id"] for each in one} & {each["account_id"] for each in other}


def test_a_file_says_what_it_was_made_of(wechat: Policy, tmp_path: Path) -> None:
    made(wechat, tmp_path, 10, seed=3)
    noted = json.loads(pq.read_schema(tmp_path / "accounts.parquet").metadata[b"lawful.sample"])
    assert noted["policy"]["digest"] == wechat.program.digest
    assert (noted["rows"], noted["seed"]) == (10, 3)


# ------------------------------------------------------------------------------------------------------- any policy


@st.composite
def drawn_policies(draw: st.DrawFn) -> Policy:
    author = Author(Pen(draw))
    return lawful.loads(json.dumps(author.policy(), ensure_ascii=False))


@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_any_policy_has_a_sample(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    try:
        policy = data.draw(drawn_policies())
    except PolicyError:
        return
    folder = tmp_path_factory.mktemp("drawn")
    found = made(policy, folder, 40, events=True, before=True)
    assert len(found["accounts"]) == 40
    assert {each["event"] for each in found["events"]} <= policy.program.event_names
    for row in found["accounts"] + found["before"]:
        account = {name: _said(value) for name, value in row.items()}
        policy.can(account=account, at=AT)  # raises where a value is none of its field


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_no_rule_tells_the_values_of_a_stretch_apart(data: st.DataObject) -> None:
    try:
        program = data.draw(drawn_policies()).program
    except PolicyError:
        return
    candidates = Candidates(program, AT, ZoneInfo(program.timezone), 1)
    random = Random(1)
    for record in candidates.pools(8).violating[:3] + candidates.pools(8).lawful[:5]:
        moved = dict(record)
        for name, each in program.account.items():
            value = record[f"account.{name}"]
            if value is not None and each.type.kind in ("int", "date", "timestamp"):
                stretch = candidates.stretch(name, value)
                assert stretch.low <= number_of(value) < stretch.low + stretch.width
                moved[f"account.{name}"] = _of_number(value, stretch.low + random.randrange(stretch.width))
        assert verdict_of(program, _row(program, moved)) == verdict_of(program, _row(program, record))


def _of_number(like: Any, number: int) -> Any:
    if isinstance(like, datetime):
        return datetime.fromtimestamp(0, UTC) + (like - like) + _microseconds(number)
    return date.fromordinal(date(1970, 1, 1).toordinal() + number) if isinstance(like, date) else number


def _microseconds(number: int) -> Any:
    from datetime import timedelta

    return timedelta(microseconds=number)


def _row(program: Program, record: dict[str, Any] | Any) -> dict[str, Any]:
    row = {name: record[f"account.{name}"] for name in program.account}
    held = {name: record[f"features.{name}"] for name in program.features}
    return {**row, "features": None if None in held.values() else [name for name, has in held.items() if has]}


# ----------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("text", "number"),
    [("20_000_000", 20_000_000), ("20M", 20_000_000), ("1.5k", 1500), ("2,000", 2000), ("0.0001k", None), ("-5", None)],
)
def test_rows_are_told_in_several_ways(text: str, number: int | None) -> None:
    assert rows_of(text) == number


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["sample", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return command


COMMAND = "import sys; from lawful.command import main; sys.exit(main())"
"""What `lawful` is as an installed script: a module run by its name hears Ctrl-C otherwise."""
Run = Callable[..., tuple[int, str, str]]


def test_the_command_tells_what_it_wrote(run: Run, tmp_path: Path) -> None:
    chosen = ("--rows", "2k", "--output", str(tmp_path / "new"), "--events", "--before", "--at", "2026-11-01")
    code, out, err = run("wechat", *chosen)
    assert (code, err) == (0, "")
    assert f"{tmp_path}/new/accounts.parquet   2 000 accounts\n" in out
    assert "accounts on 2026-05-05" in out
    assert run("wechat", *chosen, "--quiet") == (0, "", "")
    assert "2 000 个帐号" in run("wechat", *chosen, "--lang", "zh")[1]


def test_a_file_may_be_named(run: Run, tmp_path: Path) -> None:
    run("wechat", "--rows", "10", "--output", str(tmp_path / "a.parquet"), "--events")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a-events.parquet", "a.parquet"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--rows", "many"), "error: `many` is no number of rows\n  = help: such as 20_000_000, 20M or 500k\n"),
        (("--rows", "0"), "error: a sample has at least 1 row\n"),
        (("--rows", "5G"), "error: a sample has at most 2147483648 rows\n"),
        (("--violations", "0.9", "--unknown", "0.2"), "`violations` and `unknown` are more than all accounts together"),
        (("--at", "2026-02-30"), "error: `--at`: there is no day `2026-02-30`\n"),
    ],
)
def test_what_makes_no_sense_is_told(run: Run, tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    code, out, err = run("wechat", "--output", str(tmp_path / "new"), *options)
    assert (code, out) == (2, "")
    assert told in err
    assert not (tmp_path / "new").exists()


def test_a_place_that_cannot_be_written_to_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("wechat", "--output", str(tmp_path / "file" / "x.parquet"))
    assert code == 2
    assert err == f"error: `{tmp_path}/file` is no folder\n"
    (tmp_path / "folder.parquet").mkdir()
    assert run("wechat", "--output", str(tmp_path / "folder.parquet"))[0] == 2


def started(*arguments: str, limit: int | None = None) -> subprocess.Popen[bytes]:
    """The command as a shell would start it; `limit`: the most bytes that a file may have."""

    def limited() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a worker of pytest-xdist passes on that it is ignored
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), "LANG": "C.UTF-8"}
    command = [sys.executable, "-c", COMMAND, "sample", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, preexec_fn=limited)  # noqa: PLW1509


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "a.parquet"
    output.write_text("earlier")
    process = started("wechat", "--rows", "300k", "--output", str(output), limit=1_000_000)
    _, err = process.communicate()
    assert process.returncode == 2
    assert err.decode() == f"error: `{output}` cannot be written: file too large\n"
    assert output.read_text() == "earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("plea", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sample_leaves_nothing(plea: signal.Signals, tmp_path: Path) -> None:
    process = started("wechat", "--rows", "200M", "--output", str(tmp_path / "a.parquet"))
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(plea)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")
    assert not any(tmp_path.iterdir())


def test_from_python_a_share_outside_the_whole_is_refused(wechat: Policy, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="between 0 and 1"):
        sample(wechat.program, files_in(tmp_path), Wanted(10, AT, unknown=1.5))


# ----------------------------------------------------------------------------------------------------------- the twin


def test_the_twin_of_the_benchmark_finds_what_lawful_finds(measured: Policy, tmp_path: Path) -> None:
    made(measured, tmp_path, 20_000, violations=0.3, unknown=0.2)
    path = str(tmp_path / "accounts.parquet")
    columns = 'account_id, rule, severity, status, about, "at", explanation_en, explanation_zh, facts, source'
    with measured.audit(tmp_path / "accounts.parquet", at=TODAY) as audit, duckdb.connect() as connection:
        audit.write(tmp_path / "findings.parquet")
        connection.execute(f"CREATE TABLE twin AS {twin.findings(path, TODAY, AT.isoformat(), feature_columns=False)}")
        connection.execute(f"CREATE TABLE ours AS SELECT {columns} FROM '{tmp_path}/findings.parquet'")
        apart = "SELECT * FROM {} EXCEPT ALL SELECT * FROM {}"
        assert connection.execute(apart.format("twin", "ours")).fetchall() == []
        assert connection.execute(apart.format("ours", "twin")).fetchall() == []
        assert connection.execute("SELECT count(*) > 5000 FROM twin").fetchall() == [(True,)]
        unknown = dict(connection.execute(twin.unknown(path, TODAY, feature_columns=False)).fetchdf().iloc[0])
        assert unknown == {each.rule: each.unknown for each in audit.summary.rules if each.rule in unknown}
