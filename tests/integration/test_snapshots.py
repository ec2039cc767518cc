"""A strict site's open day is told from a picture, in which one visit more shows nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.api import v1
from collector.cells import partitions
from collector.cells.client import Store
from collector.cells.retention import erase_site
from collector.cells.snapshots import SECONDS, Snapshots
from collector.registry.sites import Sites
from collector.registry.store import Registry
from collector.service.container import build_container
from collector.service.scheduler import take_snapshot
from collector.settings import SecretsSettings, Settings
from collector.stats import reader
from collector.stats.report import Reports
from dashboards import routes as dashboards
from tests.builders import FakeClock, a_site
from tests.integration.queries import TODAY, ask, seal
from tests.integration.reading_service import NOON_OF_THE_22ND
from tests.integration.seeding import FIRST_HIT, hit, insert

STRICT, LOOSE = "strict.example", "loose.example"
METRICS = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "views_per_visit"]
AT_ONCE = {"now", "page", "visit:exit_page"}
"""What tells present visits, or merges no visitors: it is of the new picture at once."""

SOURCE = ["is", "visit:source", ["a.example"]]


@dataclass
class Desk:
    """Both kinds of site over one store, with everything that reads them.

    Attributes:
        visits: how many visits are under way, by site.
    """

    store: Store
    registry: Registry
    clock: FakeClock
    client: TestClient
    snapshots: Snapshots
    visits: dict[int, int] = field(default_factory=dict)

    def come(self, count: int, source: str) -> None:
        """Let visitors come to both sites."""
        for site in (1, 2):
            before = self.visits.get(site, 0)
            path = f"/{source}"
            columns: dict[str, Any] = {
                "source": source,
                "path": path,
                "exit_path": path,
                "site": site,
            }
            names = range(before, before + count)
            hits = [hit(str(name), "2026-11-22 10:30", **FIRST_HIT, **columns) for name in names]
            insert(self.store, hits)
            self.visits[site] = before + count

    def told(self, domain: str) -> dict[str, str]:
        """Ask every kind of question about a site's present day; the answers as they are sent."""
        asked = {"site_id": domain, "period": "day", "metrics": ",".join(METRICS[:3])}
        found = {
            "now": self._get("/api/v1/stats/realtime/visitors", site_id=domain),
            "aggregate": self._get("/api/v1/stats/aggregate", **asked),
            "timeseries": self._get("/api/v1/stats/timeseries", **asked),
            "filtered": self._get(
                "/api/v1/stats/aggregate", **asked, filters="visit:source==a.example"
            ),
            "page": self._get(f"/{domain}", period="today"),
            "file": self._get(f"/{domain}.csv", period="today"),
            "file of pages": self._get(f"/{domain}.csv", period="today", by="path"),
        }
        for name in ("event:page", "visit:source", "visit:country", "visit:exit_page"):
            metrics = "pageviews" if name.startswith("event") else "visits"
            found[name] = self._get(
                "/api/v1/stats/breakdown", **(asked | {"metrics": metrics}), property=name
            )
        for name in ("time:hour", "time:day", "visit:device", "visit:entry_page"):
            found[f"v2 {name}"] = self._query(domain, METRICS, dimensions=[name])
        found["v2"] = self._query(domain, METRICS)
        found["v2 pair"] = self._query(
            domain, METRICS, dimensions=["visit:country"], filters=[SOURCE]
        )
        return found

    def _get(self, path: str, **given: str) -> str:
        answer = self.client.get(path, params=given)
        assert answer.status_code == 200, answer.text
        return answer.text

    def _query(self, domain: str, metrics: list[str], **keys: Any) -> str:
        question = {"site_id": domain, "date_range": "day", "metrics": metrics, **keys}
        answer = self.client.post("/api/v2/query", json=question)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[Desk]:
    """Serve a strict and a standard site, both public, at noon of a Sunday."""
    clock = FakeClock(NOON_OF_THE_22ND)
    with Registry(tmp_path / "registry.sqlite3", clock) as registry:
        registry.add_site(STRICT, public=True, profile="strict")
        registry.add_site(LOOSE, public=True)
        visits: dict[int, int] = {}
        snapshots = Snapshots(store, clock, lambda site: visits.get(site, 0), registry.sites)
        reports = Reports(store, registry.sites, clock, snapshots)
        routes = [
            *v1.routes(reports, registry),
            *dashboards.routes(reports, registry, Settings(), clock=clock),
        ]
        with TestClient(Starlette(routes=routes)) as client:
            yield Desk(store, registry, clock, client, snapshots, visits)


def test_one_visit_more_shows_in_no_answer_until_the_next_picture(desk: Desk) -> None:
    """Version 1 and 2, dashboard, its files and present visits stand and move together."""
    desk.come(12, "a.example")
    desk.snapshots.refresh(desk.registry.sites())
    before = {domain: desk.told(domain) for domain in (STRICT, LOOSE)}

    desk.come(1, "a.example")
    desk.clock.pass_by(SECONDS - 1)
    early = desk.snapshots.refresh(desk.registry.sites())
    between = {domain: desk.told(domain) for domain in (STRICT, LOOSE)}
    desk.clock.pass_by(1)
    due = desk.snapshots.refresh(desk.registry.sites())
    after = desk.told(STRICT)

    assert (early, due) == (False, True)
    assert between[STRICT] == before[STRICT]
    assert [name for name, told in between[LOOSE].items() if told == before[LOOSE][name]] == []
    assert [name for name, told in after.items() if told == before[STRICT][name]] == []


