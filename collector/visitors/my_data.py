"""Show visitors, for their own request, what one visit of theirs would add to.

Runs the very rules that take hits, with visits, secrets and limits made for
this one answer and thrown away with it. Refuses to keep, count or log
anything; and where a refusal is sent, to read anything else: then not even
the language is looked at, only the one that the address names. Mounted by
`app`.
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
from collector.visitors.responses import Render, in_language, language_of, missing, page
from collector.visitors.translations import Words, language_for, words_of

MAX_PATH: Final = 500
MAX_QUERY: Final = 4096
_SAID_DROPS: Final = frozenset(
    {
        Drop.BOT,
        Drop.PREFETCH,
        Drop.OWN_VISIT,
        Drop.EXCLUDED_PATH,
        Drop.EXCLUDED_NETWORK,
        Drop.EXCLUDED_COUNTRY,
    }
)
_NAMED: Final = frozenset({"channel", "device", "screen"})
_UNREAD: Final = {"rows": [], "cells": [], "pairs": [], "count": 0, "path": "/", "width": 0}


class ChangedCell(NamedTuple):
    """A cell that a hit adds to.

    Attributes:
        at: when its hour or minute began, in seconds since 1970; 0 for a day.
        values: one for each dimension of the view.
    """

    view: View
    grain: Grain
    at: int
    values: tuple[str, ...]


def routes(render: Render, get_context: Callable[[], IngestContext]) -> list[Route]:
    """Make `/privacy/SITE/me`.

    Args:
        render: fills a template, by name and context.
        get_context: gives what assembling needs, as it is now.
    """

    async def answer(request: Request) -> Response:
        context = get_context()
        site = context.sites.named(request.path_params["domain"])
        if site is None:
            return missing(render, request, asked_only=True)
        admitted = decide(request.scope, request.receive)
        if isinstance(admitted, Refusal):
            return _refused(render, request, site)
        return _shown(render, admitted, context, site)

    return [Route("/privacy/{domain}/me", answer, methods=["GET"])]


def changed_cells(hit: Hit) -> Iterator[ChangedCell]:
    """Go through the cells that a hit adds to: what `fan_out.select` makes of it."""
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
    """Make a hit as if one had been sent, leaving every state as it was."""
    apart = replace(
        context,
        visits=Visits(),
        limits=RateLimiter(),
        secrets=DaySecrets(None, context.clock, "memory"),
    )
    return build_hit(payload, admitted, apart, site.domain)


def _values(hit: Hit, name: str) -> tuple[str, ...]:
    if name in LIST_DIMENSIONS:
        listed: tuple[str, ...] = getattr(hit, LIST_DIMENSIONS[name])
        return listed
    return (getattr(hit.visit if name in VISIT_VALUES else hit, name),)


def _instant(hit: Hit, grain: Grain) -> int:
    return {Grain.DAY: 0, Grain.HOUR: hit.hour, Grain.MINUTE: hit.minute}[grain]


def _refused(render: Render, request: Request, site: Site) -> Response:
    language = language_of(request, asked_only=True)
    state = state_of(signals_in(request.scope["headers"]))
    return _page(render, site, language, {**_UNREAD, "state": state, "drop": ""})


def _shown(render: Render, admitted: Admitted, context: IngestContext, site: Site) -> Response:
    query = parse_qs(admitted.query_string[:MAX_QUERY].decode("latin-1"))
    accepted = admitted.header(b"accept-language").decode("latin-1")
    language = language_for(query.get("language", [""])[0], accepted)
    width = _width(query.get("width", [""])[0])
    made = dry_run(admitted, context, site, _payload(site, query, width))
    shown: dict[str, Any] = {
        **_UNREAD,
        "state": {"counted": True, "opted_out": False, "gpc": False, "dnt": False},
        "drop": "",
        "width": width,
        "rows": _read_rows(admitted, context, width, words_of(language)),
    }
    if isinstance(made, Drop):
        shown["drop"] = f"dropped_{made}" if made in _SAID_DROPS else "dropped_other"
    else:
        shown |= _cells_of(made.hit, words_of(language))
    return _page(render, site, language, shown)


def _page(render: Render, site: Site, language: str, context: dict[str, Any]) -> Response:
    links = {
        "site": site.domain,
        "notice_url": in_language(f"/privacy/{site.domain}", language),
        "opt_out_url": in_language("/opt-out", language),
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
    cut = t["cut"].format(address=_written(address), network=_written(truncated(address)))
    accepted = admitted.header(b"accept-language").decode("latin-1")
    return [
        (t["address"], cut if address else t["unsaid"]),
        (t["agent"], " · ".join(_said_of_itself(admitted)) or t["unsaid"]),
        (t["accepted"], accepted or t["unsaid"]),
        (t["width"], t["pixels"].format(width=width) if width else t["unsaid"]),
    ]


def _said_of_itself(admitted: Admitted) -> Iterator[str]:
    for name in (b"user-agent", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform"):
        value = admitted.header(name)
        if value:
            yield value.decode("latin-1")


def _written(address: bytes) -> str:
    # Isolated, for within Arabic an address would turn the words around it.
    return f"\u2068{ip_address(address)}\u2069" if address else ""


def _in_words(words: Words, dimension: str, value: str) -> str:
    """Say a value in the visitor's language if it is one of ours: "(none)", a device, a channel."""
    said = words["values"]
    if value.startswith("("):
        return str(said.get(value, value))
    head, space, rest = value.partition(" ")
    known = dimension in _NAMED and (dimension == "screen" or not space)
    return f"{said.get(head, head)}{space}{rest}" if known else value


def _cells_of(hit: Hit, words: Words) -> dict[str, Any]:
    """Gather the cells of a hit by view, for the page."""
    by_view: dict[tuple[int, tuple[str, ...]], list[ChangedCell]] = {}
    for cell in changed_cells(hit):
        by_view.setdefault((cell.view.id, cell.values), []).append(cell)
    rows = []
    for cells in by_view.values():
        view, values = cells[0].view, cells[0].values
        by = grain_words(view, words)
        said = tuple(map(partial(_in_words, words), view.dimensions, values))
        rows.append((len(view.dimensions), view_words(view, words), said, by))
    return {
        "count": sum(len(cells) for cells in by_view.values()),
        "cells": [row[1:] for row in rows if row[0] < 2],
        "pairs": [row[1:] for row in rows if row[0] == 2],
        "path": hit.path,
    }
