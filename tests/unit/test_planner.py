"""Questions become two small statements: the right views, and values as parameters only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cells.views import DIMENSIONS, VIEWS, Grain, View
from collector.errors import QueryError
from collector.stats.metrics import METRICS
from collector.stats.planner import Plan, check_measurable, plan_query
from collector.stats.query import Filter, Operator, Period, Query
from tests.builders import a_site

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC).timestamp()
PERIOD = Period(date(2026, 11, 1), date(2026, 11, 22))


def planned(metrics: str = "visitors", period: Period = PERIOD, **more: Any) -> Plan:
    """Plan a question about a site."""
    query = Query(more.pop("site", a_site()), tuple(metrics.split()), period, **more)
    return plan_query(query, NOW)


def is_(dimension: str, *values: str, operator: Operator = "is") -> tuple[Filter, ...]:
    """Filter by a dimension."""
    return (Filter(dimension, values or ("x",), operator),)


@pytest.mark.parametrize(
    ("more", "view", "has_base"),
    [
        ({}, "total", False),
        ({"grain": Grain.DAY}, "total", False),
        ({"grain": Grain.HOUR}, "total", True),
        ({"grain": Grain.MINUTE}, "total", False),
        ({"dimension": "path"}, "path", True),
        ({"dimension": "event"}, "event", False),
        ({"dimension": "path", "search": "a"}, "path", False),
        ({"dimension": "path", "filters": is_("path")}, "path", False),
        ({"dimension": "path", "filters": is_("source")}, "path*source", True),
        ({"dimension": "source", "filters": is_("path")}, "path*source", True),
        ({"dimension": "event", "filters": is_("source")}, "event*source", False),
        ({"filters": is_("city")}, "city", False),
        ({"filters": is_("city") + is_("city", "y")}, "city", False),
        ({"filters": is_("source") + is_("country")}, "source*country", False),
        ({"filters": is_("source"), "grain": Grain.HOUR}, "source", True),
    ],
)
def test_a_question_is_answered_by_the_view_of_its_dimensions(
    *, more: dict[str, Any], view: str, has_base: bool
) -> None:
    """The breakdown and its filters together name the view; totals come from what is left."""
    plan = planned(**more)

    assert plan.view.name == view
    assert plan.has_base == has_base


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: str(view.name))
def test_every_view_can_be_asked_for_each_metric_it_says(view: View) -> None:
    """A view that is declared is one that answers."""
    for name in METRICS:
        filters = tuple(Filter(dimension, ("x",)) for dimension in view.dimensions)
        try:
            check_measurable(view, (name,))
        except QueryError:
            continue
        assert plan_query(Query(a_site(), (name,), PERIOD, filters=filters), NOW).view is view


def test_only_the_sums_that_are_needed_are_read() -> None:
    """A question for visitors reads no duration."""
    assert planned().sums == ("visitors",)
    assert planned("bounce_rate").sums == ("bounces", "visits", "visitors")
    plan = planned("visitors pageviews")
    assert "visit_seconds" not in plan.sealed_sql + plan.open_sql


@given(
    value=st.text(min_size=5, max_size=40).filter(lambda text: text != "(other)"),
    operator=st.sampled_from(["is", "is_not", "contains", "starts"]),
)
def test_no_value_is_ever_part_of_the_statement(value: str, operator: Operator) -> None:
    """Whatever a value holds, the text of the statement is the same."""
    odd = planned(dimension="path", filters=is_("source", value, operator=operator), search=value)
    plain = planned(dimension="path", filters=is_("source", operator=operator), search="x")

    assert (odd.sealed_sql, odd.open_sql) == (plain.sealed_sql, plain.open_sql)
    assert odd.parameters["filter0"] == [value]
    assert odd.parameters["filter1"] == [value]


def test_every_parameter_that_a_statement_names_is_bound() -> None:
    """No statement is sent with a hole in it."""
    questions = [
        planned("visitors engaged_time", dimension=name, site=a_site(own_paths=("/x",)))
        for name in ("path", "source", "hostname", "region", "browser_version")
    ]
    questions += [planned(grain=grain) for grain in Grain]
    questions.append(planned(filters=is_("path"), grain=Grain.HOUR))

    for plan in questions:
        sql = plan.sealed_sql + plan.open_sql
        named = {piece.split(":")[0] for piece in sql.split("{")[1:]}
        assert named <= {*plan.parameters, "sealed", "kept", "taken"}


def test_sealed_cells_are_read_of_sealed_days_and_open_ones_of_all_others() -> None:
    """Both statements are told the same list of seals, and neither reads the other's table."""
    plan = planned()

    assert "FROM sealed_cells" in plan.sealed_sql
    assert "closes_at IN {sealed:Array(UInt32)}" in plan.sealed_sql
    assert "open_cells" not in plan.sealed_sql
    assert "FROM open_cells" in plan.open_sql
    assert "closes_at NOT IN {sealed:Array(UInt32)}" in plan.open_sql
    assert "sealed_cells" not in plan.open_sql


