"""Give dashboards' browser tests a running service with a busy, an empty and a demo site."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.browser.conftest import NO_WEBDRIVER, USER_AGENT
from tests.service import Service

BUSY, EMPTY = "busy.example", "empty.example"
FRESH, NASTY = "fresh.example", "nasty.example"
VISITORS = 12
PATHS = ("/", "/pricing", "/docs/install")
NAME, PASSWORD = "ann", "correct horse battery"


class Visits:
    """Opens pages as somebody would, and notes whatever must not happen.

    Attributes:
        faults: console errors, refused requests and uncaught exceptions, in order.
        hosts: every host that was asked for anything.
    """

    def __init__(self, browser: Browser, service: Service) -> None:
        """Watch one browser on one service."""
        self._browser = browser
        self._service = service
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []
        self.hosts: set[str] = set()

    def open(self, path: str, **options: object) -> Page:
        """Open a page in a context of its own.

        Args:
            path: of the service.
            options: of the context, such as `color_scheme`.
        """
        wanted: dict[str, object] = {"user_agent": USER_AGENT, "base_url": self._service.url}
        context = self._browser.new_context(**{**wanted, **options})  # type: ignore[arg-type]
        context.add_init_script(NO_WEBDRIVER)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        page.on("request", self._note)
        page.goto(path)
        return page

    def close(self) -> None:
        """Close everything."""
        for context in self._contexts:
            context.close()

    def _listen(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.faults.append(said.text)

    def _note(self, request: Request) -> None:
        self.hosts.add(request.url.split("/")[2])


def agent_of(number: int) -> str:
    """Give one of many browsers' names, so that one address is many visitors."""
    return f"{USER_AGENT.rpartition(' ')[0]} Safari/537.{number}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a service: twelve visitors were at one site, nobody at the others."""
    runs = Service(
        tmp_path_factory.mktemp("dashboards") / "data",
        public_sites=(BUSY, EMPTY, FRESH, NASTY),
        options=("--demo",),
    )
    runs.prepare()
    # The demonstration's months of traffic count as generated: no test here looks at them.
    (runs.data_dir / "demo.mark").write_text(str(int(time.time())))
    with runs:
        runs.footfall("user", "add", NAME, stdin=f"{PASSWORD}\n{PASSWORD}\n")
        for number in range(VISITORS):
            agent = agent_of(number)
            for path in PATHS:
                assert runs.hit(path, site=BUSY, user_agent=agent).status == 202
        runs.wait_for(
            {"visitors": VISITORS, "pageviews": VISITORS * len(PATHS)},
            lambda: runs.aggregate(BUSY, "visitors,pageviews"),
        )
        yield runs


@pytest.fixture
def visits(browser: Browser, service: Service) -> Iterator[Visits]:
    """Watch what pages do; fails if one complained or asked anybody else for anything."""
    watch = Visits(browser, service)
    yield watch
    watch.close()
    assert watch.faults == []
    assert watch.hosts <= {service.url.removeprefix("http://")}
