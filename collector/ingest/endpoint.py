"""Take hits over HTTP: the door that our tracker and Plausible's knock at.

    decide → decode → assemble → journal → 202

Consent is decided from headers before anything else is read; then the body
becomes a `Payload`, the payload a hit for each site it names, and each hit is
in the journal before the answer goes out. A 202 promises that its hits will
be counted exactly once, or that they were refused or dropped and counted by
reason; which of the two it never tells.

Knows ASGI, the order of the steps and the answers. Refuses to know rules.
Asked by `app` before the router, without any middleware: raw ASGI costs 9 us
less a hit than a routed function (2026-11, two shared cores).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import orjson

from collector.errors import PayloadError, SpoolError
from collector.hit import Drop, Hit, Refusal
from collector.ingest.assemble import Assembled, Intake, assemble, sites_named
from collector.ingest.wire import MAX_BODY, Payload, decode_plausible
from collector.privacy.consent import Admitted, Receive, Scope, Send, decide
from collector.telemetry import Tally

RETRY_AFTER_S: Final = 5
DAY_S: Final = 86_400
_log = logging.getLogger(__name__)


class Journal(Protocol):
    """What keeps hits durably."""

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> Awaitable[None]:
        """Take a hit; done once it is durable."""
        ...


class Answer:
    """One answer, ready to be sent any number of times."""

    __slots__ = ("_body", "_start")

    def __init__(self, status: int, body: bytes, kind: bytes, *more: tuple[bytes, bytes]) -> None:
        """Add what every answer to a hit carries: it is not cached, and nobody is tracked."""
        self._start = {
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
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(self, send: Send) -> None:
        """Send it."""
        await send(self._start)
        await send(self._body)


TEXT: Final = b"text/plain; charset=utf-8"
PROBLEM: Final = b"application/problem+json"
ACCEPTED: Final = Answer(202, b"ok", TEXT)
BUSY: Final = Answer(503, b"", TEXT, (b"retry-after", str(RETRY_AFTER_S).encode()))
FAILED: Final = Answer(500, b"", TEXT)
NOT_ALLOWED: Final = Answer(405, b"", TEXT, (b"allow", b"POST, OPTIONS"))
PREFLIGHT: Final = Answer(
    200,
    b"",
    TEXT,
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)


class EventEndpoint:
    """The ASGI application behind `/api/event`."""

    def __init__(self, intake_of: Callable[[], Intake], journal: Journal, tally: Tally) -> None:
        """Remember what each hit needs.

        Args:
            intake_of: gives the intake as it is now; called for each hit.
        """
        self._intake_of = intake_of
        self._journal = journal
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        if method == "POST":
            answer = await self._answered(scope, receive)
        else:
            answer = PREFLIGHT if method == "OPTIONS" else NOT_ALLOWED
        await answer(send)

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        intake = self._intake_of()
        try:
            admitted = decide(scope, receive)
            if isinstance(admitted, Refusal):
                self._count(intake, admitted)
                return ACCEPTED
            payload = decode_plausible(await admitted.body(MAX_BODY))
            await self.collect(payload, admitted, intake)
        except PayloadError as wrong:
            self._count(intake, wrong.code)
            return problem(wrong)
        except SpoolError:
            return BUSY
        except Exception as unforeseen:  # noqa: BLE001 - the edge: no value may reach a log
            log_unforeseen(unforeseen)
            return FAILED
        return ACCEPTED

    async def collect(self, payload: Payload, admitted: Admitted, intake: Intake) -> None:
        """Count a payload for every site it names.

        Raises:
            SpoolError: if a hit could not be kept.
        """
        waiting: list[Awaitable[None]] = []
        for name in sites_named(payload):
            made = assemble(payload, admitted, intake, name)
            if isinstance(made, Assembled):
                waiting.append(self._journal.append(made.hit, made.undo))
            else:
                self._count_drop(intake, made, name)
        for durable in waiting:
            await durable

    def _count(self, intake: Intake, reason: str, site: int = 0) -> None:
        self._tally.count(reason, int(intake.clock.now()) // DAY_S, site)

    def _count_drop(self, intake: Intake, reason: Drop, name: str) -> None:
        site = intake.sites.named(name)
        self._count(intake, reason, site.id if site is not None else 0)


def problem(wrong: PayloadError) -> Answer:
    """Tell a sender what is wrong with a payload, without repeating anything of it.

    Source: RFC 9457.
    """
    body = {"title": wrong.code.replace("_", " "), "status": wrong.status, "code": wrong.code}
    if wrong.field:
        body["field"] = wrong.field
    return Answer(wrong.status, orjson.dumps(body), PROBLEM)


def log_unforeseen(error: Exception) -> None:
    """Log where an error arose: its kind and place, never its message or values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "nowhere"
    _log.error("%s in %s while taking a hit", type(error).__name__, place)
