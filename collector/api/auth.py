"""Decide who may read a site through the reading APIs, and answer in JSON.

An unknown site and one that a token does not grant are answered alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import anyio.to_thread
import orjson
from starlette.responses import Response

from collector.errors import DeliveryError, QueryError
from collector.registry.sites import Site
from collector.registry.store import Registry
from collector.stats.report import Reports

CONCURRENT = 4
"""How many questions of the APIs the store answers at the same time."""

NO_TOKEN = "This site needs a token: send it in the header Authorization: Bearer TOKEN."  # noqa: S105
NOT_YOURS = "There is no such site, or the token does not grant reading it."
NO_ANSWER = "The numbers cannot be read at the moment; try again soon."

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class NotGranted(Exception):
    """Raised if a request may not read a site, or there is none; both look the same."""


class SiteAccess:
    """Who may read which site, and how many at once."""

    def __init__(self, reports: Reports, registry: Registry) -> None:
        self._reports = reports
        self._registry = registry
        self._limiter = anyio.CapacityLimiter(CONCURRENT)

    def site(self, domain: str, authorization: str) -> Site:
        """Find a site that a request may read; blocks to read the registry.

        Args:
            authorization: the header as sent; empty if none was.

        Raises:
            NotGranted: if the site is unknown, or neither public nor granted by the token.
        """
        site = self._reports.sites().named(domain)
        if site and site.public:
            return site
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotGranted(NO_TOKEN)
        grant = self._registry.token_grant(token.strip())
        if grant and site and "read" in grant.scopes and grant.site_id in (None, site.id):
            return site
        raise NotGranted(NOT_YOURS)

    async def answer(self, read: Callable[[], Any]) -> Response:
        """Answer with what a function returns in a thread, or with a sentence about the error."""
        try:
            return _json(await anyio.to_thread.run_sync(read, limiter=self._limiter))
        except NotGranted as refused:
            return _json({"error": str(refused)}, 401, {"WWW-Authenticate": "Bearer"})
        except QueryError as wrong:
            return _json({"error": str(wrong)}, 400)
        except DeliveryError:
            return _json({"error": NO_ANSWER}, 503, {"Retry-After": "5"})


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(content),
        status_code=status,
        headers={**_HEADERS, **(headers or {})},
        media_type="application/json",
    )
