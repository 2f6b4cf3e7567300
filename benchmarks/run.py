"""`make bench`: how long one check takes, in this process and from a cold shell.

25 rules, an account of 8 fields, 4 events. Figures with a date stand in benchmarks/RESULTS.md; no test times anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measure import microseconds, process_seconds

import lawful

HERE = Path(__file__).parent
ROOT = HERE.parent
ACCOUNT = {
    "type": "subscription",
    "status": "active",
    "subject": "enterprise",
    "certified_until": "2025-12-31",
    "last_active": "2025-02-28",
    "followers": 12000,
    "warnings": 0,
    "region": "CN-11",
}
HISTORY = [
    {"event": "mass_send", "at": "2025-02-26T08:00:00+08:00"},
    {"event": "mass_send", "at": "2025-02-27T08:00:00+08:00"},
    {"event": "mass_send", "at": "2025-02-28T08:00:00+08:00"},
    {"event": "rename", "at": "2024-06-01T08:00:00+08:00"},
]
ALLOWED = {"account": ACCOUNT, "change": {"set": {"type": "service"}}, "history": HISTORY, "at": "2025-03-01"}
REFUSED = {**ALLOWED, "account": {**ACCOUNT, "certified_until": "2025-01-31", "warnings": 4}}
SENT = {**ALLOWED, "change": {"do": "mass_send"}, "at": "2025-02-28T20:00:00+08:00"}
CHECK = ["check", "wechat", "--account", "fixtures/demo/certified.json", "--set", "type=service"]
WHEN = ["--at", "2025-03-01", "--history", "none"]


def main() -> None:
    policy = lawful.load(HERE / "pack25.yaml")
    _table(
        "one check, from the request as a dict (µs, medians)",
        [ALLOWED, REFUSED, SENT],
        [
            ("default: rete, cross-checked", policy.check),
            ("default, its reasons read", lambda request: policy.check(request).reasons),
            ("default, the whole decision as JSON", lambda request: policy.check(request).model_dump_json()),
            ("reference alone", lambda request: policy.check(request, engine="reference")),
        ],
    )
    checker = policy.checker()
    _table(
        "the same, from a request that was read and validated before",
        [policy.read(request) for request in (ALLOWED, REFUSED, SENT)],
        [
            ("default: rete, cross-checked", policy.check),
            ("default, its reasons read", lambda question: policy.check(question).reasons),
            ("reference alone", lambda question: policy.check(question, engine="reference")),
            ("direct, a whole decision", lambda question: policy.check(question, engine="direct")),
            ("direct: verdict and ids of broken rules", checker),
        ],
    )
    _table("direct: verdict and ids, from a dict", [ALLOWED, REFUSED, SENT], [("direct", checker)])
    _table(
        "direct: verdict and ids, from JSON bytes",
        [json.dumps(request).encode() for request in (ALLOWED, REFUSED, SENT)],
        [("direct", checker), ("(json.loads alone)", json.loads)],
    )
    _cold()


def _table(title: str, asked: list[Any], rows: list[tuple[str, Callable[[Any], object]]]) -> None:
    """A row a way of asking: a change that is allowed, one that is refused, one that a limit refuses."""
    print(f"{title}\n\n{'':44}{'allowed':>10}{'refused':>10}{'limit':>10}")
    for name, check in rows:
        times = [microseconds(partial(check, each)) for each in asked]
        print(f"{name:44}" + "".join(f"{each:10.1f}" for each in times))
    print()


def _cold() -> None:
    """A new process each time; the compiled policy is in the cache after the first."""
    python = sys.executable
    command = Path(python).with_name("lawful")
    floor = process_seconds(_silent([python, "-c", "import typer, pydantic; pydantic.BaseModel"]))
    check = process_seconds(_silent([str(command), *CHECK, *WHEN]))
    print("from a cold shell (ms, medians)\n")
    print(f"{'import typer, pydantic':44}{floor * 1000:10.1f}")
    print(f"{'lawful check':44}{check * 1000:10.1f}   {check / floor:.2f} ×")


def _silent(command: list[str]) -> Callable[[], object]:
    # compiled bytecode is kept, as it is for anybody who starts a command twice
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


if __name__ == "__main__":
    main()
