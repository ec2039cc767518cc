"""Questions are answered over sealed and open cells of a real store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from collector.cells.client import Store
from collector.cells.sealing import Sealer
from collector.cells.views import Grain
from collector.errors import QueryError, Unanswerable
from collector.hit import Hit
from collector.registry.sites import Site, Sites
from collector.stats import exactness
from collector.stats.query import Filter, Period, Query, Report
from collector.stats.report import Reports
from tests.builders import FakeClock, a_site
from tests.integration.seeding import FIRST_HIT, closes_at, hit, insert, seal_plainly

SITE = a_site()
DAYS = Period(date(2026, 11, 20), date(2026, 11, 22))
TODAY = Period(date(2026, 11, 22), date(2026, 11, 22))
FRIDAY, SATURDAY, SUNDAY = "2026-11-20", "2026-11-21", "2026-11-22"


def at(when: str) -> FakeClock:
    """Stop a clock at an instant in UTC."""
    return FakeClock(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp())


def reports(store: Store, when: str = "2026-11-22 12:30", **more: Any) -> Reports:
    """Ask a store on a Sunday at half past twelve, UTC."""
    return Reports(store, lambda: Sites([SITE]), at(when), lambda site: 7 * site, **more)


def ask(metrics: str, period: Period = DAYS, **more: Any) -> Query:
    """Word a question about the site."""
    return Query(more.pop("site", SITE), tuple(metrics.split()), period, **more)


def first_hits(count: int, day: str = SUNDAY, **columns: Any) -> list[Hit]:
    """Invent first hits of so many visitors; the same ones for the same source and day."""
    name = columns.get("source", "")
    return [hit(f"{name} {n}", f"{day} 10:30", **(FIRST_HIT | columns)) for n in range(count)]


def rows(report: Report) -> dict[str, dict[str, float | None]]:
    """Give a report's rows by value."""
    return {row.value: row.metrics for row in report.rows}


def column(report: Report, metric: str = "visitors") -> dict[str, float | None]:
    """Give one metric of a report's rows by value."""
    return {row.value: row.metrics[metric] for row in report.rows}


class Undisturbed:
    """A spool and day secrets that hold nothing, for sealing."""

    def holds(self, closes_at: int) -> bool:
        """Hold nothing."""
        return closes_at < 0

    def destroy_key(self, closes_at: int) -> None:
        """Have no key."""

    def destroy(self, now: float) -> None:
        """Have no secret."""


def seal(store: Store, day: date, sites: Iterable[Site] = (SITE,)) -> None:
    """Seal a day as the service does."""
    sealer = Sealer(
        store, Undisturbed(), Undisturbed(), lambda: Sites(sites), at("2026-11-23 00:10")
    )
    sealer.seal(closes_at(day))


def test_totals_of_an_empty_site_are_zero_counts_and_unknown_ratios(store: Store) -> None:
    """A site without a hit has zero visitors, and no bounce rate rather than a wrong one."""
    report = reports(store).ask(ask("visitors pageviews bounce_rate visit_duration"))

    assert report.totals == {
        "visitors": 0,
        "pageviews": 0,
        "bounce_rate": None,
        "visit_duration": None,
    }
    assert report.rows == ()


def test_totals_work_every_metric_out_from_its_sums(store: Store) -> None:
    """Each metric of the total follows its formula."""
    insert(
        store,
        [
            hit("a", "2026-11-22 10:00", **FIRST_HIT),
            hit("a", "2026-11-22 10:01", bounces=-1, visit_seconds=60),
            hit("b", "2026-11-22 10:02", **FIRST_HIT),
            hit("b", "2026-11-22 10:03", pageviews=0, events=1, event="Signup"),
            hit(
                "b",
                "2026-11-22 10:04",
                pageviews=0,
                counts_visitor=False,
                engaged_ms=9000,
                engaged_pageviews=1,
                scroll_percent=40,
            ),
        ],
    )
    everything = (
        "visitors visits pageviews events views_per_visit bounce_rate visit_duration "
        "engaged_time scroll_depth"
    )

    totals = reports(store).ask(ask(everything)).totals

    assert totals == {
        "visitors": 2,
        "visits": 2,
        "pageviews": 3,
        "events": 1,
        "views_per_visit": 1.5,
        "bounce_rate": 50.0,
        "visit_duration": 30.0,
        "engaged_time": 9.0,
        "scroll_depth": 40.0,
    }


