"""Files that a command is given: accounts, requests, histories, cases. JSON, or YAML whose scalars have no type yet."""

from __future__ import annotations

import errno
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from lawful.cli.errors import BadInput, WrongUsage
from lawful.diagnostics import Problem, RequestError, near
from lawful.question import MAX_BYTES
from lawful.reading import from_json
from lawful.source import Source

STDIN: Final = "-"
_JSON_ENDINGS: Final = (".json",)
_YAML_ENDINGS: Final = (".yaml", ".yml")
_LINES_ENDINGS: Final = (".jsonl", ".ndjson")
_HISTORY_KEYS: Final = ("history", "history_from")


def raw(name: str) -> bytes:
    """The bytes of a file, or of stdin for `-`: no more than a request may have. Raises WrongUsage."""
    try:
        with opened(name) as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise cannot_read(name, error) from None
    if len(content) > MAX_BYTES:
        raise WrongUsage(f"{shown(name)} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return content


def opened(name: str) -> BinaryIO:
    """The file for reading; `-` is stdin."""
    if name == STDIN and sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    if name == STDIN:
        return open(sys.stdin.fileno(), "rb", closefd=False) if _is_real(sys.stdin) else sys.stdin.buffer
    return Path(name).open("rb")


@contextmanager
def stream(name: str) -> Iterator[BinaryIO]:
    """The file for reading, as long as it is read. Raises WrongUsage."""
    try:
        found = opened(name)
    except OSError as error:
        raise cannot_read(name, error) from None
    with found:
        yield found


def _is_real(stream: Any) -> bool:
    """Whether the stream is a file of the system; in tests it may be a text in memory."""
    try:
        stream.fileno()
    except (OSError, AttributeError, ValueError):
        return False
    return True


def is_piped() -> bool:
    """Whether stdin is no terminal: then a request may come in by it."""
    return sys.stdin is not None and not sys.stdin.isatty()


def cannot_read(name: str, error: OSError) -> WrongUsage:
    reason = (error.strerror or str(error)).lower()
    return WrongUsage(f"{shown(name)} cannot be read: {reason}")


def shown(name: str) -> str:
    return "stdin" if name == STDIN else f"`{name}`"


def record(name: str) -> dict[str, Any]:
    """The mapping that a JSON or YAML file holds. Raises RequestError or BadInput."""
    content = raw(name)
    if not _text(content):
        raise WrongUsage(f"{shown(name)} is empty", "nothing is asked, and of no account")
    if _is_json(name, content):
        return _in_file(name, content)
    data = _yaml(name, content)
    if not isinstance(data, dict):
        raise WrongUsage(f"{shown(name)} holds no mapping of fields to values")
    return data


def events(name: str) -> dict[str, Any]:
    """The `history`, and maybe `history_from`, of a file: a list of events, a mapping with these keys, JSON Lines."""
    content = raw(name)
    data = _history(name, content) if _text(content) else None
    if data is None:  # said of a YAML file with nothing but comments, too
        raise WrongUsage(f"{shown(name)} is empty", "`--history none` says that nothing happened")
    if not isinstance(data, dict) or not data:
        return {"history": data}
    wrong = [key for key in data if key not in _HISTORY_KEYS]
    if wrong:
        raise RequestError(Problem(key, "a history has no such key", near(key, _HISTORY_KEYS)) for key in wrong)
    return data


def _history(name: str, content: bytes) -> Any:
    if is_lines(name):
        return [_in_line(name, number, line) for number, line in enumerate(content.splitlines(), 1) if _text(line)]
    if not _is_json(name, content):
        return _yaml(name, content)
    return _list(name, content) if _text(content).startswith(b"[") else _in_file(name, content)


def is_lines(name: str) -> bool:
    """Whether the file's name says that it is JSON Lines."""
    return name.lower().endswith(_LINES_ENDINGS)


def _is_json(name: str, content: bytes) -> bool:
    if name.lower().endswith((*_JSON_ENDINGS, *_YAML_ENDINGS)):
        return name.lower().endswith(_JSON_ENDINGS)
    return _text(content)[:1] in (b"{", b"[")


def _text(content: bytes) -> bytes:
    """What is written, without the mark some editors put before it."""
    return content.removeprefix(BOM_UTF8).strip()


def _in_file(name: str, content: bytes) -> dict[str, Any]:
    """A JSON object, its mistakes told with the file's name."""
    try:
        return from_json(content)
    except RequestError as error:
        raise RequestError(
            Problem(each.field or shown(name), each.message, each.help) for each in error.problems
        ) from None


def _in_line(name: str, number: int, line: bytes) -> dict[str, Any]:
    """Likewise, of a line of a file."""
    try:
        return from_json(line)
    except RequestError as error:
        where = f"{shown(name)}, line {number}"
        raise RequestError(
            Problem(f"{where}: {each.field}" if each.field else where, each.message, each.help)
            for each in error.problems
        ) from None


def _list(name: str, content: bytes) -> Any:
    """A JSON list, read as a part of an object: so the keys in it that are given twice are told with their paths."""
    try:
        json.loads(content, parse_int=str)  # as numbers they may be too long for Python
    except (ValueError, RecursionError):
        return _in_file(name, content)  # which raises, in the words for requests
    return _in_file(name, b'{"history":' + content.removeprefix(BOM_UTF8) + b"}")["history"]


def _yaml(name: str, content: bytes) -> Any:
    from lawful.document import Unreadable, decode, read  # PyYAML: only for such a file

    try:
        source = decode(name, content)
        document, found = read(source)
    except Unreadable as error:
        raise BadInput(error.diagnostics) from None
    if found:
        raise BadInput(found)
    return document.data


def text_source(name: str) -> Source:
    """A text file with its name, for what reads it with places. Raises BadInput."""
    from lawful.document import Unreadable, decode

    try:
        return decode(name, raw(name))
    except Unreadable as error:
        raise BadInput(error.diagnostics) from None


def lines(name: str, stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not empty, with their numbers; None for one that is too long to be taken.

    Raises WrongUsage where the stream, which is called so, cannot be read on.
    """
    try:
        yield from _lines(stream)
    except OSError as error:
        raise cannot_read(name, error) from None


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        if len(line) > MAX_BYTES and not line.endswith(b"\n"):
            while not line.endswith(b"\n") and (line := stream.readline(MAX_BYTES)):
                pass
            yield number, None
        elif line.strip():
            yield number, line
