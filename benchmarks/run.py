"""`make bench`: how long one check takes, in this process and from a cold shell. Prints one table.

The figures that are committed are in benchmarks/RESULTS.md; a test never times anything.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

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
    print("one check, 25 rules, account of 8 fields, 4 events (µs, medians)\n")
    print(f"{'':44}{'allowed':>10}{'refused':>10}{'limit':>10}")
    rows: list[tuple[str, Callable[[dict[str, object]], object]]] = [
        ("default: rete, cross-checked", policy.check),
        ("default, its reasons read", lambda request: policy.check(request).reasons),
        ("default, the whole decision as JSON", lambda request: policy.check(request).model_dump_json()),
        ("reference alone", lambda request: policy.check(request, engine="reference")),
    ]
    for name, check in rows:
        times = [microseconds(partial(check, request)) for request in (ALLOWED, REFUSED, SENT)]
        print(f"{name:44}" + "".join(f"{each:10.1f}" for each in times))
    _cold()


def _cold() -> None:
    """A new process each time; the compiled policy is in the cache after the first."""
    python = sys.executable
    command = Path(python).with_name("lawful")
    floor = process_seconds(_silent([python, "-c", "import typer, pydantic; pydantic.BaseModel"]))
    check = process_seconds(_silent([str(command), *CHECK, *WHEN]))
    print("\nfrom a cold shell (ms, medians)\n")
    print(f"{'import typer, pydantic':44}{floor * 1000:10.1f}")
    print(f"{'lawful check':44}{check * 1000:10.1f}   {check / floor:.2f} ×")


def _silent(command: list[str]) -> Callable[[], object]:
    return lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


if __name__ == "__main__":
    main()
