"""Names that rest on other names: the circles among them, and how deep they go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_MOST_SHOWN: Final = 8


def circles(uses: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """One circle for each set of names that are caught in circles with each other. No recursion: chains are long.

    >>> circles({"a": ["b"], "b": ["a", "b"], "c": ["a"]})
    [['a', 'b']]
    """
    found: list[list[str]] = []
    caught: set[str] = set()
    done: set[str] = set()
    for start in uses:
        trail: dict[str, int] = {}
        pending = [(start, iter(uses[start]))] if start not in done else []
        while pending:
            name, below = pending[-1]
            trail.setdefault(name, len(trail))
            step = next((each for each in below if each in uses and each not in done), None)
            if step is None:
                pending.pop()
                del trail[name]
                done.add(name)
            elif step in trail:
                circle = list(trail)[trail[step] :]
                if caught.isdisjoint(circle):
                    found.append(circle)
                    caught.update(circle)
            else:
                pending.append((step, iter(uses[step])))
    return found


def depths(uses: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many steps each name stands above those that rest on nothing, itself included. There may be no circle.

    >>> depths({"a": ["b"], "b": []})
    {'b': 1, 'a': 2}
    """
    found: dict[str, int] = {}
    for start in uses:
        pending = [start]
        while pending:
            below = [each for each in uses[pending[-1]] if each in uses]
            missing = [each for each in below if each not in found]
            if missing:
                pending += missing
            else:
                found[pending.pop()] = 1 + max((found[each] for each in below), default=0)
    return found


def around(circle: list[str], verb: str) -> str:
    """The circle in words: `a` uses `b` uses `a`."""
    names = [f"`{name}`" for name in (*circle, circle[0])]
    if len(names) > _MOST_SHOWN:
        names = [*names[: _MOST_SHOWN - 3], "…", *names[-2:]]
    return f" {verb} ".join(names)
