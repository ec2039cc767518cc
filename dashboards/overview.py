"""Put together what a page shows: ask the questions, word the answers.

Knows which questions a page needs; refuses to know HTTP and HTML. Everything
here blocks, so `app` calls it in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from collector.cells.views import Grain
from collector.clock import Clock
from collector.day import day_at, zone_of
from collector.errors import QueryError
from collector.registry.sites import Site
from collector.stats.metrics import METRICS
from collector.stats.query import Period, Query, Report
from collector.stats.report import Reports
from dashboards import formatting, time_series
from dashboards.charts import Chart, chart, sparkline
from dashboards.panels import ALWAYS, Panel, can_show, panel_of, wanted_panels
from dashboards.url_params import (
    PERIODS,
    TILES,
    PageState,
    before,
    bucket_of,
    comparable,
    fields_of,
    grain_of,
    period_of,
    sheet_url,
    url_for,
)

SPARK_DAYS = 14
FIRST_STEPS_PAGEVIEWS = 10
NEW_SITE_DAYS = 2

Together = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Makes several calls, perhaps at the same time; gives their results in order."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its change; its link draws the chart of it.

    Attributes:
        value: in words; full is the same without shortening.
        possible: whether the filter leaves it sayable.
    """

    metric: str
    label: str
    meaning: str
    value: str
    full: str
    change: formatting.Change
    chosen: bool
    possible: bool
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One link of a picker; `brief` is its label where there is little room."""

    label: str
    brief: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """All that a site's page shows.

    Attributes:
        stage: `empty` (nothing ever counted), `first` (the first few hits, today) or `busy`.
        now: visitors of the last five minutes.
        chart: None if there is none to draw; chart_refusal then says why.
        fields: hidden fields of the date form.
        filtered: the filter's words and the link that ends it; empty without one.
        before_words: the period before, if it was counted; compared_words: which days the
            changes compare.
        notes: reservations about the numbers, as sentences.
        live: whether the period includes the present day.
        sheet_url: gives the figures by time as a file.
    """

    site: Site
    stage: str
    now: int
    today: date
    period: Period
    period_words: str
    before_words: str
    compared_words: str
    periods: tuple[Choice, ...]
    custom: bool
    fields: dict[str, str]
    filtered: tuple[str, str, str] | None
    tiles: tuple[Tile, ...]
    chart_label: str
    chart: Chart | None
    chart_refusal: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]
    live: bool
    sheet_url: str


@dataclass(frozen=True, slots=True)
class SiteCard:
    """One site on the front page, with its visitors of today and of the last fortnight."""

    site: Site
    now: int
    today: str
    spark: str


@dataclass(frozen=True, slots=True)
class _Totals:
    """Metrics of the period, of its complete days, and of as many days of the period before."""

    all: dict[str, float | None] = field(default_factory=dict)
    complete: dict[str, float | None] = field(default_factory=dict)
    earlier: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Page:
    """What the questions of one page have in common."""

    reports: Reports
    base: Query
    asked: PageState
    path: str
    empty: bool
    local_now: datetime


class _PanelQueries:
    """Asks, and gathers the reservations of all answers."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self.notes: dict[str, None] = {}

    def ask(self, query: Query) -> Report:
        """Answer a query; raises QueryError with a sentence if nothing can."""
        report = self._reports.ask(query)
        self.notes |= dict.fromkeys(report.caveats)
        return report


@dataclass(frozen=True, slots=True)
class _PanelResults:
    """What all questions of a page came to."""

    totals: _Totals
    chart: Chart | None = None
    chart_refusal: str = ""
    panels: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()


