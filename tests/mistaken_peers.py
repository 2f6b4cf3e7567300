"""Peers of the benchmark that go wrong, to see that it tells."""

from __future__ import annotations

import os
import sys
from typing import Any

from peers.peer import Peer
from peers.rules import Policy


def careless(policy: Policy) -> Peer:
    """Finds nothing broken, ever."""
    return Peer(allows=lambda _: True, broken=_nothing, from_dict=_nothing, from_json=_nothing)


def stopping(policy: Policy) -> Peer:
    """Finds the first broken rule only, and only when it is asked in JSON."""
    from peers import handwritten

    right = handwritten.load(policy)
    return Peer(
        allows=right.allows,
        broken=right.broken,
        from_dict=right.from_dict,
        from_json=lambda text: right.from_json(text)[:1],
    )


def crashing(policy: Policy) -> Peer:
    sys.stderr.write("about to\n")
    os.abort()


def refusing(policy: Policy) -> Peer:
    raise ValueError("too many rules\nand more of it")


def chatting(policy: Policy) -> Peer:
    """Right, but prints on the pipe of the answers."""
    from peers import handwritten

    sys.stdout.write("loading\n")
    return handwritten.load(policy)


def _nothing(request: Any) -> list[str]:
    return []
