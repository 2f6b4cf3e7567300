"""A path as it is told: each step asked of the engines again, with what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from lawful import calendar, values, wording
from lawful.calendar import Instant
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Engine, Step, disagreement
from lawful.deciding.justifying import told
from lawful.deciding.rulebook import triggers_of
from lawful.deciding.thresholds import leaves
from lawful.decision import JsonValue, PolicyNamed, Reason
from lawful.decision import Text as Told
from lawful.engines.reference import evaluate
from lawful.ir import AtMost, Expr, Field, FieldDeclaration, Program, Text, Value, everything, walk
from lawful.planning.goals import Goal, in_words
from lawful.planning.plan import Alternative, Blocked, Bound, Obtained, Plan, PlanStep, Unmet, Waited
from lawful.planning.planner import Options, Outcome, Planner
from lawful.planning.relaxation import ANY
from lawful.planning.search import Path
from lawful.planning.setting import MOMENT, Cut, Setting, State, Taken, change_of, first_state, question_of
from lawful.question import Asked, Question

LEFT_OUT: Final[Mapping[Cut, Text]] = {
    "steps": Text("longer plans", "更长的方案"),
    "dates": Text("some dates", "部分日期"),
    "later": Text("what comes later", "此后的日期"),
    "values": Text("some values of fields", "字段的部分取值"),
    "combinations": Text("some combinations of fields", "部分字段组合"),
    "work": Text("what would have taken too much work", "工作量超出上限的部分"),
    "time": Text("what would have taken too long", "耗时超出上限的部分"),
    "unknown": Text("changes whose outcome is not known", "结果未知的变更"),
    "otherwise": Text("doing otherwise what was done before", "此前步骤的其他做法"),
    "rates": Text("other ways to keep them together at their rates", "按各自频次同时满足的其他做法"),
}
"""What a search may have passed over, in words."""


class PlanTeller:
    """Tells the plans for one question."""

    def __init__(
        self, planner: Planner, question: Question, named: PolicyNamed, options: Options, engine: Engine
    ) -> None:
        self.planner = planner
        self.judge = planner.judge
        self.program = planner.judge.program
        self.zone = planner.judge.zone
        self.question = question
        self.named = named
        self.options = options
        self.engine = engine
        self.setting = Setting.of(self.judge, question, obtains=options.obtains)
        self._exprs: tuple[Expr, ...] = ()
        """What is evaluated on the way to the goal that is told."""

    def plan(self, goal: Goal, outcome: Outcome) -> Plan:
        self._exprs = self.planner.cones.of(goal).exprs
        best = outcome.paths[0] if outcome.paths else None
        steps = self.steps(best) if best is not None else ()
        reasons = () if best is not None else self._reasons(goal, outcome)
        return Plan(
            policy=self.named,
            at=values.written(self.question.at, self.zone),
            goal=in_words(goal, self.program),
            status=outcome.status,
            proved=outcome.proved,
            measure=self.options.measure or "steps",
            cost=None if best is None else best.cost[0],
            done_at=None if best is None else values.written(best.cost[3], self.zone),
            steps=steps,
            irreversible=any(each.irreversible is not None for each in steps),
            alternatives=tuple(
                Alternative(steps=self.steps(path), done_at=values.written(path.cost[3], self.zone))
                for path in outcome.paths[1:]
            ),
            rules=tuple(rule for rule, _ in reasons),
            why=tuple(why for _, why in reasons),
            unmet=() if outcome.barred is None else tuple(self._unmet(each) for each in outcome.barred.parts),
            blocked=tuple(self._blocked(goal, outcome)),
            missing=outcome.missing,
            bound=Bound(
                steps=outcome.bounds.steps,
                whole=outcome.whole,
                until=values.written(outcome.bounds.until, self.zone),
                left_out=tuple(sorted(outcome.cut)),
            ),
        )

    # --------------------------------------------------------------------------------------------------- steps

    def steps(self, path: Path) -> tuple[PlanStep, ...]:
        """Each step, judged again as a request of its own."""
        found: list[tuple[Instant, PlanStep]] = []
        before = self.question.at
        for taken in path.taken:
            if taken.asked is None:
                found.append((taken.at, self._obtaining(taken)))
            else:
                found.extend(self._evidence(taken))
                found.append((taken.at, self._change(taken, taken.asked, waited=taken.at > before, before=before)))
            before = taken.at
        return tuple(step for _, step in sorted(found, key=lambda each: each[0]))  # in this order on one day

    def _change(self, taken: Taken, asked: Asked, *, waited: bool, before: Any) -> PlanStep:
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), self.engine)
        if judgement.verdict != "allow":
            difference = (
                f"a plan: `check` says {judgement.verdict} to {change_of(asked, self.program, self.zone)} of it"
            )
            raise disagreement(self.program, [difference])
        explanation = Explanation(self.judge, judgement)
        consequences = explanation.consequences()
        return PlanStep(
            kind="change",
            at=values.written(taken.at, self.zone),
            change=change_of(asked, self.program, self.zone),
            account=self._registered(taken) if asked.kind == "register" else None,
            request={name: values.to_json(value, self.zone) for name, value in taken.given.items()},
            title=told(title_of(judgement.steps[0], asked, self)),
            cost=cost_of(judgement.steps[0]),
            obligations=explanation.obligations(),
            changed=consequences.changed,
            lost=consequences.lost,
            irreversible=consequences.irreversible,
            waited=self._waited(taken, before) if waited else None,
        )

    def _registered(self, taken: Taken) -> dict[str, JsonValue]:
        schema = self.program.account
        return {
            name: wording.MASKED if schema[name].private else values.to_json(value, self.zone)
            for name, value in taken.before.account.items()
        }

    def _waited(self, taken: Taken, before: Any) -> Waited | None:
        """What refuses the step to the last: just before the instant that it was waited for."""
        last = max(before, taken.at - MOMENT)
        earlier = Taken(
            last,
            State(taken.before.account, taken.before.features, taken.before.events, last),
            taken.asked,
            taken.given,
        )
        judgement = self.judge.judge(question_of(earlier, self.setting, self.question), "reference")
        if judgement.verdict == "allow":
            return None
        explanation = Explanation(self.judge, judgement)
        reasons = refusals(explanation.reasons())
        return Waited(
            rules=tuple(each.rule for each in reasons),
            why=tuple(each.explanation for each in reasons),
            missing=explanation.missing() if judgement.verdict == "undetermined" else (),
        )

    def _evidence(self, taken: Taken) -> Iterator[tuple[Instant, PlanStep]]:
        """What the request has to tell, each with when it is to be so: a day is had on that day."""
        if not taken.given or taken.asked is None:
            return
        exprs = [expr for trigger in triggers_of(taken.asked) for expr in self.planner.cones.read_by(trigger)]
        for name, value in taken.given.items():
            at = self._had_at(value, taken.at)
            given = {other: each for other, each in taken.given.items() if other != name}
            without = self.setting.situation(taken.before, given)
            with_it = self.setting.situation(taken.before, taken.given)
            turned = _turned(exprs, "request", name, without, with_it, self.program.conditions)
            obtained = self._obtained("request", self.program.request[name], value, turned)
            yield at, PlanStep(kind="obtain", at=values.written(at, self.zone), obtained=obtained)

    def _had_at(self, value: Value, told_at: Instant) -> Instant:
        """A day since the plan begins is had on that day, all else when it is told."""
        if not isinstance(value, date):
            return told_at
        instant = value if isinstance(value, datetime) else calendar.start_of(value, self.zone)
        since = calendar.start_of(calendar.day_of(self.question.at, self.zone), self.zone)
        return max(instant, self.question.at) if since <= instant < told_at else told_at

    def _obtaining(self, taken: Taken) -> PlanStep:
        assert taken.obtained is not None  # a step is a change or this
        name, value = taken.obtained
        state = taken.before
        after = State({**state.account, name: value}, state.features, state.events, state.at)
        turned = _turned(
            self._exprs,
            "account",
            name,
            self.setting.situation(state, {}),
            self.setting.situation(after, {}),
            self.program.conditions,
        )
        obtained = self._obtained("account", self.program.account[name], value, turned)
        return PlanStep(kind="obtain", at=values.written(taken.at, self.zone), obtained=obtained)

    def _obtained(self, owner: str, declaration: FieldDeclaration, value: Value, so_that: tuple[str, ...]) -> Obtained:
        shown: JsonValue = wording.MASKED if declaration.private else values.to_json(value, self.zone)
        return Obtained(fact=f"{owner}.{declaration.name}", value=shown, so_that=so_that, title=told(declaration.title))

    # ------------------------------------------------------------------------------------------------- no plan

    def _reasons(self, goal: Goal, outcome: Outcome) -> list[tuple[str, Told]]:
        """What bars the goal for ever, else what refuses it as things are."""
        if goal.asked is None:
            return []
        taken = Taken(self.question.at, first_state(self.question), goal.asked)
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), self.engine)
        reasons = refusals(Explanation(self.judge, judgement).reasons())
        barred = {rule.id for rule in outcome.barred.rules} if outcome.barred is not None else set()
        chosen = [each for each in reasons if each.rule in barred] or reasons
        if outcome.status != "none":
            chosen = [*self._on_the_way(goal.asked, chosen), *chosen]
        return [(each.rule, each.explanation) for each in chosen]

    def _on_the_way(self, asked: Asked, reasons: Iterable[Reason]) -> list[Reason]:
        """Where one type does not lead to another, what refuses the first step of the shortest way by others."""
        unlisted = {f"lifecycle.{name}.unlisted" for name in asked.values}
        if len(asked.values) != 1 or not all(each.rule in unlisted for each in reasons):
            return []
        [(name, value)] = asked.values.items()
        present = self.question.account.known().get(name)
        hop = first_hop(self.program, name, present, value)
        if hop is None or hop == value:
            return []
        taken = Taken(self.question.at, first_state(self.question), Asked("set", "", {name: hop}))
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), self.engine)
        return refusals(Explanation(self.judge, judgement).reasons())

    def _unmet(self, part: Expr) -> Unmet:
        """A part of a condition, with what it reads of the account as it is now."""
        schema = self.program.account
        read = sorted(
            {
                node.name
                for node in everything(part, self.program.conditions)
                if isinstance(node, Field) and node.owner == "account"
            }
        )
        known = self.question.account.known()
        shown = {
            f"account.{name}": wording.MASKED if schema[name].private else values.to_json(known.get(name), self.zone)
            for name in read
        }
        return Unmet(text=wording.cel(part), facts=shown)

    def _blocked(self, goal: Goal, outcome: Outcome) -> Iterable[Blocked]:
        """Changes that might have helped, and are never allowed; of a life cycle's values those that are listed."""
        if outcome.barred is None:
            return
        state = first_state(self.question)
        for each in outcome.barred.of_use(self.program):
            asked = each.asked
            if each.rule.kind in ("unlisted", "final") or asked == goal.asked:
                continue
            if ANY in asked.values.values():
                change: dict[str, Any] = {"set": dict.fromkeys(asked.values)}
                why = told(each.rule.explanation or each.rule.title) or Told()
            else:
                change = change_of(asked, self.program, self.zone)
                taken = Taken(self.question.at, state, asked)
                judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
                explanations = [
                    r.explanation for r in Explanation(self.judge, judgement).reasons() if r.rule == each.rule.id
                ]
                why = explanations[0] if explanations else told(each.rule.explanation or each.rule.title) or Told()
            yield Blocked(change=change, rule=each.rule.id, why=why)


