"""Time series become buckets and points."""

from __future__ import annotations

from datetime import datetime

import pytest

from collector.stats.query import ReportRow
from dashboards.charts import ChartBucket, buckets, metrics_for, points

NOW = datetime(2026, 11, 23, 14, 25)


def _rows(metric: str, **values: float | None) -> list[ReportRow]:
    return [ReportRow(day.replace("_", "-")[1:], {metric: v}) for day, v in values.items()]


def test_days_stay_days() -> None:
    """Rows become buckets in their order."""
    rows = _rows("visitors", d2026_11_01=3, d2026_11_02=None)

    assert [
        ChartBucket(datetime(2026, 11, 1), 3),
        ChartBucket(datetime(2026, 11, 2), None),
    ] == buckets(rows, "visitors", "day")


def test_local_time_loses_its_zone() -> None:
    """A bucket starts at the site's local time."""
    rows = [ReportRow("2026-11-23T09:00:00+01:00", {"visits": 1})]

    assert [ChartBucket(datetime(2026, 11, 23, 9), 1)] == buckets(rows, "visits", "hour")


def test_counts_of_days_add_up_to_months() -> None:
    """A month is the sum of its days; unknown days are left out."""
    rows = _rows("visits", d2026_10_30=1, d2026_10_31=2, d2026_11_01=4, d2026_11_02=None)

    assert [
        ChartBucket(datetime(2026, 10, 1), 3),
        ChartBucket(datetime(2026, 11, 1), 4),
    ] == buckets(rows, "visits", "month")


def test_a_month_of_nothing_known_is_not_known() -> None:
    """Nothing known is not the same as none."""
    rows = _rows("visitors", d2026_10_30=None)

    assert [ChartBucket(datetime(2026, 10, 1), None)] == buckets(rows, "visitors", "month")


def test_shares_of_days_are_weighted_with_visits() -> None:
    """A month's bounce rate is that of its visits, not the mean of its days."""
    rows = [
        ReportRow("2026-10-01", {"bounce_rate": 100.0, "visits": 1}),
        ReportRow("2026-10-02", {"bounce_rate": 20.0, "visits": 3}),
        ReportRow("2026-10-03", {"bounce_rate": None, "visits": 0}),
    ]

    assert [ChartBucket(datetime(2026, 10, 1), 40.0)] == buckets(rows, "bounce_rate", "month")


def test_a_month_without_visits_has_no_share() -> None:
    """There is no bounce rate of no visits."""
    rows = [ReportRow("2026-10-01", {"bounce_rate": 0.0, "visits": 0})]

    assert [ChartBucket(datetime(2026, 10, 1), None)] == buckets(rows, "bounce_rate", "month")


@pytest.mark.parametrize(
    ("metric", "bucket", "expected"),
    [
        ("visitors", "month", ("visitors",)),
        ("bounce_rate", "month", ("bounce_rate", "visits")),
        ("bounce_rate", "day", ("bounce_rate",)),
    ],
)
def test_only_what_is_needed_is_asked(metric: str, bucket: str, expected: tuple[str, ...]) -> None:
    """Weights are asked for where days become months."""
    assert expected == metrics_for(metric, bucket)


@pytest.mark.parametrize(
    ("bucket", "starts", "partial"),
    [
        ("hour", (datetime(2026, 11, 23, 13), datetime(2026, 11, 23, 14)), [False, True]),
        ("day", (datetime(2026, 11, 22), datetime(2026, 11, 23)), [False, True]),
        ("month", (datetime(2026, 10, 1), datetime(2026, 11, 1)), [False, True]),
    ],
)
def test_the_present_bucket_is_still_filling(
    bucket: str, starts: tuple[datetime, ...], partial: list[bool]
) -> None:
    """What is not over is marked, whatever its length."""
    drawn = points(
        [ChartBucket(start, 1) for start in starts],
        [],
        metric="visitors",
        bucket=bucket,
        local_now=NOW,
    )

    assert partial == [point.partial for point in drawn][:2]


def test_hours_to_come_have_no_value() -> None:
    """The rest of the day has no value, which is not zero."""
    to_come = points(
        [ChartBucket(datetime(2026, 11, 23, 15), 0)],
        [ChartBucket(datetime(2026, 11, 22, 15), 12)],
        metric="visitors",
        bucket="hour",
        local_now=NOW,
    )[0]

    assert (None, "–", False) == (to_come.value, to_come.text, to_come.partial)
    assert (12, "12") == (to_come.before, to_come.before_text)


def test_a_day_is_drawn_to_its_end() -> None:
    """However few hours have values, the axis ends at midnight."""
    drawn = points(
        [ChartBucket(datetime(2026, 11, 23, 13), 5)],
        [],
        metric="visitors",
        bucket="hour",
        local_now=NOW,
    )

    assert ("13:00", "23:00", 11) == (drawn[0].label, drawn[-1].label, len(drawn))


def test_a_shorter_period_before_leaves_gaps() -> None:
    """Buckets are laid over each other in order, as far as there are any."""
    now = [ChartBucket(datetime(2026, 11, day), day) for day in (1, 2)]

    drawn = points(
        now, [ChartBucket(datetime(2026, 10, 1), 7)], metric="visits", bucket="day", local_now=NOW
    )

    assert [7, None] == [point.before for point in drawn]


def test_points_are_worded() -> None:
    """Every point carries its words for axis, title and table."""
    point = points(
        [ChartBucket(datetime(2026, 11, 5), 1234)], [], metric="visits", bucket="day", local_now=NOW
    )[0]

    assert ("5 Nov", "Thu 5 Nov 2026", "1,234") == (point.label, point.title, point.text)
