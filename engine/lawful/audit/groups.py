"""What must hold across accounts: how many of one group there may be, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add, and_
from typing import TYPE_CHECKING, Any

import ibis

from lawful.audit.accounts import OnTable
from lawful.audit.longform import long_form, source_of
from lawful.audit.rows import ID, SetColumn
from lawful.audit.spelling import Speller, local_times, with_local_times
from lawful.ir import Count, Field, Group, Period, Program, Rule, everything, walk

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types


@dataclass(frozen=True, slots=True)
class Across:
    """A group, and the rule that has its words."""

    group: Group
    rule: Rule


def groups_of(program: Program, today: date) -> list[Across]:
    """Those in force on a day; of those that judge each account as of a day of its own, also what was in force before.

    The newest version of a rule comes first: its title is the rule's.
    """
    rules = {(rule.id, rule.in_force): rule for rule in program.rules if rule.scope == "group"}
    found = [Across(each, rules[each.rule, each.in_force]) for each in program.groups if _judges(each, today)]
    return sorted(found, key=lambda each: each.group.in_force.start or date.min, reverse=True)


def _judges(group: Group, today: date) -> bool:
    if group.as_of is None:
        return group.in_force.holds(today)
    return group.in_force.start is None or group.in_force.start <= today


def reads(program: Program, group: Group) -> tuple[set[tuple[str, str]], set[Count]]:
    """The facts that it is counted by, and the counts of events."""
    nodes = [*everything(group.when, program.conditions), group.per]
    nodes += () if group.as_of is None else walk(group.as_of)
    facts: set[tuple[str, str]] = {(node.owner, node.name) for node in nodes if isinstance(node, Field)}
    return facts, {node for node in nodes if isinstance(node, Count)}


def findings(
    table: ibis_types.Table, across: Sequence[Across], on: OnTable, *, unknown: bool
) -> list[ibis_types.Table]:
    """A finding for each account of a group that has too many, or may have, in long form."""
    found = []
    for each in across:
        members = counted(table, each.group, on)
        found.append(_told(members.filter(members.g_outcome & members.g_when), each, on, "violated"))
        if unknown:
            found.append(_told(members.filter(_is_unknown(members)), each, on, "unknown"))
    return found


def unknowns(table: ibis_types.Table, group: Group, on: OnTable) -> ibis_types.Table:
    """How many accounts may be too many: one row, the column `u`."""
    members = counted(table, group, on)
    unknown = members.filter(_is_unknown(members))
    return unknown.aggregate(u=unknown.count())


def _is_unknown(members: Any) -> Any:
    """Too many are there perhaps, or surely, and nobody knows whether this account counts."""
    return members.g_outcome.isnull() | members.g_when.isnull()


def counted(table: ibis_types.Table, group: Group, on: OnTable) -> Any:
    """The accounts that count, or may, in a group with more than it may have, or perhaps.

    `g_outcome`: TRUE where surely more than `at_most` count, NULL where it may be so; `g_surely`: how many surely do.
    Where each is judged as of a day, those of the same day and of earlier ones count; those whose day is still to come
    are not there yet.
    """
    translator = on(table)
    if group.as_of is not None:
        day = translator.value(group.as_of)
        table = table.filter((day <= translator.row.today).fill_null(True))
        translator = on(table)
    key, when = _key(translator.value(group.per)), translator.truth(group.when)
    members = table.mutate(g_key=key, g_when=when)
    members = members.filter(members.g_key.notnull() & members.g_when.fill_null(True))
    totals = members.group_by("g_key").aggregate(g_surely=members.g_when.fill_null(False).sum(), g_all=members.count())
    totals = totals.filter(totals.g_all > group.at_most).rename(g_of="g_key")
    joined = members.inner_join(totals, members.g_key == totals.g_of)
    if group.as_of is not None:
        return _by_then(joined, group, on(joined).value(group.as_of))
    surely = joined.g_surely > group.at_most
    return joined.mutate(g_outcome=surely.nullif(False))


def _by_then(joined: Any, group: Group, day: Any) -> Any:
    """Likewise, of accounts each of which is judged as of its day, where the group's version was in force on it.

    One whose day is not known may come before any other, and may be judged by any version.
    """
    joined = joined.mutate(g_day=day, g_dated=day.notnull())
    joined = joined.mutate(
        g_counts=(joined.g_when.fill_null(False) & joined.g_dated).ifelse(1, 0), g_one=joined.g_dated.ifelse(1, 0)
    )
    by_then = ibis.range_window(group_by="g_key", order_by="g_day", preceding=None, following=0)
    later = joined.g_one.sum().over(group_by="g_key") - joined.g_one.sum().over(by_then)
    joined = joined.mutate(
        g_surely=joined.g_dated.ifelse(joined.g_counts.sum().over(by_then), joined.g_surely),
        g_may=joined.g_all - joined.g_dated.ifelse(later, 0),
    )
    joined = joined.filter((joined.g_may > group.at_most) & (~joined.g_dated | _within(joined.g_day, group.in_force)))
    surely = joined.g_dated & (joined.g_surely > group.at_most)
    return joined.mutate(g_outcome=surely.nullif(False))


def _within(day: Any, period: Period) -> Any:
    parts = [] if period.start is None else [day >= period.start]
    parts += [] if period.until is None else [day < period.until]
    return reduce(and_, parts, ibis.literal(True))


def _key(value: Any) -> Any:
    """What accounts of one group have in common; of a set, which values it holds."""
    if not isinstance(value, SetColumn):
        return value
    held = [each.ifelse("1", "0") for each in value.holds.values()]
    return ibis.cases((value.known, reduce(add, held, ibis.literal(""))))


def _told(members: Any, across: Across, on: OnTable, status: Any) -> ibis_types.Table:
    rule, group = across.rule, across.group
    members = with_local_times(members, on(members))
    translator = on(members)
    local = local_times(members, translator.program)
    with_itself = members.g_surely + members.g_when.isnull().ifelse(1, 0)
    speller = Speller(translator, count=with_itself, limit=group.at_most, local=local)
    return long_form(
        members,
        account_id=members[ID],
        rule=rule.id,
        severity=rule.severity,
        status=status,
        about="group",
        at=translator.row.now,
        explanation_en=speller.explanation(rule, status, "en"),
        explanation_zh=speller.explanation(rule, status, "zh"),
        facts=speller.facts(group.when, group.per, *(() if group.as_of is None else (group.as_of,))),
        source=source_of(rule),
        dialect=translator.dialect,
    )
