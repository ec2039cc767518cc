"""Read what a reader asks for from an address, and write it back into links.

Pure: knows names and dates, refuses to know the clock (it is told what day it
is). Whatever an address holds, something sensible is asked: nobody gets an
error page for a link that was typed by hand. Called by `pages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from collector.cells.views import DIMENSIONS, VIEWS, Grain, view_for
from collector.stats.query import Filter, Period

PeriodName = Literal["", "today", "yesterday", "7d", "30d", "12mo", "custom"]

PERIODS: dict[PeriodName, str] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "7 days",
    "30d": "30 days",
    "12mo": "12 months",
}
"""The periods on offer, in the order shown; `custom` has a form of its own."""

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
"""Dimensions that are kept by themselves and in some pair: filtering by them answers a page."""

LONGEST_VALUE = 2000
LONGEST_CUSTOM_DAYS = 3 * 366
HOURLY_DAYS = 2
DAILY_DAYS = 92


@dataclass(frozen=True, slots=True)
class PageState:
    """What one address asks for.

    Attributes:
        period: a name of `PERIODS`, `custom`, or empty when the page may choose.
        first: the first day of a custom period; None otherwise.
        last: its last day; None otherwise.
        metric: the tile that drives the chart, from `TILES`.
        filter: the one filter, or None.
        tabs: the chosen dimension of each panel that is not on its default.
        opened: the panel that shows all its rows, or empty.
    """

    period: PeriodName = ""
    first: date | None = None
    last: date | None = None
    metric: str = TILES[0]
    filter: Filter | None = None
    tabs: Mapping[str, str] = field(default_factory=dict)
    opened: str = ""

    def tab(self, panel: str) -> str:
        """Give the dimension that a panel shows."""
        return self.tabs.get(panel, PANELS[panel][0])

    def with_period(self, period: PeriodName) -> PageState:
        """Ask the same of another named period."""
        return replace(self, period=period, first=None, last=None)

    def with_tab(self, panel: str, dimension: str) -> PageState:
        """Ask the same with another tab of one panel."""
        chosen = {**self.tabs, panel: dimension}
        return replace(self, tabs={p: d for p, d in chosen.items() if d != PANELS[p][0]})

    def with_filter(self, dimension: str, value: str) -> PageState:
        """Ask the same of one value only; a filter there was gives way."""
        return replace(self, filter=Filter(dimension, (value,)), opened="")

    def without_filter(self) -> PageState:
        """Ask the same of everything."""
        return replace(self, filter=None)


def query_from(query_string: str) -> PageState:
    """Read an address's query string; what it does not know falls back to the default.

    Args:
        query_string: the part after `?`, percent-encoded; may be anything.
    """
    try:
        pairs = dict(parse_qsl(query_string, max_num_fields=50))
    except ValueError:
        return PageState()
    period, first, last = _period(pairs)
    metric = pairs.get("metric", "")
    opened = pairs.get("open", "")
    return PageState(
        period=period,
        first=first,
        last=last,
        metric=metric if metric in TILES else TILES[0],
        filter=_filter(pairs.get("filter", "")),
        tabs=_tabs(pairs),
        opened=opened if opened in PANELS else "",
    )


def url_for(path: str, asked: PageState) -> str:
    """Write the address that asks for this: the shortest one, defaults left out."""
    pairs = dict(fields_of(asked))
    if asked.period:
        pairs["period"] = asked.period
    if asked.first and asked.last:
        pairs |= {"from": asked.first.isoformat(), "to": asked.last.isoformat()}
    return f"{path}?{urlencode(pairs, safe=':/')}" if pairs else path


def sheet_url(path: str, asked: PageState, by: str = "") -> str:
    """Write the address of a file that tells what is asked, by a dimension or by time."""
    plain = replace(asked, metric=TILES[0], tabs={}, opened="")
    url = url_for(f"{path}.csv", plain)
    return f"{url}{'&' if '?' in url else '?'}by={by}" if by else url


def fields_of(asked: PageState) -> dict[str, str]:
    """Give all that is asked but the period, as the hidden fields of the date form need it."""
    pairs: dict[str, str] = {}
    if asked.metric != TILES[0]:
        pairs["metric"] = asked.metric
    if asked.filter:
        pairs["filter"] = f"{asked.filter.dimension}:{asked.filter.values[0]}"
    pairs |= dict(asked.tabs)
    if asked.opened:
        pairs["open"] = asked.opened
    return pairs


def period_of(asked: PageState, today: date) -> Period:
    """Find the site-local days asked for; never one after today.

    Args:
        asked: its period must have been chosen; an empty one counts as 30 days.
        today: the site's local date.
    """
    if asked.period == "custom" and asked.first and asked.last:
        last = min(asked.last, today)
        earliest = last - timedelta(days=LONGEST_CUSTOM_DAYS - 1)
        return Period(max(min(asked.first, last), earliest), last)
    if asked.period == "yesterday":
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    if asked.period == "12mo":
        return Period(_months_back(today, 11), today)
    days = {"today": 1, "7d": 7}.get(asked.period, 30)
    return Period(today - timedelta(days=days - 1), today)


def before(period: Period) -> Period:
    """Give the period of the same length that ended the day before."""
    length = (period.last - period.first).days + 1
    return Period(period.first - timedelta(days=length), period.first - timedelta(days=1))


def comparable(period: Period, today: date) -> tuple[Period, Period]:
    """Give the complete days of a period, and as many days of the one before, in its place.

    Today is not over, so it is left out, unless there is nothing else.
    """
    earlier = before(period)
    if period.first == period.last or period.last < today:
        return period, earlier
    day = timedelta(days=1)
    return Period(period.first, today - day), Period(earlier.first, earlier.last - day)


def bucket_of(period: Period) -> Literal["hour", "day", "month"]:
    """Choose how long a bucket of the chart is."""
    days = (period.last - period.first).days + 1
    if days <= HOURLY_DAYS:
        return "hour"
    return "day" if days <= DAILY_DAYS else "month"


def grain_of(bucket: str) -> Grain:
    """Give the grain to ask for: months are put together from days."""
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


def _months_back(today: date, months: int) -> date:
    index = today.year * 12 + today.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)
