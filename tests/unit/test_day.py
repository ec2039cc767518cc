"""Site-local days, hours and minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.day import (
    day_at,
    day_number,
    day_of_date,
    hour_at,
    minute_at,
    moment_of_minute,
    zone_of,
)
from collector.errors import SettingsError

ZONES = sorted(available_timezones())
INSTANTS = st.integers(min_value=1_600_000_000, max_value=2_000_000_000)


def instant(text: str) -> int:
    """Read an ISO instant in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_utc_day_is_24_hours() -> None:
    """In UTC a day runs from midnight to midnight."""
    day = day_at("UTC", instant("2026-11-23T12:00"))

    assert (date(2026, 11, 23), instant("2026-11-23T00:00"), instant("2026-11-24T00:00")) == (
        day.date,
        day.opens_at,
        day.closes_at,
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Pacific/Chatham", date(2026, 9, 27), 23),
        ("Pacific/Chatham", date(2026, 4, 5), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Pacific/Pago_Pago", date(2026, 11, 23), 24),
    ],
)
def test_days_of_a_leap_are_shorter_or_longer(zone: str, day: date, hours: float) -> None:
    """A day on which clocks change has 23, 23.5 or 25 hours."""
    bounds = day_of_date(zone, day)

    assert hours * 3600 == bounds.closes_at - bounds.opens_at


def test_zones_far_east_and_west_have_their_own_days() -> None:
    """One instant falls on two dates at +12:45 and -11:00, and each day closes on its own."""
    moment = instant("2026-11-23T11:30")

    chatham, pago = day_at("Pacific/Chatham", moment), day_at("Pacific/Pago_Pago", moment)

    assert (date(2026, 11, 24), date(2026, 11, 23)) == (chatham.date, pago.date)
    assert instant("2026-11-24T10:15") == chatham.closes_at
    assert instant("2026-11-24T11:00") == pago.closes_at


def test_a_day_without_midnight_begins_when_the_leap_ends() -> None:
    """Where clocks leap at midnight the day begins at one o'clock, and no second is in two days."""
    day = day_of_date("Africa/Cairo", date(2026, 4, 24))
    before = day_of_date("Africa/Cairo", date(2026, 4, 23))

    assert before.closes_at == day.opens_at
    assert 1 == datetime.fromtimestamp(day.opens_at, ZoneInfo("Africa/Cairo")).hour


@given(zone=st.sampled_from(ZONES), moment=INSTANTS)
def test_every_instant_is_in_the_day_that_names_it(zone: str, moment: int) -> None:
    """In every zone, a day holds exactly the instants whose local date it names."""
    day = day_at(zone, moment)

    assert day.opens_at <= moment < day.closes_at
    assert datetime.fromtimestamp(moment, ZoneInfo(zone)).date() == day.date
    assert day_number(day.date) == day.number


@given(zone=st.sampled_from(ZONES), moment=INSTANTS)
def test_an_hour_begins_on_the_local_hour(zone: str, moment: int) -> None:
    """The hour of an instant began at most an hour ago, at minute zero of the local clock."""
    hour = hour_at(zone, moment)
    local = datetime.fromtimestamp(moment, ZoneInfo(zone))

    assert 0 <= moment - hour < 3600
    assert local.minute * 60 + local.second == moment - hour


@given(st.sampled_from(ZONES), INSTANTS)
def test_a_moment_is_day_hour_and_minute_at_once(zone: str, instant: int) -> None:
    """The one step gives what the three steps give, anywhere and at any time."""
    apart = (day_at(zone, instant), hour_at(zone, instant), minute_at(instant))

    assert apart == moment_of_minute(zone, instant // 60)


def test_a_minute_begins_on_the_minute() -> None:
    """The minute of an instant is cut to whole sixties."""
    assert 1_800_000_000 == minute_at(1_800_000_059.9)


@pytest.mark.parametrize("name", ["Mars/Phobos", "", "../etc/passwd", "Europe/\x00"])
def test_an_unknown_zone_is_named_in_the_error(name: str) -> None:
    """A wrong zone stops with a sentence that names it."""
    with pytest.raises(SettingsError, match="is not a time zone"):
        zone_of(name)
