"""The first count: a snippet in a real browser becomes a number on a dashboard."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from collector.cells.client import Store
from tests.browser.conftest import USER_AGENT, Recorder
from tests.sentinels import files_under
from tests.service import Service

FULL_CHROMIUM = True
SETTLED_SECONDS = 2.5
DESCRIPTION = {"epoch", "sqlite_sequence"}
LONDON = "81.2.69.142"
PATHS = ("/", "/two", "/three")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service behind a trusted proxy, so that a browser here can come from elsewhere."""
    made = Service(
        tmp_path / "data",
        public_sites=(),
        environ={"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32"},
    )
    own = [word for path in PATHS for word in ("--own-path", path)]
    added = made.footfall("site", "add", "localhost", "--public", *own)
    assert added.returncode == 0, added.stderr
    with made:
        yield made


@pytest.fixture
def site(_recording: tuple[Recorder, int], recorder: Recorder, service: Service) -> str:
    """Three pages with the snippet, on another origin of the same site as the collector."""
    origin = f"http://127.0.0.1:{_recording[1]}"
    for path in ("/", "/two"):
        recorder.serve(
            origin + path,
            f"""<!doctype html><html lang="en"><title>A page</title>
            <script async data-domain="localhost" data-allow-local
                src="{service.url}/js/footfall.js"></script>
            <a id="two" href="/two">Two</a>
            <button onclick="history.pushState({{}}, '', '/three')">Three</button>""",
        )
    return origin


NewContext = Callable[..., BrowserContext]


def from_london(new_context: NewContext, *scripts: str, **headers: str) -> BrowserContext:
    """Open a browser in London that sends further headers; the user agent is a current Chrome."""
    return new_context(
        *scripts, extra_http_headers={"X-Forwarded-For": LONDON, **headers}, user_agent=USER_AGENT
    )


def walk(page: Page, site: str) -> None:
    """Look at three pages: one by address, one by link, one by the History API."""
    with page.expect_response("**/api/event"):
        page.goto(site)
    with page.expect_response("**/api/event"):
        page.click("#two")
    with page.expect_response("**/api/event"):
        page.click("button")


def tiles(page: Page) -> dict[str, str]:
    """Read the dashboard's metric tiles."""
    return {
        tile.query_selector(".tile-label").inner_text(): tile.query_selector(  # type: ignore[union-attr]
            ".tile-value"
        ).inner_text()
        for tile in page.query_selector_all(".tile")
    }


def rows(page: Page, panel: str) -> dict[str, str]:
    """Read a panel's names and first figures."""
    found: Any = page.eval_on_selector_all(
        f"#{panel} tbody tr",
        "rows => rows.map(row => [row.querySelector('.name').textContent.trim(),"
        " row.querySelectorAll('td')[1].textContent.trim()])",
    )
    return dict(found)


def counted(service: Service) -> dict[str, Any]:
    """Read today's totals."""
    totals: dict[str, Any] = service.aggregate()
    return totals


def test_three_pages_become_one_visitor_and_three_pageviews(
    new_context: NewContext, service: Service, site: str
) -> None:
    """A walk over three pages shows as 1 visitor, 1 visit, 3 pageviews, with paths and country."""
    page = from_london(new_context).new_page()

    walk(page, site)

    service.wait_for({"visitors": 1, "visits": 1, "pageviews": 3}, lambda: counted(service))
    page.goto(f"{service.url}/localhost?period=day")
    shown = tiles(page)
    assert ("1", "1", "3") == (shown["Visitors"], shown["Visits"], shown["Pageviews"])
    assert dict.fromkeys(PATHS, "1") == rows(page, "pages")
    assert {"United Kingdom": "3"} == rows(page, "places")
    assert {"Chromium": "3"} == rows(page, "devices")
    assert " ".join(page.inner_text(".now").split()) == "1 visitor now"


