"""Build a hit from a payload: the table of contents of ingestion.

Gives the order of the rules, cheapest guard first, and the rule that fills each column;
the rules themselves are in other modules. The address, the user agent and the other
headers are not kept beyond the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from collector.clock import Clock
from collector.day import MINUTE, Moment, day_at, hour_at, minute_at, moment_of_minute
from collector.hit import ENGAGEMENT, EVENT, OTHER, PAGEVIEW, Drop, Hit, VisitValues
from collector.ingest.enrich import acquisition, device
from collector.ingest.enrich import page as page_rules
from collector.ingest.enrich.acquisition import Origin, classify_source
from collector.ingest.enrich.bots import UNNAMED, is_prefetch
from collector.ingest.enrich.device import Device, device_from_headers, language_base, screen_class
from collector.ingest.enrich.page import Page, PageRules, hostname_of, parse_page
from collector.ingest.enrich.sources import is_listed
from collector.ingest.payload import Payload
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.site_rules import NO_RULES, SiteRules, goals_of, matches_any
from collector.ingest.visits import VisitDelta, VisitInput, Visits
from collector.privacy import pseudonym as pseudonyms
from collector.privacy import scrub
from collector.privacy.address import Networks, client_address, network_of, truncated
from collector.privacy.consent import Admitted
from collector.privacy.own_visits import is_own_visit
from collector.privacy.pseudonym import pseudonym
from collector.privacy.scrub import scrub_host, scrub_text
from collector.registry.sites import Site, Sites

if TYPE_CHECKING:
    from collector.ingest.enrich.geo import FixedCountry, GeoDatabase
    from collector.privacy.day_secrets import DaySecrets

HostCheck = Callable[[str], object]
"""Decides whether a host name belongs to the site: truthy if it does."""

MAX_ENGAGED_MS: Final = 30 * 60 * 1000
MAX_AHEAD_S: Final = 60
_MAX_KEY: Final = 60
_PREFETCH_HEADERS: Final = frozenset({b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"})
STRICT: Final = "strict"
_ADDRESS: Final = re.compile(r"(?:https?:)?//", re.IGNORECASE)


class SealedMark(Protocol):
    """How far days are sealed.

    Attributes:
        sealed_until: the instant before which every day is sealed, in seconds since 1970.
    """

    sealed_until: int


class NothingSealed:
    """No day is sealed."""

    sealed_until = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestContext:
    """What building hits needs: immutable, and replaced when sites change.

    Attributes:
        sealed: how far days are sealed; a hit before that, as a clock set back makes
            it, counts in the first day that is open.
        address_header: the one header that names the client's address, in lower
            case, believed from trusted proxies only; empty for X-Forwarded-For.
        excluded: networks whose hits are not counted.
        rules: what owners decided, by the site's number; none for a site not in it.
    """

    sites: Sites
    secrets: DaySecrets
    visits: Visits
    places: GeoDatabase | FixedCountry
    clock: Clock
    limits: RateLimiter
    sealed: SealedMark = field(default_factory=NothingSealed)
    trusted_proxies: Networks = field(default_factory=lambda: Networks(()))
    address_header: bytes = b""
    excluded: Networks = field(default_factory=lambda: Networks(()))
    rules: Mapping[int, SiteRules] = field(default_factory=dict)


class SenderOverrides(NamedTuple):
    """What only a sender with a token may state about a hit.

    Attributes:
        at: when it happened, in seconds since 1970; None for now.
        visitor: tells visitors apart in place of their address; at most 200
            bytes, hashed with the day secret like an address; empty for the address.
    """

    at: float | None = None
    visitor: bytes = b""


class BuiltHit(msgspec.Struct, frozen=True, gc=False):
    """A hit, how to undo what it changed of its visit, and whether its own day was sealed."""

    hit: Hit
    undo: Callable[[], None]
    late: bool


class _RequestFacts(msgspec.Struct, frozen=True, gc=False):
    """What the rules read of a request; discarded when the call returns."""

    site: Site
    strict: bool
    rules: SiteRules
    page: Page
    origin: Origin
    browser: Device
    address: bytes
    moment: Moment


def build_hit(
    payload: Payload,
    admitted: Admitted,
    context: IngestContext,
    site_name: str,
    overrides: SenderOverrides | None = None,
) -> BuiltHit | Drop:
    """Build a hit for one site, or return the reason for dropping it.

    Args:
        site_name: the domain the hit is for.
        overrides: what a sender with a token states about the hit; None for a browser's.
    """
    site = context.sites.named(site_name)
    if site is None:
        return Drop.UNKNOWN_SITE
    clock, sealed_until = context.clock.now(), context.sealed.sealed_until
    late = sealed_until > clock
    now = sealed_until if late else clock
    if overrides is not None and overrides.at is not None:
        if not day_at(site.zone, now).opens_at <= overrides.at <= now + MAX_AHEAD_S:
            return Drop.OUTSIDE_DAY
        now = overrides.at
    rules = context.rules.get(site.id, NO_RULES)
    page = parse_page(payload.url, payload.hash_mode, rules.page)
    allows = context.sites.host_patterns[site.id].fullmatch
    if not (allows(page.hostname) and _origin_matches(admitted, allows)):
        return Drop.HOSTNAME
    strict = site.profile == STRICT
    # By position, as declared, here and in VisitInput: a name costs as much as its value.
    seen = _RequestFacts(
        site,
        strict,
        rules,
        page,
        classify_source(payload.referrer, allows, page.query, strict),
        _browser(admitted),
        _address(admitted, context),
        moment_of_minute(site.zone, int(now) // MINUTE),
    )
    reason = _drop_reason(payload, admitted, context, seen, overrides)
    if reason is not None:
        return reason
    step = context.visits.record(
        VisitInput(
            site.id,
            seen.moment.day.closes_at,
            _pseudonym(admitted, context, seen, overrides),
            int(now),
            payload.kind,
            page.path,
            partial(_visit_values, payload, admitted, context, seen),
            payload.interactive,
            payload.scroll,
        )
    )
    return BuiltHit(_hit(payload, seen, step), partial(context.visits.undo, step), late)


def sites_named(payload: Payload) -> tuple[str, ...]:
    """Return the sites a payload is for: those it names, or the host of its page."""
    return payload.domains or (parse_page(payload.url).hostname,)


def forget_visitors() -> None:
    """Empty every cache that is keyed by what visitors sent; called when day secrets go."""
    acquisition.forget()
    device.forget()
    page_rules.forget()
    pseudonyms.forget()
    scrub.forget()


def _hit(payload: Payload, seen: _RequestFacts, step: VisitDelta) -> Hit:
    is_pageview = payload.kind is PAGEVIEW
    is_event = payload.kind is EVENT
    event = event_name(payload.name) if is_event else ""
    minor, currency = payload.revenue or (0, "")
    site, page, goals = seen.site, seen.page, seen.rules.goals
    day, hour, minute = seen.moment
    bounced_at = step.bounced_at
    # By position, in the order of Hit: for more than 15 keywords Python makes a dict first,
    # and a hit costs 1.5 us more (2026-11, two shared cores).
    return Hit(
        site.id,
        day.closes_at,
        day.number,
        hour,
        minute,
        step.pseudonym,
        payload.kind is not ENGAGEMENT,
        step.values,
        page.path,
        _hostname(site, page.hostname),
        event,
        page.search if is_pageview else "",
        step.exit_path,
        step.left_path,
        _properties(payload.props, seen.rules.page) if payload.props else (),
        goals_of(goals, payload.kind, page.path, event) if goals else (),
        currency,
        1 if is_pageview else 0,
        1 if is_event else 0,
        step.visits,
        step.bounces,
        step.seconds,
        min(payload.engaged_ms, MAX_ENGAGED_MS),
        step.engaged_pageviews,
        step.scroll,
        minor,
        hour_at(site.zone, bounced_at) if bounced_at else 0,
        minute_at(bounced_at) if bounced_at else 0,
    )


def _visit_values(
    payload: Payload, admitted: Admitted, context: IngestContext, seen: _RequestFacts
) -> VisitValues:
    country, region, city = context.places.locate(truncated(seen.address))
    return VisitValues(
        seen.page.path,
        *seen.origin[:-1],
        country,
        region,
        "" if seen.strict else city,
        *seen.browser[:-1],
        screen_class(payload.screen_width),
        language_base(
            payload.language or admitted.headers.get(b"accept-language", b"").decode("latin-1")
        ),
    )


def _drop_reason(
    payload: Payload,
    admitted: Admitted,
    context: IngestContext,
    seen: _RequestFacts,
    overrides: SenderOverrides | None,
) -> Drop | None:
    excluded = _exclusion(admitted, context, seen)
    if excluded is not None:
        return excluded
    if not _PREFETCH_HEADERS.isdisjoint(admitted.headers) and _is_prefetched(admitted.headers):
        return Drop.PREFETCH
    if payload.bot or (seen.browser.bot and _is_bot(seen.browser, admitted, overrides)):
        return Drop.BOT
    if seen.origin.spam or (seen.rules.spam_referrers and _is_spam_to(seen)):
        return Drop.SPAM_REFERRER
    if not context.limits.allows(seen.address, seen.site.id, context.clock.monotonic()):
        return Drop.RATE
    return None


def _exclusion(admitted: Admitted, context: IngestContext, seen: _RequestFacts) -> Drop | None:
    rules = seen.rules
    cookies = admitted.headers.get(b"cookie")
    if cookies and is_own_visit(cookies):
        return Drop.OWN_VISIT
    if rules.excluded_paths and matches_any(seen.page.path, rules.excluded_paths):
        return Drop.EXCLUDED_PATH
    if not context.excluded.empty and seen.address in context.excluded:
        return Drop.EXCLUDED_NETWORK
    if rules.excluded_countries:
        country, _, _ = context.places.locate(truncated(seen.address))
        if country in rules.excluded_countries:
            return Drop.EXCLUDED_COUNTRY
    return None


def _is_spam_to(seen: _RequestFacts) -> bool:
    host, _, _ = seen.origin.referrer.partition("/")
    return is_listed(host, seen.rules.spam_referrers)


def _is_bot(browser: Device, admitted: Admitted, overrides: SenderOverrides | None) -> bool:
    """Decide whether a user agent that looks like a bot is one.

    A name of its own, from a sender with a token, is the sender's software.
    """
    if overrides is None or browser.bot != UNNAMED:
        return True
    return admitted.header(b"user-agent").startswith(b"Mozilla/")


def _origin_matches(admitted: Admitted, allows: HostCheck) -> bool:
    """Return whether the sending page, if the browser names one, belongs to the site."""
    origin = admitted.headers.get(b"origin")
    if not origin or origin == b"null":
        return True
    return allows(hostname_of(origin.decode("latin-1").partition("://")[2])) is not None


def _address(admitted: Admitted, context: IngestContext) -> bytes:
    named = admitted.headers_joined(context.address_header) if context.address_header else None
    forwarded = admitted.headers_joined(b"x-forwarded-for")
    return client_address(admitted.peer, forwarded, context.trusted_proxies, named)


def _browser(admitted: Admitted) -> Device:
    sent = admitted.headers.get
    return device_from_headers(
        sent(b"user-agent", b""),
        sent(b"sec-ch-ua", b""),
        sent(b"sec-ch-ua-mobile", b""),
        sent(b"sec-ch-ua-platform", b""),
    )


def _is_prefetched(sent: Mapping[bytes, bytes]) -> bool:
    return is_prefetch(
        sent.get(b"sec-purpose", b""),
        sent.get(b"purpose") or sent.get(b"x-purpose", b""),
        sent.get(b"x-moz", b""),
    )


def _pseudonym(
    admitted: Admitted,
    context: IngestContext,
    seen: _RequestFacts,
    overrides: SenderOverrides | None,
) -> bytes:
    own = overrides.visitor if overrides is not None else b""
    return pseudonym(
        context.secrets.secret(seen.site.id, seen.moment.day),
        b"=" + own if own else network_of(seen.address, strict=seen.strict),
        admitted.headers.get(b"user-agent", b""),
    )


def _hostname(site: Site, hostname: str) -> str:
    """Scrub a page's host name, but for those that the owner named."""
    if hostname == site.domain or hostname in site.hostnames or site.domain == "localhost":
        return hostname
    return scrub_host(hostname)


def _properties(props: tuple[tuple[str, str], ...], rules: PageRules) -> tuple[str, ...]:
    kept = ((scrub_text(key, _MAX_KEY), _property(value, rules)) for key, value in props)
    return tuple(f"{key}={value}" for key, value in kept if key and value)


def _property(value: str, rules: PageRules) -> str:
    """Scrub a property's value; an address or a path as those of pages are, without its query."""
    if value.startswith("/") and not value.startswith("//"):
        return parse_page(value, rules=rules).path
    whole = _ADDRESS.match(value)
    if whole is None:
        return scrub_text(value)
    page = parse_page(value, rules=rules)
    return f"{whole[0].lower()}{scrub_host(page.hostname)}{page.path}" if page.hostname else ""


def event_name(name: str) -> str:
    """Scrub an event's name; one that says too much of a person becomes "(other)"."""
    return scrub_text(name) or OTHER