def in_turn(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls one after the other."""
    return [call() for call in calls]


def overview(
    reports: Reports, clock: Clock, site: Site, asked: PageState, together: Together = in_turn
) -> Overview:
    """Put together a site's page.

    Args:
        together: makes calls that do not need each other, and gives their results in order.
    """
    local_now = _local_now(clock, site)
    today = day_at(site.zone, clock.now()).date
    began = reports.began(site)
    asked = _settled(asked, began, today)
    period = period_of(asked, today)
    earlier = before(period)
    compared = began is not None and began <= earlier.first
    base = Query(site, (TILES[0],), period, filters=(asked.filter,) if asked.filter else ())
    path = f"/{site.domain}"
    possible = _possible(asked)
    asked = asked if asked.metric in possible else replace(asked, metric=possible[0])
    answers = _answers(
        _Page(reports, base, asked, path, began is None, local_now),
        possible,
        earlier if compared else None,
        comparable(period, today) if compared else None,
        together,
    )
    totals = answers.totals
    return Overview(
        site=site,
        stage=_stage(began, today, totals.all),
        now=reports.visitors_now(site),
        today=today,
        period=period,
        period_words=formatting.period_words(period),
        before_words=formatting.period_words(earlier) if compared else "",
        compared_words=_compared_words(period, today) if compared else "",
        periods=_periods(asked, path),
        custom=asked.period == "custom",
        fields=fields_of(asked),
        filtered=_filtered(asked, path),
        tiles=tuple(_tile(metric, asked, totals, path) for metric in TILES),
        chart_label=METRICS[asked.metric].label,
        chart=answers.chart,
        chart_refusal=answers.chart_refusal,
        panels=answers.panels,
        notes=answers.notes,
        live=period.last == today,
        sheet_url=sheet_url(path, asked),
    )


def site_cards(reports: Reports, clock: Clock, sites: Iterable[Site]) -> list[SiteCard]:
    """Put together the front page's list; one question a site."""
    return [_card(reports, clock, site) for site in sites]


def _card(reports: Reports, clock: Clock, site: Site) -> SiteCard:
    today = day_at(site.zone, clock.now()).date
    period = Period(today - timedelta(days=SPARK_DAYS - 1), today)
    rows = reports.ask(Query(site, ("visitors",), period, grain=Grain.DAY)).rows
    values = [row.metrics.get("visitors") or 0.0 for row in rows]
    return SiteCard(
        site=site,
        now=reports.visitors_now(site),
        today=formatting.number(values[-1] if values else 0),
        spark=sparkline(values),
    )


def _local_now(clock: Clock, site: Site) -> datetime:
    return datetime.fromtimestamp(clock.now(), zone_of(site.zone)).replace(tzinfo=None)


def _settled(asked: PageState, began: date | None, today: date) -> PageState:
    """Choose a period where none was asked for: a new site's first days are told by the hour."""
    if asked.period:
        return asked
    new = began is None or (today - began).days < NEW_SITE_DAYS
    return replace(asked, period="today" if new else "30d")


def _possible(asked: PageState) -> tuple[str, ...]:
    can_say = can_show(*((asked.filter.dimension,) if asked.filter else ()))
    return tuple(metric for metric in TILES if METRICS[metric].needs & can_say) or TILES[:1]


def _totals(
    asker: _PanelQueries,
    base: Query,
    metrics: tuple[str, ...],
    compared: tuple[Period, Period] | None,
) -> _Totals:
    query = replace(base, metrics=metrics)
    try:
        whole = asker.ask(query)
        if compared is None:
            return _Totals(whole.totals)
        complete, earlier = compared
        now = asker.ask(replace(query, period=complete)) if complete != base.period else whole
        then = asker.ask(replace(query, period=earlier))
        if now.since or then.since:
            # Not of as many days: what is known of one cannot be compared with the other.
            return _Totals(whole.totals)
        return _Totals(whole.totals, now.totals, then.totals)
    except QueryError as refused:
        asker.notes[str(refused)] = None
        return _Totals()


def _compared_words(period: Period, today: date) -> str:
    complete, earlier = comparable(period, today)
    return f"{formatting.period_words(complete)}, compared with {formatting.period_words(earlier)}"


def _stage(began: date | None, today: date, totals: dict[str, float | None]) -> str:
    if began is None:
        return "empty"
    few = (totals.get("pageviews") or 0) <= FIRST_STEPS_PAGEVIEWS
    return "first" if began == today and few else "busy"


def _chart(
    asker: _PanelQueries, base: Query, metric: str, earlier: Period | None, local_now: datetime
) -> tuple[Chart | None, str]:
    bucket = bucket_of(base.period)
    query = replace(base, metrics=time_series.max_buckets(metric, bucket), grain=grain_of(bucket))
    try:
        now = time_series.buckets(asker.ask(query).rows, metric, bucket)
        then = (
            time_series.buckets(asker.ask(replace(query, period=earlier)).rows, metric, bucket)
            if earlier
            else []
        )
    except QueryError as refused:
        return None, str(refused)
    points = time_series.points(now, then, metric=metric, bucket=bucket, local_now=local_now)
    if not points:
        return None, "There is nothing to draw in this period."
    unit = METRICS[metric].unit
    kind = "line" if bucket == "day" else "bars"
    return chart(points, kind=kind, unit=unit, words=lambda v: formatting.amount(v, unit)), ""


def _periods(asked: PageState, path: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            label,
            formatting.brief_period(label),
            url_for(path, asked.with_period(name)),
            asked.period == name,
        )
        for name, label in PERIODS.items()
    )


def _filtered(asked: PageState, path: str) -> tuple[str, str, str] | None:
    if not asked.filter:
        return None
    dimension, value = asked.filter.dimension, asked.filter.values[0]
    return (
        formatting.dimension_label(dimension),
        formatting.label(dimension, value),
        url_for(path, asked.without_filter()),
    )


def _tile(metric: str, asked: PageState, totals: _Totals, path: str) -> Tile:
    words, value = METRICS[metric], totals.all.get(metric)
    earlier = totals.earlier.get(metric)
    changed = formatting.change(metric, totals.complete.get(metric), earlier)
    if asked.period == "today" and earlier is not None:
        # A day that is not over cannot be compared with a whole one, so both are told.
        changed = formatting.Change(f"{formatting.amount(earlier, words.unit)} yesterday")
    return Tile(
        metric=metric,
        label=words.label,
        meaning=words.meaning,
        value=formatting.amount(value, words.unit),
        full=formatting.amount(value, words.unit, short=False),
        change=changed,
        chosen=metric == asked.metric,
        possible=metric in _possible(asked),
        url=url_for(path, replace(asked, metric=metric)),
    )


def _answers(
    page: _Page,
    metrics: tuple[str, ...],
    earlier: Period | None,
    compared: tuple[Period, Period] | None,
    together: Together,
) -> _PanelResults:
    """Ask all questions of a page; of an empty site only its totals."""
    names = () if page.empty else wanted_panels(page.base.site, page.asked)
    counting, drawing, *listing = askers = [
        _PanelQueries(page.reports) for _ in range(2 + len(names))
    ]
    count = partial(_totals, counting, page.base, metrics, compared)
    if page.empty:
        return _PanelResults(count(), notes=tuple(counting.notes))
    draw = partial(_chart, drawing, page.base, page.asked.metric, earlier, page.local_now)
    lists = [
        partial(panel_of, name, page.base, page.asked, page.path, asker.ask)
        for name, asker in zip(names, listing, strict=True)
    ]
    totals, (chart_drawn, refusal), *panels = together([count, draw, *lists])
    return _PanelResults(
        totals=totals,
        chart=chart_drawn,
        chart_refusal=refusal,
        panels=tuple(panel for panel in panels if panel.rows or panel.name in ALWAYS),
        notes=tuple(dict.fromkeys(note for asker in askers for note in asker.notes)),
    )
