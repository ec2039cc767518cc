"""Send invented requests through the real door of hits, to a journal that keeps nothing.

Knows how a request looks to the door; refuses to touch visits, secrets, spool
or store of the service. Called by the audit, through `errands`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from collector.audit.host_checks import Effect, Header
from collector.counters import Tally
from collector.hit import Hit
from collector.ingest.formats.plausible import EventEndpoint
from collector.ingest.pipeline import Intake
from collector.ingest.rate_limit import Limits
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


class _Nowhere:
    """A journal that commits nothing of what it is given."""

    def __init__(self) -> None:
        self.given: list[tuple[Hit, Callable[[], None] | None]] = []

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> asyncio.Future[None]:
        self.given.append((hit, undo))
        return _done()

    def append_all(self, hits: Sequence[tuple[Hit, Callable[[], None]]]) -> asyncio.Future[None]:
        self.given += hits
        return _done()


def _done() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def effect(intake: Intake, header: Header) -> Effect:
    """Tell what one pageview with this header would add, were it sent to this service."""
    return asyncio.run(_effect(intake, header))


async def _effect(intake: Intake, header: Header) -> Effect:
    sites = Sites([_SITE])
    apart = replace(
        intake,
        sites=sites,
        rules=rules_of(sites),
        visits=Visits(),
        secrets=DaySecrets(None, intake.clock, "memory"),
        limits=Limits(),
        excluded=Networks(()),
    )
    journal, tally, was_read = _Nowhere(), Tally(), False

    async def receive() -> dict[str, Any]:
        nonlocal was_read
        was_read = True
        return {"type": "http.request", "body": _BODY, "more_body": False}

    async def send(_: object) -> None:
        return

    headers = [(b"user-agent", _BROWSER), (b"content-length", str(len(_BODY)).encode()), header]
    asked = {"type": "http", "method": "POST", "path": "/api/event", "query_string": b""}
    scope = {**asked, "headers": headers, "client": _PEER}
    await EventEndpoint(lambda: apart, journal, tally)(scope, receive, send)
    return Effect(len(journal.given), tuple(sorted(tally.totals())), was_read)
