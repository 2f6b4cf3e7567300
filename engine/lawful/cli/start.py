"""What makes the command line start soon: half of it is other people's imports."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Final

_PLUGIN_LOADER: Final = "pydantic.plugin._loader"


def start() -> None:
    """For a process that is nothing but a command line.

    pydantic asks every installed distribution for plug-ins, 20 ms with `importlib.metadata` and all that it imports.
    This program takes none, so it is given a loader that finds none; a pydantic that looks elsewhere ignores it. What
    is imported stays, so no garbage is looked for among it; a command for which garbage may gather calls `settle`.
    """
    gc.disable()
    if _PLUGIN_LOADER not in sys.modules:
        loader = ModuleType(_PLUGIN_LOADER)
        vars(loader)["get_plugins"] = tuple
        sys.modules[_PLUGIN_LOADER] = loader


def settle() -> None:
    """From here on the work may be long: collect garbage again, though not among what was imported."""
    gc.freeze()
    gc.enable()
