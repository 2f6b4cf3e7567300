"""The audit of `policy.yaml` as somebody who knows DuckDB well would write it by hand: what lawful's is measured by.

Written for speed, and three-valued: a rule is broken where `when` is true and `requires` false, and what is NULL is
neither. What was tried, and what each thing is worth, is in README.md.

- One pass. Whether any rule is broken is a filter, so that only the few accounts left are looked at rule by rule and
  given texts. The filter is factored by hand: what several rules ask for is asked once.
- Days are computed before: `last_active <= DATE '…'` adds nothing to twenty million rows.
- The accounts left are kept in memory once, in full chunks, and looked at by a branch for each rule: no row runs past
  the texts of twenty-four other rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

FEATURES: Final = ("wechat_pay", "custom_menu", "template_message", "comments", "original_label", "shop")
COLUMNS: Final = (
    "account_id",
    "type",
    "subject",
    "status",
    "registered_on",
    "certified_until",
    "last_active",
    "followers",
    "warnings",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A rule: when it is broken, and what is said of it. In the texts `{f}` is a column as a text of that language."""

    id: str
    severity: str
    source: str
    broken: str
    en: str
    zh: str
    facts: tuple[str, ...]


def rules(today: date) -> list[Told]:
    """The twenty-five, in the order of their ids."""
    certified = f"(certified_until IS NOT NULL AND certified_until >= {_day(today)})"
    uncertified = f"(certified_until IS NULL OR certified_until < {_day(today)})"
    return [
        Told(
            "features.wechat_pay",
            "error",
            "seed",
            f"wechat_pay AND (type <> 'service' OR {uncertified})",
            "WeChat Pay is for certified service accounts (type: {type}, certified until: {certified_until})",
            "仅已认证的服务号可开通微信支付（类型：{type}，认证有效期至：{certified_until}）",
            ("features.wechat_pay", "account.certified_until", "account.type"),
        ),
        Told(
            "features.custom_menu",
            "error",
            "seed#2",
            f"custom_menu AND type <> 'service' AND {uncertified}",
            "a custom menu is for service accounts and certified ones (type: {type})",
            "自定义菜单仅限服务号或已认证账号（类型：{type}）",
            ("features.custom_menu", "account.certified_until", "account.type"),
        ),
        Told(
            "features.template_message",
            "error",
            "platform",
            f"template_message AND (type <> 'service' OR {uncertified})",
            "template messages are for certified service accounts (type: {type})",
            "模板消息仅限已认证的服务号（类型：{type}）",
            ("features.template_message", "account.certified_until", "account.type"),
        ),
        Told(
            "features.comments",
            "error",
            "platform",
            "comments AND registered_on >= DATE '2018-03-12'",
            "accounts registered from 12 March 2018 on have no comments (registered on: {registered_on})",
            "2018年3月12日起注册的账号不提供留言功能（注册日期：{registered_on}）",
            ("features.comments", "account.registered_on"),
        ),
        Told(
            "features.original_label",
            "error",
            "platform",
            "original_label AND warnings >= 2",
            "the original label needs fewer than 2 warnings (warnings: {warnings})",
            "原创声明要求违规次数少于2次（违规次数：{warnings}）",
            ("features.original_label", "account.warnings"),
        ),
        Told(
            "features.shop",
            "error",
            "platform",
            "shop AND subject = 'individual'",
            "a shop is not for individuals (subject: {subject})",
            "个人主体不可开通微信小店（主体：{subject}）",
            ("features.shop", "account.subject"),
        ),
        Told(
            "features.shop.needs.wechat_pay",
            "error",
            "platform",
            "shop AND NOT wechat_pay",
            "WeChat Pay must be enabled first",
            "须先开通微信支付",
            ("features.shop", "features.wechat_pay"),
        ),
        Told(
            "constraints.may-hold-service",
            "error",
            "seed",
            "type = 'service' AND subject = 'individual'",
            "a service account is for media, enterprises, governments and other organisations (subject: {subject})",
            "服务号适用于媒体、企业、政府或其他组织（主体：{subject}）",
            ("account.type", "account.subject"),
        ),
        Told(
            "constraints.may-hold-enterprise",
            "error",
            "seed#3",
            "type = 'enterprise' AND (subject = 'individual' OR subject = 'media')",
            "an enterprise account is for an organisation's own staff and teams (subject: {subject})",
            "企业号用于管理组织内部员工和团队（主体：{subject}）",
            ("account.type", "account.subject"),
        ),
        Told(
            "constraints.certified-individual",
            "warning",
            "platform",
            f"{certified} AND subject = 'individual'",
            "individuals cannot be certified, yet the record says certified until {certified_until}",
            "个人主体不支持微信认证，但记录的认证有效期至{certified_until}",
            ("account.certified_until", "account.subject"),
        ),
        Told(
            "constraints.lapsed-certification",
            "info",
            "platform",
            f"certified_until < {_day(today)}",
            f"certification ended on {{certified_until}} (today: {today})",
            f"微信认证已于{{certified_until}}到期（今天：{today}）",
            ("account.certified_until",),
        ),
        Told(
            "constraints.dormant",
            "warning",
            "platform",
            f"{uncertified} AND last_active <= {_day(today - timedelta(days=210))}",
            "an uncertified account idle for 210 days is deregistered "
            f"(last active on: {{last_active}}, today: {today})",
            f"未认证账号连续210天未使用将被注销（最近活跃日期：{{last_active}}，今天：{today}）",
            ("account.certified_until", "account.last_active"),
        ),
        Told(
            "constraints.certified-for-a-year",
            "error",
            "platform",
            f"certified_until > {_day(_next_year(today))}",
            f"certification is valid for one year at most (certified until: {{certified_until}}, today: {today})",
            f"微信认证有效期最长一年（认证有效期至：{{certified_until}}，今天：{today}）",
            ("account.certified_until",),
        ),
        Told(
            "constraints.big-service-certified",
            "error",
            "agency",
            f"type = 'service' AND followers >= 10000 AND {uncertified}",
            "a service account with {followers} followers must be certified (certified until: {certified_until})",
            "粉丝数达{followers}的服务号须通过微信认证（认证有效期至：{certified_until}）",
            ("account.followers", "account.type", "account.certified_until"),
        ),
        Told(
            "constraints.individual-is-small",
            "warning",
            "agency",
            "subject = 'individual' AND followers >= 500000",
            "an individual's account with {followers} followers should be moved to an organisation",
            "个人主体账号粉丝数已达{followers}，应迁移至组织主体",
            ("account.subject", "account.followers"),
        ),
        Told(
            "constraints.media-certified",
            "error",
            "agency",
            f"subject = 'media' AND followers >= 5000 AND {uncertified}",
            "media with {followers} followers must be certified",
            "粉丝数达{followers}的媒体账号须通过微信认证",
            ("account.subject", "account.followers", "account.certified_until"),
        ),
        Told(
            "constraints.few-warnings",
            "error",
            "platform",
            "status = 'active' AND warnings >= 6",
            "an account with {warnings} warnings cannot be {status}",
            "违规次数为{warnings}的账号状态不能为{status}",
            ("account.status", "account.warnings"),
        ),
        Told(
            "constraints.frozen-for-a-reason",
            "error",
            "platform",
            "status = 'frozen' AND warnings < 3",
            "the account is frozen after {warnings} warnings only",
            "账号仅违规{warnings}次即被冻结",
            ("account.status", "account.warnings"),
        ),
        Told(
            "constraints.closed-has-no-pay",
            "error",
            "agency",
            "status = 'closed' AND wechat_pay",
            "a closed account still has WeChat Pay (type: {type})",
            "已注销账号仍开通微信支付（类型：{type}）",
            ("account.status", "features.wechat_pay"),
        ),
        Told(
            "constraints.closed-is-idle",
            "warning",
            "agency",
            f"status = 'closed' AND last_active >= {_day(today - timedelta(days=14))}",
            f"a closed account was active on {{last_active}} (today: {today})",
            f"已注销账号仍于{{last_active}}活跃（今天：{today}）",
            ("account.status", "account.last_active"),
        ),
        Told(
            "constraints.active-since-registration",
            "error",
            "agency",
            "last_active < registered_on",
            "the account was last active on {last_active}, before it was registered on {registered_on}",
            "最近活跃日期{last_active}早于注册日期{registered_on}",
            ("account.last_active", "account.registered_on"),
        ),
        Told(
            "constraints.registered-by-now",
            "error",
            "agency",
            f"registered_on > {_day(today)} OR registered_on < DATE '2012-08-17'",
            "no account was registered on {registered_on}: the platform opened on 17 August 2012",
            "注册日期{registered_on}有误：平台于2012年8月17日上线",
            ("account.registered_on",),
        ),
        Told(
            "constraints.young-and-big",
            "info",
            "agency",
            f"registered_on > {_day(today - timedelta(days=30))} AND followers >= 50000",
            "{followers} followers since {registered_on}: look where they come from",
            "自{registered_on}注册以来粉丝数已达{followers}，请核查来源",
            ("account.registered_on", "account.followers"),
        ),
        Told(
            "constraints.government-sells-nothing",
            "error",
            "agency",
            "subject = 'government' AND shop",
            "a government's account has no shop (followers: {followers})",
            "政府账号不得开设微信小店（粉丝数：{followers}）",
            ("account.subject", "features.shop"),
        ),
        Told(
            "constraints.enterprise-stays-inside",
            "warning",
            "seed#3",
            "type = 'enterprise' AND followers > 200000",
            "an enterprise account is for the organisation's own staff, and has {followers} followers",
            "企业号供组织内部成员使用，粉丝数却达{followers}",
            ("account.type", "account.followers"),
        ),
    ]


