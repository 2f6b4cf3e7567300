"""`lawful check`: may the account change so?"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from lawful.cli import exit_code
from lawful.cli.options import At, Engine, Facts, Format, History, HistoryFrom, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken


def check(
    policy: PolicyName,
    request: Annotated[
        str | None,
        typer.Argument(metavar="[REQUEST.json | -]", help="A request, or many in a .jsonl file; - is stdin."),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="FILE", help="The account, as JSON or YAML; - is stdin.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Set a field. Repeatable: all at once.")
    ] = None,
    enable: Annotated[list[str] | None, typer.Option("--enable", metavar="FEATURE", help="Enable a feature.")] = None,
    disable: Annotated[
        list[str] | None, typer.Option("--disable", metavar="FEATURE", help="Disable a feature.")
    ] = None,
    do: Annotated[list[str] | None, typer.Option("--do", metavar="ACTION", help="Do an action.")] = None,
    register: Annotated[bool, typer.Option("--register", help="Register the account.")] = False,
    facts: Facts = None,
    history: History = None,
    history_from: HistoryFrom = None,
    at: At = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A request a line, as in a .jsonl file.")] = False,
    engine: Engine = None,
    satisfied: Annotated[bool, typer.Option("--satisfied", help="List the rules that hold, too.")] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Tell each reason in full, with its expressions as they are written."),
    ] = False,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Decide whether a change of an account is allowed, and say why.

    Exit code: 0 allowed, 1 denied, 2 wrong usage or unreadable input, 3 undetermined, 4 wrong policy, 5 internal.
    Of many requests: the worst.

    \b
    Examples:
      lawful check wechat --account account.json --set type=service --history none
      lawful check wechat request.json --lang zh
      lawful check wechat request.json --verbose
      lawful check ./my-policy requests.jsonl --format json > decisions.jsonl
    """
    from lawful.cli import asking, many, reading
    from lawful.cli.render import Renderer
    from lawful.loading import load

    options = asking.Options(
        request=request,
        account=account,
        sets=tuple(sets or ()),
        enable=tuple(enable or ()),
        disable=tuple(disable or ()),
        do=tuple(do or ()),
        register=register,
        facts=tuple(facts or ()),
        history=history,
        history_from=history_from,
        at=at,
    )
    if request is None and account is None and not options.asks and reading.is_piped():
        options = options.reading_stdin()
    terminal = Terminal(spoken(lang), quiet)
    loaded = load(policy, cached=True)
    renderer = Renderer(loaded, terminal, satisfied, verbose)
    judging = asking.engine(engine)
    if jsonl or reading.is_lines(options.request or ""):
        return many.check(renderer, options, judging, as_json=form == "json")
    asked = asking.request_of(options, loaded.program)
    decision = loaded.check(asked, engine=judging)
    if form == "json":
        terminal.text(decision_json(decision, satisfied=satisfied))
    else:
        terminal.rows(renderer.decision(decision, asked))
    return exit_code.OF_VERDICT[decision.verdict]


def decision_json(decision: Any, *, satisfied: bool) -> str:
    """The decision as one line; the rules that hold go with the reasons where they are asked for."""
    if not satisfied:
        return str(decision.model_dump_json(by_alias=True))
    data = decision.model_dump(mode="json", by_alias=True)
    data["reasons"] += [each.model_dump(mode="json", by_alias=True) for each in decision.satisfied]
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
