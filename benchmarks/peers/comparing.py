"""A policy given to all peers at once: their answers compared, then their times taken in turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from peers.listed import INSTALL, PEERS, Listed
from peers.processes import Failed, Process


@dataclass(frozen=True, slots=True)
class Effort:
    requests: int = 2_000
    rounds: int = 9
    seconds: float = 0.1
    """For each cell in each round."""


class Different(Exception):
    """A peer answers otherwise than the first; then nothing may be timed."""


@dataclass(slots=True)
class Row:
    """What was found of one peer on one policy."""

    title: str
    behind: bool = False
    """Behind a dictionary of ours."""
    ours: bool = False
    failed: str | None = None
    note: str = ""
    load_seconds: float = 0.0
    load_megabytes: float = 0.0
    growth_megabytes: float | None = None
    growth_checks: int = 0
    microseconds: dict[str, float] = field(default_factory=dict)
    """The median of the rounds, by cell."""
    over: dict[str, float] = field(default_factory=dict)
    """The seconds of the one check that was too slow to be measured, by cell."""


@dataclass(slots=True)
class Compared:
    policy: str
    requests: int
    refused: int
    broken: int
    rows: list[Row]


def compare(
    policy: str,
    effort: Effort,
    *,
    peers: Sequence[Listed] = PEERS,
    by_hand: Sequence[Listed] = (),
    cells: Sequence[str] | None = None,
    timed: bool = True,
    memory: bool = True,
) -> Compared:
    """Raises Different, before anything is timed.

    `by_hand`: the peers to which a dictionary of ours is put in front as well. `cells`: those to be timed.
    """
    rows: list[Row] = []
    with _started(policy, effort, peers, by_hand, rows) as processes:
        expected = _agreed(processes, effort, rows)
        if timed:
            _time(processes, effort, cells, rows)
        if timed and memory:
            _weigh(processes, [row for row in rows if not row.behind])
    return Compared(policy, effort.requests, sum(map(bool, expected)), sum(map(len, expected)), rows)


@contextmanager
def _started(
    policy: str, effort: Effort, peers: Sequence[Listed], by_hand: Sequence[Listed], rows: list[Row]
) -> Iterator[dict[str, Process]]:
    processes: dict[str, Process] = {}
    try:
        for listed, behind in [*((each, False) for each in peers), *((each, True) for each in by_hand)]:
            row = Row(f"{listed.title} + a dictionary" if behind else listed.title, behind, listed.ours)
            rows.append(row)
            if listed.installed is None:
                row.failed = f"not installed: {INSTALL}"
                continue
            _told(f"{policy}: {row.title}")
            try:
                process = Process(listed, policy, effort.requests, by_hand=behind)
            except Failed as failed:
                row.failed = str(failed)
                continue
            processes[row.title] = process
            row.note = process.loaded["note"]
            row.load_seconds, row.load_megabytes = process.loaded["seconds"], process.loaded["megabytes"]
        yield processes
    finally:
        for process in processes.values():
            process.close()


def _agreed(processes: dict[str, Process], effort: Effort, rows: list[Row]) -> list[list[str]]:
    """The ids that every peer finds broken, for each request, whichever way it is asked. Raises Different.

    The first of them, the floor where it takes part, says what is expected.
    """
    if rows[0].failed is not None:
        raise Different(f"{rows[0].title}: {rows[0].failed}")
    expected: list[list[str]] = processes[rows[0].title].ask("answers", count=effort.requests)["broken"]
    for row in _alive(processes, rows):
        # what takes a tenth of a second a check is compared on fewer
        count = effort.requests
        try:
            process = processes[row.title]
            first = process.ask("measure", cell=_with_ids(process.loaded["cells"]), seconds=0.0, start=0)
            slow = first.get("microseconds", 1e6 * first.get("over", 0)) / 1e6
            count = min(count, max(20, int(10 / slow)))
            answers = process.ask("answers", count=count)
        except Failed as failed:
            row.failed = str(failed)
            continue
        for cell, found in answers.items():
            for index, (answer, ids) in enumerate(zip(found, expected, strict=False)):
                if answer != ((not ids) if cell == "allows" else ids):
                    raise Different(f"{row.title}, {cell}, request {index}: {answer}, not {ids}")
    return expected


def _time(processes: dict[str, Process], effort: Effort, cells: Sequence[str] | None, rows: list[Row]) -> None:
    """Round by round, every peer in turn, so that whatever else the machine does falls on all alike."""
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(effort.rounds):
        _told(f"round {number + 1} of {effort.rounds}")
        for row in _alive(processes, rows):
            process = processes[row.title]
            for cell in process.loaded["cells"]:
                if (cells is not None and cell not in cells) or cell in row.over:
                    continue
                try:
                    taken = process.ask("measure", cell=cell, seconds=effort.seconds, start=number * 101)
                except Failed as failed:
                    row.failed = str(failed)
                    break
                if "over" in taken:
                    row.over[cell] = taken["over"]
                else:
                    found.setdefault((row.title, cell), []).append(taken["microseconds"])
    for row in rows:
        row.microseconds = {cell: median(times) for (title, cell), times in found.items() if title == row.title}


def _with_ids(cells: Sequence[str]) -> str:
    """The first cell that gives ids."""
    return next(cell for cell in cells if cell != "allows")


def _weigh(processes: dict[str, Process], rows: list[Row]) -> None:
    for row in _alive(processes, rows):
        _told(f"memory: {row.title}")
        try:
            grown: dict[str, Any] = processes[row.title].ask("memory")
        except Failed as failed:
            row.failed = str(failed)
            continue
        row.growth_megabytes, row.growth_checks = grown["megabytes"], grown["checks"]


def _alive(processes: dict[str, Process], rows: list[Row]) -> Iterator[Row]:
    return (row for row in rows if row.failed is None and row.title in processes)


def _told(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
