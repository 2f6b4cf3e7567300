"""Real forks: what becomes of a child."""

from __future__ import annotations

import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")


def trouble_in_child(act: Callable[[], object], seconds: float = 20) -> str:
    """Fork, and let the child act: the traceback of what it raised, or that it did not end; empty if all was well."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: threads and forks are what is tested
        pid = os.fork()
    if pid == 0:
        told = ""
        try:
            act()
        except BaseException:  # noqa: BLE001 - the parent is told of it
            told = traceback.format_exc()
        finally:
            os.write(write, told.encode()[:60_000])
            os._exit(0)
    os.close(write)
    try:
        return f"{_end(pid, seconds)}{os.read(read, 60_000).decode()}"
    finally:
        os.close(read)


def _end(pid: int, seconds: float) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return f"the child ended with status {status}\n" if status else ""
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return f"the child did not end within {seconds} seconds\n"
