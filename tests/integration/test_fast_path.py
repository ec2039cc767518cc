"""The protocol's own way to take a hit answers byte for byte as the way through ASGI does."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn

from collector.app import Footfall
from collector.errors import SpoolError
from collector.hit import Hit
from collector.ingest.fast_path import FastPathProtocol, fast_path_protocol
from collector.ingest.formats.plausible import PlausibleHandler
from collector.ingest.handler import Reply
from collector.ingest.http_limits import LimitedHttpProtocol, Reason
from collector.privacy.consent import HeaderList, NamedHeaders, Peer
from collector.settings import SpoolSettings
from tests.asgi import running
from tests.builders import CHROME, a_body

UA = b"User-Agent: " + CHROME + b"\r\n"
DATE = re.compile(rb"date: [^\r]*\r\n")


class Held:
    """A journal whose hits become durable when the test says so."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> asyncio.Future[None]:
        """Take a hit; all wait for the same."""
        assert undo is not None
        self.hits.append(hit)
        return self.durable

    def append_all(self, hits: Sequence[tuple[Hit, Callable[[], None]]]) -> asyncio.Future[None]:
        """Take hits that were sent together."""
        return [self.append(*each) for each in hits][-1]


class Watched(PlausibleHandler):
    """The handler, and how many requests came by the fast path."""

    wholes = 0

    def reply_at_once(
        self, sent: HeaderList, headers: NamedHeaders, peer: Peer, body: bytes
    ) -> Reply:
        """Reply to one and count it."""
        self.wholes += 1
        return super().reply_at_once(sent, headers, peer, body)


class Serving(NamedTuple):
    """A server of hits; `handler` counts what came by the fast path."""

    port: int
    handler: Watched
    reasons: list[Reason]


