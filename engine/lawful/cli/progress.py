"""How far long work has come: a bar on stderr, where somebody watches it and no results run past."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, Protocol

_PATIENCE: Final = 1.0
"""Seconds before there is anything to see."""


@contextmanager
def progress(stream: BinaryIO, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """What is to be called with the number of bytes just done."""
    if not wanted or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    bar = _Bar(_size(stream))
    try:
        yield bar.passed
    finally:
        bar.close()


def collect() -> None:
    """Let in the collector of garbage, which `command` keeps out of short work, but not among what was imported."""
    gc.freeze()
    gc.enable()


class Telling(Protocol):
    """Told what is being done now, and the share that is done where that is known; nothing: that it is over."""

    def __call__(self, step: str, share: float | None = None, /) -> None: ...


def _silent(step: str, share: float | None = None, /) -> None: ...


@contextmanager
def working(*, wanted: bool) -> Iterator[Telling]:
    """What is to be called with what is being done now, and with the share that is done where that is known.

    A bar on stderr where somebody watches it, once there was something to wait for; nothing anywhere else. Work that
    has one may be long: garbage is collected from here on.
    """
    collect()
    if not wanted or not sys.stderr.isatty():
        yield _silent
        return
    work = _Work()
    try:
        yield work.at
    finally:
        work.close()


class _Work:
    """Likewise."""

    def __init__(self) -> None:
        self._last: tuple[str, float | None] = ("", None)
        self._drawn: Callable[[str, float | None], None] | None = None
        self._stop: Callable[[], None] = lambda: None
        self._closed = False
        self._lock = threading.Lock()
        # One step may take long: the bar does not wait until the next one is told.
        self._timer = threading.Timer(_PATIENCE, self._waited)
        self._timer.daemon = True
        self._timer.start()

    def at(self, step: str, share: float | None = None, /) -> None:
        if not step:
            self.close()
            return
        with self._lock:
            self._last = step, share
            if self._drawn is not None:
                self._drawn(step, share)

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._stop()
            self._stop, self._closed = (lambda: None), True

    def _waited(self) -> None:
        with self._lock:
            if not self._closed:
                self._show()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        task = bar.add_task("", total=None)

        def draw(step: str, share: float | None) -> None:
            bar.update(task, description=step, total=None if share is None else 1.0, completed=share or 0.0)

        draw(*self._last)
        bar.start()
        self._drawn, self._stop = draw, bar.stop


class _Bar:
    """Imports and draws nothing before it has been waited for a while."""

    def __init__(self, total: int | None) -> None:
        self.total = total
        self.done = 0
        self.begun = time.monotonic()
        self.drawn: Callable[[int], None] | None = None
        self.close: Callable[[], None] = lambda: None

    def passed(self, amount: int) -> None:
        self.done += amount
        if self.drawn is not None:
            self.drawn(self.done)
        elif time.monotonic() - self.begun > _PATIENCE:
            self._show()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True)
        task = bar.add_task("", total=self.total)
        bar.start()
        self.drawn = lambda done: bar.update(task, completed=done)
        self.close = bar.stop


def _size(stream: BinaryIO) -> int | None:
    try:
        return os.fstat(stream.fileno()).st_size or None
    except (OSError, ValueError):
        return None
