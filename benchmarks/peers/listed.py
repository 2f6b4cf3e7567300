"""Who takes part. A peer that is not installed stays in the tables, with what installs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from peers.peer import Peer
from peers.rules import Policy

INSTALL = "make peers"
OURS = "peers.ours:"
FLOOR = "hand-written Python"
DIRECT = "lawful direct"
UNVALIDATED = "lawful direct, unvalidated"


@dataclass(frozen=True, slots=True)
class Listed:
    title: str
    home: str
    """The module and what loads a policy there: imported in the peer's own process only."""
    distribution: str

    @property
    def ours(self) -> bool:
        return self.home.startswith(OURS)

    @property
    def installed(self) -> str | None:
        """Its version; None where it is not installed."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None


def loader(home: str) -> Callable[[Policy], Peer]:
    module, _, name = home.partition(":")
    found: Callable[[Policy], Peer] = getattr(import_module(module), name)
    return found


PEERS = (
    Listed(FLOOR, "peers.handwritten:load", "lawful"),
    Listed(DIRECT, "peers.ours:direct", "lawful"),
    Listed(UNVALIDATED, "peers.ours:unvalidated", "lawful"),
    Listed("lawful default", "peers.ours:default", "lawful"),
    Listed("lawful reference", "peers.ours:reference", "lawful"),
    Listed("datalogic-py", "peers.datalogic:load", "datalogic-py"),
    Listed("zen-engine", "peers.zen_engine:load", "zen-engine"),
    Listed("cel-expr-python", "peers.cel:load", "cel-expr-python"),
    Listed("celine-regorus", "peers.rego:load", "celine-regorus"),
    Listed("durable-rules Host", "peers.durable_host:load", "durable-rules"),
    Listed("cedarpy", "peers.cedar:load", "cedarpy"),
    Listed("business-rules", "peers.business_rules:load", "business-rules"),
    Listed("rule-engine", "peers.rule_engine:load", "rule-engine"),
)

BY_HAND = ("datalogic-py", "zen-engine", "cel-expr-python")
"""Those to which a dictionary of ours, an engine for each action, may be put in front."""


def named(title: str) -> Listed:
    return next(peer for peer in PEERS if peer.title == title)
