"""How many facts a request has to tell for a change, whatever all else is."""

from __future__ import annotations

from functools import cached_property

from lawful.ir import Rule
from lawful.planning.cone import Cone, Cones, requests_read
from lawful.planning.goals import Goal
from lawful.planning.relaxation import Relaxation, Stretch, can_hold
from lawful.planning.setting import Setting, State
from lawful.question import Asked


class Evidence:
    """Of the changes on the way to one goal, from the beginning of a search on: so it is what it is of every state."""

    def __init__(self, setting: Setting, cones: Cones, cone: Cone, goal: Goal) -> None:
        self.setting = setting
        self.cones = cones
        self.cone = cone
        self.goal = goal
        self.work = 0
        """Rules looked at."""
        self._known: dict[object, int] = {}

    @cached_property
    def _relaxation(self) -> Relaxation:
        """With nothing known of the account."""
        free = frozenset({"account.features", "history", *(f"account.{name}" for name in self.cones.program.account)})
        begin = State({}, {}, (), self.setting.start)
        return Relaxation(self.setting, self.cones, self.cone, self.goal, [begin], free)

    def least(self, asked: Asked, stretch: Stretch) -> int:
        """No request for it tells fewer on the days of that stretch."""
        if not self.setting.obtains:
            return 0
        turn = self.cones.turn(stretch.day)
        key = identity(asked), turn
        if key not in self._known:
            [whole] = [each for each in self._relaxation.stretches if self.cones.turn(each.day) == turn]
            before = self._relaxation.work
            self._known[key] = self._needed(asked, whole)
            self.work += self._relaxation.work - before
        return self._known[key]

    def _needed(self, asked: Asked, stretch: Stretch) -> int:
        """The facts without any of which some rule refuses it, in each state that it may leave."""
        relaxation = self._relaxation
        guards = [rule for rule in relaxation.guards(asked, stretch) if rule.severity == "error"]
        reading: dict[str, list[Rule]] = {}
        for rule in guards:
            for name in requests_read([rule.when, rule.requires], relaxation.program):
                if name not in self.setting.facts:
                    reading.setdefault(name, []).append(rule)
        if not reading:
            return 0
        relaxation.withheld = None
        states = relaxation.split(asked, relaxation.facts())
        left = [each for each in states if not relaxation.refusing_there(asked, stretch, each)]
        needed = 0
        for name, rules in reading.items() if left else ():
            relaxation.withheld = name
            rangers = (relaxation.ranger(asked, stretch, each) for each in left)
            needed += all(any(not can_hold(rule, ranger) for rule in rules) for ranger in rangers)
            relaxation.work += len(rules)
        return needed


def identity(asked: Asked) -> object:
    """What is asked, as a key."""
    return asked.kind, asked.name, tuple(asked.values.items())
