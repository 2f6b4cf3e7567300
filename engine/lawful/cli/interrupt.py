"""Ctrl-C, and a plea to end, while long work is done: whatever becomes of them below, the work ends as interrupted."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_PATIENCE: Final = 3.0
"""Seconds in which another Ctrl-C changes nothing: what is half written is being removed. Of work that went on in spite
of the first, one after that is heard."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM become a KeyboardInterrupt, so that no half-written file stays behind.

    An engine that was at work tells of it by an error of its own (DuckDB, of a query that was interrupted), or swallows
    it where Python lets nothing out. What counts is that the signal came. Once it has, the command ends, and more of
    them change nothing.
    """
    came: list[float] = []

    def heed(_number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if came and now - came[-1] < _PATIENCE:
            return
        came.append(now)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, heed) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_IGN if came else handler)
    if came:
        raise KeyboardInterrupt
