"""Ctrl-C, and a plea to end, while long work is done: whatever becomes of them below, the work ends as interrupted."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_PATIENCE: Final = 3.0
"""Seconds in which another Ctrl-C changes nothing: what is half written is being removed. Of work that went on in spite
of the first, one after that is heard."""

_AGAIN: Final = 0.01
"""Seconds after which a signal that came where Python lets nothing out is sent again."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP become a KeyboardInterrupt, so that no half-written file stays behind.

    An engine that was at work tells of it by an error of its own (DuckDB, of a query that was interrupted), or swallows
    it where Python lets nothing out. What counts is that the signal came. Once it has, the command ends, and more of
    them change nothing.
    """
    came: list[float] = []
    unheard = threading.Event()

    def heed(_number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if came and now - came[-1] < _PATIENCE and not unheard.is_set():
            return
        unheard.clear()
        came.append(now)
        raise KeyboardInterrupt

    def lost(what: sys.UnraisableHookArgs) -> None:
        if what.exc_type is not KeyboardInterrupt:
            if not came:  # else it is what an interrupt left behind half done, as in Ibis's `__del__`
                told(what)
            return
        unheard.set()  # it came in a `__del__`, say: Python would write of it and go on
        again = threading.Timer(_AGAIN, signal.raise_signal, [signal.SIGINT])
        again.daemon = True
        again.start()

    told, sys.unraisablehook = sys.unraisablehook, lost
    before = {each: signal.signal(each, heed) for each in _heeded()}
    try:
        yield
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_IGN if came else handler)
        if not came:
            sys.unraisablehook = told
    if came:
        raise KeyboardInterrupt


def _heeded() -> Iterator[signal.Signals]:
    yield signal.SIGINT
    yield signal.SIGTERM
    # the terminal is gone, or the line to it; after `nohup` the work is to go on without
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP
