"""F-22: a spool of format 1 is read: every hit that waits in it, and every visit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec

from collector.cells.client import Store
from collector.clock import SystemClock
from collector.ingest.visits import Visits
from collector.spool.delivery import Delivery
from tests.fault.oracle import verdict
from tests.fault.traffic import NOON
from tests.spooling import PACE, a_spool, waiting

RECORDED = Path(__file__).parents[1] / "vectors" / "spool-format-1"


def test_f_22_a_recorded_spool_is_read_and_counted_once(server: Store, tmp_path: Path) -> None:
    """Every hit that was acknowledged is there, field by field, and counted once."""
    folder = tmp_path / "data"
    shutil.copytree(RECORDED, folder)
    named = json.loads((RECORDED / "hits.json").read_text())

    with a_spool(folder) as spool:
        found = sorted(waiting(spool), key=lambda hit: hit.path)
        Delivery(spool, server, SystemClock(), PACE).flush()
        left = spool.stats().rows

    read = [{field: getattr(hit, field) for field in hit.__struct_fields__} for hit in found]
    assert sorted(named, key=lambda hit: str(hit["path"])) == json.loads(msgspec.json.encode(read))
    assert [] == verdict(server, found)
    assert 0 == left


def test_f_22_recorded_visits_are_read_once(tmp_path: Path) -> None:
    """The visit that the recorded spool saved goes on, and is not loaded again."""
    folder = tmp_path / "data"
    shutil.copytree(RECORDED, folder)
    visits = Visits()

    with a_spool(folder) as spool:
        visits.load(spool.load_visits(), NOON)
        again = spool.load_visits()

    assert (1, {}) == (len(visits), again)
