"""A long run against the foreign witness: random expressions that every engine and Google's CEL evaluator judge.

    python benchmarks/witness.py 1000000

Drawn and judged as in tests/test_witness.py, though elsewhere. Each batch has its own seed and its own process, since
durable_rules never gives back all of its memory. The exit code is 1 if anything differs.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

BATCH = 10_000
TESTS = Path(__file__).parent.parent / "tests"


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seen: Counter[str] = Counter()
    differing, seed, begun = 0, first, time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        while seen.total() < wanted:
            found, differences = pool.submit(batch, seed, min(BATCH, wanted - seen.total())).result()
            seen += found
            differing += len(differences)
            for each in differences[:5]:
                print(f"seed {seed}: {each}")
            print(f"{seen.total():>9} cases, {differing} differ, {time.perf_counter() - begun:.0f} s", flush=True)
            seed += 1
    print(f"values: {', '.join(f'{count} {name}' for name, count in seen.most_common())}")
    print(f"seeds {first} to {seed - 1}")
    sys.exit(1 if differing else 0)


def batch(seed: int, wanted: int) -> tuple[Counter[str], list[str]]:
    """At least so many cases, unless few are drawn: the types of CEL's values, and where an engine differs."""
    sys.path.insert(0, str(TESTS))
    import hypothesis

    import test_witness
    from test_witness import SIZES, Case, Untold, cases

    seen: Counter[str] = Counter()
    differing: list[str] = []
    size, expressions, situations = list(SIZES.values())[seed % len(SIZES)]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=wanted // (expressions * situations) + 1,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(cases(size, expressions, situations))
    def judge(case: Case) -> None:
        with suppress(Untold):
            found, values = test_witness.differences(case)
            differing.extend(found)
            seen.update(type(each).__name__ for of_expression in values for each in of_expression)

    judge()
    return seen, differing


if __name__ == "__main__":
    main()