@contextlib.asynccontextmanager
async def serving(
    app: Footfall, spool: object = None, *, plain: bool = True, keep_alive_s: int = 5
) -> AsyncIterator[Serving]:
    """Serve the application's hits through the fast path, or only through ASGI."""
    container, reasons = app.container, list[Reason]()
    handler = Watched(container, spool or container.spool, container.counters)  # type: ignore[arg-type]
    config = uvicorn.Config(
        handler if spool else app,
        port=0,
        http=fast_path_protocol(handler, reasons.append)
        if plain
        else type("Slow", (LimitedHttpProtocol,), {"count": staticmethod(reasons.append)}),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=keep_alive_s,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag alone
        await asyncio.sleep(0.01)
    yield Serving(server.servers[0].sockets[0].getsockname()[1], handler, reasons)
    server.should_exit = True
    await task


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application with two sites."""
    async with running(tmp_path / "data", "example.org", "b.example") as app:
        yield app


def a_request(body: bytes = a_body(), headers: bytes = UA, line: bytes = b"") -> bytes:
    """Write a request to the event route, with its length."""
    return (
        (line or b"POST /api/event HTTP/1.1")
        + b"\r\nHost: stats.example\r\n"
        + headers
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )


async def answers(server: Serving, *pieces: bytes, count: int = 1) -> bytes:
    """Send pieces and read so many answers, or until the other side closes; without dates."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    found = b""
    async with asyncio.timeout(5):
        for _ in range(count):
            found += await an_answer(reader)
    writer.close()
    return DATE.sub(b"", found)


async def an_answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer, with the body that its head declares."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


PLAIN = {
    "counted": a_request(),
    "two sites": a_request(a_body(d="example.org,b.example")),
    "opt_out": a_request(headers=UA + b"Cookie: a=b; optout=1\r\n"),
    "second cookie header": a_request(headers=UA + b"Cookie: optout=1\r\nCookie: a=b\r\n"),
    "gpc": a_request(headers=UA + b"Sec-GPC: 1\r\n"),
    "dnt": a_request(headers=UA + b"DNT: 1\r\n"),
    "bot": a_request(headers=b"User-Agent: Googlebot/2.1\r\n"),
    "prefetch": a_request(headers=UA + b"Sec-Purpose: prefetch\r\n"),
    "unknown site": a_request(a_body(d="nobody.example")),
    "foreign page": a_request(a_body(u="https://foreign.example/")),
    "not_json": a_request(b"{"),
    "nothing": a_request(b""),
    "unknown_field": a_request(b'{"zz": 1}'),
    "missing_field": a_request(b'{"n": "pageview"}'),
    "bad_field": a_request(b'{"n": "pageview", "u": 7}'),
    "too_large": a_request(a_body() + b" " * 9000),
    "kept alive by name": a_request(headers=UA + b"Connection: keep-alive\r\n"),
    "an upgrade that no connection names": a_request(headers=UA + b"Upgrade: h2c\r\n"),
    "length with zeros": a_request().replace(b"Content-Length: ", b"Content-Length: 0"),
}
UNUSUAL = {
    "a query": a_request(line=b"POST /api/event?x=1 HTTP/1.1"),
    "an encoded path": a_request(line=b"POST /api/%65vent HTTP/1.1"),
    "another method": a_request(line=b"PUT /api/event HTTP/1.1"),
    "a preflight": a_request(line=b"OPTIONS /api/event HTTP/1.1"),
    "an old protocol": a_request(line=b"POST /api/event HTTP/1.0"),
    "an old protocol that goes on": a_request(
        headers=UA + b"Connection: keep-alive\r\n", line=b"POST /api/event HTTP/1.0"
    ),
    "an old protocol that goes on by a proxy": a_request(
        headers=UA + b"Proxy-Connection: keep-alive\r\n", line=b"POST /api/event HTTP/1.0"
    ),
    "a proxy's last word": a_request(headers=UA + b"Proxy-Connection: close\r\n"),
    "its own last word": a_request(headers=UA + b"Connection: close\r\n"),
    "an upgrade": a_request(headers=UA + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    "a long body": a_request(a_body() + b" " * 20_000),
    "a token": a_request(headers=UA + b"Authorization: Bearer x\r\n"),
    "chunks": b"POST /api/event HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1\r\n{\r\n0\r\n\r\n",
}


@pytest.mark.anyio
async def test_both_ways_answer_and_count_alike(tmp_path: Path) -> None:
    """Whatever a plain hit holds: the same bytes of answer, counts, hits kept and visits."""
    seen: list[list[object]] = [[], []]
    wholes = []
    for plain, told in zip((True, False), seen, strict=True):
        async with running(tmp_path / f"{plain}", "example.org", "b.example") as app:
            async with serving(app, plain=plain) as server:
                for case, request in PLAIN.items():
                    answer = await answers(server, request)
                    stats, counters = app.container.spool.stats(), app.container.counters.totals()
                    told.append(
                        (case, answer, stats.acknowledged, counters, len(app.container.visits))
                    )
            wholes.append(server.handler.wholes)

    assert seen[0] == seen[1]
    assert [len(PLAIN), 0] == wholes


@pytest.mark.anyio
async def test_the_unusual_goes_through_asgi(app: Footfall) -> None:
    """A request that is not plainly a hit is left to uvicorn, and answered as it ever was."""
    async with serving(app) as near, serving(app, plain=False) as far:
        told = {case: await answers(near, request) for case, request in UNUSUAL.items()}
        expected = {case: await answers(far, request) for case, request in UNUSUAL.items()}

    assert expected == told
    assert 0 == near.handler.wholes


@pytest.mark.anyio
async def test_a_sender_that_asks_first_is_told_to_go_on(app: Footfall) -> None:
    """`Expect: 100-continue` is uvicorn's to answer."""
    head, body = a_request(headers=UA + b"Expect: 100-continue\r\n").split(b"{", 1)

    async with serving(app) as server:
        told = await answers(server, head, b"{" + body, count=2)

    assert told.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted")


@pytest.mark.anyio
async def test_a_hit_in_pieces_is_taken_once_whole(app: Footfall) -> None:
    """Where the network cuts a request makes no difference."""
    whole = a_request()
    cuts = (20, whole.index(b"Content") + 3, whole.index(b"{") + 9)
    pieces = [whole[a:b] for a, b in zip((0, *cuts), (*cuts, len(whole)), strict=True)]

    async with serving(app) as server:
        told = await answers(server, *pieces)

    assert told.endswith(b"ok")
    assert 1 == server.handler.wholes


@pytest.mark.anyio
async def test_many_hits_of_one_connection_are_answered_in_order(app: Footfall) -> None:
    """Requests sent without waiting, plain ones and others, get their answers in their order."""
    other = a_request(line=b"GET /api/event HTTP/1.1")

    async with serving(app) as server:
        told = await answers(server, a_request() + other + a_request() + a_request(b"{"), count=4)
        later = await answers(server, a_request(), b"", a_request(), count=2)

    assert [b"202", b"405", b"202", b"400"] == re.findall(rb"HTTP/1.1 (\d+)", told)
    assert [b"202", b"202"] == re.findall(rb"HTTP/1.1 (\d+)", later)


@pytest.mark.anyio
async def test_no_answer_before_the_hit_is_durable(app: Footfall) -> None:
    """The acknowledgement waits for the journal; all that waited are answered together."""
    spool = Held()
    async with serving(app, spool) as server:
        asking = [asyncio.create_task(answers(server, a_request())) for _ in range(3)]
        while len(spool.hits) < 3:  # noqa: ASYNC110 - another task appends to the spool
            await asyncio.sleep(0.01)
        done, _ = await asyncio.wait(asking, timeout=0.1)
        spool.durable.set_result(None)
        told = await asyncio.gather(*asking)

    assert not done
    assert all(each.endswith(b"ok") for each in told)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "status"), [(SpoolError("full"), b"503"), (ValueError("secret"), b"500")]
)
async def test_what_could_not_be_kept_is_not_acknowledged(
    app: Footfall, error: Exception, status: bytes
) -> None:
    """A hit that the disk refused is a 503; what nobody foresaw is a 500 without a word."""
    spool = Held()
    spool.durable.set_exception(error)
    async with serving(app, spool) as server:
        told = await answers(server, a_request(a_body(d="example.org,b.example")))

    assert told.startswith(b"HTTP/1.1 " + status)
    assert b"secret" not in told


