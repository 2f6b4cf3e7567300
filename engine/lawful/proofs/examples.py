"""The smallest request that shows a difference: a model made readable, and asked of both policies.

Nothing of a model is believed: the reference judges the request by either policy, and where its answers do not differ
in the way that was looked for there is no example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lawful import calendar, values
from lawful.calendar import Window
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge, Judgement, Step
from lawful.diagnostics import RequestError
from lawful.engines.reference import evaluate
from lawful.ir import Text
from lawful.proofs import dates
from lawful.proofs.compared import Compared
from lawful.proofs.differences import VERDICTS, Answered, Became, Example, Json, Kind, Side
from lawful.proofs.logic import Bool, Term, both, equal, no_more, opposite
from lawful.proofs.space import Model
from lawful.proofs.state import Now
from lawful.proofs.witness import Reading, begin_of, granted, realized
from lawful.reading import Reader

USUAL: Final = 739_448
"""2025-07-16, in the middle of a month: each window begins on a day of its own."""
_A_YEAR: Final = 365
_MANY: Final = 100
"""More happenings than these nobody would read."""
_NEAR: Final = 200
"""Days: a date that is no farther from today is readable; a number that is no greater, too."""


@dataclass(slots=True)
class Peer:
    """One of the two policies, as the reference has it."""

    judge: Judge
    reader: Reader

    def judged(self, request: Json) -> Judgement:
        """Raises RequestError."""
        return self.judge.judge(self.reader.question(request), "reference")

    def answered(self, judgement: Judgement, shared: Shown) -> Answered:
        step = judgement.steps[0]
        rules = dict.fromkeys(
            Became(each.rule.id, each.outcome, each.rule.severity)
            for each in step.judged
            if each.outcome != "satisfied" and not each.standing
        )
        reasons = tuple(each for each in Explanation(self.judge, judgement).reasons() if not each.standing)
        if step.verdict == "deny":
            return Answered(step.verdict, tuple(rules), (), (), (), (), (), (), reasons)
        before, after = step.before.records["account"], self.judge.left_by(step).records["account"]
        return Answered(
            step.verdict,
            tuple(rules),
            changed=tuple(
                (name, before.get(name), after.get(name))
                for name in shared.fields
                if before.get(name) != after.get(name)
            ),
            left=tuple((name, after.get(name)) for name in shared.fields),
            lost=self.judge.lost(step),
            events=tuple(move.event for move, applies in step.moves if applies is not False),
            perhaps=tuple(move.event for move, applies in step.moves if applies is None),
            obligations=tuple(dict.fromkeys(_due(step))),
            reasons=reasons,
        )


def _due(step: Step) -> Iterator[Text]:
    for move, applies in step.moves:
        for each in move.obligations if applies is not False else ():
            if evaluate(each.when, step.before) is not False:
                yield each.text


@dataclass(slots=True)
class Shown:
    """Shows differences of two policies."""

    old: Peer
    new: Peer
    fields: tuple[str, ...]
    features: tuple[str, ...] = field(default=())

    def example(self, compared: Compared, kind: Kind, formula: Bool, model: Model) -> tuple[Model, Example] | None:
        """The request of a model that is like that one but readable, confirmed; None where neither is confirmed."""
        readable = granted(compared.space, model, formula, list(_wishes(compared)))
        for each in (readable, model):
            for request in _requests(compared, each, {"old": self.old.judge, "new": self.new.judge}):
                found = self._confirmed(kind, request)
                if found is not None:
                    return each, found
        return None

    def _confirmed(self, kind: Kind, request: Json) -> Example | None:
        try:
            old, new = self.old.judged(request), self.new.judged(request)
        except RequestError:
            return None
        if not self._differ(kind, old.steps[0], new.steps[0]):
            return None
        at = values.local(new.steps[0].before.at, self.new.judge.zone)
        return Example(request, at, self.old.answered(old, self), self.new.answered(new, self))

    def _differ(self, kind: Kind, old: Step, new: Step) -> bool:
        if kind in VERDICTS:
            return (old.verdict, new.verdict) == VERDICTS[kind]
        if old.verdict != new.verdict:
            return False
        if kind == "reasons":
            return _reasons(old) != _reasons(new)
        return old.verdict == "allow" and self._left("old", old) != self._left("new", new)

    def _left(self, side: Side, step: Step) -> object:
        """What the change comes to, as far as both can say it."""
        peer = self.old if side == "old" else self.new
        after = peer.judge.left_by(step)
        account, features = after.records["account"], after.records["features"]
        happened = [(move.event, applies) for move, applies in step.moves if applies is not False]
        due = {
            (each.text, True)
            for move, applies in step.moves
            if applies is not False
            for each in move.obligations
            if evaluate(each.when, step.before) is not False
        }
        return (
            [account.get(name) for name in self.fields],
            [features.get(name) for name in self.features],
            sorted(happened, key=str),
            due,
        )


def _reasons(step: Step) -> set[tuple[str, str, str]]:
    return {
        (each.rule.id, each.rule.severity, each.outcome)
        for each in step.judged
        if each.outcome != "satisfied" and not each.standing
    }


# ------------------------------------------------------------------------------------------------- what is readable


def _wishes(compared: Compared) -> Iterator[Bool]:
    """First that little is given, then that what is given is near."""
    moment = compared.moments["new"]
    yield moment.today == USUAL
    if moment.is_timed:
        yield _by_day(moment)
    if compared.asking.name == "set":
        sets = [asked for asked, _ in compared.wanted.values()]
        yield from (opposite(each) for each in reversed(sets))
    yield opposite(compared.history_given)
    yield from (opposite(meaning.known) for meaning in compared.asked.values())
    yield from (opposite(meaning.known) for meaning in reversed(compared.raw.values()))
    yield opposite(compared.features_given)
    yield from (opposite(held.value) for held in compared.features.values())
    yield from (equal(count, 0) for _, count in compared.past.counts.values())
    values = [
        *compared.raw.items(),
        *compared.asked.items(),
        *((name, value) for name, (_, value) in compared.wanted.items()),
    ]
    for name, meaning in values:
        declaration = compared.shared.account.get(name) or compared.shared.request.get(name)
        if not isinstance(meaning, Term) or declaration is None:
            continue
        match declaration.type.kind:
            case "date":
                distance = meaning.value - moment.today
                yield both(no_more(-_NEAR, distance), no_more(distance, _NEAR))
            case "int":
                yield both(no_more(0, meaning.value), no_more(meaning.value, _NEAR))
            case _:
                pass
    yield both(no_more(USUAL, moment.today), no_more(moment.today, USUAL + _A_YEAR))


def _by_day(moment: Now) -> Bool:
    """Between eight and eight, in UTC at least."""
    since = moment.now - (USUAL - dates.EPOCH) * dates.DAY
    return both(no_more(dates.DAY // 3, since), no_more(since, dates.DAY * 5 // 6))


def _requests(compared: Compared, model: Model, judges: Mapping[Side, Judge]) -> Iterator[Json]:
    """The request of a model, if its history can be laid out."""
    shared, space = compared.shared, compared.space
    reading = Reading(shared.new, space, model)
    at = reading.instant(compared.moments["new"])
    account = reading.json(reading.facts(compared.raw, shared.account))
    if not compared.registers and model.holds(compared.features_given) and shared.features:
        account["features"] = [name for name, held in compared.features.items() if model.holds(held.value)]
    request: Json = {"account": account, "change": _change(compared, reading)}
    facts = reading.json(reading.facts(compared.asked, shared.request))
    if facts:
        request["request"] = facts
    request["at"] = values.written(at, space.zone)
    if not compared.registers and model.holds(compared.history_given):
        past = _past(compared, model, at, judges)
        if past is None:
            return
        request["history"] = [{"event": name, "at": values.written(when, space.zone)} for name, when in past]
    yield request


def _past(
    compared: Compared, model: Model, at: datetime, judges: Mapping[Side, Judge]
) -> list[tuple[str, datetime]] | None:
    """A history with as many events in each window, of either's days, as the model says; None if none is found."""
    moments = compared.moments
    if moments["old"] is moments["new"]:
        return realized(compared.past, model, moments["new"], at, judges["new"])
    wanted: dict[str, list[tuple[datetime, Window, ZoneInfo, int]]] = {}
    for (event, window, _), (moment, count) in compared.past.counts.items():
        judge = judges["old" if moment is moments["old"] else "new"]
        entry = (begin_of(window, at, judge), window, judge.zone, model.number(count))
        wanted.setdefault(event, []).append(entry)
    found: list[tuple[str, datetime]] = []
    for event, windows in wanted.items():
        placed: list[datetime] = []
        for begin, window, zone, number in sorted(windows, key=lambda each: each[0], reverse=True):
            held = sum(calendar.counts(window, when, at, zone) for when in placed)
            if not 0 <= number - held <= _MANY:
                return None
            placed += [min(begin + timedelta(minutes=1), at)] * (number - held)
        found += [(event, when) for when in placed]
    return sorted(found, key=lambda each: each[1])


def _change(compared: Compared, reading: Reading) -> Json:
    kind, _, name = compared.asking.name.partition(".")
    match kind:
        case "register":
            return {"register": {}}
        case "set":
            wanted = {
                each: reading.value(meaning, compared.shared.account[each].type)
                for each, (asked, meaning) in compared.wanted.items()
                if reading.model.holds(asked)
            }
            return {"set": reading.json({each: value for each, value in wanted.items() if value is not None})}
        case _:
            return {kind: name}
