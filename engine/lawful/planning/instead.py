"""Where there is no way to a change: the way to what the policy says serves the same purpose."""

from __future__ import annotations

from msgspec.structs import replace

from lawful import values
from lawful.deciding.judging import Engine
from lawful.decision import PolicyNamed
from lawful.engines.reference import evaluate
from lawful.ir import Instead
from lawful.planning.asking import without_what_is_asked
from lawful.planning.goals import Goal
from lawful.planning.plan import OtherWay, Plan
from lawful.planning.planner import Options, Planner
from lawful.planning.setting import Setting, first_state
from lawful.planning.telling import PlanTeller
from lawful.question import Asked, Question
from lawful.record import record_type


def planned(
    planner: Planner, question: Question, goal: Goal, named: PolicyNamed, options: Options, engine: Engine
) -> Plan:
    """The plan; without one, what may be done instead, of which no further *instead* is told."""
    plan = _plan(planner, question, goal, named, options, engine)
    instead = None if plan.found else _instead(planner, question, goal, options)
    if instead is None:
        return plan
    program, zone = planner.judge.program, planner.judge.zone
    facts = {**instead.facts, **question.facts.known()}
    asking = replace(question, facts=record_type(tuple(program.request)).of(facts))
    other = Goal(Asked(instead.kind, instead.name, instead.values))
    asking = without_what_is_asked(asking, other)
    said = {name: values.to_json(value, zone) for name, value in facts.items() if name in instead.facts}
    way = OtherWay(request=said, plan=_plan(planner, asking, other, named, options, engine))
    return plan.model_copy(update={"instead": way})


def _plan(
    planner: Planner, question: Question, goal: Goal, named: PolicyNamed, options: Options, engine: Engine
) -> Plan:
    outcome = planner.outcome(question, goal, options)
    return PlanTeller(planner, question, named, options, engine).plan(goal, outcome)


def _instead(planner: Planner, question: Question, goal: Goal, options: Options) -> Instead | None:
    """Of the move that the goal would make today, where it is not known that it serves nobody like this."""
    if goal.asked is None:
        return None
    setting = Setting.of(planner.judge, question, obtains=options.obtains)
    step = planner.judge.step(goal.asked, setting.situation(first_state(question), {}), "reference")
    named = (move.instead for move, applies in step.moves if applies is not False and move.instead is not None)
    return next((each for each in named if evaluate(each.when, step.before) is not False), None)
