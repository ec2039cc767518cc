"""The demo page in a real browser, counted by a real service."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.dashboard_fixtures import Visits, service, visits

__all__ = ["service", "visits"]

FULL_CHROMIUM = True
TILES = ("Visitors", "Visits", "Pageviews", "Views per visit", "Bounce rate", "Visit duration")


def tile(page: Page, label: str) -> str:
    """Read the value of a tile."""
    tile = page.locator(".tile").filter(has_text=re.compile(rf"^\s*{label}"))
    return tile.locator(".tile-value").inner_text()


def test_a_look_around_the_demo_becomes_numbers(visits: Visits) -> None:
    """Three pages, one of them by the History API, are one visit of one visitor."""
    page = visits.open("/demo")
    sent = page.locator("#sent li")
    expect(sent.first).to_contain_text('"n":"pageview"')
    page.get_by_role("link", name="Prices (by a link)").click()
    expect(page.locator("#demo-title")).to_have_text("Honest prices")
    page.get_by_role("button", name="Recipes (by the History API)").click()
    expect(page.locator("#demo-title")).to_have_text("Our recipes")
    expect(sent.filter(has_text='/demo/docs"').first).to_be_visible()

    page.get_by_role("link", name="See the numbers of localhost").click()

    expect(page.locator(".tile-value").nth(2)).to_have_text("3")
    assert ["1", "1", "3", "3.0", "0%"] == [tile(page, label) for label in TILES[:5]]
    rows = page.locator("#pages .name")
    assert {"/demo", "/demo/pricing", "/demo/docs"} == set(rows.all_inner_texts())
    expect(page.locator("#devices .name")).to_have_text(re.compile("^Chrom(e|ium)$"))
