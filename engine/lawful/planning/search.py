"""The cheapest plan first: a uniform-cost search over states, by way of the very steps that `check` judges.

A state is the account, its features, what has happened and the instant. From each state the changes of the cone are
tried now and at each later instant at which something of the cone turns. What was reached at a cost and a time no worse
is not gone through again: who is early can wait.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from itertools import chain, count, starmap
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from lawful import calendar
from lawful.calendar import Instant
from lawful.deciding.judging import Step
from lawful.deciding.rulebook import triggers_of
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation
from lawful.ir import TRUE, Value
from lawful.planning.ahead import NEVER, Ahead
from lawful.planning.cone import Cone
from lawful.planning.dating import Dating
from lawful.planning.goals import Goal
from lawful.planning.instants import Instants
from lawful.planning.moves import MOST_AT_ONCE, Moves
from lawful.planning.needed import Needed
from lawful.planning.setting import Bounds, Cut, Setting, State, Taken, later
from lawful.question import Asked

Cost: TypeAlias = tuple[int, int, int, Instant]
"""What is minimised, then steps, then facts to be obtained, then when it is done."""
DAYS: Final = "days"
"""The amount that takes time: the next step is that many days later."""
_MOST_ALTERNATIVES: Final = 3
_WORK_FOR_ALTERNATIVES: Final = 500
_WORK_BEFORE_THE_CLOCK: Final = 200
"""So much is looked at however late it is, in some milliseconds: what is near is found on a busy machine, too."""
_FEW_INSTANTS: Final = 12
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
    whole: int | None = None
    """Where the work or the time was over: every plan of up to so many steps was looked at."""


class _Node(Struct):
    """A path whose continuations are tried at one instant after the other."""

    path: Path
    floor: int = 0
    """By way of it no plan has fewer steps: as was seen from the state before, then from its own."""
    is_seen: bool = False
    """Whether it was looked ahead from its own state."""
    tried: bool = False
    """Whether they were at the path's own instant."""
    later: list[Instant] | None = None
    """The instants still to come, the next one last; None until somebody waits for them."""
    allowed: dict[object, int] = field(default_factory=dict)
    """The changes that were allowed at an earlier instant, and with how much evidence: later they may take less."""
    obtained: set[tuple[str, Value]] = field(default_factory=set)
    """The values that were obtained at an earlier instant."""


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
        needed: Needed | None = None,
        alternatives: bool = True,
        hurried: bool = False,
        shortest: bool = False,
        ahead: Ahead | None = None,
        known: Iterable[Path] = (),
        dating: Dating | None = None,
    ) -> None:
        """`least`: no plan has fewer steps. `hurried`: one field at a time, at the first dates only.

        `known`: plans that were found already: a cheaper one is looked for.

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
        self.needed = needed
        self.ahead = ahead
        self.known = tuple(known)
        self.alternatives = alternatives
        self.cut: set[Cut] = set()
        self.dating = dating
        wished = {} if goal.asked is None else goal.asked.values
        self.moves = Moves(setting, self.cone, self.cut, wished, dating)
        self.instants = Instants(setting, self.cone, bounds, self.cut)
        self.judged = 0
        self._ahead_before = 0 if ahead is None else ahead.work
        self.states = 0
        self._queue: list[tuple[Cost, int, int, _Node]] = []
        self._order = count()
        self._reached: dict[object, list[tuple[Cost, Instant]]] = {}
        self._starts: list[Path] = []

    # ------------------------------------------------------------------------------------------------- the way

    def run(self, starts: Iterable[Path]) -> Result:
        """The cheapest plans from any of the starts."""
        self._starts = [Path(start.cost, start.state, start.taken) for start in starts]
        for start in self._starts:  # of one alone it is known: `least`
            self._push(_Node(start, is_seen=len(self._starts) == 1))
        for path in self.known:
            self._push(_Node(path))
        found: list[Path] = []
        enough = 0
        while self._queue:
            if self._is_over():
                break
            node = heappop(self._queue)[-1]
            if found and (self._is_dearer(node.path, found[0]) or self._spent > enough):
                break
            if node.path.is_goal:
                path = self._lean(node.path)
                if all(self._does(path) != self._does(each) for each in found):
                    found.append(path)
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
            found = [] if there is None else [self._lean(there[-1].path)]
        cut = frozenset[Cut]() if found and not self._doubtful() else frozenset(self.cut)
        return Result(tuple(found), cut, self.states, self._whole())

    def _whole(self) -> int | None:
        """Up to how many steps every plan was looked at, where there was no end of them."""
        if not self.by_steps or not self.cut & {"work", "time"} or not self._queue:
            return None
        return max(self._queue[0][0][1] - 1, 0)

    def _is_dearer(self, path: Path, found: Path) -> bool:
        return self._promised(path.cost, path)[:3] > self._promised(found.cost, found)[:3]

    def _doubtful(self) -> bool:
        """Whether a cheaper plan than those found may have been passed over."""
        harmless: set[Cut] = {"steps"} if self.measure is None else set()  # a longer plan may cost less
        return bool(self.cut - harmless)

    def _does(self, path: Path) -> object:
        """What a plan does, in whatever order; of what is obtained, or has an order, any value that serves will do."""
        account = self.setting.judge.program.account

        def of_set(name: str, value: Value) -> object:
            return name, value if account[name].type.kind in ("bool", "enum", "set") else None

        return Counter(
            (
                each.asked
                and (each.asked.kind, each.asked.name, frozenset(starmap(of_set, each.asked.values.items()))),
                frozenset(each.given),
                each.obtained and each.obtained[0],
            )
            for each in path.taken
        )

    def _lean(self, path: Path) -> Path:
        """Without the fields that are set, and the facts that are obtained, for nothing."""
        begun = len(self._start_of(path.taken).taken)
        for index, each in enumerate(path.taken):
            if index < begun:
                continue
            without: list[tuple[Taken, ...]] = []
            if each.obtained is not None:
                without = [()]
            elif each.asked is not None and len(each.asked.values) > 1 and each.asked is not self.goal.asked:
                fewer = ({n: v for n, v in each.asked.values.items() if n != name} for name in each.asked.values)
                without = [(replace(each, asked=Asked("set", "", values)),) for values in fewer]
            for instead in without:
                leaner = self._again(path, (*path.taken[:index], *instead, *path.taken[index + 1 :]))
                if leaner is not None:
                    return self._lean(leaner)
        return path

    def _again(self, path: Path, taken: tuple[Taken, ...]) -> Path | None:
        """The path that those steps are, at the same instants; None where they do not lead to the goal."""
        start = self._start_of(taken)
        here = start
        for each in taken[len(start.taken) :]:
            state = State(here.state.account, here.state.features, here.state.events, each.at)
            here = Path(self._priced(here.cost, each.at), state, here.taken)
            if each.obtained is not None:
                here = self._with(here, *each.obtained)
                continue
            assert each.asked is not None  # a step is a change or this
            step = self._judged(each.asked, state, each.given)
            is_goal = self.goal.asked is not None and each is taken[-1]
            if is_goal and not self._may_ask(state):
                return None
            following = self._following(here, each.asked, each.given, step, is_goal=is_goal)
            if step.verdict != "allow" or following is None:
                return None
            here = following
        if self.goal.asked is None:
            state = State(here.state.account, here.state.features, here.state.events, path.state.at)
            here = Path(self._priced(here.cost, state.at), state, here.taken, is_goal=True)
            return here if self.goal.is_met(self.setting.situation(state, {})) else None
        return here if here.is_goal else None

    def _start_of(self, taken: tuple[Taken, ...]) -> Path:
        """Where those steps begin."""
        starts = [each for each in self._starts if taken[: len(each.taken)] == each.taken]
        return max(starts, key=lambda each: len(each.taken))

    @property
    def _spent(self) -> int:
        """Work, in rules judged."""
        ahead = 0 if self.ahead is None else self.ahead.work - self._ahead_before
        return self.judged + self.instants.work + self.moves.work + ahead

    def _is_over(self) -> bool:
        if self._spent > self.bounds.work:
            self.cut.add("work")
            return True
        deadline = self.bounds.deadline
        if deadline is not None and self._spent > _WORK_BEFORE_THE_CLOCK and time.monotonic() > deadline:
            self.cut.add("time")
            return True
        return False

    def _push(self, node: _Node) -> None:
        cost = node.path.cost
        if node.later:
            cost = self._priced(cost, node.later[-1])
        promised = self._promised(cost, node.path, node.floor)
        if self.hurried:  # on from where most is done already: any plan will do
            promised = (promised[0], promised[1], -cost[1], promised[3])
        heappush(self._queue, (promised, -cost[1], next(self._order), node))

    def _promised(self, cost: Cost, path: Path, floor: int = 0) -> Cost:
        """What any plan by way of it costs at the least; of two that promise the same the longer one is nearer."""
        if path.is_goal:
            steps, assumed = max(cost[1], self.least), cost[2]
        else:
            obtained, others = self._still(path.state)
            steps, assumed = max(cost[1] + obtained + others, self.least, floor), cost[2] + obtained
        return (steps if self.by_steps else cost[0]), steps, assumed, cost[3]

    def _still(self, state: State) -> tuple[int, int]:
        """The facts that are still to be obtained, and the other steps that there still are, at the least."""
        asked = self.goal.asked is not None
        if self.needed is None:
            return 0, int(asked)
        return self.needed.obtains(state), self.needed.sets(state, 1 if self.hurried else MOST_AT_ONCE) + asked

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
            if not node.is_seen and not self._looks_ahead(node):
                return
            if self._is_known(path):
                return
            self.states += 1
            at = path.state.at
        elif node.later is None:  # looked for once no other way is cheaper than to wait
            later = self._later(path.state)[: _FEW_INSTANTS if self.hurried else None]
            node.later = later[::-1]
            if later:
                self._push(node)
            return
        else:
            at = node.later.pop()
        is_first, node.tried = not node.tried, True
        state = State(path.state.account, path.state.features, path.state.events, at)
        here = Path(self._priced(path.cost, at), state, path.taken, instead=path.instead)
        if not self._stays(self.setting.situation(state, {})):
            return  # by waiting: it does not hold of any later instant without having been lost
        if is_first or node.later:
            self._push(node)
        if self.goal.is_met(self.setting.situation(state, {})):
            self._push(_Node(Path(here.cost, state, here.taken, is_goal=True)))
            return
        if len(path.taken) >= self.bounds.steps:
            self.cut.add("steps")
            return
        if self.goal.asked is not None and self._may_ask(state):
            self._try(node, here, self.goal.asked, is_goal=True)
        guarded: dict[str, list[Value]] = {}
        for asked in self.moves.changes(state):
            if self._try(node, here, asked):
                for name, value in asked.values.items():
                    guarded.setdefault(name, []).append(value)
        if not self.hurried:
            for asked in chain(self.moves.together(guarded), self.moves.suited(state)):
                self._try(node, here, asked)
        for name, value in self.moves.obtainable(state):
            if (name, value) not in node.obtained:  # what turns with time is worth other values later
                node.obtained.add((name, value))
                self._obtain(here, name, value, node.floor)

    def _later(self, state: State) -> list[Instant]:
        """When it is worth asking again, in order."""
        found = self.instants.after(state)
        aged = set() if self.dating is None else self.dating.after(state.at)
        return sorted({*found, *aged}) if aged else found

    def _looks_ahead(self, node: _Node) -> bool:
        """Whether it is still the next to go on from, once it is known how far it is from there at the least."""
        node.is_seen = True
        if self.ahead is None:
            return True
        path = node.path
        still = self.ahead.steps(path.state, self._key(path.state))
        if still == NEVER:
            return False
        if len(path.taken) + still > self.bounds.steps:
            self.cut.add("steps")
            return False
        if path.cost[1] + still <= node.floor:
            return True
        node.floor = path.cost[1] + still
        self._push(node)
        return False

    def _may_ask(self, state: State) -> bool:
        """Whether it is a state in which the goal's change is wanted."""
        return self.goal.holds == TRUE or evaluate(self.goal.holds, self.setting.situation(state, {})) is True

    def _stays(self, situation: Situation) -> bool:
        """Whether what must hold throughout does."""
        return self.goal.throughout == TRUE or evaluate(self.goal.throughout, situation) is True

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
        """What of a state can matter: of events that never count less, how many there were; of the others when."""
        facts = self.cone.facts
        account = tuple(value for name, value in sorted(state.account.items()) if f"account.{name}" in facts)
        names = tuple(name for name in sorted(state.account) if f"account.{name}" in facts)
        features = tuple((name, on) for name, on in sorted(state.features.items()) if f"features.{name}" in facts)
        dated, numbers = [], dict[str, int]()
        for name, at in state.events:
            if name in self.cone.in_windows:
                dated.append((name, at))
            elif name in self.cone.counted:
                numbers[name] = numbers.get(name, 0) + 1
        return names, account, features, tuple(sorted(dated)), tuple(sorted(numbers.items()))

    def _try(self, node: _Node, here: Path, asked: Asked, *, is_goal: bool = False) -> bool:
        """The change, with as little evidence as will do. Whether its own guards let it be, maybe with others."""
        identity = (is_goal, asked.kind, asked.name, tuple(asked.values.items()))
        before = node.allowed.get(identity)
        least: int | None = None
        passes = before is not None
        for given in self.moves.evidence(asked, here.state) if before != 0 else ():
            if (least is not None and len(given) > least) or (before is not None and len(given) >= before):
                break
            step = self._judged(asked, here.state, given)
            passes = passes or all(
                each.outcome == "satisfied" or each.rule.scope != "move" or each.rule.severity != "error"
                for each in step.judged
            )
            following = self._following(here, asked, given, step, is_goal=is_goal) if step.verdict == "allow" else None
            if following is None:
                continue
            least = len(given)
            self._push(_Node(following, node.floor))
            if not given:
                break
        if least is None and before is None and is_goal and "combinations" in self.cut:
            least = self._by_much_evidence(here, asked)
        if least is not None and not is_goal and self.cone.timely & set(triggers_of(asked)):
            self.cut.add("dates")  # on another day it may leave something else
        elif least is not None:
            node.allowed[identity] = least
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
        perhaps = {move.event for move, applies in step.moves if applies is None} & self.cone.counted
        if perhaps and not is_goal:
            self.cut.add("unknown")
            if perhaps & self.cone.wanted:
                return None  # whether it happens is not known: neither is what follows
        # what only limits count is taken to have happened: they allow no more then
        made = tuple((move.event, at) for move, applies in step.moves if applies is True or move.event in perhaps)
        if not is_goal and not self._stays(after):
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

    def _obtain(self, here: Path, name: str, value: Value, floor: int) -> None:
        """Once between two changes; another value may take the place of the first."""
        since = len(here.taken)
        while since and here.taken[since - 1].obtained is not None:
            since -= 1
        if any(each.obtained is not None and each.obtained[0] == name for each in here.taken[since:]):
            self._obtain_instead(here, since, name, value)
            return
        self._push(_Node(self._with(here, name, value), floor))

    def _with(self, here: Path, name: str, value: Value) -> Path:
        """The path with that fact obtained."""
        amount, steps, assumed, at = here.cost
        state = State({**here.state.account, name: value}, here.state.features, here.state.events, at)
        cost = (amount + (self.measure is None), steps + 1, assumed + 1, at)
        return Path(cost, state, (*here.taken, Taken(at, here.state, obtained=(name, value))))

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
