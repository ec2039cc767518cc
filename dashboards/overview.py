"""Build the contents of a site's page and of the list of sites.

Everything here blocks, so the routes call it in a worker thread.
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
from dashboards import charts, formatting
from dashboards.panels import ALWAYS, Panel, build_panel, measures_of, panel_names
from dashboards.url_params import (
    PERIODS,
    TILES,
    PageState,
    bucket_of,
    comparable,
    csv_url,
    fields_of,
    grain_of,
    period_of,
    url_for,
)

SPARK_DAYS = 14
FIRST_STEPS_PAGEVIEWS = 10
NEW_SITE_DAYS = 2

Run = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Makes independent calls, possibly in parallel, and returns their results in order."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its change; its link draws its chart.

    Attributes:
        value: the formatted number; `full` is the same, not shortened.
        possible: whether the number exists under the filter.
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
    """One link of the period picker; `brief` is its label on narrow screens."""

    label: str
    brief: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that a site's page shows.

    Attributes:
        stage: `empty` (nothing counted yet), `first` (the first few hits, today) or `busy`.
        now: visitors of the last five minutes.
        before_words: the period before, if it was counted.
        compared_words: the days that the changes compare.
        fields: hidden fields of the date form.
        filtered: dimension and value of the filter, and the URL without it; None without one.
        chart: None if there is none; chart_error then says why.
        notes: caveats about the numbers, as sentences.
        live: whether the period includes today.
        csv_url: downloads the numbers by time.
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
    chart: charts.Chart | None
    chart_error: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]
    live: bool
    csv_url: str


@dataclass(frozen=True, slots=True)
class SiteCard:
    """One entry of the list of sites, with today's visitors and a sparkline of two weeks."""

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


class _Asker:
    """Answers queries and collects the caveats of the answers."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self.notes: dict[str, None] = {}

    def ask(self, query: Query) -> Report:
        """Answer a query; raises QueryError with a sentence for people."""
        report = self._reports.ask(query)
        self.notes |= dict.fromkeys(report.caveats)
        return report


def run_in_order(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls one after the other."""
    return [call() for call in calls]


def overview(
    reports: Reports, clock: Clock, site: Site, state: PageState, run: Run = run_in_order
) -> Overview:
    """Build a site's page."""
    local_now = datetime.fromtimestamp(clock.now(), zone_of(site.zone)).replace(tzinfo=None)
    today = day_at(site.zone, clock.now()).date
    first_day = reports.first_day(site)
    metrics = _possible_metrics(state)
    state = _with_defaults(state, metrics, first_day, today)
    period = period_of(state, today)
    earlier = period.before() if first_day and first_day <= period.before().first else None
    query = Query(site, metrics, period, filters=(state.filter,) if state.filter else ())
    path = f"/{site.domain}"
    names = panel_names(site, state) if first_day else ()
    count, draw, *lists = askers = [_Asker(reports) for _ in range(2 + len(names))]
    compared = comparable(period, today) if earlier else None
    totals, (chart, chart_error), *panels = run(
        [
            partial(_totals, count, query, compared),
            partial(_chart, draw, query, state.metric, earlier, local_now)
            if first_day
            else lambda: (None, ""),
            *(
                partial(build_panel, name, query, state, path, asker.ask)
                for name, asker in zip(names, lists, strict=True)
            ),
        ]
    )
    return Overview(
        site=site,
        stage=_stage(first_day, today, totals.all),
        now=reports.visitors_now(site),
        today=today,
        period=period,
        period_words=formatting.period_words(period),
        before_words=formatting.period_words(earlier) if earlier else "",
        compared_words=_compared_words(*compared) if compared else "",
        periods=_periods(state, path),
        custom=state.period == "custom",
        fields=fields_of(state),
        filtered=_filtered(state, path),
        tiles=tuple(_tile(metric, state, totals, path, metrics) for metric in TILES),
        chart_label=METRICS[state.metric].label,
        chart=chart,
        chart_error=chart_error,
        panels=tuple(panel for panel in panels if panel.rows or panel.name in ALWAYS),
        notes=tuple(dict.fromkeys(note for asker in askers for note in asker.notes)),
        live=period.last == today,
        csv_url=csv_url(path, state),
    )


