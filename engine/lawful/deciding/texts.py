"""Texts on both sides of what conditions ask of texts: that they match, begin, end, contain, are so long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

from lawful.ir import Call, Compare, Constant, Expr
from lawful.patterns import text_for

_OF_A_PATTERN: Final = 4


def texts_by(nodes: Iterable[Expr]) -> Iterator[str]:
    """Some for each; the same may come twice."""
    asked: dict[str, list[str]] = {name: [] for name in ("matches", "startsWith", "endsWith", "contains")}
    sizes: list[int] = []
    for node in nodes:
        match node:
            case Call(function=function, arguments=(_, Constant(value=str() as text))) if function in asked:
                asked[function].append(text)
            case Compare(left=left, right=right) if _is_size(left) or _is_size(right):
                found = (each.value for each in (left, right) if isinstance(each, Constant))
                sizes += [each for each in found if isinstance(each, int)]
    random = Random(0)
    yield from (text_for(each, random) for each in asked["matches"] for _ in range(_OF_A_PATTERN))
    parts = [
        begin + part + end
        for begin in ("", *asked["startsWith"])
        for part in ("", *asked["contains"])
        for end in ("", *asked["endsWith"])
    ]
    yield from parts
    for size in sizes:
        for length in (size - 1, size, size + 1):
            yield from (part + "x" * (length - len(part)) for part in ("", *asked["startsWith"]) if length >= len(part))


def _is_size(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "size"
