"""Serve a site's privacy notice as a page, as JSON and as Markdown.

`footfall notice` prints the same forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.registry.sites import Site, Sites
from collector.settings import Settings
from collector.visitors.notice import Notice, Section, notice_of
from collector.visitors.responses import GetSites, language_of, missing, page
from collector.visitors.translations import date_in, words_of
from collector.web import PAGE_HEADERS, Render

FORMS: Final = {"application/json": "json", "text/markdown": "md", "text/html": "html"}
CACHE_SECONDS: Final = 300
SCHEMA_PATH: Final = "/privacy/notice.schema.json"
_HEADERS: Final = {
    **PAGE_HEADERS,
    "Cache-Control": f"public, max-age={CACHE_SECONDS}",
    "Vary": "Accept, Accept-Language",
}
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|#])")


def routes(render: Render, settings: Settings, get_sites: GetSites) -> list[Route]:
    """Create `/privacy/SITE`, `/privacy/SITE.json`, its schema, and `/privacy/SITE.md`."""

    async def answer(request: Request) -> Response:
        site, form = _site_and_form(request, get_sites())
        if site is None:
            return missing(render, request)
        notice = notice_of(site, settings, language_of(request))
        if form == "html":
            return _page(render, notice)
        body = as_json(notice) if form == "json" else as_markdown(notice).encode()
        kind = "application/json" if form == "json" else "text/markdown; charset=utf-8"
        headers = {**_HEADERS, "Content-Type": kind, "Content-Language": notice.language}
        if form == "json":
            headers["Link"] = f'<{SCHEMA_PATH}>; rel="describedby"'
        return Response(body, headers=headers)

    async def schema(_: Request) -> Response:
        headers = {**_HEADERS, "Content-Type": "application/schema+json"}
        return Response(as_schema(), headers=headers)

    return [
        Route(SCHEMA_PATH, schema, methods=["GET"]),
        Route("/privacy/{domain}", answer, methods=["GET"]),
    ]


def as_json(notice: Notice) -> bytes:
    """Write a notice as JSON."""
    return msgspec.json.format(msgspec.json.encode(notice), indent=2)


def as_schema() -> bytes:
    """Write the JSON Schema (2020-12) of what `as_json` writes."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return msgspec.json.format(msgspec.json.encode(schema | msgspec.json.schema(Notice)), indent=2)


def as_markdown(notice: Notice) -> str:
    """Write a notice as Markdown."""
    t = words_of(notice.language)
    lines = [f"# {_escape(notice.title)}", "", _escape(notice.lead), ""]
    lines += [f"- [{_escape(t['opt_out']['out'])}]({notice.opt_out})"]
    lines += [f"- [{_escape(t['notice']['me'])}]({notice.me})", ""]
    for section in notice.sections:
        lines += _markdown_of(section)
    date = date_in(notice.language, notice.text_of)
    return "\n".join([*lines, t["notice"]["text_of"].format(date=date), ""])


def _page(render: Render, notice: Notice) -> Response:
    context = {"notice": notice, "date": date_in(notice.language, notice.text_of)}
    answer = page(render, "notice.html", notice.language, context, headers={**_HEADERS})
    answer.headers["Vary"] = _HEADERS["Vary"]
    return answer


def _site_and_form(request: Request, sites: Sites) -> tuple[Site | None, str]:
    """Find the site and the form that the URL, or else the header Accept, names."""
    name = request.path_params["domain"]
    site = sites.named(name)
    if site is not None:
        return site, _accepted(request.headers.get("accept", ""))
    stem, _, suffix = name.rpartition(".")
    return (sites.named(stem), suffix) if suffix in ("json", "md") else (None, "")


def _accepted(accept: str) -> str:
    for choice in accept.split(","):
        form = FORMS.get(choice.partition(";")[0].strip())
        if form:
            return form
    return "html"


def _markdown_of(section: Section) -> Iterator[str]:
    yield from (f"## {_escape(section.title)}", "")
    if section.text:
        yield from (_escape(section.text), "")
    if section.items:
        yield from (f"- {_escape(item)}" for item in section.items)
        yield ""
    if section.rows:
        yield _row(section.heads)
        yield _row(("---",) * len(section.heads))
        yield from (_row(tuple(_escape(cell) for cell in row)) for row in section.rows)
        yield ""
    if section.closing:
        yield from (_escape(section.closing), "")


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    """Escape Markdown, which an owner's text such as the controller's name may hold."""
    return _MARKUP.sub(r"\\\1", text)
