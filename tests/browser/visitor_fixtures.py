"""Give browser tests of the visitor's side a service, owners' pages around it, and its truth.

One service answers by https and one by plain http. Sites are example.org (whose collector is
stats.example.net, another site, or stats.example.org, the same) and proxied.example, under whose
own host the collector answers.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request

from tests.browser.conftest import FLAGS, NO_WEBDRIVER, USER_AGENT
from tests.browser.front import PROXIED, front
from tests.service import Service

SITES = ("example.org", PROXIED)
ON_ITS_WAY_MS = 100
_IS_HIT = re.compile(r"/api/event|/pixel\.gif")
_PUBLIC = "https://stats.example.net"

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>
<h1>A page</h1><script async src="{base}/js/footfall.js" data-domain="{site}"></script>
<noscript><img alt="" src="{base}/pixel.gif?d={site}&amp;u={scheme}://{site}/"></noscript></html>"""
FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Privacy</title>
<h1>Privacy</h1><iframe title="Counting visits" width="600" height="300"
src="{base}/opt-out/widget{query}"></iframe></html>"""
SCRIPT = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; script-src {base}; connect-src {base}"><title>Privacy</title>
<h1>Privacy</h1><script src="{base}/opt-out/widget.js"></script></html>"""
FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Privacy</title>
<h1>Privacy</h1><form method="post" action="{base}/opt-out">
<button name="choice" value="out">Do not count me</button>
<button name="choice" value="in">Count me</button></form></html>"""


@dataclass(frozen=True)
class Place:
    """Where the collector of a site's pages answers.

    Attributes:
        site: the site's domain.
        collector: the collector's host.
    """

    site: str
    collector: str


PLACES = {
    "cross-site": Place("example.org", "stats.example.net"),
    "same-site": Place("example.org", "stats.example.org"),
    "proxied": Place(PROXIED, PROXIED),
}


class World:
    """A service, the owners' pages around it, and browsers that visit them.

    Attributes:
        scheme: `https` or `http`.
    """

    def __init__(self, scheme: str, service: Service, token: str) -> None:
        """Remember where everything is."""
        self.scheme = scheme
        self.service = service
        self.pages: dict[str, str] = {}
        self._token = token

    def owners_page(
        self, place: Place, template: str, query: str = "", language: str = "en"
    ) -> str:
        """Publish an owner's page and give its address."""
        base = f"{self.scheme}://{place.collector}"
        name = f"/{len(self.pages)}"
        self.pages[place.site + name] = template.format(
            base=base, site=place.site, scheme=self.scheme, query=query, language=language
        )
        return f"{self.scheme}://{place.site}{name}"

    def collector(self, place: Place, path: str) -> str:
        """Give an address of the collector."""
        return f"{self.scheme}://{place.collector}{path}"

    def outcome(self, context: BrowserContext, place: Place) -> str:
        """Visit a page of the site and tell what the server did with the hit.

        Returns:
            `counted`, the refusal's reason, or `nothing was sent`.
        """
        before = self.totals()
        page = context.new_page()
        sent: list[Request] = []
        page.on("request", lambda one: sent.append(one) if _IS_HIT.search(one.url) else None)
        # The script and the picture hold the page's load up, so by its end a hit is on its way.
        page.goto(self.owners_page(place, PAGE))
        page.wait_for_timeout(ON_ITS_WAY_MS)
        for request in sent:
            request.response()
        after = self.totals()
        page.close()
        grown = [name for name, count in after.items() if count > before.get(name, 0)]
        assert len(grown) < 2, grown
        return grown[0] if grown else "nothing was sent"

    def totals(self) -> dict[str, int]:
        """Read from the service's own measures what became of hits so far."""
        answer = self.service.get("/metrics", {"Authorization": f"Bearer {self._token}"})
        assert answer.status == 200, answer
        found = re.findall(
            r'^footfall_hits_total\{outcome="(\w+)",reason="(\w*)"\} ([\d.]+)',
            answer.body.decode(),
            re.MULTILINE,
        )
        return {reason or "counted": int(float(count)) for _, reason, count in found}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[World, int]]]:
    """Run both services, each behind its front."""
    folder = tmp_path_factory.mktemp("visitors")
    services = {
        "https": Service(folder / "https", SITES, environ={"FOOTFALL_PUBLIC_URL": _PUBLIC}),
        "http": Service(folder / "http", SITES),
    }
    with services["https"], services["http"]:
        made = {scheme: _world(scheme, service) for scheme, service in services.items()}
        with (
            front(services["https"].port, made["https"].pages, folder) as secure,
            front(services["http"].port, made["http"].pages, None) as plain,
        ):
            yield {"https": (made["https"], secure), "http": (made["http"], plain)}


def _world(scheme: str, service: Service) -> World:
    made = service.footfall("token", "create", "probe", "--scope", "read")
    assert made.returncode == 0, made.stderr
    return World(scheme, service, made.stdout.strip())


@pytest.fixture(scope="module")
def chromium(browser: Browser, worlds: dict[str, tuple[World, int]]) -> Iterator[Browser]:
    """Start a browser to which the fronts are the whole world."""
    started = browser.browser_type.launch(executable_path=_chromium(), args=_arguments(worlds))
    yield started
    started.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of visitors in private windows, which keep cookies of other sites apart."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        wanted: dict[str, object] = {
            "user_agent": USER_AGENT,
            "ignore_https_errors": True,
            **options,
        }
        contexts.append(chromium.new_context(**wanted))  # type: ignore[arg-type]
        contexts[-1].add_init_script(NO_WEBDRIVER)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def strangers(
    browser: Browser, worlds: dict[str, tuple[World, int]], tmp_path: Path
) -> Iterator[BrowserContext]:
    """Give a visitor whose browser sends cookies of other sites, as no private window does."""
    preferences = tmp_path / "profile" / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text('{"profile": {"cookie_controls_mode": 0}}')
    context = browser.browser_type.launch_persistent_context(
        tmp_path / "profile",
        executable_path=_chromium(),
        args=_arguments(worlds),
        user_agent=USER_AGENT,
        ignore_https_errors=True,
    )
    context.add_init_script(NO_WEBDRIVER)
    yield context
    context.close()


def _chromium() -> str | None:
    return os.environ.get("FOOTFALL_CHROMIUM") or shutil.which("chromium")


def _arguments(worlds: dict[str, tuple[World, int]]) -> list[str]:
    """Give the flags of a browser to which the fronts are the whole world."""
    secure, plain = worlds["https"][1], worlds["http"][1]
    rules = f"MAP *:443 127.0.0.1:{secure},MAP *:80 127.0.0.1:{plain}"
    return [*FLAGS, f"--host-resolver-rules={rules}"]


def status_of(page: Page, *, framed: bool) -> Locator:
    """Find what a page says of the visitor's state: in its frame, or by its script."""
    inside = page.frame_locator("iframe") if framed else page
    return inside.get_by_role("status")
