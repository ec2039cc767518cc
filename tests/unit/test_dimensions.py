"""Questions find the view that answers them, or a sentence that says which views there are."""

from __future__ import annotations

import pytest

from collector.cells.views import DIMENSIONS, VIEWS, View, view_for
from collector.errors import QueryError, Unanswerable
from collector.stats.dimensions import PARTIAL, PROPERTIES, partners
from collector.stats.planner import check_measurable, view_of


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: str(view.name))
def test_every_view_is_found_by_its_dimensions_in_any_order(view: View) -> None:
    """Declaring a view is all it takes to ask it."""
    found = [view_of(view.dimensions), view_of(reversed(view.dimensions))]

    assert found == [view, view]


def test_a_dimension_named_twice_is_one() -> None:
    """A breakdown that is filtered by itself needs no pair."""
    assert view_of(("path", "path")) is view_for("path")


def test_an_unknown_dimension_is_refused_with_the_names_there_are() -> None:
    """The sentence lists what can be asked."""
    with pytest.raises(QueryError, match=r"colour is no dimension; there are path, hostname"):
        view_of(("colour",))


def test_a_pair_that_is_not_kept_is_refused_with_the_pairs_there_are() -> None:
    """The sentence says what either dimension can be asked with."""
    with pytest.raises(Unanswerable) as refusal:
        view_of(("browser", "city"))

    assert str(refusal.value) == (
        "No view keeps browser and city together. browser can be combined with path, "
        "source, channel, country, device, event, goal. city can be combined with none."
    )


def test_a_dimension_kept_in_pairs_only_says_so() -> None:
    """Properties are asked with their event."""
    with pytest.raises(Unanswerable, match=r"keeps property by itself; it is kept with event\."):
        view_of(("property",))


def test_three_dimensions_are_refused_for_what_they_would_tell() -> None:
    """The limit is explained as the protection it is."""
    with pytest.raises(Unanswerable, match="single people out"):
        view_of(("path", "source", "country"))


@pytest.mark.parametrize(
    ("names", "metric", "sentence"),
    [
        (
            ("path",),
            "visits",
            "The view path does not count visits: its cells count visitors, page",
        ),
        (
            ("exit_path",),
            "visitors",
            "exit_path does not count visitors: its cells count the number",
        ),
        (("path", "source"), "bounce_rate", r"The view path\*source does not count bounce_rate"),
        ((), "exits", "The total does not count exits"),
        (("event",), "revenue", "one currency"),
    ],
)
def test_a_metric_that_a_view_cannot_say_is_refused_with_what_it_can(
    names: tuple[str, ...], metric: str, sentence: str
) -> None:
    """The sentence names the view, the metric, and what there is instead."""
    with pytest.raises(Unanswerable, match=sentence):
        check_measurable(view_of(names), (metric,))


@pytest.mark.parametrize(
    ("names", "metrics"),
    [
        ((), ("visitors", "visits", "bounce_rate", "engaged_time")),
        (("source",), ("visitors", "visits", "visit_duration", "pageviews")),
        (("path",), ("visitors", "pageviews", "scroll_depth")),
        (("exit_path",), ("exits", "visits")),
        (("event", "currency"), ("revenue", "events")),
    ],
)
def test_metrics_that_a_view_can_say_pass(names: tuple[str, ...], metrics: tuple[str, ...]) -> None:
    """What the cells count may be asked."""
    check_measurable(view_of(names), metrics)


def test_an_unknown_metric_is_refused_with_the_names_there_are() -> None:
    """The sentence lists the metrics."""
    with pytest.raises(QueryError, match="hits is no metric; there are visitors, visits"):
        check_measurable(view_of(()), ("hits",))


def test_partners_are_those_of_the_declared_pairs() -> None:
    """What is offered as a filter is what a pair is kept for."""
    assert partners("property") == ("event",)
    assert partners("city") == ()
    assert all(view_for(name, other) for name in DIMENSIONS for other in partners(name))


def test_every_property_of_the_reading_api_is_a_dimension() -> None:
    """Plausible's names lead to dimensions that exist."""
    assert set(PROPERTIES.values()) <= set(DIMENSIONS)
    assert PROPERTIES["event:page"] == "path"
    assert PROPERTIES["visit:exit_page"] == "exit_path"


def test_dimensions_that_some_hits_lack_are_not_measured_against_the_total() -> None:
    """Only some hits are events; every hit has a path and a source."""
    assert {"event", "exit_path"} <= PARTIAL
    assert not {"path", "source"} & PARTIAL
