"""Describe, rule by rule, what was given and what is kept of a hit.

Used by the debug answer of `/api/event`, by `footfall explain`, and by the page that shows
visitors what would be stored about them.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from collector.hit import NONE, Drop, Hit
from collector.ingest.enrich.device import parse_device
from collector.ingest.enrich.page import tags_of
from collector.ingest.payload import Payload
from collector.ingest.site_rules import SiteRules
from collector.privacy.consent import Admitted


class RuleLine(NamedTuple):
    """Input and output of one rule.

    Attributes:
        rule: the module that decides.
        given: what was sent; empty if nothing.
        kept: what would be stored; empty if nothing.
    """

    rule: str
    given: str
    kept: str


def lines_of_drop(reason: Drop, admitted: Admitted) -> tuple[RuleLine, ...]:
    """Describe a drop beyond its reason: which bot it is."""
    return (_bot(admitted),) if reason is Drop.BOT else ()


def lines_of_hit(
    payload: Payload, admitted: Admitted, hit: Hit, rules: SiteRules
) -> tuple[RuleLine, ...]:
    """Describe what each rule kept; rules without input are left out."""
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
