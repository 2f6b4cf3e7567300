"""Recorded moves judged as columns: which were not allowed, which limits were exceeded. `replay` says what it means.

Every judgement begins with the few columns and the few accounts it can be about: accounts without enough events to
exceed a limit are dropped by a count before any window is opened, and facts are only joined to what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import ibis

from lawful import calendar
from lawful.audit import replay, windows, zones
from lawful.audit.asking import records
from lawful.audit.dialects import Dialect
from lawful.audit.expressions import Translator, literal, some
from lawful.audit.replay import About, Cycle, Limited, Refused
from lawful.audit.rows import Counted, Row, SetColumn
from lawful.audit.states import EDGES, Numbers, Replay, agreed, contradicts, is_in_force
from lawful.audit.windows import Clock, one_if, settled
from lawful.audit.zones import Zone
from lawful.ir import ALWAYS, Count, Expr, Field, Owner, Program, Rule, everything

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    Table: TypeAlias = "ibis_types.Table"

_SATISFIED: Final = 0
_UNKNOWN: Final = 1
_VIOLATED: Final = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rule comes to where it is not satisfied.

    The table's columns: `account_id`, `at` (microseconds), `violated` (TRUE, or NULL: unknown), `count` (of a limit:
    how many there were), then the facts told with it as they were: `f_<field>`, of a set `s_<field>__<i>` beside it,
    and `c_<field>`, the value that a transition leads to. What is not there is unknown.
    """

    rule: Rule
    about: About
    table: Table
    is_empty: bool = False
    """Whether that is known beforehand: nothing need be asked of it."""


def findings(
    program: Program,
    inventory: Table,
    history: Table,
    *,
    at_micros: int,
    zone: Zone,
    dialect: Dialect,
    history_from: int | None = None,
    before: Table | None = None,
    before_at: int | None = None,
) -> list[Judged]:
    """All that is judged of a history: at most one table for each rule.

    `history`: `account_id`, `event`, `at` (microseconds), and what events carry of the account just before them:
    `b_<field>`, of a set `bs_<field>__<i>` beside it. It is whole from `history_from` on (None: whole). `before` is an
    earlier snapshot, with an inventory's columns, taken at `before_at`. Events of accounts that the inventory has not,
    and those after `at_micros`, are not judged.
    """
    audit = _Events(program, inventory, history, at_micros, zone, dialect, history_from, before, before_at)
    return [*audit.transitions(), *audit.registrations(), *audit.refusals(), *audit.limits()]


def edges(program: Program, history: Table, *, at_micros: int, zone: Zone, dialect: Dialect) -> Table:
    """How many accounts were seen to make each step: `field`, `source`, `target`, `move` (its event), `count`, and
    `in_force`: whether some version of the transition was, then.

    Nothing where the policy has no life cycles with transitions. Steps of which an end is not known are not counted.
    """
    audit = _Events(program, history, history, at_micros, zone, dialect, None, None, None)  # no inventory is asked
    parts = [audit.steps_seen(cycle) for cycle in audit.cycles if cycle.transitions]
    if not parts:
        return ibis.memtable([], schema=ibis.schema(EDGES))
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


