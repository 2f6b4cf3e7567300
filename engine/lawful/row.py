"""A request as msgspec made it: of what it holds, only what a rule reads is worked out.

A question has all of it worked out, for any engine and as often as needed; to make one takes as long as to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from lawful.calendar import Instant
from lawful.ir import Program
from lawful.moments import Moment, Moments
from lawful.question import Question


class Row(msgspec.Struct, gc=False):
    """For one check. A slot holds what was given until what a question calls by that name takes its place.

    `validation` makes types of it, with the fields of a policy, and puts into the slots what belongs there.
    """

    program: ClassVar[Program]
    moments: ClassVar[Moments]

    account: Any = None
    changes: Any = None
    """Given as `change`."""
    key: Any = None
    """Given as `changes`."""
    facts: Any = None
    """Given as `request`."""
    recorded: Any = None
    """Given as `history`."""
    whole_from: Any = None
    """Given as `history_from`."""
    moment: Any = None
    """Given as `at`; the instant and its local day once one of them was asked for."""

    @property
    def features(self) -> Mapping[str, bool]:
        enabled = self.account.features
        changes = self.changes  # as given, where a trusted row asks for an action
        if enabled is None and not (type(changes) is tuple and changes and changes[0].kind == "register"):
            return {}
        features = dict.fromkeys(self.program.features, False)
        for name in enabled or ():
            features[name] = True
        return features

    @property
    def at(self) -> Instant:
        return self._moment()[0]

    @property
    def today(self) -> date:
        return self._moment()[1]

    def _moment(self) -> Moment:
        if type(self.moment) is not tuple:
            self.moment = self.moments.of(self.moment)
        moment: Moment = self.moment
        return moment

    def question(self) -> Question:
        """The same with all worked out."""
        return Question(
            self.account,
            self.features,
            self.facts,
            self.changes,
            self.recorded,
            self.whole_from,
            self.at,
            self.today,
            self.program,
            self.key,
        )
