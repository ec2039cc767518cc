"""Check in Chromium how pages really come back and come early: its page cache, its prerendering.

Playwright switches the page cache off; here Chromium is started with it, as visitors have it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browser.conftest import (
    FLAGS,
    USER_AGENT,
    VIEWPORT,
    WAIT_SECONDS,
    Recorder,
    chromium_for,
    contexts_of,
    host_rules,
)
from tests.browser.test_tracker_vectors import page_of
from tests.conftest import program

ONE, TWO = "http://example.org/one", "http://example.org/two"
KEPT = {"Cache_Control": "max-age=60"}
NOTES_RETURN = (
    "<script>addEventListener('pageshow', (event) => { window.persisted = event.persisted })"
    "</script>"
)
PRERENDERS = (
    '<script type="speculationrules">'
    '{"prerender": [{"source": "list", "urls": ["/two"], "eagerness": "immediate"}]}</script>'
)
GOES_ON = """<script>
const asks = setInterval(async () => {
  if ((await fetch('/go')).ok) { clearInterval(asks); location = '/two' }
}, 50)</script>"""
NOTES_STATE = """<script>
if (document.prerendering) {
  fetch('/early');
  document.addEventListener('prerenderingchange', () => fetch('/activated'));
}</script>"""


@pytest.fixture(scope="module")
def usual_browser(playwright: Playwright, _recording: tuple[Recorder, int]) -> Iterator[Browser]:
    """Start Chromium with its page cache."""
    off = ["--disable-back-forward-cache"]
    started = chromium_for(playwright, _recording[1], full=True, ignore_default_args=off)
    yield started
    started.close()


@pytest.fixture
def new_context(usual_browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of contexts of that browser."""
    yield from contexts_of(usual_browser, {"user_agent": USER_AGENT, "viewport": VIEWPORT})


def names(recorder: Recorder) -> list[tuple[str, str]]:
    """Give what was sent: the kind and the last word of the page, in alphabetical order."""
    sent = [post.payload() for post in recorder.posts]
    return sorted((payload["n"], payload["u"].rsplit("/", 1)[1]) for payload in sent)


def test_back_from_the_real_page_cache_is_a_pageview(
    new_context: Callable[..., BrowserContext], recorder: Recorder
) -> None:
    """A page that Chromium kept alive and shows again counts again, once, with its engagement."""
    recorder.serve(ONE, page_of({"head": NOTES_RETURN}), **KEPT)
    recorder.serve(TWO, page_of({}), **KEPT)
    page = new_context().new_page()
    page.goto(ONE)
    recorder.wait(1)
    page.evaluate("window.alive = true")
    page.evaluate(f"location = '{TWO}'")
    page.wait_for_url(TWO)
    recorder.wait(3)

    page.evaluate("history.back()")
    page.wait_for_url(ONE, wait_until="commit")
    recorder.wait(5)

    assert [True, True] == page.evaluate("[window.alive, window.persisted]")
    recorder.settle(page)
    assert [
        ("engagement", "one"),
        ("engagement", "two"),
        ("pageview", "one"),
        ("pageview", "one"),
        ("pageview", "two"),
    ] == names(recorder)


@pytest.fixture
def undriven(
    recorder: Recorder, _recording: tuple[Recorder, int], tmp_path: Path
) -> Iterator[None]:
    """Run Chromium on the first page with nobody driving it: driven ones never prerender."""
    chromium = program("chromium")
    assert chromium
    recorder.serve(ONE, page_of({"body": PRERENDERS + GOES_ON}))
    recorder.serve(TWO, page_of({"head": NOTES_STATE}))
    flags = [*FLAGS, "--headless", f"--user-data-dir={tmp_path}", host_rules(_recording[1])]
    process = subprocess.Popen([chromium, *flags, ONE], stdout=DEVNULL, stderr=DEVNULL)
    yield
    process.terminate()
    process.wait()


@pytest.mark.needs_system("chromium")
def test_prerendered_page_counts_when_it_is_shown(recorder: Recorder, undriven: None) -> None:
    """A page that Chromium prepares ahead of time sends nothing until the visitor goes there."""
    asked_for(recorder, "http://example.org/early")
    recorder.wait(1)
    time.sleep(0.3)
    before = names(recorder)

    recorder.serve("http://example.org/go", "")
    recorder.wait(3)

    assert [("pageview", "one")] == before
    assert [("engagement", "one"), ("pageview", "one"), ("pageview", "two")] == names(recorder)
    asked_for(recorder, "http://example.org/activated")
    assert 1 == recorder.requests.count(TWO)


def asked_for(recorder: Recorder, url: str) -> None:
    """Wait until a browser asked for something, or fail after the time a test may wait."""
    ends = time.monotonic() + WAIT_SECONDS
    while url not in recorder.requests and time.monotonic() < ends:
        time.sleep(0.05)
    assert url in recorder.requests
