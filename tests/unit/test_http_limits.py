"""The guarded protocol turns away too much and too slow, tells why, and disturbs nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import uvicorn

from collector.ingest.http_limits import (
    MAX_HEADER_BYTES,
    MAX_REQUEST_BYTES,
    LimitedHttpProtocol,
    Reason,
)
from collector.privacy.consent import Receive, Scope, Send

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


class Running(NamedTuple):
    """A guarded server, and why it turned connections away."""

    port: int
    reasons: list[Reason]


def counting(reasons: list[Reason]) -> type[LimitedHttpProtocol]:
    """Make a protocol class that notes why it closed connections."""
    return type("Counting", (LimitedHttpProtocol,), {"count": staticmethod(reasons.append)})


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answer after the whole body was read."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d bytes" % size})


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    """Run uvicorn with a quick guard."""
    async with a_server(0.2, 0.4) as running:
        yield running


@contextlib.asynccontextmanager
async def a_server(for_headers_s: float, for_body_s: float) -> AsyncIterator[Running]:
    """Run uvicorn with a guard that gives so many seconds."""
    reasons: list[Reason] = []

    class Timed(counting(reasons)):  # type: ignore[misc]
        headers_within_s = for_headers_s
        body_within_s = for_body_s

    config = uvicorn.Config(
        answer, port=0, http=Timed, ws="none", lifespan="off", access_log=False, log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag alone
        await asyncio.sleep(0.01)
    yield Running(server.servers[0].sockets[0].getsockname()[1], reasons)
    server.should_exit = True
    await serving


async def talk(server: Running, *pieces: bytes, wait: float = 0.0) -> bytes:
    """Send pieces and read until the other side closes; empty if it resets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    found = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(wait)
        found = await asyncio.wait_for(reader.read(), 5)
    except OSError:
        pass
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return found


@pytest.mark.anyio
async def test_an_ordinary_request_is_answered(server: Running) -> None:
    """Nothing is counted, and the connection closes when the sender wants it."""
    found = await talk(server, HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")

    assert found.startswith(b"HTTP/1.1 200")
    assert b"2 bytes" in found
    assert [] == server.reasons


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [b"X: y\r\n" * 101, b"X: " + b"y" * MAX_HEADER_BYTES + b"\r\n"],
    ids=["too many", "too long"],
)
async def test_too_many_headers_are_told_and_counted(server: Running, headers: bytes) -> None:
    """More headers than a browser ever sends are answered with 431."""
    found = await talk(server, HEAD + headers + b"\r\n")

    assert found.startswith(b"HTTP/1.1 431")
    assert ["too_many_headers"] == server.reasons


@pytest.mark.anyio
async def test_headers_in_two_pieces_are_taken_together() -> None:
    """Two pieces that are short enough by themselves can make headers that are too long."""
    half = b"X: " + b"y" * (MAX_HEADER_BYTES * 2 // 3) + b"\r\n"

    async with a_server(10, 10) as server:
        found = await talk(server, HEAD + half, half + b"\r\n", wait=0.05)

    assert found.startswith(b"HTTP/1.1 431")
    assert ["too_many_headers"] == server.reasons


@pytest.mark.anyio
async def test_a_header_without_end_is_counted_by_its_bytes(server: Running) -> None:
    """A header that never ends shows in no callback, and is cut off all the same."""
    await talk(server, HEAD + b"X: ", *[b"y" * 8192] * 10, wait=0.005)

    assert ["too_many_headers"] == server.reasons


@pytest.mark.anyio
async def test_slow_headers_and_bodies_are_counted(server: Running) -> None:
    """Each stage of a request has its own time."""
    assert await talk(server, HEAD) == b""
    assert await talk(server, HEAD + b"Content-Length: 9\r\n\r\n{") == b""

    assert ["slow_headers", "slow_body"] == server.reasons


@pytest.mark.anyio
async def test_an_unused_connection_is_closed_uncounted(server: Running) -> None:
    """Browsers open connections ahead; closing one that was never used is no event."""
    assert await talk(server) == b""

    assert [] == server.reasons


@pytest.mark.anyio
async def test_a_body_without_end_is_cut_off(server: Running) -> None:
    """A body of many megabytes is not read to its end, whatever length it declares."""
    pieces = [b"x" * 65536] * (MAX_REQUEST_BYTES // 65536 + 40)

    await talk(server, HEAD + b"Content-Length: 999999999\r\n\r\n", *pieces)

    assert server.reasons in (["endless_body"], ["slow_body"])


@pytest.mark.anyio
async def test_a_request_in_pieces_within_its_time_is_answered(server: Running) -> None:
    """Slow networks are no attack: pieces that arrive in time are put together."""
    pieces = (HEAD, b"Connection: close\r\nContent-Len", b"gth: 4\r\n\r\n", b"{ ", b" }")

    found = await talk(server, *pieces, wait=0.04)

    assert b"4 bytes" in found
    assert [] == server.reasons


@pytest.mark.anyio
async def test_what_is_no_http_is_a_400(server: Running) -> None:
    """A request that cannot be parsed is told so, and is not counted as too large."""
    found = await talk(server, b"NONSENSE\r\n\r\n")

    assert found.startswith(b"HTTP/1.1 400")
    assert [] == server.reasons


def test_each_guarded_class_tells_its_own_listener() -> None:
    """Two services in one process do not hear of each other's senders."""
    first: list[Reason] = []
    second: list[Reason] = []

    counting(first).count("slow_body")
    counting(second).count("slow_headers")
    LimitedHttpProtocol.count("endless_body")

    assert (["slow_body"], ["slow_headers"]) == (first, second)
