"""Read the batches that servers and software send with a token.

Knows two formats: ours, whose hits have the keys of `/api/event` and a few
more, and GoatCounter's. Refuses to look at a hit before its visitor's own
refusal: each hit is first asked for `opt_out`, `gpc` and `dnt`. Called by
`door_hits`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from collector.errors import PayloadError
from collector.ingest.payload import MAX_URL, Payload, convert, parse_json, payload_of
from collector.ingest.pipeline import SenderOverrides
from collector.ingest.wire_goatcounter import payload_of as goatcounter_payload
from collector.privacy.address import packed
from collector.privacy.consent import Signals

MAX_HITS: Final = 500
MAX_BATCH_BODY: Final = 1024 * 1024
MAX_VISITOR: Final = 200
_FILTERED: Final = ("ip",)
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_YES: Final = (True, 1, "1", "true")
SIGNALS: Final = ("opt_out", "gpc", "dnt")
GOATCOUNTERS_KEYS: Final = {
    "p": "path",
    "b": "bot",
    "name": "path",
    "url": "path",
    "time": "created_at",
    "visitor": "session",
}
"""What GoatCounter's API calls what goes by these names here."""

Fields = Mapping[str, object]
Headers = list[tuple[bytes, bytes]]


class Sender(NamedTuple):
    """Whom a relayed hit is of: what a browser would have shown by itself."""

    headers: Headers
    peer: str


class _Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hits: list[dict[str, object]]


class HitFacts(msgspec.Struct, frozen=True):
    """What a relayed hit says beyond a payload: whom it is of, and when it was."""

    ip: str = ""
    user_agent: str = ""
    accept_language: str = ""
    visitor: str = ""
    time: float | str | None = None


class _Goatcounter(msgspec.Struct, frozen=True):
    hits: list[dict[str, object]]
    no_sessions: bool = False
    filter: tuple[Literal["ip"], ...] | None = None


class GoatcounterHit(msgspec.Struct, frozen=True):
    """What is read of one of GoatCounter's hits; `no_sessions` and `filter` are its batch's.

    Source: facts of the format in GoatCounter's public documentation (2026-11).
    """

    path: str = ""
    event: bool = False
    ref: str = ""
    query: str = ""
    bot: int = 0
    size: list[float] | str | None = None
    ip: str = ""
    user_agent: str = ""
    location: str = ""
    language: str = ""
    session: str = ""
    created_at: str | None = None
    no_sessions: bool = False
    filter: tuple[str, ...] = _FILTERED


def parse_batch(body: bytes) -> list[dict[str, object]]:
    """Split one of our batches into its hits, none of them looked at yet.

    Raises:
        PayloadError: `not_json`, `missing_field`, `unknown_field` or `bad_field`;
            `too_large` (413) above 500 hits.
    """
    return _bounded(convert(_Batch, parse_json(body)).hits)


def parse_goatcounter_batch(body: bytes) -> list[dict[str, object]]:
    """Split one of GoatCounter's batches into its hits, none of them looked at yet.

    Returns:
        The hits, each with the batch's `no_sessions` and `filter`.

    Raises:
        PayloadError: as `parse_batch`; `missing_field` also if there are none.
    """
    batch = convert(_Goatcounter, parse_json(body))
    if not batch.hits:
        raise PayloadError("missing_field", "hits")
    wanted = _FILTERED if batch.filter is None else batch.filter
    of_all = {"no_sessions": batch.no_sessions, "filter": wanted}
    return [{**hit, **of_all} for hit in _bounded(batch.hits)]


def asks_for_filtered(hit: Fields) -> bool:
    """Tell whether the batch of one of GoatCounter's hits is to be told which were filtered."""
    return "ip" in convert(GoatcounterHit, dict(hit)).filter


def country_stated(hit: Fields) -> str:
    """Read the country that one of GoatCounter's hits states; empty if it does not.

    Raises:
        PayloadError: `bad_field`.
    """
    location = convert(GoatcounterHit, dict(hit)).location
    if location and not _COUNTRY.fullmatch(location):
        raise PayloadError("bad_field", "location")
    return location.upper()


def signals_of(hit: Fields) -> Signals:
    """Read what a hit says of its visitor's refusal, before any other of its keys."""
    opted_out, gpc, dnt = (hit.get(key) in _YES for key in SIGNALS)
    return Signals(opted_out=opted_out, gpc=gpc, dnt=dnt)


def sender_of(hit: Fields) -> Sender:
    """Read whom a hit is of.

    Raises:
        PayloadError: `bad_field`, also if `ip` is no address.
    """
    facts = convert(HitFacts, dict(hit))
    if facts.ip and not packed(facts.ip):
        raise PayloadError("bad_field", "ip")
    headers = [
        (b"user-agent", facts.user_agent.encode("latin-1", "replace")),
        (b"accept-language", facts.accept_language.encode("latin-1", "replace")),
    ]
    return Sender(headers, facts.ip)


def overrides_of(hit: Fields) -> SenderOverrides:
    """Read what only a sender with a token may say: the time, and who is who.

    Raises:
        PayloadError: `bad_field`.
    """
    facts = convert(HitFacts, dict(hit))
    visitor = facts.visitor.encode()
    if len(visitor) > MAX_VISITOR:
        raise PayloadError("bad_field", "visitor")
    return SenderOverrides(_instant(facts.time, "time"), visitor)


def payload_of_hit(hit: Fields) -> Payload:
    """Read what happened, in the keys of `/api/event`.

    Raises:
        PayloadError: `unknown_field`, `missing_field` or `bad_field`.
    """
    own = (*SIGNALS, *HitFacts.__struct_fields__)
    return payload_of({key: value for key, value in hit.items() if key not in own})


def from_goatcounter(hit: Fields, host: str) -> dict[str, object]:
    """Give one of GoatCounter's hits our keys.

    Args:
        host: of the site, which the format does not tell.

    Raises:
        PayloadError: `missing_field` or `bad_field`; without `no_sessions` also if
            neither `session` nor `ip` and `user_agent` tell visitors apart.
    """
    sent = convert(GoatcounterHit, dict(hit))
    if not (sent.no_sessions or sent.session or (sent.ip and sent.user_agent)):
        raise PayloadError("missing_field", "session")
    size = sent.size if isinstance(sent.size, str) else ",".join(map(str, sent.size or ()))
    payload = goatcounter_payload(
        {
            "p": sent.path,
            "e": "true" if sent.event else "",
            "r": sent.ref[:MAX_URL],
            "q": sent.query,
            "s": size,
            "b": str(sent.bot) if sent.bot else "",
        },
        host,
    )
    return {
        "name": payload.name or "pageview",
        "url": payload.url,
        "referrer": payload.referrer,
        "screen_width": payload.screen_width,
        "ip": sent.ip,
        "user_agent": sent.user_agent,
        "accept_language": sent.language,
        "visitor": sent.session,
        "time": sent.created_at,
    }


def _bounded(hits: list[dict[str, object]]) -> list[dict[str, object]]:
    if len(hits) > MAX_HITS:
        raise PayloadError("too_large", "hits", status=413)
    return hits


def _instant(found: float | str | None, field: str) -> float | None:
    if not isinstance(found, str):
        return found
    try:
        moment = datetime.fromisoformat(found)
    except ValueError as wrong:
        raise PayloadError("bad_field", field) from wrong
    if moment.tzinfo is None:
        # A local time of nobody knows where.
        raise PayloadError("bad_field", field)
    return moment.timestamp()
