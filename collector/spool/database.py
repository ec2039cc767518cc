"""Keep the spool in one SQLite file: its tables, its transactions, its durability.

Only one thread uses it. Every method may raise `DiskError`. Source: docs/design/0005-spool.md.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from collector.counters import Counted
from collector.errors import SpoolError
from collector.spool import durable_files
from collector.spool.group_commit import DiskError

FORMAT = 1
FRAMES_AT_ONCE = 20_000
BATCHES_AT_ONCE = 16
IDS_SKIPPED_AT_START = 1_000_000
COUNTS_KEPT_DAYS = 3

# `part` and `state` hold nothing but '' and 'closed': they are of format 1, and no longer used.
CREATE = """
CREATE TABLE frame (id INTEGER PRIMARY KEY AUTOINCREMENT, closes_at INTEGER NOT NULL,
    hits INTEGER NOT NULL, bytes INTEGER NOT NULL, at REAL NOT NULL, part TEXT NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX frame_closes_at ON frame (closes_at);
CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, closes_at INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE, hits INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE member (frame INTEGER PRIMARY KEY, batch INTEGER NOT NULL);
CREATE INDEX member_batch ON member (batch);
CREATE TABLE counted (day INTEGER NOT NULL, reason TEXT NOT NULL, site INTEGER NOT NULL,
    count INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, reason, site)) WITHOUT ROWID;
