"""Deliver the spool's hits to the store, each exactly once.

A batch is closed and its token durable before it is first sent. If the outcome of a send is
unknown, delivery first makes sure that the send is over, then asks for the batch's receipt. It
runs in a thread of its own, so that neither the event loop nor an acknowledgement waits for the
store.

Source: docs/design/0002-one-part-one-receipt.md, docs/design/0022-rejected-batches.md.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from collector.cells import receipts
from collector.clock import Clock
from collector.errors import Rejected, SchemaMismatch, SpoolError, Unreachable
from collector.hit import Hit
from collector.spool.database import Batch
from collector.spool.spool import Spool

if TYPE_CHECKING:
    from collector.cells.client import Store
    from collector.settings import DeliverySettings

BACK_OFF_FIRST_SECONDS = 0.5
BACK_OFF_MAX_SECONDS = 60.0
SCHEMA_RETRY_SECONDS = 60.0
MAX_SHARE_OF_A_CORE = 0.3
LONGEST_REST_SECONDS = 10.0
TOKENS_TO_TRY = 4
"""How many tokens a batch is sent under, in turn, while the store accepts it but keeps nothing."""

State = Literal["idle", "ok", "waiting", "schema"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """The state of delivery.

    Attributes:
        state: `schema` means that nothing is delivered until the store's tables are ours again.
        lag_seconds: the age of the oldest hit that is not in the store; 0 if there is none.
        last_error: what went wrong last; empty once a flush succeeded.
        batches: how many were delivered since the start.
        hits: how many hits these held.
    """

    state: State
    lag_seconds: float
    last_error: str
    batches: int
    hits: int


class Delivery:
    """The thread that empties the spool into the store.

    Args:
        batch_filter: applied to the hits of a batch before they are sent, such as
            caps on how many values a dimension may have.
    """

    def __init__(
        self,
        spool: Spool,
        store: Store,
        clock: Clock,
        settings: DeliverySettings,
        batch_filter: Callable[[list[Hit]], list[Hit]] | None = None,
    ) -> None:
        self._spool = spool
        self._store = store
        self._clock = clock
        self._settings = settings
        self._filter = batch_filter
        self._never_sent: set[str] = set()
        self._attempts = 0
        self._state: State = "idle"
        self._last_error = ""
        self._batches = self._hits = 0
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread still works, as after a `stop` that did not wait for its end."""
        return self._thread is not None and self._thread.is_alive()

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
        """Return the state of delivery; any thread, never waits."""
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
        except Exception as unexpected:  # noqa: BLE001 - an unexpected error must not end the thread
            self._note("waiting", unexpected)
        else:
            self._state, self._last_error = "ok", ""
            return True
        return False

    def _note(self, state: State, error: Exception) -> None:
        if self._last_error != str(error):
            level = logging.ERROR if state == "schema" else logging.WARNING
            _log.log(level, "delivery waits, nothing is lost: %s", error)
        self._state, self._last_error = state, str(error)

    def _pause(self, failures: int, cost_seconds: float) -> float:
        if self._state == "schema":
            return SCHEMA_RETRY_SECONDS
        if failures:
            longest = min(BACK_OFF_MAX_SECONDS, BACK_OFF_FIRST_SECONDS * 2 ** min(failures, 10))
            return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, no secret
        # At most one core in three, for many small partitions make a flush expensive. A machine
        # that was suspended during a flush makes it look more expensive than any is.
        interval = self._settings.flush_interval_s
        rest = max(interval, cost_seconds / MAX_SHARE_OF_A_CORE) - cost_seconds
        return min(rest, interval + LONGEST_REST_SECONDS)

    def _confirm_unconfirmed(self) -> None:
        for closes_at, first in self._spool.unconfirmed_days():
            prefix = f"{self._spool.epoch}.{closes_at}."
            receipts.wait_until_over(self._store, prefix)
            tokens = receipts.arrived(self._store, closes_at, prefix, first)
            self._spool.confirm(closes_at, tokens)

    def _close_batches(self) -> list[Batch]:
        batches = self._spool.close_batches(self._settings.max_batch_hits)
        self._never_sent = {batch.token for batch in batches}
        return batches

    def _deliver(self, batch: Batch) -> None:
        # A batch that this process did not close may have been sent by the one before.
        stored = set[str]() if batch.token in self._never_sent else self._stored_tokens(batch)
        self._never_sent.discard(batch.token)
        if batch.token in stored:
            self._finish(batch, batch.hits, [])
            return
        hits = self._spool.hits(batch)
        rejected = self._send_or_split(batch, batch.token, hits, stored)
        self._finish(batch, len(hits), rejected)

    def _stored_tokens(self, batch: Batch) -> set[str]:
        receipts.wait_until_over(self._store, batch.token)
        return set(receipts.arrived(self._store, batch.closes_at, batch.token, 0))

    def _send_or_split(
        self, batch: Batch, token: str, hits: list[Hit], stored: set[str]
    ) -> list[Hit]:
        """Send hits, in halves where the store rejects them; return those it rejects alone.

        Args:
            token: the batch's own, or made from it for a half.
            stored: those of these tokens that the store had before.
        """
        if token in stored:
            return []
        was_split = any(each.startswith(f"{token}.") for each in stored)
        if not was_split and self._accepts(batch, token, hits):
            return []
        if len(hits) < 2:
            return hits
        middle = len(hits) // 2
        rejected = self._send_or_split(batch, f"{token}.0", hits[:middle], stored)
        return rejected + self._send_or_split(batch, f"{token}.1", hits[middle:], stored)

    def _accepts(self, batch: Batch, token: str, hits: list[Hit]) -> bool:
        """Send hits under a token; False if the store rejects them and has not applied them."""
        try:
            self._send_until_stored(batch.closes_at, token, hits)
        except Rejected as rejected:
            receipts.wait_until_over(self._store, token)
            if receipts.has_receipt(self._store, batch.closes_at, token):
                return True
            if token == batch.token:
                self._check_accepts_any(batch, rejected)
            if len(hits) == 1:
                _log.error("the store rejects a hit, which is counted and left out: %s", rejected)
            return False
        return True

    def _check_accepts_any(self, batch: Batch, rejected: Rejected) -> None:
        """Make sure that the store takes a batch without hits: else no hit is at fault."""
        try:
            self._send_until_stored(batch.closes_at, f"{batch.token}.empty", [])
        except Rejected:
            raise SchemaMismatch(f"the store rejects every batch: {rejected}") from rejected

    def _send_until_stored(self, closes_at: int, token: str, hits: list[Hit]) -> None:
        filtered = self._filter(hits) if self._filter else hits
        block = receipts.hits_block(filtered, token, closes_at)
        for nth in range(TOKENS_TO_TRY):
            self._attempts += 1
            self._store.insert_block(
                *("hits", *block),
                token=f"{token}~{nth}" if nth else token,
                query_id=f"{token}/{self._attempts}",
            )
            # An INSERT that found no view, or a used token, is accepted and keeps nothing; and
            # a store that was killed may have logged a token without the part.
            if receipts.has_receipt(self._store, closes_at, token):
                return
        raise SchemaMismatch("the store accepted a batch but kept nothing of it")

    def _finish(self, batch: Batch, read: int, rejected: list[Hit]) -> None:
        lost = batch.hits - read
        self._spool.delete(batch, lost, rejected)
        self._batches += 1
        self._hits += read - len(rejected)
        if lost:
            _log.error("%d hits of the spool could not be read and are lost", lost)

    def _deliver_counts(self) -> None:
        counts = self._spool.counts()
        if not counts:
            return
        collector = self._spool.epoch
        columns, block = receipts.counts_block(counts, collector)
        self._attempts += 1
        token = f"{collector}.counts.{self._attempts}"
        self._store.insert_block("suppressed", columns, block, token=token, query_id=token)
        self._spool.counts_delivered(counts)
