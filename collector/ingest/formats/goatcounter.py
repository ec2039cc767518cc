"""Open the doors for GoatCounter's count.js and for pages without JavaScript.

`/count` speaks GoatCounter's parameters, `/pixel.gif` ours; both answer with
an image, whatever became of the hit. Knows how a page is found when the format
does not name it. Made by `doors`.
"""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.formats.umami import site_of_host
from collector.ingest.handler import GIF, Answer, Handler, preflight
from collector.ingest.payload import MAX_URL, Payload, domains_of, url_of
from collector.ingest.pipeline import IngestContext
from collector.ingest.wire_goatcounter import payload_of, query_of
from collector.privacy.consent import Admitted
from collector.registry.sites import Sites

_REASON: Final = b"x-goatcounter"


class _ImageHandler(Handler):
    """A door that always answers with an image."""

    accepted: ClassVar[Answer] = GIF

    def wrong(self, error: PayloadError) -> Answer:
        """Tell what is wrong in a header beside the image."""
        return Answer(error.status, GIF.body, b"image/gif", (_REASON, str(error).encode()))


class GoatCounterHandler(_ImageHandler):
    """The ASGI application behind `/count`."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "POST")
    options: ClassVar[Answer] = preflight(b"GET, POST")

    async def take(self, admitted: Admitted, context: IngestContext) -> Answer:
        """Count one page or event from the query string.

        Raises:
            PayloadError: if it cannot be read.
            SpoolError: if a hit could not be kept.
        """
        sent = query_of(admitted.query_string)
        host = _host_of(admitted)
        name = sent.get("d", "") or _site_name(context.sites, host, admitted)
        payload = payload_of(sent, host or name)
        await self.collect(payload, admitted, context, (name,))
        return self.accepted


class PixelHandler(_ImageHandler):
    """The ASGI application behind `/pixel.gif`."""

    methods: ClassVar[tuple[str, ...]] = ("GET",)
    options: ClassVar[Answer] = preflight(b"GET")

    async def take(self, admitted: Admitted, context: IngestContext) -> Answer:
        """Count one page: `u`, or else the page that shows the image; `d` names the site.

        Raises:
            PayloadError: if it cannot be read.
            SpoolError: if a hit could not be kept.
        """
        sent = query_of(admitted.query_string)
        shown_on = admitted.header(b"referer").decode("latin-1")[:MAX_URL]
        payload = Payload(
            kind=Kind.PAGEVIEW,
            url=url_of(sent.get("u") or shown_on, "u"),
            referrer=sent.get("r", "")[:MAX_URL],
        )
        names = domains_of(sent.get("d")) or (
            _site_name(context.sites, _host_of(admitted), admitted),
        )
        await self.collect(payload, admitted, context, names)
        return self.accepted


def _host_of(admitted: Admitted) -> str:
    """Find the host of the page that sent a request; empty if the browser does not say."""
    for name in (b"origin", b"referer"):
        try:
            host = urlsplit(admitted.header(name).decode("latin-1")).hostname
        except ValueError:
            continue
        if host:
            return host
    return ""


def _site_name(sites: Sites, host: str, admitted: Admitted) -> str:
    """Find the site a request without a name is for: its page's, else the collector's own host."""
    own = admitted.header(b"host").decode("latin-1").partition(":")[0]
    return site_of_host(sites, host or own)
