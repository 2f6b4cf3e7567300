"""What is read is not written over: inventories, a policy and its tables, cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from lawful.audit.errors import AuditError
from lawful.diagnostics import legible

Originals: TypeAlias = Mapping[str, Iterable[Path]]
"""Files and folders that are read, by what they are."""
_INSTEAD: Final = {"baseline": "write to another file, and take that one for the baseline the next time"}


def of_policy(files: Iterable[Path]) -> Originals:
    """What a policy is made of: its own files, and the cases beside them."""
    own = tuple(files)
    return {"policy": own, "policy's cases": {each.with_name("cases.yaml") for each in own}}


def must_spare(target: str | Path, originals: Originals) -> None:
    """Refuse a target that is an original, by whatever name, or is in a folder that is one. Raises AuditError."""
    if is_device(Path(target)):
        return
    place = Path(target).resolve()
    for name, read in originals.items():
        if any(_is_in(place, each.resolve()) for each in read):
            message = f"`{legible(str(target), 200)}` is read as the {name}: it is not written over"
            raise AuditError(message, _INSTEAD.get(name, "name another file"))


def is_device(target: Path) -> bool:
    """Whether it is written to and not replaced: a device, a pipe."""
    try:
        return target.exists() and not target.is_file() and not target.is_dir()
    except OSError:
        return False  # no name that anything could have


def _is_in(place: Path, other: Path) -> bool:
    """Also where case makes no difference, or a file has two names."""
    try:
        return place == other or (other.is_dir() and place.is_relative_to(other)) or place.samefile(other)
    except OSError:
        return False  # one of them is not there
