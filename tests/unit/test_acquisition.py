"""The promise of acquisition: who sent a visit is named, and nothing of a person with it."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.hit import NONE
from collector.ingest.enrich import acquisition
from collector.ingest.enrich.acquisition import CLICKS, Origin, classify_source, forget
from collector.ingest.enrich.channels import CHANNELS, DIRECT, UNASSIGNED, SourceKind
from collector.ingest.enrich.page import CLICK_IDS
from collector.ingest.enrich.sources import KNOWN_SOURCES


def own(hostname: str) -> bool:
    """Belong to the site of these tests."""
    return hostname == "example.org" or hostname.endswith(".example.org")


def came(referrer: str = "", **tags: str) -> Origin:
    """Say where a visit to the site of these tests came from."""
    return classify_source(referrer, own, tags)


@pytest.mark.parametrize(
    ("referrer", "source", "channel"),
    [
        ("https://www.google.com/", "Google", "Organic Search"),
        ("https://www.google.co.uk/search?q=x", "Google", "Organic Search"),
        ("https://google.com.br/", "Google", "Organic Search"),
        ("android-app://com.google.android.googlequicksearchbox/", "Google", "Organic Search"),
        ("https://duckduckgo.com/", "DuckDuckGo", "Organic Search"),
        ("https://yandex.kz/", "Yandex", "Organic Search"),
        ("https://chatgpt.com/", "ChatGPT", "AI Assistants"),
        ("https://www.perplexity.ai/search/x", "Perplexity", "AI Assistants"),
        ("https://gemini.google.com/app", "Gemini", "AI Assistants"),
        ("https://chat.mistral.ai/chat", "Le Chat", "AI Assistants"),
        ("https://l.facebook.com/l.php?u=x", "Facebook", "Organic Social"),
        ("https://t.co/abc", "X", "Organic Social"),
        ("https://lnkd.in/x", "LinkedIn", "Organic Social"),
        ("https://mastodon.social/@x", "Mastodon", "Organic Social"),
        ("android-app://org.telegram.messenger/", "Telegram", "Organic Social"),
        ("android-app://com.slack", "Slack", "Organic Social"),
        ("https://news.ycombinator.com/item?id=1", "Hacker News", "Organic Social"),
        ("https://old.reddit.com/r/python", "Reddit", "Organic Social"),
        ("https://www.youtube.com/watch?v=x", "YouTube", "Organic Video"),
        ("https://mail.google.com/", "Gmail", "Email"),
        ("android-app://com.google.android.gm", "Gmail", "Email"),
        ("https://www.amazon.de/", "Amazon", "Organic Shopping"),
        ("https://github.com/a/b", "GitHub", "Referral"),
        ("https://feedly.com/", "Feedly", "Referral"),
        ("https://en.wikipedia.org/wiki/X", "Wikipedia", "Referral"),
        ("https://blog.example.net/post", "blog.example.net", "Referral"),
        ("https://notgoogle.com/", "notgoogle.com", "Referral"),
        ("https://google.evil.example/", "google.evil.example", "Referral"),
        ("https://google.com.evil.example/", "google.com.evil.example", "Referral"),
        ("", "(direct)", "Direct"),
        ("nonsense", "(direct)", "Direct"),
        ("android-app://com.amazon.kindle", "com.amazon.kindle", "Referral"),
        ("android-app://", "(direct)", "Direct"),
        ("android-app://<script>", "(direct)", "Direct"),
        ("about:blank", "(direct)", "Direct"),
    ],
)
def test_a_referrer_is_named_and_sorted(referrer: str, source: str, channel: str) -> None:
    """Known hosts, brands under any country's suffix and apps have names; others their host."""
    origin = came(referrer)

    assert (source, channel) == (origin.source, origin.channel)


@pytest.mark.parametrize(
    ("referrer", "kept"),
    [
        ("https://www.Blog.example.net:443/a/?token=x#y", "blog.example.net/a"),
        ("https://blog.example.net/", "blog.example.net"),
        ("https://blog.example.net/users/hans", "blog.example.net/users/:user"),
        ("https://blog.example.net/reset/abc", "blog.example.net/reset/:token"),
        ("https://u:p@blog.example.net/a%40b.de", "blog.example.net/:email"),
        ("android-app://com.slack/x", "com.slack"),
        ("http://192.168.1.10/admin", ":ip/admin"),
        ("http://[2001:db8::7]:8080/", ":ip"),
        ("https://deadbeef01234567.example.net/a", ":hash.example.net/a"),
        ("", NONE),
    ],
)
def test_of_a_referrer_host_and_scrubbed_path_are_kept(referrer: str, kept: str) -> None:
    """A referrer's query and user are cut, its path scrubbed like our own."""
    assert kept == came(referrer).referrer


@pytest.mark.parametrize("referrer", ["http://203.0.113.7/", "https://203-0-113-7.isp.example.net"])
def test_an_address_is_no_source(referrer: str) -> None:
    """A visit that comes from a machine without a name does not keep its address as a name."""
    assert "203" not in "".join(map(str, came(referrer)))


def test_a_strict_site_keeps_the_host_alone() -> None:
    """In the strict profile no path of another site is kept."""
    for tags in ({}, {"utm_source": "weekly"}):
        origin = classify_source("https://blog.example.net/a/b", own, tags, strict=True)

        assert origin.referrer == "blog.example.net"


def test_a_referrer_of_the_site_itself_is_none() -> None:
    """Moving about within a site is no origin."""
    assert came("https://www.example.org/a") == came()
    assert came().referrer == NONE
    assert came().channel == DIRECT


