"""A model as an account, requests and dates, as one would write them; and whether `check` says the same of them.

Nothing of a model is believed: each step is asked of the reference, and what it leaves is what the next one begins
with. A witness that does not come out so is none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

from lawful import calendar, ir, values
from lawful.calendar import Window
from lawful.deciding.judging import Judge
from lawful.deciding.judging import Step as JudgedStep
from lawful.diagnostics import RequestError
from lawful.engines.reference import evaluate
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import Period, Program, Type, Value
from lawful.proofs import dates
from lawful.proofs.induction import Refutation
from lawful.proofs.logic import Bool, Meaning, alike, both, conjunction, equal, implies, no_more, opposite
from lawful.proofs.moves import Change, Ruling
from lawful.proofs.property import Property
from lawful.proofs.space import Deadline, Model, NotSettled, Space, Texts
from lawful.proofs.state import Before, Now
from lawful.proofs.terms import Facts as Meanings
from lawful.proofs.trace import Option, Trace
from lawful.question import EARLIEST
from lawful.reading import Reader

Json = dict[str, Any]
_NOON: Final = time(12)
_READABLE: Final = date(2025, 1, 1)
_SOON: Final = 400
"""Days."""
_USUAL: Final = date(2025, 7, 16)
"""In the middle of a month: each window begins on a day of its own."""
_THESE_YEARS: Final = date(2015, 1, 1), date(2035, 1, 1)
_FOR_WISHES: Final = 2.0
"""Seconds."""
_MOST_EVENTS: Final = 500
"""More happenings than these nobody would read."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens to the account of a witness."""

    kind: Literal["register", "change", "event", "world", "state"]
    at: datetime
    """Local."""
    request: Json | None
    """As `check` is asked, and allows; of a `state` a request about it, if there is one."""
    what: Json
    """The change, the event's name, or what the world moves."""
    changed: tuple[tuple[str, Value | None, Value | None], ...] = ()
    lost: tuple[str, ...] = ()
    verdict: str | None = None
    rules: tuple[str, ...] = ()
    """Of a request that is not allowed: the rules that refuse it."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What happens, in order; for a person to read and to ask of `check` again."""

    happenings: tuple[Happening, ...]


