"""Serve what people look at: sites, their numbers, the login and the demo.

Knows routes and who may follow them; refuses to count or to compute. Private
sites and unknown ones answer a stranger alike. Mounted by `collector.app`
after every other route, because `/{domain}` matches much.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

import anyio
from anyio import from_thread
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from collector.clock import Clock, SystemClock
from collector.errors import DeliveryError, QueryError
from collector.privacy.own_visits import cookies_for, is_own_visit
from collector.registry.accounts import User
from collector.registry.sites import Site
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from dashboards import auth, overview, site_facts
from dashboards.csv_export import csv_file
from dashboards.responses import (
    HTTPS_HEADERS,
    PAGE_HEADERS,
    StaticFiles,
    file,
    page,
    renderer,
    text,
)
from dashboards.url_params import period_of, query_from

__all__ = ["renderer", "routes"]

LARGEST_FORM = 8192
PASSWORDS_AT_ONCE = 2
QUESTIONS_AT_ONCE = 2
STORE_AWAY = 503
RETRY_S = "5"
DEMO_SITE = "localhost"
DEMO_PAGES = ("", "pricing", "docs")

_log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(
    reports: Reports,
    registry: Registry,
    settings: Settings,
    *,
    clock: Clock | None = None,
    demo: bool = False,
    attribution: Callable[[], str] = lambda: "",
) -> list[Route]:
    """Make the routes of the dashboards.

    Args:
        reports: answers the questions.
        registry: knows sites, people and sessions.
        settings: `public_url` decides cookies, links and the snippet.
        clock: tells what day it is, and slows down guessing.
        demo: whether to serve the demo site's pages too.
        attribution: gives the line that the licence of the places' database asks for
            beside the numbers; empty if it asks for none.
    """
    desk = _Pages(reports, registry, settings, clock or SystemClock(), attribution)
    made = [
        Route("/static/{name}", desk.static.answer, methods=["GET"]),
        Route("/", desk.guarded(desk.front), methods=["GET"]),
        Route("/login", desk.guarded(desk.login), methods=["GET", "POST"]),
        Route("/logout", desk.guarded(desk.logout), methods=["POST"]),
        Route("/settings", desk.guarded(desk.settings_page), methods=["GET"]),
        Route("/own-visits", desk.guarded(desk.own_visits), methods=["GET", "POST"]),
    ]
    if demo:
        made.append(Route("/demo", desk.guarded(desk.demo), methods=["GET"]))
        made.append(Route("/demo/{page}", desk.guarded(desk.demo), methods=["GET"]))
    made.append(Route("/{domain}.csv", desk.guarded(desk.sheet), methods=["GET"]))
    made.append(Route("/{domain}", desk.guarded(desk.site), methods=["GET"]))
    return made


class _Pages:
    """Everything that the pages share; one a running service."""

    def __init__(
        self,
        reports: Reports,
        registry: Registry,
        settings: Settings,
        clock: Clock,
        attribution: Callable[[], str],
    ) -> None:
        self._attribution = attribution
        self._reports = reports
        self._registry = registry
        self._public_url = settings.public_url
        self._clock = clock
        self._throttle = auth.Throttle(clock)
        self._passwords = anyio.Semaphore(PASSWORDS_AT_ONCE)
        self._asking = anyio.CapacityLimiter(QUESTIONS_AT_ONCE)
        self.static = StaticFiles()
        self._render = renderer(self.static)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Refuse what another site's page may have sent, before anything is looked at."""

        async def answer(request: Request) -> Response:
            if auth.is_cross_site(request.method, request.headers, self._public_url):
                return self._problem(request, 403, None)
            try:
                return await endpoint(request)
            except DeliveryError:
                _log.warning("a page could not be shown: the store did not answer")
                return self._problem(request, STORE_AWAY, None)

        return answer

    async def front(self, request: Request) -> Response:
        """List the sites that the reader may see."""
        reader = await self._reader(request)
        sites = [s for s in await self._sites() if auth.can_view(reader, s)]
        if not sites and reader is None:
            return self._to_login(request, "/")
        cards = await run_sync(overview.site_cards, self._reports, self._clock, sites)
        return self._page(request, "sites.html", reader, cards=cards)

    async def site(self, request: Request) -> Response:
        """Show one site's numbers."""
        reader = await self._reader(request)
        site = await self._readable(request, reader)
        if site is None:
            return self._not_found(request, reader)
        asked = query_from(request.url.query)
        shown = await run_sync(
            overview.overview, self._reports, self._clock, site, asked, self._together
        )
        snippet = self._snippet(request, site)
        attribution = self._attribution()
        return self._page(
            request, "site.html", reader, page=shown, snippet=snippet, attribution=attribution
        )

    async def sheet(self, request: Request) -> Response:
        """Give one site's numbers as a file: by time, or by the dimension `by`."""
        reader = await self._reader(request)
        site = await self._readable(request, reader)
        if site is None:
            return self._not_found(request, reader)
        asked, by = query_from(request.url.query), request.query_params.get("by", "")
        period = period_of(asked, self._reports.today(site))
        https = self._https(request)
        try:
            made = await run_sync(csv_file, site, asked, period, by, self._reports.ask)
        except QueryError as refused:
            return text(str(refused), status=400, https=https)
        return file(made.name, made.text, made.exactness, https=https)

    async def _readable(self, request: Request, reader: User | None) -> Site | None:
        site = (await run_sync(self._registry.sites)).named(request.path_params["domain"])
        return site if site and auth.can_view(reader, site) else None

    def _together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Ask a page's questions two at a time; called in a thread of anyio's."""

        async def ask() -> list[Any]:
            asking = (run_sync(call, limiter=self._asking) for call in calls)
            return await asyncio.gather(*asking)

        return from_thread.run(ask)

    async def login(self, request: Request) -> Response:
        """Ask who is there, and let them in."""
        if request.method != "POST":
            target = auth.safe_target(request.query_params.get("next", "/"))
            return self._page(request, "login.html", None, target=target, failed="", name="")
        form = await _form(request)
        name, target = form.get("name", ""), auth.safe_target(form.get("next", "/"))
        if not self._throttle.admits(name):
            failed = "Too many tries. Please wait half a minute."
            return self._page(
                request, "login.html", None, 429, target=target, failed=failed, name=name
            )
        user = await self._checked(name, form.get("password", ""))
        if user is None:
            failed = "That name and password do not fit."
            return self._page(
                request, "login.html", None, 403, target=target, failed=failed, name=name
            )
        self._throttle.forgive(name)
        return await self._start_session(request, user, target)

    async def logout(self, request: Request) -> Response:
        """End the session."""
        https = self._https(request)
        token = auth.session_token(request, https=https)
        if token:
            await run_sync(self._registry.close_session, token)
        answer = RedirectResponse("/", status_code=303, headers=PAGE_HEADERS)
        auth.clear_session_cookie(answer, https=https)
        return answer

    async def settings_page(self, request: Request) -> Response:
        """List all sites with the line of HTML that each needs, and what is declared of it."""
        reader = await self._reader(request)
        if reader is None:
            return self._to_login(request, "/settings")
        known = await self._sites()
        sites = [(site, self._snippet(request, site), site_facts.facts(site)) for site in known]
        return self._page(request, "settings.html", reader, sites=sites)

    async def own_visits(self, request: Request) -> Response:
        """Show whether this browser's visits are left out, and let the reader change it."""
        reader = await self._reader(request)
        if reader is None:
            return self._to_login(request, "/own-visits")
        https = self._https(request)
        if request.method == "POST":
            own = (await _form(request)).get("own") == "yes"
            target = f"/own-visits?saved={'yes' if own else 'no'}"
            answer = RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)
            for cookie in cookies_for(own=own, https=https):
                answer.headers.append("Set-Cookie", cookie)
            return answer
        marked = is_own_visit(request.headers.get("cookie", "").encode("latin-1"))
        lost = request.query_params.get("saved") == ("no" if marked else "yes")
        return self._page(request, "own_visits.html", reader, marked=marked, lost=lost, https=https)

    async def demo(self, request: Request) -> Response:
        """Show a page of the demo site, which carries the real snippet."""
        name = request.path_params.get("page", "")
        if name not in DEMO_PAGES:
            return self._not_found(request, await self._reader(request))
        body = self._render("demo.html", {"page": name, "site": DEMO_SITE})
        return page(body, https=self._https(request))

    async def _reader(self, request: Request) -> User | None:
        return await run_sync(auth.reader_of, self._registry, request, self._public_url)

    async def _sites(self) -> list[Site]:
        known = await run_sync(self._registry.sites)
        return sorted(known, key=lambda site: site.domain)

    async def _checked(self, name: str, password: str) -> User | None:
        # Hashing is slow on purpose; two at once leave the machine to the hits.
        async with self._passwords:
            return await run_sync(self._registry.check_password, name, password)

    async def _start_session(self, request: Request, user: User, target: str) -> Response:
        https = self._https(request)
        old = auth.session_token(request, https=https)
        if old:
            await run_sync(self._registry.close_session, old)
        token = await run_sync(self._registry.open_session, user)
        answer = RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)
        auth.set_session_cookie(answer, token, https=https)
        return answer

    def _page(
        self, request: Request, template: str, reader: User | None, status: int = 200, **more: Any
    ) -> Response:
        body = self._render(template, {"reader": reader, **more})
        return page(body, status=status, https=self._https(request))

    def _not_found(self, request: Request, reader: User | None) -> Response:
        """Answer for a page that is not there, or not for this reader: a stranger cannot tell."""
        if reader is None:
            return self._to_login(request, request.url.path)
        return self._problem(request, 404, reader)

    def _problem(self, request: Request, status: int, reader: User | None) -> Response:
        answer = self._page(request, "problem.html", reader, status, code=status)
        if status == STORE_AWAY:
            answer.headers["Retry-After"] = RETRY_S
        return answer

    def _to_login(self, request: Request, target: str) -> Response:
        query = urlencode({"next": target}) if target != "/" else ""
        headers = PAGE_HEADERS | (HTTPS_HEADERS if self._https(request) else {})
        return RedirectResponse(f"/login?{query}".rstrip("?"), status_code=303, headers=headers)

    def _https(self, request: Request) -> bool:
        return auth.is_https(request, self._public_url)

    def _snippet(self, request: Request, site: Site) -> str:
        base = self._public_url or f"{request.url.scheme}://{request.url.netloc}"
        local = " data-allow-local" if site.domain == DEMO_SITE else ""
        return (
            f'<script async data-domain="{site.domain}"{local} '
            f'src="{base}/js/footfall.js"></script>'
        )


async def _form(request: Request) -> dict[str, str]:
    """Read a small urlencoded form; what is longer than any form of ours counts as empty."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    text = body.decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(text).items()}
