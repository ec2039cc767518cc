"""Open the doors for servers and software with a token: `/api/v1/hits`, `/api/v0/count`.

Knows tokens, batches and their keys of idempotency. The sender's own headers
say nothing of the visitors; each hit passes consent by itself. Refuses to
remember what a batch held: of a batch that was taken only hashes of its key and
its body and the answer stay, in memory, for an hour; the hashes are made with a
secret that ends with the process. Made by `doors`.

Source of the answers to tokens: RFC 6750, section 3.1; to keys: the IETF's draft
"The Idempotency-Key HTTP Header Field" (07), sections 2.6 and 2.7.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from collector.counters import Counters
from collector.errors import PayloadError
from collector.hit import Drop, Refusal
from collector.ingest.enrich.geo import FixedCountry
from collector.ingest.formats.batch_payload import (
    GOATCOUNTERS_KEYS,
    MAX_BATCH_BODY,
    Fields,
    Sender,
    asks_for_filtered,
    country_stated,
    from_goatcounter,
    overrides_of,
    parse_batch,
    parse_goatcounter_batch,
    payload_of_hit,
    sender_of,
    signals_of,
)
from collector.ingest.handler import JSON, PROBLEM, Answer, GrantLookup, Handler, Journal, Outcome
from collector.ingest.pipeline import IngestContext
from collector.ingest.quota import MOST, Quota
from collector.privacy.consent import Admitted, Receive, Scope, admit_sender, decide_relayed
from collector.registry.sites import Site
from collector.registry.tokens import Grant

KEYS_LIVE_S: Final = 3600
MAX_KEYS: Final = 10_000
_ASK: Final = b"www-authenticate"
_NO_TOKEN: Final = "a token with the scope ingest is needed"  # noqa: S105
_NO_SCOPE: Final = "the token lacks the scope ingest"
_TOO_OFTEN: Final = "this token has sent as many batches as it may for now"
_KEY_REUSED: Final = "this idempotency key came with another body before; use a new one"
_EVERY_SITE: Final = (
    "this token is for every site, and GoatCounter's format names none; use a token of one site: "
    "footfall token create NAME --site DOMAIN --scope ingest"
)


class BatchOutcome(NamedTuple):
    """What became of a batch.

    Attributes:
        size: how many hits it had.
        wrong: what is wrong with those that could not be read, by their place.
        filtered: the places of those whose dropping is told.
    """

    size: int
    wrong: dict[int, str]
    filtered: list[int]


class BatchHandler(Handler):
    """The ASGI application behind `/api/v1/hits`."""

    def __init__(
        self,
        get_context: Callable[[], IngestContext],
        spool: Journal,
        counters: Counters,
        grant_of: GrantLookup,
    ) -> None:
        """Remember what each batch needs.

        Args:
            grant_of: what a token allows; None if it is unknown.
        """
        super().__init__(get_context, spool, counters)
        self._grant_of = grant_of
        self._taken = _IdempotencyCache()

    async def answer(self, scope: Scope, receive: Receive, context: IngestContext) -> Answer:
        """Take a batch, if its token is good.

        Raises:
            PayloadError: if the whole cannot be read.
            SpoolError: if a hit could not be kept; then none was.
        """
        found = admit_sender(scope, receive, self._grant_of)
        if found is None:
            return self.rejection(401, "unauthorized", _NO_TOKEN, (_ASK, b"Bearer"))
        admitted, grant = found
        if "ingest" not in grant.scopes:
            asked = b'Bearer error="insufficient_scope", scope="ingest"'
            return self.rejection(403, "forbidden", _NO_SCOPE, (_ASK, asked))
        return await self.handle_granted(admitted, grant, context)

    async def handle_granted(
        self, admitted: Admitted, grant: Grant, context: IngestContext
    ) -> Answer:
        """Take a batch of a sender who may send hits.

        Raises:
            PayloadError, SpoolError: as `answer`.
        """
        body = await admitted.body(MAX_BATCH_BODY)
        hits = self.parse_hits(body)
        key = admitted.header(b"idempotency-key")
        if not key:
            return self.batch_answer(await self._append_batch(hits, context, grant))
        sender = admitted.header(b"authorization")
        batch = self._taken.batch(sender, key, context.clock.monotonic())
        async with batch.lock:
            digest = self._taken.digest(body)
            if batch.answer is None:
                batch.answer = self.batch_answer(await self._append_batch(hits, context, grant))
                batch.digest = digest
            elif batch.digest != digest:
                return self.rejection(422, "key_reused", _KEY_REUSED)
            return batch.answer

    def rejection(self, status: int, code: str, title: str, *more: tuple[bytes, bytes]) -> Answer:
        """Answer a batch that is refused as a whole, of which nothing was taken."""
        body = orjson.dumps({"title": title, "status": status, "code": code})
        return Answer(status, body, PROBLEM, *more)

    def error_text(self, error: PayloadError) -> str:
        """Tell what is wrong with one hit, by the sender's own key."""
        return str(error)

    def parse_hits(self, body: bytes) -> list[dict[str, object]]:
        """Split a body into hits.

        Raises:
            PayloadError: if it cannot be.
        """
        return parse_batch(body)

    def batch_answer(self, outcome: BatchOutcome) -> Answer:
        """Answer a batch: 202 if anything in it could be read, and what could not by its place."""
        size, wrong, _ = outcome
        errors = {str(index): told for index, told in wrong.items()}
        body = orjson.dumps({"accepted": size - len(wrong), "errors": errors})
        return Answer(400 if wrong and len(wrong) == size else 202, body, JSON)

    def reports_drop(self, hit: Fields, found: Sequence[Outcome]) -> bool:  # noqa: ARG002
        """Tell whether the sender hears that a hit was dropped; in our own format never."""
        return False

    def context_for_hit(self, hit: Fields, context: IngestContext) -> IngestContext:  # noqa: ARG002
        """Give what one hit is assembled with."""
        return context

    def rename_keys(self, hit: Fields, site: Site | None) -> Fields:
        """Give a hit our keys; `site` is the one the token is for."""
        named = hit.get("d") or hit.get("domain")
        return hit if named or site is None else {**hit, "domain": site.domain}

    async def _append_batch(
        self, hits: list[dict[str, object]], context: IngestContext, grant: Grant
    ) -> BatchOutcome:
        """Count the hits that can be read, all or none; tell what is wrong with the others."""
        found: list[Outcome] = []
        outcome = BatchOutcome(len(hits), {}, [])
        for index, hit in enumerate(hits):
            try:
                made = self._build_hit(hit, context, grant)
            except PayloadError as error:
                self.count(context, error.code)
                outcome.wrong[index] = self.error_text(error)
                continue
            found += made
            if self.reports_drop(hit, made):
                outcome.filtered.append(index)
        await self.append_and_wait(found)
        return outcome

    def _build_hit(self, hit: Fields, context: IngestContext, grant: Grant) -> list[Outcome]:
        """Make what one hit says, unless its visitor refused.

        Raises:
            PayloadError: if it cannot be read, or is not the token's to send.
        """
        own = context.sites.numbered(grant.site_id) if grant.site_id is not None else None
        fields: dict[str, object] = {}

        def facts() -> Sender:
            fields.update(self.rename_keys(hit, own))
            return sender_of(fields)

        admitted = decide_relayed(signals_of(hit), facts)
        if isinstance(admitted, Refusal):
            self.count(context, admitted)
            return []
        payload = payload_of_hit(fields)
        if not payload.domains:
            raise PayloadError("missing_field", "domain")
        for name in payload.domains:
            site = context.sites.named(name)
            if site is None or not grant.allows("ingest", site.id):
                raise PayloadError("bad_field", "domain")
        context = self.context_for_hit(hit, context)
        return self.build_hits(payload, admitted, context, payload.domains, overrides_of(fields))