@dataclass(slots=True)
class Replay:
    """An account as the reference sees it, step by step."""

    judge: Judge
    reader: Reader
    account: dict[str, Value] = field(default_factory=dict)
    features: dict[str, Value] = field(default_factory=dict)
    history: list[tuple[str, datetime]] = field(default_factory=list)
    history_known: bool = True
    happenings: list[Happening] = field(default_factory=list)
    seen: list[Situation] = field(default_factory=list)

    @property
    def program(self) -> Program:
        return self.judge.program

    def ask(self, change: Json, at: datetime, request: Json | None = None) -> tuple[JudgedStep, Json]:
        """What the reference says of a change now. Raises RequestError."""
        asked = self.asking(at)
        asked["change"] = change
        if request:
            asked["request"] = request
        judgement = self.judge.judge(self.reader.question(asked), "reference")
        return judgement.steps[0], asked

    def asking(self, at: datetime) -> Json:
        """A request about the account as it is, without a change."""
        zone = self.judge.zone
        account: Json = {name: values.to_json(value, zone) for name, value in self.account.items()}
        if self.program.features and self.features:
            account["features"] = [name for name, held in self.features.items() if held]
        asked: Json = {"account": account, "at": values.written(at, zone)}
        if self.history_known:
            asked["history"] = [{"event": name, "at": values.written(when, zone)} for name, when in self.history]
        return asked

    def allowed(
        self, change: Json, at: datetime, request: Json, perhaps: Callable[[str], bool] = lambda _: True
    ) -> bool:
        """Make the change, if it is allowed. `perhaps`: whether an event of which nobody knows was one."""
        try:
            step, asked = self.ask(change, at, request)
        except RequestError:
            return False
        if step.verdict != "allow":
            return False
        left = self.judge.left_by(step)
        before, had = self.account, self.features
        self.account = _filled(self.program, left.records["account"])
        self.features = dict(left.records["features"])
        for move, applies in step.moves:
            if applies or (applies is None and perhaps(move.event)):
                self.history.append((move.event, at))
        kind: Literal["register", "change"] = "register" if "register" in change else "change"
        lost = tuple(name for name, held in had.items() if held and not self.features.get(name))
        changed = () if kind == "register" else _difference(before, self.account)
        self._tell(Happening(kind, self._local(at), asked, change, changed, lost))
        return True

    def happens(self, event: ir.Event, at: datetime) -> bool:
        """Let it happen, if what it leaves are values that the fields can have."""
        now = self.situation(at)
        after = dict(self.account)
        for effect in event.moves:
            value = evaluate(effect.value, now)
            if value is None:
                after.pop(effect.field, None)
            else:
                after[effect.field] = value
        before = self.account
        self.account = _filled(self.program, after)
        self.history.append((event.id, at))
        self._tell(Happening("event", self._local(at), None, {"event": event.id}, _difference(before, self.account)))
        return self._is_readable(at)

    def moved(self, facts: Mapping[str, Value | None], at: datetime) -> bool:
        """Let the world move what is outside of the policy."""
        before = self.account
        after = {name: value for name, value in {**before, **facts}.items() if value is not None}
        self.account = _filled(self.program, after)
        changed = _difference(before, self.account)
        if changed:
            zone = self.judge.zone
            what = {name: values.to_json(value, zone) for name, _, value in changed}
            self._tell(Happening("world", self._local(at), None, what, changed))
        return self._is_readable(at)

    def observe(self, at: datetime) -> None:
        """Look at the account as it is."""
        self.seen.append(self.situation(at))

    def situation(self, at: datetime) -> Situation:
        events = tuple((name, when) for name, when in self.history if when <= at)
        return Situation(
            records={"account": dict(self.account), "features": dict(self.features)},
            at=at,
            today=calendar.day_of(at, self.judge.zone),
            zone=self.judge.zone,
            history=History(events, EARLIEST),
            conditions=self.program.conditions,
            initial=self.account,
        )

    def _is_readable(self, at: datetime) -> bool:
        """Whether a request about this account could be read: its values within their bounds."""
        try:
            self.reader.account(self.asking(at))
        except RequestError:
            return False
        return True

    def _tell(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def _local(self, at: datetime) -> datetime:
        return values.local(at, self.judge.zone)


def _filled(program: Program, account: Facts) -> dict[str, Value]:
    """The account as it will be read again: defaults for what is unknown."""
    found = dict(account)
    for name, declaration in program.account.items():
        if name not in found and declaration.default is not None:
            found[name] = declaration.default
    return found


def _difference(before: Facts, after: Facts) -> tuple[tuple[str, Value | None, Value | None], ...]:
    names = dict.fromkeys([*before, *after])
    return tuple((name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))


# -------------------------------------------------------------------------------------------------- from a model


@dataclass(slots=True)
class Reading:
    """Values of a model as the policy has them."""

    program: Program
    space: Space
    model: Model
    _texts: dict[int, str] = field(default_factory=dict)

    def facts(self, facts: Meanings, schema: ir.Schema) -> dict[str, Value]:
        """The known facts."""
        found = {}
        for name, meaning in facts.items():
            value = self.value(meaning, schema[name].type) if name in schema else None
            if value is not None:
                found[name] = value
        return found

    def json(self, facts: Mapping[str, Value]) -> Json:
        return {name: values.to_json(value, self.space.zone) for name, value in facts.items()}

    def value(self, meaning: Meaning, type: Type) -> Value | None:
        if not self.model.holds(meaning.known):
            return None
        value = self.model.value(meaning.value)
        match type.kind:
            case "enum":
                return type.values[value] if 0 <= value < len(type.values) else None
            case "set":
                return frozenset(each for each, held in zip(type.values, value, strict=True) if held)
            case "date":
                return date.fromordinal(value)
            case "timestamp":
                return dates.instant(value)
            case "string":
                return self._text(value)
            case _:
                return value  # type: ignore[no-any-return]  # a number or a truth

    def instant(self, moment: Now) -> datetime:
        """When it is: at noon, where the time of the day does not matter."""
        if moment.is_timed:
            return dates.instant(self.model.number(moment.now))
        day = date.fromordinal(self.model.number(moment.today))
        noon = calendar.instant_of(datetime.combine(day, _NOON), self.space.zone)
        return noon if moment.earlier is None else max(noon, self.instant(moment.earlier))

    def change(self, change: Change, ruling: Ruling) -> Json:
        match change.kind:
            case "set":
                wanted = {}
                for name, (asked, meaning) in change.values.items():
                    value = self.value(meaning, self.program.account[name].type)
                    if self.model.holds(asked) and value is not None:
                        wanted[name] = values.to_json(value, self.space.zone)
                return {"set": wanted}
            case "register":
                return {"register": {}}
            case kind:
                return {kind: change.name}

    def request(self, ruling: Ruling) -> Json:
        """What the request says beside the change, as far as anybody asked."""
        return self.json(self.facts(dict(ruling.scene_before.records["request"]), self.program.request))

    def _text(self, code: int) -> str:
        texts = self.space.texts
        if code < len(texts.named):
            return texts.named[code]
        if code not in self._texts:
            self._texts[code] = _made_up(texts, self.model, code, self._texts.values())
        return self._texts[code]


def _made_up(texts: Texts, model: Model, code: int, known: Collection[str]) -> str:
    """A text of which is true what the model says of that code, as far as that is easily found."""
    parts: dict[str, list[str]] = {"startsWith": [], "contains": [], "endsWith": []}
    size = None
    for atom in texts.atoms:
        if model.number(atom.text) != code:
            continue
        if atom.function == "size":
            size = model.number(atom.value)
        elif atom.function in parts and atom.argument is not None and model.holds(atom.value):
            argument = model.number(atom.argument)
            if argument < len(texts.named):
                parts[atom.function].append(texts.named[argument])
    begin, end = max(parts["startsWith"], key=len, default=""), max(parts["endsWith"], key=len, default="")
    middle = "".join(each for each in parts["contains"] if each not in begin and each not in end)
    made = begin + middle + end
    if size is not None and len(made) < size <= 10_000:
        made = begin + middle + "x" * (size - len(made)) + end
    return made or f"text {1 + len(known)}"


# ------------------------------------------------------------------------------------------------- what is readable


def readable(trace: Trace, model: Model, formula: Bool) -> Model:
    """Another model, if there is one, with less in it that does not matter."""
    wishes: list[Bool] = []
    for number in range(1, len(trace.moments)):
        wishes.append(equal(trace.moments[number - 1].today, trace.moments[number].today))
    program = trace.moves.program
    for before, after in zip(trace.states, trace.states[1:], strict=False):
        for name, declaration in program.account.items():
            one, other = before.account[name], after.account[name]
            if declaration.motion == "outside" and one is not other:
                wishes.append(alike(one, other))
    for step in trace.steps:
        for option in step.options:
            if option.ruling is not None and option.ruling.change.kind == "set":
                wishes += [opposite(asked) for asked, _ in option.ruling.change.values.values()]
    first = trace.states[0].account
    wishes += [usual(program, each.account) for each in trace.states]
    wishes += [opposite(first[name].known) for name, each in program.account.items() if not _tells(each)]
    first_day, last_day = trace.moments[0].today, trace.moments[-1].today
    for wish in (equal(first_day, _READABLE.toordinal()), no_more(last_day, _READABLE.toordinal() + _SOON)):
        model = granted(trace.space, model, formula, [wish])
        if model.holds(wish):
            formula = both(formula, wish)
    return granted(trace.space, model, formula, wishes)


def usual_day(period: Period) -> date:
    """A day like others on which something is in force."""
    if period.holds(_USUAL):
        return _USUAL
    inside = (period.start, period.until - timedelta(days=1) if period.until is not None else None)
    return next((each for each in inside if each is not None), _USUAL)


def usual(program: Program, facts: Meanings) -> Bool:
    """Whether dates and instants are of these years."""
    first, last = (each.toordinal() for each in _THESE_YEARS)
    bounds = {
        "date": (first, last),
        "timestamp": ((first - dates.EPOCH) * dates.DAY, (last - dates.EPOCH) * dates.DAY),
    }
    found: list[Bool] = []
    for name, meaning in facts.items():
        kind = program.account[name].type.kind
        if kind in bounds:
            low, high = bounds[kind]
            found.append(implies(meaning.known, both(no_more(low, meaning.value), no_more(meaning.value, high))))
    return conjunction(found)


def _tells(declaration: ir.FieldDeclaration) -> bool:
    lifelong = declaration.motion == "lifecycle" or declaration.fixed is not None
    return lifelong or declaration.default is not None


def granted(space: Space, model: Model, formula: Bool, wishes: Sequence[Bool]) -> Model:
    """As many of the wishes as go together, the earlier ones first, and as are found in a moment."""
    kept: list[Bool] = []
    budget = 40
    deadline, space.deadline = space.deadline, Deadline(min(space.deadline.at, Deadline.after(_FOR_WISHES).at))

    def grant(some: Sequence[Bool], model: Model) -> Model:
        nonlocal budget
        open_ones = [wish for wish in some if not model.holds(wish)]
        if not open_ones:
            kept.extend(some)
            return model
        if budget <= 0:
            return model
        budget -= 1
        try:
            better = space.satisfiable(formula, *kept, *some)
        except NotSettled:
            return model
        if better is not None:
            kept.extend(some)
            return better
        if len(some) == 1:
            return model
        half = len(some) // 2
        return grant(some[half:], grant(some[:half], model))

    try:
        return grant(wishes, model)
    finally:
        space.deadline = deadline


# ------------------------------------------------------------------------------------------------------- traces


def replayed(judge: Judge, reader: Reader, trace: Trace, model: Model, *, until: Option | None = None) -> Replay | None:
    """The trace of a model as the reference sees it; None where it does not allow it.

    `until`: one more change, which is asked for at the end.
    """
    program = judge.program
    reading = Reading(program, trace.space, model)
    replay = Replay(judge, reader, history_known=trace.history_known)
    assert trace.registration is not None
    begun = trace.registration.before
    replay.account = reading.facts(begun.account, program.account)
    replay.features = dict.fromkeys(program.features, False)
    if not replay.allowed({"register": {}}, reading.instant(trace.moments[0]), reading.request(trace.registration)):
        return None
    replay.observe(reading.instant(trace.moments[0]))
    outside = [name for name, each in program.account.items() if each.motion == "outside"]
    steps = iter(trace.steps)
    for number in range(1, len(trace.states)):
        moment = trace.moments[number]
        at = reading.instant(moment)
        if moment is not trace.moments[number - 1]:  # time passed
            shown = {name: trace.states[number].account[name] for name in outside}
            told = {name: reading.value(shown[name], program.account[name].type) for name in outside}
            before = trace.states[number - 1].account
            told = {name: value for name, value in told.items() if shown[name] is not before[name]}
            if not replay.moved(told, at):
                return None
        else:
            step = next(steps)
            option = step.options[model.number(step.which)]
            if not _made(replay, reading, option, at):
                return None
        replay.observe(at)
    if until is not None and not _made(replay, reading, until, reading.instant(trace.moment)):
        return None
    return replay


def _made(replay: Replay, reading: Reading, option: Option, at: datetime) -> bool:
    if option.event is not None:
        return replay.happens(option.event, at)
    assert option.ruling is not None
    fresh = option.after.history.made[len(option.ruling.before.history.made) :]
    happened = {each.event for each in fresh if reading.model.holds(each.happened)}
    change = reading.change(option.ruling.change, option.ruling)
    if change == {"set": {}}:
        return True  # nothing is set: nothing happens
    return replay.allowed(change, at, reading.request(option.ruling), lambda event: event in happened)


def refuted(judge: Judge, reader: Reader, claim: Property, found: Refutation) -> Witness | None:
    """The witness of a refutation; None where the reference does not confirm it."""
    model = readable(found.trace, found.model, found.formula)
    for each in (model, found.model):
        replay = replayed(judge, reader, found.trace, each)
        if replay is None:
            continue
        last = replay.seen[-1]
        if any(claim.broken_in(last, earlier) for earlier in replay.seen):
            ends = Happening("state", values.local(last.at, judge.zone), replay.asking(last.at), {})
            return Witness((*replay.happenings, ends))
    return None


# ------------------------------------------------------------------------------------------------- single requests


def asked_once(
    judge: Judge, reader: Reader, space: Space, model: Model, ruling: Ruling, moment: Now
) -> tuple[JudgedStep, Happening] | None:
    """A change of an account that may be in any state, as the reference judges it."""
    program = judge.program
    reading = Reading(program, space, model)
    replay = Replay(judge, reader)
    at = reading.instant(moment)
    replay.account = reading.facts(ruling.before.account, program.account)
    features = {name: model.holds(held.value) for name, held in ruling.before.features.items()}
    replay.features = dict(features)
    past = realized(ruling.before.history.before, model, moment, at, judge)
    if past is None:
        return None
    replay.history = past
    try:
        step, asked = replay.ask(reading.change(ruling.change, ruling), at, reading.request(ruling))
    except RequestError:
        return None
    refusing = tuple(each.rule.id for each in step.judged if each.refuses)
    local = values.local(at, judge.zone)
    return step, Happening("change", local, asked, asked["change"], (), (), step.verdict, refusing)


def realized(
    before: Before | None, model: Model, moment: Now, at: datetime, judge: Judge
) -> list[tuple[str, datetime]] | None:
    """A history with as many events in each window as the model says; None where none is found."""
    wanted: dict[str, dict[Window, int]] = {}
    for (event, window, _), (then, count) in before.counts.items() if before is not None else ():
        if then is moment or window.unit == "lifetime":
            wanted.setdefault(event, {})[window] = model.number(count)
    found: list[tuple[str, datetime]] = []
    for event, counts in wanted.items():
        placed = 0
        windows = sorted(counts, key=lambda each: begin_of(each, at, judge), reverse=True)
        for window in windows:
            missing = counts[window] - placed
            if missing < 0 or missing > _MOST_EVENTS:
                return None
            found += [(event, min(begin_of(window, at, judge) + timedelta(minutes=1), at))] * missing
            placed += missing
        for window, count in counts.items():
            held = sum(name == event and calendar.counts(window, when, at, judge.zone) for name, when in found)
            if held != count:
                return None
    return sorted(found, key=lambda each: each[1])


def begin_of(window: Window, at: datetime, judge: Judge) -> datetime:
    """The first instant whose events count at `at`, or shortly after it."""
    if window.since is not None:
        return max(calendar.opening(window.since, judge.zone), begin_of(window.whole, at, judge))
    day = calendar.day_of(at, judge.zone)
    match window.unit:
        case "lifetime":
            return at - timedelta(days=366 * 20)
        case "day":
            return calendar.start_of(day, judge.zone)
        case "month":
            return calendar.start_of(day.replace(day=1), judge.zone)
        case "year":
            return calendar.start_of(day.replace(month=1, day=1), judge.zone)
        case "days":
            return at - timedelta(days=window.length)
        case "months":
            first = calendar.add_months(day, -window.length) or date.min
            if first.day != day.day:  # the 31st of a shorter month: what happened on its last day counts no more
                return calendar.start_of(first + timedelta(days=1), judge.zone)
            return calendar.instant_of(datetime.combine(first, values.local(at, judge.zone).time()), judge.zone)
