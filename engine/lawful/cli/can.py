"""`lawful can`: what may the account do at all?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lawful.cli import exit_code
from lawful.cli.layout import GAP, Row, columns, row
from lawful.cli.options import At, Facts, Format, History, HistoryFrom, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.policy import Policy
    from lawful.possibility import LimitLeft, Possibilities, Possibility, Warned


_SEVERITIES: Final = {"warning": ("warning", "警告"), "info": ("info", "提示")}


def can(
    policy: PolicyName,
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="The account, as JSON or YAML, or a request with one; - is stdin.")
    ],
    facts: Facts = None,
    history: History = None,
    history_from: HistoryFrom = None,
    at: At = None,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """List every move and feature of an account with its verdict.

    With the rules that refuse it, the warnings about what is not refused, and what is left of each limit.

    \b
    Examples:
      lawful can wechat account.json --history none
      lawful can wechat account.json --history events.json --at 2025-03-01 --format json
    """
    from lawful.cli import asking, reading
    from lawful.loading import load

    terminal = Terminal(spoken(lang), quiet)
    loaded = load(policy, cached=True)
    options = asking.Options(facts=tuple(facts or ()), history=history, history_from=history_from, at=at)
    given = _request(reading.record(account), loaded)
    found = loaded.can(asking.together(given, asking.shared(options, loaded.program)))
    if form == "json":
        terminal.text(found.model_dump_json(by_alias=True))
    else:
        terminal.rows(_rows(found, terminal))
    return exit_code.FINE


def _request(record: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """A file may hold the account, or a request about it, whose change is not asked here."""
    if isinstance(record.get("account"), dict) and "account" not in policy.program.account:
        return {key: value for key, value in record.items() if key not in ("change", "changes")}
    return {"account": record}


def _rows(found: Possibilities, terminal: Terminal) -> Iterator[Row]:
    from lawful.cli.asking import moment

    yield row(0, (f"{found.policy.id} {found.policy.version}", "bold"), right=moment(found.at))
    told = [_in_words(each.change, terminal) for each in found.possibilities]
    wide = min(max((columns(each) for each in told), default=0), 40)
    for each, words in zip(found.possibilities, told, strict=True):
        yield from _possibility(each, words + " " * max(wide - columns(words), 0), terminal)


def _possibility(each: Possibility, words: str, terminal: Terminal) -> Iterator[Row]:
    from lawful.cli.asking import moment
    from lawful.cli.render import mark

    sign, _ = mark(each.verdict, terminal)
    title = each.title.best(terminal.language) if each.title is not None else ""
    enabled = terminal.say(" (enabled)", "（已开通）") if each.enabled else ""
    yield row(1, sign, " ", words, GAP, title, (enabled, "dim"))
    for rule, why in zip(each.rules, each.why, strict=True):
        yield row(3, (rule, "dim"), GAP, why.best(terminal.language))
    for warned in each.warnings:
        yield _warning(warned, terminal)
    for limit in each.limits:
        yield row(3, (limit.rule, "dim"), GAP, _left(limit, terminal))
    if each.next_allowed_at is not None:
        when = moment(each.next_allowed_at.isoformat())
        yield row(3, (terminal.say("no limit refuses from ", "不再受次数限制的时间 "), "dim"), when)


def _warning(each: Warned, terminal: Terminal) -> Row:
    unknown = terminal.say(", unknown", "，未知") if each.status == "unknown" else ""
    told = f"! {terminal.say(*_SEVERITIES[each.severity])}{unknown} "
    return row(3, (told, "warning"), (each.rule, "dim"), GAP, each.explanation.best(terminal.language))


def _left(limit: LimitLeft, terminal: Terminal) -> str:
    from lawful.cli.asking import moment

    if limit.left is None:
        return terminal.say(f"at most {limit.at_most}: not known what is left", f"至多{limit.at_most}次，剩余次数未知")
    told = terminal.say(f"{limit.left} of {limit.at_most} left", f"剩余{limit.left}/{limit.at_most}")
    if limit.until is not None and limit.used:
        until = moment(limit.until.isoformat())
        told += terminal.say(f"; one more from {until}", f"；{until}起恢复一次")
    return told


def _in_words(change: dict[str, Any], terminal: Terminal) -> str:
    match change:
        case {"set": dict() as wanted}:
            parts = [name if value is None else f"{name}: {str(value).lower()}" for name, value in wanted.items()]
            return terminal.say("set ", "设置 ") + ", ".join(parts)
        case {"enable": name}:
            return terminal.say("enable ", "开通 ") + str(name)
        case {"disable": name}:
            return terminal.say("disable ", "关闭 ") + str(name)
        case _:
            return terminal.say("do ", "执行 ") + str(change.get("do"))
