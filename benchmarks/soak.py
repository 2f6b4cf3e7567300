"""`make soak`: long runs in one process, the memory they take, and any wrong verdict.

python benchmarks/soak.py [memory|allows|threads|reload|replaced ...] [--checks N] [--threads N] [--calls N] [--times N]
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from run import ALLOWED, HERE, REFUSED, SENT

import lawful

PACK = HERE / "pack25.yaml"
REQUESTS = [(ALLOWED, "allow"), (REFUSED, "deny"), (SENT, "deny")]


def main() -> None:
    parts = {"memory": memory, "allows": allows, "threads": threads, "reload": reload, "replaced": replaced}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(parts)}; all by default")
    parser.add_argument(
        "--checks", type=int, default=1_000_000, help="of `memory` and `allows`; a tenth of it of `threads`"
    )
    parser.add_argument("--threads", type=int, default=8, help="of `threads` and `reload`")
    parser.add_argument("--calls", type=int, default=100_000, help="of `allows`, for each thread of `reload`")
    parser.add_argument("--times", type=int, default=500, help="that `replaced` replaces the policy")
    asked = parser.parse_args()
    logging.getLogger("lawful").addHandler(logging.NullHandler())  # the mistakes made on purpose are counted only
    if unknown := set(asked.parts) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: they are {', '.join(parts)}")
    wrong = sum(parts[part](asked) for part in asked.parts or parts)
    print(f"wrong: {wrong}")
    sys.exit(1 if wrong else 0)


def resident() -> float:
    """Of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def memory(asked: argparse.Namespace) -> int:
    """How much memory a million checks take on the default engine, the reasons of every tenth read."""
    policy = lawful.load(PACK)

    def check(index: int) -> int:
        request, verdict = REQUESTS[index % 3]
        decision = policy.check(request)
        wrong = decision.verdict != verdict
        return wrong + (index % 10 == 0 and bool(decision.reasons) != (verdict == "deny"))

    return _many(asked.checks, check, "checks")


def allows(asked: argparse.Namespace) -> int:
    """How much memory a million calls of `allows` take."""
    policy = lawful.load(PACK)

    def ask(index: int) -> int:
        request, verdict = REQUESTS[index % 3]
        return policy.allows(request) != (verdict == "allow")

    return _many(asked.checks, ask, "allows")