class GoatCounterBatchHandler(BatchHandler):
    """The ASGI application behind `/api/v0/count`."""

    def __init__(
        self,
        get_context: Callable[[], IngestContext],
        spool: Journal,
        counters: Counters,
        grant_of: GrantLookup,
    ) -> None:
        """Remember what each batch needs; see `BatchHandler`."""
        super().__init__(get_context, spool, counters, grant_of)
        self._quota = Quota()

    async def take_granted(
        self, admitted: Admitted, grant: Grant, context: IngestContext
    ) -> Answer:
        """Take a batch with a token of one site, as GoatCounter's tokens all are.

        Raises:
            PayloadError, SpoolError: as `answer`.
        """
        if grant.site_id is None:
            return self.refused(403, "forbidden", _EVERY_SITE)
        bearer = self._taken.digest(admitted.header(b"authorization"))
        left = self._quota.take(bearer, context.clock.monotonic())
        if left.requests < 0:
            told = ((b"limit", MOST), (b"remaining", 0), (b"reset", left.seconds))
            limits = [(b"x-rate-limit-" + name, b"%d" % value) for name, value in told]
            return self.refused(429, "rate", _TOO_OFTEN, *limits)
        return await super().handle_granted(admitted, grant, context)

    def refused(self, status: int, code: str, title: str, *more: tuple[bytes, bytes]) -> Answer:  # noqa: ARG002
        """Answer a batch that is refused as a whole, in GoatCounter's form."""
        return Answer(status, orjson.dumps({"error": title}), JSON, *more)

    def wrong(self, error: PayloadError) -> Answer:
        """Tell a sender what is wrong with a whole batch, in GoatCounter's form."""
        return self.refused(error.status, error.code, str(error))

    def worded(self, error: PayloadError) -> str:
        """Tell what is wrong with one hit, by GoatCounter's own key."""
        key = GOATCOUNTERS_KEYS.get(error.field, error.field)
        return str(PayloadError(error.code, key))

    def split(self, body: bytes) -> list[dict[str, object]]:
        """Split a body into hits.

        Raises:
            PayloadError: if it cannot be.
        """
        return parse_goatcounter_batch(body)

    def told(self, outcome: BatchOutcome) -> Answer:
        """Answer a batch: 400 if anything could not be read, though the rest was taken."""
        places = ", ".join(map(str, outcome.filtered)).encode()
        more = [(b"x-goatcounter-filter", places)] if places else []
        if not outcome.wrong:
            return Answer(202, b'{"status":"ok"}', JSON, *more)
        errors = {str(index): told for index, told in outcome.wrong.items()}
        return Answer(400, orjson.dumps({"errors": errors}), JSON, *more)

    def tells(self, hit: Fields, found: Sequence[Outcome]) -> bool:
        """Tell of hits from excluded networks, unless the batch says that it need not hear."""
        return Drop.EXCLUDED_NETWORK in found and asks_for_filtered(hit)

    def intake_of_hit(self, hit: Fields, context: IngestContext) -> IngestContext:
        """Let a hit state its country; what it states goes before what its address says.

        Raises:
            PayloadError: `bad_field` if what it states is none.
        """
        country = country_stated(hit)
        return replace(context, places=FixedCountry(country)) if country else context

    def fields(self, hit: Fields, site: Site | None) -> Fields:
        """Give a hit our keys, the site's name among them.

        Raises:
            PayloadError: if the hit cannot be read, or its site was just removed.
        """
        if site is None:
            raise PayloadError("bad_field", "domain")
        return {**from_goatcounter(hit, site.domain), "domain": site.domain}


