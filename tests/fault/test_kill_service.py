"""kill -9 of the whole service in the middle of a stream of hits."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fault.senders import TRUSTING, Stream
from tests.service import Service

KILLS = 10
SITES = ("a.example", "b.example", "c.example", "d.example")


def test_nothing_acknowledged_is_lost_or_doubled_by_ten_kills(tmp_path: Path) -> None:
    """After ten kills every cell is what the acknowledged hits add up to, each counted once."""
    service = Service(tmp_path / "data", SITES, environ=TRUSTING)
    stream = Stream(service)
    chance = random.Random(20261123)

    for _ in range(KILLS):
        service.start()
        stream.start()
        stream.wait_for(chance.randrange(5, 130))
        service.kill()
        stream.stop()
    service.start()
    assert 0 == service.stop()

    assert len(stream.acknowledged) > 500
    assert [] == stream.verdict_on(service)
