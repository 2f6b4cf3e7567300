"""`lawful eval`: what is a condition of this account? And do the engines give what cases of expressions should give?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawful.cli import exit_code
from lawful.cli.options import At, Facts, Format, History, HistoryFrom, Lang, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.decision import Justification
    from lawful.policy import Policy


def evaluate(
    expr: Annotated[
        str | None, typer.Argument(metavar="EXPR", help="A condition, or a file of them, one a line; - is stdin.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="POLICY", help="Whose fields and conditions are spoken of.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="FILE", help="The account, as JSON or YAML.")
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option("--cases", metavar="FILE", help="Expressions with the values they must have, as JSON Lines."),
    ] = None,
    facts: Facts = None,
    history: History = None,
    history_from: HistoryFrom = None,
    at: At = None,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Evaluate a condition on an account, and say why it is so.

    True, false or unknown, for authors of policies.

    Without a policy the account's fields have the types that their values show.
    Exit code: 0 true, 1 false, 3 unknown; of several, the worst of 2, 1, 3, 0.

    With --cases every engine, and CEL's own evaluator, judges each case; those that are wrong are told.
    Exit code: 0 all are right, 1 one is wrong, 2 a line cannot be read.

    \b
    Examples:
      lawful eval 'certified && !individual' --policy wechat --account account.json
      lawful eval "addMonths(date('2024-01-31'), 1) == date('2024-02-29')"
      echo '{"expr": "x + 1", "bindings": {"x": 5}, "value": 6}' | lawful eval --cases -
    """
    from lawful.cli import asking, inferred, reading
    from lawful.cli.errors import WrongUsage
    from lawful.loading import load

    terminal = Terminal(spoken(lang), quiet)
    beside = (account, history, history_from, at, facts or None)
    if cases is not None:
        return _judge(cases, expr, beside, policy, terminal, as_json=form == "json")
    if expr is None:
        raise WrongUsage("there is nothing to evaluate", "give a condition, a file of them, or `--cases FILE`")
    record = reading.record(account) if account is not None else {}
    if policy is None:
        record = {name: value for name, value in record.items() if value is not None}  # null has no type
    loaded = load(policy) if policy is not None else inferred.policy_for(record)
    options = asking.Options(facts=tuple(facts or ()), history=history, history_from=history_from, at=at)
    parts = {"account": record, **asking.shared(options, loaded.program)}
    conditions = _conditions(expr)
    if not conditions:
        raise WrongUsage(f"{reading.shown(expr)} holds no condition", "a condition is a line that is no comment")
    codes = [
        _one(each, loaded, parts, terminal, as_json=form == "json", alone=len(conditions) == 1) for each in conditions
    ]
    return exit_code.worst(codes)


def _judge(
    cases: str, expr: str | None, beside: tuple[object, ...], policy: str | None, terminal: Terminal, *, as_json: bool
) -> int:
    from lawful.cli import expected
    from lawful.cli.errors import WrongUsage
    from lawful.loading import load

    if expr is not None or any(each is not None for each in beside):
        raise WrongUsage("`--cases` takes no expression and no account beside it", "each case brings its own")
    return expected.judge(cases, None if policy is None else load(policy), terminal, as_json=as_json)


def _conditions(expr: str) -> list[str]:
    """The condition, or those of a file without its empty lines and comments."""
    from lawful.cli import reading

    if expr != reading.STDIN and not _is_file(expr):
        return [expr]
    listed = [line.strip() for line in reading.text_source(expr).text.splitlines()]
    return [line for line in listed if line and not line.startswith("#")]


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False  # no name that a file could have


def _one(expr: str, policy: Policy, parts: dict[str, Any], terminal: Terminal, *, as_json: bool, alone: bool) -> int:
    from lawful.cli.errors import BadInput
    from lawful.diagnostics import PolicyError

    try:
        value, justification = policy.evaluate(expr, **parts)
    except PolicyError as error:
        if alone and not as_json:
            raise BadInput(error.diagnostics) from None
        _refused(expr, error, terminal, as_json=as_json)
        return exit_code.WRONG_USAGE
    if as_json:
        told = {"expr": expr, "value": justification.value, "justification": justification.model_dump(mode="json")}
        terminal.text(json.dumps(told, ensure_ascii=False))
    else:
        _tell(expr, justification, policy, terminal, alone=alone)
    return exit_code.UNDETERMINED if value is None else exit_code.DENIED if value is False else exit_code.FINE


def _refused(expr: str, error: Any, terminal: Terminal, *, as_json: bool) -> None:
    messages = [each.message for each in error.diagnostics]
    if as_json:
        terminal.text(json.dumps({"expr": expr, "error": messages}, ensure_ascii=False))
    else:
        terminal.text(f"error: {'; '.join(messages)}   {expr}")


def _tell(expr: str, justification: Justification, policy: Policy, terminal: Terminal, *, alone: bool) -> None:
    from lawful.cli import asking
    from lawful.cli.layout import row
    from lawful.cli.render import Renderer

    value = asking.plain(justification.value, terminal)
    terminal.rows([row(0, (value, "bold"), "" if alone else f"   {expr}")])
    if alone:
        terminal.rows(Renderer(policy, terminal).justification(justification))
