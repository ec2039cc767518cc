"""Open the door that our tracker and Plausible's knock at: `POST /api/event`.

Knows nothing but which format is spoken there; the steps are `door`'s. Made
by `doors`; asked by `app` for each request, and by `fast_path_protocol` for those that
are here as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

from collector.counters import Counters
from collector.errors import PayloadError
from collector.hit import Refusal
from collector.ingest.explain import lines_of_drop, lines_of_hit
from collector.ingest.handler import TEXT, Answer, GrantLookup, Handler, Journal, Outcome, problem
from collector.ingest.payload import MAX_BODY, Payload, decode_plausible
from collector.ingest.pipeline import BuiltHit, IngestContext, sites_named
from collector.ingest.site_rules import NO_RULES
from collector.privacy.consent import (
    Admitted,
    HeaderList,
    NamedHeaders,
    Peer,
    bearer_of,
    decide_whole,
)
from collector.registry.sites import Site

_MOST_TOLD: Final = 100
"""Characters of what one rule kept that fit into the header."""


class PlausibleHandler(Handler):
    """The ASGI application behind `/api/event`.

    All answers to hits are alike, but to an owner who looks for a mistake: for
    sites whose debug switch is on, a sender with a token that reads them is
    told in the header `X-Footfall` what became of the hit: what each rule kept,
    with nothing after the equals sign where it dropped what it was given. A
    refused hit is not read, so its token is not either.
    """

    def __init__(
        self,
        get_context: Callable[[], IngestContext],
        spool: Journal,
        counters: Counters,
        grant_of: GrantLookup = lambda _: None,
    ) -> None:
        """Remember what each hit needs.

        Args:
            grant_of: what a token allows; None if it is unknown.
        """
        super().__init__(get_context, spool, counters)
        self._grant_of = grant_of

    def wrong(self, error: PayloadError) -> Answer:
        """Tell a sender what is wrong, in our form and, as `errors`, in Plausible's."""
        return problem(error, errors={error.field or "request": [error.code.replace("_", " ")]})

    async def take(self, admitted: Admitted, context: IngestContext) -> Answer:
        """Read one payload and count it for every site it names.

        Raises:
            PayloadError: if it cannot be read.
            SpoolError: if a hit could not be kept.
        """
        payload = decode_plausible(await admitted.body(MAX_BODY))
        names = sites_named(payload)
        found = self.build_hits(payload, admitted, context, names)
        await self.append_and_wait(found)
        if not admitted.header(b"authorization"):
            return self.accepted
        return self._debug_answer(found, names, context, payload, admitted)

    def take_whole(
        self, headers: HeaderList, named: NamedHeaders, peer: Peer, body: bytes
    ) -> Answer | asyncio.Future[None]:
        """Take a request that is here as a whole: the same steps, without waiting in between.

        Args:
            named: the headers by name.

        Returns:
            The answer; or, if hits must first become durable, what is done once they are:
            then the answer is `settled`'s.
        """
        context = self._get_context()
        try:
            admitted = decide_whole(headers, named, peer, body)
            if isinstance(admitted, Refusal):
                self.count(context, admitted)
                return self.accepted
            payload = decode_plausible(admitted.whole_body(MAX_BODY))
            found = self.build_hits(payload, admitted, context, sites_named(payload))
            return self.append(found) or self.accepted
        except Exception as error:  # noqa: BLE001 - the edge: no value may reach a log
            return self.answer_error(error, context)

    def settled(self, durable: asyncio.Future[None]) -> Answer:
        """Give the answer once what `take_whole` waited for is done."""
        error = durable.exception()
        if isinstance(error, Exception):
            return self.answer_error(error, self._get_context())
        return self.accepted

    def _debug_answer(
        self,
        found: list[Outcome],
        names: tuple[str, ...],
        context: IngestContext,
        payload: Payload,
        admitted: Admitted,
    ) -> Answer:
        sites = [context.sites.named(name) for name in names]
        token = bearer_of(admitted.header(b"authorization"))
        if not token or not any(site is not None and site.debug for site in sites):
            return self.accepted
        grant = self._grant_of(token)
        told = [
            ";".join(_debug_fields(one, site, payload, admitted, context))
            for one, site in zip(found, sites, strict=True)
            if site is not None and site.debug and grant and grant.allows("read", site.id)
        ]
        if not told:
            return self.accepted
        return Answer(202, self.accepted.body, TEXT, (b"x-footfall", ", ".join(told).encode()))


def _debug_fields(
    one: Outcome, site: Site, payload: Payload, admitted: Admitted, context: IngestContext
) -> Iterator[str]:
    """Say what became of a hit in words that a header may hold."""
    if isinstance(one, BuiltHit):
        outcome = "kept"
        lines = lines_of_hit(payload, admitted, one.hit, context.rules.get(site.id, NO_RULES))
    else:
        outcome, lines = f"dropped:{one}", lines_of_drop(one, admitted)
    yield outcome
    yield f"site={site.domain}"
    for line in lines:
        yield f"{line.rule}={quote(line.kept[:_MOST_TOLD], safe='/:=()')}"
