"""Give unit tests a spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.spool.journal import Journal
from tests.spooling import a_journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty spool."""
    with a_journal(tmp_path) as opened:
        yield opened
