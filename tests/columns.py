"""Situations as rows of a table, so that the columnar engine may be asked what the reference is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from lawful import ir
from lawful.audit import zones
from lawful.audit.rows import Counted, Row, SetColumn
from lawful.engines.situation import History, Situation
from lawful.ir import Count, Field, Owner, Value

ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "string": pa.string(),
    "enum": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.int64(),
}


@dataclass(frozen=True)
class Spread:
    """Situations as a table, and the row that names its columns."""

    arrow: pa.Table
    fields: tuple[Field, ...]
    counts: tuple[Count, ...]

    def row(self, table: Any, today: Any, now: Any) -> Row:
        facts: dict[tuple[Owner, str], Any] = {}
        for n, each in enumerate(self.fields):
            if each.type.kind == "set":
                holds = {value: table[f"f{n}_{index}"] for index, value in enumerate(each.type.values)}
                facts[each.owner, each.name] = SetColumn(table[f"f{n}"], holds)
            else:
                facts[each.owner, each.name] = table[f"f{n}"]
        counts = {each: Counted(table[f"n{n}"], table[f"w{n}"]) for n, each in enumerate(self.counts)}
        return Row(facts, today, now, counts)


def placed(rows: pa.Table, connection: Any, name: str = "situations") -> Any:
    """The rows as a table of an engine, in the place of those that were there before."""
    if connection.name != "pyspark":
        return connection.create_table(name, rows, temp=True, overwrite=True)
    connection._session.createDataFrame(rows).createOrReplaceTempView(name)
    return connection.table(name)


def spread(situations: Sequence[Situation], fields: Iterable[Field], counts: Iterable[Count]) -> Spread:
    """A row for each situation, NULL for what it does not know."""
    listed = tuple(sorted(set(fields), key=str))
    counted = tuple(dict.fromkeys(counts))
    columns: dict[str, pa.Array] = {"row": pa.array(range(len(situations)))}
    for n, each in enumerate(listed):
        held = [situation.fact(each.owner, each.name) for situation in situations]
        if each.type.kind == "set":
            columns[f"f{n}"] = pa.array([value is not None for value in held])
            for index, value in enumerate(each.type.values):
                columns[f"f{n}_{index}"] = pa.array([value in (one or ()) for one in held])
        else:
            columns[f"f{n}"] = pa.array([_stored(one) for one in held], type=ARROW[each.type.kind])
    for n, each in enumerate(counted):
        found = [one.history.count(each.events, each.window, one.at, one.zone) for one in situations]
        columns[f"n{n}"] = pa.array([least for least, _ in found])
        columns[f"w{n}"] = pa.array([most is not None for _, most in found])
    columns["today"] = pa.array([one.today for one in situations], type=pa.date32())
    columns["now"] = pa.array([zones.micros(one.at) for one in situations], type=pa.int64())
    return Spread(pa.table(columns), listed, counted)


def _stored(value: Value | None) -> Any:
    return zones.micros(value) if isinstance(value, datetime) else value


def audited(situations: Iterable[Situation]) -> list[Situation]:
    """As an audit sees them: no list of changes, each account as it was given."""
    return [replace_history(one).with_records(**dict(one.records)) for one in situations]


def replace_history(situation: Situation) -> Situation:
    plain = History(situation.history.events, situation.history.whole_from)
    other = situation.with_history(plain)
    other.initial = other.records["account"]
    return other


def at_the_same_instant(situations: Sequence[Situation]) -> list[Situation]:
    """All of them at the instant of the first, in its zone."""
    first = situations[0]
    return [
        Situation(
            records=dict(one.records),
            at=first.at,
            today=first.today,
            zone=first.zone,
            history=History(tuple(each for each in one.history.events if each[1] <= first.at), one.history.whole_from),
            conditions=one.conditions,
            initial=one.records["account"],
        )
        for one in situations
    ]


def program_of(conditions: Mapping[str, ir.Condition], account: ir.Schema, request: ir.Schema, zone: str) -> ir.Program:
    """The least a program may be."""
    return ir.Program(
        id="drawn",
        version="1",
        digest="sha256:0",
        title=None,
        scope=None,
        timezone=zone,
        languages=("en",),
        sources={},
        account_id="account_id",
        account=account,
        request=request,
        conditions=conditions,
        rules=(),
        moves=(),
        lifecycles={},
        features={},
        actions={},
        events={},
        event_names=frozenset(),
        groups=(),
        invariants=(),
    )
