"""Answer conversion rates: visitors who reached a goal, of all who could have.

Pure. Such a question is two: one about the goal, one about everybody. Both are asked of the same
days and values, so that the upper part never exceeds the lower. Called by `report`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from collector.errors import Unanswerable
from collector.hit import OTHER
from collector.stats.metrics import CONVERSION_RATE, EVERYBODY, METRICS, VISITORS
from collector.stats.query import Query, Report, ReportRow

GOAL = "goal"


def conversion_report(query: Query, ask: Callable[[Query], Report]) -> Report:
    """Answer a question for conversion rates among other metrics.

    Rows are ordered by the first of the other metrics, else by converted visitors.

    Raises:
        Unanswerable: if the question names no goal, and for all that `ask` cannot answer.
    """
    if query.dimension != GOAL and all(one.dimension != GOAL for one in query.filters):
        raise Unanswerable("A conversion rate needs a goal: ask by goal, or filter by one.")
    others = tuple(name for name in query.metrics if name != CONVERSION_RATE)
    converted = ask(replace(query, metrics=tuple(dict.fromkeys((*others, VISITORS)))))
    everybody = ask(_of_everybody(query))
    below = _below(query, everybody)
    return replace(
        converted,
        rows=tuple(
            replace(row, metrics=_rated(query, row.metrics, below(row))) for row in converted.rows
        ),
        totals=_rated(query, converted.totals, everybody.totals[VISITORS]),
        caveats=tuple(dict.fromkeys((*converted.caveats, *everybody.caveats))),
    )


def _of_everybody(query: Query) -> Query:
    """Ask the same of all visitors, whether they reached a goal or not."""
    return replace(
        query,
        metrics=(VISITORS,),
        dimension="" if query.dimension == GOAL else query.dimension,
        filters=tuple(one for one in query.filters if one.dimension != GOAL),
        limit=0,
        page=1,
        search="",
    )


def _below(query: Query, everybody: Report) -> Callable[[ReportRow], float | None]:
    """Find what a row's converted visitors are a part of: those of its own value or time."""
    if query.dimension == GOAL:
        return lambda _: everybody.totals[VISITORS]
    found = {row.value: row.metrics[VISITORS] for row in everybody.rows if row.value != OTHER}
    return lambda row: found.get(row.value)


def _rated(
    query: Query, metrics: Mapping[str, float | None], everybody: float | None
) -> dict[str, float | None]:
    sums = {VISITORS: _whole(metrics[VISITORS]), EVERYBODY: _whole(everybody)}
    rate = METRICS[CONVERSION_RATE].value(sums)
    return {name: rate if name == CONVERSION_RATE else metrics[name] for name in query.metrics}


def _whole(count: float | None) -> int | None:
    return None if count is None else int(count)