@pytest.mark.anyio
async def test_each_hit_of_a_group_that_fails_is_counted(app: Footfall) -> None:
    """Three connections wait for one commit: its failure sheds three hits, not one."""
    spool = Held()
    async with serving(app, spool) as server:
        asking = [asyncio.create_task(answers(server, a_request())) for _ in range(3)]
        while len(spool.hits) < 3:  # noqa: ASYNC110 - another task appends to the spool
            await asyncio.sleep(0.01)
        spool.durable.set_exception(SpoolError("the disk failed"))
        await asyncio.gather(*asking)

    assert {"shed": 3} == app.container.counters.totals()


@pytest.mark.anyio
async def test_a_full_spool_answers_alike(tmp_path: Path) -> None:
    """Where there is no room, both ways say when to come again."""
    async with running(tmp_path / "data", spool=SpoolSettings(max_bytes=1)) as app:
        async with serving(app) as near, serving(app, plain=False) as far:
            told, expected = await answers(near, a_request()), await answers(far, a_request())
        visits = len(app.container.visits)

    assert expected == told
    assert b"retry-after: 5" in told
    assert 0 == visits


@pytest.mark.anyio
async def test_a_sender_that_goes_harms_nobody(app: Footfall) -> None:
    """One that left before its answer is passed over; the others of the group get theirs."""
    spool = Held()
    async with serving(app, spool) as server:
        _, gone = await asyncio.open_connection("127.0.0.1", server.port)
        gone.write(a_request())
        asking = asyncio.create_task(answers(server, a_request()))
        while len(spool.hits) < 2:  # noqa: ASYNC110 - another task appends to the spool
            await asyncio.sleep(0.01)
        gone.transport.abort()
        await asyncio.sleep(0.05)
        spool.durable.set_result(None)
        told = await asking

    assert told.endswith(b"ok")


@pytest.mark.anyio
async def test_a_stop_waits_for_the_answer(app: Footfall) -> None:
    """A server that stops answers what it has taken, and says that the connection ends."""
    spool = Held()
    async with serving(app, spool) as server:
        asking = asyncio.create_task(answers(server, a_request()))
        while not spool.hits:  # noqa: ASYNC110 - another task appends to the spool
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.3, spool.durable.set_result, None)

    assert b"connection: close" in await asking


@pytest.mark.anyio
async def test_a_resting_connection_is_closed_in_time(app: Footfall) -> None:
    """A connection without requests ends after the server's time; each request begins it anew."""
    async with serving(app, keep_alive_s=3) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for rest_s in (1.6, 1.6, 0):
            writer.write(a_request())
            assert (await an_answer(reader)).endswith(b"ok")
            await asyncio.sleep(rest_s)
        async with asyncio.timeout(30):
            rest = await reader.read()
        writer.close()

    assert b"" == rest
    assert [] == server.reasons


def test_each_service_has_a_fast_path_of_its_own() -> None:
    """Two services in one process answer their own hits only."""
    first, second = (fast_path_protocol(object(), lambda _: None) for _ in range(2))  # type: ignore[arg-type]

    assert first.handler is not second.handler
    assert first.pending is not second.pending
    assert not hasattr(FastPathProtocol, "handler")
