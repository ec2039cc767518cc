"""Turn templates and static files into responses with strict headers.

The policy forbids inline styles and scripts. `renderer` serves the visitor pages too.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from collector.web import PAGE_HEADERS, Render
from dashboards import formatting

HTTPS_HEADERS = {**PAGE_HEADERS, "Strict-Transport-Security": "max-age=31536000"}

STATIC_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """The style sheets, scripts and images, read once; their URLs change with their content."""

    def __init__(self) -> None:
        self._bytes: dict[str, bytes] = {}
        for entry in files("dashboards").joinpath("static").iterdir():
            if entry.name.rpartition(".")[2] in STATIC_TYPES:
                self._bytes[entry.name] = entry.read_bytes()
        self._zipped = {name: gzip.compress(body, 9, mtime=0) for name, body in self._bytes.items()}

    def url(self, name: str) -> str:
        """Return the URL of a file, which may be cached for ever."""
        digest = hashlib.sha256(self._bytes[name]).hexdigest()
        return f"/static/{name}?v={digest[:12]}"

    async def answer(self, request: Request) -> Response:
        """Answer a request for `/static/{name}`."""
        name = request.path_params["name"]
        if name not in self._bytes:
            return Response(status_code=404)
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        cache = "max-age=31536000, immutable" if "v" in request.query_params else "max-age=300"
        headers = {
            "Cache-Control": f"public, {cache}",
            "Content-Type": STATIC_TYPES[name.rpartition(".")[2]],
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response((self._zipped if zipped else self._bytes)[name], headers=headers)


def renderer(static: StaticFiles | None = None) -> Render:
    """Create the function that renders a template; every value is escaped."""
    environment = Environment(
        loader=PackageLoader("dashboards"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = (static or StaticFiles()).url
    environment.globals["words"] = formatting
    environment.globals["user"] = None

    def render(name: str, context: Mapping[str, Any]) -> str:
        return environment.get_template(name).render(context)

    return render


def headers_for(*, https: bool) -> dict[str, str]:
    """Return the headers of every page; over https with HSTS."""
    return HTTPS_HEADERS if https else PAGE_HEADERS


def page(body: str, *, status: int = 200, https: bool = False) -> HTMLResponse:
    """Answer with a page."""
    return HTMLResponse(body, status_code=status, headers=headers_for(https=https))


def text(sentence: str, *, status: int = 200, https: bool = False) -> PlainTextResponse:
    """Answer with plain text."""
    return PlainTextResponse(sentence, status_code=status, headers=headers_for(https=https))


def redirect(target: str, *, https: bool = False) -> RedirectResponse:
    """Redirect to another page of ours, with GET."""
    return RedirectResponse(target, status_code=303, headers=headers_for(https=https))


def csv_response(
    name: str, content: str, caveats: Iterable[str], *, https: bool = False
) -> PlainTextResponse:
    """Answer with a CSV file to be saved; the caveats of its numbers are in a header."""
    headers = headers_for(https=https) | {"Content-Disposition": f'attachment; filename="{name}"'}
    if caveats:
        headers["X-Footfall-Exactness"] = " ".join(caveats)
    return PlainTextResponse(content, headers=headers, media_type="text/csv")
