"""The registry's SQLite file: its schema, transactions and rows."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from collector.errors import RegistryError

BUSY_MS = 5000

VERSION = 2
"""The version of the schema, kept in the file's `user_version`; 1 had no table `erasures`."""

SCHEMA = """
    CREATE TABLE sites (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        domain TEXT NOT NULL UNIQUE,
        declared TEXT NOT NULL,
        next_zone TEXT,
        next_zone_at INTEGER
    ) STRICT;
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        password TEXT NOT NULL
    ) STRICT;
    CREATE TABLE sessions (
        digest BLOB PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        ends_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        digest BLOB PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        site_id INTEGER REFERENCES sites ON DELETE CASCADE,
        scopes TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE erasures (
        site_id INTEGER PRIMARY KEY,
        removed_at INTEGER NOT NULL
    ) STRICT;
"""

_PRAGMAS = (
    f"busy_timeout = {BUSY_MS}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
)


class RegistryFile:
    """One connection to the registry's file, shared by threads under a lock.

    Args:
        path: created, with its folder, if missing; readable by its owner only.

    Raises:
        RegistryError: if the file cannot be opened, is not a registry, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._writes = 0
        try:
            self._connection = _open(path)
        except (OSError, sqlite3.Error) as broken:
            raise RegistryError(f"{path}: cannot be opened as a registry: {broken}") from broken

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read rows."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement inside `write`.

        Returns:
            The number of the row it inserted last.
        """
        return self._connection.execute(sql, values).lastrowid or 0

    @contextmanager
    def write(self, doubled: str = "that name exists already") -> Iterator[None]:
        """Run a transaction, committed at the end unless something is raised.

        Args:
            doubled: the message if a unique name exists already.

        Raises:
            RegistryError: if a name exists already or the file cannot be written.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except sqlite3.IntegrityError as twice:
                raise RegistryError(doubled) from twice
            except sqlite3.Error as broken:
                raise RegistryError(f"the registry cannot be written: {broken}") from broken
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            self._writes += 1

    def wipe(self) -> None:
        """Empty the write-ahead log, which still holds deleted rows."""
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def version(self) -> tuple[int, int]:
        """Return a value that changes with every write, by this process or another."""
        with self._lock:
            # SQLite's data_version changes with other connections' writes only.
            return self._connection.execute("PRAGMA data_version").fetchone()[0], self._writes

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        _create_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create_tables(connection: sqlite3.Connection) -> None:
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have created them while this one waited for the lock.
    version = _version(connection)
    if version not in (0, VERSION):
        raise RegistryError(
            f"the registry has format {version}, and this version of Footfall reads {VERSION}; "
            "run the version that wrote it"
        )
    if version == 0:
        for statement in filter(str.strip, SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
