"""The promise of bots: machines are dropped by what they say of themselves, people never."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from is_bot import Bots

from collector.ingest.enrich import bots
from collector.ingest.enrich.bots import UNNAMED, bot_of, is_prefetch
from collector.ingest.enrich.device import parse_device
from tests.corpora import crawlers

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
PEOPLE = [
    CHROME,
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) GSA/390.0.1 Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Mobile Safari/537.36"
    ),
    "Opera/9.80 (Android; Opera Mini/36.2/191.256; U; en) Presto/2.12.423 Version/12.16",
]


def test_of_the_known_crawlers_ninety_nine_in_a_hundred_are_caught() -> None:
    """On a corpus of two thousand crawlers made by others, at least 99 % are bots to us."""
    known = list(crawlers())

    caught = sum(bool(bot_of(text)) for text in known)

    assert len(known) >= 2000
    assert caught >= 0.99 * len(known)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_no_browser_is_a_bot(user_agent: str) -> None:
    """Current browsers, in-app ones and phones with odd names among them, are people."""
    assert bot_of(user_agent) == ""


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "googlebot"),
        ("Mozilla/5.0 AppleWebKit/537.36; compatible; GPTBot/1.2; +https://openai.com", "gptbot"),
        ("Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "claudebot"),
        ("facebookexternalhit/1.1", "facebookexternalhit"),
        ("curl/8.14.1", "curl"),
        ("python-requests/2.32", "python-requests"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "headlesschrome"),
        ("Some New Crawler/1.0", UNNAMED),
        ("", UNNAMED),
        ("Mozilla", UNNAMED),
    ],
)
def test_a_bot_is_named_from_a_closed_list(user_agent: str, name: str) -> None:
    """Names for owners come from our list, never from the sender's text."""
    assert name == bot_of(user_agent)


def test_the_fast_way_and_the_plain_way_agree() -> None:
    """RE2 with a few look-arounds says what isbot's own matcher says."""
    judge = Bots()
    texts = [*crawlers(), *PEOPLE]

    differing = [
        text for text in texts if len(text) > 11 and bool(bot_of(text)) != judge.is_bot(text)
    ]

    assert differing == []


def test_without_re2_the_verdicts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no wheel of RE2 the standard library decides alike."""
    monkeypatch.setattr(bots, "re2", None)
    plain = bots._searcher()
    texts = [*list(crawlers())[::5], *PEOPLE]

    differing = [text for text in texts if plain(text) != bots._is_bot(text)]

    assert differing == []


@given(st.text(max_size=512))
def test_no_user_agent_raises(user_agent: str) -> None:
    """Any text at all is a bot or a browser."""
    assert re.fullmatch(r"[a-z0-9 ._-]*", bot_of(user_agent))


@pytest.mark.parametrize(
    ("sec_purpose", "purpose", "x_moz", "ahead"),
    [
        (b"prefetch", b"", b"", True),
        (b"prefetch;prerender", b"", b"", True),
        (b"Prefetch; anonymous-client-ip", b"", b"", True),
        (b"", b"prefetch", b"", True),
        (b"", b"preview", b"", True),
        (b"", b"", b"prefetch", True),
        (b"", b"", b"", False),
        (b"navigate", b"", b"", False),
        (b"", b"reload", b"", False),
    ],
)
def test_prefetch_and_preview_are_told(
    sec_purpose: bytes,
    purpose: bytes,
    x_moz: bytes,
    ahead: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    """A page loaded ahead of anybody's looking is no pageview."""
    assert ahead is is_prefetch(sec_purpose, purpose, x_moz)


def test_a_headless_browser_is_told_by_its_brand() -> None:
    """Under a user agent of somebody else the client hint still says what it is."""
    brands = '"Not:A-Brand";v="8", "HeadlessChrome";v="142"'

    assert "headlesschrome" == bot_of(CHROME, brands)
    assert "headlesschrome" == parse_device(CHROME, brands).bot
    assert bot_of(CHROME, brands.replace("Headless", "Google ")) == ""
