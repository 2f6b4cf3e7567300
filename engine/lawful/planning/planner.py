"""The way from a question and a goal to a plan, or to the proof that there is none."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lawful.calendar import Instant, Window, expiry
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge
from lawful.ir import FieldDeclaration, Value
from lawful.planning.ahead import Ahead
from lawful.planning.barred import Barred
from lawful.planning.cone import Cone, Cones, requests_read
from lawful.planning.dating import Dating
from lawful.planning.evidence import Evidence
from lawful.planning.goals import Goal
from lawful.planning.moves import MOST_AT_ONCE
from lawful.planning.needed import Needed
from lawful.planning.reach import Reaching, Seen
from lawful.planning.search import Path, Result, Search
from lawful.planning.setting import MOMENT, Bounds, Cut, Setting, Taken, first_state
from lawful.question import Question

MOST_STEPS: Final = 12
YEARS: Final = 10
WORK: Final = 400_000
"""Rules judged for one plan, some ten seconds."""
SECONDS: Final = 20.0
if TYPE_CHECKING:
    from lawful.planning.plan import Status  # `check` looks for remedies, and needs no models of plans

_MOST_TOLD_MISSING: Final = 8
_MOST_VALUES: Final = 8
"""Of facts that are not known, tried one by one."""
_STATES: Final = 8
"""From so many states it can be looked ahead at the least."""


class Options(Struct, frozen=True):
    """How a plan is looked for."""

    measure: str | None = None
    """The name of a cost; None: the number of steps."""
    within: Window | None = None
    before: Instant | None = None
    """All of it earlier than then."""
    max_steps: int = MOST_STEPS
    obtains: bool = True
    work: int = WORK
    seconds: float | None = SECONDS
    alternatives: bool = True


class Outcome(Struct, frozen=True):
    """What came of looking."""

    status: Status
    proved: bool
    paths: tuple[Path, ...]
    cut: frozenset[Cut]
    missing: tuple[tuple[str, ...], ...]
    bounds: Bounds
    barred: Barred | None = None
    """Why there is none, of what can never be."""
    whole: int | None = None
    """Where the work or the time was over: every plan of up to so many steps was looked at."""


class Planner:
    """Plans by one program."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.cones = Cones(judge.rulebook)

    def outcome(self, question: Question, goal: Goal, options: Options, starts: Iterable[Path] = ()) -> Outcome:
        """`starts` are where it begins; without any, the account of the question."""
        quest = self._quest(question, goal, options, starts)
        bounds = quest.bounds
        if not quest.starts[0].taken and goal.is_so_already(
            quest.starts[0].state.account, quest.starts[0].state.features
        ):
            return Outcome("found", True, quest.starts, frozenset(), (), bounds)
        reaching = quest.reaching()
        least = reaching.least()
        unknown = self._unknown(question, quest)
        if least is not None and quest.is_late and (loose := quest.loose(unknown)).is_barred_now():
            return Outcome("none", True, (), frozenset(), (), bounds, Barred.of(loose))
        if least is None:
            missing = self._missing(quest, unknown)
            status: Status = "undetermined" if missing else "none"
            return Outcome(status, status == "none", (), frozenset(), missing, bounds, Barred.of(reaching))
        least = max(least, quest.least_of_facts())
        result = quest.result(least)
        if result.paths:
            surely = quest.is_least(result.paths[0], least) or not result.cut
            return Outcome("found", surely, result.paths, result.cut, (), bounds)
        missing = ()
        if unknown and goal.asked is not None:
            judgement = self.judge.judge(question.asking(goal.asked), "reference")
            missing = self._not_to_be_had(Explanation(self.judge, judgement).missing(), options)
        if missing:
            return Outcome("undetermined", False, (), result.cut, missing, bounds, whole=result.whole)
        if result.cut:
            return Outcome("not found", False, (), result.cut, (), bounds, whole=result.whole)
        missing = self._not_to_be_had([tuple(unknown)], options) if unknown else ()
        if missing and self._is_none_anyway(question, goal, options, quest.starts, missing[0]):
            missing = ()
        return Outcome("undetermined" if missing else "none", not missing, (), frozenset(), missing, bounds)

    def _is_none_anyway(
        self, question: Question, goal: Goal, options: Options, starts: Iterable[Path], missing: tuple[str, ...]
    ) -> bool:
        """Whether it is proved with each of the values that the missing facts have, where there are few of them."""
        fields = {name: each for name, each in self.judge.program.account.items() if f"account.{name}" in missing}
        domains = [_few_values(each) for each in fields.values()]
        if len(fields) < len(missing) or not all(domains) or prod(map(len, domains)) > _MOST_VALUES:
            return False
        if options.seconds is not None:
            options = replace(options, seconds=options.seconds / _MOST_VALUES)
        for values in product(*domains):
            told = dict(zip(fields, values, strict=True))
            begun = [
                replace(path, state=replace(path.state, account={**told, **path.state.account})) for path in starts
            ]
            if self.outcome(question, goal, options, begun).status != "none":
                return False
        return True

    def paths(self, question: Question, goal: Goal, options: Options) -> tuple[Path, ...]:
        """Those of `outcome`, where nobody asks why there are none: which takes longer to say than to see."""
        quest = self._quest(question, goal, options, ())
        if quest.loose().is_barred_now():
            return ()
        least = quest.reaching().least()
        return () if least is None else quest.result(max(least, quest.least_of_facts())).paths

    def _quest(self, question: Question, goal: Goal, options: Options, starts: Iterable[Path]) -> Quest:
        state, bounds = first_state(question), self.bounds(question, options)  # the time begins now
        setting, cone = Setting.of(self.judge, question, obtains=options.obtains), self.cones.of(goal)
        begun = tuple(starts) or (Path((0, 0, 0, state.at), state),)
        seen = Seen(Evidence(setting, self.cones, cone, goal))
        return Quest(
            setting=setting,
            cones=self.cones,
            cone=cone,
            goal=goal,
            options=options,
            bounds=bounds,
            starts=begun,
            needed=Needed.of(setting, self.cones, goal, (path.state for path in begun)),
            ahead=Ahead(setting, self.cones, cone, goal, options.work // _STATES, bounds.deadline, seen),
            dating=Dating.of(setting, cone, state, bounds.until),
        )

    def bounds(self, question: Question, options: Options) -> Bounds:
        """How far is looked, from now on."""
        deadline = None if options.seconds is None else time.monotonic() + options.seconds
        return Bounds(options.max_steps, self.until(question, options), options.work, deadline)

    def until(self, question: Question, options: Options) -> Instant:
        if options.before is not None:
            return options.before - MOMENT
        window = options.within or Window("months", 12 * YEARS)
        return expiry(window, question.at, self.judge.zone) or question.at

    # ------------------------------------------------------------------------------------------- what is not known

    def _unknown(self, question: Question, quest: Quest) -> list[str]:
        """The facts of the cone that nobody told, in order."""
        program, cone, setting, starts = self.judge.program, quest.cone, quest.setting, quest.starts
        known = set(program.account).intersection(*(path.state.account for path in starts))
        found = [f"account.{name}" for name in program.account if name not in known and f"account.{name}" in cone.facts]
        if not all(path.state.features for path in starts) and any(each.startswith("features.") for each in cone.facts):
            found.append("account.features")
        if not setting.obtains:
            found += [f"request.{name}" for name in requests_read(cone.exprs, program) if name not in setting.facts]
        if question.whole_from is None and cone.counted:
            found.append("history")
        return found

    def _missing(self, quest: Quest, unknown: list[str]) -> tuple[tuple[str, ...], ...]:
        """The smallest sets of facts without which there might be a plan."""
        facts = [each for each in unknown if each != "history"]
        if not facts or quest.loose(facts).is_barred_now() or quest.is_barred(facts):
            return ()
        found: list[tuple[str, ...]] = []
        for size in (1, 2):
            for names in combinations(facts, size):
                if any(set(smaller) <= set(names) for smaller in found):
                    continue
                if not quest.is_barred(names):
                    found.append(names)
                if quest.is_late:  # it is not known which of them matter
                    return (tuple(facts),)
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


class Quest(Struct, frozen=True):
    """One search for plans: from where, to what, how far."""

    setting: Setting
    cones: Cones
    cone: Cone
    goal: Goal
    options: Options
    bounds: Bounds
    starts: tuple[Path, ...]
    needed: Needed
    ahead: Ahead
    dating: Dating | None

    def reaching(self, freed: Iterable[str] = ()) -> Reaching:
        """What may be reached at all; `freed` are facts that may be anything."""
        loose = frozenset(freed)
        return Reaching(
            self.setting,
            self.cones,
            self.cone,
            self.goal,
            [path.state for path in self.starts],
            loose,
            most_work=self.options.work,
            deadline=self._but_the_last_quarter(),
            seen=None if loose else self.ahead.seen,
        )

    def loose(self, unknown: Iterable[str] = ()) -> Reaching:
        """Where all that can be moved is anything, and what is unknown: what is barred then is seen in no time."""
        return self.reaching({*self.cone.movable, "history", *unknown})

    def least_of_facts(self) -> int:
        """No plan has fewer steps, of which each moves a fact that is in the way."""
        some = (self.needed.obtains(path.state) + self.needed.sets(path.state, MOST_AT_ONCE) for path in self.starts)
        return min(some) + (self.goal.asked is not None)

    def is_barred(self, freed: Iterable[str]) -> bool:
        """Whether there is no plan, whatever those facts are."""
        return self.reaching(freed).least() is None

    @property
    def _begun(self) -> int:
        """The fewest steps taken where it begins."""
        return min(cost_in_steps(start.taken) for start in self.starts)

    def is_least(self, path: Path, least: int) -> bool:
        """Whether no plan can cost less, where there are at least so many steps from where it begins."""
        if self.options.measure is not None:
            return path.cost[0] == 0  # nothing costs less than nothing
        return cost_in_steps(path.taken) <= least + self._begun

    def result(self, least: int) -> Result:
        """With days of the past in requests only where there is no other way."""
        found = self._result(least)
        if found.paths or self.dating is None or not self.dating.left_out:
            return found
        return replace(self, dating=None)._result(least)

    def _result(self, least: int) -> Result:
        """What is found in a hurry is often as short as can be; else it is there if the whole search does not end."""
        hurry = replace(self.bounds, work=self.bounds.work // 4, deadline=self._soon())
        quick = self._searched(least, hurry, hurried=True, shortest=True)
        if quick.paths and self.is_least(quick.paths[0], least):
            return quick
        if not quick.paths and self.options.measure is not None:  # moves that cost nothing may be gone through for ever
            quick = self._searched(least, replace(hurry, deadline=self._soon()), hurried=False, shortest=True)
        return self._searched(least, self.bounds, hurried=False, known=quick.paths)

    def _searched(
        self, least: int, within: Bounds, *, hurried: bool, shortest: bool = False, known: Iterable[Path] = ()
    ) -> Result:
        return Search(
            self.setting,
            self.cone,
            self.goal,
            within,
            measure=self.options.measure,
            least=least + self._begun,
            needed=self.needed,
            alternatives=self.options.alternatives,
            hurried=hurried,
            shortest=shortest,
            ahead=self.ahead,
            known=known,
            dating=self.dating,
        ).run(self.starts)

    @property
    def is_late(self) -> bool:
        """Whether the time for what may be reached at all is over."""
        until = self._but_the_last_quarter()
        return until is not None and time.monotonic() > until

    def _but_the_last_quarter(self) -> float | None:
        """Of the time, which is for going through states."""
        if self.options.seconds is None or self.bounds.deadline is None:
            return None
        return self.bounds.deadline - self.options.seconds / 4

    def _soon(self) -> float | None:
        """A quarter of the time from now."""
        if self.options.seconds is None or self.bounds.deadline is None:
            return None
        return min(time.monotonic() + self.options.seconds / 4, self.bounds.deadline)


def _few_values(declaration: FieldDeclaration) -> tuple[Value, ...]:
    """All that a field of one of some values, or of yes and no, may be; of others nothing."""
    if declaration.type.kind == "bool":
        return (True, False)
    return declaration.type.values if declaration.type.kind == "enum" else ()


def cost_in_steps(taken: Iterable[Taken]) -> int:
    """Changes, and facts to be obtained for them."""
    return sum(1 + len(each.given) for each in taken)
