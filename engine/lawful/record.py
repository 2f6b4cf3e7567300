"""Facts as a record with a slot for each field: what is asked in every check is read by its place, not by its name.

Slots are called as fields are, with `f_` before, since a field may be called `class` or `__module__`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final, Self, cast

import msgspec
from msgspec.structs import astuple

from lawful.ir import Value

_TYPES_KEPT: Final = 256


class Record(msgspec.Struct, frozen=True, gc=False):
    """The facts of an account, or of a request; None is unknown."""

    names: ClassVar[tuple[str, ...]] = ()
    """Of the fields, in the order of their slots."""

    @classmethod
    def of(cls, facts: Mapping[str, Value]) -> Self:
        """The record of known facts. Raises TypeError where there is no such field."""
        return cls(**{slot(name): value for name, value in facts.items()})

    def known(self) -> dict[str, Value]:
        """The facts by name, without those that are not known."""
        return {name: value for name, value in zip(self.names, astuple(self), strict=False) if value is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        """Its type is made while the program runs: elsewhere it is made anew."""
        return _made, (self.names, self.known())


def slot(name: str) -> str:
    """What the slot of a field is called."""
    return f"f_{name}"


@lru_cache(_TYPES_KEPT)
def record_type(names: tuple[str, ...]) -> type[Record]:
    """Records with those fields."""
    fields = [(slot(name), Any, None) for name in names]
    made = msgspec.defstruct("Facts", fields, bases=(Record,), namespace={"names": names}, frozen=True)
    return cast("type[Record]", made)


def _made(names: tuple[str, ...], facts: Mapping[str, Value]) -> Record:
    return record_type(names).of(facts)
