"""A policy that follows its files: real files, real threads, real forks.

Most tests look by hand, so that what a look finds does not hang on the clock; `watched(…, interval=…)` looks by itself.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import lawful
from forking import needs_fork, trouble_in_child
from lawful import watching

NEVER = 3600.0
SOON = 0.02

TABLES = """
policy: shelf
version: "{version}"
account: {{fields: {{rank: int}}}}
feature_tables:
  - {{file: {file}, columns: {{high: account.rank > {version}}}, cells: {{"yes": true, "no": false}}}}
"""


def gate(age: int) -> str:
    """A policy whose version is the age it asks for."""
    return (
        f'policy: gate\nversion: "{age}"\naccount: {{fields: {{age: int}}}}\n'
        f"actions:\n  enter: {{requires: account.age >= {age}}}\n"
    )


WRONG = gate(18).replace("account.age", "account.ages")


def enter(age: int) -> dict[str, Any]:
    return {"account": {"age": age}, "change": {"do": "enter"}}


def put(path: Path, text: str) -> None:
    """As a careful editor does: beside, then renamed."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def eventually(holds: Callable[[], object], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.003)
    return True


class Told:
    """What the callbacks were told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.errors: list[Exception] = []

    def on_change(self, old: lawful.Policy, new: lawful.Policy) -> None:
        self.changes.append((old.program.version, new.program.version))

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gate" / "policy.yaml"
    path.parent.mkdir()
    path.write_text(gate(18), encoding="utf-8")
    return path


@pytest.fixture
def watched(told: Told) -> Iterator[Callable[..., lawful.Watched]]:
    """Watches a path until the test ends."""
    with ExitStack() as stack:

        def begin(path: Path | str, interval: float = NEVER) -> lawful.Watched:
            begun = lawful.watch(path, on_change=told.on_change, on_error=told.on_error, interval=interval)
            return stack.enter_context(begun)

        yield begin


Begin = Callable[..., lawful.Watched]


def looks(policy: lawful.Watched, times: int = 2) -> None:
    """One finds what is new, the next takes it."""
    for _ in range(times):
        policy._look()


# ---------------------------------------------------------------------------------------------------- what is found


def test_a_change_replaces_the_policy(path: Path, watched: Begin, told: Told) -> None:
    policy = watched(path, SOON)
    assert policy.allows(enter(20))
    put(path, gate(21))
    assert eventually(lambda: told.changes)
    assert not policy.allows(enter(20))
    assert told.changes == [("18", "21")]
    assert repr(policy) == "<Watched gate 21>"


def test_what_was_read_is_of_the_policy_of_then(path: Path, watched: Begin) -> None:
    policy = watched(path)
    question = policy.read(enter(20))
    assert policy.allows(question)
    put(path, gate(21))
    looks(policy)
    with pytest.raises(lawful.RequestError, match="read by another policy"):
        policy.allows(question)


def test_the_policy_of_before_is_not_touched(path: Path, watched: Begin) -> None:
    policy = watched(path)
    before = policy.policy
    put(path, gate(21))
    looks(policy)
    assert before.allows(enter(20))
    assert policy.policy is not before


def test_what_is_the_same_is_not_built_anew(path: Path, watched: Begin, told: Told) -> None:
    policy = watched(path)
    before = policy.policy
    for _ in range(3):
        path.touch()
        looks(policy)
        put(path, gate(18))
        looks(policy)
    put(path, gate(21))
    looks(policy, 1)
    put(path, gate(18))
    looks(policy, 3)
    assert policy.policy is before
    assert (told.changes, told.errors) == ([], [])


def test_a_look_at_files_that_rest_reads_none_of_them(path: Path, watched: Begin) -> None:
    policy = watched(path)
    read = policy._taken
    looks(policy, 5)
    assert policy._taken is read
    assert policy._pending is None


def test_a_wrong_change_is_told_and_the_policy_stays(
    path: Path, watched: Begin, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    policy = watched(path)
    before = policy.policy
    put(path, WRONG)
    looks(policy, 6)
    assert policy.allows(enter(20))
    assert policy.policy is before
    assert isinstance(policy.error, lawful.PolicyError)
    assert told.errors == [policy.error]
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "did you mean `age`?" in record.getMessage()


def test_the_way_back_to_what_was_right(
    path: Path, watched: Begin, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lawful")
    policy = watched(path)
    before = policy.policy
    put(path, WRONG)
    looks(policy)
    put(path, gate(18))
    looks(policy)
    assert (policy.error, policy.policy) == (None, before)
    assert told.changes == []
    assert caplog.messages[-1].endswith("its files are in order again")


def test_from_one_mistake_to_another_and_to_what_is_right(path: Path, watched: Begin, told: Told) -> None:
    policy = watched(path)
    for text in (WRONG, "policy: [", WRONG, gate(21)):
        put(path, text)
        looks(policy)
    assert len(told.errors) == 3
    assert policy.error is None
    assert told.changes == [("18", "21")]


def test_a_replacement_is_logged_with_versions_and_digests(
    path: Path, watched: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lawful")
    policy = watched(path)
    old = policy.policy.program.digest[:19]
    put(path, gate(21))
    looks(policy)
    assert caplog.messages == [f"gate 18 ({old}) is replaced by gate 21 ({policy.policy.program.digest[:19]})"]


def test_wrong_from_the_start_raises_and_nothing_watches(path: Path) -> None:
    running = threading.active_count()
    put(path, WRONG)
    with pytest.raises(lawful.PolicyError, match="did you mean `age`"):
        lawful.watch(path)
    with pytest.raises(lawful.PolicyError, match="cannot be read"):
        lawful.watch(path.parent / "other.yaml")
    with pytest.raises(lawful.PolicyError, match="no shipped policy"):
        lawful.watch("wechta")
    assert threading.active_count() == running


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
def test_an_interval_that_is_none(path: Path, interval: float) -> None:
    with pytest.raises(ValueError, match="cannot be looked at every"):
        lawful.watch(path, interval=interval)


def test_a_shipped_policy_is_watched_by_its_name(watched: Begin) -> None:
    assert watched("wechat").policy.program.id == "wechat"


def test_a_relative_path_means_where_it_began(
    path: Path, watched: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    policy = watched("./policy.yaml")
    monkeypatch.chdir(tmp_path)
    put(path, gate(21))
    looks(policy)
    assert policy.policy.program.version == "21"


def test_it_answers_as_its_policy_does(path: Path, watched: Begin) -> None:
    policy = watched(path)
    now = policy.policy
    at = "2025-03-01"
    for age in (17, 18):
        assert policy.check(enter(age), at=at) == now.check(enter(age), at=at)
        assert policy.check(enter(age), at=at, engine="reference").engine == "reference"
        assert policy.allows(enter(age)) == now.allows(enter(age))
        assert policy.checker()(enter(age)) == now.checker()(enter(age))
        assert policy.checker().allows(enter(age)) == now.allows(enter(age))
        assert policy.checker().unvalidated(enter(age)) == now.checker()(enter(age))
        account = enter(age)["account"]
        assert policy.can(account=account, at=at) == now.can(account=account, at=at)
        assert policy.evaluate("account.age > 17", account=account) == now.evaluate("account.age > 17", account=account)


def test_a_checker_follows_and_many_are_checked_by_one_policy(path: Path, watched: Begin) -> None:
    policy = watched(path)
    rules = policy.checker()
    decisions = policy.check_many([enter(20)] * 2)
    assert (rules(enter(20)).verdict, next(decisions).verdict) == ("allow", "allow")
    put(path, gate(21))
    looks(policy)
    assert (rules(enter(20)).verdict, next(decisions).verdict) == ("deny", "allow")


def test_many_are_checked_in_an_event_loop(path: Path, watched: Begin) -> None:
    policy = watched(path)

    async def verdicts() -> list[str]:
        return [each.verdict async for each in policy.acheck_many([enter(17), enter(18)])]

    assert asyncio.run(verdicts()) == ["deny", "allow"]


def test_a_request_is_judged_by_the_policy_that_read_it_or_not_at_all(path: Path, watched: Begin) -> None:
    policy = watched(path)
    before = policy.policy
    question = before.read(enter(20))
    assert policy.allows(question)
    put(path, gate(21))
    looks(policy)
    assert before.allows(question)
    for judge in (policy.allows, policy.check, policy.checker()):
        with pytest.raises(lawful.RequestError, match="read by another policy, gate 18"):
            judge(question)


# ------------------------------------------------------------------------------------- in the middle of a change


def test_a_file_that_is_being_written_is_left_alone(path: Path, watched: Begin, told: Told) -> None:
    policy = watched(path)
    text = gate(21)
    for length in range(0, len(text), 20):
        path.write_text(text[:length], encoding="utf-8")
        looks(policy, 1)
    path.write_text(text, encoding="utf-8")
    looks(policy)
    assert told.errors == []
    assert told.changes == [("18", "21")]


def shelf(folder: Path, version: str, file: str = "books.csv") -> None:
    put(folder / "policy.yaml", TABLES.format(version=version, file=file))


def books(folder: Path, *names: str, file: str = "books.csv") -> None:
    put(folder / file, "feature,high\n" + "".join(f"{name},yes\n" for name in names))


def test_files_that_change_one_after_the_other_are_taken_together(tmp_path: Path, watched: Begin, told: Told) -> None:
    shelf(tmp_path, "1")
    books(tmp_path, "atlas")
    policy = watched(tmp_path)
    shelf(tmp_path, "2", "maps.csv")
    looks(policy, 1)  # finds a policy without its table
    books(tmp_path, "globe", file="maps.csv")
    looks(policy)
    assert told.errors == []
    assert told.changes == [("1", "2")]
    assert list(policy.policy.program.features) == ["globe"]


def test_a_table_is_part_of_the_policy(tmp_path: Path, watched: Begin, told: Told) -> None:
    shelf(tmp_path, "1")
    books(tmp_path, "atlas")
    policy = watched(tmp_path)
    books(tmp_path, "atlas", "globe")
    looks(policy)
    assert list(policy.policy.program.features) == ["atlas", "globe"]
    (tmp_path / "books.csv").unlink()
    looks(policy)
    assert [each.code for each in told.errors[0].diagnostics] == ["table-file"]  # type: ignore[attr-defined]
    assert list(policy.policy.program.features) == ["atlas", "globe"]
    books(tmp_path, "globe")
    looks(policy)
    assert list(policy.policy.program.features) == ["globe"]
    assert policy.error is None


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    path: Path, watched: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only here is a function put in the place of another: a reading is not that slow."""
    texts = iter([gate(19), gate(20), gate(21)])

    def slow(path: Path, name: str) -> bytes:
        content = path.read_bytes()
        put(path, next(texts, gate(21)))
        return content

    monkeypatch.setattr(watching, "file_of", slow)
    policy = watched(path)
    assert policy.policy.program.version == "21"


