"""The visitor's choice in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.dashboard_fixtures import EMPTY, Visits, service, visits
from tests.service import Service

__all__ = ["service", "visits"]

OUT, IN = "Do not count me", "Count me"


def _choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def _refusals(page: Page) -> list[Any]:
    return [(c["name"], c["value"], c["httpOnly"]) for c in page.context.cookies()]


@pytest.mark.parametrize("scripts", [True, False])
def test_one_can_opt_out_and_in_again(visits: Visits, *, scripts: bool) -> None:
    """One click each way, with and without JavaScript; the cookie holds the refusal only."""
    page = visits.open("/opt-out", java_script_enabled=scripts)
    expect(page.get_by_role("status")).to_contain_text("This browser is counted.")
    assert _refusals(page) == []

    _choose(page, OUT)

    expect(page.get_by_role("status")).to_contain_text("This browser is not counted.")
    expect(page.get_by_role("status")).to_contain_text("You have opted out here.")
    expect(page.get_by_role("status")).to_contain_text("Your choice is saved.")
    assert _refusals(page) == [("optout", "1", True)]
    _choose(page, IN)
    expect(page.get_by_role("status")).to_contain_text("This browser is counted.")
    assert _refusals(page) == []


def test_who_opted_out_is_not_counted(visits: Visits, service: Service) -> None:
    """After the choice, what the real tracker sends changes no number."""
    page = visits.open("/opt-out")
    _choose(page, OUT)
    with page.expect_request("**/api/event") as sent:
        page.goto("/demo")
    sent.value.response()

    service.hit("/marker", site=EMPTY)

    service.wait_for(1, lambda: service.aggregate(EMPTY)["pageviews"])
    assert service.aggregate("localhost")["pageviews"] == 0


@pytest.mark.parametrize(
    ("header", "words"), [("Sec-GPC", "Global Privacy Control"), ("DNT", "Do Not Track")]
)
def test_a_browser_s_own_signal_is_seen(visits: Visits, header: str, words: str) -> None:
    """The page says that the signal is obeyed, and that no choice here weakens it."""
    page = visits.open("/opt-out", extra_http_headers={header: "1"})

    expect(page.get_by_role("status")).to_contain_text("This browser is not counted.")
    expect(page.get_by_role("status")).to_contain_text(words)
    _choose(page, IN)
    expect(page.get_by_role("status")).to_contain_text("This browser is not counted.")
    expect(page.locator("main")).to_contain_text("signal stands whichever you choose")


def test_the_page_says_what_loses_the_choice(visits: Visits) -> None:
    """Another browser and cleared cookies are named, and so is plain http."""
    page = visits.open("/opt-out")

    expect(page.locator("main")).to_contain_text("Another browser, or cleared cookies, lose it")
    expect(page.locator("main")).to_contain_text("reached without encryption")


def test_both_choices_weigh_the_same(visits: Visits) -> None:
    """Neither button is larger, bolder or more colourful than the other."""
    page = visits.open("/opt-out", viewport={"width": 1024, "height": 800})

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


def test_the_keyboard_is_enough_to_opt_out(visits: Visits) -> None:
    """Two steps and Enter, with the place always visible."""
    page = visits.open("/opt-out")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=OUT)).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("This browser is not counted.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(visits: Visits, scheme: str) -> None:
    """It passes axe's WCAG 2.2 AA rules, and on the smallest phone it does not scroll sideways."""
    page = visits.open("/opt-out", color_scheme=scheme, viewport={"width": 320, "height": 800})
    _choose(page, OUT)

    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
