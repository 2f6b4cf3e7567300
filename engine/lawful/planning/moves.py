"""What may be tried in a state: changes with values that matter, evidence that they want, facts of the world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import combinations, islice, permutations, product
from math import prod
from typing import Final

from msgspec import Struct, field

from lawful.deciding.rulebook import triggers_of
from lawful.deciding.thresholds import Read, Turns, turning_values
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation
from lawful.ir import And, ConditionOf, Expr, Field, Program, Value, type_of, walk
from lawful.planning.cone import Cone, requests_read
from lawful.planning.dating import Dating
from lawful.planning.setting import Cut, Setting, State
from lawful.question import Asked

MOST_AT_ONCE: Final = 3
"""Fields that one change sets."""
_MOST_COMBINATIONS: Final = 400
_MOST_EVIDENCE: Final = 128
_MOST_SUITED: Final = 12
"""Values of a field, for which those of another are looked for."""
_WORK_OF_VALUES: Final = 50
_NOT_OF_AN_ACCOUNT: Final = ("request", "features")


class Moves(Struct):
    """The candidates of one cone. What had to be left out is told in `cut`."""

    setting: Setting
    cone: Cone
    cut: set[Cut]
    wished: Mapping[str, Value] = field(default_factory=dict)
    """The values that the goal sets: what is compared with them has to suit them beforehand."""
    dating: Dating | None = None
    """Which days a request may tell; None: any."""
    work: int = 0
    """What looking for values took, as so many rules judged."""
    _known: dict[object, Turns] = field(default_factory=dict)
    _beside: dict[str, frozenset[str]] = field(default_factory=dict)
    """The fields that each is compared with."""
    _wanted: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    _reads: dict[tuple[str, ...], Read] = field(default_factory=dict)

    @property
    def program(self) -> Program:
        return self.setting.judge.program

    def changes(self, state: State) -> Iterator[Asked]:
        """The changes that could move something of the cone, one field at a time."""
        situation = self.setting.situation(state, {})
        for trigger in self.cone.triggers:
            kind, _, name = trigger.partition(".")
            if kind == "set":
                in_force = self.setting.judge.rulebook.moves(trigger, situation.today)
                for value in self._values(name, state, situation) if in_force else ():
                    yield Asked("set", "", {name: value})
            elif kind == "do":
                yield Asked("do", name, {})
            elif state.features.get(name) is not (kind == "enable"):
                yield Asked("enable" if kind == "enable" else "disable", name, {})

    def together(self, fields: Mapping[str, Sequence[Value]]) -> Iterator[Asked]:
        """Two fields at once, and three: each with the values that their own guards let them have."""
        left = _MOST_COMBINATIONS
        if len(fields) > MOST_AT_ONCE:
            self.cut.add("combinations")
        for size in range(2, min(len(fields), MOST_AT_ONCE) + 1):
            for names in combinations(fields, size):
                for chosen in product(*(fields[name] for name in names)):
                    if not left:
                        self.cut.add("combinations")
                        return
                    left -= 1
                    yield Asked("set", "", dict(zip(names, chosen, strict=True)))

    def suited(self, state: State) -> Iterator[Asked]:
        """Two fields at once that are compared with each other: one as it may be, the other as suits it then."""
        names = [each.removeprefix("set.") for each in self.cone.triggers if each.startswith("set.")]
        settable = [name for name in names if self.program.account[name].motion == "settable"]
        left = _MOST_COMBINATIONS
        situation = self.setting.situation(state, {})
        for one, other in permutations(settable, 2):
            if other not in self._compared_with(one):
                continue
            self.cut.add("combinations")  # and what suits a third
            for value in self._values(one, state, situation)[:_MOST_SUITED]:
                account = {**state.account, one: value}
                beside = State(account, state.features, state.events, state.at)
                suiting = self._values(other, beside, self.setting.situation(beside, {}))[:_MOST_SUITED]
                for suits in suiting[:left]:
                    yield Asked("set", "", {one: value, other: suits})
                left -= len(suiting[:left])

    def _compared_with(self, name: str) -> frozenset[str]:
        if name not in self._beside:
            found: set[str] = set()
            for leaf in self.cone.read.leaves:
                fields = {
                    node.name for node in walk(leaf) if isinstance(node, Field) and node.owner not in _NOT_OF_AN_ACCOUNT
                }
                if name in fields:
                    found |= fields - {name}
            self._beside[name] = frozenset(found)
        return self._beside[name]

    def _values(self, name: str, state: State, situation: Situation) -> list[Value]:
        declaration = self.program.account[name]
        if declaration.motion == "lifecycle":
            present = state.account.get(name)
            steps = [move.step for move in self.program.moves if move.step is not None and move.step.field == name]
            reached = {target for step in steps if present in step.sources for target in step.targets}
            return [value for value in declaration.type.values if value in reached and value != present]
        present = state.account.get(name)
        found = _nearest_first(self._turns(name, state, situation).found, present, situation)
        return [value for value in found if value != present]

    def _turns(self, name: str, state: State, situation: Situation) -> Turns:
        """As many fields as there are, the same account is met again and again, on the same day mostly."""
        key = (name, tuple(sorted(state.account.items())), state.at)
        if key not in self._known:
            self.work += _WORK_OF_VALUES
            turns = turning_values(self.cone.read, self.program.account[name], situation)
            wished = {other: value for other, value in self.wished.items() if other in self._compared_with(name)}
            if wished.items() - state.account.items():
                then = situation.with_records(account={**state.account, **wished})
                more = turning_values(self.cone.read, self.program.account[name], then)
                turns = Turns(tuple(dict.fromkeys((*turns.found, *more.found))), turns.exact and more.exact)
            self._known[key] = turns
        self._note(self._known[key])
        return self._known[key]

    def _note(self, turns: Turns) -> None:
        if not turns.exact:
            self.cut.add("values")

    # ----------------------------------------------------------------------------------------- from the world

    def evidence(self, asked: Asked, state: State) -> Iterator[Mapping[str, Value]]:
        """What a request might say for the change, the least first; nothing comes first of all."""
        yield {}
        wanted = self.wanted(asked) if self.setting.obtains else ()
        if not wanted or self._is_past_help(asked, self.setting.situation(state, {})):
            return
        exprs = self._deciding(asked)
        if requests_read([each for each in exprs if type_of(each).kind != "bool"], self.program):
            self.cut.add("values")  # what an effect makes of it: more evidence than need be may do more
        domains = self.domains(asked, state)
        every = prod(1 + len(values) for values in domains.values())
        if every > _MOST_EVIDENCE:  # what all the rules ask for at once is found rule by rule
            self.cut.add("combinations")
            yield from self._by_rules(asked, state, domains)
            return
        for size in range(1, len(wanted) + 1):
            yield from _given(wanted, size, domains)

    def _is_past_help(self, asked: Asked, situation: Situation) -> bool:
        """Whether a rule refuses it that reads nothing of the request."""
        step = self.setting.judge.step(asked, situation, "reference")
        self.work += len(step.judged) + 1
        return any(
            judged.outcome == "violated"
            and (judged.rule.severity, judged.rule.scope) == ("error", "move")
            and not requests_read([judged.rule.when, judged.rule.requires], self.program)
            for judged in step.judged
        )

    def _by_rules(
        self, asked: Asked, state: State, domains: Mapping[str, Sequence[Value]]
    ) -> Iterator[Mapping[str, Value]]:
        """For every part of a rule that is not satisfied the least that satisfies it; together, the least first."""
        step = self.setting.judge.step(asked, self.setting.situation(state, {}), "reference")
        self.work += len(step.judged) + 1
        found: list[dict[str, Value]] = [{}]
        for judged in step.judged:
            rule = judged.rule
            if rule.severity != "error" or rule.scope != "move" or judged.outcome == "satisfied":
                continue
            for part in conjuncts(rule.requires, self.program):
                if evaluate(part, step.before) is True:
                    continue
                satisfying = self._satisfying(rule.when, part, step.before, domains)
                together = [{**one, **other} for one in found for other in satisfying if _agree(one, other)]
                distinct = {tuple(sorted(each.items(), key=str)): each for each in together}
                found = sorted(distinct.values(), key=len)[:_MOST_EVIDENCE]
                if not found:
                    return
        yield from (each for each in found if each)

    def _satisfying(
        self, when: Expr, part: Expr, before: Situation, domains: Mapping[str, Sequence[Value]]
    ) -> list[dict[str, Value]]:
        """The least evidence with which a part of a rule holds; nothing at all where none is of use."""
        names = [name for name in requests_read([when, part], self.program) if name in domains]
        facts = before.records["request"]
        for size in range(1, len(names) + 1):
            satisfying = []
            for given in islice(_given(names, size, domains), _MOST_EVIDENCE):
                self.work += 1
                with_it = before.with_records(request={**facts, **given})
                if evaluate(when, with_it) is False or evaluate(part, with_it) is True:
                    satisfying.append(given)
            if satisfying:
                return satisfying
        return []

    def domains(self, asked: Asked, state: State) -> dict[str, tuple[Value, ...]]:
        """What each fact that the change wants for may be, as far as it matters."""
        situation = self.setting.situation(state, {})
        read = self._read(asked)
        domains = {}
        for name in self.wanted(asked):
            turns = turning_values(read, self.program.request[name], situation, of_request=True)
            self._note(turns)
            found = turns.found if self.dating is None else self.dating.possible(name, turns.found)
            if len(found) < len(turns.found):
                self.cut.add("values")
            domains[name] = tuple(_nearest_first(found, None, situation))
        return domains

    def wanted(self, asked: Asked) -> tuple[str, ...]:
        """The facts of the request that the change reads and that were not given."""
        triggers = triggers_of(asked)
        if triggers not in self._wanted:
            reads = requests_read(self._deciding(asked), self.program)
            self._wanted[triggers] = tuple(name for name in reads if name not in self.setting.facts)
        return self._wanted[triggers]

    def _read(self, asked: Asked) -> Read:
        triggers = triggers_of(asked)
        if triggers not in self._reads:
            self._reads[triggers] = Read.of(self._deciding(asked), self.program.conditions)
        return self._reads[triggers]

    def _deciding(self, asked: Asked) -> list[Expr]:
        """What decides on the change."""
        return [expr for trigger in triggers_of(asked) for expr in self.cone.read_by.get(trigger, ())]

    def obtainable(self, state: State) -> Iterator[tuple[str, Value]]:
        """Facts that only the world moves, with the values that matter."""
        if not self.setting.obtains:
            return
        for name, declaration in self.program.account.items():
            if declaration.motion == "outside" and f"account.{name}" in self.cone.facts:
                situation, present = self.setting.situation(state, {}), state.account.get(name)
                for value in _nearest_first(self._turns(name, state, situation).found, present, situation):
                    if value != present:
                        yield name, value


def conjuncts(expr: Expr, program: Program) -> Iterator[Expr]:
    """What must all hold, named conditions looked into."""
    match expr:
        case And():
            for each in expr.operands:
                yield from conjuncts(each, program)
        case ConditionOf() if expr.name in program.conditions:
            yield from conjuncts(program.conditions[expr.name].holds, program)
        case _:
            yield expr


def _given(names: Iterable[str], size: int, domains: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    """So many of the facts, with each of their values."""
    for chosen in combinations(names, size):
        for values in product(*(domains[name] for name in chosen)):
            yield dict(zip(chosen, values, strict=True))


def _agree(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return all(other.get(name, value) == value for name, value in one.items())


def _nearest_first(values: Iterable[Value], present: Value | None, situation: Situation) -> list[Value]:
    """Of what will do alike, what is least far from the present value or, without one, from zero, today, nothing."""

    def far(value: Value) -> tuple[float, bool]:
        match value:
            case bool() | str():
                return 0, False  # in the order of the policy
            case int():
                near = present if isinstance(present, int) else 0
                return abs(value - near), value < near
            case datetime():
                near_instant = present if isinstance(present, datetime) else situation.at
                return abs(value - near_instant).total_seconds(), value < near_instant
            case date():
                near_day = present if isinstance(present, date) else situation.today
                return abs((value - near_day).days), value < near_day
            case frozenset():
                return len(value ^ (present if isinstance(present, frozenset) else frozenset())), False
            case _:
                return 0, False

    return sorted(values, key=far)
