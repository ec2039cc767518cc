"""Check in Chromium that every feature of the tracker sends exactly its vector."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from hatch_build import core, whole
from tests.browser.conftest import SOURCE, Recorder

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "tracker.json").read_text("utf-8")
)
READY = "!!(window.footfall && footfall.optOut)"
ENDPOINT = "http://stats.example.net/api/event"
STAY = """<script>
addEventListener('click', (event) => event.target.closest('a') && event.preventDefault());
addEventListener('submit', (event) => event.preventDefault());
</script>"""


def page_of(vector: dict[str, Any]) -> str:
    """Write the page of a vector; links and forms do their part but never leave it."""
    attributes = vector.get("attributes", "data-domain=example.org")
    snippet = vector.get(
        "snippet",
        f"<script async {attributes} src='http://stats.example.net/js/footfall.js'></script>",
    )
    head = vector.get("head", "")
    body = vector.get("body", "")
    return f"<!doctype html><title>t</title>{head}{snippet}{STAY}<body>{body}"


def arrive(page: Page, recorder: Recorder, vector: dict[str, Any]) -> None:
    """Go to the page of a vector, from its referrer if it has one."""
    referrer = vector.get("referrer")
    if referrer:
        recorder.serve(referrer.split("?")[0], "<meta name=referrer content=unsafe-url>")
        page.goto(referrer)
        page.evaluate("(url) => { location = url }", vector["url"])
        page.wait_for_url(vector["url"])
    else:
        page.goto(vector["url"])


def play(page: Page, step: str) -> None:
    """Do one step: `click` with a selector, or a script."""
    if step.startswith("click "):
        page.click(step.removeprefix("click "))
    else:
        page.evaluate(f"async () => {{ await ({step}) }}")


def show(*, hidden: bool) -> str:
    """Write the script that hides the page or shows it again, as far as the page can tell."""
    return (
        f"Object.defineProperty(document, 'hidden', {{value: {str(hidden).lower()},"
        " configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
    )


def without_time(payload: dict[str, Any]) -> dict[str, Any]:
    """Check an engagement's milliseconds, which differ from run to run, and leave them out."""
    engaged = payload.get("e", 0)

    assert isinstance(engaged, int)
    assert 0 <= engaged < 60_000
    return {key: value for key, value in payload.items() if key != "e"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["feature"])
def test_feature_sends_exactly_its_vector(
    page: Page, recorder: Recorder, vector: dict[str, Any]
) -> None:
    """A feature sends the payloads of its vector, in order, to one endpoint, and nothing else."""
    recorder.serve(vector["url"].split("?")[0].split("#")[0], page_of(vector))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    arrive(page, recorder, vector)
    page.wait_for_function(READY)
    for step in vector.get("steps", []):
        play(page, step)
    recorder.wait(len(vector["expected"]))
    posts = recorder.settle(page)

    expected = [without_time(payload) for payload in vector["expected"]]
    assert sorted(expected, key=str) == sorted(
        (without_time(post.payload()) for post in posts), key=str
    )
    assert {vector.get("endpoint", ENDPOINT)} == {post.url for post in posts}
    assert [] == errors


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if "core" in v], ids=lambda vector: vector["feature"]
)
def test_core_alone_sends_its_vectors(
    page: Page,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    vector: dict[str, Any],
) -> None:
    """The core that the budget of 1 000 bytes is for does by itself what it is said to do."""
    full = "http://stats.example.net/js/footfall.js"
    monkeypatch.setitem(recorder.files, full, ("text/javascript", core(SOURCE), {}))

    test_feature_sends_exactly_its_vector(page, recorder, vector)


def test_payload_travels_as_text_with_credentials(page: Page, recorder: Recorder) -> None:
    """A payload is text/plain, so no preflight is needed, and it carries the opt-out cookie."""
    recorder.serve("http://example.org/", page_of({}))
    page.context.add_cookies(
        [{"name": "optout", "value": "1", "url": "http://stats.example.net/", "sameSite": "Lax"}]
    )
    recorder.serve("http://stats.example.net/own", page_of({}))

    page.goto("http://stats.example.net/own")
    posts = recorder.wait(1)

    assert posts[0].headers["content-type"].startswith("text/plain")
    assert "optout=1" == posts[0].headers["cookie"]
    assert not [url for url in recorder.requests if "OPTIONS" in url]


