"""Open the spool's SQLite file, and replace it if it is damaged.

The only importer of sqlite3 in the spool; knows its tables, not what they
mean. Used from one thread, the writer's; called by the journal. Every method
may raise `DiskError`.

Source: docs/design/0005-spool.md.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from collector.counters import Counted
from collector.errors import SpoolError
from collector.spool import durable_files, queries, recovery
from collector.spool.group_commit import DiskError
from collector.spool.queries import FORMAT, Frame, Run

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOG_HEADER, _FRAME_HEADER = 32, 24
PADDED_MAX_BYTES = 1 << 40

_log = logging.getLogger(__name__)


class Damaged(DiskError):
    """Raised if the file is not what was written."""


class SpoolDatabase:
    """One SQLite file with the tables of `tables`.

    Attributes:
        epoch: the file's own random name, part of every token.
        damages: how often something was found damaged since the start: commits of the log
            that cannot be read, and whole files that had to be replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.epoch = ""
        self.damages = 0

    def open(self) -> None:
        """Open the file, made if it is not there and replaced if it is damaged.

        Raises:
            SpoolError: if a newer version wrote it.
        """
        with disk_errors():
            log_frames = _frames_of_log(self._path.with_name(self._path.name + "-wal"))
            try:
                self._open(log_frames)
            except Damaged as damaged:
                _log.error("the spool is damaged and read as far as it goes: %s", damaged)
                self._replace()

    def close(self) -> None:
        """Close it; nothing happens if it is not open."""
        with suppress(sqlite3.Error, AttributeError):
            self._database.close()

    def run(self, statement: str, *values: object) -> list[Any]:
        """Execute one statement and return its rows."""
        with disk_errors():
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        """Commit what is run within, durably, or nothing of it."""
        self.run("BEGIN IMMEDIATE")
        try:
            with disk_errors():
                yield self.run
                self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise

    def write(self, frames: Sequence[Frame], counts: Mapping[Counted, int]) -> int:
        """Make frames, one or more, and counts durable; return the last frame's id."""
        if len(frames) == 1 and not counts:
            # One statement is a transaction by itself. Each more gives up the interpreter and
            # waits for it again: beginning and ending by name cost 5 us a hit (2026-11).
            return queries.add_frame(self.run, frames[0])
        with self.transaction() as run:
            ids = [queries.add_frame(run, frame) for frame in frames]
            queries.add_counts(run, counts)
        return ids[-1]

    def checkpoint(self, how: str) -> int:
        """Bring the log's pages into the file; return how many the log held."""
        return int(self.run(f"PRAGMA wal_checkpoint({how})")[0][1])

    def vacuum(self, pages: int) -> None:
        """Return so many free pages to the disk if there are as many."""
        if self.run("PRAGMA freelist_count")[0][0] >= pages:
            with disk_errors():
                # TRICKY: `execute` would step once, and free one page.
                self._database.executescript(f"PRAGMA incremental_vacuum({pages})")
            self.checkpoint("PASSIVE")

    def _connect(self) -> None:
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)

    def _open(self, log_frames: list[bool]) -> None:
        durable_files.create(self._path)
        self._connect()
        if not self._path.stat().st_size:
            self.run("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in queries.PRAGMAS:
            self.run(f"PRAGMA {pragma}")
        self._create_or_check()
        readable = self.checkpoint("PASSIVE")
        if lost := sum(log_frames[readable:]):
            _log.error("%d commits of the spool's log cannot be read", lost)
            self.damages += lost
        # After a failed fsync nothing may rest on pages that the kernel believes to be written:
        # whatever the log held goes into the file, and both are synced.
        self.checkpoint("TRUNCATE")
        if self.run("PRAGMA integrity_check(1)") != [("ok",)]:
            raise Damaged("its pages contradict each other")
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
            self._create(os.urandom(8).hex())

    def _create(self, epoch: str) -> None:
        with self.transaction() as run:
            for statement in queries.CREATE.split(";"):
                run(statement)
            run("INSERT INTO epoch (name) VALUES (?)", epoch)
            run(f"PRAGMA user_version = {FORMAT}")

    def _replace(self) -> None:
        self.damages += 1
        self.close()
        _pad(self._path)
        self._connect()
        found = recovery.read(self.run)
        self.close()
        damaged = self._path.with_name("spool.damaged")
        self._path.replace(damaged)
        self._path.with_name(self._path.name + "-wal").unlink(missing_ok=True)
        self._open([])
        with self.transaction() as run:
            recovery.write(run, found)
        self.epoch = self.run("SELECT name FROM epoch")[0][0]
        damaged.unlink()
        durable_files.sync(self._path.parent)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Say in our own words that a disk failed."""
    try:
        yield
    except sqlite3.Error as failed:
        code = getattr(failed, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        kind = Damaged if code & 0xFF in _DAMAGE else DiskError
        raise kind(f"the spool's disk failed: {failed}") from failed
    except OSError as failed:
        raise DiskError(f"the spool's disk failed: {failed}") from failed


def _pad(path: Path) -> None:
    """Give a file that was cut short its full size, for SQLite reads no page of it otherwise."""
    with path.open("r+b") as file:
        header = file.read(100)
        page_bytes = int.from_bytes(header[16:18], "big")
        full = int.from_bytes(header[28:32], "big") * page_bytes
        if path.stat().st_size < full < PADDED_MAX_BYTES:
            file.truncate(full)


def _frames_of_log(path: Path) -> list[bool]:
    """Tell of every page of the log whether it ends a commit, from its header alone.

    SQLite reads the log up to the first page that is damaged, and forgets the
    rest without a word. Source: https://sqlite.org/fileformat2.html#walformat
    """
    try:
        log = path.read_bytes()
    except FileNotFoundError:
        return []
    page_bytes, salts = int.from_bytes(log[8:12], "big"), log[16:24]
    if page_bytes < 512:
        return []
    starts = range(_LOG_HEADER, len(log) - _FRAME_HEADER, _FRAME_HEADER + page_bytes)
    return [log[at + 4 : at + 8] != bytes(4) for at in starts if log[at + 8 : at + 16] == salts]
