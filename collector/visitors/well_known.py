"""Serve `/.well-known/`: Global Privacy Control, tracking status and security.txt.

Every answer is the same for all clients and may be cached.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.clock import Clock
from collector.registry.sites import Site
from collector.settings import Settings
from collector.visitors.notice import TEXT_OF
from collector.visitors.responses import GetSites
from collector.visitors.translations import LANGUAGES

STATUS_TYPE: Final = "application/tracking-status+json"
SECURITY_DAYS: Final = 180
_HEADERS: Final = {
    "Cache-Control": "public, max-age=86400",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Tk": "N",
}


def routes(settings: Settings, get_sites: GetSites, clock: Clock) -> list[Route]:
    """Create the routes below `/.well-known/`.

    Args:
        clock: sets when security.txt expires.
    """

    async def gpc(_: Request) -> Response:
        return _json({"gpc": True, "lastUpdate": TEXT_OF.isoformat()}, "application/json")

    async def instance_status(_: Request) -> Response:
        return _json(tracking_status(None), STATUS_TYPE)

    async def site_status(request: Request) -> Response:
        site = get_sites().named(request.path_params["domain"])
        return _missing() if site is None else _json(tracking_status(site), STATUS_TYPE)

    async def security(_: Request) -> Response:
        text = security_text(settings, datetime.fromtimestamp(clock.now(), UTC))
        return Response(text, headers=_HEADERS, media_type="text/plain") if text else _missing()

    return [
        Route("/.well-known/gpc.json", gpc, methods=["GET"]),
        Route("/.well-known/dnt/", instance_status, methods=["GET"]),
        Route("/.well-known/dnt/{domain}", site_status, methods=["GET"]),
        Route("/.well-known/security.txt", security, methods=["GET"]),
    ]


def tracking_status(site: Site | None) -> dict[str, Any]:
    """Declare that no one is tracked, who is responsible, and where to opt out.

    Args:
        site: None for the whole instance.

    Source: W3C Tracking Preference Expression, tracking status representation.
    """
    status: dict[str, Any] = {"tracking": "N", "config": "/opt-out"}
    if site is not None:
        status |= {
            "controller": [f"https://{site.domain}/"],
            "policy": f"/privacy/{site.domain}",
        }
    return status


def security_text(settings: Settings, now: datetime) -> str:
    """Write security.txt; empty without a contact.

    It expires within a year, and stays the same for a whole day.

    Source: RFC 9116.
    """
    if not settings.security_contact:
        return ""
    expires = now.replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: {settings.security_contact}",
        f"Expires: {(expires + timedelta(days=SECURITY_DAYS)).strftime('%Y-%m-%dT%H:%M:%SZ')}",
        f"Preferred-Languages: {next(iter(LANGUAGES))}",
    ]
    if settings.public_url:
        lines.append(f"Canonical: {settings.public_url}/.well-known/security.txt")
    return "\n".join(lines) + "\n"


def _json(value: Any, kind: str) -> Response:
    return Response(orjson.dumps(value), headers=_HEADERS, media_type=kind)


def _missing() -> Response:
    return Response(status_code=404, headers=_HEADERS)
