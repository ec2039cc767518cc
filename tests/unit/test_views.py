"""The declaration of dimensions and views."""

from __future__ import annotations

from itertools import combinations

import pytest

from collector.cells.views import (
    DIMENSIONS,
    LIST_DIMENSIONS,
    RECEIPT_VIEW,
    TOTAL,
    VIEW_BY_ID,
    VIEWS,
    Grain,
    MeasureGroup,
    View,
    measures,
    view_for,
)
from collector.hit import HIT_VALUES, VISIT_VALUES, Hit

CORE = [
    "path",
    "source",
    "channel",
    "country",
    "device",
    "event",
    "entry_path",
    "utm_campaign",
    "browser",
    "os",
]
FILTERS = ("path", "source", "channel", "country", "device", "event")


def test_ids_are_unique_and_fit() -> None:
    """An id belongs to one view; 0 is the receipt's."""
    assert len(VIEWS) == len(VIEW_BY_ID)
    assert all(RECEIPT_VIEW < view.id < 2**16 for view in VIEWS)


def test_ids_are_what_they_always_were() -> None:
    """Sealed cells refer to views by id: changing an id would break every store."""
    known = {1: "total", 10: "path", 17: "source", 25: "country", 100: "path*source"}

    assert known == {number: VIEW_BY_ID[number].name for number in known}


def test_no_two_views_have_the_same_dimensions() -> None:
    """A query finds one view or none."""
    assert len(VIEWS) == len({frozenset(view.dimensions) for view in VIEWS})


def test_every_dimension_has_a_view_and_words() -> None:
    """Every dimension can be queried and is in the notice."""
    viewed = {name for view in VIEWS for name in view.dimensions}

    assert set(DIMENSIONS) == viewed
    assert all(one.label and one.notice for one in DIMENSIONS.values())


def test_every_dimension_is_a_field_of_a_hit() -> None:
    """Dimensions and the fields of a hit correspond to each other."""
    fields = {*HIT_VALUES, *VISIT_VALUES, *LIST_DIMENSIONS, "currency", "exit_path"}

    assert set(DIMENSIONS) == fields
    assert set(LIST_DIMENSIONS.values()) <= set(Hit.__struct_fields__)


def test_core_dimensions_have_hours() -> None:
    """The ten core dimensions have hour cells."""
    hourly = {view.name for view in VIEWS if Grain.HOUR in view.grains}

    assert {"total", *CORE} == hourly


def test_only_the_total_has_minutes() -> None:
    """Minutes of any dimension could follow one visitor."""
    assert [TOTAL] == [view for view in VIEWS if Grain.MINUTE in view.grains]


def test_the_filters_of_dashboards_have_their_pairs() -> None:
    """Any two of six dimensions, and each of the six with four more."""
    wanted = [*combinations(FILTERS, 2)]
    wanted += [(one, more) for one in FILTERS for more in ("entry_path", "utm_campaign")]
    wanted += [(one, more) for one in FILTERS for more in ("browser", "os")]

    assert [] == [pair for pair in wanted if view_for(*pair) is None]
    assert 39 == len(wanted)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), MeasureGroup.VISITORS | MeasureGroup.HITS | MeasureGroup.VISITS),
        (("country",), MeasureGroup.VISITORS | MeasureGroup.HITS | MeasureGroup.VISITS),
        (("path",), MeasureGroup.VISITORS | MeasureGroup.HITS),
        (("path", "country"), MeasureGroup.VISITORS | MeasureGroup.HITS),
        (("source", "country"), MeasureGroup.VISITORS | MeasureGroup.HITS | MeasureGroup.VISITS),
        (("exit_path",), MeasureGroup.VISIT_COUNT_ONLY),
    ],
)
def test_what_a_view_can_say(names: tuple[str, ...], expected: MeasureGroup) -> None:
    """A view has only the metrics that all its dimensions have."""
    assert expected == measures(View(1, names))


def test_a_view_is_found_in_any_order() -> None:
    """The order of dimensions does not matter; three dimensions have no view."""
    assert view_for("country", "path") is view_for("path", "country") is not None
    assert view_for("city", "path") is None


def test_a_hierarchys_parent_is_a_dimension_with_a_view() -> None:
    """A hierarchy needs the cells of its parent."""
    for dimension in DIMENSIONS.values():
        if dimension.parent:
            assert view_for(dimension.parent) is not None
