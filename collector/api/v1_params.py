"""Read a question from the parameters of Plausible's version 1 reading API.

Pure. Names, periods and filters are those of Plausible's public documentation; errors say in a
sentence what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from collector.cells.views import Grain
from collector.day import months_before
from collector.errors import QueryError
from collector.registry.sites import Site
from collector.stats.dimensions import PROPERTIES
from collector.stats.metrics import rounded
from collector.stats.query import Calendar, Filter, Operator, Period, Query

LONGEST_VALUE = 2000
MOST_VALUES = 100
MOST_FILTERS = 10
DEFAULT_LIMIT = 100
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)

PROPS = "event:props:"
"""Begins the name of a custom property: `event:props:plan` is the property `plan`."""

METRIC_NAMES = {"time_on_page": "engaged_time"}
"""Plausible's names of metrics, where ours differ."""

Params = Mapping[str, str]
"""The parameters of a request, by name."""

_DAYS = {"day": 1, "7d": 7, "28d": 28, "30d": 30, "91d": 91}
_MONTHS = {"month": 1, "6mo": 6, "12mo": 12}
_INTERVALS: dict[str, tuple[Grain, Calendar]] = {
    "hour": (Grain.HOUR, "day"),
    "date": (Grain.DAY, "day"),
    "day": (Grain.DAY, "day"),
    "week": (Grain.DAY, "week"),
    "month": (Grain.DAY, "month"),
}
_FILTER = re.compile(
    r"(?P<name>[a-z_]+:[^=!~]+?)\s*(?P<operator>==|!=|~)\s*(?P<values>.+)", re.DOTALL
)
_PLAIN: dict[str, Operator] = {"==": "is", "!=": "is_not", "~": "contains"}


@dataclass(frozen=True, slots=True)
class RequestedQuery:
    """A question, and the names under which its answer is params.

    Attributes:
        query: the question.
        names: of the metrics as they were requested, in the order of `query.metrics`.
        key: of a breakdown's value in its rows; empty if none.
        prefix: what each value of a breakdown begins with and is shown without.
    """

    query: Query
    names: tuple[str, ...]
    key: str = ""
    prefix: str = ""

    def shown(self, value: str) -> str:
        """Return a breakdown's value as the answer shows it."""
        return value.removeprefix(self.prefix)


def aggregate(params: Params, site: Site, today: date) -> RequestedQuery:
    """Read a question for totals.

    Args:
        params: the parameters `period`, `date`, `metrics` and `filters`.
        today: the site's local date.

    Raises:
        QueryError: says which parameter is wrong, and what it should be.
    """
    names = tuple(name.strip() for name in params.get("metrics", "visitors").split(",") if name)
    metrics = tuple(METRIC_NAMES.get(name, name) for name in names)
    query = Query(site, metrics, period_from(params, today), filters=filters_from(params))
    return RequestedQuery(query, names)


def timeseries(params: Params, site: Site, today: date) -> RequestedQuery:
    """Read a question for a time series; `interval` is `hour`, `date`, `week` or `month`.

    Raises:
        QueryError: says which parameter is wrong, and what it should be.
    """
    requested = aggregate(params, site, today)
    default = "month" if params.get("period") in ("6mo", "12mo", "year") else "date"
    interval = params.get("interval", "hour" if params.get("period") == "day" else default)
    if interval not in _INTERVALS:
        raise QueryError("The interval is hour, date, week or month.")
    grain, calendar = _INTERVALS[interval]
    return replace(requested, query=replace(requested.query, grain=grain, calendar=calendar))


def breakdown(params: Params, site: Site, today: date) -> RequestedQuery:
    """Read a question for a breakdown by `property`, with `limit` and `page`.

    Raises:
        QueryError: says which parameter is wrong, and what it should be.
    """
    requested = aggregate(params, site, today)
    name = params.get("property", "")
    if not name:
        raise QueryError("The parameter property is missing, such as property=event:page.")
    limit, page = _number(params, "limit", DEFAULT_LIMIT), _number(params, "page", 1)
    query, prefix = by_property(requested.query, name, limit, page)
    return replace(requested, query=query, key=name.rpartition(":")[2], prefix=prefix)


def by_property(query: Query, name: str, limit: int, page: int) -> tuple[Query, str]:
    """Group a question by a property.

    Returns:
        The question, and what each of its values begins with.

    Raises:
        QueryError: if there is no such property.
    """
    dimension, prefix = dimension_of(name)
    own = (Filter(dimension, (prefix,), "starts"),) if prefix else ()
    filters = (*query.filters, *own)
    return replace(query, dimension=dimension, filters=filters, limit=limit, page=page), prefix