def _many(times: int, call: Callable[[int], int], what: str) -> int:
    """The memory, told ten times on the way; and how many were wrong."""
    wrong = 0
    begun = time.perf_counter()
    for index in range(times):
        wrong += call(index)
        if index % (times // 10) == times // 100:
            print(f"{index:>9} {what}: {resident():7.1f} MB", flush=True)
    print(f"{times:>9} {what}: {resident():7.1f} MB, {time.perf_counter() - begun:.0f} s", flush=True)
    return wrong


def threads(asked: argparse.Namespace) -> int:
    """Threads on one policy."""
    policy = lawful.load(PACK)
    each = asked.checks // 10 // asked.threads

    def check(number: int) -> int:
        wrong = 0
        for index in range(each):
            request, verdict = REQUESTS[(index + number) % 3]
            wrong += policy.check(request).verdict != verdict
        return wrong

    wrong = _at_once(asked.threads, check)
    print(f"{asked.threads} threads × {each} checks: {resident():.1f} MB", flush=True)
    return wrong


# ------------------------------------------------------------------------------------------------------- hot reload


def reload(asked: argparse.Namespace) -> int:
    """Threads ask whether a change is allowed while the policy is replaced, and wrong now and then."""
    allowed = _allowed()
    done = threading.Event()

    def ask(number: int) -> int:
        wrong = 0
        for index in range(asked.calls):
            place = (index + number) % 3
            request, _ = REQUESTS[place]
            now = edited.watched.policy
            wrong += now.allows(request) != allowed[_parity(now.program.version)][place]
            if index % 100 == 0:  # the default engine: its decision says by which policy it was made
                decision = edited.watched.check(request)
                wrong += decision.allowed != allowed[_parity(decision.policy.version)][place]
            if number == 0 and index % (asked.calls // 5) == asked.calls // 100:
                print(f"{index:>9} calls: {resident():7.1f} MB, {edited}", flush=True)
        return wrong

    with Edited() as edited:
        editor = threading.Thread(target=edited.over_and_over, args=(done,))
        editor.start()
        begun = time.perf_counter()
        wrong = _at_once(asked.threads, ask)
        seconds = time.perf_counter() - begun
        done.set()
        editor.join()
        calls = f"{asked.threads} threads × {asked.calls} allows"
        print(f"{calls}: {resident():.1f} MB, {edited}, {seconds:.0f} s", flush=True)
    return wrong


def replaced(asked: argparse.Namespace) -> int:
    """The memory that policies leave behind which were used, by the default engine too, and replaced."""
    allowed = _allowed()
    wrong = 0
    with Edited() as edited:
        for time_ in range(1, asked.times + 1):
            edited.once(threading.Event())
            now = edited.watched.policy
            for (request, _), right in zip(REQUESTS, allowed[_parity(now.program.version)], strict=True):
                wrong += now.allows(request) != right
                wrong += now.check(request).allowed != right
            if time_ % (asked.times // 10) == 0:
                print(f"{time_:>9} edits: {resident():7.1f} MB, {edited}", flush=True)
    return wrong


class Edited:
    """A policy that is watched, and edited: no two versions are alike, and every fifth edit is wrong."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name, "policy.yaml")
        self._path.write_text(_version(0), encoding="utf-8")
        self._told: Counter[str] = Counter()
        self._number = 0
        self.watched = lawful.watch(
            self._path,
            on_change=lambda old, new: self._told.update(["replaced"]),
            on_error=lambda error: self._told.update(["wrong"]),
            interval=0.01,
        )

    def __enter__(self) -> Edited:
        return self

    def __exit__(self, *raised: object) -> None:
        self.watched.close()
        self._folder.cleanup()

    def __str__(self) -> str:
        return f"{self._told['replaced']} times replaced, {self._told['wrong']} times wrong"

    def over_and_over(self, done: threading.Event) -> None:
        while not done.is_set():
            self.once(done)

    def once(self, done: threading.Event) -> None:
        """Edit, and wait until that was noticed."""
        self._number += 1
        wrong = self._number % 5 == 0
        text = _version(self._number)
        seen = self._told.total()
        beside = self._path.with_name("policy.yaml.new")
        beside.write_text(text.replace("account.warnings", "account.warning") if wrong else text, encoding="utf-8")
        beside.replace(self._path)
        while self._told.total() == seen and not done.is_set():
            time.sleep(0.001)


def _version(number: int) -> str:
    """The even ones are `pack25.yaml`; the odd ones refuse the upgrade, and allow two messages a day."""
    text = PACK.read_text(encoding="utf-8").replace('version: "1"', f'version: "{number}"')
    text = text.replace("account.followers < 50000", f"account.followers < {50000 + number}")
    if number % 2:
        text = text.replace("organization, in_order]", "organization, in_order, account.followers > 50000]")
        text = text.replace("{id: daily, at_most: 1", "{id: daily, at_most: 2")
    return text


def _parity(version: str) -> int:
    return int(version) % 2


def _allowed() -> list[list[bool]]:
    """What the reference allows of the requests: by an even version, by an odd one."""
    policies = [lawful.loads(_version(number)) for number in (0, 1)]
    found = [[policy.check(each, engine="reference").allowed for each, _ in REQUESTS] for policy in policies]
    assert found == [[True, False, False], [False, False, True]]
    return found


def _at_once(threads: int, work: Callable[[int], int]) -> int:
    """What the threads find wrong, all told; an exception is wrong, too."""
    found: Counter[int] = Counter()

    def run(number: int) -> None:
        try:
            found[number] = work(number)
        except Exception:  # noqa: BLE001 - whatever it is, it should not have been
            traceback.print_exc()
            found[number] = 1

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return found.total()


if __name__ == "__main__":
    main()
