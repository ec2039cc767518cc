"""Keep accepted hits on the disk until the store has them.

Knows frames, batches and counts, kept in one SQLite file that one thread owns;
refuses to know ClickHouse. The endpoints append, delivery closes batches and forgets them,
sealing asks what is held. A hit whose `append` was awaited survives kill -9
and power cuts.

Source: docs/design/0005-spool.md.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.clock import Clock
from collector.counters import Counted, Counters
from collector.errors import SpoolError
from collector.hit import Hit
from collector.spool import durable_files, quarantine, queries
from collector.spool.database import SpoolDatabase, disk_errors
from collector.spool.encryption import (
    Batch,
    SpoolStats,
    encode_hit,
    frame_of,
    hits_of,
    seal,
    unseal,
)
from collector.spool.group_commit import REFUSED, DiskError, GroupCommit, Undo, undo_and_raise
from collector.spool.keys import SpoolKeys
from collector.spool.queries import Frame

CHECKPOINT_BYTES = 4 * 1024 * 1024
VACUUM_PAGES = 1024
DAY_SECONDS = 86_400


class Spool:
    """The spool: hits between their acknowledgement and their receipt.

    Args:
        path: the SQLite file; its folder holds the lock file too.
        keys_dir: the folder of the spool keys.
        max_bytes: of frames; beyond it hits are refused with `SpoolFull`.
        counters: counts to persist beside the hits.
        commit_wait_s: how long a group waits for further hits before it is committed.

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
        self._path = path
        self._keys = SpoolKeys(keys_dir)
        self._clock = clock
        self._max_bytes = max_bytes
        self._counters = counters or Counters()
        self._rows = self._bytes = self._unchecked_bytes = self._acknowledged = 0
        self._oldest: float | None = None
        self._last_frame = 0
        self._doubtful = False
        self._told_damages = 0
        self._file = SpoolDatabase(path)
        self._lock = durable_files.lock(path.with_name("spool.lock"))
        self._writer = GroupCommit(self, self._room, commit_wait_s)
        try:
            self._open()
            with self._file.transaction() as run:
                queries.start_session(run)
        except BaseException:
            self._file.close()
            os.close(self._lock)
            raise

    @property
    def epoch(self) -> str:
        """The spool's own random name, part of every token."""
        return self._file.epoch

    @property
    def failure(self) -> SpoolError | None:
        """Why hits are refused at present; None if they are not."""
        return self._writer.failure

    def start(self) -> None:
        """Begin to commit, in a thread of its own."""
        self._writer.start()

    def close(self) -> None:
        """Commit what waits, then let go of the file."""
        self._writer.close()
        with suppress(DiskError):
            self._keep_counts()
        self._file.close()
        os.close(self._lock)

    def append(self, hit: Hit, undo: Undo | None = None) -> asyncio.Future[None]:
        """Take a hit; on the event loop only.

        Args:
            undo: takes back what the hit did to its visit; called on the event loop,
                newest first, if the hit does not become durable, also when this raises.

        Returns:
            Done once the hit is durable; raises `SpoolError` if it cannot be made so.

        Raises:
            SpoolFull: if there is no room.
            SpoolError: if the disk is in trouble or the hit cannot be encoded.
        """
        try:
            return self._writer.append(hit.closes_at, encode_hit(hit), undo)
        except REFUSED as refused:
            undo_and_raise(refused, undo)

    def append_all(self, hits: Sequence[tuple[Hit, Undo]]) -> asyncio.Future[None]:
        """Take hits that were sent together: all of them become durable, or none.

        Args:
            hits: each with what takes back what it did to its visit, called as by `append`.

        Returns, Raises: as `append`.
        """

        def undo() -> None:
            for _, taken_back in reversed(hits):
                taken_back()

        try:
            encoded = [(hit.closes_at, encode_hit(hit)) for hit, _ in hits]
            return self._writer.append_all(encoded, undo)
        except REFUSED as refused:
            undo_and_raise(refused, undo)

    def close_batches(self, max_hits: int) -> list[Batch]:
        """Put open frames into batches, each with a token that is durable on return.

        Args:
            max_hits: a batch takes no further frame that would take it beyond.

        Returns:
            The new batches, oldest first; some frames may remain open for the next call.
        """

        def close() -> list[Batch]:
            with self._file.transaction() as run:
                return queries.close_open_frames(run, self.epoch, max_hits)

        return self._writer.run_on_thread(close)

    def batches(self) -> list[Batch]:
        """Return the closed batches that are not forgotten, oldest first."""
        return self._writer.run_on_thread(lambda: queries.batches(self._file.run))

    def hits(self, batch: Batch) -> list[Hit]:
        """Read a batch; fewer hits than its count if frames are damaged or their key is gone."""
        bodies = self._writer.run_on_thread(lambda: queries.bodies(self._file.run, batch))
        cipher = self._cipher(batch.closes_at)
        if cipher is None:
            return []
        return [hit for body in bodies for hit in hits_of(cipher, batch.closes_at, body)]

    def delete(self, batch: Batch, lost: int = 0) -> None:
        """Drop a batch that the store has.

        Args:
            lost: how many of its hits could not be read; counted under `lost`.
        """
        self._replace(batch, (), {(self._today(), "lost", 0): lost} if lost else {})

    def split(self, batch: Batch, hits: Sequence[Hit]) -> None:
        """Replace a batch that was rejected, and surely not applied, by its two halves."""
        middle = len(hits) // 2
        self._replace(batch, (hits[:middle], hits[middle:]), {})

    def set_aside(self, batch: Batch, site: int, state: str) -> None:
        """Count the one hit of a batch that the store rejects, and go on with the batch so changed.

        Args:
            site: of the hit; it is counted under `rejected`, once.
            state: what of the hit is sent next (see `poison`); empty: nothing, it is dropped.
        """

        def change() -> None:
            counts = {(self._today(), "rejected", site): 1}
            with self._file.transaction() as run:
                if queries.change_state(run, batch, state) and batch.state == quarantine.WHOLE:
                    queries.add_counts(run, counts)

        if state:
            self._writer.run_on_thread(change)
        else:
            self._replace(batch, (), {})

    def unconfirmed_days(self) -> list[tuple[int, int]]:
        """Return (closes_at, first frame) of each day whose open frames the store may have.

        They are in doubt from the start of a process until `recognise`.
        """
        return self._writer.run_on_thread(lambda: queries.unconfirmed_days(self._file.run))

    def confirm(self, closes_at: int, tokens: Sequence[str]) -> None:
        """Drop a day's open frames that the store has.

        Args:
            tokens: of this spool's receipts of that day there, from the first frame on.
        """

        def recognise() -> None:
            with self._file.transaction() as run:
                gone, lost = queries.confirm(run, closes_at, tokens)
                queries.add_counts(run, {(self._today(), "lost", 0): lost} if lost else {})
                self._oldest = queries.oldest(run)
            self._rows -= gone.hits
            self._bytes -= gone.bytes

        self._writer.run_on_thread(recognise)

    def holds(self, closes_at: int) -> bool:
        """Tell whether any hit of a day waits for the store."""
        return self._writer.run_on_thread(lambda: queries.holds(self._file.run, closes_at))

    def destroy_key(self, closes_at: int) -> None:
        """Destroy the key of a day of which nothing is held.

        Raises:
            SpoolError: if the spool still holds hits of that day.
        """

        def destroy() -> None:
            if queries.holds(self._file.run, closes_at):
                raise SpoolError(f"the spool still holds hits of the day that ends at {closes_at}")
            with self._file.transaction() as run:
                run("DELETE FROM handover WHERE closes_at = ?", closes_at)
                self._keys.destroy(closes_at)

        self._writer.run_on_thread(destroy)

    def counts(self) -> dict[Counted, int]:
        """Return the cumulative counts that changed since the store last had them."""

        def changed() -> dict[Counted, int]:
            self._keep_counts()
            return queries.changed_counts(self._file.run)

        return self._writer.run_on_thread(changed)

    def counts_delivered(self, counts: Mapping[Counted, int]) -> None:
        """Note that the store has these counts; forget those of days long past."""

        def note() -> None:
            with self._file.transaction() as run:
                queries.note_delivered(run, counts, self._today())

        self._writer.run_on_thread(note)

    def save_visits(self, visits: Mapping[int, bytes]) -> None:
        """Keep visits in flight, by `closes_at`, for the next process; encrypted like hits."""

        def keep() -> None:
            with self._file.transaction() as run:
                run("DELETE FROM handover")
                for closes_at, body in visits.items():
                    sealed = seal(self._keys.cipher(closes_at), closes_at, body)
                    run("INSERT INTO handover VALUES (?, ?)", closes_at, sealed)

        self._writer.run_on_thread(keep)

    def load_visits(self) -> dict[int, bytes]:
        """Take the visits that the last process handed over; a second call finds none."""

        def take() -> list[tuple[int, bytes]]:
            with self._file.transaction() as run:
                kept = run("SELECT closes_at, body FROM handover")
                run("DELETE FROM handover")
                return kept

        visits = {}
        for closes_at, sealed in self._writer.run_on_thread(take):
            cipher = self._cipher(closes_at)
            body = unseal(cipher, closes_at, sealed) if cipher else None
            if body is not None:
                visits[closes_at] = body
        return visits

    def stats(self) -> SpoolStats:
        """Tell how full the spool is; any thread, never waits."""
        return SpoolStats(self._rows, self._bytes, self._oldest, self._acknowledged)

    def commit(self, hits: Mapping[int, list[bytes]]) -> None:
        """Make a group durable; called by the writer only."""
        now, counts = self._clock.now(), self._counters.drain()
        try:
            frames = [
                Frame(closes_at, len(encoded), now, self._frame(closes_at, encoded))
                for closes_at, encoded in hits.items()
            ]
            self._doubtful = True
            self._last_frame = self._file.write(frames, counts)
            self._doubtful = False
        except Exception:
            self._counters.restore(counts)
            raise
        for frame in frames:
            self._rows += frame.hits
            self._acknowledged += frame.hits
            self._bytes += len(frame.body)
            self._unchecked_bytes += len(frame.body)
        self._oldest = self._oldest or now

    def after_commit(self) -> None:
        """Keep the log short; called by the writer only."""
        if self._unchecked_bytes > CHECKPOINT_BYTES:
            self._checkpoint()

    def reopen(self) -> None:
        """Open the file anew, without frames whose hits were refused; called by the writer only."""
        self._file.close()
        self._open()

    def idle(self) -> None:
        """Keep counts, empty the log, give free pages back; called by the writer only."""
        self._keep_counts()
        if self._unchecked_bytes:
            self._checkpoint()
        self._file.vacuum(VACUUM_PAGES)

    def _replace(
        self, batch: Batch, parts: Sequence[Sequence[Hit]], counts: Mapping[Counted, int]
    ) -> None:
        def replace() -> None:
            now, added = self._clock.now(), 0
            with self._file.transaction() as run:
                gone = queries.drop_batch(run, batch)
                if gone is None:
                    return
                for number, hits in enumerate(parts):
                    token, count = f"{batch.token}.{number}", len(hits)
                    body = self._frame(batch.closes_at, [encode_hit(hit) for hit in hits])
                    frame = queries.add_frame(run, Frame(batch.closes_at, count, now, body, token))
                    queries.add_batch(run, token, batch.closes_at, [frame], count)
                    added += len(body)
                queries.add_counts(run, counts)
                self._oldest = queries.oldest(run)
            self._rows += sum(map(len, parts)) - gone.hits
            self._bytes += added - gone.bytes

        self._writer.run_on_thread(replace)

    def _frame(self, closes_at: int, encoded: list[bytes]) -> bytes:
        return frame_of(self._keys.cipher(closes_at), closes_at, encoded)

    def _keep_counts(self) -> None:
        counts = self._counters.drain()
        if not counts:
            return
        try:
            with self._file.transaction() as run:
                queries.add_counts(run, counts)
        except Exception:
            self._counters.restore(counts)
            raise

    def _cipher(self, closes_at: int) -> AESGCM | None:
        with disk_errors():
            return self._keys.known(closes_at)

    def _today(self) -> int:
        return int(self._clock.now()) // DAY_SECONDS

    def _room(self) -> int:
        return self._max_bytes - self._bytes

    def _checkpoint(self) -> None:
        self._file.checkpoint("PASSIVE")
        self._unchecked_bytes = 0

    def _open(self) -> None:
        self._file.open()
        if self._doubtful:
            queries.drop_after(self._file.run, self._last_frame)
            self._doubtful = False
        self._last_frame = queries.last_id(self._file.run)
        self._rows, self._bytes = queries.size(self._file.run)
        self._oldest = queries.oldest(self._file.run)
        if self._file.damages > self._told_damages:
            damages = self._file.damages - self._told_damages
            self._counters.count("spool_damaged", self._today(), times=damages)
            self._told_damages = self._file.damages
