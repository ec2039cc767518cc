"""The hit: what a tracker or client reported and the service accepted.

A hit exists in memory and in the encrypted spool only; the store turns it into cells. It never
holds an address, a user agent or a cookie.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

NONE = "(none)"
OTHER = "(other)"


class Kind(IntEnum):
    """The kinds of hit."""

    PAGEVIEW = 0
    EVENT = 1
    ENGAGEMENT = 2


# Read several times for each hit: an enum's own attribute costs ten times as much (2026-11).
PAGEVIEW, EVENT, ENGAGEMENT = Kind.PAGEVIEW, Kind.EVENT, Kind.ENGAGEMENT


class Refusal(StrEnum):
    """Why a visitor is not counted: refusals, counted by reason and day only."""

    OPT_OUT = "opt_out"
    GPC = "gpc"
    DNT = "dnt"


class Drop(StrEnum):
    """Why a hit is not counted: drops, counted by reason, site and day."""

    UNKNOWN_SITE = "unknown_site"
    HOSTNAME = "hostname"
    BOT = "bot"
    PREFETCH = "prefetch"
    RATE = "rate"
    SPAM_REFERRER = "spam_referrer"
    EXCLUDED_PATH = "excluded_path"
    EXCLUDED_COUNTRY = "excluded_country"
    EXCLUDED_NETWORK = "excluded_network"
    OWN_VISIT = "own_visit"
    OUTSIDE_DAY = "outside_day"


class VisitValues(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The dimension values of a visit: those of its first hit, repeated in every later hit.

    An empty string adds to no cell; a value that is unset but counted is "(none)".
    """

    entry_path: str = ""
    referrer: str = ""
    source: str = ""
    channel: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""
    screen: str = ""
    language: str = ""


class Hit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An accepted hit, ready to be fanned out into cells.

    Attributes:
        site: the site's number.
        closes_at: when the hit's site-local day ends, in seconds since 1970; names its partition.
        day: the local date, in days since 1970-01-01.
        hour: the instant the local hour began, in seconds since 1970.
        minute: the instant the minute began, in seconds since 1970.
        pseudonym: 16 bytes, the visitor's; in memory and in the encrypted spool only.
        counts_visitor: false for engagement, which never adds a visitor.
        visit: the visit's values, those of its first hit.
        exit_path: the exit page of the visit after a pageview; empty for other kinds.
        left_path: the exit page of the visit before it; empty if none.
        properties: "name=value" of a custom event.
        goals: names of the site's goals that this hit reaches.
        revenue: in minor units of `currency`.
        bounce_hour: where `bounces` is -1, the instant of the local hour in which that bounce
            was counted, so that it is subtracted from the same hour; 0 for the hit's own.
        bounce_minute: likewise the minute.
    """

    site: int
    closes_at: int
    day: int
    hour: int
    minute: int
    pseudonym: bytes
    counts_visitor: bool = True
    visit: VisitValues = VisitValues()
    path: str = ""
    hostname: str = ""
    event: str = ""
    search_query: str = ""
    exit_path: str = ""
    left_path: str = ""
    properties: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    currency: str = ""
    pageviews: int = 0
    events: int = 0
    visits: int = 0
    bounces: int = 0
    visit_seconds: int = 0
    engaged_ms: int = 0
    engaged_pageviews: int = 0
    scroll_percent: int = 0
    revenue: int = 0
    bounce_hour: int = 0
    bounce_minute: int = 0


SUMS = (
    "pageviews",
    "events",
    "visits",
    "bounces",
    "visit_seconds",
    "engaged_ms",
    "engaged_pageviews",
    "scroll_percent",
    "revenue",
)
VISIT_VALUES = VisitValues.__struct_fields__
HIT_VALUES = ("path", "hostname", "event", "search_query")