def values(
    requested: RequestedQuery, metrics: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Return the values of a row, rounded, under the names they were requested by."""
    return {
        name: rounded(metric, metrics[metric])
        for name, metric in zip(requested.names, requested.query.metrics, strict=True)
    }


def plausible_time(label: str) -> str:
    """Write a bucket's start as Plausible does: a date, or a local time without its offset."""
    return label if "T" not in label else f"{label[:10]} {label[11:16]}:00"


def filter_of(name: str, operator: Operator, values: Sequence[str]) -> Filter:
    """Make a filter on a property.

    Raises:
        QueryError: if there is no such property, or there are too many or too long values.
    """
    dimension, prefix = dimension_of(name)
    if len(values) > MOST_VALUES or any(len(one) > LONGEST_VALUE for one in values):
        raise QueryError(
            f"A filter has at most {MOST_VALUES} values of {LONGEST_VALUE} characters each."
        )
    if prefix and operator == "contains":
        raise QueryError(f"{PROPS}NAME can be filtered by whole values only.")
    return Filter(dimension, tuple(prefix + one for one in values), operator)


def dimension_of(name: str) -> tuple[str, str]:
    """Find our dimension of a property, and what its values begin with.

    Raises:
        QueryError: if there is no such property.
    """
    if name.startswith(PROPS) and len(name) > len(PROPS):
        return "property", f"{name.removeprefix(PROPS)}="
    if name not in PROPERTIES:
        known = ", ".join(PROPERTIES)
        raise QueryError(f"{name[:LONGEST_VALUE]} is no property; there are {known}, {PROPS}NAME.")
    return PROPERTIES[name], ""


def period_from(params: Params, today: date) -> Period:
    """Read the days that `period` and `date` name; `30d` and today if they are not there.

    Raises:
        QueryError: if they name none.
    """
    name = params.get("period", "30d")
    if name == "custom":
        return _custom(params.get("date", ""))
    last = _date(params["date"]) if "date" in params else today
    if name in _DAYS:
        return Period(last - timedelta(days=_DAYS[name] - 1), last)
    if name in _MONTHS:
        return Period(months_before(last, _MONTHS[name] - 1), _end_of_month(last))
    if name == "year":
        return Period(date(last.year, 1, 1), date(last.year, 12, 31))
    known = ", ".join((*_DAYS, *_MONTHS, "year", "custom"))
    raise QueryError(f"The period is one of {known}.")


def filters_from(params: Params) -> tuple[Filter, ...]:
    r"""Read filters such as `event:page==/a|/b;visit:source!=Google`.

    `|` between values means any of them, `~` instead of `==` that the value is
    contained, a `*` or `**` at the end that it is the beginning. A backslash
    takes its meaning from the character after it.

    Raises:
        QueryError: if one cannot be read.
    """
    text = params.get("filters", "")
    pieces = [piece for piece in re.split(r"(?<!\\);", text) if piece.strip()]
    if len(pieces) > MOST_FILTERS:
        raise QueryError(f"There are at most {MOST_FILTERS} filters.")
    return tuple(_filter(piece.strip()) for piece in pieces)


def _filter(text: str) -> Filter:
    found = _FILTER.fullmatch(text)
    if not found:
        raise QueryError("A filter is like visit:source==Google, with ==, != or ~.")
    values = [re.sub(r"\\(.)", r"\1", one) for one in re.split(r"(?<!\\)\|", found["values"])]
    return filter_of(found["name"], *_wildcards(_PLAIN[found["operator"]], values))


def _wildcards(operator: Operator, values: list[str]) -> tuple[Operator, list[str]]:
    starred = [one for one in values if "*" in one]
    if not starred or operator == "contains":
        return operator, values
    beginnings = [one.rstrip("*") for one in values]
    if operator == "is" and len(starred) == len(values) and not any("*" in b for b in beginnings):
        return "starts", beginnings
    raise QueryError("A wildcard stands at the end of every value of an == filter; ~ is contains.")


def _custom(text: str) -> Period:
    first, comma, last = text.partition(",")
    if not comma:
        raise QueryError("A custom period needs two dates, such as date=2026-11-01,2026-11-30.")
    return Period(_date(first), _date(last))


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= LATEST:
        raise QueryError("A date is written as 2026-11-20 and lies in this century.")
    return day


def _end_of_month(day: date) -> date:
    return months_before(day, -1) - timedelta(days=1)


def _number(params: Params, name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 10**6):
        raise QueryError(f"The parameter {name} is a whole number from 1.")
    return int(text)
