"""Write a site's numbers as CSV: a time series, or all values of one dimension."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

from collector.cells.views import DIMENSIONS
from collector.errors import QueryError
from collector.registry.sites import Site
from collector.stats.metrics import METRICS, rounded
from collector.stats.query import Period, Query, Report
from dashboards import formatting
from dashboards.panels import measures_of
from dashboards.url_params import PageState, bucket_of, grain_of

# Some spreadsheets run a text that begins like this as a formula, full-width forms too.
# Source: OWASP, CSV Injection.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_COLUMNS = ("visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file.

    Attributes:
        text: RFC 4180, with a header row.
        caveats: sentences that qualify the numbers.
    """

    name: str
    text: str
    caveats: tuple[str, ...]


def csv_file(
    site: Site, state: PageState, period: Period, by: str, ask: Callable[[Query], Report]
) -> CsvFile:
    """Write one file.

    Args:
        by: a dimension; empty for a time series.

    Raises:
        QueryError: if there is no such dimension, or no view can answer.
    """
    if by and by not in DIMENSIONS:
        raise QueryError(
            f"{by[:50]} is not a dimension; the dimensions are {', '.join(DIMENSIONS)}."
        )
    query = Query(
        site,
        _metrics(state, by),
        period,
        dimension=by,
        grain=None if by else grain_of(bucket_of(period)),
        filters=(state.filter,) if state.filter else (),
        limit=0,
    )
    report = ask(query)
    name = f"{site.domain}-{by or 'time'}-{period.first}-{period.last}.csv"
    return CsvFile(name, _to_csv(query, report), report.caveats)


def _metrics(state: PageState, by: str) -> tuple[str, ...]:
    filtered = state.filter.dimension if state.filter else ""
    available = measures_of(*dict.fromkeys(name for name in (filtered, by) if name))
    return tuple(name for name in _COLUMNS if METRICS[name].needs & available) or _COLUMNS[:1]


def _to_csv(query: Query, report: Report) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((query.dimension or "time", *query.metrics, "folded_values"))
    for row in report.rows:
        figures = (rounded(name, row.metrics[name]) for name in query.metrics)
        folded = report.folded_values if formatting.is_other(row.value) else ""
        writer.writerow((_escape_formula(row.value), *figures, folded))
    return text.getvalue()


def _escape_formula(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