def test_visitors_of_several_days_are_the_sum_of_daily_visitors_and_labelled(store: Store) -> None:
    """One person on two days counts as two visitors, and the answer says so."""
    insert(store, [hit("a", f"{day} 09:00", **FIRST_HIT) for day in (FRIDAY, SATURDAY)])

    report = reports(store).ask(ask("visitors"))

    assert report.totals == {"visitors": 2}
    assert report.exactness == (exactness.SEVERAL_DAYS,)


def test_one_day_needs_no_label(store: Store) -> None:
    """Visitors of one day are exact, and nothing qualifies them."""
    report = reports(store).ask(ask("visitors", TODAY))

    assert report.exactness == ()


def test_a_sealed_day_is_read_from_its_integers_only(store: Store) -> None:
    """While both forms of a day are there, its seal decides: nothing counts twice."""
    insert(store, first_hits(4, SATURDAY) + first_hits(3, SUNDAY))
    seal_plainly(store, closes_at(date(2026, 11, 21)))

    totals = reports(store).ask(ask("visitors pageviews")).totals

    assert totals == {"visitors": 7, "pageviews": 7}


def test_rows_of_an_uncommitted_sealing_are_not_read(store: Store) -> None:
    """Sealed rows without their seal are those of an unfinished try."""
    insert(store, first_hits(4, SATURDAY))
    seal_plainly(store, closes_at(date(2026, 11, 21)), commit=False)

    totals = reports(store).ask(ask("visitors")).totals

    assert totals == {"visitors": 4}


def test_sealing_changes_no_number_of_a_list(store: Store) -> None:
    """An open day folds at question time exactly what its sealing folds."""
    sizes = {"Google": 12, "t.example": 5, "u.example": 2, "v.example": 4, "(none)": 1}
    for source, size in sizes.items():
        paths = [f"/{source}/{n % 3}" for n in range(size)]
        for path, one in zip(
            paths, first_hits(size, SATURDAY, source=source, visit_seconds=9), strict=True
        ):
            insert(store, [hit(f"{source} {path}", f"{SATURDAY} 11:00", path=path), one])
    asked = [
        ask("visitors visits bounce_rate visit_duration", dimension="source"),
        ask("visitors pageviews engaged_time", dimension="path"),
        ask("visitors", filters=(Filter("source", ("u.example",)),)),
        ask("visitors", filters=(Filter("source", ("Google",)),)),
        ask("visitors", dimension="browser_version"),
    ]
    before = [reports(store).ask(query) for query in asked]

    seal(store, date(2026, 11, 21))

    assert [reports(store).ask(query) for query in asked] == before
    assert any(report.folded_values for report in before)


def test_a_time_series_by_day_fills_empty_days_with_zeros(store: Store) -> None:
    """Each day of the period has a bucket, up to today."""
    insert(store, first_hits(2, FRIDAY) + first_hits(3, SUNDAY))

    report = reports(store).ask(
        ask("visitors", Period(DAYS.first, date(2026, 11, 30)), grain=Grain.DAY)
    )

    assert column(report) == {FRIDAY: 2, SATURDAY: 0, SUNDAY: 3}
    assert report.totals == {"visitors": 5}


def test_a_time_series_puts_days_together_to_months(store: Store) -> None:
    """Monthly ratios are those of the month's sums, not a mean of daily ratios."""
    insert(
        store,
        [
            hit("a", "2026-10-30 10:00", **FIRST_HIT),
            hit("b", "2026-10-31 10:00", visits=1, bounces=0, pageviews=3),
            *first_hits(1, FRIDAY),
        ],
    )
    period = Period(date(2026, 10, 1), date(2026, 11, 30))

    report = reports(store).ask(
        ask("views_per_visit visitors", period, grain=Grain.DAY, calendar="month")
    )

    assert column(report) == {"2026-10-01": 2, "2026-11-01": 1}
    assert column(report, "views_per_visit") == {"2026-10-01": 2.0, "2026-11-01": 1.0}


