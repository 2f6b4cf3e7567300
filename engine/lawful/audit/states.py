"""The states of accounts at their events, replayed as columns: what `replay` says of one account, of all.

Sets of states are numbers here: those of one state first, in the order the policy lists them, then the others that
transitions lead to or come from. Which sets have what in common is worked out in Python; the engine only carries
numbers from one event to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful.audit.expressions import every, some
from lawful.audit.replay import Cycle, States
from lawful.audit.windows import Clock, one_if, settled
from lawful.audit.zones import Zone
from lawful.ir import ALWAYS, Period

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

_NO_NUMBER: Final[Any] = ibis.null("int64")
EDGES: Final = {
    "field": "string",
    "source": "string",
    "target": "string",
    "move": "string",
    "count": "int64",
    "in_force": "boolean",
}
"""The columns of a table of steps that accounts were seen to make."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A version of a transition, or all of them together on days when none is in force."""

    event: str
    period: Period | None
    sources: States
    targets: States


class Numbers:
    """The sets of states of one life cycle that matter, by their numbers."""

    def __init__(self, cycle: Cycle, values: Sequence[str]) -> None:
        self.cycle = cycle
        self.values = tuple(values)
        self.kinds = _kinds(cycle)
        sets = [frozenset({value}) for value in values]
        others = [each for kind in self.kinds for each in (kind.sources, kind.targets)]
        self.sets = tuple(dict.fromkeys([*sets, *others, cycle.initial, cycle.domain]))
        self._numbers = {states: number for number, states in enumerate(self.sets)}

    def of(self, states: States) -> int:
        return self._numbers[states]

    @property
    def anything(self) -> int:
        return self.of(self.cycle.domain)

    def which(self, holds: Callable[[States], bool]) -> list[int]:
        """The sets of which something holds."""
        return [number for number, states in enumerate(self.sets) if holds(states)]

    def of_value(self, value: Any) -> Any:
        """The number of the set of a column's value alone."""
        return ibis.cases(*((value == each, ibis.literal(i, type="int64")) for i, each in enumerate(self.values)))

    def value(self, number: Any) -> Any:
        """The value, where there is one alone; else NULL."""
        return ibis.cases(*((number == i, each) for i, each in enumerate(self.values)), else_=ibis.null("string"))

    def narrowed(self, earlier: Any, later: Any) -> Any:
        """What both leave possible; where they contradict each other, what the earlier says. A single state or NULL."""
        alone = len(self.values)
        branches = [(later.isnull() | (earlier < alone), earlier)]
        for number, states in enumerate(self.sets[alone:], alone):
            common = [(i, states & other) for i, other in enumerate(self.sets)]
            singles = [(i, self.of(both)) for i, both in common if len(both) == 1]
            if singles:
                found = ibis.cases(*((later == i, ibis.literal(both, type="int64")) for i, both in singles))
                branches.append((earlier == number, found))
        both = ibis.cases(*branches)
        found = ibis.ifelse(earlier.isnull(), later, both)
        return ibis.cases((found < alone, found))


def _kinds(cycle: Cycle) -> tuple[Kind, ...]:
    kinds = []
    for event, versions in cycle.transitions.items():
        steps = [(move.in_force, move.step) for move in versions if move.step is not None]
        kinds += [Kind(event, period, frozenset(step.sources), frozenset(step.targets)) for period, step in steps]
        if all(period != ALWAYS for period, _ in steps):
            sources = frozenset(state for _, step in steps for state in step.sources)
            kinds.append(Kind(event, None, sources, frozenset(state for _, step in steps for state in step.targets)))
    return tuple(kinds)


def is_in_force(period: Period, at: Any, zone: Zone) -> Any:
    """Whether the local day of an instant lies in a period."""
    parts = []
    if period.start is not None:
        parts.append(zone.is_since(at, period.start))
    if period.until is not None:
        parts.append(~zone.is_since(at, period.until) & ibis.literal(True))  # see `Translator._not`
    return every(parts)


