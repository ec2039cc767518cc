"""Limit the headers, bytes and time that one HTTP request may take.

httptools itself sets no bound to any of them. uvicorn takes the class as its protocol.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from itertools import chain
from typing import ClassVar, Final, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 16 * 1024
MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
UNBOUNDED: Final = sys.maxsize
HEADERS_WITHIN_S: Final = 5.0
BODY_WITHIN_S: Final = 10.0

Reason = Literal["too_many_headers", "slow_headers", "slow_body", "endless_body"]
_Stage = Literal["idle", "headers", "body"]
_PROBLEM: Final = b'{"title":"too many headers","status":431,"code":"too_many_headers"}'
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/problem+json\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%b" % (len(_PROBLEM), _PROBLEM)
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds; a connection that breaks one is closed and counted.

    A request that comes in one piece costs two comparisons: timers exist only
    for those that do not.

    Attributes:
        count: called with the reason for which a connection was closed.
        headers_within_s: time for all headers of a request.
        body_within_s: time for its body, from the end of the headers.
    """

    count: ClassVar[Callable[[Reason], None]] = staticmethod(lambda _reason: None)
    headers_within_s: ClassVar[float] = HEADERS_WITHIN_S
    body_within_s: ClassVar[float] = BODY_WITHIN_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        self._stage: _Stage = "idle"
        self._timed: _Stage = "idle"
        self._timer: asyncio.TimerHandle | None = None
        self._raw_bytes = self._headers_at_most = 0
        self._overflowed = False
        self._closes = False
        super().connection_made(transport)
        self._start_timer("headers")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._start_timer("idle")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; mind the size and the time of what is still unfinished."""
        began = self._stage
        # What begins in a piece has no more headers than that. Others are summed up.
        self._headers_at_most = len(data) if began == "idle" else UNBOUNDED
        super().data_received(data)
        if self._stage == self._timed == "idle" or self.transport.is_closing():
            return
        if self._stage != "idle":
            self._check_size(len(data) if began == self._stage else 0)
        if self._stage != self._timed:
            self._start_timer(self._stage)

    def _check_size(self, more: int) -> None:
        """Mind what a request has grown to that has no end yet; `more` bytes came to its stage."""
        # A piece of a header or trailer that has no end yet shows in no callback.
        self._raw_bytes += more
        headers_go_on = self._stage == "headers" and self._raw_bytes > MAX_HEADER_BYTES
        if headers_go_on or self._has_too_many_headers():
            self._reject_too_large()
        elif self._raw_bytes > MAX_REQUEST_BYTES:
            self._abort("endless_body")

    def on_message_begin(self) -> None:
        """Begin to count headers."""
        self._stage = "headers"
        self._raw_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; their sum is checked when they end, or the received piece does."""
        # Each instruction here is run for every header of every hit.
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Begin to wait for the body.

        Raises:
            ValueError: so that the parser stops, if there are too many headers.
        """
        if self._has_too_many_headers():
            self._overflowed = True
            raise ValueError("too many headers")
        self._stage = "body"
        expected = dict(self.headers).get(b"expect", b"")
        self.expect_100_continue = expected.lower() == b"100-continue"
        super().on_headers_complete()
        if not self.cycle.keep_alive:
            # An answer may be ready before the body is here. Closing then would reset the
            # connection, and the answer be lost: the close waits for the body's end.
            self.cycle.keep_alive = True
            self._closes = True

    def on_message_complete(self) -> None:
        """Rest until the next request."""
        self._stage = "idle"
        super().on_message_complete()
        self._close_if_done()

    def on_response_complete(self) -> None:
        """Close, if the sender wants it and has sent everything."""
        super().on_response_complete()
        self._close_if_done()

    def _has_too_many_headers(self) -> bool:
        """Return whether there are too many headers, or too long ones."""
        return len(self.headers) > MAX_HEADERS or (
            self._headers_at_most > MAX_HEADER_BYTES
            and sum(map(len, chain.from_iterable(self.headers))) > MAX_HEADER_BYTES
        )

    def _close_if_done(self) -> None:
        if self._closes and self._stage == "idle" and self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed: 431 if it was too much, else 400."""
        if self._overflowed:
            self._reject_too_large()
        elif not self.transport.is_closing():
            super().send_400_response(msg)

    def _reject_too_large(self) -> None:
        type(self).count("too_many_headers")
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _abort(self, reason: Reason) -> None:
        if self.transport.is_closing():
            return
        if self._stage != "idle":
            # Browsers also open connections ahead, and never use some of them.
            type(self).count(reason)
        self.transport.abort()

    def _start_timer(self, stage: _Stage) -> None:
        """Start the timer of a stage of the request; none while there is no request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = stage
        if stage == "headers":
            self._timer = self.loop.call_later(self.headers_within_s, self._abort, "slow_headers")
        elif stage == "body":
            self._timer = self.loop.call_later(self.body_within_s, self._abort, "slow_body")