def some_broken(today: date, guard: str = "") -> str:
    """Whether any of them is broken: the same as all their conditions joined by OR, each thing asked for once.

    Nobody asks whether an empty list holds a feature: `guard` says that there are any.
    """
    now, year, idle = _day(today), _day(_next_year(today)), _day(today - timedelta(days=210))
    uncertified = f"(certified_until IS NULL OR certified_until < {now})"
    return f"""
       (subject = 'individual' AND (type <> 'subscription' OR certified_until >= {now} OR followers >= 500000))
    OR ({uncertified}
        AND (certified_until IS NOT NULL OR last_active <= {idle}
             OR (type = 'service' AND followers >= 10000) OR (subject = 'media' AND followers >= 5000)))
    OR (type = 'enterprise' AND (subject = 'media' OR followers > 200000))
    OR certified_until > {year}
    OR (status = 'active' AND warnings >= 6)
    OR (status = 'frozen' AND warnings < 3)
    OR (status = 'closed' AND last_active >= {_day(today - timedelta(days=14))})
    OR last_active < registered_on
    OR registered_on > {now}
    OR registered_on < DATE '2012-08-17'
    OR (registered_on > {_day(today - timedelta(days=30))} AND followers >= 50000)
    OR ({guard}
        ((type <> 'service' AND (wechat_pay OR template_message))
         OR ({uncertified} AND (wechat_pay OR template_message OR (custom_menu AND type <> 'service')))
         OR (shop AND (NOT wechat_pay OR subject = 'government' OR subject = 'individual'))
         OR (comments AND registered_on >= DATE '2018-03-12')
         OR (original_label AND warnings >= 2)
         OR (status = 'closed' AND wechat_pay)))"""