@pytest.mark.parametrize(
    ("tags", "source", "channel"),
    [
        ({"utm_source": "chatgpt.com"}, "ChatGPT", "AI Assistants"),
        ({"utm_source": "newsletter", "utm_medium": "email"}, "newsletter", "Email"),
        ({"utm_source": "fb", "utm_medium": "paid_social"}, "Facebook", "Paid Social"),
        ({"utm_source": "IG", "utm_medium": "social"}, "Instagram", "Organic Social"),
        ({"utm_source": "google", "utm_medium": "cpc"}, "Google", "Paid Search"),
        ({"utm_source": "youtube", "utm_medium": "paid"}, "YouTube", "Paid Video"),
        ({"utm_source": "www.google.de"}, "Google", "Organic Search"),
        ({"ref": "producthunt"}, "Product Hunt", "Organic Social"),
        ({"source": "partner-site"}, "partner-site", "Referral"),
        ({"utm_source": "partner", "utm_medium": "unheard"}, "partner", UNASSIGNED),
        ({"click_id": "gclid"}, "Google", "Paid Search"),
        ({"click_id": "msclkid"}, "Bing", "Paid Search"),
        ({"click_id": "ttclid"}, "TikTok", "Paid Social"),
        ({"click_id": "fbclid"}, "Facebook", "Organic Social"),
        ({"utm_campaign": "spring"}, "(direct)", "Direct"),
    ],
)
def test_tags_name_a_source(tags: dict[str, str], source: str, channel: str) -> None:
    """A link's own tags say who sent the visit, in whatever spelling campaigns use."""
    origin = classify_source("", own, tags)

    assert (source, channel) == (origin.source, origin.channel)


def test_tags_win_over_the_referrer() -> None:
    """A tagged link in a newsletter read in Gmail is the newsletter's."""
    origin = came("https://mail.google.com/", utm_source="weekly", utm_medium="email")

    assert (origin.source, origin.channel) == ("weekly", "Email")
    assert origin.referrer == "mail.google.com"


def test_a_referrer_wins_over_a_click_identifier() -> None:
    """An advertisement on Google's pages is Google's, and paid for."""
    origin = came("https://www.google.com/", click_id="gclid")

    assert (origin.source, origin.channel) == ("Google", "Paid Search")


def test_unset_tags_are_kept_as_none() -> None:
    """That a visit had no campaign is counted too."""
    origin = came(utm_source="a", utm_campaign="b")

    assert (origin.utm_source, origin.utm_campaign) == ("a", "b")
    assert {NONE} == {origin.utm_medium, origin.utm_term, origin.utm_content}


def test_a_personal_tag_is_dropped() -> None:
    """A campaign tag that names its reader is not kept, nor becomes a source."""
    origin = came(utm_source="jo@example.net", utm_campaign="mail-to-1234567", utm_term="shoes")

    assert (origin.utm_source, origin.utm_campaign) == (NONE, NONE)
    assert (origin.source, origin.utm_term) == ("(direct)", "shoes")


@pytest.mark.parametrize("host", ["semalt.com", "www.semalt.com", "deep.down.semalt.com"])
def test_spam_referrer_is_told_with_all_its_subdomains(host: str) -> None:
    """A spammer's referrer is flagged, however many labels stand before it."""
    assert came(f"https://{host}/x").spam is True


def test_a_name_that_only_ends_like_a_spammers_is_none() -> None:
    """A suffix is one of labels, not of letters."""
    assert came("https://notsemalt.com/").spam is False


def test_our_table_is_large_and_names_nothing_twice() -> None:
    """The curated table has its three hundred hosts, and no spelling under two brands."""
    text = (files("collector.ingest.enrich") / "data" / "sources.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    spellings = Counter(
        spelling for brands in tables.values() for listed in brands.values() for spelling in listed
    )

    assert len(spellings) >= 300
    assert [] == [spelling for spelling, count in spellings.items() if count > 1]
    assert {kind.value for kind in SourceKind if kind} == set(tables)
    assert all(spelling == spelling.lower() for spelling in spellings)


def test_every_click_identifier_has_an_owner_that_we_know() -> None:
    """What the page picks, acquisition can name."""
    assert set(CLICKS) == CLICK_IDS
    assert all(KNOWN_SOURCES.by_name(owner) for owner, _ in CLICKS.values())


def test_known_sources_are_what_folding_trusts() -> None:
    """Brands are told by name, so that folding can keep them."""
    assert {"Google", "ChatGPT", "Hacker News"} <= KNOWN_SOURCES.brands


@given(
    st.text(max_size=200),
    st.dictionaries(
        st.sampled_from(["utm_source", "ref", "utm_medium", "utm_campaign", "click_id"]),
        st.text(max_size=40),
    ),
)
def test_no_referrer_and_no_tag_raises(referrer: str, tags: dict[str, str]) -> None:
    """Whatever is sent, there is an origin with a channel from the closed list."""
    origin = classify_source(referrer, own, tags)

    assert origin.channel in {name for name, _ in CHANNELS} | {UNASSIGNED}
    assert origin.source


def test_forgetting_empties_the_caches() -> None:
    """When day secrets go, no referrer that a browser sent stays in a cache."""
    came("https://blog.example.net/a", utm_source="b")

    forget()

    assert acquisition._referrer.cache_info().currsize == 0
    assert acquisition._tagged.cache_info().currsize == 0
