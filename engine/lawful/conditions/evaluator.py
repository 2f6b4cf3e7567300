"""CEL's own evaluator, as a foreign witness: what Google's library makes of a text, on facts that are all known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from lawful.ir import Schema, Type, Value

if TYPE_CHECKING:
    from lawful.conditions import Conditions

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Evaluator:
    """Evaluates texts that the conditions take. What CEL does not have (`date`, `count`, …) is an error to it."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def value(self, text: str, type: Type, data: Mapping[str, Any]) -> Value | None:
        """What CEL gives, as a value of that type; None for an error.

        `data` are variables as `variable` makes them, `account` and `request` as `record` does.
        """
        found = self._conditions.foreign(text).eval(data=dict(data))
        return None if found.type().name() == "ERROR" else _ours(found.value(), type)

    def record(self, name: str, schema: Schema, facts: Mapping[str, Value], features: frozenset[str]) -> Any:
        """The message `Account` or `Request` with these facts."""
        from google.protobuf.message_factory import GetMessageClass  # protobuf: only where CEL is asked

        found = self._conditions.messages.FindMessageTypeByName(f"lawful.policy.{name}")
        message: Any = GetMessageClass(found)()
        for field, value in facts.items():
            if schema[field].type.kind in ("date", "timestamp"):
                moment = getattr(message, field)
                moment.seconds, moment.nanos = _since_epoch(cast("date", value))
                moment.SetInParent()
            elif isinstance(value, frozenset):
                getattr(message, field).extend(sorted(value))
            else:
                setattr(message, field, value)
        if name == "Account":
            message.features.extend(sorted(features))
        return message


def variable(value: Value) -> Any:
    """A value as CEL's library takes it; its own reading of Python's dates ends before the calendar does."""
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.timestamp_pb2 import Timestamp

    match value:
        case date():
            seconds, nanos = _since_epoch(value)
            return Timestamp(seconds=seconds, nanos=nanos)
        case timedelta():
            duration = Duration()
            duration.FromTimedelta(value)
            return duration
        case tuple():
            return [variable(each) for each in value]
        case frozenset():
            return sorted(value)
        case _:
            return value


def _since_epoch(at: date) -> tuple[int, int]:
    """Seconds and nanoseconds; of a day, to its midnight in UTC."""
    instant = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
    microseconds = (instant - _EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(microseconds, 1_000_000)
    return seconds, rest * 1000


def _ours(value: Any, type: Type) -> Value:
    match type.kind:
        case "date":
            return cast("datetime", value).date()
        case "timestamp":
            return cast("datetime", value).astimezone(UTC)
        case "set":
            return frozenset(each.value() for each in value)
        case "list":
            return tuple(_ours(each.value(), type.element or type) for each in value)
        case _:
            return cast("Value", value)
