"""Open days are folded when they are asked for, as their sealing folds them."""

from __future__ import annotations

from datetime import date

import pytest

from collector.cells.client import Store
from collector.stats import caveats
from collector.stats.query import Filter
from tests.builders import a_site
from tests.integration.queries import (
    SATURDAY,
    SUNDAY,
    TODAY,
    ask,
    column,
    first_hits,
    reports,
    rows,
    seal,
    take_picture,
)
from tests.integration.seeding import hit, insert


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
    take_picture(store, strict)

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
    take_picture(store, site)

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
    assert caveats.SMALL_SUMS_LEFT_OUT in report.caveats


def test_sealing_tells_a_duration_of_nought_from_one_left_out(store: Store) -> None:
    """Nine visits that ended at once lasted no time; of two visits it is not said how long."""
    insert(
        store,
        first_hits(9, SATURDAY, source="a.example")
        + first_hits(12, SATURDAY, source="c.example", visit_seconds=30)
        + first_hits(3, SATURDAY, source="s.example", visit_seconds=7)
        + first_hits(3, SATURDAY, source="t.example", visit_seconds=7),
    )
    query = ask("visits visit_duration", dimension="source")
    before = reports(store).ask(query)

    seal(store, date(2026, 11, 21))

    after = reports(store).ask(query)
    durations = column(after, "visit_duration")
    assert {"a.example": 0.0, "c.example": 30.0} == {
        name: seconds for name, seconds in durations.items() if seconds is not None
    }
    assert {"s.example", "t.example"} == durations.keys() - {"a.example", "c.example"}
    assert before == after
