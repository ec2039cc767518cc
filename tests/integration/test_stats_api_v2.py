"""The query API answers in Plausible's version 2 shape, to those who may read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.api.auth import NO_TOKEN, NOT_YOURS
from collector.cells.client import Store
from tests.integration.reading_service import ReadingService, reading_service, visit


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Iterator[ReadingService]:
    """Serve the query API on Sunday the 22nd of November 2026, at noon UTC."""
    with reading_service(store, tmp_path) as running:
        yield running


def test_totals_are_one_row_without_dimensions(service: ReadingService) -> None:
    """Metrics stand in the order asked, and the question is repeated."""
    visit(service.store, 4, visit_seconds=8)

    answer = service.query(metrics=["visit_duration", "visitors"])

    assert answer["results"] == [{"metrics": [8, 4], "dimensions": []}]
    assert answer["query"] == {
        "site_id": "open.example",
        "metrics": ["visit_duration", "visitors"],
        "date_range": ["2026-11-22", "2026-11-22"],
        "dimensions": [],
        "filters": [],
    }


def test_a_breakdown_has_a_row_for_each_value(service: ReadingService) -> None:
    """Rows are ordered by the first metric, or by the one that is named."""
    visit(service.store, 5, path="/a")
    visit(service.store, 4, path="/b", pageviews=2)
    asked: dict[str, Any] = {"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"]}

    by_visitors = service.query(**asked)
    by_pageviews = service.query(**asked, order_by=[["pageviews", "desc"]])

    assert by_visitors["results"] == [
        {"metrics": [5, 5], "dimensions": ["/a"]},
        {"metrics": [4, 8], "dimensions": ["/b"]},
    ]
    assert by_pageviews["results"] == by_visitors["results"][::-1]


def test_a_breakdown_is_paged_by_limit_and_offset(service: ReadingService) -> None:
    """The second page begins where the first ended."""
    for path, count in (("/a", 5), ("/b", 4), ("/c", 3)):
        visit(service.store, count, path=path)

    answer = service.query(dimensions=["event:page"], pagination={"limit": 1, "offset": 1})

    assert answer["results"] == [{"metrics": [4], "dimensions": ["/b"]}]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([["is", "visit:source", ["Google"]]], [["/a", 5], ["/b", 4]]),
        ([["and", [["is", "visit:source", ["Google"]]]]], [["/a", 5], ["/b", 4]]),
        ([["contains", "event:page", ["A"]]], [["/a", 5]]),
        ([["is_not", "event:page", ["/a"]]], [["/b", None]]),
    ],
)
def test_filters_are_arrays_of_operator_property_and_values(
    service: ReadingService, filters: list[Any], found: list[list[Any]]
) -> None:
    """A filter keeps what it names; visitors of what something is not are not known."""
    visit(service.store, 5, path="/a", source="Google")
    visit(service.store, 4, path="/b", source="Google")

    answer = service.query(dimensions=["event:page"], filters=filters)

    assert [[*row["dimensions"], *row["metrics"]] for row in answer["results"]] == found


@pytest.mark.parametrize(
    ("dimension", "last", "count"),
    [
        ("time", "2026-11-22", 2),
        ("time:day", "2026-11-22", 2),
        ("time:hour", "2026-11-22 12:00:00", 37),
        ("time:week", "2026-11-16", 1),
        ("time:month", "2026-11-01", 1),
    ],
)
def test_a_time_series_has_a_row_for_each_bucket(
    service: ReadingService, dimension: str, last: str, count: int
) -> None:
    """Buckets are in local time, those without a hit are there, and can be listed."""
    visit(service.store, 5)

    answer = service.query(
        dimensions=[dimension],
        date_range=["2026-11-21", "2026-11-22"],
        include={"time_labels": True},
    )

    assert len(answer["results"]) == count
    assert answer["meta"]["time_labels"][-1] == last
    assert answer["results"][-1]["dimensions"] == [last]
    assert sum(row["metrics"][0] for row in answer["results"]) == 5


def test_a_custom_property_is_a_dimension_with_a_filter_on_its_event(
    service: ReadingService,
) -> None:
    """Its values are shown without its name."""
    visit(service.store, 4, event="Buy", properties=("plan=pro",), events=1)

    answer = service.query(dimensions=["event:props:plan"], filters=[["is", "event:name", ["Buy"]]])

    assert answer["results"] == [{"metrics": [4], "dimensions": ["pro"]}]


def test_the_answer_says_how_exact_it_is(service: ReadingService) -> None:
    """Several days are labelled, and the view is named."""
    answer = service.query(date_range="7d")

    assert answer["meta"]["view"] == "total"
    assert "sum of daily visitors" in answer["meta"]["exactness"][0]


def test_a_token_is_needed_for_a_private_site(service: ReadingService) -> None:
    """Unknown sites and those of others look alike, with and without a token."""
    token = service.registry.create_token("all", "private.example", ["read"])
    service.registry.add_site("other.example")

    assert service.query(site_id="private.example") == {"error": NO_TOKEN}
    assert service.query(site_id="unknown.example") == {"error": NO_TOKEN}
    assert service.query(token, site_id="other.example") == {"error": NOT_YOURS}
    assert service.query(token, site_id="unknown.example") == {"error": NOT_YOURS}
    assert "results" in service.query(token, site_id="private.example")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"date_range": "3d"}, "two dates or one of day"),
        ({"date_range": ["2026-11-01"]}, "two dates"),
        ({"metrics": ["hits"]}, "hits is no metric"),
        ({"metrics": []}, "at least one metric"),
        ({"colour": 1}, "unknown field `colour`"),
        ({"dimensions": ["event:page", "visit:source"]}, "one dimension"),
        ({"dimensions": ["visit:colour"]}, "is no property"),
        ({"dimensions": ["event:page"], "pagination": {"limit": 0}}, "The limit is 1 to 1000"),
        ({"dimensions": ["event:page"], "pagination": {"limit": 2, "offset": 3}}, "multiple"),
        ({"dimensions": ["event:page"], "order_by": [["visitors", "asc"]]}, "largest first"),
        ({"dimensions": ["event:page"], "order_by": [["pageviews", "desc"]]}, "requested metrics"),
        ({"filters": ["is"]}, "A filter is like"),
        ({"filters": [["is", "event:page", "/a"]]}, "A filter is like"),
        ({"filters": [["is", "event:page", [1]]]}, "A filter is like"),
        ({"filters": [["matches", "event:page", ["^/a"]]]}, "matches is no filter"),
        ({"filters": [["is", "event:page", ["x"]]] * 11}, "at most 10 filters"),
        ({"filters": [["contains", "event:props:plan", ["p"]]]}, "whole values only"),
    ],
)
def test_a_question_that_cannot_be_answered_gets_a_sentence(
    service: ReadingService, keys: dict[str, Any], sentence: str
) -> None:
    """What is wrong is told, and what it should be."""
    assert sentence in service.query(**keys)["error"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"site_id": 1}',
        b"[" * 60_000,
        b'{"filters": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        orjson.dumps({"site_id": "open.example", "metrics": ["x" * 70_000], "date_range": "day"}),
    ],
)
def test_what_is_no_question_is_refused(service: ReadingService, sent: bytes) -> None:
    """Broken, deep and long bodies are the sender's fault, and told so."""
    answer = service.client.post("/api/v2/query", content=sent)

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_a_question_is_posted(service: ReadingService) -> None:
    """Reading the address alone gives nothing."""
    assert service.client.get("/api/v2/query").status_code == 405
