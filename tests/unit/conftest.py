"""Give unit tests a spool, and the inventions of Hypothesis all the time they take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from collector.spool.spool import Spool
from tests.spooling import a_spool

# A busy machine is no fault of the code: deadlines of 0.2 s failed runs.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Open an empty spool."""
    with a_spool(tmp_path) as opened:
        yield opened
