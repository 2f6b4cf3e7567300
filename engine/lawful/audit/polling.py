"""Whom it touches, where no engine of audits is installed: a sample of the accounts of a file, asked one by one.

Nothing of Ibis or DuckDB is needed; so only CSV and JSON Lines can be read, whose columns are the account's fields.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from lawful import values
from lawful.audit.errors import AuditError
from lawful.audit.touched import Touched, Turned, questions_of
from lawful.decision import Ruling
from lawful.diagnostics import RequestError, near
from lawful.ir import Program
from lawful.scalar import Scalar

_MOST: Final = 10_000
"""Accounts that are asked."""
_SHOWN: Final = 5
_NEEDED: Final = "pip install 'lawful[audit]'"
Rules = Callable[[dict[str, Any]], Ruling]


def polled(
    old: tuple[Program, Rules],
    new: tuple[Program, Rules],
    inventory: object,
    can: Sequence[str] = (),
    *,
    at: Any = None,
    **options: Any,
) -> Touched:
    """A sample of the accounts, asked of both. Raises AuditError for whatever only an audit could do."""
    programs = (old[0], new[0])
    _refuse(inventory, options)
    asked = tuple(can) or questions_of(*programs)
    if not asked:
        raise AuditError("there is nothing that both policies can be asked", "say what: `enable FEATURE`, `do ACTION`")
    changes = {text: _change(text, programs) for text in asked}
    accounts, sample = _sampled(Path(str(inventory)))
    turned: dict[tuple[str, str, str], list[str]] = {}
    many: Counter[tuple[str, str, str]] = Counter()
    for number, row in sample:
        account = _account(row, programs[0], number)
        for text, change in changes.items():
            request = {"account": account, "change": change, **({} if at is None else {"at": str(at)})}
            try:
                before, after = old[1](request), new[1](request)
            except RequestError as error:
                raise AuditError(f"line {number} of {inventory}: {error}") from None
            if before != after:
                key = (text, before.verdict, after.verdict)
                many[key] += 1
                turned.setdefault(key, []).append(str(row.get(programs[0].account_id) or f"line {number}"))
    found = [
        Turned(text, before, after, many[text, before, after], tuple(names[:_SHOWN]))  # type: ignore[arg-type]  # verdicts
        for (text, before, after), names in turned.items()
    ]
    found.sort(key=lambda each: (asked.index(each.question), -each.accounts))
    return Touched("direct", accounts, len(sample), tuple(found), asked)


def _refuse(inventory: object, options: Mapping[str, Any]) -> None:
    for name in ("history", "columns", "lenient", "changed"):
        if options.get(name):
            raise AuditError(f"`{name}` needs an engine of audits, and none is installed", _NEEDED)
    if not isinstance(inventory, (str, Path)) or Path(inventory).suffix.lower() not in (".csv", ".jsonl", ".ndjson"):
        raise AuditError("without an engine of audits only CSV and JSON Lines are read", _NEEDED)


def _change(text: str, programs: tuple[Program, Program]) -> dict[str, Any]:
    """`enable wechat_pay` as a request has it. Raises AuditError."""
    kind, _, rest = text.strip().partition(" ")
    field, equals, value = rest.partition("=")
    for program in programs:
        match kind:
            case "enable" | "disable" | "do":
                known: Mapping[str, object] = program.actions if kind == "do" else program.features
                if rest.strip() not in known:
                    raise AuditError(f"there is no `{rest.strip()}` to {kind}", near(rest.strip(), known))
            case "set" if equals:
                if field.strip() not in program.account:
                    help = near(field.strip(), program.account)
                    raise AuditError(f"the account has no field `{field.strip()}`", help)
            case "register" if not rest:
                pass
            case _:
                raise AuditError(f"`{text}` asks for no change", "a change is `enable FEATURE`, `set FIELD=VALUE`, …")
    if kind == "set":
        program = programs[1]
        try:
            read = values.read(program.account[field.strip()], Scalar(value.strip()), ZoneInfo(program.timezone))
        except values.BadValue as error:
            raise AuditError(f"`{text}`: {error.message}", error.help) from None
        return {"set": {field.strip(): values.to_json(read, ZoneInfo(program.timezone))}}
    return {kind: {} if kind == "register" else rest.strip()}


def _sampled(path: Path) -> tuple[int, list[tuple[int, Mapping[str, Any]]]]:
    """How many accounts there are, and some of them with their lines: always the same ones of one file."""
    random, many = Random(0), 0
    sample: list[tuple[int, Mapping[str, Any]]] = []
    try:
        for number, row in _rows(path):
            many += 1
            if len(sample) < _MOST:
                sample.append((number, row))
            elif (place := random.randrange(many)) < _MOST:
                sample[place] = (number, row)
    except OSError as error:
        raise AuditError(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise AuditError(f"`{path}` cannot be read: {error}") from None
    return many, sorted(sample, key=lambda each: each[0])


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if path.suffix.lower() == ".csv":
            reader = csv.DictReader(stream)
            yield from ((reader.line_num, row) for row in reader)
            return
        for number, line in enumerate(stream, 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise AuditError(f"line {number} of `{path}` is no account", "each line is a JSON object")
                yield number, row


def _account(row: Mapping[str, Any], program: Program, number: int) -> dict[str, Any]:
    """The facts of a row that the policy knows; features are a list or, each, a column of yes and no."""
    zone = ZoneInfo(program.timezone)
    account: dict[str, Any] = {}
    for name, declaration in program.account.items():
        given = row.get(name)
        if isinstance(given, str) and given == "":
            given = None
        if isinstance(given, str) and declaration.type.kind != "string":
            try:
                given = values.to_json(values.read(declaration, Scalar(given), zone), zone)
            except values.BadValue as error:
                raise AuditError(f"line {number}: `{name}`: {error.message}", error.help) from None
        if given is not None:
            account[name] = given
    if any(name in row for name in program.features):
        held = [name for name in program.features if str(row.get(name)).lower() in ("yes", "true", "1", "是")]
        account["features"] = held
    elif isinstance(row.get("features"), list):
        account["features"] = row["features"]
    elif isinstance(row.get("features"), str):
        account["features"] = [each.strip() for each in row["features"].replace(";", ",").split(",") if each.strip()]
    return account