@pytest.mark.parametrize(
    "signal",
    [
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})",
        "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})",
    ],
)
def test_a_signal_keeps_the_tracker_silent(
    new_context: NewContext, service: Service, site: str, signal: str
) -> None:
    """With GPC or DNT set in the browser nothing is sent at all."""
    page = from_london(new_context, signal).new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))

    page.goto(site)
    page.click("#two")
    page.click("button")
    page.wait_for_timeout(500)

    assert any("/js/footfall.js" in url for url in sent)
    assert [] == [url for url in sent if "/api/event" in url]
    assert {"visitors": 0, "visits": 0, "pageviews": 0} == counted(service)


def test_an_opted_out_browser_is_refused_and_only_a_reason_is_counted(
    new_context: NewContext, service: Service, site: str, tmp_path: Path
) -> None:
    """After opting out on the page the hits arrive and are refused: a count by reason, no more."""
    token = service.footfall("token", "create", "measures").stdout.strip()
    page = from_london(new_context).new_page()
    page.goto(f"{service.url}/opt-out")
    page.click("button[value=out]")
    assert "You have opted out." in page.inner_text("[role=status]")
    before = settled(tmp_path)

    walk(page, site)

    service.wait_for(True, lambda: refusals(service, token) >= len(PATHS))
    after = settled(tmp_path)
    refused = refusals(service, token)
    assert {"visitors": 0, "visits": 0, "pageviews": 0} == counted(service)
    changed = {path for path, content in after.items() if before.get(path) != content}
    assert [] == sorted(map(str, changed - set(counting_files(tmp_path / "data"))))
    assert 0 == service.stop()
    assert {"counted": 1} == spooled_rows(tmp_path / "data" / "spool.sqlite3")
    assert [("opt_out", 0, refused)] == suppressed(tmp_path / "data" / "clickhouse")


def test_one_can_opt_in_again(new_context: NewContext, service: Service, site: str) -> None:
    """Opting in is as easy as opting out, and the next hits count."""
    page = from_london(new_context).new_page()
    page.goto(f"{service.url}/opt-out")
    page.click("button[value=out]")
    page.click("button[value=in]")
    assert "is counted" in page.inner_text("[role=status]")

    walk(page, site)

    service.wait_for({"visitors": 1, "visits": 1, "pageviews": 3}, lambda: counted(service))


def refusals(service: Service, token: str) -> int:
    """Count the opt-out refusals that the service tells its operator."""
    answer = service.get("/metrics", {"Authorization": f"Bearer {token}"})
    assert answer.status == 200
    found = [line for line in answer.body.decode().splitlines() if 'reason="opt_out"' in line]
    return int(float(found[0].split()[-1])) if found else 0


def settled(folder: Path) -> dict[Path | str, int]:
    """Give the hash of each file once none has changed for a while, or after a minute."""
    ends = time.monotonic() + 60
    found: dict[Path | str, int] = {}
    while time.monotonic() < ends:
        before = found
        found = {path: hash(content) for path, content in files_under(folder)}
        if found == before:
            break
        time.sleep(SETTLED_SECONDS)
    return found


def counting_files(data_dir: Path) -> Iterator[Path]:
    """Go through the files in which counts by reason are kept: the spool's, and one table's."""
    yield from data_dir.glob("spool.sqlite3*")
    yield from (data_dir / "clickhouse/data/default/suppressed").resolve().rglob("*")


def spooled_rows(path: Path) -> dict[str, int]:
    """Count the rows of every table of the spool that has any, but for its description."""
    with sqlite3.connect(path) as spool:
        tables = [
            row[0] for row in spool.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {
            name: spool.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables
        }
    return {name: count for name, count in rows.items() if count and name not in DESCRIPTION}


def suppressed(folder: Path) -> list[tuple[str, int, int]]:
    """Read the counts by reason: (reason, site, count)."""
    store = Store(folder)
    try:
        rows = store.query("SELECT reason, site, max(count) FROM suppressed GROUP BY ALL")
    finally:
        store.close()
    return [(str(reason), int(site), int(count)) for reason, site, count in rows]
