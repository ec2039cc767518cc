"""Answer Plausible's version 1 reading API: aggregate, timeseries, breakdown, realtime/visitors.

Knows the shape of the answers; questions are read by `parameters`, answered by
`report`, and who may ask is known to `access`. Called by `app` for its routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.api import v1_params, v2
from collector.api.auth import SiteAccess
from collector.api.v1_params import RequestedQuery, moment, values
from collector.errors import QueryError
from collector.registry.sites import Site
from collector.registry.store import Registry
from collector.stats.metrics import METRICS
from collector.stats.query import Report
from collector.stats.report import Reports

Work = Callable[[Site, Mapping[str, str]], Any]
Read = Callable[[Mapping[str, str], Site, date], RequestedQuery]
Write = Callable[[Reports, RequestedQuery, Mapping[str, str]], Any]


def routes(reports: Reports, registry: Registry) -> list[Route]:
    """List the routes under `/api/v1/stats`, and `/api/v2/query`."""
    access = SiteAccess(reports, registry)
    work: dict[str, Work] = {
        "aggregate": _asking(reports, v1_params.aggregate, _aggregate),
        "timeseries": _asking(reports, v1_params.timeseries, _timeseries),
        "breakdown": _asking(reports, v1_params.breakdown, _breakdown),
        "realtime/visitors": lambda site, _: reports.visitors_now(site),
    }
    first = [
        Route(f"/api/v1/stats/{name}", _Answering(access, what).answer)
        for name, what in work.items()
    ]
    return [*first, v2.route(reports, access)]


@dataclass(frozen=True, slots=True)
class _Answering:
    """Answers the requests of one route."""

    access: SiteAccess
    work: Work

    async def answer(self, request: Request) -> Response:
        """Answer one request, for a site that its asker may read."""
        given = request.query_params
        authorization = request.headers.get("authorization", "")

        def read() -> Any:
            if not given.get("site_id"):
                raise QueryError("The parameter site_id is missing: the domain of the site.")
            return self.work(self.access.site(given["site_id"], authorization), given)

        return await self.access.answer(read)


def _asking(reports: Reports, read: Read, write: Write) -> Work:
    return lambda site, given: write(reports, read(given, site, reports.today(site)), given)


def _aggregate(reports: Reports, asked: RequestedQuery, given: Mapping[str, str]) -> dict[str, Any]:
    report = reports.ask(asked.query)
    now = values(asked, report.totals)
    results: dict[str, dict[str, float | None]] = {n: {"value": v} for n, v in now.items()}
    if _compares(given):
        query = replace(asked.query, period=asked.query.period.before())
        earlier = reports.ask(query)
        before = values(asked, earlier.totals)
        whole = report.since is None and earlier.since is None
        for name, metric in zip(asked.names, asked.query.metrics, strict=True):
            results[name]["change"] = change(metric, before[name], now[name]) if whole else None
    return _with_caveats(results, report)


def _timeseries(reports: Reports, asked: RequestedQuery, _: Mapping[str, str]) -> dict[str, Any]:
    report = reports.ask(asked.query)
    rows = [{"date": moment(row.value), **values(asked, row.metrics)} for row in report.rows]
    return _with_caveats(rows, report)


def _breakdown(reports: Reports, asked: RequestedQuery, _: Mapping[str, str]) -> dict[str, Any]:
    report = reports.ask(asked.query)
    rows = [
        {asked.key: row.value.removeprefix(asked.prefix), **values(asked, row.metrics)}
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


def _compares(given: Mapping[str, str]) -> bool:
    wanted = given.get("compare", "")
    if wanted not in ("", "previous_period"):
        raise QueryError("The parameter compare is previous_period.")
    return bool(wanted)


def _with_caveats(results: Any, report: Report) -> dict[str, Any]:
    return {"results": results, "exactness": list(report.caveats)}
