"""CEL's syntax tree as its library serializes it, and where each node stands in the text.

The library ships no Python classes for the tree (`cel.expr.ParsedExpr`), so the few messages of it that are read are
declared here, under a package name of our own: the field numbers are CEL's, the names are not on the wire.

An operand is declared as bytes and decoded when it is visited: protobuf gives up at 100 nested messages, and what CEL
parses may be nested deeper than that.
"""
# mypy: allow-subclassing-any
# proto-plus ships no types.

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import proto

from lawful.kept import kept

__protobuf__ = proto.module(
    package="lawful.cel",
    manifest={
        "Constant",
        "Ident",
        "Select",
        "Call",
        "List",
        "Struct",
        "Comprehension",
        "Expr",
        "SourceInfo",
        "Parsed",
        "Checked",
        "Envelope",
        "CheckedEnvelope",
    },
)


class Constant(proto.Message):
    null = proto.Field(proto.INT32, number=1, oneof="kind")
    bool = proto.Field(proto.BOOL, number=2, oneof="kind")
    int = proto.Field(proto.INT64, number=3, oneof="kind")
    uint = proto.Field(proto.UINT64, number=4, oneof="kind")
    double = proto.Field(proto.DOUBLE, number=5, oneof="kind")
    string = proto.Field(proto.STRING, number=6, oneof="kind")
    bytes = proto.Field(proto.BYTES, number=7, oneof="kind")


class Ident(proto.Message):
    name = proto.Field(proto.STRING, number=1)


class Select(proto.Message):
    operand = proto.Field(proto.BYTES, number=1)
    field = proto.Field(proto.STRING, number=2)
    test_only = proto.Field(proto.BOOL, number=3)


class Call(proto.Message):
    target = proto.Field(proto.BYTES, number=1)
    function = proto.Field(proto.STRING, number=2)
    args = proto.RepeatedField(proto.BYTES, number=3)


class List(proto.Message):
    elements = proto.RepeatedField(proto.BYTES, number=1)


class Struct(proto.Message):
    pass  # maps and messages: refused whatever they hold


class Comprehension(proto.Message):
    iter_var = proto.Field(proto.STRING, number=1)
    iter_range = proto.Field(proto.BYTES, number=2)
    accu_init = proto.Field(proto.BYTES, number=4)
    loop_step = proto.Field(proto.BYTES, number=6)


class Expr(proto.Message):
    id = proto.Field(proto.INT64, number=2)
    constant = proto.Field(Constant, number=3, oneof="kind")
    ident = proto.Field(Ident, number=4, oneof="kind")
    select = proto.Field(Select, number=5, oneof="kind")
    call = proto.Field(Call, number=6, oneof="kind")
    list = proto.Field(List, number=7, oneof="kind")
    struct = proto.Field(Struct, number=8, oneof="kind")
    comprehension = proto.Field(Comprehension, number=9, oneof="kind")


class SourceInfo(proto.Message):
    positions = proto.MapField(proto.INT64, proto.INT32, number=4)


class Parsed(proto.Message):
    expr = proto.Field(proto.BYTES, number=2)
    source_info = proto.Field(proto.BYTES, number=3)


class Checked(proto.Message):
    expr = proto.Field(proto.BYTES, number=4)
    source_info = proto.Field(proto.BYTES, number=5)


class Envelope(proto.Message):
    """`google.protobuf.Any`: its bytes are what a message of that type would be."""

    tree = proto.Field(Parsed, number=2)


class CheckedEnvelope(proto.Message):
    tree = proto.Field(Checked, number=2)


Node: TypeAlias = Any
"""A decoded `Expr`: the message underneath proto-plus, whose own attributes are ten times slower."""

Place: TypeAlias = tuple[int, int]
"""Start and length, in code points."""

decode: Final = Expr.pb().FromString
_decode_parsed: Final = Envelope.pb().FromString
_decode_checked: Final = CheckedEnvelope.pb().FromString
_decode_source_info: Final = SourceInfo.pb().FromString

_TOKEN: Final = re.compile(
    r"""[bBrR]{0,2}(?:'''(?:[^\\]|\\.)*?'''|\"{3}(?:[^\\]|\\.)*?\"{3}
    |'(?:[^\\'\n]|\\.)*'|"(?:[^\\"\n]|\\.)*")
    |-?\s*[0-9][0-9A-Za-z.]*|[A-Za-z_][A-Za-z0-9_]*|`[^`]*`|&&|\|\||[=!<>]=|.""",
    re.DOTALL | re.VERBOSE,
)
_FIELD: Final = re.compile(r"\.\s*([A-Za-z_][A-Za-z0-9_]*|`[^`]*`)")


class Tree:
    """A parsed text; `checked` where CEL's checker has been over it, which gives another message of the same tree."""

    def __init__(self, text: str, serialized: bytes, *, checked: bool = False) -> None:
        parsed = (_decode_checked if checked else _decode_parsed)(serialized).tree
        self.text = text
        self.root: Node = decode(parsed.expr)
        self._source_info: bytes = parsed.source_info

    @kept
    def _positions(self) -> Mapping[int, int]:
        positions: Mapping[int, int] = _decode_source_info(self._source_info).positions
        return positions

    def place(self, node: Node) -> Place:
        """Where a node stands: a path as a whole, a call by its name, an operation by its operator."""
        start: int = self._positions.get(node.id, 0)
        match node.WhichOneof("kind"):
            case "select":
                first = self.place(decode(node.select.operand))[0]
                word, length = self.field_place(node)
                return first, word + length - first
            case "call" if self.text.startswith("(", start):
                return self._word_before(start)
            case "comprehension":
                return self._word_before(start)
            case _:
                return start, self._token_length(start)

    def field_place(self, node: Node) -> Place:
        """Where the field's name stands in a selection; the argument's, for `has`."""
        start: int = self._positions.get(node.id, 0)
        if node.select.test_only:  # CEL places it at the parenthesis
            operand = self.place(decode(node.select.operand))
            start = self.text.find(".", sum(operand))
        found = _FIELD.match(self.text, start)
        return (found.start(1), len(found[1])) if found else (start, 1)

    def whole(self) -> Place:
        text = self.text.strip()
        return self.text.find(text), max(len(text), 1)

    def _word_before(self, parenthesis: int) -> Place:
        before = self.text[:parenthesis].rstrip()
        start = len(before)
        while start and (before[start - 1].isalnum() or before[start - 1] == "_"):
            start -= 1
        return (start, len(before) - start) if start < len(before) else (parenthesis, 1)

    def _token_length(self, start: int) -> int:
        found = _TOKEN.match(self.text, start)
        return found.end() - start if found else 1
