"""Sends whose outcome nobody knows: receipts decide, and never a window of time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from collector.cells import receipts
from collector.cells.client import Store
from collector.clock import SystemClock
from collector.errors import DeliveryError, Unreachable
from collector.spool.delivery import Delivery
from collector.spool.spool import Spool
from tests.clickhouse_process import Front
from tests.fault.impatient_store import impatient_store
from tests.fault.oracle import verdict
from tests.fault.proxy import Proxy
from tests.fault.traffic import invented
from tests.spooling import PACE, append


@pytest.fixture
def proxy(front: Front, server: Store) -> Iterator[Proxy]:
    """Stand before the server once its tables are made."""
    between = Proxy(front.port)
    yield between
    between.close()


@pytest.fixture
def through(server: Store, proxy: Proxy) -> Iterator[Store]:
    """Reach a server's database by way of the proxy."""
    database = server.dsn.rpartition("/")[2]
    with impatient_store(
        f"clickhouse://default:@127.0.0.1:{proxy.port}/{database}", proxy.holds
    ) as store:
        yield store


def deliver_until_empty(spool: Spool, store: Store) -> int:
    """Flush until nothing waits, as the thread would; return how many flushes failed."""
    delivery, failed = Delivery(spool, store, SystemClock(), PACE), 0
    while spool.stats().rows:
        try:
            delivery.flush()
        except DeliveryError:
            failed += 1
    return failed


def test_f_5_error_after_apply_is_counted_once(
    server: Store, through: Store, proxy: Proxy, spool: Spool
) -> None:
    """The connection is cut before the reply, for every batch: nothing is counted twice."""
    hits = invented(60)
    append(spool, hits)
    proxy.cut_replies = 3

    failed = deliver_until_empty(spool, through)

    assert 3 == failed
    assert [] == verdict(server, hits)


def test_f_5_error_before_apply_is_counted_once(
    server: Store, through: Store, proxy: Proxy, spool: Spool
) -> None:
    """The connection is cut within the request: it goes again and is counted."""
    hits = invented(60)
    append(spool, hits)
    proxy.cut_requests = 3

    failed = deliver_until_empty(spool, through)

    assert 3 == failed
    assert [] == verdict(server, hits)


def test_f_4_an_insert_that_outlives_the_client_is_counted_once(
    front: Front, server: Store, impatient_server: Store, spool: Spool
) -> None:
    """An INSERT stalls in the server past the client's timeout; it is ended, then asked for."""
    hits = invented(40)
    append(spool, hits)
    delivery = Delivery(spool, impatient_server, SystemClock(), PACE)

    front.begin("before")
    with pytest.raises(Unreachable):
        delivery.flush()
    front.end("before")
    delivery.flush()

    assert [] == verdict(server, hits)


def test_f_4_an_insert_that_finishes_later_is_counted_once(
    front: Front, server: Store, impatient_server: Store, spool: Spool
) -> None:
    """An INSERT is applied, but its server answers long after the client has gone."""
    hits = invented(40)
    append(spool, hits)
    delivery = Delivery(spool, impatient_server, SystemClock(), PACE)

    front.begin("after")
    with pytest.raises(Unreachable):
        delivery.flush()
    front.end("after")
    delivery.flush()

    assert [] == verdict(server, hits)


def test_f_4_a_request_that_arrives_late_is_counted_once(
    server: Store, through: Store, proxy: Proxy, spool: Spool
) -> None:
    """A request held in the network past the timeout arrives after its batch went again.

    Here the receipt cannot help, for nobody sees what is on its way: the token,
    the second line, makes the late one a repetition.
    """
    hits = invented(30, zones=("UTC",))
    append(spool, hits)
    proxy.hold.set()
    with pytest.raises(Unreachable):
        Delivery(spool, through, SystemClock(), PACE).flush()

    deliver_until_empty(spool, server)
    before = server.query("SELECT sum(pageviews) FROM open_cells WHERE view = 10 AND grain = 0")
    proxy.release()

    assert 1 == proxy.held
    assert [(30 - len([hit for hit in hits if not hit.pageviews]),)] == before
    assert [] == verdict(server, hits)


def test_f_4_acknowledgements_never_wait_for_the_store(
    front: Front, server: Store, impatient_server: Store, spool: Spool
) -> None:
    """While an INSERT hangs, hits go on being acknowledged and none is lost."""
    first, later = invented(20, seed=1), invented(500, seed=2)
    append(spool, first)
    delivery = Delivery(spool, impatient_server, SystemClock(), PACE)
    front.begin("before")
    delivery.start()

    acknowledged = [append(spool, [hit])[0] for hit in later]
    still_hanging = spool.stats().rows
    front.end("before")
    delivery.stop(30)

    assert all(acknowledged)
    assert 520 == still_hanging
    assert [] == verdict(server, first + later)


def tokens_only(spool: Spool, store: Store) -> None:
    """Deliver as most would: send again with the same token, and trust the server's window."""
    for batch in spool.batches():
        columns, stream = receipts.hits_block(spool.hits(batch), batch.token, batch.closes_at)
        store.insert_block("hits", columns, stream, token=batch.token)
        spool.delete(batch)


def with_receipts(spool: Spool, store: Store) -> None:
    """Deliver as we do."""
    Delivery(spool, store, SystemClock(), PACE).flush()


@pytest.mark.parametrize(
    ("deliver", "times_counted"), [(tokens_only, 2), (with_receipts, 1)], ids=["tokens", "receipts"]
)
def test_receipts_hold_where_tokens_fail(
    mortal: Front,
    mortal_server: Store,
    spool: Spool,
    deliver: Callable[[Spool, Store], None],
    times_counted: int,
) -> None:
    """After a power cut that loses the server's log of tokens, only receipts count once.

    ClickHouse never syncs that log (its issue 111577), while our parts are synced.
    """
    hits = invented(25, zones=("UTC",))
    append(spool, hits)
    for batch in spool.close_batches(1000):
        block = receipts.hits_block(spool.hits(batch), batch.token, batch.closes_at)
        mortal_server.insert_block("hits", *block, token=batch.token)
    mortal.kill()
    logs = list(mortal.folder.rglob("deduplication_logs"))
    for log in logs:
        shutil.rmtree(log)
    mortal.start()

    deliver(spool, mortal_server)

    counted = mortal_server.query(
        "SELECT sum(pageviews) FROM open_cells WHERE view = 10 AND grain = 0"
    )
    assert len(logs) >= 1
    assert 25 * times_counted == counted[0][0]


@pytest.mark.parametrize(
    ("deliver", "times_counted"), [(tokens_only, 0), (with_receipts, 1)], ids=["tokens", "receipts"]
)
@pytest.mark.parametrize("deaths", [1, 3])
def test_a_token_without_its_part_holds_up_nothing(
    server: Store,
    spool: Spool,
    deaths: int,
    deliver: Callable[[Spool, Store], None],
    times_counted: int,
) -> None:
    """Killed between its log of tokens and the part, ClickHouse takes the batch for a repetition.

    Here the log knows the token by another block, of no hits.
    """
    hits = invented(25, zones=("UTC",))
    append(spool, hits)
    for batch in spool.close_batches(1000):
        for token in (batch.token, f"{batch.token}~1", f"{batch.token}~2")[:deaths]:
            other = receipts.hits_block([], f"other {token}", batch.closes_at)
            server.insert_block("hits", *other, token=token)

    deliver(spool, server)

    counted = server.query("SELECT sum(pageviews) FROM open_cells WHERE view = 10 AND grain = 0")
    assert 25 * times_counted == counted[0][0]
    assert 0 == spool.stats().rows