def first_hop(program: Program, field: str, present: Value | None, value: Value) -> Value | None:
    """Which value comes first on the shortest way from one value of a life cycle to another; None: there is none."""
    steps = [move.step for move in program.moves if move.step is not None and move.step.field == field]
    reached: set[Value] = {value}
    frontier: list[Value] = [value]
    while frontier:
        following: list[Value] = []
        for target in frontier:
            for source in (source for step in steps if target in step.targets for source in step.sources):
                if source == present:
                    return target
                if source not in reached:
                    reached.add(source)
                    following.append(source)
        frontier = following
    return None


def refusals(reasons: Iterable[Reason]) -> list[Reason]:
    """Those that refuse, or leave it open."""
    return [each for each in reasons if each.severity == "error" and not each.standing]


def title_of(step: Step, asked: Asked, teller: PlanTeller) -> Text | None:
    """What the change is called: the move's title, else that of what it is about."""
    for move, applies in step.moves:
        if applies is True and move.title is not None:
            return move.title
    program = teller.program
    match asked.kind:
        case "enable" | "disable":
            return program.features[asked.name].title
        case "do":
            return program.actions[asked.name]
        case _:
            return None


def cost_of(step: Step) -> dict[str, int]:
    found: dict[str, int] = {}
    for move, applies in step.moves:
        for name, amount in move.cost if applies is not False else ():
            found[name] = found.get(name, 0) + amount
    return found


def _turned(
    exprs: Iterable[Expr], owner: str, name: str, before: Any, after: Any, conditions: Mapping[str, Any]
) -> tuple[str, ...]:
    """The comparisons of a fact that come out otherwise with it, as they then are."""
    found: dict[str, None] = {}
    for leaf in leaves(exprs, conditions):
        reads = any(isinstance(node, Field) and (node.owner, node.name) == (owner, name) for node in walk(leaf))
        if not reads or isinstance(leaf, AtMost):
            continue
        was, becomes = evaluate(leaf, before), evaluate(leaf, after)
        if was is not becomes and isinstance(becomes, bool):
            text = wording.cel(leaf)
            found[text if becomes else f"!({text})"] = None
    return tuple(found)
