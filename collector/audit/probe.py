"""Send a test pageview through the real handler, without touching the service's state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from collector.audit.host_checks import Header, SignalEffect
from collector.counters import Counters
from collector.hit import Hit
from collector.ingest.formats.plausible import PlausibleHandler
from collector.ingest.handler import FixedContext
from collector.ingest.pipeline import IngestContext
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.site_rules import rules_of
from collector.ingest.visits import Visits
from collector.privacy.address import Networks
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Site, Sites

_SITE = Site(id=0, domain="self-test.example")
_BODY = b'{"n":"pageview","u":"https://self-test.example/","d":"self-test.example"}'
_BROWSER = (
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0.0.0 Safari/537.36"
)
_PEER = ("192.0.2.1", 1)


class _NullSpool:
    """A spool that stores nothing."""

    def __init__(self) -> None:
        self.hits: list[tuple[Hit, Callable[[], None] | None]] = []

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> asyncio.Future[None]:
        self.hits.append((hit, undo))
        return _done()

    def append_all(self, hits: Sequence[tuple[Hit, Callable[[], None]]]) -> asyncio.Future[None]:
        self.hits += hits
        return _done()


def _done() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def effect(context: IngestContext, header: Header) -> SignalEffect:
    """Return what a pageview with this header would add to this service."""
    return asyncio.run(_effect(context, header))


async def _effect(context: IngestContext, header: Header) -> SignalEffect:
    sites = Sites([_SITE])
    isolated = replace(
        context,
        sites=sites,
        rules=rules_of(sites),
        visits=Visits(),
        secrets=DaySecrets(None, context.clock, "memory"),
        limits=RateLimiter(),
        excluded=Networks(()),
    )
    spool, counters, was_read = _NullSpool(), Counters(), False

    async def receive() -> dict[str, Any]:
        nonlocal was_read
        was_read = True
        return {"type": "http.request", "body": _BODY, "more_body": False}

    async def send(_: object) -> None:
        return

    headers = [(b"user-agent", _BROWSER), (b"content-length", str(len(_BODY)).encode()), header]
    asked = {"type": "http", "method": "POST", "path": "/api/event", "query_string": b""}
    scope = {**asked, "headers": headers, "client": _PEER}
    await PlausibleHandler(FixedContext(isolated), spool, counters)(scope, receive, send)
    return SignalEffect(len(spool.hits), tuple(sorted(counters.totals())), was_read)
