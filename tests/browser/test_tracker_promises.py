"""Check in Chromium what the tracker promises never to do: read, store, throw, or send too much."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from hatch_build import script
from tests.browser.conftest import SOURCE, Recorder
from tests.browser.test_tracker_vectors import READY, page_of

PAGE = "http://example.org/"
README = Path(__file__).parents[2] / "tracker_js" / "README.md"
SIGNALS = {
    "the visitor's own flag": "localStorage.footfall_ignore = 'true'",
    "Plausible's flag": "localStorage.plausible_ignore = 'true'",
    "GPC": "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})",
    "DNT": "Object.defineProperty(navigator, 'doNotTrack', {value: '1'})",
    "DNT as old Firefox said it": "Object.defineProperty(navigator, 'doNotTrack', {value: 'yes'})",
}
BUSY = "data-domain=example.org data-outbound data-downloads=pdf data-forms data-hash"

# Runs the built script in a scope in which every object of the browser notes what is read of it.
TRAPS = """(() => {
  const reads = (window.reads = new Set());
  const trapped = {window, document, navigator, location, history, performance, screen, Date,
    localStorage, sessionStorage, 'document.documentElement': document.documentElement};
  const proxies = new Map();
  const wrap = (real, name) => {
    if (!proxies.has(real)) proxies.set(real, new Proxy({}, {
      has: () => true,
      get: (_, key) => {
        if (typeof key == 'symbol') return undefined;
        const value = real[key];
        const own = Object.entries(trapped).find(([, object]) => object === value);
        if (own) return wrap(value, own[0]);
        const isBuilding = real === window && typeof value == 'function';
        if (!isBuilding && !['Math', 'JSON'].includes(key)) reads.add(name + '.' + key);
        return typeof value == 'function' && !/^[A-Z]/.test(key) && !value.optOut
          ? value.bind(real) : value;
      },
      set: (_, key, value) => Reflect.set(real, key, value),
    }));
    return proxies.get(real);
  };
  with (wrap(window, 'window')) { CODE }
})()"""


def published(title: str) -> set[str]:
    """Read the names that a table of the README publishes, in its first column."""
    section = README.read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    return {
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in row.split("`")[1::2]
    }


def serve_trapped(recorder: Recorder, attributes: str) -> None:
    """Serve a page that carries the built script among traps."""
    recorder.files["http://example.org/js/trapped.js"] = (
        "text/javascript",
        TRAPS.replace("CODE", script(SOURCE, "main.js")),
        {},
    )
    snippet = f"<script src='/js/trapped.js' {attributes}></script>"
    body = "<a id=out href='http://other.example/'>out</a>"
    recorder.serve(PAGE, page_of({"snippet": snippet, "body": body}))


@pytest.mark.parametrize("signal", SIGNALS)
def test_refusal_reads_nothing_and_sends_nothing(
    new_context: Callable[..., BrowserContext], recorder: Recorder, signal: str
) -> None:
    """Where the visitor refuses, the tracker reads the signals, its own names, and nothing else."""
    serve_trapped(recorder, BUSY)
    page = new_context(SIGNALS[signal]).new_page()

    page.goto(PAGE + "?token=secret")
    page.evaluate("history.pushState({}, '', '/two')")
    page.click("#out")
    page.evaluate("footfall('Signup')")
    posts = recorder.settle(page)

    read = set(page.evaluate("[...reads]"))
    assert [] == posts
    assert {"window.footfall", "window.plausible"} <= read
    assert read <= published("What is read to know a refusal") | {
        "window.footfall",
        "window.plausible",
    }


def test_what_is_read_is_what_is_published(page: Page, recorder: Recorder) -> None:
    """A visit that uses every feature reads the README's lists, all of them and nothing else."""
    serve_trapped(recorder, BUSY)

    page.goto(PAGE)
    page.evaluate("history.pushState({}, '', '/two')")
    page.click("#out")
    page.evaluate("footfall('Signup', {u: '/virtual'})")
    posts = recorder.wait(5)
    read = set(page.evaluate("[...reads]"))
    page.evaluate("Object.defineProperty(window, 'outerWidth', {value: 0})")
    page.evaluate("footfall('Where there is no window')")
    read_without_window = set(page.evaluate("[...reads]"))

    assert 5 == len(posts)
    listed = published("What is read to know a refusal") | published("What else is read")
    assert listed - {"window.innerWidth"} == read
    assert listed == read_without_window


