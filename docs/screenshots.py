"""Take the pictures of the documentation: real pages of a real service, in a real browser.

Starts `footfall serve --demo` in a new folder, waits for its invented traffic, looks around the
demo once, and writes docs/pictures/*.png. Run by `make screenshots`; needs Chromium (the one
named by FOOTFALL_CHROMIUM, the system's, or Playwright's own).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.conftest import program
from tests.service import CHROME, Service

PICTURES = Path(__file__).parent / "pictures"
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")
DESK, PHONE = (1440, 900), (390, 844)
FILL_SECONDS = 300
FILLED_VISITORS = 20
SETTLE_MS = 300

# Name of the file, page, size, light or dark, and whether all of the page is in the picture.
SHOTS = (
    ("dashboard", "/demo.example?period=30d", DESK, "light", False),
    ("dashboard-dark", "/demo.example?period=30d", DESK, "dark", False),
    ("dashboard-phone", "/demo.example?period=30d", PHONE, "light", True),
    ("dashboard-today", "/demo.example?period=today", DESK, "light", True),
    ("dashboard-filter", "/demo.example?period=7d&filter=country:DE", DESK, "dark", True),
    ("first-visit", "/localhost", DESK, "light", True),
    ("first-visit-phone", "/localhost", PHONE, "dark", True),
    ("opt-out", "/opt-out", DESK, "light", False),
    ("demo", "/demo", DESK, "light", False),
)
BEFORE_THE_FIRST_VISIT = (
    ("empty", "/localhost", DESK, "light", False),
    ("empty-phone", "/localhost", PHONE, "dark", False),
)

Shot = tuple[str, str, tuple[int, int], str, bool]


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        found = program("chromium")
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        with Service(Path(folder) / "data", public_sites=(), options=("--demo",)) as service:
            for shot in BEFORE_THE_FIRST_VISIT:
                take(chromium, service, shot)
            service.wait_for(True, lambda: is_filled(service), FILL_SECONDS)
            look_around(chromium, service)
            for shot in SHOTS:
                take(chromium, service, shot)
        chromium.close()


def is_filled(service: Service) -> bool:
    """Tell whether the invented traffic is there: it is filled in day by day, today last."""
    return bool(service.aggregate("demo.example")["visitors"] >= FILLED_VISITORS)


def look_around(browser: Browser, service: Service) -> None:
    """Visit the demo's three pages, so that its site has one visit."""
    context = browser.new_context(user_agent=CHROME)
    context.add_init_script("delete Navigator.prototype.webdriver")
    page = context.new_page()
    for name in ("", "/pricing", "/docs"):
        with page.expect_response("**/api/event"):
            page.goto(f"{service.url}/demo{name}")
    context.close()
    service.wait_for(3, lambda: service.aggregate("localhost")["pageviews"])


def take(browser: Browser, service: Service, shot: Shot) -> None:
    """Take one picture, at two pixels a CSS pixel on a phone and one on a desk."""
    name, path, (width, height), scheme, whole = shot
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        device_scale_factor=2 if width < 600 else 1,
    )
    page = context.new_page()
    page.goto(service.url + path)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)
    context.close()
    print(f"docs/pictures/{name}.png")


if __name__ == "__main__":
    main()
