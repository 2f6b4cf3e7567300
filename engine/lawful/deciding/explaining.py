"""What a decision tells beside its verdict: read off the judgement, part by part, when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from lawful import calendar, values, wording
from lawful.deciding.judging import Judge, Judged, Judgement, Step, disagreement
from lawful.deciding.justifying import LEADS, Justifier, told
from lawful.deciding.rulebook import triggers_of
from lawful.deciding.telling import Teller
from lawful.decision import (
    Changed,
    Cited,
    Consequences,
    Inquiry,
    Irreversible,
    JsonValue,
    Justification,
    Owed,
    Place,
    Reason,
    Remedy,
    Status,
    Verdict,
)
from lawful.decision import Text as Told
from lawful.engines.reference import evaluate, outcome
from lawful.engines.situation import History, Situation, counted, held_number
from lawful.ir import (
    LANGUAGES,
    And,
    AtMost,
    Condition,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Language,
    Or,
    Rule,
    Text,
    Value,
    everything,
)
from lawful.kept import kept
from lawful.question import Question
from lawful.show.words import in_words, part_of

_MOST_IN_TURN: Final = 24
"""Limits that refuse one after the other, each when the one before has gone."""

_OPEN_BEFORE: Final = Text("; whether it was so before the change is not known", "；变更前是否如此未知")

Seek: TypeAlias = Callable[["Explanation"], tuple[Remedy, ...]]
"""Finds remedies for what is denied."""


class Ruled(NamedTuple):
    """A verdict that came without its reasons."""

    question: Question
    verdict: Verdict


class Explanation:
    """Explains one judgement, a `decision.Explains`; the reference judges a bare verdict when that is asked for."""

    def __init__(self, judge: Judge, judged: Judgement | Ruled, seek: Seek | None = None) -> None:
        self.judge = judge
        self._seek = seek
        self.program = judge.program
        self.zone = judge.zone
        self._judged = judged

    @kept
    def judgement(self) -> Judgement:
        """Raises EngineDisagreement where the reference comes to another verdict."""
        if isinstance(self._judged, Judgement):
            return self._judged
        judgement = self.judge.judge(self._judged.question, "reference")
        if judgement.verdict != self._judged.verdict:
            difference = f"the verdict: the reference says {judgement.verdict}, direct says {self._judged.verdict}"
            raise disagreement(self.program, [difference])
        return judgement

    # -------------------------------------------------------------------------------------------------- reasons

    def reasons(self) -> tuple[Reason, ...]:
        """What refuses, then what is open, then what only warns or stood before; in file order within each."""
        found = self._unsatisfied()
        found.sort(key=lambda pair: (pair[0], 0 if pair[1].refuses else 1 if pair[1].leaves_open else 2))
        return tuple(self._reason(each, index) for index, each in found)

    def violated(self) -> frozenset[str]:
        """The ids of the violated rules among the reasons, without a word about them."""
        return frozenset(each.rule.id for _, each in self._unsatisfied() if each.outcome == "violated")

    def _unsatisfied(self) -> list[tuple[int, Judged]]:
        """What is told, with the change it belongs to."""
        found = [
            (index, each)
            for index, step in enumerate(self.judgement.steps)
            for each in step.judged
            if each.outcome != "satisfied"
        ]
        found += [(len(self.judgement.steps) - 1, each) for each in self._standing({each.rule.id for _, each in found})]
        return found

    def satisfied(self) -> tuple[Reason, ...]:
        return tuple(
            self._reason(each, index)
            for index, step in enumerate(self.judgement.steps)
            for each in step.judged
            if each.outcome == "satisfied"
        )

    def _standing(self, told_already: set[str]) -> list[Judged]:
        last = self.judgement.steps[-1]
        if last.asked.kind == "register":
            return []  # everything was moved, so everything was judged
        if last.verdict == "deny":
            return self.judge.standing(last.before, told_already)
        lost = self.judge.lost(last)  # what the change takes away is a consequence, and no longer there to be wrong
        found = self.judge.standing(last.after, told_already)
        return [each for each in found if each.rule.scope != "feature" or each.rule.subject not in lost]

    def _reason(self, judged: Judged, index: int) -> Reason:
        rule = judged.rule
        justification = self._justification(judged)
        title = wording.filled(rule.title, self._teller(judged)) if rule.title is not None else None
        return Reason(
            rule=rule.id,
            status=judged.outcome,
            severity=rule.severity,
            step=index,
            standing=judged.standing,
            title=told(title),
            explanation=self._explanation(judged, justification),
            source=cited(rule),
            note=told(rule.note),
            place=Place(file=rule.place.file, line=rule.place.line, column=rule.place.column),
            justification=justification,
        )

    def _justification(self, judged: Judged) -> Justification:
        rule, situation = judged.rule, judged.situation
        applies = evaluate(rule.when, situation)
        holds = evaluate(rule.requires, situation)
        shows_when = applies is False or (applies is None and holds is False)
        return Justifier(self.program).root(rule.when if shows_when else rule.requires, situation)

    def _explanation(self, judged: Judged, justification: Justification) -> Told:
        rule, teller = judged.rule, self._teller(judged)
        # What a rule says of itself is said of its being broken: of one that holds only the title is true.
        written = rule.title if judged.outcome == "satisfied" else rule.explanation or rule.title
        if written is not None:
            return told(wording.filled(written, teller)) or Told()
        sentences: dict[Language, str] = {}
        for language in LANGUAGES:
            built_in = None
            if judged.outcome != "satisfied":
                unknown = [name for name in wording.turning_on(rule) if not teller.knows(name)]
                built_in = wording.sentence(self.program, rule, teller, language, unknown=unknown)
            sentences[language] = built_in or first_part(self.judge, rule.id, justification, judged.outcome, language)
        return Told(**sentences)

    def _teller(self, judged: Judged) -> Teller:
        return Teller(self.program, judged.situation, judged.rule.requires)

    # ------------------------------------------------------------------------------------------ what would help

    def missing(self) -> tuple[tuple[str, ...], ...]:
        return tuple(each.facts for each in self.inquiries)

    @kept
    def inquiries(self) -> tuple[Inquiry, ...]:
        if self.judgement.verdict != "undetermined":
            return ()
        from lawful.deciding.inquiring import Inquirer  # 5 ms: only where something is missing

        return Inquirer(self.judge, self.judgement).inquiries()

    def next_allowed_at(self) -> datetime | None:
        """Null unless limits alone refuse, and each frees up by the passing of time."""
        refusing = [each for step in self.judgement.steps for each in step.judged if each.refuses]
        if self.judgement.verdict != "deny" or not all(isinstance(each.rule.requires, AtMost) for each in refusing):
            return None
        frees = self.limits_free_at()
        return None if frees is None else values.local(frees, self.zone)

    def limits_free_at(self) -> datetime | None:
        """When no limit refuses any more, whatever else does; None where that never comes."""
        instants = [self._free_from(step) for step in self.judgement.steps if _refusing_limits(step)]
        known = [each for each in instants if each is not None]
        return max(known, default=None) if len(known) == len(instants) else None

    def _free_from(self, step: Step) -> datetime | None:
        """When each has freed up or is out of force; what is in force by then may refuse in its turn."""
        refusing = _refusing_limits(step)
        for _ in range(_MOST_IN_TURN):
            instants = [free_at(each.rule, each.situation) for each in refusing]
            latest = max((each for each in instants if each is not None), default=None)
            if latest is None or None in instants:
                return None
            refusing = self._refusing_at(step, latest)
            if not refusing:
                return latest
        return None

    def _refusing_at(self, step: Step, at: datetime) -> list[Judged]:
        """The limits of the change that refuse it at a later instant, all else equal."""
        triggers = triggers_of(step.asked)
        refused = {each.rule.id for each in _refusing_limits(step)}
        before, after = step.before.seen_at(at), step.after.seen_at(at)
        found = []
        for rule in self.program.rules:
            of_move = rule.scope == "move"
            if not (rule.subject in triggers if of_move else rule.id in refused):
                continue
            if isinstance(rule.requires, AtMost) and rule.severity == "error" and rule.in_force.holds(before.today):
                situation = before if of_move else after
                found.append(Judged(rule, outcome(rule, situation), situation))
        return [each for each in found if each.refuses]

    def remedies(self) -> tuple[Remedy, ...]:
        """What was found by whoever can search for plans: that is built on this."""
        if self._seek is None or self._judged.verdict != "deny":
            return ()
        return self._seek(self)

    # ------------------------------------------------------------------------------------------- what follows

    def obligations(self) -> tuple[Owed, ...]:
        if self.judgement.verdict == "deny":
            return ()
        found = []
        for step in self.judgement.steps:
            teller = Teller(self.program, step.after)
            for move, applies in step.moves:
                for each in move.obligations if applies is not False else ():
                    if evaluate(each.when, step.before) is not False:
                        text = told(wording.filled(each.text, teller))
                        found.append(Owed(rule=move.id, text=text or Told()))
        return tuple(found)

    def consequences(self) -> Consequences:
        if self.judgement.verdict == "deny":
            return Consequences()
        return Consequences(
            changed=tuple(
                Changed.model_validate(
                    {"field": each.name, "from": self._shown(each, was), "to": self._shown(each, becomes)}
                )
                for each, was, becomes in self._changed()
            ),
            lost=self.lost(),
            irreversible=self.irreversible(),
        )

    def events(self) -> tuple[str, ...]:
        """What the changes are in a history, as they count against each other in a list."""
        if self.judgement.verdict == "deny":
            return ()
        return tuple(
            move.event for step in self.judgement.steps for move, applies in step.moves if applies is not False
        )

    def lost(self) -> tuple[str, ...]:
        """The features that the changes take away."""
        if self.judgement.verdict == "deny":
            return ()
        return tuple(dict.fromkeys(name for step in self.judgement.steps for name in self.judge.lost(step)))

    def irreversible(self) -> Irreversible | None:
        """The first field moved that nothing can move back."""
        if self.judgement.verdict == "deny":
            return None
        found = (self._irreversible(each, was, becomes) for each, was, becomes in self._changed())
        return next((each for each in found if each is not None), None)

    def _changed(self) -> list[tuple[FieldDeclaration, Value | None, Value | None]]:
        """The fields that differ, with what they were and what they become."""
        steps = self.judgement.steps
        first = steps[0].after if steps[0].asked.kind == "register" else steps[0].before
        before, after = first.records["account"], steps[-1].after.records["account"]
        return [
            (declaration, before.get(name), after.get(name))
            for name, declaration in self.program.account.items()
            if before.get(name) != after.get(name)
        ]

    def _shown(self, declaration: FieldDeclaration, value: Value | None) -> JsonValue:
        return wording.MASKED if declaration.private and value is not None else values.to_json(value, self.zone)

    def _irreversible(
        self, declaration: FieldDeclaration, was: Value | None, becomes: Value | None
    ) -> Irreversible | None:
        """Whether no path of transitions in force now or later leads back, whatever their conditions."""
        if declaration.name not in self.program.lifecycles or was is None or becomes is None:
            return None
        if str(was) in self._reachable(declaration.name, str(becomes)):
            return None
        why: dict[Language, str] = {}
        for language in LANGUAGES:
            one, other = (wording.of_field(declaration, each, language, self.zone) for each in (becomes, was))
            english, chinese = f"nothing leads from {one} back to {other}", f"{one}无法再变回{other}"
            why[language] = english if language == "en" else chinese
        return Irreversible(field=declaration.name, why=Told(**why))

    def _reachable(self, field: str, start: str) -> set[str]:
        today = self.judgement.steps[0].before.today
        steps = [
            move.step
            for move in self.program.moves
            if move.step is not None
            and move.step.field == field
            and (move.in_force.until is None or move.in_force.until > today)
        ]
        reached: set[str] = set()
        frontier = [start]
        while frontier:
            state = frontier.pop()
            for step in steps:
                if state in step.sources:
                    fresh = set(step.targets) - reached
                    reached |= fresh
                    frontier.extend(fresh)
        return reached

    # ------------------------------------------------------------------------------------------- what it rests on

    def rests_on(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for step in self.judgement.steps:
            for each in step.judged:
                found.update(dict.fromkeys(self._facts(each.rule.when)))
                if evaluate(each.rule.when, each.situation) is not False:
                    found.update(dict.fromkeys(self._facts(each.rule.requires)))
            for move, _ in step.moves:
                for effect in move.effects:
                    found.update(dict.fromkeys(self._facts(effect.value)))
        return tuple(sorted(found))

    def _facts(self, expr: Expr) -> Iterable[str]:
        for node in everything(expr, self.program.conditions):
            match node:
                case Field(owner="request"):
                    yield f"request.{node.name}"
                case Field(owner="change"):
                    pass
                case Field() if node.owner.endswith("features"):
                    yield "account.features"
                case Field():
                    yield f"account.{node.name}"
                case Count():
                    yield from (f"history:{name}" for name in node.events)
                case AtMost() if node.counted_by is not None:
                    yield f"{'request' if node.counted_by.owner == 'request' else 'account'}.{node.counted_by.name}"
                case _:
                    pass

    def notes(self) -> tuple[Told, ...]:
        """What is so already; where a history and a field that counts the same differ."""
        found = [note for step in self.judgement.steps if (note := self._already(step)) is not None]
        for step in self.judgement.steps:
            for each in step.judged:
                limit = each.rule.requires
                if isinstance(limit, AtMost) and limit.counted_by is not None:
                    note = self._difference(limit, each.situation)
                    if note is not None and note not in found:
                        found.append(note)
        return tuple(found)

    def _already(self, step: Step) -> Told | None:
        """Of a change that asks for nothing but what is there: it is allowed, and an event of nothing."""
        asked, program = step.asked, self.program
        account, features = step.before.records["account"], step.before.records["features"]
        match asked.kind:
            case "set" if asked.values and all(account.get(name) == to for name, to in asked.values.items()):
                told = [self._set_already(program.account[name], to) for name, to in asked.values.items()]
                return Told(en="; ".join(en for en, _ in told), zh="；".join(zh for _, zh in told))
            case "enable" | "disable" if features.get(asked.name) is (asked.kind == "enable"):
                on = asked.kind == "enable"
                english, chinese = (wording.feature_title(program, asked.name, each) for each in LANGUAGES)
                return Told(
                    en=f"{english} is {'enabled already' if on else 'not enabled'}: nothing changes",
                    zh=f"{chinese}{'已经开通' if on else '原本未开通'}，无任何变更",
                )
            case _:
                return None

    def _set_already(self, declaration: FieldDeclaration, value: Value | None) -> tuple[str, str]:
        english, chinese = (
            (wording.field_title(declaration, each), wording.of_field(declaration, value, each, self.zone))
            for each in LANGUAGES
        )
        return (
            f"the {english[0]} is {english[1]} already: nothing changes",
            f"{chinese[0]}已经是{chinese[1]}，无任何变更",
        )

    def _difference(self, limit: AtMost, situation: Situation) -> Told | None:
        """Of the field and the history as they were given, without what the list itself adds."""
        field, count = limit.counted_by, limit.count
        if field is None:
            return None
        held = (
            situation.initial.get(field.name) if field.owner == "account" else situation.fact(field.owner, field.name)
        )
        given = History(situation.history.events, situation.history.whole_from)
        least, most = given.count(count.events, count.window, situation.at, situation.zone)
        if not isinstance(held, int) or held == least or (most is None and held > least):
            return None
        name, shown = wording.cel(field), wording.MASKED if wording.is_private(self.program, field) else str(held)
        return Told(
            en=f"{name} says {shown}, the history {least}: the larger counts",
            zh=f"{name} 为{shown}，历史记录为{least}：以较大者为准",
        )


def first_part(judge: Judge, rule: str, justification: Justification, status: Status, language: Language) -> str:
    """The sentence of the first part that failed: a condition's title, else what its author wrote, in words."""
    part = justification
    while part.title is None and part.because and _has_its_value(judge, rule, part):
        part = part.because[0]
    if part.title is not None:
        what = part.title.best(language)
    else:
        said, place = judge.rulebook.said, (rule, part.text, language)
        if place not in said:
            said[place] = in_words(judge.program, *place)
        what = said[place]
    if status == "unknown" and justification.value is False:  # of a constraint: it may have been so before the change
        return LEADS["violated"].best(language) + what + _OPEN_BEFORE.best(language)
    return LEADS[status].best(language) + what


