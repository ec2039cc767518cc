"""What sealing folds, suppresses, averages and keeps."""

from __future__ import annotations

from pathlib import Path

from collector.cells.client import Store
from collector.cells.views import VIEW_BY_DIMENSIONS, Grain
from collector.hit import NONE, OTHER
from tests.builders import a_site
from tests.integration.closing import (
    CLOSES_AT,
    closing,
    deliver,
    of_pair,
    of_view,
    sealed,
    visits_of,
)
from tests.integration.seeding import hit


def test_small_values_fold_into_other_and_counts_still_add_up(store: Store, tmp_path: Path) -> None:
    """Campaigns with one or two visitors are counted but not listed."""
    crowd = visits_of(9, utm_campaign="spring")
    few = visits_of(2, utm_campaign="to-bob") + visits_of(1, utm_campaign="to-eve")
    deliver(store, crowd + few)

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    campaigns = of_view(sealed(store), "utm_campaign")
    assert {"spring", OTHER} == campaigns.keys()
    assert (3, 3, 2) == (
        campaigns[OTHER].sum("visits"),
        campaigns[OTHER].visitors,
        campaigns[OTHER].folded,
    )


def test_no_value_is_folded_alone(store: Store, tmp_path: Path) -> None:
    """One small value is folded with the next smallest, or it could be computed by subtraction."""
    crowds = visits_of(9, utm_campaign="spring") + visits_of(6, utm_campaign="summer")
    deliver(store, crowds + visits_of(1, utm_campaign="to-eve"))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    campaigns = of_view(sealed(store), "utm_campaign")
    assert {"spring", OTHER} == campaigns.keys()
    assert (7, 2) == (campaigns[OTHER].sum("visits"), campaigns[OTHER].folded)


def test_closed_vocabularies_known_sources_and_own_paths_are_kept_for_one_visitor(
    store: Store, tmp_path: Path
) -> None:
    """A small site stays useful: these values identify no visitor."""
    deliver(
        store,
        visits_of(3)
        + visits_of(1, country="IS", source="Mastodon", path="/about", entry_path="/about")
        + visits_of(1, country="NO", source=NONE),
    )

    site = a_site(own_paths=("/", "/about"))
    with closing(store, tmp_path, site, known={"source": ["Mastodon", "Google"]}) as days:
        days.sealer.run_once()

    cells = sealed(store)
    assert {"FR", "IS", "NO"} == of_view(cells, "country").keys()
    assert {"Google", "Mastodon", NONE} == of_view(cells, "source").keys()
    assert {"/", "/about"} == of_view(cells, "path").keys()


