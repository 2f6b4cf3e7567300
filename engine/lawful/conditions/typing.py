"""Operands with their types, and what can be done to them whatever they are: the ground of `conditions`.

An operand is more than its expression as long as it is read: a literal text turns into an enum's value where it meets
an enum, in the branches of a `?:`, in lists and as what a quantifier goes over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lawful import ir
from lawful.conditions.syntax import quoted
from lawful.diagnostics import Mistake, near

if TYPE_CHECKING:
    from lawful.conditions.tree import Node, Place, Tree


WORDS: Final = {
    "bool": "a truth value",
    "int": "a whole number",
    "string": "text",
    "date": "a date",
    "timestamp": "a timestamp",
    "duration": "a duration",
    "enum": "an enum",
    "set": "a set",
    "list": "a list",
}
PLURALS: Final = {
    "bool": "truth values",
    "int": "whole numbers",
    "string": "texts",
    "date": "dates",
    "timestamp": "timestamps",
    "duration": "durations",
    "enum": "enums",
    "set": "sets",
    "list": "lists",
}
SINGLE: Final = ("bool", "int", "string", "date", "timestamp", "duration", "enum")


def word(type: ir.Type) -> str:
    return WORDS[type.kind]


def listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(quoted(value) for value in values[:8])
    return f"its values are {shown}" + (", …" if len(values) > 8 else "")


# ----------------------------------------------------------------------------------------------- typed operands


@dataclass(slots=True)
class Typed:
    """An expression, its type and where it came from.

    `parts` are the branches of a `?:` and the items of a list: texts among them may yet turn out to be values of
    an enum.
    """

    expr: ir.Expr
    type: ir.Type
    node: Node
    parts: tuple[Typed, ...] = ()
    scope: Scope | None = None


@dataclass(slots=True)
class Scope:
    """A quantifier's variable. Over a literal list of texts its type may yet turn out to be an enum."""

    name: str
    type: ir.Type
    quantifier: int
    items: Typed | None


class Adopted(Exception):
    """A quantifier's variable has met another type, which its list can be given: to be read again with that."""

    def __init__(self, quantifier: int, type: ir.Type, whose: str | None) -> None:
        self.quantifier = quantifier
        self.type = type
        self.whose = whose


def list_of(element: ir.Type) -> ir.Type:
    return ir.Type("list", element=element)


def element_of(collection: ir.Type) -> ir.Type:
    if collection.kind == "set":
        return ir.Type("enum", collection.values)
    return collection.element or ir.STRING


def same_values(one: ir.Type, other: ir.Type) -> bool:
    return one.kind == other.kind and set(one.values) == set(other.values)


def becomes(typed: Typed, wanted: ir.Type) -> bool:
    """Whether it has that type or, being made of literal texts, can be given it. Which values it has is not asked."""
    if typed.type == wanted or (wanted.values and same_values(typed.type, wanted)):
        return True
    if typed.type.kind == "list":
        element = wanted.element
        return element is not None and all(becomes(part, element) for part in typed.parts)
    if typed.scope is not None:
        items = typed.scope.items
        return items is not None and becomes(items, list_of(wanted))
    if wanted.kind != "enum" or typed.type != ir.STRING:
        return False
    if typed.parts:
        return all(becomes(part, wanted) for part in typed.parts)
    return isinstance(typed.expr, ir.Constant)


def said(typed: Typed) -> str | None:
    """What the author calls it, where it has a name."""
    match typed.expr:
        case ir.Field(owner="before" | "after" as state, name=name):
            return f"{state}.account.{name}"
        case ir.Field(owner="account" | "request" as owner, name=name):
            return f"{owner}.{name}"
        case ir.Variable(name=name) | ir.Clock(name=name):
            return name
        case _:
            return None


def called(name: ir.Function, arguments: tuple[ir.Expr, ...], node: Node) -> Typed:
    call = ir.Call(name, arguments)
    return Typed(call, ir.type_of(call), node)


