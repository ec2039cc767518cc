"""Turn a time series into the points of a chart and the rows of its table.

Pure: knows local time and buckets, refuses to ask anything. Called by `pages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.stats.metrics import METRICS
from collector.stats.query import ReportRow
from dashboards import formatting
from dashboards.charts import Point

WEIGHT = "visits"
"""What every fraction on a tile is divided by, and so weighted with when days become months."""


@dataclass(frozen=True, slots=True)
class ChartBucket:
    """One stretch of local time with its value; None if it cannot be said."""

    start: datetime
    value: float | None


def max_buckets(metric: str, bucket: str) -> tuple[str, ...]:
    """Name the metrics to ask for, to show one in buckets of a length."""
    if bucket == "month" and METRICS[metric].per:
        return (metric, WEIGHT)
    return (metric,)


def buckets(rows: Sequence[ReportRow], metric: str, bucket: str) -> list[ChartBucket]:
    """Put rows into buckets: hours and days as they come, days together into months.

    Args:
        rows: of a time series, in order; `value` is an ISO 8601 local time.
        bucket: `hour`, `day` or `month`.
    """
    single = [ChartBucket(_start(row.value), row.metrics.get(metric)) for row in rows]
    if bucket != "month":
        return single
    months: dict[datetime, list[ReportRow]] = {}
    for row, part in zip(rows, single, strict=True):
        months.setdefault(part.start.replace(day=1), []).append(row)
    return [ChartBucket(start, _together(days, metric)) for start, days in months.items()]


def points(
    now: Sequence[ChartBucket],
    earlier: Sequence[ChartBucket],
    *,
    metric: str,
    bucket: str,
    local_now: datetime,
) -> list[Point]:
    """Lay the period and the one before over each other, bucket by bucket.

    Args:
        now: the buckets of the period; hours are completed to the end of their day.
        earlier: those of the period before; may be shorter or empty.
        local_now: the site's wall clock, without a zone; later buckets have no value.
    """
    unit = METRICS[metric].unit
    result = []
    for index, part in enumerate(_whole_days(now) if bucket == "hour" else now):
        name, title = formatting.bucket_words(bucket, part.start)
        to_come = part.start > local_now
        before = earlier[index].value if index < len(earlier) else None
        result.append(
            Point(
                label=name,
                title=title,
                value=None if to_come else part.value,
                text=formatting.amount(None if to_come else part.value, unit, short=False),
                before=before,
                before_text=formatting.amount(before, unit, short=False) if earlier else "",
                partial=not to_come and _end(part.start, bucket) > local_now,
            )
        )
    return result


def _whole_days(hours: Sequence[ChartBucket]) -> list[ChartBucket]:
    whole = list(hours)
    while whole and (following := whole[-1].start + timedelta(hours=1)).hour > 0:
        whole.append(ChartBucket(following, None))
    return whole


def _together(days: Sequence[ReportRow], metric: str) -> float | None:
    known = [row.metrics for row in days if row.metrics.get(metric) is not None]
    if not known:
        return None
    if not METRICS[metric].per:
        return sum(day[metric] or 0.0 for day in known)
    weight = sum(day.get(WEIGHT) or 0.0 for day in known)
    weighted = sum((day[metric] or 0.0) * (day.get(WEIGHT) or 0.0) for day in known)
    return weighted / weight if weight else None


def _start(value: str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=None)


def _end(start: datetime, bucket: str) -> datetime:
    if bucket == "hour":
        return start + timedelta(hours=1)
    if bucket == "day":
        return start + timedelta(days=1)
    return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
