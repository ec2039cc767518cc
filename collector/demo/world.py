"""Say who could visit the invented site: pages, referrers, places, browsers, rhythm.

Plain weights, made up in November 2026 to look like a small software company;
no row stands for anybody. Used by `demo.traffic` alone.
"""

from __future__ import annotations

from typing import Final, NamedTuple

DOMAIN: Final = "demo.example"

PAGES: Final = (
    "/",
    "/pricing",
    "/blog/what-we-learned-from-a-year-without-cookies",
    "/docs",
    "/docs/install",
    "/features",
    "/blog",
    "/docs/snippet",
    "/blog/counting-without-watching",
    "/changelog",
    "/docs/events",
    "/about",
    "/blog/a-faster-chart",
    "/docs/api",
    "/customers",
    "/docs/goals",
    "/blog/time-zones-are-hard",
    "/docs/self-hosting",
    "/careers",
    "/blog/release-notes-autumn",
    "/contact",
    "/docs/upgrade",
    "/blog/why-aggregates-are-enough",
    "/security",
    "/docs/faq",
    "/blog/small-sites-deserve-numbers",
    "/press",
    "/docs/backup",
    "/blog/how-we-draw-charts-on-the-server",
    "/legal/privacy",
    "/docs/troubleshooting",
    "/legal/terms",
    "/blog/the-first-thousand-sites",
    "/docs/glossary",
)
"""Paths, the most viewed first; weights fall off as Zipf's law says."""


class DemoSource(NamedTuple):
    """A place to come from: a referrer, tags on the address, and where one lands.

    Attributes:
        lands: the index in `PAGES` beyond which nobody lands from here.
    """

    weight: float
    referrer: str = ""
    tags: str = ""
    lands: int = 34


ORIGINS: Final = (
    DemoSource(31),
    DemoSource(27, "https://www.google.com/"),
    DemoSource(5, "https://duckduckgo.com/"),
    DemoSource(3.5, "https://www.bing.com/"),
    DemoSource(1.2, "https://www.ecosia.org/"),
    DemoSource(4.5, "https://news.ycombinator.com/item", lands=3),
    DemoSource(3, "https://www.reddit.com/r/selfhosted/comments/xyz", lands=6),
    DemoSource(3.4, "https://github.com/example/awesome-analytics", lands=5),
    DemoSource(1.8, "https://lobste.rs/s/abcdef", lands=3),
    DemoSource(1.7, "https://mastodon.social/@demo", lands=13),
    DemoSource(1.3, "https://www.linkedin.com/feed/", lands=8),
    DemoSource(1.4, "https://www.youtube.com/watch", lands=4),
    DemoSource(2.4, "https://chatgpt.com/", lands=14),
    DemoSource(1.1, "https://www.perplexity.ai/", lands=14),
    DemoSource(2.8, "https://blog.partner.example/tools-we-like", lands=2),
    DemoSource(
        3.6,
        "",
        "utm_source=newsletter&utm_medium=email&utm_campaign=monthly-letter&utm_content=top",
        9,
    ),
    DemoSource(1.1, "", "utm_source=newsletter&utm_medium=email&utm_campaign=welcome", 5),
    DemoSource(
        2.3,
        "https://www.google.com/",
        "utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=private+analytics",
        2,
    ),
    DemoSource(
        1.1,
        "https://www.linkedin.com/",
        "utm_source=linkedin&utm_medium=paid-social&utm_campaign=spring-launch&utm_content=carousel",
        2,
    ),
)


class DemoLocation(NamedTuple):
    """A place to be, with the hour of the day there relative to UTC."""

    weight: float
    country: str
    region: str
    city: str
    language: str
    offset: int


