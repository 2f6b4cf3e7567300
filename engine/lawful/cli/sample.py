"""`lawful sample`: an inventory like a real one, of any policy and any size."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lawful.cli import exit_code
from lawful.cli.errors import WrongUsage
from lawful.cli.interrupt import interruptible
from lawful.cli.layout import row
from lawful.cli.options import Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.audit.sampling import Files, Sampled
    from lawful.policy import Policy


def sample(
    policy: PolicyName,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER|FILE",
            help="A folder for the files, or the .parquet file of the accounts.",
        ),
    ],
    rows: Annotated[
        str, typer.Option("--rows", metavar="NUMBER", help="How many accounts: 20_000_000, 20M, 500k.")
    ] = "1000",
    events: Annotated[
        bool, typer.Option("--events", help="Write what happened to them, too: about two events each.")
    ] = False,
    before: Annotated[bool, typer.Option("--before", help="Write the inventory of half a year earlier, too.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files, another one others.")] = 1,
    violations: Annotated[
        float,
        typer.Option(
            "--violations", min=0, max=1, help="The share of accounts that break a rule, and of those whose events do."
        ),
    ] = 0.05,
    unknown: Annotated[
        float,
        typer.Option(
            "--unknown",
            min=0,
            max=1,
            help="The share of accounts of which a rule cannot be judged, for want of a value.",
        ),
    ] = 0.01,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="DATE",
            help="The day for which they are made: as of then they break rules; without it, today.",
        ),
    ] = None,
    feature_columns: Annotated[
        bool, typer.Option("--feature-columns", help="A column for each feature instead of one list.")
    ] = False,
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Write a made-up inventory of accounts, as Parquet, to try an audit on or to measure it with.

    Most of the accounts break no rule; those that do break each rule of the policy in turn.

    \b
    Examples:
      lawful sample wechat --rows 20M --output ./inventory --events --before
      lawful audit wechat ./inventory/accounts.parquet --history ./inventory/events.parquet
      lawful sample ./my-policy --rows 5000 --output accounts.parquet --violations 0.2
    """
    with interruptible():
        from lawful.audit.originals import must_spare, of_policy
        from lawful.audit.sampling import Wanted, files_in, rows_of
        from lawful.audit.sampling import sample as made
        from lawful.cli.progress import working
        from lawful.loading import load

        number = rows_of(rows)
        if number is None:
            raise WrongUsage(f"`{rows}` is no number of rows", "such as 20_000_000, 20M or 500k")
        loaded = load(policy, cached=True)
        terminal = Terminal(spoken(lang), quiet)
        files = files_in(Path(output))
        for each in (files.accounts, files.events, files.before):
            must_spare(each, of_policy(loaded.files))
        wanted = Wanted(number, _instant(at, loaded), seed, violations, unknown, events, before, feature_columns)
        with working(wanted=not quiet) as progress:
            found = made(loaded.program, files, wanted, progress)
    _tell(found, files, terminal)
    return exit_code.FINE


def _instant(at: str | None, policy: Policy) -> datetime:
    """The beginning of the day that is named, or of today."""
    from lawful import calendar, values

    if at is None:
        return calendar.start_of(calendar.day_of(datetime.now(UTC), policy.zone), policy.zone)
    try:
        return calendar.start_of(values.day(at), policy.zone)
    except values.BadValue as problem:
        raise WrongUsage(f"`--at`: {problem.message}", problem.help) from None


def _tell(found: Sampled, files: Files, terminal: Terminal) -> None:
    say = terminal.say
    written = [(files.accounts, found.accounts, say("accounts", "个帐号"))]
    if found.events is not None:
        written.append((files.events, found.events, say("events", "个事件")))
    if found.before is not None:
        then = say(f"accounts on {found.snapshot_on}", f"个帐号（{found.snapshot_on}）")
        written.append((files.before, found.before, then))
    terminal.rows(
        row(0, (str(path), "bold"), f"   {f'{count:,}'.replace(',', ' ')} {what}") for path, count, what in written
    )
    for name in found.missing:
        kind, chinese = _MISSING[name]
        terminal.remark(say(f"no account was found that {kind}", f"未能生成{chinese}的帐号"))
    if found.unbroken and "violating" not in found.missing:
        named = ", ".join(f"`{each}`" for each in found.unbroken)
        terminal.remark(say(f"no account was found that breaks {named}", f"未能生成违反下列规则的帐号：{named}"))


_MISSING = {
    "lawful": ("breaks no rule", "完全合规"),
    "violating": ("breaks a rule", "违反规则"),
    "unknown": ("breaks no rule and leaves one open", "不违规但有规则无法确定"),
}
