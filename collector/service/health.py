"""Serve `/healthz`, `/readyz` and `/metrics`; metrics need a token that may read every site."""

from __future__ import annotations

import orjson
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.service.container import Container
from collector.service.metrics import render_metrics

UNSTORED = {"Cache-Control": "no-store"}
BEARER = "bearer "
ROOM_BYTES = 2048
"""Free space the spool needs to count as ready: about one long hit."""


def routes(container: Container) -> list[Route]:
    """Return the routes `/healthz` (alive), `/readyz` (can accept hits) and `/metrics`."""

    async def alive(_: Request) -> Response:
        return _answer(200, "alive", [])

    async def ready(_: Request) -> Response:
        refused = _why_refusing(container)
        reasons = [refused] if refused else []
        if not container.store_ready:
            reasons.append("the store does not answer: nothing is delivered yet")
        if container.delivery.health().state == "schema":
            reasons.append("the store's tables are not those of this version: nothing is delivered")
        if container.sealing_problem:
            reasons.append(container.sealing_problem)
        return _answer(503 if refused else 200, "not ready" if refused else "ready", reasons)

    async def metrics(request: Request) -> Response:
        if not await run_sync(
            _can_read_metrics, container, request.headers.get("authorization", "")
        ):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer", **UNSTORED})
        return Response(
            render_metrics(container), 200, UNSTORED, media_type="text/plain; version=0.0.4"
        )

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _why_refusing(container: Container) -> str:
    """Return why hits are refused at present; empty if they are not."""
    if container.spool.failure is not None:
        return str(container.spool.failure)
    if container.spool.stats().bytes + ROOM_BYTES > container.settings.spool.max_bytes:
        return "the spool is full: hits are refused until some are delivered"
    return ""


def _can_read_metrics(container: Container, authorization: str) -> bool:
    if not authorization.lower().startswith(BEARER):
        return False
    grant = container.registry.token_grant(authorization[len(BEARER) :].strip())
    return grant is not None and grant.site_id is None and "read" in grant.scopes


def _answer(status: int, word: str, reasons: list[str]) -> Response:
    facts = {"status": word, "reasons": reasons}
    return Response(orjson.dumps(facts), status, UNSTORED, media_type="application/json")
