"""How many of our files one hit passes, from the socket to the disk and to the INSERT."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn

from collector.app import create_app
from collector.ingest.fast_path import fast_path_protocol
from tests.asgi import found, some_settings
from tests.builders import CHROME, a_body
from tests.integration.trace import Trace, named_in

MOST_ON_THE_LOOP, MOST_TO_DURABLE, MOST_TO_INSERT = 16, 20, 26
BODY = a_body(r="https://www.google.com/", u="https://example.org/a?utm_source=news")
REQUEST = (
    b"POST /api/event HTTP/1.1\r\nHost: stats.example\r\nUser-Agent: %b\r\n"
    b"Accept-Language: en\r\nContent-Length: %d\r\n\r\n%b" % (CHROME, len(BODY), BODY)
)


class Walk(NamedTuple):
    """What was passed until the answer, and until the hit was in the store.

    Attributes:
        on_the_loop: of `to_durable`, what the event loop passed; the rest is the spool's thread.
    """

    on_the_loop: list[str]
    to_durable: list[str]
    to_insert: list[str]


async def walk_of_a_hit(folder: Path, trace: Trace) -> Walk:
    """Serve a site, send it hits over one connection, and record what the last one passes."""
    settings = some_settings(folder)
    found(settings, "example.org")
    app = create_app(settings)
    container = app.container
    protocol = fast_path_protocol(app.handlers["/api/event"], container.count_rejected_connection)
    config = uvicorn.Config(
        app, port=0, http=protocol, ws="none", lifespan="off", access_log=False, log_config=None
    )
    server = uvicorn.Server(config)
    container.prepare()
    container.spool.start()
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag alone
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        # The first hits open a visit and fill the caches; the last one is the usual hit.
        await asyncio.to_thread(container.delivery.flush)
        trace.clear()
        writer.write(REQUEST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 202")
    on_the_loop, to_durable = trace.modules_of("MainThread"), trace.modules
    container.delivery.flush()
    to_insert = trace.modules
    writer.close()
    server.should_exit = True
    await serving
    container.close()
    return Walk(on_the_loop, to_durable, to_insert)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The walk of one hit through the whole service."""
    with Trace() as trace:
        return asyncio.run(walk_of_a_hit(tmp_path_factory.mktemp("walk") / "data", trace))


def test_a_hit_passes_at_most_sixteen_files_on_the_event_loop(walk: Walk) -> None:
    """From the socket to the answer, a reader opens no more than these, the disk's aside."""
    assert {"collector/ingest/pipeline.py", "collector/spool/group_commit.py"} <= {
        *walk.on_the_loop
    }
    assert len(walk.on_the_loop) <= MOST_ON_THE_LOOP, "\n".join(walk.on_the_loop)


def test_a_hit_passes_at_most_twenty_files_until_it_is_durable(walk: Walk) -> None:
    """With the thread that writes to the disk, a reader opens four more."""
    assert "collector/spool/database.py" in walk.to_durable
    assert len(walk.to_durable) <= MOST_TO_DURABLE, "\n".join(walk.to_durable)


def test_a_hit_passes_at_most_twenty_six_files_until_it_is_inserted(walk: Walk) -> None:
    """From the socket to the INSERT, a reader opens no more than these."""
    assert {"collector/spool/delivery.py", "collector/cells/client.py"} <= {*walk.to_insert}
    assert len(walk.to_insert) <= MOST_TO_INSERT, "\n".join(walk.to_insert)


def test_the_architecture_names_every_file_that_a_hit_passes(walk: Walk) -> None:
    """A reader of ARCHITECTURE.md meets each file of the walk, by its path."""
    section = named_in("The path of a hit")

    assert [module for module in walk.to_insert if module not in section] == []
