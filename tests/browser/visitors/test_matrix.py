"""Whatever layer a refusal is kept in, what a visitor is shown is what the server does next.

Matomo's issues tell what goes wrong elsewhere: a success is shown though the cookie is not kept
(#3135, #7655), is not sent along from another site (#8578, #12454), or is kept apart by the
browser (#17452). Here each page shows what came back with its own request, and these tests
compare that with what the server does with the next hit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.visitors.sitting import COUNTED, IN, OUT, REFUSED, Sitting, status_of
from tests.browser.visitors.world import CROSS, PLACES, World

Windows = Callable[..., BrowserContext]
Worlds = dict[str, World]

# Layer, and whether scripts run: the script form needs them.
LAYERS = (
    *product(("page", "form", "frame"), (True, False)),
    ("script", True),
)
# Another site's page is where browsers and schemes differ: there every layer is tried. Elsewhere
# the one cookie works or does not, so every layer, scheme and place meet each other once.
CASES = (
    *(("https", "cross-site", layer, scripts) for layer, scripts in LAYERS),
    *(("http", "cross-site", layer, True) for layer in ("page", "form", "frame", "script")),
    ("https", "same-site", "page", True),
    ("http", "same-site", "form", True),
    ("https", "same-site", "frame", False),
    ("http", "same-site", "script", True),
    ("http", "proxied", "page", False),
    ("https", "proxied", "form", False),
    ("http", "proxied", "frame", True),
    ("https", "proxied", "script", True),
)


@pytest.mark.parametrize(("scheme", "place", "layer", "scripts"), CASES)
def test_what_is_shown_is_what_is_done(
    worlds: Worlds,
    visitor: Windows,
    regular: Windows,
    scheme: str,
    place: str,
    layer: str,
    *,
    scripts: bool,
) -> None:
    """After opting out, and in again, by each layer the site's page and the server agree."""
    context = visitor() if layer == "script" else regular(scripts=scripts)
    sitting = Sitting(context, worlds[scheme], PLACES[place], scripts=scripts)

    sitting.choose(layer, OUT)
    out = sitting.truth()
    layer_in = "page" if layer == "form" and place != "proxied" else layer
    sitting.choose(layer_in, IN)
    back = sitting.truth()

    assert out.shown == out.done
    assert (COUNTED, COUNTED) == (back.shown, back.done)
    assert out.done == (REFUSED if reaches(scheme, place, layer) else COUNTED)


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
    """Where cookies of other sites are sent, one choice at the collector holds on every site.

    The switch of one site does not claim to undo it, and says where to.
    """
    sitting = Sitting(strangers, worlds["https"], CROSS)

    sitting.choose(layer, OUT)
    out = sitting.truth()
    sitting.page.get_by_role("button", name=IN, exact=True).click()
    status = status_of(sitting.page, framed=False)
    expect(status).to_contain_text("opted out of all sites counted by stats")
    still = sitting.truth()
    sitting.choose("page", IN)
    back = sitting.truth()

    assert (REFUSED, REFUSED) == (out.shown, out.done) == (still.shown, still.done)
    assert (COUNTED, COUNTED) == (back.shown, back.done)


# The browser sends its signals to every place alike; each header meets each place and no scripts.
@pytest.mark.parametrize(
    ("header", "reason", "place", "scripts"),
    [
        ("Sec-GPC", "gpc", "cross-site", True),
        ("Sec-GPC", "gpc", "same-site", True),
        ("Sec-GPC", "gpc", "proxied", False),
        ("DNT", "dnt", "cross-site", False),
        ("DNT", "dnt", "same-site", True),
        ("DNT", "dnt", "proxied", True),
    ],
)
def test_a_signal_is_shown_and_obeyed(
    worlds: Worlds, regular: Windows, header: str, reason: str, place: str, *, scripts: bool
) -> None:
    """A browser that sends GPC or DNT is told that it is not counted, and it is not."""
    context = regular({header: "1"}, scripts=scripts)

    truth = Sitting(context, worlds["https"], PLACES[place], scripts=scripts).truth()

    assert (REFUSED, reason) == truth


@pytest.mark.parametrize(("header", "words"), [("Sec-GPC", "GPC"), ("DNT", "DNT")])
def test_choosing_to_be_counted_does_not_outweigh_a_signal(
    worlds: Worlds, regular: Windows, header: str, words: str
) -> None:
    """Whatever is chosen in the frame, the signal stands, is said to be honoured, and is obeyed.

    Source: California, 11 CCR section 7025(c)(6): it is shown whether a signal was processed.
    """
    sitting = Sitting(regular({header: "1"}), worlds["https"], CROSS)

    page = sitting.choose("frame", IN)

    status = status_of(page, framed=True)
    expect(status).to_contain_text(REFUSED)
    expect(status).to_contain_text(f"{words} signal honoured")
    truth = sitting.truth()
    expect(status_of(page, framed=False)).to_contain_text(f"{words} signal honoured")
    assert (REFUSED, REFUSED) == (truth.shown, truth.done)


def test_without_encryption_the_page_says_how_far_it_reaches(
    worlds: Worlds, regular: Windows
) -> None:
    """Over http the collector's page names the one host for which the choice holds."""
    sitting = Sitting(regular(), worlds["http"], CROSS)

    page = sitting.choose("page", OUT)

    expect(page.get_by_role("status")).to_contain_text("on pages of stats.example.net only")
    assert sitting.truth().done == COUNTED


def test_over_https_the_page_claims_no_other_site(worlds: Worlds, regular: Windows) -> None:
    """Where strangers' cookies are kept apart, the collector's page does not say all is well.

    It says where the choice holds, which browsers keep it from other sites, and who knows there.
    """
    sitting = Sitting(regular(), worlds["https"], CROSS)

    page = sitting.choose("page", OUT)

    status = page.get_by_role("status")
    expect(status).to_contain_text("You have opted out.")
    expect(status).to_contain_text("Firefox, Safari and private windows do not send it")
    expect(status).not_to_contain_text("This browser is not counted.")
    assert sitting.truth().done == COUNTED


def test_a_choice_holds_in_no_other_browser(
    worlds: Worlds, regular: Windows, visitor: Windows
) -> None:
    """Another browser, and this one with its cookies cleared, are counted again (R-27)."""
    here = Sitting(regular(), worlds["https"], PLACES["same-site"])
    elsewhere = Sitting(visitor(), worlds["https"], PLACES["same-site"])

    here.choose("page", OUT)
    refused, other = here.truth(), elsewhere.truth()
    here.page.context.clear_cookies()
    cleared = here.truth()

    assert [REFUSED, COUNTED, COUNTED] == [truth.done for truth in (refused, other, cleared)]
    assert [REFUSED, COUNTED, COUNTED] == [truth.shown for truth in (refused, other, cleared)]
