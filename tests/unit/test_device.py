"""The promise of devices: browser, system and kind of device, no finer than is true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.hit import NONE
from collector.ingest.enrich import device as devices
from collector.ingest.enrich.device import (
    UNKNOWN,
    Device,
    device_from_headers,
    forget,
    language_base,
    parse_device,
    screen_class,
)

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
IOS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
)
CHROME = "Chrome/142.0.0.0 Safari/537.36"
EDGE = f"{WINDOWS}{CHROME} Edg/142.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (WINDOWS + CHROME, Device("Chrome", "Chrome 142", "Windows", NONE, "Desktop")),
        (EDGE, Device("Edge", "Edge 142", "Windows", NONE, "Desktop")),
        (
            WINDOWS + CHROME + " OPR/124.0.0.0",
            Device("Opera", "Opera 124", "Windows", NONE, "Desktop"),
        ),
        (LINUX + CHROME, Device("Chrome", "Chrome 142", "Linux", NONE, "Desktop")),
        (MAC + CHROME, Device("Chrome", "Chrome 142", "macOS", NONE, "Desktop")),
        (
            MAC + "Version/26.1 Safari/605.1.15",
            Device("Safari", "Safari 26", "macOS", NONE, "Desktop"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
            Device("Firefox", "Firefox 144", "Linux", NONE, "Desktop"),
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML) "
            + CHROME,  # codespell:ignore cros
            Device("Chrome", "Chrome 142", "ChromeOS", NONE, "Desktop"),
        ),
        (
            ANDROID + "Chrome/142.0.0.0 Mobile Safari/537.36",
            Device("Chrome", "Chrome 142", "Android", NONE, "Mobile"),
        ),
        (
            ANDROID + "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
            Device("Samsung Internet", "Samsung Internet 29", "Android", NONE, "Mobile"),
        ),
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0",
            Device("Firefox", "Firefox 144", "Android", "Android 15", "Mobile"),
        ),
        (ANDROID + CHROME, Device("Chrome", "Chrome 142", "Android", NONE, "Tablet")),
        (
            ANDROID.replace("10; K", "16; Pixel 9; wv")
            + "Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36",
            Device("Android WebView", "Android WebView 142", "Android", "Android 16", "Mobile"),
        ),
        (
            IOS.format("18_6") + "Version/26.0 Mobile/15E148 Safari/604.1",
            Device("Safari", "Safari 26", "iOS", "iOS 26", "Mobile"),
        ),
        (
            IOS.format("17_5") + "Version/17.5 Mobile/15E148 Safari/604.1",
            Device("Safari", "Safari 17", "iOS", "iOS 17", "Mobile"),
        ),
        (
            IOS.format("26_1") + "CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
            Device("Chrome", "Chrome 142", "iOS", "iOS 26", "Mobile"),
        ),
        (
            IOS.format("18_7") + "FxiOS/144.0 Mobile/15E148 Safari/605.1.15",
            Device("Firefox", "Firefox 144", "iOS", "iOS 18", "Mobile"),
        ),
        (
            IOS.format("18_5") + "Mobile/15E148 Instagram 383.0.0.28.84 (iPhone14,5; iOS 18_5)",
            Device("Instagram", "Instagram 383", "iOS", "iOS 18", "Mobile"),
        ),
        (
            IOS.replace("iPhone; CPU iPhone OS {}", "iPad; CPU OS 18_7")
            + "Version/26.1 Mobile/15E148 Safari/604.1",
            Device("Safari", "Safari 26", "iOS", "iOS 26", "Tablet"),
        ),
    ],
)
def test_a_browser_is_named_as_people_name_it(user_agent: str, expected: Device) -> None:
    """Families have people's names, and versions only where the string is not frozen."""
    assert expected == parse_device(user_agent)


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) AppleWebKit/537.36 Version/8.0 TV Safari", "TV"),
        ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/108.0.0.0 Safari", "TV"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15", "Console"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) Edge/44.18363", "Console"),
        ("Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 Silk/142.1 Safari", "Tablet"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 " + CHROME, "Tablet"),
        ("Mozilla/5.0 (Mobile; KAIOS/3.1) Gecko/84.0 Firefox/84.0 KAIOS/3.1", "Mobile"),
    ],
)
def test_the_kind_of_device_is_told(user_agent: str, kind: str) -> None:
    """Televisions, consoles, tablets and telephones are told from desktops."""
    assert kind == parse_device(user_agent).device


