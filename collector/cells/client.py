"""Connect to ClickHouse, embedded (chDB, one process per path) or on a server (a DSN).

Only this module imports clickhouse_connect; its errors become those of `collector.errors`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from collector.cells import fan_out, schema
from collector.errors import Rejected, SchemaMismatch, StoreBusy, Unreachable

# Its warnings quote whole requests, values included; our own errors say what happened.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)

Row = tuple[Any, ...]
Answer = TypeVar("Answer")

CONNECT_TIMEOUT_SECONDS = 5
CALL_TIMEOUT_SECONDS = 30
MESSAGE_MAX = 300

# Limits of the embedded engine within this process: memory does not grow with the machine's, and
# there are few threads. Measured in docs/design/0012-embedded-engine.md.
_ENGINE = """<clickhouse>
<max_server_memory_usage>900000000</max_server_memory_usage>
<mark_cache_size>16777216</mark_cache_size>
<primary_index_cache_size>16777216</primary_index_cache_size>
<index_mark_cache_size>1048576</index_mark_cache_size>
<uncompressed_cache_size>0</uncompressed_cache_size>
<index_uncompressed_cache_size>0</index_uncompressed_cache_size>
<mmap_cache_size>0</mmap_cache_size>
<query_condition_cache_size>1048576</query_condition_cache_size>
<query_cache><max_size_in_bytes>0</max_size_in_bytes></query_cache>
<compiled_expression_cache_size>0</compiled_expression_cache_size>
<background_pool_size>2</background_pool_size>
<background_schedule_pool_size>1</background_schedule_pool_size>
<background_common_pool_size>1</background_common_pool_size>
<background_fetches_pool_size>1</background_fetches_pool_size>
<background_move_pool_size>1</background_move_pool_size>
<max_thread_pool_size>64</max_thread_pool_size>
<max_thread_pool_free_size>4</max_thread_pool_free_size>
<max_io_thread_pool_free_size>0</max_io_thread_pool_free_size>
</clickhouse>
"""

# By default an engine with so little memory runs each statement in one thread.
_TWO_THREADS = {"max_threads": 2, "max_threads_min_free_memory_per_thread": 0}

# One INSERT must create one part: the receipt and its cells appear together or not at all.
# Source: docs/design/0002-one-part-one-receipt.md.
ONE_PART = {
    "async_insert": 0,
    "max_threads": 1,
    "max_insert_threads": 1,
    # The fan-out groups the cells already.
    "optimize_on_insert": 0,
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
# Bad content, which no retry can fix: CANNOT_PARSE_*, INCORRECT_DATA, TYPE_MISMATCH and similar.
_CONTENT_CODES = frozenset({6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 395})


class Store:
    """A ClickHouse database, embedded or remote, with a pool of clients that threads share.

    A pool, because background tasks run in short-lived threads and a client takes 340 KiB.

    Args:
        path: the folder of the embedded engine; unused with a DSN.
        dsn: of a server, such as `clickhouse://user:password@host:8123/footfall`; empty: embedded.
        call_timeout_s: how long a server may be silent within one call.
    """

    def __init__(
        self, path: Path, dsn: str = "", call_timeout_s: float = CALL_TIMEOUT_SECONDS
    ) -> None:
        self.path = path
        self.dsn = dsn
        self._call_timeout_s = call_timeout_s
        self._clients: list[Client] = []
        self._free: list[Client] = []
        self._lock = threading.Lock()
        self._opening = threading.Lock()

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return not self.dsn

    @property
    def temporary(self) -> tuple[tuple[Path, str], ...]:
        """Folders in which temporary files with rows could be left, each with a file pattern.

        They are the engine's own and the system's, which the driver would use.
        """
        system = Path(gettempdir())
        return (self.path / "tmp", "*"), (system, "tmp*.native"), (system, "tmp*.raw")

    def prepare(self) -> None:
        """Create the tables, update the fan-out to `views.VIEWS`, drop broken parts.

        Raises:
            StoreBusy: if another process has the folder open.
            Unreachable: if a server does not answer.
        """
        work_tables = self.query(
            "SELECT name FROM system.tables "
            "WHERE database = currentDatabase() AND startsWith(name, 'closing_')"
        )
        # They are in memory and empty between sealings, and another version's have other columns.
        for (name,) in work_tables:
            self.command(f"DROP TABLE {name}")
        for statement in schema.tables().values():
            self.command(statement)
        self._align_fan_out()
        for table in ("open_cells", "snapshot_cells", "sealed_cells", "seals", "suppressed"):
            self.command(
                f"ALTER TABLE {table} DROP DETACHED PARTITION ALL", {"allow_drop_detached": 1}
            )

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """Run a SELECT; pass values only as `{name:Type}` parameters.

        Returns:
            The rows, in the order of the result.
        """
        return self._call(
            lambda client: [
                tuple(row)
                for row in client.query(
                    sql, parameters=dict(parameters or {}), settings=self._settings(settings)
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
                sql, parameters=dict(parameters or {}), settings=self._settings(settings)
            )
        )

    def insert_block(
        self, table: str, columns: Sequence[str], block: bytes, *, token: str, query_id: str = ""
    ) -> None:
        """Insert one block, which becomes one part per table and partition.

        No raw row is written to disk on the way: the embedded engine reads an anonymous memory
        file, a server receives the bytes as the body of the request.

        Args:
            block: these columns in the Native format.
            token: identifies the batch; a retry uses the same one.
            query_id: identifies this attempt on a server.

        Raises:
            Unreachable: if the outcome is unknown.
            Rejected: if the content is invalid.
            SchemaMismatch: if the tables differ from ours.
        """
        names = ", ".join(columns)
        settings = {**ONE_PART, "insert_deduplication_token": token}
        if self.embedded:
            clause = ", ".join(f"{key} = '{value}'" for key, value in settings.items())
            with _memory_file(block) as path:
                self.command(
                    f"INSERT INTO {table} ({names}) FROM INFILE '{path}' "
                    f"SETTINGS {clause} FORMAT Native"
                )
            return
        self._call(
            lambda client: client.command(
                f"INSERT INTO {table} ({names}) FORMAT Native",
                data=block,
                settings=self._settings(settings, query_id),
            )
        )

    def release_memory(self) -> None:
        """Return memory to the system that the embedded engine has freed but still holds.

        Each of its threads keeps freed pages until it runs again: measured in
        docs/design/0012-embedded-engine.md.
        """
        if self.embedded:
            self.command("SYSTEM JEMALLOC PURGE")

    def close(self) -> None:
        """Close every client; the embedded engine releases its folder."""
        with self._lock:
            clients, self._clients, self._free = self._clients, [], []
        for client in clients:
            client.close()

    def _align_fan_out(self) -> None:
        found = self.query(
            "SELECT comment FROM system.tables WHERE database = currentDatabase() "
            "AND name = 'fan_out'"
        )
        if found == [(fan_out.fingerprint(),)]:
            return
        for name, kind in schema.HIT_COLUMNS.items():
            self.command(f"ALTER TABLE hits ADD COLUMN IF NOT EXISTS {name} {kind}")
        self.command(fan_out.statement())
        if found:
            # In place: a batch sent while there is no view would be lost.
            self.command(f"ALTER TABLE fan_out MODIFY QUERY {fan_out.select()}")
            self.command(f"ALTER TABLE fan_out MODIFY COMMENT '{fan_out.fingerprint()}'")

    def _settings(self, settings: Mapping[str, Any] | None, query_id: str = "") -> dict[str, Any]:
        chosen = dict(settings or {})
        if self.dsn:
            # Progress headers would keep a stalled call alive forever.
            chosen["send_progress_in_http_headers"] = 0
        if query_id:
            chosen["query_id"] = query_id
        return chosen

    def _call(self, call: Callable[[Client], Answer]) -> Answer:
        try:
            with self._client() as client:
                return call(client)
        except DatabaseError as refused:
            raise _translated(refused) from refused
        except (ClickHouseError, OSError, RuntimeError) as failed:
            raise Unreachable(_shortened(failed)) from failed

    @contextmanager
    def _client(self) -> Iterator[Client]:
        with self._lock:
            client = self._free.pop() if self._free else None
        client = client or self._connect()
        try:
            yield client
        finally:
            with self._lock:
                # Not if `close` was called meanwhile.
                if client in self._clients:
                    self._free.append(client)

    def _connect(self) -> Client:
        # Not under the pool's lock: a server that hangs must not block calls that have a client.
        with self._opening:
            client = self._connect_to_server() if self.dsn else self._open_engine()
        with self._lock:
            self._clients.append(client)
        return client

    def _connect_to_server(self) -> Client:
        client = clickhouse_connect.get_client(
            dsn=self.dsn,
            autogenerate_session_id=False,
            query_limit=0,
            query_retries=0,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            send_receive_timeout=self._call_timeout_s,
            compress="lz4",
            show_clickhouse_errors="scrub",
        )
        # The driver must not retry an INSERT: delivery has to know about every attempt.
        client.http_retries = 0  # type: ignore[attr-defined]
        return client

    def _open_engine(self) -> Client:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        limits = self.path.with_name(self.path.name + ".xml")
        limits.write_text(_ENGINE)
        try:
            return clickhouse_connect.get_client(
                interface="chdb",
                path=str(self.path),
                query_limit=0,
                show_clickhouse_errors="scrub",
                chdb_options={"config-file": str(limits.resolve())},
                settings=_TWO_THREADS,
            )
        except ClickHouseError as held:
            raise StoreBusy(
                f"the store in {self.path} cannot be opened; another process probably has it"
            ) from held


def _translated(refused: DatabaseError) -> Exception:
    code = refused.code or 0
    if code in _SCHEMA_CODES:
        return SchemaMismatch(_shortened(refused))
    if code in _CONTENT_CODES:
        # ClickHouse's message quotes the value, which must not reach a log.
        return Rejected(f"ClickHouse code {code} {refused.name or ''}".strip())
    return Unreachable(_shortened(refused))


def _shortened(error: Exception) -> str:
    cause = f" ({type(error.__cause__).__name__})" if error.__cause__ is not None else ""
    text = " ".join(str(error).split()) + cause
    return text if len(text) <= MESSAGE_MAX else text[:MESSAGE_MAX] + "…"


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
