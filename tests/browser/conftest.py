"""Give browser tests a real Chromium, and two real origins: a site, and a collector that records.

The site is http://example.org and the collector http://stats.example.net: Chromium resolves both
to servers of this process, so that payloads read the same on every machine.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from hatch_build import module, whole
from tests.conftest import program

SOURCE = Path(__file__).parents[2] / "tracker_js" / "src"
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
)
VIEWPORT = {"width": 1280, "height": 720}
NO_WEBDRIVER = "delete Navigator.prototype.webdriver"
REFUSE = (
    "navigator.globalPrivacyControl ||"
    " Object.defineProperty(navigator, 'globalPrivacyControl', {value: true}) && 0"
)
WAIT_SECONDS = 30.0
IN_FLIGHT_SECONDS = 0.05

expect.set_options(timeout=WAIT_SECONDS * 1000)


@dataclass(frozen=True)
class Post:
    """What the collector was sent: the URL it was sent to, its headers in lower case, its body."""

    url: str
    headers: dict[str, str]
    body: bytes

    def payload(self) -> dict[str, Any]:
        """Read the body."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Recorder:
    """Serves files by URL without a query, and records what is posted.

    Attributes:
        files: (content type, text, further headers) by URL.
        posts: in the order they came.
        requests: every URL asked for, in order.
    """

    files: dict[str, tuple[str, str, dict[str, str]]] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def serve(self, url: str, html: str, **headers: str) -> None:
        """Serve a page; an underscore in a header's name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.files[url] = ("text/html; charset=utf-8", html, named)

    def forget(self) -> None:
        """Forget pages and posts, but for the collector's own files."""
        self.files = {url: kept for url, kept in self.files.items() if "/js/" in url}
        self.posts = []
        self.requests = []

    def wait(self, count: int) -> list[Post]:
        """Wait until so many posts came, or for half a minute; return those there are."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.posts) >= count, WAIT_SECONDS)
            return list(self.posts)

    def settle(self, page: Page) -> list[Post]:
        """Return the posts after everything the page has sent has had time to arrive."""
        page.evaluate("fetch('/settled').catch(() => {})")
        time.sleep(0.15)
        with self.changed:
            return list(self.posts)


class _Answers(BaseHTTPRequestHandler):
    recorder: Recorder

    def do_GET(self) -> None:
        """Serve a file, or 404."""
        url = self._url()
        if url.endswith("/favicon.ico"):
            self._answer(200, "image/x-icon", b"", {})
            return
        self.recorder.requests.append(url)
        kind, text, headers = self.recorder.files.get(
            url.partition("?")[0], ("text/plain", "not found", {})
        )
        self._answer(404 if kind == "text/plain" else 200, kind, text.encode(), headers)

    def do_POST(self) -> None:
        """Record what was posted."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.recorder.changed:
            self.recorder.requests.append(self._url())
            self.recorder.posts.append(Post(self._url(), headers, body))
            self.recorder.changed.notify_all()
        self._answer(202, "text/plain", b"ok", {})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""

    def _url(self) -> str:
        return f"http://{self.headers.get('Host', '')}{self.path}"

    def _answer(self, status: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in {"Cache-Control": "no-store", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser hangs up when it likes."""


@pytest.fixture(scope="package")
def _recording() -> Iterator[tuple[Recorder, int]]:
    recorder = Recorder()
    javascript = "text/javascript"
    recorder.files["http://stats.example.net/js/footfall.js"] = (
        javascript,
        whole(SOURCE),
        {},
    )
    recorder.files["http://example.org/js/footfall.mjs"] = (javascript, module(SOURCE), {})
    with recording_on(recorder) as port:
        yield recorder, port


@contextmanager
def recording_on(recorder: Recorder) -> Iterator[int]:
    """Let a recorder answer and record, and give its port."""
    handler = type("Answers", (_Answers,), {"recorder": recorder})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def recorder(_recording: tuple[Recorder, int]) -> Iterator[Recorder]:
    """Give the recorder, with nothing recorded yet."""
    _recording[0].forget()
    yield _recording[0]
    _recording[0].forget()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Start Playwright, and end it with these tests, for its loop lets no other run beside it."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(
    request: pytest.FixtureRequest, playwright: Playwright, _recording: tuple[Recorder, int]
) -> Iterator[Browser]:
    """Start Chromium: the whole browser where a module says `FULL_CHROMIUM = True`.

    The headless shell says so in its client hints, and a real service takes it for a bot.
    """
    full = getattr(request.module, "FULL_CHROMIUM", False)
    chromium = chromium_for(playwright, _recording[1], full=full)
    yield chromium
    chromium.close()


def chromium_for(
    playwright: Playwright, port: int, *, full: bool = False, **options: Any
) -> Browser:
    """Start Chromium, to which the recorder on a port is our hosts.

    Its headless shell is the same engine without a browser's own windows, for a third of the work.

    Args:
        full: whether it must be the whole browser.
        options: further options of the launch.
    """
    flags = [*FLAGS, host_rules(port)]
    browser = full_chromium() if full else {"executable_path": program("headless chromium")}
    return playwright.chromium.launch(args=flags, **browser, **options)


def full_chromium() -> dict[str, Any]:
    """Name the whole of Chromium for a launch: the system's, or Playwright's own.

    Only it has a page cache, and private windows that keep cookies of other sites apart.
    """
    found = program("chromium")
    return {"executable_path": found} if found else {"channel": "chromium"}


def host_rules(port: int) -> str:
    """Give the flag of a Chromium to which a port of this machine is our hosts."""
    ours = ("example.org", "*.example.org", "stats.example.net", "search.example")
    rules = ",".join(f"MAP {host}:80 127.0.0.1:{port}" for host in ours)
    return f"--host-resolver-rules={rules}"


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of contexts that look like a visitor's browser; they are closed afterwards."""
    yield from contexts_of(browser, {"user_agent": USER_AGENT, "viewport": VIEWPORT})


def contexts_of(
    browser: Browser, usual: Mapping[str, Any]
) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of contexts of a browser, and close them afterwards.

    Args:
        usual: options of a context, where a test wants no others.
    """
    contexts: list[BrowserContext] = []

    def make(*init_scripts: str, **options: Any) -> BrowserContext:
        contexts.append(browser.new_context(**{**usual, **options}))
        for text in (NO_WEBDRIVER, *init_scripts):
            contexts[-1].add_init_script(text)
        return contexts[-1]

    yield make
    for context in contexts:
        # What a closing page sends would reach the next test's recorder: it must refuse first.
        for open_page in context.pages:
            open_page.evaluate(REFUSE)
        context.close()
    time.sleep(IN_FLIGHT_SECONDS)


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """Give a page of a context of its own."""
    return new_context().new_page()
