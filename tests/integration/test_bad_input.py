"""Bad input over a real socket: clear answers where the sender is at fault, never a 5xx."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.builders import a_body
from tests.service import CHROME, Service

HEAD = (
    b"POST /api/event HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
    b"User-Agent: " + CHROME.encode() + b"\r\n"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running service for all that is thrown at it."""
    with Service(tmp_path_factory.mktemp("bad") / "data", public_sites=("example.org",)) as service:
        yield service
        log = service.log.read_text()
        assert "Traceback" not in log
        assert "Exception" not in log


def talk(service: Service, *pieces: bytes, wait: float = 0.0, timeout: float = 20.0) -> bytes:
    """Send bytes as they are, in pieces, and read until the other side closes or falls silent."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=timeout) as wire:
        answer = b""
        try:
            for piece in pieces:
                wire.sendall(piece)
                time.sleep(wait)
            while not is_whole(answer) and (got := wire.recv(65536)):
                answer += got
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer


def is_whole(answer: bytes) -> bool:
    """Tell whether an answer's head and as much body as it declares have come."""
    head, end, body = answer.partition(b"\r\n\r\n")
    declared = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(declared or 0)


def status(answer: bytes) -> int:
    """Read the status of an answer; 0 if there was none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


BAD_BODIES = {
    "broken JSON": (b'{"n":"pageview"', 400),
    "wrong types": (a_body(n=["pageview"]), 400),
    "NUL": (b'{"n":"pageview","u":"https://example.org/\\u0000","d":"example.org"}', 400),
    "raw NUL": (b'{"n":"page\0view"}', 400),
    "lone surrogate": (b'{"n":"pageview","u":"https://example.org/\\ud800"}', 400),
    "not a number": (b'{"n":"pageview","u":"https://example.org/","w":NaN}', 400),
    "unknown key": (a_body(ip="192.0.2.1"), 400),
    "long URL": (a_body(u="https://example.org/" + "x" * 3000), 400),
    "long name": (a_body(n="x" * 200), 400),
    "deep nesting": (b"[" * 4000, 400),
    "deep properties": (
        b'{"n":"x","u":"https://example.org/","p":' + b'{"a":' * 900 + b"1" + b"}" * 901,
        202,
    ),
    "9 KiB": (a_body(r="x" * 9000), 413),
    "1 MB": (b"x" * 1_000_000, 413),
    "unknown site": (a_body(d="nobody.example"), 202),
    "foreign host name": (a_body(u="https://foreign.example/"), 202),
    "no URL": (a_body(u="nonsense"), 202),
    "empty": (b"", 400),
    "gzip": (b"\x1f\x8b\x08" + b"x" * 100, 400),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_gets_a_clear_answer(service: Service, case: str) -> None:
    """400 or 413 with a code where the sender is at fault, else the same 202 as ever."""
    body, expected = BAD_BODIES[case]

    answer = service.post("/api/event", body, {"User-Agent": CHROME, "Content-Type": "text/plain"})

    assert expected == answer.status
    if expected != 202:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (
            {"title", "status", "code", "errors"}
            <= set(answer.json())
            <= {"title", "status", "code", "errors", "field"}
        )


def test_too_large(service: Service) -> None:
    """A chunked body without a declared length is stopped while it streams in."""
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"

    answer = talk(service, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 5)

    assert status(answer) == 413
    assert b"too_large" in answer


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"X-H-%d: x\r\n" % number for number in range(10_000)),
        b"".join(b"X-H-%d: x\r\n" % number for number in range(101)),
        b"X-Long: " + b"x" * 20_000 + b"\r\n",
    ],
    ids=["10 000 headers", "101 headers", "20 kB header"],
)
def test_too_many_headers(service: Service, headers: bytes) -> None:
    """More than 100 headers, or more than 16 KiB of them, are answered with 431 or cut off."""
    answer = talk(service, HEAD + headers + b"Content-Length: 2\r\n\r\n{}")

    assert status(answer) in (0, 431)


def test_101_small_headers_are_told(service: Service) -> None:
    """A sender who has sent everything already can read why it was refused."""
    headers = b"".join(b"X-H-%d: x\r\n" % number for number in range(101))

    answer = talk(service, HEAD + headers + b"Content-Length: 2\r\n\r\n{}")

    assert status(answer) == 431
    assert b"too_many_headers" in answer


def test_100_headers_are_taken(service: Service) -> None:
    """A browser behind several proxies stays well within the limit."""
    headers = b"".join(b"X-H-%d: x\r\n" % number for number in range(96))

    answer = talk(service, HEAD + headers + b"Content-Length: 2\r\n\r\n{}")

    assert status(answer) == 400


def test_an_endless_header_is_cut_off(service: Service) -> None:
    """A header without an end does not fill the memory: the connection closes early on."""
    sent = 0
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as wire:
        wire.sendall(HEAD + b"X-Long: ")
        try:
            while sent < 50_000_000:
                sent += wire.send(b"x" * 65536)
        except (ConnectionResetError, BrokenPipeError):
            pass

    assert sent < 10_000_000


def test_slow_senders_are_cut_off(service: Service) -> None:
    """Headers have five seconds, a body ten; dripping a byte now and then buys no time."""

    def lasts(*pieces: bytes, wait: float = 0.0) -> float:
        began = time.monotonic()
        assert status(talk(service, *pieces, wait=wait)) == 0
        return time.monotonic() - began

    with ThreadPoolExecutor() as threads:
        silent = threads.submit(lasts)
        headers = threads.submit(lasts, HEAD)
        dripping = threads.submit(lasts, HEAD, *[b"X"] * 20, wait=0.4)
        body = threads.submit(lasts, HEAD + b"Content-Length: 100\r\n\r\n{")

    assert 4 < silent.result() < 9
    assert 4 < headers.result() < 9
    assert 4 < dripping.result() < 9
    assert 9 < body.result() < 14


def test_an_answer_before_the_body_can_be_read(service: Service) -> None:
    """A refused visitor's body is not read, yet the answer arrives, though the sender is slow."""
    refused = HEAD + b"DNT: 1\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n"

    answer = talk(service, refused, b"x" * 2500, b"x" * 2500, wait=0.2)

    assert status(answer) == 202


