"""Whom it touches: the answers that two policies give every account of an inventory, compared where they lie."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lawful.audit import outputs
from lawful.audit.auditing import Progress, silent
from lawful.audit.errors import AuditError
from lawful.audit.failures import telling
from lawful.audit.local import connected
from lawful.audit.result import Audit
from lawful.audit.sql import literal, parquet_rows
from lawful.audit.touched import Found, Touched, Turned, questions_of
from lawful.audit.wanted import wanted
from lawful.audit.writing import beside
from lawful.ir import Program

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN: Final = 5
"""How many accounts are named of each kind."""
_FORMS: Final[Mapping[str, str]] = {".csv": "format csv, header", ".parquet": "format parquet"}
_COMPARED: Final = """
    create temp view compared as
    select account_id, question, o.verdict as old, n.verdict as new, o.rules as old_rules, n.rules as new_rules
    from (select *, {number} as nth from {old}) o
    join (select *, {number} as nth from {new}) n
    using (account_id, question, nth)
"""
_NTH: Final = "row_number() over (partition by account_id, question order by verdict, rules)"
_DIFFERENT: Final = "(old <> new or old_rules <> new_rules)"


def compared(
    old: Program,
    new: Program,
    inventory: object,
    can: Sequence[str] = (),
    *,
    changed: str | Path | None = None,
    files: Sequence[Path] = (),
    at: Any = None,
    progress: Progress = silent,
    **options: Any,
) -> Touched:
    """How many accounts, and which, get another answer; written to `changed`, too. Raises AuditError.

    `files` are those of the policies: like the inventory, they are not written over. `options` are those of
    `policy.audit`: `history`, `mapping`, `columns`, `lenient`.
    """
    asked = tuple(can) or questions_of(old, new)
    if not asked:
        raise AuditError("there is nothing that both policies can be asked", "say what: `enable FEATURE`, `do ACTION`")
    form = _form(changed)
    at = at if at is not None else datetime.now(UTC).isoformat()
    if changed is not None:
        outputs.check_one(str(changed), wanted(old, inventory, at=at, can=asked, **options), files)
    with telling("there is no place for temporary files"):
        scratch = tempfile.TemporaryDirectory(prefix="lawful-diff-")
    with scratch as folder:
        paths, findings, engine, accounts = {}, {}, "", 0
        for side, program in (("old", old), ("new", new)):
            paths[side], findings[side] = Path(folder, f"{side}.parquet"), Path(folder, f"{side}-findings.parquet")
            with Audit(program, wanted(program, inventory, at=at, can=asked, **options), progress) as audit:
                audit.write(findings[side], answers=paths[side])
                engine, accounts = audit.summary.engine, audit.summary.accounts
        progress("comparing")
        connection = _connection(paths)
        with connection:
            if changed is not None and form is not None:
                _write(connection, Path(changed), form)
            found = tuple(_found(connection, findings))
            return Touched(engine, accounts, None, tuple(_turned(connection, asked)), asked, found)


def _form(changed: str | Path | None) -> str | None:
    if changed is None:
        return None
    form = _FORMS.get(Path(changed).suffix.lower())
    if form is None:
        raise AuditError(f"`{changed}` is neither .csv nor .parquet", "as in `--changed touched.csv`")
    return form


def _connection(paths: Mapping[str, Path]) -> DuckDBPyConnection:
    connection = connected(memory_limit="512MB")
    files = {side: parquet_rows(literal(path)) for side, path in paths.items()}
    distinct = f"select count(*) = count(distinct (account_id, question)) from {files['old']}"
    found = connection.execute(distinct).fetchone()
    is_unique = found is not None and bool(found[0])
    connection.execute(_COMPARED.format(number="1" if is_unique else _NTH, **files))
    return connection


def _turned(connection: DuckDBPyConnection, asked: Sequence[str]) -> list[Turned]:
    query = f"""
        select question, old, new, count(*), list_sort(min(account_id, {_SHOWN})) from compared
        where {_DIFFERENT} group by all
    """
    rows = connection.execute(query).fetchall()
    order = {text: number for number, text in enumerate(asked)}
    found = [Turned(question, old, new, many, tuple(map(str, ids))) for question, old, new, many, ids in rows]
    return sorted(found, key=lambda each: (order.get(each.question, len(order)), -each.accounts, each.old, each.new))


def _found(connection: DuckDBPyConnection, findings: Mapping[str, Path]) -> Iterator[Found]:
    """Of the accounts as they are: what is wrong with them by one of the policies alone."""
    of = {
        side: f"select distinct account_id, rule from {parquet_rows(literal(path))} "
        "where about = 'account' and status = 'violated'"
        for side, path in findings.items()
    }
    for appears, some, others in ((True, of["new"], of["old"]), (False, of["old"], of["new"])):
        query = f"""
            select rule, count(*), list_sort(min(account_id, {_SHOWN})) from ({some} except {others})
            group by rule order by rule
        """
        for rule, many, ids in connection.execute(query).fetchall():
            yield Found(rule, appears, many, tuple(map(str, ids)))


def _write(connection: DuckDBPyConnection, target: Path, form: str) -> None:
    """Every account with another answer, by question."""
    query = f"""
        select account_id, question, old, new, old_rules, new_rules from compared
        where {_DIFFERENT} order by question, account_id
    """
    with beside(target) as part:
        connection.execute(f"copy ({query}) to {literal(part)} ({form})")
