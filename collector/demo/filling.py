"""Send invented traffic the way real hits go: into the store, the journal, the seals.

Past days are inserted as batches with receipts and sealed; today goes on hit
by hit through the journal. A mark in the data directory says how far it got,
so that a second start adds only what is missing. Called by `app` under
`serve --demo`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from collector.cells.client import Store
from collector.cells.receipts import arrow_block, has_receipt
from collector.cells.sealing import is_sealed
from collector.clock import Clock
from collector.day import Day, day_at, day_of_date
from collector.demo import traffic, world
from collector.errors import RegistryError, SealError, SpoolError
from collector.hit import Hit
from collector.ingest.visits import Visits
from collector.registry.sites import Goal, Site
from collector.registry.store import Registry

SEED: Final = 7
PAST_DAYS: Final = 30
LIVE_SECONDS: Final = 30 * 60
"""How much of the present is left to `trickle`, so that visits are under way at once."""
GRACE_SECONDS: Final = 300
RETRY_SECONDS: Final = 10
SITES: Final = {"localhost": ("/demo", "/demo/pricing", "/demo/docs"), world.DOMAIN: ()}
"""The demonstration's sites, and which pages of each are declared its owner's own."""
GOALS: Final = {"localhost": (), world.DOMAIN: (Goal("Signup", event="Signup"),)}

_log = logging.getLogger(__name__)


class Journal(Protocol):
    """What the trickle asks of the journal."""

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> Awaitable[None]:
        """Take a hit; done once it is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Filled:
    """What one filling added."""

    days: int
    hits: int


def add_sites(registry: Registry) -> Site:
    """Add the public sites of the demonstration where they are missing.

    Returns:
        The site of invented traffic.
    """
    for domain, own_paths in SITES.items():
        if registry.sites().named(domain) is None:
            registry.add_site(domain, public=True, own_paths=own_paths, goals=GOALS[domain])
    site = registry.sites().named(world.DOMAIN)
    if site is None:
        raise RegistryError(f"{world.DOMAIN} was removed while the demonstration started")
    return site


def fill(
    store: Store,
    seal: Callable[[int], object],
    site: Site,
    clock: Clock,
    mark: Path,
    go_on: Callable[[], bool] = lambda: True,
) -> Filled:
    """Invent what is missing of the last 30 days and of today, but for the last half hour.

    Takes seconds at a first start and nothing at a second. Not on the event
    loop, and not while days are sealed elsewhere.

    Args:
        seal: seals one closing instant, such as `Sealer.seal`.
        mark: the file that says how far an earlier filling or trickle got.
        go_on: asked before each day; false ends the filling, to be taken up at the next start.
    """
    until = int(clock.now()) - LIVE_SECONDS
    days = hits = 0
    for day in _past_days(site, clock.now()):
        if not go_on():
            break
        since = _marked(mark)
        if not since < min(day.closes_at, until) or is_sealed(store, day.closes_at):
            continue
        hits += _insert(store, site, day, since, until)
        days += 1
        _set_mark(mark, min(day.closes_at, until))
        if day.closes_at + GRACE_SECONDS <= clock.now():
            _seal(seal, day.closes_at)
    return Filled(days, hits)


async def trickle(spool: Journal, visits: Visits, site: Site, clock: Clock, mark: Path) -> None:
    """Send invented hits through the journal as their time comes, until cancelled."""
    since = max(_marked(mark), int(clock.now()) - LIVE_SECONDS)
    while True:
        day = day_at(site.zone, max(clock.now(), since + 1))
        for deed in traffic.actions_of(SEED, day):
            if deed.at <= since:
                continue
            await asyncio.sleep(max(0.0, deed.at - clock.now()))
            hit, step = traffic.take_step(visits, site, day, deed)
            try:
                await spool.append(hit, partial(visits.undo, step))
            except SpoolError as refused:
                _log.warning("an invented hit was refused: %s", refused)
                await asyncio.sleep(RETRY_SECONDS)
            _set_mark(mark, deed.at)
        since = day.closes_at - 1
        await asyncio.sleep(max(0.0, day.closes_at - clock.now()))


def _past_days(site: Site, now: float) -> Iterator[Day]:
    today = day_at(site.zone, now).date
    for back in range(PAST_DAYS, -1, -1):
        yield day_of_date(site.zone, today - timedelta(days=back))


def _insert(store: Store, site: Site, day: Day, since: int, until: int) -> int:
    """Insert the hits of one day between two instants, once."""
    token = f"demo-{SEED}-{day.number}-{since}"
    if has_receipt(store, day.closes_at, token):
        return 0
    visits = Visits()
    hits = [
        traffic.take_step(visits, site, day, deed)[0]
        for deed in traffic.actions_of(SEED, day)
        if since < deed.at <= until
    ]
    if not hits:
        # A receipt of nothing would stand in the way of what comes after it.
        return 0
    columns, stream = arrow_block(hits, token, day.closes_at)
    store.insert_arrow("hits", columns, stream, token=token)
    return len(hits)


def _seal(seal: Callable[[int], object], closes_at: int) -> None:
    try:
        seal(closes_at)
    except SealError as refused:
        # The service's own round seals it later: it may hold real hits still to be delivered.
        _log.info("an invented day stays open for now: %s", refused)


def _marked(mark: Path) -> int:
    try:
        return int(mark.read_text())
    except FileNotFoundError:
        return 0


def _set_mark(mark: Path, instant: int) -> None:
    beside = mark.with_suffix(".new")
    beside.write_text(f"{instant}\n")
    beside.replace(mark)
