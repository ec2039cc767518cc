"""Check in Chromium that the first page is counted in a task of its own, once, and before all else.

The task is held back, as a busy page holds it back, and what may come in between does.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Recorder
from tests.browser.test_tracker_vectors import page_of

PAGE = "http://example.org/one"
SNIPPET = "<script {} src='http://stats.example.net/js/footfall.js'></script>"
STUB = (
    "<script>window.footfall = function () { (footfall.q = footfall.q || []).push(arguments) };"
    " footfall('Early', {interactive: false})</script>"
)
HELD = """
  window.held = [];
  window.setTimeout = (task) => held.push(task);
  window.sent = [];
  const send = Navigator.prototype.sendBeacon;
  Navigator.prototype.sendBeacon = function (url, body) {
    const { n, u } = JSON.parse(body);
    sent.push(n + ' ' + u.slice('http://example.org/'.length));
    return send.call(this, url, body);
  };
"""
LEAVES = "dispatchEvent(new PageTransitionEvent('pagehide'))"


@pytest.fixture
def held(new_context: Callable[..., BrowserContext]) -> Page:
    """Give a page whose timers wait for `held`, and whose beacons are noted in `sent`."""
    return new_context(HELD).new_page()


def sent_by(
    page: Page, recorder: Recorder, then: str = "", head: str = "", attributes: str = ""
) -> list[str]:
    """Load a page with the tracker and a script right behind it; give what was sent by its end."""
    body = f"<script>{then}; window.atOnce = [...sent]</script>"
    snippet = SNIPPET.format(attributes)
    recorder.serve(PAGE, page_of({"head": head, "snippet": snippet, "body": body}))
    page.goto(PAGE)
    found: list[str] = page.evaluate("atOnce")
    return found


def test_script_ends_before_the_page_is_counted(held: Page, recorder: Recorder) -> None:
    """The script only gets ready; the next task counts the page, and nothing counts it again."""
    assert [] == sent_by(held, recorder)
    assert ["pageview one"] == sent_by(held, recorder, "held[0](), held[0]()")
    assert ["pageview one"] == held.evaluate("held[0](), sent")


@pytest.mark.parametrize(
    ("comes_between", "sent"),
    [
        ("history.pushState({}, '', '/two')", ["pageview one", "engagement one", "pageview two"]),
        (LEAVES, ["pageview one", "engagement one"]),
        ("footfall('Signup')", ["pageview one", "Signup one"]),
        (f"{LEAVES}, footfall('Bye')", ["pageview one", "engagement one", "Bye one"]),
    ],
)
def test_the_first_page_comes_first(
    held: Page, recorder: Recorder, comes_between: str, sent: list[str]
) -> None:
    """Who moves on, leaves or acts before that task has the page counted before, and once."""
    assert sent == sent_by(held, recorder, comes_between)


def test_calls_that_waited_come_after_the_first_page(held: Page, recorder: Recorder) -> None:
    """A call from a stub's queue ends no bounce: the pageview is sent before it."""
    assert ["pageview one", "Early one"] == sent_by(held, recorder, head=STUB)


def test_in_manual_mode_no_page_comes_first(held: Page, recorder: Recorder) -> None:
    """Where the owner counts pages, neither the task nor a call counts one more."""
    then = "held[0](), footfall('pageview', {u: '/named'}), history.pushState({}, '', '/')"

    assert ["pageview named"] == sent_by(held, recorder, then, attributes="data-manual")


def test_who_takes_a_refusal_back_is_counted_from_the_next_page(
    new_context: Callable[..., BrowserContext], recorder: Recorder
) -> None:
    """On the page that began refused nothing was read, so there is nowhere to send to."""
    recorder.serve(PAGE, page_of({"snippet": SNIPPET.format("")}))
    page = new_context().new_page()
    page.goto(PAGE)
    page.evaluate("footfall.optOut(true)")
    page.goto(PAGE)
    recorder.wait(1)
    recorder.requests.clear()

    page.evaluate("footfall.optOut(false), footfall('Signup')")
    recorder.settle(page)
    asked = list(recorder.requests)
    page.goto(PAGE)
    posts = recorder.wait(2)

    assert ["http://example.org/settled"] == asked
    assert ["pageview", "pageview"] == [post.payload()["n"] for post in posts]