class Replay:
    """One life cycle's states at the instants of a history."""

    def __init__(
        self,
        numbers: Numbers,
        history: ibis_types.Table,
        clock: Clock,
        whole_from: int | None,
        shown: ibis_types.Table | None,
        shown_at: int | None,
    ) -> None:
        """`shown`: `account_id` and `shown`, the states of accounts in a snapshot taken at `shown_at`."""
        self.numbers = numbers
        self.cycle = numbers.cycle
        self.clock = clock
        self.whole_from = whole_from
        self.history = history
        self.shown = shown
        self.shown_at = shown_at

    # ----------------------------------------------------------------------------------------------- transitions

    def kinds(self, rows: ibis_types.Table) -> ibis_types.Table:
        """The rows, which are transitions, with the `kind` of each."""
        branches = []
        for number, each in enumerate(self.numbers.kinds):
            named = rows.event == each.event
            if each.period is not None and each.period != ALWAYS:
                named &= is_in_force(each.period, rows.at, self.clock.zone)
            branches.append((named, ibis.literal(number, type="int64")))
        return settled(rows.mutate(kind=ibis.cases(*branches) if branches else _NO_NUMBER))

    def steps(self) -> ibis_types.Table:
        """The transitions of the history: `account_id`, `at`, and the numbers of their `sources` and `targets`."""
        rows = self.history.filter(self.history.event.isin(list(self.cycle.transitions)))
        rows = self.kinds(rows.select("account_id", "event", "at"))
        rows = rows.select(
            "account_id",
            "at",
            sources=self.by_kind(rows.kind, lambda kind: self.numbers.of(kind.sources)),
            targets=self.by_kind(rows.kind, lambda kind: self.numbers.of(kind.targets)),
        )
        return settled(rows)

    def by_kind(self, kind: Any, number: Callable[[Kind], int]) -> Any:
        """A number for each kind, by the fewest questions."""
        found: dict[int, list[int]] = {}
        for i, each in enumerate(self.numbers.kinds):
            found.setdefault(number(each), []).append(i)
        if len(found) < 2:
            return ibis.literal(next(iter(found), None), type="int64")
        return ibis.cases(*((kind.isin(kinds), ibis.literal(each, type="int64")) for each, kinds in found.items()))

    # -------------------------------------------------------------------------------------------------- evidence

    def with_evidence(self, rows: ibis_types.Table, *, all_accounts: bool) -> ibis_types.Table:
        """The rows (`account_id`, `at`, whatever else) with what the history says of the state at their instants.

        `all_accounts`: the rows are the transitions themselves, and no other instant is asked about.
        """
        steps = self.steps()
        if not all_accounts:
            steps = steps.semi_join(rows.select("account_id").distinct(), "account_id")
        points = self._points(steps, None if all_accounts else rows)
        return self._with_snapshot(rows.inner_join(self._carried(points), ["account_id", "at"]))

    def _points(self, steps: ibis_types.Table, rows: ibis_types.Table | None) -> ibis_types.Table:
        """A row for each instant of an account: how many transitions, and what they say if they say the same."""
        parts = [steps.select("account_id", "at", "sources", "targets", one=_one(1), registers=_one(0))]
        if rows is not None:
            parts.append(_instants(rows, registers=0))
        if self._asks_registrations:
            registered = self.history.filter(self.history.event == "register", self.history.at >= self.whole_from)
            of_theirs = registered.semi_join((steps if rows is None else rows).select("account_id"), "account_id")
            parts.append(_instants(of_theirs, registers=1))
        together = parts[0] if len(parts) == 1 else ibis.union(*parts)
        agreed = {
            name: ibis.ifelse(together[name].min() == together[name].max(), together[name].min(), self._anything)
            for name in ("sources", "targets")
        }
        many = together.one.sum().cast("int64")
        points = together.group_by("account_id", "at").agg(many=many, registers=together.registers.max(), **agreed)
        points = settled(points)
        some_here = points.many > 0
        return points.mutate(
            sources=ibis.cases((some_here, points.sources)), targets=ibis.cases((some_here, points.targets))
        )

    @property
    def _asks_registrations(self) -> bool:
        """Whether an account's beginning must be seen in the history: where that is not whole."""
        return self.whole_from is not None and bool(self.cycle.initial)

    @property
    def _anything(self) -> Any:
        return ibis.literal(self.numbers.anything, type="int64")

    def _carried(self, points: ibis_types.Table) -> ibis_types.Table:
        """From each transition to the instants after it and before it, until the next."""
        account: dict[str, Any] = {"group_by": "account_id", "order_by": "at"}
        here = ibis.cases((points.many > 0, points.at))
        is_step = one_if(points.many > 0)
        points = points.mutate(
            last_at=here.max().over(ibis.window(**account, rows=(None, 0))),
            next_at=here.min().over(ibis.window(**account, rows=(0, None))),
            passed=is_step.sum().over(ibis.window(**account, rows=(None, 0))).cast("int64"),
            ahead=is_step.sum().over(ibis.window(**account, rows=(0, None))).cast("int64"),
            registered=points.registers.max().over(ibis.window(**account, rows=(None, 0))),
        )
        # SQL's IGNORE NULLS is not everywhere: each stretch from one transition to the next is a group of its own
        points = points.mutate(
            last_targets=points.targets.max().over(ibis.window(group_by=["account_id", "passed"])),
            next_sources=points.sources.max().over(ibis.window(group_by=["account_id", "ahead"])),
        )
        before = ibis.window(**account)
        return points.select(
            "account_id",
            "at",
            "many",
            "registered",
            "next_at",
            "next_sources",
            last_at=points.last_at.lag().over(before),
            last_targets=points.last_targets.lag().over(before),
        )

    def _with_snapshot(self, rows: ibis_types.Table) -> ibis_types.Table:
        if self.shown is None:
            return rows.mutate(shown=_NO_NUMBER)
        shown = self.shown.semi_join(rows.select("account_id").distinct(), "account_id")
        shown = shown.group_by(shown_id=shown.account_id).agg(**agreed(shown, ["shown"]))
        shown = shown.mutate(shown=self.numbers.of_value(shown.shown))
        return rows.left_join(shown, rows.account_id == shown.shown_id).drop("shown_id")

    # --------------------------------------------------------------------------------------------- what it comes to

    def recorded(self, rows: ibis_types.Table) -> Any:
        """The set of states just before a row's instant by the last record; NULL: there is none."""
        branches = []
        sure = [] if self.whole_from is None else [rows.at >= self.whole_from]
        if self._snapshot_counts and self.shown_at is not None:
            unmoved = rows.last_at.isnull() | (rows.last_at <= self.shown_at)
            branches.append((every([*sure, rows.shown.notnull(), rows.at > self.shown_at, unmoved]), rows.shown))
        recent = [] if self.whole_from is None else [rows.last_at >= self.whole_from]
        branches.append((every([*sure, *recent, rows.last_at.notnull()]), rows.last_targets))
        return ibis.cases(*branches)

    @property
    def _snapshot_counts(self) -> bool:
        """Whether what happened since the snapshot is in the history."""
        return self.shown_at is not None and (self.whole_from is None or self.whole_from <= self.shown_at)

    def begun(self, rows: ibis_types.Table) -> Any:
        """The set of states in which it must have begun, where nothing else is known; NULL: it may be long ago."""
        if not self.cycle.initial:
            return _NO_NUMBER
        initial = ibis.literal(self.numbers.of(self.cycle.initial), type="int64")
        return initial if self.whole_from is None else ibis.cases((rows.registered > 0, initial))

    def seen_later(self, rows: ibis_types.Table, present: Any) -> tuple[Any, Any]:
        """The set of states by what is known of the time from the row's instant on, and whether it was seen there.

        `present`: the inventory's value, None where it has no such column.
        """
        here = rows.next_at == rows.at
        sure = ibis.literal(True) if self.whole_from is None else rows.at >= self.whole_from
        branches = [(here, rows.next_sources, False), (~sure, _NO_NUMBER, False)]
        if self.shown_at is not None:
            unmoved = rows.next_at.isnull() | (rows.next_at > self.shown_at)
            branches.append((every([rows.shown.notnull(), rows.at <= self.shown_at, unmoved]), rows.shown, True))
        branches.append((rows.next_at.notnull(), rows.next_sources, False))
        if present is not None:
            branches.append((present.notnull(), self.numbers.of_value(present), True))
        states = ibis.cases(*((test, number) for test, number, _ in branches))
        return states, ibis.cases(*((test, ibis.literal(seen)) for test, _, seen in branches), else_=False)

    def with_state(
        self, rows: ibis_types.Table, name: str, *, present: str | None, carried: str | None
    ) -> ibis_types.Table:
        """The rows, which have an `event` and the evidence, with the value just before: NULL where it is unknown.

        `present` and `carried` name the columns of the inventory's value and of the event's own.
        """
        later, seen = self.seen_later(rows, None if present is None else rows[present])
        rows = settled(rows.mutate(later=later, seen=seen, earlier=self.recorded(rows)))
        begun = ibis.cases((rows.later.isnull() | ~rows.seen, self.begun(rows)))
        rows = settled(rows.mutate(earlier=ibis.coalesce(rows.earlier, begun)))
        rows = settled(rows.mutate(found=self.numbers.narrowed(rows.earlier, rows.later)))
        known = ibis.cases((~self.unordered(rows), self.numbers.value(rows.found)))
        state = known if carried is None else ibis.coalesce(rows[carried], known)
        return rows.mutate(**{name: state}).drop("later", "seen", "earlier", "found")

    def unordered(self, rows: ibis_types.Table) -> Any:
        """Whether another transition is recorded at the row's instant."""
        own = one_if(rows.event.isin(list(self.cycle.transitions)))
        return rows.many > own


