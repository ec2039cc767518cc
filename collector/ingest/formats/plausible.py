"""Handle Plausible's format, which our own tracker speaks: `POST /api/event`.

Source: facts of the format in Plausible's public documentation (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final
from urllib.parse import quote

import msgspec

from collector.errors import PayloadError
from collector.hit import ENGAGEMENT, EVENT, PAGEVIEW, Kind
from collector.ingest.explanation import lines_of_drop, lines_of_hit
from collector.ingest.handler import (
    TEXT,
    Answer,
    Handler,
    Outcome,
    Reply,
    problem,
)
from collector.ingest.payload import (
    MAX_BODY,
    MAX_NAME,
    MAX_URL,
    NUL,
    Payload,
    Whole,
    convert,
    domains_of,
    number_of,
    parse_json,
    properties_of,
    revenue_of,
    url_of,
    width_of,
)
from collector.ingest.pipeline import BuiltHit, IngestContext, sites_named
from collector.ingest.site_rules import NO_RULES
from collector.privacy.consent import Admitted, bearer_of
from collector.registry.sites import Site

MAX_ENGAGED_MS: Final = 30 * 24 * 3600 * 1000
_MAX_LANGUAGE: Final = 35
_VALUE_MAX: Final = 100
"""Characters of one rule's value in the debug header."""
_KINDS: Final[dict[object, Kind]] = {"pageview": PAGEVIEW, "engagement": ENGAGEMENT}


class PlausibleHandler(Handler):
    """Handles `/api/event`.

    All hits get the same answer, with one exception for owners who look for a mistake: for
    sites whose debug switch is on, a sender with a token that reads them gets the header
    `X-Footfall`: what became of the hit and what each rule kept, with nothing after the
    equals sign where it dropped its input. A refused hit is not read, and neither is its
    token.
    """

    max_body: ClassVar[int] = MAX_BODY

    def invalid(self, error: PayloadError) -> Answer:
        """Describe what is wrong, in our form and, as `errors`, in Plausible's."""
        return problem(error, errors={error.field or "request": [error.code.replace("_", " ")]})

    def handle(self, admitted: Admitted, context: IngestContext) -> Reply:
        """Append one hit for every site that a payload names."""
        payload = decode_plausible(admitted.body(MAX_BODY))
        names = sites_named(payload)
        outcomes = self.build_hits(payload, admitted, context, names)
        durable = self.append(outcomes)
        if b"authorization" in admitted.headers:
            answer = self._debug_answer(outcomes, names, context, payload, admitted)
            return Reply(answer, durable)
        return Reply(self.accepted, durable)

    def _debug_answer(
        self,
        outcomes: list[Outcome],
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
        reports = [
            ";".join(_debug_fields(one, site, payload, admitted, context))
            for one, site in zip(outcomes, sites, strict=True)
            if site is not None and site.debug and grant and grant.allows("read", site.id)
        ]
        if not reports:
            return self.accepted
        return Answer(202, self.accepted.body, TEXT, (b"x-footfall", ", ".join(reports).encode()))


def _debug_fields(
    one: Outcome, site: Site, payload: Payload, admitted: Admitted, context: IngestContext
) -> Iterator[str]:
    """Describe what became of a hit, in characters that a header may hold."""
    if isinstance(one, BuiltHit):
        outcome = "kept"
        lines = lines_of_hit(payload, admitted, one.hit, context.rules.get(site.id, NO_RULES))
    else:
        outcome, lines = f"dropped:{one}", lines_of_drop(one, admitted)
    yield outcome
    yield f"site={site.domain}"
    for line in lines:
        yield f"{line.rule}={quote(line.kept[:_VALUE_MAX], safe='/:=()')}"


class _Plausible(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    n: str | Whole | None = None
    name: str | Whole | None = None
    u: str | None = None
    url: str | None = None
    d: str | None = None
    domain: str | None = None
    r: str | None = None
    referrer: str | None = None
    m: dict[str, object] | str | None = None
    meta: dict[str, object] | str | None = None
    p: dict[str, object] | str | None = None
    props: dict[str, object] | str | None = None
    h: Whole | bool | None = None
    hash_mode: Whole | bool | None = msgspec.field(default=None, name="hashMode")
    i: bool | None = None
    interactive: bool | None = None
    money: dict[str, object] | str | None = msgspec.field(default=None, name="$")
    revenue: dict[str, object] | str | None = None
    v: Whole | str | None = None
    sd: float | str | None = None
    e: float | str | None = None
    w: Whole | None = None
    screen_width: Whole | None = None
    language: str | None = msgspec.field(default=None, name="l")


def decode_plausible(body: bytes) -> Payload:
    """Read one payload.

    Raises:
        PayloadError: `not_json`, `unknown_field`, `missing_field` or `bad_field`.
    """
    try:
        sent = _at_once(body)
    except (msgspec.MsgspecError, UnicodeError):
        # What is wrong with it, the slower way tells.
        sent = convert(_Plausible, parse_json(body))
    if NUL in body:
        raise PayloadError("bad_field")
    return _payload(sent)


def payload_of(parsed: object) -> Payload:
    """Read one payload from parsed JSON.

    Raises:
        PayloadError: `unknown_field`, `missing_field` or `bad_field`.
    """
    return _payload(convert(_Plausible, parsed))


_at_once = msgspec.json.Decoder(_Plausible).decode


def _payload(sent: _Plausible) -> Payload:
    said = sent.n if sent.n is not None else sent.name
    kind = _KINDS.get(said, EVENT)
    is_event = kind is EVENT
    name = _event_name(said) if is_event else ""
    scroll, engaged_ms = _engagement(sent) if kind is ENGAGEMENT else (None, 0)
    # By position, in the order of Payload: half the cost of keywords (2026-11).
    return Payload(
        kind,
        name,
        url_of(sent.u or sent.url, "url"),
        domains_of(sent.d or sent.domain),
        (sent.r or sent.referrer or "")[:MAX_URL],
        properties_of(sent.m or sent.meta or sent.p or sent.props) if is_event else (),
        (sent.i if sent.i is not None else sent.interactive) is not False,
        revenue_of(sent.money or sent.revenue) if is_event else None,
        scroll,
        engaged_ms,
        bool(sent.h or sent.hash_mode),
        width_of(sent.w or sent.screen_width),
        (sent.language or "")[:_MAX_LANGUAGE],
    )


def _event_name(said: str | int | None) -> str:
    name = "" if said is None else str(said)
    if not name:
        raise PayloadError("missing_field", "name")
    if len(name) > MAX_NAME:
        raise PayloadError("bad_field", "name")
    return name


def _engagement(sent: _Plausible) -> tuple[int | None, int]:
    scroll, engaged_ms = number_of(sent.sd), number_of(sent.e)
    if scroll is not None:
        scroll = min(scroll, 100) if scroll >= 0 else None
    if engaged_ms is not None and not 0 <= engaged_ms < MAX_ENGAGED_MS:
        engaged_ms = None
    if scroll is None and engaged_ms is None:
        raise PayloadError("missing_field", "e")
    return scroll, engaged_ms or 0
