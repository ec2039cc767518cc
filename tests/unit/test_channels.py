"""The promise of channels: GA4's default groups, rule by rule, in its order."""

from __future__ import annotations

import pytest

from collector.ingest.enrich.channels import CHANNELS, UNASSIGNED, Facts, SourceKind, channel_of

UNKNOWN, SEARCH, SOCIAL = SourceKind.UNKNOWN, SourceKind.SEARCH, SourceKind.SOCIAL
VIDEO, SHOPPING, AI, MAIL = SourceKind.VIDEO, SourceKind.SHOPPING, SourceKind.AI, SourceKind.MAIL


@pytest.mark.parametrize(
    ("channel", "facts"),
    [
        ("Direct", Facts("", "", "", UNKNOWN)),
        ("Cross-network", Facts("google", "cpc", "x-cross-network-y", SEARCH)),
        ("Paid Shopping", Facts("amazon", "cpc", "", SHOPPING)),
        ("Paid Shopping", Facts("partner", "ppc", "spring-shopping", UNKNOWN)),
        ("Paid Search", Facts("google", "cpc", "", SEARCH)),
        ("Paid Search", Facts("bing", "ppc", "", SEARCH)),
        ("Paid Search", Facts("google", "retargeting", "", SEARCH)),
        ("Paid Social", Facts("fb", "paid_social", "", SOCIAL)),
        ("Paid Social", Facts("reddit", "cpc", "", SourceKind.FORUM)),
        ("Paid Video", Facts("youtube", "paid", "", VIDEO)),
        ("Display", Facts("partner", "banner", "", UNKNOWN)),
        ("Display", Facts("partner", "cpm", "", UNKNOWN)),
        ("Paid Other", Facts("partner", "cpc", "", UNKNOWN)),
        ("AI Assistants", Facts("chatgpt.com", "referral", "", AI)),
        ("AI Assistants", Facts("new-assistant", "ai-assistant", "", UNKNOWN)),
        ("Organic Shopping", Facts("amazon.de", "referral", "", SHOPPING)),
        ("Organic Shopping", Facts("partner", "", "my-shop", UNKNOWN)),
        ("Organic Social", Facts("t.co", "referral", "", SOCIAL)),
        ("Organic Social", Facts("partner", "social-media", "", UNKNOWN)),
        ("Organic Video", Facts("vimeo.com", "referral", "", VIDEO)),
        ("Organic Video", Facts("partner", "some-video", "", UNKNOWN)),
        ("Organic Search", Facts("google.com", "organic", "", SEARCH)),
        ("Organic Search", Facts("partner", "organic", "", UNKNOWN)),
        ("Email", Facts("partner", "email", "", UNKNOWN)),
        ("Email", Facts("e-mail", "", "", UNKNOWN)),
        ("Email", Facts("mail.google.com", "referral", "", MAIL)),
        ("Affiliates", Facts("partner", "affiliate", "", UNKNOWN)),
        ("Referral", Facts("blog.example.net", "referral", "", UNKNOWN)),
        ("Referral", Facts("partner", "link", "", UNKNOWN)),
        ("Audio", Facts("partner", "audio", "", UNKNOWN)),
        ("SMS", Facts("sms", "", "", UNKNOWN)),
        ("SMS", Facts("partner", "sms", "", UNKNOWN)),
        ("Mobile Push Notifications", Facts("partner", "web-push", "", UNKNOWN)),
        ("Mobile Push Notifications", Facts("partner", "mobile-alert", "", UNKNOWN)),
        ("Mobile Push Notifications", Facts("firebase", "x", "", UNKNOWN)),
        (UNASSIGNED, Facts("partner", "unheard", "", UNKNOWN)),
        (UNASSIGNED, Facts("partner", "", "workshop-fees", UNKNOWN)),
    ],
)
def test_each_rule_of_ga4_sorts_its_own(channel: str, facts: Facts) -> None:
    """Every channel is reached by what its rule says, and by the first rule that fits."""
    assert channel == channel_of(facts)


def test_no_channel_is_named_twice() -> None:
    """The table has one line a channel."""
    names = [name for name, _ in CHANNELS]

    assert sorted(set(names)) == sorted(names)
    assert UNASSIGNED not in names