def test_nothing_is_laid_out_before_it_must_be(page: Page, recorder: Recorder) -> None:
    """At load and when a field gets the focus, nothing is read that needs the page laid out."""
    serve_trapped(recorder, BUSY)
    lays_out = {"window.innerWidth", "window.innerHeight", "window.scrollY"}

    page.goto(PAGE)
    page.evaluate("dispatchEvent(new Event('focus'))")
    recorder.wait(1)
    read = set(page.evaluate("[...reads]"))
    page.evaluate("dispatchEvent(new Event('scroll'))")
    scrolled = set(page.evaluate("[...reads]"))

    assert "window.outerWidth" in read
    assert not read & (lays_out | {"document.documentElement.scrollHeight"})
    assert {"window.innerHeight", "window.scrollY"} == scrolled & lays_out


def test_nothing_is_stored(page: Page, recorder: Recorder) -> None:
    """After twenty pages there is no cookie, no storage and no database."""
    for number in range(20):
        recorder.serve(f"{PAGE}{number}", page_of({"attributes": BUSY}))

    for number in range(20):
        page.goto(f"{PAGE}{number}")
        page.wait_for_function(READY)
    kept = page.evaluate(
        "async () => [document.cookie, localStorage.length, sessionStorage.length,"
        " (await indexedDB.databases()).length]"
    )
    posts = recorder.wait(39)

    assert 20 == len([post for post in posts if post.payload()["n"] == "pageview"])
    assert ["", 0, 0, 0] == kept
    assert {"cookies": [], "origins": []} == page.context.storage_state()


def test_opting_out_is_stored_and_opting_in_leaves_nothing(page: Page, recorder: Recorder) -> None:
    """The visitor's own refusal is the one thing stored; taking it back removes it."""
    recorder.serve(PAGE, page_of({"attributes": "data-domain=example.org data-manual"}))
    page.goto(PAGE)
    page.wait_for_function(READY)

    before = page.evaluate("footfall.optOut()")
    out = page.evaluate("[footfall.optOut(true), {...localStorage}]")
    page.evaluate("footfall('Signup')")
    page.evaluate("localStorage.plausible_ignore = 'true'")
    back = page.evaluate("[footfall.optOut(false), {...localStorage}]")
    page.evaluate("footfall('Back')")
    posts = recorder.wait(1)

    assert before is False
    assert [True, {"footfall_ignore": "true"}] == out
    assert [False, {}] == back
    assert ["Back"] == [post.payload()["n"] for post in posts]


def test_opting_in_tells_the_truth_where_a_signal_still_refuses(
    new_context: Callable[..., BrowserContext], recorder: Recorder
) -> None:
    """Taking one's own refusal back does not lift GPC, and the answer says so."""
    recorder.serve(PAGE, page_of({}))
    page = new_context(SIGNALS["GPC"]).new_page()
    page.goto(PAGE)
    page.wait_for_function(READY)

    assert page.evaluate("footfall.optOut(false)") is True