@pytest.mark.parametrize(
    ("attributes", "sent_to"), [("", []), (f"data-api={ENDPOINT}", [ENDPOINT])]
)
def test_script_in_the_page_itself_sends_only_where_it_is_told(
    page: Page, recorder: Recorder, attributes: str, sent_to: list[str]
) -> None:
    """A script without an address of its own sends where `data-api` says, and nowhere else."""
    inline = f"<script {attributes}>{whole(SOURCE)}</script>"
    recorder.serve("http://example.org/", page_of({"snippet": inline}))

    page.goto("http://example.org/")
    page.wait_for_function(READY)
    page.evaluate("new Promise((done) => setTimeout(done))")
    recorder.wait(len(sent_to))

    assert sent_to == [post.url for post in recorder.settle(page)]


def test_click_beside_links_throws_nothing_to_be_caught(page: Page, recorder: Recorder) -> None:
    """A click on mere words is over without an exception of ours, which could cost 1 ms."""
    attributes = "data-domain=example.org data-outbound data-downloads=pdf data-forms"
    recorder.serve(
        "http://example.org/", page_of({"attributes": attributes, "body": "<p id=words>Words</p>"})
    )
    scripts: dict[str, str] = {}
    thrown: list[str] = []
    debugger = page.context.new_cdp_session(page)

    def note(event: dict[str, Any]) -> None:
        thrown.append(scripts[event["callFrames"][0]["location"]["scriptId"]])
        debugger.send("Debugger.resume")

    debugger.on(
        "Debugger.scriptParsed", lambda event: scripts.update({event["scriptId"]: event["url"]})
    )
    debugger.on("Debugger.paused", note)
    debugger.send("Debugger.enable")
    debugger.send("Debugger.setPauseOnExceptions", {"state": "all"})
    page.goto("http://example.org/")
    page.wait_for_function(READY)

    page.click("#words")
    page.evaluate("footfall('After', {u: 'http://['})")
    page.evaluate("footfall('Done')")
    recorder.wait(2)

    assert [ENDPOINT.replace("api/event", "js/footfall.js")] == thrown


def test_engagement_is_the_time_looked_at(page: Page, recorder: Recorder) -> None:
    """The time the page was hidden is no part of the engaged time."""
    recorder.serve("http://example.org/", page_of({}))
    page.clock.install()
    page.goto("http://example.org/")
    page.wait_for_function(READY)
    page.clock.run_for(5_000)
    page.evaluate(show(hidden=True))
    recorder.wait(2)
    page.clock.run_for(60_000)
    page.evaluate(show(hidden=False))
    page.clock.run_for(4_000)
    page.evaluate(show(hidden=True))
    posts = recorder.wait(3)

    engaged = [post.payload()["e"] for post in posts if post.payload()["n"] == "engagement"]
    assert 2 == len(engaged)
    assert 5_000 <= engaged[0] < 7_000
    assert 4_000 <= engaged[1] < 6_000


def test_page_without_focus_has_no_engagement_yet(
    new_context: Callable[..., BrowserContext], recorder: Recorder
) -> None:
    """A page that is shown behind another window sends its pageview and waits with the rest."""
    recorder.serve("http://example.org/", page_of({}))
    page = new_context("Document.prototype.hasFocus = () => false").new_page()

    page.goto("http://example.org/")
    recorder.wait(1)
    posts = recorder.settle(page)

    assert ["pageview"] == [post.payload()["n"] for post in posts]


def test_leaving_the_page_tells_its_engagement(page: Page, recorder: Recorder) -> None:
    """A page that is left by a link tells its engagement before it goes."""
    recorder.serve("http://example.org/one", page_of({}))
    recorder.serve("http://example.org/two", "<!doctype html><title>t</title>")
    page.goto("http://example.org/one")
    recorder.wait(1)

    page.goto("http://example.org/two")
    posts = recorder.wait(2)

    assert ["pageview", "engagement"] == [post.payload()["n"] for post in posts]
    assert "http://example.org/one" == posts[1].payload()["u"]
