"""What must hold across accounts: how many of one group there may be, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import ibis

from lawful.audit.accounts import OnTable
from lawful.audit.longform import long_form, source_of
from lawful.audit.rows import ID, SetColumn
from lawful.audit.spelling import Speller, local_times, with_local_times
from lawful.ir import Count, Field, Group, Program, Rule, everything

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types


@dataclass(frozen=True, slots=True)
class Across:
    """A group, and the rule that has its words."""

    group: Group
    rule: Rule


def groups_of(program: Program, today: date) -> list[Across]:
    """Those in force on a day."""
    rules = {(rule.id, rule.in_force): rule for rule in program.rules if rule.scope == "group"}
    return [Across(each, rules[each.rule, each.in_force]) for each in program.groups if each.in_force.holds(today)]


def reads(program: Program, group: Group) -> tuple[set[tuple[str, str]], set[Count]]:
    """The facts that it is counted by, and the counts of events."""
    nodes = [*everything(group.when, program.conditions), group.per]
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
            found.append(_told(members.filter(members.g_outcome.isnull()), each, on, "unknown"))
    return found


def unknowns(table: ibis_types.Table, group: Group, on: OnTable) -> ibis_types.Table:
    """How many accounts may be too many: one row, the column `u`."""
    members = counted(table, group, on)
    unknown = members.filter(members.g_outcome.isnull())
    return unknown.aggregate(u=unknown.count())


def counted(table: ibis_types.Table, group: Group, on: OnTable) -> Any:
    """The accounts that count, or may, in a group with more than it may have, or perhaps.

    `g_outcome`: TRUE where surely more than `at_most` count, NULL where it may be so; `g_surely`: how many surely do.
    """
    translator = on(table)
    key, when = _key(translator.value(group.per)), translator.truth(group.when)
    members = table.mutate(g_key=key, g_when=when)
    members = members.filter(members.g_key.notnull() & members.g_when.fill_null(True))
    totals = members.group_by("g_key").aggregate(g_surely=members.g_when.fill_null(False).sum(), g_all=members.count())
    totals = totals.filter(totals.g_all > group.at_most).rename(g_of="g_key")
    joined = members.inner_join(totals, members.g_key == totals.g_of)
    surely = joined.g_surely > group.at_most
    return joined.mutate(g_outcome=surely.nullif(False))


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
        facts=speller.facts(group.when, group.per),
        source=source_of(rule),
        dialect=translator.dialect,
    )
