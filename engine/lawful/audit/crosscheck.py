"""The reference's second look: a sample of the accounts, and those at the edges of rules, judged again one by one.

An audit whose engine differs from the reference in one outcome is not to be believed in any: it fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import ibis

from lawful.audit import zones
from lawful.audit.accounts import OnTable
from lawful.audit.expressions import some
from lawful.audit.local import parquet, through_ibis
from lawful.audit.rows import ID, feature_column, field_column, value_column
from lawful.audit.summary import CrossCheck
from lawful.engines.reference import outcome
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import Clock, Compare, Constant, Count, Field, Program, Rule, Value, everything

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_MOST: Final = 100_000
"""Accounts judged again: the reference takes them one by one."""
_EACH_EDGE: Final = 50
_PARTS: Final = 1_000_000
_MOST_TOLD: Final = 20
_STATUS: Final = {True: "violated", False: "satisfied", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What an audit judged, and by which expressions."""

    program: Program
    table: ibis_types.Table
    rules: tuple[Rule, ...]
    on: OnTable
    events: ibis_types.Table | None
    at: datetime
    today: date
    zone: ZoneInfo
    counts: Mapping[Count, str]


def judged_again(checked: Checked, findings: Path, share: float) -> CrossCheck:
    """Compare the outcomes of the engine, and what was written of them, with the reference's."""
    table = _sampled(checked, share)
    if not checked.rules:
        return CrossCheck(0, 0, ())
    translator = checked.on(table)
    truths = {f"r{n}": translator.violated(rule) for n, rule in enumerate(checked.rules)}
    rows = table.mutate(**truths).limit(_MOST).to_pyarrow().to_pylist()
    events = _events(checked, {row[ID] for row in rows})
    written = _written(findings, {row[ID] for row in rows})
    differences: list[str] = []
    broken: dict[str, set[str]] = {row[ID]: set() for row in rows}
    for row in rows:
        situation = _situation(checked, row, events.get(row[ID], []))
        for n, rule in enumerate(checked.rules):
            expected, found = outcome(rule, situation), _STATUS[row[f"r{n}"]]
            if expected != found:
                differences.append(f"{row[ID]}: {rule.id} is {expected}, the audit says {found}")
            if expected == "violated":
                broken[row[ID]].add(rule.id)
    differences += _not_as_written(broken, written, {rule.id for rule in checked.rules})
    return CrossCheck(len(rows), len(rows) * len(checked.rules), tuple(differences[:_MOST_TOLD]))


def _not_as_written(broken: Mapping[str, set[str]], written: Mapping[str, set[str]], rules: set[str]) -> list[str]:
    """What the file of findings has too much or too little."""
    found = []
    for account, expected in broken.items():
        there = written.get(account, set()) & rules
        found += [f"{account}: no finding says that {rule} is violated" for rule in sorted(expected - there)]
        found += [f"{account}: a finding says that {rule} is violated" for rule in sorted(there - expected)]
    return found


def _sampled(checked: Checked, share: float) -> ibis_types.Table:
    """A share of the accounts, whichever the hash of their ids picks, and some at each edge of a rule."""
    table = checked.table
    part = (table[ID].hash() % _PARTS + _PARTS) % _PARTS
    picked = table.filter(part < int(share * _PARTS))
    edges = [table.filter(where).limit(_EACH_EDGE) for where in _edges(checked)]
    for each in edges:
        picked = picked.union(each)
    return picked.distinct() if edges else picked


def _edges(checked: Checked) -> list[Any]:
    """Where a field is what a rule compares it with, or one beside it."""
    translator = checked.on(checked.table)
    found: dict[tuple[str, Any], Any] = {}
    for rule in checked.rules:
        for expr in (rule.when, rule.requires):
            for node in everything(expr, checked.program.conditions):
                if isinstance(node, Compare):
                    for field, value in _compared(node, checked.today):
                        column = translator.row.facts[field.owner, field.name]
                        found[field.name, value] = column == ibis.literal(value)
    return [some([found[key] for key in chunk]) for chunk in _chunks(list(found), 3)]


def _compared(node: Compare, today: date) -> Iterable[tuple[Field, Any]]:
    for field, other in ((node.left, node.right), (node.right, node.left)):
        if not isinstance(field, Field) or field.owner != "account":
            continue
        value: Value | None = today if isinstance(other, Clock) and other.name == "today" else None
        if isinstance(other, Constant):
            value = other.value
        if isinstance(value, (bool, datetime)) or not isinstance(value, (int, date)):
            continue
        yield from ((field, each) for each in _around(value))


def _around(value: int | date) -> list[int | date]:
    if isinstance(value, date):
        return [value + timedelta(days=days) for days in (-1, 0, 1) if date.min < value < date.max]
    return [each for each in (value - 1, value, value + 1) if abs(each) < 2**62]


def _chunks(keys: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]


# -------------------------------------------------------------------------------------------------------- one account


def _situation(checked: Checked, row: Mapping[str, Any], events: list[tuple[str, datetime]]) -> Situation:
    facts, features = facts_in(checked.program, row)
    whole = zones.instant(zones.EARLIEST) if checked.events is not None else None
    return Situation(
        records={"account": facts, "features": features},
        at=checked.at,
        today=checked.today,
        zone=checked.zone,
        history=History(tuple(events), whole),
        conditions=checked.program.conditions,
        initial=facts,
    )


def facts_in(program: Program, row: Mapping[str, Any]) -> tuple[Facts, Facts]:
    """The known facts of an account, and its features, in a row of an inventory."""
    facts: dict[str, Value] = {}
    for name, declared in program.account.items():
        value = row.get(field_column(name))
        if value is None:
            continue
        if declared.type.kind == "set":
            if value:
                values = declared.type.values
                facts[name] = frozenset(each for n, each in enumerate(values) if row[value_column(name, n)])
        elif declared.type.kind == "timestamp":
            facts[name] = zones.instant(value)
        else:
            facts[name] = value
    features = {
        name: row[feature_column(name)] for name in program.features if row.get(feature_column(name)) is not None
    }
    return facts, features


def _events(checked: Checked, ids: set[str]) -> dict[str, list[tuple[str, datetime]]]:
    """The events of those accounts that happened by the audit's instant, where rules count some."""
    found: dict[str, list[tuple[str, datetime]]] = {}
    if checked.events is None or not checked.counts:
        return found
    names = sorted({name for count in checked.counts for name in count.events})
    wanted = checked.events.filter(
        checked.events.event.isin(names)
        & (checked.events["at"] <= zones.micros(checked.at))
        & checked.events.account_id.isin(sorted(ids))
    )
    for row in wanted.select("account_id", "event", "at").to_pyarrow().to_pylist():
        found.setdefault(row["account_id"], []).append((row["event"], zones.instant(row["at"])))
    return found


def _written(findings: Path, ids: set[str]) -> dict[str, set[str]]:
    """The rules that the file says these accounts break as they are."""
    import pyarrow as pa

    local = through_ibis()
    try:
        wanted = ibis.memtable(pa.table({"wanted": pa.array(sorted(ids), type=pa.string())}))
        table = parquet(local, str(findings))
        table = table.filter((table.status == "violated") & (table.about == "account"))
        rows = table.semi_join(wanted, table.account_id == wanted.wanted).select("account_id", "rule")
        found: dict[str, set[str]] = {}
        for row in local.to_pyarrow(rows).to_pylist():
            found.setdefault(row["account_id"], set()).add(row["rule"])
        return found
    finally:
        local.disconnect()