def test_a_path_seen_by_three_visitors_is_the_owners_from_the_next_day_on(
    store: Store, tmp_path: Path
) -> None:
    """A page that three visitors saw yesterday is listed today for a single visitor."""
    deliver(store, visits_of(3, path="/news"))
    deliver(
        store,
        [
            hit("a", "2026-11-21 09:00", path="/news"),
            *(hit(f"{one}", "2026-11-21 09:00", path="/") for one in range(5)),
            *(hit(f"{one}", "2026-11-21 09:00", path=f"/secret{one}") for one in range(2)),
        ],
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()
        days.clock.pass_by(86_400)
        days.sealer.run_once()

    paths = of_view(sealed(store, CLOSES_AT + 86_400), "path")
    assert {"/", "/news", OTHER} == paths.keys()
    assert 1 == paths["/news"].visitors


def test_regions_fold_within_their_country(store: Store, tmp_path: Path) -> None:
    """A child is folded into its parent's "(other)", and never alone."""
    deliver(
        store,
        visits_of(9, country="DE", region="DE-BE")
        + visits_of(5, country="DE", region="DE-BY")
        + visits_of(1, country="DE", region="DE-HH")
        + visits_of(4, country="FR", region="FR-IDF"),
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    regions = of_view(sealed(store), "region")
    assert {"DE-BE", f"DE-{OTHER}", "FR-IDF"} == regions.keys()
    assert 6 == regions[f"DE-{OTHER}"].sum("visits")


def test_an_events_properties_fold_within_the_property(store: Store, tmp_path: Path) -> None:
    """`plan=…` with one visitor becomes `plan=(other)`; if its event is folded, "(other)"."""
    deliver(
        store,
        [
            hit(f"{plan} {one}", "2026-11-20 10:00", event=event, properties=(f"plan={plan}",))
            for event, plan, count in (
                ("buy", "pro", 5),
                ("buy", "a", 1),
                ("buy", "b", 1),
                ("rare", "c", 1),
                ("rarer", "d", 1),
            )
            for one in range(count)
        ],
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    cells = sealed(store)
    properties = of_pair(cells, "event", "property")
    assert {"buy", OTHER} == of_view(cells, "event").keys()
    assert {("buy", "plan=pro"), ("buy", f"plan={OTHER}"), (OTHER, OTHER)} == properties.keys()


def test_what_belongs_to_a_value_that_was_folded_along_goes_with_it(
    store: Store, tmp_path: Path
) -> None:
    """An event folded to hide another takes its properties along, or they would reveal both."""
    deliver(
        store,
        [
            hit(f"{event} {one}", "2026-11-20 10:00", event=event, properties=properties)
            for event, properties, count in (
                ("buy", (), 9),
                ("try", ("plan=pro",), 4),
                ("rare", (), 1),
            )
            for one in range(count)
        ],
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    cells = sealed(store)
    assert {"buy", OTHER} == of_view(cells, "event").keys()
    assert {(OTHER, OTHER)} == of_pair(cells, "event", "property").keys()


def test_an_exit_page_is_named_only_if_its_page_is(store: Store, tmp_path: Path) -> None:
    """Exit pages have no visitor counts, so their visits are compared with the threshold."""
    deliver(
        store,
        visits_of(9, exit_path="/")
        + [hit("eve", f"2026-11-20 1{n}:00", path="/eve", exit_path="/eve") for n in range(4)]
        + [hit("bob", "2026-11-20 10:00", path="/bob", exit_path="/bob")],
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    exits = of_view(sealed(store), "exit_path")
    assert {"/", OTHER} == exits.keys()
    assert 5 == exits[OTHER].sum("visits")


def test_each_row_and_column_of_a_pair_hides_none_or_two(store: Store, tmp_path: Path) -> None:
    """One small cell of a pair is folded with three more that form a rectangle; the rest stays."""
    plan = {("A", "DE"): 1, ("A", "FR"): 5, ("B", "DE"): 6, ("B", "FR"): 7, ("C", "DE"): 8}
    plan |= {("C", "FR"): 9, ("A", "IS"): 20, ("B", "IS"): 20, ("C", "IS"): 20}
    deliver(
        store,
        [
            one
            for (source, country), count in plan.items()
            for one in visits_of(count, source=source, country=country)
        ],
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    listed = of_pair(sealed(store), "source", "country")
    hidden = {("A", "DE"), ("A", "FR"), ("B", "DE"), ("B", "FR")}
    assert (plan.keys() - hidden) | {(OTHER, OTHER)} == listed.keys()
    assert 4 == listed[OTHER, OTHER].folded


def test_a_value_folded_in_its_list_is_in_no_pair_and_no_hour(store: Store, tmp_path: Path) -> None:
    """The sum over its row would reveal what the list hides."""
    crowds = visits_of(30, source="big") + visits_of(6, source="middle")
    deliver(store, crowds + visits_of(1, source="tiny"))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    cells = sealed(store)
    assert {"big", OTHER} == of_view(cells, "source").keys()
    assert {"big", OTHER} == {value for value, _ in of_pair(cells, "source", "country")}
    assert {"big"} == of_view(cells, "source", grain=Grain.HOUR).keys()


def test_a_thin_day_keeps_totals_paths_and_sources_only(store: Store, tmp_path: Path) -> None:
    """A day with two visitors keeps totals, sources and pages only."""
    deliver(store, visits_of(2))

    with closing(store, tmp_path, a_site(own_paths=("/",)), known={"source": ["Google"]}) as days:
        days.sealer.run_once()

    cells = [cell for cell in sealed(store) if cell.grain == Grain.DAY]
    named = {cell.view for cell in cells if cell.value != OTHER}
    views = (VIEW_BY_DIMENSIONS[frozenset(names)].id for names in ((), ("path",), ("source",)))
    assert set(views) == named
    assert {2} == {cell.sum("visits") for cell in of_view(cells, "country").values()}


def test_a_thin_hour_keeps_totals_only(store: Store, tmp_path: Path) -> None:
    """An hour with four visitors keeps its total only."""
    deliver(store, visits_of(4, "2026-11-20 09:30") + visits_of(9, "2026-11-20 10:30"))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    hours = [cell for cell in sealed(store) if cell.grain == Grain.HOUR]
    nine = CLOSES_AT - 15 * 3600
    assert [1] == [cell.view for cell in hours if cell.at == nine]


def test_small_cells_keep_counts_but_no_fine_sums(store: Store, tmp_path: Path) -> None:
    """Equal milliseconds in two cells would link them; the totals keep all of them."""
    deliver(
        store,
        visits_of(9, engaged_ms=1_000)
        + visits_of(4, country="IS", engaged_ms=7_777)
        + visits_of(6, country="NO", engaged_ms=1_000),
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    cells = sealed(store)
    countries = of_view(cells, "country")
    assert (0, 4) == (countries["IS"].sum("engaged_ms"), countries["IS"].sum("pageviews"))
    assert 0 == countries["NO"].sum("engaged_ms")
    assert 9_000 == countries["FR"].sum("engaged_ms")
    (total,) = [cell for cell in cells if cell.view == 1 and cell.grain == Grain.DAY]
    assert 9_000 + 4 * 7_777 + 6_000 == total.sum("engaged_ms")


def test_counts_of_one_or_two_visitors_are_averages_that_sum_as_before(
    store: Store, tmp_path: Path
) -> None:
    """Thirty pageviews would link one visitor's cells in all lists; visitors and sums are kept."""
    deliver(
        store,
        visits_of(9)
        + visits_of(1, country="IS", pageviews=30)
        + visits_of(2, country="NO", pageviews=1)
        + visits_of(1, country="SE", pageviews=4),
    )

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    countries = of_view(sealed(store), "country")
    told = {name: cell.sum("pageviews") for name, cell in countries.items()}
    assert {"FR": 9, "IS": 1, "NO": 2, "SE": 1} == {
        name: cell.visitors for name, cell in countries.items()
    }
    assert 9 == told["FR"]
    assert 36 == told["IS"] + told["NO"] + told["SE"]
    assert {9} == {told["IS"], told["NO"] // 2, told["SE"]}
    assert 13 == sum(cell.sum("visits") for cell in countries.values())


def test_the_strict_profile_folds_below_ten_and_keeps_no_city(store: Store, tmp_path: Path) -> None:
    """Two sites with the same closing instant are folded each by its own profile."""
    for site in (1, 2):
        deliver(
            store,
            visits_of(9, site=site, utm_source="a", city="FR-Paris")
            + visits_of(8, site=site, utm_source="b", city="FR-Lyon")
            + visits_of(12, site=site, utm_source="c", city="FR-Lille"),
        )

    with closing(store, tmp_path, a_site(), a_site(id=2, domain="b.c", profile="strict")) as days:
        days.sealer.run_once()

    standard, strict = ([cell for cell in sealed(store) if cell.site == n] for n in (1, 2))
    assert {"a", "b", "c"} == of_view(standard, "utm_source").keys()
    assert {"c", OTHER} == of_view(strict, "utm_source").keys()
    assert {"FR-Paris", "FR-Lyon", "FR-Lille"} == of_view(standard, "city").keys()
    assert {f"FR-{OTHER}"} == of_view(strict, "city").keys()


def test_a_removed_sites_cells_are_folded_by_the_strict_profile(
    store: Store, tmp_path: Path
) -> None:
    """A site that is no longer registered is no error, and the strict profile applies."""
    deliver(store, visits_of(9, site=77, utm_source="a") + visits_of(8, site=77, utm_source="b"))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert {OTHER} == of_view(sealed(store), "utm_source").keys()