def _has_its_value(judge: Judge, rule: str, part: Justification) -> bool:
    """Whether the first part of it has the value that it has itself: a masked one does, where all of them do."""
    first = part.because[0].value
    if first == wording.MASKED:
        return isinstance(part_of(judge.program, rule, part.text), And | Or)
    return isinstance(first, bool | None) and first is part.value


def _refusing_limits(step: Step) -> list[Judged]:
    return [each for each in step.judged if each.refuses and isinstance(each.rule.requires, AtMost)]


def free_at(rule: Rule, situation: Situation) -> datetime | None:
    """When a limit that is reached lets one more be, all else equal; None where it never does."""
    limit = rule.requires
    assert isinstance(limit, AtMost)
    until = rule.in_force.until
    ends = None if until is None else calendar.start_of(until, situation.zone)
    held = held_number(limit, situation)
    if held is not None and held + limit.own > limit.at_most:
        return ends  # the field's number stays, all else equal
    surplus = counted(limit, situation)[0] - limit.at_most
    leaving = expiries(limit, situation)
    frees = leaving[surplus - 1] if 0 < surplus <= len(leaving) else None
    return min((each for each in (frees, ends) if each is not None), default=None)


def expiries(limit: AtMost, situation: Situation) -> list[datetime]:
    """When each counted event of the history counts no more, the earliest first; without those that always will."""
    count, zone, at = limit.count, situation.zone, situation.at
    leaving = [
        calendar.expiry(count.window, when, zone)
        for name, when in situation.history.events
        if name in count.events and calendar.counts(count.window, when, at, zone)
    ]
    return sorted(each for each in leaving if each is not None)


def cited(of: Rule | FieldDeclaration | Condition) -> Cited | None:
    if of.source is None:
        return None
    source = of.source.source
    return Cited(
        id=source.id,
        clause=of.source.clause,
        title=source.title.best("en"),
        titles=Told(en=source.title.en, zh=source.title.zh),
        published=source.published,
        url=source.url,
    )
