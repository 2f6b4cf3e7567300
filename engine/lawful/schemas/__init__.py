"""The JSON Schemas of what goes in and comes out: published beside this file, made from the models.

`python -m lawful.schemas` writes them anew; a test checks that they are current.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

NAMES: Final = ("policy", "cases", "request", "decision", "possibilities", "plan", "choice", "proof", "diff")


def path(name: str) -> Path:
    """Where a schema is published."""
    return Path(str(files(__name__))) / f"{name}.schema.json"


def published(name: str) -> str:
    """The text of a published schema."""
    return path(name).read_text(encoding="utf-8")
