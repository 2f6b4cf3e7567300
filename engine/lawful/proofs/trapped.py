"""Whether an account can be trapped in a value: it can leave it, and never without being found wrong because of that.

It is where something lasts that bars every clean way out. It is not where it has a strategy; strategies are taken from
accounts that have none yet, one by one, until they serve everybody that there can be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from lawful import values
from lawful.deciding.judging import Judge
from lawful.engines.reference import outcome
from lawful.engines.situation import Situation
from lawful.ir import And, Compare, Constant, Field, Rule, Text
from lawful.proofs.answers import Answer, Question, Why, unsettled
from lawful.proofs.induction import Induction, Lemmas, Steps
from lawful.proofs.lasting import Literal, literals, literals_by_value, told_of
from lawful.proofs.leaving import Leaving
from lawful.proofs.logic import Bool, both, opposite
from lawful.proofs.property import Property
from lawful.proofs.space import Deadline, Model, NotSettled
from lawful.proofs.strategies import Finder, Place, Strategy, serves, somewhere, widened
from lawful.proofs.trace import Option, Trace
from lawful.proofs.witness import Happening, Replay, Witness, readable, replayed
from lawful.reading import Reader

_STEPS: Final = 4
"""Steps of a trace to an account that is trapped."""
_MOST: Final = 20
"""Accounts that are looked at in one go."""
_FOR_WORDS: Final = 5.0
"""Seconds to find out which parts of what lasts are needed."""

CAN_LEAVE: Final = Text(
    "whoever can leave it can do so without a finding", "能离开它的帐号都能在不违反规则的情况下离开"
)
_TRAPPED: Final = "whoever leaves it has a finding", "离开它的帐号必然违反规则"
_NOT_LEFT: Final = Text("nobody can leave it at all, as prove.stuck tells", "没有帐号能离开它，见prove.stuck")


class _Anybody:
    """Any account of which some lemmas are known."""

    def __init__(self, induction: Induction, place: Place, known: Lemmas) -> None:
        self.induction = induction
        self.place = place
        self.known = known

    @cached_property
    def few(self) -> _Lasting:
        return _Lasting(self, literals(self.induction.moves.program, self.place.leaving.part))

    @cached_property
    def more(self) -> _Lasting:
        every = literals_by_value(self.induction.moves.program, self.place.leaving.part)
        return _Lasting(self, [*self.few.literals, *every] if every else [])


class _Lasting:
    """What may last of any account."""

    def __init__(self, anybody: _Anybody, literals: list[Literal]) -> None:
        self.anybody = anybody
        self.literals = literals
        self._so = {id(each): anybody.place.is_not(each.never) for each in literals}

    @cached_property
    def _steps(self) -> Steps:
        candidates = [each.never for each in self.literals]
        return Steps(self.anybody.induction, candidates, self.anybody.place.leaving.part, self.anybody.known)

    def of(self, some: list[Literal]) -> list[Literal]:
        """Those that go on being so where all of them are."""
        self._steps.space.deadline = self.anybody.induction.deadline
        kept = {id(each) for each in self._steps.kept([each.never for each in some])}
        return [each for each in some if id(each.never) in kept]

    def bar(self, some: list[Literal]) -> bool:
        """Whether nobody leaves clean where they are so."""
        place = self.anybody.place
        so = [self._so[id(each)] for each in some]
        return place.space.satisfiable(somewhere(place.cleanly), *so) is None

    def needed(self, some: list[Literal]) -> list[Literal]:
        """What of that which bars the way is needed; what is read with more difficulty is left out first."""
        until = Deadline.after(_FOR_WORDS)
        kept = list(some)
        size = 2 * len(kept)
        while size := size // 2:
            end = len(kept)
            while end > 0 and not until.passed():
                before, after = kept[: max(end - size, 0)], kept[end:]
                fewer = self.of([*before, *after])
                if self.bar(fewer):
                    kept = fewer
                    before = [each for each in fewer if each in before]
                end = len(before)
        return kept


class Trapped:
    """Answers to `trap`."""

    def __init__(self, induction: Induction, judge: Judge, reader: Reader) -> None:
        self.induction = induction
        self.moves = induction.moves
        self.program = induction.moves.program
        self.judge = judge
        self.reader = reader
        self._made: dict[tuple[str, frozenset[str]], tuple[Trace, list[Option], Lemmas] | None] = {}

    def answer(self, question: Question, leaving: Leaving, seconds: float, left: Answer) -> Answer:
        """`left`: whether anybody leaves it at all."""
        if left.status == "refuted":
            told = left.told if left.proof == "no registration" else _NOT_LEFT
            return Answer(question, "proved", told, proof=left.proof)
        search = _Search(self, question, leaving)
        begun = time.monotonic()
        anybody: _Anybody | None = None
        why: Why = "steps"
        for share, about in self._tiers(leaving):
            self.induction.deadline = Deadline(begun + seconds * share)
            try:
                found = False
                if about is not None:
                    anybody = self._anybody(leaving, about)
                    found = search.everybody(anybody.place, anybody)
                elif anybody is not None:
                    self._look_for(search, anybody)
                why = "steps"
            except NotSettled:
                why = self.induction.deadline.why()
                continue
            if found:
                if search.strategies:
                    return Answer(question, "proved", CAN_LEAVE, proof="strategies")
                return Answer(question, "proved", CAN_LEAVE, left.witness, proof="induction with lemmas")
            if search.answer is not None:
                return search.answer
        return unsettled(question, why, seconds, _STEPS if why == "steps" else None)

    def _tiers(self, leaving: Leaving) -> list[tuple[float, frozenset[str] | None]]:
        """What is tried in turn, and when the share of the time for it is over: any account, without lemmas and then
        with lemmas about ever more facts; None: those that come about after few steps."""
        found: list[tuple[float, frozenset[str] | None]] = [(0.3, frozenset())]
        cycles = {f"account.{name}" for name in self.program.lifecycles}
        near = leaving.near | (leaving.part.facts & cycles)
        if near != leaving.part.facts:
            found.append((0.5, near))
        return [*found, (0.75, leaving.part.facts), (1.0, None)]

    def _anybody(self, leaving: Leaving, about: frozenset[str]) -> _Anybody:
        """Those of one field share their states. Raises NotSettled."""
        key = leaving.field, about
        if key not in self._made:
            self._made[key] = None  # not to be tried again
            lemmas = self.induction.lemmas(leaving.part, about) if about else Lemmas()
            space = self.induction.space()
            last = space.clock[1]
            space.clock = widened(space.clock)
            trace = Trace(self.moves, space, leaving.part)
            trace.anywhere()
            space.assume(trace.moment.today <= last)
            space.assume(lemmas.of(self.moves, space, trace.state, trace.moment))
            self._made[key] = trace, trace.options(trace.state, trace.moment, leaving.triggers), lemmas
        made = self._made[key]
        if made is None:
            raise NotSettled
        trace, options, lemmas = made
        trace.space.deadline = self.induction.deadline
        return _Anybody(self.induction, Place(trace, options, leaving), lemmas)

    def _look_for(self, search: _Search, anybody: _Anybody) -> None:
        """Somebody who is trapped: if one is found, the search has the answer."""
        for place in self.from_registrations(search.leaving):
            search.everybody(place, anybody)
            if search.answer is not None:
                return

    def from_registrations(self, leaving: Leaving) -> Iterator[Place]:
        """After ever more steps; fields that may have to be set at once last, for they are seldom needed."""
        alone, together = (
            self.induction.ways.toward(leaving.trigger, leaving.facts, together=each) for each in (False, True)
        )
        for toward in (alone, together) if together != alone else (alone,):
            for steps in range(_STEPS + 1):
                trace, options = self.induction.toward(toward, steps, last=leaving.triggers)
                yield Place(trace, options, leaving)


class _Search:
    """Accounts that may leave a value only with a finding, looked at one by one."""

    def __init__(self, asked: Trapped, question: Question, leaving: Leaving) -> None:
        self.asked = asked
        self.question = question
        self.leaving = leaving
        self.finder = Finder(asked.induction, leaving)
        self.strategies: list[Strategy] = []
        self.never: list[Property] = []
        """What no account is that there can be."""
        self.answer: Answer | None = None

    def everybody(self, place: Place, anybody: _Anybody) -> bool:
        """Whether everybody there who can leave with a finding can leave without one. If not, and somebody is
        trapped, the answer has it. Raises NotSettled."""
        open_ones = both(
            somewhere(place.dirtily),
            *(opposite(serves(each, place)) for each in self.strategies),
            *(place.is_not(each) for each in self.never),
        )
        for _ in range(_MOST):
            model = place.space.satisfiable(open_ones)
            if model is None:
                return True
            strategy = self.finder.found(place, model)
            if strategy is not None:
                if strategy in self.strategies:
                    return False
                self.strategies.append(strategy)
                open_ones = both(open_ones, opposite(serves(strategy, place)))
                continue
            bar = self._bar(place, model, anybody)
            if bar is None:
                return False
            self.answer = self._trapped(bar)
            if self.answer is not None or not self._nobody_is(bar):
                return False
            open_ones = both(open_ones, place.is_not(self.never[-1]))
        return False

    # -------------------------------------------------------------------------------------------- what bars the way

    def _bar(self, place: Place, model: Model, anybody: _Anybody) -> list[Literal] | None:
        """What lasts of the account of a model and lets nobody leave the value clean."""
        for among in (anybody.few, anybody.more):
            lasting = among.of([each for each in among.literals if model.holds(place.is_not(each.never))])
            if among.bar(lasting):
                return among.needed(lasting)
        return None

    # --------------------------------------------------------------------------------------------------- who it is

    def _trapped(self, bar: list[Literal]) -> Answer | None:
        """Somebody to whom it comes that, if anybody is found."""
        for place in self.asked.from_registrations(self.leaving):
            space = place.space
            formula = both(somewhere(place.dirtily), *(place.is_not(each.never) for each in bar))
            model = space.satisfiable(both(space.texts.known(), formula)) or space.satisfiable(formula)
            if model is not None:
                return self._shown(place, model, formula, bar)
        return None

    def _shown(self, place: Place, model: Model, formula: Bool, bar: list[Literal]) -> Answer | None:
        asked = self.asked
        for each in (readable(place.trace, model, formula), model):
            option = next(option for option, claim in place.dirtily if each.holds(claim))
            replay = replayed(asked.judge, asked.reader, place.trace, each, until=option)
            rules = self._found_by(replay, bar) if replay is not None else []
            if replay is not None and rules:
                told = self._told(bar, rules, asked.judge.zone)
                last = replay.situation(replay.seen[-1].at)
                ends = Happening("state", values.local(last.at, asked.judge.zone), replay.asking(last.at), {})
                return Answer(self.question, "refuted", told, Witness((*replay.happenings, ends)))
        return None

    def _found_by(self, replay: Replay, bar: list[Literal]) -> list[str]:
        """The rules by which the reference finds something because of the last change."""
        before = replay.seen[-1]
        after = replay.situation(before.at)
        if any(each.never.broken_in(before, before) for each in bar):
            return []
        found = [
            rule.id
            for rule, _ in self.leaving.rules
            if rule.in_force.holds(after.today) and _broken(rule, after) and not _broken(rule, before)
        ]
        return list(dict.fromkeys(found))

    def _told(self, bar: list[Literal], rules: list[str], zone: ZoneInfo) -> Text:
        en, zh = _TRAPPED
        named = ", ".join(rules)
        if not bar:
            return Text(f"{en}: {named}", f"{zh}：{named}")
        why = told_of(self.asked.program, bar, self.leaving.value_of, zone)
        return Text(
            f"while {why.en}, {en} ({named}), and nothing ever changes that",
            f"{why.zh}时，{zh}（{named}），且没有任何变更能改变这一点",
        )

    def _nobody_is(self, bar: list[Literal]) -> bool:
        """Whether no account ever has the value and that; it is known then."""
        cycle = self.asked.program.account[self.leaving.field]
        has = Compare("==", Field("account", cycle.name, cycle.type), Constant(self.leaving.value, cycle.type))
        claim = Property(And((has, *(each.so for each in bar))))
        if self.asked.induction.never(claim, lambda _: True).proof is None:
            return False
        self.never.append(claim)
        return True


def _broken(rule: Rule, situation: Situation) -> bool:
    return outcome(rule, situation) == "violated"
