"""A request as it was read: every value of its declared type, unknown ones left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from lawful.calendar import Instant
from lawful.ir import Program, Value
from lawful.record import Record

KEYS: Final[tuple[str, ...]] = ("account", "change", "changes", "request", "history", "history_from", "at")
KINDS: Final = ("set", "enable", "disable", "do", "register")
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_CHANGES: Final = 1000
EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
"""A history that is whole from there on is whole."""

Kind = Literal["set", "enable", "disable", "do", "register"]


Key: TypeAlias = tuple[object, ...]


class Asked(NamedTuple):
    """One change of the list."""

    kind: Kind
    name: str
    """The feature or the action; empty for the others."""
    values: Mapping[str, Value]
    """What a `set` asks for."""


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """Something that happened; `at` is aware, with any offset: it is seldom needed, so it is not moved to UTC."""

    event: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]

    def __reduce__(self) -> tuple[Any, ...]:
        """Types made from a policy's schema stay where they were made."""
        return Recorded, (self.event, self.at)


class Question(msgspec.Struct, frozen=True, gc=False):
    """A request that was read by a policy: it may be asked as often as needed, of that policy.

    Structs of msgspec are the quickest values that cannot be changed, and this is made for each check.
    """

    account: Record
    features: Mapping[str, bool]
    """Each enabled or not; empty where nothing is known of them."""
    facts: Record
    """What the request says beside the change."""
    changes: tuple[Asked, ...]
    recorded: Sequence[Recorded]
    """The history, with what happens after `at`."""
    whole_from: Instant | None
    """The history is whole from there on; None: nothing is known of it."""
    at: Instant
    today: date
    """The local day of `at`."""
    program: Program
    """By whose schema it was read."""
    key: Key | None
    """What kind of change it is (`key_of`)."""

    def __repr__(self) -> str:
        """Without facts: some may be private."""
        asked = ", ".join(f"{each.kind} {each.name or ', '.join(each.values)}".strip() for each in self.changes)
        return f"<Question {asked} at {self.at.isoformat()}, read by {self.program.id} {self.program.version}>"

    def events(self) -> tuple[tuple[str, Instant], ...]:
        """What has happened up to `at`."""
        happened = [(each.event, each.at.astimezone(UTC)) for each in self.recorded]
        return tuple([each for each in happened if each[1] <= self.at])

    def asking(self, *changes: Asked) -> Question:
        """The same, with other changes."""
        return replace(self, changes=changes, key=key_of(changes, self.program))

    def settled(self) -> Question:
        """The same, to be asked more than once: its history in UTC, without what happens after `at`."""
        return replace(self, recorded=tuple([Recorded(event, at) for event, at in self.events()]))


def key_of(changes: Sequence[Asked], program: Program) -> Key | None:
    """By what the way to judge a change is found: its kind and name, or the fields it sets; None of several changes.

    Where a field has a life cycle, each of its values is a kind of its own.
    """
    if len(changes) != 1:
        return None
    kind, name, values = changes[0]
    if kind != "set":
        return kind, name
    cycles = program.lifecycles
    return kind, *[(field, value) if field in cycles else field for field, value in values.items()]