def site_cards(reports: Reports, clock: Clock, sites: Iterable[Site]) -> list[SiteCard]:
    """Build the list of sites, with one query for each."""
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
        spark=charts.sparkline(values),
    )


def _possible_metrics(state: PageState) -> tuple[str, ...]:
    available = measures_of(*((state.filter.dimension,) if state.filter else ()))
    return tuple(metric for metric in TILES if METRICS[metric].needs & available) or TILES[:1]


def _with_defaults(
    state: PageState, metrics: tuple[str, ...], first_day: date | None, today: date
) -> PageState:
    """Choose a metric that exists, and a period if none is given: hours for a new site."""
    new = first_day is None or (today - first_day).days < NEW_SITE_DAYS
    return replace(
        state,
        metric=state.metric if state.metric in metrics else metrics[0],
        period=state.period or ("today" if new else "30d"),
    )


def _totals(asker: _Asker, query: Query, compared: tuple[Period, Period] | None) -> _Totals:
    try:
        whole = asker.ask(query)
        if compared is None:
            return _Totals(whole.totals)
        complete, earlier = compared
        now = asker.ask(replace(query, period=complete)) if complete != query.period else whole
        then = asker.ask(replace(query, period=earlier))
    except QueryError as error:
        asker.notes[str(error)] = None
        return _Totals()
    if now.since or then.since:
        # One of the two misses days, so they cannot be compared.
        return _Totals(whole.totals)
    return _Totals(whole.totals, now.totals, then.totals)


def _compared_words(complete: Period, earlier: Period) -> str:
    return f"{formatting.period_words(complete)} with {formatting.period_words(earlier)}"


def _stage(first_day: date | None, today: date, totals: dict[str, float | None]) -> str:
    if first_day is None:
        return "empty"
    few = (totals.get("pageviews") or 0) <= FIRST_STEPS_PAGEVIEWS
    return "first" if first_day == today and few else "busy"


def _chart(
    asker: _Asker, query: Query, metric: str, earlier: Period | None, local_now: datetime
) -> tuple[charts.Chart | None, str]:
    """Draw a metric; without a chart the second value says why."""
    bucket = bucket_of(query.period)
    query = replace(query, metrics=charts.metrics_for(metric, bucket), grain=grain_of(bucket))
    then: list[charts.ChartBucket] = []
    try:
        now = charts.buckets(asker.ask(query).rows, metric, bucket)
        if earlier:
            then = charts.buckets(asker.ask(replace(query, period=earlier)).rows, metric, bucket)
    except QueryError as error:
        return None, str(error)
    points = charts.points(now, then, metric=metric, bucket=bucket, local_now=local_now)
    if not points:
        return None, "There is nothing to draw in this period."
    unit = METRICS[metric].unit
    kind = "line" if bucket == "day" else "bars"
    drawn = charts.chart(points, kind=kind, unit=unit, words=lambda v: formatting.amount(v, unit))
    return drawn, ""


def _periods(state: PageState, path: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            label,
            formatting.brief_period(label),
            url_for(path, state.with_period(name)),
            state.period == name,
        )
        for name, label in PERIODS.items()
    )


def _filtered(state: PageState, path: str) -> tuple[str, str, str] | None:
    if not state.filter:
        return None
    dimension, value = state.filter.dimension, state.filter.values[0]
    return (
        formatting.dimension_label(dimension),
        formatting.label(dimension, value),
        url_for(path, state.without_filter()),
    )


def _tile(
    name: str, state: PageState, totals: _Totals, path: str, possible: tuple[str, ...]
) -> Tile:
    metric, value, earlier = METRICS[name], totals.all.get(name), totals.earlier.get(name)
    change = formatting.change(name, totals.complete.get(name), earlier)
    if state.period == "today" and earlier is not None:
        # An unfinished day cannot be compared with a complete one, so both are shown.
        change = formatting.Change(f"{formatting.amount(earlier, metric.unit)} yesterday")
    return Tile(
        metric=name,
        label=metric.label,
        meaning=metric.meaning,
        value=formatting.amount(value, metric.unit),
        full=formatting.amount(value, metric.unit, short=False),
        change=change,
        chosen=name == state.metric,
        possible=name in possible,
        url=url_for(path, replace(state, metric=name)),
    )
