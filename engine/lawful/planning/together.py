"""Whether several needs are kept together at their rates, and which limits they share forbid it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from msgspec.structs import replace

from lawful import calendar
from lawful.calendar import Instant
from lawful.engines.reference import evaluate
from lawful.ir import TRUE, AtMost, Clock, Count, Expr, Field, Period, Rule, everything
from lawful.planning.goals import Goal
from lawful.planning.keeping import Keeping, Kept, Rates
from lawful.planning.needs import Need
from lawful.planning.search import Path
from lawful.planning.setting import State

_ALL: Final = 13
"""Months in which all the periods of a rate lie, and in which what has none is done."""


_FEW: Final = 12
"""Of so many needs every set is looked at; of more, which have too many, the pairs and the triples."""


class Together:
    """Does the actions of several needs from one state on, each at its rate, while the features are had.

    In an order that was found, that is: that none was found proves nothing.
    """

    def __init__(self, rates: Rates, needs: Sequence[Need], holds: Expr) -> None:
        seconds = rates.options.seconds
        self.rates = rates
        if seconds is not None:  # for two orders
            self.rates = Rates(
                rates.planner,
                rates.setting,
                rates.question,
                replace(rates.options, seconds=seconds / 4),
                rates.field,
                rates.starts,
            )
        self.actions = [need for need in needs if need.feature is None]
        self.features = [need for need in needs if need.feature is not None]
        self.holds = holds
        every = everything(holds, rates.judge.program.conditions)
        self.is_timed = any(isinstance(node, Clock | Count) for node in every)

    def kept(self, path: Path) -> Kept:
        kept = _Schedule(self, self.actions, path).kept()
        if kept.status == "found" or len(self.actions) == 1:
            return kept
        again = _Schedule(self, self.actions[::-1], path).kept()
        return again if again.status == "found" else kept


class _Demand:
    """An action to be done so many times more within a period."""

    def __init__(self, keeping: Keeping, start: Instant, end: Instant, left: int) -> None:
        self.keeping = keeping
        self.start = start
        self.end = end
        self.left = left


class _Schedule:
    """What must be done soonest is done first; of what must be done as soon, what stands first."""

    def __init__(self, together: Together, actions: Sequence[Need], path: Path) -> None:
        self.together = together
        self.state = path.state
        self._now = path.state.at
        self._kept_until = path.state.at
        self._lost: State | None = None
        """Where a feature is lost: after an action, or by the passing of time."""
        demands: list[_Demand] = []
        for need in actions:
            goal = Goal(need.asked, TRUE, together.holds)
            keeping = Keeping(together.rates, need, goal, Goal(need.asked, together.holds), path)
            demands += self._demands_of(keeping)
        self._demands = sorted(demands, key=lambda each: each.end)  # stable: in the order that was given

    def _demands_of(self, keeping: Keeping) -> Iterator[_Demand]:
        need, zone = keeping.need, self.together.rates.judge.zone
        if need.per is not None:
            for start, end in keeping.periods():
                yield _Demand(keeping, start, end, need.times)
            return
        last = calendar.add_months(calendar.day_of(self._now, zone), _ALL)
        if last is not None:
            yield _Demand(keeping, self._now, calendar.start_of(last, zone), need.times)

    def kept(self) -> Kept:
        while self._demands:
            begun = self._open(self._now)
            if not begun:
                self._now = min(each.start for each in self._demands)
            elif not self._goes_on(begun):
                return self._kept_not(begun[0].keeping)
        return Kept("found")

    def _open(self, at: Instant) -> list[_Demand]:
        return [each for each in self._demands if each.start <= at]

    def _goes_on(self, begun: list[_Demand]) -> bool:
        """One more action is done: now, later while there is time for each, or after other changes."""
        first = begun[0]
        if self._now >= first.end:
            return False
        if any(self._does(each, self._now) for each in begun):
            return True
        for at in self._instants(begun, first.end):
            if any(self._does(each, at) for each in self._open(at)):
                return True
            if first.keeping.is_over:
                return False
        return self._finds(first)

    def _finds(self, demand: _Demand) -> bool:
        keeping, known = demand.keeping, demand.keeping.way
        if not keeping.finds(self.state, self._now, demand.end):
            return False
        if keeping.way is known:  # gone again, without waiting
            return self._lasts(self.state, self._now) and self._done(demand)
        return all(self._lasts(each.before, each.at) for each in keeping.way) and self._done(demand)

    def _lasts(self, state: State, until: Instant) -> bool:
        """Whether in that state the features are had until then: they may lapse, day by day."""
        zone, setting = self.together.rates.judge.zone, self.together.rates.setting
        day = calendar.day_of(self._kept_until, zone) if self.together.is_timed else None
        while day is not None and (day := calendar.add_days(day, 1)) is not None:
            at = min(calendar.start_of(day, zone), until)
            here = State(state.account, state.features, state.events, at)
            if at > self._kept_until and evaluate(self.together.holds, setting.situation(here, {})) is not True:
                self._lost = here
                return False
            if at == until:
                break
        self._kept_until = max(self._kept_until, until)
        return True

    def _instants(self, begun: list[_Demand], end: Instant) -> list[Instant]:
        found = {each.start for each in self._demands}
        for each in begun:
            found.update(each.keeping.instants(self.state, self._now, end))
        return sorted(at for at in found if self._now < at < end)

    def _does(self, demand: _Demand, at: Instant) -> bool:
        keeping = demand.keeping
        if keeping.is_over:
            return False
        if keeping.does(self.state, at):
            return self._lasts(self.state, at) and self._done(demand)
        self._lost = keeping.lost or self._lost
        return False

    def _done(self, demand: _Demand) -> bool:
        self.state = demand.keeping.state
        self._now = max(self._now, self.state.at)
        demand.left -= 1
        if not demand.left:
            self._demands.remove(demand)
        return True

    def _kept_not(self, keeping: Keeping) -> Kept:
        here = State(self.state.account, self.state.features, self.state.events, self._now)
        reasons = keeping.refusing(here)
        lost = self._lost
        if not reasons and lost is not None:
            gone = [each for each in self.together.features if lost.features.get(each.asked.name) is not True]
            gone = gone or self.together.features  # on record they may be, without the right to them
            off = {**lost.features, **dict.fromkeys((each.asked.name for each in gone), False)}
            lost = State(lost.account, off, lost.events, lost.at)
            reasons = tuple(reason for each in gone for reason in keeping.refusing(lost, each.asked))
        missing = keeping.failed.missing
        cut = frozenset({"rates", *keeping.failed.cut} - {"otherwise"})
        return Kept("undetermined" if missing else "not found", reasons, missing, cut)


class Shared:
    """The limits by which actions at some rates exclude each other, whatever else is done and in whatever order.

    Each of the actions is refused once all of them were done as often as the limit lets them in one period: the last of
    them cannot be done, whichever it is.
    """

    def __init__(self, rates: Rates, type_: State) -> None:
        self.program = rates.judge.program
        self.rates = rates
        self.state = type_
        """An account of the type."""

    def excluding(self, needs: Sequence[Need]) -> list[tuple[tuple[Need, ...], tuple[str, ...]]]:
        """The smallest sets of needs that exclude each other, each with the rules; of many needs only small ones."""
        found: list[tuple[tuple[Need, ...], tuple[str, ...]]] = []
        rated = [need for need in needs if need.per is not None]
        for size in range(2, (len(rated) if len(rated) <= _FEW else 3) + 1):
            for some in combinations(rated, size):
                if any(set(fewer) <= set(some) for fewer, _ in found):
                    continue
                rules = self._refusing(some)
                if rules:
                    found.append((some, rules))
        return found

    def _refusing(self, needs: Sequence[Need]) -> tuple[str, ...]:
        """For each of the needs a limit that all of them together exceed; none where one has none."""
        per = needs[0].per
        names, times = {need.asked.name for need in needs}, sum(need.times for need in needs)
        if len(names) < len(needs) or any(need.per != per for need in needs):
            return ()
        if not all(self._is_counted(need.asked.name) for need in needs):
            return ()
        rules: list[str] = []
        for name in names:
            limits = [
                rule
                for rule, limit in self._limits(name)
                if limit.count.window == calendar.Window(per or "month")
                and names <= set(limit.count.events)
                and limit.own == 1
                and times > limit.at_most
            ]
            if not limits:
                return ()
            rules += [rule.id for rule in limits]
        return tuple(sorted(set(rules)))

    def _is_counted(self, name: str) -> bool:
        """Whether it always is an event of its name."""
        moves = [move for move in self.program.moves if move.trigger == f"do.{name}"]
        return bool(moves) and all(
            move.applies == TRUE and move.event == name and move.in_force == Period() for move in moves
        )

    def _limits(self, name: str) -> Iterator[tuple[Rule, AtMost]]:
        for rule in self.program.rules:
            is_guard = (rule.scope, rule.subject, rule.severity) == ("move", f"do.{name}", "error")
            if is_guard and isinstance(rule.requires, AtMost) and self._always_applies(rule):
                yield rule, rule.requires

    def _always_applies(self, rule: Rule) -> bool:
        """Whether it applies to every account of the type, from now on."""
        if rule.in_force != Period():
            return False
        nodes = list(everything(rule.when, self.program.conditions))
        fields = [node for node in nodes if isinstance(node, Field)]
        if not all((each.owner, each.name) == ("account", self.rates.field) for each in fields):
            return False
        return rule.when == TRUE or (
            bool(fields)
            and not any(isinstance(node, Clock | Count) for node in nodes)
            and evaluate(rule.when, self.rates.setting.situation(self.state, {})) is True
        )
