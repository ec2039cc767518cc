"""Breakdowns list values, their pairs with a filter, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from collector.cells.client import Store
from collector.stats import caveats
from collector.stats.query import Filter
from tests.integration.queries import TODAY, ask, column, first_hits, reports, rows
from tests.integration.seeding import FIRST_HIT, hit, insert


def test_a_breakdown_lists_the_most_visited_first(store: Store) -> None:
    """Rows are ordered by the first metric, then by value."""
    insert(
        store,
        first_hits(3, source="Bing") + first_hits(5, source="Google") + first_hits(3, source="Ask"),
    )
    known = {"source": ("Ask", "Bing", "Google")}

    report = reports(store, known=known).ask(ask("visitors visits", TODAY, dimension="source"))

    assert list(column(report).items()) == [("Google", 5), ("Ask", 3), ("Bing", 3)]
    assert report.totals == {"visitors": 11, "visits": 11}


def test_pages_of_a_breakdown_do_not_overlap_and_the_last_one_ends_with_other(store: Store) -> None:
    """A page tells whether another follows; only the last shows what was folded."""
    insert(
        store,
        [
            *first_hits(5, source="a.example"),
            *first_hits(4, source="b.example"),
            *first_hits(3, source="c.example"),
            *first_hits(2, source="d.example"),
            *first_hits(1, source="e.example"),
        ],
    )
    pages = [
        reports(store).ask(ask("visitors", TODAY, dimension="source", limit=2, page=page))
        for page in (1, 2, 3)
    ]

    assert [list(column(page).items()) for page in pages] == [
        [("a.example", 5), ("b.example", 4)],
        [("c.example", 3), ("(other)", 3)],
        [("(other)", 3)],
    ]
    assert [page.more for page in pages] == [True, False, False]
    assert pages[1].folded_values == 2
    assert caveats.OTHER_IS_AN_UPPER_BOUND in pages[1].caveats


def test_parts_of_a_breakdown_add_up_to_the_total(store: Store) -> None:
    """Counts of all rows, "(other)" included, are the total's."""
    for n in range(12):
        insert(store, [hit(f"{n} {m}", "2026-11-22 08:00", path=f"/{n}") for m in range(n)])

    report = reports(store).ask(ask("pageviews visitors", dimension="path", limit=0))

    assert sum(value or 0 for value in column(report, "pageviews").values()) == 66
    assert report.totals == {"pageviews": 66, "visitors": 66}
    assert "(other)" in column(report)


def test_a_filter_with_a_breakdown_is_read_from_their_pair(store: Store) -> None:
    """What is left of the filter's own total is "(other)", in counts and without visitors."""
    insert(
        store,
        [
            *first_hits(4, source="Google", path="/a"),
            *[hit(f"Google {n}", "2026-11-22 11:00", path="/b") for n in range(3)],
            hit("Google 0", "2026-11-22 11:00", path="/c"),
            *first_hits(6, source="Bing", path="/a"),
        ],
    )

    report = reports(store).ask(
        ask("visitors pageviews", TODAY, dimension="path", filters=(Filter("source", ("Google",)),))
    )

    assert report.view == "path*source"
    assert rows(report) == {
        "/a": {"visitors": 4, "pageviews": 4},
        "/b": {"visitors": 3, "pageviews": 3},
        "(other)": {"visitors": None, "pageviews": 1},
    }
    assert report.totals == {"visitors": 4, "pageviews": 8}
    assert caveats.OTHER_IS_A_DIFFERENCE in report.caveats


def test_a_pair_can_be_asked_in_either_order(store: Store) -> None:
    """Sources of a path and paths of a source come from the same cells."""
    insert(store, first_hits(4, source="Google", path="/a"))
    only = (Filter("path", ("/a",)),)

    report = reports(store).ask(ask("visitors", TODAY, dimension="source", filters=only))

    assert column(report) == {"Google": 4}


