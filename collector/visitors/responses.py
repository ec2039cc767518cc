"""Answer visitors: in their language, with strict headers, and without a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from collector.registry.sites import Sites
from collector.visitors.translations import LANGUAGES, direction_of, language_for, words_of
from collector.web import PAGE_HEADERS, POLICY, Render

GetSites = Callable[[], Sites]

FRAME_HEADERS: Final = {
    **{name: value for name, value in PAGE_HEADERS.items() if name != "X-Frame-Options"},
    "Content-Security-Policy": POLICY + "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Headers of the widget, the one page that any site may frame."""


def language_of(request: Request, *, url_only: bool = False) -> str:
    """Choose the language of an answer.

    Args:
        url_only: ignore the header Accept-Language.
    """
    accepted = "" if url_only else request.headers.get("accept-language", "")
    return language_for(request.query_params.get("language", ""), accepted)


def page(
    render: Render,
    template: str,
    language: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] = PAGE_HEADERS,
) -> Response:
    """Render a template in a language; the template finds its texts in `t`."""
    words = {
        "t": words_of(language),
        "language": language,
        "direction": direction_of(language),
        "languages": [(tag, name, url_in("", tag)) for tag, name in LANGUAGES.items()],
    }
    body = render(template, {**words, **context})
    vary = {"Vary": "Accept-Language", "Content-Language": language}
    return HTMLResponse(body, status_code=status, headers={**headers, **vary})


def missing(render: Render, request: Request, *, url_only: bool = False) -> Response:
    """Answer 404 for an unknown site, without repeating its name."""
    language = language_of(request, url_only=url_only)
    return page(render, "missing.html", language, {}, status=404)


def url_in(path: str, language: str) -> str:
    """Return the URL of a page in a language."""
    return f"{path}?{urlencode({'language': language})}"
