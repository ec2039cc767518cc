"""Give the visitors' tests their services and browsers, each started once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browser.conftest import FLAGS, NO_WEBDRIVER, USER_AGENT, full_chromium
from tests.browser.visitors.world import World, standing

USUAL = {"user_agent": USER_AGENT, "ignore_https_errors": True}


@pytest.fixture(scope="package")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    """Run both services, each behind its front, by their schemes."""
    with standing(tmp_path_factory.mktemp("visitors")) as worlds:
        yield worlds


@pytest.fixture(scope="package")
def chromium(playwright: Playwright, worlds: dict[str, World]) -> Iterator[Browser]:
    """Start a browser to which the fronts are the whole world."""
    started = playwright.chromium.launch(args=_arguments(worlds), **full_chromium())
    yield started
    started.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of visitors in private windows, which keep cookies of other sites apart."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        contexts.append(chromium.new_context(**{**USUAL, **options}))  # type: ignore[arg-type]
        contexts[-1].add_init_script(NO_WEBDRIVER)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def _regular(chromium: Browser) -> Iterator[dict[bool, BrowserContext]]:
    """Keep two windows open: one that runs scripts, one that does not."""
    windows: dict[bool, BrowserContext] = {}
    for scripts in (True, False):
        windows[scripts] = chromium.new_context(
            user_agent=USER_AGENT, ignore_https_errors=True, java_script_enabled=scripts
        )
        windows[scripts].add_init_script(NO_WEBDRIVER)
    yield windows
    for context in windows.values():
        context.close()


@pytest.fixture
def regular(_regular: dict[bool, BrowserContext]) -> Iterator[Callable[..., BrowserContext]]:
    """Give a private window that others had before, with neither cookies nor pages of theirs.

    What a site keeps by script is not wiped: for that take a `visitor`.
    """

    def again(headers: dict[str, str] | None = None, *, scripts: bool = True) -> BrowserContext:
        context = _regular[scripts]
        context.clear_cookies()
        context.set_extra_http_headers(headers or {})
        return context

    yield again
    for context in _regular.values():
        for page in context.pages:
            page.close()


@pytest.fixture
def strangers(
    playwright: Playwright, worlds: dict[str, World], tmp_path: Path
) -> Iterator[BrowserContext]:
    """Give a visitor whose browser sends cookies of other sites, as no private window does."""
    preferences = tmp_path / "profile" / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text('{"profile": {"cookie_controls_mode": 0}}')
    context = playwright.chromium.launch_persistent_context(
        tmp_path / "profile",
        args=_arguments(worlds),
        user_agent=USER_AGENT,
        ignore_https_errors=True,
        **full_chromium(),
    )
    context.add_init_script(NO_WEBDRIVER)
    yield context
    context.close()


def _arguments(worlds: dict[str, World]) -> list[str]:
    """Give the flags of a browser to which the fronts are the whole world."""
    secure, plain = worlds["https"].port, worlds["http"].port
    rules = f"MAP *:443 127.0.0.1:{secure},MAP *:80 127.0.0.1:{plain}"
    return [*FLAGS, f"--host-resolver-rules={rules}"]