def test_totals_of_two_filters_come_from_their_pair(store: Store) -> None:
    """Two filters without a breakdown are one cell of a pair."""
    insert(store, first_hits(4, source="Google", country="FR") + first_hits(5, source="Bing"))
    both = (Filter("source", ("Google",)), Filter("country", ("FR",)))

    report = reports(store).ask(ask("visitors visits", TODAY, filters=both))

    assert report.totals == {"visitors": 4, "visits": 4}
    assert report.view == "source*country"


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("contains", "LOG", {"/blog/a", "/blog/b", "/log"}),
        ("starts", "/blog", {"/blog/a", "/blog/b"}),
    ],
)
def test_a_filter_can_look_into_values(
    store: Store, operator: Any, value: str, found: set[str]
) -> None:
    """Values can be found by what they hold, without regard to case, and by how they begin."""
    for path in ("/blog/a", "/blog/b", "/log", "/other"):
        insert(store, [hit(f"{n}", "2026-11-22 10:00", path=path) for n in range(3)])
    inside = (Filter("path", (value,), operator),)

    report = reports(store).ask(ask("visitors", TODAY, dimension="path", filters=inside))

    assert set(column(report)) == found


def test_a_search_shows_matching_values_only(store: Store) -> None:
    """A search leaves "(other)" out, and its totals are those of what it shows."""
    insert(
        store,
        first_hits(4, path="/blog")
        + first_hits(5, path="/shop")
        + first_hits(1, path="/log")
        + first_hits(2, path="/blog/x"),
    )

    report = reports(store).ask(ask("pageviews", TODAY, dimension="path", search="blog"))

    assert column(report, "pageviews") == {"/blog": 4}
    assert report.totals == {"pageviews": 4}


def test_values_are_bound_and_never_read_as_sql(store: Store) -> None:
    """Quotes, backslashes, braces and semicolons in a value are just characters."""
    odd = "/it's \\ {site:UInt32}; DROP TABLE hits --"
    insert(store, first_hits(3, path=odd))

    report = reports(store).ask(
        ask("visitors", TODAY, dimension="path", filters=(Filter("path", (odd,)),), search="'s \\")
    )

    assert column(report) == {odd: 3}


def test_exit_pages_say_the_number_of_visits_that_ended_there(store: Store) -> None:
    """The last page of a visit moves with it: what was left counts no more."""
    visits = [
        (
            hit(f"{n}", "2026-11-22 10:00", exit_path="/a", **FIRST_HIT),
            hit(f"{n}", "2026-11-22 10:01", exit_path="/b", left_path="/a"),
        )
        for n in range(4)
    ]
    insert(store, [one for visit in visits for one in visit])

    report = reports(store).ask(ask("exits visits", TODAY, dimension="exit_path"))

    assert rows(report) == {"/b": {"exits": 4, "visits": 4}}


def test_events_are_counted_by_name_and_their_total_is_their_own(store: Store) -> None:
    """Pageviews have no event name, so the total of a breakdown by event leaves them out."""
    insert(
        store,
        first_hits(5)
        + [hit(f" {n}", "2026-11-22 11:00", pageviews=0, events=1, event="Buy") for n in range(4)],
    )

    report = reports(store).ask(ask("events visitors", TODAY, dimension="event"))

    assert rows(report) == {"Buy": {"events": 4, "visitors": 4}}
    assert report.totals == {"events": 4, "visitors": None}


def test_revenue_is_told_by_event_in_one_currency(store: Store) -> None:
    """Amounts of different currencies never meet."""
    sale: dict[str, Any] = {"pageviews": 0, "events": 1, "event": "Buy"}
    insert(
        store,
        [hit(f"{n}", "2026-11-22 11:00", currency="EUR", revenue=250, **sale) for n in range(6)]
        + [hit(f"{n}", "2026-11-22 11:00", currency="JPY", revenue=90, **sale) for n in range(6)],
    )
    euros = (Filter("currency", ("EUR",)),)

    report = reports(store).ask(ask("revenue", TODAY, dimension="event", filters=euros))

    assert column(report, "revenue") == {"Buy": 1500}


def test_a_breakdown_by_a_property_needs_its_event(store: Store) -> None:
    """Properties are kept with their event, and found by their name's beginning."""
    for plan in ("free", "pro"):
        insert(
            store,
            [
                hit(
                    plan + str(n),
                    "2026-11-22 11:00",
                    event="Buy",
                    properties=(f"plan={plan}", "x=1"),
                )
                for n in range(4)
            ],
        )
    of_the_event = (Filter("event", ("Buy",)), Filter("property", ("plan=",), "starts"))

    report = reports(store).ask(ask("visitors", TODAY, dimension="property", filters=of_the_event))

    assert column(report) == {"plan=free": 4, "plan=pro": 4}
