"""What a search for plans is given, and the states it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace

from lawful import calendar, values, wording
from lawful.calendar import Instant
from lawful.deciding.judging import Judge
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import Program, Value
from lawful.question import EARLIEST, Asked, Question, Recorded
from lawful.record import record_type

Cut: TypeAlias = Literal[
    "steps", "dates", "later", "values", "combinations", "work", "time", "unknown", "otherwise", "rates"
]
"""Why a search that found nothing is no proof that there is nothing."""
MOMENT: Final = timedelta(microseconds=1)


class Bounds(Struct, frozen=True):
    """How far is looked: so many steps, up to an instant, so many rules judged, until a time of the process's clock."""

    steps: int
    until: Instant
    work: int
    deadline: float | None = None


class State(Struct, frozen=True):
    """An account at an instant, with what has happened to it."""

    account: Facts
    features: Facts
    events: tuple[tuple[str, Instant], ...]
    at: Instant


class Taken(Struct, frozen=True):
    """A step of a plan: a change that was asked for, or (`obtained`) a fact that the world has to bring about."""

    at: Instant
    before: State
    asked: Asked | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    """What the request has to say for it, beside what was given to begin with."""
    obtained: tuple[str, Value] | None = None


class Setting(Struct, frozen=True):
    """One program, and what of the request holds all along."""

    judge: Judge
    facts: Facts
    """What the request says."""
    whole_from: Instant | None
    start: Instant
    obtains: bool
    """Whether facts may be asked of the world: evidence in requests, fields that are `outside`."""

    @classmethod
    def of(cls, judge: Judge, question: Question, *, obtains: bool) -> Setting:
        """Of an unknown history is known, from the start on, what the plan does.

        The start itself is not known, so that nothing is allowed there that `check` would leave open.
        """
        since = question.whole_from if question.whole_from is not None else question.at + MOMENT
        return cls(judge, question.facts.known(), since, question.at, obtains)

    @property
    def unknown_before(self) -> Instant | None:
        """The last instant of which nothing is known; None where the history is whole."""
        if self.whole_from is None or self.whole_from <= EARLIEST:
            return None
        return self.whole_from - MOMENT

    def situation(self, state: State, given: Mapping[str, Value]) -> Situation:
        return Situation(
            records={
                "account": state.account,
                "features": state.features,
                "request": {**self.facts, **given} if given else self.facts,
            },
            at=state.at,
            today=calendar.day_of(state.at, self.judge.zone),
            zone=self.judge.zone,
            history=History(state.events, self.whole_from),
            conditions=self.judge.program.conditions,
            initial=state.account,
        )


def first_state(question: Question) -> State:
    return State(question.account.known(), question.features, question.events(), question.at)


def later(at: Instant, days: int, judge: Judge) -> Instant:
    """So many days on, at the same local time."""
    if not days:
        return at
    return calendar.expiry(calendar.Window("days", days), at, judge.zone) or at


def question_of(taken: Taken, setting: Setting, question: Question) -> Question:
    """The request by which a step is asked of `check`: the account as it is then, and what has happened by then."""
    program = setting.judge.program
    changes = () if taken.asked is None else (taken.asked,)
    facts = {**setting.facts, **taken.given}
    state = taken.before
    return replace(
        question,
        account=record_type(tuple(program.account)).of(state.account),
        features=state.features,
        facts=record_type(tuple(program.request)).of(facts),
        recorded=tuple(Recorded(event, at) for event, at in state.events),
        whole_from=setting.whole_from,
        at=taken.at,
        today=calendar.day_of(taken.at, setting.judge.zone),
    ).asking(*changes)


def change_of(asked: Asked, program: Program, zone: ZoneInfo) -> dict[str, Any]:
    """The change as a request has it; private values are masked."""
    match asked.kind:
        case "set":
            schema = program.account
            return {
                "set": {
                    name: wording.MASKED if schema[name].private else values.to_json(value, zone)
                    for name, value in asked.values.items()
                }
            }
        case "register":
            return {"register": {}}
        case kind:
            return {kind: asked.name}
