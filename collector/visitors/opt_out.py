"""Let visitors see and change whether they are counted: `/opt-out`.

The cookies hold nothing but the refusal; the state shown is what arrived with this very
request. Nothing is stored on the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.privacy.consent import Signals, signals_in
from collector.registry.sites import Sites
from collector.visitors.responses import GetSites, language_of, page
from collector.visitors.translations import LANGUAGES
from collector.web import (
    PAGE_HEADERS,
    Render,
    deleted,
    host_of,
    is_cross_site,
    kept,
    read_form,
    redirect_with_cookies,
)

# The value is the same in every browser, so that browsers that refuse cannot be distinguished.
_HTTPS: Final = (
    "__Host-optout=1; Path=/; Secure; HttpOnly; SameSite=None",
    "__Host-optout_p=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
)
_HTTP: Final = ("optout=1; Path=/; HttpOnly; SameSite=Lax",)


def state_of(signals: Signals) -> dict[str, bool]:
    """Describe what a browser's signals mean for it."""
    return {
        "opted_out": signals.opted_out,
        "gpc": signals.gpc,
        "dnt": signals.dnt,
        "counted": signals.refusal is None,
    }


def cookies_for(choice: str, *, https: bool) -> tuple[str, ...]:
    """Return the `Set-Cookie` values of a choice.

    Args:
        choice: `out` or `in`.
        https: whether the browser accepts secure cookies from us.
    """
    if choice == "out":
        return kept(_HTTPS if https else _HTTP)
    return deleted((*_HTTPS, *_HTTP) if https else _HTTP)


def routes(render: Render, public_url: str = "", get_sites: GetSites | None = None) -> list[Route]:
    """Create `/opt-out` and `/opt-out/state`.

    Args:
        public_url: our address for visitors, if a proxy stands in front.
        get_sites: returns the sites whose pages may read the state; by default none may.
    """

    def shown(request: Request, status: int = 200) -> Response:
        context = state_context(request, status) | {"https": came_by_https(request, public_url)}
        return page(render, "opt_out.html", language_of(request), context, status=status)

    async def show(request: Request) -> Response:
        return shown(request)

    async def choose(request: Request) -> Response:
        choice, status = await read_choice(request, public_url)
        if not choice:
            return shown(request, status)
        language = request.query_params.get("language", "")
        query = {"saved": choice} | ({"language": language} if language in LANGUAGES else {})
        https = came_by_https(request, public_url)
        return redirect_after(choice, f"/opt-out?{urlencode(query)}", https=https)

    async def state(request: Request) -> Response:
        """Return the state as a beacon of this browser would arrive with it."""
        headers = {**PAGE_HEADERS, "Vary": "Origin"}
        origin = request.headers.get("origin", "")
        if origin and get_sites is not None and _is_registered(origin, get_sites()):
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
        return JSONResponse(state_of(signals_in(request.scope["headers"])), headers=headers)

    return [
        Route("/opt-out", show, methods=["GET"]),
        Route("/opt-out", choose, methods=["POST"]),
        Route("/opt-out/state", state, methods=["GET"]),
    ]


def came_by_https(request: Request, public_url: str) -> bool:
    """Return whether the browser came over https: by our own URL, or by its `Origin`."""
    if "https" in (request.url.scheme, urlsplit(public_url).scheme):
        return True
    origin = request.headers.get("origin", "")
    return origin.startswith("https://") and host_of(origin) == request.headers.get("host", "")


async def read_choice(request: Request, public_url: str) -> tuple[str, int]:
    """Read the choice in a form.

    Opting out is harmless, so a page of any site may submit it; opting in is not.

    Returns:
        `out` or `in`, and 303; or nothing, and 400 for nonsense or 403 for a form that
        a page of another site may have sent.
    """
    choice = (await read_form(request)).get("choice", "")
    if choice not in ("out", "in"):
        return "", 400
    if choice == "in" and is_cross_site(request.headers, public_url):
        return "", 403
    return choice, 303


def redirect_after(
    choice: str, target: str, *, https: bool, headers: Mapping[str, str] = PAGE_HEADERS
) -> Response:
    """Set the cookies of a choice; the page after the redirect shows whether they were kept."""
    cookies = cookies_for(choice, https=https)
    return redirect_with_cookies(target, cookies, {**headers, "Tk": "U"})


def state_context(request: Request, status: int) -> dict[str, object]:
    """Return what templates show of a visitor's state.

    `saved` is whether the browser kept the choice it just made; None if it made none.
    """
    signals = signals_in(request.scope["headers"])
    choice = request.query_params.get("saved", "")
    chosen = status == 200 and choice in ("out", "in")
    return {
        "state": state_of(signals),
        "saved": signals.opted_out == (choice == "out") if chosen else None,
        "wrong": status != 200,
        "host": request.url.hostname or "",
    }


def _is_registered(origin: str, sites: Sites) -> bool:
    host = host_of(origin).partition(":")[0]
    return bool(host) and any(site.allows(host) for site in sites)
