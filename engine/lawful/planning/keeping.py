"""Whether an action can be done at a rate: again and again, period after period, by all the rules."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Step
from lawful.deciding.rulebook import triggers_of
from lawful.deciding.thresholds import turning_instants
from lawful.decision import Reason
from lawful.engines.reference import evaluate
from lawful.ir import TRUE, AtMost, Clock, Count, Expr, Not, Rule, Value, conjunction, everything
from lawful.planning.firm import Firm
from lawful.planning.goals import Goal
from lawful.planning.needs import Need
from lawful.planning.plan import Status
from lawful.planning.planner import Options, Planner
from lawful.planning.search import DAYS, Path
from lawful.planning.setting import Cut, Setting, State, Taken, later, question_of
from lawful.planning.telling import refusals
from lawful.question import Asked, Question

_PERIODS: Final = {"day": 365, "month": 12, "year": 1}
"""How long a rate must be kept up: 12 months."""
_LEAST_SHARE: Final = 0.1
"""Of the time, for what is left when it is over."""
_MOST_TRIED: Final = 6000
"""Requests judged for one need; past it it is left open."""


class Kept(Struct, frozen=True):
    """What came of doing one thing so often, period after period."""

    status: Status
    reasons: tuple[Reason, ...] = ()
    """What refused it where it could be done no more."""
    missing: tuple[tuple[str, ...], ...] = ()
    cut: frozenset[Cut] = frozenset()
    """What was not tried."""


class Rates:
    """Does one action again and again, as early as `check` allows it, period after period.

    Where waiting does not serve, a plan within the period may. A no is certain where every instant that was passed over
    was refused by a rule that nothing but time could satisfy, whatever is done before the account is of the type; every
    other failure is left open.
    """

    def __init__(
        self,
        planner: Planner,
        setting: Setting,
        question: Question,
        options: Options,
        field: str,
        starts: Sequence[Path],
    ) -> None:
        self.planner = planner
        self.judge = planner.judge
        self.setting = setting
        self.question = question
        self.options = options
        self.field = field
        """The type of account, which stays as it is."""
        self.starts = starts
        """Where it all begins."""
        self.deadline = None if options.seconds is None else time.monotonic() + 2 * options.seconds
        """Of all that is tried with these rates."""

    def in_time(self, options: Options) -> Options:
        """With no more seconds than there are left, and those of a first look."""
        if options.seconds is None or self.deadline is None:
            return options
        left = max(self.deadline - time.monotonic(), _LEAST_SHARE * options.seconds)
        return replace(options, seconds=min(options.seconds, left))

    def kept(self, need: Need, goal: Goal, anyhow: Goal, path: Path) -> Kept:
        """Whether it can be done so often in each whole period of the 12 months that follow.

        `path` is the shortest way to an account of the type; `anyhow` is the goal from the starts on, for other ways.
        """
        keeping = Keeping(self, need, goal, anyhow, path)
        kept = keeping.kept()
        if kept.status != "not found":
            return kept
        for rule in keeping.avoidable:
            begun = self._past(rule, goal.throughout)
            again = None if begun is None else Keeping(self, need, goal, anyhow, begun).kept()
            if again is not None and again.status == "found":
                return again
        return kept

    def _past(self, rule: Rule, is_type: Expr) -> Path | None:
        """The way to an account of the type to which the rule does not apply."""
        outside = Goal(None, conjunction([is_type, Not(rule.when)]))
        options = replace(self.options, alternatives=False)
        outcome = self.planner.outcome(self.question, outside, self.in_time(options), self.starts)
        return outcome.paths[0] if outcome.paths else None


class Keeping:
    """One need, from one state on; `state` is where it has come to."""

    def __init__(self, rates: Rates, need: Need, goal: Goal, anyhow: Goal, path: Path) -> None:
        self.rates = rates
        self.judge = rates.judge
        self.setting = rates.setting
        self.need = need
        self.goal = goal
        self.anyhow = anyhow
        self.path = path
        self.state = path.state
        self.given: Mapping[str, Value] = {}
        self.done = 0
        self.is_certain = True
        """Whether all that was passed over surely is refused, whatever else is done."""
        self.refused: tuple[Reason, ...] = ()
        self._cut: set[Cut] = set()
        """Why a no would be no proof."""
        self.failed = Kept("not found")
        """What came of looking where it could be done no more."""
        self.lost: State | None = None
        """After the action, where it is allowed and what must hold throughout is lost by it."""
        self._refused_at = path.state
        self._looked = False
        self._seen = 0
        self._knows_since = False
        self._expiries: set[Instant] = set()
        self._days_until: dict[Instant, set[Instant]] = {}
        self.way: tuple[Taken, ...] = ()
        """The steps by which it was found last."""
        self.avoidable: tuple[Rule, ...] = ()
        """The limits that refused it to the last, where they do not apply to every account."""
        self._tried = 0
        self._deadline = rates.deadline
        cone = rates.planner.cones.of(Goal(need.asked))
        program = self.judge.program
        exprs = (expr for trigger in triggers_of(need.asked) for expr in cone.read_by.get(trigger, ()))
        every = [node for expr in exprs for node in everything(expr, program.conditions)]
        self._windows = {(node.window, name) for node in every if isinstance(node, Count) for name in node.events}
        self._leaves = cone.timing.leaves if any(isinstance(n, Clock) and n.name != "today" for n in every) else ()
        states = [start.state for start in rates.starts]
        self._firm = Firm(program, self.setting, rates.field, states, need.asked)

    def kept(self) -> Kept:
        for start, end in self.periods():
            at = max(start, self.state.at)
            for _ in range(self.need.times):
                if not (self._waits(at, end) or self._finds(at, end)):
                    return self.failed
                at = max(at, self.state.at)
        return Kept("found")

    def periods(self) -> Iterator[tuple[Instant, Instant]]:
        """The whole periods of the 12 months that follow the way there."""
        begin = self.path.state.at
        for _ in range(_PERIODS[self.need.per or "month"]):
            start, end = self._next_period(begin)
            yield start, end
            begin = start

    # ------------------------------------------------------------------------------------------ one among several needs

    def does(self, state: State, at: Instant) -> bool:
        """Do it at that instant, where all that was done has led to that state; else what of it is `lost`."""
        self.state, self.lost = state, None
        here = State(state.account, state.features, state.events, at)
        step = self._judged(self.need.asked, here, self.given)
        if step.verdict != "allow":
            return False
        if self._take(here, step):
            return True
        after = self.judge.settled(step)
        self.lost = State(after.records["account"], after.records["features"], here.events, at)
        return False

    def instants(self, state: State, at: Instant, end: Instant) -> Iterator[Instant]:
        """Those of the period at which it may turn whether it is allowed in that state."""
        self.state = state
        return self._instants(at, end)

    def finds(self, state: State, at: Instant, end: Instant) -> bool:
        """Do it after other changes."""
        self.state = state
        return not self.is_over and self._finds_within(at, end)

    def refusing(self, here: State, asked: Asked | None = None) -> tuple[Reason, ...]:
        """What refuses it there, or another change."""
        taken = Taken(here.at, here, asked or self.need.asked, self.given if asked is None else {})
        judgement = self.judge.judge(question_of(taken, self.setting, self.rates.question), "reference")
        return tuple(refusals(Explanation(self.judge, judgement).reasons()))

    @property
    def is_over(self) -> bool:
        """Whether the work or the time is."""
        if self._tried > _MOST_TRIED:
            self._cut.add("work")
        elif self._deadline is not None and time.monotonic() > self._deadline:
            self._cut.add("time")
        return bool(self._cut)

    # --------------------------------------------------------------------------------------------------- by waiting

    def _waits(self, at: Instant, end: Instant) -> bool:
        """Do it at the first instant of the period at which it is allowed."""
        first = True
        for instant in self._instants(at, end):
            if self.is_over:
                self.is_certain = False
                return False
            here = State(self.state.account, self.state.features, self.state.events, instant)
            step = self._judged(self.need.asked, here, self.given)
            if step.verdict == "allow":
                return self._take(here, step)
            self.is_certain = self.is_certain and any(self._firm.refuses(each) for each in step.judged)
            if first:
                self._refused_at = here
            first = False
        self.is_certain = self.is_certain and not first
        return False

    def _take(self, here: State, step: Step) -> bool:
        following = self._after(here, step)
        if following is None or following.at != here.at:
            self.is_certain = False
        if following is None:
            return False
        self.state = following
        self.done += 1
        return True

    def _after(self, here: State, step: Step) -> State | None:
        """What an allowed step leaves; None where that is not known, or is another type's."""
        after = self.judge.settled(step)
        if any(applies is None for _, applies in step.moves) or evaluate(self.goal.throughout, after) is not True:
            return None
        days = sum(dict(move.cost).get(DAYS, 0) for move, applies in step.moves if applies is True)
        made = tuple((move.event, here.at) for move, applies in step.moves if applies is True)
        records = after.records
        return State(records["account"], records["features"], (*here.events, *made), later(here.at, days, self.judge))

    def _instants(self, at: Instant, end: Instant) -> Iterator[Instant]:
        """Those at which something of it may turn: now, each day, and when an event counts no more."""
        if at >= end:
            return
        yield at
        found = self._expired() | self._days(at, end)
        if self._leaves:
            here = State(self.state.account, self.state.features, self.state.events, at)
            turns = turning_instants(self._leaves, self.setting.situation(here, self.given), end)
            found.update(each for each in turns.found if isinstance(each, datetime))
        yield from sorted(each for each in found if at < each < end)

    def _expired(self) -> set[Instant]:
        """When what has happened counts no more; events are only ever added."""
        fresh = self.state.events[self._seen :]
        since = self.setting.unknown_before
        if since is not None and not self._knows_since:
            fresh = (*fresh, *((name, since) for _, name in self._windows))
            self._knows_since = True
        self._seen = len(self.state.events)
        for event, when in fresh:
            for window, name in self._windows:
                expires = calendar.expiry(window, when, self.judge.zone) if name == event else None
                if expires is not None:
                    self._expiries.add(calendar.not_just_before(expires))
        return set(self._expiries)

    def _days(self, at: Instant, end: Instant) -> set[Instant]:
        """The days of the period that begin after the instant."""
        if end not in self._days_until:
            zone = self.judge.zone
            found = set()
            day = calendar.add_days(calendar.day_of(at, zone), 1)
            while day is not None and calendar.start_of(day, zone) < end:
                found.add(calendar.start_of(day, zone))
                day = calendar.add_days(day, 1)
            self._days_until = {end: found}
        return self._days_until[end]

    def _judged(self, asked: Asked, here: State, given: Mapping[str, Value]) -> Step:
        self._tried += 1
        return self.judge.step(asked, self.setting.situation(here, given), "reference")

    def _not_tried(self, cut: frozenset[Cut] = frozenset()) -> frozenset[Cut]:
        """Beside what a search left out: it goes on from what was done, which might have been done otherwise."""
        return frozenset({"otherwise", *self._cut, *cut})

    # ------------------------------------------------------------------------------------------------- by other steps

    def _finds(self, at: Instant, end: Instant) -> bool:
        """Do it after other changes, or with other evidence, where that is found."""
        self.refused = self._reasons(self._refused_at)
        if self.is_certain:
            self.failed = Kept("none", self.refused)
        else:
            self.failed = Kept("not found", self.refused, cut=self._not_tried())
        if self.is_certain or at >= end or self.is_over:
            return False
        if self.done == 0 and not self._looked:
            return self._finds_first(at, end)
        return self._finds_within(at, end)

    def _finds_first(self, at: Instant, end: Instant) -> bool:
        """From the beginning, where there is nothing that was done to take back: what is proved of it holds."""
        self._looked = True
        planner, question, rates = self.rates.planner, self.rates.question, self.rates
        options = rates.in_time(replace(rates.options, alternatives=False))
        outcome = planner.outcome(question, self.goal, options, [self.path])
        if not outcome.paths:
            outcome = planner.outcome(question, self.anyhow, rates.in_time(rates.options), rates.starts)
        if not outcome.paths:
            self.failed = Kept(outcome.status, self._reasons(self.path.state), outcome.missing, outcome.cut)
            return False
        last = outcome.paths[0].taken[-1]
        self.state, self.given = last.before, last.given
        self._seen = 0  # other events
        at = max(at, last.at)
        return self._waits(at, end) or self._finds(at, end)

    def _finds_within(self, at: Instant, end: Instant) -> bool:
        here = State(self.state.account, self.state.features, self.state.events, at)
        if self._goes_again(here, end):
            return True
        question = question_of(Taken(at, here, self.need.asked), self.setting, self.rates.question)
        options = self.rates.in_time(replace(self.rates.options, before=end, alternatives=False))
        start = Path((0, 0, 0, at), here)
        outcome = self.rates.planner.outcome(question, self.goal, options, [start])
        path = outcome.paths[0] if outcome.paths else None
        if path is None or path.taken[-1].at >= end:
            status: Status = "undetermined" if outcome.missing else "not found"
            self.failed = Kept(status, self.refused, outcome.missing, self._not_tried(outcome.cut))
            return False
        last = path.taken[-1]
        self.given = last.given
        self.way = path.taken
        step = self._judged(self.need.asked, last.before, last.given)
        self.failed = Kept("not found", self.refused, cut=self._not_tried(outcome.cut))
        return step.verdict == "allow" and self._take(last.before, step)

    def _goes_again(self, here: State, end: Instant) -> bool:
        """By the steps that were found before, one right after the other."""
        for each in self.way:
            if each.asked is None or here.at >= end:
                return False  # facts are looked for anew
            step = self._judged(each.asked, here, each.given)
            if step.verdict != "allow":
                return False
            if each is self.way[-1]:
                return self._take(here, step)
            following = self._after(here, step)
            if following is None:
                return False
            here = following
        return False

    # ------------------------------------------------------------------------------------------------------ the rest

    def _reasons(self, here: State) -> tuple[Reason, ...]:
        """What refuses it there, of which the limits may be avoidable."""
        refused = (each.rule for each in self._judged(self.need.asked, here, self.given).judged if each.refuses)
        self.avoidable = tuple(each for each in refused if isinstance(each.requires, AtMost) and each.when != TRUE)
        return self.refusing(here)

    def _next_period(self, at: Instant) -> tuple[Instant, Instant]:
        zone = self.judge.zone
        day = calendar.day_of(at, zone)
        if self.need.per == "day":
            start, end = calendar.add_days(day, 1), calendar.add_days(day, 2)
        elif self.need.per == "month":
            start, end = (calendar.add_months(day.replace(day=1), many) for many in (1, 2))
        else:
            start, end = (calendar.add_months(day.replace(month=1, day=1), many) for many in (12, 24))
        return calendar.start_of(start or day, zone), calendar.start_of(end or day, zone)
