"""A site's own pages are never folded: exact paths, patterns, templates and sitemaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.cells.own_paths import declare_paths
from collector.registry.sites import Site
from tests.builders import a_site
from tests.integration.closing import closing, deliver, of_view, sealed
from tests.integration.queries import SUNDAY, TODAY, ask, column, first_hits, reports
from tests.integration.seeding import hit, insert

PATTERNED = a_site(own_paths=("/blog/*", "/a.b"), templates=("/users/:id",))
SEEN = ("/blog/first", "/blog/", "/a.b", "/users/:id", "/axb", "/blogs/first", "/other")
OWN = {"/blog/first", "/blog/", "/a.b", "/users/:id"}


def paths_sealed(store: Store, folder: Path, site: Site) -> set[str]:
    """Seal a day with one visitor per path, and one busy path; return the listed paths."""
    deliver(store, [hit(f"v{n}", "2026-11-20 10:00", path="/busy") for n in range(9)])
    deliver(store, [hit(path, "2026-11-20 11:00", path=path) for path in SEEN])
    with closing(store, folder, site) as days:
        days.sealer.run_once()
    return set(of_view(sealed(store), "path")) - {"(other)", "/busy"}


def paths_open(store: Store, site: Site) -> set[str]:
    """Query the paths of an open day with one visitor per path, and one busy path."""
    insert(store, first_hits(9, path="/busy"))
    insert(store, [hit(path, f"{SUNDAY} 11:00", path=path) for path in SEEN])
    answer = reports(store).ask(ask("visitors", TODAY, dimension="path", site=site))
    return set(column(answer)) - {"(other)", "/busy"}


def test_patterns_and_templates_keep_pages_when_a_day_is_sealed(
    store: Store, tmp_path: Path
) -> None:
    """Paths that match /blog/* are listed, similar ones are folded; a dot matches only a dot."""
    assert paths_sealed(store, tmp_path, PATTERNED) == OWN


def test_patterns_and_templates_keep_pages_of_an_open_day(store: Store) -> None:
    """While the day is open, the same pages are listed as after sealing."""
    assert paths_open(store, PATTERNED) == OWN


def test_without_patterns_such_pages_fold(store: Store, tmp_path: Path) -> None:
    """A site that declared no paths lists none of them."""
    assert paths_sealed(store, tmp_path, a_site()) == set()


def test_a_pattern_holds_for_its_own_site_only(store: Store, tmp_path: Path) -> None:
    """One site's declaration has no effect on another site."""
    deliver(store, [hit(f"v{n}", "2026-11-20 10:00", path="/busy", site=2) for n in range(9)])
    deliver(store, [hit(p, "2026-11-20 11:00", path=p, site=2) for p in SEEN])

    with closing(store, tmp_path, PATTERNED, a_site(id=2, domain="two.example")) as days:
        days.sealer.run_once()

    assert set(of_view(sealed(store), "path")) == {"/busy", "(other)"}


@pytest.mark.parametrize("asked", [paths_open, None], ids=["open", "sealed"])
def test_the_pages_of_a_sitemap_are_kept(store: Store, tmp_path: Path, asked: object) -> None:
    """Declared paths are known on the same day."""
    declare_paths(store, 1, ["/other", "/axb"])

    told = paths_open(store, a_site()) if asked else paths_sealed(store, tmp_path, a_site())

    assert told == {"/other", "/axb"}


def test_a_new_sitemap_replaces_the_last_one(store: Store) -> None:
    """Paths that it no longer lists are removed; learned paths and other sites' paths stay."""
    declare_paths(store, 1, [f"/{n}" for n in range(1_100)])
    declare_paths(store, 2, ["/theirs"])
    store.command("INSERT INTO own_paths VALUES (1, '/seen', '2026-11-20 00:00:00')")
    many = store.query("SELECT count() FROM own_paths WHERE site = 1")

    declare_paths(store, 1, ["/new"])

    left = store.query("SELECT site, path FROM own_paths ORDER BY site, path")
    assert many == [(1_101,)]
    assert left == [(1, "/new"), (1, "/seen"), (2, "/theirs")]


def test_no_sitemap_takes_all_back(store: Store) -> None:
    """An empty list removes all declared paths."""
    declare_paths(store, 1, ["/a"])

    declare_paths(store, 1, [])

    assert store.query("SELECT path FROM own_paths") == []
