"""Say, in sentences, how exact the numbers of an answer are, and from which day they are known.

Pure. A view that a later version declares has no cells of earlier days, and only some hours of
the day it began: those days are left out, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from collector.cells.thresholds import CONTINUOUS_SUMS
from collector.cells.views import DIMENSIONS, View
from collector.day import day_at
from collector.stats.metrics import METRICS, VISITORS
from collector.stats.query import Period, Query, Report, ReportRow, TimeBucket

SEVERAL_DAYS = (
    "Visitors of several days are the sum of daily visitors: "
    "someone who comes back on another day counts again."
)
SEVERAL_VALUES = (
    "Visitors of several values are an upper bound: someone seen with two of them counts twice."
)
NOT_FOR_IS_NOT = (
    'Visitor counts are not available for "is not" filters: stored counts cannot be subtracted.'
)
OTHER_IS_AN_UPPER_BOUND = (
    'Visitors of "(other)" are the sum over the folded values: an upper bound.'
)
OTHER_IS_A_DIFFERENCE = (
    'With a filter, "(other)" is the total minus the listed values: counts only, without visitors.'
)
COUNTED_TWICE = (
    "On {days} the day's secret was lost, as by a reboot: "
    "someone who came before and after counts as two visitors."
)
SMALL_CELLS_LEFT_OUT = "Values with too few visitors are not listed."
SMALL_SUMS_LEFT_OUT = "Durations, engagement and revenue leave out cells of very few visitors."
KEPT_SINCE = (
    "{what} has been counted since {day}: there are no numbers for earlier days, "
    "and they are left out."
)


def can_count_visitors(query: Query) -> bool:
    """Tell whether visitors can be counted: they cannot for "is not" filters."""
    return all(one.operator != "is_not" for one in query.filters)


def caveats_of(query: Query, *, folded: bool, from_difference: bool) -> tuple[str, ...]:
    """List what qualifies the answer to a question, most important first.

    Args:
        folded: whether the answer has a row "(other)".
        from_difference: whether that row was computed by subtraction.
    """
    return tuple(_caveats(query, folded=folded, from_difference=from_difference))


def lost_secrets(query: Query, days: Iterable[date]) -> tuple[str, ...]:
    """Say on which days of the period a visitor may count twice.

    Args:
        days: the site's local dates whose secret was made anew, in their order.
    """
    within = [day.isoformat() for day in days if query.period.first <= day <= query.period.last]
    if not within or VISITORS not in query.metrics or not can_count_visitors(query):
        return ()
    return (COUNTED_TWICE.format(days=", ".join(within)),)


def first_whole_day(zone: str, views: Iterable[View], began: Mapping[int, int]) -> date | None:
    """Find the first local day in the whole of which all views were kept; None if ever since.

    Args:
        began: when each view's first hit was counted, in seconds since 1970, by its id; 0, or
            no entry, means always.
    """
    latest = max((began.get(view.id, 0) for view in views), default=0)
    if not latest:
        return None
    day = day_at(zone, latest)
    return day.date if day.opens_at == latest else day_at(zone, day.closes_at).date


def known_part(query: Query, since: date) -> Query | None:
    """Return the same question about the days from `since` on; None if there are none."""
    if query.period.last < since:
        return None
    return replace(query, period=Period(max(query.period.first, since), query.period.last))


def with_unknown_days(
    query: Query, view: View, since: date, buckets: Iterable[TimeBucket], known: Report | None
) -> Report:
    """Return the answer to the whole question: what is not known is None, never 0.

    Args:
        buckets: of the whole question, if it is a time series.
        known: the answer about the days from `since` on.
    """
    unknown: dict[str, float | None] = dict.fromkeys(query.metrics)
    answer = known or Report((), unknown, view=view.name)
    by_value = {row.value: row for row in answer.rows}
    rows = tuple(by_value.get(one.label, ReportRow(one.label, unknown)) for one in buckets)
    what = " by ".join(DIMENSIONS[name].label for name in view.dimensions) or "The total"
    sentence = KEPT_SINCE.format(what=what, day=since.isoformat())
    return replace(
        answer,
        rows=rows or answer.rows,
        caveats=(sentence, *answer.caveats),
        since=since,
    )


def _caveats(query: Query, *, folded: bool, from_difference: bool) -> Iterator[str]:
    if VISITORS in query.metrics:
        yield from _of_visitors(query)
        if folded:
            yield OTHER_IS_A_DIFFERENCE if from_difference else OTHER_IS_AN_UPPER_BOUND
    if query.filters:
        yield SMALL_CELLS_LEFT_OUT
    continuous = any(METRICS[name].sum in CONTINUOUS_SUMS for name in query.metrics)
    if continuous and (query.dimension or query.filters):
        yield SMALL_SUMS_LEFT_OUT


def _of_visitors(query: Query) -> Iterator[str]:
    if not can_count_visitors(query):
        yield NOT_FOR_IS_NOT
        return
    if query.period.days > 1:
        yield SEVERAL_DAYS
    if any(len(one.values) > 1 or one.operator != "is" for one in query.filters):
        yield SEVERAL_VALUES
