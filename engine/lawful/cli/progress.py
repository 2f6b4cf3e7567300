"""How far long work has come: a bar on stderr, where somebody watches it and no results run past."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

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
