"""Delete expired cells and removed sites from a real store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.cells.retention import Expired, Keep, Retention, erase_site
from collector.cells.views import VIEW_BY_DIMENSIONS
from collector.clock import SystemClock
from collector.registry.sites import HOUR_DAYS, MOST_DAYS
from tests.builders import FakeClock
from tests.integration.closing import deliver
from tests.integration.seeding import hit


class PatientClock(FakeClock):
    """A clock that shows a fixed instant, but waits for files in real time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
        SystemClock().sleep(seconds)


TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
PATH = VIEW_BY_DIMENSIONS[frozenset(("path",))].id
PAIR = VIEW_BY_DIMENSIONS[frozenset(("path", "source"))].id


def put(store: Store, days_ago: int, *, site: int = 1, view: int = PATH, grain: int = 0) -> None:
    """Write a sealed cell of some days ago."""
    store.command(
        "INSERT INTO sealed_cells (site, closes_at, day, grain, view, at, value, other, pageviews, "
        "visitors) VALUES ({site:UInt32}, 0, {day:Date}, {grain:UInt8}, {view:UInt16}, 0, "
        "{value:String}, '', 1, 1)",
        {"async_insert": 0},
        {
            "site": site,
            "day": TODAY - timedelta(days=days_ago),
            "grain": grain,
            "view": view,
            "value": f"/marked-{days_ago}",
        },
    )


def left(store: Store) -> list[int]:
    """Return the ages in days of the cells that are left."""
    rows = store.query("SELECT day FROM sealed_cells")
    return sorted((TODAY - row[0]).days for row in rows)


def retention(store: Store, **keeps: Keep) -> Retention:
    """Build the retention of sites named `site1`, `site2` and so on."""
    numbered = {int(name.removeprefix("site")): keep for name, keep in keeps.items()}
    return Retention(store, lambda: numbered, PatientClock(NOON))


def holds(folder: Path, mark: str) -> bool:
    """Return whether any file below a folder contains a text."""
    return any(mark.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_cells_older_than_25_months_go(store: Store) -> None:
    """By default nothing is kept longer than the French consent exemption allows."""
    put(store, MOST_DAYS)
    put(store, MOST_DAYS + 1)

    retention(store).run_once()

    assert [MOST_DAYS] == left(store)


def test_each_site_keeps_as_long_as_it_says(store: Store) -> None:
    """One site's short retention deletes nothing of another site."""
    for site in (1, 2):
        put(store, 10, site=site)
        put(store, 100, site=site)

    retention(store, site1=Keep(total_days=30)).run_once()

    rows = store.query("SELECT site, day FROM sealed_cells ORDER BY site, day")
    assert [(1, 10), (2, 100), (2, 10)] == [(site, (TODAY - day).days) for site, day in rows]


def test_hours_of_dimensions_go_after_35_days_and_those_of_totals_stay(store: Store) -> None:
    """Hours of a page are deleted early; hours of the whole site stay."""
    put(store, HOUR_DAYS, grain=1)
    put(store, HOUR_DAYS + 1, grain=1)
    put(store, HOUR_DAYS + 2, grain=1, view=1)
    put(store, HOUR_DAYS + 3)

    retention(store).run_once()

    assert [HOUR_DAYS, HOUR_DAYS + 2, HOUR_DAYS + 3] == left(store)


def test_pairs_can_be_kept_shorter_than_lists(store: Store) -> None:
    """A site can delete its pairs and keep the rest."""
    put(store, 100, view=PAIR)
    put(store, 101)

    retention(store, site1=Keep(pair_days=99)).run_once()

    assert [101] == left(store)


def test_a_partition_of_which_all_is_old_is_dropped_whole(store: Store) -> None:
    """Whole months are dropped without rewriting files."""
    put(store, 800)
    put(store, 801)
    put(store, 1)

    (went,) = retention(store).run_once()

    assert Expired("0-202409", 2, whole=True) == went


@pytest.mark.parametrize("fellow", [None, MOST_DAYS])
def test_the_files_of_old_cells_are_gone(store: Store, fellow: int | None) -> None:
    """No byte of a deleted value is left on disk, in dropped and rewritten partitions."""
    put(store, MOST_DAYS + 1)
    if fellow is not None:
        put(store, fellow)
    mark = f"/marked-{MOST_DAYS + 1}"
    there = holds(store.path, mark)

    retention(store).run_once()

    assert there
    assert not holds(store.path, mark)


def test_a_dry_run_tells_what_goes_and_deletes_nothing(store: Store) -> None:
    """The dry run returns what is then deleted."""
    put(store, 1)
    put(store, 900)
    rules = retention(store)

    foreseen = rules.dry_run()
    untouched = left(store)
    done = rules.run_once()

    assert [1, 900] == untouched
    assert foreseen == done


def test_a_second_run_finds_nothing(store: Store) -> None:
    """A second run deletes nothing."""
    put(store, 900)
    rules = retention(store)
    rules.run_once()

    assert [] == rules.run_once()


def test_a_removed_sites_rows_are_gone_from_every_file(store: Store) -> None:
    """A scan of all bytes finds no open or sealed cell, own path or count of drops."""
    marked = "/marked-for-removal"
    deliver(store, [hit("a", "2026-11-23 10:00", path=marked, site=7)])
    deliver(store, [hit("b", "2026-11-23 10:00", path="/stays", site=8)])
    put(store, 5, site=7)
    store.command(
        "INSERT INTO own_paths VALUES (7, {path:String}, 0)", {"async_insert": 0}, {"path": marked}
    )
    store.command(
        "INSERT INTO suppressed VALUES ('2026-11-23', 'bot', 7, 'c', 3)", {"async_insert": 0}
    )
    there = holds(store.path, marked)

    rows = erase_site(store, 7, PatientClock(NOON))

    assert there
    assert rows > 3
    assert not holds(store.path, marked)
    assert not holds(store.path, "/marked-5")
    assert holds(store.path, "/stays")