@pytest.mark.parametrize(
    ("brands", "browser", "version"),
    [
        ('"Brave";v="142", "Not?A_Brand";v="8", "Chromium";v="142"', "Brave", "Brave 142"),
        (
            '"Google Chrome";v="142", "Not?A_Brand";v="8", "Chromium";v="142"',
            "Chrome",
            "Chrome 142",
        ),
        ('"Chromium";v="142", "Vivaldi";v="7", "Not?A_Brand";v="8"', "Vivaldi", "Vivaldi 7"),
        ('"Chromium";v="142", "Not?A_Brand";v="8"', "Chromium", "Chromium 142"),
        ('"Unheard";v="1", "Not?A_Brand";v="8", "Chromium";v="142"', "Chrome", "Chrome 142"),
        ("nonsense", "Chrome", "Chrome 142"),
        ("", "Chrome", "Chrome 142"),
    ],
)
def test_hints_tell_browsers_that_wear_chromes_string(
    brands: str, browser: str, version: str
) -> None:
    """A brand of the hints wins over Chrome's string, and grease and nonsense never do."""
    found = parse_device(LINUX + CHROME, brands, "?0", '"Linux"')

    assert (browser, version) == (found.browser, found.browser_version)


def test_hints_do_not_win_over_a_browsers_own_name() -> None:
    """Edge is Edge by its own string, whatever the brands say first."""
    found = parse_device(
        WINDOWS + CHROME + " Edg/142.0.0.0", '"Google Chrome";v="1"', "?0", '"Windows"'
    )

    assert found.browser == "Edge"


def test_hints_tell_a_telephone_and_a_system() -> None:
    """Where the string says Linux, the hints may say Android and a telephone."""
    found = parse_device(LINUX + CHROME, "", "?1", '"Android"')

    assert (found.os, found.device) == ("Android", "Mobile")


def test_a_bot_has_a_name_and_no_device() -> None:
    """A bot is told by its name, for the drop; nothing else of it is read."""
    found = parse_device("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")

    assert found.bot == "googlebot"
    assert found.browser == UNKNOWN


def test_a_user_agent_is_read_to_a_limit() -> None:
    """What follows the first 512 characters makes no difference, nor a cache entry of its own."""
    forget()

    first = parse_device(WINDOWS + CHROME + " " * 600 + "a")
    second = parse_device(WINDOWS + CHROME + " " * 600 + "b")

    assert first is second
    assert devices._device.cache_info().currsize == 1
    sent = [
        device_from_headers((WINDOWS + CHROME + " " * 600 + a).encode(), b"", b"", b"")
        for a in "ab"
    ]
    assert sent[0] is sent[1]
    assert devices._device_sent.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("width", "label"),
    [
        (None, NONE),
        (0, NONE),
        (-1, NONE),
        (390, "Mobile <576"),
        (575, "Mobile <576"),
        (576, "Tablet 576-991"),
        (991, "Tablet 576-991"),
        (992, "Laptop 992-1439"),
        (1440, "Desktop ≥1440"),
        (10**9, "Desktop ≥1440"),
    ],
)
def test_a_width_becomes_one_of_four_classes(width: int | None, label: str) -> None:
    """A window's width is kept as a class, for its pixels would tell people apart."""
    assert label == screen_class(width)


@pytest.mark.parametrize(
    ("header", "base"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("EN", "en"),
        ("pt_BR", "pt"),
        (" fr-CH, fr;q=0.9", "fr"),
        ("haw", "haw"),
        ("*", NONE),
        ("", NONE),
        ("x", NONE),
        ("german", NONE),
        ("<script>", NONE),
    ],
)
def test_of_a_language_only_the_base_is_kept(header: str, base: str) -> None:
    """Regions and further languages, which tell people apart, are cut."""
    assert base == language_base(header)


@given(st.text(max_size=600), st.text(max_size=80), st.text(max_size=6), st.text(max_size=40))
def test_no_header_raises(user_agent: str, brands: str, mobile: str, platform: str) -> None:
    """Any headers at all give a device."""
    found = parse_device(user_agent, brands, mobile, platform)

    assert found.device in ("Mobile", "Tablet", "Desktop", "TV", "Console")


@given(st.text(max_size=100))
def test_no_language_raises(header: str) -> None:
    """Any header gives two or three letters, or none."""
    base = language_base(header)

    assert base == NONE or (2 <= len(base) <= 3 and base.isalpha())


def test_forgetting_empties_the_caches() -> None:
    """When day secrets go, no user agent and no language stays in a cache."""
    parse_device(WINDOWS + CHROME)
    device_from_headers(WINDOWS.encode(), b"", b"", b"")
    language_base("de")

    forget()

    assert devices._device.cache_info().currsize == 0
    assert devices._device_sent.cache_info().currsize == 0
    assert language_base.cache_info().currsize == 0
