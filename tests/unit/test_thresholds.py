"""The thresholds of each profile."""

from __future__ import annotations

from dataclasses import fields

import pytest

from collector.cells.thresholds import (
    NEVER,
    PROFILES,
    STANDARD,
    STRICT,
    averages_few,
    foldable_views,
    folds_by_visits,
    is_hierarchy,
    is_table,
    marginals,
    parent_view,
    profile_of,
    survives_thin_day,
    threshold,
)
from collector.cells.views import TOTAL, VIEW_BY_DIMENSIONS, VIEWS, Grain, View


def view(*names: str) -> View:
    """Return a view by its dimensions."""
    return VIEW_BY_DIMENSIONS[frozenset(names)]


@pytest.mark.parametrize(
    ("names", "grain", "standard", "strict"),
    [
        ((), Grain.DAY, 0, 0),
        ((), Grain.HOUR, 0, 0),
        (("country",), Grain.DAY, 1, 1),
        (("country",), Grain.HOUR, 3, 10),
        (("path",), Grain.DAY, 3, 10),
        (("source",), Grain.DAY, 3, 10),
        (("region",), Grain.DAY, 3, 10),
        (("search_query",), Grain.DAY, 3, 10),
        (("city",), Grain.DAY, 5, NEVER),
        (("event", "property"), Grain.DAY, 3, 10),
        (("country", "browser"), Grain.DAY, 3, 10),
        (("path", "source"), Grain.DAY, 3, 10),
    ],
)
def test_thresholds(names: tuple[str, ...], grain: Grain, standard: int, strict: int) -> None:
    """Each vocabulary, pair and hour has the threshold that the design states."""
    found = view(*names)

    assert (standard, strict) == (
        threshold(STANDARD, found, grain),
        threshold(STRICT, found, grain),
    )


def test_a_pair_needs_at_least_as_many_as_its_members() -> None:
    """A pair must not list what a list folds."""
    for profile in PROFILES.values():
        for pair in (found for found in VIEWS if is_table(found)):
            members = [one for one in marginals(pair) if one]
            assert threshold(profile, pair) >= max(threshold(profile, one) for one in members)


def test_the_strict_profile_is_nowhere_looser() -> None:
    """One of two profiles is stricter in every field."""
    for field in fields(STANDARD):
        if field.name != "name":
            assert getattr(STRICT, field.name) >= getattr(STANDARD, field.name)


def test_an_unknown_profile_counts_as_the_tightest() -> None:
    """An unknown profile name gives the strictest profile."""
    assert (STRICT, STANDARD) == (profile_of("future"), profile_of("standard"))


def test_every_view_is_of_one_kind() -> None:
    """A view is a total, a list, a hierarchy or a table; only tables are without "(other)"."""
    for found in foldable_views():
        assert not (is_table(found) and is_hierarchy(found))
        assert is_table(found) is (
            len(found.dimensions) == 2 and found != view("event", "property")
        )
    assert TOTAL not in foldable_views()


def test_hierarchies_know_their_parents() -> None:
    """A region's parent is its country, a version's its browser, an exit page's its page."""
    expected = {
        "region": "country",
        "city": "country",
        "browser_version": "browser",
        "os_version": "os",
        "exit_path": "path",
    }

    found = {name: parent_view(view(name)) for name in expected}

    assert {name: view(parent) for name, parent in expected.items()} == found
    assert view("event") == parent_view(view("event", "property"))
    assert parent_view(view("country")) is None


def test_thin_days_keep_totals_paths_and_sources() -> None:
    """Three views survive a day with two visitors."""
    kept = {found.name for found in VIEWS if survives_thin_day(found)}

    assert {"total", "path", "source"} == kept


def test_exit_pages_fold_by_visits() -> None:
    """The only view without visitors is folded by its visits."""
    assert ["exit_path"] == [found.name for found in VIEWS if folds_by_visits(found)]


def test_only_lists_of_visit_dimensions_tell_averages() -> None:
    """One visitor's counts are equal in each of these lists and in no other."""
    found = {one.name for one in VIEWS if averages_few(one)}

    assert {"country", "language", "source", "entry_path", "region"} <= found
    assert not found & {"path", "event", "exit_path", "country*browser", "total"}
