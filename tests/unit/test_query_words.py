"""Periods, buckets and labels of questions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cells.views import Grain
from collector.stats import caveats
from collector.stats.query import (
    RECENT_MINUTES,
    Calendar,
    Filter,
    Operator,
    Period,
    Query,
    buckets,
    start_of,
)
from tests.builders import a_site

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC).timestamp()
DAYS = st.dates(date(2000, 1, 1), date(2099, 1, 1))


def series(first: date, last: date, grain: Grain, calendar: Calendar = "day") -> Query:
    """Word a time series."""
    return Query(a_site(), ("visitors",), Period(first, last), grain=grain, calendar=calendar)


@given(first=DAYS, length=st.integers(0, 400))
def test_the_period_before_ends_the_day_before_and_is_as_long(first: date, length: int) -> None:
    """What is compared has the same number of days, and no day in common."""
    period = Period(first, date.fromordinal(first.toordinal() + length))

    before = period.before()

    assert before.days == period.days == length + 1
    assert before.last.toordinal() + 1 == period.first.toordinal()


def test_buckets_by_day_end_today() -> None:
    """A day that has not begun is no bucket."""
    found = buckets(series(date(2026, 11, 20), date(2026, 12, 31), Grain.DAY), NOW)

    assert [bucket.key for bucket in found] == ["2026-11-20", "2026-11-21", "2026-11-22"]


def test_buckets_of_a_period_to_come_are_none() -> None:
    """Asking for next year gives an empty series."""
    assert buckets(series(date(2027, 1, 1), date(2027, 12, 31), Grain.DAY), NOW) == []
    assert buckets(series(date(2027, 1, 1), date(2027, 1, 2), Grain.HOUR), NOW) == []


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ("week", ["2026-10-26", "2026-11-02"]),
        ("month", ["2026-10-01", "2026-11-01"]),
    ],
)
def test_days_are_put_together_to_weeks_and_months(calendar: Calendar, expected: list[str]) -> None:
    """A bucket is called by its first day, even where the period begins later."""
    found = buckets(series(date(2026, 10, 28), date(2026, 11, 3), Grain.DAY, calendar), NOW)

    assert [bucket.key for bucket in found] == expected


@given(day=DAYS)
def test_a_day_lies_in_the_week_and_month_it_is_put_to(day: date) -> None:
    """Weeks begin on Mondays, months on their first."""
    assert start_of("week", day).weekday() == 0
    assert 0 <= (day - start_of("week", day)).days < 7
    assert start_of("month", day) == date(day.year, day.month, 1)
    assert start_of("day", day) == day


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", date(2026, 11, 1), 24),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Pacific/Chatham", date(2026, 6, 1), 24),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24),
    ],
)
def test_a_day_has_the_hours_that_its_zone_gives_it(zone: str, day: date, hours: int) -> None:
    """Changes of clocks add or take hours; a change by half of one makes one shorter."""
    query = Query(a_site(zone=zone), ("visitors",), Period(day, day), grain=Grain.HOUR)

    found = buckets(query, NOW)

    assert len(found) == hours
    assert all(int(one.key) < int(next_.key) for one, next_ in pairwise(found))
    assert len({bucket.label for bucket in found}) == hours


def test_minutes_are_the_last_half_hour() -> None:
    """The present minute is the last, in the site's time."""
    site = a_site(zone="Asia/Kolkata")
    query = Query(
        site, ("visitors",), Period(date(2026, 11, 22), date(2026, 11, 22)), grain=Grain.MINUTE
    )

    found = buckets(query, NOW)

    assert len(found) == RECENT_MINUTES
    assert found[-1].label == "2026-11-22T18:00+05:30"


def asked(operator: Operator = "is", values: tuple[str, ...] = ("/",), days: int = 1) -> Query:
    """Word a question with a filter."""
    last = date(2026, 11, 30)
    period = Period(date.fromordinal(last.toordinal() - days + 1), last)
    return Query(a_site(), ("visitors",), period, filters=(Filter("path", values, operator),))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (asked(days=2), caveats.SEVERAL_DAYS),
        (asked(values=("/a", "/b")), caveats.SEVERAL_VALUES),
        (asked("contains"), caveats.SEVERAL_VALUES),
        (asked("starts"), caveats.SEVERAL_VALUES),
        (asked("is_not"), caveats.NOT_FOR_IS_NOT),
        (asked(), caveats.SMALL_CELLS_LEFT_OUT),
    ],
)
def test_each_reason_to_doubt_a_number_is_said(query: Query, sentence: str) -> None:
    """What makes a number less than exact stands beside it."""
    assert sentence in caveats.caveats_of(query, folded=False, from_difference=False)


def test_days_that_lost_their_secret_are_named() -> None:
    """Of the days whose secret was made anew, those of the period are said, for visitors only."""
    lost = [date(2026, 11, 27), date(2026, 11, 29), date(2026, 11, 30), date(2026, 12, 1)]
    views = Query(a_site(), ("pageviews",), asked(days=2).period)

    (said,) = caveats.lost_secrets(asked(days=2), lost)

    assert "On 2026-11-29, 2026-11-30 the day's secret was lost" in said
    assert () == caveats.lost_secrets(asked(), [date(2026, 11, 29)])
    assert () == caveats.lost_secrets(views, lost)
    assert () == caveats.lost_secrets(asked("is_not"), lost)


def test_what_is_exact_is_not_qualified() -> None:
    """A plain question of one day has nothing to say."""
    query = Query(a_site(), ("visitors", "visits"), Period(date(2026, 11, 1), date(2026, 11, 1)))

    assert caveats.caveats_of(query, folded=False, from_difference=False) == ()


@pytest.mark.parametrize(
    ("from_difference", "sentence"),
    [
        (True, caveats.OTHER_IS_A_DIFFERENCE),
        (False, caveats.OTHER_IS_AN_UPPER_BOUND),
    ],
)
def test_what_stands_behind_other_is_said(*, from_difference: bool, sentence: str) -> None:
    """Visitors of "(other)" are an upper bound or not known."""
    found = caveats.caveats_of(asked(), folded=True, from_difference=from_difference)

    assert sentence in found


def test_durations_of_parts_say_what_they_leave_out() -> None:
    """The total keeps all its sums, its parts do not."""
    period = Period(date(2026, 11, 1), date(2026, 11, 1))
    of_parts = Query(a_site(), ("visit_duration",), period, dimension="source")
    of_all = Query(a_site(), ("visit_duration",), period)

    found = [caveats.caveats_of(q, folded=False, from_difference=False) for q in (of_parts, of_all)]

    assert found == [(caveats.SMALL_SUMS_LEFT_OUT,), ()]
