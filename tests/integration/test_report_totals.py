"""Totals are read from sealed and open cells of a real store."""

from __future__ import annotations

from datetime import date

from collector.cells.client import Store
from collector.stats import caveats
from collector.stats.query import Filter
from tests.builders import a_site
from tests.integration.queries import (
    FRIDAY,
    SATURDAY,
    SITE,
    SUNDAY,
    TODAY,
    ask,
    first_hits,
    reports,
    seal,
)
from tests.integration.seeding import FIRST_HIT, closes_at, hit, insert, seal_plainly


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
    assert report.caveats == (caveats.SEVERAL_DAYS,)


def test_one_day_needs_no_label(store: Store) -> None:
    """Visitors of one day are exact, and nothing qualifies them."""
    report = reports(store).ask(ask("visitors", TODAY))

    assert report.caveats == ()


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


def test_several_values_of_a_filter_give_an_upper_bound_of_visitors(store: Store) -> None:
    """Cells of two values cannot be merged, so their visitors are added, and it is said."""
    insert(
        store,
        [hit(f"{n}", "2026-11-22 10:00", path=path) for n in range(3) for path in ("/a", "/b")],
    )
    either = (Filter("path", ("/a", "/b")),)

    report = reports(store).ask(ask("visitors pageviews", TODAY, filters=either))

    assert report.totals == {"visitors": 6, "pageviews": 6}
    assert caveats.SEVERAL_VALUES in report.caveats


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
    assert caveats.NOT_FOR_IS_NOT in report.caveats


def test_only_this_sites_cells_are_read(store: Store) -> None:
    """Another site's hits of the same day change nothing."""
    insert(store, first_hits(3) + first_hits(4, site=2))

    assert reports(store).ask(ask("visitors")).totals == {"visitors": 3}


def test_visitors_now_are_the_visits_in_memory(store: Store) -> None:
    """The number of present visitors is counted by the write side, for the site's number."""
    assert reports(store).visitors_now(a_site(id=3)) == 21


def test_a_site_began_with_its_first_local_day(store: Store) -> None:
    """The first day is found in sealed and open cells, and is none without any."""
    insert(store, first_hits(3, FRIDAY) + first_hits(3, SUNDAY))
    seal(store, date(2026, 11, 20))

    assert reports(store).first_day(SITE) == date(2026, 11, 20)
    assert reports(store).first_day(a_site(id=2)) is None


def test_today_is_the_sites_own(store: Store) -> None:
    """At noon UTC it is tomorrow already on Kiritimati."""
    site = a_site(zone="Pacific/Kiritimati")

    assert reports(store).today(site) == date(2026, 11, 23)
