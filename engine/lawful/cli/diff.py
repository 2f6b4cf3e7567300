"""`lawful diff`: what do two versions of a policy answer differently, and whom does it touch?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lawful.cli import exit_code
from lawful.cli.errors import WrongUsage
from lawful.cli.interrupt import interruptible
from lawful.cli.options import Format, Lang, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.proofs.differences import Diff

Forbidden = Literal["loosened", "tightened", "different"]


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The policy as it was: a shipped name, or a path.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The policy as it is to be.")],
    forbid: Annotated[
        Forbidden | None,
        typer.Option(
            "--forbid", help="Exit with 1 if something was loosened (allowed what was not), tightened, or is different."
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=0.001, help="How long to try each change."),
    ] = 30.0,
    inventory: Annotated[
        str | None,
        typer.Option(
            "--inventory", metavar="FILE", help="Whose accounts are asked as well: how many get another answer."
        ),
    ] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(
            "--can",
            metavar="CHANGE",
            help="What the accounts are asked: `enable FEATURE`, `set FIELD=VALUE`, `do ACTION`. Repeatable. Without "
            "it: every value of a life cycle, and every feature.",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When the accounts are asked; a date is its midnight.")
    ] = None,
    history: Annotated[
        str | None, typer.Option("--history", metavar="FILE", help="What happened to the accounts.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Which column of the inventory is which fact. Repeatable."),
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Take values of the inventory that cannot be read as unknown.")
    ] = False,
    changed: Annotated[
        str | None,
        typer.Option("--changed", metavar="FILE", help="Write the accounts with another answer: .csv or .parquet."),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Tell every case of where a difference is, and every text that is new."),
    ] = False,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Tell which requests two policies answer differently: for each kind an example, and in words where it is so.

    It is proved that there is no other difference, for one change of an account in any state with any history. With
    --inventory also: how many accounts, and which, get another answer to what they may ask for.

    Exit code: 0 compared, 1 there is what --forbid names, 2 wrong usage or unreadable input, 3 not settled in the
    time given, 4 wrong policy.

    \b
    Examples:
      lawful diff wechat ./wechat-2026
      lawful diff wechat wechat-official --verbose
      lawful diff ./old ./new --forbid loosened --quiet
      lawful diff ./old ./new --inventory accounts.parquet --can 'enable wechat_pay' --changed touched.csv
    """
    from lawful.loading import load
    from lawful.proofs.errors import installed

    if inventory is None:
        given = {"can": can, "at": at, "history": history, "map": columns, "lenient": lenient, "changed": changed}
        for name, value in given.items():
            if value:
                raise WrongUsage(
                    f"`--{name}` asks about an inventory, and none is given", "name it with `--inventory FILE`"
                )
    with interruptible():
        with installed():
            from lawful.cli import diffing

        terminal = Terminal(spoken(lang), quiet)
        before, after = load(old, cached=True), load(new, cached=True)
        asked = None
        if inventory is not None:
            asked = diffing.Accounts(inventory, tuple(can or ()), at, history, changed, tuple(columns or ()), lenient)
        found = diffing.run(before, after, asked, timeout, terminal, as_json=form == "json", verbose=verbose)
    return code_of(found, forbid)


def code_of(found: Diff, forbidden: Forbidden | None) -> int:
    """What the differences come to. What only one policy can be asked is different, but neither loose nor tight."""
    match forbidden:
        case "loosened" | "tightened" if found.of(forbidden):
            return exit_code.DENIED
        case "different" if found.found or found.only:
            return exit_code.DENIED
        case _:
            return exit_code.UNDETERMINED if found.unsettled else exit_code.FINE
