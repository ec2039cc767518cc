"""Time series have a bucket for each stretch of local time."""

from __future__ import annotations

from datetime import date

from collector.cells.client import Store
from collector.cells.views import Grain
from collector.registry.sites import Site
from collector.stats.query import Period
from tests.integration.queries import (
    DAYS,
    FRIDAY,
    SATURDAY,
    SUNDAY,
    TODAY,
    ask,
    column,
    first_hits,
    reports,
    rows,
)
from tests.integration.seeding import FIRST_HIT, hit, insert


def test_a_time_series_by_day_fills_empty_days_with_zeros(store: Store) -> None:
    """Each day of the period has a bucket, up to today."""
    insert(store, first_hits(2, FRIDAY) + first_hits(3, SUNDAY))

    report = reports(store).ask(
        ask("visitors", Period(DAYS.first, date(2026, 11, 30)), grain=Grain.DAY)
    )

    assert column(report) == {FRIDAY: 2, SATURDAY: 0, SUNDAY: 3}
    assert report.totals == {"visitors": 5}


def test_a_time_series_puts_days_together_to_months(store: Store) -> None:
    """Monthly ratios are those of the month's sums, not a mean of daily ratios."""
    insert(
        store,
        [
            hit("a", "2026-10-30 10:00", **FIRST_HIT),
            hit("b", "2026-10-31 10:00", visits=1, bounces=0, pageviews=3),
            *first_hits(1, FRIDAY),
        ],
    )
    period = Period(date(2026, 10, 1), date(2026, 11, 30))

    report = reports(store).ask(
        ask("views_per_visit visitors", period, grain=Grain.DAY, calendar="month")
    )

    assert column(report) == {"2026-10-01": 2, "2026-11-01": 1}
    assert column(report, "views_per_visit") == {"2026-10-01": 2.0, "2026-11-01": 1.0}


def test_a_time_series_by_hour_is_in_local_time_and_ends_now(store: Store) -> None:
    """Hours begin at the site's midnight and none is told before it begins."""
    site = Site(id=1, domain="example.org", zone="Asia/Kathmandu")
    insert(
        store,
        [hit(f"{n}", "2026-11-22 01:15", zone="Asia/Kathmandu", **FIRST_HIT) for n in range(6)],
    )

    report = reports(store, "2026-11-21 20:30").ask(
        ask("visitors", TODAY, grain=Grain.HOUR, site=site)
    )

    assert column(report) == {
        "2026-11-22T00:00+05:45": 0,
        "2026-11-22T01:00+05:45": 6,
        "2026-11-22T02:00+05:45": 0,
    }
    assert report.totals == {"visitors": 6}


def test_visitors_of_a_day_are_not_the_sum_of_its_hours(store: Store) -> None:
    """Totals of an hourly series come from the day's own cells."""
    insert(
        store,
        [hit(f"{n}", f"2026-11-22 {hour}:00") for n in range(5) for hour in ("08", "09")],
    )

    report = reports(store).ask(ask("visitors", TODAY, grain=Grain.HOUR))

    assert sum(value or 0 for value in column(report).values()) == 10
    assert report.totals == {"visitors": 5}


def test_hours_of_a_day_with_a_change_of_clocks_are_all_there(store: Store) -> None:
    """The day on which clocks go back has 25 hours, each with its own label."""
    site = Site(id=1, domain="example.org", zone="Europe/Berlin")
    day = date(2026, 10, 25)

    report = reports(store, "2026-11-01 12:00").ask(
        ask("visitors", Period(day, day), grain=Grain.HOUR, site=site)
    )

    assert len(column(report)) == 25


def test_a_series_by_minute_shows_the_last_half_hour(store: Store) -> None:
    """Minutes end with the present one, and their visitors are not added up."""
    insert(store, [hit("a", "2026-11-22 12:10"), hit("a", "2026-11-22 11:10")])

    report = reports(store).ask(ask("visitors pageviews", TODAY, grain=Grain.MINUTE))

    assert len(report.rows) == 30
    assert report.rows[-1].value == "2026-11-22T12:30+00:00"
    assert rows(report)["2026-11-22T12:10+00:00"] == {"visitors": 1, "pageviews": 1}
    assert report.totals == {"visitors": None, "pageviews": 1}
