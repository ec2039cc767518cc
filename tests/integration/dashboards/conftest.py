"""Fixtures of the dashboards' tests: a store, a registry, and an anonymous browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.cells.client import Store
from collector.cells.snapshots import Snapshots
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from dashboards import routes as dashboards
from tests.builders import FakeClock
from tests.integration.dashboards.browsing import PASSWORD


@pytest.fixture(scope="module")
def kept_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Open one store for the whole module: opening takes longer than most tests."""
    opened = Store(tmp_path_factory.mktemp("store") / "clickhouse")
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def store(kept_store: Store) -> Store:
    """Empty the store before each test."""
    for table in ("open_cells", "sealed_cells", "seals"):
        kept_store.command(f"TRUNCATE TABLE {table}")
    return kept_store


@pytest.fixture
def clock() -> FakeClock:
    """Stand at noon of Saturday, 21 November 2026."""
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Iterator[Registry]:
    """Know a public site, a private one and one person."""
    with Registry(tmp_path / "registry.sqlite3", clock) as opened:
        opened.add_site("example.org", public=True)
        opened.add_site("private.example")
        opened.add_user("ann", PASSWORD)
        yield opened


@pytest.fixture
def reports(store: Store, registry: Registry, clock: FakeClock) -> Reports:
    """Answer from the store; two visitors are there now."""
    snapshots = Snapshots(store, clock, lambda _, __: 2, registry.sites)
    return Reports(store, registry.sites, clock, snapshots)


@pytest.fixture
def client(reports: Reports, registry: Registry, clock: FakeClock) -> Iterator[TestClient]:
    """Browse the dashboards, anonymously at first."""
    made = dashboards.routes(reports, registry, Settings(), clock=clock, demo=True)
    with TestClient(Starlette(routes=made), follow_redirects=False) as browser:
        yield browser
