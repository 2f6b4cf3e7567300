"""Which type of account serves the needs: each type tried, with the reasons against it and the way to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Final, TypeAlias

from msgspec.structs import replace

from lawful import values
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Engine
from lawful.deciding.justifying import told
from lawful.decision import PolicyNamed, Reason
from lawful.decision import Text as Told
from lawful.diagnostics import Problem, RequestError, near
from lawful.ir import BOOL, TRUE, Compare, Constant, Expr, Field, Period, Program, Value, conjunction, entitlement
from lawful.planning.apart import Apartness, apart_of
from lawful.planning.cone import requests_read
from lawful.planning.goals import Goal
from lawful.planning.instants import Instants
from lawful.planning.keeping import Rates
from lawful.planning.moves import Moves
from lawful.planning.needs import Need
from lawful.planning.plan import Apart, Choice, Choosable, Plan, Served, Status
from lawful.planning.planner import Options, Outcome, Planner
from lawful.planning.reach import Reaching
from lawful.planning.search import Path
from lawful.planning.setting import Cut, Setting, State, Taken, first_state, question_of
from lawful.planning.telling import PlanTeller, refusals
from lawful.planning.together import Shared, Together
from lawful.question import EARLIEST, Asked, Question

_WORK_FOR_A_SHORTER: Final = 20_000
"""Rules judged to find a shorter way where there is one."""
_LEAST_SHARE: Final = 0.1
"""Of the time, for what is left when it is over."""
_WORST: tuple[Status, ...] = ("none", "undetermined", "not found", "found")
Missing: TypeAlias = tuple[tuple[str, ...], ...]
REGISTER = Asked("register", "", {})


def type_field(program: Program, wanted: str | None) -> str:
    """The field whose values are the types of account. Raises RequestError."""
    cycles = list(program.lifecycles)
    if wanted is not None and wanted not in cycles:
        help = (
            near(str(wanted), cycles) or f"the fields with a life cycle are {', '.join(f'`{each}`' for each in cycles)}"
        )
        raise RequestError([Problem("by", f"`{wanted}` is no field with a life cycle", help if cycles else None)])
    if not cycles:
        raise RequestError(
            [Problem("by", "the policy has no field with a life cycle: there are no types to choose from")]
        )
    return wanted or ("type" if "type" in cycles else cycles[0])


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why an account cannot be registered with a value, or is not known to be."""

    rules: tuple[str, ...]
    why: tuple[Told, ...]
    missing: Missing = ()
    """What it depends on; without any it surely cannot."""
    otherwise: Path | None = None
    """Where it begins if that turns out well."""
    for_ever: bool = True
    """Whether it stays so whatever the date is."""


