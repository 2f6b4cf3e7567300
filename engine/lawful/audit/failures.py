"""What an engine refuses, in words for a person: the cause's first line, without the engine's noise."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from typing import Final

from lawful.audit.errors import AuditError, option
from lawful.diagnostics import legible

_FOREIGN: Final = frozenset(
    ["duckdb", "_duckdb", "psycopg", "pyspark", "py4j", "pyarrow", "polars", "ibis", "openpyxl", "zipfile", "zlib"]
)
"""The packages whose exceptions are about data and servers; any other is a defect of ours, and not hidden."""
_LONGEST: Final = 400

_NOISE: Final = re.compile(
    r"^(?:\[[A-Z_.]+\] |(?:[A-Z]\w+ ){1,3}Error: |TransactionContext Error: |connection failed: |FATAL: +|ERROR: +"
    r"|[\w.$]+(?:Exception|Error): )+"
)
_TAIL: Final = re.compile(r" ?SQLSTATE: \w+.*$|\(being in .*$")
_NO_PARQUET: Final = re.compile(r"No magic bytes found|too small to be a Parquet file")
_SERVER: Final = re.compile(r"connection to server (?:at|on) .*? failed: ")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """What an engine refuses inside is raised as an AuditError that begins so: "`x.parquet` cannot be read"."""
    try:
        yield
    except AuditError:
        raise
    except Exception as error:
        if _is_interrupt(error):
            raise KeyboardInterrupt from error
        if not is_foreign(error):
            raise
        raise told(error, what) from error


def _is_interrupt(error: BaseException) -> bool:
    """Whether it is Ctrl-C: DuckDB looks for it during a query, and raises this in its stead."""
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


def is_foreign(error: BaseException) -> bool:
    """Whether it came from an engine, a file or a server: not from a mistake of this package."""
    roots = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, (OSError, EOFError, MemoryError)) or not roots.isdisjoint(_FOREIGN)


def is_out_of_memory(error: BaseException) -> bool:
    whole = str(error)
    return isinstance(error, MemoryError) or "Out of Memory" in whole or "OutOfMemory" in whole


def told(error: BaseException, what: str = "the audit cannot be made") -> AuditError:
    """The error as one to be told: what could not be done, why, and what may help."""
    whole = str(error)
    if _is_full(error, whole):
        return AuditError(f"{what}: the disk is full", "free some space, or have temporary files elsewhere")
    if "File too large" in whole:
        help = "allow larger ones (`ulimit -f`), or audit fewer rows at a time"
        return AuditError(f"{what}: a temporary file would be larger than files may be here", help)
    if is_out_of_memory(error):
        return AuditError(
            f"{what}: there is not enough memory", f"allow more with {option('memory')}, or close other programs"
        )
    reason = _reason(error, whole)
    return AuditError(f"{what}: {legible(reason, _LONGEST)}", _help(reason))


def _is_full(error: BaseException, whole: str) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left on device" in whole or "max_temp_directory_size" in whole


def _reason(error: BaseException, whole: str) -> str:
    root = type(error).__module__.partition(".")[0]
    if root == "py4j":
        whole = _java_cause(whole)
    elif isinstance(error, EOFError) or "end of GZIP stream" in whole:
        return "the file is cut short"
    elif isinstance(error, BadGzipFile):
        return "it is not compressed by gzip"
    elif _NO_PARQUET.search(whole):
        return "it is no Parquet file, or not the whole of one"
    elif isinstance(error, OSError) and error.strerror:
        whole = error.strerror
    elif type(error).__name__ == "TableNotFound":
        whole = f"there is no table `{whole}`"
    first = next((line.strip() for line in whole.splitlines() if line.strip()), type(error).__name__)
    plain = _TAIL.sub("", _SERVER.sub("", _NOISE.sub("", first)))
    plain = _NOISE.sub("", plain).strip().rstrip(".")
    return plain[:1].lower() + plain[1:] if plain[1:2].islower() else plain


def _java_cause(whole: str) -> str:
    causes = re.findall(r"^Caused by: (.*)$", whole, re.MULTILINE)
    if causes:
        return str(causes[-1])
    found = re.search(r"^: (.*)$", whole, re.MULTILINE)
    return found[1] if found else whole


def _help(reason: str) -> str | None:
    if "password authentication failed" in reason or "no password supplied" in reason:
        return "look at the user and the password; the environment's PGPASSWORD is read, too"
    if "Connection refused" in reason or "onnection timeout" in reason or "could not translate host" in reason:
        return "look at the host and the port, and whether the server runs"
    return None
