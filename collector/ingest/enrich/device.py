"""Parse browser, system, device class, width class and language from headers.

Pure but for its caches. No user agent, minor version or device model is kept.

Source: docs/design/0006-rules.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ua_parser import Parser
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from collector.hit import NONE
from collector.ingest.enrich.bots import bot_of

MAX_USER_AGENT = 512
"""Characters of a user agent that are read and keyed by."""
UNKNOWN = "(unknown)"
MOBILE, TABLET, DESKTOP, TV, CONSOLE = "Mobile", "Tablet", "Desktop", "TV", "Console"

SCREENS = ((576, "Mobile <576"), (992, "Tablet 576-991"), (1440, "Laptop 992-1439"))
WIDEST = "Desktop ≥1440"

_BROWSERS = {
    "AdsBot-Google": "Chrome",
    "Amazon Silk": "Silk",
    "Android": "Android Browser",
    "Android Browser": "Android Browser",
    "Apple Mail": "Apple Mail",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
    "Chrome Mobile iOS": "Chrome",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Ecosia Android": "Ecosia",
    "Ecosia iOS": "Ecosia",
    "Edge Mobile": "Edge",
    "Facebook Messenger": "Messenger",
    "Firefox Focus": "Firefox Focus",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google App",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "Opera Mobile": "Opera",
    "Opera Mini": "Opera Mini",
    "Opera Neon": "Opera",
    "Opera Touch": "Opera",
    "Opera Tablet": "Opera",
    "QQ Browser Mobile": "QQ Browser",
    "UC Browser": "UC Browser",
    "Whale": "Whale",
    "Yandex Browser": "Yandex Browser",
    "YandexSearch": "Yandex Browser",
}
_SYSTEMS = {
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "Chrome OS": "ChromeOS",
    "Ubuntu": "Linux",
    "Fedora": "Linux",
    "Debian": "Linux",
    "Red Hat": "Linux",
    "SUSE": "Linux",
    "Arch Linux": "Linux",
    "CentOS": "Linux",
    "Gentoo": "Linux",
    "Linux Mint": "Linux",
    "Mandriva": "Linux",
    "Slackware": "Linux",
    "Windows Phone": "Windows Phone",
    "Windows Mobile": "Windows Phone",
    "iPadOS": "iOS",
    "ATV OS X": "tvOS",
}
_HINTED = {
    "brave": "Brave",
    "duckduckgo": "DuckDuckGo",
    "google chrome": "Chrome",
    "microsoft edge": "Edge",
    "opera": "Opera",
    "opera gx": "Opera",
    "samsung internet": "Samsung Internet",
    "vivaldi": "Vivaldi",
    "yabrowser": "Yandex Browser",
    "yandex": "Yandex Browser",
    "android webview": "Android WebView",
    "chromium": "Chromium",
}
_HINT_SYSTEMS = {
    "android": "Android",
    "chrome os": "ChromeOS",
    "chromium os": "ChromeOS",
    "ios": "iOS",
    "linux": "Linux",
    "macos": "macOS",
    "windows": "Windows",
}

_BRAND = re.compile(r'"([^"]{1,64})"\s*;\s*v="(\d{1,4})')
_IOS_SAFARI = re.compile(r"(?:iPhone|iPad|iPod).{0,200}? Version/(\d{1,3})\.")
_TV = re.compile(
    r"TV|BRAVIA|AFT[A-Z]|CrKey|Roku|Web0S|Tizen.{0,40}?SMART|HbbTV|Viera|NetCast", re.ASCII
)
_CONSOLE = re.compile(r"PlayStation|Xbox|Nintendo|Steam(?: Deck|OS)", re.ASCII)
_TABLET = re.compile(r"iPad|Tablet|PlayBook|Silk(?!.{0,300}Mobile)|Kindle|KF[A-Z]{3,4}\b", re.ASCII)
_MOBILE = re.compile(
    r"iPhone|iPod|Mobi|Phone|BlackBerry|BB10|Opera Mini|Symbian|KAIOS|webOS/", re.ASCII
)
_LANGUAGE = re.compile(r"\s*([a-zA-Z]{2,3})(?=[-_,;\s]|$)")


class Device(NamedTuple):
    """A visitor's browser, system and device; all but the last in the order of `hit.VisitValues`.

    Attributes:
        browser: its name, in-app browsers by the app's; "(unknown)" if not known.
        browser_version: name and major version, such as "Firefox 142", or "(none)".
        os: the system's family.
        os_version: family and major version where the user agent tells the truth, such as
            "iOS 26"; "(none)" where it is frozen.
        device: Mobile, Tablet, Desktop, TV or Console.
        bot: a bot's name; empty for a browser.
    """

    browser: str
    browser_version: str
    os: str
    os_version: str
    device: str
    bot: str = ""


def parse_device(user_agent: str, brands: str = "", mobile: str = "", platform: str = "") -> Device:
    """Read a user agent, with the low-entropy client hints as tie-breakers.

    Args:
        user_agent: as sent; the first 512 characters count.
        brands: the header `Sec-CH-UA`, or empty.
        mobile: `Sec-CH-UA-Mobile`: `?0`, `?1` or empty.
        platform: `Sec-CH-UA-Platform`, quoted, or empty.
    """
    return _device(user_agent[:MAX_USER_AGENT], brands[:MAX_USER_AGENT], mobile[:4], platform[:32])


def device_from_headers(user_agent: bytes, brands: bytes, mobile: bytes, platform: bytes) -> Device:
    """Read the same headers as they came, in bytes."""
    return _device_sent(
        user_agent[:MAX_USER_AGENT], brands[:MAX_USER_AGENT], mobile[:4], platform[:32]
    )


def forget() -> None:
    """Empty the caches that are keyed by what browsers sent; called when day secrets go."""
    _device.cache_clear()
    _device_sent.cache_clear()
    language_base.cache_clear()


def screen_class(width: int | None) -> str:
    """Name the class of a window's width, in CSS pixels; "(none)" if it is not known."""
    if width is None or width <= 0:
        return NONE
    return next((label for below, label in SCREENS if width < below), WIDEST)


