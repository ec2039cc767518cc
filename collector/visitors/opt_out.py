"""Let visitors see and change whether they are counted.

Knows the opt-out cookies, which hold nothing but the refusal, and the true
state of a browser: what it sent with this very request. Refuses to store
anything on the server, and to let another site's page opt anyone in. Mounted
by `app`; the page's words are the dashboards'.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from collector.privacy.consent import Signals, signals_in
from collector.registry.sites import Sites
from collector.visitors.responses import PAGE_HEADERS, Render, SitesNow, host_of, language_of, page
from collector.visitors.translations import LANGUAGES

LIVES_S: Final = 395 * 86_400
MAX_FORM: Final = 1024
# The value is the same for everybody: two browsers that refuse cannot be told apart.
_HTTPS: Final = "__Host-optout=1; Path=/; Secure; HttpOnly; SameSite=None"
_PARTITIONED: Final = "__Host-optout_p=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
_HTTP: Final = "optout=1; Path=/; HttpOnly; SameSite=Lax"
REFUSE_HTTPS: Final = tuple(f"{cookie}; Max-Age={LIVES_S}" for cookie in (_HTTPS, _PARTITIONED))
REFUSE_HTTP: Final = (f"{_HTTP}; Max-Age={LIVES_S}",)
ALLOW_HTTPS: Final = tuple(f"{cookie}; Max-Age=0" for cookie in (_HTTPS, _PARTITIONED, _HTTP))
ALLOW_HTTP: Final = (f"{_HTTP}; Max-Age=0",)


def state_of(signals: Signals) -> dict[str, bool]:
    """Say what a browser's signals mean for it."""
    return {
        "opted_out": signals.opted_out,
        "gpc": signals.gpc,
        "dnt": signals.dnt,
        "counted": signals.refusal is None,
    }


def cookies_for(choice: str, *, https: bool) -> tuple[str, ...]:
    """Give the Set-Cookie values of a choice.

    Args:
        choice: `out`, or anything else for `in`.
        https: whether the browser keeps secure cookies from here.
    """
    if choice == "out":
        return REFUSE_HTTPS if https else REFUSE_HTTP
    return ALLOW_HTTPS if https else ALLOW_HTTP


def may_opt_in(fetch_site: str, origin: str, hosts: tuple[str, ...]) -> bool:
    """Tell whether a form that opts in was sent from our own page.

    Opting out is harmless, so a page of any site may do it; opting in is not.

    Args:
        fetch_site: the header `Sec-Fetch-Site`, or empty for an older browser.
        origin: the header `Origin`, or empty.
        hosts: what we are called, with ports.
    """
    if fetch_site:
        return fetch_site in ("same-origin", "none")
    host = _host_of(origin)
    return not origin or (bool(host) and host in hosts)


def routes(render: Render, public_url: str = "", sites: SitesNow | None = None) -> list[Route]:
    """Make `/opt-out` and `/opt-out/state`.

    Args:
        render: fills a template, by name and context.
        public_url: how visitors reach us, if a proxy stands in front.
        sites: tells whose pages may read their visitor's state; by default none.
    """
    desk = _OptOutPages(render, public_url, sites)
    return [
        Route("/opt-out", desk.page, methods=["GET"]),
        Route("/opt-out", desk.choose, methods=["POST"]),
        Route("/opt-out/state", desk.state, methods=["GET"]),
    ]


def is_https(request: Request, public_url: str) -> bool:
    """Tell whether the browser came over https, as far as a proxy lets us know."""
    origin = request.headers.get("origin", "")
    secure = "https" in (urlsplit(public_url).scheme, request.url.scheme)
    return secure or (
        origin.startswith("https://") and _host_of(origin) == request.headers.get("host", "")
    )


async def choice_in(request: Request, public_url: str) -> tuple[str, int]:
    """Read the choice a form makes.

    Returns:
        `out` or `in`, and 303; or nothing, and 400 for nonsense or 403 for what
        another site's page may have sent.
    """
    choice = await _choice(request)
    if choice not in ("out", "in"):
        return "", 400
    headers = request.headers
    hosts = (headers.get("host", ""), urlsplit(public_url).netloc)
    if choice == "in" and not may_opt_in(
        headers.get("sec-fetch-site", ""), headers.get("origin", ""), hosts
    ):
        return "", 403
    return choice, 303


def chosen(choice: str, target: str, *, https: bool) -> Response:
    """Give the browser a choice to keep, and send it round to show whether it did."""
    answer = RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)
    for cookie in cookies_for(choice, https=https):
        answer.headers.append("Set-Cookie", cookie)
    answer.headers["Tk"] = "U"
    return answer


def was_saved(request: Request, signals: Signals) -> bool | None:
    """Tell whether the browser kept the choice it just made; None if it made none."""
    choice = request.query_params.get("saved", "")
    return signals.opted_out == (choice == "out") if choice in ("out", "in") else None


class _OptOutPages:
    """What the routes share."""

    def __init__(self, render: Render, public_url: str, sites: SitesNow | None) -> None:
        self._render = render
        self._public_url = public_url
        self._sites = sites

    async def page(self, request: Request) -> Response:
        """Show the state; after a choice, whether the browser kept it."""
        return self._shown(request)

    async def choose(self, request: Request) -> Response:
        """Take a choice, then send the browser round to show whether it kept it."""
        choice, status = await choice_in(request, self._public_url)
        if not choice:
            return self._shown(request, status)
        asked = request.query_params.get("language", "")
        query = {"saved": choice} | ({"language": asked} if asked in LANGUAGES else {})
        https = is_https(request, self._public_url)
        return chosen(choice, f"/opt-out?{urlencode(query)}", https=https)

    async def state(self, request: Request) -> Response:
        """Tell a script the state, as a beacon of this browser would arrive with it."""
        headers = {**PAGE_HEADERS, "Vary": "Origin"}
        origin = request.headers.get("origin", "")
        if origin and self._sites is not None and _is_registered(origin, self._sites()):
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
        return JSONResponse(state_of(signals_in(request.scope["headers"])), headers=headers)

    def _shown(self, request: Request, status: int = 200) -> Response:
        signals = signals_in(request.scope["headers"])
        context = {
            "state": state_of(signals),
            "saved": was_saved(request, signals) if status == 200 else None,
            "wrong": status != 200,
            "https": is_https(request, self._public_url),
            "host": host_of(request),
        }
        language = language_of(request)
        return page(self._render, "opt_out.html", language, context, status=status)


async def _choice(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            return ""
    fields = parse_qs(body.decode("latin-1"))
    return fields.get("choice", [""])[0]


def _host_of(origin: str) -> str:
    """Give the host and port of an origin; empty for `null` and nonsense."""
    scheme, separator, host = origin.partition("://")
    return host if separator and scheme in ("http", "https") else ""


def _is_registered(origin: str, sites: Sites) -> bool:
    host = _host_of(origin).partition(":")[0]
    return bool(host) and any(site.allows(host) for site in sites)
