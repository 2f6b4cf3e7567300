"""`lawful plan`: how does the account get there, and which type of account serves given needs?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawful.cli import exit_code
from lawful.cli.errors import BadInput, WrongUsage
from lawful.cli.options import At, Facts, Format, History, HistoryFrom, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.policy import Policy


def plan(
    policy: PolicyName,
    account: Annotated[
        str | None,
        typer.Argument(
            metavar="[ACCOUNT]",
            help="The account, as JSON or YAML, or a request about it; - is stdin.",
            show_default=False,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Get a field set. Repeatable: all at once.")
    ] = None,
    enable: Annotated[str | None, typer.Option("--enable", metavar="FEATURE", help="Get a feature enabled.")] = None,
    disable: Annotated[str | None, typer.Option("--disable", metavar="FEATURE", help="Get a feature disabled.")] = None,
    do: Annotated[str | None, typer.Option("--do", metavar="ACTION", help="Get an action allowed.")] = None,
    reach: Annotated[
        str | None, typer.Option("--reach", metavar="CEL", help="Get to where this condition holds.")
    ] = None,
    needs: Annotated[
        list[str] | None,
        typer.Option(
            "--need", metavar="NEED", help="Which type of account serves this? A feature, or `ACTION [N per day]`."
        ),
    ] = None,
    about: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="FIELD=VALUE", help="With --need: a fact of the account to be registered."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="FIELD", help="With --need: the field that is the type.")
    ] = None,
    cost: Annotated[
        str | None, typer.Option("--cost", metavar="NAME", help="The cheapest plan instead of the shortest.")
    ] = None,
    within: Annotated[
        str | None, typer.Option("--within", metavar="TIME", help="How far ahead to look, as `90 days`. [10 years]")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", metavar="N", help="The most steps of a plan. [12]")
    ] = None,
    obtain: Annotated[
        bool, typer.Option("--obtain/--no-obtain", help="Whether evidence and facts of the world may be obtained.")
    ] = True,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="N", help="How long to look at the most. [20]")
    ] = None,
    facts: Facts = None,
    history: History = None,
    history_from: HistoryFrom = None,
    at: At = None,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Find the shortest way of allowed changes to a goal, or say why there is none.

    With --need: which type of account serves the needs, and the way to get there.

    Exit code: 0 a plan, 1 there surely is none, 2 wrong usage or unreadable input, 3 none found within the bound, or
    facts are missing; 4 wrong policy, 5 internal.

    \b
    Examples:
      lawful plan wechat account.json --enable wechat_pay --history none
      lawful plan wechat account.json --reach "account.type == 'service'"
      lawful plan wechat --need wechat_pay --need "mass_send 2 per month" --account subject=enterprise
    """
    from lawful.cli import asking, reading
    from lawful.cli.planned import Planned
    from lawful.loading import load

    options = asking.Options(facts=tuple(facts or ()), history=history, history_from=history_from, at=at)
    goals = [sets, enable, disable, do, reach, needs]
    if sum(each is not None for each in goals) != 1:
        help = "one of `--enable`, `--disable`, `--set FIELD=VALUE`, `--do`, `--reach CEL`, `--need`"
        none = all(each is None for each in goals)
        raise WrongUsage("no goal is given" if none else "a plan has one goal", help)
    if needs is None and (about is not None or by is not None):
        raise WrongUsage(
            f"`{'--account' if about is not None else '--by'}` goes with `--need`",
            "the account of a plan is its argument",
        )
    if needs is None and account is None:
        raise WrongUsage("no account is given", "name a file of it as JSON or YAML, or `-` for stdin")
    if account is not None and about is not None:
        raise WrongUsage(
            "there is an account already: `--account` is for one to be registered", "leave one of them out"
        )
    terminal = Terminal(spoken(lang), quiet)
    loaded = load(policy, cached=True)
    given = {} if account is None else _request(reading.record(account), loaded)
    asked = asking.together(given, asking.shared(options, loaded.program))
    how: dict[str, Any] = {"cost": cost, "within": within, "max_steps": max_steps, "obtain": obtain, "seconds": seconds}
    drawn = Planned(loaded, terminal)
    if needs is not None:
        if about is not None:
            asked["account"] = asking.account_facts(about, loaded.program)
        found = loaded.choose(
            needs, asked if account is not None else None, by=by, **({} if account is not None else asked), **how
        )
        if form == "json":
            terminal.text(found.model_dump_json(by_alias=True))
        else:
            terminal.rows(drawn.choice(found))
        return _code(found.status)
    change = (
        asking.change_of(
            asking.Options(
                sets=tuple(sets or ()),
                enable=(enable,) if enable else (),
                disable=(disable,) if disable else (),
                do=(do,) if do else (),
            ),
            loaded.program,
        )
        if reach is None
        else None
    )
    if change is not None:
        asked["change"] = change
    if reach is not None:
        _check_condition(reach, loaded)
    plan = loaded.plan(asked, reach=reach, **how)
    if form == "json":
        terminal.text(plan.model_dump_json(by_alias=True))
    else:
        terminal.rows(drawn.plan(plan, change))
    return _code(plan.status)


def _check_condition(text: str, policy: Policy) -> None:
    """A wrong condition on the command line is wrong usage, not a wrong policy."""
    from lawful.diagnostics import PolicyError

    try:
        policy.condition(text)
    except PolicyError as error:
        raise BadInput(error.diagnostics) from None


def _code(status: str) -> int:
    return {"found": exit_code.FINE, "none": exit_code.DENIED}.get(status, exit_code.UNDETERMINED)


def _request(record: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """A file may hold the account, or a request about it, whose change is not asked here."""
    if isinstance(record.get("account"), dict) and "account" not in policy.program.account:
        return {key: value for key, value in record.items() if key not in ("change", "changes")}
    return {"account": record}