@pytest.mark.parametrize(
    ("broken", "counted"),
    [
        ("delete window.fetch", 1),
        ("delete Navigator.prototype.sendBeacon", 0),
        ("Navigator.prototype.sendBeacon = () => { throw new Error('no') }", 0),
        ("Navigator.prototype.sendBeacon = () => false", 0),
        ("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})", 1),
        ("JSON.stringify = () => { throw new Error('no') }", 0),
    ],
)
def test_a_broken_page_is_not_broken_further(
    new_context: Callable[..., BrowserContext], recorder: Recorder, broken: str, counted: int
) -> None:
    """Whatever is missing or broken in the page, the tracker throws nothing into it."""
    errors: list[str] = []
    recorder.serve(PAGE, page_of({}))
    page = new_context(broken).new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))

    page.goto(PAGE)
    page.wait_for_function(READY)
    page.evaluate("footfall()")
    page.evaluate("footfall(null, null)")
    page.evaluate("history.pushState({}, '', '/two')")
    posts = recorder.wait(counted)

    pageviews = [post for post in posts if post.payload().get("u") == PAGE]
    assert [] == errors
    assert bool(counted) == bool(pageviews)


@pytest.mark.parametrize("signal", ["", *SIGNALS])
def test_elements_with_our_names_do_no_harm(
    new_context: Callable[..., BrowserContext], recorder: Recorder, signal: str
) -> None:
    """Elements whose ids are our globals' names change nothing that is sent, or refused."""
    errors: list[str] = []
    head = (
        "<form id=footfall><input name=q></form><p id=settings></p>"
        "<p id=plausible></p><nav id=navigation></nav>"
    )
    recorder.serve(PAGE, page_of({"head": head}))
    page = new_context(SIGNALS.get(signal, "")).new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))

    page.goto(PAGE)
    page.wait_for_function("typeof footfall == 'function'")
    posts = recorder.settle(page) if signal else recorder.wait(1)

    assert ([] if signal else ["pageview"]) == [post.payload()["n"] for post in posts]
    assert [] == errors


def test_an_image_cannot_pose_as_the_script(page: Page, recorder: Recorder) -> None:
    """An image named like the running script does not decide where visits are sent."""
    poser = "<img name=currentScript src='http://evil.example.org/x.png' data-domain=evil>"
    recorder.serve(PAGE, page_of({"head": poser}))
    recorder.serve(f"{PAGE}two", page_of({}))

    page.goto(PAGE)
    page.wait_for_load_state()
    recorder.settle(page)
    page.goto(f"{PAGE}two")
    posts = recorder.wait(1)

    assert [f"{PAGE}two"] == [post.payload()["u"] for post in posts]


def test_strict_policy_is_obeyed(page: Page, recorder: Recorder) -> None:
    """Under a strict policy with a nonce and trusted types a page counts without complaint."""
    told: list[str] = []
    recorder.serve(
        PAGE,
        "<!doctype html><title>t</title><script nonce=abc async data-exclude=/x"
        " data-domain=example.org src='http://stats.example.net/js/footfall.js'></script>",
        Content_Security_Policy="default-src 'none'; script-src 'nonce-abc'; base-uri 'none';"
        " connect-src http://stats.example.net; require-trusted-types-for 'script'",
    )
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))

    page.goto(PAGE)
    posts = recorder.wait(1)

    assert ["pageview"] == [post.payload()["n"] for post in posts]
    assert [] == [text for text in told if "favicon" not in text]


def test_page_counts_once_it_is_shown(
    new_context: Callable[..., BrowserContext], recorder: Recorder
) -> None:
    """A page loaded out of sight sends nothing until it is shown, then all that waited."""
    recorder.serve(
        PAGE,
        page_of(
            {
                "head": "<script>window.plausible = (...call) => plausible.q.push(call);"
                "plausible.q = []; plausible('Early')</script>"
            }
        ),
    )
    page = new_context(
        "window.hidden = true;Object.defineProperty(document, 'hidden', {get: () => hidden})"
    ).new_page()
    page.goto(PAGE)
    hidden = recorder.settle(page)

    page.evaluate("hidden = false; dispatchEvent(new Event('visibilitychange'))")
    shown = recorder.wait(2)

    assert [] == hidden
    assert ["Early", "pageview"] == sorted(post.payload()["n"] for post in shown)


