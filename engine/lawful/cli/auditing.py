"""What `lawful audit` does with its options: an audit, told on the terminal and written to files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lawful.audit import outputs
from lawful.audit.result import Audit
from lawful.audit.wanted import Wanted, wanted
from lawful.cli import asking
from lawful.cli.layout import Row
from lawful.cli.progress import working
from lawful.cli.terminal import Terminal
from lawful.ir import Program, Severity

if TYPE_CHECKING:
    from lawful.audit.ids import Search
    from lawful.audit.summary import Summary


@dataclass(frozen=True, slots=True)
class Options:
    """As they were given."""

    inventory: str
    output: tuple[str, ...]
    history: str | None
    history_from: str | None
    before: str | None
    before_at: str | None
    at: str | None
    can: tuple[str, ...]
    answers: str | None
    facts: tuple[str, ...]
    unknown: bool
    mapping: str | None
    columns: tuple[str, ...]
    require_columns: bool
    lenient: bool
    baseline: str | None
    waivers: str | None
    cross_check: float | None
    on: str | None
    table: str | None
    encoding: str | None
    memory: str | None


def run(
    program: Program,
    files: Sequence[Path],
    options: Options,
    terminal: Terminal,
    fail_on: Severity,
    *,
    as_json: bool,
    begun: Search | None = None,
) -> Summary:
    """Make the audit, write what is to be written, tell the rest.

    `files` are the policy's, `begun` the search for ids that come twice.
    """
    asked = _wanted(program, options, pictures=outputs.needs_pictures(options.output))
    with working(wanted=not terminal.quiet) as progress, Audit(program, asked, progress, begun, files) as audit:
        audit.check(*options.output, answers=options.answers)
        summary = audit.summary
        progress("writing")
        folder = str(files[0].parent)
        audit.write(
            *options.output, answers=options.answers, language=terminal.language, fail_on=fail_on, folder=folder
        )
        progress("")
        if as_json:
            terminal.text(_json(summary))
        else:
            terminal.rows(Row(*each) for each in audit.rows(terminal.language))
    return summary


def _wanted(program: Program, options: Options, *, pictures: bool) -> Wanted:
    return wanted(
        program,
        options.inventory,
        at=options.at,
        history=options.history,
        history_from=options.history_from,
        before=options.before,
        before_at=options.before_at,
        mapping=options.mapping,
        columns=options.columns,
        on=options.on,
        table=options.table,
        encoding=options.encoding,
        memory=options.memory,
        unknown=options.unknown,
        lenient=options.lenient,
        require_columns=options.require_columns,
        can=options.can,
        request=asking.facts_of(options.facts, program),
        baseline=options.baseline,
        waivers=options.waivers,
        cross_check=options.cross_check or 0.0,
        pictures=pictures,
    )


def _json(summary: Summary) -> str:
    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        if hasattr(value, "items"):
            return {key: plain(each) for key, each in value.items()}
        return value.model_dump() if hasattr(value, "model_dump") else value

    return json.dumps({"schema": "lawful/audit/v1", **plain(summary)}, ensure_ascii=False, separators=(",", ":"))
