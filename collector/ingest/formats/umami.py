"""Handle Umami's format: `POST /api/send` and `POST /api/batch`.

Answers have Umami's form with ids that are the same for everybody, so that they do not
show what became of a hit. An address, a user agent or a time in the body is never read:
these routes are open to anybody.

Source: facts of the format in Umami's public documentation (2026-11).
"""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Annotated, ClassVar, Final

import msgspec
import orjson

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.enrich.currency import minor_units
from collector.ingest.handler import JSON, Answer, Handler, Outcome, Reply, preflight
from collector.ingest.payload import (
    MAX_BODY,
    MAX_URL,
    Payload,
    convert,
    number_of,
    parse_json,
    properties_of,
    url_of,
    width_of,
)
from collector.ingest.pipeline import IngestContext
from collector.privacy.consent import Admitted
from collector.registry.sites import Sites

NIL_ID: Final = "00000000-0000-0000-0000-000000000000"
CACHE: Final = "footfall"
_HEADERS: Final = b"content-type, x-umami-cache, x-umami-website-id, x-umami-hostname"
MAX_BATCH: Final = 50
MAX_BATCH_BODY: Final = 64 * 1024
_COUNTED: Final = "event"
_TYPES: Final = frozenset({"event", "identify", "performance"})
_MAX_SCHEME: Final = 12
_Short = Annotated[str, msgspec.Meta(max_length=50)]
_Host = Annotated[str, msgspec.Meta(max_length=100)]
_Language = Annotated[str, msgspec.Meta(max_length=35)]
_Screen = Annotated[str, msgspec.Meta(max_length=11)]


class UmamiMessage(msgspec.Struct, frozen=True, gc=False):
    """One thing Umami's tracker sends.

    Attributes:
        type: `event`, which is counted; `identify` and `performance`, which are not.
    """

    type: str
    payload: dict[str, object]


class UmamiEvent(msgspec.Struct, frozen=True, gc=False):
    """The keys that are read of an event's payload; all others are ignored.

    What is longer than Umami takes is refused as it does.

    Attributes:
        website: the site's domain, or an id that says nothing here.
        url: of the page, or its path.
        name: of a custom event; None for a pageview.
    """

    website: str = ""
    hostname: _Host = ""
    url: str = ""
    referrer: str | None = None
    screen: _Screen | None = None
    language: _Language | None = None
    name: _Short | None = None
    data: dict[str, object] | None = None


class UmamiHandler(Handler):
    """Handles `/api/send`."""

    max_body: ClassVar[int] = MAX_BODY
    accepted: ClassVar[Answer] = Answer(
        200, orjson.dumps({"cache": CACHE, "sessionId": NIL_ID, "visitId": NIL_ID}), JSON
    )
    options: ClassVar[Answer] = preflight(b"POST", _HEADERS)

    def handle(self, admitted: Admitted, context: IngestContext) -> Reply:
        """Append one event."""
        parsed = parse_json(admitted.body(self.max_body))
        return Reply(self.accepted, self.append(self.build_from(parsed, admitted, context)))

    def build_from(
        self, parsed: object, admitted: Admitted, context: IngestContext
    ) -> list[Outcome]:
        """Build the hit of one object of the format, if its type is counted.

        Raises:
            PayloadError: if it cannot be decoded.
        """
        event = event_of(convert(UmamiMessage, parsed))
        if event is None:
            return []
        name = site_name(context.sites, event)
        return self.build_hits(payload_of(event, name), admitted, context, (name,))

    def invalid(self, error: PayloadError) -> Answer:
        """Describe what is wrong, as Umami does."""
        return Answer(error.status, orjson.dumps(_error(error)), JSON)


class UmamiBatchHandler(UmamiHandler):
    """Handles `/api/batch`."""

    max_body: ClassVar[int] = MAX_BATCH_BODY
    accepted: ClassVar[Answer] = Answer(
        200,
        orjson.dumps({"size": 0, "processed": 0, "errors": 0, "details": [], "cache": CACHE}),
        JSON,
    )

    def handle(self, admitted: Admitted, context: IngestContext) -> Reply:
        """Append up to 50 events; those that cannot be decoded are reported by index.

        Raises:
            PayloadError: if the body is not an array, or too long.
            SpoolError: if a hit cannot be appended; then none is.
        """
        parsed = parse_json(admitted.body(self.max_body))
        if not isinstance(parsed, list) or len(parsed) > MAX_BATCH:
            raise PayloadError("bad_field")
        details = []
        outcomes: list[Outcome] = []
        for index, one in enumerate(parsed):
            try:
                outcomes += self.build_from(one, admitted, context)
            except PayloadError as wrong:
                self.count(context, wrong.code)
                details.append({"index": index, "response": _error(wrong)})
        result = {
            "size": len(parsed),
            "processed": len(parsed) - len(details),
            "errors": len(details),
            "details": details,
            "cache": CACHE,
        }
        return Reply(Answer(200, orjson.dumps(result), JSON), self.append(outcomes))


def _error(wrong: PayloadError) -> dict[str, object]:
    return {"error": {"message": str(wrong), "code": "bad-request", "status": wrong.status}}


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
    """Return the id by which Umami's clients may name a site; it can be computed by anybody.

    Source: RFC 9562, a version 5 id of the domain in the namespace of DNS.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, domain))


def site_of_host(sites: Sites, host: str) -> str:
    """Find the site that a host or the nearest domain above it is; else give the host."""
    name = host
    while name and sites.named(name) is None:
        name = name.partition(".")[2]
    return name or host


def event_of(sent: UmamiMessage) -> UmamiEvent | None:
    """Read an event; None for what is accepted and never counted.

    Raises:
        PayloadError: `bad_field`, naming the field.
    """
    if sent.type not in _TYPES:
        raise PayloadError("bad_field", "type")
    return convert(UmamiEvent, sent.payload) if sent.type == _COUNTED else None


def payload_of(event: UmamiEvent, site: str = "") -> Payload:
    """Convert an event to a payload.

    Args:
        site: the domain of its site, which is its host if it names none; clients
            that send events by name alone tell neither host nor page.

    Raises:
        PayloadError: `bad_field`, naming the field.
    """
    name = event.name or ""
    data = event.data or {}
    return Payload(
        kind=Kind.EVENT if name else Kind.PAGEVIEW,
        name=name,
        url=url_of(_whole(event.url, event.hostname or site), "url"),
        referrer=_foreign(event.referrer or ""),
        props=properties_of(data) if name else (),
        revenue=minor_units(data.get("revenue"), data.get("currency")) if name else None,
        screen_width=width_of(number_of((event.screen or "").partition("x")[0] or None)),
        language=event.language or "",
    )


def _whole(url: str, hostname: str) -> str:
    """Put the host before what is only a path."""
    if "://" in url[:_MAX_SCHEME]:
        return url
    return f"https://{hostname}{url if url.startswith('/') else '/' + url}"


def _foreign(referrer: str) -> str:
    """Keep a referrer that has a host: a path is a page of the site itself."""
    return referrer[:MAX_URL] if "://" in referrer[:_MAX_SCHEME] else ""
