"""What may be tried in a state: changes with values that matter, evidence that they want, facts of the world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import combinations, product
from typing import Final

from msgspec import Struct, field

from lawful.deciding.rulebook import triggers_of
from lawful.deciding.thresholds import Read, Turns, turning_values
from lawful.engines.situation import Situation
from lawful.ir import Expr, Program, Value, type_of
from lawful.planning.cone import Cone, requests_read
from lawful.planning.setting import Cut, Setting, State
from lawful.question import Asked

MOST_AT_ONCE: Final = 3
"""Fields that one change sets."""
_MOST_COMBINATIONS: Final = 400
_MOST_EVIDENCE: Final = 128
_WORK_OF_VALUES: Final = 50


class Moves(Struct):
    """The candidates of one cone. What had to be left out is told in `cut`."""

    setting: Setting
    cone: Cone
    cut: set[Cut]
    work: int = 0
    """What looking for values took, as so many rules judged."""
    _known: dict[object, Turns] = field(default_factory=dict)

    @property
    def program(self) -> Program:
        return self.setting.judge.program

    def changes(self, state: State) -> Iterator[Asked]:
        """The changes that could move something of the cone, one field at a time."""
        situation = self.setting.situation(state, {})
        for trigger in self.cone.triggers:
            kind, _, name = trigger.partition(".")
            if kind == "set":
                for value in self._values(name, state, situation):
                    yield Asked("set", "", {name: value})
            elif kind == "do":
                yield Asked("do", name, {})
            elif state.features.get(name) is not (kind == "enable"):
                yield Asked("enable" if kind == "enable" else "disable", name, {})

    def together(self, fields: Mapping[str, list[Value]]) -> Iterator[Asked]:
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
            self._known[key] = turning_values(self.cone.read, self.program.account[name], situation)
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
        if not wanted:
            return
        exprs = self._deciding(asked)
        if requests_read([each for each in exprs if type_of(each).kind != "bool"], self.program):
            self.cut.add("values")  # what an effect makes of it: more evidence than need be may do more
        domains = self.domains(asked, state)
        left = _MOST_EVIDENCE
        for size in range(1, len(wanted) + 1):
            for names in combinations(wanted, size):
                for chosen in product(*(domains[name] for name in names)):
                    if not left:
                        self.cut.add("combinations")
                        return
                    left -= 1
                    yield dict(zip(names, chosen, strict=True))

    def domains(self, asked: Asked, state: State) -> dict[str, tuple[Value, ...]]:
        """What each fact that the change wants for may be, as far as it matters."""
        situation = self.setting.situation(state, {})
        read = Read.of(self._deciding(asked), self.program.conditions)
        domains = {}
        for name in self.wanted(asked):
            turns = turning_values(read, self.program.request[name], situation, of_request=True)
            self._note(turns)
            domains[name] = tuple(_nearest_first(turns.found, None, situation))
        return domains

    def wanted(self, asked: Asked) -> tuple[str, ...]:
        """The facts of the request that the change reads and that were not given."""
        reads = requests_read(self._deciding(asked), self.program)
        return tuple(name for name in reads if name not in self.setting.facts)

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
