"""A policy that follows its files: replaced when they change, kept when what they say is wrong.

A thread looks at the files every so often, by `stat`: that works wherever there are files, and sees what is renamed,
linked anew, removed and put back. What has changed is taken only if the next look finds the same: an editor or a
checkout may have been in the middle of its work.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, Unpack

from lawful.decision import Decision, Justification, Ruling
from lawful.diagnostics import PolicyError
from lawful.ir import Value
from lawful.loading import file_of, load_by, path_of
from lawful.policy import Engine, Parts, Policy

if TYPE_CHECKING:
    from lawful.checker import Asked
    from lawful.policy import Given
    from lawful.possibility import Possibilities
    from lawful.question import Question

OnChange: TypeAlias = Callable[[Policy, Policy], object]
OnError: TypeAlias = Callable[[Exception], object]

_FIRST_READINGS: Final = 5
"""How often files are read, when watching begins, that change while they are read."""
_LAST_WAIT: Final = 5.0
"""The seconds that the end of the process waits for readings under way."""

_log: Final = logging.getLogger("lawful")


def watch(
    name_or_path: str | os.PathLike[str],
    *,
    on_change: OnChange | None = None,
    on_error: OnError | None = None,
    interval: float = 1.0,
) -> Watched:
    """The policy that `load` gives, following its files from now on. Raises PolicyError as `load` does.

    The files are looked at every `interval` seconds, and a change is taken once it has stood for one interval. Then
    `on_change(old, new)` is called or, if the files are wrong, `on_error(error)`, and the policy stays what it was.
    Both are called by the watching thread, one after the other; the logger `lawful` is told in any case.
    """
    if not 0 < interval <= threading.TIMEOUT_MAX:
        raise ValueError(f"a policy cannot be looked at every {interval} seconds")
    reading = _first_reading(path_of(name_or_path).absolute())
    if isinstance(reading.found, Exception):
        raise reading.found
    return Watched(reading, reading.found, on_change, on_error, interval)


class Watched:
    """A policy that is replaced while it is used. Made by `watch`; threads may share it.

    Each call is judged wholly by the policy that is there when it begins. What takes more than one call is asked of one
    `policy`: above all to `read` a request and then judge it, since no other policy takes what one has read.
    """

    def __init__(
        self,
        reading: _Reading,
        policy: Policy,
        on_change: OnChange | None,
        on_error: OnError | None,
        interval: float,
    ) -> None:
        self._policy = policy
        self._checker = policy.checker()
        self._error: Exception | None = None
        self._on_change = on_change
        self._on_error = on_error
        self._interval = interval
        self._taken = reading
        self._pending: _Reading | None = None
        self._start()
        _open.add(self)

    @property
    def policy(self) -> Policy:
        """The policy as it is now: one object, which will not change."""
        return self._policy

    @property
    def error(self) -> Exception | None:
        """Why the files give no policy as they are now: a PolicyError, or whatever went wrong when they were read."""
        return self._error

    def close(self) -> None:
        """Stop watching. The policy stays as it is, and may be used."""
        _open.discard(self)
        self._stopped.set()
        if self._thread is not threading.current_thread():  # a callback may close
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        raise TypeError("what is watched belongs to its process: pickle its `policy`")

    def __repr__(self) -> str:
        return f"<Watched {self._policy.program.id} {self._policy.program.version}>"

    # ------------------------------------------------------------------------------------- the policy as it is now

    def check(self, request: Given = None, /, *, engine: Engine | None = None, **parts: Unpack[Parts]) -> Decision:
        """See `Policy.check`."""
        return self._policy.check(request, engine=engine, **parts)

    def check_many(self, requests: Iterable[Given], /, *, engine: Engine | None = None) -> Iterator[Decision]:
        """See `Policy.check_many`: all of them by the policy as it is now."""
        return self._policy.check_many(requests, engine=engine)

    def acheck_many(
        self, requests: Iterable[Given] | AsyncIterable[Given], /, *, engine: Engine | None = None
    ) -> AsyncIterator[Decision]:
        """Likewise, see `Policy.acheck_many`."""
        return self._policy.acheck_many(requests, engine=engine)

    def read(self, request: Given = None, /, **parts: Unpack[Parts]) -> Question:
        """See `Policy.read`: by the policy as it is now. Once that is replaced, what was read is refused."""
        return self._policy.read(request, **parts)

    def checker(self) -> Following:
        """What rules on requests as `Policy.checker` does, each by the policy as it is then."""
        return Following(self)

    def allows(self, request: Given = None, /, **parts: Unpack[Parts]) -> bool:
        """See `Policy.allows`."""
        return self._policy.allows(request, **parts)

    def can(self, request: Given = None, /, **parts: Unpack[Parts]) -> Possibilities:
        """See `Policy.can`."""
        return self._policy.can(request, **parts)

    def evaluate(self, text: str, /, **parts: Unpack[Parts]) -> tuple[Value | None, Justification]:
        """See `Policy.evaluate`."""
        return self._policy.evaluate(text, **parts)

    # ------------------------------------------------------------------------------------------------ the watching

    def _start(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._stopped,), name="lawful.watch", daemon=True)
        self._thread.start()

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.wait(self._interval):
            try:
                self._look()
            except Exception:  # noqa: BLE001 - whatever it is, it is told, and the next look may fare better
                _log.exception("`%s` could not be looked at", self._taken.path)

    def _look(self) -> None:
        if self._pending is None:
            if not self._taken.rests():
                self._pending = self._taken.again()
            return
        now = self._pending.again()
        if now.found is not self._pending.found:
            self._pending = now
            return
        self._pending = None
        self._take(now)

    def _take(self, reading: _Reading) -> None:
        """The reading comes last: the child of a fork in between finds the change again."""
        found, before, old = reading.found, self._error, self._policy
        if found is self._taken.found:
            self._taken = reading
        elif isinstance(found, Exception):
            self._error = found
            self._taken = reading
            unexpected = None if isinstance(found, PolicyError) else found
            _log.error("`%s` is wrong, and %s stays:\n%s", reading.path, _named(old), found, exc_info=unexpected)
            self._tell(self._on_error, found)
        elif found.program.digest == old.program.digest:  # which has its engines built
            self._error = None
            self._taken = replace(reading, found=old)
            if before is not None:
                _log.info("%s stays: its files are in order again", _named(old))
        else:
            self._checker = found.checker()
            self._policy = found
            self._error = None
            self._taken = reading
            _log.info("%s is replaced by %s", _named(old), _named(found))
            self._tell(self._on_change, old, found)

    def _tell(self, callback: Callable[..., object] | None, *told: Any) -> None:
        if callback is None:
            return
        try:
            callback(*told)
        except BaseException:  # noqa: BLE001 - an embedder's code must not end the watching, by `sys.exit` neither
            _log.exception("%r raised, and the watching goes on", callback)


class Following:
    """A checker whose policy is replaced."""

    __slots__ = ("_watched",)

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def __call__(self, request: Asked, /) -> Ruling:
        """See `Checker`."""
        return self._watched._checker(request)

    def allows(self, request: Asked, /) -> bool:
        """See `Checker.allows`."""
        return self._watched._checker.allows(request)

    def unvalidated(self, request: Asked, /) -> Ruling:
        """See `Checker.unvalidated`."""
        return self._watched._checker.unvalidated(request)


def _named(policy: Policy) -> str:
    return f"{policy.program.id} {policy.program.version} ({policy.program.digest[:19]})"


# ------------------------------------------------------------------------------------------------------- the files

_Stamp: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the files came to, and what they were; None stands for a file that is not there or cannot be read."""

    path: Path
    stamps: Mapping[str, _Stamp | None]
    """By the files' names. Each was taken before the file was read: what is written meanwhile is noticed."""
    contents: Mapping[str, bytes | None]
    found: Policy | Exception

    def rests(self) -> bool:
        """Whether nobody has touched the files since."""
        return _stamps(self.path, self.stamps) == self.stamps

    def again(self) -> _Reading:
        """The files as they are now. Where they hold what they held, nothing is compiled."""
        stamps = _stamps(self.path, self.stamps)
        if {name: _content(self.path, name) for name in self.contents} == self.contents:
            return replace(self, stamps=stamps)
        return _read(self.path)


