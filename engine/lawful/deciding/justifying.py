"""Why an expression has its value: read off the reference, part by part, never evaluated another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lawful import calendar, values, wording
from lawful.decision import JsonValue, Justification, Status
from lawful.decision import Text as Told
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation, counted
from lawful.ir import (
    And,
    AtMost,
    Call,
    Clock,
    Conditional,
    ConditionOf,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Not,
    Or,
    Program,
    Quantifier,
    Text,
    Value,
    Variable,
    children,
)

_NOT_SO = Text("not so: ", "不满足：")
_NOT_KNOWN = Text("not known: ", "未知：")
_HOLDS = Text("holds: ", "满足：")
LEADS: Final[Mapping[Status, Text]] = {"violated": _NOT_SO, "unknown": _NOT_KNOWN, "satisfied": _HOLDS}
"""What stands before the first part that made a rule what it is."""

_MOST_EVENTS: Final = 3
"""Of those that a limit counts: the latest tell why it refuses."""
_MOST_PARTS: Final = 300
"""A justification is for reading: past this many parts what lies deeper is left out."""


def declaration_of(program: Program, field: Field) -> FieldDeclaration | None:
    if field.owner == "request":
        return program.request.get(field.name)
    return None if field.owner.endswith("features") else program.account.get(field.name)


def told(text: Text | None) -> Told | None:
    """A policy's text as a decision carries it."""
    return None if text is None else Told(en=text.en, zh=text.zh)


class Justifier:
    """Justifies expressions in one situation after another; private facts are masked."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.left = _MOST_PARTS

    def justify(self, expr: Expr, situation: Situation) -> Justification:
        self.left -= 1
        value = evaluate(expr, situation)
        parts = [(part, situation) for part in _deciding(expr, value, situation)]
        title = None
        if isinstance(expr, ConditionOf):
            condition = self.program.conditions[expr.name]
            title = told(condition.title)
            where = situation if expr.state == "account" else situation.seen_from(expr.state)
            parts = [(condition.holds, where)]
        because = tuple(self._collapsed(part, where) for part, where in parts if self.left > 0)
        if isinstance(expr, AtMost):
            because = self._counts(expr, situation)
        return Justification(
            text=wording.cel(expr), value=self._plain(expr, value, situation), title=title, because=because
        )

    def _collapsed(self, expr: Expr, situation: Situation) -> Justification:
        """A part; of an `&&` or `||` that one operand decides, that operand."""
        value = evaluate(expr, situation)
        if isinstance(expr, (And, Or)):
            deciding = _deciding(expr, value, situation)
            if len(deciding) == 1:
                return self._collapsed(deciding[0], situation)
        return self.justify(expr, situation)

    def root(self, expr: Expr, situation: Situation) -> Justification:
        """Of a rule's `when` or `requires`."""
        return self._collapsed(expr, situation)

    def _counts(self, limit: AtMost, situation: Situation) -> tuple[Justification, ...]:
        least, most = counted(limit, situation)
        own = least - limit.own
        told_count = " at least" if most is None and own else ""
        names = ", ".join(limit.count.events)
        window = wording.span(limit.count.window, "en")
        so_far: JsonValue = own if most is not None or own else None
        if so_far is not None and limit.counted_by is not None and self._is_private(limit.counted_by):
            so_far = wording.MASKED
        parts = [Justification(text=f"{names} {window} so far{told_count}", value=so_far)]
        if limit.counted_by is not None:
            parts.append(self.justify(limit.counted_by, situation))
        return (*parts, *_latest(limit.count, situation))

    def _plain(self, expr: Expr, value: Value | None, situation: Situation) -> JsonValue:
        if value is not None and not isinstance(value, bool) and self._is_private(expr):
            return wording.MASKED
        if value is not None and isinstance(expr, Field) and self._is_private(expr):
            return wording.MASKED
        return values.to_json(value, situation.zone)

    def _is_private(self, expr: Expr) -> bool:
        """Whether a value computed from a private field would be shown."""
        if isinstance(expr, Field):
            declaration = declaration_of(self.program, expr)
            return declaration is not None and declaration.private
        return any(self._is_private(child) for child in children(expr))


def _latest(count: Count, situation: Situation) -> list[Justification]:
    """The counted events of the history with their instants, the latest first."""
    zone, at = situation.zone, situation.at
    found = [
        (when, name)
        for name, when in situation.history.events
        if name in count.events and calendar.counts(count.window, when, at, zone)
    ]
    found.sort(reverse=True)
    return [Justification(text=name, value=values.local(when, zone).isoformat()) for when, name in found[:_MOST_EVENTS]]


def _deciding(expr: Expr, value: Value | None, situation: Situation) -> list[Expr]:
    """The operands that made the value what it is; of a leaf, the facts in it."""
    match expr:
        case And():
            return list(expr.operands) if value is True else _of_value(expr.operands, value, situation)
        case Or():
            return list(expr.operands) if value is False else _of_value(expr.operands, value, situation)
        case Not():
            return [expr.operand]
        case Conditional():
            test = evaluate(expr.test, situation)
            return [expr.test] if test is None else [expr.test, expr.then if test else expr.otherwise]
        case Quantifier():
            return facts_of(expr.collection)
        case ConditionOf() | AtMost() | Field() | Clock() | Count() | Variable():
            return []
        case _:
            return [fact for child in children(expr) for fact in facts_of(child)]


def _of_value(operands: tuple[Expr, ...], value: Value | None, situation: Situation) -> list[Expr]:
    return [each for each in operands if evaluate(each, situation) is value]


def facts_of(expr: Expr) -> list[Expr]:
    """The facts an operand is made of; a computed one stands before its own."""
    match expr:
        case Field() | Clock() | Count() | ConditionOf():
            return [expr]
        case Call():
            inner = [fact for child in expr.arguments for fact in facts_of(child)]
            return [expr, *inner] if inner else []
        case _:
            return [fact for child in children(expr) for fact in facts_of(child)]
