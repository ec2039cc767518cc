"""Compute conversion rates: visitors who reached a goal, of all who could have.

Pure. Such a question becomes two: one about the goal, one about all visitors of the same days
and values, so that the numerator never exceeds the denominator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.errors import Unanswerable
from collector.hit import OTHER
from collector.stats.metrics import CONVERSION_RATE, EVERYBODY, METRICS, VISITORS
from collector.stats.query import Query, Report

GOAL = "goal"

Values = Mapping[str, float | None]


def split(query: Query) -> tuple[Query, Query]:
    """Split a question with conversion rates into one about a goal and one about all visitors.

    Rows are ordered by the first of the other metrics, else by converted visitors.

    Raises:
        Unanswerable: if the question names no goal.
    """
    if query.dimension != GOAL and all(one.dimension != GOAL for one in query.filters):
        raise Unanswerable("A conversion rate needs a goal: ask by goal, or filter by one.")
    others = (name for name in query.metrics if name != CONVERSION_RATE)
    of_goal = replace(query, metrics=tuple(dict.fromkeys((*others, VISITORS))))
    of_all = replace(
        query,
        metrics=(VISITORS,),
        dimension="" if query.dimension == GOAL else query.dimension,
        filters=tuple(one for one in query.filters if one.dimension != GOAL),
        limit=0,
        page=1,
        search="",
    )
    return of_goal, of_all


def combine(query: Query, converted: Report, everybody: Report) -> Report:
    """Put the answers to both questions together."""
    total = everybody.totals[VISITORS]
    by_value = {row.value: row.metrics[VISITORS] for row in everybody.rows if row.value != OTHER}
    rows = (
        (row, total if query.dimension == GOAL else by_value.get(row.value))
        for row in converted.rows
    )
    return replace(
        converted,
        rows=tuple(replace(row, metrics=_with_rate(query, row.metrics, of)) for row, of in rows),
        totals=_with_rate(query, converted.totals, total),
        caveats=tuple(dict.fromkeys((*converted.caveats, *everybody.caveats))),
    )


def _with_rate(query: Query, metrics: Values, everybody: float | None) -> dict[str, float | None]:
    rate = METRICS[CONVERSION_RATE].value({VISITORS: metrics[VISITORS], EVERYBODY: everybody})
    return {name: rate if name == CONVERSION_RATE else metrics[name] for name in query.metrics}
