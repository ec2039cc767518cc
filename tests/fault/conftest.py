"""Give fault tests a server, stores on it, and a spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cells import schema
from collector.cells.client import Store
from collector.spool.spool import Spool
from tests.clickhouse_process import Front, a_front, new_database
from tests.fault.impatient_store import impatient_store
from tests.spooling import a_spool


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Run a front for all tests that do not kill it."""
    with a_front(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def prepared(front: Front) -> Iterator[Store]:
    """Prepare a database on the front once; making its tables takes longer than most tests."""
    store = Store(Path("/nonexistent"), new_database(front))
    store.prepare()
    yield store
    store.close()


@pytest.fixture
def server(front: Front, prepared: Store) -> Iterator[Store]:
    """Give an empty store on the front, which behaves again when the test is over."""
    yield prepared
    front.behave()
    for table in schema.tables().keys() - {"hits"}:
        prepared.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def impatient_server(front: Front, server: Store) -> Iterator[Store]:
    """Reach the same store, but give up an INSERT soon while the front stalls."""
    with impatient_store(server.dsn, front.stalls) as store:
        yield store


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
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Open an empty spool."""
    with a_spool(tmp_path) as opened:
        yield opened
