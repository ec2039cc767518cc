"""Check the declaration from which tables, questions, notice and audit come."""

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
    """An id names one view for ever; 0 is the receipt's."""
    assert len(VIEWS) == len(VIEW_BY_ID)
    assert all(RECEIPT_VIEW < view.id < 2**16 for view in VIEWS)


def test_ids_are_what_they_always_were() -> None:
    """A sealed cell is read by its id: whoever changes one of these breaks every store."""
    known = {1: "total", 10: "path", 17: "source", 25: "country", 100: "path*source"}

    assert known == {number: VIEW_BY_ID[number].name for number in known}


def test_no_two_views_have_the_same_dimensions() -> None:
    """A question finds one view or none."""
    assert len(VIEWS) == len({frozenset(view.dimensions) for view in VIEWS})


def test_every_dimension_has_a_view_and_words() -> None:
    """What is declared can be asked for, and is told in the notice."""
    viewed = {name for view in VIEWS for name in view.dimensions}

    assert set(DIMENSIONS) == viewed
    assert all(one.label and one.notice for one in DIMENSIONS.values())


def test_every_dimension_is_a_field_of_a_hit() -> None:
    """Nothing is declared that a hit does not carry, nor carried that is not declared."""
    fields = {*HIT_VALUES, *VISIT_VALUES, *LIST_DIMENSIONS, "currency", "exit_path"}

    assert set(DIMENSIONS) == fields
    assert set(LIST_DIMENSIONS.values()) <= set(Hit.__struct_fields__)


def test_core_dimensions_have_hours() -> None:
    """The ten that dashboards show by hour."""
    hourly = {view.name for view in VIEWS if Grain.HOUR in view.grains}

    assert {"total", *CORE} == hourly


def test_only_the_total_has_minutes() -> None:
    """Minutes of anything finer would follow one visitor around."""
    assert [TOTAL] == [view for view in VIEWS if Grain.MINUTE in view.grains]


def test_the_filters_of_dashboards_have_their_pairs() -> None:
    """Any two of six, and each of the six with four more."""
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
    """Only what all its dimensions can."""
    assert expected == measures(View(1, names))


def test_a_view_is_found_in_any_order() -> None:
    """Country and path are the view of path and country; two filters have none."""
    assert view_for("country", "path") is view_for("path", "country") is not None
    assert view_for("city", "path") is None


def test_a_hierarchys_parent_is_a_dimension_with_a_view() -> None:
    """Folding within a parent needs the parent's own cells."""
    for dimension in DIMENSIONS.values():
        if dimension.parent:
            assert view_for(dimension.parent) is not None
