"""Named conditions: compiled, and put in an order in which each uses only earlier ones."""

from __future__ import annotations

from collections.abc import Mapping

from lawful.compiler.circles import around, circles, depths
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
            title=context.text(each.title, (*path, "title")),
            note=context.note(each.note),
            source=context.citation(each.source, path),
            place=context.place(path),
        )
    return _ordered(context, found)


def _is_long(context: Context, path: Path) -> bool:
    return (*path, "when") in context.document.values


def _ordered(context: Context, found: dict[str, Condition]) -> dict[str, Condition]:
    uses = {name: _used(each.holds) for name, each in found.items()}
    caught = circles(uses)
    for circle in caught:
        message = f"conditions use each other in a circle: {around(circle, 'uses')}"
        context.key_mistake("circular-conditions", message, ("conditions", circle[0]))
    if caught:
        return found  # the policy is refused
    depth = depths(uses)
    for name, levels in depth.items():
        if levels == MAX_DEPTH + 1:
            message = f"`{name}` rests on conditions more than {MAX_DEPTH} deep"
            context.key_mistake("too-deep", message, ("conditions", name), "say it in fewer steps")
    return {name: found[name] for name in sorted(found, key=lambda each: depth[each])}


def _used(expr: Expr) -> list[str]:
    return list(dict.fromkeys(node.name for node in walk(expr) if isinstance(node, ConditionOf)))


def reads_request(expr: Expr, conditions: Mapping[str, Condition]) -> bool:
    """Whether the expression, or a condition it uses, reads the request or counts events."""
    return any(
        isinstance(node, (Count, AtMost)) or (isinstance(node, Field) and node.owner == "request")
        for node in everything(expr, conditions)
    )


def asks_request(expr: Expr, conditions: Mapping[str, Condition]) -> bool:
    """Whether the expression, or a condition it uses, reads the request."""
    return any(isinstance(node, Field) and node.owner == "request" for node in everything(expr, conditions))
