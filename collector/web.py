"""HTTP helpers that visitor pages and dashboards share: headers, origins, forms, cookies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

Render = Callable[[str, Mapping[str, Any]], str]
"""Fills the template of a name with a context."""

MAX_FORM: Final = 8192
CHOICE_SECONDS: Final = 395 * 86_400
"""How long a browser keeps a choice: thirteen months."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
)
PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY + "'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: browsers then send `Origin: null` with our own forms, and a form of
    # another site could not be distinguished from ours.
    "Referrer-Policy": "same-origin",
    "Tk": "N",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_cross_site(headers: Mapping[str, str], public_url: str) -> bool:
    """Return whether a form may have been sent by a page of another site.

    Args:
        headers: by lower-case name; without Fetch Metadata and Origin no browser sent it.
        public_url: our address for browsers, if a proxy hides the host; may be empty.

    Source: the Fetch Metadata standard; browsers without it send Origin with every POST.
    """
    fetch_site = headers.get("sec-fetch-site", "")
    if fetch_site:
        return fetch_site not in ("same-origin", "none")
    origin = headers.get("origin", "")
    ours = (headers.get("host", ""), urlsplit(public_url).netloc)
    return bool(origin) and (not host_of(origin) or host_of(origin) not in ours)


def host_of(origin: str) -> str:
    """Return the host and port of an `Origin`; empty for `null` and for nonsense."""
    scheme, separator, host = origin.partition("://")
    return host if separator and scheme in ("http", "https") else ""


async def read_form(request: Request) -> dict[str, str]:
    """Read a small urlencoded form; a body longer than any of our forms counts as empty."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def redirect_with_cookies(
    target: str, cookies: Iterable[str], headers: Mapping[str, str] = PAGE_HEADERS
) -> Response:
    """Answer a form with a redirect (303) that sets cookies.

    Args:
        cookies: values of `Set-Cookie`.
    """
    answer = RedirectResponse(target, status_code=303, headers=headers)
    for cookie in cookies:
        answer.headers.append("Set-Cookie", cookie)
    return answer


def kept(cookies: Iterable[str]) -> tuple[str, ...]:
    """Have the browser keep cookies for thirteen months."""
    return tuple(f"{cookie}; Max-Age={CHOICE_SECONDS}" for cookie in cookies)


def deleted(cookies: Iterable[str]) -> tuple[str, ...]:
    """Have the browser delete cookies."""
    return tuple(f"{cookie}; Max-Age=0" for cookie in cookies)


def snippet(domain: str, base: str) -> str:
    """Return the line of HTML that counts a site's pages.

    Args:
        base: where this service answers, such as `https://stats.example.org`.
    """
    local = " data-allow-local" if domain == "localhost" else ""
    return f'<script async data-domain="{domain}"{local} src="{base}/js/footfall.js"></script>'
