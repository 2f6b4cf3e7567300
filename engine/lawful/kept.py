"""A property that is computed when it is first read, and kept: `functools.cached_property` without its lock.

Before Python 3.12 the objects of a class share that lock. Threads wait for each other's objects, and the child of a
fork, if another thread held it, waits for ever. Nothing here needs it: who comes second computes the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self, TypeVar, cast, overload

T_co = TypeVar("T_co", covariant=True)


class kept(cached_property[T_co]):  # noqa: N801 - it stands where functools' own would, and pydantic takes it for that
    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T_co: ...
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Self | T_co:
        if instance is None:
            return self
        value = self.func(instance)
        vars(instance)[cast("str", self.attrname)] = value  # from now on found there, and this not asked again
        return value