HOMES: Final = (
    DemoLocation(12, "DE", "DE-BE", "DE-Berlin", "de", 1),
    DemoLocation(7, "DE", "DE-BY", "DE-Munich", "de", 1),
    DemoLocation(5, "DE", "DE-HH", "DE-Hamburg", "de", 1),
    DemoLocation(9, "US", "US-CA", "US-San Francisco", "en", -8),
    DemoLocation(8, "US", "US-NY", "US-New York", "en", -5),
    DemoLocation(5, "US", "US-TX", "US-Austin", "en", -6),
    DemoLocation(9, "FR", "FR-IDF", "FR-Paris", "fr", 1),
    DemoLocation(3, "FR", "FR-ARA", "FR-Lyon", "fr", 1),
    DemoLocation(9, "GB", "GB-ENG", "GB-London", "en", 0),
    DemoLocation(5, "NL", "NL-NH", "NL-Amsterdam", "nl", 1),
    DemoLocation(4, "ES", "ES-MD", "ES-Madrid", "es", 1),
    DemoLocation(3.5, "IT", "IT-25", "IT-Milan", "it", 1),
    DemoLocation(3, "PL", "PL-14", "PL-Warsaw", "pl", 1),
    DemoLocation(3, "SE", "SE-AB", "SE-Stockholm", "sv", 1),
    DemoLocation(2.6, "CH", "CH-ZH", "CH-Zurich", "de", 1),
    DemoLocation(2.4, "AT", "AT-9", "AT-Vienna", "de", 1),
    DemoLocation(4, "IN", "IN-KA", "IN-Bengaluru", "en", 5),
    DemoLocation(3, "CA", "CA-ON", "CA-Toronto", "en", -5),
    DemoLocation(2.6, "BR", "BR-SP", "BR-São Paulo", "pt", -3),
    DemoLocation(2.4, "AU", "AU-NSW", "AU-Sydney", "en", 10),
    DemoLocation(2.2, "JP", "JP-13", "JP-Tokyo", "ja", 9),
    DemoLocation(1.2, "DK", "DK-84", "DK-Copenhagen", "da", 1),
    DemoLocation(1.0, "FI", "FI-18", "FI-Helsinki", "fi", 2),
    DemoLocation(0.8, "NZ", "NZ-AUK", "NZ-Auckland", "en", 12),
)


class DemoBrowser(NamedTuple):
    """A browser: what it sends as user agent, and how wide its window is."""

    weight: float
    user_agent: str
    width: int


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_PHONE = "Mozilla/5.0 (Linux; Android 10; K)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1"

BROWSERS: Final = (
    DemoBrowser(17, f"{_WINDOWS} {_WEBKIT} Chrome/142.0.0.0 Safari/537.36", 1536),
    DemoBrowser(5, f"{_WINDOWS} {_WEBKIT} Chrome/141.0.0.0 Safari/537.36", 1920),
    DemoBrowser(10, f"{_MAC} {_WEBKIT} Chrome/142.0.0.0 Safari/537.36", 1440),
    DemoBrowser(8, f"{_MAC} {_SAFARI} Safari/605.1.15", 1280),
    DemoBrowser(8, f"{_LINUX} {_WEBKIT} Chrome/142.0.0.0 Safari/537.36", 1920),
    DemoBrowser(6, f"{_WINDOWS[:-1]}; rv:145.0) Gecko/20100101 Firefox/145.0", 1707),
    DemoBrowser(7, f"{_LINUX[:-1]}; rv:145.0) Gecko/20100101 Firefox/145.0", 1600),
    DemoBrowser(5, f"{_WINDOWS} {_WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", 1366),
    DemoBrowser(15, f"{_PHONE} {_WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36", 412),
    DemoBrowser(
        3,
        f"{_PHONE} {_WEBKIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
        384,
    ),
    DemoBrowser(14, f"{_IPHONE} (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1", 393),
    DemoBrowser(
        2,
        "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
        820,
    ),
)

HOURS: Final = (
    3,
    2,
    1.5,
    1.2,
    1.2,
    1.5,
    2.5,
    4,
    6,
    8,
    9,
    9,
    8,
    8.5,
    9,
    9,
    8.5,
    8,
    7,
    7,
    7.5,
    7,
    6,
    4,
)
"""How busy each local hour is, from midnight."""

WEEKDAYS: Final = (1.0, 1.06, 1.05, 1.02, 0.93, 0.62, 0.66)
"""How busy each day is, from Monday."""

PLANS: Final = ("free", "team", "business")
"""What invented people sign up for; each next one half as often."""
