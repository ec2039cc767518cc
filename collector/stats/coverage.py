"""Leave out of an answer the days before its view was kept, and say that they are left out.

Pure. A view that a later version declares has no cells of earlier days, and none
of some hours of the day it began; to count those as zeros would be untrue.
Called by `report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from collector.cells.views import DIMENSIONS, View
from collector.day import day_at
from collector.stats.query import Period, Query, Report, ReportRow
from collector.stats.time_buckets import TimeBucket

KEPT_SINCE = (
    "{what} has been counted since {day}: of the days before nothing is known, "
    "and they are left out."
)


def first_whole_day(zone: str, views: Iterable[View], began: Mapping[int, int]) -> date | None:
    """Find the first local day in the whole of which all views were kept; None if ever since.

    Args:
        began: when each view's first hit was counted, in seconds since 1970, by its id; 0 and
            what is not there is always.
    """
    latest = max((began.get(view.id, 0) for view in views), default=0)
    if not latest:
        return None
    day = day_at(zone, latest)
    return day.date if day.opens_at == latest else day_at(zone, day.closes_at).date


def known_part(query: Query, since: date) -> Query | None:
    """Ask the same of the days that are known; None if there are none."""
    if query.period.last < since:
        return None
    return replace(query, period=Period(max(query.period.first, since), query.period.last))


def completed(
    query: Query, view: View, since: date, buckets: Iterable[TimeBucket], known: Report | None
) -> Report:
    """Give the answer to the whole question: what is not known is None, never 0.

    Args:
        buckets: of the whole question, if it is a time series.
        known: the answer about the days that are known.
    """
    unknown: dict[str, float | None] = dict.fromkeys(query.metrics)
    answer = known or Report((), unknown, view=view.name)
    told = {row.value: row for row in answer.rows}
    rows = tuple(told.get(one.label, ReportRow(one.label, unknown)) for one in buckets)
    what = " by ".join(DIMENSIONS[name].label for name in view.dimensions) or "The total"
    sentence = KEPT_SINCE.format(what=what, day=since.isoformat())
    return replace(
        answer,
        rows=rows or answer.rows,
        caveats=(sentence, *answer.caveats),
        since=since,
    )
