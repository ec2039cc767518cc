"""A store that has little patience with an INSERT that cannot end, and all patience otherwise.

So that a test waits one and a half seconds for a timeout it wants, and a slow machine
meets none that it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from collector.cells.client import Store
from collector.errors import Unreachable

PATIENCE_SECONDS = 1.5
NOWHERE = Path("/nonexistent")


class ImpatientStore(Store):
    """The store, which gives up INSERTs soon while something stalls them."""

    def __init__(self, dsn: str, stalls: Callable[[], bool]) -> None:
        """Connect; what stalls must not do so yet."""
        super().__init__(NOWHERE, dsn)
        self._stalls = stalls
        self._soon = Store(NOWHERE, dsn, call_timeout_s=PATIENCE_SECONDS)
        while not _answers(self._soon):
            pass

    def insert_block(self, table: str, columns: Sequence[str], block: bytes, **named: Any) -> None:
        """Insert."""
        insert = self._soon.insert_block if self._stalls() else super().insert_block
        insert(table, columns, block, **named)

    def close(self) -> None:
        """Close both."""
        self._soon.close()
        super().close()


@contextmanager
def impatient_store(dsn: str, stalls: Callable[[], bool]) -> Iterator[ImpatientStore]:
    """Open such a store.

    Args:
        stalls: tells whether INSERTs are stalled at present.
    """
    store = ImpatientStore(dsn, stalls)
    try:
        yield store
    finally:
        store.close()


def _answers(store: Store) -> bool:
    try:
        return store.query("SELECT 1") == [(1,)]
    except Unreachable:
        return False
