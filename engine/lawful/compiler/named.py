"""Named conditions: compiled, and put in an order in which each uses only earlier ones."""

from __future__ import annotations

from collections.abc import Mapping

from lawful.compiler.context import Context
from lawful.compiler.schema import check_name
from lawful.document import Path
from lawful.ir import AtMost, Condition, ConditionOf, Count, Expr, Field, everything, walk
from lawful.written import ConditionWritten

MAX_DEPTH = 60
"""How deep conditions may rest on one another: more is no policy that a person follows."""


def conditions(context: Context, written: dict[str, ConditionWritten]) -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    for name, each in written.items():
        path: Path = ("conditions", name)
        check_name(context, name, path, top_level=True)
        found[name] = Condition(
            name=name,
            holds=context.boolean(each.when, (*path, "when") if _is_long(context, path) else path),
            title=context.text(each.title, (*path, "title"), limit=False),
            note=context.note(each.note),
            source=context.citation(each.source, path),
            place=context.place(path),
        )
    return _ordered(context, found)


def _is_long(context: Context, path: Path) -> bool:
    return (*path, "when") in context.document.values


def _ordered(context: Context, found: dict[str, Condition]) -> dict[str, Condition]:
    uses = {name: [n.name for n in walk(c.holds) if isinstance(n, ConditionOf)] for name, c in found.items()}
    depth: dict[str, int] = {}
    for name in found:
        if name not in depth:
            _descend(context, name, uses, depth)
    for name, levels in depth.items():
        if levels == MAX_DEPTH + 1:
            message = f"`{name}` rests on conditions more than {MAX_DEPTH} deep"
            context.key_mistake("too-deep", message, ("conditions", name), "say it in fewer steps")
    return {name: found[name] for name in sorted(found, key=lambda each: depth[each])}


def _descend(context: Context, start: str, uses: Mapping[str, list[str]], depth: dict[str, int]) -> None:
    """Give each condition below the start its depth, deepest first; tell of a circle. No recursion: chains are long."""
    trail: list[str] = [start]
    pending = [iter(uses[start])]
    while trail:
        below = next((name for name in pending[-1] if name in uses and name not in depth), None)
        if below is None:
            name = trail.pop()
            pending.pop()
            depth[name] = 1 + max((depth.get(each, 0) for each in uses[name]), default=0)
        elif below in trail:
            circle = trail[trail.index(below) :]
            around = " uses ".join(f"`{each}`" for each in (*circle, below))
            context.key_mistake(
                "circular-conditions", f"conditions use each other in a circle: {around}", ("conditions", below)
            )
            depth[below] = 0  # told once; the policy is refused
        else:
            trail.append(below)
            pending.append(iter(uses[below]))


def reads_request(expr: Expr, conditions: Mapping[str, Condition]) -> bool:
    """Whether the expression, or a condition it uses, reads the request or counts events."""
    return any(
        isinstance(node, (Count, AtMost)) or (isinstance(node, Field) and node.owner == "request")
        for node in everything(expr, conditions)
    )


def asks_request(expr: Expr, conditions: Mapping[str, Condition]) -> bool:
    """Whether the expression, or a condition it uses, reads the request."""
    return any(isinstance(node, Field) and node.owner == "request" for node in everything(expr, conditions))
