"""Delivery brings each hit into the store once: embedded, and over HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.cells.client import Store
from collector.clock import SystemClock
from collector.counters import Counters
from collector.errors import SchemaMismatch, Unreachable
from collector.settings import DeliverySettings as Pace
from collector.spool.delivery import Delivery
from collector.spool.spool import Spool
from tests.builders import FakeClock, a_hit
from tests.clickhouse_process import Front, a_front, new_database
from tests.fault.oracle import verdict
from tests.fault.traffic import invented
from tests.spooling import PACE, a_spool, append

SERVER = bool(os.environ.get("FOOTFALL_TEST_CLICKHOUSE_DSN"))


@pytest.fixture(scope="module")
def shared_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front | None]:
    """Run one front for all tests here, unless a server is given."""
    if SERVER:
        yield None
        return
    with a_front(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=["embedded", "http"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, shared_front: Front | None
) -> Iterator[Store]:
    """Open a prepared, empty store of either kind."""
    dsn = new_database(shared_front) if request.param == "http" else ""
    opened = Store(tmp_path / "clickhouse", dsn)
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Open an empty spool."""
    with a_spool(tmp_path) as opened:
        yield opened


def deliver(spool: Spool, store: Any, pace: Pace = PACE) -> Delivery:
    """Deliver all that waits, by a delivery that knows nothing of what was sent before."""
    delivery = Delivery(spool, store, SystemClock(), pace)
    delivery.flush()
    return delivery


def test_every_hit_is_counted_once(spool: Spool, store: Store) -> None:
    """Hits of three sites and days become exactly the cells an independent count expects."""
    hits = invented(700)
    append(spool, hits)

    health = deliver(spool, store).health()

    assert [] == verdict(store, hits)
    assert (0, 0, None) == spool.stats()[:3]
    assert (700, 0.0) == (health.hits, health.lag_seconds)


def test_a_batch_is_one_part_with_its_receipt(spool: Spool, store: Store) -> None:
    """Cells and receipt of six thousand hits are in the same part, so they appear together."""
    store.command("SYSTEM STOP MERGES open_cells")
    append(spool, invented(6000, zones=("UTC",)))

    deliver(spool, store, Pace(max_batch_hits=100_000))

    parts = store.query("SELECT _part, countIf(view = 0) FROM open_cells GROUP BY _part")
    batches = store.query("SELECT count() FROM open_cells WHERE view = 0")[0][0]
    assert [1] * batches == [receipts for _, receipts in parts]


def test_a_batch_that_arrived_is_not_sent_again(spool: Spool, store: Store) -> None:
    """A batch that was applied, of which nobody heard, is found by its receipt."""
    hits = invented(50)
    append(spool, hits)

    class LosesReplies:
        """The store, but for the replies to INSERTs."""

        def __getattr__(self, name: str) -> Any:
            """Be the store."""
            return getattr(store, name)

        def insert_block(self, *arguments: Any, **named: Any) -> None:
            """Insert, and lose the reply."""
            store.insert_block(*arguments, **named)
            raise Unreachable("the reply was lost")

    for _ in range(3):
        with pytest.raises(Unreachable):
            deliver(spool, LosesReplies())
    deliver(spool, store)

    assert [] == verdict(store, hits)


def test_a_batch_closed_and_never_sent_is_sent_after_a_restart(spool: Spool, store: Store) -> None:
    """No receipt means not there: a batch of the process before goes now."""
    hits = invented(20)
    append(spool, hits)
    spool.close_batches(1000)

    deliver(spool, store)

    assert [] == verdict(store, hits)


def test_a_bad_hit_is_set_aside_and_the_rest_counted(spool: Spool, store: Store) -> None:
    """Halving finds the one hit that does not fit; it is counted, and no other is lost."""
    good = invented(40, zones=("UTC",))
    bad = a_hit(path="/bad", day=70_000, closes_at=good[0].closes_at)
    append(spool, [*good[:13], bad, *good[13:]])

    deliver(spool, store)

    assert [] == verdict(store, good)
    assert [("rejected", 1, 1)] == store.query("SELECT reason, site, count FROM suppressed")
    assert 0 == spool.stats().rows


def test_a_store_that_keeps_nothing_is_noticed(spool: Spool, store: Store) -> None:
    """Without the view an INSERT is accepted and vanishes; delivery stops and nothing is lost."""
    hits = invented(20, zones=("UTC",))
    append(spool, hits)
    store.command("DROP VIEW fan_out SYNC")

    with pytest.raises(SchemaMismatch):
        deliver(spool, store)
    store.prepare()
    deliver(spool, store)

    assert [] == verdict(store, hits)


def test_a_missing_table_stops_delivery_loudly(spool: Spool, store: Store) -> None:
    """The health says so, nothing is lost, and delivery goes on once the table is back."""
    hits = invented(20, zones=("UTC",))
    append(spool, hits)
    store.command("DROP TABLE hits SYNC")
    delivery = Delivery(spool, store, SystemClock(), PACE)

    delivery.stop(1)
    stopped = delivery.health()
    store.prepare()
    delivery.stop(10)

    assert "schema" == stopped.state
    assert "hits" in stopped.last_error
    assert "ok" == delivery.health().state
    assert [] == verdict(store, hits)


def test_counts_by_reason_reach_the_store(tmp_path: Path, store: Store) -> None:
    """Counts are cumulative: sent twice they are still counted once."""
    counters, day = Counters(), 20_778
    with a_spool(tmp_path, counters=counters, clock=FakeClock(day * 86_400)) as spool:
        for _ in range(3):
            counters.count("gpc", day)
            counters.count("bot", day, 4)
            deliver(spool, store)

    assert [("bot", 4, 3), ("gpc", 0, 3)] == store.query(
        "SELECT reason, site, max(count) FROM suppressed GROUP BY reason, site ORDER BY reason"
    )


def test_the_thread_delivers_by_itself(spool: Spool, store: Store) -> None:
    """A started delivery empties the spool, and stopping it drains what came last."""
    hits = invented(300)
    delivery = Delivery(spool, store, SystemClock(), Pace(flush_interval_s=0.05))
    delivery.start()

    append(spool, hits[:200])
    while spool.stats().rows:
        threading.Event().wait(0.02)
    append(spool, hits[200:])
    delivery.stop(20)

    assert [] == verdict(store, hits)
    assert 0 == spool.stats().rows


def test_no_row_touches_a_disk_on_the_way(
    spool: Spool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delivery works where no temporary file can be made."""
    hits = invented(50)
    append(spool, hits)
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")

    deliver(spool, store)

    assert [] == verdict(store, hits)


def test_unreadable_hits_are_counted_as_lost(spool: Spool, store: Store, tmp_path: Path) -> None:
    """If a key is gone its hits are told as lost; they are never counted wrongly."""
    append(spool, invented(5, zones=("UTC",)))
    for key in (tmp_path / "keys").iterdir():
        key.unlink()
    spool._keys._ciphers.clear()

    deliver(spool, store)

    assert [] == verdict(store, [])
    assert [("lost", 5)] == store.query("SELECT reason, count FROM suppressed")


def test_a_silent_store_is_unreachable(spool: Spool) -> None:
    """Nobody at the address: the hits wait, and the health says for how long."""
    append(spool, invented(5))
    nobody = Store(Path("/nonexistent"), "clickhouse://default:@127.0.0.1:9/default")

    with pytest.raises(Unreachable):
        deliver(spool, nobody)

    assert 5 == spool.stats().rows
