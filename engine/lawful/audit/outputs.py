"""Where the findings of an audit go: by the name that a person gives the file, or a table of a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, cast

from lawful.audit.errors import AuditError
from lawful.audit.failures import telling
from lawful.audit.named import named
from lawful.audit.originals import Originals, is_device, must_spare, of_policy
from lawful.audit.servers import is_server, must_take_findings, stored_on_server
from lawful.audit.summary import Summary
from lawful.audit.telling.exporting import AnswersForm, export, export_answers
from lawful.audit.telling.finding import Findings
from lawful.audit.telling.markdown import write_markdown
from lawful.audit.telling.sarif import from_here, write_sarif
from lawful.audit.wanted import Wanted
from lawful.audit.writing import must_be_writable, together
from lawful.diagnostics import legible
from lawful.ir import Language, Severity

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


# ------------------------------------------------------------------------------------------ before the audit begins


def check(targets: Sequence[str], answers: str | None, wanted: Wanted, files: Iterable[Path]) -> None:
    """Refuse outputs that cannot be written, and those that would take the place of what is read. Raises AuditError.

    `files` are the policy's. What can be known beforehand is: an audit may take hours.
    """
    kinds = [kind_of(each) for each in targets]
    if answers is not None:
        _form_of_answers(answers)
    if "xlsx" in kinds and find_spec("openpyxl") is None:
        raise AuditError("Excel needs openpyxl", "pip install 'lawful[excel]'")
    every = [*targets, *([] if answers is None else [answers])]
    originals = _originals(wanted, files)
    for each in (each for each in every if not is_server(each)):
        must_spare(each, originals)
        must_be_writable(Path(each))
    places = [each if is_server(each) else str(Path(each).resolve()) for each in every]
    for number, each in enumerate(every):
        if places[number] in places[:number] and not is_device(Path(each)):
            raise AuditError(f"`{legible(_shown(each), 200)}` is named twice as an output", "name another file")
    for each in (each for each in targets if is_server(each)):
        with _telling(each):
            must_take_findings(each)


def check_one(target: str, wanted: Wanted, files: Iterable[Path]) -> None:
    """Refuse the file where it cannot be written, and where an audit or a policy reads it. Raises AuditError."""
    must_spare(target, _originals(wanted, files))
    must_be_writable(Path(target))


def _originals(wanted: Wanted, files: Iterable[Path]) -> Originals:
    """What the audit reads, and what its policy is made of."""
    sources = {
        "inventory": wanted.inventory,
        "history": wanted.history,
        "earlier snapshot": wanted.before,
        "mapping": wanted.mapping,
        "baseline": wanted.baseline,
        "waivers": wanted.waivers,
    }
    read = {name: named(os.fspath(where)) for name, where in sources.items() if isinstance(where, (str, os.PathLike))}
    return {**read, **of_policy(files)}


# --------------------------------------------------------------------------------------------------- when it is made


def write(
    targets: Iterable[str],
    summary: Summary,
    findings: Findings,
    language: Language,
    *,
    fail_on: Severity = "error",
    folder: str = "",
    answers: tuple[str, Path] | None = None,
) -> None:
    """Write all of them, the answers (where to, and the file that holds them) too; or all stay as they were.

    Tables are replaced when the files are whole, and the files take their places last.
    """
    with telling("the outputs cannot be written"), together(), ExitStack() as tables:
        for target in sorted(targets, key=is_server):
            with _telling(target):
                _write(target, kind_of(target), summary, findings, language, fail_on, folder, tables)
        if answers is not None:
            target, made = answers
            with _telling(target):
                export_answers(made, findings.connection, Path(target), _form_of_answers(target))


def _write(
    target: str,
    kind: Kind,
    summary: Summary,
    findings: Findings,
    language: Language,
    fail_on: Severity,
    folder: str,
    tables: ExitStack,
) -> None:
    path = Path(target)
    match kind:
        case "server":
            tables.enter_context(stored_on_server(target, findings.path))
        case "html":
            from lawful.audit.telling.report import write_report  # with what draws: most audits have no report

            write_report(summary, findings, path, language)
        case "sarif":
            write_sarif(summary, findings, path, language, folder=folder)
        case "junit":
            from lawful.audit.telling.junit import write_junit  # with what writes XML

            write_junit(_from_here(summary, folder), findings, path, language, fail_on=fail_on)
        case "markdown":
            write_markdown(summary, findings, path, language)
        case _:
            export(findings, path, kind, summary, language)


def _from_here(summary: Summary, folder: str) -> Summary:
    """The summary with the places of rules as SARIF tells them: seen from the working directory."""
    base = from_here(folder)
    rules = [
        each if each.place is None else replace(each, place=replace(each.place, file=str(base / each.place.file)))
        for each in summary.rules
    ]
    return replace(summary, rules=tuple(rules))


def _form_of_answers(target: str) -> AnswersForm:
    suffix = "" if is_server(target) else Path(target).suffix.lower()
    if suffix not in (".parquet", ".csv"):
        message = f"`{legible(_shown(target), 200)}` does not say what is to be written"
        raise AuditError(message, "answers go to .parquet or .csv")
    return "parquet" if suffix == ".parquet" else "csv"


def _telling(target: str) -> AbstractContextManager[None]:
    return telling(f"`{legible(_shown(target), 200)}` cannot be written")


def _shown(target: str) -> str:
    return target.partition("://")[0] + "://…" if is_server(target) else target


def needs_pictures(targets: Iterable[Any]) -> bool:
    """Whether one of them is a report, which draws more than the findings tell."""
    return any(kind_of(str(each)) == "html" for each in targets)
