"""Group sources and media into channels, by GA4's default channel group.

Pure: one table of rules, in GA4's order.

Source: support.google.com/analytics/answer/9756891, as read in November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

DIRECT = "Direct"
UNASSIGNED = "Unassigned"


class SourceKind(StrEnum):
    """The kind of a known source: the tables of `data/sources.toml`."""

    UNKNOWN = ""
    SEARCH = "search"
    SOCIAL = "social"
    AI = "ai"
    MAIL = "mail"
    VIDEO = "video"
    SHOPPING = "shopping"
    FORUM = "forum"
    CODE = "code"
    NEWS = "news"


class ChannelInput(NamedTuple):
    """The input of the rules; everything lower case.

    Attributes:
        source: the source as tagged, or the host; empty if there is none.
        medium: as tagged, or `cpc`, `organic`, `ai-assistant`, `referral` as found.
        campaign: as tagged, or empty.
        kind: of the source.
    """

    source: str
    medium: str
    campaign: str
    kind: SourceKind


# "Medium matches regex ^(.*cp.*|ppc|retargeting|paid.*)$"
_PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*")
# "Campaign Name matches regex ^(.*(([^a-df-z]|^)shop|shopping).*)$"
_SHOP = re.compile(r".*(?:(?:[^a-df-z]|^)shop|shopping).*")
_EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter"})
_SOCIAL_MEDIUM = frozenset(
    {"social", "social-network", "social-media", "sm", "social network", "social media"}
)
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL_KINDS = frozenset({SourceKind.SOCIAL, SourceKind.FORUM})


def _paid(facts: ChannelInput) -> bool:
    return bool(_PAID.fullmatch(facts.medium))


def _shopping(facts: ChannelInput) -> bool:
    return facts.kind == SourceKind.SHOPPING or bool(_SHOP.fullmatch(facts.campaign))


def _push(facts: ChannelInput) -> bool:
    medium = facts.medium
    return (
        medium.endswith("push")
        or "mobile" in medium
        or "notification" in medium
        or facts.source == "firebase"
    )


CHANNELS: tuple[tuple[str, Callable[[ChannelInput], bool]], ...] = (
    # "Source exactly matches direct AND Medium is one of (not set), (none)"
    (DIRECT, lambda facts: not facts.source and not facts.medium),
    # "Campaign Name contains cross-network"
    ("Cross-network", lambda facts: "cross-network" in facts.campaign),
    # "Source matches a list of shopping sites OR Campaign Name matches …, AND Medium matches …"
    ("Paid Shopping", lambda facts: _paid(facts) and _shopping(facts)),
    # "Source matches a list of search sites AND Medium matches …"
    ("Paid Search", lambda facts: _paid(facts) and facts.kind == SourceKind.SEARCH),
    # "Source matches a regex list of social sites AND Medium matches …"
    ("Paid Social", lambda facts: _paid(facts) and facts.kind in _SOCIAL_KINDS),
    # "Source matches a list of video sites AND Medium matches …"
    ("Paid Video", lambda facts: _paid(facts) and facts.kind == SourceKind.VIDEO),
    # "Medium is one of display, banner, expandable, interstitial, cpm"
    ("Display", lambda facts: facts.medium in _DISPLAY),
    # "Medium matches regex ^(.*cp.*|ppc|retargeting|paid.*)$"
    ("Paid Other", _paid),
    # Added by GA4 on 13 May 2026: medium ai-assistant. Which assistants count is ours:
    # the table [ai] of data/sources.toml, tagged links of theirs (utm_source) included.
    (
        "AI Assistants",
        lambda facts: facts.medium == "ai-assistant" or facts.kind == SourceKind.AI,
    ),
    # "Source matches a list of shopping sites OR Campaign name matches …"
    ("Organic Shopping", _shopping),
    # "Source matches a regex list of social sites OR Medium is one of social, …"
    (
        "Organic Social",
        lambda facts: facts.kind in _SOCIAL_KINDS or facts.medium in _SOCIAL_MEDIUM,
    ),
    # "Source matches a list of video sites OR Medium matches regex ^(.*video.*)$"
    (
        "Organic Video",
        lambda facts: facts.kind == SourceKind.VIDEO or "video" in facts.medium,
    ),
    # "Source matches a list of search sites OR Medium exactly matches organic"
    (
        "Organic Search",
        lambda facts: facts.kind == SourceKind.SEARCH or facts.medium == "organic",
    ),
    # "Source = email|e-mail|e_mail|e mail OR Medium = …"; web mail and newsletters are ours.
    (
        "Email",
        lambda facts: (
            facts.medium in _EMAIL or facts.source in _EMAIL or facts.kind == SourceKind.MAIL
        ),
    ),
    # "Medium = affiliate"; the plural is ours.
    ("Affiliates", lambda facts: facts.medium in ("affiliate", "affiliates")),
    # "Medium is one of referral, app, link"
    ("Referral", lambda facts: facts.medium in ("referral", "app", "link")),
    # "Medium exactly matches audio"
    ("Audio", lambda facts: facts.medium == "audio"),
    # "Source exactly matches sms OR Medium exactly matches sms"
    ("SMS", lambda facts: "sms" in (facts.source, facts.medium)),
    # "Medium ends with push OR contains mobile or notification OR Source is firebase"
    ("Mobile Push Notifications", _push),
)


def channel_of(facts: ChannelInput) -> str:
    """Name the first channel whose rule fits; "Unassigned" if none does."""
    return next((name for name, fits in CHANNELS if fits(facts)), UNASSIGNED)
