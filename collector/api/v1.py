"""Answer Plausible's version 1 reading API: aggregate, timeseries, breakdown, realtime/visitors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.api import v1_params, v2
from collector.api.auth import SiteAccess
from collector.api.v1_params import Params, RequestedQuery, plausible_time, values
from collector.errors import QueryError
from collector.registry.sites import Site
from collector.registry.store import Registry
from collector.stats.metrics import METRICS
from collector.stats.query import Report
from collector.stats.report import Reports

Endpoint = Callable[[Site, Params], Any]
Read = Callable[[Params, Site, date], RequestedQuery]
Write = Callable[[Reports, RequestedQuery, Params], Any]


def routes(reports: Reports, registry: Registry) -> list[Route]:
    """List the routes under `/api/v1/stats`, and `/api/v2/query`."""
    access = SiteAccess(reports, registry)

    def endpoint(read: Read, write: Write) -> Endpoint:
        return lambda site, params: write(reports, read(params, site, reports.today(site)), params)

    endpoints: dict[str, Endpoint] = {
        "aggregate": endpoint(v1_params.aggregate, _aggregate),
        "timeseries": endpoint(v1_params.timeseries, _timeseries),
        "breakdown": endpoint(v1_params.breakdown, _breakdown),
        "realtime/visitors": lambda site, _: reports.visitors_now(site),
    }
    first = [_route(name, access, answer) for name, answer in endpoints.items()]
    return [*first, v2.route(reports, access)]


def _route(name: str, access: SiteAccess, endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        params = request.query_params
        authorization = request.headers.get("authorization", "")

        def read() -> Any:
            if not params.get("site_id"):
                raise QueryError("The parameter site_id is missing: the domain of the site.")
            return endpoint(access.site(params["site_id"], authorization), params)

        return await access.answer(read)

    return Route(f"/api/v1/stats/{name}", answer)


def _aggregate(reports: Reports, requested: RequestedQuery, params: Params) -> dict[str, Any]:
    query = requested.query
    report = reports.ask(query)
    now = values(requested, report.totals)
    results: dict[str, dict[str, float | None]] = {n: {"value": v} for n, v in now.items()}
    if _compares(params):
        earlier = reports.ask(replace(query, period=query.period.before()))
        before = values(requested, earlier.totals)
        whole = report.since is None and earlier.since is None
        for name, metric in zip(requested.names, query.metrics, strict=True):
            results[name]["change"] = change(metric, before[name], now[name]) if whole else None
    return _with_caveats(results, report)


def _timeseries(reports: Reports, requested: RequestedQuery, _: Params) -> dict[str, Any]:
    report = reports.ask(requested.query)
    rows = [
        {"date": plausible_time(row.value), **values(requested, row.metrics)} for row in report.rows
    ]
    return _with_caveats(rows, report)


def _breakdown(reports: Reports, requested: RequestedQuery, _: Params) -> dict[str, Any]:
    report = reports.ask(requested.query)
    rows = [
        {requested.key: requested.shown(row.value), **values(requested, row.metrics)}
        for row in report.rows
    ]
    return _with_caveats(rows, report)


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


def _compares(params: Params) -> bool:
    compare = params.get("compare", "")
    if compare not in ("", "previous_period"):
        raise QueryError("The parameter compare is previous_period.")
    return bool(compare)


def _with_caveats(results: Any, report: Report) -> dict[str, Any]:
    return {"results": results, "exactness": list(report.caveats)}
