"""Answer Plausible's version 2 query API: one question as JSON, its rows as arrays.

Knows the shape of the answer; questions are read by `body`, answered by
`report`, and who may ask is known to `access`. Called by `api` for its route.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.api import v2_body
from collector.api.auth import SiteAccess
from collector.api.v1_params import RequestedQuery, moment, values
from collector.api.v2_body import Body
from collector.errors import QueryError
from collector.stats.query import Report, ReportRow
from collector.stats.report import Reports

LONGEST_BODY = 64 * 1024


def route(reports: Reports, access: SiteAccess) -> Route:
    """Give the route `POST /api/v2/query`."""

    async def answer(request: Request) -> Response:
        sent = await _bounded(request)
        authorization = request.headers.get("authorization", "")

        def read() -> Any:
            if len(sent) > LONGEST_BODY:
                raise QueryError(f"A question has at most {LONGEST_BODY} bytes.")
            question = v2_body.decode(sent)
            site = access.site(question.site_id, authorization)
            asked = v2_body.asked_of(question, site, reports.today(site))
            return _written(question, asked, reports.ask(asked.query))

        return await access.answer(read)

    return Route("/api/v2/query", answer, methods=["POST"])


async def _bounded(request: Request) -> bytes:
    """Read a body, and no more of it than tells that it is too long."""
    sent = bytearray()
    async for chunk in request.stream():
        sent += chunk
        if len(sent) > LONGEST_BODY:
            break
    return bytes(sent)


def _written(question: Body, asked: RequestedQuery, report: Report) -> dict[str, Any]:
    grouped = bool(question.dimensions)
    rows = report.rows if grouped else (ReportRow("", report.totals),)
    meta: dict[str, Any] = {"exactness": list(report.caveats), "view": report.view}
    if question.include.time_labels and asked.query.grain is not None:
        meta["time_labels"] = [moment(row.value) for row in rows]
    return {
        "results": [
            {
                "metrics": _in_order(question, asked, row),
                "dimensions": [_label(asked, row)] if grouped else [],
            }
            for row in rows
        ],
        "meta": meta,
        "query": {
            "site_id": question.site_id,
            "metrics": question.metrics,
            "date_range": [asked.query.period.first, asked.query.period.last],
            "dimensions": question.dimensions,
            "filters": question.filters,
        },
    }


def _in_order(question: Body, asked: RequestedQuery, row: ReportRow) -> list[float | None]:
    found = values(asked, row.metrics)
    return [found[name] for name in question.metrics]


def _label(asked: RequestedQuery, row: ReportRow) -> str:
    if asked.query.dimension:
        return row.value.removeprefix(asked.prefix)
    return moment(row.value)
