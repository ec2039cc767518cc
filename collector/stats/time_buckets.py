"""List the buckets of a time series, in a site's local time.

Pure. A day's buckets are 23 to 25 hours where clocks change; a bucket that
has not begun is not listed. Called by `report`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from collector.cells.views import Grain
from collector.day import MINUTE, day_of_date, hour_at, minute_at, zone_of
from collector.stats.query import Calendar, Query

RECENT_MINUTES = 30
"""How far a series by minute looks back; minute cells die with the open day."""

_QUARTER = 15 * MINUTE


class TimeBucket(NamedTuple):
    """One stretch of a time series.

    Attributes:
        key: what the store calls it: an ISO date, or an instant in seconds since 1970.
        label: its start as people write it: an ISO 8601 local date, or time with offset.
    """

    key: str
    label: str


def buckets(query: Query, now: float) -> list[TimeBucket]:
    """List a series' buckets from first to last, without those that begin after now."""
    if query.grain is Grain.MINUTE:
        starts = range(recent_since(now), minute_at(now) + 1, MINUTE)
        return [_instant(query.site.zone, start) for start in starts]
    if query.grain is Grain.HOUR:
        return [_instant(query.site.zone, start) for start in _hours(query, now)]
    today = datetime.fromtimestamp(now, zone_of(query.site.zone)).date()
    last = min(query.period.last, today)
    days = (
        query.period.first + timedelta(days=n) for n in range((last - query.period.first).days + 1)
    )
    starts_of_days = dict.fromkeys(start_of(query.calendar, day) for day in days)
    return [TimeBucket(start.isoformat(), start.isoformat()) for start in starts_of_days]


def recent_since(now: float) -> int:
    """Give the first minute of a series by minute, in seconds since 1970."""
    return minute_at(now) - (RECENT_MINUTES - 1) * MINUTE


def start_of(calendar: Calendar, day: date) -> date:
    """Give the first day of the week (a Monday) or month that a day is in, or the day."""
    if calendar == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if calendar == "week" else day


def _hours(query: Query, now: float) -> dict[int, None]:
    zone = query.site.zone
    opens = day_of_date(zone, query.period.first).opens_at
    closes = min(day_of_date(zone, query.period.last).closes_at, int(now) + 1)
    return dict.fromkeys(hour_at(zone, quarter) for quarter in range(opens, closes, _QUARTER))


def _instant(zone: str, start: int) -> TimeBucket:
    local = datetime.fromtimestamp(start, UTC).astimezone(zone_of(zone))
    return TimeBucket(str(start), local.isoformat(timespec="minutes"))
