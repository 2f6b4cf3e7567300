"""`lawful audit` as it is typed: what it refuses beforehand, and what it leaves behind when it fails."""

from __future__ import annotations

import csv
import gc
import gzip
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lawful
from engines_of_audit import postgres
from lawful import cli
from lawful.audit import sieve
from lawful.audit.errors import AuditError
from lawful.audit.result import Audit
from lawful.audit.sampling import Wanted, files_in, sample
from lawful.audit.wanted import wanted

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "fixtures" / "inventories" / "tour"
AT = ("--at", "2025-03-01")
COMMAND = "import sys; from lawful.command import main; sys.exit(main())"
"""What `lawful` is as an installed script: a module run by its name hears Ctrl-C otherwise."""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def at_the_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the tour in a folder of their own, and in English."""
    for each in TOUR.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Audit in this process."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["audit", "wechat", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return command


def started(*arguments: str, limit: int | None = None, **more: str) -> subprocess.Popen[bytes]:
    """A command as a shell would start it; `limit`: the most bytes that a file may have."""

    def limited() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a worker of pytest-xdist passes on that it is ignored
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), "LANG": "C.UTF-8", **more}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=limited,  # noqa: PLW1509
    )


# ----------------------------------------------------------------------------------------- what is read is not written


@pytest.mark.parametrize(
    ("options", "output", "name"),
    [
        (("accounts.csv",), "accounts.csv", "inventory"),
        (("accounts.csv", "--history", "events.csv"), "events.csv", "history"),
        (("accounts.csv", "--before", "before.csv"), "./before.csv", "earlier snapshot"),
        (("accounts.csv", "--baseline", "known.parquet"), "known.parquet", "baseline"),
        (("accounts.csv", "--mapping", "./mapping.csv"), "mapping.csv", "mapping"),
        (("accounts.csv", "--waivers", "waivers.md"), "waivers.md", "waivers"),
        (("link.csv",), "accounts.csv", "inventory"),
        (("accounts.csv",), "link.csv", "inventory"),
        (("folder",), "folder/one.csv", "inventory"),
        (("folder",), "folder/new.csv", "inventory"),
        (("f*/*.csv",), "folder/one.csv", "inventory"),
    ],
)
def test_no_output_takes_the_place_of_what_is_read(
    options: tuple[str, ...], output: str, name: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to("accounts.csv")
    for each in ("known.parquet", "mapping.csv", "waivers.md", "folder/one.csv"):
        (tmp_path / each).write_bytes((TOUR / "accounts.csv").read_bytes())
    before = {each: each.read_bytes() for each in tmp_path.rglob("*.*") if each.is_file()}
    code, out, err = run(*options, *AT, "--output", output)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: `{output}` is read as the {name}: it is not written over\n  = help: ")
    assert {each: each.read_bytes() for each in tmp_path.rglob("*.*") if each.is_file()} == before


def test_answers_do_not_take_the_place_of_what_is_read_either(run: Run, tmp_path: Path) -> None:
    code, _, err = run("accounts.csv", *AT, "--can", "enable wechat_pay", "--answers", "accounts.csv")
    assert (code, err) == (
        2,
        "error: `accounts.csv` is read as the inventory: it is not written over\n  = help: name another file\n",
    )


def test_two_outputs_are_two_files(run: Run) -> None:
    code, _, err = run("accounts.csv", *AT, "--output", "a.csv", "--output", "./a.csv")
    assert (code, err) == (2, "error: `./a.csv` is named twice as an output\n  = help: name another file\n")
    answers = ("--can", "enable wechat_pay", "--answers", "a.csv")
    assert run("accounts.csv", *AT, "--output", "a.csv", *answers)[0] == 2
    assert not Path("a.csv").exists()


def test_a_terminal_may_be_written_to_twice(run: Run) -> None:
    Path("nowhere.csv").symlink_to("/dev/null")
    code, _, err = run("accounts.csv", *AT, "--output", "nowhere.csv", "--output", "nowhere.csv")
    assert (code, err) == (1, "")


# ------------------------------------------------------------------------------------------------------- all or nothing


@pytest.mark.parametrize("wrong", ["nowhere/x.html", "/proc/x.html", "x.docx", "accounts.xml/x.html"])
def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_read(wrong: str, run: Run) -> None:
    Path("earlier.csv").write_text("earlier")
    Path("accounts.xml").write_text("")
    code, _, err = run("absent.csv", *AT, "--output", "earlier.csv", "--output", wrong)
    assert code == 2
    assert f"`{wrong}`" in err
    assert Path("earlier.csv").read_text() == "earlier"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_where_one_output_fails_the_others_stay_as_they_were(run: Run, tmp_path: Path) -> None:
    Path("earlier.csv").write_text("earlier")
    Path("answers.csv").write_text("earlier")
    Path("full.html").symlink_to("/dev/full")
    before = sorted(tmp_path.iterdir())
    answers = ("--can", "enable wechat_pay", "--answers", "answers.csv")
    code, _, err = run("accounts.csv", *AT, "--output", "earlier.csv", "--output", "full.html", *answers)
    assert (code, err) == (2, "error: `full.html` cannot be written: no space left on device\n")
    assert (Path("earlier.csv").read_text(), Path("answers.csv").read_text()) == ("earlier", "earlier")
    assert sorted(tmp_path.iterdir()) == before


def test_where_the_answers_fail_the_findings_stay_as_they_were(tmp_path: Path) -> None:
    accounts = [{"account_id": f"gh_{n}", "type": "subscription", "subject": "media"} for n in range(60_000)]
    pq.write_table(pa.Table.from_pylist(accounts), tmp_path / "many.parquet")
    Path("earlier.csv").write_text("earlier")
    answers = ("--can", "set type=service", "--answers", "answers.csv")
    process = started("audit", "wechat", "many.parquet", *AT, "--output", "earlier.csv", *answers, limit=1_500_000)
    _, err = process.communicate()
    assert (process.returncode, err.decode()) == (2, "error: `answers.csv` cannot be written: file too large\n")
    assert Path("earlier.csv").read_text() == "earlier"
    assert not [each for each in tmp_path.iterdir() if each.suffix == ".part" or each.name == "answers.csv"]


def test_from_python_all_are_written_or_none(tmp_path: Path) -> None:
    with lawful.load("wechat").audit("accounts.csv", at="2025-03-01", can=["set type=service"]) as audit:
        with pytest.raises(AuditError, match="there is no folder"):
            audit.write("a.csv", "absent/b.csv")
        assert not Path("a.csv").exists()
        audit.write("a.csv", answers="answers.parquet")
        assert pq.read_table("answers.parquet").num_rows == 11
        with pytest.raises(AuditError, match="is read as the inventory"):
            audit.write("accounts.csv")
    with (
        lawful.load("wechat").audit("accounts.csv") as audit,
        pytest.raises(AuditError, match="no questions to answer"),
    ):
        audit.write(answers="answers.parquet")


def rules_on_server() -> list[str]:
    with postgres().connected() as connection:
        return sorted(rule for (rule,) in connection.execute("SELECT rule FROM findings").fetchall())


def test_a_table_is_replaced_when_the_files_are_whole_or_not_at_all(run: Run) -> None:
    address = postgres().address("findings")
    code, _, err = run("accounts.csv", *AT, "--output", address, "--output", "first.csv")
    assert (code, err) == (1, "")
    with Path("first.csv").open(encoding="utf-8-sig", newline="") as file:
        rules = sorted(row["rule"] for row in csv.DictReader(file))
    assert rules_on_server() == rules
    Path("full.html").symlink_to("/dev/full")
    history = ("--history", "events.csv")
    assert run("accounts.csv", *AT, *history, "--output", address, "--output", "full.html")[0] == 2
    assert rules_on_server() == rules


def test_a_table_that_holds_something_else_is_told_before_anything_is_read(run: Run) -> None:
    with postgres().connected() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS precious (id text)")
    Path("first.csv").write_text("earlier")
    code, _, err = run("absent.csv", *AT, "--output", "first.csv", "--output", postgres().address("precious"))
    assert (code, err.splitlines()[0]) == (2, "error: the table `precious` is there and holds no findings")
    assert Path("first.csv").read_text() == "earlier"


# --------------------------------------------------------------------------------------------------------- interrupted


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory that takes some seconds."""
    folder = tmp_path_factory.mktemp("many")
    sample(
        lawful.load("wechat").program,
        files_in(folder),
        Wanted(300_000, datetime(2025, 2, 28, 16, tzinfo=UTC), events=True),
    )
    return folder


