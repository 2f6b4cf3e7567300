"""An audit, as an embedding program holds it: made when something of it is first asked for."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from lawful.audit import auditing, outputs
from lawful.audit.auditing import Audited, Progress, silent
from lawful.audit.errors import AuditError, option
from lawful.audit.failures import telling
from lawful.audit.ids import Search
from lawful.audit.local import parquet, through_ibis
from lawful.audit.summary import Summary
from lawful.audit.telling.finding import Findings
from lawful.audit.wanted import Wanted
from lawful.ir import Language, Program, Severity
from lawful.kept import kept

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types


class Audit:
    """What an audit finds. Its files live in a temporary folder, as long as it does: `close`, or use it in a `with`.

    `files` are those of the policy: like the inventory, they are not written over.
    """

    def __init__(
        self,
        program: Program,
        wanted: Wanted,
        progress: Progress = silent,
        begun: Search | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        self._program = program
        self._wanted = wanted
        self._progress = progress
        self._begun = begun
        self._files = files
        with telling("there is no place for temporary files"):
            self._scratch = Path(tempfile.mkdtemp(prefix="lawful-audit-"))
        self._closed = weakref.finalize(self, auditing.remove, self._scratch)
        self._one_at_a_time = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary folder; what was read from it stays read, and nothing else can be."""
        self._closed()

    def _must_be_open(self) -> None:
        if not self._closed.alive:
            raise AuditError("the audit was closed, and its findings are gone", "read or write them before that")

    @property
    def _audited(self) -> Audited:
        with self._one_at_a_time:  # threads may ask at once, and there is one folder
            return self._made

    @kept
    def _made(self) -> Audited:
        self._must_be_open()
        return auditing.audit(self._program, self._wanted, self._scratch, self._progress, self._begun)

    @kept
    def _connection(self) -> Any:
        backend = through_ibis(preserve_insertion_order=False, memory_limit=f"{self._wanted.memory or 192}MB")
        self._closed.detach()  # tables that were read may be held longer than the audit: they hold the backend
        self._closed = weakref.finalize(backend, auditing.remove, self._scratch)
        return backend

    @property
    def summary(self) -> Summary:
        """The audit in numbers. Raises AuditError where it cannot be made."""
        return self._audited.summary

    @property
    def findings(self) -> ibis_types.Table:
        """The findings in long form, as a table of Ibis: `.to_pandas()`, `.to_pyarrow()`, `.to_parquet(path)`, …

        Raises AuditError once the audit is closed.
        """
        self._must_be_open()
        return self._findings

    @kept
    def _findings(self) -> ibis_types.Table:
        return parquet(self._connection, str(self._audited.findings))

    @property
    def answers(self) -> ibis_types.Table:
        """Account × question → verdict, rules: of the questions that were asked. Raises LookupError without any."""
        self._must_be_open()
        return self._answers

    @kept
    def _answers(self) -> ibis_types.Table:
        return parquet(self._connection, str(self._answers_file()))

    def _answers_file(self) -> Path:
        if self._audited.answers is None:
            raise LookupError("the audit was asked no questions")
        return self._audited.answers

    def write(
        self,
        *targets: str | Path,
        answers: str | Path | None = None,
        language: Language = "en",
        fail_on: Severity = "error",
        folder: str = "",
    ) -> None:
        """Write the findings, or what is told of them, to files: by the ends of their names; the answers to `answers`.

        All are written or, where one cannot be, none. Raises AuditError.
        """
        names = [str(each) for each in targets]
        self.check(*targets, answers=answers)
        outputs.write(
            names,
            self.summary,
            self._read(),
            language,
            fail_on=fail_on,
            folder=folder,
            answers=None if answers is None else (str(answers), self._answers_file()),
        )

    def check(self, *targets: str | Path, answers: str | Path | None = None) -> None:
        """Raises AuditError where these cannot be written, as far as that can be known before anything is audited."""
        if answers is not None and not self._wanted.questions:
            help = f"ask something with {option('can')}, such as `enable FEATURE`"
            raise AuditError(f"{option('answers')} has no questions to answer", help)
        names = [str(each) for each in targets]
        outputs.check(names, None if answers is None else str(answers), self._wanted, self._files)

    def _read(self) -> Findings:
        self._must_be_open()
        return Findings(self._audited.findings, lambda: self._connection.con, ZoneInfo(self._program.timezone))

    def rows(self, language: Language) -> Any:
        """What the terminal tells."""
        from lawful.audit.telling import terminal

        return terminal.rows(self.summary, self._read(), language)
