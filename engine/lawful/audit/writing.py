"""Outputs come to be beside their place and take it when they are whole: what was there before stays until then."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lawful.audit.errors import AuditError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A path in the target's folder to write to: it replaces the target at the end, and is gone after a failure.

    What goes wrong with writing it is an `AuditError`; every other exception passes. A device or a pipe is written to
    as it is: there is nothing to keep, and it must not be replaced by a file.
    """
    place = target.resolve()
    _must_be_writable(target, place)
    if place.exists() and not place.is_file():
        with _told(target, place):
            yield place
        return
    part = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with _told(target, part):
            yield part
            if place.exists():
                shutil.copymode(place, part)
            part.replace(place)
    except BaseException:
        _remove(part)
        raise


def _must_be_writable(target: Path, place: Path) -> None:
    """Before anything is computed for it."""
    if place.is_dir():
        raise AuditError(f"`{target}` is a folder", help="name a file in it")
    if not place.parent.is_dir():
        raise AuditError(f"`{target}` cannot be written: there is no folder `{target.parent}`")
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise AuditError(f"`{target}` cannot be written: permission denied")


@contextmanager
def _told(target: Path, written: Path) -> Iterator[None]:
    """What keeps the file from being written, in words; what is read meanwhile may fail in its own."""
    try:
        yield
    except OSError as error:
        ours = error.filename is None or Path(os.fsdecode(error.filename)) == written
        if error.errno is None or not (ours or error.errno in _FULL):
            raise
        raise AuditError(f"`{target}` cannot be written: {os.strerror(error.errno).lower()}") from error
    except Exception as error:
        # DuckDB's are no OSErrors: they quote the path and the system's words.
        reason = next((os.strerror(each) for each in _FULL if os.strerror(each) in str(error)), None)
        if reason is None and written.name not in str(error):
            raise
        told = reason or str(error).rpartition(": ")[2].rstrip('"}')
        raise AuditError(f"`{target}` cannot be written: {told.lower()}") from error


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
