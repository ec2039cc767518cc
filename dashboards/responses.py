"""Turn templates and static files into answers with strict headers.

Knows Jinja2 and the headers that every page carries; refuses inline style and
script by policy. Called by `app`; `renderer` also serves the opt-out page.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from dashboards import formatting

Render = Callable[[str, Mapping[str, Any]], str]

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: with it a browser calls its own form's origin null, and over plain http
    # the login could not be told from another site's forgery.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

HTTPS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}

STATIC_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """The style sheet, scripts and pictures, read once; their addresses change with their bytes."""

    def __init__(self) -> None:
        self._bytes: dict[str, bytes] = {}
        for entry in files("dashboards").joinpath("static").iterdir():
            if entry.name.rpartition(".")[2] in STATIC_TYPES:
                self._bytes[entry.name] = entry.read_bytes()
        self._zipped = {name: gzip.compress(body, 9, mtime=0) for name, body in self._bytes.items()}

    def url(self, name: str) -> str:
        """Give the address of a file, which may be kept for ever."""
        digest = hashlib.sha256(self._bytes[name]).hexdigest()
        return f"/static/{name}?v={digest[:12]}"

    async def answer(self, request: Request) -> Response:
        """Answer a request for `/static/{name}`."""
        name = request.path_params["name"]
        if name not in self._bytes:
            return Response(status_code=404)
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        kept = "max-age=31536000, immutable" if "v" in request.query_params else "max-age=300"
        headers = {
            "Cache-Control": f"public, {kept}",
            "Content-Type": STATIC_TYPES[name.rpartition(".")[2]],
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response((self._zipped if zipped else self._bytes)[name], headers=headers)


def renderer(static: StaticFiles | None = None) -> Render:
    """Make the function that fills a template; every value is escaped."""
    environment = Environment(
        loader=PackageLoader("dashboards"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = (static or StaticFiles()).url
    environment.globals["words"] = formatting
    environment.globals["reader"] = None

    def render(name: str, context: Mapping[str, Any]) -> str:
        return environment.get_template(name).render(context)

    return render


def page(body: str, *, status: int = 200, https: bool = False) -> HTMLResponse:
    """Answer with a page and the headers that keep it to itself."""
    headers = PAGE_HEADERS | (HTTPS_HEADERS if https else {})
    return HTMLResponse(body, status_code=status, headers=headers)


def text(words: str, *, status: int = 200, https: bool = False) -> PlainTextResponse:
    """Answer with a sentence."""
    headers = PAGE_HEADERS | (HTTPS_HEADERS if https else {})
    return PlainTextResponse(words, status_code=status, headers=headers)


def file(
    name: str, content: str, exactness: Iterable[str], *, https: bool = False
) -> PlainTextResponse:
    """Answer with CSV to be saved; what qualifies its numbers is a header, for rows are rows."""
    qualified = {"X-Footfall-Exactness": " ".join(exactness)} if exactness else {}
    headers = PAGE_HEADERS | (HTTPS_HEADERS if https else {}) | qualified
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return PlainTextResponse(content, headers=headers, media_type="text/csv")
