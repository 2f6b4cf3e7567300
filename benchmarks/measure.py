"""Timing within one process: medians of several rounds, in microseconds a call."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median


def microseconds(call: Callable[[], object], *, rounds: int = 15, seconds: float = 0.2) -> float:
    """The median over the rounds; each is as many calls as fit into the seconds."""
    call()
    calls = max(1, int(seconds / _once(call, 20)))
    return median(_once(call, calls) for _ in range(rounds)) * 1e6


def _once(call: Callable[[], object], calls: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def process_seconds(start: Callable[[], object], *, rounds: int = 15) -> float:
    """The median time of starting a process and waiting for it."""
    start()
    return median(_once(start, 1) for _ in range(rounds))
