"""Handle GoatCounter's browser format, `GET` and `POST /count`, and our pixel, `GET /pixel.gif`.

Both always answer with an image, and name no site: the site is that of the page that
sent the request.

Source: facts of the format in GoatCounter's public documentation (2026-11).
"""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.formats.umami import site_of_host
from collector.ingest.handler import GIF, Answer, Handler, Reply, preflight
from collector.ingest.payload import (
    MAX_NAME,
    MAX_URL,
    Payload,
    domains_of,
    number_of,
    url_of,
    width_of,
)
from collector.ingest.pipeline import IngestContext
from collector.privacy.consent import Admitted
from collector.registry.sites import Sites

MAX_QUERY: Final = 8192
MAX_PATH: Final = 2048
_SEEN_BY_SCRIPT: Final = frozenset(range(150, 154))
_CAMPAIGN_KEYS: Final = {"campaign": "utm_campaign", "src": "utm_source"}
_ERROR_HEADER: Final = b"x-goatcounter"


class _ImageHandler(Handler):
    """Handles a format that is always answered with an image."""

    accepted: ClassVar[Answer] = GIF

    def invalid(self, error: PayloadError) -> Answer:
        """Describe what is wrong in a header beside the image."""
        return Answer(error.status, GIF.body, b"image/gif", (_ERROR_HEADER, str(error).encode()))


class GoatCounterHandler(_ImageHandler):
    """Handles `/count`."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "POST")
    options: ClassVar[Answer] = preflight(b"GET, POST")

    def handle(self, admitted: Admitted, context: IngestContext) -> Reply:
        """Append one pageview or event from the query string."""
        sent = query_of(admitted.query_string)
        host = _host_of(admitted)
        name = sent.get("d", "") or _site_name(context.sites, host, admitted)
        payload = payload_of(sent, host or name)
        outcomes = self.build_hits(payload, admitted, context, (name,))
        return Reply(self.accepted, self.append(outcomes))


class PixelHandler(_ImageHandler):
    """Handles `/pixel.gif`."""

    methods: ClassVar[tuple[str, ...]] = ("GET",)
    options: ClassVar[Answer] = preflight(b"GET")

    def handle(self, admitted: Admitted, context: IngestContext) -> Reply:
        """Append one pageview: of `u`, or of the page that shows the image; `d` names the site."""
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
        outcomes = self.build_hits(payload, admitted, context, names)
        return Reply(self.accepted, self.append(outcomes))


def query_of(query_string: bytes) -> dict[str, str]:
    """Read a query string; the first of each key counts.

    Raises:
        PayloadError: `too_large` (413), or `bad_field` if it holds a NUL.
    """
    if len(query_string) > MAX_QUERY:
        raise PayloadError("too_large", status=413)
    found: dict[str, str] = {}
    for key, value in parse_qsl(query_string.decode("latin-1"), encoding="utf-8"):
        found.setdefault(key, value)
    if any("\0" in value for value in found.values()):
        raise PayloadError("bad_field")
    return found


def payload_of(sent: dict[str, str], hostname: str) -> Payload:
    """Read the parameters of one count.

    Args:
        sent: `p` path or event's name, `r` referrer, `e` event, `s` size of the
            screen, `q` query of the page, `b` what the script saw of a bot.
        hostname: the page's, which the format does not tell.

    Raises:
        PayloadError: `missing_field` or `bad_field`, naming the parameter.
    """
    path = sent.get("p", "")
    if not path:
        raise PayloadError("missing_field", "p")
    if len(path) > MAX_PATH:
        raise PayloadError("bad_field", "p")
    is_event = sent.get("e", "") in ("1", "true")
    name = path.lstrip("/") if is_event else ""
    if len(name) > MAX_NAME or (is_event and not name):
        raise PayloadError("bad_field", "p")
    page = "/" if is_event else path if path.startswith("/") else "/" + path
    return Payload(
        kind=Kind.EVENT if is_event else Kind.PAGEVIEW,
        name=name,
        url=f"https://{hostname}{quote(page, safe='/%?&=+:;,@!~*()')}{_campaign(sent, page)}",
        referrer=sent.get("r", "")[:MAX_URL],
        screen_width=width_of(number_of(sent.get("s", "").partition(",")[0])),
        bot=_bot(sent.get("b", "")),
    )


def _bot(text: str) -> bool:
    """Return whether the script saw a bot: 150 to 153; the script sends no other numbers."""
    code = number_of(text) if text else 0
    if code is None or not (code == 0 or code in _SEEN_BY_SCRIPT):
        raise PayloadError("bad_field", "b")
    return code != 0


def _campaign(sent: dict[str, str], page: str) -> str:
    """Rename the campaign keys of the page's query to ours."""
    pairs = parse_qsl(sent.get("q", "").lstrip("?")[:MAX_URL])
    if not pairs:
        return ""
    renamed = urlencode([(_CAMPAIGN_KEYS.get(key, key), value) for key, value in pairs])
    return ("&" if "?" in page else "?") + renamed


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