def test_what_is_known_of_a_picture_outlives_it_for_seconds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What took much merging is told for five seconds, past the next picture, as it was."""
    monkeypatch.setattr(reader, "HEAVY", 4)
    desk.clock.pass_by(30)
    desk.come(12, "a.example")
    desk.snapshots.refresh(desk.registry.sites())
    desk.clock.pass_by(SECONDS - 1)
    before = desk.told(STRICT)
    desk.come(1, "a.example")
    desk.clock.pass_by(1)
    pictured = desk.snapshots.refresh(desk.registry.sites())
    desk.clock.pass_by(reader.FRESH_S - 2)
    known = desk.told(STRICT)
    desk.clock.pass_by(1)
    after = desk.told(STRICT)

    assert pictured
    assert {name for name, told in known.items() if told != before[name]} == AT_ONCE
    assert [name for name, told in after.items() if told == before[name]] == []


def test_questions_never_asked_before_are_answered_from_the_same_picture(desk: Desk) -> None:
    """A question and its parts, asked a visit apart, do not differ by that visit."""
    desk.come(12, "a.example")
    desk.snapshots.refresh(desk.registry.sites())
    whole = desk.client.get("/api/v1/stats/aggregate", params={"site_id": STRICT, "period": "day"})

    desk.come(11, "b.example")
    listed = desk.client.get(
        "/api/v1/stats/breakdown",
        params={"site_id": STRICT, "period": "day", "property": "visit:source"},
    )

    assert whole.json()["results"]["visitors"] == {"value": 12}
    assert listed.json()["results"] == [{"source": "a.example", "visitors": 12}]


def test_what_is_sealed_is_left_in_no_picture(desk: Desk) -> None:
    """The picture's partition goes with the open one, and no byte of either is left."""
    desk.come(12, "kvzqjx.example")
    desk.snapshots.refresh(desk.registry.sites())
    pictured = partitions.partitions(desk.store, "snapshot_cells")
    folders = [Path(one) for one in partitions.folders(desk.store, "snapshot_cells")]

    seal(desk.store, date(2026, 11, 22), desk.registry.sites())

    assert pictured
    assert partitions.partitions(desk.store, "snapshot_cells") == []
    assert [folder for folder in folders if folder.exists()] == []


def test_a_removed_site_leaves_every_picture(desk: Desk) -> None:
    """Its rows go from the picture as from the open day; the other site's stay."""
    desk.come(12, "a.example")
    desk.snapshots.refresh(desk.registry.sites())

    erase_site(desk.store, 1, desk.clock)

    left = desk.store.query("SELECT DISTINCT site FROM snapshot_cells WHERE site != 0")
    assert left == [(2,)]


def test_where_no_site_asks_for_pictures_there_is_none(desk: Desk) -> None:
    """None is taken, and the last one goes when the last strict site does."""
    desk.come(3, "a.example")
    desk.snapshots.refresh(desk.registry.sites())
    there = partitions.partitions(desk.store, "snapshot_cells")

    taken = desk.snapshots.refresh(Sites([a_site()]))
    left = partitions.partitions(desk.store, "snapshot_cells")
    again = desk.snapshots.refresh(desk.registry.sites())

    assert there
    assert (taken, left, again) == (False, [], True)


def test_a_picture_of_a_day_that_is_no_longer_open_goes(desk: Desk) -> None:
    """As a sealing may leave it that was cut off by an older version."""
    desk.come(3, "a.example")
    desk.snapshots.refresh(desk.registry.sites())
    desk.store.command("TRUNCATE TABLE open_cells")
    desk.clock.pass_by(SECONDS)

    desk.snapshots.refresh(desk.registry.sites())

    assert partitions.partitions(desk.store, "snapshot_cells") == []


def test_a_site_that_asks_later_has_its_present_visits_held_too(desk: Desk) -> None:
    """From the next round on; its cells are in the picture that stands already."""
    desk.come(3, "a.example")
    desk.snapshots.refresh(desk.registry.sites())
    desk.snapshots.refresh(Sites([a_site(id=1, profile="strict"), a_site(id=2, profile="strict")]))

    desk.come(1, "a.example")

    assert (desk.snapshots.visits_now(2), desk.snapshots.visits_now(1)) == (3, 3)


def test_a_first_site_that_turns_strict_never_looks_empty(tmp_path: Path) -> None:
    """Its first question takes the picture, and a round that knows only the old sites leaves it."""
    settings = Settings(data_dir=tmp_path, secrets=SecretsSettings(store="memory"))
    service = build_container(settings, FakeClock(NOON_OF_THE_22ND))
    service.registry.add_site(LOOSE)
    service.prepare()
    service.store_ready = True
    service.read_sites()
    insert(service.store, [hit(str(n), "2026-11-22 10:30", **FIRST_HIT) for n in range(12)])
    take_snapshot(service)

    service.registry.set_site(LOOSE, profile="strict")
    told = []
    for _ in range(2):
        question = ask("visitors", TODAY, site=service.registry.sites().named(LOOSE))
        told.append(service.reports.ask(question).totals["visitors"])
        take_snapshot(service)
    there = partitions.partitions(service.store, "snapshot_cells")
    service.close()

    assert told == [12, 12]
    assert there
