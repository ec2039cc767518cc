"""Open the doors that Umami's tracker and clients knock at: `/api/send` and `/api/batch`.

Knows Umami's answers, in which every id is the same for everybody; refuses to
tell from them what became of a hit. Made by `doors`.
"""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import ClassVar, Final

import orjson

from collector.errors import PayloadError
from collector.ingest.handler import JSON, Answer, Handler, Outcome, preflight
from collector.ingest.payload import MAX_BODY, convert, parse_json
from collector.ingest.pipeline import IngestContext
from collector.ingest.wire_umami import (
    MAX_BATCH,
    MAX_BATCH_BODY,
    UmamiEvent,
    UmamiMessage,
    event_of,
    payload_of,
)
from collector.privacy.consent import Admitted
from collector.registry.sites import Sites

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
CACHE: Final = "footfall"
_HEADERS: Final = b"content-type, x-umami-cache, x-umami-website-id, x-umami-hostname"


def _accepted(found: object) -> Answer:
    return Answer(200, orjson.dumps(found), JSON)


class UmamiHandler(Handler):
    """The ASGI application behind `/api/send`."""

    accepted: ClassVar[Answer] = _accepted({"cache": CACHE, "sessionId": NOBODY, "visitId": NOBODY})
    options: ClassVar[Answer] = preflight(b"POST", _HEADERS)

    async def take(self, admitted: Admitted, context: IngestContext) -> Answer:
        """Count one event.

        Raises:
            PayloadError: if it cannot be read.
            SpoolError: if a hit could not be kept.
        """
        parsed = parse_json(await admitted.body(MAX_BODY))
        await self.append_and_wait(self.build_from(parsed, admitted, context))
        return self.accepted

    def build_from(
        self, parsed: object, admitted: Admitted, context: IngestContext
    ) -> list[Outcome]:
        """Make the hit that one object of the format says, if it is one to count.

        Raises:
            PayloadError: if it cannot be read.
        """
        event = event_of(convert(UmamiMessage, parsed))
        if event is None:
            return []
        name = site_name(context.sites, event)
        return self.build_hits(payload_of(event, name), admitted, context, (name,))

    def wrong(self, error: PayloadError) -> Answer:
        """Tell what is wrong, as Umami does."""
        told = {"message": str(error), "code": "bad-request", "status": error.status}
        return Answer(error.status, orjson.dumps({"error": told}), JSON)


class UmamiBatchHandler(UmamiHandler):
    """The ASGI application behind `/api/batch`."""

    accepted: ClassVar[Answer] = _accepted(
        {"size": 0, "processed": 0, "errors": 0, "details": [], "cache": CACHE}
    )

    async def take(self, admitted: Admitted, context: IngestContext) -> Answer:
        """Count up to 50 events; what cannot be read is told by its place.

        Raises:
            PayloadError: if the whole is no array, or too long.
            SpoolError: if a hit could not be kept; then none was.
        """
        parsed = parse_json(await admitted.body(MAX_BATCH_BODY))
        if not isinstance(parsed, list) or len(parsed) > MAX_BATCH:
            raise PayloadError("bad_field")
        details = []
        found: list[Outcome] = []
        for index, one in enumerate(parsed):
            try:
                found += self.build_from(one, admitted, context)
            except PayloadError as wrong:
                self.count(context, wrong.code)
                told = {"message": str(wrong), "code": "bad-request", "status": wrong.status}
                details.append({"index": index, "response": {"error": told}})
        await self.append_and_wait(found)
        return _accepted(
            {
                "size": len(parsed),
                "processed": len(parsed) - len(details),
                "errors": len(details),
                "details": details,
                "cache": CACHE,
            }
        )


def site_name(sites: Sites, event: UmamiEvent) -> str:
    """Find the site an event is for: the one it names, else the one its host belongs to.

    A site is named by its domain, or by the id that `umami_id` makes of it.
    """
    if sites.named(event.website) is not None:
        return event.website
    for site in sites if event.website else ():
        if umami_id(site.domain) == event.website:
            return site.domain
    return site_of_host(sites, event.hostname.partition(":")[0].lower())


@lru_cache(maxsize=4096)
def umami_id(domain: str) -> str:
    """Give the id by which Umami's clients may name a site: anybody can work it out.

    Source: RFC 9562, a version 5 id of the domain in the namespace of DNS.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, domain))


def site_of_host(sites: Sites, host: str) -> str:
    """Find the site that a host or the nearest domain above it is; else give the host."""
    name = host
    while name and sites.named(name) is None:
        name = name.partition(".")[2]
    return name or host