@pytest.mark.parametrize("after", [0.6, 1.2, 2.4])
@pytest.mark.parametrize("sent", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM], [signal.SIGHUP]])
def test_an_interrupted_audit_is_130_and_leaves_what_was_there(
    sent: list[signal.Signals], after: float, many: Path, tmp_path: Path
) -> None:
    Path("earlier.csv").write_text("earlier")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inventory = (str(many / "accounts.parquet"), "--history", str(many / "events.parquet"))
    process = started("audit", "wechat", *inventory, *AT, "--output", "earlier.csv", TMPDIR=str(scratch))
    deadline = time.monotonic() + 60
    while not any(scratch.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(after)
    for each in sent:
        process.send_signal(each)
        time.sleep(0.05)
    out, err = process.communicate(timeout=60)
    assert err == b"", err.decode()
    written = Path("earlier.csv").read_text()
    if written != "earlier":  # a quick machine was done before: then all of it is there
        assert len(list(csv.DictReader(written.splitlines()))) > 28_911
        assert process.returncode in (1, 130)
        return
    assert (process.returncode, out) == (130, b"")
    assert not list(tmp_path.glob(".*.part"))
    assert not any(scratch.iterdir())


EMBEDDED = """
import sys, lawful
with lawful.load("wechat").audit(sys.argv[1], history=sys.argv[2], at="2025-03-01") as audit:
    print("begun", flush=True)
    try:
        audit.summary
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("after", [0.5, 1.0, 1.5])
def test_an_interrupt_reaches_the_embedding_program_as_one(after: float, many: Path) -> None:
    command = [sys.executable, "-c", EMBEDDED, str(many / "accounts.parquet"), str(many / "events.parquet")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, b"interrupted\n", b"")


# ------------------------------------------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize("name", ["accounts.csv", "accounts.jsonl"])
@pytest.mark.parametrize("rows", [11, 600_000])
def test_a_compressed_file_that_is_cut_short_is_told(name: str, rows: int, run: Run) -> None:
    lines = [f'{{"account_id": "gh_{n}", "type": "service"}}' for n in range(rows)]
    if name.endswith(".csv"):
        lines = ["account_id,type", *(f"gh_{n},service" for n in range(rows))]
    whole = gzip.compress("\n".join(lines).encode())
    Path(f"{name}.gz").write_bytes(whole[: len(whole) * 9 // 10])
    code, out, err = run(f"{name}.gz", *AT)
    assert (code, out) == (2, "")
    assert err == f"error: `{name}.gz` cannot be read: the file is cut short\n"


def test_what_is_called_gz_and_is_not_is_told(run: Run) -> None:
    Path("accounts.csv").rename("accounts.csv.gz")
    code, _, err = run("accounts.csv.gz", *AT)
    assert (code, err) == (2, "error: `accounts.csv.gz` cannot be read: it is not compressed by gzip\n")


def test_an_end_of_input_inside_is_no_interrupt(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_: Any, **__: Any) -> None:
        raise EOFError("the end")

    monkeypatch.setattr("lawful.cli.auditing.run", ends)
    code, _, err = run("accounts.csv", *AT)
    assert code == 5
    assert "internal error: EOFError: the end" in err


def test_what_is_no_parquet_is_told_in_plain_words(run: Run) -> None:
    Path("accounts.csv").rename("accounts.parquet")
    told = "it is no Parquet file, or not the whole of one\n"
    assert run("accounts.parquet", *AT)[::2] == (2, f"error: `accounts.parquet` cannot be read: {told}")
    code, _, err = run("before.csv", *AT, "--baseline", "events.csv")
    assert (code, err) == (2, f"error: the baseline `events.csv` cannot be read: {told}")


@pytest.mark.parametrize(("option", "help"), [("waivers", "`waivers:`"), ("mapping", "`mapping:` and its name")])
def test_an_empty_file_is_told_how_it_begins(option: str, help: str, run: Run) -> None:
    Path("empty.yaml").write_text("")
    code, _, err = run("accounts.csv", *AT, f"--{option}", "empty.yaml")
    assert code == 2
    assert err.endswith(f"  = help: begin with {help}\n")


def test_a_scratch_that_is_full_is_told_in_one_line(many: Path) -> None:
    inventory = (str(many / "accounts.parquet"), "--history", str(many / "events.parquet"))
    process = started("audit", "wechat", *inventory, *AT, limit=20_000)
    _, err = process.communicate()
    assert process.returncode == 2
    assert re.fullmatch(r"error: [^\n]+\n(  = help: [^\n]+\n)?", err.decode()), err.decode()
    assert "{" not in err.decode(), "DuckDB's own account of it"


# --------------------------------------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("size", ["a lot", "4", "-1GB", "63MB", "4 gibi"])
def test_a_size_of_memory_is_in_megabytes_or_more(size: str, run: Run) -> None:
    code, _, err = run("accounts.csv", *AT, "--memory", size)
    assert (code, err) == (
        2,
        f"error: `memory` (`--memory`) is `{size}`\n  = help: such as 500MB or 4GB, at least 64MB\n",
    )


@pytest.mark.parametrize("size", ["64MB", "1 gb", "2GiB"])
def test_an_audit_takes_the_memory_it_is_given(size: str, run: Run) -> None:
    assert run("accounts.csv", *AT, "--memory", size)[::2] == (1, "")


# ------------------------------------------------------------------------------------------------ options that are idle


IDLE = [
    (("accounts.csv", "--before-at", "2024-09-01"), "`before_at` (`--before-at`) is given without `before`"),
    (("accounts.csv", "--history-from", "2024-01-01"), "`history_from` (`--history-from`) is given without `history`"),
    (("accounts.csv", "--request", "whitelisted=true"), "`request` (`--request`) is given without `can`"),
    (("accounts.csv", "--answers", "a.csv"), "`answers` (`--answers`) has no questions to answer"),
    (("accounts.csv", "--table", "t"), "`table` (`--table`) names the table of a database or the sheet of a workbook"),
    (("known.parquet", "--table", "t"), "`table` (`--table`) names the table of a database or the sheet of a workbook"),
    (("known.parquet", "--encoding", "gb18030"), "`encoding` (`--encoding`) is of CSV and JSON"),
    (("book.xlsx", "--encoding", "gb18030"), "`encoding` (`--encoding`) is of CSV and JSON"),
    (
        ("accounts.csv", "--before", "before.csv", "--before-at", "2025-03-02", *AT),
        "`before_at` (`--before-at`) is 2025-03-02T00:00:00+08:00, which is later than `at`, 2025-03-01T00:00:00+08:00",
    ),
    (
        ("accounts.csv", "--history", "events.csv", "--history-from", "2026-01-01", *AT),
        "`history_from` (`--history-from`) is 2026-01-01T00:00:00+08:00, which is later than `at`, 2025-03-01T",
    ),
]


@pytest.mark.parametrize(("options", "told"), IDLE, ids=[" ".join(options) for options, _ in IDLE])
def test_an_option_that_changes_nothing_is_refused(options: tuple[str, ...], told: str, run: Run) -> None:
    for name in ("known.parquet", "book.xlsx"):
        Path(name).write_bytes(b"x")
    code, out, err = run(*options)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {told}")
    assert "  = help: " in err


def test_fields_whose_names_differ_in_case_only_are_refused() -> None:
    policy = lawful.loads("policy: p\nversion: '1'\naccount: {fields: {n: int, N: int}}\n")
    told = "the fields `n` and `N` of the policy differ in case only: to the engines of audits they are one"
    with pytest.raises(AuditError, match=re.escape(told)):
        _ = policy.audit(pa.table({"account_id": ["1"], "n": [1]})).summary


def test_from_python_they_are_refused_too() -> None:
    policy = lawful.load("wechat")
    with pytest.raises(AuditError, match="is given without `before`"):
        policy.audit("accounts.csv", before_at="2024-09-01")
    with pytest.raises(AuditError, match="the inventory has none"):
        _ = policy.audit(pa.table({"account_id": ["1"]}), table="t").summary


def test_the_encoding_may_be_of_the_history_alone(run: Run) -> None:
    pq.write_table(pa.table({"account_id": ["gh_37c0"], "type": ["service"]}), "known.parquet")
    Path("events.csv").write_bytes(Path("events.csv").read_text(encoding="utf-8").encode("gb18030"))
    code, _, err = run("known.parquet", *AT, "--history", "events.csv", "--encoding", "gb18030")
    assert (code, err) == (1, "")


# ------------------------------------------------------------------------------------------------------ what is written


@pytest.fixture
def hostile() -> list[str]:
    """Accounts whose ids a spreadsheet would act upon."""
    ids = ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "\t=1", "gh_1"]
    pq.write_table(pa.table({"account_id": ids, "type": ["service"] * 5, "subject": ["media"] * 5}), "ids.parquet")
    return ids


def test_no_cell_of_the_answers_is_a_formula(hostile: list[str], run: Run) -> None:
    run("ids.parquet", *AT, "--can", "set type=service", "--answers", "a.csv", "--quiet")
    with Path("a.csv").open(encoding="utf-8", newline="") as file:
        found = [row["account_id"] for row in csv.DictReader(file)]
    assert sorted(found) == sorted(each if each == "gh_1" else f"'{each}" for each in hostile)


def test_answers_as_parquet_hold_every_id_as_it_is(hostile: list[str], run: Run) -> None:
    run("ids.parquet", *AT, "--can", "set type=service", "--answers", "a.parquet", "--quiet")
    assert sorted(pq.read_table("a.parquet")["account_id"].to_pylist()) == sorted(hostile)


def test_junit_and_sarif_name_the_same_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop").mkdir()
    Path("shop/policy.yaml").write_text(
        "policy: shop\nversion: '1'\naccount: {fields: {age: {type: int}}}\n"
        "constraints: {grown: {requires: account.age >= 18}}\n"
    )
    Path("people.csv").write_text("account_id,age\na,17\n")
    code = cli.main(["audit", "shop/policy.yaml", "people.csv", "-o", "found.sarif", "-o", "found.xml", "--quiet"])
    assert (code, capsys.readouterr().err) == (1, "")
    (case,) = ElementTree.parse("found.xml").iter("testcase")
    log = json.loads(Path("found.sarif").read_text(encoding="utf-8"))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert case.get("file") == place["artifactLocation"]["uri"] == "shop/policy.yaml"
    assert case.get("line") == str(place["region"]["startLine"])


# ---------------------------------------------------------------------------------------------------------- from Python


def test_findings_may_be_held_longer_than_the_audit() -> None:
    findings = lawful.load("wechat").audit("accounts.csv", at="2025-03-01").findings
    errors = findings.filter(findings.severity == "error")
    del findings
    gc.collect()
    assert errors.count().to_pyarrow().as_py() == 2


def test_a_connection_of_the_caller_s_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieve, "are_few", lambda *_: True)
    policy = "policy: p\nversion: '1'\naccount: {fields: {n: int}}\nconstraints: {c: {requires: account.n < 5}}\n"
    connection: Any = ibis.duckdb.connect()
    accounts = connection.create_table("accounts", pa.table({"account_id": ["1"], "n": [7]}))
    asked = "SELECT current_setting('enable_progress_bar'), (SELECT count(*) FROM duckdb_views() WHERE NOT internal)"
    before = connection.con.execute(asked).fetchall()
    with lawful.loads(policy).audit(accounts, at="2025-03-01") as audit:
        assert audit.summary.accounts_with_findings == 1
        assert (audit._audited.findings.parent / "few.parquet").exists()
    assert connection.con.execute(asked).fetchall() == before
    connection.disconnect()


def test_threads_may_ask_one_audit() -> None:
    audit = lawful.load("wechat").audit("accounts.csv", at="2025-03-01")
    with ThreadPoolExecutor(4) as threads:
        summaries = list(threads.map(lambda _: audit.summary, range(4)))
    assert all(each is summaries[0] for each in summaries)


def test_an_inventory_that_is_changed_during_the_audit_is_told(tmp_path: Path) -> None:
    file = tmp_path / "accounts.parquet"

    def write(type_: str) -> None:
        pq.write_table(pa.table({"account_id": ["1", "2"], "type": [type_, type_]}), tmp_path / "new")
        (tmp_path / "new").replace(file)

    def changing(step: str, share: float | None = None) -> None:
        if step == "counting":
            write("service")

    write("subscription")
    program = lawful.load("wechat").program
    audit = Audit(program, wanted(program, str(file), at="2025-03-01"), changing)
    with pytest.raises(AuditError, match=re.escape(f"`{file}` was changed while it was audited")):
        _ = audit.summary


def test_what_the_place_of_temporary_files_is_called_says_nothing_of_accounts(run: Run, tmp_path: Path) -> None:
    scratch = tmp_path / "severity=info" / "id=5" / "f_type=service"
    scratch.mkdir(parents=True)
    told = run("accounts.csv", *AT, "--cross-check", "1")
    process = started("audit", "wechat", "accounts.csv", *AT, "--cross-check", "1", TMPDIR=str(scratch))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, _untimed(out.decode()), err) == (told[0], _untimed(told[1]), b"")


def _untimed(text: str) -> str:
    return re.sub(r"\d\.\d s", "", text)


def test_what_was_closed_says_so() -> None:
    audit = lawful.load("wechat").audit("accounts.csv", at="2025-03-01", can=["set type=service"])
    kept = audit.summary
    assert audit.findings.count().to_pyarrow().as_py() == 5
    audit.close()
    assert audit.summary is kept
    for read in (lambda: audit.findings, lambda: audit.answers, lambda: audit.write("a.csv")):
        with pytest.raises(AuditError, match="the audit was closed"):
            read()
    unread = lawful.load("wechat").audit("accounts.csv")
    unread.close()
    with pytest.raises(AuditError, match="the audit was closed"):
        _ = unread.summary
