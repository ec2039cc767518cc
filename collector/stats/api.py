"""Answer Plausible's version 1 reading API: aggregate, timeseries, breakdown, realtime/visitors.

Knows HTTP and who may read what; the questions are read by `parameters` and
answered by `report`. An unknown site and one that is not the asker's are
answered alike. Called by `app` for its routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import anyio
import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.errors import DeliveryError, QueryError
from collector.registry.sites import Site
from collector.registry.store import Registry
from collector.stats import parameters
from collector.stats.metrics import METRICS, rounded
from collector.stats.parameters import Asked
from collector.stats.query import Report
from collector.stats.report import Reports

AT_ONCE = 4
"""How many questions are asked of the store at the same time."""

NO_TOKEN = "This site needs a token: send it in the header Authorization: Bearer TOKEN."  # noqa: S105
NOT_YOURS = "There is no such site, or the token does not grant reading it."
NO_ANSWER = "The numbers cannot be read at the moment; try again soon."

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Work = Callable[[Site, Mapping[str, str]], Any]
Read = Callable[[Mapping[str, str], Site, date], Asked]
Write = Callable[[Reports, Asked, Mapping[str, str]], Any]


class NotGranted(Exception):
    """Raised if an asker may not read a site, or there is none; both look the same."""


def routes(reports: Reports, registry: Registry) -> list[Route]:
    """List the routes under `/api/v1/stats`."""
    limiter = anyio.CapacityLimiter(AT_ONCE)
    work: dict[str, Work] = {
        "aggregate": _asking(reports, parameters.aggregate, _aggregate),
        "timeseries": _asking(reports, parameters.timeseries, _timeseries),
        "breakdown": _asking(reports, parameters.breakdown, _breakdown),
        "realtime/visitors": lambda site, _: reports.visitors_now(site),
    }
    return [
        Route(f"/api/v1/stats/{name}", _Answering(reports, registry, limiter, what).answer)
        for name, what in work.items()
    ]


@dataclass(frozen=True, slots=True)
class _Answering:
    """Answers the requests of one route, in threads."""

    reports: Reports
    registry: Registry
    limiter: anyio.CapacityLimiter
    work: Work

    async def answer(self, request: Request) -> Response:
        """Answer one request; what goes wrong is told in a sentence."""
        try:
            return _json(await anyio.to_thread.run_sync(self._read, request, limiter=self.limiter))
        except NotGranted as refused:
            return _json({"error": str(refused)}, 401, {"WWW-Authenticate": "Bearer"})
        except QueryError as wrong:
            return _json({"error": str(wrong)}, 400)
        except DeliveryError:
            return _json({"error": NO_ANSWER}, 503, {"Retry-After": "5"})

    def _read(self, request: Request) -> Any:
        site = site_of(request, self.reports, self.registry)
        return self.work(site, request.query_params)


def _asking(reports: Reports, read: Read, write: Write) -> Work:
    return lambda site, given: write(reports, read(given, site, reports.today(site)), given)


def site_of(request: Request, reports: Reports, registry: Registry) -> Site:
    """Find the site a request names, if its asker may read it; blocks for a look at the registry.

    Raises:
        QueryError: if no site is named.
        NotGranted: if it is unknown, or neither public nor granted by the token.
    """
    domain = request.query_params.get("site_id", "")
    if not domain:
        raise QueryError("The parameter site_id is missing: the domain of the site.")
    site = reports.sites().named(domain)
    if site and site.public:
        return site
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotGranted(NO_TOKEN)
    grant = registry.token_grant(token.strip())
    if grant and site and "read" in grant.scopes and grant.site_id in (None, site.id):
        return site
    raise NotGranted(NOT_YOURS)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(content),
        status_code=status,
        headers={**_HEADERS, **(headers or {})},
        media_type="application/json",
    )


def _aggregate(reports: Reports, asked: Asked, given: Mapping[str, str]) -> dict[str, Any]:
    report = reports.ask(asked.query)
    now = _values(asked, report.totals)
    results: dict[str, dict[str, float | None]] = {n: {"value": v} for n, v in now.items()}
    if _compares(given):
        query = replace(asked.query, period=asked.query.period.before())
        before = _values(asked, reports.ask(query).totals)
        for name, metric in zip(asked.names, asked.query.metrics, strict=True):
            results[name]["change"] = change(metric, before[name], now[name])
    return _with_exactness(results, report)


def _timeseries(reports: Reports, asked: Asked, _: Mapping[str, str]) -> dict[str, Any]:
    report = reports.ask(asked.query)
    rows = [{"date": _moment(row.value), **_values(asked, row.metrics)} for row in report.rows]
    return _with_exactness(rows, report)


def _breakdown(reports: Reports, asked: Asked, _: Mapping[str, str]) -> dict[str, Any]:
    report = reports.ask(asked.query)
    rows = [
        {asked.key: row.value.removeprefix(asked.prefix), **_values(asked, row.metrics)}
        for row in report.rows
    ]
    return _with_exactness(rows, report)


def change(metric: str, before: float | None, now: float | None) -> float | None:
    """Compare two values: percent of the first, or for a percentage the points between them.

    Returns:
        A whole number; 100 from nothing to something; None if either is not known.
    """
    if before is None or now is None:
        return None
    if METRICS[metric].unit == "percent":
        return round(now - before)
    if before == 0:
        return 100 if now else 0
    return round(100 * (now - before) / before)


def _compares(given: Mapping[str, str]) -> bool:
    wanted = given.get("compare", "")
    if wanted not in ("", "previous_period"):
        raise QueryError("The parameter compare is previous_period.")
    return bool(wanted)


def _values(asked: Asked, metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        name: rounded(metric, metrics[metric])
        for name, metric in zip(asked.names, asked.query.metrics, strict=True)
    }


def _moment(label: str) -> str:
    """Write a bucket's start as Plausible does: a date, or a local time without its offset."""
    return label if "T" not in label else f"{label[:10]} {label[11:16]}:00"


def _with_exactness(results: Any, report: Report) -> dict[str, Any]:
    return {"results": results, "exactness": list(report.exactness)}
