"""The embedded engine's freed memory is returned to the system."""

from __future__ import annotations

import time
from pathlib import Path

from collector.cells.client import Store
from tests.bench.store import resident_mb

ENGINE_KEEPS_MIB, PATIENCE_SECONDS = 50, 60


def test_memory_that_was_freed_is_given_back(tmp_path: Path) -> None:
    """After a large query the engine holds over 100 MiB until it is told to release them."""
    store = Store(tmp_path / "clickhouse")
    store.release_memory()
    before = resident_mb()

    store.command("SELECT uniqExact(number) FROM numbers(3000000) FORMAT Null")
    kept = resident_mb()
    # The engine may take a question's tables apart a while after it answered.
    ends = time.monotonic() + PATIENCE_SECONDS
    while resident_mb() >= before + ENGINE_KEEPS_MIB and time.monotonic() < ends:
        store.release_memory()
    after = resident_mb()
    store.close()

    assert kept > before + ENGINE_KEEPS_MIB
    assert after < before + ENGINE_KEEPS_MIB