def test_a_time_series_by_hour_is_in_local_time_and_ends_now(store: Store) -> None:
    """Hours begin at the site's midnight and none is told before it begins."""
    site = Site(id=1, domain="example.org", zone="Asia/Kathmandu")
    insert(
        store,
        [hit(f"{n}", "2026-11-22 01:15", zone="Asia/Kathmandu", **FIRST_HIT) for n in range(6)],
    )

    report = reports(store, "2026-11-21 20:30").ask(
        ask("visitors", TODAY, grain=Grain.HOUR, site=site)
    )

    assert column(report) == {
        "2026-11-22T00:00+05:45": 0,
        "2026-11-22T01:00+05:45": 6,
        "2026-11-22T02:00+05:45": 0,
    }
    assert report.totals == {"visitors": 6}


def test_visitors_of_a_day_are_not_the_sum_of_its_hours(store: Store) -> None:
    """Totals of an hourly series come from the day's own cells."""
    insert(
        store,
        [hit(f"{n}", f"2026-11-22 {hour}:00") for n in range(5) for hour in ("08", "09")],
    )

    report = reports(store).ask(ask("visitors", TODAY, grain=Grain.HOUR))

    assert sum(value or 0 for value in column(report).values()) == 10
    assert report.totals == {"visitors": 5}


def test_hours_of_a_day_with_a_change_of_clocks_are_all_there(store: Store) -> None:
    """The day on which clocks go back has 25 hours, each with its own label."""
    site = Site(id=1, domain="example.org", zone="Europe/Berlin")
    day = date(2026, 10, 25)

    report = reports(store, "2026-11-01 12:00").ask(
        ask("visitors", Period(day, day), grain=Grain.HOUR, site=site)
    )

    assert len(column(report)) == 25


def test_a_series_by_minute_shows_the_last_half_hour(store: Store) -> None:
    """Minutes end with the present one, and their visitors are not added up."""
    insert(store, [hit("a", "2026-11-22 12:10"), hit("a", "2026-11-22 11:10")])

    report = reports(store).ask(ask("visitors pageviews", TODAY, grain=Grain.MINUTE))

    assert len(report.rows) == 30
    assert report.rows[-1].value == "2026-11-22T12:30+00:00"
    assert rows(report)["2026-11-22T12:10+00:00"] == {"visitors": 1, "pageviews": 1}
    assert report.totals == {"visitors": None, "pageviews": 1}


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
    assert exactness.OTHER_IS_AN_UPPER_BOUND in pages[1].exactness


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
    assert exactness.OTHER_IS_A_DIFFERENCE in report.exactness


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


def test_several_values_of_a_filter_give_an_upper_bound_of_visitors(store: Store) -> None:
    """Cells of two values cannot be merged, so their visitors are added, and it is said."""
    insert(
        store,
        [hit(f"{n}", "2026-11-22 10:00", path=path) for n in range(3) for path in ("/a", "/b")],
    )
    either = (Filter("path", ("/a", "/b")),)

    report = reports(store).ask(ask("visitors pageviews", TODAY, filters=either))

    assert report.totals == {"visitors": 6, "pageviews": 6}
    assert exactness.SEVERAL_VALUES in report.exactness


def test_is_not_gives_counts_and_no_visitors(store: Store) -> None:
    """The counts of all others are told, "(other)" among them; their visitors are not."""
    insert(
        store,
        first_hits(4, source="Google")
        + first_hits(5, source="b.example")
        + first_hits(1, source="c.example")
        + first_hits(1, source="d.example"),
    )
    others = (Filter("source", ("Google",), "is_not"),)

    report = reports(store).ask(ask("visitors pageviews", TODAY, filters=others))

    assert report.totals == {"visitors": None, "pageviews": 7}
    assert exactness.NOT_OF_WHAT_IS_NOT in report.exactness


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


def test_only_this_sites_cells_are_read(store: Store) -> None:
    """Another site's hits of the same day change nothing."""
    insert(store, first_hits(3) + first_hits(4, site=2))

    assert reports(store).ask(ask("visitors")).totals == {"visitors": 3}


def test_small_values_of_an_open_day_are_folded_as_sealing_will(store: Store) -> None:
    """A path of fewer than three visitors is not told while the day is open, nor filtered by."""
    insert(store, first_hits(5, path="/a") + first_hits(2, path="/b") + first_hits(1, path="/c"))

    listed = reports(store).ask(ask("pageviews", TODAY, dimension="path"))
    filtered = reports(store).ask(ask("pageviews", TODAY, filters=(Filter("path", ("/b",)),)))

    assert column(listed, "pageviews") == {"/a": 5, "(other)": 3}
    assert filtered.totals == {"pageviews": 0}