@dataclass(frozen=True)  # without slots: `cached_property` keeps what it found in the instance
class _Events:
    program: Program
    inventory: Table
    history: Table
    at: int
    zone: Zone
    dialect: Dialect
    whole_from: int | None
    before: Table | None
    before_at: int | None

    @cached_property
    def clock(self) -> Clock:
        return Clock(self.zone, self.dialect)

    @cached_property
    def today(self) -> date:
        return calendar.day_of(zones.instant(self.at), self.zone.zone)

    @cached_property
    def happened(self) -> Table:
        return self.history.filter(self.history.at <= self.at)

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the events that there are. A rule about others finds nothing: a policy may have many that a history has
        no use for, and to write the query of one takes Ibis a quarter of a second.
        """
        return frozenset(each["event"] for each in records(self.happened.select("event").distinct()))

    @cached_property
    def fields(self) -> frozenset[str]:
        """Those the inventory has."""
        return frozenset(name for name in self.program.account if f"f_{name}" in self.inventory.columns)

    @cached_property
    def carried(self) -> list[str]:
        """The columns in which events carry facts."""
        return [name for name in self.history.columns if name.startswith(("b_", "bs_"))]

    @cached_property
    def asked(self) -> Program:
        return replay.at_events(self.program, self.fields)

    @cached_property
    def cycles(self) -> list[Cycle]:
        return replay.cycles(self.program)

    @cached_property
    def replays(self) -> Mapping[str, Replay]:
        found = {}
        for cycle in self.cycles:
            numbers = Numbers(cycle, self.program.account[cycle.field].type.values)
            shown = None
            if self.before is not None and self.before_at is not None and f"f_{cycle.field}" in self.before.columns:
                shown = self.before.select(account_id="id", shown=f"f_{cycle.field}")
            shown_at = None if shown is None else self.before_at
            found[cycle.field] = Replay(numbers, self.happened, self.clock, self.whole_from, shown, shown_at)
        return found

    def of(self, *events: str) -> Table:
        """The events of those names, with what they carry."""
        rows = self.happened.filter(self.happened.event.isin(sorted(set(events))))
        return rows.select("account_id", "event", "at", *self.carried)

    def carries(self, rows: Table, field: str) -> Any:
        """The column in which events carry a field; None where there is none."""
        return rows[f"b_{field}"] if f"b_{field}" in self.carried else None

    # ------------------------------------------------------------------------------------------------------ moves

    def transitions(self) -> list[Judged]:
        return [each for cycle in self.cycles if cycle.transitions for each in self._stepped(cycle)]

    def _stepped(self, cycle: Cycle) -> list[Judged]:
        if self.names.isdisjoint(cycle.transitions):
            return [self._nothing(rule, "move") for rule in (cycle.at_end, cycle.unlisted) if rule is not None]
        rows = self._weighed_steps(cycle)
        if cycle.at_end is None:
            return [self._by_instant(cycle.unlisted, "move", rows)]
        ending, others = rows.filter(rows.at_end), rows.filter(~rows.at_end)
        return [
            self._by_instant(cycle.at_end, "move", ending),
            self._by_instant(cycle.unlisted, "move", others),
        ]

    def _weighed_steps(self, cycle: Cycle) -> Table:
        """The transitions of a life cycle and what each comes to: `outcome`, and whether it left a final state."""
        past = self.replays[cycle.field]
        numbers = past.numbers
        rows = past.kinds(self.of(*cycle.transitions))
        rows = past.with_evidence(rows, all_accounts=True)
        carried = self.carries(rows, cycle.field)
        said = None if carried is None else numbers.of_value(carried)
        unordered = past.unordered(rows)
        if said is not None:
            unordered &= said.isnull()
        states = ibis.cases((~past.unordered(rows), ibis.coalesce(past.recorded(rows), past.begun(rows))))
        states = states if said is None else ibis.coalesce(said, states)
        rows = settled(rows.mutate(states=states, unordered=unordered))
        dead = [number for number, kind in enumerate(numbers.kinds) if kind.period is None]
        not_in_force = rows.kind.isin(dead) if dead else ibis.literal(False)
        ends = numbers.which(lambda states: states <= cycle.final)
        outcome = ibis.cases(
            (not_in_force, _VIOLATED),
            (rows.unordered, _UNKNOWN),
            (contradicts(numbers, rows.kind, rows.states), _VIOLATED),
            else_=_SATISFIED,
        )
        at_end = ibis.coalesce(rows.states.isin(ends), False) if ends else ibis.literal(False)
        rows = rows.mutate(outcome=outcome, at_end=at_end)
        return rows.select("account_id", "event", "at", *self.carried, "outcome", "at_end")

    def registrations(self) -> list[Judged]:
        found = []
        for cycle in self.cycles:
            if cycle.begins is not None and not cycle.initial >= cycle.domain:
                found.append(self._registered(cycle, cycle.begins))
        return found

    def _registered(self, cycle: Cycle, rule: Rule) -> Judged:
        if "register" not in self.names:
            return self._nothing(rule, "move")
        past = self.replays[cycle.field]
        numbers = past.numbers
        rows = self._doubtful_registrations(cycle)
        rows, _ = self.with_facts(rows, [f"account.{cycle.field}"], begun=True, keep=["states"])
        outside = numbers.which(cycle.initial.isdisjoint)
        inside = numbers.which(lambda states: states <= cycle.initial)
        unknown = _UNKNOWN if cycle.field in self.fields else _SATISFIED
        outcome = ibis.cases(
            (rows.states.isin(outside), _VIOLATED), (rows.states.isin(inside), _SATISFIED), else_=unknown
        )
        rows = rows.mutate(outcome=outcome).select("account_id", "event", "at", *self.carried, "outcome")
        return self._by_instant(rule, "move", rows, begun=True)

    def _doubtful_registrations(self, cycle: Cycle) -> Table:
        """The registrations of accounts that may have begun with another value than they must.

        An account without transitions that has an initial value began with it.
        """
        rows, initial = self.of("register"), sorted(cycle.initial)
        steps = self.happened.filter(self.happened.event.isin(list(cycle.transitions)))
        accounts = [steps.select("account_id")]
        column = f"f_{cycle.field}"
        for table in (self.inventory, self.before if self.before_at is not None else None):
            if table is not None and column in table.columns:
                doubtful = table.filter(table[column].isnull() | table[column].notin(initial))
                accounts.append(doubtful.select(account_id="id"))
        if column not in self.inventory.columns:
            accounts.append(rows.select("account_id"))
        doubtful = (accounts[0] if len(accounts) == 1 else ibis.union(*accounts)).distinct()
        found = rows.semi_join(doubtful, "account_id")
        others = []
        if self.whole_from is not None:
            others.append(rows.at < self.whole_from)
        carried = self.carries(rows, cycle.field)
        if carried is not None:
            others.append(carried.notin(initial))
        if not others:
            return found
        return found.union(rows.filter(some(others)).anti_join(doubtful, "account_id"))

    def refusals(self) -> list[Judged]:
        return [self._refused(each) for each in replay.refused(self.program)]

    def _refused(self, refused: Refused) -> Judged:
        if refused.event not in self.names:
            return self._nothing(refused.rule, "move")
        rows = self.of(refused.event)
        if refused.periods:
            allowed = some([is_in_force(period, rows.at, self.zone) for period in refused.periods])
            rows = rows.filter(~allowed)
        return self._by_instant(refused.rule, "move", rows.mutate(outcome=_VIOLATED))

    def _by_instant(self, rule: Rule, about: About, rows: Table, *, begun: bool = False) -> Judged:
        """A finding for each instant of an account: the worst of what is recorded there."""
        rows = rows.filter(rows.outcome > _SATISFIED)
        rows, facts = self.with_facts(rows, replay.told_with(self.program, rule), begun=begun, keep=["outcome"])
        worst = rows.group_by("account_id", "at").agg(outcome=rows.outcome.max(), **agreed(rows, facts))
        worst = worst.mutate(count=ibis.null("int64"))
        return Judged(rule, about, self._told(worst, facts))

    def _nothing(self, rule: Rule, about: About) -> Judged:
        none = self.happened.limit(0)
        columns = {"violated": ibis.null("boolean"), "count": ibis.null("int64")}
        return Judged(rule, about, none.select("account_id", "at", **columns), is_empty=True)

    def _told(self, found: Table, facts: Sequence[str]) -> Table:
        violated = ibis.cases((found.outcome == _VIOLATED, ibis.literal(True)))
        return found.select("account_id", "at", "count", *facts, violated=violated).relocate("violated", after="at")

    def steps_seen(self, cycle: Cycle) -> Table:
        past = self.replays[cycle.field]
        rows = self.of(*cycle.transitions)
        rows = past.with_evidence(past.kinds(rows), all_accounts=True)
        carried = f"b_{cycle.field}" if f"b_{cycle.field}" in self.carried else None
        rows = past.with_state(rows, "state", present=None, carried=carried)
        said = past.numbers.value(past.by_kind(rows.kind, lambda kind: past.numbers.of(kind.sources)))
        source = ibis.coalesce(rows.state, said)
        in_force = past.by_kind(rows.kind, lambda kind: int(kind.period is not None)) == 1
        target = self._target(past, rows.kind)
        rows = settled(rows.select("account_id", source=source, target=target, move=rows.event, in_force=in_force))
        rows = rows.filter(rows.source.notnull(), rows.target.notnull())
        counted = rows.group_by("source", "target", "move", "in_force").agg(
            count=rows.account_id.nunique().cast("int64")
        )
        return counted.mutate(field=ibis.literal(cycle.field)).select(*EDGES)

    def _target(self, past: Replay, kind: Any) -> Any:
        return past.numbers.value(past.by_kind(kind, lambda kind: past.numbers.of(kind.targets)))

    # ----------------------------------------------------------------------------------------------------- limits

    def limits(self) -> list[Judged]:
        return [self._limited(each) for each in replay.limits(self.program, self.asked)]

    def _limited(self, limited: Limited) -> Judged:
        if limited.event not in self.names:
            return self._nothing(limited.rule, limited.about)
        rows, facts = self._weighed(limited)
        window = limited.limit.count.window
        within = ["bucket"] if "bucket" in rows.columns else []
        total = {"total": rows.total.max()} if "total" in rows.columns else {}
        instants = rows.group_by("account_id", "at", *within).agg(
            outcome=rows.outcome.max(), number=rows.number.max(), **total, **agreed(rows, facts)
        )
        if limited.rule.kind == "never_after":
            found = instants.filter(instants.outcome > _SATISFIED).mutate(highest=instants.number)
        elif window.unit in ("days", "months"):
            found = _runs(instants)
        else:
            found = _exceeded_windows(instants, ["account_id", *within])
        nothing_known = (found.outcome == _UNKNOWN) & (found.highest <= limited.limit.own)
        found = found.mutate(count=ibis.cases((~nothing_known, found.highest)))
        return Judged(limited.rule, limited.about, self._told(found, facts))

    def _weighed(self, limited: Limited) -> tuple[Table, list[str]]:
        """The events a limit is over, what it comes to at each and how many there are; and the facts told."""
        limit, rule = limited.limit, limited.asked
        conditions = self.asked.conditions
        counts = list(
            dict.fromkeys([limit.count, *(e for e in everything(rule.when, conditions) if isinstance(e, Count))])
        )
        rows = windows.running(self._candidates(limited, counts), counts, self.clock, self.at)
        rows = rows.filter(rows.event == limited.event)
        if rule.in_force != ALWAYS:
            rows = rows.filter(is_in_force(rule.in_force, rows.at, self.zone))
        read = _read(rule.when, self.asked) | ({limit.counted_by} if limit.counted_by is not None else set())
        told = replay.told_with(self.program, limited.rule)
        kept = ["day", *(name for name in rows.columns if name.startswith(("n_", "total_", "w_")))]
        names = {*told, *(f"account.{each.name}" for each in read if each.owner == "account")}
        rows, _ = self.with_facts(rows, sorted(names), keep=kept)
        rows = settled(rows)
        translator = self._translator(rows, limited, counts, read)
        violated = translator.violated(replace(rule, requires=limit))
        columns = {"violated": violated, "number": translator.counted(limit)}
        if limited.rule.kind == "limit" and "total_0" in rows.columns:
            columns["total"] = rows.total_0
        if "w_0" in rows.columns:
            columns["bucket"] = rows.w_0
        facts = [name for name in rows.columns if name in _columns_of(self.program, told)]
        rows = settled(rows.select("account_id", "at", *facts, **columns))
        outcome = ibis.cases((rows.violated.isnull(), _UNKNOWN), (rows.violated, _VIOLATED), else_=_SATISFIED)
        return settled(rows.mutate(outcome=outcome).drop("violated")), facts

    def _translator(self, rows: Table, limited: Limited, counts: Sequence[Count], read: Iterable[Field]) -> Translator:
        facts: dict[tuple[Owner, str], Any] = {}
        for each in read:
            facts[each.owner, each.name] = self._fact(rows, each)
        counted = {}
        for i, count in enumerate(counts):
            own = one_if(windows.counts_ever(count, rows, self.clock))
            covered = self.clock.covered(count.window, rows, self.whole_from)
            counted[count] = Counted(rows[f"n_{i}"] - own, covered)
        today = self.dialect.date_of_days(rows.day)
        return Translator(self.asked, Row(facts, today, rows.at, counted), self.zone, self.dialect)

    def _fact(self, rows: Table, field: Field) -> Any:
        """A fact of the state at the event; NULL where nothing tells it."""
        column = f"f_{field.name}"
        if field.owner != "account" or column not in rows.columns:
            return literal(None, field.type)
        if field.type.kind != "set":
            return rows[column]
        holds = {value: rows[f"s_{field.name}__{i}"] for i, value in enumerate(field.type.values)}
        return SetColumn(rows[column], holds)

    def _candidates(self, limited: Limited, counts: Sequence[Count]) -> Table:
        """The events to count, of the accounts (in a calendar's window) that may have exceeded the limit."""
        limit, window = limited.limit, limited.limit.count.window
        rows = self.of(limited.event, *(name for count in counts for name in count.events))
        rows = self.clock.dated(rows)
        if self._is_held(limit.counted_by):
            return rows
        of_limit = rows.filter(rows.event.isin([limited.event, *limit.count.events]))
        keys = {"account_id": of_limit.account_id}
        bucket = self.clock.bucket(window, of_limit.day) if len(counts) == 1 else None
        if bucket is not None:
            keys["within"] = bucket
        may = [one_if(of_limit.event.isin(limit.count.events)).sum() > limit.at_most]
        if self.whole_from is not None and not limit.guaranteed:
            doubtful = (of_limit.event == limited.event) & ~self.clock.covered(window, of_limit, self.whole_from)
            may.append(one_if(doubtful).sum() > 0)
        judged = one_if(of_limit.event == limited.event).sum() > 0
        few = of_limit.group_by(**keys).agg(may=some(may) & judged)
        few = few.filter(few.may).drop("may")
        if bucket is None:
            return rows.semi_join(few, "account_id")
        rows = settled(rows.mutate(within=self.clock.bucket(window, rows.day)))
        return rows.semi_join(few, ["account_id", "within"]).drop("within")

    def _is_held(self, counter: Field | None) -> bool:
        """Whether a field that counts may be known at an event: then no number of events says that all is well."""
        if counter is None or counter.owner != "account":
            return False
        recorded = counter.name in self.fields and self.program.account[counter.name].fixed is not None
        return recorded or f"b_{counter.name}" in self.carried

    # ------------------------------------------------------------------------------------------------------ facts

    def with_facts(
        self, rows: Table, names: Iterable[str], *, keep: Sequence[str], begun: bool = False
    ) -> tuple[Table, list[str]]:
        """The rows of accounts that the inventory has, with facts as they were, and the names of their columns.

        `begun`: the rows are registrations, whose life cycles are told as they began; `states` are the numbers of the
        last one's.
        """
        names = list(names)
        fields = [name for name in self.program.account if f"account.{name}" in names]
        cycles = [cycle for cycle in self.cycles if cycle.field in fields]
        moving = {cycle.field for cycle in self.cycles}
        fixed = [name for name in fields if name in self.fields and self.program.account[name].fixed is not None]
        present = [cycle.field for cycle in cycles if cycle.field in self.fields]
        rows = self._with_inventory(rows, [*fixed, *present])
        for cycle in cycles:
            rows = self._with_state(rows, cycle, begun=begun)
        changing = [cycle for cycle in self.cycles if f"change.{cycle.field}" in names and cycle.transitions]
        for cycle in changing:
            kinds = self.replays[cycle.field].kinds(rows.drop("kind") if "kind" in rows.columns else rows)
            rows = kinds.rename({f"kind_{cycle.field}": "kind"})
        found: dict[str, Any] = {}
        for name in fields:
            recorded = f"state_{name}" if name in moving else f"i_f_{name}" if name in fixed else None
            found |= self._with_carried(rows, name, recorded)
        for cycle in changing:
            found[f"c_{cycle.field}"] = self._target(self.replays[cycle.field], rows[f"kind_{cycle.field}"])
        return settled(rows.select("account_id", "event", "at", *self.carried, *keep, **found)), list(found)

    def _with_inventory(self, rows: Table, fields: Sequence[str]) -> Table:
        columns = [name for field in fields for name in _of_field(self.program, field)]
        accounts = rows.select("account_id").distinct()
        known = self.inventory.select("id", *columns).semi_join(accounts, [("id", "account_id")])
        # of an account that is there twice, what both say
        known = known.group_by(known_id=known.id).agg(
            **{f"i_{name}": value for name, value in agreed(known, columns).items()}
        )
        return self._kept(rows.inner_join(known, rows.account_id == known.known_id).drop("known_id"), fields)

    def _kept(self, rows: Table, fields: Sequence[str]) -> Table:
        """Of a field that was not fixed from then on, nothing is known of then."""
        forgotten: dict[str, Any] = {}
        for field in fields:
            fixed = self.program.account[field].fixed
            if fixed is None or fixed == ALWAYS:
                continue
            kept = is_in_force(fixed, rows.at, self.zone) if fixed.holds(self.today) else ibis.literal(False)
            for name in _of_field(self.program, field):
                forgotten[f"i_{name}"] = ibis.cases((kept, rows[f"i_{name}"]))
        return rows.mutate(**forgotten) if forgotten else rows

    def _with_state(self, rows: Table, cycle: Cycle, *, begun: bool) -> Table:
        past, columns = self.replays[cycle.field], rows.columns
        name, numbers = f"state_{cycle.field}", past.numbers
        rows = past.with_evidence(rows, all_accounts=False)
        present = f"i_f_{cycle.field}" if cycle.field in self.fields else None
        if not begun:
            carried = f"b_{cycle.field}" if f"b_{cycle.field}" in self.carried else None
            return past.with_state(rows, name, present=present, carried=carried).select(*columns, name)
        said = self.carries(rows, cycle.field)
        later, _ = past.seen_later(rows, None if present is None else rows[present])
        states = later if said is None else ibis.coalesce(numbers.of_value(said), later)
        rows = settled(rows.mutate(states=states))
        return rows.select(*dict.fromkeys([*columns, "states"]), **{name: numbers.value(rows.states)})

    def _with_carried(self, rows: Table, field: str, recorded: str | None) -> dict[str, Any]:
        """A field's columns: what the event carries, else what is recorded elsewhere."""
        carried = self.carries(rows, field)
        values = self.program.account[field].type.values if self.program.account[field].type.kind == "set" else ()
        if carried is None:
            if recorded is None:
                return {}
            sets = {f"s_{field}__{i}": rows[f"i_s_{field}__{i}"] for i in range(len(values))}
            return {f"f_{field}": rows[recorded], **sets}
        if recorded is None:
            return {f"f_{field}": carried, **{f"s_{field}__{i}": rows[f"bs_{field}__{i}"] for i in range(len(values))}}
        if not values:
            return {f"f_{field}": ibis.coalesce(carried, rows[recorded])}
        sets = {
            f"s_{field}__{i}": carried.ifelse(rows[f"bs_{field}__{i}"], rows[f"i_s_{field}__{i}"])
            for i in range(len(values))
        }
        return {f"f_{field}": carried | rows[recorded], **sets}


def _exceeded_windows(instants: Table, keys: Sequence[str]) -> Table:
    """Of each calendar window that is not kept the first instant that is as bad as any."""
    window = ibis.window(group_by=keys)
    found = instants.mutate(
        worst=instants.outcome.max().over(window),
        highest=ibis.greatest(instants.number.max().over(window), instants.total),
    )
    found = found.filter((found.worst > _SATISFIED) & (found.outcome == found.worst))
    found = found.mutate(first=found.at.min().over(ibis.window(group_by=keys)))
    return found.filter(found.at == found.first)


def _runs(instants: Table) -> Table:
    """Of each run of instants that come to the same the first, unless they are satisfied."""
    in_turn: dict[str, Any] = {"group_by": "account_id", "order_by": "at"}
    found = instants.mutate(previous=instants.outcome.lag().over(ibis.window(**in_turn)))
    turns = ibis.coalesce(one_if(found.previous != found.outcome), 1)
    found = found.mutate(turns=turns)
    found = found.mutate(run=found.turns.sum().over(ibis.window(**in_turn, rows=(None, 0))).cast("int64"))
    found = found.mutate(highest=found.number.max().over(ibis.window(group_by=["account_id", "run"])))
    return found.filter((found.turns == 1) & (found.outcome > _SATISFIED))


def _read(expr: Expr, program: Program) -> set[Field]:
    return {each for each in everything(expr, program.conditions) if isinstance(each, Field)}


def _of_field(program: Program, field: str) -> list[str]:
    """A field's columns in an inventory."""
    of = program.account[field].type
    return [f"f_{field}", *(f"s_{field}__{i}" for i in range(len(of.values)) if of.kind == "set")]


def _columns_of(program: Program, told: Iterable[str]) -> set[str]:
    """The columns in which facts are told."""
    found = set()
    for each in told:
        owner, _, field = each.partition(".")
        found |= {f"c_{field}"} if owner == "change" else set(_of_field(program, field))
    return found


counts = windows.counts
"""Beside the findings, for constraints that count: see there."""


def covered(count: Count, at_micros: int, history_from: int | None, zone: Zone) -> bool:
    """Whether a history that is whole from an instant on has all that counts at another; None: it is whole."""
    if history_from is None:
        return True
    return calendar.covers(count.window, zones.instant(history_from), zones.instant(at_micros), zone.zone)
