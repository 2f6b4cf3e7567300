"""What an account may come to have at all, step by step: what is not in it takes more steps, or is out of reach.

Whether a change may be allowed is asked of each fact by itself, of every date to come, and nothing that was reached is
taken to be given up. So more is found than there is, and what is not found is a proof: with so many steps, or never.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from lawful.deciding.rulebook import triggers_of
from lawful.ir import TRUE, And, Compare, Constant, Expr, Field
from lawful.planning.cone import Cone, Cones, Reading
from lawful.planning.evidence import Evidence, identity
from lawful.planning.goals import Goal
from lawful.planning.ranges import Range, exactly
from lawful.planning.relaxation import ANY, Left, Relaxation, Stretch, any_of
from lawful.planning.setting import Setting, State
from lawful.question import Asked

_MOST_LAYERS: Final = 60
_MOST_WORK: Final = 200_000
"""Rules looked at; past it no more steps are told apart."""
_WIDENED_AFTER: Final = 12
"""Layers after which a fact that still grows may be anything: counters would never end."""


class Seen(Struct):
    """What becomes of changes, by all that it depends on: from most states most of them come to the same."""

    evidence: Evidence
    left: dict[object, Left | None] = field(default_factory=dict)
    barred: dict[object, bool] = field(default_factory=dict)


class Reaching:
    """The layers of one state and goal. `freed` are facts that may be anything to begin with, and `history`."""

    def __init__(
        self,
        setting: Setting,
        cones: Cones,
        cone: Cone,
        goal: Goal,
        starts: Iterable[State],
        freed: frozenset[str] = frozenset(),
        most_work: int = _MOST_WORK,
        deadline: float | None = None,
        seen: Seen | None = None,
    ) -> None:
        """`seen`: what was seen from other states, with the same goal and nothing freed."""
        self.setting = setting
        self.program = setting.judge.program
        self.cones = cones
        self.cone = cone
        self.goal = goal
        self.relaxation = Relaxation(setting, cones, cone, goal, starts, freed)
        self.facts = self.relaxation.facts()
        self._seen = seen or Seen(Evidence(setting, cones, cone, goal))
        self._most_work = most_work
        self._deadline = deadline
        self._own_work = 0
        self._evidence_before = self._seen.evidence.work
        self._makers: dict[str, int | None] = {}
        """The events of changes that may be allowed, and how often more each may happen where that is limited."""
        self._grown: set[str] = set()
        """The facts that the last step may have moved."""
        self._due: dict[int, list[Left]] = {}
        """What changes leave that are allowed, by the step with which they are done: evidence takes steps, too."""

    @property
    def work(self) -> int:
        """Rules looked at."""
        return self._own_work + self.relaxation.work + self._seen.evidence.work - self._evidence_before

    def least(self) -> int | None:
        """No plan has fewer steps; None: there is no plan."""
        changes = self.changes()
        found: int | None = None
        for layer in range(_MOST_LAYERS):
            if not self.is_barred_now():
                steps = layer + self._last()
                found = steps if found is None else min(found, steps)
            later = layer + 1 + (self.goal.asked is not None)  # on another day it may take less evidence
            if found is not None and found <= later:
                return found
            if not self._take_all(layer, changes):
                return later
            if layer and not self._grown and not self._due:
                return found
        return _MOST_LAYERS if found is None else min(found, _MOST_LAYERS)

    def _last(self) -> int:
        """The change that is asked for, with the evidence it takes on the day on which it takes the least."""
        asked = self.goal.asked
        if asked is None:
            return 0
        stretches = (each for each in self.relaxation.stretches if not self._bars(each))
        return 1 + min(self._seen.evidence.least(asked, each) for each in stretches)

    @property
    def _is_over(self) -> bool:
        """Whether the work or the time is."""
        return self.work > self._most_work or (self._deadline is not None and time.monotonic() > self._deadline)

    def _take_all(self, layer: int, changes: list[Asked]) -> bool:
        """What there is with a step more: by every change that may be allowed with what there is. False where that is
        not known, since it would have taken too long."""
        more = self.relaxation.more
        before, had = dict(self.facts), dict(more)
        self._obtain()
        for asked in changes:
            if self._is_over:
                return False
            if not layer or self._reading(asked).names & self._grown:  # else it comes to what it came to before
                self._take(asked, before, layer)
        for left in self._due.pop(layer, ()):
            self._leave(left, widens=layer > _WIDENED_AFTER)
        self._happen(widens=layer > _WIDENED_AFTER)
        self._grown = {key for key, range_ in self.facts.items() if range_ != before[key]}
        self._grown |= {f"event.{name}" for name, many in more.items() if many != had.get(name, 0)}
        return True

    def _obtain(self) -> None:
        """What the world may bring about takes a step each."""
        if not self.setting.obtains:
            return
        for name, declaration in self.program.account.items():
            if declaration.motion == "outside":
                self.facts[f"account.{name}"] = any_of(declaration, unknown=True)

    def _leave(self, left: Left, *, widens: bool) -> None:
        for key, range_ in left.facts.items():
            grown = self.facts[key].joined(range_)
            if grown != self.facts[key] and widens and key.startswith("account."):
                grown = any_of(self.program.account[key.removeprefix("account.")], unknown=True)
            self.facts[key] = grown
        for name, most in left.events.items():
            known = self._makers.get(name, 0)
            self._makers[name] = None if most is None or known is None else max(most, known)

    def _happen(self, *, widens: bool) -> None:
        """Each event of a change that may be allowed once more, as far as its own limit of a lifetime lets it."""
        happened = self.relaxation.more
        for name, most in self._makers.items():
            many = happened.get(name, 0)
            if many is not None and (most is None or many < most):
                enough = self.cone.enough[name]
                is_enough = widens or (enough is not None and many >= enough)
                happened[name] = most if is_enough else many + 1

    # ------------------------------------------------------------------------------------------------- the changes

    def changes(self) -> list[Asked]:
        """All there are on the way to the goal."""
        return [asked for trigger in self.cone.triggers for asked in self._asked(trigger)]

    def _asked(self, trigger: str) -> list[Asked]:
        kind, _, name = trigger.partition(".")
        match kind:
            case "set":
                declaration = self.program.account[name]
                if declaration.motion == "lifecycle":
                    return [Asked("set", "", {name: value}) for value in declaration.type.values]
                return [Asked("set", "", {name: ANY})]
            case "enable":
                return [Asked("enable", name, {})]
            case "disable":
                return [Asked("disable", name, {})]
            case _:
                return [Asked("do", name, {})]

    def _take(self, asked: Asked, before: Mapping[str, Range], layer: int) -> None:
        """What the change leaves behind, where it may be allowed on some day."""
        self._own_work += 1
        for stretch in self.relaxation.stretches:
            left = self._left(asked, stretch, before)
            if left is not None:
                self._due.setdefault(layer + self._seen.evidence.least(asked, stretch), []).append(left)

    def _left(self, asked: Asked, stretch: Stretch, before: Mapping[str, Range]) -> Left | None:
        key = self._key(asked, stretch, before)
        if key not in self._seen.left:
            self._seen.left[key] = self.relaxation.left(asked, stretch, before)
        return self._seen.left[key]

    def _key(self, asked: Asked, stretch: Stretch, facts: Mapping[str, Range]) -> object:
        """All that it depends on what becomes of a change on the days of a stretch."""
        reading = self._reading(asked)
        counts = tuple(self.relaxation.counts(count, of_a_limit=limited) for count, limited in reading.counts)
        times = tuple(stretch.clock.values()) if reading.is_timed else ()
        values = tuple(facts[name] for name in reading.facts)
        return identity(asked), self.cones.turn(stretch.day), times, values, counts

    def _reading(self, asked: Asked) -> Reading:
        triggers = triggers_of(asked)
        if triggers not in self.cone.readings:
            self.cone.readings[triggers] = self.cones.reading(triggers, self.goal.throughout, self.cone)
        return self.cone.readings[triggers]

    # ---------------------------------------------------------------------------------------------------- the goal

    def is_barred_now(self) -> bool:
        """Whether the goal cannot be met with the facts there are."""
        return all(self._bars(each) for each in self.relaxation.stretches)

    def _bars(self, stretch: Stretch) -> bool:
        facts = self.where_it_holds(stretch)
        if facts is None:
            return True
        asked = self.goal.asked
        if asked is None:
            return True not in self.relaxation.ranger(None, stretch, facts).truths(self.goal.holds)
        key = self._key(asked, stretch, facts)
        if key not in self._seen.barred:
            self._seen.barred[key] = bool(self.relaxation.refusing(asked, stretch, facts))
        return self._seen.barred[key]

    def where_it_holds(self, stretch: Stretch) -> dict[str, Range] | None:
        """The facts where the condition of the goal holds, as far as it names their values; None: it cannot."""
        if self.goal.holds == TRUE:
            return self.facts
        if True not in self.relaxation.ranger(None, stretch, self.facts).truths(self.goal.holds):
            return None
        named: dict[str, Range] = {}
        for part in parts_of(self.goal.holds):
            match part:
                case Compare("==", Field(owner="account") as field, Constant() as constant):
                    named[f"account.{field.name}"] = exactly(constant.value)
                case Field(owner="features"):
                    named[f"features.{part.name}"] = exactly(True)
                case _:
                    pass
        return {**self.facts, **named}


def parts_of(condition: Expr) -> tuple[Expr, ...]:
    """What must all hold."""
    return condition.operands if isinstance(condition, And) else (condition,)
