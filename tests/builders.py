"""Build one of each noun for tests: whole and plain, with what a test cares about changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from collector.clock import Clock
from collector.hit import Hit, Kind, VisitValues
from collector.ingest.enrich.geo import GeoDatabase
from collector.ingest.payload import Payload
from collector.ingest.pipeline import IngestContext
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.visits import Visits
from collector.privacy.consent import Admitted, Message, Receive, Scope, decide
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Site, Sites

NOON = 1_795_262_400.0
"""2026-11-21T12:00Z, a Saturday."""
CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    b" (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)


class FakeClock(Clock):
    """A clock that a test moves by hand.

    Attributes:
        at: what it shows, in seconds since 1970.
    """

    def __init__(self, at: float = NOON) -> None:
        """Show an instant."""
        self.at = at

    def now(self) -> float:
        """Return the instant shown."""
        return self.at

    def monotonic(self) -> float:
        """Return the instant shown."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move on instead of waiting."""
        self.at += seconds

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds


def a_site(**changes: Any) -> Site:
    """Build a site."""
    return Site(**{"id": 1, "domain": "example.org", **changes})


def some_sites(*sites: Site) -> Sites:
    """Build a picture of sites: of one plain site unless told otherwise."""
    return Sites(sites or (a_site(),))


def a_payload(**changes: Any) -> Payload:
    """Build a payload: a pageview."""
    fields = {
        "kind": Kind.PAGEVIEW,
        "url": "https://example.org/blog/hello",
        "domains": ("example.org",),
    }
    return Payload(**{**fields, **changes})


def a_hit(**changes: Any) -> Hit:
    """Build a hit: the first pageview of a visit."""
    fields = {
        "site": 1,
        "closes_at": 1_795_305_600,
        "day": 20_778,
        "hour": int(NOON),
        "minute": int(NOON),
        "pseudonym": bytes(range(16)),
        "visit": VisitValues(
            entry_path="/",
            source="(direct)",
            channel="Direct",
            country="FR",
            browser="Chrome",
            os="Windows",
            device="Desktop",
        ),
        "path": "/",
        "hostname": "example.org",
        "exit_path": "/",
        "pageviews": 1,
        "visits": 1,
        "bounces": 1,
    }
    return Hit(**{**fields, **changes})


def a_body(**changes: Any) -> bytes:
    """Build the body our tracker sends for a pageview; a value of None leaves a key out."""
    keys = {
        "n": "pageview",
        "u": "https://example.org/blog/hello",
        "d": "example.org",
        **changes,
    }
    return orjson.dumps({key: value for key, value in keys.items() if value is not None})


def a_scope(
    *headers: tuple[bytes, bytes],
    method: str = "POST",
    path: str = "/api/event",
    query: bytes = b"",
    peer: str | None = "198.51.100.7",
) -> Scope:
    """Build an ASGI scope with these headers and no others."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": list(headers),
        "client": (peer, 50_000) if peer is not None else None,
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def a_receive(*chunks: bytes) -> Receive:
    """Build an ASGI receive that gives a body in these pieces, then a disconnect."""
    messages: Iterable[Message] = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks) - 1}
        for place, chunk in enumerate(chunks or (b"",))
    ]
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting, {"type": "http.disconnect"})

    return receive


def an_admitted(*headers: tuple[bytes, bytes], **changes: Any) -> Admitted:
    """Build a request that may be read: of a Chrome on Windows, unless headers are given."""
    body: bytes = changes.pop("body", b"")
    scope = a_scope(*(headers or ((b"user-agent", CHROME),)), **changes)
    admitted = decide(scope, a_receive(body))
    assert isinstance(admitted, Admitted)
    return admitted


def a_context(**changes: Any) -> IngestContext:
    """Build an intake at noon: one plain site, secrets in memory, countries by registry."""
    clock = changes.setdefault("clock", FakeClock())
    fields = {
        "sites": some_sites(),
        "secrets": DaySecrets(None, clock, "memory"),
        "visits": Visits(),
        "places": GeoDatabase(),
        "limits": RateLimiter(),
    }
    return IngestContext(**{**fields, **changes})
