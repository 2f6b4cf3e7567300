"""A life cycle as it was seen in an audit, as a picture: how many accounts are where, and how many went which way."""

from __future__ import annotations

from collections.abc import Iterable

from lawful.audit.summary import Edge, LifecycleTally
from lawful.audit.telling import words
from lawful.ir import Text
from lawful.pages.diagram import Arrow, Box, Kind, Picture


def picture(tally: LifecycleTally) -> Picture:
    """Steps from a state to itself that no transition makes are one arrow: of others nobody need know."""
    boxes = tuple(Box(name, title, count) for name, title, count in tally.states)
    between = [each for each in tally.edges if each.source != each.target]
    return Picture(boxes, tuple(map(_arrow, [*between, *_loops(tally.edges)])), tally.initial, tally.final)


def label(edge: Edge) -> str:
    """The transition's short name and how many made it."""
    name = edge.move.rpartition(".")[2] if edge.move is not None else "…" if edge.allowed else "✗"
    sign = "✗ " if edge.move is not None and not edge.allowed else ""
    return f"{sign}{name} · {words.grouped(edge.count)}"


def _arrow(edge: Edge) -> Arrow:
    told = label(edge)
    kind: Kind = "unmade" if not edge.count else "made" if edge.allowed else "stray"
    return Arrow(edge.source, edge.target, Text(told, told), edge.count, kind)


def _loops(edges: Iterable[Edge]) -> list[Edge]:
    counts: dict[str, int] = {}
    for each in edges:
        if each.source == each.target and not each.allowed:
            counts[each.source] = counts.get(each.source, 0) + each.count
    return [Edge(name, name, None, count, allowed=False) for name, count in counts.items()]
