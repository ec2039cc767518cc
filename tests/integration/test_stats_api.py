"""The reading API answers in Plausible's version 1 shape, to those who may read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.api.auth import NO_ANSWER, NO_TOKEN, NOT_YOURS
from collector.api.v1 import change
from collector.cells.client import Store
from collector.stats import caveats
from tests.integration.reading_service import ReadingService, reading_service, visit
from tests.integration.seeding import hit, insert

STATS = "/api/v1/stats"


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Iterator[ReadingService]:
    """Serve the reading API on Sunday the 22nd of November 2026, at noon UTC."""
    with reading_service(store, tmp_path) as running:
        yield running


def test_aggregate_answers_visitors_by_default(service: ReadingService) -> None:
    """The answer has Plausible's shape, and says how exact it is."""
    visit(service.store, 7)

    answer = service.get("aggregate")

    assert answer == {
        "results": {"visitors": {"value": 7}},
        "exactness": [caveats.SEVERAL_DAYS],
    }


def test_aggregate_rounds_as_plausible_does(service: ReadingService) -> None:
    """Ratios have two digits, percentages and seconds none."""
    visit(service.store, 3, pageviews=2, visit_seconds=10)
    visit(service.store, 3, day="2026-11-21", bounces=0)
    names = "visits,pageviews,views_per_visit,bounce_rate,visit_duration,events"

    answer = service.get("aggregate", period="7d", metrics=names)

    assert answer["results"] == {
        "visits": {"value": 6},
        "pageviews": {"value": 9},
        "views_per_visit": {"value": 1.5},
        "bounce_rate": {"value": 50},
        "visit_duration": {"value": 5},
        "events": {"value": 0},
    }


def test_aggregate_compares_with_the_previous_period(service: ReadingService) -> None:
    """A change is in percent, that of a percentage in points."""
    visit(service.store, 6)
    visit(service.store, 4, day="2026-11-21", bounces=0)

    answer = service.get(
        "aggregate", period="day", metrics="visitors,bounce_rate", compare="previous_period"
    )

    assert answer["results"] == {
        "visitors": {"value": 6, "change": 50},
        "bounce_rate": {"value": 100, "change": 100},
    }


@pytest.mark.parametrize(
    ("metric", "before", "now", "expected"),
    [
        ("visitors", 0, 5, 100),
        ("visitors", 0, 0, 0),
        ("visitors", 4, 1, -75),
        ("visitors", None, 1, None),
        ("bounce_rate", 40.0, 25.0, -15),
    ],
)
def test_a_change_from_nothing_or_from_the_unknown(
    metric: str, before: float | None, now: float | None, expected: float | None
) -> None:
    """From nothing to something is a hundred percent; what is unknown has no change."""
    assert change(metric, before, now) == expected


def test_timeseries_lists_a_row_for_each_day(service: ReadingService) -> None:
    """Dates are ISO dates, and empty days are there."""
    visit(service.store, 2)

    answer = service.get(
        "timeseries", period="custom", date="2026-11-21,2026-11-22", metrics="visitors,pageviews"
    )

    assert answer["results"] == [
        {"date": "2026-11-21", "visitors": 0, "pageviews": 0},
        {"date": "2026-11-22", "visitors": 2, "pageviews": 2},
    ]


def test_timeseries_of_a_day_is_by_hour(service: ReadingService) -> None:
    """Hours are written as Plausible does, up to the present one."""
    visit(service.store, 5)

    answer = service.get("timeseries", period="day")

    assert answer["results"][10:] == [
        {"date": "2026-11-22 10:00:00", "visitors": 5},
        {"date": "2026-11-22 11:00:00", "visitors": 0},
        {"date": "2026-11-22 12:00:00", "visitors": 0},
    ]


def test_timeseries_of_a_year_is_by_month(service: ReadingService) -> None:
    """Twelve months have twelve rows."""
    visit(service.store, 5)

    answer = service.get("timeseries", period="12mo")

    assert len(answer["results"]) == 12
    assert answer["results"][-1] == {"date": "2026-11-01", "visitors": 5}


