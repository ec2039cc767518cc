"""Turn a question into one statement over sealed and open cells.

Pure: chooses the view, binds every value as a parameter, runs nothing. One
statement reads both the rows and what they are measured against, so that
parts always belong to the same whole. Called by `report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.cells.thresholds import open_table
from collector.cells.views import Grain, View
from collector.day import zone_of
from collector.errors import QueryError, Unanswerable
from collector.hit import OTHER
from collector.stats import reading
from collector.stats.buckets import recent_since
from collector.stats.dimensions import is_partial, refuse_what_it_cannot_say, view_of
from collector.stats.metrics import METRICS, VISITORS, sums_of
from collector.stats.parts import Known, Part, parameters
from collector.stats.query import Filter, Query
from collector.stats.reading import BOTH, Kinds

HOURS_KEPT_DAYS = 35
LONGEST_PERIOD_DAYS = 3700
LARGEST_PAGE = 1000

BASE = "base"
LISTED = "listed"
FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement, and how to read its rows.

    Attributes:
        sql: gives at most one row for each part: `part, folded, <sums over all its rows>, rows`.
            `part` is BASE (what the rows are measured against), LISTED (the rows) or FOLDED (the
            stored "(other)"); `folded` how many values were folded into it; `rows` an array of
            `(key, <sums>)`, of LISTED the page asked for and one row more.
        parameters: by name, for `{name:Type}`.
        view: the one that answers.
        views: all that are read.
        sums: the names of the sums; visitors last.
        has_base: whether there is a part to measure the rows against.
    """

    sql: str
    parameters: dict[str, Any]
    view: View
    views: tuple[View, ...]
    sums: tuple[str, ...]
    has_base: bool


def sql_for(query: Query, now: float, known: Known | None = None, kinds: Kinds = BOTH) -> Plan:
    """Plan a question.

    Args:
        now: in seconds since 1970; decides which day is today.
        known: values that never fold, by dimension.
        kinds: which kinds of day the period holds, if that is known.

    Raises:
        QueryError: if the question is malformed.
        Unanswerable: if no view can answer it; the sentence says which could.
    """
    _refuse_malformed(query)
    filtered = tuple(one.dimension for one in query.filters)
    view = view_of((*filtered, query.dimension) if query.dimension else filtered)
    refuse_what_it_cannot_say(view, query.metrics)
    rows, base = _rows(query, view, now), _base(query, view)
    parts = tuple(part for part in (rows, base) if part)
    sums = _sums(query, base)
    return Plan(
        sql=_statement(query, parts, sums, kinds),
        parameters=parameters(query.site, parts, known or {}) | _paging(query, now),
        view=view,
        views=tuple(part.view for part in parts),
        sums=sums,
        has_base=base is not None,
    )


def _refuse_malformed(query: Query) -> None:
    if not query.metrics:
        raise QueryError("Name at least one metric.")
    if query.dimension and query.grain is not None:
        raise QueryError("Ask for a time series or for a breakdown, not for both.")
    if not 0 <= query.limit <= LARGEST_PAGE or query.page < 1:
        raise QueryError(f"A page has 1 to {LARGEST_PAGE} rows, and the first is page 1.")
    if not 1 <= query.period.days <= LONGEST_PERIOD_DAYS:
        raise QueryError("A period has its first day first and lasts ten years at most.")
    for one in query.filters:
        if not one.values or "" in one.values:
            raise QueryError(f"The filter on {one.dimension} names no value.")
        if OTHER in one.values:
            raise Unanswerable(f'"{OTHER}" is what was folded; no more is kept of it.')


