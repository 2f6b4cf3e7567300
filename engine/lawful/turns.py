"""Work on many things in an event loop, which gets its turn now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Final, Generic, TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")
_SECONDS: Final = 0.001
"""How long other tasks wait at the most."""


class Turns(AsyncIterator[Found], Generic[Given, Found]):
    """What a function gives for each thing, in order. Where it raises, the next turn goes on with the next thing."""

    def __init__(self, function: Callable[[Given], Found], things: Iterable[Given] | AsyncIterable[Given]) -> None:
        self._function = function
        self._things = things.__aiter__() if isinstance(things, AsyncIterable) else iter(things)
        self._until = time.monotonic() + _SECONDS

    async def __anext__(self) -> Found:
        if time.monotonic() >= self._until:
            await asyncio.sleep(0)
            self._until = time.monotonic() + _SECONDS
        return self._function(await self._next())

    async def _next(self) -> Given:
        if isinstance(self._things, AsyncIterator):
            return await self._things.__anext__()
        for thing in self._things:
            return thing
        raise StopAsyncIteration