def test_breakdown_names_its_rows_after_the_property(service: ReadingService) -> None:
    """The value of a row stands under the last part of the property's name."""
    visit(service.store, 5, path="/a")
    visit(service.store, 4, path="/b")

    answer = service.get(
        "breakdown", property="event:page", period="day", metrics="visitors,pageviews"
    )

    assert answer["results"] == [
        {"page": "/a", "visitors": 5, "pageviews": 5},
        {"page": "/b", "visitors": 4, "pageviews": 4},
    ]


def test_breakdown_is_filtered_and_paged(service: ReadingService) -> None:
    """Filters, limit and page work together."""
    for path, count in (("/a", 5), ("/b", 4), ("/c", 3)):
        visit(service.store, count, path=path, source="Google")

    answer = service.get(
        "breakdown",
        property="event:page",
        period="day",
        filters="visit:source==Google",
        limit=1,
        page=2,
    )

    assert answer["results"] == [{"page": "/b", "visitors": 4}]


def test_breakdown_by_a_custom_property_shows_its_values(service: ReadingService) -> None:
    """The values of a property are shown without its name."""
    visit(service.store, 4, event="Buy", properties=("plan=pro",), events=1)

    answer = service.get(
        "breakdown", property="event:props:plan", period="day", filters="event:name==Buy"
    )

    assert answer["results"] == [{"plan": "pro", "visitors": 4}]


def test_breakdown_tells_the_conversion_rate_of_a_goal(service: ReadingService) -> None:
    """Each source has its visitors who reached the goal, and their part of all, in percent."""
    visit(service.store, 6, source="Google")
    visit(service.store, 4, source="Google", event="Buy", goals=("Buy",), visits=0, bounces=0)

    answer = service.get(
        "breakdown",
        property="visit:source",
        period="day",
        metrics="visitors,conversion_rate",
        filters="event:goal==Buy",
    )

    assert answer["results"] == [{"source": "Google", "visitors": 4, "conversion_rate": 66.7}]


def test_revenue_is_told_of_one_currency(service: ReadingService) -> None:
    """By event, filtered by the currency, in its minor units."""
    visit(service.store, 5, event="Buy", currency="EUR", revenue=990, events=1)

    answer = service.get(
        "breakdown",
        property="event:name",
        period="day",
        metrics="events,revenue",
        filters="event:currency==EUR",
    )

    assert answer["results"] == [{"name": "Buy", "events": 5, "revenue": 4950}]


def test_searches_are_told(service: ReadingService) -> None:
    """What was searched on the site can be asked for as the dashboard does."""
    visit(service.store, 4, search_query="tea pots")

    answer = service.get("breakdown", property="event:search_query", period="day")

    assert answer["results"] == [{"search_query": "tea pots", "visitors": 4}]


def test_realtime_visitors_is_a_bare_number(service: ReadingService) -> None:
    """The number stands alone."""
    assert service.get("realtime/visitors") == 5


@pytest.mark.parametrize("path", ["aggregate", "timeseries", "breakdown", "realtime/visitors"])
def test_a_private_site_and_an_unknown_one_look_alike_without_a_token(
    service: ReadingService, path: str
) -> None:
    """Without a token nobody learns which sites exist."""
    answers = [service.get(path, site=site) for site in ("private.example", "unknown.example")]

    assert answers == [{"error": NO_TOKEN}, {"error": NO_TOKEN}]
    assert service.status(path, site_id="private.example") == 401


def test_a_token_reads_the_site_it_grants_and_no_other(service: ReadingService) -> None:
    """A token of one site is no key to another, and cannot tell it from an unknown one."""
    service.registry.add_site("other.example")
    token = service.registry.create_token("report", "private.example", ["read"])

    granted = service.get("aggregate", site="private.example", token=token)
    refused = [
        service.get("aggregate", site=site, token=token)
        for site in ("other.example", "unknown.example")
    ]

    assert granted["results"] == {"visitors": {"value": 0}}
    assert refused == [{"error": NOT_YOURS}, {"error": NOT_YOURS}]


