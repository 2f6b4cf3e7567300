"""The cheapest plan first: a uniform-cost search over states, by way of the very steps that `check` judges.

A state is the account, its features, what has happened and the instant. From each state the changes of the cone are
tried now and at each later instant at which something of the cone turns. What was reached at a cost and a time no worse
is not gone through again: who is early can wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Final, TypeAlias

from msgspec import Struct, field

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.judging import Step
from lawful.deciding.rulebook import triggers_of
from lawful.engines.reference import evaluate
from lawful.ir import TRUE, Value
from lawful.planning.cone import Cone
from lawful.planning.goals import Goal
from lawful.planning.instants import Instants
from lawful.planning.moves import Moves
from lawful.planning.setting import Bounds, Cut, Setting, State, Taken, later
from lawful.question import Asked

Cost: TypeAlias = tuple[int, int, int, Instant]
"""What is minimised, then steps, then facts to be obtained, then when it is done."""
DAYS: Final = "days"
"""The amount that takes time: the next step is that many days later."""
_MOST_ALTERNATIVES: Final = 3
_WORK_FOR_ALTERNATIVES: Final = 500
_FEW_INSTANTS: Final = 3
_MOST_INSTEAD: Final = 2
_PATHS_TO_A_STATE: Final = 2
"""Ways of one cost to one state that are kept, for the alternatives."""


class Path(Struct, frozen=True):
    """Steps that lead to a state; `done` is when the last of them is."""

    cost: Cost
    state: State
    taken: tuple[Taken, ...] = ()
    is_goal: bool = False
    instead: int = 0
    """How often in a row a value to be obtained was replaced by another."""


class Result(Struct, frozen=True):
    """The cheapest paths, several where they cost the same; none, and why that is no proof (nothing: it is one)."""

    paths: tuple[Path, ...]
    cut: frozenset[Cut]
    states: int


class _Node(Struct):
    """A path whose continuations are tried at one instant after the other."""

    path: Path
    tried: bool = False
    """Whether they were at the path's own instant."""
    later: list[Instant] | None = None
    """The instants still to come, the next one last; None until somebody waits for them."""
    allowed: set[object] = field(default_factory=set)
    """The changes that were allowed at an earlier instant, and gain nothing by waiting."""


