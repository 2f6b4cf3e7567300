"""The facts that must change, each by a step of its own, before a goal can be met.

With the value that such a fact has, the goal cannot be met, whatever all the others are. So a search knows how many
steps there still are at the least, and goes straight where a goal rests on many facts.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from lawful.deciding.rulebook import facts_read, triggers_of
from lawful.ir import Value
from lawful.planning.cone import Cones
from lawful.planning.goals import Goal
from lawful.planning.ranges import Range, exactly
from lawful.planning.reach import Reaching
from lawful.planning.setting import Setting, State


class Needed(Struct):
    """Those of one goal, from the starts on."""

    setting: Setting
    cones: Cones
    goal: Goal
    starts: tuple[State, ...]
    obtained: tuple[str, ...] = ()
    """Fields of the goal that only the world moves."""
    settable: tuple[str, ...] = ()
    """Those that only a request to set them moves."""
    _stands_in_the_way: dict[tuple[str, Value | None], bool] = field(default_factory=dict)

    @classmethod
    def of(cls, setting: Setting, cones: Cones, goal: Goal, starts: Iterable[State]) -> Needed:
        program = setting.judge.program
        asked = () if goal.asked is None else triggers_of(goal.asked)
        facts = facts_read(program, goal.holds, *(expr for trigger in asked for expr in cones.read_by(trigger)))
        written = {effect.field for move in program.moves for effect in move.effects}
        taken = set() if goal.asked is None else {*goal.asked.values}
        names = [name for name in program.account if f"account.{name}" in facts and name not in written | taken]
        moved = {kind: tuple(each for each in names if program.account[each].motion == kind) for kind in _MOTIONS}
        return cls(setting, cones, goal, tuple(starts), moved["outside"] if setting.obtains else (), moved["settable"])

    def obtains(self, state: State) -> int:
        """How many facts have to be obtained at the least, a step each."""
        return self._many(self.obtained, state)

    def sets(self, state: State, at_once: int) -> int:
        """How many requests to set fields there have to be, each of so many fields."""
        return -(-self._many(self.settable, state) // at_once)

    def _many(self, names: Iterable[str], state: State) -> int:
        return sum(self._is_in_the_way(name, state.account.get(name)) for name in names)

    def _is_in_the_way(self, name: str, value: Value | None) -> bool:
        if (name, value) not in self._stands_in_the_way:
            program = self.setting.judge.program
            account = {} if value is None else {name: value}
            states = [State(account, each.features, each.events, each.at) for each in self.starts]
            others = {f"account.{each}" for each in program.account if each != name}
            requests = {f"request.{each}" for each in program.request} if self.setting.obtains else set()
            freed = frozenset({"account.features", "history", *others, *requests})
            reaching = Reaching(self.setting, self.cones, self.cones.of(self.goal), self.goal, states, freed)
            reaching.facts |= self._not_yet()
            self._stands_in_the_way[name, value] = reaching.is_barred_now()
        return self._stands_in_the_way[name, value]

    def _not_yet(self) -> dict[str, Range]:
        """The first time that a feature may be enabled it is off: nothing else turns it on."""
        asked = self.goal.asked
        if asked is None or asked.kind != "enable" or any(each.features.get(asked.name) for each in self.starts):
            return {}
        return {f"features.{asked.name}": exactly(False)}


_MOTIONS = ("outside", "settable")
