"""The numbers of an audit: how many findings each rule has, what is unknown, what a report draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lawful import calendar, wording
from lawful.audit import accounts, groups, replay
from lawful.audit.asking import records
from lawful.audit.data import FUTURE, OF_NO_ACCOUNT, STRAY, TITLES
from lawful.audit.events import Judged
from lawful.audit.inventory import History, Inventory
from lawful.audit.local import parquet, through_ibis
from lawful.audit.longform import source_of
from lawful.audit.rows import field_column
from lawful.audit.sources import Opened
from lawful.audit.summary import Edge, LifecycleTally, Months, RuleTally
from lawful.ir import Program, Rule, Severity, Text

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_MONTHS_BEFORE: Final = 12
_MONTHS_AFTER: Final = 12


@dataclass(frozen=True, slots=True)
class Tallied:
    """Every rule that was judged, and how many accounts have a finding that counts."""

    rules: tuple[RuleTally, ...]
    accounts: int


def count(table: ibis_types.Table) -> int:
    return int(records(table.aggregate(n=table.count()))[0]["n"])


def instants(
    program: Program, inventory: Inventory, history: History | None, before: Inventory | None
) -> Iterator[tuple[int, int]]:
    """The least and greatest instant of every column that holds some."""
    for each in (inventory, before):
        if each is None:
            continue
        names = [
            field_column(name)
            for name, declared in program.account.items()
            if declared.type.kind == "timestamp" and name in each.fields
        ]
        yield from _edges(each.accounts, names)
    if history is not None:
        carried = [f"b_{name}" for name in history.fields if program.account[name].type.kind == "timestamp"]
        yield from _edges(history.events, ["at", *carried])


def _edges(table: ibis_types.Table, names: Sequence[str]) -> Iterator[tuple[int, int]]:
    if not names:
        return
    asked = {f"l_{name}": table[name].min() for name in names} | {f"h_{name}": table[name].max() for name in names}
    found = records(table.aggregate(**asked))[0]
    for name in names:
        if found[f"l_{name}"] is not None:
            yield found[f"l_{name}"], found[f"h_{name}"]


# ------------------------------------------------------------------------------------------------------- findings


def rules(
    program: Program,
    judged: Sequence[Rule],
    findings: Path,
    unknown: Mapping[str, int],
    opened: Opened,
) -> Tallied:
    """How many findings each rule has; `judged` are listed even without any.

    `findings` are a file here. It is read by the DuckDB that was `opened` for the audit, if one was.
    """
    listed: dict[str, RuleTally] = {}
    for rule in judged:
        listed.setdefault(rule.id, _tally(program, rule))
    is_at_hand = opened.is_ours and opened.connection.name == "duckdb"
    local: Any = opened.connection if is_at_hand else through_ibis(preserve_insertion_order=False)
    try:
        table = parquet(local, str(findings))
        by_rule = table.group_by(["rule", "status"]).aggregate(n=table.count(), excused=table.excused.count())
        # in one order, whatever the engine's threads were quicker with: what is told of the data comes by its id
        for row in sorted(records(by_rule), key=lambda row: row["rule"]):
            if row["status"] == "violated":
                tally = listed.get(row["rule"]) or _other(program, row["rule"])
                listed[row["rule"]] = replace(tally, violated=row["n"], excused=row["excused"])
        counting = _of_accounts(table, listed)
        with_findings = int(records(counting.aggregate(n=counting.account_id.nunique()))[0]["n"])
    finally:
        if not is_at_hand:
            local.disconnect()
    for id, number in unknown.items():
        listed[id] = replace(listed[id], unknown=number)
    return Tallied(tuple(listed.values()), with_findings)


def _of_accounts(table: ibis_types.Table, found: Mapping[str, RuleTally]) -> ibis_types.Table:
    """The findings that count and are of accounts of the inventory: rules judge no others.

    What is told of events may be of nobody: whose ids those are, the findings themselves say.
    """
    counting = table.filter((table.status == "violated") & table.excused.isnull() & table.rule.notin(OF_NO_ACCOUNT))
    if FUTURE not in found or STRAY not in found:
        return counting
    stray = table.filter(table.rule == STRAY).select(stray_id="account_id").distinct()
    future = counting.filter(counting.rule == FUTURE)
    listed = future.anti_join(stray, future.account_id == stray.stray_id)
    return counting.filter(counting.rule != FUTURE).union(listed)


def _tally(program: Program, rule: Rule) -> RuleTally:
    title = rule.title or wording.built_in_title(program, rule)
    return RuleTally(rule.id, title, rule.severity, source_of(rule), rule.place)


def _other(program: Program, id: str) -> RuleTally:
    rule = next((each for each in program.rules if each.id == id), None)
    if rule is not None:
        return _tally(program, rule)
    title, severity = TITLES[id]
    return RuleTally(id, title, severity, None, None)


def unknown_of_states(table: ibis_types.Table, rules: Sequence[Rule], on: accounts.OnTable) -> Counter[str]:
    """How many outcomes of each rule of an account as it is are unknown."""
    counted = accounts.unknowns(table, rules, on) if rules else None
    row = {} if counted is None else records(counted)[0]
    return _summed((rule.id, row.get(f"u{n}") or 0) for n, rule in enumerate(rules))


def unknown(
    table: ibis_types.Table, across: Sequence[groups.Across], recorded: Sequence[Judged], on: accounts.OnTable
) -> Counter[str]:
    """Likewise, of rules across accounts and of what was recorded."""
    of_groups = ((each.rule.id, records(groups.unknowns(table, each.group, on))[0]["u"]) for each in across)
    of_moves = ((each.rule.id, count(each.table.filter(each.table.violated.isnull()))) for each in recorded)
    return _summed(chain(of_groups, of_moves))


def _summed(numbers: Iterable[tuple[str, int]]) -> Counter[str]:
    """Versions of one rule have one id."""
    found: Counter[str] = Counter()
    for rule, number in numbers:
        found[rule] += number
    return found


# ------------------------------------------------------------------------------------------------- what a report draws


def months(program: Program, inventory: Inventory, today: date, judged: Sequence[Rule]) -> tuple[Months, ...]:
    """Of each date field, how many accounts have it in each of the months around a day, and which rules read it."""
    found = []
    first = _month(today, -_MONTHS_BEFORE)
    last = _month(today, _MONTHS_AFTER)
    for name, declared in program.account.items():
        if declared.type.kind != "date" or name not in inventory.fields or declared.private:
            continue
        column = inventory.accounts[field_column(name)]
        number = column.year().cast("int64") * 12 + column.month().cast("int64") - 1
        counted = inventory.accounts.select(month=number).group_by("month").aggregate(n=lambda table: table.count())
        held = {row["month"]: row["n"] for row in records(counted) if row["month"] is not None}
        shown = tuple((_named(month), held.get(month, 0)) for month in range(first, last + 1))
        before = sum(n for month, n in held.items() if month < first)
        after = sum(n for month, n in held.items() if month > last)
        reading = dict.fromkeys(rule.id for rule in judged if ("account", name) in accounts.reads(program, rule)[0])
        found.append(Months(name, declared.title, shown, before, after, tuple(reading)))
    return tuple(found)


def _month(today: date, months: int) -> int:
    day = calendar.add_months(today.replace(day=1), months) or today
    return day.year * 12 + day.month - 1


def _named(month: int) -> str:
    return f"{month // 12:04}-{month % 12 + 1:02}"


def lifecycles(
    program: Program, inventory: Inventory, seen: Iterable[ibis_types.Table], days: tuple[date | None, date]
) -> tuple[LifecycleTally, ...]:
    """How many accounts are in each state, and which steps were seen; `seen` are tables of edges.

    `days` are those of the snapshots, the first None where it is not known.
    """
    steps: Counter[tuple[str, str, str, str | None, bool]] = Counter()
    for table in seen:
        for row in records(table):
            steps[row["field"], row["source"], row["target"], row["move"], row["in_force"]] += row["count"]
    found = []
    for name, cycle in program.lifecycles.items():
        if name not in inventory.fields:
            continue
        declared = program.account[name]
        column = field_column(name)
        counted = inventory.accounts.group_by(column).aggregate(n=lambda table: table.count())
        held = {row[column]: row["n"] for row in records(counted)}
        states: list[tuple[str | None, Text | None, int]] = [
            (value, declared.values.get(value), held.get(value, 0)) for value in declared.type.values
        ]
        if held.get(None):
            states.append((None, None, held[None]))
        edges = [
            Edge(source, target, move, number, in_force and _is_allowed(program, name, days, source, target, move))
            for (field, source, target, move, in_force), number in sorted(steps.items(), key=str)
            if field == name
        ]
        found.append(LifecycleTally(name, declared.title, tuple(states), cycle.initial, cycle.final, tuple(edges)))
    return tuple(found)


def _is_allowed(
    program: Program, field: str, days: tuple[date | None, date], source: str, target: str, move: str | None
) -> bool:
    """Whether some version of the transition makes the step; of a difference, whether transitions lead there."""
    if move is None:
        return target in replay.reachable(program, field, *days).get(source, frozenset())
    steps = (each.step for each in program.moves if each.event == move)
    return any(
        step is not None and step.field == field and source in step.sources and target in step.targets for step in steps
    )


def severity_of(program: Program, id: str) -> Severity:
    return _other(program, id).severity
