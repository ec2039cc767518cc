"""Serve the reading APIs over a real store and registry, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.api.v1 import routes
from collector.cells.client import Store
from collector.cells.snapshots import Snapshots
from collector.registry.store import Registry
from collector.stats.report import Reports
from tests.builders import FakeClock
from tests.integration.seeding import FIRST_HIT, hit, insert

NOON_OF_THE_22ND = 1_795_348_800.0


@dataclass
class ReadingService:
    """The APIs over a public site, `open.example`, and a private one, `private.example`."""

    client: TestClient
    store: Store
    registry: Registry

    def get(self, path: str, site: str = "open.example", token: str = "", **given: Any) -> Any:
        """Ask version 1 and give the answer's JSON."""
        return self.client.get(
            f"/api/v1/stats/{path}", params={"site_id": site, **given}, headers=_bearer(token)
        ).json()

    def status(self, path: str, **given: Any) -> int:
        """Ask version 1 and give the answer's status."""
        return int(self.client.get(f"/api/v1/stats/{path}", params=given).status_code)

    def query(self, token: str = "", **keys: Any) -> Any:
        """Ask version 2 about the public site's present day and give the answer's JSON."""
        question = {"site_id": "open.example", "date_range": "day", "metrics": ["visitors"], **keys}
        return self.client.post("/api/v2/query", json=question, headers=_bearer(token)).json()


@contextmanager
def reading_service(store: Store, folder: Path) -> Iterator[ReadingService]:
    """Serve on Sunday the 22nd of November 2026, at noon UTC."""
    clock = FakeClock(NOON_OF_THE_22ND)
    with Registry(folder / "registry.sqlite3", clock) as registry:
        registry.add_site("open.example", public=True)
        registry.add_site("private.example")
        snapshots = Snapshots(store, clock, lambda site, _: 4 + site, registry.sites)
        reports = Reports(store, registry.sites, clock, snapshots)
        app = Starlette(routes=list(routes(reports, registry)))
        with TestClient(app) as client:
            yield ReadingService(client, store, registry)


def visit(store: Store, count: int, day: str = "2026-11-22", **columns: Any) -> None:
    """Let so many visitors come to the public site."""
    insert(store, [hit(f"{n}", f"{day} 10:00", **{**FIRST_HIT, **columns}) for n in range(count)])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
