"""What became of accounts between two snapshots, judged as columns: `replay.compared` says what it means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import ibis

from lawful import calendar
from lawful.audit import replay, zones
from lawful.audit.events import Judged
from lawful.audit.expressions import every, some
from lawful.audit.replay import Cycle
from lawful.audit.states import EDGES, agreed
from lawful.audit.zones import Zone
from lawful.ir import Program, Rule

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    Table: TypeAlias = "ibis_types.Table"


def findings(
    program: Program, inventory: Table, before: Table, *, at_micros: int, before_at: int | None, zone: Zone
) -> list[Judged]:
    """What is wrong with how accounts differ from what they were: a table for each rule, see `events.Judged`.

    Both tables have an inventory's columns; `before` was taken at `before_at` (None: nobody knows when). The facts told
    are `f_<field>`, what it was, and `c_<field>`, what it is. `before` has each account `once`; one that the inventory
    has twice is compared each time.
    """
    return _Snapshots(program, inventory, before, at_micros, before_at, zone).findings()


def once(program: Program, accounts: Table, twice: Table) -> Table:
    """The snapshot with one row for each account: of those with several (`twice`) is known what all of them say."""
    several = accounts.semi_join(twice, accounts.id == twice.account_id)
    agreeing = several.group_by("id").agg(**agreed(several, [name for name in accounts.columns if name != "id"]))
    known = {}
    for name, declared in program.account.items():
        if declared.type.kind == "set" and f"f_{name}" in accounts.columns:
            parts = [agreeing[f"s_{name}__{i}"].notnull() for i in range(len(declared.type.values))]
            known[f"f_{name}"] = every([ibis.coalesce(agreeing[f"f_{name}"], False), *parts])
    single = accounts.anti_join(twice, accounts.id == twice.account_id)
    return single.union(agreeing.mutate(**known).select(accounts.columns))


def edges(
    program: Program, inventory: Table, before: Table, *, at_micros: int, before_at: int | None, zone: Zone
) -> Table:
    """How many accounts made each step: `field`, `source`, `target`, `move` (the transition if one alone makes it, else
    NULL), `count`, and `in_force`, which is true: nobody knows when a step was made."""
    return _Snapshots(program, inventory, before, at_micros, before_at, zone).edges()


def vanished(inventory: Table, before: Table) -> Table:
    """The ids of the earlier snapshot that are gone."""
    return before.select("id").distinct().anti_join(inventory.select("id"), "id")


@dataclass(frozen=True)  # without slots: `cached_property` keeps what it found in the instance
class _Snapshots:
    program: Program
    inventory: Table
    before: Table
    at: int
    before_at: int | None
    zone: Zone

    @cached_property
    def days(self) -> tuple[date | None, date]:
        def day(at: int) -> date:
            return calendar.day_of(zones.instant(at), self.zone.zone)

        return (None if self.before_at is None else day(self.before_at)), day(self.at)

    def in_both(self, field: str) -> bool:
        return all(f"f_{field}" in table.columns for table in (self.inventory, self.before))

    def _is_kept(self, field: str) -> bool:
        return replay.is_kept(self.program, field, *self.days)

    def findings(self) -> list[Judged]:
        found = []
        for cycle in replay.cycles(self.program):
            if self.in_both(cycle.field):
                found += self._moved(cycle)
        for rule in self.program.rules:
            name = rule.subject.removeprefix("set.")
            if rule.kind == "fixed" and self.in_both(name) and self._is_kept(name):
                found.append(self._fixed(rule, name))
        return found

    @cached_property
    def both(self) -> Table:
        """Accounts that are in both and may differ: what columns were, `was_…`, and what they are, `is_…`.

        One table for all rules, so that the snapshots are joined once.
        """
        names = {cycle.field for cycle in replay.cycles(self.program)}
        names |= {name for name in self.program.account if self._is_kept(name)}
        columns = [part for name in self.program.account if name in names for part in self._columns(name)]
        was = self.before.select(was_id="id", **{f"was_{name}": name for name in columns})
        is_ = self.inventory.select(account_id="id", **{f"is_{name}": name for name in columns})
        rows = is_.inner_join(was, is_.account_id == was.was_id).drop("was_id")
        same = [ibis.coalesce(rows[f"was_{name}"] == rows[f"is_{name}"], False) for name in columns]
        sets = [name for name in names if self.program.account[name].type.kind == "set" and self.in_both(name)]
        same += [rows[f"was_f_{name}"] for name in sorted(sets)]  # of what both do not know, nothing is the same
        return rows.filter(~every(same))

    def _columns(self, field: str) -> list[str]:
        """Those of a field that both snapshots have."""
        of = self.program.account[field].type
        parts = [f"s_{field}__{i}" for i in range(len(of.values))] if of.kind == "set" else []
        return [f"f_{field}", *parts] if self.in_both(field) else []

    def _moved(self, cycle: Cycle) -> list[Judged]:
        column = f"f_{cycle.field}"
        rows = self.both
        was, is_ = rows[f"was_{column}"], rows[f"is_{column}"]
        reached = replay.reachable(self.program, cycle.field, *self.days)
        unexplained = [
            (was == state) & is_.isin(sorted(cycle.domain - there))
            for state, there in reached.items()
            if cycle.domain - there
        ]
        # what is neither surely wrong nor surely right: one side is unknown
        rows = rows.mutate(
            violated=ibis.cases((some([was.isnull(), is_.isnull()]), ibis.null("boolean")), else_=some(unexplained))
        )
        rows = rows.filter(rows.violated.isnull() | rows.violated)
        facts = {f"f_{cycle.field}": f"was_{column}", f"c_{cycle.field}": f"is_{column}"}
        found = []
        others = rows
        if cycle.at_end is not None and cycle.final:
            ends = ibis.coalesce(rows[f"was_{column}"].isin(sorted(cycle.final)), False)
            found.append(self._told(cycle.at_end, rows.filter(ends), facts))
            others = rows.filter(~ends)
        found.append(self._told(cycle.unlisted, others, facts))
        if cycle.begins is not None and not cycle.initial >= cycle.domain:
            found.append(self._begun(cycle, cycle.begins))
        return found

    def _begun(self, cycle: Cycle, rule: Rule) -> Judged:
        column = f"f_{cycle.field}"
        outside = self.inventory[column].isnull() | self.inventory[column].notin(sorted(cycle.initial))
        rows = self.inventory.filter(outside).anti_join(self.before.select("id"), "id")
        rows = rows.select(account_id="id", state=column)
        rows = rows.mutate(violated=ibis.cases((rows.state.notnull(), ibis.literal(True))))
        return self._told(rule, rows, {column: "state"})

    def _fixed(self, rule: Rule, field: str) -> Judged:
        parts = self._columns(field)[1:]
        rows = self.both
        was, is_ = rows[f"was_f_{field}"], rows[f"is_f_{field}"]
        if parts:
            unknown = ~(was & is_)
            same = every([rows[f"was_{name}"] == rows[f"is_{name}"] for name in parts])
        else:
            unknown, same = was.isnull() | is_.isnull(), was == is_
        rows = rows.mutate(violated=ibis.cases((unknown, ibis.null("boolean")), else_=~same))
        rows = rows.filter(rows.violated.isnull() | rows.violated)
        facts = {f"f_{field}": f"was_f_{field}"} | {name: f"was_{name}" for name in parts}
        if not parts:
            facts[f"c_{field}"] = f"is_f_{field}"
        return self._told(rule, rows, facts)

    def _told(self, rule: Rule, rows: Table, facts: dict[str, str]) -> Judged:
        told: dict[str, Any] = {
            "account_id": rows.account_id,
            "at": ibis.literal(self.at, type="int64"),
            "violated": rows.violated,
            "count": ibis.null("int64"),
        }
        told |= {name: rows[column] for name, column in facts.items()}
        return Judged(rule, "move", rows.select(**told))

    def edges(self) -> Table:
        parts = [self._edges(cycle) for cycle in replay.cycles(self.program) if self.in_both(cycle.field)]
        if not parts:
            return ibis.memtable([], schema=ibis.schema(EDGES))
        return parts[0] if len(parts) == 1 else ibis.union(*parts)

    def _edges(self, cycle: Cycle) -> Table:
        rows = self.both
        rows = rows.select("account_id", source=rows[f"was_f_{cycle.field}"], target=rows[f"is_f_{cycle.field}"])
        rows = rows.filter(rows.source != rows.target)
        counted = rows.group_by("source", "target").agg(count=rows.account_id.nunique().cast("int64"))
        makers = self._makers(cycle)
        branches = [
            ((counted.source == source) & (counted.target == target), name) for (source, target), name in makers.items()
        ]
        move = ibis.cases(*branches, else_=ibis.null("string")) if branches else ibis.null("string")
        return counted.mutate(field=ibis.literal(cycle.field), move=move, in_force=True).select(*EDGES)

    def _makers(self, cycle: Cycle) -> dict[tuple[str, str], str]:
        """The steps that one transition alone makes, between the two days."""
        first, last = self.days
        makers: dict[tuple[str, str], set[str]] = {}
        for event, versions in cycle.transitions.items():
            for move in versions:
                period = move.in_force
                over = period.until is not None and first is not None and period.until <= first
                if move.step is None or over or (period.start is not None and period.start > last):
                    continue
                for source in move.step.sources:
                    for target in move.step.targets:
                        makers.setdefault((source, target), set()).add(event)
        return {step: events.pop() for step, events in makers.items() if len(events) == 1}