class _CachedBatch:
    """What became of one batch."""

    __slots__ = ("answer", "began", "digest", "lock")

    def __init__(self, now: float) -> None:
        self.began = now
        self.lock = asyncio.Lock()
        self.answer: Answer | None = None
        self.digest = b""


class _IdempotencyCache:
    """The batches of the last hour, so that sending one again counts nothing twice."""

    def __init__(self) -> None:
        self._batches: OrderedDict[bytes, _CachedBatch] = OrderedDict()
        self._secret = secrets.token_bytes(32)

    def digest(self, text: bytes) -> bytes:
        """Hash a text so that nobody can try out later what it was."""
        return blake2b(text, digest_size=16, key=self._secret).digest()

    def batch(self, sender: bytes, key: bytes, now: float) -> _CachedBatch:
        """Give what is known of a batch.

        Args:
            sender: who sends it: two senders may use the same key.
            key: the sender's.
            now: seconds of a steady clock.
        """
        while self._batches:
            oldest = next(iter(self._batches.values()))
            if now - oldest.began < KEYS_LIVE_S and len(self._batches) < MAX_KEYS:
                break
            self._batches.popitem(last=False)
        # The first of the two has one length, so that no two pairs make the same text.
        name = self.digest(self.digest(sender) + key)
        return self._batches.setdefault(name, _CachedBatch(now))
