"""Give integration tests a real store: chDB in a fresh folder for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cells.client import Store


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare an empty store once; its folder is closed, and there to be copied."""
    folder = tmp_path_factory.mktemp("prepared") / "clickhouse"
    store = Store(folder)
    store.prepare()
    store.close()
    return folder


@pytest.fixture
def store(tmp_path: Path, prepared: Path) -> Iterator[Store]:
    """Open a prepared, empty store; closed after the test, for chDB knows one path at a time."""
    shutil.copytree(prepared, tmp_path / "clickhouse", symlinks=True)
    opened = Store(tmp_path / "clickhouse")
    yield opened
    opened.close()
