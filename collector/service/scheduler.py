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
from collector.service.background import run_in_thread, threads_running
from collector.service.container import Container
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


def start(container: Container, demo: Site | None = None) -> list[asyncio.Task[None]]:
    """Begin all rounds, on the running event loop.

    Args:
        demo: the site to invent traffic for; None for none.
    """
    work = [
        asyncio.create_task(_again(SITES_SECONDS, lambda: _read_sites(container), "reading sites")),
        asyncio.create_task(_again(PLACES_SECONDS, container.geo.refresh, "looking for places")),
        asyncio.create_task(
            _again(SECRETS_SECONDS, lambda: _destroy(container), "destroying secrets")
        ),
        asyncio.create_task(
            _again(SNAPSHOT_SECONDS, lambda: take_snapshot(container), "taking snapshots")
        ),
        asyncio.create_task(_again(SEAL_SECONDS, lambda: _seal(container), "sealing")),
        asyncio.create_task(_again(EXPIRY_SECONDS, Expiry(container), "deleting what is old")),
        asyncio.create_task(
            _again(MEMORY_SECONDS, lambda: _release_memory(container), "releasing memory")
        ),
        asyncio.create_task(
            _again(ERASE_SECONDS, lambda: _erase(container), "erasing removed sites")
        ),
    ]
    if not container.store_ready:
        work.append(asyncio.create_task(_await_store(container)))
    if demo is not None:
        work.append(asyncio.create_task(_invent(container, demo)))
    return work


async def stop(container: Container, work: list[asyncio.Task[None]]) -> None:
    """End rounds: what one is in the middle of gets some seconds, then is left to itself."""
    container.stopping.set()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    patience = END_SECONDS
    while threads_running() and patience > 0:
        await asyncio.sleep(0.05)
        patience -= 0.05


def open_store(container: Container) -> None:
    """Make the store's tables what they should be, then begin to deliver.

    Raises:
        DeliveryError: if a server does not answer or refuses.
        StoreBusy: if another process has the embedded store.
    """
    container.prepare()
    container.delivery.start()
    container.store_ready = True


class Expiry:
    """Deletes what is old once a day, and after each closing instant.

    The first turn of a process counts as a new day.
    """

    def __init__(self, container: Container) -> None:
        self.container = container
        self._done = (0, 0)

    def __call__(self) -> None:
        """Take a turn."""
        container = self.container
        today = int(container.clock.now()) // DAY_SECONDS, container.sealed_days
        if not container.store_ready or today == self._done:
            return
        # A clock that jumped would make everything look old.
        _check_clock(container)
        expire(container)
        self._done = today


def _read_sites(container: Container) -> None:
    if container.registry.changed():
        container.read_sites()


def _destroy(container: Container) -> None:
    _check_clock(container)
    container.secrets.destroy(container.clock.now())


def _check_clock(container: Container) -> None:
    try:
        container.sealer.check_clock()
    except SealError as jumped:
        container.sealing_problem = str(jumped)
        raise


def take_snapshot(container: Container) -> None:
    """Take the next picture for strict sites if one is due."""
    # While a day is sealed the last picture stands; this round does not wait for it.
    if container.store_ready and container.sealing_lock.acquire(blocking=False):
        try:
            # Not as last read: a question may have had the first picture taken since then.
            container.snapshots.refresh(container.registry.sites())
        finally:
            container.sealing_lock.release()


def _seal(container: Container) -> None:
    if container.store_ready:
        seal_due(container)


def _erase(container: Container) -> None:
    if container.store_ready and container.registry.erasures():
        erase_removed(container)


def _release_memory(container: Container) -> None:
    if container.store_ready:
        container.reports.forget()
        container.store.release_memory()


async def _await_store(container: Container) -> None:
    while not container.store_ready:
        try:
            await run_in_thread(lambda: open_store(container))
        except DeliveryError as failed:
            _log.warning("the store is not ready, hits wait in the spool: %s", failed)
            await asyncio.sleep(STORE_SECONDS)


async def _invent(container: Container, site: Site) -> None:
    mark = container.settings.data_dir / "demo.mark"

    # Nobody has asked about invented days yet, so no question needs time to end.
    hasty = Sealer(
        container.store,
        container.spool,
        container.secrets,
        container.registry.sites,
        container.clock,
        known=known_values(),
        queries_end_s=0,
    )

    def go_on() -> bool:
        return not container.stopping.is_set()

    def fill() -> None:
        with container.sealing_lock:
            filled = filling.fill(container.store, hasty.seal, site, container.clock, mark, go_on)
        if filled.days:
            _log.info("invented %d hits of %d days for %s", filled.hits, filled.days, site.domain)

    await run_in_thread(fill)
    await filling.trickle(container.spool, container.visits, site, container.clock, mark)


async def _again(seconds: float, once: Callable[[], object], what: str) -> None:
    while True:
        try:
            await run_in_thread(once)
        except CollectorError as failed:
            _log.error("%s: %s", what, failed)
        except Exception:  # noqa: BLE001 - logged with its trace
            # A round must outlive whatever befalls one turn of it; the next turn tries again.
            _log.exception("%s failed", what)
        await asyncio.sleep(seconds)
