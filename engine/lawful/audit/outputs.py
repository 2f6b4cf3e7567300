"""Where the findings of an audit go: by the name that a person gives the file, or a table of a database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from lawful.audit.errors import AuditError
from lawful.audit.failures import telling
from lawful.audit.servers import is_server, store_on_server
from lawful.audit.summary import Summary
from lawful.audit.telling.exporting import export
from lawful.audit.telling.finding import Findings
from lawful.audit.telling.junit import write_junit
from lawful.audit.telling.markdown import write_markdown
from lawful.audit.telling.report import write_report
from lawful.audit.telling.sarif import write_sarif
from lawful.audit.writing import beside
from lawful.diagnostics import legible
from lawful.ir import Language, Severity

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

FORMS: Final[dict[str, str]] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".html": "html",
    ".htm": "html",
    ".sarif": "sarif",
    ".xml": "junit",
    ".md": "markdown",
}
"""What is written, by the end of the file's name."""
_LISTED: Final = (
    "findings go to .parquet, .csv, .jsonl or .xlsx, a report to .html, for pipelines .sarif, .xml (JUnit) or .md; "
    "or to a table, postgres://…?table=name"
)

Kind = Literal["parquet", "csv", "jsonl", "xlsx", "html", "sarif", "junit", "markdown", "server"]


def kind_of(target: str) -> Kind:
    """What a target is. Raises AuditError where its name says nothing known."""
    if is_server(target):
        return "server"
    suffixes = [each.lower() for each in Path(target).suffixes]
    for suffix in (suffixes[-1:] or [""])[0], "".join(suffixes[-2:]):
        if suffix in FORMS:
            return cast("Kind", FORMS[suffix])
    raise AuditError(f"`{legible(target, 200)}` does not say what is to be written", _LISTED)


def write(
    targets: Iterable[str],
    summary: Summary,
    findings: Findings,
    language: Language,
    *,
    fail_on: Severity = "error",
    folder: str = "",
) -> None:
    """Write each of them; every file is whole or as it was before."""
    for target in targets:
        with telling(f"`{legible(_shown(target), 200)}` cannot be written"):
            _write(target, kind_of(target), summary, findings, language, fail_on, folder)


def _write(
    target: str,
    kind: Kind,
    summary: Summary,
    findings: Findings,
    language: Language,
    fail_on: Severity,
    folder: str,
) -> None:
    path = Path(target)
    match kind:
        case "server":
            store_on_server(target, findings.path)
        case "html":
            write_report(summary, findings, path, language)
        case "sarif":
            write_sarif(summary, findings, path, language, folder=folder)
        case "junit":
            write_junit(summary, findings, path, language, fail_on=fail_on)
        case "markdown":
            write_markdown(summary, findings, path, language)
        case _:
            export(findings, path, kind, summary, language)


def write_answers(target: str, answers: ibis_types.Table) -> None:
    """The answers of `--can`: a row for each account and question."""
    path = Path(target)
    with telling(f"`{legible(target, 200)}` cannot be written"):
        match path.suffix.lower():
            case ".parquet":
                with beside(path) as part:
                    answers.to_parquet(part)
            case ".csv":
                with beside(path) as part:
                    answers.to_csv(part)
            case _:
                raise AuditError(
                    f"`{legible(target, 200)}` does not say what is to be written", "answers go to .parquet or .csv"
                )


def _shown(target: str) -> str:
    return target.partition("://")[0] + "://…" if is_server(target) else target


def needs_pictures(targets: Iterable[Any]) -> bool:
    """Whether one of them is a report, which draws more than the findings tell."""
    return any(kind_of(str(each)) == "html" for each in targets)
