"""Days before a view was kept are left out of an answer, and it says so."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from collector.cells.views import TOTAL, VIEW_BY_DIMENSIONS
from collector.stats.caveats import first_whole_day, known_part, with_unknown_days
from collector.stats.query import Period, Query, Report, ReportRow, TimeBucket
from tests.builders import a_site

COUNTRY = VIEW_BY_DIMENSIONS[frozenset(("country",))]
WEEK = Query(a_site(), ("visitors",), Period(date(2026, 11, 16), date(2026, 11, 22)))


@pytest.mark.parametrize(
    ("zone", "began", "first"),
    [
        ("UTC", "2026-11-21 00:00", date(2026, 11, 21)),
        ("UTC", "2026-11-21 00:01", date(2026, 11, 22)),
        ("Pacific/Kiritimati", "2026-11-21 23:59", date(2026, 11, 22)),
        ("America/Los_Angeles", "2026-11-21 12:00", date(2026, 11, 22)),
    ],
)
def test_the_first_known_day_is_the_first_whole_one(zone: str, began: str, first: date) -> None:
    """A day in the midst of which counting began is not told as a day."""
    instant = int(datetime.fromisoformat(began).replace(tzinfo=ZoneInfo(zone)).timestamp())

    assert first == first_whole_day(zone, [TOTAL, COUNTRY], {COUNTRY.id: instant, TOTAL.id: 0})


def test_views_that_were_always_kept_leave_nothing_out() -> None:
    """Nothing is said of a view of the first start, or of one that nothing is noted of."""
    assert first_whole_day("UTC", [TOTAL, COUNTRY], {TOTAL.id: 0}) is None


def test_a_question_is_asked_of_its_known_days() -> None:
    """None of them if the view began later; all of them if it began before."""
    known = known_part(WEEK, date(2026, 11, 20))

    assert known is not None
    assert Period(date(2026, 11, 20), date(2026, 11, 22)) == known.period
    assert known_part(WEEK, date(2026, 11, 23)) is None


def test_what_is_not_known_is_none_and_never_nought() -> None:
    """Earlier buckets have no value, later ones theirs; the sentence names view and day."""
    since = date(2026, 11, 21)
    answer = Report((ReportRow("2026-11-21", {"visitors": 0}),), {"visitors": 0}, ("A sentence.",))
    steps = [TimeBucket(day, day) for day in ("2026-11-20", "2026-11-21")]

    report = with_unknown_days(WEEK, COUNTRY, since, steps, answer)

    assert [None, 0] == [row.metrics["visitors"] for row in report.rows]
    assert report.totals == {"visitors": 0}
    assert report.since == since
    first, second = report.caveats
    assert first.startswith("Country has been counted since 2026-11-21: there are no numbers")
    assert second == "A sentence."


def test_where_nothing_is_known_there_are_no_numbers() -> None:
    """The total is not nought, and a list is empty."""
    report = with_unknown_days(WEEK, TOTAL, date(2026, 11, 23), [], None)

    assert (report.rows, report.totals) == ((), {"visitors": None})
    assert report.caveats[0].startswith("The total has been counted since 2026-11-23")
