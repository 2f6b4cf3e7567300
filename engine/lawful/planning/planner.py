"""The way from a question and a goal to a plan, or to the proof that there is none."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from lawful.calendar import Instant, Window, expiry
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge
from lawful.planning.cone import Cone, Cones, requests_read
from lawful.planning.goals import Goal
from lawful.planning.reach import Reach, Reaching
from lawful.planning.search import Path, Result, Search, counted
from lawful.planning.setting import Bounds, Cut, Setting, Taken, first_state
from lawful.question import Question

MOST_STEPS: Final = 12
YEARS: Final = 10
WORK: Final = 400_000
"""Rules judged for one plan, some ten seconds."""
SECONDS: Final = 20.0
if TYPE_CHECKING:
    from lawful.planning.plan import Status  # `check` looks for remedies, and needs no models of plans

_MOST_TOLD_MISSING: Final = 8


@dataclass(frozen=True, slots=True)
class Options:
    """How a plan is looked for."""

    measure: str | None = None
    """The name of a cost; None: the number of steps."""
    within: Window | None = None
    max_steps: int = MOST_STEPS
    obtains: bool = True
    work: int = WORK
    seconds: float | None = SECONDS
    alternatives: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of looking."""

    status: Status
    proved: bool
    paths: tuple[Path, ...]
    cut: frozenset[Cut]
    reach: Reach
    missing: tuple[tuple[str, ...], ...]
    bounds: Bounds


