"""Let owners put the visitor's choice into their own pages: as a frame, and as a script.

Knows the frame's page, its colours and the script's words. The frame is the
one page that others may show within theirs. Refuses to claim a success: after
a choice both show what arrives with a request such as a beacon is. Mounted by
`app`.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.privacy.consent import signals_in
from collector.visitors.opt_out import choice_in, chosen, is_https, state_of, was_saved
from collector.visitors.responses import FRAME_HEADERS, Render, host_of, language_of, page
from collector.visitors.theme import THEMES, Palette, palette_from, style_of
from collector.visitors.translations import LANGUAGES, direction_of, words_of

_KEPT_HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_SCRIPT_WORDS: Final = {
    "opt_out": ("out", "in", "opted_out", "gpc", "dnt", "stands"),
    "widget": tuple(words_of("en")["widget"]),
}


def routes(render: Render, public_url: str = "") -> list[Route]:
    """Make `/opt-out/widget`, its style sheet and `/opt-out/widget.js`.

    Args:
        render: fills a template, by name and context.
        public_url: how visitors reach us, if a proxy stands in front.
    """
    desk = _WidgetPages(render, public_url)
    return [
        Route("/opt-out/widget", desk.page, methods=["GET"]),
        Route("/opt-out/widget", desk.choose, methods=["POST"]),
        Route("/opt-out/widget.css", desk.style, methods=["GET"]),
        Route("/opt-out/widget.js", desk.script, methods=["GET"]),
    ]


def script_words() -> dict[str, dict[str, str]]:
    """Give the words of the script form, by language."""
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


class _WidgetPages:
    """What the routes share."""

    def __init__(self, render: Render, public_url: str) -> None:
        self._render = render
        self._public_url = public_url
        self._script = render("widget.js", {"words": script_words()}).encode()

    async def page(self, request: Request) -> Response:
        """Show the state within another page; after a choice, whether it was kept."""
        return self._shown(request)

    async def choose(self, request: Request) -> Response:
        """Take a choice, then send the frame round to show whether the browser kept it."""
        choice, status = await choice_in(request, self._public_url)
        if not choice:
            return self._shown(request, status)
        target = _address(request, saved=choice)
        answer = chosen(choice, target, https=is_https(request, self._public_url))
        answer.headers.update(FRAME_HEADERS | {"Tk": "U"})
        del answer.headers["X-Frame-Options"]
        return answer

    async def style(self, request: Request) -> Response:
        """Give the colours that the address names, if they can be read; else nothing."""
        palette = palette_from(request.query_params)
        text = style_of(palette) if palette else ""
        return Response(text, headers=_KEPT_HEADERS, media_type="text/css")

    async def script(self, _: Request) -> Response:
        """Give the script form; the same bytes for everybody, in all languages."""
        headers = _KEPT_HEADERS | {"Access-Control-Allow-Origin": "*"}
        return Response(self._script, headers=headers, media_type="text/javascript")

    def _shown(self, request: Request, status: int = 200) -> Response:
        signals = signals_in(request.scope["headers"])
        palette = palette_from(request.query_params)
        theme = request.query_params.get("theme", "")
        context: dict[str, Any] = {
            "state": state_of(signals),
            "saved": was_saved(request, signals) if status == 200 else None,
            "wrong": status != 200,
            "host": host_of(request),
            "theme": theme if theme in THEMES else "auto",
            "style": f"/opt-out/widget.css?{urlencode(palette._asdict())}" if palette else "",
            "target": _address(request),
        }
        language = language_of(request)
        return page(
            self._render, "widget.html", language, context, status=status, headers=FRAME_HEADERS
        )


def _address(request: Request, **more: str) -> str:
    """Write the widget's address anew, with what of its query we understand."""
    given = {
        name: request.query_params[name]
        for name in ("language", "theme", *Palette._fields)
        if request.query_params.get(name)
    }
    query = urlencode({**given, **more})
    return f"/opt-out/widget?{query}" if query else "/opt-out/widget"