# ------------------------------------------------------------------------------------------------------------- queries


SETTINGS: Final = {"threads": 2, "preserve_insertion_order": False, "disabled_optimizers": "cte_filter_pusher"}
"""Without the last the filter of each rule would be asked twice of every account that is kept."""


def findings(path: str, today: date, at: str, *, feature_columns: bool) -> str:
    """Every rule that an account breaks, with its texts."""
    source = source_of(path, feature_columns=feature_columns)
    broken = some_broken(today, "" if feature_columns else "len(features) > 0 AND")
    kept = f"SELECT {', '.join((*COLUMNS, *FEATURES))} FROM {source} WHERE {broken}"
    return f"WITH broken AS MATERIALIZED ({kept})" + " UNION ALL ".join(_told(each, at) for each in rules(today))


def _told(rule: Told, at: str) -> str:
    return f"""
        SELECT account_id, '{rule.id}' AS rule, '{rule.severity}' AS severity, 'violated' AS status,
            'account' AS about, TIMESTAMPTZ '{at}' AS "at",
            {_filled(rule.en, "en")} AS explanation_en,
            {_filled(rule.zh, "zh")} AS explanation_zh,
            {_json(rule.facts)} AS facts,
            '{rule.source}' AS source
        FROM broken WHERE {rule.broken}"""


