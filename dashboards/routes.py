"""Serve the dashboards: sites, their numbers, login, settings and the demo.

Private sites and unknown ones look the same to anonymous visitors. Mounted after all other
routes, because `/{domain}` matches much.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import anyio
from anyio import from_thread
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.clock import Clock, SystemClock
from collector.errors import DeliveryError, QueryError
from collector.privacy.own_visits import is_own_visit
from collector.registry.accounts import User
from collector.registry.sites import Site
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from collector.web import is_cross_site, read_form, redirect_with_cookies, snippet
from dashboards import auth, formatting, overview
from dashboards.csv_export import csv_file
from dashboards.responses import (
    StaticFiles,
    csv_response,
    headers_for,
    page,
    redirect,
    renderer,
    text,
)
from dashboards.url_params import parse_state, period_of

__all__ = ["renderer", "routes"]

PASSWORDS_AT_ONCE = 2
QUERIES_AT_ONCE = 2
STORE_DOWN = 503
RETRY_S = "5"
DEMO_SITE = "localhost"
DEMO_PAGES = ("", "pricing", "docs")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

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
    """Create the routes of the dashboards.

    Args:
        settings: `public_url` decides cookies, links and the snippet.
        demo: whether to serve the demo site's pages too.
        attribution: returns the line that the licence of the geo database demands beside
            the numbers; empty if it demands none.
    """
    pages = _Pages(reports, registry, settings, clock or SystemClock(), attribution)
    table: list[tuple[str, Endpoint, list[str]]] = [
        ("/", pages.sites, ["GET"]),
        ("/login", pages.login, ["GET", "POST"]),
        ("/logout", pages.logout, ["POST"]),
        ("/settings", pages.settings, ["GET"]),
        ("/own-visits", pages.own_visits, ["GET", "POST"]),
        *([("/demo", pages.demo, ["GET"]), ("/demo/{page}", pages.demo, ["GET"])] if demo else []),
        ("/{domain}.csv", pages.csv, ["GET"]),
        ("/{domain}", pages.site, ["GET"]),
    ]
    return [
        Route("/static/{name}", pages.static.answer, methods=["GET"]),
        *(
            Route(path, pages.guarded(endpoint), methods=methods)
            for path, endpoint, methods in table
        ),
    ]


class _Pages:
    """The endpoints, with what they share; one for each running service."""

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
        self._logins = auth.LoginLimiter(clock)
        self._passwords = anyio.Semaphore(PASSWORDS_AT_ONCE)
        self._queries = anyio.CapacityLimiter(QUERIES_AT_ONCE)
        self.static = StaticFiles()
        self._render = renderer(self.static)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Reject cross-site forms before an endpoint, and answer 503 when the store is down."""

        async def answer(request: Request) -> Response:
            unsafe = request.method not in SAFE_METHODS
            if unsafe and is_cross_site(request.headers, self._public_url):
                return self._problem(request, 403, None)
            try:
                return await endpoint(request)
            except DeliveryError:
                _log.warning("a page could not be shown: the store did not answer")
                return self._problem(request, STORE_DOWN, None)

        return answer

    async def sites(self, request: Request) -> Response:
        """List the sites that the user can view."""
        user = await self._user(request)
        sites = [site for site in await self._all_sites() if can_view(user, site)]
        if not sites and user is None:
            return self._to_login(request, "/")
        cards = await run_sync(overview.site_cards, self._reports, self._clock, sites)
        return self._page(request, "sites.html", user, cards=cards)

    async def site(self, request: Request) -> Response:
        """Show one site's numbers."""
        user = await self._user(request)
        site = await self._viewable(request, user)
        if site is None:
            return self._not_found(request, user)
        state = parse_state(request.url.query)
        shown = await run_sync(
            overview.overview, self._reports, self._clock, site, state, self._run_concurrently
        )
        line = self._snippet(request, site) if shown.stage == "empty" else ""
        return self._page(
            request, "site.html", user, page=shown, snippet=line, attribution=self._attribution()
        )

    async def csv(self, request: Request) -> Response:
        """Return one site's numbers as CSV: by time, or by the dimension `by`."""
        user = await self._user(request)
        site = await self._viewable(request, user)
        if site is None:
            return self._not_found(request, user)
        state, by = parse_state(request.url.query), request.query_params.get("by", "")
        period = period_of(state, self._reports.today(site))
        https = self._https(request)
        try:
            file = await run_sync(csv_file, site, state, period, by, self._reports.ask)
        except QueryError as error:
            return text(str(error), status=400, https=https)
        return csv_response(file.name, file.text, file.caveats, https=https)

    async def login(self, request: Request) -> Response:
        """Show the login form, and check what was entered."""
        if request.method != "POST":
            return self._login_form(request, 200, request.query_params.get("next", "/"))
        form = await read_form(request)
        name, target = form.get("name", ""), form.get("next", "/")
        if not self._logins.allows(name):
            error = "Too many attempts. Please wait half a minute."
            return self._login_form(request, 429, target, error=error, name=name)
        user = await self._check_password(name, form.get("password", ""))
        if user is None:
            error = "Wrong user name or password."
            return self._login_form(request, 403, target, error=error, name=name)
        self._logins.reset(name)
        return await self._start_session(request, user, auth.safe_target(target))

    async def logout(self, request: Request) -> Response:
        """End the session."""
        https = self._https(request)
        await self._close_session(request)
        answer = redirect("/", https=https)
        auth.clear_session_cookie(answer, https=https)
        return answer

    async def settings(self, request: Request) -> Response:
        """List all sites with their snippets and settings."""
        user = await self._user(request)
        if user is None:
            return self._to_login(request, "/settings")
        sites = [
            (site, self._snippet(request, site), formatting.site_facts(site))
            for site in await self._all_sites()
        ]
        return self._page(request, "settings.html", user, sites=sites)

    async def own_visits(self, request: Request) -> Response:
        """Show and change whether this browser's own visits are excluded."""
        user = await self._user(request)
        if user is None:
            return self._to_login(request, "/own-visits")
        https = self._https(request)
        if request.method == "POST":
            own = (await read_form(request)).get("own") == "yes"
            target = f"/own-visits?saved={'yes' if own else 'no'}"
            cookies = auth.own_visit_cookies(own=own, https=https)
            return redirect_with_cookies(target, cookies, headers_for(https=https))
        marked = is_own_visit(request.headers.get("cookie", "").encode("latin-1"))
        lost = request.query_params.get("saved") == ("no" if marked else "yes")
        return self._page(request, "own_visits.html", user, marked=marked, lost=lost, https=https)

    async def demo(self, request: Request) -> Response:
        """Show a page of the demo site, with the real snippet."""
        name = request.path_params.get("page", "")
        if name not in DEMO_PAGES:
            return self._not_found(request, await self._user(request))
        body = self._render("demo.html", {"page": name, "site": DEMO_SITE})
        return page(body, https=self._https(request))

    async def _user(self, request: Request) -> User | None:
        token = session_token(request, https=self._https(request))
        return await run_sync(self._registry.session_user, token) if token else None

    async def _close_session(self, request: Request) -> None:
        token = session_token(request, https=self._https(request))
        if token:
            await run_sync(self._registry.close_session, token)

    async def _all_sites(self) -> list[Site]:
        sites = await run_sync(self._registry.sites)
        return sorted(sites, key=lambda site: site.domain)

    async def _viewable(self, request: Request, user: User | None) -> Site | None:
        site = (await run_sync(self._registry.sites)).named(request.path_params["domain"])
        return site if site and can_view(user, site) else None

    def _run_concurrently(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Run a page's queries, two at a time; called in a worker thread of anyio's."""

        async def run() -> list[Any]:
            results = (run_sync(call, limiter=self._queries) for call in calls)
            return await asyncio.gather(*results)

        return from_thread.run(run)

    async def _check_password(self, name: str, password: str) -> User | None:
        # Hashing is slow on purpose; two at once leave the machine to the hits.
        async with self._passwords:
            return await run_sync(self._registry.check_password, name, password)

    async def _start_session(self, request: Request, user: User, target: str) -> Response:
        https = self._https(request)
        await self._close_session(request)
        token = await run_sync(self._registry.open_session, user)
        answer = redirect(target, https=https)
        auth.set_session_cookie(answer, token, https=https)
        return answer

    def _login_form(
        self, request: Request, status: int, target: str, *, error: str = "", name: str = ""
    ) -> Response:
        target = auth.safe_target(target)
        return self._page(
            request, "login.html", None, status, target=target, error=error, name=name
        )

    def _page(
        self, request: Request, template: str, user: User | None, status: int = 200, **more: Any
    ) -> Response:
        body = self._render(template, {"user": user, **more})
        return page(body, status=status, https=self._https(request))

    def _not_found(self, request: Request, user: User | None) -> Response:
        """Answer for a missing site; anonymous visitors get the same answer for a private one."""
        if user is None:
            return self._to_login(request, request.url.path)
        return self._problem(request, 404, user)

    def _problem(self, request: Request, status: int, user: User | None) -> Response:
        answer = self._page(request, "problem.html", user, status, code=status)
        if status == STORE_DOWN:
            answer.headers["Retry-After"] = RETRY_S
        return answer

    def _to_login(self, request: Request, target: str) -> Response:
        query = f"?{urlencode({'next': target})}" if target != "/" else ""
        return redirect(f"/login{query}", https=self._https(request))

    def _https(self, request: Request) -> bool:
        return is_https(request, self._public_url)

    def _snippet(self, request: Request, site: Site) -> str:
        base = self._public_url or f"{request.url.scheme}://{request.url.netloc}"
        return snippet(site.domain, base)


def is_https(request: Request, public_url: str) -> bool:
    """Return whether users reach us over https: directly, or through the configured proxy."""
    return request.url.scheme == "https" or public_url.startswith("https://")


def can_view(user: User | None, site: Site) -> bool:
    """Return whether a user, or an anonymous visitor, can view a site's numbers."""
    return site.public or user is not None


def session_token(request: Request, *, https: bool) -> str:
    """Return the session token of a request; empty if there is none.

    Over https only the cookie that no other host can set counts.
    """
    return request.cookies.get(auth.SECURE_COOKIE if https else auth.PLAIN_COOKIE, "")
