"""Declare what each metric is: its unit, its words and its formula over the sums of cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from collector.cells.views import MeasureGroup

Unit = Literal["count", "percent", "seconds", "ratio", "minor units"]

VISITORS = "visitors"
CONVERSION_RATE = "conversion_rate"
EVERYBODY = "everybody"
"""Not a sum of cells: all visitors, to divide those who reached a goal by."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that is counted.

    Attributes:
        name: the word in questions and answers.
        label: the word for people.
        unit: of the value.
        meaning: one sentence for the documentation and for tooltips.
        needs: what a view's cells must count, any one of these.
        sum: the sum counted, or the upper part of the fraction.
        per: the lower part of the fraction; empty for a plain sum.
        factor: what the fraction is multiplied by, to come to the unit.
        digits: after the point, where a rounded value is given.
    """

    name: str
    label: str
    unit: Unit
    meaning: str
    needs: MeasureGroup
    sum: str
    per: str = ""
    factor: float = 1.0
    digits: int = 0

    @property
    def sums(self) -> tuple[str, ...]:
        """The sums of a cell that the formula uses; one or two names."""
        return (self.sum, self.per) if self.per else (self.sum,)

    @property
    def weight(self) -> str:
        """The sum that rows are ordered by when this metric comes first."""
        return self.per or self.sum

    def value(self, sums: Mapping[str, float | None]) -> float | None:
        """Work the metric out from sums.

        Returns:
            The value in the metric's unit, not rounded; None if a sum is not
            known, or if a fraction has nothing below it.
        """
        above = sums.get(self.sum)
        if above is None or not self.per:
            return above
        below = sums.get(self.per)
        return above * self.factor / below if below else None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            VISITORS,
            "Visitors",
            "count",
            "Browsers seen on a site-local day; over several days, the sum of daily visitors.",
            MeasureGroup.VISITORS,
            VISITORS,
        ),
        Metric(
            "visits",
            "Visits",
            "count",
            "Runs of hits of one visitor with gaps under 30 minutes.",
            MeasureGroup.VISITS | MeasureGroup.VISIT_COUNT_ONLY,
            "visits",
        ),
        Metric("pageviews", "Pageviews", "count", "Pages shown.", MeasureGroup.HITS, "pageviews"),
        Metric("events", "Events", "count", "Custom events reported.", MeasureGroup.HITS, "events"),
        Metric(
            "views_per_visit",
            "Views per visit",
            "ratio",
            "Pageviews divided by visits.",
            MeasureGroup.VISITS,
            "pageviews",
            "visits",
            digits=2,
        ),
        Metric(
            "bounce_rate",
            "Bounce rate",
            "percent",
            "Visits with one pageview and no interactive event, of all visits.",
            MeasureGroup.VISITS,
            "bounces",
            "visits",
            factor=100.0,
        ),
        Metric(
            "visit_duration",
            "Visit duration",
            "seconds",
            "Mean time from a visit's first hit to its last.",
            MeasureGroup.VISITS,
            "visit_seconds",
            "timed_visits",
        ),
        Metric(
            "engaged_time",
            "Engaged time",
            "seconds",
            "Mean time a page was looked at, over pageviews that reported engagement.",
            MeasureGroup.HITS,
            "engaged_ms",
            "read_pageviews",
            factor=0.001,
            digits=1,
        ),
        Metric(
            "scroll_depth",
            "Scroll depth",
            "percent",
            "Mean depth to which a page was scrolled, over pageviews that reported engagement.",
            MeasureGroup.HITS,
            "scroll_percent",
            "read_pageviews",
        ),
        Metric(
            "exits",
            "Exits",
            "count",
            "Visits that ended on this page.",
            MeasureGroup.VISIT_COUNT_ONLY,
            "visits",
        ),
        Metric(
            "revenue",
            "Revenue",
            "minor units",
            "Revenue of events, in minor units of one currency.",
            MeasureGroup.HITS,
            "revenue",
        ),
        Metric(
            CONVERSION_RATE,
            "Conversion rate",
            "percent",
            "Visitors who reached a goal, of all visitors; by goal, or with a filter on one.",
            MeasureGroup.VISITORS,
            VISITORS,
            EVERYBODY,
            factor=100.0,
            digits=1,
        ),
    )
}

WORDS: dict[MeasureGroup, str] = {
    MeasureGroup.VISITORS: "visitors",
    MeasureGroup.HITS: "pageviews, events, engaged time and scroll depth",
    MeasureGroup.VISITS: "visits, bounces and their duration",
    MeasureGroup.VISIT_COUNT_ONLY: "the number of visits",
}
"""What a view's cells count, in words for a sentence."""


def sums_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """List the sums that metrics need, each once, in the order of first use."""
    return tuple(dict.fromkeys(part for name in names for part in METRICS[name].sums))


def rounded(name: str, value: float | None) -> float | None:
    """Round a value as the metric is shown: counts to whole numbers.

    Returns:
        An int where the metric has no digits after the point; None stays None.
    """
    if value is None:
        return None
    digits = METRICS[name].digits
    return round(value, digits) if digits else round(value)
