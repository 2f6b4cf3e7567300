"""`lawful audit`: which accounts of an inventory break a rule, or made a move that was not allowed?"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lawful.cli import exit_code
from lawful.cli.interrupt import interruptible
from lawful.cli.options import Facts, Format, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.audit.summary import Summary

_SEVERITIES = ("error", "warning", "info")


def audit(
    policy: PolicyName,
    inventory: Annotated[
        str,
        typer.Argument(
            metavar="INVENTORY",
            help="The accounts, as Parquet, CSV, JSON Lines or Excel: a file, a folder or a pattern;"
            " or a table of a server, postgres://…?table=name.",
        ),
    ],
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the findings (.parquet .csv .jsonl .xlsx), a report (.html),"
            " or what a pipeline reads (.sarif, .xml for JUnit, .md). Repeatable.",
        ),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history", metavar="EVENTS", help="What happened to the accounts: columns account_id, event and at."
        ),
    ] = None,
    history_from: Annotated[
        str | None,
        typer.Option("--history-from", metavar="DATE", help="From that day on nothing is missing in --history."),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="SNAPSHOT", help="The inventory as it was earlier: differences are judged as moves."
        ),
    ] = None,
    before_at: Annotated[
        str | None, typer.Option("--before-at", metavar="DATE", help="The day of the snapshot that --before names.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="DATE", help="Judge as of that day, such as 2025-03-01; without it, as of now."),
    ] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(
            "--can",
            metavar="CHANGE",
            help="Ask whether each account may do that, such as 'enable wechat_pay'. Repeatable.",
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers", metavar="FILE", help="Write what --can was answered for each account (.parquet, .csv)."
        ),
    ] = None,
    facts: Facts = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="List outcomes that are unknown, for want of a value, among the findings.")
    ] = False,
    fail_on: Annotated[
        Literal["error", "warning", "info"],
        typer.Option("--fail-on", help="Exit with 1 where there are findings of that severity or a worse one."),
    ] = "error",
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            metavar="FILE",
            help="Which column is which field, and what its values mean: a YAML file, or a shipped name.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Which field one column is, such as id=account_id; =FIELD: its default for all. Repeatable.",
        ),
    ] = None,
    require_columns: Annotated[
        bool,
        typer.Option("--require-columns", help="Refuse an inventory without a column for each field that rules read."),
    ] = False,
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient", help="Take values that cannot be read as if nothing stood there, instead of refusing."
        ),
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="The findings of an earlier audit (.parquet): they are excused, only new ones count.",
        ),
    ] = None,
    waivers: Annotated[
        str | None,
        typer.Option(
            "--waivers",
            metavar="FILE",
            help="Findings that somebody answers for until a day, as YAML: they are excused.",
        ),
    ] = None,
    cross_check: Annotated[
        float | None,
        typer.Option(
            "--cross-check",
            metavar="SHARE",
            help="Judge that share of the accounts again, one by one, and compare: 0.001 is one in a thousand.",
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="ENGINE", help="Audit in Spark: `spark`, or a master such as `local[2]`."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="NAME", help="Which table of the database, or which sheet of the workbook."),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding", metavar="NAME", help="How CSV or JSON is written that is not UTF-8, such as gb18030."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            help="What DuckDB, or Spark's driver, may use before it spills to the disk. [320MB; with events 1GB]",
        ),
    ] = None,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Audit an inventory: which accounts break a rule, and why; which made a move that was not allowed.

    Exit code: 0 nothing found, 1 findings at or above --fail-on, 2 wrong usage or unreadable input, 3 nothing was
    judged or, with --unknown, nothing but unknown outcomes, 4 wrong policy, 5 internal (the reference found something
    else).

    \b
    Examples:
      lawful audit wechat accounts.parquet --output findings.parquet --output report.html
      lawful audit wechat accounts.csv --history events.csv --at 2025-03-01 --lang zh
      lawful audit wechat 'postgres://auditor@db/platform?table=accounts' --can 'enable wechat_pay'
    """
    from lawful import loading
    from lawful.audit.errors import installed

    with interruptible(), ExitStack() as at_the_end:
        terminal = Terminal(spoken(lang), quiet)
        _make_ready()
        with installed():
            from lawful.audit import ids

            # what follows takes as long to load as an audit of a million accounts, and most have ids of that name
            begun = None if on else at_the_end.enter_context(ids.begun(inventory, "account_id"))
        program, files = loading.program(policy)
        with installed():
            from lawful.cli import auditing

        options = auditing.Options(
            inventory=inventory,
            output=tuple(output or ()),
            history=history,
            history_from=history_from,
            before=before,
            before_at=before_at,
            at=at,
            can=tuple(can or ()),
            answers=answers,
            facts=tuple(facts or ()),
            unknown=unknown,
            mapping=mapping,
            columns=tuple(columns or ()),
            require_columns=require_columns,
            lenient=lenient,
            baseline=baseline,
            waivers=waivers,
            cross_check=cross_check,
            on=on,
            table=table,
            encoding=encoding,
            memory=memory,
        )
        summary = auditing.run(program, files, options, terminal, fail_on, as_json=form == "json", begun=begun)
    return code_of(summary, fail_on, unknown=unknown)


def _make_ready() -> None:
    """What numpy and Python are told for this command alone, before numpy is imported."""
    # where a processor has these, numpy sorts by them, and on some takes five times as long as without
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL")
    # its threads for linear algebra, which nobody asks for, look for work for a tenth of a second
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # a thread that needs Python for a moment only, as the search for ids does, would wait for 5 ms each time
    sys.setswitchinterval(0.0002)


def code_of(summary: Summary, fail_on: str, *, unknown: bool) -> int:
    """The audit's answer."""
    if summary.cross_check is not None and summary.cross_check.differences:
        return exit_code.INTERNAL
    counting: Any = _SEVERITIES[: _SEVERITIES.index(fail_on) + 1]
    if any(summary.counting(each) for each in counting):
        return exit_code.DENIED
    if unknown and any(each.unknown for each in summary.rules if each.severity in counting):
        return exit_code.UNDETERMINED
    return exit_code.UNDETERMINED if summary.judged_nothing else exit_code.FINE
