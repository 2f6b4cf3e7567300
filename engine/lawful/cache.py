"""Compiled policies, kept between processes: a command line starts anew for every question.

An entry holds a program as JSON beside all that it was made of: the policy's files and the version of this package.
It is taken only where these are the same to the letter. It is data, checked as it is read; whatever is wrong with it,
the policy is compiled again. Only policies without warnings are kept, so that none is ever swallowed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from lawful import calendar, ir
from lawful.ir import Program

_FORMAT: Final = "2"
_MOST_ENTRIES: Final = 50
_CLASSES: Final[Mapping[str, type]] = {
    each.__name__: each
    for each in (*vars(ir).values(), calendar.Window)
    if isinstance(each, type) and is_dataclass(each)
}
_FIELDS: Final = {name: tuple(field.name for field in fields(each)) for name, each in _CLASSES.items()}
_SHARED: Final = frozenset({"Type", "Field", "Constant", "Clock", "ConditionOf", "Compare", "Text", "Period"})
"""Values of which a program has many that are equal: each is written once."""
Beside = Callable[[str], bytes]


def folder() -> Path | None:
    """`$LAWFUL_CACHE`, else `lawful` in the user's cache folder; None where it is switched off (`LAWFUL_CACHE=off`)."""
    given = os.environ.get("LAWFUL_CACHE")
    if given is not None:
        return None if given in ("off", "") else Path(given)
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(home) / "lawful"


def read(version: str, policy: bytes, beside: Beside) -> Program | None:
    """The program of those files; None where none is kept, or the entry is not what was written."""
    where = folder()
    if where is None:
        return None
    try:
        checksum, _, text = (where / _name(version, policy)).read_text("utf-8").partition("\n")
        if _checksum(text.encode()) != checksum:
            return None
        entry = json.loads(text)
        if entry["made_of"] != _made_of(version, policy, {name: beside(name) for name in entry["tables"]}):
            return None
        program = _Decoder().decoded(entry["program"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return program if isinstance(program, Program) else None


def write(version: str, policy: bytes, tables: Mapping[str, bytes], program: Program) -> None:
    """Keep it, written beside and renamed; where that is not possible nothing is kept."""
    where = folder()
    if where is None:
        return
    made_of = _made_of(version, policy, tables)
    entry = {"tables": sorted(tables), "made_of": made_of, "program": _Encoder().encoded(program)}
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    name = _name(version, policy)
    beside = where / f"{name}.{os.getpid()}"
    with suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            beside.write_text(f"{_checksum(text.encode())}\n{text}", "utf-8")
            beside.replace(where / name)
        except OSError:
            beside.unlink(missing_ok=True)
        _prune(where)


def _prune(where: Path) -> None:
    """Every edit of a policy makes another entry: the oldest go."""
    entries = sorted(where.glob("*.json"), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in entries[_MOST_ENTRIES:]:
        entry.unlink(missing_ok=True)


def _made_of(version: str, policy: bytes, tables: Mapping[str, bytes]) -> list[str]:
    files = [policy, *(tables[name] for name in sorted(tables))]
    return [_FORMAT, version, *(file.decode("latin-1") for file in files)]  # any bytes, one to one


def _name(version: str, policy: bytes) -> str:
    """Where to look. Two policies that share a name take it from each other in turn: what counts is the content."""
    return f"{_checksum(f'{_FORMAT} {version} '.encode() + policy)}.json"


def _checksum(raw: bytes) -> str:
    """Against accidents, not against somebody who may write into the user's folder; `hashlib` takes 4 ms to import."""
    return f"{crc32(raw):08x}-{len(raw)}"


class _Encoder:
    """Scalars as they are; everything else as a list that begins with what it is, a repeated value by its number."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def encoded(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | str():
                return value
            case tuple() | frozenset():
                items = sorted(value) if isinstance(value, frozenset) else value
                return ["tuple" if isinstance(value, tuple) else "set", *(self.encoded(each) for each in items)]
            case datetime():
                return ["instant", value.isoformat()]
            case date():
                return ["date", value.isoformat()]
            case timedelta():
                return ["duration", value.days, value.seconds, value.microseconds]
            case Mapping():
                return ["mapping", *([key, self.encoded(each)] for key, each in value.items())]
            case _:
                return self.object(value)

    def object(self, value: Any) -> Any:
        name = type(value).__name__
        shared = name in _SHARED
        key = (name, value) if shared else None
        if shared and key in self.numbers:
            return ["again", self.numbers[key]]
        parts = [name, *(self.encoded(getattr(value, field)) for field in _FIELDS[name])]
        if shared:
            self.numbers[key] = len(self.numbers)
        return parts


class _Decoder:
    def __init__(self) -> None:
        self.known: list[Any] = []

    def decoded(self, value: Any) -> Any:
        if type(value) is not list:
            return value
        kind, *parts = value
        match kind:
            case "again":
                return self.known[parts[0]]
            case "tuple":
                return tuple([self.decoded(each) for each in parts])
            case "set":
                return frozenset(parts)
            case "instant":
                return datetime.fromisoformat(parts[0])
            case "date":
                return date.fromisoformat(parts[0])
            case "duration":
                return timedelta(*parts)
            case "mapping":
                return {key: self.decoded(each) for key, each in parts}
            case _:
                found = _CLASSES[kind](*[self.decoded(each) for each in parts])
                if kind in _SHARED:
                    self.known.append(found)
                return found
