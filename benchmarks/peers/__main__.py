"""`make bench-peers`: lawful and its peers on the same rules and requests. benchmarks/README.md says how."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from peers import table
from peers.comparing import Compared, Different, Effort, compare
from peers.listed import BY_HAND, FLOOR, PEERS, Listed, named
from peers.rules import PACK25, RECORD

SIZES = (25, 100, 1_000, 5_000)


def main() -> None:
    options = _options()
    peers = [each for each in PEERS if not options.only or each.title in {FLOOR, *options.only}]
    effort = Effort(options.requests, options.rounds, options.seconds)
    started = time.perf_counter()
    try:
        ours = [each for each in peers if each.ours]
        pack = compare(PACK25.name, effort, peers=ours, timed=not options.verify) if ours else None
        record = compare(RECORD.name, effort, peers=peers, timed=not options.verify)
        growing = [_moves(size, effort, peers, timed=not options.verify) for size in SIZES]
    except Different as different:
        sys.exit(f"the peers do not agree, so nothing was timed further\n{different}")
    if sys.stderr.isatty():
        print("\r\x1b[2K", end="", file=sys.stderr)
    if options.verify:
        print("\n".join(_verified(each) for each in [record, *growing, pack] if each))
    else:
        _tell(pack, record, growing, effort, time.perf_counter() - started, markdown=options.markdown)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m peers", description="lawful beside its peers")
    effort = Effort()
    parser.add_argument("only", nargs="*", metavar="PEER", help=", ".join(each.title for each in PEERS))
    parser.add_argument("--markdown", action="store_true", help="tables for RESULTS.md")
    parser.add_argument("--verify", action="store_true", help="compare the answers, time nothing")
    parser.add_argument("--requests", type=int, default=effort.requests)
    parser.add_argument("--rounds", type=int, default=effort.rounds)
    parser.add_argument("--seconds", type=float, default=effort.seconds, help="for each cell in each round")
    options = parser.parse_args()
    for unknown in set(options.only) - {each.title for each in PEERS}:
        parser.error(f"there is no peer `{unknown}`")
    return options


def _moves(size: int, effort: Effort, peers: Sequence[Listed], *, timed: bool) -> Compared:
    """At the smallest size every cell is timed, above it only the one that is to grow."""
    whole = size == SIZES[0]
    return compare(
        f"moves-{size}",
        effort,
        peers=peers,
        by_hand=[named(title) for title in BY_HAND if named(title) in peers],
        cells=None if whole else ["broken"],
        timed=timed,
        memory=whole,
    )


def _verified(compared: Compared) -> str:
    agreed = [row.title for row in compared.rows if row.failed is None]
    failed = [f"  {row.title}: {row.failed}" for row in compared.rows if row.failed is not None]
    told = f"{compared.policy}: {compared.requests} requests, {compared.refused} refused; {len(agreed)} agree"
    return "\n".join([told, *failed])


def _tell(
    pack: Compared | None,
    record: Compared,
    growing: Sequence[Compared],
    effort: Effort,
    seconds: float,
    *,
    markdown: bool,
) -> None:
    shown = table.markdown if markdown else table.text
    print(
        f"{datetime.now(UTC):%-d %B %Y}, Python {platform.python_version()}, {os.cpu_count()} cores; medians of "
        f"{effort.rounds} rounds of {effort.seconds} s, in turn; {seconds / 60:.0f} minutes.\n"
        "Microseconds a check, and how many times the hand-written floor.\n"
    )
    tables = [
        (record, "25 rules, each of them judged at every request"),
        (growing[0], "25 rules of five actions, five of them judged at a request"),
    ]
    if pack is not None:
        tables.append((pack, "pack25.yaml, with life cycles, limits over a history, and dates: lawful alone"))
    versions = {each.distribution: each.installed for each in PEERS if each.installed}
    print("; ".join(f"{distribution} {version}" for distribution, version in versions.items()) + "\n")
    for compared, title in tables:
        told = [
            f"### {title}\n" if markdown else title,
            _asked(compared),
            "",
            shown(table.cells(compared)),
            "",
            *table.places(compared),
        ]
        print("\n".join(told))
    print(f"{'### ' * markdown}Growth: the verdict and the ids, five rules judged at a request whatever the size\n")
    print(shown(table.growth(growing, "broken")))
    found = list(table.notes([record, *growing]))
    print("\n" + "\n".join(f"- {note}" for note in found) if found else "")


def _asked(compared: Compared) -> str:
    broken = compared.broken / max(1, compared.refused)
    return (
        f"{compared.requests} requests, {compared.refused} refused by {broken:.1f} rules on average; all verdicts equal"
    )


if __name__ == "__main__":
    main()
