"""Questions about what can ever come about, from a registration on: changes that somebody can use, ways out of a value.

What leads to a change is looked for first, the shortest sequences before longer ones; what is left is proved to be
impossible in every reachable state, or looked for further.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from lawful.deciding.judging import Judge
from lawful.ir import ALWAYS, INT, AtMost, Compare, Constant, Move, Program, Rule, Text
from lawful.proofs.answers import UNCONFIRMED, Answer, Question, unsettled
from lawful.proofs.asking import may_come_to, ways_out
from lawful.proofs.induction import Induction
from lawful.proofs.leaving import Leaving
from lawful.proofs.logic import Bool, both, disjunction, opposite
from lawful.proofs.moves import Change, Ruling, holds
from lawful.proofs.reach import Slice, Toward
from lawful.proofs.space import Deadline, Model, NotSettled
from lawful.proofs.terms import Terms
from lawful.proofs.trace import Option, Trace
from lawful.proofs.trapped import Trapped
from lawful.proofs.witness import Replay, Witness, readable, replayed, usual, usual_day
from lawful.reading import Reader

_SOON: Final = 3
_A_WHILE: Final = 8.0
"""Seconds to look for what is soon found, of one change."""
_A_MOMENT: Final = 2.0
"""Seconds to look for a way out of a value of which nobody asked whether there is one."""
_DEEPEST: Final = 10
_FOR_NAMES: Final = 3.0
"""Seconds to find which rules are in the way."""

_CAN = {
    "unusable": Text("somebody can use it", "有帐号可以使用"),
    "stuck": Text("some account can leave it", "有帐号可以离开"),
    "once": Text("it happens again, where it is limited", "在受限情形下仍再次发生"),
}
_CANNOT = {
    "unusable": Text("nobody can ever use it", "任何帐号都无法使用"),
    "stuck": Text(
        "nothing ever leaves it: declare it final, or add a transition", "没有任何变更能离开它：请声明为终态或补充转换"
    ),
}
_DECLARED: Final = Text(
    "transitions that leave it are declared, and nobody can ever make one", "声明了离开它的转换，但没有帐号能够进行"
)
_NEVER_THERE: Final = Text("no account ever has it, so that nobody leaves it", "没有帐号会取该值，因此无人离开它")
_NO_WAY_IN: Final = Text(
    "no account ever has it: it is no initial value, and nothing leads to it",
    "没有帐号会取该值：它不是初始值，也没有变更通向它",
)
_NEVER_AGAIN: Final = Text("by induction with lemmas", "已证明")
_NOBODY: Final = Text("no account can be registered", "没有帐号能够注册")


@dataclass(frozen=True, slots=True)
class Target:
    """A change that is wanted."""

    question: Question
    move: Move | None
    """Of `unusable` and `once` the move."""
    leaving: Leaving | None = None
    """Of the others the value that is left."""
    again: Rule | None = None
    """The limit of once: the change is wanted where the limit applies, of an account that made it before."""

    @property
    def trigger(self) -> str:
        if self.leaving is not None:
            return self.leaving.trigger
        assert self.move is not None
        return self.move.trigger

    def facts(self, induction: Induction) -> frozenset[str]:
        """What it rests on."""
        way = next((each for each in induction.ways.all if each.id == self.trigger), None)
        return way.reads | way.writes if way is not None else frozenset()

    def toward(self, induction: Induction) -> list[Toward]:
        """What may lead to it: fields that are of use by themselves first, for that is mostly enough and quicker; then
        those, too, that are of use only when set at once with others, where there are any."""
        facts = self.facts(induction)
        alone, together = (induction.ways.toward(self.trigger, facts, together=each) for each in (False, True))
        return [alone] if together == alone else [alone, together]


class Reachable:
    """What can be done, by somebody, some day."""

    def __init__(self, induction: Induction, judge: Judge, reader: Reader) -> None:
        self.induction = induction
        self.moves = induction.moves
        self.program: Program = induction.moves.program
        self.judge = judge
        self.reader = reader
        self._trapped = Trapped(induction, judge, reader)
        self._reached: dict[tuple[Slice, bool], tuple[Trace, list[Option]]] = {}
        """A state of which all is known that was proved of the reachable ones, and what may happen in it."""

    def answers(self, questions: Sequence[Question], seconds: float) -> Iterator[Answer]:
        """Of the kinds `unusable`, `stuck` and `trap`."""
        traps = {each.subject: each for each in questions if each.kind == "trap"}
        left: dict[str, Answer] = {}
        for answer in self._used([each for each in questions if each.kind != "trap"], seconds):
            left |= {answer.question.subject: answer} if answer.question.kind == "stuck" else {}
            yield answer
        # What nobody leaves is no trap.
        others = [replace(each, kind="stuck") for subject, each in traps.items() if subject not in left]
        left |= {each.question.subject: each for each in self._used(others, min(seconds, _A_MOMENT))}
        for subject, trap in traps.items():
            field, _, value = subject.partition(".")
            leaving = Leaving(self.moves, self.induction.ways, field, value)
            yield self._trapped.answer(trap, leaving, seconds, left[subject])

    def _used(self, questions: Sequence[Question], seconds: float) -> Iterator[Answer]:
        targets: list[Target] = []
        for question in questions:
            target = self._target(question)
            if isinstance(target, Answer):
                yield target
            else:
                targets.append(target)
        self.induction.deadline = Deadline.after(seconds)
        if targets and not self._begins():
            for each in targets:
                yield Answer(each.question, "refuted", _NOBODY, proof="no registration")
            return
        yield from self._soon(targets, min(seconds, _A_WHILE))
        yield from self._soon(targets, min(seconds, _A_WHILE), together=True)
        for each in targets:
            yield self._alone(each, seconds)

    def once(self, question: Question, rule: Rule, seconds: float, *, history_known: bool) -> Answer:
        """Whether a limit of once that has a condition is kept, whatever else happens."""
        move = next(each for each in self.moves.moves_of(rule.subject) if rule.id.startswith(f"{each.id}."))
        self.induction.deadline = Deadline.after(seconds)
        if not self._begins():
            return Answer(question, "proved", _NOBODY, proof="no registration")
        self.induction.history_known = history_known
        try:
            found = self._alone(Target(question, move, again=rule), seconds)
        finally:
            self.induction.history_known = True
        return replace(found, status="refuted") if found.witness is not None else found

    def _target(self, question: Question) -> Target | Answer:
        if question.kind == "unusable":
            move = next(each for each in self.program.moves if each.id == question.subject)
            return Target(question, move)
        name, _, value = question.subject.partition(".")
        if not ways_out(self.program, self.program.lifecycles[name], value):
            told = _CANNOT["stuck"] if may_come_to(self.program, self.program.lifecycles[name], value) else _NO_WAY_IN
            return Answer(question, "refuted", told, proof="no transition")
        leaving = Leaving(self.moves, self.induction.ways, name, value)
        return Target(question, None, leaving)

    def _begins(self) -> bool:
        try:
            return self.induction.begins()
        except NotSettled:
            return True

    # ---------------------------------------------------------------------------------------------- from the beginning

    def _soon(self, left: list[Target], seconds: float, *, together: bool = False) -> Iterator[Answer]:
        """The answers that are soon found; their targets are taken from the list. Those of one change are looked for
        in one go, in sequences of no step between the registration and it, then of one, … `together`: only where other
        fields may have to be set at once, with those."""
        groups: dict[str, list[Target]] = {}
        for target in left:
            groups.setdefault(target.trigger, []).append(target)
        for group in groups.values():
            toward = group[0].toward(self.induction)
            if together and len(toward) == 1:
                continue
            for day in (_usual(group[0]), None):
                self.induction.deadline = Deadline.after(seconds)
                try:
                    for steps in range(_SOON + 1):
                        for target, answer in self._found(group, toward[together], steps, day):
                            left.remove(target)
                            group.remove(target)
                            yield answer
                except NotSettled:
                    pass

    def _found(
        self, targets: Sequence[Target], toward: Toward, steps: int, day: date | None = None
    ) -> list[tuple[Target, Answer]]:
        """The answers to those that can be had after so many steps. Raises NotSettled."""
        if targets and targets[0].trigger == "register":
            return [(each, Answer(each.question, "proved", _CAN["unusable"])) for each in targets]
        found: list[tuple[Target, Answer]] = []
        open_ones = list(targets)
        trace, options = self.induction.toward(toward, steps, day) if open_ones else (None, [])
        while open_ones and trace is not None:
            claims = [(target, self._claims(target, trace, options)) for target in open_ones]
            formula = disjunction(claim for _, each in claims for _, claim in each)
            plain = both(trace.space.texts.known(), usual(self.program, trace.states[0].account))
            model = trace.space.satisfiable(plain, formula) or trace.space.satisfiable(formula)
            if model is None:
                break
            for target, each in claims:
                way = next(((option, claim) for option, claim in each if model.holds(claim)), None)
                if way is not None:
                    open_ones.remove(target)
                    found.append((target, self._shown(target, trace, model, *way)))
        return found

    def _claims(self, target: Target, trace: Trace, options: Sequence[Option]) -> list[tuple[Option, Bool]]:
        """The options that may be the wanted change, and when they are."""
        found = []
        for option in options:
            claim = self._claim(target, option, trace)
            if claim is not False:
                found.append((option, claim))
        return found

    def _claim(self, target: Target, option: Option, trace: Trace) -> Bool:
        ruling = option.ruling
        if ruling is None:
            return False
        if target.move is not None:
            uses = both(option.allowed, self._uses(target.move, ruling, trace))
            return uses if target.again is None else both(uses, self._is_again(target.again, ruling, trace))
        assert target.leaving is not None
        return both(option.allowed, target.leaving.leaves(ruling))

    def _is_again(self, limit: Rule, ruling: Ruling, trace: Trace) -> Bool:
        """Whether the limit applies to a change that was made before, as those know who know what happened."""
        assert isinstance(limit.requires, AtMost)
        history = replace(ruling.before.history, whole=True)
        terms = Terms(replace(ruling.scene_before, history=history))
        before = Compare(">=", limit.requires.count, Constant(1, INT))
        return both(terms.truth(limit.when).true, terms.truth(before).true)

    def _uses(self, wanted: Move, ruling: Ruling, trace: Trace) -> Bool:
        """Whether a change is that move, in any of its versions."""
        terms = Terms(ruling.scene_before)
        return disjunction(
            both(asked, holds(move.in_force, trace.moment), opposite(terms.truth(move.applies).false))
            for trigger, asked in ruling.change.triggers
            for move in self.moves.moves_of(trigger)
            if move.id == wanted.id
        )

    def _shown(self, target: Target, trace: Trace, model: Model, option: Option, claim: Bool) -> Answer:
        replay = replayed(self.judge, self.reader, trace, model, until=option)
        if replay is None:  # perhaps of what does not matter, such as a text that was made up
            replay = replayed(self.judge, self.reader, trace, readable(trace, model, claim), until=option)
        if replay is None or (target.again is not None and not _happened_twice(target.again, replay)):
            return Answer(target.question, "unsettled", UNCONFIRMED)
        return Answer(target.question, "proved", _CAN[target.question.kind], Witness(tuple(replay.happenings)))

    # --------------------------------------------------------------------------------------------------- one by one

    def _alone(self, target: Target, seconds: float) -> Answer:
        part = self.induction.ways.slice(target.facts(self.induction))
        depth = -1
        whole, half = Deadline.after(seconds), Deadline.after(seconds / 2)
        self.induction.deadline = half  # so that some is left for looking further
        try:
            if self._never(target, part):
                return self._nobody(target, part)
        except NotSettled:
            pass
        self.induction.deadline = whole
        try:
            for depth in range(_DEEPEST + 1):
                for toward in target.toward(self.induction):
                    for _, answer in self._found([target], toward, depth):
                        return answer
        except NotSettled:
            within = depth - 1 if depth > 0 else None
            return unsettled(target.question, self.induction.deadline.why(), seconds, within)
        return unsettled(target.question, "steps", seconds, depth)

    def _nobody(self, target: Target, part: Slice) -> Answer:
        """The answer where nobody ever can. Raises NotSettled."""
        if target.again is not None:
            return Answer(target.question, "proved", _NEVER_AGAIN, proof="induction with lemmas")
        told = _CANNOT[target.question.kind]
        if target.move is not None:
            told = _named(told, self._in_the_way(target, part))
        elif target.question.kind == "stuck":
            told = _NEVER_THERE if self._never_has(target, part) else _DECLARED
        return Answer(target.question, "refuted", told, proof="induction with lemmas")

    def _in_the_way(self, target: Target, part: Slice) -> list[str]:
        """Rules that no account that can be reached satisfies together, whatever it sets at once, though it satisfies
        them without any one of them; none where it is not for the rules, or not told soon."""
        assert target.move is not None
        trace, _ = self._reached[part, self.induction.history_known]
        space, state, moment = trace.space, trace.state, trace.moment
        space.deadline = Deadline(min(self.induction.deadline.at, Deadline.after(_FOR_NAMES).at))
        (change,) = self.moves.changes(space, target.toward(self.induction)[-1].within(0)) or [Change("register")]
        ruling = self.moves.ruling(space, change, state, moment)
        uses = self._uses(target.move, ruling, trace)
        kept = list(ruling.judged)
        try:
            for each in ruling.judged:
                without = [other for other in kept if other is not each]
                if space.satisfiable(uses, *(other.fine for other in without)) is None:
                    kept = without
        except NotSettled:
            return []
        return list(dict.fromkeys(each.rule.id for each in kept))

    def _never_has(self, target: Target, part: Slice) -> bool:
        """Whether no reachable account has the value that is to be left."""
        trace, _ = self._reached[part, self.induction.history_known]
        assert target.leaving is not None
        return trace.space.satisfiable(target.leaving.has(trace.state)) is None

    def _never(self, target: Target, part: Slice) -> bool:
        """Whether no reachable state lets it be."""
        if (part, self.induction.history_known) not in self._reached:
            lemmas = self.induction.lemmas(part, part.facts)
            made = self.induction.trace(part)
            made.anywhere()
            made.space.assume(lemmas.of(self.moves, made.space, made.state, made.moment))
            self._reached[part, self.induction.history_known] = made, made.options(made.state, made.moment)
        trace, options = self._reached[part, self.induction.history_known]
        trace.space.deadline = self.induction.deadline
        claims = self._claims(target, trace, options)
        return trace.space.satisfiable(disjunction(claim for _, claim in claims)) is None


def _named(told: Text, rules: Sequence[str]) -> Text:
    if not rules:
        return told
    en, zh = " and ".join(rules), "与".join(rules)
    if len(rules) == 1:
        return Text(f"{told.en}: no account can satisfy {en}", f"{told.zh}：没有帐号能满足{zh}")
    return Text(f"{told.en}: no account can satisfy {en} together", f"{told.zh}：没有帐号能同时满足{zh}")


def _happened_twice(limit: Rule, replay: Replay) -> bool:
    assert isinstance(limit.requires, AtMost)
    return sum(event in limit.requires.count.events for event, _ in replay.history) > 1


def _usual(target: Target) -> date:
    """A day like others, on which the change that is wanted may be made."""
    return usual_day(target.move.in_force if target.move is not None else ALWAYS)
