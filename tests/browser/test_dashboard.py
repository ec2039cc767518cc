"""The dashboards in a real browser: with and without JavaScript, by mouse and by keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.dashboard_fixtures import (
    BUSY,
    EMPTY,
    FRESH,
    NAME,
    NASTY,
    PASSWORD,
    PATHS,
    VISITORS,
    Visits,
    agent_of,
    service,
    visits,
)
from tests.service import Service

__all__ = ["service", "visits"]

PAGES = (f"/{BUSY}", f"/{BUSY}?filter=path:/pricing", f"/{EMPTY}", "/", "/login", "/demo")


def _tile(page: Page, label: str) -> str:
    tile = page.locator(".tile").filter(has_text=re.compile(rf"^\s*{label}"))
    return tile.locator(".tile-value").inner_text()


def _mark(page: Page) -> None:
    """Leave something on the page that a reload would lose."""
    page.evaluate("window.notReloaded = true")


def _not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.notReloaded === true"))


def test_an_empty_site_waits_for_its_first_visit(visits: Visits, service: Service) -> None:
    """Without a reload, the page says that it works once a first hit was counted."""
    page = visits.open(f"/{FRESH}")
    expect(page.get_by_role("heading", name="Waiting for the first visit")).to_be_visible()
    _mark(page)

    service.hit("/", site=FRESH)

    expect(page.get_by_text("It works.")).to_be_visible()
    assert _not_reloaded(page)
    assert _tile(page, "Visitors") == "1"


def test_the_snippet_can_be_copied(visits: Visits) -> None:
    """One click puts the very line into the clipboard."""
    page = visits.open(f"/{EMPTY}", permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#snippet").inner_text()
    assert f'data-domain="{EMPTY}"' in copied


def test_a_row_filters_without_a_reload(visits: Visits) -> None:
    """The page changes in place, its address with it, and the way back leads back."""
    page = visits.open(f"/{BUSY}?period=today")
    _mark(page)

    page.locator("#pages").get_by_role("link", name="/pricing").click()

    expect(page.locator(".pill")).to_contain_text("Page is /pricing")
    assert page.url.endswith("filter=path:/pricing&period=today")
    assert (_tile(page, "Pageviews"), _tile(page, "Visits")) == (str(VISITORS), "–")
    page.go_back()
    expect(page.locator(".pill")).to_have_count(0)
    expect(page.locator(".tile-value").nth(2)).to_have_text(str(VISITORS * len(PATHS)))
    assert _not_reloaded(page)


def test_the_filter_is_taken_off_by_its_pill(visits: Visits) -> None:
    """One click on the pill shows everything again."""
    page = visits.open(f"/{BUSY}?period=today&filter=path:/pricing")

    page.locator(".pill").click()

    expect(page.locator(".pill")).to_have_count(0)
    expect(page.locator(".tile-value").nth(2)).to_have_text(str(VISITORS * len(PATHS)))


def test_everything_works_without_javascript(visits: Visits) -> None:
    """Periods, tiles, tabs, filters, dates and the table are links, forms and details."""
    page = visits.open(f"/{BUSY}", java_script_enabled=False)

    page.get_by_role("link", name="7 days").click()
    page.get_by_role("link", name=re.compile("^Pageviews")).click()
    page.locator("#devices").get_by_role("link", name="System").click()
    page.locator("#devices").get_by_role("link", name="GNU/Linux").or_(
        page.locator("#devices").get_by_role("link", name="Linux")
    ).first.click()

    assert "period=7d" in page.url
    assert "metric=pageviews" in page.url
    assert "devices=os" in page.url
    expect(page.locator(".pill")).to_contain_text("System is")
    page.get_by_text("Show as a table").click()
    expect(page.locator("#chart-table tbody tr").last).to_be_visible()
    page.locator("#dates summary").click()
    page.get_by_label("From", exact=True).fill("2026-01-05")
    page.get_by_label("To", exact=True).fill("2026-01-11")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#chart-title")).to_contain_text("5–11 January 2026")
    assert "metric=pageviews" in page.url


def test_dates_are_chosen_in_place(visits: Visits) -> None:
    """With JavaScript the date form does not reload either, and keeps the filter."""
    page = visits.open(f"/{BUSY}?filter=path:/pricing")
    _mark(page)

    page.locator("#dates summary").click()
    page.get_by_label("From", exact=True).fill("2026-01-05")
    page.get_by_label("To", exact=True).fill("2026-01-11")
    page.get_by_role("button", name="Show").click()

    expect(page.locator("#chart-title")).to_contain_text("5–11 January 2026")
    expect(page.locator(".pill")).to_be_visible()
    assert _not_reloaded(page)


def test_the_keyboard_is_enough(visits: Visits) -> None:
    """One can skip to the content, reach every control, see where one is, and stay there."""
    page = visits.open(f"/{BUSY}?period=today")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    row = page.locator("#pages").get_by_role("link", name="/pricing")
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", page.evaluate("document.activeElement.outerHTML")
        if row.evaluate("one => one === document.activeElement"):
            break

    page.keyboard.press("Enter")

    expect(page.locator(".pill")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('section').id") == "pages"


def test_the_pointer_shows_the_numbers(visits: Visits) -> None:
    """A tip names the bucket under the pointer, and goes away with it."""
    page = visits.open(f"/{BUSY}?period=7d")

    page.locator(".slot").last.hover()

    expect(page.locator(".tip")).to_contain_text(str(VISITORS))
    expect(page.locator(".tip")).to_contain_text("so far")
    page.locator("h1").hover()
    expect(page.locator(".tip")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible(visits: Visits, path: str, scheme: str) -> None:
    """Contrast, names, order and roles pass axe's WCAG 2.2 AA rules, light and dark."""
    page = visits.open(path, color_scheme=scheme, reduced_motion="reduce")

    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
    )

    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways(visits: Visits, path: str) -> None:
    """Nothing overflows, from the smallest phone to a wide screen."""
    page = visits.open(path)

    for width in (320, 390, 768, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 800})

        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_a_visitor_sends_is_run(visits: Visits, service: Service) -> None:
    """Markup in paths, campaigns, referrers and events is text in every panel and filter."""
    path = "/<svg onload=alert(1)>?utm_campaign=<img src=x onerror=alert(1)>"
    for number in range(4):
        who: dict[str, Any] = {"site": NASTY, "user_agent": agent_of(number)}
        service.hit(path, r="javascript:alert(1)//<b>", **who)
        service.hit(path, n="</script><script>alert(1)</script>", **who)
    service.wait_for(4, lambda: service.aggregate(NASTY)["pageviews"])

    page = visits.open(f"/{NASTY}?period=today")
    for tab in page.locator(".tabs a").evaluate_all("all => all.map((one) => one.href)"):
        page.goto(tab)
    page.goto(f"/{NASTY}?period=today")
    page.locator("#pages tbody").get_by_role("link").last.click()

    expect(page.locator(".pill")).to_be_visible()
    assert page.locator("svg[onload], img[onerror], a[href^='javascript:']").count() == 0


def test_an_owner_logs_in_and_out(visits: Visits) -> None:
    """The login opens what was asked for; logging out closes it."""
    page = visits.open("/settings")
    page.get_by_label("User name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    page.goto("/settings")

    expect(page.get_by_role("heading", name="Log in to Footfall")).to_be_visible()


def test_another_site_s_form_cannot_log_in(visits: Visits, service: Service) -> None:
    """A page of another site that posts our login form is rejected by Fetch Metadata."""
    page = visits.open("/login")
    page.goto("about:blank")
    page.set_content(
        f'<form method="post" action="{service.url}/login"><input name="name" value="{NAME}">'
        f'<input name="password" value="{PASSWORD}"><button>Win</button></form>'
    )

    page.get_by_role("button", name="Win").click()

    expect(page.get_by_role("heading", name="Request rejected")).to_be_visible()
    assert page.context.cookies() == []
    visits.faults.clear()
