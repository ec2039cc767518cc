"""F-2: SIGTERM under load ends the service in time, with exit code 0, and loses nothing."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.fault.senders import TRUSTING, Stream
from tests.service import Service

MOST_SECONDS = 30
HALVES = {
    "half a line": b"POST /api/ev",
    "half the headers": b"POST /api/event HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla",
    "half a body": b"POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{",
    "nothing": b"",
}


def stop_in_time(service: Service) -> tuple[int, float]:
    """Send SIGTERM; return the exit code and the seconds it took."""
    assert service.process is not None
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    code = service.process.wait(timeout=60)
    service.process = None
    return code, time.monotonic() - began


def test_f_2_sigterm_under_load_with_half_sent_requests(tmp_path: Path) -> None:
    """With senders at full speed and stuck requests open, all is drained and counted once."""
    service = Service(tmp_path / "data", environ=TRUSTING).start()
    stream = Stream(service)
    stream.start()
    stuck = [socket.create_connection(("127.0.0.1", service.port)) for _ in HALVES]
    for connection, half in zip(stuck, HALVES.values(), strict=True):
        connection.sendall(half)
    stream.wait_for(110)

    code, seconds = stop_in_time(service)
    stream.stop()
    for connection in stuck:
        connection.close()

    assert 0 == code
    assert seconds < MOST_SECONDS
    assert len(stream.acknowledged) > 100
    assert [] == stream.verdict_on(service)


@contextmanager
def black_hole() -> Iterator[int]:
    """Listen on a port, take connections, and never answer."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


@contextmanager
def nowhere() -> Iterator[int]:
    """Give a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield port


@pytest.mark.parametrize("server", [black_hole, nowhere], ids=["hangs", "is not there"])
def test_f_2_a_store_that_does_not_answer_holds_up_neither_start_nor_stop(
    tmp_path: Path, server: Callable[[], AbstractContextManager[int]]
) -> None:
    """Hits are taken at once; the stop is in time; the hits stay in the spool for the next."""
    with server() as port:
        dsn = f"clickhouse://default:@127.0.0.1:{port}/default"
        service = Service(tmp_path / "data", environ={"FOOTFALL_CLICKHOUSE_DSN": dsn})
        service.start()
        statuses = [service.hit(f"/{number}").status for number in range(5)]
        reasons = service.get("/readyz").json()["reasons"]

        code, seconds = stop_in_time(service)

    del service.environ["FOOTFALL_CLICKHOUSE_DSN"]
    service.start()
    service.wait_for(5, lambda: service.aggregate()["pageviews"])
    assert 0 == service.stop()
    assert [202] * 5 == statuses
    assert ["the store does not answer: nothing is delivered yet"] == reasons
    assert 0 == code
    assert seconds < MOST_SECONDS
