"""What a rule is judged in: the facts of one state, the clock, the history.

Known values only: what is absent is unknown. The same for every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, cast, get_args
from zoneinfo import ZoneInfo

from lawful import calendar
from lawful.calendar import Instant, Window
from lawful.ir import AtMost, Condition, Owner, Value

Facts = Mapping[str, Value]
_NO_RECORDS: Final[Mapping[Owner, Facts]] = {owner: {} for owner in get_args(Owner)}


@dataclass(frozen=True, slots=True)
class Listed:
    """An event that an earlier change of the same list makes, at the instant of the decision."""

    event: str
    certain: bool


@dataclass(frozen=True, slots=True)
class History:
    """The events of an account up to the decision. `whole_from` None: nothing is known but what is listed here."""

    events: tuple[tuple[str, Instant], ...]
    whole_from: Instant | None
    listed: tuple[Listed, ...] = ()

    def count(self, names: tuple[str, ...], window: Window, at: Instant, zone: ZoneInfo) -> tuple[int, int | None]:
        """The least and the greatest number of those events in the window; None where there is no greatest."""
        least = 0
        for name, when in self.events:
            if name in names and calendar.counts(window, when, at, zone):
                least += 1
        possible, certain = 0, 0
        for each in self.listed:
            if each.event in names and calendar.counts(window, at, at, zone):
                possible += 1
                certain += each.certain
        least += certain
        if self.whole_from is None or not calendar.covers(window, self.whole_from, at, zone):
            return least, None
        return least, least + possible - certain

    def then(self, event: str, *, certain: bool) -> History:
        """The history once that event was made, in the same list of changes."""
        return History(self.events, self.whole_from, (*self.listed, Listed(event, certain)))


class Situation:
    """One state of one account, with all that rules may read beside it.

    `records` maps an owner to its known facts. `memo` holds the conditions evaluated so far: a situation is built for
    one decision and read by one thread.
    """

    __slots__ = ("at", "conditions", "history", "initial", "memo", "records", "today", "variables", "zone")

    def __init__(
        self,
        *,
        records: dict[Owner, Facts],
        at: Instant,
        today: date,
        zone: ZoneInfo,
        history: History,
        conditions: Mapping[str, Condition],
        initial: Facts,
    ) -> None:
        self.records = {**_NO_RECORDS, **records}
        self.at = at
        self.today = today
        self.zone = zone
        self.history = history
        self.conditions = conditions
        self.initial = initial
        """The account as the request gave it, before any change of the list."""
        self.memo: dict[tuple[str, str], Value | None] = {}
        self.variables: dict[str, Value] = {}

    def fact(self, owner: Owner, name: str) -> Value | None:
        return self.records[owner].get(name)

    def with_records(self, **records: Facts) -> Situation:
        """The same with other records."""
        other = self._copy()
        other.records = {**self.records, **cast("dict[Owner, Facts]", records)}
        return other

    def with_history(self, history: History) -> Situation:
        other = self._copy()
        other.history = history
        return other

    def with_conditions(self, conditions: Mapping[str, Condition]) -> Situation:
        """The same, by another policy's conditions."""
        other = self._copy()
        other.conditions = conditions
        return other

    def seen_at(self, at: Instant) -> Situation:
        """The same account and history at another instant."""
        other = self._copy()
        other.at = at
        other.today = calendar.day_of(at, self.zone)
        return other

    def followed_by(self, account: Facts, features: Facts) -> Situation:
        """The state after a change; this one is `before`."""
        other = self._copy()
        other.records = {
            **self.records,
            "before": self.records["account"],
            "before.features": self.records["features"],
            "account": account,
            "after": account,
            "features": features,
            "after.features": features,
        }
        return other

    def seen_from(self, state: str) -> Situation:
        """The situation of a condition about the state `before` or `after`: that account is *the* account."""
        features: Owner = "before.features" if state == "before" else "after.features"
        account: Owner = "before" if state == "before" else "after"
        return self.with_records(account=self.records[account], features=self.records[features])

    def _copy(self) -> Situation:
        """Nothing is remembered: what is different may decide it."""
        other = Situation.__new__(Situation)
        other.records = self.records
        other.at = self.at
        other.today = self.today
        other.zone = self.zone
        other.history = self.history
        other.conditions = self.conditions
        other.initial = self.initial
        other.memo = {}
        other.variables = {}
        return other


def counted(limit: AtMost, situation: Situation) -> tuple[int, int | None]:
    """The least and the greatest number that a limit compares, its own event included; None where there is no greatest.

    With a history and a field that holds the number, the larger counts. Earlier changes of the same list are added to
    the field's number unless an effect of theirs has moved the field.
    """
    count = limit.count
    least, most = situation.history.count(count.events, count.window, situation.at, situation.zone)
    if limit.counted_by is not None:
        held = held_number(limit, situation)
        if held is not None:
            least = max(least, held)
            most = least if most is None else max(most, held)
    if most is None and limit.guaranteed:
        most = least
    return least + limit.own, None if most is None else most + limit.own


def held_number(limit: AtMost, situation: Situation) -> int | None:
    """What the field that counts says, with the earlier changes of the list; None where it is unknown."""
    field = limit.counted_by
    if field is None:
        return None
    held = situation.fact(field.owner, field.name)
    if not isinstance(held, int):
        return None
    moved = field.owner == "account" and situation.initial.get(field.name) != held
    listed = 0 if moved else sum(each.event in limit.count.events for each in situation.history.listed if each.certain)
    return held + listed
