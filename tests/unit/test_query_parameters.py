"""Questions are read from the parameters of Plausible's reading API."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import v1_params
from collector.api.v1_params import filters_from, period_from
from collector.cells.views import Grain
from collector.errors import QueryError
from collector.stats.query import Calendar, Filter, Period
from tests.builders import a_site

TODAY = date(2026, 11, 22)
NAMES = ("period", "date", "metrics", "filters", "property", "interval", "limit", "page")


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, "2026-10-24", "2026-11-22"),
        ({"period": "day"}, "2026-11-22", "2026-11-22"),
        ({"period": "day", "date": "2026-02-28"}, "2026-02-28", "2026-02-28"),
        ({"period": "7d"}, "2026-11-16", "2026-11-22"),
        ({"period": "28d"}, "2026-10-26", "2026-11-22"),
        ({"period": "91d"}, "2026-08-24", "2026-11-22"),
        ({"period": "month"}, "2026-11-01", "2026-11-30"),
        ({"period": "month", "date": "2024-02-10"}, "2024-02-01", "2024-02-29"),
        ({"period": "6mo"}, "2026-06-01", "2026-11-30"),
        ({"period": "12mo"}, "2025-12-01", "2026-11-30"),
        ({"period": "year"}, "2026-01-01", "2026-12-31"),
        ({"period": "custom", "date": "2026-01-05,2026-01-09"}, "2026-01-05", "2026-01-09"),
    ],
)
def test_periods_are_whole_days_counted_back_from_a_date(
    given: dict[str, str], first: str, last: str
) -> None:
    """A period ends with its date, which is today unless told otherwise."""
    expected = Period(date.fromisoformat(first), date.fromisoformat(last))

    assert period_from(given, TODAY) == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"period": "3d"}, "The period is one of day, 7d"),
        ({"period": "custom"}, "two dates"),
        ({"period": "custom", "date": "2026-01-05"}, "two dates"),
        ({"period": "day", "date": "tomorrow"}, "written as 2026-11-20"),
        ({"period": "day", "date": "0001-01-01"}, "this century"),
        ({"period": "custom", "date": "2026-01-05,9999-12-31"}, "this century"),
    ],
)
def test_a_period_that_cannot_be_read_is_refused(given: dict[str, str], sentence: str) -> None:
    """The sentence says what a period looks like."""
    with pytest.raises(QueryError, match=sentence):
        period_from(given, TODAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("event:page==/a", (Filter("path", ("/a",)),)),
        ("visit:source!=Google", (Filter("source", ("Google",), "is_not"),)),
        ("visit:country==FR|DE", (Filter("country", ("FR", "DE")),)),
        ("event:page~blog", (Filter("path", ("blog",), "contains"),)),
        ("event:page==/blog**", (Filter("path", ("/blog",), "starts"),)),
        ("event:page==/a*|/b*", (Filter("path", ("/a", "/b"), "starts"),)),
        ("event:page~*", (Filter("path", ("*",), "contains"),)),
        (r"event:page==/a\|b\;c", (Filter("path", ("/a|b;c",)),)),
        ("event:page==/?a=b!=c", (Filter("path", ("/?a=b!=c",)),)),
        (
            "event:page==/a; visit:source == Google ",
            (Filter("path", ("/a",)), Filter("source", ("Google",))),
        ),
        ("event:props:plan==pro|free", (Filter("property", ("plan=pro", "plan=free")),)),
        ("event:goal==Signup", (Filter("goal", ("Signup",)),)),
    ],
)
def test_filters_are_read_as_plausible_writes_them(text: str, expected: tuple[Filter, ...]) -> None:
    """Equal, not equal, alternatives, contained, wildcards and escapes."""
    assert filters_from({"filters": text}) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path", "A filter is like"),
        ("event:page", "A filter is like"),
        ("event:page==", "A filter is like"),
        ("event:colour==red", "event:colour is no property; there are event:page"),
        ("event:props:==x", "is no property"),
        ("event:props:plan~pro", "whole values only"),
        ("event:page==/a*b", "A wildcard stands at the end"),
        ("event:page==/a*|/b", "A wildcard stands at the end"),
        ("event:page!=/a*", "A wildcard stands at the end"),
        ("event:page==" + "x" * 2001, "2000 characters"),
        ("event:page==" + "|".join("abc" for _ in range(101)), "100 values"),
        (";".join("event:page==a" for _ in range(11)), "at most 10 filters"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(text: str, sentence: str) -> None:
    """The sentence says what a filter looks like, or what it may hold."""
    with pytest.raises(QueryError, match=sentence):
        filters_from({"filters": text})


def test_metrics_keep_the_names_they_were_asked_by() -> None:
    """Plausible's name of engaged time is understood and answered."""
    asked = v1_params.aggregate({"metrics": "visitors, time_on_page"}, a_site(), TODAY)

    assert asked.query.metrics == ("visitors", "engaged_time")
    assert asked.names == ("visitors", "time_on_page")


@pytest.mark.parametrize(
    ("given", "grain", "calendar"),
    [
        ({}, Grain.DAY, "day"),
        ({"period": "day"}, Grain.HOUR, "day"),
        ({"period": "day", "interval": "date"}, Grain.DAY, "day"),
        ({"period": "7d", "interval": "hour"}, Grain.HOUR, "day"),
        ({"period": "12mo"}, Grain.DAY, "month"),
        ({"period": "year"}, Grain.DAY, "month"),
        ({"period": "12mo", "interval": "week"}, Grain.DAY, "week"),
        ({"period": "6mo", "interval": "date"}, Grain.DAY, "day"),
    ],
)
def test_the_interval_follows_the_period_unless_told(
    given: dict[str, str], grain: Grain, calendar: Calendar
) -> None:
    """A day is shown by hours, months by months, all else by days."""
    query = v1_params.timeseries(given, a_site(), TODAY).query

    assert (query.grain, query.calendar) == (grain, calendar)


def test_a_breakdown_names_its_dimension_key_and_page() -> None:
    """The property decides the dimension and the key of the rows."""
    given = {"property": "visit:entry_page", "limit": "7", "page": "3"}

    asked = v1_params.breakdown(given, a_site(), TODAY)

    assert asked.key == "entry_page"
    assert (asked.query.dimension, asked.query.limit, asked.query.page) == ("entry_path", 7, 3)


def test_a_breakdown_by_a_custom_property_looks_for_its_name() -> None:
    """Values are found by the property's name, and shown without it."""
    asked = v1_params.breakdown({"property": "event:props:plan"}, a_site(), TODAY)

    assert (asked.key, asked.prefix) == ("plan", "plan=")
    assert asked.query.filters == (Filter("property", ("plan=",), "starts"),)


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "ten", "", "1000001", "²"])
def test_a_page_is_a_whole_number(number: str) -> None:
    """Anything else is refused by the parameter's name."""
    with pytest.raises(QueryError, match="The parameter page is a whole number from 1"):
        v1_params.breakdown({"property": "event:page", "page": number}, a_site(), TODAY)


@given(given=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=60), max_size=6))
def test_whatever_is_given_is_a_question_or_a_sentence(given: dict[str, str]) -> None:
    """No parameter makes the reader fail in any other way."""
    for read in (v1_params.aggregate, v1_params.timeseries, v1_params.breakdown):
        try:
            told = str(read(given, a_site(), TODAY).query.period.before().first)
        except QueryError as refusal:
            told = str(refusal)

        assert told.endswith(".") or date.fromisoformat(told).year > 1970