def test_a_keep_alive_connection_takes_many(service: Service) -> None:
    """Requests in pieces and in one go take turns on one connection."""
    body = a_body()
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as wire:
        for cut in (len(whole), 10, len(whole) - 5, len(whole)):
            wire.sendall(whole[:cut])
            time.sleep(0.05)
            wire.sendall(whole[cut:])
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                answer += wire.recv(65536)
            assert status(answer) == 202


def test_pipelined_requests_are_all_answered(service: Service) -> None:
    """Requests sent without waiting are answered in turn."""
    body = a_body()
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answers = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as wire:
        wire.sendall(whole * 5)
        while answers.count(b"HTTP/1.1 202") < 5:
            answers += wire.recv(65536)

    assert answers.count(b"HTTP/1.1 202") == 5


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 1, 2\r\n\r\n{}",
        b"Transfer-Encoding: xchunked\r\n\r\n{}",
        b" folded: header\r\n\r\n",
        b"Bad Name: x\r\n\r\n",
    ],
    ids=["both lengths", "negative", "two lengths", "unknown coding", "folded", "bad name"],
)
def test_smuggling_is_refused(service: Service, smuggled: bytes) -> None:
    """Requests whose length can be read in two ways are not taken."""
    assert status(talk(service, HEAD + smuggled)) in (0, 400)


def test_a_prefix_of_http2_is_no_request(service: Service) -> None:
    """Other protocols are refused."""
    assert status(talk(service, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) in (0, 400)
