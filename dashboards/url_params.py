"""Parse a page's URL parameters, and write them back into links.

Invalid parameters fall back to defaults: a mistyped URL never gives an error page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from collector.cells.views import DIMENSIONS, VIEWS, Grain, view_for
from collector.day import months_before
from collector.stats.query import Filter, Period

PeriodName = Literal["", "today", "yesterday", "7d", "30d", "12mo", "custom"]

PERIODS: dict[PeriodName, str] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "7 days",
    "30d": "30 days",
    "12mo": "12 months",
}
"""The named periods, in the order shown; `custom` has a form of its own."""

TILES = (
    "visitors",
    "visits",
    "pageviews",
    "views_per_visit",
    "bounce_rate",
    "visit_duration",
)
"""The metrics with a tile, in the order shown; the first is the chart's default."""

PANELS: dict[str, tuple[str, ...]] = {
    "pages": ("path", "entry_path", "exit_path"),
    "sources": ("source", "channel", "referrer", "utm_campaign"),
    "places": ("country", "region", "city"),
    "devices": ("browser", "os", "device", "screen"),
    "events": ("event",),
    "properties": ("property",),
    "goals": ("goal",),
    "searches": ("search_query",),
}
"""Each panel's dimensions, in the order of its tabs; the first is its default."""

PAIRS = tuple(view.dimensions for view in VIEWS if len(view.dimensions) == 2)

FILTERABLE = frozenset(name for pair in PAIRS for name in pair if view_for(name))
"""Dimensions with a view of their own and in some pair: a filter by them answers a page."""

LONGEST_VALUE = 2000
LONGEST_CUSTOM_DAYS = 3 * 366
HOURLY_DAYS = 2
DAILY_DAYS = 92


@dataclass(frozen=True, slots=True)
class PageState:
    """What one URL selects.

    Attributes:
        period: a name of `PERIODS`, `custom`, or empty for the page's default.
        first: the first day of a custom period; None otherwise.
        last: its last day; None otherwise.
        metric: the tile whose chart is drawn, from `TILES`.
        tabs: the chosen dimension of each panel that is not on its default.
        expanded: the panel that shows all its rows, or empty.
    """

    period: PeriodName = ""
    first: date | None = None
    last: date | None = None
    metric: str = TILES[0]
    filter: Filter | None = None
    tabs: Mapping[str, str] = field(default_factory=dict)
    expanded: str = ""

    def tab(self, panel: str) -> str:
        """Return the dimension that a panel shows."""
        return self.tabs.get(panel, PANELS[panel][0])

    def with_period(self, period: PeriodName) -> PageState:
        """Select another named period."""
        return replace(self, period=period, first=None, last=None)

    def with_tab(self, panel: str, dimension: str) -> PageState:
        """Select another tab of one panel."""
        chosen = {**self.tabs, panel: dimension}
        return replace(self, tabs={p: d for p, d in chosen.items() if d != PANELS[p][0]})

    def with_filter(self, dimension: str, value: str) -> PageState:
        """Filter by one value, in place of any other filter."""
        return replace(self, filter=Filter(dimension, (value,)), expanded="")

    def without_filter(self) -> PageState:
        """Remove the filter."""
        return replace(self, filter=None)


def parse_state(query_string: str) -> PageState:
    """Parse a query string, percent-encoded and without `?`; it may be anything."""
    try:
        pairs = dict(parse_qsl(query_string, max_num_fields=50))
    except ValueError:
        return PageState()
    period, first, last = _period(pairs)
    metric = pairs.get("metric", "")
    expanded = pairs.get("open", "")
    return PageState(
        period=period,
        first=first,
        last=last,
        metric=metric if metric in TILES else TILES[0],
        filter=_filter(pairs.get("filter", "")),
        tabs=_tabs(pairs),
        expanded=expanded if expanded in PANELS else "",
    )


def url_for(path: str, state: PageState) -> str:
    """Return the URL of a state, without defaults."""
    pairs = dict(fields_of(state))
    if state.period:
        pairs["period"] = state.period
    if state.first and state.last:
        pairs |= {"from": state.first.isoformat(), "to": state.last.isoformat()}
    return f"{path}?{urlencode(pairs, safe=':/')}" if pairs else path


def csv_url(path: str, state: PageState, by: str = "") -> str:
    """Return the URL of the CSV file of a state, by a dimension or by time."""
    plain = replace(state, metric=TILES[0], tabs={}, expanded="")
    url = url_for(f"{path}.csv", plain)
    return f"{url}{'&' if '?' in url else '?'}by={by}" if by else url


def fields_of(state: PageState) -> dict[str, str]:
    """Return all parameters but the period: the hidden fields of the date form."""
    pairs: dict[str, str] = {}
    if state.metric != TILES[0]:
        pairs["metric"] = state.metric
    if state.filter:
        pairs["filter"] = f"{state.filter.dimension}:{state.filter.values[0]}"
    pairs |= dict(state.tabs)
    if state.expanded:
        pairs["open"] = state.expanded
    return pairs


def period_of(state: PageState, today: date) -> Period:
    """Return the site-local days of a state, at most until today.

    Args:
        state: without a period it means 30 days.
        today: the site's local date.
    """
    if state.period == "custom" and state.first and state.last:
        last = min(state.last, today)
        earliest = last - timedelta(days=LONGEST_CUSTOM_DAYS - 1)
        return Period(max(min(state.first, last), earliest), last)
    if state.period == "yesterday":
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    if state.period == "12mo":
        return Period(months_before(today, 11), today)
    days = {"today": 1, "7d": 7}.get(state.period, 30)
    return Period(today - timedelta(days=days - 1), today)


def comparable(period: Period, today: date) -> tuple[Period, Period]:
    """Return the complete days of a period and as many days of the period before.

    Today is incomplete, so it is left out, unless it is the only day.
    """
    earlier = period.before()
    if period.first == period.last or period.last < today:
        return period, earlier
    day = timedelta(days=1)
    return Period(period.first, today - day), Period(earlier.first, earlier.last - day)


def bucket_of(period: Period) -> Literal["hour", "day", "month"]:
    """Choose the bucket of the chart."""
    if period.days <= HOURLY_DAYS:
        return "hour"
    return "day" if period.days <= DAILY_DAYS else "month"


def grain_of(bucket: str) -> Grain:
    """Return the grain to query: months are combined from days."""
    return Grain.HOUR if bucket == "hour" else Grain.DAY


def _period(pairs: Mapping[str, str]) -> tuple[PeriodName, date | None, date | None]:
    first, last = _date(pairs.get("from", "")), _date(pairs.get("to", ""))
    if first and last:
        return "custom", min(first, last), max(first, last)
    named: dict[str, PeriodName] = {name: name for name in PERIODS}
    return named.get(pairs.get("period", ""), ""), None, None


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day <= date(2199, 12, 31) else None


def _filter(text: str) -> Filter | None:
    dimension, _, value = text.partition(":")
    if dimension not in DIMENSIONS or dimension not in FILTERABLE:
        return None
    return Filter(dimension, (value,)) if 0 < len(value) <= LONGEST_VALUE else None


def _tabs(pairs: Mapping[str, str]) -> dict[str, str]:
    return {
        panel: pairs[panel]
        for panel, dimensions in PANELS.items()
        if pairs.get(panel) in dimensions[1:]
    }