def test_no_value_is_folded_alone(store: Store) -> None:
    """With one small value, the next smallest is folded too, or a subtraction would tell it."""
    insert(store, first_hits(5, path="/a") + first_hits(4, path="/b") + first_hits(1, path="/c"))

    report = reports(store).ask(ask("pageviews", TODAY, dimension="path"))

    assert column(report, "pageviews") == {"/a": 5, "(other)": 5}


def test_declared_and_known_values_do_not_fold(store: Store) -> None:
    """A site's own paths and the named sources are told however few visitors they have."""
    site = a_site(own_paths=("/rare",))
    insert(
        store,
        first_hits(5, path="/a", source="Google") + first_hits(1, path="/rare", source="Ecosia"),
    )
    asked = reports(store, known={"source": ("Ecosia",)})

    paths = asked.ask(ask("visitors", TODAY, dimension="path", site=site))
    sources = asked.ask(ask("visitors", TODAY, dimension="source", site=site))

    assert column(paths) == {"/a": 5, "/rare": 1}
    assert column(sources) == {"Google": 5, "Ecosia": 1}


def test_paths_that_a_sealed_day_made_the_sites_own_do_not_fold(store: Store) -> None:
    """A path that three visitors saw on an earlier day is told when one visits it today."""
    insert(store, first_hits(3, SATURDAY, path="/news") + first_hits(5, SATURDAY, path="/a"))
    seal(store, date(2026, 11, 21))
    insert(store, first_hits(4, SUNDAY, path="/a") + first_hits(1, SUNDAY, path="/news"))

    report = reports(store).ask(ask("visitors", TODAY, dimension="path"))

    assert column(report) == {"/a": 4, "/news": 1}


def test_a_first_visit_of_an_open_day_shows_its_country(store: Store) -> None:
    """Whether a day is thin is known when it is over: until then closed vocabularies show."""
    insert(store, first_hits(2, country="FR"))

    report = reports(store).ask(ask("visitors pageviews", TODAY, dimension="country"))

    assert rows(report) == {"FR": {"visitors": 2, "pageviews": 2}}


def test_a_thin_open_day_of_a_strict_site_keeps_totals_paths_and_sources_only(store: Store) -> None:
    """With nine visitors so far, countries are not told; the counts stay."""
    insert(store, first_hits(9, country="FR"))
    strict = a_site(profile="strict")

    report = reports(store).ask(ask("visitors pageviews", TODAY, dimension="country", site=strict))

    assert rows(report) == {"(other)": {"visitors": 9, "pageviews": 9}}


def test_a_sealed_thin_day_keeps_totals_paths_and_sources_only(store: Store) -> None:
    """Once it is over, a day of two visitors tells no country; the counts stay."""
    insert(store, first_hits(2, SATURDAY, country="FR"))
    seal(store, date(2026, 11, 21))

    report = reports(store).ask(ask("visitors pageviews", dimension="country"))

    assert rows(report) == {"(other)": {"visitors": 2, "pageviews": 2}}


def test_the_strict_profile_folds_more(store: Store) -> None:
    """A strict site's paths need ten visitors."""
    site = a_site(profile="strict")
    insert(store, first_hits(12, path="/a") + first_hits(5, path="/b") + first_hits(4, path="/c"))

    report = reports(store).ask(ask("visitors", TODAY, dimension="path", site=site))

    assert column(report) == {"/a": 12, "(other)": 9}


def test_regions_fold_within_their_country(store: Store) -> None:
    """Small regions become "(other)" of their own country."""
    insert(
        store,
        first_hits(4, country="DE", region="DE-BE", source="a")
        + first_hits(1, country="DE", region="DE-BY", source="b")
        + first_hits(2, country="DE", region="DE-HH", source="c")
        + first_hits(3, country="FR", region="FR-IDF", source="d"),
    )

    report = reports(store).ask(ask("visitors", TODAY, dimension="region"))

    assert column(report) == {"DE-BE": 4, "DE-(other)": 3, "FR-IDF": 3}
    assert report.folded_values == 2