class Chooser:
    """Compares the types of one question; without an `existing` account it begins with a registration."""

    def __init__(
        self,
        planner: Planner,
        question: Question,
        named: PolicyNamed,
        options: Options,
        engine: Engine,
        *,
        existing: bool,
    ) -> None:
        self.planner = planner
        self.judge = planner.judge
        self.program = planner.judge.program
        if not existing:
            question = unregistered(question, self.program)
        elif not question.features:  # who asks how to get a feature does not have it
            question = replace(question, features=dict.fromkeys(self.program.features, False))
        self.question = question
        self.options = options
        self.named = named
        self.existing = existing
        self.setting = Setting.of(self.judge, question, obtains=options.obtains)
        self.teller = PlanTeller(planner, question, named, options, engine)
        self._refusals: Mapping[str, _Refused] = {}
        """Why an account cannot be registered with each type that was tried."""
        self._deadline: float | None = None
        """When the time for one type is over."""
        self._apartness = Apartness(self.judge, self.setting, question, self._way_to)
        self._known: dict[object, tuple[tuple[Path, ...], Outcome]] = {}
        """What was looked for, and from where."""

    def choice(self, needs: Sequence[Need], field: str) -> Choice:
        begin, seconds = time.monotonic(), self.options.seconds
        starts, refused = self._starts(field)
        self._refusals = refused
        types = self._values(field)
        options = []
        for index, value in enumerate(types):
            if seconds is not None:  # they are for all that is looked for; what one type leaves is for the others
                share = max(begin + seconds - time.monotonic(), _LEAST_SHARE * seconds) / (len(types) - index)
                self._deadline = time.monotonic() + share
                self.options = replace(self.options, seconds=share / 2)
            options.append(self._option(value, needs, field, starts, refused))
        serving = [each for each in options if each.status == "found"]
        serving.sort(key=lambda each: _price(each.plan))
        status: Status = max((each.status for each in options), key=_WORST.index, default="none")
        open_ones = [each.plan for each in options if each.status == "undetermined" and each.plan is not None]
        missing = dict.fromkeys(facts for plan in open_ones for facts in plan.missing)
        return Choice(
            policy=self.named,
            at=values.written(self.question.at, self.judge.zone),
            field=field,
            needs=tuple(each.text for each in needs),
            status=status,
            chosen=tuple(each.value for each in serving),
            missing=() if serving else _smallest(tuple(missing)),
            options=tuple(options),
        )

    def _values(self, field: str) -> tuple[str, ...]:
        return self.program.account[field].type.values

    # -------------------------------------------------------------------------------------------------- where from

    def _starts(self, field: str) -> tuple[list[Path], dict[str, _Refused]]:
        """The account as it is; without one, an account of every type that it may be registered as."""
        if self.existing:
            state = first_state(self.question)
            return [Path((0, 0, 0, state.at), state)], {}
        starts: list[Path] = []
        refused: dict[str, _Refused] = {}
        known = self._filled(self.question.account.known())
        wanted = known.get(field)
        for value in self._values(field):
            if wanted is not None and value != wanted:
                continue
            state = State({**known, field: value}, self.question.features, (), self.question.at)
            path, unsettled = self._registered(state)
            later, for_ever = (
                (None, True) if path is not None or unsettled is not None else self._registered_later(state)
            )
            begun = path or later
            if begun is not None:
                starts.append(begun)
            else:
                refused[value] = replaced(self._refusal(state, unsettled), for_ever=for_ever)
        return starts, refused

    def _filled(self, known: dict[str, Value]) -> dict[str, Value]:
        """With the value of each life cycle that there is but one to begin with."""
        for name, cycle in self.program.lifecycles.items():
            if name not in known and len(cycle.initial) == 1:
                known = {**known, name: cycle.initial[0]}
        return known

    def _registered(self, state: State) -> tuple[Path | None, Mapping[str, Value] | None]:
        """How it is registered, with the least evidence; else with what evidence it is still open, if with any."""
        cut: set[Cut] = set()
        moves = Moves(self.setting, self.planner.cones.of(Goal(REGISTER)), cut)
        most = len(moves.wanted(REGISTER)) if self.setting.obtains else 0
        unsettled: Mapping[str, Value] | None = None
        for given in moves.evidence(REGISTER, state):
            step = self.judge.step(REGISTER, self.setting.situation(state, given), "reference")
            if step.verdict == "undetermined" and unsettled is None and (cut or len(given) == most):
                unsettled = given  # with less of it, what is open may be what was left out
            if step.verdict == "allow":
                events = tuple((move.event, state.at) for move, applies in step.moves if applies is not False)
                after = State(self.judge.settled(step).records["account"], state.features, events, state.at)
                amount = sum(
                    dict(move.cost).get(self.options.measure or "", 0)
                    for move, applies in step.moves
                    if applies is not False
                )
                steps = 1 + len(given)
                cost = (steps if self.options.measure is None else amount, steps, len(given), state.at)
                return Path(cost, after, (Taken(state.at, state, REGISTER, given),)), None
        return None, unsettled

    def _registered_later(self, state: State) -> tuple[Path | None, bool]:
        """How it is registered at the first later instant that is found; else whether it surely never is."""
        goal = Goal(REGISTER)
        cone = self.planner.cones.of(goal)
        asked = (f"request.{name}" for name in self.program.request) if self.options.obtains else ()
        reaching = Reaching(self.setting, self.planner.cones, cone, goal, [state], frozenset(asked))
        if reaching.is_barred_now():
            return None, True
        instants = Instants(self.setting, cone, self.planner.bounds(self.question, self.options), set())
        for at in instants.after(state):
            path, _ = self._registered(replace(state, at=at))
            if path is not None:
                return path, False
        return None, False

    def _refusal(self, state: State, unsettled: Mapping[str, Value] | None) -> _Refused:
        taken = Taken(state.at, state, REGISTER, unsettled or {})
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
        explanation = Explanation(self.judge, judgement)
        reasons = refusals(explanation.reasons())
        rules, why = tuple(each.rule for each in reasons), tuple(each.explanation for each in reasons)
        if unsettled is None:
            return _Refused(rules, why)
        after = self.judge.settled(judgement.steps[0])
        registered = State(after.records["account"], state.features, (), state.at)
        return _Refused(rules, why, explanation.missing(), Path((1, 1, 0, state.at), registered, (taken,)))

    # ----------------------------------------------------------------------------------------------------- one type

    def _option(
        self, value: str, needs: Sequence[Need], field: str, starts: list[Path], refused: Mapping[str, _Refused]
    ) -> Choosable:
        """What it comes to depends on the registrations that are still open, where they would make a difference."""
        surely = self._option_from(value, needs, field, starts, refused.get(value))
        if not all(each.for_ever for each in refused.values()):
            surely = _doubted(surely)
        unsettled = [each for each in refused.values() if each.otherwise is not None]
        settled = surely.status == "found" or (surely.status == "undetermined" and value not in refused)
        if settled or not unsettled:
            return surely
        begun = [each.otherwise for each in unsettled if each.otherwise is not None]
        maybe = self._option_from(value, needs, field, [*starts, *begun], None, settled=False)
        if maybe.status not in ("found", "undetermined") or maybe.plan is None:
            return maybe
        first = dict.fromkeys(facts for each in unsettled for facts in each.missing)
        missing = _smallest(
            [
                *(surely.plan.missing if surely.plan is not None else ()),
                *(_united(facts, more) for facts in first for more in maybe.plan.missing or ((),)),
            ]
        )
        reason = refused.get(value) or unsettled[0]
        return Choosable(
            value=value,
            title=maybe.title,
            status="undetermined",
            rules=reason.rules,
            why=reason.why,
            plan=maybe.plan.model_copy(update={"missing": missing}),
        )

    def _option_from(
        self,
        value: str,
        needs: Sequence[Need],
        field: str,
        starts: list[Path],
        refused: _Refused | None,
        *,
        settled: bool = True,
    ) -> Choosable:
        """Where it is not `settled` that it begins from the starts, no way from them is told."""
        is_type = Compare(
            "==",
            Field("account", field, self.program.account[field].type),
            Constant(value, self.program.account[field].type),
        )
        features = [expr for need in needs if need.feature is not None for expr in self._having(need.feature)]
        title = told(self.program.account[field].values.get(value))
        there = self._there(Goal(None, is_type), Asked("set", "", {field: value}), starts)
        if not there.paths:
            plan = self.teller.plan(Goal(None, is_type), there) if starts else None
            barred = refused if refused is not None else self._never(value, field, starts)
            status = there.status if starts else ("none" if refused is not None else there.status)
            return Choosable(value=value, title=title, status=status, rules=barred.rules, why=barred.why, plan=plan)
        answers = [self._served(need, field, is_type, there.paths[0], starts) for need in needs]
        served = tuple(each for each, _ in answers)
        goal = Goal(None, conjunction([is_type, *features]))
        joint = self._joint(goal, is_type, needs, there, starts)
        apart: tuple[Apart, ...] = ()
        if all(each.status == "found" for each in served):
            rates = self._rates(field, starts)
            apart = self._apartness.by_limits(needs, Shared(rates, there.paths[0].state))
            if apart:
                joint = Outcome("none", True, (), frozenset(), (), joint.bounds)
            elif joint.paths:
                joint, apart = self._with_rates(self._with_actions(joint, needs, goal, starts), needs, goal, rates)
        whole = joint.status if joint.paths or joint.status != "none" else "none"
        status = min((whole, *(each.status for each in served)), key=_WORST.index)
        if joint.paths and (status == "undetermined" or not settled):
            missing = _smallest([facts for _, each in answers for facts in each])
            joint = replace(joint, status="undetermined", proved=False, paths=(), missing=missing)
        is_apart = status in ("none", "not found") or (status == "undetermined" and settled)
        if not apart and is_apart and all(each.status == "found" for each in served):
            apart = self._apartness.apart(needs, is_type, there.paths[0], starts)
        plan = self.teller.plan(goal, joint)
        return Choosable(value=value, title=title, status=status, needs=served, apart=apart, plan=plan)

    def _there(self, goal: Goal, asked: Asked, starts: Sequence[Path]) -> Outcome:
        """How an account comes to be of the type: it is registered so, or becomes so from where one was."""
        begun = [start for start in starts if goal.is_met(self.setting.situation(start.state, {}))]
        if begun:
            return self._outcome(goal, begun[:1])
        each = [self._looked(Goal(asked), self._briefly, [start]) for start in starts]
        found = [outcome for outcome in each if outcome.paths]
        if found:
            return min(found, key=lambda outcome: outcome.paths[0].cost)
        return self._outcome(goal, starts)

    def _joint(
        self, goal: Goal, is_type: Expr, needs: Sequence[Need], there: Outcome, starts: Sequence[Path]
    ) -> Outcome:
        """The way to all the features: one after the other, or as is found when all are looked for at once."""
        path: Path | None = there.paths[0]
        for need in needs:
            if path is None or need.feature is None or path.state.features.get(need.feature) is True:
                continue
            further = self._looked(Goal(need.asked, TRUE, is_type), self._briefly, [path])
            path = further.paths[0] if further.paths else None
        if path is None or not goal.is_met(self.setting.situation(path.state, {})):
            return self._outcome(goal, starts)
        options = self._briefly
        if options.measure is None:
            options = replace(options, work=min(options.work, _WORK_FOR_A_SHORTER))
        at_once = self._looked(goal, options, starts)
        if at_once.paths and at_once.paths[0].cost <= path.cost:
            return at_once
        return Outcome("found", False, (path,), at_once.cut, (), at_once.bounds)

    def _outcome(self, goal: Goal, starts: Sequence[Path]) -> Outcome:
        if not starts:
            bounds = self.planner.bounds(self.question, self.options)
            return Outcome("none", True, (), frozenset(), (), bounds)
        return self._looked(goal, self.options, starts)

    def _never(self, value: str, field: str, starts: Sequence[Path]) -> _Refused:
        """What keeps an account from becoming one of that type."""
        if not starts:
            return next(iter(self._refusals.values()), _Refused((), ()))
        if not self.existing:
            return self._refused_of(value, field, starts)
        outcome = self._looked(Goal(Asked("set", "", {field: value})), self.options)
        plan = self.teller.plan(Goal(Asked("set", "", {field: value})), outcome)
        return _Refused(plan.rules, plan.why)

    def _refused_of(self, value: str, field: str, starts: Sequence[Path]) -> _Refused:
        """What refuses the change to it of an account that was registered, as one of a type that leads there."""
        steps = [move.step for move in self.program.moves if move.step is not None and move.step.field == field]
        sources = [source for step in steps if value in step.targets for source in step.sources]
        begun = starts[0].state
        for source in dict.fromkeys((*sources, begun.account.get(field))):
            state = replace(begun, account={**begun.account, field: source} if source is not None else begun.account)
            taken = Taken(state.at, state, Asked("set", "", {field: value}))
            judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
            reasons = refusals(Explanation(self.judge, judgement).reasons())
            if reasons:
                return _Refused(tuple(each.rule for each in reasons), tuple(each.explanation for each in reasons))
        return _Refused((), ())

    def _served(
        self, need: Need, field: str, is_type: Expr, path: Path, starts: Sequence[Path]
    ) -> tuple[Served, Missing]:
        """Whether an account comes to it while it is of the type; else what of it is not known.

        First from where it becomes one by the shortest way; then from the beginning, for what must be done before.
        """
        goal = Goal(need.asked, TRUE, is_type)
        if goal.is_so_already(path.state.account, path.state.features):
            return Served(need=need.text, status="found"), ()
        anyhow = Goal(need.asked, is_type)
        if need.feature is not None:
            anyhow = Goal(None, conjunction([is_type, *self._having(need.feature)]))
        if need.per is not None:
            rates = self._rates(field, starts)
            kept = rates.kept(need, goal, anyhow, path)
            if kept.status == "found":
                return Served(need=need.text, status="found"), ()
            return _refused(need, kept.status, kept.reasons, kept.missing, kept.cut), kept.missing
        if self._looked(goal, self._briefly, [path]).paths:
            return Served(need=need.text, status="found"), ()
        outcome = self._looked(anyhow, self.options, starts)
        if not outcome.paths:
            taken = Taken(path.state.at, path.state, need.asked)
            judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
            reasons = refusals(Explanation(self.judge, judgement).reasons())
            return _refused(need, outcome.status, reasons, outcome.missing, outcome.cut), outcome.missing
        return Served(need=need.text, status="found"), ()

    def _having(self, feature: str) -> list[Expr]:
        """That the account has it, and may: what is left of it on record when the right to it has lapsed is no use."""
        required = [
            entitlement(rule)
            for rule in self.program.rules
            if (rule.scope, rule.subject, rule.severity) == ("feature", feature, "error")
            and rule.kind != "needs"
            and rule.in_force == Period()
            and not requests_read([rule.requires], self.program)
        ]
        return [Field("features", feature, BOOL), *required]

    def _looked(self, goal: Goal, options: Options, starts: Sequence[Path] = ()) -> Outcome:
        """What the planner finds, within the time that is left for the type; the same is looked for once."""
        asked = None if goal.asked is None else (goal.asked.kind, goal.asked.name, tuple(goal.asked.values.items()))
        key = (asked, goal.holds, goal.throughout, options.work, options.alternatives, tuple(map(id, starts)))
        if key not in self._known:
            found = self.planner.outcome(self.question, goal, self._in_time(options), starts)
            self._known[key] = tuple(starts), found
        return self._known[key][1]

    def _in_time(self, options: Options) -> Options:
        """With no more seconds than are left for the type, and those of a first look."""
        if options.seconds is None or self._deadline is None:
            return options
        left = max(self._deadline - time.monotonic(), _LEAST_SHARE * options.seconds)
        return replace(options, seconds=min(options.seconds, left))

    def _rates(self, field: str, starts: Sequence[Path]) -> Rates:
        """They take twice the seconds they are given."""
        options = self._in_time(self.options)
        if options.seconds is not None and self._deadline is not None:
            options = replace(options, seconds=options.seconds / 2)
        return Rates(self.planner, self.setting, self.question, options, field, starts)

    def _way_to(self, goal: Goal, starts: Sequence[Path]) -> Path | None:
        paths = self._looked(goal, self._briefly, starts).paths
        return paths[0] if paths else None

    @property
    def _briefly(self) -> Options:
        """For a first try."""
        return replace(self.options, alternatives=False)

    def _with_actions(self, joint: Outcome, needs: Sequence[Need], goal: Goal, starts: Sequence[Path]) -> Outcome:
        """With what must be done first for the actions to be allowed, be it before the account is of the type."""
        actions = [need for need in needs if need.feature is None]
        path, failed = self._past(joint.paths[0], actions, goal)
        if path is None and failed is not None:
            for first in actions:
                outcome = self._looked(Goal(first.asked, goal.holds), self._briefly, starts)
                if outcome.paths:
                    path, _ = self._past(_before_last(outcome.paths[0], self.options), actions, goal)
                if path is not None:
                    break
        if path is not None and len(needs) > 1 and not self._are_together(path, actions, goal):
            path = None
        if path is None:  # each is found by itself: that they are not together, in this order, is no proof
            status: Status = failed.status if failed is not None and failed.status == "undetermined" else "not found"
            cut = frozenset[Cut]({"combinations"}) | (failed.cut if failed is not None else frozenset())
            return replace(joint, status=status, proved=False, paths=(), cut=cut)
        proved = joint.proved and path is joint.paths[0]
        paths = joint.paths if path is joint.paths[0] else (path,)
        return replace(joint, paths=paths, proved=proved)

    def _with_rates(
        self, joint: Outcome, needs: Sequence[Need], goal: Goal, rates: Rates
    ) -> tuple[Outcome, tuple[Apart, ...]]:
        """Only where the actions are done from there on at their rates, too: all of them, with the features kept."""
        if not joint.paths or len(needs) == 1 or all(need.per is None for need in needs):
            return joint, ()
        kept = Together(rates, needs, goal.holds).kept(joint.paths[0])
        if kept.status == "found":
            return joint, ()
        joint = replace(joint, status=kept.status, proved=False, paths=(), cut=kept.cut, missing=kept.missing)
        return joint, (apart_of(needs, kept.reasons),)

    def _are_together(self, path: Path, actions: Sequence[Need], goal: Goal) -> bool:
        """Whether one action after the other was done from there, in either order, with all that is needed kept."""
        for order in (actions, actions[::-1]):
            there: Path | None = path
            for need in order:
                further = self._looked(Goal(need.asked, TRUE, goal.holds), self._briefly, [there]) if there else None
                there = further.paths[0] if further is not None and further.paths else None
            if there is not None and goal.is_met(self.setting.situation(there.state, {})):
                return True
        return False

    def _past(self, path: Path, actions: Sequence[Need], goal: Goal) -> tuple[Path | None, Outcome | None]:
        """On from there to where each action was allowed once, if that is found; else what came of looking."""
        for need in actions:
            further = self._looked(Goal(need.asked, TRUE, goal.holds), self._briefly, [path])
            if not further.paths:
                return None, further
            if len(further.paths[0].taken) > len(path.taken) + 1:
                path = _before_last(further.paths[0], self.options)
        return path, None


