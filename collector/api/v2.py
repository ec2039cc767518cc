"""Answer Plausible's version 2 query API: one question as JSON, its rows as arrays."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.api import v2_body
from collector.api.auth import SiteAccess
from collector.api.v1_params import RequestedQuery, plausible_time, values
from collector.api.v2_body import Body
from collector.errors import QueryError
from collector.stats.query import Report, ReportRow
from collector.stats.report import Reports

LONGEST_BODY = 64 * 1024


def route(reports: Reports, access: SiteAccess) -> Route:
    """Return the route `POST /api/v2/query`."""

    async def answer(request: Request) -> Response:
        body = await _read_body(request)
        authorization = request.headers.get("authorization", "")

        def read() -> Any:
            if len(body) > LONGEST_BODY:
                raise QueryError(f"A question has at most {LONGEST_BODY} bytes.")
            question = v2_body.decode(body)
            site = access.site(question.site_id, authorization)
            requested = v2_body.parse_query(question, site, reports.today(site))
            return _answer(question, requested, reports.ask(requested.query))

        return await access.answer(read)

    return Route("/api/v2/query", answer, methods=["POST"])


async def _read_body(request: Request) -> bytes:
    """Read a body, and no more of it than shows that it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            break
    return bytes(body)


def _answer(question: Body, requested: RequestedQuery, report: Report) -> dict[str, Any]:
    grouped = bool(question.dimensions)
    rows = report.rows if grouped else (ReportRow("", report.totals),)
    meta: dict[str, Any] = {"exactness": list(report.caveats), "view": report.view}
    if question.include.time_labels and requested.query.grain is not None:
        meta["time_labels"] = [plausible_time(row.value) for row in rows]
    return {
        "results": [
            {
                "metrics": _in_order(question, requested, row),
                "dimensions": [_label(requested, row)] if grouped else [],
            }
            for row in rows
        ],
        "meta": meta,
        "query": {
            "site_id": question.site_id,
            "metrics": question.metrics,
            "date_range": [requested.query.period.first, requested.query.period.last],
            "dimensions": question.dimensions,
            "filters": question.filters,
        },
    }


def _in_order(question: Body, requested: RequestedQuery, row: ReportRow) -> list[float | None]:
    found = values(requested, row.metrics)
    return [found[name] for name in question.metrics]


def _label(requested: RequestedQuery, row: ReportRow) -> str:
    if requested.query.dimension:
        return requested.shown(row.value)
    return plausible_time(row.value)
