"""What tests of the dashboards' pages stand on: a store, a registry, and a stranger's browser."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.cells.client import Store
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from dashboards import app as dashboards
from tests.builders import FakeClock

PASSWORD = "correct horse battery"


class PageText(HTMLParser):
    """Collects the words of a page, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and what of it is inline."""
        self._inside = tag
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)
        self.inline += [name for name in names if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        """Leave a tag."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Note words, but for the title's."""
        if self._inside != "title":
            self.words.append(data.strip())


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
    return Reports(store, registry.sites, clock, lambda _: 2)


@pytest.fixture
def client(reports: Reports, registry: Registry, clock: FakeClock) -> Iterator[TestClient]:
    """Browse the dashboards, as a stranger at first."""
    made = dashboards.routes(reports, registry, Settings(), clock=clock, demo=True)
    with TestClient(Starlette(routes=made), follow_redirects=False) as browser:
        yield browser


def log_in(client: TestClient, password: str = PASSWORD, **more: str) -> None:
    """Send the form of the login as Ann."""
    client.post("/login", data={"name": "ann", "password": password, **more})


def words_of(html: str) -> str:
    """Give the words of a page, one blank between them."""
    text = PageText()
    text.feed(html)
    return " ".join(word for word in text.words if word)