def unknown(path: str, today: date, *, feature_columns: bool) -> str:
    """How many accounts each rule is unknown of: a NULL somewhere is what it takes."""
    source = source_of(path, feature_columns=feature_columns)
    known = " AND ".join(f"{name} IS NOT NULL" for name in (*COLUMNS[1:], "wechat_pay") if name != "certified_until")
    counts = ", ".join(
        f'count(*) FILTER (({each.broken}) IS NULL{_unless(each)}) AS "{each.id}"' for each in rules(today)
    )
    return f"SELECT {counts} FROM {source} WHERE NOT ({known})"


def checks(path: str, *, feature_columns: bool) -> list[str]:
    """What keeps the findings from meaning something: ids that come twice, values that the columns may not hold."""
    ids = f"SELECT h FROM (SELECT hash(account_id) AS h FROM read_parquet('{path}')) GROUP BY h HAVING count(*) > 1"
    values = [f"SELECT DISTINCT {name} FROM read_parquet('{path}')" for name in _TITLES]
    lists = [] if feature_columns else [f"SELECT DISTINCT unnest(features) FROM read_parquet('{path}')"]
    bounds = f"SELECT min(followers), min(warnings), max(warnings) FROM read_parquet('{path}')"
    return [ids, *values, *lists, bounds]


def scan(path: str, *, feature_columns: bool) -> str:
    """Every value of every column that the rules need, read, and nothing more."""
    features = [f"max({name})" for name in FEATURES] if feature_columns else ["max(len(features))"]
    return f"SELECT {', '.join([*(f'max({name})' for name in COLUMNS), *features])} FROM read_parquet('{path}')"


def source_of(path: str, *, feature_columns: bool) -> str:
    """The inventory as the queries have it: with a column for each feature."""
    if feature_columns:
        return f"read_parquet('{path}')"
    listed = ", ".join(f"list_contains(features, '{each}') AS {each}" for each in FEATURES)
    return f"(SELECT {', '.join(COLUMNS)}, features, {listed} FROM read_parquet('{path}'))"


def _unless(rule: Told) -> str:
    """Two rules have a condition that is false, not NULL, where nothing is certified until any day."""
    return " AND certified_until IS NOT NULL" if rule.broken.startswith("certified_until") else ""


# -------------------------------------------------------------------------------------------------------------- pieces

_TITLES: Final = {
    "type": {
        "subscription": ("subscription account", "订阅号"),
        "service": ("service account", "服务号"),
        "enterprise": ("enterprise account", "企业号"),
    },
    "subject": {
        "individual": ("individual", "个人"),
        "media": ("media", "媒体"),
        "enterprise": ("enterprise", "企业"),
        "government": ("government", "政府"),
        "organization": ("other organisation", "其他组织"),
    },
    "status": {"active": ("active", "正常"), "frozen": ("frozen", "已冻结"), "closed": ("closed", "已注销")},
}


def _filled(text: str, language: str) -> str:
    """The text as an expression: its constant parts, and the columns between them."""
    parts = []
    while text:
        constant, _, rest = text.partition("{")
        name, _, text = rest.partition("}")
        if constant:
            parts.append("'" + constant.replace("'", "''") + "'")
        if name:
            parts.append(_column(name, language))
    return " || ".join(parts)


def _column(name: str, language: str) -> str:
    unknown = "'unknown'" if language == "en" else "'未知'"
    if name not in _TITLES:
        return f"coalesce({name}::VARCHAR, {unknown})"
    place = 0 if language == "en" else 1
    titles = " ".join(f"WHEN '{value}' THEN '{told[place]}'" for value, told in _TITLES[name].items())
    return f"CASE {name} {titles} ELSE {unknown} END"


def _json(facts: tuple[str, ...]) -> str:
    """The facts as an object of JSON; no value needs escaping."""
    parts = []
    for place, fact in enumerate(facts):
        name = fact.rpartition(".")[2]
        opening = ("{" if place == 0 else ",") + f'"{fact}":'
        quote = "" if name in ("followers", "warnings") or fact.startswith("features.") else '"'
        value = f"coalesce('{quote}' || {name} || '{quote}', 'null')"
        parts.append(f"'{opening}' || {value}")
    return " || ".join(parts) + " || '}'"


def _day(day: date) -> str:
    return f"DATE '{day}'"


def _next_year(today: date) -> date:
    return today.replace(year=today.year + 1, day=28 if (today.month, today.day) == (2, 29) else today.day)
