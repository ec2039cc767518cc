"""Turn a question into two statements, one over sealed cells and one over open ones.

Pure: chooses the view, binds every value as a parameter, runs nothing. Each
statement reads both the rows and what they are measured against, so that
parts always belong to the same whole. Called by `report`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.cells.thresholds import Profile, profile_of
from collector.cells.views import Grain, View
from collector.day import zone_of
from collector.errors import QueryError, Unanswerable
from collector.hit import OTHER
from collector.stats import sql
from collector.stats.dimensions import check_measurable, is_partial, view_of
from collector.stats.metrics import METRICS, VISITORS, sums_of
from collector.stats.open_day_folding import Rule
from collector.stats.query import Filter, Query
from collector.stats.selection import Known, Selection, parameters
from collector.stats.sql import FINE, NO_KEY
from collector.stats.time_buckets import recent_since

HOURS_KEPT_DAYS = 35
LONGEST_PERIOD_DAYS = 3700
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """Two statements, and how to read their rows.

    Attributes:
        sealed: see `reading.of_sealed`; wants the parameters `sealed`, `kept` and `taken` too.
        opened: see `reading.of_open`; wants the parameter `sealed` too.
        parameters: by name, for `{name:Type}`.
        view: the one that answers.
        views: all that are read.
        sums: the names of the sums; visitors last.
        parts: their numbers: what the rows are made of, or the totals where there are none;
            then what rows are measured against, if there is anything.
        rules: by part, how its open cells are folded.
        weight: the place of the sum that rows are sorted by.
    """

    sealed_sql: str
    open_sql: str
    parameters: dict[str, Any]
    view: View
    views: tuple[View, ...]
    sums: tuple[str, ...]
    selections: tuple[int, ...]
    rules: dict[int, Rule]
    weight: int

    @property
    def has_base(self) -> bool:
        """Whether there is a part to measure the rows against."""
        return len(self.selections) > 1

    @property
    def continuous(self) -> tuple[bool, ...]:
        """For each sum, whether a cell of few visitors leaves it out."""
        return tuple(name in FINE for name in self.sums)


def sql_for(query: Query, now: float, known: Known | None = None) -> Plan:
    """Plan a question.

    Args:
        now: in seconds since 1970; decides which day is today.
        known: values that never fold, by dimension.

    Raises:
        QueryError: if the question is malformed.
        Unanswerable: if no view can answer it; the sentence says which could.
    """
    _refuse_malformed(query)
    filtered = tuple(one.dimension for one in query.filters)
    view = view_of((*filtered, query.dimension) if query.dimension else filtered)
    check_measurable(view, query.metrics)
    rows, base = _rows(query, view, now), _base(query, view)
    parts = tuple(part for part in (rows, base) if part)
    sums = _sums(query, base)
    weight = METRICS[query.metrics[0]].weight
    profile = profile_of(query.site.profile)
    keys = _keys(query, view)
    return Plan(
        sealed_sql=sql.of_sealed(parts, sums, keys("value", "other"), weight),
        open_sql=sql.of_open(parts, sums, keys, profile),
        parameters=parameters(query.site, parts, known or {})
        | {"first": query.period.first, "last": query.period.last}
        # What is asked by minute only is asked anew with each minute.
        | ({"since": recent_since(now)} if query.grain is Grain.MINUTE else {}),
        view=view,
        views=tuple(part.view for part in parts),
        sums=sums,
        selections=tuple(part.number for part in parts),
        rules={part.number: _rule(part, profile) for part in parts},
        weight=sums.index(weight),
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


def _rows(query: Query, view: View, now: float) -> Selection | None:
    if query.dimension:
        search = (Filter(query.dimension, (query.search,), "contains"),) if query.search else ()
        return Selection("rows", view, Grain.DAY, (*query.filters, *search))
    if query.grain is None:
        return None
    if query.grain not in view.grains:
        raise Unanswerable(f"The view {view.name} is not kept by {query.grain.name.lower()}.")
    today = datetime.fromtimestamp(now, zone_of(query.site.zone)).date()
    if query.grain is Grain.HOUR and (today - query.period.first).days > HOURS_KEPT_DAYS:
        raise Unanswerable(f"Hours are answered for the last {HOURS_KEPT_DAYS} days.")
    return Selection("rows", view, query.grain, query.filters)


def _base(query: Query, view: View) -> Selection | None:
    if query.grain in (Grain.DAY, Grain.MINUTE):
        return None
    if not query.dimension:
        return Selection("base", view, Grain.DAY, query.filters)
    filtered = tuple(one.dimension for one in query.filters)
    if query.search or query.dimension in filtered or is_partial(query.dimension):
        return None
    return Selection("base", view_of(filtered), Grain.DAY, query.filters)


def _sums(query: Query, base: Selection | None) -> tuple[str, ...]:
    # Counts show whether anything is missing from the rows, even where only visitors are asked.
    counts = ("pageviews", "events") if query.dimension and base else ()
    wanted = dict.fromkeys((*sums_of(query.metrics), *counts))
    return (*(name for name in wanted if name != VISITORS), VISITORS)


def _rule(part: Selection, profile: Profile) -> Rule:
    return Rule(part.is_list, profile.small_sums if part.view.dimensions else 0)


def _keys(query: Query, view: View) -> Callable[[str, str], str]:
    """Say how the key of a line is written, of the two columns that hold a cell's values."""
    if not query.dimension and query.grain is None:
        return lambda _, __: NO_KEY
    if query.dimension:
        place = view.dimensions.index(query.dimension)
        return lambda value, other: (value, other)[place]
    if query.grain is not Grain.DAY:
        return lambda _, __: "toString(at)"
    bucket = {
        "day": "toString(day)",
        "week": "toString(toMonday(day))",
        "month": "toString(toStartOfMonth(day))",
    }[query.calendar]
    return lambda _, __: bucket