def contradicts(numbers: Numbers, kind: Any, states: Any) -> Any:
    """Whether a transition of that kind cannot have been made in any of those states."""
    branches: dict[tuple[int, ...], list[int]] = {}
    for i, each in enumerate(numbers.kinds):
        elsewhere = numbers.which(each.sources.isdisjoint)
        branches.setdefault(tuple(elsewhere), []).append(i)
    parts = [kind.isin(kinds) & states.isin(list(elsewhere)) for elsewhere, kinds in branches.items() if elsewhere]
    return ibis.coalesce(some(parts), False)


def _instants(rows: ibis_types.Table, *, registers: int) -> ibis_types.Table:
    instants = rows.select("account_id", "at").distinct()
    return instants.mutate(sources=_NO_NUMBER, targets=_NO_NUMBER, one=_one(0), registers=_one(registers))


def _one(number: int) -> Any:
    return ibis.literal(number, type="int64")


def agreed(rows: ibis_types.Table, names: Iterable[str]) -> dict[str, Any]:
    """Aggregations: each column's value where all rows of a group have the same, else NULL."""
    found = {}
    for name in names:
        column, of = rows[name], rows[name].type()
        plain = column.cast("int32") if of.is_boolean() else column  # not every engine compares truths
        same = (plain.min() == plain.max()) & (column.count() == rows.count())
        found[name] = ibis.cases((same, plain.min())).cast(of)
    return found
