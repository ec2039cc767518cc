"""Speak to ClickHouse: the only module that imports clickhouse_connect.

Embedded (chDB, one process a path) and server (a DSN) behind one `Store`.
Errors leave this module in our own words. Nothing here knows what a cell
means; called by delivery, sealing, retention, the report and the audit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from collector.cells import schema
from collector.errors import Rejected, SchemaMismatch, StoreBusy, Unreachable

Row = tuple[Any, ...]
Answer = TypeVar("Answer")

CALL_TIMEOUT_SECONDS = 30

# One INSERT must become one part: the receipt and its cells appear together or not at all.
# Source: docs/design/0002-one-part-one-receipt.md.
ONE_PART = {
    "async_insert": 0,
    "max_insert_threads": 1,
    "max_block_size": 1_000_000,
    "max_insert_block_size": 1_000_000,
    "min_insert_block_size_rows": 1_000_000_000,
    "min_insert_block_size_bytes": 100_000_000_000,
    "min_insert_block_size_rows_for_materialized_views": 1_000_000_000,
    "min_insert_block_size_bytes_for_materialized_views": 100_000_000_000,
}

# UNKNOWN_TABLE, NO_SUCH_COLUMN_IN_TABLE, THERE_IS_NO_COLUMN, UNKNOWN_IDENTIFIER,
# NUMBER_OF_COLUMNS_DOESNT_MATCH.
_SCHEMA_CODES = frozenset({60, 16, 8, 47, 20})
# Content that no retry will mend: CANNOT_PARSE_*, INCORRECT_DATA, TYPE_MISMATCH and kin.
_CONTENT_CODES = frozenset({6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 395})


class Store:
    """One ClickHouse, embedded or remote, with a client for each thread that asks.

    Args:
        path: the folder of the embedded engine; unused with a DSN.
        dsn: of a server, such as `clickhouse://user:password@host:8123/footfall`; empty: embedded.
    """

    def __init__(self, path: Path, dsn: str = "") -> None:
        self.path = path
        self.dsn = dsn
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return not self.dsn

    def prepare(self) -> None:
        """Make the tables, align the fan-out with `views.VIEWS`, clear broken leftovers.

        Raises:
            StoreBusy: if another process holds the folder.
            Unreachable: if a server does not answer.
        """
        for statement in schema.tables().values():
            self.command(statement)
        self._align_fan_out()
        for table in ("open_cells", "sealed_cells", "seals", "suppressed"):
            self.command(
                f"ALTER TABLE {table} DROP DETACHED PARTITION ALL", {"allow_drop_detached": 1}
            )

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """Ask a question; values only through `{name:Type}` parameters.

        Returns:
            The rows, in the order of the statement.
        """
        return self._call(
            lambda client: [
                tuple(row)
                for row in client.query(
                    sql, parameters=dict(parameters or {}), settings=dict(settings or {})
                ).result_rows
            ]
        )

    def command(
        self,
        sql: str,
        settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Run a statement that returns nothing."""
        self._call(
            lambda client: client.command(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
        )

    def insert_arrow(
        self, table: str, columns: Sequence[str], stream: bytes, *, token: str, query_id: str = ""
    ) -> None:
        """Insert one Arrow stream as one block, and so as one part of each target's partition.

        No raw row touches a disk on the way: the embedded engine reads an
        anonymous memory file, a server gets the bytes as the request's body.

        Args:
            stream: an Arrow IPC stream of `columns`.
            token: the batch's own; a retry carries the same.
            query_id: names this attempt on a server.

        Raises:
            Unreachable: if the outcome is unknown.
            Rejected: if the content is at fault.
            SchemaMismatch: if the tables are not ours.
        """
        names = ", ".join(columns)
        settings = {**ONE_PART, "insert_deduplication_token": token}
        if self.embedded:
            clause = ", ".join(f"{key} = '{value}'" for key, value in settings.items())
            with _memory_file(stream) as path:
                self.command(
                    f"INSERT INTO {table} ({names}) FROM INFILE '{path}' "
                    f"SETTINGS {clause} FORMAT ArrowStream"
                )
            return
        self._call(
            lambda client: client.command(
                f"INSERT INTO {table} ({names}) FORMAT ArrowStream",
                data=stream,
                settings=settings,
                transport_settings={"query_id": query_id} if query_id else None,
            )
        )

    def close(self) -> None:
        """Close every thread's client; the embedded engine lets go of its folder."""
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()
        self._local = threading.local()

    def _align_fan_out(self) -> None:
        found = self.query(
            "SELECT comment FROM system.tables WHERE database = currentDatabase() "
            "AND name = 'fan_out'"
        )
        if found and found[0][0] != schema.fingerprint():
            self.command("DROP VIEW fan_out SYNC")
        self.command(schema.fan_out_statement())

    def _call(self, call: Callable[[Client], Answer]) -> Answer:
        try:
            return call(self._client())
        except DatabaseError as refused:
            raise _in_our_words(refused) from refused
        except (ClickHouseError, OSError, RuntimeError) as failed:
            raise Unreachable(str(failed)) from failed

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._connect()
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _connect(self) -> Client:
        if self.dsn:
            return clickhouse_connect.get_client(
                dsn=self.dsn,
                autogenerate_session_id=False,
                query_limit=0,
                connect_timeout=CALL_TIMEOUT_SECONDS,
                send_receive_timeout=CALL_TIMEOUT_SECONDS,
                compress="lz4",
            )
        try:
            return clickhouse_connect.get_client(
                interface="chdb", path=str(self.path), query_limit=0
            )
        except ClickHouseError as held:
            raise StoreBusy(
                f"the store in {self.path} cannot be opened; another process probably has it"
            ) from held


def _in_our_words(refused: DatabaseError) -> Exception:
    code = refused.code or 0
    if code in _SCHEMA_CODES:
        return SchemaMismatch(str(refused))
    if code in _CONTENT_CODES:
        return Rejected(str(refused))
    return Unreachable(str(refused))


@contextmanager
def _memory_file(content: bytes) -> Iterator[str]:
    descriptor = os.memfd_create("footfall-batch", os.MFD_CLOEXEC)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
