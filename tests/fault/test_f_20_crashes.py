"""F-20 and F-21: the engine takes the process along; lists and databases are broken or gone."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.fault.senders import TRUSTING, Stream
from tests.service import Service


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT])
def test_f_20_a_crash_of_the_engine_costs_no_acknowledged_hit(
    tmp_path: Path, crash: signal.Signals
) -> None:
    """The embedded engine may end its process as it likes: the next one counts from the spool."""
    service = Service(tmp_path / "data", environ=TRUSTING)
    stream = Stream(service)

    service.start()
    stream.start()
    stream.wait_for(60)
    assert service.process is not None
    os.kill(service.process.pid, crash)
    assert -crash == service.process.wait(timeout=30)
    stream.stop()
    service.start()
    assert 0 == service.stop()

    assert len(stream.acknowledged) > 50
    assert [] == stream.verdict_on(service)


def test_f_21_a_geo_database_that_is_missing_corrupt_or_swapped_costs_no_hit(
    tmp_path: Path,
) -> None:
    """Without a usable file the service starts and counts; so it does while the file changes."""
    database = tmp_path / "places.mmdb"
    with Service(tmp_path / "data", environ={"FOOTFALL_GEO_DATABASE": str(database)}) as service:
        statuses = [service.hit("/missing").status]
        for content in (b"", b"\0" * 4096, os.urandom(65_536)):
            replacement = tmp_path / "new.mmdb"
            replacement.write_bytes(content)
            replacement.replace(database)
            threading.Event().wait(0.3)
            statuses.append(service.hit("/broken").status)
        database.unlink()
        statuses.append(service.hit("/gone").status)
        service.wait_for(5, lambda: service.aggregate()["pageviews"])
        known = sum(service.breakdown("visit:country", "pageviews").values())

    assert [202] * 5 == statuses
    assert 5 == known
