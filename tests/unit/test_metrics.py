"""Metrics follow their formulas, and the page about them follows the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.cells.views import MeasureGroup
from collector.hit import SUMS
from collector.stats.metrics import EVERYBODY, METRICS, WORDS, rounded, sums_of
from collector.stats.sql import LARGE_CELLS_ONLY
from tests.house import metrics_reference


def test_every_metric_is_made_of_sums_that_cells_keep() -> None:
    """No formula names a sum that is not there."""
    kept = {*SUMS, *LARGE_CELLS_ONLY, "visitors", EVERYBODY}

    assert {name for metric in METRICS.values() for name in metric.sums} <= kept


def test_every_metric_is_found_under_its_own_name() -> None:
    """The table's keys are the metrics' names."""
    assert [metric.name for metric in METRICS.values()] == list(METRICS)


def test_every_metric_needs_something_that_words_exist_for() -> None:
    """A refusal can always say what a view counts instead."""
    assert all(metric.needs for metric in METRICS.values())
    assert set(WORDS) == set(MeasureGroup)


@pytest.mark.parametrize(
    ("name", "sums", "expected"),
    [
        ("visitors", {"visitors": 3}, 3),
        ("visitors", {"visitors": None}, None),
        ("visitors", {}, None),
        ("views_per_visit", {"pageviews": 7, "visits": 2}, 3.5),
        ("views_per_visit", {"pageviews": 7, "visits": 0}, None),
        ("bounce_rate", {"bounces": 1, "visits": 4}, 25.0),
        ("bounce_rate", {"bounces": None, "visits": 4}, None),
        ("visit_duration", {"visit_seconds": 90, "timed_visits": 3}, 30.0),
        ("visit_duration", {"visit_seconds": 90, "timed_visits": None}, None),
        ("engaged_time", {"engaged_ms": 5000, "read_pageviews": 2}, 2.5),
        ("scroll_depth", {"scroll_percent": 130, "read_pageviews": 2}, 65.0),
        ("exits", {"visits": 4}, 4),
        ("conversion_rate", {"visitors": 3, "everybody": 12}, 25.0),
        ("conversion_rate", {"visitors": 3, "everybody": None}, None),
    ],
)
def test_a_value_is_worked_out_from_sums(
    name: str, sums: dict[str, int | None], expected: float | None
) -> None:
    """A fraction without its lower part, and a sum that is not known, give no value."""
    assert METRICS[name].value(sums) == expected


def test_sums_are_listed_once_in_the_order_of_first_use() -> None:
    """Metrics that share a sum read it once."""
    assert sums_of(("views_per_visit", "bounce_rate", "visits")) == (
        "pageviews",
        "visits",
        "bounces",
    )


def test_rows_are_ordered_by_how_much_stands_behind_a_fraction() -> None:
    """A rate of one visit does not come before a rate of thousands."""
    assert METRICS["bounce_rate"].weight == "visits"
    assert METRICS["pageviews"].weight == "pageviews"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("visitors", 3, 3),
        ("bounce_rate", 33.5, 34),
        ("views_per_visit", 1.2345, 1.23),
        ("engaged_time", 2.55, 2.5),
        ("visit_duration", None, None),
    ],
)
def test_values_are_rounded_as_the_metric_is_shown(
    name: str, value: float | None, expected: float | None
) -> None:
    """Counts are whole; what is not known stays so."""
    found = rounded(name, value)

    assert found == expected
    assert isinstance(found, type(expected))


def test_the_page_of_metrics_is_what_the_code_says() -> None:
    """docs/metrics.md was made from this code."""
    assert metrics_reference.main(["--check"]) == 0


def test_the_page_of_metrics_is_written_where_it_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that is missing or old is told, and written anew."""
    monkeypatch.setattr(metrics_reference, "PAGE", tmp_path / "metrics.md")

    found = [metrics_reference.main(arguments) for arguments in (["--check"], [], ["--check"])]

    assert found == [1, 0, 0]


def test_the_page_names_every_metric() -> None:
    """Nobody has to guess a name."""
    assert all(f"`{name}`" in metrics_reference.page() for name in METRICS)
