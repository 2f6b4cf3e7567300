"""The `lawful` command: prepares the process before anything large is imported, then hands over to `cli`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType, ModuleType
from typing import Final

_PLUGIN_LOADER: Final = "pydantic.plugin._loader"
_INTERRUPTED: Final = 130


def main() -> int:
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

    return cli.main()


def _stop(number: int, frame: FrameType | None) -> None:
    """Ctrl-C ends the process at once: an exception might be caught, and told, by whatever library is at work."""
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(_INTERRUPTED)