def _rows(query: Query, view: View, now: float) -> Part | None:
    if query.dimension:
        search = (Filter(query.dimension, (query.search,), "contains"),) if query.search else ()
        return Part("rows", view, Grain.DAY, (*query.filters, *search))
    if query.grain is None:
        return None
    if query.grain not in view.grains:
        raise Unanswerable(f"The view {view.name} is not kept by {query.grain.name.lower()}.")
    today = datetime.fromtimestamp(now, zone_of(query.site.zone)).date()
    if query.grain is Grain.HOUR and (today - query.period.first).days > HOURS_KEPT_DAYS:
        raise Unanswerable(f"Hours are answered for the last {HOURS_KEPT_DAYS} days.")
    return Part("rows", view, query.grain, query.filters)


def _base(query: Query, view: View) -> Part | None:
    if query.grain in (Grain.DAY, Grain.MINUTE):
        return None
    if not query.dimension:
        return Part("base", view, Grain.DAY, query.filters)
    filtered = tuple(one.dimension for one in query.filters)
    if query.search or query.dimension in filtered or is_partial(query.dimension):
        return None
    return Part("base", view_of(filtered), Grain.DAY, query.filters)


def _sums(query: Query, base: Part | None) -> tuple[str, ...]:
    # Counts show whether anything is missing from the rows, even where only visitors are asked.
    counts = ("pageviews", "events") if query.dimension and base else ()
    wanted = dict.fromkeys((*sums_of(query.metrics), *counts))
    return (*(name for name in wanted if name != VISITORS), VISITORS)


# Of the days of a period, the one on which most values were folded.
_TOLD = "arrayMax(sumMapIf([day], [folded], folded > 0).2)"


def _statement(query: Query, parts: tuple[Part, ...], sums: tuple[str, ...], kinds: Kinds) -> str:
    table = open_table(query.site.profile)
    names = ", ".join(sums)
    grouped = ", ".join(f"sum({name}) AS {name}" for name in sums)
    wholes = ", ".join(f"sum({name}) AS all_{name}" for name in sums)
    something = " OR ".join(f"{name} != 0" for name in sums)
    # Sorted by the first metric, heaviest first, then by value, so that pages do not overlap.
    place = f"(-line.{sums.index(METRICS[query.metrics[0]].weight) + 2}, line.1)"
    return (
        f"WITH {reading.scalars(parts, table)} SELECT part, sum(told) AS all_told, {wholes}, "
        f"arraySlice(arraySort(line -> {place}, groupArray((key, {names}))), "
        "{skipped:UInt64} + 1, {taken:UInt64}) AS lines FROM ("
        f"SELECT {_part(query, parts)} AS part, {_key(query, parts)} AS key, {grouped}, "
        f"{_TOLD} AS told FROM ({reading.cells(parts, sums[:-1], table, kinds)}) "
        f"GROUP BY part, key HAVING {something}) GROUP BY part"
    )


def _part(query: Query, parts: tuple[Part, ...]) -> str:
    first = BASE if parts[0].name == "base" else LISTED
    if not query.dimension:
        return f"if(origin = 0, '{first}', '{BASE}')"
    column = parts[0].column(query.dimension)
    return f"multiIf(origin = 1, '{BASE}', {column} = '{OTHER}', '{FOLDED}', '{LISTED}')"


def _key(query: Query, parts: tuple[Part, ...]) -> str:
    return f"if(part = '{BASE}', '', {_value(query, parts[0])})"


def _value(query: Query, rows: Part) -> str:
    if query.dimension:
        return rows.column(query.dimension)
    if query.grain is not Grain.DAY:
        return "toString(at)"
    return {
        "day": "toString(day)",
        "week": "toString(toMonday(day))",
        "month": "toString(toStartOfMonth(day))",
    }[query.calendar]


def _paging(query: Query, now: float) -> dict[str, Any]:
    # A time series is never paged, and a page reads one row more, to know whether another follows.
    everything = not query.dimension or query.limit == 0
    skipped = 0 if everything else (query.page - 1) * query.limit
    return {
        "first": query.period.first,
        "last": query.period.last,
        "since": recent_since(now),
        "skipped": skipped,
        "taken": 2**31 if everything else query.limit + 1,
    }
