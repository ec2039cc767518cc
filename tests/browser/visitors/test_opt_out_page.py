"""The collector's own page of choice, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.visitors.sitting import IN, OUT
from tests.browser.visitors.world import CROSS, World

Windows = Callable[..., BrowserContext]
Worlds = dict[str, World]
SECURE = {
    ("__Host-optout", "1", True, True, "None", ""),
    ("__Host-optout_p", "1", True, True, "None", "https://example.net"),
}
PLAIN = {("optout", "1", True, False, "Lax", "")}


def choose(page: Page, name: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=name, exact=True).click()


def kept(page: Page) -> set[tuple[Any, ...]]:
    """List the cookies that the browser keeps, as it keeps them."""
    return {
        (
            one["name"],
            one["value"],
            one["httpOnly"],
            one["secure"],
            one["sameSite"],
            one.get("partitionKey", ""),
        )
        for one in page.context.cookies()
    }


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(("scheme", "cookies"), [("https", SECURE), ("http", PLAIN)])
def test_one_can_opt_out_and_in_again(
    worlds: Worlds,
    regular: Windows,
    scheme: str,
    cookies: set[tuple[Any, ...]],
    *,
    scripts: bool,
) -> None:
    """One click each way, with and without JavaScript; the cookies hold the refusal only."""
    page = regular(scripts=scripts).new_page()
    page.goto(worlds[scheme].collector(CROSS, "/opt-out"))
    status = page.get_by_role("status")
    expect(status).to_contain_text("This browser is counted.")
    assert kept(page) == set()

    choose(page, OUT)

    expect(status).to_contain_text("You have opted out.")
    expect(status).to_contain_text("Your choice is saved and checked.")
    assert kept(page) == cookies
    choose(page, IN)
    expect(status).to_contain_text("This browser is counted.")
    assert kept(page) == set()


@pytest.mark.parametrize(
    ("header", "words"), [("Sec-GPC", "Global Privacy Control"), ("DNT", "Do Not Track")]
)
def test_a_browser_s_own_signal_is_seen(
    worlds: Worlds, regular: Windows, header: str, words: str
) -> None:
    """The page says that the signal is honoured, and that no choice here weakens it."""
    page = regular({header: "1"}).new_page()
    page.goto(worlds["http"].collector(CROSS, "/opt-out"))
    status = page.get_by_role("status")

    expect(status).to_contain_text("This browser is not counted.")
    expect(status).to_contain_text(f"signal honoured: this browser opts out by {words}")
    choose(page, IN)
    expect(status).to_contain_text("This browser is not counted.")
    expect(page.locator("main")).to_contain_text("The signal takes precedence over your choice")


def test_the_page_says_what_loses_the_choice(worlds: Worlds, regular: Windows) -> None:
    """Another browser, cleared cookies and private windows are named, and so is plain http."""
    page = regular().new_page()
    page.goto(worlds["http"].collector(CROSS, "/opt-out"))

    page_text = page.locator("main")

    expect(page_text).to_contain_text("Other browsers do not know it")
    expect(page_text).to_contain_text("clearing cookies removes it")
    expect(page_text).to_contain_text("a private window forgets it")
    expect(page_text).to_contain_text("opened without HTTPS")


def test_both_choices_weigh_the_same(worlds: Worlds, regular: Windows) -> None:
    """Neither button is larger, bolder or more colourful than the other."""
    page = regular().new_page()
    page.goto(worlds["https"].collector(CROSS, "/opt-out"))

    looks = page.locator(".choices button").evaluate_all(
        """buttons => buttons.map((one) => {
            const style = getComputedStyle(one);
            const { width, height } = one.getBoundingClientRect();
            return [width, height, style.color, style.backgroundColor, style.borderColor,
                    style.fontSize, style.fontWeight].join();
        })"""
    )

    assert len(looks) == 2
    assert looks[0] == looks[1]


def test_the_keyboard_is_enough_to_opt_out(worlds: Worlds, regular: Windows) -> None:
    """Two steps and Enter, with the place always visible."""
    page = regular().new_page()
    page.goto(worlds["https"].collector(CROSS, "/opt-out"))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name=OUT)
    expect(button).to_be_focused()
    assert button.evaluate("one => getComputedStyle(one).outlineStyle") != "none"

    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("You have opted out.")
