"""A visitor before a site: chooses in one layer, is shown a state, and is counted or not."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from tests.browser.conftest import REFUSE
from tests.browser.visitors.world import FORM, FRAME, SCRIPT, TRACKER, Place, World

OUT, IN = "Do not count me", "Count me"
COUNTED, REFUSED = "are counted", "are not counted"
NOTHING: Final = "nothing was sent"
NEXT_TASK: Final = "new Promise((done) => setTimeout(done))"
_IS_HIT = re.compile(r"/api/event|/pixel\.gif")


class Truth(NamedTuple):
    """What one visit of the site's page shows, and what the server did with its hit.

    Attributes:
        shown: `are counted` or `are not counted`.
        outcome: `counted`, the refusal's reason, or `nothing was sent`.
    """

    shown: str
    outcome: str

    @property
    def done(self) -> str:
        """What was done, in the words of what is shown."""
        return COUNTED if self.outcome == "counted" else REFUSED


class Sitting:
    """A visitor with one site.

    Attributes:
        page: the one window, used again and again.
        scripts: whether scripts run: else the state is shown in the frame.
    """

    def __init__(
        self, context: BrowserContext, world: World, place: Place, *, scripts: bool = True
    ) -> None:
        """Sit down."""
        self.page: Page = context.new_page()
        self.world = world
        self.place = place
        self.scripts = scripts
        self._sent: list[Request] = []
        self.page.on("request", self._note)

    def choose(self, layer: str, name: str) -> Page:
        """Make a choice in a layer, and give the page it was made on."""
        if layer == "page":
            self.page.goto(self.world.collector(self.place, "/opt-out"))
        else:
            template = {"form": FORM, "frame": FRAME, "script": SCRIPT}[layer]
            self.page.goto(self.world.owners_page(self.place, template))
        inside = self.page.frame_locator("iframe") if layer == "frame" else self.page
        button = inside.get_by_role("button", name=name, exact=True)
        button.click()
        if layer == "script":
            pressed = inside.get_by_role("button", name=name, exact=True, pressed=True)
            expect(pressed).to_have_count(1)
        else:
            expect(inside.locator(".saved")).not_to_be_empty()
        return self.page

    def truth(self) -> Truth:
        """Visit a page of the site that shows the state and carries the tracker.

        Script and picture hold the page's load up. By its end the picture is on its way, and the
        script has put its hit off to a task that comes before any that is put off later.
        """
        template = (SCRIPT if self.scripts else FRAME) + TRACKER
        address = self.world.owners_page(self.place, template)
        before, self._sent = self.world.totals(), []
        self.page.goto(address)
        status = status_of(self.page, framed=not self.scripts)
        expect(status).not_to_be_empty()
        text = status.inner_text()
        if self.scripts:
            self.page.evaluate(NEXT_TASK)
        for request in self._sent:
            request.response()
        after = self.world.totals()
        if self.scripts:
            # What a page that is left sends would be taken for the next one's hit.
            self.page.evaluate(REFUSE)
        assert (COUNTED in text) != (REFUSED in text), text
        grown = [name for name, count in after.items() if count > before.get(name, 0)]
        assert len(grown) < 2, grown
        return Truth(COUNTED if COUNTED in text else REFUSED, grown[0] if grown else NOTHING)

    def _note(self, request: Request) -> None:
        if _IS_HIT.search(request.url):
            self._sent.append(request)


def status_of(page: Page, *, framed: bool) -> Locator:
    """Find what a page says of the visitor's state: in its frame, or by its script."""
    inside = page.frame_locator("iframe") if framed else page
    return inside.get_by_role("status")
