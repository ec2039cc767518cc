"""The client of ClickHouse, embedded and over HTTP, and its errors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

from collector.cells import fan_out, schema
from collector.cells.client import Store
from collector.cells.receipts import has_receipt, hits_block, wait_until_over
from collector.errors import Rejected, SchemaMismatch, Unreachable
from tests.builders import a_hit
from tests.clickhouse_process import Front, a_front, new_database

CLOSES_AT = a_hit().closes_at


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Run one front for all tests here."""
    with a_front(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=["embedded", "http"])
def store(request: pytest.FixtureRequest, tmp_path: Path, front: Front) -> Iterator[Store]:
    """Open a prepared, empty store of either kind."""
    opened = Store(tmp_path / "clickhouse", new_database(front) if request.param == "http" else "")
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def server(front: Front) -> Iterator[Store]:
    """Open a store over HTTP that waits one second."""
    opened = Store(Path("/nonexistent"), new_database(front), call_timeout_s=1)
    opened.prepare()
    yield opened
    opened.close()
    front.behave()


def test_preparing_twice_changes_nothing(store: Store) -> None:
    """A restart finds its tables and keeps what is in them."""
    store.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")

    store.prepare()

    assert has_receipt(store, CLOSES_AT, "token")


def test_work_tables_are_this_versions(store: Store) -> None:
    """After an update the tables that a day is folded in have this version's columns."""
    store.command("DROP TABLE closing_cells")
    store.command("CREATE TABLE closing_cells (site UInt32) ENGINE = Memory")
    store.command("CREATE TABLE closing_folds (id UInt64) ENGINE = Memory")

    store.prepare()

    columns = store.query(
        "SELECT table, count() FROM system.columns WHERE database = currentDatabase() "
        "AND table IN ('closing_cells', 'closing_folds') GROUP BY table"
    )
    assert columns == [("closing_cells", len(schema.columns_of(schema.tables()["closing_cells"])))]


def test_an_older_fan_out_is_replaced_in_place(store: Store) -> None:
    """After an upgrade the view is this version's, and it was never missing."""
    store.command("ALTER TABLE fan_out MODIFY QUERY SELECT * FROM open_cells WHERE 0")
    store.command("ALTER TABLE fan_out MODIFY COMMENT 'older'")

    store.prepare()
    store.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")

    found = store.query(
        "SELECT comment FROM system.tables WHERE name = 'fan_out' AND database = currentDatabase()"
    )
    assert [(fan_out.fingerprint(),)] == found
    assert has_receipt(store, CLOSES_AT, "token")


def test_new_columns_of_hits_are_added(store: Store) -> None:
    """After an upgrade that adds a dimension, the table `hits` has its column."""
    store.command("ALTER TABLE fan_out MODIFY QUERY SELECT * FROM open_cells WHERE 0")
    store.command("ALTER TABLE fan_out MODIFY COMMENT 'older'")
    store.command("ALTER TABLE hits DROP COLUMN bounce_hour, DROP COLUMN bounce_minute")

    store.prepare()
    store.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")

    assert has_receipt(store, CLOSES_AT, "token")


def test_values_are_bound_and_never_spliced(store: Store) -> None:
    """Quotes, backslashes and statements within a value are only a value."""
    nasty = 'it\'s \\ "a"; DROP TABLE hits -- \t\n{x:String}'

    rows = store.query("SELECT {value:String}", {"value": nasty})

    assert [(nasty,)] == rows


def test_a_receipt_is_there_with_its_batch_and_not_before(store: Store) -> None:
    """Asking tells apart what was sent and what was not."""
    before = has_receipt(store, CLOSES_AT, "token")
    store.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")

    assert not before
    assert has_receipt(store, CLOSES_AT, "token")
    assert not has_receipt(store, CLOSES_AT + 1, "token")


def test_a_token_sent_twice_counts_once(store: Store) -> None:
    """A second line of defence: the store itself ignores a token that it has seen."""
    for _ in range(2):
        store.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")

    counted = store.query("SELECT sum(pageviews) FROM open_cells WHERE view = 1 AND grain = 0")
    assert [(1,)] == counted


