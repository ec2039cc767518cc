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
from typing import Any

import anyio.to_thread

from collector.cells.sealing import Sealer, SealResult
from collector.control import Handler
from collector.demo import filling
from collector.errors import CollectorError, DeliveryError, SealError
from collector.ingest.acquisition import known_values
from collector.parts import Parts
from collector.registry.sites import Site

SITES_SECONDS = 1.0
SEAL_SECONDS = 10.0
SECRETS_SECONDS = 5.0
STORE_SECONDS = 2.0

_log = logging.getLogger(__name__)


def begin(parts: Parts, demo: Site | None = None) -> list[asyncio.Task[None]]:
    """Begin all rounds, on the running event loop.

    Args:
        demo: the site to invent traffic for; None for none.
    """
    work = [
        asyncio.create_task(_again(SITES_SECONDS, lambda: _read_sites(parts), "reading sites")),
        asyncio.create_task(_again(SECRETS_SECONDS, lambda: _destroy(parts), "destroying secrets")),
        asyncio.create_task(_again(SEAL_SECONDS, lambda: _seal(parts), "sealing")),
    ]
    if not parts.opened:
        work.append(asyncio.create_task(_await_store(parts)))
    if demo is not None:
        work.append(asyncio.create_task(_invent(parts, demo)))
    return work


async def end(work: list[asyncio.Task[None]]) -> None:
    """End rounds and wait until they have."""
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def open_store(parts: Parts) -> None:
    """Make the store's tables what they should be, then begin to deliver.

    Raises:
        DeliveryError: if a server does not answer or refuses.
        StoreBusy: if another process has the embedded store.
    """
    parts.store.prepare()
    parts.sealer.remember()
    parts.delivery.start()
    parts.opened = True


def handlers(parts: Parts) -> Mapping[str, Handler]:
    """Give what commands may ask of the running service."""

    async def seal(_: dict[str, Any]) -> Any:
        return await anyio.to_thread.run_sync(_seal_now, parts)

    async def due(_: dict[str, Any]) -> Any:
        return await anyio.to_thread.run_sync(_due, parts)

    return {"seal": seal, "seal-due": due}


def _read_sites(parts: Parts) -> None:
    if parts.registry.changed():
        parts.intake = replace(parts.intake, sites=parts.registry.sites())


def _destroy(parts: Parts) -> None:
    _check_clock(parts)
    parts.secrets.destroy(parts.clock.now())


def _check_clock(parts: Parts) -> None:
    try:
        parts.sealer.check_clock()
    except SealError as jumped:
        parts.trouble = str(jumped)
        raise


def _seal(parts: Parts) -> list[SealResult]:
    if not parts.opened:
        return []
    with parts.sealing:
        try:
            results = parts.sealer.run_once()
        except SealError as failed:
            parts.trouble = str(failed)
            raise
        parts.trouble = ""
        parts.seals += len(results)
        return results


def _seal_now(parts: Parts) -> list[dict[str, Any]]:
    parts.delivery.flush()
    parts.sealer.trust_clock()
    return [asdict(result) for result in _seal(parts)]


def _due(parts: Parts) -> list[int]:
    parts.delivery.flush()
    return parts.sealer.due(parts.clock.now())


async def _await_store(parts: Parts) -> None:
    while not parts.opened:
        await asyncio.sleep(STORE_SECONDS)
        try:
            await anyio.to_thread.run_sync(open_store, parts)
        except DeliveryError as failed:
            _log.warning("the store is not ready yet: %s", failed)


async def _invent(parts: Parts, site: Site) -> None:
    mark = parts.settings.data_dir / "demo.mark"

    # Nobody has asked about invented days yet, so no question needs time to end.
    hasty = Sealer(
        parts.store,
        parts.journal,
        parts.secrets,
        parts.registry.sites,
        parts.clock,
        known=known_values(),
        queries_end_s=0,
    )

    def fill() -> None:
        with parts.sealing:
            filling.fill(parts.store, hasty.seal, site, parts.clock, mark)

    await anyio.to_thread.run_sync(fill)
    await filling.trickle(parts.journal, parts.visits, site, parts.clock, mark)


async def _again(seconds: float, once: Callable[[], object], what: str) -> None:
    while True:
        try:
            await anyio.to_thread.run_sync(once)
        except CollectorError as failed:
            _log.error("%s: %s", what, failed)
        except Exception:  # noqa: BLE001 - logged with its trace
            # A round must outlive whatever befalls one turn of it; the next turn tries again.
            _log.exception("%s failed", what)
        await asyncio.sleep(seconds)
