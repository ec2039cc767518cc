"""Show visitors which cells their own visit would add to: `/privacy/SITE/me`.

Runs the pipeline of real hits with visits, secrets and limits that exist for this one
answer only; nothing is kept, counted or logged. When the request carries a refusal,
nothing else of it is read, and the language comes from the URL alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from itertools import product
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.cells.views import LIST_DIMENSIONS, VIEWS, Grain, View
from collector.hit import VISIT_VALUES, Drop, Hit, Kind, Refusal
from collector.ingest.payload import MAX_WIDTH, Payload
from collector.ingest.pipeline import BuiltHit, IngestContext, build_hit
from collector.ingest.rate_limit import RateLimiter
from collector.ingest.visits import Visits
from collector.privacy.address import client_address, truncated
from collector.privacy.consent import Admitted, decide, signals_in
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Site
from collector.visitors.notice import grain_words, view_words
from collector.visitors.opt_out import state_of
from collector.visitors.responses import language_of, missing, page, url_in
from collector.visitors.translations import Words, language_for, words_of
from collector.web import Render

MAX_PATH: Final = 500
MAX_QUERY: Final = 4096
_EXPLAINED_DROPS: Final = frozenset(
    {
        Drop.BOT,
        Drop.PREFETCH,
        Drop.OWN_VISIT,
        Drop.EXCLUDED_PATH,
        Drop.EXCLUDED_NETWORK,
        Drop.EXCLUDED_COUNTRY,
    }
)
_TRANSLATED: Final = frozenset({"channel", "device", "screen"})
_NOTHING_READ: Final = {"rows": [], "cells": [], "pairs": [], "count": 0, "path": "/", "width": 0}


class ChangedCell(NamedTuple):
    """A cell that a hit adds to.

    Attributes:
        at: start of its hour or minute, in seconds since 1970; 0 for a day.
        values: one for each dimension of the view.
    """

    view: View
    grain: Grain
    at: int
    values: tuple[str, ...]


def routes(render: Render, get_context: Callable[[], IngestContext]) -> list[Route]:
    """Create `/privacy/SITE/me`."""

    async def answer(request: Request) -> Response:
        context = get_context()
        site = context.sites.named(request.path_params["domain"])
        if site is None:
            return missing(render, request, url_only=True)
        admitted = decide(request.scope, request.receive)
        if isinstance(admitted, Refusal):
            return _refused_page(render, request, site)
        return _data_page(render, admitted, context, site)

    return [Route("/privacy/{domain}/me", answer, methods=["GET"])]


def changed_cells(hit: Hit) -> Iterator[ChangedCell]:
    """Yield the cells that a hit adds to, as `fan_out.select` computes them."""
    for view in VIEWS:
        choices = [_values(hit, name) for name in view.dimensions]
        for values in product(*choices):
            if all(values):
                yield from (
                    ChangedCell(view, grain, _instant(hit, grain), values) for grain in view.grains
                )


def dry_run(
    admitted: Admitted, context: IngestContext, site: Site, payload: Payload
) -> BuiltHit | Drop:
    """Build a hit as if it had been sent, without changing any state."""
    isolated = replace(
        context,
        visits=Visits(),
        limits=RateLimiter(),
        secrets=DaySecrets(None, context.clock, "memory"),
    )
    return build_hit(payload, admitted, isolated, site.domain)


def _values(hit: Hit, name: str) -> tuple[str, ...]:
    if name in LIST_DIMENSIONS:
        listed: tuple[str, ...] = getattr(hit, LIST_DIMENSIONS[name])
        return listed
    return (getattr(hit.visit if name in VISIT_VALUES else hit, name),)


def _instant(hit: Hit, grain: Grain) -> int:
    return {Grain.DAY: 0, Grain.HOUR: hit.hour, Grain.MINUTE: hit.minute}[grain]


def _refused_page(render: Render, request: Request, site: Site) -> Response:
    language = language_of(request, url_only=True)
    state = state_of(signals_in(request.scope["headers"]))
    return _page(render, site, language, {**_NOTHING_READ, "state": state, "drop": ""})


def _data_page(render: Render, admitted: Admitted, context: IngestContext, site: Site) -> Response:
    query = parse_qs(admitted.query_string[:MAX_QUERY].decode("latin-1"))
    accepted = admitted.header(b"accept-language").decode("latin-1")
    language = language_for(query.get("language", [""])[0], accepted)
    width = _width(query.get("width", [""])[0])
    built = dry_run(admitted, context, site, _payload(site, query, width))
    shown: dict[str, Any] = {
        **_NOTHING_READ,
        "state": {"counted": True, "opted_out": False, "gpc": False, "dnt": False},
        "drop": "",
        "width": width,
        "rows": _read_rows(admitted, context, width, words_of(language)),
    }
    if isinstance(built, Drop):
        shown["drop"] = f"dropped_{built}" if built in _EXPLAINED_DROPS else "dropped_other"
    else:
        shown |= _cells_of(built.hit, words_of(language))
    return _page(render, site, language, shown)


def _page(render: Render, site: Site, language: str, context: dict[str, Any]) -> Response:
    links = {
        "site": site.domain,
        "notice_url": url_in(f"/privacy/{site.domain}", language),
        "opt_out_url": url_in("/opt-out", language),
    }
    return page(render, "me.html", language, {**context, **links})


def _payload(site: Site, query: dict[str, list[str]], width: int) -> Payload:
    path = query.get("path", ["/"])[0][:MAX_PATH]
    return Payload(
        kind=Kind.PAGEVIEW,
        url=f"https://{site.domain}/{quote(path.lstrip('/'), safe='/%?&=+:;,@!~*()')}",
        domains=(site.domain,),
        screen_width=width,
    )


def _width(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 and int(text) <= MAX_WIDTH else 0


def _read_rows(
    admitted: Admitted, context: IngestContext, width: int, words: Words
) -> list[tuple[str, str]]:
    t = words["me"]
    named = admitted.headers_joined(context.address_header) if context.address_header else None
    forwarded = admitted.headers_joined(b"x-forwarded-for")
    address = client_address(admitted.peer, forwarded, context.trusted_proxies, named=named)
    cut = t["cut"].format(address=_isolated(address), network=_isolated(truncated(address)))
    accepted = admitted.header(b"accept-language").decode("latin-1")
    return [
        (t["address"], cut if address else t["unsaid"]),
        (t["agent"], " · ".join(_browser_headers(admitted)) or t["unsaid"]),
        (t["accepted"], accepted or t["unsaid"]),
        (t["width"], t["pixels"].format(width=width) if width else t["unsaid"]),
    ]


def _browser_headers(admitted: Admitted) -> Iterator[str]:
    for name in (b"user-agent", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform"):
        value = admitted.header(name)
        if value:
            yield value.decode("latin-1")


def _isolated(address: bytes) -> str:
    # Without isolation an address reverses the order of the Arabic words around it.
    return f"\u2068{ip_address(address)}\u2069" if address else ""


def _translated(words: Words, dimension: str, value: str) -> str:
    """Translate a value that comes from us: "(none)", a device, a channel."""
    translations = words["values"]
    if value.startswith("("):
        return str(translations.get(value, value))
    head, space, rest = value.partition(" ")
    ours = dimension in _TRANSLATED and (dimension == "screen" or not space)
    return f"{translations.get(head, head)}{space}{rest}" if ours else value


def _cells_of(hit: Hit, words: Words) -> dict[str, Any]:
    """Group the cells of a hit by view, for the page."""
    by_view: dict[tuple[int, tuple[str, ...]], list[ChangedCell]] = {}
    for cell in changed_cells(hit):
        by_view.setdefault((cell.view.id, cell.values), []).append(cell)
    rows = []
    for cells in by_view.values():
        view, values = cells[0].view, cells[0].values
        by = grain_words(view, words)
        shown = tuple(map(partial(_translated, words), view.dimensions, values))
        rows.append((len(view.dimensions), view_words(view, words), shown, by))
    return {
        "count": sum(len(cells) for cells in by_view.values()),
        "cells": [row[1:] for row in rows if row[0] < 2],
        "pairs": [row[1:] for row in rows if row[0] == 2],
        "path": hit.path,
    }
