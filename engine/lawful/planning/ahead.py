"""How many steps there still are from a state, at the least: by that a search goes, and leaves what leads nowhere.

The layers of `reach` from that state on. What holds of an earlier instant holds of a later one: who is early can wait.
So instants are taken by the day, and later on by the month, and most of what is asked was asked before.
"""

from __future__ import annotations

from msgspec import Struct, field

from lawful import calendar
from lawful.calendar import Instant
from lawful.planning.cone import Cone, Cones
from lawful.planning.goals import Goal
from lawful.planning.reach import Reaching, Seen
from lawful.planning.setting import Setting, State

_DAYS = 40
"""From the start on, for which each day is looked at by itself."""
NEVER = 1_000_000
"""More steps than any plan has: none leads on."""


class Ahead(Struct):
    """From the states of one search; what was seen of a state is kept."""

    setting: Setting
    cones: Cones
    cone: Cone
    goal: Goal
    most_work: int
    deadline: float | None
    seen: Seen
    work: int = 0
    """What it took so far, in rules looked at."""
    _known: dict[object, int] = field(default_factory=dict)

    def steps(self, state: State, key: object) -> int:
        """At the least so many, from the state's instant on; `key` is what of it can matter."""
        at = self._about(state.at)
        if (key, at) not in self._known:
            begin = State(state.account, state.features, state.events, at)
            reaching = Reaching(
                self.setting,
                self.cones,
                self.cone,
                self.goal,
                (begin,),
                most_work=self.most_work,
                deadline=self.deadline,
                seen=self.seen,
            )
            least = reaching.least()
            self.work += reaching.work
            self._known[key, at] = NEVER if least is None else least
        return self._known[key, at]

    def _about(self, at: Instant) -> Instant:
        """The beginning of its day, or of its month, and not before the search begins."""
        zone, start = self.setting.judge.zone, self.setting.start
        day = calendar.day_of(at, zone)
        if (day - calendar.day_of(start, zone)).days > _DAYS:
            day = day.replace(day=1)
        return max(start, calendar.start_of(day, zone))
