"""Everybody can use what visitors look at: axe-core finds nothing, and nothing overflows.

Each page in each language is checked on a phone and on a desktop. Colours depend on nothing but the
theme, so contrast is checked in one language, in light and in dark.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from collector.visitors.translations import LANGUAGES, direction_of
from tests.browser.visitors.sitting import status_of
from tests.browser.visitors.world import CROSS, SCRIPT, World

Windows = Callable[..., BrowserContext]
Worlds = dict[str, World]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "opt-out": "/opt-out?",
    "widget": "/opt-out/widget?",
    "themed widget": "/opt-out/widget?background=fff8e7&color=3b2a14&",
    "notice": "/privacy/example.org?",
    "me": "/privacy/example.org/me?width=390&",
    "missing": "/privacy/nobody.example?",
    "script form": "",
}
AXE = Axe()
LONGEST = "a-very-long-name-that-an-owner-chose-for-a-site." * 3 + "example"
NARROWEST, PHONE, DESK = 320, 390, 1440


def faults_of(
    page: Page, *, alone: bool = True, coloured: bool = True, only: list[str] | None = None
) -> dict[str, list[str]]:
    """Let axe look at a page, and give the elements it finds fault with, by rule.

    Args:
        alone: whether it is a whole page, and not made to stand within another.
        coloured: whether to check contrast, which takes most of the time.
        only: the rules to look for; by default all of WCAG 2.2 AA and best practice.
    """
    options: dict[str, Any] = {"runOnly": only or WCAG, "resultTypes": ["violations"]}
    if not only:
        off = [*([] if alone else ["region"]), *([] if coloured else ["color-contrast"])]
        options["rules"] = {rule: {"enabled": False} for rule in off}
    found = AXE.run(page, options=options).response["violations"]
    return {one["id"]: [node["html"] for node in one["nodes"]] for one in found}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(worlds: Worlds, regular: Windows, name: str, language: str) -> None:
    """Axe finds nothing, on a phone and a desktop, light and dark, from left or right."""
    page = regular().new_page()
    page.set_viewport_size({"width": PHONE, "height": 844})
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    open_page(page, worlds["https"], name, language)

    coloured = language == "en"
    found = faults_of(page, alone="widget" not in name, coloured=coloured)
    if coloured:
        page.emulate_media(color_scheme="dark")
        found |= faults_of(page, only=["color-contrast"])
    widths = {width: widest(page, width) for width in (NARROWEST, PHONE, DESK)}

    assert found == {}
    assert [] == [text for text in said if "404" not in text]
    assert widths == {width: width for width in widths}
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [
        language,
        direction_of(language),
    ]


def open_page(page: Page, world: World, name: str, language: str) -> None:
    """Open a page in a language and wait until it says all it has to say."""
    if PAGES[name]:
        page.goto(world.collector(CROSS, f"{PAGES[name]}language={language}"))
    else:
        page.goto(world.owners_page(CROSS, SCRIPT, language=language))
        expect(status_of(page, framed=False)).not_to_be_empty()


def widest(page: Page, width: int) -> int:
    """Give how wide a page is in a window of some width: more would scroll sideways."""
    page.set_viewport_size({"width": width, "height": 844})
    found: int = page.evaluate("Math.max(innerWidth, document.documentElement.scrollWidth)")
    return found


@pytest.mark.parametrize("name", ["opt-out", "widget", "script form"])
def test_who_refused_can_use_it_too(worlds: Worlds, visitor: Windows, name: str) -> None:
    """Axe finds nothing after the choice, nor beside a signal that is honoured."""
    page = visitor(extra_http_headers={"Sec-GPC": "1", "DNT": "1"}).new_page()
    open_page(page, worlds["https"], name, "en")

    page.get_by_role("button", name="Do not count me", exact=True).click()
    expect(page.locator("[aria-pressed=true]")).to_have_text("Do not count me")

    expect(status_of(page, framed=False)).to_contain_text("GPC signal honoured")
    expect(status_of(page, framed=False)).to_contain_text("DNT signal honoured")
    assert faults_of(page, alone=name != "widget") == {}


@pytest.mark.parametrize("name", ["opt-out", "script form"])
@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        ("one.style.color = '#bbb'", "color-contrast"),
        ("one.setAttribute('role', 'sttus')", "aria-roles"),
        ("one.innerHTML = '<img src=x>'", "image-alt"),
        ("document.documentElement.lang = ''", "html-has-lang"),
    ],
)
def test_axe_finds_what_is_planted(
    worlds: Worlds, regular: Windows, name: str, plant: str, rule: str
) -> None:
    """A fault put into a page, or into the script form's own tree, is found by the same look."""
    page = regular().new_page()
    open_page(page, worlds["https"], name, "en")

    page.get_by_role("status").evaluate(f"one => {{ {plant} }}")

    assert rule in faults_of(page)


def test_a_long_name_breaks_rather_than_overflows(worlds: Worlds, regular: Windows) -> None:
    """The longest names of sites stay within a phone's window, in the notice and on one's own."""
    world = worlds["https"]
    if LONGEST not in world.service.public_sites:
        added = world.service.footfall("site", "add", LONGEST)
        assert added.returncode == 0, added.stderr
        world.service.public_sites += (LONGEST,)
    page = regular().new_page()

    for path in (f"/privacy/{LONGEST}", f"/privacy/{LONGEST}/me?width=390"):
        address = world.collector(CROSS, path)
        for _ in range(100):
            if page.goto(address).status == 200:  # type: ignore[union-attr]
                break
            page.wait_for_timeout(100)
        expect(page.get_by_role("heading", level=1)).to_contain_text(LONGEST)
        assert widest(page, NARROWEST) == NARROWEST, path
