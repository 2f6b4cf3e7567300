"""Outputs come to be beside their place and take it when they are whole: what was there before stays until then.

Of several that belong `together` none takes its place before all are whole.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from lawful.audit.errors import AuditError
from lawful.diagnostics import legible

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class _Whole:
    """An output that is written, and is not in its place yet."""

    target: Path
    part: Path
    place: Path

    def take_place(self) -> None:
        with _told(self.target, self.part):
            if self.place.exists():
                shutil.copymode(self.place, self.part)
            self.part.replace(self.place)


_WAITING: Final[ContextVar[list[_Whole] | None]] = ContextVar("outputs that wait for others", default=None)


@contextmanager
def together() -> Iterator[None]:
    """What is written inside takes its place at the end, when all of it is whole; after a failure none of it does.

    The files are renamed one after the other: only what keeps one from being renamed, of several, parts them.
    """
    waiting: list[_Whole] = []
    token = _WAITING.set(waiting)
    try:
        yield
        for each in waiting:
            each.take_place()
    finally:
        _WAITING.reset(token)
        for each in waiting:
            _remove(each.part)


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A path in the target's folder to write to: it replaces the target at the end, and is gone after a failure.

    What goes wrong with writing it is an `AuditError`; every other exception passes. A device or a pipe is written to
    as it is: there is nothing to keep, and it must not be replaced by a file.
    """
    must_be_writable(target)
    place = target.resolve()
    if place.exists() and not place.is_file():
        with _told(target, place):
            yield place
        return
    part = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with _told(target, part):
            yield part
        waiting, whole = _WAITING.get(), _Whole(target, part, place)
        if waiting is None:
            whole.take_place()
        else:
            waiting.append(whole)
    except BaseException:
        _remove(part)
        raise


def must_be_writable(target: Path) -> None:
    """Whether a file can come to be there is tried before anything is computed for it. Raises AuditError."""
    place = target.resolve()
    try:
        str(place).encode()
    except UnicodeEncodeError:  # a byte of another encoding: DuckDB takes names in UTF-8
        raise AuditError(f"`{legible(str(target), 200)}` cannot be written: its name is not UTF-8") from None
    with _told(target, place):  # some names can no file have
        is_there, is_folder = place.exists(), place.is_dir()
    if is_folder:
        raise AuditError(f"`{target}` is a folder", help="name a file in it")
    if not place.parent.is_dir():
        raise AuditError(f"`{target}` cannot be written: there is no folder `{target.parent}`")
    if is_there and not os.access(place, os.W_OK):
        raise AuditError(f"`{target}` cannot be written: permission denied")
    if is_there and not place.is_file():
        return
    try:
        with TemporaryFile(dir=place.parent):  # some folders take no files though nothing forbids it: those of /proc
            pass
    except OSError as error:
        raise AuditError(f"`{target}` cannot be written: {(error.strerror or str(error)).lower()}") from None


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
