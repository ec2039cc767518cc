"""Answer whether the service lives and whether it can take hits.

Knows the spool's and delivery's states; refuses to say anything of a site or
a visitor. Asked by supervisors, proxies and `footfall healthcheck`.
"""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.spool.delivery import Delivery
from collector.spool.journal import Journal


def routes(journal: Journal, delivery: Delivery) -> list[Route]:
    """Make `/healthz` (alive) and `/readyz` (can accept hits), with reasons."""

    async def alive(_: Request) -> Response:
        return _answer(200, {"status": "alive"})

    async def ready(_: Request) -> Response:
        trouble = journal.trouble
        spool, health = journal.stats(), delivery.health()
        facts = {
            "status": "ready" if trouble is None else "not ready",
            "reason": str(trouble) if trouble else "",
            "spool": {"hits": spool.rows, "bytes": spool.bytes},
            "delivery": {"state": health.state, "lag_seconds": round(health.lag_seconds, 1)},
        }
        return _answer(200 if trouble is None else 503, facts)

    return [Route("/healthz", alive), Route("/readyz", ready)]


def _answer(status: int, facts: object) -> Response:
    return Response(
        orjson.dumps(facts),
        status,
        {"Cache-Control": "no-store"},
        media_type="application/json",
    )
