"""In Firefox, which keeps cookies of other sites apart, visitors are told so and not deceived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from tests.browser.conftest import NO_WEBDRIVER
from tests.browser.firefox import VISITOR, launched
from tests.browser.visitors.sitting import COUNTED, IN, OUT, REFUSED, Sitting, status_of
from tests.browser.visitors.test_matrix import reaches
from tests.browser.visitors.world import CROSS, PLACES, World

Worlds = dict[str, World]
pytestmark = pytest.mark.needs_system("firefox")
# Firefox's own default: cookies of other sites are kept apart for each site that shows them. With
# a process of its own for each site, Playwright loses a frame of another site when it navigates.
APART: dict[str, str | float | bool] = {
    "network.cookie.cookieBehavior": 5,
    "fission.autostart": False,
}
SIGNALS: dict[str, str | float | bool] = {
    "privacy.globalprivacycontrol.enabled": True,
    "privacy.globalprivacycontrol.functionality.enabled": True,
    "privacy.donottrackheader.enabled": True,
}


@pytest.fixture(scope="module")
def firefox(
    playwright: Playwright, worlds: Worlds, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Browser]]:
    """Give a maker of Firefoxes to which the fronts are the whole world: `plain` or `signals`."""
    ports = {443: worlds["https"].port, 80: worlds["http"].port}
    started: dict[str, Browser] = {}
    with ExitStack() as stack:

        def make(kind: str) -> Browser:
            if kind not in started:
                folder = tmp_path_factory.mktemp(kind)
                wanted = APART | (SIGNALS if kind == "signals" else {})
                browser = launched(playwright, folder, ports, wanted)
                started[kind] = stack.enter_context(browser)
            return started[kind]

        yield make


@pytest.fixture
def window(firefox: Callable[[str], Browser]) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of visitors with Firefox."""
    contexts: list[BrowserContext] = []

    def make(kind: str = "plain") -> BrowserContext:
        contexts.append(firefox(kind).new_context(**VISITOR))
        contexts[-1].add_init_script(NO_WEBDRIVER)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("scheme", "place", "layer"),
    [
        ("https", "cross-site", "page"),
        ("https", "cross-site", "frame"),
        ("https", "cross-site", "script"),
        ("http", "cross-site", "frame"),
        ("https", "same-site", "page"),
        ("https", "same-site", "frame"),
        ("https", "proxied", "script"),
    ],
)
def test_what_is_shown_is_what_is_done(
    worlds: Worlds, window: Callable[..., BrowserContext], scheme: str, place: str, layer: str
) -> None:
    """After opting out, and in again, by each layer the site's page and the server agree.

    The frame's partitioned cookie reaches the site it is in; the collector's own reaches no
    other site, and the collector's page does not say that it does.
    """
    sitting = Sitting(window(), worlds[scheme], PLACES[place])

    page = sitting.choose(layer, OUT)
    if layer == "page":
        expect(page.get_by_role("status")).to_contain_text("You have opted out.")
        expect(page.get_by_role("status")).not_to_contain_text("This browser is not counted.")
    if layer == "frame" and not reaches(scheme, place, layer):
        expect(status_of(page, framed=True)).to_contain_text("could not be saved")
    out = sitting.truth()
    sitting.choose(layer, IN)
    back = sitting.truth()

    assert out.shown == out.done == (REFUSED if reaches(scheme, place, layer) else COUNTED)
    assert (COUNTED, COUNTED) == (back.shown, back.done)


def test_firefox_s_own_signals_are_shown_and_obeyed(
    worlds: Worlds, window: Callable[..., BrowserContext]
) -> None:
    """With Global Privacy Control and Do Not Track switched on, nothing is sent; both are named."""
    sitting = Sitting(window("signals"), worlds["https"], CROSS)

    truth = sitting.truth()

    status = status_of(sitting.page, framed=False)
    expect(status).to_contain_text("GPC signal honoured")
    expect(status).to_contain_text("DNT signal honoured")
    assert (REFUSED, REFUSED) == (truth.shown, truth.done)
