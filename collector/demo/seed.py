"""Seed the demo site: insert and seal thirty past days, then append today's hits as they fall due.

A file in the data directory marks how far it got, so that a second start adds only what is missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from collector.cells.client import Store
from collector.cells.receipts import has_receipt, hits_block
from collector.cells.sealing import is_sealed
from collector.clock import Clock
from collector.day import Day, day_at, day_of_date
from collector.demo.traffic import WORLD, actions_of, build_hit
from collector.errors import RegistryError, SealError, SpoolError
from collector.hit import Hit
from collector.ingest.visits import Visits
from collector.registry.sites import Goal, Site
from collector.registry.store import Registry

SEED: Final = 7
PAST_DAYS: Final = 30
LIVE_SECONDS: Final = 30 * 60
"""How much of the recent past `trickle` appends, so that visits are under way at once."""
GRACE_SECONDS: Final = 300
RETRY_SECONDS: Final = 10

_log = logging.getLogger(__name__)


class HitSink(Protocol):
    """Where `trickle` appends hits: the spool."""

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> Awaitable[None]:
        """Take a hit; done once it is durable."""
        ...


class Seeded(NamedTuple):
    """How much one call of `fill` added."""

    days: int
    hits: int


def add_sites(registry: Registry) -> Site:
    """Add the two public demo sites if they are missing.

    Returns:
        The site of generated traffic.
    """
    sites = registry.sites()
    if sites.named("localhost") is None:
        own_paths = ("/demo", "/demo/pricing", "/demo/docs")
        registry.add_site("localhost", public=True, own_paths=own_paths)
    if sites.named(WORLD.domain) is None:
        registry.add_site(WORLD.domain, public=True, goals=(Goal("Signup", event="Signup"),))
    site = registry.sites().named(WORLD.domain)
    if site is None:
        raise RegistryError(f"{WORLD.domain} was removed while the demo started")
    return site


def fill(
    store: Store,
    seal: Callable[[int], object],
    site: Site,
    clock: Clock,
    mark: Path,
    go_on: Callable[[], bool] = lambda: True,
) -> Seeded:
    """Insert what is missing of the last 30 days and of today, except the last half hour.

    Takes seconds at a first start. Blocks; no day may be sealed elsewhere meanwhile.

    Args:
        seal: seals one closing instant, such as `Sealer.seal`.
        mark: the file that marks how far an earlier run got.
        go_on: asked before each day; False ends the run, and the next start continues it.
    """
    until = int(clock.now()) - LIVE_SECONDS
    today = day_at(site.zone, clock.now()).date
    days = hits = 0
    for back in range(PAST_DAYS, -1, -1):
        if not go_on():
            break
        day = day_of_date(site.zone, today - timedelta(days=back))
        since = _read_mark(mark)
        if since >= min(day.closes_at, until) or is_sealed(store, day.closes_at):
            continue
        hits += _insert(store, site, day, since, until)
        days += 1
        _write_mark(mark, min(day.closes_at, until))
        if day.closes_at + GRACE_SECONDS <= clock.now():
            try:
                seal(day.closes_at)
            except SealError as refused:
                # Real hits of that day may still be undelivered; the scheduler seals it later.
                _log.info("a generated day stays open for now: %s", refused)
    return Seeded(days, hits)


async def trickle(spool: HitSink, visits: Visits, site: Site, clock: Clock, mark: Path) -> None:
    """Append generated hits to the spool as they fall due, until cancelled."""
    since = max(_read_mark(mark), int(clock.now()) - LIVE_SECONDS)
    while True:
        day = day_at(site.zone, max(clock.now(), since + 1))
        for action in actions_of(SEED, day):
            if action.at <= since:
                continue
            await asyncio.sleep(max(0.0, action.at - clock.now()))
            hit, delta = build_hit(visits, site, day, action)
            try:
                await spool.append(hit, partial(visits.undo, delta))
            except SpoolError as refused:
                _log.warning("a generated hit was refused: %s", refused)
                await asyncio.sleep(RETRY_SECONDS)
            _write_mark(mark, action.at)
        since = day.closes_at - 1
        await asyncio.sleep(max(0.0, day.closes_at - clock.now()))


def _insert(store: Store, site: Site, day: Day, since: int, until: int) -> int:
    """Insert the hits of one day between two instants, once."""
    token = f"demo-{SEED}-{day.number}-{since}"
    if has_receipt(store, day.closes_at, token):
        return 0
    visits = Visits()
    hits = [
        build_hit(visits, site, day, action)[0]
        for action in actions_of(SEED, day)
        if since < action.at <= until
    ]
    # An empty batch would leave a receipt, and later hits of the same token would be skipped.
    if hits:
        columns, block = hits_block(hits, token, day.closes_at)
        store.insert_block("hits", columns, block, token=token)
    return len(hits)


def _read_mark(mark: Path) -> int:
    return int(mark.read_text()) if mark.exists() else 0


def _write_mark(mark: Path, instant: int) -> None:
    beside = mark.with_suffix(".new")
    beside.write_text(f"{instant}\n")
    beside.replace(mark)
