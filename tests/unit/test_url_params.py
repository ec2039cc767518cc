"""A page state survives its way into a URL and back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cells.views import Grain
from collector.stats.query import Filter, Period
from dashboards.url_params import (
    FILTERABLE,
    PANELS,
    PERIODS,
    TILES,
    PageState,
    bucket_of,
    comparable,
    fields_of,
    grain_of,
    parse_state,
    period_of,
    url_for,
)

TODAY = date(2026, 11, 23)

_days = st.dates(date(2000, 1, 1), date(2199, 12, 31))
_filters = st.builds(
    lambda dimension, value: Filter(dimension, (value,)),
    st.sampled_from(sorted(FILTERABLE)),
    st.text(min_size=1, max_size=60),
)


@st.composite
def _asked(draw: st.DrawFn) -> PageState:
    asked = PageState(
        period=draw(st.sampled_from(["", *PERIODS])),
        metric=draw(st.sampled_from(TILES)),
        filter=draw(st.none() | _filters),
        expanded=draw(st.sampled_from(["", *PANELS])),
    )
    if draw(st.booleans()):
        first, last = sorted((draw(_days), draw(_days)))
        asked = PageState("custom", first, last, asked.metric, asked.filter, {}, asked.expanded)
    for panel, dimensions in PANELS.items():
        asked = asked.with_tab(panel, draw(st.sampled_from(dimensions)))
    return asked


@given(_asked())
def test_what_is_asked_survives_its_link(asked: PageState) -> None:
    """Whatever can be asked is asked again by the link that says so."""
    link = url_for("/example.org", asked)

    again = parse_state(link.partition("?")[2])

    assert asked == again


@given(st.text(max_size=300))
def test_any_query_string_asks_something(query_string: str) -> None:
    """No query string, however mangled, is refused, and its link is stable."""
    asked = parse_state(query_string)

    assert asked == parse_state(url_for("/s", asked).partition("?")[2])


def test_nothing_asked_has_the_shortest_link() -> None:
    """Defaults are left out of links."""
    assert url_for("/example.org", PageState()) == "/example.org"


def test_a_link_is_good_to_read() -> None:
    """The form of a link is the documented one."""
    asked = PageState(period="30d").with_filter("country", "FR")

    assert url_for("/example.org", asked) == "/example.org?filter=country:FR&period=30d"


@pytest.mark.parametrize(
    "query_string",
    [
        "period=forever",
        "metric=password",
        "filter=country",
        "filter=country:",
        "filter=city:DE-Berlin",
        "filter=__class__:x",
        "filter=path:" + "a" * 2001,
        "pages=country",
        "open=everything",
        "from=2026-01-01",
        "from=2026-13-01&to=2026-01-02",
        "from=0001-01-01&to=9999-12-31",
        "&".join(f"a{n}=1" for n in range(60)),
    ],
)
def test_what_is_not_known_falls_back(query_string: str) -> None:
    """Unknown names and impossible values ask for the default."""
    assert parse_state(query_string) == PageState()


def test_custom_dates_may_come_in_any_order() -> None:
    """The earlier date begins the period, whichever field it was typed into."""
    asked = parse_state("from=2026-03-05&to=2026-03-01")

    assert (asked.period, asked.first, asked.last) == (
        "custom",
        date(2026, 3, 1),
        date(2026, 3, 5),
    )


def test_a_named_period_ends_custom_dates() -> None:
    """Choosing a named period leaves no dates behind in the link."""
    asked = parse_state("from=2026-03-01&to=2026-03-05").with_period("7d")

    assert url_for("/s", asked) == "/s?period=7d"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (PageState("today"), Period(TODAY, TODAY)),
        (PageState("yesterday"), Period(date(2026, 11, 22), date(2026, 11, 22))),
        (PageState("7d"), Period(date(2026, 11, 17), TODAY)),
        (PageState("30d"), Period(date(2026, 10, 25), TODAY)),
        (PageState(), Period(date(2026, 10, 25), TODAY)),
        (PageState("12mo"), Period(date(2025, 12, 1), TODAY)),
    ],
)
def test_named_periods_end_today(asked: PageState, expected: Period) -> None:
    """Every named period but yesterday includes the present day."""
    assert expected == period_of(asked, TODAY)


@given(_days, _days)
def test_no_period_reaches_into_the_future(one: date, other: date) -> None:
    """A custom period ends today at the latest, is in order, and is not too long to draw."""
    first, last = sorted((one, other))

    period = period_of(PageState("custom", first, last), TODAY)

    assert period.first <= period.last <= TODAY
    assert (period.last - period.first).days < 3 * 366


@given(_days, st.integers(0, 400))
def test_the_period_before_is_as_long_and_touches(first: date, length: int) -> None:
    """Numbers are compared with as many days, right before."""
    period = Period(first, first + timedelta(days=length))

    earlier = period.before()

    assert earlier.last + timedelta(days=1) == period.first
    assert earlier.last - earlier.first == period.last - period.first


def test_changes_compare_complete_days() -> None:
    """Today is left out, and so is the last day of the period before."""
    week = Period(date(2026, 11, 17), TODAY)

    assert (
        Period(date(2026, 11, 17), date(2026, 11, 22)),
        Period(date(2026, 11, 10), date(2026, 11, 15)),
    ) == comparable(week, TODAY)


@pytest.mark.parametrize(
    "period",
    [Period(TODAY, TODAY), Period(date(2026, 11, 1), date(2026, 11, 22))],
)
def test_what_has_no_other_day_or_is_over_is_compared_whole(period: Period) -> None:
    """A single day, and a period that is over, are compared whole."""
    assert (period, period.before()) == comparable(period, TODAY)


@pytest.mark.parametrize(
    ("days", "bucket", "grain"),
    [
        (1, "hour", Grain.HOUR),
        (2, "hour", Grain.HOUR),
        (3, "day", Grain.DAY),
        (92, "day", Grain.DAY),
        (93, "month", Grain.DAY),
    ],
)
def test_buckets_fit_the_period(days: int, bucket: str, grain: Grain) -> None:
    """Short periods are drawn by hour, long ones by month."""
    chosen = bucket_of(Period(TODAY - timedelta(days=days - 1), TODAY))

    assert (bucket, grain) == (chosen, grain_of(chosen))


def test_a_new_filter_takes_the_place_of_the_old() -> None:
    """There is one filter at a time, and a list shown in full closes with it."""
    asked = parse_state("filter=country:FR&open=pages").with_filter("path", "/a:b?c=d&e")

    assert Filter("path", ("/a:b?c=d&e",)) == asked.filter
    assert asked.expanded == ""


def test_a_filter_can_be_taken_off() -> None:
    """Without its filter, the rest of the question stays."""
    asked = parse_state("filter=country:FR&metric=visits").without_filter()

    assert PageState(metric="visits") == asked


def test_the_date_form_carries_all_but_the_period() -> None:
    """Choosing dates keeps filter, metric and tabs."""
    asked = parse_state("period=7d&filter=country:FR&metric=visits&pages=exit_path&open=sources")

    assert fields_of(asked) == {
        "metric": "visits",
        "filter": "country:FR",
        "pages": "exit_path",
        "open": "sources",
    }
