"""What the texts in `date('…')`, `timestamp('…')` and `duration('…')` stand for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DURATION: Final = re.compile(r"(-?)((?:[0-9]{1,15}(?:\.[0-9]{1,15})?[hms])+)")
_PART: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?([hms])")
_MICROSECONDS: Final = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
_LONGEST: Final = 315_576_000_000 * 1_000_000
"""Protobuf's, and so CEL's: some 10 000 years."""


def timestamp_of(text: str) -> datetime | None:
    """In UTC. The text needs an offset, and goes to the microsecond at most.

    >>> timestamp_of("2024-01-01T00:00:00+08:00")
    datetime.datetime(2023, 12, 31, 16, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _TIMESTAMP.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def duration_of(text: str) -> timedelta | None:
    """In hours, minutes and seconds, as CEL has them; whole microseconds.

    >>> duration_of("1h30m"), duration_of("0.0000001s")
    (datetime.timedelta(seconds=5400), None)
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    microseconds = 0
    for whole, fraction, unit in _PART.findall(found[2]):
        scaled, rest = divmod(int(whole + fraction) * _MICROSECONDS[unit], 10 ** len(fraction))
        if rest:
            return None
        microseconds += scaled
    if microseconds > _LONGEST:
        return None
    return timedelta(microseconds=-microseconds if found[1] else microseconds)
