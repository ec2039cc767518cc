"""Read what Umami's tracker and its API clients send.

Pure: knows keys, types and limits; refuses to know consent. An address, a user
agent or a time in the body is never read: on these routes anybody may write
anything there. Called by `door_umami`.

Source: facts of the format in Umami's public documentation (2026-11).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.enrich.currency import minor_units
from collector.ingest.payload import (
    MAX_URL,
    Payload,
    convert,
    number_of,
    properties_of,
    url_of,
    width_of,
)

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
    """What is read of an event's payload; everything else in it is left alone.

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


def event_of(sent: UmamiMessage) -> UmamiEvent | None:
    """Read an event; None for what is accepted and never counted.

    Raises:
        PayloadError: `bad_field`, naming the field.
    """
    if sent.type not in _TYPES:
        raise PayloadError("bad_field", "type")
    return convert(UmamiEvent, sent.payload) if sent.type == _COUNTED else None


def payload_of(event: UmamiEvent, site: str = "") -> Payload:
    """Give an event the common form.

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