def test_continuous_sums_of_small_cells_are_not_told(store: Store) -> None:
    """Two sources of four visitors have no duration; the total keeps its own."""
    insert(
        store,
        first_hits(4, source="a.example", visit_seconds=10)
        + first_hits(4, source="b.example", visit_seconds=20)
        + first_hits(9, source="c.example", visit_seconds=30),
    )

    report = reports(store).ask(ask("visits visit_duration", TODAY, dimension="source"))

    assert column(report, "visit_duration") == {
        "a.example": None,
        "b.example": None,
        "c.example": 30.0,
    }
    assert report.totals["visit_duration"] == pytest.approx(390 / 17)
    assert exactness.SMALL_SUMS_LEFT_OUT in report.exactness


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


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (ask("visits", dimension="path"), "The view path cannot say visits"),
        (ask("visitors", dimension="exit_path"), "The view exit_path cannot say visitors"),
        (
            ask("visitors", dimension="city", filters=(Filter("path", ("/",)),)),
            "No view keeps path and city together",
        ),
        (ask("visitors", grain=Grain.MINUTE, filters=(Filter("path", ("/",)),)), "by minute"),
        (
            ask("visitors", Period(date(2026, 1, 1), DAYS.last), grain=Grain.HOUR),
            "the last 35 days",
        ),
        (ask("visitors", filters=(Filter("path", ("(other)",)),)), "no more is kept of it"),
        (ask("revenue", dimension="event"), "one currency"),
    ],
)
def test_what_no_view_can_say_is_refused_in_a_sentence(
    store: Store, question: Query, sentence: str
) -> None:
    """A question without a view is refused before the store is asked."""
    with pytest.raises(Unanswerable, match=sentence.replace("(", r"\(")):
        reports(store).ask(question)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (ask(""), "at least one metric"),
        (ask("hits"), "hits is no metric"),
        (ask("visitors", dimension="colour"), "colour is no dimension"),
        (ask("visitors", dimension="path", grain=Grain.DAY), "not for both"),
        (ask("visitors", dimension="path", limit=1001), "1 to 1000 rows"),
        (ask("visitors", dimension="path", page=0), "first is page 1"),
        (ask("visitors", Period(DAYS.last, DAYS.first)), "first day first"),
        (ask("visitors", filters=(Filter("path", ()),)), "names no value"),
    ],
)
def test_malformed_questions_are_refused(store: Store, question: Query, sentence: str) -> None:
    """What makes no sense is told to its asker."""
    with pytest.raises(QueryError, match=sentence):
        reports(store).ask(question)


def test_visitors_now_are_the_visits_in_memory(store: Store) -> None:
    """The number of present visitors is counted by the write side, for the site's number."""
    assert reports(store).visitors_now(a_site(id=3)) == 21


def test_a_site_began_with_its_first_local_day(store: Store) -> None:
    """The first day is found in sealed and open cells, and is none without any."""
    insert(store, first_hits(3, FRIDAY) + first_hits(3, SUNDAY))
    seal(store, date(2026, 11, 20))

    assert reports(store).began(SITE) == date(2026, 11, 20)
    assert reports(store).began(a_site(id=2)) is None


def test_today_is_the_sites_own(store: Store) -> None:
    """At noon UTC it is tomorrow already on Kiritimati."""
    site = a_site(zone="Pacific/Kiritimati")

    assert reports(store).today(site) == date(2026, 11, 23)


def test_a_strict_sites_answers_stand_for_five_minutes(store: Store) -> None:
    """One visit more cannot be seen as the difference of two answers."""
    strict = a_site(profile="strict")
    clock = at("2026-11-22 12:31")
    counted = iter(range(11, 99))
    asked = Reports(store, lambda: Sites([strict]), clock, lambda _: next(counted))
    insert(store, first_hits(11))
    question = ask("visitors", TODAY, site=strict)
    told = [(asked.ask(question).totals["visitors"], asked.visitors_now(strict))]
    insert(store, first_hits(1, source="one more"))

    for seconds in (200, 100):
        clock.pass_by(seconds)
        told.append((asked.ask(question).totals["visitors"], asked.visitors_now(strict)))

    assert told == [(11, 11), (11, 11), (12, 12)]
