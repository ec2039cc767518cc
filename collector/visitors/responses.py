"""Answer visitors: in their language, with strict headers, and without a trace.

Knows the headers of every page that visitors look at, and how a page gets its
words. Refuses cookies of its own, and frames but for what must be framed.
Called by `optout`, `widget`, `notice_pages` and `me`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from collector.registry.sites import Sites
from collector.visitors.translations import LANGUAGES, direction_of, language_for, words_of

Render = Callable[[str, Mapping[str, Any]], str]
SitesNow = Callable[[], Sites]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
)

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY + "'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it a browser calls its own form's origin null, and opting in
    # could not be told from another site's forgery.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Tk": "N",
}

FRAME_HEADERS: Final = {
    **{name: value for name, value in PAGE_HEADERS.items() if name != "X-Frame-Options"},
    "Content-Security-Policy": _POLICY + "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Of the one page that any site may show within its own."""


def language_of(request: Request, *, asked_only: bool = False) -> str:
    """Choose the language of an answer.

    Args:
        asked_only: look at the address alone, not at the header Accept-Language.
    """
    asked = request.query_params.get("language", "")
    accepted = "" if asked_only else request.headers.get("accept-language", "")
    return language_for(asked, accepted)


def page(
    render: Render,
    template: str,
    language: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] = PAGE_HEADERS,
) -> Response:
    """Fill a template in a language.

    Args:
        template: its name; it is given `t`, the words of the language.
        context: what else it is given.
    """
    words = {
        "t": words_of(language),
        "language": language,
        "direction": direction_of(language),
        "languages": [(tag, name, in_language("", tag)) for tag, name in LANGUAGES.items()],
    }
    body = render(template, {**words, **context})
    vary = {"Vary": "Accept-Language", "Content-Language": language}
    return HTMLResponse(body, status_code=status, headers={**headers, **vary})


def missing(render: Render, request: Request, *, asked_only: bool = False) -> Response:
    """Answer where there is no such site: a page, which names nothing that was asked for."""
    language = language_of(request, asked_only=asked_only)
    return page(render, "missing.html", language, {}, status=404)


def in_language(path: str, language: str, **more: str) -> str:
    """Write an address whose answer is in a language; what is empty is left out."""
    given = {name: value for name, value in more.items() if value}
    return f"{path}?{urlencode({'language': language, **given})}"


def host_of(request: Request) -> str:
    """Give the host a request was sent to, without its port."""
    return request.url.hostname or ""
