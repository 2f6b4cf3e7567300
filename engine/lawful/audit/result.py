"""An audit, as an embedding program holds it: made when something of it is first asked for."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from lawful.audit import auditing, outputs
from lawful.audit.auditing import Audited, Progress, silent
from lawful.audit.summary import Summary
from lawful.audit.telling.finding import Findings
from lawful.audit.wanted import Wanted
from lawful.ir import Language, Program, Severity
from lawful.kept import kept

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types


class Audit:
    """What an audit finds. Its files live in a temporary folder, as long as it does: `close`, or use it in a `with`."""

    def __init__(self, program: Program, wanted: Wanted, progress: Progress = silent) -> None:
        self._program = program
        self._wanted = wanted
        self._progress = progress
        self._scratch = Path(tempfile.mkdtemp(prefix="lawful-audit-"))
        self._closed = weakref.finalize(self, auditing.remove, self._scratch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary folder; what was read from it stays read."""
        self._closed()

    @kept
    def _audited(self) -> Audited:
        return auditing.audit(self._program, self._wanted, self._scratch, self._progress)

    @kept
    def _connection(self) -> Any:
        import ibis

        return ibis.duckdb.connect(preserve_insertion_order=False, memory_limit=self._wanted.memory or "192MB")

    @property
    def summary(self) -> Summary:
        """The audit in numbers. Raises AuditError where it cannot be made."""
        return self._audited.summary

    @kept
    def findings(self) -> ibis_types.Table:
        """The findings in long form, as a table of Ibis: `.to_pandas()`, `.to_pyarrow()`, `.to_parquet(path)`, …"""
        return self._connection.read_parquet(str(self._audited.findings))

    @kept
    def answers(self) -> ibis_types.Table:
        """Account × question → verdict, rules: of the questions that were asked. Raises LookupError without any."""
        if self._audited.answers is None:
            raise LookupError("the audit was asked no questions")
        return self._connection.read_parquet(str(self._audited.answers))

    def write(
        self, *targets: str | Path, language: Language = "en", fail_on: Severity = "error", folder: str = ""
    ) -> None:
        """Write the findings, or what is told of them, to files: by the ends of their names. Raises AuditError."""
        names = [str(each) for each in targets]
        for each in names:
            outputs.kind_of(each)
        outputs.write(names, self.summary, self._read(), language, fail_on=fail_on, folder=folder)

    def _read(self) -> Findings:
        return Findings(self._audited.findings, self._connection.con, ZoneInfo(self._program.timezone))

    def rows(self, language: Language) -> Any:
        """What the terminal tells."""
        from lawful.audit.telling import terminal

        return terminal.rows(self.summary, self._read(), language)
