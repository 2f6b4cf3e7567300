"""The order of things: which questions are asked, for how long, and what may be assumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from lawful.deciding.judging import Judge
from lawful.diagnostics import near
from lawful.ir import AtMost, Program, Rule, Text
from lawful.proofs.answers import KINDS, Answer, Answers, Kind, Question, unsettled
from lawful.proofs.anywhere import NEVER_APPLIES, Anywhere
from lawful.proofs.asking import event_of, limits_of_once, limits_of_once_where, questions
from lawful.proofs.bounds import clock_of, samples_of
from lawful.proofs.errors import ProofError
from lawful.proofs.induction import Found, Induction, Refutation
from lawful.proofs.moves import Moves
from lawful.proofs.property import Property, at_most, of_invariant, stays
from lawful.proofs.reach import is_timeless
from lawful.proofs.reachable import Reachable
from lawful.proofs.space import Deadline, Space
from lawful.proofs.view import View
from lawful.proofs.witness import Witness, refuted
from lawful.reading import Reader

_TOGETHER: Final[Mapping[Kind, Kind]] = {"stuck": "unusable", "trap": "unusable"}
"""Kinds that are asked about together with another."""

_CHEAP: Final[tuple[Kind, ...]] = ("dead", "shadowed", "conflict")
_NEVER: Final = Deadline()

Told = Callable[[str, float], None]
"""Told of the question that is being answered, and the share of them that is."""


def wanted(program: Program, ids: Sequence[str]) -> list[Question]:
    """The questions of these ids, or of these kinds; all of them if none is named. Raises ProofError."""
    every = questions(program)
    if not ids:
        return every
    found: dict[str, Question] = {}
    for id in ids:
        name = id if id.startswith("prove.") else f"prove.{id}"
        matching = [each for each in every if each.id == name or each.id.startswith(f"{name}.")]
        if not matching and name.removeprefix("prove.") not in KINDS:
            help = near(id, KINDS) or near(name, [each.id for each in every]) or f"the kinds are {', '.join(KINDS)}"
            raise ProofError(f"there is no question `{id}`", help)
        found |= {each.id: each for each in matching}
    return list(found.values())


def doubtful(program: Program, zone: ZoneInfo, *, seconds: float) -> list[Answer]:
    """Rules that are dead, shadowed or in conflict: those that are found in so many seconds of all."""
    cheap = [each for each in questions(program) if each.kind in _CHEAP]
    prover = Prover(program, zone, seconds=seconds, until=Deadline.after(seconds))
    return prover.answers(cheap).of("refuted")


class Prover:
    """Answers questions about one policy. Not to be shared between threads."""

    def __init__(self, program: Program, zone: ZoneInfo, *, seconds: float, until: Deadline = _NEVER) -> None:
        self.program = program
        self.zone = zone
        self.seconds = seconds
        self.clock = clock_of(program)
        spaces = partial(Space, zone, self.clock, samples_of(program))
        together = partial(spaces, context=Space(zone, self.clock).context)
        self.judge = Judge(program, zone)
        self.reader = Reader(program, zone)
        self.moves = Moves(program)
        self.induction = Induction(self.moves, spaces)
        self._anywhere = Anywhere(
            partial(View, self.moves, self.judge, self.reader, together), self.moves, seconds, until
        )
        self._reachable = Reachable(self.induction, self.judge, self.reader)

    def answers(self, asked: Sequence[Question], told: Told = lambda _, __: None) -> Answers:
        """The answer to each question, in order."""
        begun = time.monotonic()
        found: dict[str, Answer] = {}
        for kind, group in groupby(asked, key=lambda each: _TOGETHER.get(each.kind, each.kind)):
            some = list(group)
            told(KINDS[kind].best("en"), len(found) / max(len(asked), 1))
            since = time.monotonic()
            for answer in self._of_kind(kind, some):
                now = time.monotonic()
                found[answer.question.id] = replace(self._bounded(answer), seconds=now - since)
                told(KINDS[kind].best("en"), len(found) / max(len(asked), 1))
                since = now
        ordered = tuple(found[each.id] for each in asked)
        return Answers(ordered, tuple(self.assumptions(ordered)), time.monotonic() - begun)

    def _of_kind(self, kind: str, asked: list[Question]) -> Iterator[Answer]:
        match kind:
            case "invariant":
                by_id = {each.id: each for each in self.program.invariants}
                yield from (self._never(each, of_invariant(by_id[each.subject])) for each in asked)
            case "final":
                for each in asked:
                    final = self.program.lifecycles[each.subject].final
                    yield self._never(each, stays(self.program.account[each.subject], final))
            case "once":
                yield from (self._once(each) for each in asked)
            case "unusable":
                yield from self._reachable.answers(asked, self.seconds)
            case _:
                yield from self._anywhere.answers(kind, asked)

    def _bounded(self, answer: Answer) -> Answer:
        """What never is, of rules that read the clock, is so on the days that were looked at: told with them."""
        if answer.status != "refuted" or answer.proof is None or answer.question.kind not in ("dead", "unusable"):
            return answer
        subject = answer.question.subject
        rules = [each for each in self.program.rules if each.id == subject or each.id.startswith(f"{subject}.")]
        read = [[each.when] if answer.told == NEVER_APPLIES else [each.when, each.requires] for each in rules]
        if all(is_timeless(self.program, *each) for each in read):
            return answer
        first, last = (date.fromordinal(each) for each in self.clock)
        told = answer.told
        return replace(answer, told=Text(f"{told.en}, from {first} to {last}", f"{told.zh}（{first}至{last}）"))

    # ------------------------------------------------------------------------------------------- what must never be

    def _never(self, question: Question, claim: Property, *, history_known: bool = True) -> Answer:
        witness: list[Witness] = []

        def confirmed(refutation: Refutation) -> bool:
            found = refuted(self.judge, self.reader, claim, refutation)
            if found is not None:
                witness.append(found)
            return found is not None

        self.induction.deadline = Deadline.after(self.seconds)
        self.induction.history_known = history_known
        try:
            found = self.induction.never(claim, confirmed)
        finally:
            self.induction.history_known = True
        return self._answer(question, found, witness)

    def _answer(self, question: Question, found: Found, witness: list[Witness]) -> Answer:
        if found.proof is not None:
            return Answer(question, "proved", Text(f"by {found.proof}", "已证明"), proof=found.proof)
        if witness:
            steps = len([each for each in witness[0].happenings if each.kind != "state"])
            told = Text(f"not so after {steps} {'step' if steps == 1 else 'steps'}", f"{steps}步之后不成立")
            return Answer(question, "refuted", told, witness[0])
        return unsettled(question, found.why, self.seconds, found.within)

    def _once(self, question: Question) -> Answer:
        """By the history and, where a field of the account counts, by that alone, too."""
        limits = {each.id: each for each in limits_of_once(self.program)}
        rule = limits.get(question.subject) or self._limited_where(question)
        limit = rule.requires
        assert isinstance(limit, AtMost)

        def ask(*, history_known: bool) -> Answer:
            if question.subject not in limits:
                return self._reachable.once(question, rule, self.seconds, history_known=history_known)
            return self._never(question, at_most(event_of(self.program, rule), 1), history_known=history_known)

        answer = ask(history_known=True)
        counter = limit.counted_by
        if answer.status != "proved" or counter is None or counter.owner != "account":
            return answer
        if self.program.account[counter.name].motion == "outside":
            return answer  # that it counts rightly is an assumption
        return _by_counter(ask(history_known=False), f"{counter.owner}.{counter.name}")

    def _limited_where(self, question: Question) -> Rule:
        return next(each for each in limits_of_once_where(self.program) if each.id == question.subject)

    # -------------------------------------------------------------------------------------------------- assumptions

    def assumptions(self, answers: Sequence[Answer]) -> Iterator[Text]:
        """What the answers rest on beside the policy."""
        first, last = (date.fromordinal(each) for each in self.clock)
        yield Text(f"decisions are made from {first} to {last}", f"判断日期在{first}至{last}之间")
        yield _of_history([each.question.id for each in answers if each.counted_by is not None])
        counters = {
            rule.requires.counted_by
            for rule in self.program.rules
            if isinstance(rule.requires, AtMost) and rule.requires.counted_by is not None
        }
        for counter in sorted(counters, key=lambda each: (each.owner, each.name)):
            told = f"{counter.owner}.{counter.name}"
            if counter.owner == "account" and self.program.account[counter.name].motion != "outside":
                yield Text(f"{told} counts rightly when the account is registered", f"注册时{told}的计数正确")
            else:
                yield Text(f"{told} counts rightly whenever it is given", f"给出的{told}计数始终正确")


def _by_counter(answer: Answer, counter: str) -> Answer:
    """An answer about requests that state no history, where with a whole one it is proved."""
    en, zh = answer.told.en, answer.told.zh
    match answer.status:
        case "proved":
            told = Text(f"{en}, with the history and by {counter} alone", f"{zh}：有历史记录时，及仅凭{counter}时")
        case _:
            told = Text(
                f"{en}, where requests state no history and {counter} alone counts; with the history it is proved",
                f"申请不提供历史记录、仅凭{counter}计数时：{zh}；提供完整历史记录时已证明",
            )
    return replace(answer, told=told, counted_by=counter)


def _of_history(without: Sequence[str]) -> Text:
    """`without`: the questions that are about requests without a history, too."""
    if not without:
        return Text("the history given is whole", "给出的历史记录是完整的")
    names = ", ".join(without)
    verb = "is" if len(without) == 1 else "are"
    return Text(
        f"the history given is whole; {names} {verb} asked of requests that state none, too",
        f"给出的历史记录是完整的；{names}也考虑了不提供历史记录的申请",
    )
