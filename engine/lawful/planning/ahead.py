"""How many steps there still are from a state, at the least: what a search goes by, and by which it leaves what leads nowhere.

The layers of `reach` from that state on, and the facts of `needed` that stand in the way, whichever says more.
"""

from __future__ import annotations

from msgspec import Struct, field

from lawful.planning.cone import Cone, Cones
from lawful.planning.goals import Goal
from lawful.planning.reach import Reaching
from lawful.planning.setting import Setting, State

NEVER = 1_000_000
"""More steps than any plan has: none leads on."""


class Ahead(Struct):
    """From the states of one search; what was seen of a state is kept."""

    setting: Setting
    cones: Cones
    cone: Cone
    goal: Goal
    most_work: int
    work: int = 0
    """What it took so far, in rules looked at."""
    _known: dict[object, int] = field(default_factory=dict)
    _told: dict[object, int] = field(default_factory=dict)

    def steps(self, state: State, key: object) -> int:
        """At the least so many, from the state's instant on; `key` is what of it can matter."""
        if key not in self._known:
            reaching = Reaching(
                self.setting, self.cones, self.cone, self.goal, (state,), most_work=self.most_work, told=self._told
            )
            least = reaching.least()
            self.work += reaching.work
            self._known[key] = NEVER if least is None else least
        return self._known[key]
