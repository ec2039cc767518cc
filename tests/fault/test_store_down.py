"""The store is down, refuses, or rejects: hits wait, and each is counted once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from collector.cells import receipts
from collector.cells.client import Store
from collector.clock import SystemClock
from collector.errors import SchemaMismatch, Unreachable
from collector.hit import Hit
from collector.settings import DeliverySettings as Pace
from collector.spool import delivery as delivery_module
from collector.spool.delivery import Delivery
from collector.spool.spool import Spool
from tests.builders import FakeClock
from tests.clickhouse_process import Front
from tests.fault.oracle import verdict
from tests.fault.traffic import NOON, invented
from tests.spooling import PACE, a_spool, append

TOO_MANY_PARTS, READONLY, NOT_ENOUGH_SPACE, UNKNOWN_TABLE = 252, 164, 243, 60


def test_f_3_an_outage_costs_nothing(mortal: Front, mortal_server: Store, spool: Spool) -> None:
    """Hits are acknowledged while the server is down, and counted when it is back."""
    before, during, after = (invented(100, seed=seed) for seed in (1, 2, 3))
    delivery = Delivery(spool, mortal_server, SystemClock(), Pace(flush_interval_s=0.05))
    delivery.start()

    append(spool, before)
    mortal.kill()
    acknowledged = append(spool, during)
    while delivery.health().state != "waiting":
        threading.Event().wait(0.02)
    lag = delivery.health().lag_seconds
    mortal.start()
    append(spool, after)
    delivery.stop(30)
    delivery.flush()

    assert all(acknowledged)
    assert lag > 0
    assert [] == verdict(mortal_server, before + during + after)


def test_f_3_a_server_that_is_away_for_a_day(
    mortal: Front, mortal_server: Store, tmp_path: Path
) -> None:
    """Hits of a whole day, midnights of three zones among them, are counted in their own days."""
    clock, hits = FakeClock(NOON), list[Hit]()
    mortal.kill()
    with a_spool(tmp_path, clock=clock) as spool:
        delivery = Delivery(spool, mortal_server, clock, PACE)
        for hour in range(0, 24, 2):
            more = invented(20, seed=hour, start=NOON + hour * 3600)
            assert all(append(spool, more))
            hits += more
            with pytest.raises(Unreachable):
                delivery.flush()
            clock.pass_by(7200)
        lag = delivery.health().lag_seconds
        mortal.start()
        delivery.flush()

    assert 86_400 == lag
    assert len({hit.closes_at for hit in hits}) > 3
    assert [] == verdict(mortal_server, hits)


def test_f_3_a_machine_that_slept_through_a_flush_goes_on(
    server: Store, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flush that seems to have taken a day is not rested from for three."""
    monkeypatch.setattr(delivery_module, "LONGEST_REST_SECONDS", 0.1)
    clock, first, second = FakeClock(), invented(5, seed=1), invented(5, seed=2)

    def sleep_through(hits: list[Hit]) -> list[Hit]:
        clock.pass_by(86_400)
        return hits

    delivery = Delivery(spool, server, clock, Pace(flush_interval_s=0.05), sleep_through)
    append(spool, first)
    delivery.start()
    while delivery.health().hits < len(first):
        threading.Event().wait(0.02)
    append(spool, second)
    ends = time.monotonic() + 60
    while delivery.health().hits < len(first + second) and time.monotonic() < ends:
        threading.Event().wait(0.02)
    delivery.stop(1)

    assert [] == verdict(server, first + second)


def test_f_3_a_server_killed_again_and_again(
    mortal: Front, mortal_server: Store, spool: Spool
) -> None:
    """Kill -9 of the server while batches arrive: every hit is counted once."""
    hits = []
    delivery = Delivery(spool, mortal_server, SystemClock(), Pace(flush_interval_s=0.01))
    delivery.start()

    for seed in range(3):
        more = invented(300, seed=seed)
        append(spool, more)
        hits += more
        threading.Event().wait(0.12 * (seed + 1))
        mortal.kill()
        mortal.start()
    delivery.stop(30)
    delivery.flush()

    assert [] == verdict(mortal_server, hits)