def test_the_same_size_and_the_same_time_do_not_hide_a_change(path: Path, watched: Begin) -> None:
    policy = watched(path)
    was = path.stat()
    time.sleep(0.02)  # the clock of the file system ticks
    path.write_text(gate(21), encoding="utf-8")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (was.st_size, was.st_mtime_ns)
    looks(policy)
    assert policy.policy.program.version == "21"


def test_a_folder_that_goes_and_comes_back(path: Path, watched: Begin, told: Told, tmp_path: Path) -> None:
    policy = watched(path.parent)
    path.parent.rename(tmp_path / "away")
    looks(policy, 4)
    assert [each.diagnostics[0].code for each in told.errors] == ["no-such-policy"]  # type: ignore[attr-defined]
    assert policy.allows(enter(20))
    put(tmp_path / "away" / "policy.yaml", gate(21))
    (tmp_path / "away").rename(path.parent)
    looks(policy)
    assert policy.error is None
    assert not policy.allows(enter(20))


def test_a_folder_where_the_file_was(path: Path, watched: Begin, told: Told) -> None:
    policy = watched(path)
    path.unlink()
    path.mkdir()
    looks(policy, 4)
    assert len(told.errors) == 1
    path.rmdir()
    put(path, gate(21))
    looks(policy)
    assert policy.policy.program.version == "21"


