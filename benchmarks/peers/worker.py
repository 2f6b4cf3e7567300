"""One peer in a process of its own: `python -m peers.worker HOME POLICY REQUESTS whole|by-hand`.

It answers one line of JSON for each line that it is sent. What a peer prints, leaks or crashes stays here.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from peers import requests as asking
from peers import validated
from peers.listed import OURS, loader
from peers.peer import Peer
from peers.requests import Request
from peers.rules import Policy, policy_named

TOO_SLOW = 1.0
"""Seconds of one check from which on nothing is measured but that."""

MEMORY_CHECKS = 100_000
MEMORY_SECONDS = 3.0


class Worker:
    def __init__(self, home: str, policy: Policy, count: int, *, by_hand: bool) -> None:
        self.requests = asking.requests(policy, count)
        texts = list(asking.as_bytes(self.requests))
        bare = _resident()
        started = time.perf_counter()
        self.peer = _behind_a_dictionary(home, policy) if by_hand else loader(home)(policy)
        self.seconds = time.perf_counter() - started
        self.megabytes = _resident() - bare
        peer = self.peer
        prepared = [peer.prepare(request) for request in self.requests]
        read_dict, read_json = validated.readers(policy)
        dict_validated, json_validated = peer.dict_validated, peer.json_validated
        if peer.from_dict is not None and not home.startswith(OURS):
            dict_validated = _validating(read_dict, peer.from_dict)
            json_validated = _validating(read_json, peer.from_dict)
        cells: dict[str, tuple[Callable[[Any], Any] | None, Sequence[Any]]] = {
            "allows": (peer.allows, prepared),
            "broken": (peer.broken, prepared),
            "from_dict": (peer.from_dict, self.requests),
            "from_json": (peer.from_json, texts),
            "dict_validated": (dict_validated, self.requests),
            "json_validated": (json_validated, texts),
            "explain": (peer.explain, self.requests),
        }
        self.cells = {cell: (call, inputs) for cell, (call, inputs) in cells.items() if call is not None}

    def loaded(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "megabytes": self.megabytes,
            "note": self.peer.note,
            "cells": list(self.cells),
        }

    def answers(self, count: int) -> dict[str, list[Any]]:
        """What each cell answers to the first so many requests: whether allowed, or the ids in order."""
        found: dict[str, list[Any]] = {}
        for cell in set(self.cells) - {"explain"}:
            call, inputs = self.cells[cell]
            read = bool if cell == "allows" else self._ids
            found[cell] = [read(call(each)) for each in inputs[:count]]
        return found

    def _ids(self, answer: Any) -> list[str]:
        return sorted(self.peer.ids(answer))

    def measure(self, cell: str, seconds: float, start: int) -> dict[str, float]:
        """The microseconds of one call, over as many calls as the seconds allow, from that request on."""
        call, inputs = self.cells[cell]
        once = _seconds(call, [inputs[start % len(inputs)]])
        if once > TOO_SLOW:
            return {"over": once}
        several = _seconds(call, [inputs[(start + index) % len(inputs)] for index in range(5)]) / 5
        calls = max(5, int(seconds / several))
        chosen = list(islice(cycle(inputs), start, start + calls))
        gc.collect()
        return {"microseconds": _seconds(call, chosen) / calls * 1e6}

    def memory(self) -> dict[str, float]:
        """By how much the process grows over many checks, after a first round of them."""
        call, inputs = self.cells["from_dict" if "from_dict" in self.cells else "dict_validated"]
        before, checks = _resident(), 0
        until = time.perf_counter() + MEMORY_SECONDS
        while checks < MEMORY_CHECKS and time.perf_counter() < until:
            call(inputs[checks % len(inputs)])
            checks += 1
        gc.collect()
        return {"megabytes": _resident() - before, "checks": checks}


def _told(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:160]}"


def _seconds(call: Callable[[Any], Any], inputs: Sequence[Any]) -> float:
    """Processor time, of all threads: what else the machine does in the meantime counts little."""
    start = time.process_time()
    for each in inputs:
        call(each)
    return time.process_time() - start


def _validating(read: Callable[[Any], Request], from_dict: Callable[[Request], Any]) -> Callable[[Any], Any]:
    return lambda given: from_dict(read(given))


def _behind_a_dictionary(home: str, policy: Policy) -> Peer:
    """An engine for each action, in a dict: what somebody does whose engine has no index."""
    load = loader(home)
    peers = {action: load(Policy(f"{policy.name}/{action}", tuple(rules))) for action, rules in policy.by_action()}

    def prepare(asked: asking.Request) -> Any:
        action = asked["change"]["do"]
        return action, peers[action].prepare(asked)

    def ask(what: str) -> Callable[[Any], Any]:
        calls = {action: getattr(peer, what) for action, peer in peers.items()}
        return lambda prepared: calls[prepared[0]](prepared[1])

    from_dict = {action: peer.from_dict for action, peer in peers.items() if peer.from_dict is not None}

    def whole(asked: asking.Request) -> Any:
        return from_dict[asked["change"]["do"]](asked)

    return Peer(
        prepare=prepare,
        allows=ask("allows"),
        broken=ask("broken"),
        from_dict=whole,
        from_json=lambda text: whole(json.loads(text)),
        ids=next(iter(peers.values())).ids,
    )


def _resident() -> float:
    """Of this process now, in MB; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    home, policy, count, by_hand = sys.argv[1:]
    # the pipe is for answers alone: what a peer prints goes where errors go
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        worker = Worker(home, policy_named(policy), int(count), by_hand=by_hand == "by-hand")
        print(json.dumps(worker.loaded()), file=out)
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
        print(json.dumps({"error": _told(error)}), file=out)
        return
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            print(json.dumps(getattr(worker, asked.pop("do"))(**asked)), file=out)
        except Exception as error:  # noqa: BLE001 - as above
            print(json.dumps({"error": _told(error)}), file=out)


if __name__ == "__main__":
    main()
