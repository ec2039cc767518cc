"""Fill the panels: the pages, sources, places, devices and events of a site, and what it declared.

Knows which metrics a panel shows and what of them a view can say; refuses to
compute any. Called by `pages`.
"""

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
from dashboards.url_params import FILTERABLE, PANELS, PageState, sheet_url, url_for

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
"""The metrics of a panel, most wanted first; the first that the view can say is the bar."""

ORDINARY = ("visitors", "pageviews")
OF_A_GOAL = ("visitors", CONVERSION_RATE)
ALWAYS = ("pages", "sources", "places", "devices")
"""The panels that stand there though they have no rows."""

Ask = Callable[[Query], Report]


@dataclass(frozen=True, slots=True)
class Tab:
    """One dimension on offer in a panel; `possible` unless a filter makes it unanswerable."""

    label: str
    url: str
    chosen: bool
    possible: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a panel.

    Attributes:
        bar: length in percent of the longest.
        figures: the numbers, in words, one for each column.
        spoken: the first number in full, with its unit.
        share: part of all, in words; empty if it cannot be said.
        url: filters by this row; empty if it cannot.
        note: what a row of folded values holds; empty for others.
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
    """A card with a ranked list.

    Attributes:
        refusal: why there is no list; empty if there is one.
        more_url: shows all rows; empty if all are shown.
        less_url: shows few rows again; empty if few are shown.
        sheet_url: gives all rows as a file; empty without rows.
    """

    name: str
    title: str
    dimension: str
    tabs: tuple[Tab, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    refusal: str = ""
    more_url: str = ""
    less_url: str = ""
    sheet_url: str = ""

    @property
    def has_shares(self) -> bool:
        """Whether any row's part of all can be said."""
        return any(row.share for row in self.rows)


def wanted_panels(site: Site, asked: PageState) -> tuple[str, ...]:
    """Name the panels to fill: those of what a site never declared would only be empty."""
    needed = {
        "properties": asked.filter is not None and asked.filter.dimension == "event",
        "goals": bool(site.goals),
        "searches": bool(site.search_parameter),
    }
    return tuple(name for name in PANELS if needed.get(name, True))


def can_show(*dimensions: str) -> MeasureGroup:
    """Tell what the view of these dimensions can say; nothing if there is no such view."""
    view = view_for(*dimensions)
    return measures(view) if view else MeasureGroup(0)


def panel_of(name: str, query: Query, asked: PageState, path: str, ask: Ask) -> Panel:
    """Fill one panel.

    Args:
        name: from `PANELS`.
        query: site, period and filters; the rest is chosen here.
        path: the page's, for links.
        ask: answers a query; may raise QueryError, whose sentence is then shown.
    """
    dimension = asked.tab(name)
    panel = Panel(name, formatting.PANEL_WORDS[name], dimension, _tabs(name, asked, path))
    metrics = _metrics(dimension, asked)
    if not metrics:
        return replace(panel, refusal=_not_kept(dimension, asked))
    opened = asked.opened == name
    wanted = replace(
        query, metrics=metrics, dimension=dimension, limit=ALL_ROWS if opened else SHORT_ROWS
    )
    try:
        report = ask(wanted)
    except QueryError as refused:
        return replace(panel, refusal=str(refused))
    more = report.more and not opened
    return replace(
        panel,
        columns=tuple(map(formatting.column_label, metrics)),
        rows=_Listing(report, dimension, metrics, asked, path).rows(),
        more_url=url_for(path, replace(asked, opened=name)) if more else "",
        less_url=url_for(path, replace(asked, opened="")) if opened else "",
        sheet_url=sheet_url(path, asked, dimension) if report.rows else "",
    )


def _tabs(name: str, asked: PageState, path: str) -> tuple[Tab, ...]:
    return tuple(
        Tab(
            label=formatting.tab_label(dimension),
            url=url_for(path, asked.with_tab(name, dimension)),
            chosen=dimension == asked.tab(name),
            possible=bool(_metrics(dimension, asked)),
        )
        for dimension in PANELS[name]
    )


def _metrics(dimension: str, asked: PageState) -> tuple[str, ...]:
    by = asked.filter.dimension if asked.filter else dimension
    can_say = can_show(*dict.fromkeys((dimension, by)))
    wanted = PREFERRED.get(dimension, OF_A_GOAL if by == "goal" else ORDINARY)
    return tuple(metric for metric in wanted if METRICS[metric].needs & can_say)[:2]


def _not_kept(dimension: str, asked: PageState) -> str:
    filtered = formatting.dimension_label(asked.filter.dimension) if asked.filter else ""
    shown = formatting.dimension_label(dimension)
    return f"No counts are kept of {shown} together with {filtered}: fewer pairs, more privacy."


@dataclass(frozen=True, slots=True)
class _Listing:
    """What all rows of one panel have in common."""

    report: Report
    dimension: str
    metrics: tuple[str, ...]
    asked: PageState
    path: str

    def rows(self) -> tuple[Row, ...]:
        """Word all rows; bars are measured against the longest that is not folded."""
        first = self.metrics[0]
        kept = [row for row in self.report.rows if not formatting.is_other(row.value)]
        highest = max((row.metrics.get(first) or 0 for row in kept), default=0)
        return tuple(self._row(row, highest) for row in self.report.rows)

    def _row(self, row: ReportRow, highest: float) -> Row:
        first, unit = METRICS[self.metrics[0]], METRICS[self.metrics[0]].unit
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
            spoken=f"{formatting.amount(value, unit, short=False)} {first.label.lower()}",
            share=formatting.part(value, self.report.totals.get(first.name)),
            url="" if other else self._link(row.value),
            note=formatting.folded_words(self.report.folded_values) if other else "",
        )

    def _link(self, value: str) -> str:
        wanted = Filter(self.dimension, (value,))
        if self.dimension not in FILTERABLE or self.asked.filter == wanted:
            return ""
        return url_for(self.path, self.asked.with_filter(self.dimension, value))
