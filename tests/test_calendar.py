"""Days, months, windows and local times, where calendars are odd."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from lawful import calendar
from lawful.calendar import Window

SHANGHAI, SAO_PAULO, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Sao_Paulo"), ZoneInfo("Europe/London")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_local_time_that_does_not_exist_moves_forward_by_the_gap() -> None:
    assert calendar.instant_of(datetime(2024, 3, 31, 1, 30), LONDON) == at("2024-03-31T02:30:00+01:00")
    assert not calendar.exists(datetime(2024, 3, 31, 1, 30), LONDON)


def test_a_doubled_local_time_is_the_earlier() -> None:
    assert calendar.instant_of(datetime(2024, 10, 27, 1, 30), LONDON) == at("2024-10-27T01:30:00+01:00")
    assert calendar.exists(datetime(2024, 10, 27, 1, 30), LONDON)


def test_a_day_without_a_midnight_begins_at_one() -> None:
    assert calendar.start_of(date(2018, 11, 4), SAO_PAULO) == at("2018-11-04T01:00:00-02:00")


def test_the_local_day_turns_at_local_midnight() -> None:
    assert calendar.day_of(at("2025-02-28T15:59:59.999999Z"), SHANGHAI) == date(2025, 2, 28)
    assert calendar.day_of(at("2025-02-28T16:00:00Z"), SHANGHAI) == date(2025, 3, 1)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(9999, 12, 1), 1, None),
        (date(1, 1, 1), -1, None),
    ],
)
def test_months_are_added_and_clamped_to_the_months_end(day: date, months: int, then: date | None) -> None:
    assert calendar.add_months(day, months) == then


def test_a_year_after_leap_day_is_the_28th() -> None:
    assert calendar.add_years(date(2024, 2, 29), 1) == date(2025, 2, 28)


def test_days_beyond_the_calendar_are_none() -> None:
    assert calendar.add_days(date(9999, 12, 31), 1) is None
    assert calendar.add_days(date(2024, 1, 1), 2**62) is None


@pytest.mark.parametrize(
    ("window", "event", "last", "first_after"),
    [
        (Window("day"), "2025-03-01T23:59:59+08:00", "2025-03-01T23:59:59.999999+08:00", "2025-03-02T00:00:00+08:00"),
        (Window("month"), "2025-02-01T00:00:00+08:00", "2025-02-28T23:59:59+08:00", "2025-03-01T00:00:00+08:00"),
        (Window("year"), "2024-02-29T12:00:00+08:00", "2024-12-31T23:59:59+08:00", "2025-01-01T00:00:00+08:00"),
        (Window("days", 30), "2025-01-15T10:00:00+08:00", "2025-02-14T09:59:59+08:00", "2025-02-14T10:00:00+08:00"),
        (Window("months", 1), "2025-01-31T10:00:00+08:00", "2025-02-28T09:59:59+08:00", "2025-02-28T10:00:00+08:00"),
        (Window("months", 60), "2020-02-29T00:00:00+08:00", "2025-02-27T23:59:59+08:00", "2025-02-28T00:00:00+08:00"),
    ],
    ids=str,
)
def test_an_event_counts_until_the_windows_edge_and_not_on_it(
    window: Window, event: str, last: str, first_after: str
) -> None:
    assert calendar.counts(window, at(event), at(last), SHANGHAI)
    assert not calendar.counts(window, at(event), at(first_after), SHANGHAI)
    assert calendar.expiry(window, at(event), SHANGHAI) == at(first_after)


def test_a_rolling_window_over_the_turn_of_the_clocks_is_of_local_time() -> None:
    event = at("2024-03-30T10:00:00+00:00")
    assert calendar.expiry(Window("days", 1), event, LONDON) == at("2024-03-31T10:00:00+01:00")  # 23 hours later


def test_a_lifetime_never_ends() -> None:
    assert calendar.counts(calendar.LIFETIME, at("1970-01-01T00:00:00Z"), at("9999-01-01T00:00:00Z"), SHANGHAI)
    assert calendar.expiry(calendar.LIFETIME, at("1970-01-01T00:00:00Z"), SHANGHAI) is None


@pytest.mark.parametrize(
    ("window", "since", "covered"),
    [
        (Window("day"), "2025-03-01T00:00:00+08:00", True),
        (Window("day"), "2025-03-01T00:00:01+08:00", False),
        (Window("month"), "2025-03-01T00:00:00+08:00", True),
        (Window("year"), "2025-03-01T00:00:00+08:00", False),
        (Window("days", 1), "2025-02-28T12:00:00.000002+08:00", False),
        (Window("days", 1), "2025-02-28T12:00:00.000001+08:00", True),
        (Window("days", 1), "2025-02-28T12:00:00+08:00", True),
        (calendar.LIFETIME, "1970-01-01T00:00:00+08:00", False),
    ],
    ids=str,
)
def test_a_history_is_whole_for_a_window_that_lies_after_its_beginning(
    window: Window, since: str, covered: bool
) -> None:
    assert calendar.covers(window, at(since), at("2025-03-01T12:00:00+08:00"), SHANGHAI) is covered


@pytest.mark.parametrize("text", ["fortnight", "0 days", "-1 days", "1 year", "days", "1.5 days", "100000 days", ""])
def test_what_names_no_window_is_none(text: str) -> None:
    assert calendar.window(text) is None