def test_a_missing_table_is_a_schema_mismatch(store: Store) -> None:
    """Delivery has to stop instead of trying again."""
    with pytest.raises(SchemaMismatch, match="gone"):
        store.query("SELECT * FROM gone")


def test_a_value_at_fault_is_rejected_and_not_quoted(store: Store) -> None:
    """The message names the code and never the value."""
    with pytest.raises(Rejected) as rejected:
        store.query("SELECT toUInt8('visitor-value')")

    assert "visitor-value" not in str(rejected.value)


def test_a_statement_that_takes_too_long_is_unreachable(store: Store) -> None:
    """A time limit ends a call with an error that is retried."""
    with pytest.raises(Unreachable, match="159"):
        store.query("SELECT sleep(1)", settings={"max_execution_time": 0.1})


def test_threads_ask_at_once(store: Store) -> None:
    """Each call has a client of its own, so no call waits for another's answer."""
    answers = list[object]()

    def ask() -> None:
        answers.extend(store.query("SELECT count() FROM numbers(1000)"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(1000,)] * 4 == answers


def test_threads_that_come_and_go_leave_no_clients_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Background tasks query from a new thread each time; their calls share one client."""
    opened = list[object]()
    get_client = clickhouse_connect.get_client

    def counted(**arguments: Any) -> object:
        opened.append(arguments)
        return get_client(**arguments)

    monkeypatch.setattr(clickhouse_connect, "get_client", counted)
    answers = list[object]()
    for _ in range(5):
        thread = threading.Thread(target=lambda: answers.extend(store.query("SELECT 1")))
        thread.start()
        thread.join()
    alone = len(opened)
    store.close()
    answers.extend(store.query("SELECT 1"))

    assert [(1,)] * 6 == answers
    assert (0, 1) == (alone, len(opened))


def test_the_embedded_engine_is_bounded(tmp_path: Path) -> None:
    """Its memory, caches and threads have limits that do not depend on the machine."""
    store = Store(tmp_path / "clickhouse")

    found: dict[str, str] = dict(
        store.query(
            "SELECT name, value FROM system.server_settings WHERE name IN "
            "('max_server_memory_usage', 'mark_cache_size', 'background_pool_size')"
        )
    )
    store.close()

    assert {
        "max_server_memory_usage": "900000000",
        "mark_cache_size": "16777216",
        "background_pool_size": "2",
    } == found


def test_no_row_is_written_to_a_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raw rows reach the embedded engine even if no temporary file can be created."""
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    store = Store(tmp_path / "clickhouse")
    store.prepare()

    store.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")
    arrived = has_receipt(store, CLOSES_AT, "token")
    store.close()

    assert arrived


def test_a_stalled_server_is_given_up(front: Front, server: Store) -> None:
    """Every call has a timeout, also while the server keeps the connection open."""
    front.begin("before")
    began = time.monotonic()

    with pytest.raises(Unreachable, match="Timeout"):
        server.insert_block(
            "hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token", query_id="token/1"
        )

    assert time.monotonic() - began < 10


def test_a_stalled_insert_is_ended(front: Front, server: Store) -> None:
    """`wait_until_over` returns when the attempt has ended, and it was not applied."""
    front.begin("before")
    with pytest.raises(Unreachable):
        server.insert_block(
            "hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token", query_id="token/1"
        )

    wait_until_over(server, "token")
    front.end("before")

    assert not has_receipt(server, CLOSES_AT, "token")


def test_the_driver_never_repeats_an_insert(
    front: Front, server: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """An error is raised at once, after one attempt; the driver does not quote it in a log."""
    caplog.set_level(logging.DEBUG)
    front.begin("refuse", b"252")

    with pytest.raises(Unreachable, match="252"):
        server.insert_block("hits", *hits_block([a_hit()], "token", CLOSES_AT), token="token")

    assert not [record for record in caplog.records if record.name.startswith("clickhouse")]
