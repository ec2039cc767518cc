"""Handle the batches of GoatCounter's API clients: `POST /api/v0/count`, with a token.

Source: facts of the format in GoatCounter's public documentation (2026-11).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import msgspec
import orjson

from collector.counters import Counters
from collector.errors import PayloadError
from collector.hit import Drop
from collector.ingest.enrich.geo import FixedCountry
from collector.ingest.formats.batch import BatchHandler, BatchOutcome, Fields, bounded
from collector.ingest.formats.goatcounter import payload_of
from collector.ingest.handler import JSON, Answer, ContextSource, GrantLookup, HitSink, Outcome
from collector.ingest.payload import MAX_URL, convert, parse_json
from collector.ingest.pipeline import IngestContext
from collector.privacy.consent import Admitted
from collector.registry.sites import Site
from collector.registry.tokens import Grant
from collector.token_bucket import TokenBuckets

MAX_BATCHES: Final = 60
REFILL_S: Final = 2.0
"""GoatCounter allows 60 requests in 120 seconds."""

GOATCOUNTERS_KEYS: Final = {
    "p": "path",
    "b": "bot",
    "name": "path",
    "url": "path",
    "time": "created_at",
    "visitor": "session",
}
"""GoatCounter's names of our keys."""

_FILTERED: Final = ("ip",)
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_TOO_OFTEN: Final = "this token has sent as many batches as it may for now"
_EVERY_SITE: Final = (
    "this token is for every site, and GoatCounter's format names none; use a token of one site: "
    "footfall token create NAME --site DOMAIN --scope ingest"
)


class _Goatcounter(msgspec.Struct, frozen=True):
    hits: list[dict[str, object]]
    no_sessions: bool = False
    filter: tuple[Literal["ip"], ...] | None = None


class GoatcounterHit(msgspec.Struct, frozen=True):
    """The keys that are read of a GoatCounter hit; `no_sessions` and `filter` are its batch's.

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


class GoatCounterBatchHandler(BatchHandler):
    """Handles `/api/v0/count`."""

    def __init__(
        self, source: ContextSource, spool: HitSink, counters: Counters, grant_of: GrantLookup
    ) -> None:
        """Keep what each batch needs; see `BatchHandler`."""
        super().__init__(source, spool, counters, grant_of)
        self._quota = TokenBuckets(MAX_BATCHES, REFILL_S)

    async def answer_granted(
        self, admitted: Admitted, grant: Grant, context: IngestContext
    ) -> Answer:
        """Append a batch with a token of one site, as all tokens of GoatCounter are.

        Raises:
            PayloadError, SpoolError: as `answer`.
        """
        if grant.site_id is None:
            return self.rejection(403, "forbidden", _EVERY_SITE)
        bearer = self._cache.digest(admitted.header(b"authorization"))
        wait = self._quota.take(bearer, context.clock.monotonic())
        if wait:
            values = ((b"limit", MAX_BATCHES), (b"remaining", 0), (b"reset", math.ceil(wait)))
            limits = [(b"x-rate-limit-" + name, b"%d" % value) for name, value in values]
            return self.rejection(429, "rate", _TOO_OFTEN, *limits)
        return await super().answer_granted(admitted, grant, context)

    def rejection(self, status: int, code: str, title: str, *more: tuple[bytes, bytes]) -> Answer:  # noqa: ARG002
        """Answer a batch that is rejected as a whole, in GoatCounter's form."""
        return Answer(status, orjson.dumps({"error": title}), JSON, *more)

    def invalid(self, error: PayloadError) -> Answer:
        """Describe what is wrong with a whole batch, in GoatCounter's form."""
        return self.rejection(error.status, error.code, str(error))

    def error_text(self, error: PayloadError) -> str:
        """Describe what is wrong with one hit, by GoatCounter's own key."""
        key = GOATCOUNTERS_KEYS.get(error.field, error.field)
        return str(PayloadError(error.code, key))

    def parse(self, body: bytes) -> list[dict[str, object]]:
        """Split a body into hits.

        Raises:
            PayloadError: if it cannot be.
        """
        return parse_goatcounter_batch(body)

    def batch_answer(self, outcome: BatchOutcome) -> Answer:
        """Answer a batch: 400 if any hit could not be decoded, though the others were appended."""
        indexes = ", ".join(map(str, outcome.filtered)).encode()
        more = [(b"x-goatcounter-filter", indexes)] if indexes else []
        if not outcome.wrong:
            return Answer(202, b'{"status":"ok"}', JSON, *more)
        errors = {str(index): text for index, text in outcome.wrong.items()}
        return Answer(400, orjson.dumps({"errors": errors}), JSON, *more)

    def reports_drop(self, hit: Fields, outcomes: Sequence[Outcome]) -> bool:
        """Return True for hits from excluded networks, unless the batch asks for no report."""
        return Drop.EXCLUDED_NETWORK in outcomes and asks_for_filtered(hit)

    def context_for_hit(self, hit: Fields, context: IngestContext) -> IngestContext:
        """Let a hit state its country, which takes precedence over its address.

        Raises:
            PayloadError: `bad_field` if what it states is none.
        """
        country = country_stated(hit)
        return replace(context, places=FixedCountry(country)) if country else context

    def rename_keys(self, hit: Fields, site: Site | None) -> Fields:
        """Rename the keys of a hit to ours, the site's name among them.

        Raises:
            PayloadError: if the hit cannot be read, or its site was just removed.
        """
        if site is None:
            raise PayloadError("bad_field", "domain")
        return {**from_goatcounter(hit, site.domain), "domain": site.domain}


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
    return [{**hit, **of_all} for hit in bounded(batch.hits)]


def asks_for_filtered(hit: Fields) -> bool:
    """Return whether the sender of a hit's batch wants to know which hits were filtered."""
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


def from_goatcounter(hit: Fields, host: str) -> dict[str, object]:
    """Rename the keys of a GoatCounter hit to ours.

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
    payload = payload_of(
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
