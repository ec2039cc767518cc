"""Run the service's periodic background tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from collector.cells.sealing import Sealer
from collector.day import DAY_SECONDS
from collector.demo import seed
from collector.errors import CollectorError, DeliveryError, SealError
from collector.ingest.enrich.acquisition import known_values
from collector.registry.sites import Site
from collector.service.background import run_in_thread, threads_running
from collector.service.container import Container
from collector.service.operations import erase_removed, expire, seal_due

MEMORY_SECONDS = 10.0
STORE_SECONDS = 2.0
END_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Task(NamedTuple):
    """A periodic task.

    Attributes:
        name: for the log.
        every: seconds between the end of one run and the start of the next.
        run: a blocking function; runs in a thread.
    """

    name: str
    every: float
    run: Callable[[Container], object]


def read_sites(container: Container) -> None:
    """Read the sites if the registry changed."""
    if container.registry.changed():
        container.read_sites()


def refresh_geo(container: Container) -> None:
    """Open the geo database again if its file changed."""
    container.geo.refresh()


def destroy_secrets(container: Container) -> None:
    """Destroy the day secrets that are due.

    Raises:
        SealError: if the clock jumped; nothing is destroyed.
    """
    _check_clock(container)
    container.secrets.destroy(container.clock.now())


def take_snapshot(container: Container) -> None:
    """Take the next snapshot for sites with the strict profile, if one is due."""
    # While a day is being sealed the last snapshot stays; this task does not wait for it.
    if container.store_ready and container.sealing_lock.acquire(blocking=False):
        try:
            # Read again: a query may have taken the first snapshot of a new site meanwhile.
            container.snapshots.refresh(container.registry.sites())
        finally:
            container.sealing_lock.release()


def seal_days(container: Container) -> None:
    """Seal the days that are due.

    Raises:
        SealError: if a day cannot be sealed; nothing is deleted.
    """
    if container.store_ready:
        seal_due(container)


def delete_old(container: Container) -> None:
    """Delete data past its retention: at startup, once a day and after each sealing.

    Raises:
        SealError: if the clock jumped, which would make everything look old.
    """
    state = int(container.clock.now()) // DAY_SECONDS, container.sealed_days
    if container.store_ready and state != container.last_expiry:
        _check_clock(container)
        expire(container)
        container.last_expiry = state


def release_memory(container: Container) -> None:
    """Empty the caches of queries and of the store."""
    if container.store_ready:
        container.reports.forget()
        container.store.release_memory()


def erase_sites(container: Container) -> None:
    """Erase what is left of removed sites."""
    if container.store_ready and container.registry.erasures():
        erase_removed(container)


TASKS = (
    Task("read sites", 1.0, read_sites),
    Task("refresh the geo database", 1.0, refresh_geo),
    Task("destroy day secrets", 5.0, destroy_secrets),
    Task("take snapshots", 1.0, take_snapshot),
    Task("seal days", 10.0, seal_days),
    Task("delete old data", 60.0, delete_old),
    Task("release memory", MEMORY_SECONDS, release_memory),
    Task("erase removed sites", 30.0, erase_sites),
)


def start(container: Container, demo: Site | None = None) -> list[asyncio.Task[None]]:
    """Start all tasks on the running event loop.

    Args:
        demo: the site to generate traffic for; None for none.
    """
    work = [_repeat(container, task) for task in TASKS]
    if not container.store_ready:
        work.append(_wait_for_store(container))
    if demo is not None:
        work.append(_generate_demo(container, demo))
    return [asyncio.create_task(one) for one in work]


async def stop(container: Container, tasks: list[asyncio.Task[None]]) -> None:
    """Cancel all tasks; functions still running get five seconds to end."""
    container.stopping.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    seconds_left = END_SECONDS
    while threads_running() and seconds_left > 0:
        await asyncio.sleep(0.05)
        seconds_left -= 0.05


def open_store(container: Container) -> None:
    """Prepare the store, then start delivery.

    Raises:
        DeliveryError: if a ClickHouse server does not answer or refuses.
        StoreBusy: if another process has the embedded store open.
    """
    container.prepare()
    container.delivery.start()
    container.store_ready = True


def _check_clock(container: Container) -> None:
    try:
        container.sealer.check_clock()
    except SealError as jumped:
        container.sealing_problem = str(jumped)
        raise


async def _repeat(container: Container, task: Task) -> None:
    while True:
        try:
            await run_in_thread(task.run, container)
        except CollectorError as failed:
            _log.error("%s: %s", task.name, failed)
        except Exception:  # noqa: BLE001 - logged with its trace
            # A failed run must not stop the task; it is retried on the next tick.
            _log.exception("%s: failed", task.name)
        await asyncio.sleep(task.every)


async def _wait_for_store(container: Container) -> None:
    while not container.store_ready:
        try:
            await run_in_thread(open_store, container)
        except DeliveryError as failed:
            _log.warning("the store is not ready, hits stay in the spool: %s", failed)
            await asyncio.sleep(STORE_SECONDS)


async def _generate_demo(container: Container, site: Site) -> None:
    mark = container.settings.data_dir / "demo.mark"
    await run_in_thread(_fill_demo, container, site, mark)
    await seed.trickle(container.spool, container.visits, site, container.clock, mark)


def _fill_demo(container: Container, site: Site, mark: Path) -> None:
    sealer = Sealer(
        container.store,
        container.spool,
        container.secrets,
        container.registry.sites,
        container.clock,
        known=known_values(),
        # No query has read the generated days yet, so none needs time to end.
        queries_end_s=0,
    )
    with container.sealing_lock:
        filled = seed.fill(
            container.store,
            sealer.seal,
            site,
            container.clock,
            mark,
            lambda: not container.stopping.is_set(),
        )
    if filled.days:
        _log.info("generated %d hits of %d days for %s", filled.hits, filled.days, site.domain)
