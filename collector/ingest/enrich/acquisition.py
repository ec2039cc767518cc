"""Classify where a visit came from: referrer, source, channel and the five campaign tags.

Pure. No query, no value of a click identifier and no tag that could name a person is kept.

Source: docs/design/0006-rules.md; the lists are `data/sources.toml` and `data/spam.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from collector.hit import NONE
from collector.ingest.enrich.channels import DIRECT, ChannelInput, SourceKind, channel_of
from collector.ingest.enrich.page import CLICK_ID, parse_page
from collector.ingest.enrich.sources import KNOWN_SOURCES, KnownSource
from collector.privacy.scrub import scrub_host, scrub_text

DIRECT_SOURCE = "(direct)"

_APP = "android-app://"
_APP_ID = re.compile(r"[a-z][a-z0-9_]{0,63}(?:\.[a-z0-9_]{1,64}){1,8}").fullmatch

# What a click identifier tells: whose it is, and whether a click was paid for. Facebook and
# Instagram put theirs on every outgoing link, so those say nothing of money.
CLICKS: dict[str, tuple[str, bool]] = {
    "dclid": ("google", True),
    "epik": ("pinterest", True),
    "fbclid": ("facebook", False),
    "gad_source": ("google", True),
    "gbraid": ("google", True),
    "gclid": ("google", True),
    "igshid": ("instagram", False),
    "li_fat_id": ("linkedin", True),
    "msclkid": ("bing", True),
    "qclid": ("quora", True),
    "rdt_cid": ("reddit", True),
    "sccid": ("snapchat", True),
    "ttclid": ("tiktok", True),
    "twclid": ("twitter", True),
    "wbraid": ("google", True),
    "yclid": ("yandex", True),
}


class Origin(NamedTuple):
    """Where a visit came from; all but the last in the order of `hit.VisitValues`.

    Attributes:
        referrer: host and scrubbed path that linked here, or "(none)".
        source: the named origin, or "(direct)".
        channel: the group of sources.
        spam: whether the referrer is on the spam list.
    """

    referrer: str
    source: str
    channel: str
    utm_source: str = NONE
    utm_medium: str = NONE
    utm_campaign: str = NONE
    utm_term: str = NONE
    utm_content: str = NONE
    spam: bool = False


_NOWHERE = Origin(NONE, DIRECT_SOURCE, DIRECT)


class Referrer(NamedTuple):
    """What is kept of a referrer: host without `www.`, its known source, and the origin it gives.

    Attributes:
        origin: of a visit that came from there without tags.
        strict_origin: likewise, with nothing but the host of the referrer.
    """

    host: str
    known: KnownSource | None
    origin: Origin
    strict_origin: Origin


def classify_source(
    referrer: str,
    own: Callable[[str], object],
    tags: Mapping[str, str],
    strict: bool = False,  # noqa: FBT001, FBT002 -- a name would cost a tenth of the call
) -> Origin:
    """Classify where a visit came from.

    Tags win over the referrer, the referrer over a click identifier. A
    referrer of the site itself is none.

    Args:
        referrer: as sent; may be empty or nonsense.
        own: returns something truthy for a host name of the site.
        tags: the page's allow-listed query, as `parse_page` returns it.
        strict: whether only the host of the referrer is kept.
    """
    came = _referrer(referrer) if referrer else None
    if came and own(came.host):
        came = None
    if tags:
        return _tagged(came, tuple(tags.items()), strict=strict)
    if came is None:
        return _NOWHERE
    return came.strict_origin if strict else came.origin


def known_values() -> dict[str, tuple[str, ...]]:
    """Return the values that folding trusts at every site, by dimension: the named sources."""
    return {"source": (DIRECT_SOURCE, *sorted(KNOWN_SOURCES.brands))}


def forget() -> None:
    """Empty the caches that are keyed by what browsers sent; called when day secrets go."""
    _referrer.cache_clear()
    _tagged.cache_clear()


@lru_cache(maxsize=4096)
def _referrer(raw: str) -> Referrer | None:
    if raw.startswith(_APP):
        app = raw[len(_APP) :].partition("/")[0].lower()
        return _referrer_at(app, "/", KNOWN_SOURCES.by_app(app)) if _APP_ID(app) else None
    page = parse_page(raw)
    host = page.hostname.removeprefix("www.")
    if not host:
        return None
    return _referrer_at(
        host, page.path, KNOWN_SOURCES.by_host(host), spam=KNOWN_SOURCES.is_spam(host)
    )


def _referrer_at(
    host: str, path: str, known: KnownSource | None, *, spam: bool = False
) -> Referrer:
    kind = known.kind if known else SourceKind.UNKNOWN
    kept = scrub_host(host)
    strict = Origin(
        referrer=kept,
        source=known.name if known else kept,
        channel=channel_of(ChannelInput(host, _medium(kind), "", kind)),
        spam=spam,
    )
    whole = strict if path == "/" else strict._replace(referrer=kept + path)
    return Referrer(host, known, whole, strict)


@lru_cache(maxsize=4096)
def _tagged(
    came: Referrer | None,
    pairs: tuple[tuple[str, str], ...],
    *,
    strict: bool,
) -> Origin:
    plain = _NOWHERE if came is None else came.strict_origin if strict else came.origin
    tags = dict(pairs)
    kept = {name: scrub_text(value) for name, value in pairs}
    named = kept.get("utm_source") or kept.get("source") or kept.get("ref") or ""
    click, paid = CLICKS.get(tags.get(CLICK_ID, ""), ("", False))
    known = _known(named, came, click)
    kind = known.kind if known else SourceKind.UNKNOWN
    source = known.name if known else named or plain.source
    medium = kept.get("utm_medium", "").lower()
    if not medium:
        medium = _found_medium(plain, named, kind, click, paid=paid)
    facts_source = named.lower() or click or (came.host if came else "")
    return Origin(
        referrer=plain.referrer,
        source=source,
        channel=channel_of(
            ChannelInput(facts_source, medium, kept.get("utm_campaign", "").lower(), kind)
        ),
        utm_source=kept.get("utm_source") or NONE,
        utm_medium=kept.get("utm_medium") or NONE,
        utm_campaign=kept.get("utm_campaign") or NONE,
        utm_term=kept.get("utm_term") or NONE,
        utm_content=kept.get("utm_content") or NONE,
        spam=plain.spam,
    )


def _known(named: str, came: Referrer | None, click: str) -> KnownSource | None:
    if named:
        return KNOWN_SOURCES.by_name(named)
    if came:
        return came.known
    return KNOWN_SOURCES.by_name(click) if click else None


def _found_medium(plain: Origin, named: str, kind: SourceKind, click: str, *, paid: bool) -> str:
    """Return the medium of a visit without a tag for it."""
    if paid:
        return "cpc"
    if named or click or plain.source != DIRECT_SOURCE:
        return _medium(kind)
    return ""


def _medium(kind: SourceKind) -> str:
    if kind == SourceKind.SEARCH:
        return "organic"
    return "ai-assistant" if kind == SourceKind.AI else "referral"
