"""Keep accepted hits on the disk until the store has them.

A hit whose `append` was awaited survives `kill -9` and power cuts. Delivery closes batches of
hits and deletes them once the store has them.

Source: docs/design/0005-spool.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.clock import Clock
from collector.counters import Counted, Counters
from collector.day import DAY_SECONDS
from collector.errors import SpoolError
from collector.hit import Hit
from collector.spool import durable_files
from collector.spool.database import Batch, Frame, Size, SpoolDatabase, disk_errors
from collector.spool.encryption import (
    SpoolKeys,
    decrypt,
    decrypt_hits,
    encrypt,
    encrypt_hits,
)
from collector.spool.group_commit import DiskError, GroupCommit, Result

CHECKPOINT_BYTES = 4 * 1024 * 1024
VACUUM_PAGES = 1024


class SpoolStats(NamedTuple):
    """How full the spool is.

    Attributes:
        rows: hits that are not yet in the store.
        bytes: the size of their frames.
        oldest: when the oldest frame was written, in seconds since 1970; None if empty.
        acknowledged: hits made durable since the start of this process.
    """

    rows: int
    bytes: int
    oldest: float | None
    acknowledged: int = 0


class Spool:
    """The spool: hits between their acknowledgement and their receipt.

    Args:
        path: the SQLite file; its folder holds the lock file too.
        keys_dir: the folder of the spool keys.
        max_bytes: of frames; beyond it hits are refused with `SpoolFull`.
        counters: counts to persist beside the hits.
        commit_wait_s: how long a group waits for further hits before it is committed.

    Attributes:
        append: takes a hit; see `GroupCommit.append`.
        append_all: takes hits that were sent together; see `GroupCommit.append_all`.

    Raises:
        StoreBusy: if another process has it.
        SpoolError: if it cannot be opened, or a newer version wrote it.
    """

    def __init__(
        self,
        path: Path,
        keys_dir: Path,
        clock: Clock,
        max_bytes: int,
        counters: Counters | None = None,
        commit_wait_s: float = 0.0,
    ) -> None:
        self._keys = SpoolKeys(keys_dir)
        self._clock = clock
        self._max_bytes = max_bytes
        self._counters = counters or Counters()
        self._rows = self._bytes = self._bytes_in_log = self._acknowledged = 0
        self._oldest: float | None = None
        self._last_frame = 0
        self._outcome_unknown = False
        self._database = SpoolDatabase(path)
        self._lock = durable_files.lock(path.with_name("spool.lock"))
        self._group_commit = GroupCommit(
            self._commit, self._after_commit, self._idle, self._reopen, commit_wait_s
        )
        self.append = self._group_commit.append
        self.append_all = self._group_commit.append_all
        try:
            self._open()
            with self._database.transaction():
                self._database.start_session()
        except BaseException:
            self._database.close()
            os.close(self._lock)
            raise

    @property
    def epoch(self) -> str:
        """The spool's own random name, part of every token."""
        return self._database.epoch

    @property
    def failure(self) -> SpoolError | None:
        """Why hits are refused at present; None if they are not."""
        return self._group_commit.failure

    def start(self) -> None:
        """Begin to commit, in a thread of its own."""
        self._group_commit.start()

    def close(self) -> None:
        """Commit what waits, then close the file and release the lock."""
        self._group_commit.close()
        with suppress(DiskError):
            self._save_counts()
        self._database.close()
        os.close(self._lock)

    def close_batches(self, max_hits: int) -> list[Batch]:
        """Put open frames into batches, each with a token that is durable on return.

        Args:
            max_hits: a batch takes no further frame that would take it beyond.

        Returns:
            The new batches, oldest first; some frames may remain open for the next call.
        """
        return self._in_transaction(lambda: self._database.close_batches(max_hits))

    def batches(self) -> list[Batch]:
        """Return the batches that were closed and not deleted, oldest first."""
        return self._group_commit.run_on_thread(self._database.batches)

    def hits(self, batch: Batch) -> list[Hit]:
        """Read a batch; fewer hits than it had if frames are damaged or their key is gone."""
        bodies = self._group_commit.run_on_thread(lambda: self._database.bodies(batch))
        cipher = self._cipher(batch.closes_at)
        if cipher is None:
            return []
        return [hit for body in bodies for hit in decrypt_hits(cipher, batch.closes_at, body)]

    def delete(self, batch: Batch, lost: int = 0, rejected: Iterable[Hit] = ()) -> None:
        """Delete a batch that the store has.

        Args:
            lost: how many of its hits could not be read; counted under `lost`.
            rejected: its hits that the store does not take; counted under `rejected`.
        """
        today = self._today()
        counts = Counter((today, "rejected", hit.site) for hit in rejected)
        if lost:
            counts[today, "lost", 0] = lost

        def delete() -> None:
            deleted = self._database.delete_batch(batch)
            if deleted is not None:
                self._database.add_counts(counts)
                self._note_deleted(deleted)

        self._in_transaction(delete)

    def unconfirmed_days(self) -> list[tuple[int, int]]:
        """Return (closes_at, first frame) of each day whose open frames the store may have.

        From the start of a process until `confirm` that is every day that has any.
        """
        return self._group_commit.run_on_thread(self._database.unconfirmed_days)

    def confirm(self, closes_at: int, tokens: Sequence[str]) -> None:
        """Delete a day's open frames that the store has.

        Args:
            tokens: of this spool's receipts of that day there, from the first frame on.
        """

        def confirm() -> None:
            deleted, lost = self._database.confirm(closes_at, tokens)
            self._database.add_counts({(self._today(), "lost", 0): lost} if lost else {})
            self._note_deleted(deleted)

        self._in_transaction(confirm)

    def holds(self, closes_at: int) -> bool:
        """Return whether any hit of a day waits for the store."""
        return self._group_commit.run_on_thread(lambda: self._database.holds(closes_at))

    def destroy_key(self, closes_at: int) -> None:
        """Destroy the key of a day of which nothing is held.

        Raises:
            SpoolError: if the spool still holds hits of that day.
        """

        def destroy() -> None:
            if self._database.holds(closes_at):
                raise SpoolError(f"the spool still holds hits of the day that ends at {closes_at}")
            self._database.delete_visits(closes_at)
            self._keys.destroy(closes_at)

        self._in_transaction(destroy)

    def counts(self) -> dict[Counted, int]:
        """Return the cumulative counts that changed since the store last had them."""

        def changed() -> dict[Counted, int]:
            self._save_counts()
            return self._database.changed_counts()

        return self._group_commit.run_on_thread(changed)

    def counts_delivered(self, counts: Mapping[Counted, int]) -> None:
        """Note that the store has these counts; delete those of days long past."""
        self._in_transaction(lambda: self._database.note_delivered(counts, self._today()))

    def save_visits(self, visits: Mapping[int, bytes]) -> None:
        """Keep visits in flight, by `closes_at`, for the next process; encrypted like hits."""

        def save() -> None:
            self._database.save_visits(
                {
                    closes_at: encrypt(self._keys.cipher(closes_at), closes_at, body)
                    for closes_at, body in visits.items()
                }
            )

        self._in_transaction(save)

    def load_visits(self) -> dict[int, bytes]:
        """Take the visits that the last process saved; a second call finds none."""
        visits = {}
        for closes_at, encrypted in self._in_transaction(self._database.take_visits):
            cipher = self._cipher(closes_at)
            body = decrypt(cipher, closes_at, encrypted) if cipher else None
            if body is not None:
                visits[closes_at] = body
        return visits

    def stats(self) -> SpoolStats:
        """Return how full the spool is; any thread, never waits."""
        return SpoolStats(self._rows, self._bytes, self._oldest, self._acknowledged)

    def _commit(self, hits: Mapping[int, list[bytes]]) -> None:
        now, counts = self._clock.now(), self._counters.drain()
        try:
            frames = [
                Frame(closes_at, len(encoded), now, self._encrypt(closes_at, encoded))
                for closes_at, encoded in hits.items()
            ]
            self._outcome_unknown = True
            self._last_frame = self._database.write(frames, counts)
            self._outcome_unknown = False
        except Exception:
            self._counters.restore(counts)
            raise
        added = Size(sum(frame.hits for frame in frames), sum(len(frame.body) for frame in frames))
        self._acknowledged += added.hits
        self._bytes_in_log += added.bytes
        self._oldest = self._oldest or now
        self._resize(self._rows + added.hits, self._bytes + added.bytes)

    def _after_commit(self) -> None:
        if self._bytes_in_log > CHECKPOINT_BYTES:
            self._checkpoint()

    def _idle(self) -> None:
        self._save_counts()
        if self._bytes_in_log:
            self._checkpoint()
        self._database.vacuum(VACUUM_PAGES)

    def _reopen(self) -> None:
        self._database.close()
        self._open()

    def _open(self) -> None:
        if self._database.open():
            self._counters.count("spool_damaged", self._today())
        if self._outcome_unknown:
            # Their hits were refused, but some may have reached the disk after all.
            self._database.delete_after(self._last_frame)
            self._outcome_unknown = False
        self._last_frame = self._database.last_id()
        self._resize(*self._database.size())
        self._oldest = self._database.oldest()

    def _in_transaction(self, job: Callable[[], Result]) -> Result:
        def run() -> Result:
            with self._database.transaction():
                return job()

        return self._group_commit.run_on_thread(run)

    def _resize(self, rows: int, size_bytes: int) -> None:
        self._rows, self._bytes = rows, size_bytes
        self._group_commit.room = self._max_bytes - size_bytes

    def _note_deleted(self, deleted: Size) -> None:
        self._resize(self._rows - deleted.hits, self._bytes - deleted.bytes)
        self._oldest = self._database.oldest()

    def _encrypt(self, closes_at: int, encoded: list[bytes]) -> bytes:
        return encrypt_hits(self._keys.cipher(closes_at), closes_at, encoded)

    def _save_counts(self) -> None:
        counts = self._counters.drain()
        if not counts:
            return
        try:
            with self._database.transaction():
                self._database.add_counts(counts)
        except Exception:
            self._counters.restore(counts)
            raise

    def _cipher(self, closes_at: int) -> AESGCM | None:
        with disk_errors():
            return self._keys.known(closes_at)

    def _today(self) -> int:
        return int(self._clock.now()) // DAY_SECONDS

    def _checkpoint(self) -> None:
        self._database.checkpoint()
        self._bytes_in_log = 0
