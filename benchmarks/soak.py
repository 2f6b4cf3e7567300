"""`make soak`: a million checks in one process, and eight threads: the memory they take, and any wrong verdict."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from run import ALLOWED, HERE, REFUSED, SENT

import lawful

CHECKS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
THREADS = 8
REQUESTS = [(ALLOWED, "allow"), (REFUSED, "deny"), (SENT, "deny")]


def main() -> None:
    policy = lawful.load(HERE / "pack25.yaml")
    wrong = memory(policy)
    wrong += threads(policy)
    print(f"wrong verdicts: {wrong}")
    sys.exit(1 if wrong else 0)


def resident() -> float:
    """Of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def memory(policy: lawful.Policy) -> int:
    """How much memory a million checks take: told ten times on the way."""
    wrong = 0
    begun = time.perf_counter()
    for index in range(CHECKS):
        request, verdict = REQUESTS[index % 3]
        decision = policy.check(request)
        wrong += decision.verdict != verdict
        if index % 10 == 0:
            wrong += bool(decision.reasons) != (verdict == "deny")
        if index % (CHECKS // 10) == CHECKS // 100:
            print(f"{index:>9} checks: {resident():7.1f} MB", flush=True)
    print(f"{CHECKS:>9} checks: {resident():7.1f} MB, {time.perf_counter() - begun:.0f} s")
    return wrong


def threads(policy: lawful.Policy) -> int:
    """Eight threads on one policy."""
    wrong: Counter[int] = Counter()
    each = CHECKS // 10 // THREADS

    def run(number: int) -> None:
        for index in range(each):
            request, verdict = REQUESTS[(index + number) % 3]
            wrong[number] += policy.check(request).verdict != verdict

    running = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(f"{THREADS} threads × {each} checks: {resident():7.1f} MB")
    return wrong.total()


if __name__ == "__main__":
    main()