CREATE TABLE doubt (closes_at INTEGER PRIMARY KEY);
CREATE TABLE handover (closes_at INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE epoch (name TEXT NOT NULL)
"""

PRAGMAS = (
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 0",
    "temp_store = MEMORY",
)

_OPEN = "NOT EXISTS (SELECT 1 FROM member WHERE member.frame = frame.id)"
_SIZE = "SELECT coalesce(sum(hits), 0), coalesce(sum(bytes), 0) FROM frame"
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_log = logging.getLogger(__name__)


class _Damaged(DiskError):
    """Raised if the file is not what was written."""


class Frame(NamedTuple):
    """So many hits of one day, encrypted by one group commit at an instant."""

    closes_at: int
    hits: int
    at: float
    body: bytes


class Batch(NamedTuple):
    """Hits of one `closes_at` that are sent together, always the same under one token.

    Attributes:
        closes_at: when the day of all its hits ends, in seconds since 1970.
        token: its receipt's value in the store; fixed before the first send.
        hits: how many it holds.
    """

    closes_at: int
    token: str
    hits: int


class Size(NamedTuple):
    """So many hits in so many bytes."""

    hits: int
    bytes: int


class SpoolDatabase:
    """The file.

    Attributes:
        epoch: the file's own random name, part of every token.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.epoch = ""

    def open(self) -> bool:
        """Open the file, made if it is not there; a damaged one is moved aside first.

        Returns:
            Whether a damaged file was moved aside.

        Raises:
            SpoolError: if a newer version wrote it.
        """
        with disk_errors():
            try:
                self._open()
            except _Damaged as damaged:
                self.close()
                lost = "%s; its file was moved to %s and its hits are lost; a new spool begins"
                _log.error(lost, damaged, self._move_aside())
                self._open()
                return True
        return False

    def close(self) -> None:
        """Close it; nothing happens if it is not open."""
        with suppress(sqlite3.Error, AttributeError):
            self._connection.close()

    def run(self, statement: str, *values: object) -> list[Any]:
        """Execute one statement and return its rows."""
        with disk_errors():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit durably what is run within, or nothing of it."""
        self.run("BEGIN IMMEDIATE")
        try:
            with disk_errors():
                yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def write(self, frames: Sequence[Frame], counts: Mapping[Counted, int]) -> int:
        """Make frames, one or more, and counts durable; return the last frame's id."""
        if len(frames) == 1 and not counts:
            # One statement is a transaction by itself. Each more gives up the interpreter and
            # waits for it again: beginning and ending by name cost 5 us a hit (2026-11).
            return self._insert(frames[0])
        with self.transaction():
            ids = [self._insert(frame) for frame in frames]
            self.add_counts(counts)
        return ids[-1]

    def checkpoint(self, mode: str = "PASSIVE") -> None:
        """Write the log's pages to the file."""
        self.run(f"PRAGMA wal_checkpoint({mode})")

    def vacuum(self, pages: int) -> None:
        """Return so many free pages to the disk if there are as many."""
        if self.run("PRAGMA freelist_count")[0][0] >= pages:
            with disk_errors():
                # TRICKY: `execute` would step once, and free one page.
                self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            self.checkpoint()

    def start_session(self) -> None:
        """Begin a process: ids go on far from any used, and open frames are unconfirmed.

        If the end of the log was damaged, or an older copy put back, frames that the
        store has look open, and ids that are part of tokens look unused.
        """
        self.run(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'frame', 0 WHERE NOT EXISTS "
            "(SELECT 1 FROM sqlite_sequence WHERE name = 'frame')"
        )
        skip_ids = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'frame'"
        self.run(skip_ids, IDS_SKIPPED_AT_START)
        self.run("INSERT OR IGNORE INTO doubt SELECT DISTINCT closes_at FROM frame")

    def last_id(self) -> int:
        """Return the highest id that any frame may have; 0 if there never was one."""
        rows = self.run("SELECT seq FROM sqlite_sequence WHERE name = 'frame'")
        return int(rows[0][0]) if rows else 0

    def delete_after(self, last_id: int) -> None:
        """Delete the frames above an id, which belong to no batch yet."""
        self.run("DELETE FROM frame WHERE id > ?", last_id)

    def size(self) -> Size:
        """Measure all frames; reads every row, so at the start only."""
        return Size(*self.run(_SIZE)[0])

    def oldest(self) -> float | None:
        """Return when the oldest frame was written; None if there is none."""
        rows = self.run("SELECT at FROM frame ORDER BY id LIMIT 1")
        return float(rows[0][0]) if rows else None

    def holds(self, closes_at: int) -> bool:
        """Return whether there is any frame of a day."""
        return bool(self.run("SELECT 1 FROM frame WHERE closes_at = ? LIMIT 1", closes_at))

    def unconfirmed_days(self) -> list[tuple[int, int]]:
        """Return each day whose open frames the store may have, and the first of them."""
        rows = self.run(
            f"SELECT closes_at, min(id) FROM frame WHERE {_OPEN} "
            "AND closes_at IN (SELECT closes_at FROM doubt) GROUP BY closes_at"
        )
        return [(closes_at, first) for closes_at, first in rows]

    def confirm(self, closes_at: int, tokens: Iterable[str]) -> tuple[Size, int]:
        """Delete a day's open frames that the store has according to its receipts.

        Args:
            tokens: the receipts' values, of this spool and day.

        Returns:
            What was deleted, and how many of its hits may be lost: the receipt of a half
            does not tell which of the batch's hits the store has.
        """
        deleted, lost = Size(0, 0), 0
        # The probe of a rejected batch holds no hit: its receipt says nothing of the frames.
        for token in (each for each in tokens if not each.endswith(".empty")):
            _, _, frames, *parts = token.split(".")
            first, last = frames.split("-")
            which = f"closes_at = ? AND id BETWEEN ? AND ? AND {_OPEN}"
            size = self._delete_frames(which, closes_at, int(first), int(last))
            deleted = Size(deleted.hits + size.hits, deleted.bytes + size.bytes)
            lost += size.hits if parts else 0
        self.run("DELETE FROM doubt WHERE closes_at = ?", closes_at)
        return deleted, lost

    def batches(self) -> list[Batch]:
        """Return the batches, oldest first."""
        rows = self.run("SELECT closes_at, token, hits FROM batch ORDER BY id")
        return [Batch(*row) for row in rows]

    def close_batches(self, max_hits: int) -> list[Batch]:
        """Put open frames, oldest first, into batches of one day and about `max_hits` each."""
        rows = self.run(
            f"SELECT id, closes_at, hits FROM frame WHERE {_OPEN} ORDER BY closes_at, id LIMIT ?",
            FRAMES_AT_ONCE,
        )
        closed = []
        for closes_at, frames, hits in islice(_grouped(rows, max_hits), BATCHES_AT_ONCE):
            token = f"{self.epoch}.{closes_at}.{frames[0]}-{frames[-1]}"
            closed.append(self._insert_batch(Batch(closes_at, token, hits), frames))
        return closed

    def bodies(self, batch: Batch) -> list[bytes]:
        """Return the frames of a batch, in the order they were written."""
        rows = self.run(
            "SELECT body FROM batch JOIN member ON member.batch = batch.id "
            "JOIN frame ON frame.id = member.frame WHERE batch.token = ? ORDER BY frame.id",
            batch.token,
        )
        return [body for (body,) in rows]

    def delete_batch(self, batch: Batch) -> Size | None:
        """Delete a batch and its frames; return what they were, None if it is not there."""
        rows = self.run("SELECT id FROM batch WHERE token = ?", batch.token)
        if not rows:
            return None
        (id_,) = rows[0]
        size = self._delete_frames("id IN (SELECT frame FROM member WHERE batch = ?)", id_)
        self.run("DELETE FROM member WHERE batch = ?", id_)
        self.run("DELETE FROM batch WHERE id = ?", id_)
        return size

    def add_counts(self, counts: Mapping[Counted, int]) -> None:
        """Add to the cumulative counts."""
        for (day, reason, site), count in counts.items():
            add = "ON CONFLICT DO UPDATE SET count = count + excluded.count"
            insert = f"INSERT INTO counted (day, reason, site, count) VALUES (?, ?, ?, ?) {add}"
            self.run(insert, day, reason, site, count)

    def changed_counts(self) -> dict[Counted, int]:
        """Return the cumulative counts that the store does not have yet."""
        rows = self.run("SELECT day, reason, site, count FROM counted WHERE count > delivered")
        return {(day, reason, site): count for day, reason, site, count in rows}

    def note_delivered(self, counts: Mapping[Counted, int], today: int) -> None:
        """Note what the store has, and delete what is delivered of days long past."""
        for (day, reason, site), count in counts.items():
            deliver = "UPDATE counted SET delivered = ? WHERE day = ? AND reason = ? AND site = ?"
            self.run(deliver, count, day, reason, site)
        long_past = "DELETE FROM counted WHERE count = delivered AND day < ?"
        self.run(long_past, today - COUNTS_KEPT_DAYS)

    def save_visits(self, encrypted: Mapping[int, bytes]) -> None:
        """Replace the visits that wait for the next process, by `closes_at`."""
        self.run("DELETE FROM handover")
        for closes_at, body in encrypted.items():
            self.run("INSERT INTO handover VALUES (?, ?)", closes_at, body)

    def take_visits(self) -> list[tuple[int, bytes]]:
        """Return and delete the visits of the process before."""
        rows = self.run("SELECT closes_at, body FROM handover")
        self.run("DELETE FROM handover")
        return rows

    def delete_visits(self, closes_at: int) -> None:
        """Delete the visits of a day."""
        self.run("DELETE FROM handover WHERE closes_at = ?", closes_at)

    def _insert(self, frame: Frame) -> int:
        rows = self.run(
            "INSERT INTO frame (closes_at, hits, bytes, at, part, body) "
            "VALUES (?, ?, ?, ?, '', ?) RETURNING id",
            *(frame.closes_at, frame.hits, len(frame.body), frame.at, frame.body),
        )
        return int(rows[0][0])

    def _insert_batch(self, batch: Batch, frames: Sequence[int]) -> Batch:
        insert = "INSERT INTO batch (closes_at, token, hits, state) VALUES (?, ?, ?, 'closed')"
        rows = self.run(f"{insert} RETURNING id", *batch)
        for frame in frames:
            self.run("INSERT INTO member (frame, batch) VALUES (?, ?)", frame, rows[0][0])
        return batch

    def _delete_frames(self, which: str, *values: object) -> Size:
        size = Size(*self.run(f"{_SIZE} WHERE {which}", *values)[0])
        self.run(f"DELETE FROM frame WHERE {which}", *values)
        return size

    def _open(self) -> None:
        path = self._path
        durable_files.create(path)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        if not path.stat().st_size:
            self.run("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in PRAGMAS:
            self.run(f"PRAGMA {pragma}")
        self._create_or_check()
        # After a failed fsync nothing may rest on pages that the kernel believes to be written:
        # whatever the log held goes into the file, and both are synced.
        self.checkpoint("TRUNCATE")
        if self.run("PRAGMA integrity_check(1)") != [("ok",)]:
            raise _Damaged("the spool is damaged: its pages contradict each other")
        self.epoch = self.run("SELECT name FROM epoch")[0][0]

    def _create_or_check(self) -> None:
        version = self.run("PRAGMA user_version")[0][0]
        if version > FORMAT:
            self.close()
            raise SpoolError(
                f"the spool {self._path.name} was written by a newer version (format {version}, "
                f"this one knows {FORMAT}); start that version once to drain it"
            )
        if version == 0:
            with self.transaction():
                for statement in CREATE.split(";"):
                    self.run(statement)
                self.run("INSERT INTO epoch (name) VALUES (?)", os.urandom(8).hex())
                self.run(f"PRAGMA user_version = {FORMAT}")

    def _move_aside(self) -> Path:
        """Rename the file and its log; one that was moved aside before is replaced."""
        aside = self._path.with_name(self._path.name + ".damaged")
        for suffix in ("", "-wal"):
            moved = aside.with_name(aside.name + suffix)
            moved.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).rename(moved)
        durable_files.sync(self._path.parent)
        return aside


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise errors of SQLite and of the system as `DiskError`."""
    try:
        yield
    except sqlite3.Error as failed:
        code = getattr(failed, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        kind = _Damaged if code & 0xFF in _DAMAGE else DiskError
        raise kind(f"the spool's disk failed: {failed}") from failed
    except OSError as failed:
        raise DiskError(f"the spool's disk failed: {failed}") from failed


def _grouped(
    rows: Iterable[tuple[int, int, int]], max_hits: int
) -> Iterator[tuple[int, list[int], int]]:
    """Group (id, closes_at, hits) of frames into (closes_at, ids, hits) of batches."""
    day, frames, total = 0, list[int](), 0
    for frame, closes_at, hits in rows:
        if frames and (closes_at != day or total + hits > max_hits):
            yield day, frames, total
            frames, total = [], 0
        day = closes_at
        frames.append(frame)
        total += hits
    if frames:
        yield day, frames, total