@pytest.mark.parametrize("code", [TOO_MANY_PARTS, READONLY, NOT_ENOUGH_SPACE])
def test_f_6_a_refusal_that_passes_is_retried(
    front: Front, server: Store, spool: Spool, code: int
) -> None:
    """Errors of the server's state keep the batch, which goes when the state has passed."""
    hits = invented(30)
    append(spool, hits)
    delivery = Delivery(spool, server, SystemClock(), PACE)

    front.begin("refuse", b"%d" % code)
    for _ in range(2):
        with pytest.raises(Unreachable, match=str(code)):
            delivery.flush()
    front.end("refuse")
    delivery.flush()

    assert [] == verdict(server, hits)


def test_f_6_a_wrong_schema_stops_delivery_and_loses_nothing(
    front: Front, server: Store, spool: Spool
) -> None:
    """Delivery says `schema` until the tables are ours again; hits go on being acknowledged."""
    hits = invented(30)
    append(spool, hits)
    delivery = Delivery(spool, server, SystemClock(), PACE)

    front.begin("refuse", b"%d" % UNKNOWN_TABLE)
    with pytest.raises(SchemaMismatch):
        delivery.flush()
    delivery.stop(1)
    state = delivery.health().state
    more = invented(10, seed=2)
    acknowledged = append(spool, more)
    front.end("refuse")
    delivery.flush()

    assert "schema" == state
    assert all(acknowledged)
    assert [] == verdict(server, hits + more)


def test_f_7_a_poison_hit_is_counted_and_the_rest_delivered(
    front: Front, server: Store, spool: Spool
) -> None:
    """One hit of a hundred is rejected for its content: it is counted as such and left out."""
    hits = invented(100)
    poison = hits.pop(37)
    append(spool, [*hits[:37], poison, *hits[37:]])
    front.begin("reject", poison.path.encode())

    Delivery(spool, server, SystemClock(), PACE).flush()

    rejected = server.query("SELECT site, sum(count) FROM suppressed GROUP BY site")
    assert [(poison.site, 1)] == rejected
    assert [] == verdict(server, hits)


def test_f_7_halves_that_arrived_are_not_sent_again(
    front: Front, server: Store, spool: Spool
) -> None:
    """A rejected batch of which a half arrived goes on by halves, also once it would be taken."""
    hits = invented(40, zones=("UTC",))
    append(spool, hits)
    (batch,) = spool.close_batches(1000)
    block = receipts.hits_block(spool.hits(batch)[:20], f"{batch.token}.0", batch.closes_at)
    server.insert_block("hits", *block, token=f"{batch.token}.0")

    Delivery(spool, server, SystemClock(), PACE).flush()

    assert [] == verdict(server, hits)
    assert 0 == spool.stats().rows


def test_f_7_a_store_that_rejects_every_batch_loses_nothing(
    front: Front, server: Store, spool: Spool
) -> None:
    """If a batch without hits is rejected too, no hit is at fault: all wait for the store."""
    hits = invented(40)
    append(spool, hits)
    delivery = Delivery(spool, server, SystemClock(), PACE)

    front.begin("reject", b"closes_at")
    with pytest.raises(SchemaMismatch, match="every batch"):
        delivery.flush()
    front.end("reject")
    delivery.flush()

    assert [] == verdict(server, hits)
    assert {} == spool.counts()


def test_f_11_a_batch_restarted_twice_is_the_same_batch(
    front: Front, server: Store, impatient_server: Store, tmp_path: Path
) -> None:
    """Closed, killed, closed again: the same token, the same hits, counted once."""
    hits = invented(40)
    tokens: list[list[str]] = []
    for _ in range(3):
        with a_spool(tmp_path) as spool:
            if not tokens:
                append(spool, hits)
            spool.close_batches(1000)
            tokens.append([batch.token for batch in spool.batches()])
            delivery = Delivery(spool, impatient_server, SystemClock(), PACE)
            if len(tokens) < 3:
                front.begin("after")
                with pytest.raises(Unreachable):
                    delivery.flush()
                front.end("after")
            else:
                delivery.flush()

    assert set(tokens[2]) <= set(tokens[1]) <= set(tokens[0])
    assert [] == verdict(server, hits)
