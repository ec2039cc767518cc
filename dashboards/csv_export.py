"""Write a site's numbers as CSV: its days, or all values of one dimension.

Knows which columns a sheet has and how spreadsheets misread text; refuses to
know HTTP. Called by `app`, in a thread.
"""

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
from dashboards.panels import can_show
from dashboards.url_params import PageState, bucket_of, grain_of

# A text that begins so is run as a formula by some spreadsheets, full-width forms too.
# Source: OWASP, CSV Injection.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_OF_CELLS = ("visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file of numbers.

    Attributes:
        name: of the file, without its folder.
        text: RFC 4180, a row of names first.
        exactness: sentences that qualify the numbers.
    """

    name: str
    text: str
    exactness: tuple[str, ...]


def csv_file(
    site: Site, asked: PageState, period: Period, by: str, ask: Callable[[Query], Report]
) -> CsvFile:
    """Write one sheet.

    Args:
        asked: its filter counts.
        by: a dimension; empty for a time series.
        ask: answers a query.

    Raises:
        QueryError: if there is no such dimension, or no view that can answer.
    """
    if by and by not in DIMENSIONS:
        raise QueryError(f"{by[:50]} is no dimension; there are {', '.join(DIMENSIONS)}.")
    query = Query(
        site,
        _metrics(asked, by),
        period,
        dimension=by,
        grain=None if by else grain_of(bucket_of(period)),
        filters=(asked.filter,) if asked.filter else (),
        limit=0,
    )
    report = ask(query)
    name = f"{site.domain}-{by or 'time'}-{period.first}-{period.last}.csv"
    return CsvFile(name, _written(query, report), report.caveats)


def _metrics(asked: PageState, by: str) -> tuple[str, ...]:
    filtered = asked.filter.dimension if asked.filter else ""
    can_say = can_show(*dict.fromkeys(name for name in (filtered, by) if name))
    return tuple(name for name in _OF_CELLS if METRICS[name].needs & can_say) or _OF_CELLS[:1]


def _written(query: Query, report: Report) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((query.dimension or "time", *query.metrics, "folded_values"))
    for row in report.rows:
        figures = (rounded(name, row.metrics[name]) for name in query.metrics)
        folded = report.folded_values if formatting.is_other(row.value) else ""
        writer.writerow((_harmless(row.value), *figures, folded))
    return text.getvalue()


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
