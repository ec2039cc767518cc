"""Go the rounds: what the service does by itself, again and again.

Knows how often; refuses to know how. Sites are read anew when they changed,
day secrets destroyed and closed days sealed when they are due. Called by
`app`, which begins and ends it, and through the control socket by commands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from collector.control import Handler
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collector.app import Parts

SITES_SECONDS = 1.0
SEAL_SECONDS = 10.0

_log = logging.getLogger(__name__)


def begin(parts: Parts) -> list[asyncio.Task[None]]:
    """Begin all rounds, on the running event loop."""
    return [
        asyncio.create_task(_again(SITES_SECONDS, lambda: _read_sites(parts), "reading sites")),
        asyncio.create_task(_again(SEAL_SECONDS, lambda: _seal(parts), "sealing")),
    ]


async def end(work: list[asyncio.Task[None]]) -> None:
    """End rounds and wait until they have."""
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def handlers(parts: Parts) -> Mapping[str, Handler]:
    """Give what commands may ask of the running service."""

    async def seal(_: dict[str, Any]) -> Any:
        return await anyio.to_thread.run_sync(_sealed, parts)

    return {"seal": seal}


def _read_sites(parts: Parts) -> None:
    if parts.registry.changed():
        parts.intake = replace(parts.intake, sites=parts.registry.sites())


def _seal(parts: Parts) -> None:
    parts.secrets.destroy(parts.clock.now())
    parts.sealer.run_once()


def _sealed(parts: Parts) -> list[dict[str, Any]]:
    parts.delivery.flush()
    parts.sealer.trust_clock()
    return [asdict(result) for result in parts.sealer.run_once()]


async def _again(seconds: float, once: Callable[[], None], what: str) -> None:
    while True:
        try:
            await anyio.to_thread.run_sync(once)
        except CollectorError as failed:
            _log.error("%s: %s", what, failed)
        except Exception:  # noqa: BLE001 - logged with its trace
            # A round must outlive whatever befalls one turn of it; the next turn tries again.
            _log.exception("%s failed", what)
        await asyncio.sleep(seconds)
