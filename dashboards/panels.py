"""Build the panels of a page: ranked lists of pages, sources, places, devices, events and more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from collector.cells.views import MeasureGroup, measures, view_for
from collector.errors import QueryError
from collector.hit import NONE
from collector.registry.sites import Site
from collector.stats.metrics import CONVERSION_RATE, METRICS
from collector.stats.query import Filter, Query, Report, ReportRow
from dashboards import formatting
from dashboards.charts import share
from dashboards.url_params import FILTERABLE, PANELS, PageState, csv_url, url_for

SHORT_ROWS = 9
ALL_ROWS = 200

PREFERRED: dict[str, tuple[str, ...]] = {
    "path": ("visitors", "pageviews"),
    "entry_path": ("visits", "visitors", "bounce_rate"),
    "exit_path": ("exits",),
    "event": ("events", "visitors"),
    "property": ("events", "visitors"),
    "goal": ("visitors", CONVERSION_RATE),
    "search_query": ("visitors", "pageviews"),
}
"""The metrics of a panel by priority; the first that its view provides is the bar."""

DEFAULT_METRICS = ("visitors", "pageviews")
GOAL_METRICS = ("visitors", CONVERSION_RATE)
ALWAYS = ("pages", "sources", "places", "devices")
"""The panels that are shown even without rows."""

Ask = Callable[[Query], Report]
"""Answers a query; raises QueryError with a sentence for people."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One dimension of a panel; not `possible` if no view has it together with the filter."""

    label: str
    url: str
    chosen: bool
    possible: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a panel.

    Attributes:
        bar: length in percent of the longest.
        figures: the formatted numbers, one for each column.
        spoken: the first number in full, with its unit.
        share: percentage of the total; empty if unknown.
        url: filters by this row; empty if that is not possible.
        note: explains a row of folded values; empty for others.
    """

    label: str
    flag: str
    code: str
    bar: float
    figures: tuple[str, ...]
    spoken: str
    share: str
    url: str
    note: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A ranked list.

    Attributes:
        error: why there is no list; empty if there is one.
        more_url: shows all rows; empty if all are shown.
        less_url: shows fewer rows; empty if few are shown.
        csv_url: downloads all rows; empty without rows.
    """

    name: str
    title: str
    dimension: str
    tabs: tuple[Tab, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    error: str = ""
    more_url: str = ""
    less_url: str = ""
    csv_url: str = ""

    @property
    def has_shares(self) -> bool:
        """Whether the share of any row is known."""
        return any(row.share for row in self.rows)


def panel_names(site: Site, state: PageState) -> tuple[str, ...]:
    """Return the panels to build, without those that the site's settings leave empty."""
    conditions = {
        "properties": state.filter is not None and state.filter.dimension == "event",
        "goals": bool(site.goals),
        "searches": bool(site.search_parameter),
    }
    return tuple(name for name in PANELS if conditions.get(name, True))


def measures_of(*dimensions: str) -> MeasureGroup:
    """Return what the view of these dimensions measures; nothing if there is no such view."""
    view = view_for(*dimensions)
    return measures(view) if view else MeasureGroup(0)


def build_panel(name: str, query: Query, state: PageState, path: str, ask: Ask) -> Panel:
    """Build one panel.

    Args:
        name: a key of `PANELS`.
        query: site, period and filters; the rest is chosen here.
        path: the page's, for links.
    """
    dimension = state.tab(name)
    panel = Panel(name, formatting.PANEL_WORDS[name], dimension, _tabs(name, state, path))
    metrics = _metrics(dimension, state)
    if not metrics:
        return replace(panel, error=_not_together(dimension, state))
    expanded = state.expanded == name
    limit = ALL_ROWS if expanded else SHORT_ROWS
    try:
        report = ask(replace(query, metrics=metrics, dimension=dimension, limit=limit))
    except QueryError as error:
        return replace(panel, error=str(error))
    more = report.more and not expanded
    return replace(
        panel,
        columns=tuple(map(formatting.column_label, metrics)),
        rows=_RowBuilder(report, dimension, metrics, state, path).rows(),
        more_url=url_for(path, replace(state, expanded=name)) if more else "",
        less_url=url_for(path, replace(state, expanded="")) if expanded else "",
        csv_url=csv_url(path, state, dimension) if report.rows else "",
    )


def _tabs(name: str, state: PageState, path: str) -> tuple[Tab, ...]:
    return tuple(
        Tab(
            label=formatting.tab_label(dimension),
            url=url_for(path, state.with_tab(name, dimension)),
            chosen=dimension == state.tab(name),
            possible=bool(_metrics(dimension, state)),
        )
        for dimension in PANELS[name]
    )


def _metrics(dimension: str, state: PageState) -> tuple[str, ...]:
    by = state.filter.dimension if state.filter else dimension
    available = measures_of(*dict.fromkeys((dimension, by)))
    preferred = PREFERRED.get(dimension, GOAL_METRICS if by == "goal" else DEFAULT_METRICS)
    return tuple(metric for metric in preferred if METRICS[metric].needs & available)[:2]


def _not_together(dimension: str, state: PageState) -> str:
    filtered = formatting.dimension_label(state.filter.dimension) if state.filter else ""
    shown = formatting.dimension_label(dimension)
    return f"{shown} is not counted together with {filtered}: keeping few pairs protects privacy."


@dataclass(frozen=True, slots=True)
class _RowBuilder:
    """Builds the rows of one panel; bars are relative to the highest row that is not folded."""

    report: Report
    dimension: str
    metrics: tuple[str, ...]
    state: PageState
    path: str

    def rows(self) -> tuple[Row, ...]:
        first = self.metrics[0]
        unfolded = (row for row in self.report.rows if not formatting.is_other(row.value))
        highest = max((row.metrics.get(first) or 0 for row in unfolded), default=0)
        return tuple(self._row(row, highest) for row in self.report.rows)

    def _row(self, row: ReportRow, highest: float) -> Row:
        first = METRICS[self.metrics[0]]
        value, other = row.metrics.get(first.name), formatting.is_other(row.value)
        code = row.value.partition("-")[0] if self.dimension in PANELS["places"] else ""
        return Row(
            label=formatting.label(self.dimension, row.value),
            flag=formatting.flag(code),
            code=code if code != NONE else "",
            bar=0.0 if other else share(value, highest),
            figures=tuple(
                formatting.amount(row.metrics.get(name), METRICS[name].unit)
                for name in self.metrics
            ),
            spoken=f"{formatting.amount(value, first.unit, short=False)} {first.label.lower()}",
            share=formatting.part(value, self.report.totals.get(first.name)),
            url="" if other else self._url(row.value),
            note=formatting.folded_words(self.report.folded_values) if other else "",
        )

    def _url(self, value: str) -> str:
        already = self.state.filter == Filter(self.dimension, (value,))
        if self.dimension not in FILTERABLE or already:
            return ""
        return url_for(self.path, self.state.with_filter(self.dimension, value))
