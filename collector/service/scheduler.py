"""Go the rounds: what the service does by itself, again and again.

Knows how often; refuses to know how. Sites and places are read anew when they
changed, day secrets destroyed and closed days sealed when they are due, memory
given back. Called by `app`, which begins and ends it, and through the control
socket by commands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from collector.cells.sealing import Sealer
from collector.day import DAY_SECONDS
from collector.demo import filling
from collector.errors import CollectorError, DeliveryError, SealError
from collector.ingest.enrich.acquisition import known_values
from collector.registry.sites import Site
from collector.service.background import aside, left_behind
from collector.service.container import Parts
from collector.service.operations import erase_removed, expire, seal_due

SITES_SECONDS = 1.0
PLACES_SECONDS = 1.0
SEAL_SECONDS = 10.0
SECRETS_SECONDS = 5.0
SNAPSHOT_SECONDS = 1.0
STORE_SECONDS = 2.0
EXPIRY_SECONDS = 60.0
ERASE_SECONDS = 30.0
MEMORY_SECONDS = 10.0
END_SECONDS = 5.0

_log = logging.getLogger(__name__)


def begin(parts: Parts, demo: Site | None = None) -> list[asyncio.Task[None]]:
    """Begin all rounds, on the running event loop.

    Args:
        demo: the site to invent traffic for; None for none.
    """
    work = [
        asyncio.create_task(_again(SITES_SECONDS, lambda: _read_sites(parts), "reading sites")),
        asyncio.create_task(_again(PLACES_SECONDS, parts.places.refresh, "looking for places")),
        asyncio.create_task(_again(SECRETS_SECONDS, lambda: _destroy(parts), "destroying secrets")),
        asyncio.create_task(_again(SNAPSHOT_SECONDS, lambda: picture(parts), "taking snapshots")),
        asyncio.create_task(_again(SEAL_SECONDS, lambda: _seal(parts), "sealing")),
        asyncio.create_task(_again(EXPIRY_SECONDS, Expiry(parts), "deleting what is old")),
        asyncio.create_task(
            _again(MEMORY_SECONDS, lambda: _release_memory(parts), "releasing memory")
        ),
        asyncio.create_task(_again(ERASE_SECONDS, lambda: _erase(parts), "erasing removed sites")),
    ]
    if not parts.opened:
        work.append(asyncio.create_task(_await_store(parts)))
    if demo is not None:
        work.append(asyncio.create_task(_invent(parts, demo)))
    return work


async def end(parts: Parts, work: list[asyncio.Task[None]]) -> None:
    """End rounds: what one is in the middle of gets some seconds, then is left to itself."""
    parts.stopping.set()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    patience = END_SECONDS
    while left_behind() and patience > 0:
        await asyncio.sleep(0.05)
        patience -= 0.05


def open_store(parts: Parts) -> None:
    """Make the store's tables what they should be, then begin to deliver.

    Raises:
        DeliveryError: if a server does not answer or refuses.
        StoreBusy: if another process has the embedded store.
    """
    parts.make_ready()
    parts.delivery.start()
    parts.opened = True


class Expiry:
    """Deletes what is old once a day, and after each closing instant.

    The first turn of a process counts as a new day.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._done = (0, 0)

    def __call__(self) -> None:
        """Take a turn."""
        parts = self._parts
        today = int(parts.clock.now()) // DAY_SECONDS, parts.seals
        if not parts.opened or today == self._done:
            return
        # A clock that jumped would make everything look old.
        _check_clock(parts)
        expire(parts)
        self._done = today


def _read_sites(parts: Parts) -> None:
    if parts.registry.changed():
        parts.read_sites()


def _destroy(parts: Parts) -> None:
    _check_clock(parts)
    parts.secrets.destroy(parts.clock.now())


def _check_clock(parts: Parts) -> None:
    try:
        parts.sealer.check_clock()
    except SealError as jumped:
        parts.trouble = str(jumped)
        raise


def picture(parts: Parts) -> None:
    """Take the next picture for strict sites if one is due."""
    # While a day is sealed the last picture stands; this round does not wait for it.
    if parts.opened and parts.sealing.acquire(blocking=False):
        try:
            # Not as last read: a question may have had the first picture taken since then.
            parts.snapshots.take_due(parts.registry.sites())
        finally:
            parts.sealing.release()


def _seal(parts: Parts) -> None:
    if parts.opened:
        seal_due(parts)


def _erase(parts: Parts) -> None:
    if parts.opened and parts.registry.erasures():
        erase_removed(parts)


def _release_memory(parts: Parts) -> None:
    if parts.opened:
        parts.reports.forget()
        parts.store.release_memory()


async def _await_store(parts: Parts) -> None:
    while not parts.opened:
        try:
            await aside(lambda: open_store(parts))
        except DeliveryError as failed:
            _log.warning("the store is not ready, hits wait in the spool: %s", failed)
            await asyncio.sleep(STORE_SECONDS)


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

    def go_on() -> bool:
        return not parts.stopping.is_set()

    def fill() -> None:
        with parts.sealing:
            filled = filling.fill(parts.store, hasty.seal, site, parts.clock, mark, go_on)
        if filled.days:
            _log.info("invented %d hits of %d days for %s", filled.hits, filled.days, site.domain)

    await aside(fill)
    await filling.trickle(parts.journal, parts.visits, site, parts.clock, mark)


async def _again(seconds: float, once: Callable[[], object], what: str) -> None:
    while True:
        try:
            await aside(once)
        except CollectorError as failed:
            _log.error("%s: %s", what, failed)
        except Exception:  # noqa: BLE001 - logged with its trace
            # A round must outlive whatever befalls one turn of it; the next turn tries again.
            _log.exception("%s failed", what)
        await asyncio.sleep(seconds)
