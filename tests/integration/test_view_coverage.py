"""Questions about days before a view began, after it ended or was renamed, with data present."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.cells import views
from collector.cells.client import Store
from collector.cells.views import VIEW_BY_DIMENSIONS
from collector.errors import Unanswerable
from collector.registry.store import Registry
from collector.settings import Settings
from dashboards import routes as dashboards
from tests.builders import FakeClock
from tests.integration.queries import (
    FRIDAY,
    SATURDAY,
    SUNDAY,
    ask,
    column,
    first_hits,
    reports_of,
    seal,
)
from tests.integration.queries import reports as asked
from tests.integration.reading_service import NOON_OF_THE_22ND, ReadingService, reading_service
from tests.integration.seeding import insert

COUNTRY = VIEW_BY_DIMENSIONS[frozenset(("country",))]
SENTENCE = "Country has been counted since 2026-11-22"
SATURDAY_NOON = 1_795_262_400


@pytest.fixture
def counted(store: Store) -> Store:
    """Count three, four and five visitors of three days, by country since Saturday noon."""
    insert(store, first_hits(3, FRIDAY, country="FR"))
    insert(store, first_hits(4, SATURDAY, country="FR"))
    insert(store, first_hits(5, SUNDAY, country="FR"))
    for day in (20, 21):
        seal(store, date(2026, 11, day))
    store.command("ALTER TABLE sealed_cells DELETE WHERE view = 25", {"mutations_sync": 2})
    store.command(
        "INSERT INTO views_begun VALUES ({view:UInt16}, 'country', {noon:UInt32})",
        None,
        {"view": COUNTRY.id, "noon": SATURDAY_NOON},
    )
    return store


@pytest.fixture
def service(counted: Store, tmp_path: Path) -> Iterator[ReadingService]:
    """Serve both versions of the reading API."""
    with reading_service(counted, tmp_path) as serving:
        yield serving


def test_a_list_leaves_out_the_days_before_its_view(counted: Store) -> None:
    """They are neither zeros nor "(other)", and the total is that of the same days."""
    report = asked(counted).ask(ask("visitors pageviews", dimension="country"))

    assert column(report) == {"FR": 5}
    assert report.totals == {"visitors": 5, "pageviews": 5}
    assert report.since == date(2026, 11, 22)
    assert any(sentence.startswith(SENTENCE) for sentence in report.caveats)


def test_other_views_are_told_as_ever(counted: Store) -> None:
    """A new view takes nothing from the others."""
    report = asked(counted).ask(ask("visitors", dimension="source"))

    assert (report.totals, report.since) == ({"visitors": 12}, None)


def test_version_1_says_what_is_not_known(service: ReadingService) -> None:
    """A series has null before the view began, a comparison is null, and the sentence is there."""
    filtered = {"filters": "visit:country==FR", "period": "custom", "date": "2026-11-20,2026-11-22"}

    series = service.get("timeseries", **filtered)
    total = service.get("aggregate", **filtered)
    change = service.get(
        "aggregate", filters="visit:country==FR", period="day", compare="previous_period"
    )

    assert [row["visitors"] for row in series["results"]] == [None, None, 5]
    assert any(sentence.startswith(SENTENCE) for sentence in series["exactness"])
    assert total["results"]["visitors"] == {"value": 5}
    assert change["results"]["visitors"] == {"value": 5, "change": None}


def test_version_2_says_what_is_not_known(service: ReadingService) -> None:
    """Where no day is known there is null and no row; the sentence is in the answer's meta."""
    friday = ["2026-11-20", "2026-11-20"]

    listed = service.query(date_range=friday, dimensions=["visit:country"])
    total = service.query(date_range=friday, filters=[["is", "visit:country", ["FR"]]])

    assert listed["results"] == []
    assert total["results"] == [{"metrics": [None], "dimensions": []}]
    for answer in (listed, total):
        assert answer["meta"]["exactness"][0].startswith(SENTENCE)


def test_the_dashboard_says_what_is_not_known(counted: Store, tmp_path: Path) -> None:
    """The page filtered by country tells its two known days apart from those left out."""
    clock = FakeClock(NOON_OF_THE_22ND)
    with Registry(tmp_path / "registry.sqlite3", clock) as registry:
        registry.add_site("example.org", public=True)
        reports = reports_of(counted, registry.sites(), clock, lambda _, __: 2)
        routes = dashboards.routes(reports, registry, Settings(), clock=clock)
        with TestClient(Starlette(routes=routes)) as client:
            page = client.get("/example.org?period=7d&country=FR").text

    assert SENTENCE in page


def test_a_view_that_ended_is_refused_with_its_data_present(
    counted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sealed cells are not read as something else, and no zero is told."""
    seal(counted, date(2026, 11, 22))
    monkeypatch.delitem(views.VIEW_BY_DIMENSIONS, frozenset(("country",)))

    with pytest.raises(Unanswerable, match="No view keeps country by itself"):
        asked(counted).ask(ask("visitors", dimension="country"))
