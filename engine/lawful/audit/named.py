"""What a person names, before anything of it is opened: which files it is, and whether an option is of use to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lawful.audit.errors import AuditError, option
from lawful.audit.servers import is_server
from lawful.audit.sources import kind_of
from lawful.audit.wanted import Wanted
from lawful.diagnostics import legible
from lawful.ir import Program

_OF_TABLES: Final = ("excel", "server", "nothing")
_OF_ENCODINGS: Final = ("csv", "json", "nothing")


def named(where: str) -> list[Path]:
    """The file or the folder of that name; of a pattern, all that are like it. Raises AuditError for no name at all."""
    path = Path(where)
    base = Path(path.anchor)
    try:
        where.encode()
        return [path] if path.exists() else sorted(base.glob(str(path.relative_to(base))))
    except OSError as error:  # as where it is too long
        reason = (error.strerror or str(error)).lower()
    except UnicodeEncodeError:  # DuckDB takes no others
        reason = "its name is not UTF-8"
    raise AuditError(f"`{legible(where, 200)}` cannot be read: {reason}")


def refuse_unused(wanted: Wanted) -> None:
    """Refuse options that would change nothing, however they are meant. Raises AuditError."""
    if wanted.table is not None and _kind(wanted.inventory) not in _OF_TABLES:
        message = f"{option('table')} names the table of a database or the sheet of a workbook: the inventory has none"
        raise AuditError(message, "leave it out")
    read = [each for each in (wanted.inventory, wanted.history, wanted.before) if each is not None]
    if wanted.encoding is not None and not any(_kind(each) in _OF_ENCODINGS for each in read):
        raise AuditError(f"{option('encoding')} is of CSV and JSON: nothing else has one", "leave it out")
    if wanted.on is not None and _kind(wanted.inventory) == "server":
        raise AuditError(f"{option('on')} names an engine, and a table of a server is audited there", "leave it out")


def refuse_alike(program: Program) -> None:
    """Refuse names that differ in case only: columns are called so, and to engines those are one. Raises AuditError."""
    for what, names in (("fields", program.account), ("features", program.features)):
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                told = f"the {what} `{other}` and `{name}` of the policy differ in case only"
                raise AuditError(f"{told}: to the engines of audits they are one", "rename one of them")


def _kind(where: object) -> str:
    """`csv`, `parquet`, …, `server`, `table`; `nothing` where no such file is there, which is told elsewhere."""
    if not isinstance(where, (str, os.PathLike)):
        return "table"
    text = os.fspath(where)
    if is_server(text):
        return "server"
    if "://" in text:
        return "table"
    found = named(text) or [Path(text)]
    files = (each for path in found for each in (sorted(path.rglob("*.*")) if path.is_dir() else [path]))
    return next((kind for each in files if (kind := kind_of(each)) is not None), "nothing")
