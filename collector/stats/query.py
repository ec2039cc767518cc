"""Hold a question as data, before any SQL exists.

Pure. Made by `stats.api` and `dashboards.url_params`, planned by `plan`, asked by
`report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from collector.cells.views import Grain
from collector.registry.sites import Site

Operator = Literal["is", "is_not", "contains", "starts"]
Calendar = Literal["day", "week", "month"]


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
        """Give the period of as many days that ends the day before this one begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Query:
    """One question about one site.

    Attributes:
        metrics: names from `stats.metrics.METRICS`; at least one.
        dimension: what to group by; empty for totals or a time series.
        grain: the length of a cell of a time series; None if not one.
        calendar: what the days of a time series are put together to.
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
    """One line of an answer.

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
        exactness: sentences that qualify a number, such as "sum of daily visitors".
        folded_values: how many values stand behind "(other)", as far as known.
        view: the name of the view that answered.
        more: whether another page follows.
        since: the first day that is known, if the period has days of which nothing is.
    """

    rows: tuple[ReportRow, ...]
    totals: dict[str, float | None]
    caveats: tuple[str, ...] = ()
    folded_values: int = 0
    view: str = "total"
    more: bool = False
    since: date | None = None
