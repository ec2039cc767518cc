"""Handle batches that servers and software send with a token: `POST /api/v1/hits`.

The sender's own headers say nothing about the visitors: each hit states its visitor's
refusal, which is read before its other keys, and passes consent by itself.

Source of the answers to tokens: RFC 6750, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
import orjson

from collector.counters import Counters
from collector.errors import PayloadError
from collector.hit import Refusal
from collector.ingest.formats.plausible import payload_of
from collector.ingest.handler import (
    JSON,
    PROBLEM,
    Answer,
    ContextSource,
    GrantLookup,
    Handler,
    HitSink,
    Outcome,
)
from collector.ingest.idempotency import IdempotencyCache
from collector.ingest.payload import Payload, convert, parse_json
from collector.ingest.pipeline import IngestContext, SenderOverrides
from collector.privacy.address import packed
from collector.privacy.consent import (
    Admitted,
    HeaderList,
    Receive,
    Scope,
    Signals,
    admit_sender,
    decide_relayed,
)
from collector.registry.sites import Site
from collector.registry.tokens import Grant

MAX_HITS: Final = 500
MAX_BATCH_BODY: Final = 1024 * 1024
MAX_VISITOR: Final = 200
SIGNALS: Final = ("opt_out", "gpc", "dnt")
_YES: Final = frozenset({"true", "1", "yes"})
_NO: Final = frozenset({"none", "false", "0", "no", "unset", "unspecified", ""})
_ASK: Final = b"www-authenticate"
_NO_TOKEN: Final = "a token with the scope ingest is needed"  # noqa: S105
_NO_SCOPE: Final = "the token lacks the scope ingest"
_KEY_REUSED: Final = "this idempotency key came with another body before; use a new one"

Fields = Mapping[str, object]


class Sender(NamedTuple):
    """The visitor of a relayed hit: what a browser would have sent itself."""

    headers: HeaderList
    peer: str


class _Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hits: list[dict[str, object]]


class HitFacts(msgspec.Struct, frozen=True):
    """What a relayed hit states beyond a payload: its visitor and its time."""

    ip: str = ""
    user_agent: str = ""
    accept_language: str = ""
    visitor: str = ""
    time: float | str | None = None


class BatchOutcome(NamedTuple):
    """The result of a batch.

    Attributes:
        size: how many hits it had.
        wrong: what is wrong with hits that could not be decoded, by index.
        filtered: the indexes of dropped hits that the answer reports.
    """

    size: int
    wrong: dict[int, str]
    filtered: list[int]


class BatchHandler(Handler):
    """Handles `/api/v1/hits`; another batch format is a subclass."""

    def __init__(
        self, source: ContextSource, spool: HitSink, counters: Counters, grant_of: GrantLookup
    ) -> None:
        """Keep what each batch needs; see `Handler`."""
        super().__init__(source, spool, counters, grant_of)
        self._cache = IdempotencyCache()

    async def answer(self, scope: Scope, receive: Receive, context: IngestContext) -> Answer:
        """Append a batch, if its token may send hits.

        Raises:
            PayloadError: if the batch cannot be decoded.
            SpoolError: if a hit cannot be appended; then none is.
        """
        found = admit_sender(scope, receive, self._grant_of)
        if found is None:
            return self.rejection(401, "unauthorized", _NO_TOKEN, (_ASK, b"Bearer"))
        admitted, grant = found
        if "ingest" not in grant.scopes:
            missing = b'Bearer error="insufficient_scope", scope="ingest"'
            return self.rejection(403, "forbidden", _NO_SCOPE, (_ASK, missing))
        return await self.answer_granted(admitted, grant, context)

    async def answer_granted(
        self, admitted: Admitted, grant: Grant, context: IngestContext
    ) -> Answer:
        """Append a batch of a sender who may send hits.

        Raises:
            PayloadError, SpoolError: as `answer`.
        """
        await admitted.receive_body(MAX_BATCH_BODY)
        body = admitted.body(MAX_BATCH_BODY)
        hits = self.parse(body)
        key = admitted.header(b"idempotency-key")
        if not key:
            return self.batch_answer(await self._append_batch(hits, context, grant))
        sender = admitted.header(b"authorization")
        batch = self._cache.batch(sender, key, context.clock.monotonic())
        async with batch.lock:
            digest = self._cache.digest(body)
            if batch.answer is None:
                batch.answer = self.batch_answer(await self._append_batch(hits, context, grant))
                batch.digest = digest
            elif batch.digest != digest:
                return self.rejection(422, "key_reused", _KEY_REUSED)
            return batch.answer

    def rejection(self, status: int, code: str, title: str, *more: tuple[bytes, bytes]) -> Answer:
        """Answer a batch that is rejected as a whole."""
        body = orjson.dumps({"title": title, "status": status, "code": code})
        return Answer(status, body, PROBLEM, *more)

    def error_text(self, error: PayloadError) -> str:
        """Describe what is wrong with one hit, by the sender's own key."""
        return str(error)

    def parse(self, body: bytes) -> list[dict[str, object]]:
        """Split a body into hits, none of them read yet.

        Raises:
            PayloadError: if it is not a batch.
        """
        return parse_batch(body)

    def batch_answer(self, outcome: BatchOutcome) -> Answer:
        """Answer a batch: 202 if any hit could be decoded, with the errors of the others."""
        size, wrong, _ = outcome
        errors = {str(index): text for index, text in wrong.items()}
        body = orjson.dumps({"accepted": size - len(wrong), "errors": errors})
        return Answer(400 if wrong and len(wrong) == size else 202, body, JSON)

    def reports_drop(self, hit: Fields, outcomes: Sequence[Outcome]) -> bool:  # noqa: ARG002
        """Return whether the answer reports that a hit was dropped; in our own format never."""
        return False

    def context_for_hit(self, hit: Fields, context: IngestContext) -> IngestContext:  # noqa: ARG002
        """Return the context that one hit is built with."""
        return context

    def rename_keys(self, hit: Fields, site: Site | None) -> Fields:
        """Rename the keys of a hit to ours; `site` is the one the token is for."""
        named = hit.get("d") or hit.get("domain")
        return hit if named or site is None else {**hit, "domain": site.domain}

    async def _append_batch(
        self, hits: list[dict[str, object]], context: IngestContext, grant: Grant
    ) -> BatchOutcome:
        """Append the hits that can be decoded, all or none; describe the others."""
        outcomes: list[Outcome] = []
        result = BatchOutcome(len(hits), {}, [])
        for index, hit in enumerate(hits):
            try:
                built = self._build_hit(hit, context, grant)
            except PayloadError as error:
                self.count(context, error.code)
                result.wrong[index] = self.error_text(error)
                continue
            outcomes += built
            if self.reports_drop(hit, built):
                result.filtered.append(index)
        durable = self.append(outcomes)
        if durable is not None:
            await durable
        return result

    def _build_hit(self, hit: Fields, context: IngestContext, grant: Grant) -> list[Outcome]:
        """Build what one hit states, unless its visitor refused.

        Raises:
            PayloadError: if it cannot be decoded, or the token may not send it.
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


def parse_batch(body: bytes) -> list[dict[str, object]]:
    """Split one of our batches into its hits, none of them looked at yet.

    Raises:
        PayloadError: `not_json`, `missing_field`, `unknown_field` or `bad_field`;
            `too_large` (413) above 500 hits.
    """
    return bounded(convert(_Batch, parse_json(body)).hits)


def signals_of(hit: Fields) -> Signals:
    """Read what a hit states about its visitor's refusal, before any other of its keys.

    Raises:
        PayloadError: `bad_field` if it is neither a yes nor a no: a refusal that is spelled in
            another way must not be counted.
    """
    return Signals(*(_is_yes(key, hit.get(key)) for key in SIGNALS))


def _is_yes(key: str, value: object) -> bool:
    stated = str(value).strip().lower()
    if stated not in _YES and stated not in _NO:
        raise PayloadError("bad_field", key)
    return stated in _YES


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


def bounded(hits: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the hits of a batch.

    Raises:
        PayloadError: `too_large` (413) above 500 hits.
    """
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
