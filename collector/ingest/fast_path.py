"""Fast path: answer a plain `POST /api/event` in the HTTP protocol class, bypassing ASGI.

A plain hit is a request that has arrived whole and short, on a connection that is kept
alive and has no earlier request unanswered. The handler takes it as it takes every other
request; what is saved is the scope, the task and the messages of ASGI, which would cost
as much as the hit itself. All other requests go on to ASGI.

Source: docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from collector.ingest.handler import Answer, Handler
from collector.ingest.http_limits import LimitedHttpProtocol, Reason
from collector.privacy.consent import NamedHeaders

_URL: Final = b"/api/event"
_LENGTH: Final = b"content-length"
_UNUSUAL: Final = frozenset({b"authorization", b"expect"})
"""Headers of an owner who wants a debug answer, and of a sender who waits before the body."""
_LOOKED_AT: Final = _UNUSUAL | {b"connection", b"proxy-connection"}
"""These and the headers by which a parser sees an upgrade, or a kept-alive HTTP/1.0."""
_SHORT: Final = 4
"""Digits of the length of a body that the handler reads to its end."""
_NO_LENGTH: Final = b"99999"


class _PendingCycle:
    """What uvicorn reads of the request in progress, for a hit that is not yet durable.

    One for all hits of a connection: the next one is taken only after the answer.

    Attributes:
        response_complete: whether it was answered.
        keep_alive: whether the connection is kept afterwards; cleared when the server stops.
        disconnected: set by uvicorn when the sender leaves, as is:
        message_event: which nothing waits for.
    """

    __slots__ = ("disconnected", "keep_alive", "response_complete")
    message_event: ClassVar[asyncio.Event] = asyncio.Event()

    def __init__(self) -> None:
        self.response_complete = True
        self.keep_alive = True
        self.disconnected = False


class _PendingGroup:
    """Connections waiting for the same group commit; one callback answers them all."""

    __slots__ = ("_durable", "_handler", "_waiting")

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._durable: asyncio.Future[None] | None = None
        self._waiting: list[tuple[FastPathProtocol, Answer]] = []

    def add(
        self, connection: FastPathProtocol, answer: Answer, durable: asyncio.Future[None]
    ) -> None:
        """Answer a hit once it is durable, or cannot be."""
        if durable is not self._durable:
            self._durable, self._waiting = durable, []
            durable.add_done_callback(partial(self._answer_all, self._waiting))
        self._waiting.append((connection, answer))

    def _answer_all(
        self, waiting: list[tuple[FastPathProtocol, Answer]], durable: asyncio.Future[None]
    ) -> None:
        error = durable.exception()
        for connection, answer in waiting:
            connection.answer(answer if error is None else self._handler.failed(error))


class FastPathProtocol(LimitedHttpProtocol):
    """The limited protocol of a service that takes hits.

    Attributes:
        handler: of `/api/event`.
        pending: the hits of all connections that are not yet durable.
    """

    handler: ClassVar[Handler]
    pending: ClassVar[_PendingGroup]
    _plain = False
    _body = b""
    _named: NamedHeaders
    _cycle_in_progress: _PendingCycle
    _keep_alive_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        self._cycle_in_progress = _PendingCycle()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for the next request."""
        if self._keep_alive_timer is not None:
            self._keep_alive_timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start a request."""
        self._stage = "headers"
        self._raw_bytes = 0
        self.url = b""
        self.headers = []

    def on_headers_complete(self) -> None:
        """Keep a plain hit for the handler; pass any other request on to ASGI."""
        self._plain = self.url == _URL and self._is_plain_hit()
        if self._plain:
            self._stage = "body"
            self._body = b""
            return
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._plain:
            self._body = self._body + body if self._body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass a plain hit to the handler."""
        if not self._plain:
            super().on_message_complete()
            return
        self._plain = False
        self._stage = "idle"
        self.cycle = self._cycle_in_progress  # type: ignore[assignment]
        self._cycle_in_progress.response_complete = False
        answer, durable = self.handler.reply_at_once(
            self.headers, self._named, self.client, self._body
        )
        if durable is None:
            self.answer(answer)
        else:
            self.pending.add(self, answer, durable)

    def answer(self, answer: Answer) -> None:
        """Answer the last hit, and let the next request begin."""
        cycle, transport = self._cycle_in_progress, self.transport
        cycle.response_complete = True
        if transport.is_closing():
            return
        written = answer.written(self.server_state.default_headers)
        if not cycle.keep_alive:
            head, blank, body = written.partition(b"\r\n\r\n")
            written = head + b"\r\nconnection: close" + blank + body
        try:
            transport.write(written)
        except (OSError, RuntimeError):
            # uvloop raises if the sender has gone; the other connections of the group still wait.
            transport.abort()
            return
        if not cycle.keep_alive:
            transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self._start_keep_alive()

    def on_response_complete(self) -> None:
        """Become idle, or start the pipelined request behind the one that was answered."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def _start_keep_alive(self) -> None:
        """Start the keep-alive timeout: one timer for many requests, not one for each."""
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if self._keep_alive_timer is None:
            self._keep_alive_timer = self.loop.call_later(
                self.timeout_keep_alive, self._check_keep_alive
            )

    def _check_keep_alive(self) -> None:
        self._keep_alive_timer = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if self._stage != "idle" or not self.cycle.response_complete:
            left = self.timeout_keep_alive
        if left <= 0:
            self.timeout_keep_alive_handler()
        else:
            self._keep_alive_timer = self.loop.call_later(left, self._check_keep_alive)

    def _is_plain_hit(self) -> bool:
        before, parser = self.cycle, self.parser
        self._named = sent = dict(self.headers)
        return (
            len(sent.get(_LENGTH, _NO_LENGTH)) <= _SHORT
            and (before is None or before.response_complete)
            and parser.get_method() == b"POST"
            # Without one of these headers only HTTP/1.1 is kept alive, and nothing upgraded.
            and parser.should_keep_alive()
            and (_LOOKED_AT.isdisjoint(sent) or self._is_plain_still(sent))
            and not self.flow.write_paused
            and not self._has_too_many_headers()
        )

    def _is_plain_still(self, sent: NamedHeaders) -> bool:
        parser = self.parser
        return (
            _UNUSUAL.isdisjoint(sent)
            and not parser.should_upgrade()
            and parser.get_http_version() == "1.1"
        )


def fast_path_protocol(
    handler: Handler, count_rejected: Callable[[Reason], None]
) -> type[FastPathProtocol]:
    """Make a protocol class for one service.

    Args:
        handler: of `/api/event`.
        count_rejected: called on the event loop with the reason for which a
            connection was closed.
    """
    members = {
        "handler": handler,
        "pending": _PendingGroup(handler),
        "count": staticmethod(count_rejected),
    }
    return type("FastPathProtocol", (FastPathProtocol,), members)
