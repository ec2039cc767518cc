"""Recognise bots by their user agent, and prefetches by their headers.

Pure. Addresses are not used: private relays and VPNs are people.

Source: the patterns of isbot (is-bot on PyPI), and a short list of our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from is_bot._patterns import default_patterns

try:
    import re2
except ImportError:  # no wheel for musl and Windows; `re` gives the same verdicts, more slowly
    re2 = None

UNNAMED = "other"
_HEADLESS = "HeadlessChrome"
SHORTEST = 12
"""Characters that every browser's user agent exceeds."""

# Names for the reasons that owners read; what is caught and has no name here is "other".
_NAMES = re.compile(
    r"googlebot|google-inspectiontool|adsbot-google|mediapartners-google|storebot-google"
    r"|google-extended|googleother|apis-google|feedfetcher|bingbot|bingpreview|adidxbot"
    r"|duckduckbot|duckassistbot|yandexbot|yandex\w{3,20}bot|baiduspider|applebot|petalbot|sogou"
    r"|seznambot|qwantbot|qwantify|yeti|coccocbot|slurp|mojeekbot|naverbot|exabot"
    r"|gptbot|oai-searchbot|chatgpt-user|claudebot|claude-user|claude-searchbot|claude-web"
    r"|anthropic-ai|perplexitybot|perplexity-user|mistralai-user|google-cloudvertexbot|bytespider"
    r"|amazonbot|ccbot|cohere-ai|meta-externalagent|meta-externalfetcher|facebookbot|diffbot"
    r"|youbot|ai2bot|timpibot|imagesiftbot|omgili\w{0,8}|deepseekbot"
    r"|facebookexternalhit|twitterbot|linkedinbot|slackbot|discordbot|telegrambot|whatsapp"
    r"|pinterestbot|redditbot|skypeuripreview|mastodon|bluesky|embedly|iframely|vkshare|viber"
    r"|ahrefsbot|semrushbot|mj12bot|dotbot|blexbot|dataforseobot|serpstatbot|barkrowler"
    r"|screaming frog|sitebulb|seokicks|rogerbot|siteauditbot|awariobot|neevabot"
    r"|uptimerobot|pingdom|statuscake|site24x7|betteruptime|better stack|hetrixtools|newrelic"
    r"|datadog|checkly|freshping|updown|gtmetrix|lighthouse|pagespeed|webpagetest|chrome-lighthouse"
    r"|headlesschrome|phantomjs|puppeteer|playwright|selenium|cypress|electron|prerender"
    r"|curl|wget|python-requests|python-urllib|python-httpx|aiohttp|scrapy|go-http-client|okhttp"
    r"|axios|node-fetch|undici|java|libwww-perl|ruby|guzzlehttp|postman\w{0,8}|insomnia|httpie"
    r"|feedly|inoreader|newsblur|feedbin|miniflux|freshrss|tiny tiny rss"
    r"|ia_archiver|archive\.org_bot|heritrix|nmap|nikto|sqlmap|nuclei|zgrab|masscan|censys"
    r"|expanse|internetmeasurement|w3c_validator|w3c-checklink|siteimprove",
    re.IGNORECASE,
)


def _searcher() -> Callable[[str], bool]:
    """Compile isbot's patterns: all that RE2 can read as one, the few with look-around by `re`."""
    patterns = sorted(pattern.replace(r"\d-.", r"\d\-.") for pattern in default_patterns)
    if re2 is None:
        whole = re.compile("|".join(_fixed_width(p) for p in patterns), re.IGNORECASE)
        return lambda text: bool(whole.search(text))
    around = [pattern for pattern in patterns if "(?!" in pattern or "(?<" in pattern]
    options = re2.Options()
    options.case_sensitive = False
    plain = re2.compile("|".join(p for p in patterns if p not in around), options)
    looking = re.compile("|".join(map(_fixed_width, around)), re.IGNORECASE)
    return lambda text: plain.search(text) is not None or looking.search(text) is not None


def _fixed_width(pattern: str) -> str:
    """Split the one look-behind of two widths, which `re` cannot read."""
    return pattern.replace("(?<! channel/|google/)", "(?<! channel/)(?<!google/)")


_is_bot = _searcher()


def bot_of(user_agent: str, brands: str = "") -> str:
    """Name the bot that a user agent is.

    Args:
        user_agent: as sent, at most 512 characters.
        brands: the header `Sec-CH-UA`, or empty; a headless browser tells itself there even
            under another's user agent.

    Returns:
        Its name in lower case, "other" for one without a name, or empty for a browser.
    """
    if _HEADLESS in brands:
        return _HEADLESS.lower()
    if len(user_agent) >= SHORTEST and not _is_bot(user_agent):
        return ""
    named = _NAMES.search(user_agent)
    return named[0].lower() if named else UNNAMED


def is_prefetch(sec_purpose: bytes, purpose: bytes, x_moz: bytes) -> bool:
    """Return whether a page is loaded before anybody looks at it.

    Args:
        sec_purpose: the header `Sec-Purpose`, or empty: `prefetch`, `prefetch;prerender`.
        purpose: `Purpose` or `X-Purpose`: `prefetch`, `preview`.
        x_moz: `X-Moz`: `prefetch`.

    Source: fetch.spec.whatwg.org, "Sec-Purpose"; the older two by Safari and Firefox.
    """
    if not (sec_purpose or purpose or x_moz):
        return False
    return (
        sec_purpose.lower().startswith(b"prefetch")
        or purpose.lower() in (b"prefetch", b"preview", b"instant")
        or x_moz.lower() == b"prefetch"
    )
