"""What the tellings share: the words for severities and verdicts, numbers, instants, and texts made visible."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lawful.audit.summary import CrossCheck, RuleTally, Summary
from lawful.ir import LANGUAGES, Language, Severity, Text

SEVERITIES: Final[Mapping[Severity, Text]] = {
    "error": Text("error", "错误"),
    "warning": Text("warning", "警告"),
    "info": Text("info", "提示"),
}
"""The worst first."""
VERDICTS: Final[Mapping[str, Text]] = {
    "allow": Text("allowed", "允许"),
    "deny": Text("denied", "拒绝"),
    "undetermined": Text("undetermined", "无法确定"),
}
_RANKS: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_FIELDS_NAMED: Final = 6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def say(language: Language, english: str, chinese: str) -> str:
    return english if language == "en" else chinese


def grouped(number: int) -> str:
    """A number in groups of three.

    >>> grouped(20000000)
    '20 000 000'
    """
    return f"{number:,}".replace(",", " ")


def counted(number: int, noun: str) -> str:
    """
    >>> counted(1, "rule"), counted(1213, "rule")
    ('1 rule', '1 213 rules')
    """
    return f"{grouped(number)} {noun}" + ("" if number == 1 else "s")


def already(summary: Summary, question: str) -> Text:
    """Beside the number of the allowed: of how many it is so already, for which nothing would change."""
    number = summary.already.get(question)
    if not number:
        return Text("", "")
    return Text(f" (already so {grouped(number)})", f"（其中原已如此 {grouped(number)}）")


def moment(at: int, zone: ZoneInfo) -> datetime:
    """The instant of those microseconds since 1970, as the zone's clocks show it; UTC where they cannot."""
    instant = _EPOCH + timedelta(microseconds=at)
    try:
        return instant.astimezone(zone)
    except OverflowError:  # at the ends of time
        return instant


def when(at: int, zone: ZoneInfo) -> str:
    """An instant for people: the day alone where the day begins.

    >>> when(1740758400000000, ZoneInfo("Asia/Shanghai")), when(1740758401000000, ZoneInfo("Asia/Shanghai"))
    ('2025-03-01', '2025-03-01 00:00:01')
    """
    local = moment(at, zone).replace(tzinfo=None)
    return local.date().isoformat() if local.time() == datetime.min.time() else local.isoformat(sep=" ")


def facts_in_words(facts: str) -> str:
    """The JSON object as a line.

    >>> facts_in_words('{"account.subject": "individual", "today": "2025-03-01"}')
    'account.subject: individual, today: 2025-03-01'
    """
    try:
        found = json.loads(facts)
    except ValueError:
        return facts
    if not isinstance(found, dict):
        return facts
    return ", ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in found.items()
    )


def worst_first(tallies: tuple[RuleTally, ...]) -> list[RuleTally]:
    """By severity, then by how many findings there are."""
    return sorted(
        tallies, key=lambda each: (_RANKS[each.severity], -each.counting, -each.violated, -each.unknown, each.rule)
    )


def found_something(tally: RuleTally) -> bool:
    return tally.violated > 0 or tally.unknown > 0


def title_of(tally: RuleTally) -> Text:
    """What the rule is called: its id where the policy gives no title."""
    return tally.title if tally.title is not None else Text(tally.rule, tally.rule)


def unknown_outcomes(summary: Summary) -> tuple[int, int]:
    """How many outcomes are unknown, and of how many rules."""
    return sum(each.unknown for each in summary.rules), sum(each.unknown > 0 for each in summary.rules)


def with_default(summary: Summary) -> Text | None:
    """How rules are judged whose fields have no column, but a default."""
    if not summary.with_default:
        return None
    options = " ".join(f"--map ={name}" for name in summary.with_default)
    if any(name.startswith("features.") for name in summary.with_default):
        return Text(
            f"what has no column because there is nothing to say: {options} takes the policy's default, and that no"
            " account has the feature",
            f"字段无列且各帐号均取策略默认值，或各帐号均未开通该功能时，可用 {options}",
        )
    return Text(
        f"fields that have no column because there is nothing to say: {options} takes the policy's default",
        f"字段无列且各帐号均取策略默认值时，可用 {options}",
    )


def nothing_judged(summary: Summary) -> Text | None:
    """Why nothing can be said of the accounts; None where some rule was judged."""
    if not summary.accounts:
        return Text("the inventory has no accounts", "清单中没有帐号")
    if not summary.judged_nothing:
        return None
    lacking = list(dict.fromkeys(field for each in summary.not_judged for field in each.fields))
    if not lacking:
        return Text(
            "nothing was judged: no rule of the policy is about what was given",
            "未判定任何规则：策略中没有与所给数据相关的规则",
        )
    more = " …" if len(lacking) > _FIELDS_NAMED else ""
    english, chinese = (listed(lacking[:_FIELDS_NAMED], language) + more for language in LANGUAGES)
    return Text(
        f"nothing was judged: every rule reads what is not given ({english})",
        f"未判定任何规则：各规则所需的数据均未提供（{chinese}）",
    )


def found_in_all(summary: Summary) -> Text:
    """How many of the accounts have findings."""
    unjudged = nothing_judged(summary)
    if unjudged is not None and not summary.accounts_with_findings:
        return unjudged
    some, every = grouped(summary.accounts_with_findings), grouped(summary.accounts)
    accounts = counted(summary.accounts, "account")
    if summary.accounts_with_findings:
        has = "has" if summary.accounts_with_findings == 1 else "have"
        return Text(f"{some} of {accounts} {has} findings", f"{every}个帐号中有{some}个存在问题")
    if any(each.counting for each in summary.rules):
        return Text(f"no findings for {accounts}, only about the data", f"{every}个帐号均未发现问题，但数据本身有问题")
    unknown, of = unknown_outcomes(summary)
    if unknown:
        outcomes, rules = counted(unknown, "outcome"), counted(of, "rule")
        return Text(
            f"no findings for {accounts} as far as they could be judged: {outcomes} unknown, of {rules}",
            f"{every}个帐号中，就已能判定者未发现问题；另有{grouped(of)}条规则的{grouped(unknown)}项结果未知",
        )
    return Text(f"no findings for {accounts}", f"{every}个帐号均未发现问题")


LENIENT: Final = Text(
    "taken as if nothing stood there: unknown, and `has` is false; events without what they need are left out",
    "按未填写处理：视为未知，且 has 为假；缺少必要信息的事件不计入",
)
"""What became of the values that could not be read."""


def judged_again(check: CrossCheck) -> Text:
    """What the reference said to it."""
    accounts, outcomes = counted(check.accounts, "account"), counted(check.outcomes, "outcome")
    english = f"{accounts} judged again by the reference, {outcomes}: "
    chinese = f"参考引擎复核了{grouped(check.accounts)}个帐号的{grouped(check.outcomes)}项结果："
    if check.differences:
        differ = f"{grouped(len(check.differences))} {'differs' if len(check.differences) == 1 else 'differ'}"
        return Text(english + differ, f"{chinese}{grouped(len(check.differences))}项不一致")
    return Text(f"{english}all agreed", f"{chinese}全部一致")


def listed(texts: Iterable[str], language: Language) -> str:
    return say(language, ", ", "、").join(texts)
