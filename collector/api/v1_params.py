"""Read a question from the parameters of Plausible's version 1 reading API.

Pure. Says in a sentence what is wrong; knows names, periods and filters as
Plausible's public documentation gives them, and nothing of HTTP or SQL.
Called by `api`.
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
from collector.stats.query import Filter, Operator, Period, Query

LONGEST_VALUE = 2000
MOST_VALUES = 100
MOST_FILTERS = 10
DEFAULT_LIMIT = 100
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)

PROPS = "event:props:"
"""Begins the name of a custom property: `event:props:plan` is the property `plan`."""

METRIC_NAMES = {"time_on_page": "engaged_time"}
"""Plausible's names of metrics, where ours differ."""

_DAYS = {"day": 1, "7d": 7, "28d": 28, "30d": 30, "91d": 91}
_MONTHS = {"month": 1, "6mo": 6, "12mo": 12}
_FILTER = re.compile(
    r"(?P<name>[a-z_]+:[^=!~]+?)\s*(?P<operator>==|!=|~)\s*(?P<values>.+)", re.DOTALL
)
_PLAIN: dict[str, Operator] = {"==": "is", "!=": "is_not", "~": "contains"}


@dataclass(frozen=True, slots=True)
class RequestedQuery:
    """A question, and the names under which its answer is given.

    Attributes:
        query: the question.
        names: of the metrics as they were asked, in the order of `query.metrics`.
        key: of a breakdown's value in its rows; empty if none.
        prefix: what each value of a breakdown begins with and is shown without.
    """

    query: Query
    names: tuple[str, ...]
    key: str = ""
    prefix: str = ""


def aggregate(given: Mapping[str, str], site: Site, today: date) -> RequestedQuery:
    """Read a question for totals.

    Args:
        given: the parameters `period`, `date`, `metrics` and `filters`.
        today: the site's local date.

    Raises:
        QueryError: says which parameter is wrong, and what it should be.
    """
    names = tuple(name.strip() for name in given.get("metrics", "visitors").split(",") if name)
    metrics = tuple(METRIC_NAMES.get(name, name) for name in names)
    query = Query(site, metrics, period_from(given, today), filters=filters_from(given))
    return RequestedQuery(query, names)


def timeseries(given: Mapping[str, str], site: Site, today: date) -> RequestedQuery:
    """Read a question for a time series; `interval` is `hour`, `date`, `week` or `month`.

    Raises:
        QueryError: says which parameter is wrong, and what it should be.
    """
    asked = aggregate(given, site, today)
    usual = "month" if given.get("period") in ("6mo", "12mo", "year") else "date"
    interval = given.get("interval", "hour" if given.get("period") == "day" else usual)
    if interval == "hour":
        return replace(asked, query=replace(asked.query, grain=Grain.HOUR))
    if interval in ("date", "day"):
        return replace(asked, query=replace(asked.query, grain=Grain.DAY))
    if interval == "month":
        return replace(asked, query=replace(asked.query, grain=Grain.DAY, calendar="month"))
    if interval == "week":
        return replace(asked, query=replace(asked.query, grain=Grain.DAY, calendar="week"))
    raise QueryError("The interval is hour, date, week or month.")


def breakdown(given: Mapping[str, str], site: Site, today: date) -> RequestedQuery:
    """Read a question for a breakdown by `property`, with `limit` and `page`.

    Raises:
        QueryError: says which parameter is wrong, and what it should be.
    """
    asked = aggregate(given, site, today)
    name = given.get("property", "")
    if not name:
        raise QueryError("The parameter property is missing, such as property=event:page.")
    dimension, prefix = dimension_of(name)
    own = (Filter(dimension, (prefix,), "starts"),) if prefix else ()
    query = replace(
        asked.query,
        dimension=dimension,
        filters=(*asked.query.filters, *own),
        limit=_number(given, "limit", DEFAULT_LIMIT),
        page=_number(given, "page", 1),
    )
    return replace(asked, query=query, key=name.rpartition(":")[2], prefix=prefix)


def values(asked: RequestedQuery, metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    """Give the values of a row, rounded, under the names they were asked by."""
    return {
        name: rounded(metric, metrics[metric])
        for name, metric in zip(asked.names, asked.query.metrics, strict=True)
    }


def moment(label: str) -> str:
    """Write a bucket's start as Plausible does: a date, or a local time without its offset."""
    return label if "T" not in label else f"{label[:10]} {label[11:16]}:00"


def filter_of(name: str, operator: Operator, wanted: Sequence[str]) -> Filter:
    """Make a filter on a property.

    Raises:
        QueryError: if there is no such property, or there are too many or too long values.
    """
    dimension, prefix = dimension_of(name)
    if len(wanted) > MOST_VALUES or any(len(one) > LONGEST_VALUE for one in wanted):
        raise QueryError(
            f"A filter has at most {MOST_VALUES} values of {LONGEST_VALUE} characters each."
        )
    if prefix and operator == "contains":
        raise QueryError(f"{PROPS}NAME can be filtered by whole values only.")
    return Filter(dimension, tuple(prefix + one for one in wanted), operator)


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


def period_from(given: Mapping[str, str], today: date) -> Period:
    """Read the days that `period` and `date` name; `30d` and today if they are not there.

    Raises:
        QueryError: if they name none.
    """
    name = given.get("period", "30d")
    if name == "custom":
        return _custom(given.get("date", ""))
    last = _date(given["date"]) if "date" in given else today
    if name in _DAYS:
        return Period(last - timedelta(days=_DAYS[name] - 1), last)
    if name in _MONTHS:
        return Period(months_before(last, _MONTHS[name] - 1), _end_of_month(last))
    if name == "year":
        return Period(date(last.year, 1, 1), date(last.year, 12, 31))
    known = ", ".join((*_DAYS, *_MONTHS, "year", "custom"))
    raise QueryError(f"The period is one of {known}.")


def filters_from(given: Mapping[str, str]) -> tuple[Filter, ...]:
    r"""Read filters such as `event:page==/a|/b;visit:source!=Google`.

    `|` between values means any of them, `~` instead of `==` that the value is
    contained, a `*` or `**` at the end that it is the beginning. A backslash
    takes its meaning from the character after it.

    Raises:
        QueryError: if one cannot be read.
    """
    text = given.get("filters", "")
    pieces = [piece for piece in re.split(r"(?<!\\);", text) if piece.strip()]
    if len(pieces) > MOST_FILTERS:
        raise QueryError(f"There are at most {MOST_FILTERS} filters.")
    return tuple(_filter(piece.strip()) for piece in pieces)


def _filter(text: str) -> Filter:
    found = _FILTER.fullmatch(text)
    if not found:
        raise QueryError("A filter is like visit:source==Google, with ==, != or ~.")
    wanted = [re.sub(r"\\(.)", r"\1", one) for one in re.split(r"(?<!\\)\|", found["values"])]
    return filter_of(found["name"], *_wildcards(_PLAIN[found["operator"]], wanted))


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


def _number(given: Mapping[str, str], name: str, usual: int) -> int:
    text = given.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 10**6):
        raise QueryError(f"The parameter {name} is a whole number from 1.")
    return int(text)
