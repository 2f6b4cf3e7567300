"""A request that tells a mutant from its policy: searched for beside the requests of the cases, at the edges of what
was changed, then at random. What it does not find may be there all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from random import Random
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import calendar, values
from lawful.audit.candidates import number_of
from lawful.calendar import Instant
from lawful.deciding.rulebook import Rulebook
from lawful.diagnostics import RequestError
from lawful.ir import Count, Expr, Period, Program, Rule, Value
from lawful.mutation.answering import Answer, Decider, Key, told_apart
from lawful.mutation.edges import Edges, Fact, Looked, Past, declaration, histories, instants, looked
from lawful.mutation.killing import Asked
from lawful.mutation.mutants import Mutant, expressions
from lawful.mutation.noticing import Delta
from lawful.policy import Policy

Request: TypeAlias = Mapping[str, Any]
"""A request as strangers give it."""

PATIENCE: Final = 3000
"""Requests that are tried for one mutant."""
_FOR_A_CLEAR_ONE: Final = 300
"""More that are tried after one on which the policy leaves the verdict open."""
_PAIRS: Final = 300
_FAR: Final = 2**62
_MOST_EVENTS: Final = 30
_BASES: Final = 16
_AT: Final = "2024-04-12T09:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Found:
    """A request that the policy and the mutant answer differently, and by what a case tells them apart."""

    request: Request
    key: Key
    policy: Answer
    mutant: Answer


@dataclass(frozen=True, slots=True)
class _Other:
    """A mutant that is asked beside its policy."""

    decider: Decider
    delta: Delta


class Search:
    """Searches for one policy and its cases. The same ones give the same requests."""

    def __init__(self, policy: Policy, cases: Sequence[Asked], patience: int = PATIENCE) -> None:
        self.policy = policy
        self.program = policy.program
        self.patience = patience
        self._decider = Decider(policy.program)
        self._book = Rulebook(policy.program)
        self._cases = sorted(
            cases, key=lambda each: (each.case.expect.verdict == "undetermined", len(str(each.case.request)))
        )

    def near(self, mutant: Mutant) -> Found | None:
        """A request at an edge of what was changed that tells the mutant apart, without what does not matter."""
        return self._first(mutant, self._near(mutant))

    def anywhere(self, mutant: Mutant) -> Found | None:
        """Likewise, with several facts changed at random."""
        return self._first(mutant, self._at_random(mutant))

    def _first(self, mutant: Mutant, requests: Iterable[Request]) -> Found | None:
        other = self._other(mutant)
        undecided: Found | None = None
        left = self.patience
        for told in (self._told(request, other) for request in requests):
            if told is not None and told.policy.verdict != "undetermined":
                return self._shortened(told, other)
            if told is not None and undecided is None:
                undecided, left = told, min(left, _FOR_A_CLEAR_ONE)
            left -= 1
            if left <= 0:
                break
        return None if undecided is None else self._shortened(undecided, other)

    def shown(self, request: Request, mutant: Mutant) -> Found | None:
        """The request without what does not matter, if it tells the mutant apart as a case can."""
        other = self._other(mutant)
        told = self._told(request, other)
        return None if told is None else self._shortened(told, other)

    def several(self, mutant: Mutant, many: int) -> list[Found]:
        """The first requests that tell the mutant apart, as they were found."""
        other = self._other(mutant)
        requests = islice(chain(self._near(mutant), self._at_random(mutant)), self.patience)
        told = (self._told(request, other) for request in requests)
        return [*islice((each for each in told if each is not None), many)]

    def _other(self, mutant: Mutant) -> _Other:
        return _Other(Decider(mutant.program), Delta(self.program, mutant.program))

    def _told(self, request: Request, other: _Other) -> Found | None:
        try:
            question = self.policy.read(request)
        except RequestError:
            return None  # an edge of one fact may be no value of another
        judgement = self._decider.judge.judge(question, "reference")
        if not other.delta.may_show(judgement):
            return None
        answer, others = self._decider.answer_of(judgement), other.decider.answer(question)
        key = told_apart(answer, others)
        return None if key is None else Found(request, key, answer, others)

    def _shortened(self, found: Found, other: _Other) -> Found:
        """Without the facts that do not matter, nor the changes."""
        for change in found.request.get("changes") or ():
            rest = {key: each for key, each in found.request.items() if key != "changes"}
            told = self._told({**rest, "change": change}, other)
            if told is not None and (told.key, told.policy.verdict) == (found.key, found.policy.verdict):
                found = told
                break
        for part in parts(found.request):
            told = self._told(without(found.request, part), other)
            if told is not None and (told.key, told.policy.verdict) == (found.key, found.policy.verdict):
                found = told
        return found

    # --------------------------------------------------------------------------------------------------- requests

    def _near(self, mutant: Mutant) -> Iterator[Request]:
        """The requests of cases, with one fact changed, and with two."""
        changed = _changed(self.program, mutant)
        look, rules = looked(*changed.read), changed.rules
        bases = self._bases(mutant, look)
        yield from bases
        varied = [Varied(self.program, base, look, rules) for base in bases]
        for each in varied:
            yield from each.one_by_one()
        for each in varied[:3]:
            yield from islice(each.two_by_two(), _PAIRS)

    def _at_random(self, mutant: Mutant) -> Iterator[Request]:
        """With many changed, some of what else is judged there among them; without end."""
        changed = _changed(self.program, mutant)
        look, rules = looked(*changed.read), changed.rules
        bases = self._bases(mutant, look)
        wide = looked((self.program, self._around(mutant)), *changed.read)
        varied, widely = ([Varied(self.program, base, each, rules) for base in bases] for each in (look, wide))
        random = Random(mutant.name)
        while widely:
            yield random.choice(widely if random.random() < 0.5 else varied).at_random(random)

    def _around(self, mutant: Mutant) -> list[Expr]:
        """What else is read where what was changed is judged."""
        return [
            expr
            for rule in self.program.rules
            if rule.scope != "move" or mutant.triggers is None or rule.subject in mutant.triggers
            for expr in (rule.when, rule.requires)
        ]

    def _bases(self, mutant: Mutant, near: Looked) -> list[Request]:
        """Requests of cases that come upon what was changed, of every kind some; and others with their changes."""
        wanted = self._triggers(mutant, near)
        alike: dict[tuple[object, ...], list[Request]] = {}
        for each in self._cases:
            if each.triggers & wanted:
                alike.setdefault((each.triggers, each.case.expect.verdict), []).append(each.case.request)
        several = [some[index] for some in alike.values() for index in sorted({0, len(some) // 2, len(some) - 1})]
        met = {trigger for each in self._cases for trigger in each.triggers}
        usual = self._cases[len(self._cases) // 2].case.request if self._cases else {"account": {}, "at": _AT}
        made: list[Request] = []
        for trigger in sorted(wanted - met):
            change = self._change(trigger)
            if change is not None:
                made.append(
                    {**{key: usual[key] for key in usual if key not in ("change", "changes")}, "change": change}
                )
        if len(several) > _BASES:
            several = Random(mutant.name).sample(several, _BASES)
        return [*several, *made[:4]]

    def _triggers(self, mutant: Mutant, near: Looked) -> frozenset[str]:
        """The changes that may show it: those it guards; those that move what a constraint or a feature reads."""
        own = {rule.subject for rule in self.program.rules if rule.scope == "move" and rule.id in mutant.rules}
        own |= {move.trigger for move in self.program.moves if move.id in mutant.rules}
        if mutant.triggers is not None:
            return frozenset(mutant.triggers | own)
        facts = {f"account.{name}" for owner, name in near.facts if owner == "account"}
        facts |= {f"features.{name}" for name in near.features}
        triggers = {rule.subject for rule in self.program.rules if rule.scope == "move"}
        triggers |= {move.trigger for move in self.program.moves}
        moving = {each for each in triggers if self._book.may_move(each) & facts}
        return frozenset(own | moving | {"register"}) or frozenset(triggers)

    def _change(self, trigger: str) -> dict[str, Any] | None:
        kind, _, name = trigger.partition(".")
        match kind:
            case "set":
                declared = self.program.account[name]
                value = {"bool": True, "int": 1, "string": "x", "set": [], "date": "2024-04-12", "timestamp": _AT}
                asked = declared.type.values[0] if declared.type.kind == "enum" else value[declared.type.kind]
                return {"set": {name: asked}}
            case "register":
                return {"register": {}}
            case "do" | "enable" | "disable":
                return {kind: name}
            case _:
                return None


@dataclass(frozen=True, slots=True)
class _Changed:
    """What the changed rules and moves read, in a program and its mutant; and these rules."""

    read: tuple[tuple[Program, list[Expr]], ...]
    rules: list[Rule]


def _changed(program: Program, mutant: Mutant) -> _Changed:
    read, rules = [], []
    for each in (program, mutant.program):
        touched = [rule for rule in each.rules if rule.id in mutant.rules]
        exprs = [expr for rule in touched for expr in (rule.when, rule.requires)]
        exprs += [expr for move in each.moves if move.id in mutant.rules for expr in expressions(move)]
        read.append((each, exprs))
        rules += touched
    return _Changed(tuple(read), rules)


class Varied:
    """One request with other facts, at other times, after other histories."""

    def __init__(self, program: Program, base: Request, look: Looked, rules: Sequence[Rule]) -> None:
        self.program = program
        self.base = base
        self.look = look
        self.zone = ZoneInfo(program.timezone)
        self.at = values.instant(base.get("at", _AT), self.zone)
        self.instants = instants(program, look, rules, self.at, self.zone)
        periods = [rule.in_force for rule in rules]
        if periods and not _in_force(periods, self.at, self.zone):
            self.at = next((each for each in self.instants if _in_force(periods, each, self.zone)), self.at)
            self.base = {**base, "at": values.written(self.at, self.zone)}
        self._edges: dict[Instant, Edges] = {}

    def one_by_one(self) -> Iterator[Request]:
        """One fact, the time or the history changed; the features one by one."""
        edges = self._at(self.at)
        for fact in self.look.facts:
            for value in edges.values(fact):
                yield self._with_fact(self.base, fact, value)
                if fact[0] == "account" and fact[1] in self._asked():
                    yield self._asking(self.base, fact[1], value)
        for name in self.look.features:
            yield _with_feature(self.base, name, on=True)
            yield _with_feature(self.base, name, on=False)
        for history in histories(self.look, self.at, self.zone):
            yield self._with_history(self.base, history)
        for at in self.instants:
            yield {**self.base, "at": values.written(at, self.zone)}

    def two_by_two(self) -> Iterator[Request]:
        """Each fact together with each history."""
        edges = self._at(self.at)
        for fact in self.look.facts:
            for value in edges.values(fact):
                other = self._with_fact(self.base, fact, value)
                for history in histories(self.look, self.at, self.zone):
                    yield self._with_history(other, history)

    def in_order(self) -> Iterator[list[Request]]:
        """Of each ordered fact the requests with its values, from the least on; of a limit, with more and more events.

        The asked value of a field is left as it is.
        """
        edges = self._at(self.at)
        for fact in self.look.facts:
            if declaration(self.program, fact).type.kind in ("int", "date", "timestamp"):
                known = [each for each in edges.values(fact) if each is not None]
                yield [self._with_fact(self.base, fact, each) for each in sorted(known, key=number_of)]
        for count, most in self.look.counts.items():
            first = next((each for each in histories(self.look, self.at, self.zone) if each and each.events), None)
            if first is not None and most < _MOST_EVENTS:
                instant = _recently(count, first, self.at)
                events = [(count.events[0], instant)] * (most + 1)
                yield [self._with_history(self.base, Past(tuple(events[:many]))) for many in range(most + 2)]

    def distance(self, request: Request) -> int:
        """How far an ordered fact that differs has moved; of what has no order nothing, it comes after the others."""
        try:
            base, other = self._numbers(self.base), self._numbers(request)
        except values.BadValue:
            return _FAR
        moved = [abs(base[key] - other[key]) if key in base and key in other else _FAR for key in base | other]
        return max((each for each in moved if each), default=_FAR)

    def _numbers(self, request: Request) -> dict[str, int]:
        found = {"at": number_of(values.instant(request.get("at", _AT), self.zone)) // 1_000_000}
        for owner in ("account", "request"):
            schema = self.program.account if owner == "account" else self.program.request
            for name, given in (request.get(owner) or {}).items():
                if name in schema and schema[name].type.kind in ("int", "date", "timestamp"):
                    value = values.read(schema[name], given, self.zone)
                    if value is not None:
                        found[f"{owner}.{name}"] = number_of(value)
        return found

    def at_random(self, random: Random) -> Request:
        """Several of them changed at once."""
        request = self.base
        at = self._some_time(random)
        edges = self._at(at)
        request = {**request, "at": values.written(at, self.zone)}
        facts = [*self.look.facts]
        for fact in random.sample(facts, min(len(facts), random.randint(1, 6))):
            value = random.choice(edges.values(fact))
            request = self._with_fact(request, fact, value)
        for name in self._asked():
            if ("account", name) in self.look.facts and random.random() < 0.5:
                request = self._asking(request, name, random.choice(edges.values(("account", name))))
        for name in self.look.features:
            if random.random() < 0.4:
                request = _with_feature(request, name, on=random.random() < 0.6)
        if random.random() < 0.6:
            request = self._with_history(request, random.choice(histories(self.look, at, self.zone)))
        return request

    def _some_time(self, random: Random) -> Instant:
        way = random.random()
        if way < 0.5:
            return self.at
        if way < 0.8:
            return random.choice(self.instants)
        return self.at + timedelta(days=random.randint(-800, 800), hours=random.randint(0, 23))

    def _at(self, at: Instant) -> Edges:
        if at not in self._edges:
            self._edges[at] = Edges(self.program, self.look, at, self.zone)
        return self._edges[at]

    def _asked(self) -> Sequence[str]:
        change = self.base.get("change") or {}
        return [*(change.get("set") or {})]

    def _with_fact(self, request: Request, fact: Fact, value: Value | None) -> Request:
        owner, name = fact
        facts = {key: each for key, each in (request.get(owner) or {}).items() if key != name}
        if value is not None:
            facts[name] = values.to_json(value, self.zone)
        return {**request, owner: facts}

    def _asking(self, request: Request, name: str, value: Value | None) -> Request:
        if value is None:
            return request
        asked = {**request["change"]["set"], name: values.to_json(value, self.zone)}
        return {**request, "change": {"set": asked}}

    def _with_history(self, request: Request, past: Past | None) -> Request:
        rest = {key: each for key, each in request.items() if key not in ("history", "history_from")}
        if past is None:
            return rest
        told = [{"event": event, "at": values.written(when, self.zone)} for event, when in past.events]
        since = {} if past.since is None else {"history_from": values.written(past.since, self.zone)}
        return {**rest, "history": told, **since}


def _recently(count: Count, past: Past, at: Instant) -> Instant:
    """An instant whose events count: the first of those tried."""
    return next((when for event, when in past.events if event in count.events), at)


def _in_force(periods: Sequence[Period], at: Instant, zone: ZoneInfo) -> bool:
    day = calendar.day_of(at, zone)
    return any(each.holds(day) for each in periods)


def _with_feature(request: Request, name: str, *, on: bool) -> Request:
    account = request.get("account") or {}
    kept = [each for each in account.get("features") or () if each != name]
    return {**request, "account": {**account, "features": [*kept, name] if on else kept}}


def parts(request: Request) -> list[tuple[str, ...]]:
    """The parts that a request may lack."""
    parts: list[tuple[str, ...]] = [("history_from",), ("history",), ("request",)]
    for owner in ("request", "account"):
        parts += [(owner, name) for name in request.get(owner) or {}]
    return [each for each in parts if each[0] in request]


def without(request: Request, part: tuple[str, ...]) -> Request:
    owner, *names = part
    if not names:
        return {key: each for key, each in request.items() if key != owner}
    facts = {key: each for key, each in (request.get(owner) or {}).items() if key != names[0]}
    if owner == "request" and not facts:
        return {key: each for key, each in request.items() if key != owner}
    return {**request, owner: facts}
