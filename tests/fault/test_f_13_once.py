"""F-13: one request is one hit; no proxy of ours sends it twice, whatever befalls it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from tests.fault.proxies import Proxy, caddy, nginx
from tests.service import Service

Starts = Callable[[Path, int], AbstractContextManager[Proxy]]
NEEDS = pytest.mark.needs_system
PROXIES = pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(nginx, marks=NEEDS("nginx", "openssl")),
        pytest.param(caddy, marks=NEEDS("caddy")),
    ],
)


def a_hit(path: str) -> bytes:
    """Write a pageview's body."""
    return json.dumps({"n": "pageview", "u": f"http://localhost{path}", "d": "localhost"}).encode()


@PROXIES
def test_f_13_hits_through_a_proxy_are_counted_once(tmp_path: Path, proxy: Starts) -> None:
    """Each request is one pageview; a forged forwarding header makes no further visitor."""
    trusting = {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32"}
    with (
        Service(tmp_path / "data", environ=trusting) as service,
        proxy(tmp_path, service.port) as before,
    ):
        statuses = [
            before.post(a_hit(f"/{number}"), {"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(20)
        ]
        service.wait_for({"visitors": 1, "visits": 1, "pageviews": 20}, service.aggregate)

    assert [202] * 20 == statuses


class Fickle:
    """An upstream that reads requests, answers some, and closes on others without a word.

    Attributes:
        bodies: every body that arrived, as often as it did.
    """

    def __init__(self, answers: int) -> None:
        """Listen; each connection answers so many requests before it goes silent."""
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.bodies: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rwb") as stream:
            for number in range(self._answers + 1):
                length = 0
                while (line := stream.readline()).strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                if not line:
                    return
                self.bodies.append(stream.read(length))
                if number < self._answers:
                    stream.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")
                    stream.flush()


@contextmanager
def fickle(answers: int) -> Iterator[Fickle]:
    """Run such an upstream."""
    upstream = Fickle(answers)
    try:
        yield upstream
    finally:
        upstream.close()


@PROXIES
@pytest.mark.parametrize("answers", [0, 1])
def test_f_13_no_proxy_sends_a_hit_again(tmp_path: Path, proxy: Starts, answers: int) -> None:
    """An upstream that reads a hit and hangs up gets it once, on new and on kept connections."""
    sent = [a_hit(f"/{number}") for number in range(6)]

    with fickle(answers) as upstream, proxy(tmp_path, upstream.port) as before:
        statuses = [before.post(body) for body in sent]

    assert sent == upstream.bodies
    assert 502 in statuses
    assert set(statuses) <= {202, 502}
