"""Hold a question and its answer as data, before any SQL exists.

Pure. By hour a day has 23 to 25 buckets where clocks change; a bucket that has not begun is
not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from collector.cells.views import Grain
from collector.day import MINUTE, day_of_date, hour_at, minute_at, zone_of
from collector.registry.sites import Site

Operator = Literal["is", "is_not", "contains", "starts"]
Calendar = Literal["day", "week", "month"]

RECENT_MINUTES = 30
"""How far a series by minute looks back; minute cells are dropped with the open day."""

_QUARTER = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep only cells whose dimension has (or has not) one of these values, or holds one of them.

    `contains` looks for the values anywhere, without regard to case; `starts` at the beginning.
    """

    dimension: str
    values: tuple[str, ...]
    operator: Operator = "is"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole site-local days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has, at least 1 where `first` is not after `last`."""
        return (self.last - self.first).days + 1

    def before(self) -> Period:
        """Return the period of as many days that ends the day before this one begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Query:
    """One question about one site.

    Attributes:
        metrics: names from `stats.metrics.METRICS`; at least one.
        dimension: what to group by; empty for totals or a time series.
        grain: the length of a cell of a time series; None if not one.
        calendar: the length of a bucket of a time series by day.
        filters: of at most two dimensions, `dimension` included (a pair is all we keep).
        limit: rows of a breakdown, 1 to 1000; 0 for all.
        page: of the breakdown, from 1.
        search: keep only values that contain this text, in a breakdown.
    """

    site: Site
    metrics: tuple[str, ...]
    period: Period
    dimension: str = ""
    grain: Grain | None = None
    calendar: Calendar = "day"
    filters: tuple[Filter, ...] = ()
    limit: int = 10
    page: int = 1
    search: str = ""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row of an answer.

    Attributes:
        value: the dimension's value; for a time series the bucket's start, ISO 8601 local.
        metrics: by name, not rounded; None where it cannot be known.
    """

    value: str
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a `Query`.

    Attributes:
        rows: of a breakdown or a time series; empty for totals.
        totals: over the whole period and filter; the rows of all pages of a breakdown,
            "(other)" on the last one included, sum to its counts.
        caveats: sentences that qualify a number, such as "sum of daily visitors".
        folded_values: how many values were folded into "(other)", as far as known.
        view: the name of the view that answered.
        more: whether another page follows.
        since: the first day with data, if the period has days before its view was kept.
    """

    rows: tuple[ReportRow, ...]
    totals: dict[str, float | None]
    caveats: tuple[str, ...] = ()
    folded_values: int = 0
    view: str = "total"
    more: bool = False
    since: date | None = None


class TimeBucket(NamedTuple):
    """One bucket of a time series.

    Attributes:
        key: in the store: an ISO date, or an instant in seconds since 1970.
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
    """Return the first minute of a series by minute, in seconds since 1970."""
    return minute_at(now) - (RECENT_MINUTES - 1) * MINUTE


def start_of(calendar: Calendar, day: date) -> date:
    """Return the first day of the week (a Monday) or month that a day is in, or the day."""
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
