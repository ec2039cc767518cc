"""Say, in sentences, how exact the numbers of an answer are.

Pure. A number that is a sum of daily counts, an upper bound or not known at
all is told as such. Called by `report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from collector.cells.thresholds import CONTINUOUS_SUMS
from collector.stats.metrics import METRICS, VISITORS
from collector.stats.query import Query

SEVERAL_DAYS = (
    "Visitors of several days are the sum of daily visitors: "
    "who comes back on another day counts again."
)
SEVERAL_VALUES = (
    "Visitors of several values are an upper bound: who was seen with two of them counts twice."
)
NOT_OF_WHAT_IS_NOT = (
    "Visitors of what something is not are not told: cells cannot be subtracted from each other."
)
OTHER_IS_AN_UPPER_BOUND = 'Visitors of "(other)" are the sum over what was folded: an upper bound.'
OTHER_IS_A_DIFFERENCE = (
    'Of a filter, "(other)" is the total less what is listed: counts only, without visitors.'
)
TOLD_APART_ANEW = (
    "On {days} the day's secret was lost, as by a reboot: "
    "who came before and after counts as two visitors."
)
SMALL_CELLS_LEFT_OUT = "Values that too few visitors share are not listed."
SMALL_SUMS_LEFT_OUT = "Durations, engagement and revenue leave out cells of very few visitors."


def can_count_visitors(query: Query) -> bool:
    """Tell whether visitors can be counted: they cannot for what something is not."""
    return all(one.operator != "is_not" for one in query.filters)


def caveats_of(query: Query, *, folded: bool, from_difference: bool) -> tuple[str, ...]:
    """List what qualifies the answer to a question, most important first.

    Args:
        folded: whether the answer has a row "(other)".
        from_difference: whether that row was had by subtraction.
    """
    return tuple(_qualifications(query, folded=folded, from_difference=from_difference))


def of_lost_secrets(query: Query, days: Iterable[date]) -> tuple[str, ...]:
    """Say on which days of the period a visitor may count twice.

    Args:
        days: the site's local dates whose secret was made anew, in their order.
    """
    within = [day.isoformat() for day in days if query.period.first <= day <= query.period.last]
    if not within or VISITORS not in query.metrics or not can_count_visitors(query):
        return ()
    return (TOLD_APART_ANEW.format(days=", ".join(within)),)


def _qualifications(query: Query, *, folded: bool, from_difference: bool) -> Iterator[str]:
    if VISITORS in query.metrics:
        yield from _of_visitors(query)
        if folded:
            yield OTHER_IS_A_DIFFERENCE if from_difference else OTHER_IS_AN_UPPER_BOUND
    if query.filters:
        yield SMALL_CELLS_LEFT_OUT
    fine = any(METRICS[name].sum in CONTINUOUS_SUMS for name in query.metrics)
    if fine and (query.dimension or query.filters):
        yield SMALL_SUMS_LEFT_OUT


def _of_visitors(query: Query) -> Iterator[str]:
    if not can_count_visitors(query):
        yield NOT_OF_WHAT_IS_NOT
        return
    if query.period.days > 1:
        yield SEVERAL_DAYS
    if any(len(one.values) > 1 or one.operator != "is" for one in query.filters):
        yield SEVERAL_VALUES