class Search:
    """One search."""

    def __init__(
        self,
        setting: Setting,
        cone: Cone,
        goal: Goal,
        bounds: Bounds,
        *,
        measure: str | None = None,
        least: int = 0,
        alternatives: bool = True,
        hurried: bool = False,
        shortest: bool = False,
    ) -> None:
        """`least`: no plan has fewer steps. `hurried`: one field at a time, at the first dates only.

        `shortest`: the fewest steps first, whatever the measure, by which the plans still are priced.
        """
        self.hurried = hurried
        self.by_steps = shortest or measure is None
        self.setting = setting
        self.goal = goal
        self.bounds = bounds
        self.measure = measure
        self.cone = cone
        self.least = least
        self.alternatives = alternatives
        self.cut: set[Cut] = set()
        self.moves = Moves(setting, self.cone, self.cut)
        self.instants = Instants(setting, self.cone, bounds, self.cut)
        self.judged = 0
        self.states = 0
        self._queue: list[tuple[Cost, int, int, _Node]] = []
        self._order = count()
        self._reached: dict[object, list[tuple[Cost, Instant]]] = {}

    # ------------------------------------------------------------------------------------------------- the way

    def run(self, starts: Iterable[Path]) -> Result:
        """The cheapest plans from any of the starts."""
        for start in starts:
            self._push(_Node(Path(start.cost, start.state, start.taken)))
        found: list[Path] = []
        enough = 0
        while self._queue:
            if self._is_over():
                break
            node = heappop(self._queue)[-1]
            if found and (self._is_dearer(node.path, found[0]) or self._spent > enough):
                break
            if node.path.is_goal:
                if all(_changes(node.path) != _changes(each) for each in found):
                    found.append(node.path)
                if len(found) > _MOST_ALTERNATIVES or not self.alternatives:
                    break
                if len(found) == 1:
                    enough = self._spent * 2 + _WORK_FOR_ALTERNATIVES
                continue
            self._expand(node)
        if not found and self._queue:  # the time was up: what leads there is a plan, though not surely the cheapest
            there = min(
                (each for each in self._queue if each[-1].path.is_goal), default=None, key=lambda each: each[:3]
            )
            found = [] if there is None else [there[-1].path]
        return Result(tuple(found), frozenset() if found and not self._doubtful() else frozenset(self.cut), self.states)

    def _is_dearer(self, path: Path, found: Path) -> bool:
        return self._promised(path.cost, path)[:3] > self._promised(found.cost, found)[:3]

    def _doubtful(self) -> bool:
        """Whether a cheaper plan than those found may have been passed over."""
        harmless: set[Cut] = {"steps"} if self.measure is None else set()  # a longer plan may cost less
        return bool(self.cut - harmless)

    @property
    def _spent(self) -> int:
        """Work, in rules judged."""
        return self.judged + self.instants.work + self.moves.work

    def _is_over(self) -> bool:
        if self._spent > self.bounds.work:
            self.cut.add("work")
            return True
        if self.bounds.deadline is not None and time.monotonic() > self.bounds.deadline:
            self.cut.add("time")
            return True
        return False

    def _push(self, node: _Node) -> None:
        cost = node.path.cost
        if node.later:
            cost = self._priced(cost, node.later[-1])
        heappush(self._queue, (self._promised(cost, node.path), -cost[1], next(self._order), node))

    def _promised(self, cost: Cost, path: Path) -> Cost:
        """What any plan by way of it costs at the least; of two that promise the same the longer one is nearer."""
        steps = max(cost[1] + (self.goal.asked is not None and not path.is_goal), self.least)
        return (steps if self.by_steps else cost[0]), steps, cost[2], cost[3]

    def _priced(self, cost: Cost, at: Instant) -> Cost:
        """The cost once one has waited until then."""
        amount = self._elapsed(at) if self.measure == DAYS else cost[0]
        return amount, cost[1], cost[2], at

    def _elapsed(self, at: Instant) -> int:
        return (
            calendar.day_of(at, self.setting.judge.zone) - calendar.day_of(self.setting.start, self.setting.judge.zone)
        ).days

    # ------------------------------------------------------------------------------------------------ one state

    def _expand(self, node: _Node) -> None:
        path = node.path
        if not node.tried:
            if self._is_known(path):
                return
            self.states += 1
            at = path.state.at
        elif node.later is None:  # looked for once no other way is cheaper than to wait
            later = self.instants.after(path.state)[: _FEW_INSTANTS if self.hurried else None]
            node.later = later[::-1]
            if later:
                self._push(node)
            return
        else:
            at = node.later.pop()
        is_first, node.tried = not node.tried, True
        state = State(path.state.account, path.state.features, path.state.events, at)
        here = Path(self._priced(path.cost, at), state, path.taken, instead=path.instead)
        if is_first or node.later:
            self._push(node)
        if self.goal.is_met(self.setting.situation(state, {})):
            self._push(_Node(Path(here.cost, state, here.taken, is_goal=True)))
            return
        if len(path.taken) >= self.bounds.steps:
            self.cut.add("steps")
            return
        if self.goal.asked is not None:
            self._try(node, here, self.goal.asked, is_goal=True)
        guarded: dict[str, list[Value]] = {}
        for asked in self.moves.changes(state):
            if self._try(node, here, asked):
                for name, value in asked.values.items():
                    guarded.setdefault(name, []).append(value)
        if not self.hurried:
            for asked in self.moves.together(guarded):
                self._try(node, here, asked)
        if is_first:
            for name, value in self.moves.obtainable(state):
                self._obtain(here, name, value)

    def _is_known(self, path: Path) -> bool:
        """Whether the state was reached before at no greater cost and no later; a few ways of one cost are kept."""
        reached = self._reached.setdefault(self._key(path.state), [])
        at = path.state.at
        better = sum(each != path.cost and _is_within(each, path.cost) and when <= at for each, when in reached)
        same = sum(each == path.cost for each, _ in reached)
        if better or same >= _PATHS_TO_A_STATE:
            return True
        reached.append((path.cost, at))
        return False

    def _key(self, state: State) -> object:
        """What of a state can matter."""
        facts = self.cone.facts
        account = tuple(value for name, value in sorted(state.account.items()) if f"account.{name}" in facts)
        names = tuple(name for name in sorted(state.account) if f"account.{name}" in facts)
        features = tuple((name, on) for name, on in sorted(state.features.items()) if f"features.{name}" in facts)
        return names, account, features, tuple(each for each in state.events if each[0] in self.cone.counted)

    def _try(self, node: _Node, here: Path, asked: Asked, *, is_goal: bool = False) -> bool:
        """The change, with as little evidence as will do. Whether its own guards let it be, maybe with others."""
        identity = (is_goal, asked.kind, asked.name, tuple(asked.values.items()))
        if identity in node.allowed:
            return True
        least: int | None = None
        passes = False
        for given in self.moves.evidence(asked, here.state):
            if least is not None and len(given) > least:
                break
            step = self._judged(asked, here.state, given)
            passes = passes or all(
                each.outcome == "satisfied" or each.rule.scope != "move" or each.rule.severity != "error"
                for each in step.judged
            )
            if step.verdict != "allow":
                continue
            least = len(given)
            following = self._following(here, asked, given, step, is_goal=is_goal)
            if following is not None:
                self._push(_Node(following))
        if least is None and is_goal and "combinations" in self.cut:
            least = self._by_much_evidence(here, asked)
        if least is not None and (is_goal or not self.cone.timely & set(triggers_of(asked))):
            node.allowed.add(identity)
        return passes

    def _by_much_evidence(self, here: Path, asked: Asked) -> int | None:
        """The goal where it wants more evidence than can be tried in all combinations; how much it is then.

        One fact is told after the other, each so that it refuses nothing; those that prove needless are left out again.
        """
        domains = self.moves.domains(asked, here.state) if self.setting.obtains else {}
        given: dict[str, Value] = {}
        for name, values in domains.items():
            verdicts = {value: self._judged(asked, here.state, {**given, name: value}).verdict for value in values}
            left = [value for value, verdict in verdicts.items() if verdict != "deny"]
            if not left:
                return None
            given[name] = next((value for value in left if verdicts[value] == "allow"), left[0])
        for name in domains:
            without = {other: value for other, value in given.items() if other != name}
            if self._judged(asked, here.state, without).verdict == "allow":
                given = without
        step = self._judged(asked, here.state, given)
        following = self._following(here, asked, given, step, is_goal=True) if step.verdict == "allow" else None
        if following is None:
            return None
        self._push(_Node(following))
        return len(given)

    def _judged(self, asked: Asked, state: State, given: Mapping[str, Value]) -> Step:
        step = self.setting.judge.step(asked, self.setting.situation(state, given), "reference")
        self.judged += len(step.judged) + 1
        return step

    def _following(
        self, here: Path, asked: Asked, given: Mapping[str, Value], step: Step, *, is_goal: bool
    ) -> Path | None:
        """The path with that step; None where it leads nowhere it may."""
        at = here.state.at
        after = self.setting.judge.settled(step)
        made = tuple((move.event, at) for move, applies in step.moves if applies is True)
        if not is_goal and any(applies is None and move.event in self.cone.counted for move, applies in step.moves):
            self.cut.add("unknown")
            return None  # whether it happens is not known: neither is what follows
        if not is_goal and self.goal.throughout != TRUE and evaluate(self.goal.throughout, after) is not True:
            return None
        amounts = [dict(move.cost) for move, applies in step.moves if applies is not False]
        done = later(at, sum(each.get(DAYS, 0) for each in amounts), self.setting.judge)
        state = State(after.records["account"], after.records["features"], (*here.state.events, *made), done)
        taken = (*here.taken, Taken(at, here.state, asked, given))
        amount, steps, assumed, _ = here.cost
        steps, assumed = steps + 1 + len(given), assumed + len(given)
        if self.measure is None:
            amount = steps
        elif self.measure == DAYS:
            amount = self._elapsed(done)
        else:
            amount += sum(each.get(self.measure, 0) for each in amounts)
        return Path((amount, steps, assumed, done), state, taken, is_goal)

    def _obtain(self, here: Path, name: str, value: Value) -> None:
        """Once between two changes; another value may take the place of the first."""
        since = len(here.taken)
        while since and here.taken[since - 1].obtained is not None:
            since -= 1
        if any(each.obtained is not None and each.obtained[0] == name for each in here.taken[since:]):
            self._obtain_instead(here, since, name, value)
            return
        amount, steps, assumed, at = here.cost
        state = State({**here.state.account, name: value}, here.state.features, here.state.events, at)
        cost = (amount + (self.measure is None), steps + 1, assumed + 1, at)
        taken = (*here.taken, Taken(at, here.state, obtained=(name, value)))
        self._push(_Node(Path(cost, state, taken)))

    def _obtain_instead(self, here: Path, since: int, name: str, value: Value) -> None:
        """No change lies between: the value that was to be had before is not needed."""
        if here.instead >= _MOST_INSTEAD:
            return
        state = here.taken[since].before
        kept = [(each.at, each.obtained) for each in here.taken[since:] if each.obtained and each.obtained[0] != name]
        taken = list(here.taken[:since])
        for at, obtained in (*kept, (here.state.at, (name, value))):
            taken.append(Taken(at, State(state.account, state.features, state.events, at), obtained=obtained))
            state = State({**state.account, obtained[0]: obtained[1]}, state.features, state.events, at)
        self._push(_Node(Path(here.cost, state, tuple(taken), instead=here.instead + 1)))


def _is_within(cost: Cost, other: Cost) -> bool:
    """Whether nothing of it is more than of the other."""
    return cost[0] <= other[0] and cost[1] <= other[1] and cost[2] <= other[2]


def _changes(path: Path) -> object:
    """What a plan does, in whatever order; of what is to be obtained any value will do."""
    return sorted(
        repr(
            (
                each.asked and (each.asked.kind, each.asked.name, sorted(each.asked.values.items(), key=repr)),
                sorted(each.given),
                each.obtained and each.obtained[0],
            )
        )
        for each in path.taken
    )
