"""One account in any state, and one change of it: what the rules say, as terms, and what a model shows of that.

Each view has a solver of its own: the calendars and texts of one change are of no concern to another, and Z3 would
look for values of all of them in every question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from lawful import calendar, ir, values
from lawful.deciding.judging import Judge
from lawful.deciding.judging import Step as JudgedStep
from lawful.engines import reference
from lawful.ir import ALWAYS, Period, Rule
from lawful.proofs.logic import FALSE, Bool, Meaning, both, conjunction, disjunction, known
from lawful.proofs.moves import Change, Judged, Moves, Ruling, holds
from lawful.proofs.space import Model, Space
from lawful.proofs.state import Lazy, Now, State, fresh_fact, some_state
from lawful.proofs.terms import Terms
from lawful.proofs.witness import Happening, Reading, Replay, Witness, asked_once, realized, usual, usual_day
from lawful.reading import Reader

_NOTHING: Final = Witness(())

Show = Callable[[Model], Witness | None]
"""The witness that a model becomes; None where the reference does not confirm it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether something can be; and the witness, where the reference confirms it."""

    possible: bool = False
    witness: Witness | None = None


@dataclass(slots=True)
class Asked:
    """A rule, as it is judged of any account."""

    rule: Rule
    applies: Bool
    violated: Bool
    satisfied: Bool
    """It applies, and it holds."""
    fine: Bool
    ruling: Ruling | None
    """The change that it guards; None for a constraint."""


class View:
    """An account, a moment, and what the rules say of it; not to be shared between threads."""

    def __init__(self, moves: Moves, judge: Judge, reader: Reader, spaces: Callable[[], Space]) -> None:
        self.moves = moves
        self.program = moves.program
        self.judge = judge
        self.reader = reader
        self.space = spaces()
        self.moment = Now(self.space)
        self.state = some_state(self.space, self.program)
        scene = moves.scene(self.space, self.state, self.moment)
        request = Lazy(self.space, "request", self.program.request)
        self.now = Terms(replace(scene, records={**scene.records, "request": request}))
        self._most = moves.most_counted + 2
        self._rulings: dict[str, Ruling] = {}
        self._rules: dict[int, Asked] = {}

    # ------------------------------------------------------------------------------------------------ its parts

    def ruling(self, trigger: str) -> Ruling:
        """What `check` says of that change alone."""
        if trigger not in self._rulings:
            kind, _, name = trigger.partition(".")
            state = self.state
            match kind:
                case "set":
                    change = Change("set", values={name: (True, self._asked_for(name))})
                case "register":
                    change = Change("register")
                    off: dict[str, Meaning] = dict.fromkeys(self.program.features, FALSE)
                    state = State(state.account, off, state.history)
                case _:
                    change = Change(kind, name)  # type: ignore[arg-type]  # a trigger begins with its kind
            self._rulings[trigger] = self.moves.ruling(self.space, change, state, self.moment)
        return self._rulings[trigger]

    def ruling_beside(self, trigger: str, others: Sequence[str]) -> Ruling:
        """What it says where some of these other fields are set at once."""
        key = " ".join((trigger, *others))
        if key not in self._rulings:
            name = trigger.removeprefix("set.")
            values = {each: (self.space.boolean(f"sets_{each}"), self._asked_for(each)) for each in others}
            change = Change("set", values={name: (True, self._asked_for(name)), **values})
            self._rulings[key] = self.moves.ruling(self.space, change, self.state, self.moment)
        return self._rulings[key]

    def _asked_for(self, name: str) -> Meaning:
        return known(fresh_fact(self.space, f"to_{name}", self.program.account[name]))

    def rule(self, rule: Rule) -> Asked:
        if id(rule) not in self._rules:
            self._rules[id(rule)] = self._of_move(rule) if rule.scope == "move" else self._of_account(rule)
        return self._rules[id(rule)]

    def _of_move(self, rule: Rule) -> Asked:
        ruling = self.ruling(rule.subject)
        judged = next(each for each in ruling.guards if each.rule is rule)
        applies = both(judged.asked, Terms(ruling.scene_before).truth(rule.when).true)
        return _asked(judged, applies, ruling)

    def _of_account(self, rule: Rule) -> Asked:
        if rule.scope == "group":
            group = next(each for each in self.program.groups if each.rule == rule.id)
            applies = both(holds(rule.in_force, self.moment), self.now.truth(group.when).true)
            return Asked(rule, applies, applies, applies, True, None)
        judged = Judged(rule, holds(rule.in_force, self.moment), self.now.outcome(rule.when, rule.requires))
        return _asked(judged, both(judged.asked, self.now.truth(rule.when).true), None)

    # --------------------------------------------------------------------------------------------------- looking

    def can(self, *parts: Bool) -> bool:
        """Whether that can be. Raises NotSettled."""
        return self.space.satisfiable(*parts) is not None

    def shown(self, target: Bool, show: Show, period: Period = ALWAYS) -> Shown:
        """Whether it can be, and the witness of it; `period`: outside of which it cannot. Raises NotSettled."""
        return self.sweep([target], lambda _, model: show(model), period)[0]

    def sweep(
        self,
        targets: Sequence[Bool],
        shown: Callable[[int, Model], Witness | None] = lambda _, __: _NOTHING,
        period: Period = ALWAYS,
    ) -> list[Shown]:
        """For each target a model in which it is so, if there is one, and the witness that it becomes.

        One model serves many. What is plain is looked for first: a usual day, no long history, dates of these years and
        texts that the policy knows. Raises NotSettled.
        """
        found = [Shown() for _ in targets]
        for plain in (self._plain(period), self._short(), True):
            left = [n for n, each in enumerate(found) if each.witness is None and targets[n] is not False]
            while left:
                model = self.space.satisfiable(plain, disjunction(targets[each] for each in left))
                if model is None:
                    break
                for each in left:
                    if model.holds(targets[each]):
                        found[each] = Shown(True, shown(each, model))
                left = [each for each in left if not found[each].possible]
        return found

    def _plain(self, period: Period) -> Bool:
        """A day that is known: Z3 now and then takes seconds to find one by itself."""
        return both(self.moment.today == usual_day(period).toordinal(), self._short())

    def _short(self) -> Bool:
        before = self.state.history.before
        counts = before.counts.values() if before is not None else ()
        few = conjunction(count <= self._most for _, count in counts)
        return both(self.space.texts.known(), few, usual(self.program, self.state.account))

    # -------------------------------------------------------------------------------------------------- witnesses

    def broken(self, asked: Asked, model: Model) -> Witness | None:
        """An account that breaks the rule, if the reference says so, too."""
        if asked.rule.scope == "group":
            return _NOTHING
        if asked.ruling is not None:
            return self.refused(asked.ruling, asked.rule, model)
        replay = self._account(model)
        if replay is None or reference.outcome(asked.rule, replay.situation(self._at(model))) != "violated":
            return None
        return Witness((_state(replay, self._at(model)),))

    def refused(self, ruling: Ruling, rule: Rule, model: Model) -> Witness | None:
        """A change that breaks the rule, if the reference says so, too."""
        answered = asked_once(self.judge, self.reader, self.space, model, ruling, self.moment)
        return Witness((answered[1],)) if answered is not None and _is_violated(answered[0], rule) else None

    def judged(self, ruling: Ruling, model: Model) -> Witness | None:
        """A change, and what the reference says of it."""
        answered = asked_once(self.judge, self.reader, self.space, model, ruling, self.moment)
        return None if answered is None else Witness((answered[1],))

    def on(self, day: date) -> Witness:
        """That day, of whatever account."""
        at = calendar.start_of(day, self.judge.zone)
        return Witness((Happening("state", values.local(at, self.judge.zone), None, {}),))

    def as_it_is(self, model: Model) -> Witness | None:
        """The account of a model, for a person to look at."""
        replay = self._account(model)
        return None if replay is None else Witness((_state(replay, self._at(model)),))

    def happened(self, event: ir.Event, rule: Rule, model: Model) -> Witness | None:
        """An account that the event makes break the rule, if the reference says so, too."""
        replay = self._account(model)
        at = self._at(model)
        if replay is None or reference.outcome(rule, replay.situation(at)) == "violated":
            return None
        before = _state(replay, at)
        if not replay.happens(event, at) or reference.outcome(rule, replay.situation(at)) != "violated":
            return None
        return Witness((before, *replay.happenings))

    def _at(self, model: Model) -> datetime:
        return Reading(self.program, self.space, model).instant(self.moment)

    def _account(self, model: Model) -> Replay | None:
        """The account of a model as it is, with its history."""
        reading = Reading(self.program, self.space, model)
        replay = Replay(self.judge, self.reader)
        replay.account = reading.facts(self.state.account, self.program.account)
        replay.features = {name: model.holds(held.value) for name, held in self.state.features.items()}
        past = realized(self.state.history.before, model, self.moment, self._at(model), self.judge)
        if past is None:
            return None
        replay.history = past
        return replay


def _asked(judged: Judged, applies: Bool, ruling: Ruling | None) -> Asked:
    satisfied = both(applies, judged.outcome.true)
    return Asked(judged.rule, applies, judged.violated, satisfied, judged.fine, ruling)


def _state(replay: Replay, at: datetime) -> Happening:
    return Happening("state", values.local(at, replay.judge.zone), replay.asking(at), {})


def _is_violated(step: JudgedStep, rule: Rule) -> bool:
    return any(each.rule.id == rule.id and each.outcome == "violated" for each in step.judged)
