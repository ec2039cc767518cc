"""The widget in an owner's page, and the page of oneself, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from collector.visitors.translations import LANGUAGES, words_of
from tests.browser.visitors.sitting import OUT, status_of
from tests.browser.visitors.world import CROSS, FRAME, SCRIPT, World

Windows = Callable[..., BrowserContext]
Worlds = dict[str, World]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_form_speaks_the_pages_language(
    worlds: Worlds, regular: Windows, language: str
) -> None:
    """Under a strict policy it speaks the language of the page, in its direction."""
    page = regular().new_page()
    page.goto(worlds["https"].owners_page(CROSS, SCRIPT, language=language))
    words = words_of(language)

    status = status_of(page, framed=False)

    expect(status).to_contain_text(words["widget"]["counted"])
    expect(page.get_by_role("button", name=words["opt_out"]["out"], exact=True)).to_be_visible()
    direction = "rtl" if language == "ar" else "ltr"
    assert status.evaluate("one => getComputedStyle(one).direction") == direction


@pytest.mark.parametrize("template", [FRAME, SCRIPT], ids=["frame", "script"])
def test_the_keyboard_is_enough(worlds: Worlds, visitor: Windows, template: str) -> None:
    """One opts out with Tab and Enter, and the state is announced."""
    page = visitor().new_page()
    page.goto(worlds["https"].owners_page(CROSS, template))
    inside = page.frame_locator("iframe") if template == FRAME else page
    status = inside.get_by_role("status")
    expect(status).to_contain_text("are counted")

    page.keyboard.press("Tab")
    # A frame of another site has a process of its own, which takes the focus later than the key:
    # until then the next key goes to the page around it.
    expect(inside.get_by_role("button", name=OUT, exact=True)).to_be_focused()
    page.keyboard.press("Enter")

    expect(status).to_contain_text("are not counted")


def test_both_choices_weigh_the_same(worlds: Worlds, regular: Windows) -> None:
    """In both forms the two buttons differ in nothing but their words and the mark."""
    page = regular().new_page()
    world = worlds["https"]

    for address in (
        world.collector(CROSS, "/opt-out/widget"),
        world.owners_page(CROSS, SCRIPT),
    ):
        page.goto(address)
        buttons = page.get_by_role("button")
        expect(buttons).to_have_count(2)
        looks = buttons.evaluate_all(
            """all => all.map((one) => {
                const style = getComputedStyle(one);
                const { width, height } = one.getBoundingClientRect();
                return [width, height, style.color, style.backgroundColor, style.borderColor,
                        style.fontSize, style.fontWeight].join();
            })"""
        )
        assert looks[0] == looks[1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?background=fff8e7&color=3b2a14", ("rgb(255, 248, 231)", "rgb(59, 42, 20)")),
        ("?background=fff8e7&color=ffe0b0", ("rgb(255, 255, 255)", "rgb(27, 29, 28)")),
        ("?theme=dark", ("rgb(25, 29, 28)", "rgb(236, 238, 236)")),
        ("", ("rgb(255, 255, 255)", "rgb(27, 29, 28)")),
    ],
)
def test_an_owners_colours_are_worn_if_they_can_be_read(
    worlds: Worlds, regular: Windows, query: str, expected: tuple[str, str]
) -> None:
    """Colours with enough contrast are taken; others leave the widget in its own."""
    page = regular().new_page()
    page.goto(worlds["https"].collector(CROSS, f"/opt-out/widget{query}"))

    worn = page.evaluate(
        """() => { const style = getComputedStyle(document.body);
                   return [style.backgroundColor, style.color]; }"""
    )

    assert expected == tuple(worn)


def test_where_nothing_can_be_kept_no_success_is_shown(worlds: Worlds, visitor: Windows) -> None:
    """A browser that stores nothing for the site gets a message, and is still shown as counted."""
    context = visitor()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    )
    page = context.new_page()
    page.goto(worlds["https"].owners_page(CROSS, SCRIPT))

    page.get_by_role("button", name="Do not count me").click()

    status = status_of(page, framed=False)
    expect(status).to_contain_text("are counted")
    expect(status).to_contain_text("could not be saved")


def test_in_a_frame_without_encryption_no_success_is_shown(
    worlds: Worlds, regular: Windows
) -> None:
    """Over http a browser keeps no cookie in a frame of another site, and the frame says so."""
    page = regular().new_page()
    page.goto(worlds["http"].owners_page(CROSS, FRAME))

    page.frame_locator("iframe").get_by_role("button", name="Do not count me").click()

    status = status_of(page, framed=True)
    expect(status).to_contain_text("could not be saved")
    expect(status).to_contain_text("are counted")


@pytest.mark.parametrize(("before", "after"), [(False, "are not counted"), (True, "are counted")])
def test_the_frame_says_what_a_beacon_arrives_with(
    worlds: Worlds, visitor: Windows, after: str, *, before: bool
) -> None:
    """If what arrives is not what the frame's page came with, the frame says what arrives."""
    context = visitor()
    world = worlds["https"]
    cookie = "__Host-optout"
    kept = {"name": cookie, "value": "1", "url": world.collector(CROSS, "/"), "secure": True}
    if before:
        context.add_cookies([kept])  # type: ignore[list-item]

    def change(route: Route) -> None:
        if before:
            context.clear_cookies(name=cookie)
        else:
            context.add_cookies([kept])  # type: ignore[list-item]
        route.continue_()

    page = context.new_page()
    page.route("**/opt-out/state", change)

    page.goto(world.collector(CROSS, "/opt-out/widget"))

    expect(status_of(page, framed=False)).to_contain_text(after)


def test_the_width_of_the_window_reaches_the_page_of_own_data(
    worlds: Worlds, visitor: Windows
) -> None:
    """With scripts the page asks once more, as wide as the window; the class of screen is shown."""
    page = visitor(viewport={"width": 1440, "height": 900}).new_page()

    page.goto(worlds["https"].collector(CROSS, "/privacy/example.org/me"))

    page.wait_for_url("**/me?width=1440")
    expect(page.get_by_role("row", name="Screen")).to_contain_text("Desktop")


def test_of_who_refuses_no_width_is_read(worlds: Worlds, visitor: Windows) -> None:
    """The page of oneself runs no script for a browser that sends a signal."""
    page = visitor(extra_http_headers={"Sec-GPC": "1"}).new_page()

    page.goto(worlds["https"].collector(CROSS, "/privacy/example.org/me"))

    expect(page.get_by_role("status")).to_contain_text("Nothing in your request was read")
    assert page.locator("script").count() == 0
    assert "width" not in page.url