def test_a_token_of_all_sites_reads_each(service: ReadingService) -> None:
    """A token without a site grants every one."""
    token = service.registry.create_token("all", None, ["read"])

    assert "results" in service.get("aggregate", site="private.example", token=token)


def test_a_token_without_the_scope_to_read_does_not_read(service: ReadingService) -> None:
    """A token for sending hits opens no numbers."""
    token = service.registry.create_token("send", "private.example", ["ingest"])

    assert service.get("aggregate", site="private.example", token=token) == {"error": NOT_YOURS}


@pytest.mark.parametrize("scheme", ["Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer ", "ffl_x"])
def test_what_is_no_token_opens_nothing(service: ReadingService, scheme: str) -> None:
    """Invented tokens and other schemes are refused, and asked for a bearer token."""
    answer = service.client.get(
        f"{STATS}/aggregate",
        params={"site_id": "private.example"},
        headers={"Authorization": scheme},
    )

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "given", "sentence"),
    [
        ("aggregate", {"metrics": "hits"}, "hits is no metric"),
        ("aggregate", {"period": "3d"}, "The period is one of"),
        ("aggregate", {"compare": "last_year"}, "previous_period"),
        ("aggregate", {"filters": "nonsense"}, "A filter is like"),
        ("timeseries", {"interval": "second"}, "hour, date, week or month"),
        ("breakdown", {}, "property is missing"),
        ("breakdown", {"property": "event:page", "metrics": "visits"}, "does not count visits"),
        ("breakdown", {"property": "event:page", "limit": "0"}, "limit is a whole number"),
    ],
)
def test_a_question_that_cannot_be_answered_gets_a_sentence(
    service: ReadingService, path: str, given: dict[str, str], sentence: str
) -> None:
    """A wrong parameter is a 400, whose error says what it should be."""
    answer = service.client.get(f"{STATS}/{path}", params={"site_id": "open.example", **given})

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_a_missing_site_is_told(service: ReadingService) -> None:
    """Without a site there is no question."""
    assert service.status("aggregate") == 400


def test_strange_parameters_are_never_an_error_of_ours(service: ReadingService) -> None:
    """Control characters, broken escapes and long values are answered as questions."""
    strange = ["%00", "%ff%fe", "'", "\\", "x" * 3000, "%F0%9F%A6%8A", "==", "|", ";;"]

    answers = [
        service.client.get(f"{STATS}/breakdown?site_id=open.example&property=event:page&{part}")
        for text in strange
        for part in (
            f"filters=event:page=={text}",
            f"period={text}",
            f"date={text}",
            f"limit={text}",
        )
    ]

    assert {answer.status_code for answer in answers} <= {200, 400}


def test_an_answer_is_kept_by_nobody(service: ReadingService) -> None:
    """Numbers are not stored on their way."""
    headers = service.client.get(f"{STATS}/aggregate?site_id=open.example").headers

    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "application/json"


def test_a_store_that_does_not_answer_is_said_plainly(service: ReadingService) -> None:
    """A failure of the store is a 503 that tells nothing of its inside."""
    service.store.command("DROP TABLE seals")

    answer = service.client.get(f"{STATS}/aggregate?site_id=open.example")

    assert answer.status_code == 503
    assert answer.json() == {"error": NO_ANSWER}
    assert answer.headers["retry-after"] == "5"


def test_hits_of_a_day_are_asked_in_the_sites_own_time(service: ReadingService) -> None:
    """A day of a site in Auckland is Auckland's day."""
    service.registry.add_site("nz.example", "Pacific/Auckland", public=True)
    number = service.registry.sites().named("nz.example")
    assert number is not None
    late = [
        hit(f"{n}", "2026-11-23 00:30", zone="Pacific/Auckland", site=number.id) for n in range(3)
    ]
    insert(service.store, late)

    answer = service.get("timeseries", site="nz.example", period="7d")

    assert answer["results"][-1] == {"date": "2026-11-23", "visitors": 3}
