"""A strict site's open day is read from a snapshot, in which one more visit is not visible."""

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
"""Answers with current visits, or without merged visitors: they change with each snapshot."""

SOURCE = ["is", "visit:source", ["a.example"]]


@dataclass
class Served:
    """A strict and a standard site over one store, with everything that reads them.

    Attributes:
        visits: how many visits are under way, by site.
    """

    store: Store
    registry: Registry
    clock: FakeClock
    client: TestClient
    snapshots: Snapshots
    visits: dict[int, int] = field(default_factory=dict)

    def visit(self, count: int, source: str) -> None:
        """Add visitors to both sites."""
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

    def answers(self, domain: str) -> dict[str, str]:
        """Return the responses to every kind of query about a site's current day."""
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
def served(store: Store, tmp_path: Path) -> Iterator[Served]:
    """Serve a strict and a standard site, both public, at noon of a Sunday."""
    clock = FakeClock(NOON_OF_THE_22ND)
    with Registry(tmp_path / "registry.sqlite3", clock) as registry:
        registry.add_site(STRICT, public=True, profile="strict")
        registry.add_site(LOOSE, public=True)
        visits: dict[int, int] = {}
        snapshots = Snapshots(store, clock, lambda site, _: visits.get(site, 0), registry.sites)
        reports = Reports(store, registry.sites, clock, snapshots)
        routes = [
            *v1.routes(reports, registry),
            *dashboards.routes(reports, registry, Settings(), clock=clock),
        ]
        with TestClient(Starlette(routes=routes)) as client:
            yield Served(store, registry, clock, client, snapshots, visits)


def test_one_more_visit_is_not_visible_until_the_next_snapshot(served: Served) -> None:
    """Both APIs, the dashboard, its files and current visits change together."""
    served.visit(12, "a.example")
    served.snapshots.refresh(served.registry.sites())
    before = {domain: served.answers(domain) for domain in (STRICT, LOOSE)}

    served.visit(1, "a.example")
    served.clock.pass_by(SECONDS - 1)
    early = served.snapshots.refresh(served.registry.sites())
    between = {domain: served.answers(domain) for domain in (STRICT, LOOSE)}
    served.clock.pass_by(1)
    due = served.snapshots.refresh(served.registry.sites())
    after = served.answers(STRICT)

    assert (early, due) == (False, True)
    assert between[STRICT] == before[STRICT]
    assert [name for name, told in between[LOOSE].items() if told == before[LOOSE][name]] == []
    assert [name for name, told in after.items() if told == before[STRICT][name]] == []


def test_an_expensive_answer_is_cached_past_the_next_snapshot(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expensive answers are cached for five seconds, even past the next snapshot."""
    monkeypatch.setattr(reader, "HEAVY", 4)
    served.clock.pass_by(30)
    served.visit(12, "a.example")
    served.snapshots.refresh(served.registry.sites())
    served.clock.pass_by(SECONDS - 1)
    before = served.answers(STRICT)
    served.visit(1, "a.example")
    served.clock.pass_by(1)
    taken = served.snapshots.refresh(served.registry.sites())
    served.clock.pass_by(reader.FRESH_S - 2)
    known = served.answers(STRICT)
    served.clock.pass_by(1)
    after = served.answers(STRICT)

    assert taken
    assert {name for name, told in known.items() if told != before[name]} == AT_ONCE
    assert [name for name, told in after.items() if told == before[name]] == []


def test_questions_never_asked_before_are_answered_from_the_same_snapshot(served: Served) -> None:
    """A query and its parts, with a visit in between, do not differ by that visit."""
    served.visit(12, "a.example")
    served.snapshots.refresh(served.registry.sites())
    whole = served.client.get(
        "/api/v1/stats/aggregate", params={"site_id": STRICT, "period": "day"}
    )

    served.visit(11, "b.example")
    listed = served.client.get(
        "/api/v1/stats/breakdown",
        params={"site_id": STRICT, "period": "day", "property": "visit:source"},
    )

    assert whole.json()["results"]["visitors"] == {"value": 12}
    assert listed.json()["results"] == [{"source": "a.example", "visitors": 12}]


def test_a_sealed_day_is_in_no_snapshot(served: Served) -> None:
    """The snapshot's partition is dropped with the open one, and no byte of either is left."""
    served.visit(12, "kvzqjx.example")
    served.snapshots.refresh(served.registry.sites())
    there = partitions.partitions(served.store, "snapshot_cells")
    folders = [Path(one) for one in partitions.folders(served.store, "snapshot_cells")]

    seal(served.store, date(2026, 11, 22), served.registry.sites())

    assert there
    assert partitions.partitions(served.store, "snapshot_cells") == []
    assert [folder for folder in folders if folder.exists()] == []


def test_a_removed_site_is_deleted_from_the_snapshot(served: Served) -> None:
    """Its rows are deleted from the snapshot and the open day; the other site's stay."""
    served.visit(12, "a.example")
    served.snapshots.refresh(served.registry.sites())

    erase_site(served.store, 1, served.clock)

    left = served.store.query("SELECT DISTINCT site FROM snapshot_cells WHERE site != 0")
    assert left == [(2,)]


def test_without_strict_sites_there_is_no_snapshot(served: Served) -> None:
    """None is taken, and the last one is dropped with the last strict site."""
    served.visit(3, "a.example")
    served.snapshots.refresh(served.registry.sites())
    there = partitions.partitions(served.store, "snapshot_cells")

    taken = served.snapshots.refresh(Sites([a_site()]))
    left = partitions.partitions(served.store, "snapshot_cells")
    again = served.snapshots.refresh(served.registry.sites())

    assert there
    assert (taken, left, again) == (False, [], True)


def test_the_snapshot_of_a_day_that_is_no_longer_open_is_dropped(served: Served) -> None:
    """A snapshot whose day is no longer open is dropped with the next one."""
    served.visit(3, "a.example")
    served.snapshots.refresh(served.registry.sites())
    served.store.command("TRUNCATE TABLE open_cells")
    served.clock.pass_by(SECONDS)

    served.snapshots.refresh(served.registry.sites())

    assert partitions.partitions(served.store, "snapshot_cells") == []


def test_a_site_that_becomes_strict_later_has_its_visits_frozen(served: Served) -> None:
    """Its visits are frozen from the next run on; its cells are in the snapshot already."""
    served.visit(3, "a.example")
    served.snapshots.refresh(served.registry.sites())
    served.snapshots.refresh(
        Sites([a_site(id=1, profile="strict"), a_site(id=2, profile="strict")])
    )

    served.visit(1, "a.example")

    assert (served.snapshots.visits_now(2), served.snapshots.visits_now(1)) == (3, 3)


def test_the_first_site_that_becomes_strict_never_looks_empty(tmp_path: Path) -> None:
    """Its first query takes the snapshot, and a run with the old list of sites keeps it."""
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
