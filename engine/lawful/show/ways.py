"""Which transitions of a life cycle can be used at all: what a picture of it draws otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lawful.ir import FALSE, ConditionOf, Expr, Field, Move, Program, Value, rebuilt, with_known


@dataclass(frozen=True, slots=True)
class Closed:
    """A way that is closed for good: from that day on, or from the first."""

    since: date | None


def closed(program: Program, move: Move, source: str, target: str) -> Closed | None:
    """Whether no version of the transition that goes on for good lets an account take this way; None: one does."""
    versions = [
        each
        for each in program.moves
        if each.id == move.id and each.step is not None and source in each.step.sources and target in each.step.targets
    ]
    usable = [each for each in versions if not refused(program, each, source, target)]
    if not usable:
        return Closed(None)
    ends = [each.in_force.until for each in usable]
    return None if None in ends else Closed(max(end for end in ends if end is not None))


def refused(program: Program, move: Move, source: str, target: str) -> bool:
    """Whether what this version requires is never so where an account takes this way, whatever else is so."""
    assert move.step is not None
    field = program.account[move.step.field]
    known: dict[Field, Value] = {
        Field("account", field.name, field.type): source,
        Field("change", field.name, field.type): target,
    }
    rules = (each for each in program.rules if (each.id, each.in_force) == (move.id, move.in_force))
    return any(_is_false(program, rule.requires, known) for rule in rules if rule.kind == "requires")


def _is_false(program: Program, expr: Expr, known: dict[Field, Value]) -> bool:
    expr = _spelled_out(program, expr)
    for fact, value in known.items():
        expr = with_known(expr, fact, value)
    return expr == FALSE


def _spelled_out(program: Program, expr: Expr) -> Expr:
    """Without named conditions."""

    def meaning(node: Expr) -> Expr | None:
        if isinstance(node, ConditionOf) and node.state == "account":
            return _spelled_out(program, program.conditions[node.name].holds)
        return None

    return rebuilt(expr, meaning)