def _first_reading(path: Path) -> _Reading:
    """Taken at once, but not from the middle of a change."""
    reading = _read(path)
    for _ in range(_FIRST_READINGS):
        now = reading.again()
        if now.found is reading.found:
            break
        reading = now
    return reading


def _read(path: Path) -> _Reading:
    stamps: dict[str, _Stamp | None] = {}
    contents: dict[str, bytes | None] = {}

    def read(name: str) -> bytes:
        known = contents.get(name)
        if known is not None:  # once, however often it is asked for: it might be another by then
            return known
        stamps[name] = _stamp(path.parent / name)
        contents[name] = None
        contents[name] = content = file_of(path, name)
        return content

    found: Policy | Exception
    try:
        found = load_by(path, read)
    except Exception as error:  # noqa: BLE001 - a defect that a file brings to light must not end the watching either
        found = error
    return _Reading(path, stamps, contents, found)


def _content(path: Path, name: str) -> bytes | None:
    try:
        return file_of(path, name)
    except (OSError, ValueError):
        return None


def _stamps(path: Path, names: Iterable[str]) -> dict[str, _Stamp | None]:
    return {name: _stamp(path.parent / name) for name in names}


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does, or when another takes its name, by way of a link too."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


# ----------------------------------------------------------------------------------------------------- the process

_open: Final[set[Watched]] = set()


def _after_fork() -> None:
    """In the child, to which no other thread has come along."""
    for watched in list(_open):
        watched._start()


def _at_exit() -> None:
    """A thread must not run on while the interpreter is taken down around it."""
    for watched in list(_open):
        watched._stopped.set()
    until = time.monotonic() + _LAST_WAIT
    for watched in list(_open):
        watched._thread.join(max(0.0, until - time.monotonic()))


atexit.register(_at_exit)
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)
