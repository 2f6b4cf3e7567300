"""Comparisons and arithmetic: which operands they take, and what is said of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from lawful import ir
from lawful.conditions.functions import Functions
from lawful.conditions.typing import PLURALS, SINGLE, Typed, called, said, word

if TYPE_CHECKING:
    from lawful.conditions.tree import Node

OPERATORS: Final = {
    "_&&_": "&&",
    "_||_": "||",
    "!_": "!",
    "_==_": "==",
    "_!=_": "!=",
    "_<_": "<",
    "_<=_": "<=",
    "_>_": ">",
    "_>=_": ">=",
    "_+_": "+",
    "_-_": "-",
    "_*_": "*",
    "_/_": "/",
    "_%_": "%",
    "-_": "-",
}
"""CEL's names of its operators, and how they are written."""

_ORDERED: Final = ("int", "date", "timestamp", "duration")


class Operators(Functions):
    """Comparisons and arithmetic of a text."""

    def _equality(self, node: Node) -> Typed | None:
        if any(self._is_null(data) for data in node.call.args):
            self._null_compared(node)
            return None
        operands = self._operands(node.call.args)
        if operands is None:
            return None
        sign = OPERATORS[node.call.function]
        left, right = operands
        for operand in operands:
            if operand.type.kind not in SINGLE:
                help = "ask for one value with `in`, or for each with `exists` and `all`"
                self._refuse(node, f"`{sign}` does not compare sets and lists", help)
                return None
        return self._comparison(node, cast("ir.Comparison", sign), left, right)

    def _is_null(self, data: bytes) -> bool:
        node = self._decode(data)
        return bool(node.WhichOneof("kind") == "constant" and node.constant.WhichOneof("kind") == "null")

    def _null_compared(self, node: Node) -> None:
        told = [self._expression(self._decode(d)) for d in node.call.args if not self._is_null(d)]
        field = next((said(typed) for typed in told if typed is not None), None) or "account.…"
        asked = f"has({field})" if node.call.function == "_!=_" else f"!has({field})"
        self._refuse(node, "`null` is outside the profile", f"write `{asked}`")

    def _comparison(self, node: Node, sign: ir.Comparison, left: Typed, right: Typed) -> Typed | None:
        met = self._met(left, right)
        if met is None:
            self._incomparable(node, sign, left, right)
            return None
        if met[0] is None or met[1] is None:
            return None
        return Typed(ir.Compare(sign, met[0], met[1]), ir.BOOL, node)

    def _incomparable(self, node: Node, sign: str, left: Typed, right: Typed) -> None:
        phrase = f"`{sign}` does not compare {word(left.type)} with {word(right.type)}"
        if left.type.kind == right.type.kind == "enum":
            phrase = f"`{sign}` does not compare enums of different values"
        for day, literal in ((left, right), (right, left)):
            timed = day.type.kind in ("date", "timestamp")
            if timed and literal.type == ir.STRING and isinstance(literal.expr, ir.Constant):
                help = f"write `{day.type.kind}('…')`"
                self._tell("ill-typed", phrase, self._tree.place(node), help)
                return
        self._mismatch(node, phrase, left, right)

    def _order(self, node: Node) -> Typed | None:
        operands = self._operands(node.call.args)
        if operands is None:
            return None
        left, right = operands
        sign = cast("ir.Comparison", OPERATORS[node.call.function])
        wanted = self._common(operands)
        if wanted is None or wanted.kind in _ORDERED:
            return self._comparison(node, sign, left, right)
        help = "enums compare with `==`, `!=` and `in`" if wanted.kind == "enum" else None
        self._refuse(node, f"`{sign}` does not order {PLURALS[wanted.kind]}", help)
        return None

    def _arithmetic(self, node: Node) -> Typed | None:
        operands = self._operands(node.call.args)
        if operands is None:
            return None
        sign = OPERATORS[node.call.function]
        left, right = (operand.expr for operand in operands)
        match sign, operands[0].type.kind, operands[1].type.kind:
            case _, "int", "int":
                return called(cast("ir.Function", sign), (left, right), node)
            case "+", "timestamp", "duration":
                return called("add_duration", (left, right), node)
            case "+", "duration", "timestamp":
                return called("add_duration", (right, left), node)
            case "-", "timestamp", "duration":
                return called("subtract_duration", (left, right), node)
            case "-", "timestamp", "timestamp":
                return called("between", (left, right), node)
            case _:
                self._not_computed(node, sign, operands[0], operands[1])
                return None

    def _not_computed(self, node: Node, sign: str, left: Typed, right: Typed) -> None:
        match sign, left.type.kind, right.type.kind:
            case "+", "string", "string":
                self._refuse(node, "`+` does not join texts")
            case "+", "list", "list":
                self._refuse(node, "`+` does not join lists")
            case "+" | "-", "duration", "duration":
                self._refuse(node, f"`{sign}` of two durations is outside the profile")
            case _:
                self._operands_refused(node, sign, left, right)

    def _operands_refused(self, node: Node, sign: str, left: Typed, right: Typed) -> None:
        phrase = f"`{sign}` does not take {word(left.type)} and {word(right.type)}"
        kinds = (left.type.kind, right.type.kind)
        if self._dates_mixed(left.type, right.type):
            self._mismatch(node, phrase, left, right)
            return
        help = None
        if kinds == ("date", "date"):
            help = "`daysBetween(a, b)` counts the days from one date to another"
        elif "date" in kinds:
            help = "`addDays(a, 7)` moves a date, likewise `addMonths` and `addYears`"
        elif kinds in (("timestamp", "int"), ("int", "timestamp")):
            help = "a timestamp moves by a duration, such as `duration('24h')`"
        self._tell("ill-typed", phrase, self._tree.place(node), help)

    def _negation(self, node: Node) -> Typed | None:
        operands = self._operands(node.call.args)
        if operands is None:
            return None
        if operands[0].type != ir.INT:
            phrase = f"`-` takes a whole number, not {word(operands[0].type)}"
            self._tell("ill-typed", phrase, self._tree.place(node))
            return None
        return called("negate", (operands[0].expr,), node)
