"""F-22: a spool that an older version left is read by this one: every hit that waits in it."""

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
    """Every hit that version acknowledged is there, field by field, and counted once."""
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


def test_f_22_visits_handed_over_in_an_older_form_are_left_out(tmp_path: Path) -> None:
    """Those visits split, as after a crash: the start goes on, and they are not asked again."""
    folder = tmp_path / "data"
    shutil.copytree(RECORDED, folder)
    visits = Visits()

    with a_spool(folder) as spool:
        handed_over = spool.load_visits()
        visits.load(handed_over, NOON)
        again = spool.load_visits()

    assert 1 == len(handed_over)
    assert (0, {}) == (len(visits), again)
