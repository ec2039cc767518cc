"""Bring the spool's hits into the store, each exactly once.

Knows the order of steps: a batch is closed and its token durable before it is
first sent; when the outcome of a send is unknown it first makes sure that the
send is over, then asks for the batch's receipt. Refuses to know tables and
files. Runs in a thread of its own, so neither the event loop nor an
acknowledgement ever waits for the store.

Source: docs/design/0002-one-part-one-receipt.md.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from collector.cells import receipts
from collector.clock import Clock
from collector.counters import Counted
from collector.errors import Rejected, SchemaMismatch, SpoolError, Unreachable
from collector.hit import Hit
from collector.spool import quarantine
from collector.spool.encryption import Batch
from collector.spool.spool import Spool

BACK_OFF_FIRST_SECONDS = 0.5
BACK_OFF_MOST_SECONDS = 60.0
SCHEMA_RETRY_SECONDS = 60.0
MOST_OF_A_CORE = 0.3
LONGEST_REST_SECONDS = 10.0
MOST_TOKENS = 4
"""Under so many a batch goes, one after the other, while the store accepts it and keeps nothing."""

_log = logging.getLogger(__name__)


class InsertClient(Protocol):
    """What delivery asks of the store; `cells.client.Store` is one."""

    def insert_arrow(
        self, table: str, columns: Sequence[str], stream: bytes, *, token: str, query_id: str = ""
    ) -> None:
        """Insert one Arrow stream as one part."""
        ...


class Pace(Protocol):
    """How often and how much is sent; `settings.Delivery` is one."""

    @property
    def flush_interval_s(self) -> float:
        """Seconds from one flush to the next."""
        ...

    @property
    def max_batch_hits(self) -> int:
        """Hits in one batch, at most about."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """How delivery fares.

    Attributes:
        state: `schema` means that nothing is sent until the store's tables are ours again.
        lag_seconds: the age of the oldest hit that is not in the store; 0 if there is none.
        last_error: what went wrong last, in our own words; empty once a flush succeeded.
        batches: how many were delivered since the start.
        hits: how many hits these held.
    """

    state: Literal["idle", "ok", "waiting", "schema"]
    lag_seconds: float
    last_error: str
    batches: int
    hits: int


class Delivery:
    """The thread that empties the spool into the store.

    Args:
        shape: applied to the hits of a batch before they are sent, such as
            caps on how many values a dimension may have.
    """

    def __init__(
        self,
        spool: Spool,
        store: InsertClient,
        clock: Clock,
        pace: Pace,
        shape: Callable[[list[Hit]], list[Hit]] | None = None,
    ) -> None:
        self._spool = spool
        self._store = store
        self._clock = clock
        self._pace = pace
        self._filter = shape
        self._never_sent: set[str] = set()
        self._attempts = 0
        self._state: Literal["idle", "ok", "waiting", "schema"] = "idle"
        self._last_error = ""
        self._batches = self._hits = 0
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def stop(self, drain_seconds: float) -> None:
        """End the thread, then deliver what is left for at most so many seconds.

        What does not go through stays in the spool for the next start.
        """
        self._stopping.set()
        until = self._clock.monotonic() + drain_seconds
        if self._thread is not None:
            self._thread.join(drain_seconds)
            if self._thread.is_alive():
                return
            self._thread = None
        while self._clock.monotonic() < until and self._spool.stats().rows:
            if not self._attempt():
                return

    def flush(self) -> None:
        """Deliver all that is in the spool now; in the thread that calls.

        Raises:
            Unreachable: if the store does not answer or an outcome is unknown.
            SchemaMismatch: if the store's tables are not ours.
            SpoolError: if the spool cannot be read.
        """
        with self._turn:
            self._confirm_unconfirmed()
            while batches := self._spool.batches() or self._close_batches():
                for batch in batches:
                    self._deliver(batch)
            self._deliver_counts()

    def health(self) -> DeliveryHealth:
        """Tell how delivery fares; any thread, never waits."""
        oldest = self._spool.stats().oldest
        lag = max(0.0, self._clock.now() - oldest) if oldest is not None else 0.0
        return DeliveryHealth(self._state, lag, self._last_error, self._batches, self._hits)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            failures = 0 if self._attempt() else failures + 1
            self._stopping.wait(self._pause(failures, self._clock.monotonic() - began))

    def _attempt(self) -> bool:
        try:
            self.flush()
        except SchemaMismatch as mismatch:
            self._note("schema", mismatch)
        except (Unreachable, SpoolError) as failed:
            self._note("waiting", failed)
        except Exception as unexpected:  # noqa: BLE001 - the thread outlives what nobody foresaw
            self._note("waiting", unexpected)
        else:
            self._state, self._last_error = "ok", ""
            return True
        return False

    def _note(self, state: Literal["waiting", "schema"], error: Exception) -> None:
        if self._last_error != str(error):
            level = logging.ERROR if state == "schema" else logging.WARNING
            _log.log(level, "delivery waits, nothing is lost: %s", error)
        self._state, self._last_error = state, str(error)

    def _pause(self, failures: int, cost_seconds: float) -> float:
        if self._state == "schema":
            return SCHEMA_RETRY_SECONDS
        if failures:
            most = min(BACK_OFF_MOST_SECONDS, BACK_OFF_FIRST_SECONDS * 2 ** min(failures, 10))
            return random.uniform(most / 2, most)  # noqa: S311 - jitter, no secret
        # One core in three at most: many small partitions make a flush dear. A machine that
        # slept through a flush makes it look dearer than any is.
        longest = self._pace.flush_interval_s + LONGEST_REST_SECONDS
        rest = max(self._pace.flush_interval_s, cost_seconds / MOST_OF_A_CORE) - cost_seconds
        return min(rest, longest)

    def _confirm_unconfirmed(self) -> None:
        for closes_at, first in self._spool.unconfirmed_days():
            prefix = f"{self._spool.epoch}.{closes_at}."
            receipts.wait_until_over(self._store, prefix)
            tokens = receipts.arrived(self._store, closes_at, prefix, first)
            self._spool.confirm(closes_at, tokens)

    def _close_batches(self) -> list[Batch]:
        batches = self._spool.close_batches(self._pace.max_batch_hits)
        self._never_sent = {batch.token for batch in batches}
        return batches

    def _deliver(self, batch: Batch) -> None:
        # A batch that this process did not close may have been sent by the one before.
        if batch.token not in self._never_sent and self._has_arrived(batch):
            self._forget(batch, batch.count)
            return
        hits = self._spool.hits(batch)
        try:
            self._send_until_stored(batch, hits)
        except Rejected as rejected:
            if not self._has_arrived(batch):
                self._take_apart(batch, hits, rejected)
                return
        self._forget(batch, len(hits))

    def _send_until_stored(self, batch: Batch, hits: list[Hit]) -> None:
        self._never_sent.discard(batch.token)
        shaped = self._filter(hits) if self._filter else hits
        harmless = [quarantine.without(hit, batch.state) for hit in shaped]
        block = receipts.arrow_block(harmless, batch.token, batch.closes_at)
        for nth in range(MOST_TOKENS):
            self._send(batch, block, f"{batch.token}~{nth}" if nth else batch.token)
            # An INSERT that found no view, or a used token, is accepted and keeps nothing; and
            # a store that was killed may have logged a token without the part.
            if receipts.has_receipt(self._store, batch.closes_at, batch.token):
                return
        raise SchemaMismatch("the store took a batch and kept nothing of it")

    def _send(self, batch: Batch, block: receipts.Block, token: str) -> None:
        self._attempts += 1
        attempt = f"{batch.token}/{self._attempts}"
        self._store.insert_arrow("hits", *block, token=token, query_id=attempt)

    def _has_arrived(self, batch: Batch) -> bool:
        receipts.wait_until_over(self._store, batch.token)
        return receipts.has_receipt(self._store, batch.closes_at, batch.token)

    def _forget(self, batch: Batch, arrived: int) -> None:
        lost = batch.count - arrived
        self._spool.delete(batch, lost)
        self._batches += 1
        self._hits += arrived
        if lost:
            _log.error("%d hits of the spool could not be read and are lost", lost)

    def _take_apart(self, batch: Batch, hits: list[Hit], rejected: Rejected) -> None:
        if len(hits) > 1:
            self._spool.split(batch, hits)
            return
        if batch.state == quarantine.WHOLE:
            _log.error("the store rejects a hit, which is counted and set aside: %s", rejected)
        site = hits[0].site if hits else 0
        self._spool.set_aside(batch, site, quarantine.next_state(batch.state))

    def _deliver_counts(self) -> None:
        counts: Mapping[Counted, int] = self._spool.counts()
        if not counts:
            return
        collector = self._spool.epoch
        columns, stream = receipts.counts_block(counts, collector)
        self._attempts += 1
        token = f"{collector}.counts.{self._attempts}"
        self._store.insert_arrow("suppressed", columns, stream, token=token, query_id=token)
        self._spool.counts_delivered(counts)