@lru_cache(maxsize=1024)
def language_base(header: str) -> str:
    """Return the base of the first language in `Accept-Language`, such as "de"; or "(none)"."""
    first = _LANGUAGE.match(header[:64])
    return first[1].lower() if first else NONE


_parser = Parser(Resolver(load_lazy_builtins()))


@lru_cache(maxsize=4096)
def _device_sent(user_agent: bytes, brands: bytes, mobile: bytes, platform: bytes) -> Device:
    # Uncached below: what is kept once need not be kept twice.
    return _device.__wrapped__(
        user_agent.decode("latin-1"),
        brands.decode("latin-1"),
        mobile.decode("latin-1"),
        platform.decode("latin-1"),
    )


@lru_cache(maxsize=4096)
def _device(user_agent: str, brands: str, mobile: str, platform: str) -> Device:
    if bot := bot_of(user_agent, brands):
        return Device(UNKNOWN, NONE, UNKNOWN, NONE, DESKTOP, bot)
    browser, browser_major = _browser(user_agent, brands)
    system, system_major = _system(user_agent, platform)
    return Device(
        browser=browser,
        browser_version=f"{browser} {browser_major}" if browser_major else NONE,
        os=system,
        os_version=f"{system} {system_major}" if system_major else NONE,
        device=_device_class(user_agent, system, mobile),
    )


def _browser(user_agent: str, brands: str) -> tuple[str, str]:
    """Name browser and major version; a hint wins only over Chrome, whose string others wear."""
    found = _parser.parse_user_agent(user_agent)
    name = _BROWSERS.get(found.family, found.family) if found else UNKNOWN
    major = (found.major or "") if found else ""
    if brands and name in ("Chrome", "Chromium", UNKNOWN):
        return _hinted(brands) or (name, major)
    return name, major


def _hinted(brands: str) -> tuple[str, str] | None:
    """Pick the most telling brand: one that is neither grease nor what every such browser says."""
    said = {brand.lower(): major for brand, major in _BRAND.findall(brands)}
    known = [brand for brand in said if brand in _HINTED and brand != "chromium"]
    if not known:
        return ("Chromium", said["chromium"]) if "chromium" in said and len(said) <= 2 else None
    return _HINTED[known[0]], said[known[0]]


def _system(user_agent: str, platform: str) -> tuple[str, str]:
    """Name system and major version; no version where browsers freeze it."""
    found = _parser.parse_os(user_agent)
    name = _SYSTEMS.get(found.family, found.family) if found else UNKNOWN
    if platform and name in (UNKNOWN, "Other", "Linux"):
        name = _HINT_SYSTEMS.get(platform.strip('"').lower(), name)
    major = (found.major or "") if found else ""
    if name == "iOS":
        return name, _ios_major(user_agent, major)
    if name == "Android":
        # Chrome froze its string at "Android 10; K" for every version from 10 up.
        return name, "" if "Android 10; K)" in user_agent else major
    return name, major if name in _TRUE_VERSIONS else ""


# macOS says 10_15_7 and Windows says NT 10.0 whatever they are; Linux and ChromeOS have no major
# version that would mean anything to people.
_TRUE_VERSIONS = frozenset({"tvOS", "Tizen", "KaiOS", "webOS", "HarmonyOS", "Windows Phone"})


def _ios_major(user_agent: str, major: str) -> str:
    """Undo the freeze of iOS 26: the system says 18_6 or 18_7, Safari's Version/ the truth."""
    safari = _IOS_SAFARI.search(user_agent)
    if safari and int(safari[1]) >= 26 and major == "18":
        return safari[1]
    return major


def _device_class(user_agent: str, system: str, mobile: str) -> str:
    if _TV.search(user_agent):
        return TV
    if _CONSOLE.search(user_agent):
        return CONSOLE
    if _TABLET.search(user_agent):
        return TABLET
    if system == "Android":
        return MOBILE if "Mobi" in user_agent or mobile == "?1" else TABLET
    return MOBILE if mobile == "?1" or _MOBILE.search(user_agent) else DESKTOP
