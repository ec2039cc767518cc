"""Read a question from the body of Plausible's version 2 query API.

Pure. The keys are those of its public documentation; what cells cannot answer is refused in a
sentence.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Literal

import msgspec

from collector.api import v1_params
from collector.api.v1_params import RequestedQuery
from collector.cells.views import Grain
from collector.errors import QueryError, Unanswerable
from collector.registry.sites import Site
from collector.stats.planner import LARGEST_PAGE
from collector.stats.query import Calendar, Filter, Operator, Period, Query

_OPERATORS: dict[str, Operator] = {"is": "is", "is_not": "is_not", "contains": "contains"}
_TIMES: dict[str, tuple[Grain, Calendar]] = {
    "time": (Grain.DAY, "day"),
    "time:hour": (Grain.HOUR, "day"),
    "time:day": (Grain.DAY, "day"),
    "time:week": (Grain.DAY, "week"),
    "time:month": (Grain.DAY, "month"),
}
_NAMED_RANGES = ("day", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year")


class Pagination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows: `offset` is a multiple of `limit`."""

    limit: int = LARGEST_PAGE
    offset: int = 0


class Include(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What else the answer holds: `time_labels` lists all buckets of a time series."""

    time_labels: bool = False
    imports: bool = False
    total_rows: bool = False


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of a question, as sent."""

    site_id: str
    metrics: list[str]
    date_range: str | list[str]
    dimensions: list[str] = []
    filters: list[Any] = []
    order_by: list[tuple[str, Literal["asc", "desc"]]] = []
    include: Include = Include()
    pagination: Pagination = Pagination()


def decode(body: bytes) -> Body:
    """Read the JSON of a question.

    Raises:
        QueryError: says what is wrong with it, and where.
    """
    try:
        return msgspec.json.decode(body, type=Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise QueryError(f"The question cannot be read: {wrong}.") from None


def parse_query(body: Body, site: Site, today: date) -> RequestedQuery:
    """Turn a body into a question.

    Args:
        today: the site's local date.

    Raises:
        QueryError: if it names something wrong; a sentence.
        Unanswerable: if cells cannot answer it; a sentence.
    """
    metrics = tuple(v1_params.METRIC_NAMES.get(name, name) for name in body.metrics)
    query = Query(site, metrics, _period(body.date_range, today), filters=_filters(body.filters))
    if not body.dimensions:
        return RequestedQuery(query, tuple(body.metrics))
    if len(body.dimensions) > 1:
        raise Unanswerable("Name one dimension; a second can be a filter.")
    name = body.dimensions[0]
    if name in _TIMES:
        grain, calendar = _TIMES[name]
        return RequestedQuery(replace(query, grain=grain, calendar=calendar), tuple(body.metrics))
    return _breakdown(body, query, name)


def _breakdown(body: Body, query: Query, name: str) -> RequestedQuery:
    limit, offset = body.pagination.limit, body.pagination.offset
    if not 1 <= limit <= LARGEST_PAGE or offset < 0 or offset % limit:
        raise QueryError(f"The limit is 1 to {LARGEST_PAGE}, the offset a multiple of it.")
    grouped, prefix = v1_params.by_property(query, name, limit, offset // limit + 1)
    return _ordered(body, RequestedQuery(grouped, tuple(body.metrics), name, prefix))


def _ordered(body: Body, requested: RequestedQuery) -> RequestedQuery:
    """Put the metric to order by first, for rows are ordered by their first metric."""
    if not body.order_by:
        return requested
    (name, direction), *further = body.order_by
    if further or direction != "desc" or name not in requested.names:
        raise Unanswerable("Rows are ordered by one of the requested metrics, the largest first.")
    names = tuple(sorted(requested.names, key=lambda one: one != name))
    metrics = tuple(v1_params.METRIC_NAMES.get(one, one) for one in names)
    return replace(requested, query=replace(requested.query, metrics=metrics), names=names)


def _period(date_range: str | list[str], today: date) -> Period:
    if isinstance(date_range, list):
        return v1_params.period_from({"period": "custom", "date": ",".join(date_range)}, today)
    if date_range not in _NAMED_RANGES:
        raise QueryError(f"The date_range is two dates or one of {', '.join(_NAMED_RANGES)}.")
    return v1_params.period_from({"period": date_range}, today)


def _filters(filters: list[Any]) -> tuple[Filter, ...]:
    match filters:
        case [["and", [*several]]]:
            return _filters(several)
    if len(filters) > v1_params.MOST_FILTERS:
        raise QueryError(f"There are at most {v1_params.MOST_FILTERS} filters.")
    return tuple(_filter(one) for one in filters)


def _filter(one: Any) -> Filter:
    match one:
        case [str(operator), str(name), [*values], *_] if operator in _OPERATORS:
            if all(isinstance(value, str) for value in values):
                return v1_params.filter_of(name, _OPERATORS[operator], values)
        case [str(operator), *_] if operator not in _OPERATORS:
            raise Unanswerable(f"{operator[:50]} is no filter; there are {', '.join(_OPERATORS)}.")
    raise QueryError('A filter is like ["is", "visit:source", ["Google"]].')
