"""Turn a question into two statements, one over sealed cells and one over open ones.

Pure: chooses the view, binds every value as a parameter, runs nothing. A question that no view
answers is refused in a sentence. Each statement reads both the rows and their totals, so that
rows always belong to the same whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collector.cells.thresholds import Profile, profile_of
from collector.cells.views import DIMENSIONS, Grain, MeasureGroup, View, measures, view_for
from collector.day import zone_of
from collector.errors import QueryError, Unanswerable
from collector.hit import OTHER
from collector.stats import sql
from collector.stats.dimensions import PARTIAL, partners
from collector.stats.metrics import METRICS, VISITORS, WORDS, sums_of
from collector.stats.open_day_folding import Rule
from collector.stats.query import Filter, Query, recent_since
from collector.stats.sql import CONTINUOUS, NO_KEY, Keys, Known, Selection

HOURS_KEPT_DAYS = 35
LONGEST_PERIOD_DAYS = 3700
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """Two statements, and how to read their rows.

    Attributes:
        sealed_sql: see `sql.sealed_select`; needs the parameters `sealed`, `kept`, `taken` too.
        open_sql: see `sql.open_select`; needs the parameter `sealed` too.
        parameters: by name, for `{name:Type}`.
        view: the one that answers.
        views: all that are read.
        sums: the names of the sums; visitors last.
        selections: their numbers: that of the rows, or of the totals where there are none;
            then that of the totals to compare the rows with, if there is one.
        rules: by selection, how its open cells are folded.
        weight: the index of the sum that rows are sorted by.
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
        """Whether the totals are a selection of their own."""
        return len(self.selections) > 1

    @property
    def continuous(self) -> tuple[bool, ...]:
        """For each sum, whether a cell of few visitors leaves it out."""
        return tuple(name in CONTINUOUS for name in self.sums)


def plan_query(query: Query, now: float, known: Known | None = None) -> Plan:
    """Plan a question.

    Args:
        now: in seconds since 1970; decides which day is today.
        known: values that never fold, by dimension.

    Raises:
        QueryError: if the question is malformed.
        Unanswerable: if no view can answer it; the sentence says which could.
    """
    _check(query)
    filtered = tuple(one.dimension for one in query.filters)
    view = view_of((*filtered, query.dimension) if query.dimension else filtered)
    check_measurable(view, query.metrics)
    rows, base = _rows(query, view, now), _base(query, view)
    selections = tuple(one for one in (rows, base) if one)
    sums = _sums(query, base)
    weight = METRICS[query.metrics[0]].weight
    profile = profile_of(query.site.profile)
    keys = _keys(query, view)
    return Plan(
        sealed_sql=sql.sealed_select(selections, sums, keys("value", "other"), weight),
        open_sql=sql.open_select(selections, sums, keys, profile),
        parameters=sql.parameters(query.site, selections, known or {})
        | {"first": query.period.first, "last": query.period.last}
        # Only a series by minute depends on the minute; all others can be cached across minutes.
        | ({"since": recent_since(now)} if query.grain is Grain.MINUTE else {}),
        view=view,
        views=tuple(one.view for one in selections),
        sums=sums,
        selections=tuple(one.number for one in selections),
        rules={one.number: _rule(one, profile) for one in selections},
        weight=sums.index(weight),
    )


def view_of(names: Iterable[str]) -> View:
    """Find the view that keeps cells of exactly these dimensions.

    Raises:
        QueryError: if a name is no dimension.
        Unanswerable: if no view keeps them together; names those that are kept.
    """
    unique = tuple(dict.fromkeys(names))
    for name in unique:
        if name not in DIMENSIONS:
            raise QueryError(f"{name} is no dimension; there are {', '.join(DIMENSIONS)}.")
    if len(unique) > 2:
        raise Unanswerable(
            f"{', '.join(unique)} cannot be combined: cells of more than two dimensions "
            "would single people out, so none are kept."
        )
    view = view_for(*unique)
    if view is None:
        raise Unanswerable(_no_view(unique))
    return view


def check_measurable(view: View, metrics: Iterable[str]) -> None:
    """Make sure that the cells of a view measure some metrics.

    Raises:
        QueryError: if a name is no metric.
        Unanswerable: if the view does not measure one; says what it does.
    """
    measured = measures(view)
    for name in metrics:
        if name not in METRICS:
            raise QueryError(f"{name} is no metric; there are {', '.join(METRICS)}.")
        if not METRICS[name].needs & measured:
            named = f"The view {view.name}" if view.dimensions else "The total"
            counted = ", ".join(WORDS[group] for group in MeasureGroup if group & measured)
            raise Unanswerable(f"{named} does not count {name}: its cells count {counted}.")
        if name == "revenue" and "currency" not in view.dimensions:
            raise Unanswerable(
                "revenue needs one currency: ask for it by event with a filter on currency "
                "(event:currency in the reading API)."
            )


def _no_view(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        name = names[0]
        return f"No view keeps {name} by itself; it is kept with {', '.join(partners(name))}."
    sentences = [f"No view keeps {names[0]} and {names[1]} together."]
    for name in names:
        with_it = ", ".join(partners(name))
        sentences.append(
            f"{name} can be combined with {with_it}."
            if with_it
            else f"{name} can be combined with none."
        )
    return " ".join(sentences)


def _check(query: Query) -> None:
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
    if query.search or query.dimension in filtered or query.dimension in PARTIAL:
        return None
    return Selection("base", view_of(filtered), Grain.DAY, query.filters)


def _sums(query: Query, base: Selection | None) -> tuple[str, ...]:
    # Counts show whether anything is missing from the rows, even where only visitors are requested.
    counts = ("pageviews", "events") if query.dimension and base else ()
    needed = dict.fromkeys((*sums_of(query.metrics), *counts))
    return (*(name for name in needed if name != VISITORS), VISITORS)


def _rule(selection: Selection, profile: Profile) -> Rule:
    return Rule(selection.is_list, profile.small_sums if selection.view.dimensions else 0)


def _keys(query: Query, view: View) -> Keys:
    if not query.dimension and query.grain is None:
        return lambda _, __: NO_KEY
    if query.dimension:
        index = view.dimensions.index(query.dimension)
        return lambda value, other: (value, other)[index]
    if query.grain is not Grain.DAY:
        return lambda _, __: "toString(at)"
    bucket = {
        "day": "toString(day)",
        "week": "toString(toMonday(day))",
        "month": "toString(toStartOfMonth(day))",
    }[query.calendar]
    return lambda _, __: bucket
