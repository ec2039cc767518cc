"""Whatever layer a refusal is kept in, what a visitor is shown is what the server does next."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.visitor_fixtures import (
    FORM,
    FRAME,
    PLACES,
    SCRIPT,
    Place,
    World,
    chromium,
    status_of,
    strangers,
    visitor,
    worlds,
)

__all__ = ["chromium", "strangers", "visitor", "worlds"]

OUT, IN = "Do not count me", "Count me"
COUNTED, REFUSED = "are counted", "are not counted"
Visitor = Callable[..., BrowserContext]
Worlds = dict[str, tuple[World, int]]

# Layer, and whether scripts run: the script form needs them.
LAYERS = (
    *product(("page", "form", "frame"), (True, False)),
    ("script", True),
)


class Sitting:
    """A visitor with one site, who chooses in one layer and looks at what is shown."""

    def __init__(self, context: BrowserContext, world: World, place: Place, *, scripts: bool):
        """Sit down."""
        self.context = context
        self.world = world
        self.place = place
        self.scripts = scripts

    def choose(self, layer: str, name: str) -> Page:
        """Make a choice in a layer, and give the page it was made on."""
        page = self.context.new_page()
        if layer == "page":
            page.goto(self.world.collector(self.place, "/opt-out"))
        else:
            template = {"form": FORM, "frame": FRAME, "script": SCRIPT}[layer]
            page.goto(self.world.owners_page(self.place, template))
        inside = page.frame_locator("iframe") if layer == "frame" else page
        button = inside.get_by_role("button", name=name, exact=True)
        if layer == "script":
            button.click()
            pressed = f'button[aria-pressed="true"]:has-text("{name}")'
            expect(inside.locator(pressed)).to_have_count(1)
        else:
            with page.expect_response(lambda answer: "saved=" in answer.url):
                button.click()
            expect(inside.get_by_role("status")).not_to_be_empty()
        return page

    def shown(self) -> str:
        """Read what the site's own page shows: by script where scripts run, else in the frame."""
        page = self.context.new_page()
        template = SCRIPT if self.scripts else FRAME
        page.goto(self.world.owners_page(self.place, template))
        status = status_of(page, framed=not self.scripts)
        expect(status).not_to_be_empty()
        text = status.inner_text()
        page.close()
        assert (COUNTED in text) != (REFUSED in text), text
        return COUNTED if COUNTED in text else REFUSED

    def done(self) -> str:
        """Tell what the server does with the next hit."""
        outcome = self.world.outcome(self.context, self.place)
        return COUNTED if outcome == "counted" else REFUSED


def sit(worlds: Worlds, visitor: Visitor, **kind: object) -> Sitting:
    """Sit a visitor of some kind down before a site."""
    scripts = bool(kind.get("scripts", True))
    headers = kind.get("headers", {})
    context = visitor(java_script_enabled=scripts, extra_http_headers=headers)
    world = worlds[str(kind.get("scheme", "https"))][0]
    return Sitting(context, world, PLACES[str(kind["place"])], scripts=scripts)


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("layer", "scripts"), LAYERS)
def test_what_is_shown_is_what_is_done(
    worlds: Worlds, visitor: Visitor, scheme: str, place: str, layer: str, *, scripts: bool
) -> None:
    """After opting out, and in again, by each layer the site's page and the server agree."""
    sitting = sit(worlds, visitor, scheme=scheme, place=place, scripts=scripts)

    sitting.choose(layer, OUT)
    shown_out, done_out = sitting.shown(), sitting.done()
    layer_in = "page" if layer == "form" and place != "proxied" else layer
    sitting.choose(layer_in, IN)
    shown_in, done_in = sitting.shown(), sitting.done()

    assert shown_out == done_out
    assert (COUNTED, COUNTED) == (shown_in, done_in)
    assert done_out == (REFUSED if reaches(scheme, place, layer) else COUNTED)


def reaches(scheme: str, place: str, layer: str) -> bool:
    """Tell where a choice must hold in a browser that keeps strangers' cookies apart.

    Everywhere but on another site's pages; there by the partitioned cookie of the frame, which
    needs https, and by the flag of the script.
    """
    return place != "cross-site" or layer == "script" or (layer == "frame" and scheme == "https")


@pytest.mark.parametrize("layer", ["page", "form"])
def test_the_global_cookie_reaches_where_browsers_let_it(
    worlds: Worlds, strangers: BrowserContext, layer: str
) -> None:
    """Where cookies of other sites are sent, one choice at the collector holds on every site."""
    sitting = Sitting(strangers, worlds["https"][0], PLACES["cross-site"], scripts=True)

    sitting.choose(layer, OUT)
    shown, done = sitting.shown(), sitting.done()
    sitting.choose("page", IN)

    assert (REFUSED, REFUSED) == (shown, done)
    assert (COUNTED, COUNTED) == (sitting.shown(), sitting.done())


def test_the_switch_on_a_site_does_not_claim_to_undo_a_choice_for_all(
    worlds: Worlds, strangers: BrowserContext
) -> None:
    """Who opted out of all sites is told so on each, and where to change it."""
    sitting = Sitting(strangers, worlds["https"][0], PLACES["cross-site"], scripts=True)
    sitting.choose("page", OUT)

    page = strangers.new_page()
    page.goto(sitting.world.owners_page(sitting.place, SCRIPT))
    page.get_by_role("button", name=IN, exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("opted out of all sites counted by stats")
    assert (REFUSED, REFUSED) == (sitting.shown(), sitting.done())
    sitting.choose("page", IN)


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("header", "reason"), [("Sec-GPC", "gpc"), ("DNT", "dnt")])
def test_a_signal_is_shown_and_obeyed(
    worlds: Worlds, visitor: Visitor, header: str, reason: str, place: str, *, scripts: bool
) -> None:
    """A browser that sends GPC or DNT is told that it is not counted, and it is not."""
    sitting = sit(worlds, visitor, place=place, scripts=scripts, headers={header: "1"})

    shown = sitting.shown()
    outcome = sitting.world.outcome(sitting.context, sitting.place)

    assert (REFUSED, reason) == (shown, outcome)


@pytest.mark.parametrize(("header", "words"), [("Sec-GPC", "Global Privacy"), ("DNT", "Do Not")])
def test_choosing_to_be_counted_does_not_outweigh_a_signal(
    worlds: Worlds, visitor: Visitor, header: str, words: str
) -> None:
    """Whatever is chosen in the frame, the signal stands, is named, and is obeyed."""
    sitting = sit(worlds, visitor, place="cross-site", headers={header: "1"})

    page = sitting.choose("frame", IN)

    status = status_of(page, framed=True)
    expect(status).to_contain_text(REFUSED)
    expect(status).to_contain_text(words)
    assert (REFUSED, REFUSED) == (sitting.shown(), sitting.done())


def test_without_encryption_the_page_says_how_far_it_reaches(
    worlds: Worlds, visitor: Visitor
) -> None:
    """Over http the collector's page names the one host for which the choice holds."""
    sitting = sit(worlds, visitor, scheme="http", place="cross-site")

    page = sitting.choose("page", OUT)

    expect(page.get_by_role("status")).to_contain_text("on pages of stats.example.net only")
    assert sitting.done() == COUNTED
