"""Explain what would become of a request to `/api/event`, and store nothing.

Runs the rules that count, with visits, rate limits and a secret of its own that are
discarded when the call returns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from collector.errors import PayloadError
from collector.hit import Drop, Refusal
from collector.ingest.explanation import RuleLine, lines_of_drop, lines_of_hit
from collector.ingest.formats.plausible import decode_plausible
from collector.ingest.payload import Payload
from collector.ingest.pipeline import IngestContext, build_hit, sites_named
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.site_rules import NO_RULES
from collector.ingest.visits import Visits
from collector.privacy.consent import Admitted, HeaderList, decide_request
from collector.privacy.day_secrets import DaySecrets


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


def explain(
    body: bytes, headers: HeaderList, peer: str, context: IngestContext
) -> list[Explanation]:
    """Explain one request to `/api/event`.

    Args:
        headers: names in lower case.
        peer: the address it would come from.

    Returns:
        one explanation for each site the payload names.
    """
    admitted = decide_request(headers, dict(headers), (peer, 0) if peer else None)
    if isinstance(admitted, Refusal):
        return [Explanation("", str(admitted))]
    try:
        payload = decode_plausible(body)
    except PayloadError as wrong:
        return [Explanation("", str(wrong))]
    secrets = DaySecrets(None, context.clock, "memory")
    dry = replace(context, visits=Visits(), limits=RateLimiter(), secrets=secrets)
    return [_explained(payload, admitted, dry, name) for name in sites_named(payload)]


def _explained(
    payload: Payload, admitted: Admitted, context: IngestContext, name: str
) -> Explanation:
    made = build_hit(payload, admitted, context, name)
    if isinstance(made, Drop):
        return Explanation(name, str(made), lines_of_drop(made, admitted))
    rules = context.rules.get(made.hit.site, NO_RULES)
    return Explanation(name, "counted", lines_of_hit(payload, admitted, made.hit, rules))