@pytest.mark.parametrize("attributes", ["", "data-allow-local"])
def test_own_machine_counts_only_when_allowed(
    page: Page, recorder: Recorder, _recording: tuple[Recorder, int], attributes: str
) -> None:
    """A page on a loopback address sends only with data-allow-local."""
    host = f"127.0.0.1:{_recording[1]}"
    recorder.serve(f"http://{host}/", page_of({"attributes": attributes}))

    page.goto(f"http://{host}/")
    page.wait_for_function(READY)
    page.evaluate("footfall('Signup')")
    posts = recorder.wait(2) if attributes else recorder.settle(page)

    assert (2 if attributes else 0) == len(posts)


def test_files_are_never_counted(page: Page, recorder: Recorder, tmp_path: Path) -> None:
    """A page from the disk sends nothing, for its path is nobody's business."""
    file = tmp_path / "page.html"
    file.write_text(page_of({"attributes": "data-domain=example.org data-allow-local"}))

    page.goto(file.as_uri())
    page.wait_for_function(READY)
    page.evaluate("footfall('Signup')")

    assert [] == recorder.settle(page)


@pytest.mark.parametrize("attributes", ["", "data-allow-local"])
def test_automation_counts_only_when_allowed(
    new_context: Callable[..., BrowserContext], recorder: Recorder, attributes: str
) -> None:
    """A browser that says it is driven by a program sends only with data-allow-local."""
    recorder.serve(PAGE, page_of({"attributes": attributes}))
    page = new_context("Object.defineProperty(navigator, 'webdriver', {value: true})").new_page()

    page.goto(PAGE)
    page.wait_for_function(READY)
    posts = recorder.wait(1) if attributes else recorder.settle(page)

    assert (1 if attributes else 0) == len(posts)


@pytest.mark.parametrize("refusing", [True, False])
def test_callback_is_always_called(page: Page, recorder: Recorder, *, refusing: bool) -> None:
    """A page that waits for the callback goes on, also when the visitor refuses."""
    recorder.serve(PAGE, page_of({}))
    page.goto(PAGE)
    page.wait_for_function(READY)
    page.evaluate("(refusing) => footfall.optOut(refusing)", refusing)

    called = page.evaluate("new Promise((done) => footfall('A', {callback: () => done('called')}))")

    assert "called" == called


def test_a_second_snippet_counts_nothing_twice(page: Page, recorder: Recorder) -> None:
    """A page that carries the snippet twice counts once."""
    recorder.serve(PAGE, page_of({"body": page_of({})}))

    page.goto(PAGE)
    page.wait_for_load_state()
    recorder.wait(1)

    assert 1 == len(recorder.settle(page))


def test_a_real_plausible_keeps_its_name(page: Page, recorder: Recorder) -> None:
    """Where Plausible's own script answers, its function is left alone."""
    head = "<script>window.plausible = function real() { return 'theirs' }</script>"
    recorder.serve(PAGE, page_of({"head": head}))

    page.goto(PAGE)
    page.wait_for_function(READY)

    assert "theirs" == page.evaluate("plausible('Signup')")


def test_module_counts_like_the_script(page: Page, recorder: Recorder) -> None:
    """The module form takes the same options, and holds what is tracked before it starts."""
    recorder.serve(
        PAGE,
        "<!doctype html><title>t</title><script type=module>"
        "import {init, track, optOut} from '/js/footfall.mjs';"
        "track('Early', {props: {a: 'b'}});"
        "init({domain: 'example.org', api: 'http://stats.example.net/api/event', hash: false,"
        " transform: (payload) => payload.n == 'No' ? null : payload});"
        "track('No'); track('Late'); window.out = optOut();</script>",
    )

    page.goto(PAGE)
    posts = recorder.wait(3)

    assert ["Early", "Late", "pageview"] == sorted(post.payload()["n"] for post in posts)
    assert "h" not in posts[0].payload()
    assert page.evaluate("out") is False