class Planner:
    """Plans by one program."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.cones = Cones(judge.rulebook)

    def outcome(self, question: Question, goal: Goal, options: Options, starts: Iterable[Path] = ()) -> Outcome:
        """`starts` are where it begins; without any, the account of the question."""
        setting = Setting.of(self.judge, question, obtains=options.obtains)
        state = first_state(question)
        paths = tuple(starts) or (Path((0, 0, 0, state.at), state),)
        deadline = None if options.seconds is None else time.monotonic() + options.seconds
        bounds = Bounds(options.max_steps, self._until(question, options), options.work, deadline)
        if not paths[0].taken and goal.is_so_already(state.account, state.features):
            return Outcome("found", True, paths, frozenset(), Reach(0), (), bounds)
        cone = self.cones.of(goal)
        states = [path.state for path in paths]
        reaching = Reaching(setting, self.cones, cone, goal, states, most_work=options.work)
        reach = reaching.reach()
        unknown = self._unknown(question, cone, setting, paths)
        if reach.least is None:
            missing = self._missing(reaching, unknown)
            status: Status = "undetermined" if missing else "none"
            return Outcome(status, status == "none", (), frozenset(), reach, missing, bounds)
        least = reach.least + min(cost_in_steps(path.taken) for path in paths)

        def search(within: Bounds, *, hurried: bool, shortest: bool = False) -> Result:
            return Search(
                setting,
                self.cones,
                cone,
                goal,
                within,
                measure=options.measure,
                least=least,
                alternatives=options.alternatives,
                hurried=hurried,
                shortest=shortest,
            ).run(paths)

        # What is found in a hurry is often as short as it can be; else it is there if the whole search comes to no end.
        hurry = replace(bounds, work=bounds.work // 4, deadline=_soon(options.seconds))
        quick = search(hurry, hurried=True, shortest=True)
        if quick.paths and options.measure is None and cost_in_steps(quick.paths[0].taken) <= least:
            result = quick
        else:
            if not quick.paths and options.measure is not None:  # moves that cost nothing may be gone through for ever
                quick = search(replace(hurry, deadline=_soon(options.seconds)), hurried=False, shortest=True)
            result = search(bounds, hurried=False)
            if not result.paths and quick.paths:
                result = Result(_cheapest(quick.paths), result.cut, result.states)
        return self._concluded(question, goal, options, result, reach, unknown, bounds, paths)

    def _concluded(
        self,
        question: Question,
        goal: Goal,
        options: Options,
        result: Result,
        reach: Reach,
        unknown: list[str],
        bounds: Bounds,
        starts: tuple[Path, ...],
    ) -> Outcome:
        if result.paths:
            steps = cost_in_steps(result.paths[0].taken)
            begun = min(cost_in_steps(path.taken) for path in starts)
            least = options.measure is None and reach.least is not None and steps <= reach.least + begun
            return Outcome("found", least or not result.cut, result.paths, result.cut, reach, (), bounds)
        missing: tuple[tuple[str, ...], ...] = ()
        if unknown and goal.asked is not None:
            judgement = self.judge.judge(question.asking(goal.asked), "reference")
            missing = self._not_to_be_had(Explanation(self.judge, judgement).missing(), options)
        if missing:
            return Outcome("undetermined", False, (), result.cut, reach, missing, bounds)
        proved = not result.cut and not unknown
        return Outcome("none" if proved else "not found", proved, (), result.cut, reach, (), bounds)

    def _until(self, question: Question, options: Options) -> Instant:
        window = options.within or Window("months", 12 * YEARS)
        return expiry(window, question.at, self.judge.zone) or question.at

    # ------------------------------------------------------------------------------------------- what is not known

    def _unknown(self, question: Question, cone: Cone, setting: Setting, starts: Iterable[Path]) -> list[str]:
        """The facts of the cone that nobody told, in order."""
        program = self.judge.program
        known = set(program.account).intersection(*(path.state.account for path in starts))
        found = [f"account.{name}" for name in program.account if name not in known and f"account.{name}" in cone.facts]
        if not all(path.state.features for path in starts) and any(each.startswith("features.") for each in cone.facts):
            found.append("account.features")
        if not setting.obtains:
            found += [f"request.{name}" for name in requests_read(cone.exprs, program) if name not in setting.facts]
        if question.whole_from is None and counted(cone, setting):
            found.append("history")
        return found

    def _missing(self, reaching: Reaching, unknown: list[str]) -> tuple[tuple[str, ...], ...]:
        """The smallest sets of facts without which there might be a plan."""
        facts = [each for each in unknown if each != "history"]
        if not facts or self._bars(reaching, facts):
            return ()
        found: list[tuple[str, ...]] = []
        for size in (1, 2):
            for names in combinations(facts, size):
                if any(set(smaller) <= set(names) for smaller in found):
                    continue
                if not self._bars(reaching, names):
                    found.append(names)
            if len(found) >= _MOST_TOLD_MISSING:
                break
        return tuple(found[:_MOST_TOLD_MISSING]) or (tuple(facts),)

    def _not_to_be_had(self, missing: Iterable[tuple[str, ...]], options: Options) -> tuple[tuple[str, ...], ...]:
        """Without what a plan may have obtained."""
        if not options.obtains:
            return tuple(missing)
        outside = {f"account.{name}" for name, each in self.judge.program.account.items() if each.motion == "outside"}
        left = (
            tuple(fact for fact in facts if fact not in outside and not fact.startswith("request."))
            for facts in missing
        )
        return tuple(dict.fromkeys(facts for facts in left if facts))

    def _bars(self, reaching: Reaching, freed: Iterable[str]) -> bool:
        other = Reaching(
            reaching.setting, reaching.cones, reaching.cone, reaching.goal, reaching.starts, frozenset(freed)
        )
        return other.reach().least is None


def _soon(seconds: float | None) -> float | None:
    """A quarter of the time from now."""
    return None if seconds is None else time.monotonic() + seconds / 4


def _cheapest(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Of several the one that costs least, and those that cost the same."""
    ordered = sorted(paths, key=lambda path: path.cost)
    return tuple(path for path in ordered if path.cost[:3] == ordered[0].cost[:3])


def cost_in_steps(taken: Iterable[Taken]) -> int:
    """Changes, and facts to be obtained for them."""
    return sum(1 + len(each.given) for each in taken)
