"""Give integration tests a real store: chDB in a fresh folder for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cells.client import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a prepared, empty store; closed after the test, for chDB knows one path at a time."""
    opened = Store(tmp_path / "clickhouse")
    opened.prepare()
    yield opened
    opened.close()
