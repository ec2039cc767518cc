"""Give fault tests a server, stores on it, and a spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.spool.journal import Journal
from tests.clickhouse_process import Front, a_front, new_database
from tests.spooling import a_journal

PATIENCE_SECONDS = 1.5


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Run a front for all tests that do not kill it."""
    with a_front(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def server(front: Front) -> Iterator[Store]:
    """Open a prepared, empty database on the front, with little patience."""
    store = Store(Path("/nonexistent"), new_database(front), call_timeout_s=PATIENCE_SECONDS)
    store.prepare()
    yield store
    store.close()
    front.behave()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Front]:
    """Run a front that a test may kill."""
    with a_front(tmp_path / "server") as running:
        yield running


@pytest.fixture
def mortal_server(mortal: Front) -> Iterator[Store]:
    """Open a prepared, empty store on the front that may be killed."""
    store = Store(Path("/nonexistent"), mortal.dsn())
    store.prepare()
    yield store
    store.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty spool."""
    with a_journal(tmp_path) as opened:
        yield opened
