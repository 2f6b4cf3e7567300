"""Which type of account serves the needs: each type tried, with the reasons against it and the way to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as replaced

from lawful import values
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Engine
from lawful.deciding.justifying import told
from lawful.decision import PolicyNamed
from lawful.decision import Text as Told
from lawful.diagnostics import Problem, RequestError, near
from lawful.ir import BOOL, TRUE, Compare, Constant, Expr, Field, Program, Value, conjunction
from lawful.planning.goals import Goal
from lawful.planning.moves import Moves
from lawful.planning.needs import Need, Rates
from lawful.planning.plan import Choice, Choosable, Plan, Served, Status
from lawful.planning.planner import Options, Outcome, Planner
from lawful.planning.search import Path
from lawful.planning.setting import Setting, State, Taken, first_state, question_of
from lawful.planning.telling import PlanTeller, refusals
from lawful.question import EARLIEST, Asked, Question

_WORST: tuple[Status, ...] = ("none", "undetermined", "not found", "found")
REGISTER = Asked("register", "", {})


def type_field(program: Program, wanted: str | None) -> str:
    """The field whose values are the types of account. Raises RequestError."""
    cycles = list(program.lifecycles)
    if wanted is not None and wanted not in cycles:
        help = near(wanted, cycles) or f"the fields with a life cycle are {', '.join(f'`{each}`' for each in cycles)}"
        raise RequestError([Problem("by", f"`{wanted}` is no field with a life cycle", help if cycles else None)])
    if not cycles:
        raise RequestError(
            [Problem("by", "the policy has no field with a life cycle: there are no types to choose from")]
        )
    return wanted or ("type" if "type" in cycles else cycles[0])


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why an account cannot be registered with a value."""

    rules: tuple[str, ...]
    why: tuple[Told, ...]


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
            question = replaced(question, features=dict.fromkeys(self.program.features, False))
        self.question = question
        self.options = options
        self.named = named
        self.existing = existing
        self.setting = Setting.of(self.judge, question, obtains=options.obtains)
        self.teller = PlanTeller(planner, question, named, options, engine)

    def choice(self, needs: Sequence[Need], field: str) -> Choice:
        if self.options.seconds is not None:  # they are for all that is looked for
            searches = len(self._values(field)) * (2 * len(needs) + 2)
            self.options = replace(self.options, seconds=self.options.seconds / searches)
        starts, refused = self._starts(field)
        options = [self._option(value, needs, field, starts, refused.get(value)) for value in self._values(field)]
        serving = [each for each in options if each.status == "found"]
        serving.sort(key=lambda each: _price(each.plan))
        status: Status = max((each.status for each in options), key=_WORST.index, default="none")
        missing = dict.fromkeys(facts for each in options if each.plan is not None for facts in each.plan.missing)
        return Choice(
            policy=self.named,
            at=values.written(self.question.at, self.judge.zone),
            field=field,
            needs=tuple(each.text for each in needs),
            status=status,
            chosen=tuple(each.value for each in serving),
            missing=() if serving else tuple(missing),
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
            path = self._registered(state)
            if path is not None:
                starts.append(path)
            else:
                refused[value] = self._refusal(state)
        return starts, refused

    def _filled(self, known: dict[str, Value]) -> dict[str, Value]:
        """With the value of each life cycle that there is but one to begin with."""
        for name, cycle in self.program.lifecycles.items():
            if name not in known and len(cycle.initial) == 1:
                known = {**known, name: cycle.initial[0]}
        return known

    def _registered(self, state: State) -> Path | None:
        cones = self.planner.cones
        reads = {"register": tuple(cones.read_by("register"))}
        moves = Moves(self.setting, cones.of(Goal(REGISTER)), reads, set())
        for given in moves.evidence(REGISTER, state):
            step = self.judge.step(REGISTER, self.setting.situation(state, given), "reference")
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
                return Path(cost, after, (Taken(state.at, state, REGISTER, given),))
        return None

    def _refusal(self, state: State) -> _Refused:
        taken = Taken(state.at, state, REGISTER)
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
        reasons = refusals(Explanation(self.judge, judgement).reasons())
        return _Refused(tuple(each.rule for each in reasons), tuple(each.explanation for each in reasons))

    # ----------------------------------------------------------------------------------------------------- one type

    def _option(
        self, value: str, needs: Sequence[Need], field: str, starts: list[Path], refused: _Refused | None
    ) -> Choosable:
        is_type = Compare(
            "==",
            Field("account", field, self.program.account[field].type),
            Constant(value, self.program.account[field].type),
        )
        features = [Field("features", need.feature, BOOL) for need in needs if need.feature is not None]
        title = told(self.program.account[field].values.get(value))
        there = self._outcome(Goal(None, is_type), starts)
        if not there.paths:
            plan = self.teller.plan(Goal(None, is_type), there) if starts else None
            barred = refused if refused is not None else self._never(value, field)
            status = there.status if starts else ("none" if refused is not None else there.status)
            return Choosable(value=value, title=title, status=status, rules=barred.rules, why=barred.why, plan=plan)
        served = tuple(self._served(need, is_type, there.paths[0]) for need in needs)
        goal = Goal(None, conjunction([is_type, *features]))
        joint = self._outcome(goal, starts)
        if joint.paths and all(each.status == "found" for each in served):
            joint = self._with_actions(joint, needs, goal)
        whole = joint.status if joint.paths or joint.status != "none" else "none"
        status = min((whole, *(each.status for each in served)), key=_WORST.index)
        return Choosable(value=value, title=title, status=status, needs=served, plan=self.teller.plan(goal, joint))

    def _outcome(self, goal: Goal, starts: Sequence[Path]) -> Outcome:
        if not starts:
            state = first_state(self.question)
            nowhere = self.planner.outcome(
                self.question, Goal(None, TRUE), self.options, [Path((0, 0, 0, state.at), state)]
            )
            return replace(nowhere, status="none", proved=True, paths=())
        return self.planner.outcome(self.question, goal, self.options, starts)

    def _never(self, value: str, field: str) -> _Refused:
        """What keeps an account that there is from becoming one of that type."""
        outcome = self.planner.outcome(self.question, Goal(Asked("set", "", {field: value})), self.options)
        plan = self.teller.plan(Goal(Asked("set", "", {field: value})), outcome)
        return _Refused(plan.rules, plan.why)

    def _served(self, need: Need, is_type: Expr, path: Path) -> Served:
        """Whether an account of the type comes to it without becoming another."""
        goal = Goal(need.asked, TRUE, is_type)
        if goal.is_so_already(path.state.account, path.state.features):
            return Served(need=need.text, status="found")
        outcome = self.planner.outcome(self.question, goal, self.options, [path])
        if not outcome.paths:
            taken = Taken(path.state.at, path.state, need.asked)
            judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
            reasons = refusals(Explanation(self.judge, judgement).reasons())
            return Served(
                need=need.text,
                status=outcome.status,
                rules=tuple(each.rule for each in reasons),
                why=tuple(each.explanation for each in reasons),
            )
        last = outcome.paths[0].taken[-1]
        limiting = Rates(self.judge, self.setting, self.question).refusing(need, last.before, last)
        if limiting:
            return Served(
                need=need.text,
                status="none",
                rules=tuple(each.rule for each in limiting),
                why=tuple(each.explanation for each in limiting),
            )
        return Served(need=need.text, status="found")

    def _with_actions(self, joint: Outcome, needs: Sequence[Need], goal: Goal) -> Outcome:
        """With what must be done first for the actions to be allowed."""
        path = joint.paths[0]
        for need in needs:
            if need.feature is not None:
                continue
            further = self.planner.outcome(self.question, Goal(need.asked, TRUE, goal.holds), self.options, [path])
            if not further.paths:
                return replace(joint, status=further.status, paths=())
            before = further.paths[0].taken[:-1]
            if len(before) > len(path.taken):
                state = further.paths[0].taken[-1].before
                steps = len(before) + sum(len(each.given) for each in before)
                amount = steps if self.options.measure is None else further.paths[0].cost[0]
                path = Path((amount, steps, path.cost[2], state.at), state, before)
        proved = joint.proved and path is joint.paths[0]
        paths = joint.paths if path is joint.paths[0] else (path,)
        return replace(joint, paths=paths, proved=proved)


def _price(plan: Plan | None) -> tuple[int, int, str]:
    return (0, 0, "") if plan is None else (plan.cost or 0, len(plan.steps), plan.done_at or "")


def unregistered(question: Question, program: Program) -> Question:
    """Of an account that is still to be registered: no features, and nothing has happened to it."""
    return replaced(question, features=dict.fromkeys(program.features, False), whole_from=EARLIEST, recorded=())
