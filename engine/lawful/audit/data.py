"""What is wrong with the data itself, as findings: an id twice, events of nobody, events that have not happened yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful.audit import checks
from lawful.audit.dialects import Dialect
from lawful.audit.excuses import EXPIRED
from lawful.audit.inventory import History, Inventory
from lawful.audit.longform import COLUMNS, long_form
from lawful.ir import Severity, Text

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    from lawful.audit.waivers import Waiver

DUPLICATE: Final = "data.duplicate-id"
DUPLICATE_BEFORE: Final = "data.duplicate-id-before"
FUTURE: Final = "data.future-event"
STRAY: Final = "data.unknown-account"

TITLES: Final[dict[str, tuple[Text, Severity]]] = {
    DUPLICATE: (Text("an account is listed more than once", "帐号重复出现"), "error"),
    DUPLICATE_BEFORE: (
        Text("the earlier snapshot lists an account more than once", "帐号在上次快照中重复出现"),
        "error",
    ),
    FUTURE: (Text("an event lies in the future", "事件发生在未来"), "warning"),
    STRAY: (Text("an event is of an account that the inventory does not have", "事件所属帐号不在清单中"), "warning"),
    EXPIRED: (Text("a waiver has expired", "豁免已过期"), "error"),
}
"""The rules that every audit has beside the policy's."""
OF_NO_ACCOUNT: Final = (STRAY, DUPLICATE_BEFORE, EXPIRED)
"""Those whose findings say nothing of an account of the inventory, whatever id they carry."""


def findings(
    inventory: Inventory,
    history: History | None,
    now: int,
    dialect: Dialect,
    *,
    twice: ibis_types.Table | None = None,
    twice_before: ibis_types.Table | None = None,
) -> Iterator[ibis_types.Table]:
    """Of the ids that the inventory and the earlier snapshot have twice, and of the history, in long form."""
    for rule, repeated, english, chinese in (
        (DUPLICATE, twice, "the inventory", "清单"),
        (DUPLICATE_BEFORE, twice_before, "the earlier snapshot", "上次快照"),
    ):
        if repeated is None:
            continue
        count = repeated["count"].cast("string")
        yield _long_form(
            repeated,
            rule,
            at=now,
            english=[ibis.literal(f"{english} lists this account "), count, ibis.literal(" times")],
            chinese=[ibis.literal(f"{chinese}中该帐号出现"), count, ibis.literal("次")],
            facts=[ibis.literal('{"count":'), count, ibis.literal("}")],
            dialect=dialect,
        )
    if history is None:
        return
    for rule, found, english, chinese in (
        (FUTURE, checks.events_in_the_future(history, now), "an event in the future: ", "未来的事件："),
        (
            STRAY,
            checks.events_of_unknown_accounts(history, inventory),
            "an event of an unknown account: ",
            "未知帐号的事件：",
        ),
    ):
        event = found["event"]
        yield _long_form(
            found,
            rule,
            at=found["at"],
            english=[ibis.literal(english), event],
            chinese=[ibis.literal(chinese), event],
            facts=[ibis.literal('{"event":"'), event, ibis.literal('"}')],
            dialect=dialect,
        )


def expired(waivers: Sequence[Waiver], today: date, at: Any) -> list[dict[str, Any]]:
    """A finding for each waiver whose last day has passed, as a record. `at`: the instant of the audit."""
    rows = []
    for each in waivers:
        if each.expires >= today:
            continue
        what = " ".join(part for part in (each.rule, each.account) if part is not None)
        rows.append(
            {
                "account_id": each.account or "",
                "rule": EXPIRED,
                "severity": TITLES[EXPIRED][1],
                "status": "violated",
                "about": "data",
                "at": at,
                "explanation_en": f"the waiver of {each.owner} for {what} ended on {each.expires}: {each.reason}",
                "explanation_zh": f"{each.owner}对{what}的豁免已于{each.expires}到期：{each.reason}",
                "facts": json.dumps({"owner": each.owner, "expires": str(each.expires)}, ensure_ascii=False),
                "source": None,
                "excused": None,
            }
        )
    return rows


def _long_form(
    table: ibis_types.Table,
    rule: str,
    *,
    at: Any,
    english: Sequence[Any],
    chinese: Sequence[Any],
    facts: Sequence[Any],
    dialect: Dialect,
) -> ibis_types.Table:
    return long_form(
        table,
        account_id=table.account_id,
        rule=rule,
        severity=TITLES[rule][1],
        status="violated",
        about="data",
        at=at,
        explanation_en=_joined(english),
        explanation_zh=_joined(chinese),
        facts=_joined(facts),
        source=None,
        dialect=dialect,
    )


def _joined(parts: Sequence[Any]) -> Any:
    first, *rest = parts
    for each in rest:
        first = first + each
    return first


__all__ = [
    "COLUMNS",
    "DUPLICATE",
    "DUPLICATE_BEFORE",
    "FUTURE",
    "OF_NO_ACCOUNT",
    "STRAY",
    "TITLES",
    "expired",
    "findings",
]