class Reading(ABC):
    """One text that is being read. A part with a mistake is None, and what stands around it is not blamed."""

    def __init__(self, tree: Tree) -> None:
        from lawful.conditions.tree import decode  # proto-plus, only where conditions are read

        self._decode = decode
        self._tree = tree
        self._mistakes: list[Mistake] = []

    @abstractmethod
    def _expression(self, node: Node) -> Typed | None:
        """What a node means."""

    def _operands(self, encoded: Iterable[bytes]) -> list[Typed] | None:
        """All of them; None where one has a mistake."""
        found = [self._expression(self._decode(data)) for data in encoded]
        whole = [typed for typed in found if typed is not None]
        return whole if len(whole) == len(found) else None

    def _text_of(self, node: Node) -> str | None:
        """The text that a node is literally."""
        if node.WhichOneof("kind") != "constant" or node.constant.WhichOneof("kind") != "string":
            return None
        text: str = node.constant.string
        return text

    def _tell(self, code: str, message: str, place: Place, help: str | None = None) -> None:
        self._mistakes.append(Mistake(code, message, help, *place))

    def _refuse(self, node: Node, message: str, help: str | None = None) -> None:
        self._tell("not-in-profile", message, self._tree.place(node), help)

    # ------------------------------------------------------------------------------------------- giving a type

    def _as(self, typed: Typed, wanted: ir.Type, whose: str | None = None) -> ir.Expr | None:
        """With that type, which it `becomes`; None, and told, where a text is none of an enum's values."""
        expr = typed.expr
        if typed.type == wanted:
            return expr
        if typed.scope is not None:
            raise Adopted(typed.scope.quantifier, wanted, whose)
        match expr:
            case ir.ListOf() if wanted.element is not None:
                items = [self._as(part, wanted.element, whose) for part in typed.parts]
                known = tuple(item for item in items if item is not None)
                return ir.ListOf(known, wanted) if len(known) == len(items) else None
            case ir.Conditional() if typed.type == ir.STRING:
                then, otherwise = (self._as(part, wanted, whose) for part in typed.parts)
                if then is None or otherwise is None:
                    return None
                return ir.Conditional(expr.test, then, otherwise)
            case ir.Constant(value=str() as value) if typed.type == ir.STRING:
                return self._enum_value(value, wanted, typed.node, whose)
            case _:
                return expr  # an enum of the same values in another order

    def _enum_value(self, value: str, wanted: ir.Type, node: Node, whose: str | None) -> ir.Expr | None:
        if value in wanted.values:
            return ir.Constant(value, wanted)
        owner = quoted(whose) if whose else "the enum"
        help = near(value, wanted.values) or listed(wanted.values)
        phrase = f"{owner} has no value {quoted(value)}"
        self._tell("unknown-value", phrase, self._tree.place(node), help)
        return None

    def _common(self, parts: Iterable[Typed]) -> ir.Type | None:
        """The one type that all of them have or can be given."""
        together = list(parts)
        for candidate in dict.fromkeys(part.type for part in together):
            if all(becomes(part, candidate) for part in together):
                return candidate
        return None

    def _met(self, left: Typed, right: Typed) -> tuple[ir.Expr | None, ir.Expr | None] | None:
        """Both with one type; None where there is none."""
        wanted = self._common((left, right))
        if wanted is None:
            return None
        return self._as(left, wanted, said(right)), self._as(right, wanted, said(left))

    def _mismatch(self, node: Node, phrase: str, *operands: Typed) -> None:
        place = self._tree.place(node)
        if len(operands) == 2 and self._dates_mixed(operands[0].type, operands[1].type):
            day, instant = sorted(operands, key=lambda each: each.type.kind)
            help = f"`date({said(instant) or '…'})` is the day of a timestamp"
            compares = node.call.function.endswith(("=_", "<_", ">_"))
            if compares and isinstance(day.expr, ir.Clock):
                help += ", or compare with `now`"
            self._tell("dates-and-timestamps", phrase, place, help)
            return
        self._tell("ill-typed", phrase, place)

    def _dates_mixed(self, one: ir.Type, other: ir.Type) -> bool:
        return {one.kind, other.kind} == {"date", "timestamp"}
