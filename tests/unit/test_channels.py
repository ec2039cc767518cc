"""The promise of channels: GA4's default groups, rule by rule, in its order."""

from __future__ import annotations

import pytest

from collector.ingest.enrich.channels import (
    CHANNELS,
    UNASSIGNED,
    ChannelInput,
    SourceKind,
    channel_of,
)

UNKNOWN, SEARCH, SOCIAL = SourceKind.UNKNOWN, SourceKind.SEARCH, SourceKind.SOCIAL
VIDEO, SHOPPING, AI, MAIL = SourceKind.VIDEO, SourceKind.SHOPPING, SourceKind.AI, SourceKind.MAIL


@pytest.mark.parametrize(
    ("channel", "facts"),
    [
        ("Direct", ChannelInput("", "", "", UNKNOWN)),
        ("Cross-network", ChannelInput("google", "cpc", "x-cross-network-y", SEARCH)),
        ("Paid Shopping", ChannelInput("amazon", "cpc", "", SHOPPING)),
        ("Paid Shopping", ChannelInput("partner", "ppc", "spring-shopping", UNKNOWN)),
        ("Paid Search", ChannelInput("google", "cpc", "", SEARCH)),
        ("Paid Search", ChannelInput("bing", "ppc", "", SEARCH)),
        ("Paid Search", ChannelInput("google", "retargeting", "", SEARCH)),
        ("Paid Social", ChannelInput("fb", "paid_social", "", SOCIAL)),
        ("Paid Social", ChannelInput("reddit", "cpc", "", SourceKind.FORUM)),
        ("Paid Video", ChannelInput("youtube", "paid", "", VIDEO)),
        ("Display", ChannelInput("partner", "banner", "", UNKNOWN)),
        ("Display", ChannelInput("partner", "cpm", "", UNKNOWN)),
        ("Paid Other", ChannelInput("partner", "cpc", "", UNKNOWN)),
        ("AI Assistants", ChannelInput("chatgpt.com", "referral", "", AI)),
        ("AI Assistants", ChannelInput("new-assistant", "ai-assistant", "", UNKNOWN)),
        ("Organic Shopping", ChannelInput("amazon.de", "referral", "", SHOPPING)),
        ("Organic Shopping", ChannelInput("partner", "", "my-shop", UNKNOWN)),
        ("Organic Social", ChannelInput("t.co", "referral", "", SOCIAL)),
        ("Organic Social", ChannelInput("partner", "social-media", "", UNKNOWN)),
        ("Organic Video", ChannelInput("vimeo.com", "referral", "", VIDEO)),
        ("Organic Video", ChannelInput("partner", "some-video", "", UNKNOWN)),
        ("Organic Search", ChannelInput("google.com", "organic", "", SEARCH)),
        ("Organic Search", ChannelInput("partner", "organic", "", UNKNOWN)),
        ("Email", ChannelInput("partner", "email", "", UNKNOWN)),
        ("Email", ChannelInput("e-mail", "", "", UNKNOWN)),
        ("Email", ChannelInput("mail.google.com", "referral", "", MAIL)),
        ("Affiliates", ChannelInput("partner", "affiliate", "", UNKNOWN)),
        ("Referral", ChannelInput("blog.example.net", "referral", "", UNKNOWN)),
        ("Referral", ChannelInput("partner", "link", "", UNKNOWN)),
        ("Audio", ChannelInput("partner", "audio", "", UNKNOWN)),
        ("SMS", ChannelInput("sms", "", "", UNKNOWN)),
        ("SMS", ChannelInput("partner", "sms", "", UNKNOWN)),
        ("Mobile Push Notifications", ChannelInput("partner", "web-push", "", UNKNOWN)),
        ("Mobile Push Notifications", ChannelInput("partner", "mobile-alert", "", UNKNOWN)),
        ("Mobile Push Notifications", ChannelInput("firebase", "x", "", UNKNOWN)),
        (UNASSIGNED, ChannelInput("partner", "unheard", "", UNKNOWN)),
        (UNASSIGNED, ChannelInput("partner", "", "workshop-fees", UNKNOWN)),
    ],
)
def test_each_rule_of_ga4_sorts_its_own(channel: str, facts: ChannelInput) -> None:
    """Every channel is reached by what its rule says, and by the first rule that fits."""
    assert channel == channel_of(facts)


def test_no_channel_is_named_twice() -> None:
    """The table has one line a channel."""
    names = [name for name, _ in CHANNELS]

    assert sorted(set(names)) == sorted(names)
    assert UNASSIGNED not in names
