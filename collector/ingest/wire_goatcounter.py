"""Read what GoatCounter's count.js, its pixel and its API clients send.

Pure: knows keys and limits; refuses to know consent. Called by `door_goatcounter`
and `door_pixel`.

Source: facts of the format in GoatCounter's public documentation (2026-11).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.payload import MAX_NAME, MAX_URL, Payload, number_of, width_of

MAX_QUERY: Final = 8192
MAX_PATH: Final = 2048
_SEEN_BY_SCRIPT: Final = frozenset(range(150, 154))
_CAMPAIGN_KEYS: Final = {"campaign": "utm_campaign", "src": "utm_source"}


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
    """Tell whether the script saw a bot: 150 to 153; other numbers are not a script's to send."""
    code = number_of(text) if text else 0
    if code is None or not (code == 0 or code in _SEEN_BY_SCRIPT):
        raise PayloadError("bad_field", "b")
    return code != 0


def _campaign(sent: dict[str, str], page: str) -> str:
    """Give the page's query the names that we know campaigns by."""
    pairs = parse_qsl(sent.get("q", "").lstrip("?")[:MAX_URL])
    if not pairs:
        return ""
    renamed = urlencode([(_CAMPAIGN_KEYS.get(key, key), value) for key, value in pairs])
    return ("&" if "?" in page else "?") + renamed