def test_strict_sites_are_told_from_the_picture_of_open_days() -> None:
    """Nothing of the open day itself is read, and which slices are thin is asked beside it."""
    plan = planned(dimension="country", site=a_site(profile="strict"))

    assert "open_cells" not in plan.open_sql
    assert plan.open_sql.count("snapshot_cells") == 3
    assert "thin_days" in plan.open_sql
    assert "thin_days" not in planned(dimension="country").open_sql


def test_statements_stay_small() -> None:
    """ClickHouse takes longer to analyse a statement than to read the cells: no windows, no nests.

    One SELECT of each kind of day; one more only to know a site's own paths.
    """
    for dimension, selects in (("country", 1), ("path", 2)):
        plan = planned("visitors", dimension=dimension)

        assert plan.sealed_sql.count("SELECT") == 1
        assert plan.open_sql.count("SELECT") == selects
        assert "OVER" not in plan.open_sql


@pytest.mark.parametrize(
    ("profile", "dimension", "least"),
    [
        ("standard", "country", 1),
        ("standard", "path", 3),
        ("standard", "city", 5),
        ("strict", "path", 10),
    ],
)
def test_the_thresholds_are_those_of_the_sites_profile(
    profile: str, dimension: str, least: int
) -> None:
    """An open day is folded by the same table as a sealed one."""
    plan = planned(dimension=dimension, site=a_site(profile=profile))

    assert plan.parameters["rows_least"] == least


@pytest.mark.parametrize(
    ("dimension", "known"),
    [
        ("path", ["(none)", "/own"]),
        ("entry_path", ["(none)", "/own"]),
        ("hostname", ["(none)", "example.org", "www.example.org", "shop.example"]),
        ("source", ["(none)", "Google"]),
        ("referrer", ["(none)"]),
    ],
)
def test_known_values_are_spared(dimension: str, known: list[str]) -> None:
    """Declared paths and hosts, named sources and what is unset do not fold."""
    site = a_site(own_paths=("/own",), hostnames=("shop.example",))

    plan = plan_query(
        Query(site, ("visitors",), PERIOD, dimension=dimension), NOW, {"source": ("Google",)}
    )

    assert plan.parameters["rows_known"] == known


def test_a_pair_spares_nothing() -> None:
    """Crossed with another value, even a known one can single people out."""
    plan = planned(dimension="path", filters=is_("source"), site=a_site(own_paths=("/own",)))

    assert plan.parameters["rows_known"] == []


def test_what_a_strict_site_never_tells_is_not_spared_either() -> None:
    """No city of a strict site is told, not even that it is unknown."""
    plan = planned(dimension="city", site=a_site(profile="strict"))

    assert plan.parameters["rows_known"] == []


@given(
    dimension=st.sampled_from(["", *DIMENSIONS]),
    filtered=st.lists(st.sampled_from(list(DIMENSIONS)), max_size=3),
    metrics=st.lists(st.sampled_from(list(METRICS)), min_size=1, max_size=3),
    grain=st.sampled_from([None, *Grain]),
)
def test_any_question_is_planned_or_refused_in_a_sentence(
    dimension: str, filtered: list[str], metrics: list[str], grain: Grain | None
) -> None:
    """No combination of what can be asked fails in any other way."""
    filters = tuple(Filter(name, ("x",)) for name in filtered)
    query = Query(a_site(), tuple(metrics), PERIOD, dimension, grain, filters=filters)

    try:
        told: str | set[str] = set(plan_query(query, NOW).view.dimensions)
    except QueryError as refusal:
        told = str(refusal)

    assert told == {*filtered, *([dimension] if dimension else [])} or str(told).endswith(".")
