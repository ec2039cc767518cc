"""Explain what would become of a payload, and write nothing.

Runs the very rules that count, on visits, buckets and a secret of its own that
are gone when the call returns. Called by `footfall explain` and by the page
that shows visitors what would be stored about them; the lines are the debug
answer's too.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import NamedTuple

import msgspec

from collector.day import Day
from collector.errors import PayloadError
from collector.hit import NONE, Drop, Hit, Refusal
from collector.ingest.enrich.device import parse_device
from collector.ingest.enrich.page import tags_of
from collector.ingest.payload import Payload, decode_plausible
from collector.ingest.pipeline import IngestContext, build_hit, sites_named
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.site_rules import NO_RULES, SiteRules
from collector.ingest.visits import Visits
from collector.privacy.consent import Admitted, Message, Scope, decide

Headers = list[tuple[bytes, bytes]]


class RuleLine(NamedTuple):
    """What one rule made of what it was given.

    Attributes:
        rule: the module that decides.
        given: what was sent; empty if nothing.
        kept: what would be stored; empty if nothing.
    """

    rule: str
    given: str
    kept: str


class Explanation(NamedTuple):
    """What would become of a payload for one site.

    Attributes:
        site: its domain; empty if the payload was refused or could not be read.
        outcome: `counted`, or the reason of a refusal, a drop or an error.
        lines: rule by rule; none unless it would be counted, but for a bot its name.
    """

    site: str
    outcome: str
    lines: tuple[RuleLine, ...] = ()


def explain(body: bytes, headers: Headers, peer: str, context: IngestContext) -> list[Explanation]:
    """Explain one request to `/api/event`.

    Args:
        headers: names in lower case.
        peer: the address it would come from.

    Returns:
        one explanation for each site the payload names.
    """
    admitted = decide(_scope(headers, peer), _silent)
    if isinstance(admitted, Refusal):
        return [Explanation("", str(admitted))]
    try:
        payload = decode_plausible(body)
    except PayloadError as wrong:
        return [Explanation("", str(wrong))]
    rehearsal = replace(context, visits=Visits(), limits=RateLimiter(), secrets=_Passing())
    return [_explained(payload, admitted, rehearsal, name) for name in sites_named(payload)]


def _explained(
    payload: Payload, admitted: Admitted, context: IngestContext, name: str
) -> Explanation:
    made = build_hit(payload, admitted, context, name)
    if isinstance(made, Drop):
        return Explanation(name, str(made), lines_of_drop(made, admitted))
    rules = context.rules.get(made.hit.site, NO_RULES)
    return Explanation(name, "counted", lines_of_hit(payload, admitted, made.hit, rules))


def lines_of_drop(reason: Drop, admitted: Admitted) -> tuple[RuleLine, ...]:
    """Say what there is to say of a drop beside its reason: which bot it is."""
    return (_bot(admitted),) if reason is Drop.BOT else ()


def lines_of_hit(
    payload: Payload, admitted: Admitted, hit: Hit, rules: SiteRules
) -> tuple[RuleLine, ...]:
    """Say what each rule made of what was sent; rules that were given nothing say nothing."""
    searched = _searched(payload.url, rules.page.search_parameter)
    lines = _lines(payload, admitted, hit, searched)
    return tuple(line for line in lines if line.given or line.kept)


def _bot(admitted: Admitted) -> RuleLine:
    user_agent, brands = (
        admitted.header(name).decode("latin-1") for name in (b"user-agent", b"sec-ch-ua")
    )
    return RuleLine("bots", user_agent, parse_device(user_agent, brands).bot)


def _searched(url: str, parameter: str) -> str:
    query = url.partition("#")[0].partition("?")[2]
    return tags_of(query, parameter).get(parameter, "") if parameter else ""


def _lines(payload: Payload, admitted: Admitted, hit: Hit, searched: str) -> list[RuleLine]:
    visit = hit.visit
    user_agent = admitted.header(b"user-agent").decode("latin-1")
    language = payload.language or admitted.header(b"accept-language").decode("latin-1")
    campaign = [f"{key}={value}" for key, value in _campaign(visit)]
    return [
        RuleLine("page", payload.url, f"{hit.hostname}{hit.path}"),
        RuleLine(
            "acquisition", payload.referrer, f"{visit.source}, {visit.channel}, {visit.referrer}"
        ),
        RuleLine("campaign", "", ", ".join(campaign)),
        RuleLine("place", admitted.peer, _joined(visit.country, visit.region, visit.city)),
        RuleLine("device", user_agent, _joined(visit.browser_version, visit.os, visit.device)),
        RuleLine("screen", str(payload.screen_width or ""), visit.screen),
        RuleLine("language", language, visit.language),
        RuleLine("search", searched, hit.search_query),
        RuleLine("event", payload.name, hit.event),
        RuleLine("properties", _pairs(payload.props), ", ".join(hit.properties)),
        RuleLine("revenue", "", f"{hit.revenue} {hit.currency}" if hit.currency else ""),
        RuleLine("goals", "", ", ".join(hit.goals)),
    ]


def _campaign(visit: msgspec.Struct) -> list[tuple[str, str]]:
    fields = msgspec.structs.asdict(visit)
    return [
        (key, fields[key])
        for key in fields
        if key.startswith("utm_") and fields[key] not in ("", NONE)
    ]


def _pairs(props: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{key}={value}" for key, value in props)


def _joined(*values: str) -> str:
    return ", ".join(value for value in values if value)


class _Passing:
    """A day secret that nobody will ever see again."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def secret(self, site_id: int, day: Day) -> bytes:  # noqa: ARG002
        """Give it for any site and day."""
        return self._secret


def _scope(headers: Headers, peer: str) -> Scope:
    return {"headers": headers, "query_string": b"", "client": (peer, 0) if peer else None}


async def _silent() -> Message:
    return {"type": "http.disconnect"}
