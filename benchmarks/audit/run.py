"""An audit of millions of accounts, beside the same by hand: `python benchmarks/audit/run.py [--rows 1,5,20]`.

Each thing measured is a process of its own, on two cores; what is compared runs in turns, and of three rounds the
median is told. Nothing heavy is imported here: a process's peak memory begins with its parent's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SHELL = ["-c", "import sys; from lawful.command import main; sys.exit(main())"]
"""What `lawful` itself is, of whatever Python runs this."""
CORES = 2
AT = "2026-11-01"
SCALE = 1024 if sys.platform != "darwin" else 1024 * 1024
"""What the peak memory of a process is told in, by the megabyte."""


@dataclass(frozen=True)
class Measured:
    """One process: what it told, and what the system says of it. Seconds, megabytes."""

    told: dict[str, Any]
    wall: float
    cpu: float
    peak: float


def main() -> None:
    asked = _arguments()
    folder = Path(asked.folder)
    folder.mkdir(parents=True, exist_ok=True)
    cores = os.cpu_count()
    if hasattr(os, "sched_setaffinity"):  # every process that is started here inherits it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(f"two cores of {cores}, {asked.rounds} rounds, features as {asked.features}\n")
    growth: list[tuple[float, dict[str, float]]] = []
    for millions in asked.rows:
        growth.append((millions, _one_size(millions, folder, asked.rounds, asked.features)))
    _tell_growth(growth)
    if asked.groups:
        for millions in asked.rows:
            _with_events(millions, folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1,5,20", type=lambda text: [float(each) for each in text.split(",")])
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--features", default="list", choices=["list", "columns"])
    parser.add_argument("--folder", default=ROOT / "build" / "audit", help="where the inventories are kept")
    parser.add_argument("--groups", action=argparse.BooleanOptionalAction, default=True, help="groups and events, too")
    return parser.parse_args()


# --------------------------------------------------------------------------------------------------- the 25 rules


def _one_size(millions: float, folder: Path, rounds: int, features: str) -> dict[str, float]:
    """The table of one size; the seconds of each row of it."""
    rows = round(millions * 1_000_000)
    inventory = folder / f"{millions:g}M-{features}.parquet"
    worker("sampled", "policy.yaml", str(rows), str(inventory), *(["feature-columns"] if features == "columns" else []))
    by_hand, by_lawful, by_shell = (folder / f"{name}.parquet" for name in ("twin", "ours", "shell"))
    shell = [*SHELL, "audit", str(HERE / "policy.yaml"), str(inventory), "--at", AT, "-o", str(by_shell)]
    rounds_of: dict[str, list[Measured]] = {}
    worker("scan", str(inventory), features)  # what is read is in memory from now on, for everybody
    for _ in range(rounds):
        for name, measured in (
            ("scan", lambda: worker("scan", str(inventory), features)),
            ("twin", lambda: worker("twin", str(inventory), features, str(by_hand))),
            ("checked", lambda: worker("checked", str(inventory), features, str(by_hand))),
            ("ours", lambda: worker("ours", str(inventory), str(by_lawful))),
            ("shell", lambda: process([*shell, "--quiet"], allowed=(0, 1))),
        ):
            rounds_of.setdefault(name, []).append(measured())
    for other in (by_lawful, by_shell):
        must_agree(by_hand, other)
    return _tell(millions, rounds_of)


ROWS = (
    ("bare scan", "scan", "query"),
    ("twin: query", "twin", "query"),
    ("lawful: query", "ours", "query"),
    ("twin: process", "twin", "process"),
    ("twin with checks: process", "checked", "process"),
    ("lawful: from Python", "ours", "process"),
    ("lawful: from the shell", "shell", "process"),
)
"""What is told, of which process, and whether of its query or of all of it."""


def _tell(millions: float, rounds_of: dict[str, list[Measured]]) -> dict[str, float]:
    """Wall and CPU seconds are medians, memory is the most of all rounds."""

    def middle(name: str, what: str) -> tuple[float, float]:
        if what == "process":
            return median(each.wall for each in rounds_of[name]), median(each.cpu for each in rounds_of[name])
        return median(each.told["wall"] for each in rounds_of[name]), median(
            each.told["cpu"] for each in rounds_of[name]
        )

    print(
        f"{millions:g} M accounts, 25 rules".ljust(28)
        + "   wall s   CPU s  peak MB   × twin: wall   CPU   × scan: wall   CPU"
    )
    scan = middle("scan", "query")
    told: dict[str, float] = {}
    for title, name, what in ROWS:
        wall, cpu = middle(name, what)
        twin = middle("twin", what)
        peak = "" if title.endswith(": query") else f"{max(each.peak for each in rounds_of[name]):.0f}"
        beside = f"{wall / twin[0]:15.2f}{cpu / twin[1]:6.2f}" if name != "scan" else " " * 21
        print(f"  {title:26}{wall:9.2f}{cpu:8.2f}{peak:>9}{beside}{wall / scan[0]:15.2f}{cpu / scan[1]:6.2f}")
        told[title] = wall
    print("  (× twin: a query beside the twin's query, a process beside the twin's process)\n")
    return told


def _tell_growth(growth: list[tuple[float, dict[str, float]]]) -> None:
    print("seconds a million accounts" + " " * 8 + "".join(f"{millions:>7g} M" for millions, _ in growth))
    for name in growth[0][1]:
        print(f"  {name:32}" + "".join(f"{seconds[name] / millions:9.3f}" for millions, seconds in growth))
    print()


def must_agree(one: Path, other: Path) -> None:
    told = worker("compared", str(one), str(other)).told
    if told["apart"] != [0, 0]:
        raise SystemExit(f"{one} and {other} differ: {told['apart']} rows are in one only")
    print(f"{other.stem} finds what {one.stem} finds: {told['findings']:,} findings of {told['accounts']:,} accounts")


# ------------------------------------------------------------------------------------------------ groups and events


def _with_events(millions: float, folder: Path) -> None:
    """Accounts of one subject counted, and limits in windows over two events an account: by lawful alone."""
    rows = round(millions * 1_000_000)
    inventory = folder / f"{millions:g}M-groups"
    worker("sampled", "groups.yaml", str(rows), str(inventory), "events")
    command = [*SHELL, "audit", str(HERE / "groups.yaml"), str(inventory / "accounts.parquet"), "--at", AT]
    output = ["-o", str(folder / "groups.parquet"), "--quiet"]
    for name, more in (("groups alone", []), ("groups and events", ["--history", str(inventory / "events.parquet")])):
        found = process([*command, *more, *output], allowed=(0, 1))
        told = f"{found.wall:8.2f}{found.cpu:8.2f}{found.peak:9.0f}"
        print(f"{millions:g} M accounts, {name}:".ljust(38) + told + "   (wall s, CPU s, peak MB)")


# -------------------------------------------------------------------------------------------------------- processes


def worker(*arguments: str) -> Measured:
    return process([str(HERE / "worker.py"), *arguments])


def process(arguments: list[str], allowed: tuple[int, ...] = (0,)) -> Measured:
    """Run it with this Python, which may keep what it compiles, as it does where `lawful` is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT / "engine")
    begun = time.perf_counter()
    running = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, env=environment)
    assert running.stdout is not None
    said = running.stdout.read()
    _, status, used = os.wait4(running.pid, 0)
    wall = time.perf_counter() - begun
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode not in allowed:
        raise SystemExit(f"{' '.join(arguments)}: exit code {running.returncode}")
    told = json.loads(said) if said.startswith(b"{") else {}
    return Measured(told, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / SCALE)


if __name__ == "__main__":
    main()
