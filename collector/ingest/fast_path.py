"""Answer the commonest request where it arrives: in the server's own protocol.

Knows which requests are a plain hit: `POST /api/event`, whole, short, kept
alive, and nothing before it unanswered. Those it hands to the door at once and
writes its answer, without scope, task and messages, which would cost as much as
the hit itself. Refuses to decide anything about hits, and to touch any other
request: those go on to ASGI. Made by `app`.

Source: docs/benchmarks.md, "Where the rest goes".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final, Protocol

from collector.ingest.handler import Answer
from collector.ingest.http_limits import LimitedHttpProtocol, Reason
from collector.privacy.consent import HeaderList, NamedHeaders, Peer

_URL: Final = b"/api/event"
_LENGTH: Final = b"content-length"
_UNUSUAL: Final = frozenset({b"authorization", b"expect"})
"""Headers of an owner who asks what becomes of a hit, and of a sender who asks before the body."""
_ASKED_FOR: Final = _UNUSUAL | {b"connection", b"proxy-connection"}
"""These and what a parser takes for an upgrade, or for HTTP/1.0 that goes on."""
_SHORT: Final = 4
"""Digits of the length of a body that a door reads to its end."""
_ENDLESS: Final = b"99999"


class WholeHandler(Protocol):
    """What takes hits that are here as a whole."""

    def take_whole(
        self, headers: HeaderList, named: NamedHeaders, peer: Peer, body: bytes
    ) -> Answer | asyncio.Future[None]:
        """Give the answer, or what must be done before there is one."""
        ...

    def settled(self, durable: asyncio.Future[None]) -> Answer:
        """Give the answer once it is done."""
        ...


class _PendingCycle:
    """What uvicorn asks of the request that it answers, for a hit on its way to the disk.

    One for all hits of a connection, for a next one is taken only after the answer.

    Attributes:
        response_complete: whether it was answered.
        keep_alive: whether the connection goes on after that; cleared when the server stops.
        disconnected: uvicorn sets it when the sender goes away, as it does with:
        message_event: which nobody waits for.
    """

    __slots__ = ("disconnected", "keep_alive", "response_complete")
    message_event: ClassVar[asyncio.Event] = asyncio.Event()

    def __init__(self) -> None:
        self.response_complete = True
        self.keep_alive = True
        self.disconnected = False


class _PendingGroup:
    """The connections whose hits wait for the same thing: one call-back for all of them."""

    __slots__ = ("_durable", "_handler", "_members")

    def __init__(self, handler: WholeHandler) -> None:
        self._handler = handler
        self._durable: asyncio.Future[None] | None = None
        self._members: list[FastPathProtocol] = []

    def add(self, waiting: FastPathProtocol, durable: asyncio.Future[None]) -> None:
        """Answer a hit once it is durable, or cannot be."""
        if durable is not self._durable:
            self._durable, self._members = durable, []
            durable.add_done_callback(partial(self._settle, self._members))
        self._members.append(waiting)

    def _settle(self, company: list[FastPathProtocol], durable: asyncio.Future[None]) -> None:
        answer = self._handler.settled(durable)
        for each in company:
            each.answer(answer)


class FastPathProtocol(LimitedHttpProtocol):
    """The guarded protocol of a service that takes hits.

    Attributes:
        handler: takes them.
        companions: the hits of all connections that wait for the disk.
    """

    handler: ClassVar[WholeHandler]
    pending: ClassVar[_PendingGroup]
    _plain = False
    _body = b""
    _named: NamedHeaders
    _cycle_in_progress: _PendingCycle
    _keep_alive_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        self._cycle_in_progress = _PendingCycle()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for the next request."""
        if self._keep_alive_timer is not None:
            self._keep_alive_timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request, of which nothing is known yet."""
        self._stage = "headers"
        self._raw_bytes = 0
        self.url = b""
        self.headers = []

    def on_headers_complete(self) -> None:
        """Keep a plain hit for the door; let any other request take its course."""
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
        """Take a piece of the body."""
        if self._plain:
            self._body = self._body + body if self._body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand a plain hit to the door."""
        if not self._plain:
            super().on_message_complete()
            return
        self._plain = False
        self._stage = "idle"
        self.cycle = self._cycle_in_progress  # type: ignore[assignment]
        self._cycle_in_progress.response_complete = False
        taken = self.handler.take_whole(self.headers, self._named, self.client, self._body)
        if isinstance(taken, Answer):
            self.answer(taken)
        else:
            self.pending.add(self, taken)

    def answer(self, answer: Answer) -> None:
        """Write an answer to the hit that was taken last, and let the next request begin."""
        waiting, transport = self._cycle_in_progress, self.transport
        waiting.response_complete = True
        if transport.is_closing():
            return
        written = answer.written(self.server_state.default_headers)
        if not waiting.keep_alive:
            head, blank, body = written.partition(b"\r\n\r\n")
            written = head + b"\r\nconnection: close" + blank + body
        try:
            transport.write(written)
        except (OSError, RuntimeError):
            # uvloop says so if the sender has gone: the others of its company still wait.
            transport.abort()
            return
        if not waiting.keep_alive:
            transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self._start_keep_alive()

    def on_response_complete(self) -> None:
        """Rest, or begin what waits behind the request that was answered."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def _start_keep_alive(self) -> None:
        """Give the next request its time: one timer for many requests, not one for each."""
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
            len(sent.get(_LENGTH, _ENDLESS)) <= _SHORT
            and (before is None or before.response_complete)
            and parser.get_method() == b"POST"
            # Without one of these headers only HTTP/1.1 is kept alive, and nothing upgraded.
            and parser.should_keep_alive()
            and (_ASKED_FOR.isdisjoint(sent) or self._is_plain_still(sent))
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
    handler: WholeHandler, tell: Callable[[Reason], None]
) -> type[FastPathProtocol]:
    """Make a protocol class for one service.

    Args:
        handler: takes plain hits.
        tell: called on the event loop with the reason for which a sender was turned away.
    """
    made = {"door": handler, "companions": _PendingGroup(handler), "count": staticmethod(tell)}
    return type("Doorstep", (FastPathProtocol,), made)