def _before_last(path: Path, options: Options) -> Path:
    """The path without the change that it leads to."""
    before, last = path.taken[:-1], path.taken[-1]
    steps = len(before) + sum(len(each.given) for each in before)
    amount = steps if options.measure is None else path.cost[0]
    return Path((amount, steps, path.cost[2], last.before.at), last.before, before)


def _doubted(option: Choosable) -> Choosable:
    """Where a registration may be open some day, that there is no way from the others proves nothing."""
    doubt = {"status": "not found", "left_out": ("later",)}
    needs = tuple(each.model_copy(update=doubt) if each.status == "none" else each for each in option.needs)
    option = option.model_copy(update={"needs": needs})
    if option.status != "none":
        return option
    plan = option.plan
    if plan is not None:
        plan = plan.model_copy(update={"bound": plan.bound.model_copy(update={"left_out": ("later",)})})
    return option.model_copy(update={"status": "not found", "plan": plan})


def _price(plan: Plan | None) -> tuple[int, int, str]:
    return (0, 0, "") if plan is None else (plan.cost or 0, len(plan.steps), plan.done_at or "")


def _refused(need: Need, status: Status, reasons: Sequence[Reason], missing: Missing, cut: frozenset[Cut]) -> Served:
    return Served(
        need=need.text,
        status=status,
        rules=tuple(each.rule for each in reasons),
        why=tuple(each.explanation for each in reasons),
        missing=missing if status == "undetermined" else (),
        left_out=tuple(sorted(cut)) if status == "not found" else (),
    )


def _united(facts: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*facts, *more)))


def _smallest(sets: Sequence[tuple[str, ...]]) -> Missing:
    """Without those of which a part is there, too."""
    return tuple(dict.fromkeys(each for each in sets if not any(set(other) < set(each) for other in sets)))


def unregistered(question: Question, program: Program) -> Question:
    """Of an account that is still to be registered: no features, and nothing has happened to it."""
    return replace(question, features=dict.fromkeys(program.features, False), whole_from=EARLIEST, recorded=())
