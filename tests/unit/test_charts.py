"""Charts put every number where it belongs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.charts import Chart, Point, axis_top, chart, share, sparkline

UNITS = ("count", "ratio", "percent", "seconds")


def _points(*values: float | None, partial: bool = False) -> list[Point]:
    last = len(values) - 1
    return [
        Point(str(n), f"bucket {n}", value, str(value), partial=partial and n == last)
        for n, value in enumerate(values)
    ]


def _chart(points: list[Point], kind: str = "line", unit: str = "count") -> Chart:
    return chart(points, kind=kind, unit=unit, words=lambda value: f"{value:g}")


@given(st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=400), st.sampled_from(UNITS))
def test_every_bucket_lies_within_the_chart(values: list[float | None], unit: str) -> None:
    """Slots tile the width in order, and no bar leaves the box."""
    drawn = _chart(_points(*values), "bars", unit)

    assert len(values) == len(drawn.slots)
    assert [slot.left for slot in drawn.slots] == sorted(slot.left for slot in drawn.slots)
    for slot in drawn.slots:
        assert -0.01 <= slot.left <= slot.bar_left <= slot.centre
        assert slot.bar_left + slot.bar_width <= 100.01
        assert slot.top is None or 0 <= slot.top <= 100


@given(st.floats(0, 1e9), st.sampled_from(UNITS[:3]))
def test_the_scale_reaches_the_highest_value(highest: float, unit: str) -> None:
    """The top gridline is at least the highest value (shares never pass 100 percent)."""
    top = axis_top(min(highest, 100.0) if unit == "percent" else highest, unit)

    assert top >= (min(highest, 100.0) if unit == "percent" else highest)


@given(st.integers(0, 10**7))
def test_gridlines_of_counts_are_whole_numbers(highest: int) -> None:
    """Nobody reads of half a visitor, and the chart is at least a third full."""
    top = axis_top(highest, "count")

    assert (top / 4).is_integer()
    assert highest <= 4 or highest >= top / 3


@pytest.mark.parametrize(
    ("highest", "unit", "top"),
    [
        (0, "count", 4.0),
        (1, "count", 4.0),
        (9, "count", 12.0),
        (42, "count", 48.0),
        (830, "count", 1000.0),
        (1.4, "ratio", 2.0),
        (3.3, "ratio", 4.0),
        (12, "percent", 100.0),
        (134, "seconds", 240.0),
        (50_000, "seconds", 57_600.0),
    ],
)
def test_scales_are_good_to_read(highest: float, unit: str, top: float) -> None:
    """Examples of the top gridline."""
    assert top == axis_top(highest, unit)


def test_a_value_halfway_lies_in_the_middle() -> None:
    """Heights are in proportion to the scale."""
    slots = _chart(_points(0, 2, 4), "bars").slots

    assert [100.0, 50.0, 0.0] == [slot.top for slot in slots]
    assert [0.0, 50.0, 100.0] == [slot.height for slot in slots]


def test_the_scale_is_labelled_from_the_top() -> None:
    """Five gridlines carry words, the highest first."""
    assert _chart(_points(8)).scale == ("8", "6", "4", "2", "0")


def test_buckets_to_come_are_not_drawn() -> None:
    """What has not been yet is not shown as nothing."""
    drawn = _chart(_points(1, 2, None, None))

    assert [True, True, False, False] == [slot.top is not None for slot in drawn.slots]
    assert drawn.line.count("L") == 1


def test_the_bucket_still_filling_is_drawn_apart() -> None:
    """The line of complete buckets ends before it; a piece of its own leads there."""
    drawn = _chart(_points(4, 4, 1, partial=True))

    assert drawn.line == "M166.7 0.0L500.0 0.0"
    assert drawn.unfinished == "M500.0 0.0L833.3 750.0"


def test_bars_need_no_line() -> None:
    """A chart of bars has neither line nor area."""
    drawn = _chart(_points(1, 2, 3, partial=True), "bars")

    assert (drawn.line, drawn.area, drawn.unfinished) == ("", "", "")


def test_the_area_ends_on_the_ground() -> None:
    """The surface under the line is closed along the axis."""
    assert _chart(_points(4, 4)).area == "M250.0 0.0L750.0 0.0L750.0 1000L250.0 1000Z"


def test_the_period_before_shares_the_scale() -> None:
    """A higher period before raises the scale, so that both can be compared."""
    points = [Point("", "", 1, "1", before=7), Point("", "", 2, "2", before=8)]

    drawn = _chart(points)

    assert drawn.scale[0] == "8"
    assert drawn.before == "M250.0 125.0L750.0 0.0"


@given(st.integers(1, 400))
def test_labels_are_few_and_begin_with_the_first(count: int) -> None:
    """At most twelve buckets are named, at most four on a phone."""
    labels = _chart(_points(*range(count))).labels

    assert labels[0].text == "0"
    assert len(labels) <= 12
    assert sum(label.narrow for label in labels) <= 4


def test_labels_at_the_edges_stay_inside() -> None:
    """The first label of many begins at its place, and does not lie over the scale."""
    assert _chart(_points(*range(100))).labels[0].anchor == "start"


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=60))
def test_a_sparkline_spans_its_box(values: list[float]) -> None:
    """It begins at the left, ends at the right and stays inside."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", sparkline(values))]

    assert (numbers[0], numbers[-2]) == (0.0, 1000.0)
    assert all(0 <= number <= 1000 for number in numbers)


def test_one_value_makes_no_sparkline() -> None:
    """A line needs two points."""
    assert sparkline([3.0]) == ""


@pytest.mark.parametrize(
    ("value", "highest", "expected"),
    [(None, 10, 0.0), (0, 10, 0.0), (10, 10, 100.0), (5, 10, 50.0), (1, 10_000, 1.0), (3, 0, 0.0)],
)
def test_a_bar_is_in_proportion_and_never_lost(
    value: float | None, highest: float, expected: float
) -> None:
    """Something is never drawn as nothing."""
    assert expected == share(value, highest)
