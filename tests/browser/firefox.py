"""Give browser tests the system's Firefox, with the interface that they use of Chromium.

Playwright drives it by WebDriver BiDi; `bidi_relay` says what has to stand between. A window
is made with `VISITOR`: what Playwright would set otherwise is not for this browser.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import VIEWPORT, Recorder
from tests.browser.detour import detour
from tests.conftest import program

ROOT: Final = Path(__file__).parents[2]
VISITOR: Final[dict[str, Any]] = {
    "viewport": VIEWPORT,
    "ignore_https_errors": True,
}
_QUIET: Final[dict[str, str | float | bool]] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "dom.security.https_first": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


@contextmanager
def launched(
    playwright: Playwright,
    folder: Path,
    ports: Mapping[int, int],
    preferences: Mapping[str, str | float | bool] | None = None,
) -> Iterator[Browser]:
    """Run Firefox with every host but the loopback's led to servers of this process.

    Its screen, and with it its window, is as large as what a page is shown in.

    Args:
        folder: where the starting script is written.
        ports: where to lead to, by the port that the browser asks for.
        preferences: further entries of about:config.
    """
    start = folder / "firefox"
    relay = f"exec '{sys.executable}' -m tests.browser.bidi_relay '{program('firefox')}' \"$@\""
    size = " ".join(f"MOZ_HEADLESS_{side.upper()}={VIEWPORT[side]}" for side in VIEWPORT)
    start.write_text(f"#!/bin/sh\nexport {size}\ncd '{ROOT}' && {relay}\n")
    start.chmod(0o755)
    with detour(ports) as port:
        proxied: dict[str, str | float | bool] = {
            "network.proxy.type": 1,
            "network.proxy.socks": "127.0.0.1",
            "network.proxy.socks_port": port,
            "network.proxy.socks_remote_dns": True,
        }
        browser = playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=start,
            firefox_user_prefs={**_QUIET, **proxied, **(preferences or {})},
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def firefox(
    playwright: Playwright,
    _recording: tuple[Recorder, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """Start Firefox, to which the recorder is the whole world on port 80."""
    folder = tmp_path_factory.mktemp("firefox")
    with launched(playwright, folder, {80: _recording[1]}) as started:
        yield started
