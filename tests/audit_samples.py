"""The summary and the findings of an audit that never was, of the shipped policy: what the tellings are tested with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import lawful
from lawful import wording
from lawful.audit.summary import (
    CrossCheck,
    DataProblem,
    Edge,
    LifecycleTally,
    Months,
    NotJudged,
    RuleTally,
    Summary,
)
from lawful.audit.telling.finding import Findings
from lawful.decision import PolicyNamed
from lawful.ir import Place, Program, Severity, Text

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2025, 3, 1, tzinfo=ZONE)
SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("status", pa.string()),
        ("about", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("explanation_en", pa.string()),
        ("explanation_zh", pa.string()),
        ("facts", pa.string()),
        ("source", pa.string()),
        ("excused", pa.string()),
    ]
)
HOSTILE = "<script>alert('1')</script>\"&=cmd|' /C calc'!A0"
"""An account id that would like to be more."""
_COUNTS = {  # violated, unknown, excused
    "constraints.may-hold-service": (812, 3, 0),
    "constraints.may-hold-enterprise": (41, 0, 2),
    "features.wechat_pay": (205, 0, 0),
    "actions.mass_send.limits.daily": (96, 0, 0),
    "actions.mass_send.limits.monthly": (7, 0, 0),
    "lifecycle.type.final": (3, 0, 0),
    "constraints.certified-individual": (118, 0, 60),
    "constraints.dormant": (2_410, 1_190, 0),
    "constraints.lapsed-certification": (5_733, 0, 0),
}
_READING = ("features.wechat_pay", "constraints.dormant", "constraints.lapsed-certification")
"""Rules that read `certified_until`."""
_SUBJECTS = (("media", "媒体"), ("individual", "个人"))


def program() -> Program:
    return lawful.load("wechat").program


def summary(**changed: Any) -> Summary:
    """Of 20 000 accounts and their events, between two snapshots."""
    policy = program()
    found: dict[str, Any] = {
        "policy": PolicyNamed(id=policy.id, version=policy.version, digest="sha256:" + "0f" * 32),
        "title": policy.title,
        "languages": policy.languages,
        "at": AT.isoformat(),
        "inventory": "accounts.parquet",
        "engine": "duckdb",
        "accounts": 20_000,
        "accounts_with_findings": 8_021,
        "events": 41_250,
        "vanished": 12,
        "rules": tuple(_tallies(policy)),
        "not_judged": (
            NotJudged("actions.mass_send.limits.yearly", ("history",)),
            NotJudged("constraints.region-known", ("account.region", "account.city")),
        ),
        "data": (
            DataProblem(
                "subject", Text("values outside the enum", "不在枚举中的值"), 14, ("INDIVIDUAL", "个体户", HOSTILE)
            ),
            DataProblem(
                "account_id",
                Text("events of unknown accounts", "未列出帐号的事件"),
                3,
                ("gh_unknown_1", "gh_unknown_2"),
            ),
        ),
        "months": (_months(policy),),
        "lifecycles": (_lifecycle(policy),),
        "questions": {
            "enable wechat_pay": {"allow": 6_210, "deny": 12_600, "undetermined": 1_190},
            "set type=service": {"allow": 2_004, "deny": 17_996},
        },
        "cross_check": CrossCheck(1_213, 10_917, ()),
        "seconds": 6.42,
    }
    return Summary(**found | changed)


def _tallies(policy: Program) -> Iterator[RuleTally]:
    rules = {
        each.id: each for each in policy.rules if each.scope != "group" and each.kind not in ("effect", "unlisted")
    }
    for id, rule in rules.items():
        violated, unknown, excused = _COUNTS.get(id, (0, 0, 0))
        source = rule.source.source.id if rule.source is not None else None
        if rule.source is not None and rule.source.clause is not None:
            source = f"{source}#{rule.source.clause}"
        title = rule.title or wording.built_in_title(policy, rule)
        yield RuleTally(id, title, rule.severity, source, rule.place, violated, unknown, excused)
    yield RuleTally("data.duplicate-id", None, "error", None, None, violated=2)


def _months(policy: Program) -> Months:
    names = [f"{2024 + month // 12}-{month % 12 + 1:02}" for month in range(8, 27)]
    counts = [260, 244, 301, 287, 352, 398, 410, 455, 512, 490, 476, 530, 601, 588, 560, 623, 655, 640, 612]
    title = policy.account["certified_until"].title
    return Months(
        "certified_until", title, tuple(zip(names, counts, strict=True)), before=2_480, after=133, rules=_READING
    )


def _lifecycle(policy: Program) -> LifecycleTally:
    cycle, declared = policy.lifecycles["type"], policy.account["type"]
    states: list[tuple[str | None, Text | None, int]] = [
        (name, declared.values[name], count)
        for name, count in (("subscription", 12_806), ("service", 5_930), ("enterprise", 74))
    ]
    edges = (
        Edge("subscription", "service", "lifecycle.type.upgrade", 388),
        Edge("service", "subscription", None, 3, allowed=False),
        Edge("service", "service", "lifecycle.type.upgrade", 2, allowed=False),
    )
    return LifecycleTally("type", declared.title, (*states, (None, None, 1_190)), cycle.initial, cycle.final, edges)


# ------------------------------------------------------------------------------------------------------- findings


def rows(told: Summary, most: int = 10_000) -> Iterator[dict[str, Any]]:
    """The violated findings of every rule, at most so many of each; of `dormant` the unknown ones too."""
    for tally in told.rules:
        for number in range(min(tally.violated, most)):
            yield _row(tally, number)
    dormant = next((each for each in told.rules if each.rule == "constraints.dormant"), None)
    for number in range(min(dormant.unknown, most) if dormant is not None else 0):
        yield _row(dormant, 50_000 + number) | {"status": "unknown"}


def _row(tally: RuleTally, number: int) -> dict[str, Any]:
    english, chinese = _SUBJECTS[number % 2]
    until = (AT - timedelta(days=number % 400 + 1)).date().isoformat()
    event = tally.rule.startswith("actions.")
    excused = ("baseline" if number % 2 else "waiver: 王芳: 存量账号，六月底前整改") if number < tally.excused else None
    return {
        "account_id": f"gh_{(number * 2_654_435_761 + len(tally.rule)) % 2**32:08x}",
        "rule": tally.rule,
        "severity": tally.severity,
        "status": "violated",
        "about": "event" if event else "data" if tally.rule.startswith("data.") else "account",
        "at": AT - timedelta(hours=number % 700, seconds=number) if event else AT,
        "explanation_en": f"{_english(tally)} (subject: {english}, certified until: {until}, today: 2025-03-01)",
        "explanation_zh": f"{_chinese(tally)}（主体：{chinese}，认证有效期至：{until}，今天：2025-03-01）",
        "facts": json.dumps({"account.subject": chinese, "account.certified_until": until}, ensure_ascii=False),
        "source": tally.source,
        "excused": excused,
    }


def _english(tally: RuleTally) -> str:
    return tally.title.best("en") if tally.title is not None else f"{tally.rule} does not hold"


def _chinese(tally: RuleTally) -> str:
    return tally.title.best("zh") if tally.title is not None else f"不符合{tally.rule}"


def hostile_rows() -> list[dict[str, Any]]:
    """What nobody should act upon, in every column that data can reach."""
    tally = RuleTally("constraints.may-hold-service", None, "error", "seed", None)
    texts = [
        HOSTILE,
        "=1+1",
        "+1",
        "-1",
        "@owner #12",
        "\t=1",
        "\r=1",
        "＝1",
        "a|b`c",
        "gh_\u202e1",
        'a,"b"\n</td>',
        "微信\x01",
    ]
    return [
        _row(tally, number)
        | {"account_id": text, "explanation_en": text, "explanation_zh": text, "facts": json.dumps({text: text})}
        for number, text in enumerate(texts)
    ]


def written(path: Path, found: Iterable[dict[str, Any]], zone: ZoneInfo = ZONE) -> Findings:
    """The rows as a file of findings, and a connection to read it with."""
    pq.write_table(pa.Table.from_pylist(list(found), schema=SCHEMA), path)
    connection = duckdb.connect(config={"memory_limit": "128MB"})
    return Findings(path, lambda: connection, zone)


def many(rules: int, each: int) -> tuple[Summary, list[dict[str, Any]]]:
    """A policy of so many rules with so many findings each: how large a report may get."""
    severities: tuple[Severity, ...] = ("error", "warning", "info")
    tallies = tuple(
        RuleTally(
            f"constraints.rule-{number:02}",
            Text(f"what rule {number} demands of a service account", f"第{number}条规则对服务号的要求"),
            severities[number % 3],
            f"seed#{number}",
            Place("policy.yaml", number + 10, 5),
            violated=each,
        )
        for number in range(1, rules + 1)
    )
    told = summary(rules=tallies, not_judged=(), data=())
    return told, list(rows(told))


def instants() -> list[datetime]:
    """Around changes of clocks, with and without microseconds, long ago and far ahead."""
    return [
        datetime(1900, 12, 31, 15, 54, 16, tzinfo=UTC),  # Shanghai's local mean time ends
        datetime(1900, 12, 31, 15, 54, 17, tzinfo=UTC),
        datetime(1991, 9, 14, 14, 59, 59, 999_999, tzinfo=UTC),
        datetime(1991, 9, 14, 15, tzinfo=UTC),
        datetime(2024, 3, 31, 0, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 3, 31, 1, tzinfo=UTC),
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        datetime(2024, 10, 27, 1, 30, 0, 123, tzinfo=UTC),
        datetime(2025, 2, 28, 16, tzinfo=UTC),
        datetime(2099, 7, 1, 12, tzinfo=UTC),
    ]
