"""Say what all doors for hits have in common: the order of the steps, and the answers.

    decide → decode → assemble → journal → answer

Consent is decided from headers before anything else is read; then a door
reads a payload in its format, the payload becomes a hit for each site it
names, and each hit is in the journal before the answer goes out. An accepting
answer promises that the hits will be counted exactly once, or that they were
refused or dropped and counted by reason; which of the two it never tells.

Knows ASGI, the order of the steps and the answers. Refuses to know rules and
formats. The doors are asked by `app` before the router, without middleware:
raw ASGI costs 9 us less a hit than a routed function (2026-11, two shared cores).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Final, Protocol

import orjson

from collector.counters import LATE, SHED, Counters
from collector.errors import PayloadError, SpoolError
from collector.hit import Drop, Hit, Refusal
from collector.ingest.payload import Payload
from collector.ingest.pipeline import BuiltHit, IngestContext, SenderOverrides, build_hit
from collector.privacy.consent import Admitted, Headers, Receive, Scope, Send, decide
from collector.registry.tokens import Grant

RETRY_AFTER_S: Final = 5
DAY_S: Final = 86_400
_log = logging.getLogger(__name__)

GrantLookup = Callable[[str], Grant | None]
"""Tells what a token allows; None if it is unknown."""

Outcome = BuiltHit | Drop
"""What became of a payload for one site."""


class Journal(Protocol):
    """What keeps hits durably."""

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> asyncio.Future[None]:
        """Take a hit; done once it is durable."""
        ...

    def append_all(self, hits: Sequence[tuple[Hit, Callable[[], None]]]) -> asyncio.Future[None]:
        """Take hits that were sent together: all of them, or none."""
        ...


class Answer:
    """One answer, ready to be sent any number of times.

    Attributes:
        status: its HTTP status.
        body: its body.
    """

    __slots__ = ("_end", "_server_headers", "_start", "_written", "body", "status")

    def __init__(self, status: int, body: bytes, kind: bytes, *more: tuple[bytes, bytes]) -> None:
        """Add what every answer to a hit carries: it is not cached, and nobody is tracked."""
        self.status = status
        self.body = body
        self._start: dict[str, Any] = {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", kind),
                (b"content-length", str(len(body)).encode()),
                (b"tk", b"N"),
                (b"cache-control", b"no-store"),
                (b"access-control-allow-origin", b"*"),
                *more,
            ],
        }
        self._end = {"type": "http.response.body", "body": body}
        self._server_headers: Headers | None = None
        self._written = b""

    async def __call__(self, send: Send) -> None:
        """Send it."""
        await send(self._start)
        await send(self._end)

    def written(self, server_headers: Headers) -> bytes:
        """Write it out as HTTP/1.1, as a server writes what was sent to it.

        Args:
            server_headers: what the server itself adds, such as the date. What was
                written last is given again for the very same list.
        """
        if server_headers is not self._server_headers:
            phrase = HTTPStatus(self.status).phrase.encode()
            headers = [*server_headers, *self._start["headers"]]
            lines = [b"HTTP/1.1 %d %b" % (self.status, phrase), *map(b": ".join, headers)]
            self._written = b"\r\n".join([*lines, b"", self.body])
            self._server_headers = server_headers
        return self._written


TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
ACCEPTED: Final = Answer(202, b"ok", TEXT)
BUSY: Final = Answer(503, b"", TEXT, (b"retry-after", str(RETRY_AFTER_S).encode()))
FAILED: Final = Answer(500, b"", TEXT)
GIF: Final = Answer(
    200,
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0"
    b"\x02\x02D\x01\0;",
    b"image/gif",
    (b"cross-origin-resource-policy", b"cross-origin"),
)


def preflight(methods: bytes, headers: bytes = b"content-type") -> Answer:
    """Make the constant answer to OPTIONS: any page may send, none with credentials."""
    return Answer(
        200,
        b"",
        TEXT,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", headers),
        (b"access-control-max-age", b"86400"),
    )


class Handler:
    """One way in for hits; each format is a child that reads it.

    Attributes:
        methods: the HTTP methods it answers.
        accepted: what it answers to hits, refusals and drops alike.
        options: what it answers to a preflight.
    """

    methods: ClassVar[tuple[str, ...]] = ("POST",)
    accepted: ClassVar[Answer] = ACCEPTED
    options: ClassVar[Answer] = preflight(b"POST")

    def __init__(
        self, get_context: Callable[[], IngestContext], spool: Journal, counters: Counters
    ) -> None:
        """Remember what each hit needs.

        Args:
            get_context: gives the intake as it is now; called for each request.
        """
        self._get_context = get_context
        self._spool = spool
        self._counters = counters

    async def handle(self, admitted: Admitted, context: IngestContext) -> Answer:
        """Read what was sent and collect it.

        Raises:
            PayloadError: if it cannot be read.
            SpoolError: if a hit could not be kept.
        """
        raise NotImplementedError

    def invalid_answer(self, error: PayloadError) -> Answer:
        """Tell a sender what is wrong with a payload."""
        return problem(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        if method in self.methods:
            answer = await self._answered(scope, receive)
        elif method == "OPTIONS":
            answer = self.options
        else:
            answer = _not_allowed(self.methods)
        await answer(send)

    async def collect(
        self, payload: Payload, admitted: Admitted, context: IngestContext, names: tuple[str, ...]
    ) -> None:
        """Count a payload for every site in a list of names.

        Raises:
            SpoolError: if a hit could not be kept.
        """
        await self.append_and_wait(self.build_hits(payload, admitted, context, names))

    def build_hits(
        self,
        payload: Payload,
        admitted: Admitted,
        context: IngestContext,
        names: tuple[str, ...],
        overrides: SenderOverrides | None = None,
    ) -> list[Outcome]:
        """Make a payload's hits, and count its drops and what is late; `keep` must follow.

        Args:
            overrides: what a sender with a token says of them.

        Returns:
            What was found for each name.
        """
        found: list[Outcome] = []
        for name in names:
            one = build_hit(payload, admitted, context, name, overrides)
            if isinstance(one, Drop):
                self.count_drop(context, one, name)
            elif one.late:
                self.count(context, LATE, one.hit.site)
            found.append(one)
        return found

    async def append_and_wait(self, found: list[Outcome]) -> None:
        """Hand hits to the journal as `keep` does, and wait until they are durable.

        Raises:
            SpoolError: if they could not be kept.
        """
        durable = self.append(found)
        if durable is not None:
            await durable

    def append(self, found: list[Outcome]) -> asyncio.Future[None] | None:
        """Hand hits that were sent together to the journal: all of them count, or none.

        Args:
            found: with the drops among them, which are passed over.

        Returns:
            What is done once all are durable; None for no hits.

        Raises:
            SpoolError: if the journal takes no more.
        """
        if len(found) == 1:
            (only,) = found
            return None if isinstance(only, Drop) else self._spool.append(only.hit, only.undo)
        made = [(one.hit, one.undo) for one in found if isinstance(one, BuiltHit)]
        return self._spool.append_all(made) if made else None

    def count(self, context: IngestContext, reason: str, site: int = 0) -> None:
        """Count what is not a hit, by reason and UTC day."""
        self._counters.count(reason, int(context.clock.now()) // DAY_S, site)

    def count_drop(self, context: IngestContext, reason: Drop, name: str) -> None:
        """Count a drop for its site, if there is one."""
        site = context.sites.named(name)
        self.count(context, reason, site.id if site is not None else 0)

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        context = self._get_context()
        try:
            return await self.answer(scope, receive, context)
        except Exception as error:  # noqa: BLE001 - the edge: no value may reach a log
            return self.answer_error(error, context)

    def answer_error(self, error: Exception, context: IngestContext) -> Answer:
        """Give the answer to a hit that came to nothing."""
        if isinstance(error, PayloadError):
            self.count(context, error.code)
            return self.invalid_answer(error)
        if isinstance(error, SpoolError):
            self.count(context, SHED)
            return BUSY
        log_unexpected(error)
        return FAILED

    async def answer(self, scope: Scope, receive: Receive, context: IngestContext) -> Answer:
        """Decide, then take.

        Raises:
            PayloadError, SpoolError: as `take`.
        """
        admitted = decide(scope, receive)
        if isinstance(admitted, Refusal):
            self.count(context, admitted)
            return self.accepted
        return await self.handle(admitted, context)


def problem(wrong: PayloadError, **more: object) -> Answer:
    """Tell a sender what is wrong with a payload, without repeating anything of it.

    Args:
        more: further members, as a format has them.

    Source: RFC 9457.
    """
    title, field = wrong.code.replace("_", " "), {"field": wrong.field} if wrong.field else {}
    body = {"title": title, "status": wrong.status, "code": wrong.code, **field, **more}
    return Answer(wrong.status, orjson.dumps(body), PROBLEM)


def log_unexpected(error: Exception) -> None:
    """Log where an error arose: its kind and place, never its message or values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "nowhere"
    _log.error("%s in %s while taking a hit", type(error).__name__, place)


def _not_allowed(methods: tuple[str, ...]) -> Answer:
    allowed = ", ".join((*methods, "OPTIONS")).encode()
    return Answer(405, b"", TEXT, (b"allow", allowed))
