"""Serve the opt-out widget that owners embed in their own pages: as a frame, and as a script.

After a choice both forms show the state that arrives with a request like a beacon's.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.visitors.opt_out import came_by_https, read_choice, redirect_after, state_context
from collector.visitors.responses import FRAME_HEADERS, language_of, page
from collector.visitors.theme import THEMES, Palette, palette_from, style_of
from collector.visitors.translations import LANGUAGES, direction_of, words_of
from collector.web import Render

_CACHE_HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_SCRIPT_WORDS: Final = {
    "opt_out": ("out", "in", "opted_out", "gpc", "dnt", "stands"),
    "widget": tuple(words_of("en")["widget"]),
}


def routes(render: Render, public_url: str = "") -> list[Route]:
    """Create `/opt-out/widget`, its style sheet and `/opt-out/widget.js`.

    Args:
        public_url: our address for visitors, if a proxy stands in front.
    """
    script = render("widget.js", {"words": script_words()}).encode()

    def shown(request: Request, status: int = 200) -> Response:
        palette = palette_from(request.query_params)
        theme = request.query_params.get("theme", "")
        context = {
            **state_context(request, status),
            "theme": theme if theme in THEMES else "auto",
            "style": f"/opt-out/widget.css?{urlencode(palette._asdict())}" if palette else "",
            "target": _url(request),
        }
        language = language_of(request)
        return page(render, "widget.html", language, context, status=status, headers=FRAME_HEADERS)

    async def show(request: Request) -> Response:
        return shown(request)

    async def choose(request: Request) -> Response:
        choice, status = await read_choice(request, public_url)
        if not choice:
            return shown(request, status)
        https, target = came_by_https(request, public_url), _url(request, saved=choice)
        return redirect_after(choice, target, https=https, headers=FRAME_HEADERS)

    async def style(request: Request) -> Response:
        palette = palette_from(request.query_params)
        text = style_of(palette) if palette else ""
        return Response(text, headers=_CACHE_HEADERS, media_type="text/css")

    async def script_file(_: Request) -> Response:
        headers = _CACHE_HEADERS | {"Access-Control-Allow-Origin": "*"}
        return Response(script, headers=headers, media_type="text/javascript")

    return [
        Route("/opt-out/widget", show, methods=["GET"]),
        Route("/opt-out/widget", choose, methods=["POST"]),
        Route("/opt-out/widget.css", style, methods=["GET"]),
        Route("/opt-out/widget.js", script_file, methods=["GET"]),
    ]


def script_words() -> dict[str, dict[str, str]]:
    """Return the texts of the script form, by language."""
    return {
        tag: {
            "direction": direction_of(tag),
            **{
                name: words_of(tag)[group][name]
                for group, names in _SCRIPT_WORDS.items()
                for name in names
            },
        }
        for tag in LANGUAGES
    }


def _url(request: Request, **more: str) -> str:
    """Return the widget's URL with the query parameters that it knows."""
    known = {
        name: request.query_params[name]
        for name in ("language", "theme", *Palette._fields)
        if request.query_params.get(name)
    }
    query = urlencode({**known, **more})
    return f"/opt-out/widget?{query}" if query else "/opt-out/widget"