def test_links_that_are_swapped_as_kubernetes_does(tmp_path: Path, watched: Begin, told: Told) -> None:
    """`policy.yaml` is a link to `..data/policy.yaml`, and `..data` to a folder: that link alone is replaced."""

    def release(name: str, version: str, *names: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        shelf(folder, version)
        books(folder, *names)
        link = tmp_path / "..new"
        link.symlink_to(name, target_is_directory=True)
        link.replace(tmp_path / "..data")

    release("..1", "1", "atlas")
    for name in ("policy.yaml", "books.csv"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    policy = watched(tmp_path)
    release("..2", "2", "globe")
    looks(policy)
    assert told.changes == [("1", "2")]
    assert list(policy.policy.program.features) == ["globe"]


# -------------------------------------------------------------------------------------------------------- callbacks


@pytest.mark.parametrize("raised", [ValueError("mine"), SystemExit(3)])
def test_a_callback_that_raises_is_told_and_the_watching_goes_on(
    path: Path, caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    def on_change(old: lawful.Policy, new: lawful.Policy) -> None:
        raise raised

    with lawful.watch(path, on_change=on_change, interval=SOON) as policy:
        for age in (19, 20, 21):
            put(path, gate(age))
            assert eventually(lambda: policy.policy.program.version == str(age))  # noqa: B023 - called here
    assert [record.getMessage().endswith("raised, and the watching goes on") for record in caplog.records] == [True] * 3
    assert str(raised) in caplog.text


def test_a_defect_that_a_file_brings_to_light_is_told_like_a_mistake(
    path: Path, watched: Begin, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There is none to be had: the compiler is made to have one."""

    def broken(path: Path, read: Callable[[str], bytes]) -> lawful.Policy:
        read(path.name)
        raise ZeroDivisionError("a defect")

    policy = watched(path)
    with monkeypatch.context() as patched:
        patched.setattr(watching, "load_by", broken)
        put(path, gate(21))
        looks(policy)
    assert told.errors == [policy.error]
    assert "ZeroDivisionError: a defect" in caplog.text
    assert policy.allows(enter(20))
    put(path, gate(22))
    looks(policy)
    assert (policy.error, policy.policy.program.version) == (None, "22")


def test_a_look_that_fails_is_not_the_last(
    path: Path, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_memory(path: Path, names: object) -> dict[str, None]:
        raise MemoryError

    with lawful.watch(path, on_change=told.on_change, interval=SOON):
        with monkeypatch.context() as patched:
            patched.setattr(watching, "_stamps", no_memory)
            assert eventually(lambda: "could not be looked at" in caplog.text)
        put(path, gate(21))
        assert eventually(lambda: told.changes == [("18", "21")])


def test_a_callback_may_close(path: Path) -> None:
    closing: list[lawful.Watched] = []
    policy = lawful.watch(path, on_change=lambda old, new: closing[0].close(), interval=SOON)
    closing.append(policy)
    put(path, gate(21))
    assert eventually(lambda: not policy._thread.is_alive())
    assert policy.policy.program.version == "21"


def test_what_is_closed_follows_no_longer_and_goes_on_deciding(path: Path) -> None:
    with lawful.watch(path, interval=SOON) as policy:
        thread = policy._thread
        assert thread.is_alive()
    assert not thread.is_alive()
    policy.close()
    put(path, gate(21))
    time.sleep(5 * SOON)
    assert policy.allows(enter(20))


def test_its_policy_can_be_pickled_and_it_cannot(path: Path, watched: Begin) -> None:
    policy = watched(path)
    assert pickle.loads(pickle.dumps(policy.policy)).allows(enter(20))
    with pytest.raises(TypeError, match="pickle its `policy`"):
        pickle.dumps(policy)


# ----------------------------------------------------------------------------------------------- threads and memory


def test_threads_judge_by_one_policy_or_the_other(path: Path, watched: Begin, told: Told) -> None:
    """Never by half of each, never by a wrong one, and never not at all."""
    policy = watched(path, 0.01)
    done = threading.Event()
    wrong: list[str] = []

    def check() -> None:
        while not done.is_set():
            now = policy.policy
            age = int(now.program.version)
            verdicts = [now.allows(enter(age - 1)), now.allows(enter(age))]
            decision = policy.check(enter(20))
            if verdicts != [False, True] or decision.allowed != (int(decision.policy.version) <= 20):
                wrong.append(f"{age}: {verdicts}, {decision.policy.version}: {decision.verdict}")

    def checked() -> None:
        try:
            check()
        except BaseException as error:  # noqa: BLE001 - none is expected
            wrong.append(repr(error))

    threads = [threading.Thread(target=checked) for _ in range(8)]
    for thread in threads:
        thread.start()
    for text in [gate(21), WRONG, gate(18), "", gate(21), gate(18)]:
        reported = len(told.changes) + len(told.errors)
        put(path, text)
        if not eventually(lambda: len(told.changes) + len(told.errors) > reported):  # noqa: B023 - called here
            wrong.append(f"not noticed: {text}")
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(told.errors) == 2


def resident() -> float:
    """Megabytes this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account of memory")
def test_memory_stays_flat_over_a_hundred_replacements(path: Path, watched: Begin) -> None:
    """Every one of them is used by the default engine, whose rulesets go with their policy."""
    policy = watched(path)

    def replacements(many: int) -> None:
        for _ in range(many):
            age = 1 + int(policy.policy.program.version)
            put(path, gate(age))
            looks(policy)
            assert policy.check(enter(age)).reasons == ()
            assert policy.check(enter(age - 1)).verdict == "deny"

    replacements(30)
    gc.collect()
    before = resident()
    replacements(100)
    gc.collect()
    assert resident() - before <= 2


# ------------------------------------------------------------------------------------------------------- the process


@needs_fork
def test_the_child_of_a_fork_follows_the_files_too(path: Path, watched: Begin, told: Told) -> None:
    policy = watched(path, SOON)

    def child() -> None:
        assert policy.allows(enter(20))
        put(path, gate(21))
        assert eventually(lambda: told.changes == [("18", "21")])
        assert not policy.allows(enter(20))
        policy.close()

    assert trouble_in_child(child) == ""
    assert eventually(lambda: not policy.allows(enter(20)))  # the parent goes on by itself


@needs_fork
def test_forks_at_any_moment_of_a_replacement(path: Path, watched: Begin) -> None:
    policy = watched(path, 0.001)
    for turn in range(30):
        age = 18 + turn % 2
        put(path, gate(age))

        def child(age: int = age) -> None:
            assert eventually(lambda: policy.policy.program.version == str(age))
            assert [policy.check(enter(each)).allowed for each in (age - 1, age)] == [False, True]

        time.sleep(turn * 0.0007)
        assert trouble_in_child(child) == ""


def run(script: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_program_ends_while_a_thread_watches(path: Path) -> None:
    ended = run("import lawful, sys; policy = lawful.watch(sys.argv[1], interval=0.001)", path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("seconds", ["0.01", "0.05", "0.2"])
def test_a_program_ends_in_the_middle_of_a_reading(path: Path, seconds: str) -> None:
    script = """
import lawful, pathlib, sys, time
path = pathlib.Path(sys.argv[1])
policy = lawful.watch(path, interval=0.001)
path.write_text(path.read_text() + "".join(f"  x{n}: {{requires: account.age > {n}}}\\n" for n in range(2000)))
time.sleep(float(sys.argv[2]))
assert policy.policy.program.version == "18" and policy.error is None
"""
    ended = run(script, path, Path(seconds))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_without_any_logging_a_wrong_policy_is_told_on_stderr(path: Path) -> None:
    script = """
import lawful, pathlib, sys, time
path = pathlib.Path(sys.argv[1])
policy = lawful.watch(path, interval=0.01)
path.write_text(path.read_text().replace("account.age", "account.ages"))
while policy.error is None:
    time.sleep(0.01)
"""
    ended = run(script, path)
    assert "is wrong, and gate 18 (sha256:" in ended.stderr
    assert "did you mean `age`?" in ended.stderr
    assert ended.returncode == 0
