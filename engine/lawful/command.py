"""The `lawful` command: prepares the process before anything large is imported, then hands over to `cli`."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType, ModuleType
from typing import Final, NoReturn

_PLUGIN_LOADER: Final = "pydantic.plugin._loader"
_INTERRUPTED: Final = 130


def main() -> NoReturn:
    """For a process that is nothing but a command line: half of its start is other people's imports.

    pydantic asks every installed distribution for plug-ins, 20 ms with `importlib.metadata` and all that it imports.
    This program takes none, so it is given a loader that finds none; a pydantic that looks elsewhere ignores it. What
    is imported stays, so no garbage is looked for among it; a command whose work may be long lets the collector in.
    """
    signal.signal(signal.SIGINT, _stop)
    gc.disable()
    if _PLUGIN_LOADER not in sys.modules:
        loader = ModuleType(_PLUGIN_LOADER)
        vars(loader)["get_plugins"] = tuple
        sys.modules[_PLUGIN_LOADER] = loader
    from lawful import cli

    _leave(cli.main())


def _leave(code: int) -> NoReturn:
    """End the process without taking apart what was imported: the system takes it all back at once, Python needs a
    third of a cold check for it. What was to be done at the end (temporary folders) is done; the streams are written
    out, and where one cannot be, `cli.main` has told it.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


def _stop(number: int, frame: FrameType | None) -> None:
    """Ctrl-C ends the process at once: an exception might be caught, and told, by whatever library is at work."""
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(_INTERRUPTED)
