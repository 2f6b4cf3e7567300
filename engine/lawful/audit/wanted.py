"""What an audit is asked for, and what makes no sense to ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from lawful import values
from lawful.audit.errors import AuditError, option
from lawful.diagnostics import legible, near
from lawful.ir import Program, Value

_MEMORY: Final = 320
"""MB of DuckDB at the most; what does not fit is spilled to the disk. 20 M accounts, 1 M of them with findings, take
half of that, but with 192 a tenth of the time goes into making room."""
_MEMORY_OF_EVENTS: Final = 1024
"""Where events or an earlier snapshot are joined to the accounts: of 40 M events DuckDB needs some 600 MB to spill."""
_SIZE: Final = re.compile(r"([0-9]{1,9})\s*([MGT])i?B?", re.IGNORECASE)
_FACTOR: Final = {"M": 1, "G": 1024, "T": 1024 * 1024}
_LEAST: Final = 64
_NEEDED: Final = {
    "before_at": ("before", f"name the earlier snapshot with {option('before')}, or leave it out"),
    "history_from": ("history", f"name the events with {option('history')}, or leave it out"),
    "request": ("can", f"ask something with {option('can')}, or leave it out"),
}
"""What says something of something else, what that is, and what may be done where it lacks."""
_LATE: Final = {
    "before_at": "it says when the earlier snapshot was taken",
    "history_from": "it says from when on the history is whole",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an audit is asked for. Paths, addresses, frames and Ibis tables are all inventories."""

    inventory: object
    at: datetime
    history: object = None
    history_from: datetime | None = None
    before: object = None
    before_at: datetime | None = None
    mapping: str | None = None
    columns: tuple[str, ...] = ()
    """`column=field`, each."""
    on: str | None = None
    table: str | None = None
    encoding: str | None = None
    unknown: bool = False
    lenient: bool = False
    require_columns: bool = False
    questions: tuple[str, ...] = ()
    request: Mapping[str, Value] = field(default_factory=dict)
    baseline: Path | None = None
    waivers: Path | None = None
    cross_check: float = 0.0
    pictures: bool = False
    """Whether what only a report shows is counted too: dates by month, states, steps."""
    memory: int | None = _MEMORY
    """MB, of DuckDB or of Spark's driver; None: as the engine has it."""


def wanted(
    program: Program,
    inventory: object,
    *,
    at: str | date | None = None,
    history_from: str | date | None = None,
    before_at: str | date | None = None,
    columns: Mapping[str, str] | Iterable[str] | None = None,
    can: Iterable[str] = (),
    request: Mapping[str, Any] | None = None,
    baseline: str | Path | None = None,
    waivers: str | Path | None = None,
    cross_check: float = 0.0,
    memory: str | None = None,
    **others: Any,
) -> Wanted:
    """An audit as it was asked for, on the command line or from Python. Raises AuditError."""
    zone = ZoneInfo(program.timezone)
    if not 0 <= cross_check <= 1:
        raise AuditError(f"the share of accounts to judge again is {cross_check}", "such as 0.001, at most 1")
    given = {"before_at": before_at, "history_from": history_from, "request": request or None, **others}
    _refuse_alone(given | {"can": tuple(can) or None})
    if isinstance(columns, Mapping):
        columns = [f"{column}={name}" for column, name in columns.items()]
    asked = Wanted(
        inventory=inventory,
        at=_instant(at, zone, "at") or datetime.now(UTC),
        history_from=_instant(history_from, zone, "history_from"),
        before_at=_instant(before_at, zone, "before_at"),
        columns=tuple(columns or ()),
        questions=(can,) if isinstance(can, str) else tuple(can),
        request=_facts(program, request or {}, zone),
        baseline=None if baseline is None else Path(baseline),
        waivers=None if waivers is None else Path(waivers),
        cross_check=cross_check,
        memory=_memory(memory, others),
        **others,
    )
    _refuse_late(asked, zone)
    return asked


def _memory(given: str | None, others: Mapping[str, Any]) -> int | None:
    """`2GB` in megabytes."""
    if given is None:
        joined = others.get("history") is not None or others.get("before") is not None
        return None if others.get("on") else _MEMORY_OF_EVENTS if joined else _MEMORY
    found = _SIZE.fullmatch(given.strip())
    size = int(found[1]) * _FACTOR[found[2].upper()] if found else 0
    if size < _LEAST:
        raise AuditError(f"{option('memory')} is `{legible(given)}`", f"such as 500MB or 4GB, at least {_LEAST}MB")
    return size


def _refuse_alone(given: Mapping[str, Any]) -> None:
    """Refuse what says something of what is not given."""
    for name, (needed, help) in _NEEDED.items():
        if given.get(name) is not None and given.get(needed) is None:
            raise AuditError(f"{option(name)} is given without `{needed}`", help)


def _refuse_late(asked: Wanted, zone: ZoneInfo) -> None:
    """Refuse an earlier snapshot that is none, and a history that begins after the audit."""
    for name, instant in (("before_at", asked.before_at), ("history_from", asked.history_from)):
        if instant is not None and instant > asked.at:
            then, now = values.written(instant, zone), values.written(asked.at, zone)
            raise AuditError(f"{option(name)} is {then}, which is later than `at`, {now}", _LATE[name])


def _instant(given: str | date | None, zone: ZoneInfo, name: str) -> datetime | None:
    if given is None:
        return None
    try:
        return values.instant(given, zone)
    except values.BadValue as error:
        raise AuditError(f"`{name}`: {error.message}", error.help) from None


def _facts(program: Program, given: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Value]:
    """What a request says beside the change."""
    found: dict[str, Value] = {}
    for name, value in given.items():
        declaration = program.request.get(name)
        if declaration is None:
            raise AuditError(f"a request has no field `{legible(name)}`", near(name, program.request))
        try:
            read = values.read(declaration, value, zone)
        except values.BadValue as error:
            raise AuditError(f"`request.{name}`: {error.message}", error.help) from None
        if read is not None:
            found[name] = read
    return found
