"""Open a spool and fill it, for tests of what lies beneath acknowledgements."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.clock import Clock, SystemClock
from collector.counters import Counters
from collector.errors import SpoolError
from collector.hit import Hit
from collector.settings import DeliverySettings as Pace
from collector.spool.spool import Spool
from tests.builders import a_hit

PACE = Pace()
PLENTY = 1 << 30


@contextmanager
def a_spool(
    folder: Path,
    *,
    max_bytes: int = PLENTY,
    clock: Clock | None = None,
    counters: Counters | None = None,
) -> Iterator[Spool]:
    """Open the spool of a folder, with its thread, and close it after."""
    spool = open_spool(folder, max_bytes=max_bytes, clock=clock, counters=counters)
    spool.start()
    try:
        yield spool
    finally:
        spool.close()


def open_spool(
    folder: Path,
    *,
    max_bytes: int = PLENTY,
    clock: Clock | None = None,
    counters: Counters | None = None,
) -> Spool:
    """Open the spool of a folder without its thread: everything happens when it is asked for."""
    return Spool(
        folder / "spool.sqlite3", folder / "keys", clock or SystemClock(), max_bytes, counters
    )


def some_hits(count: int, **changes: object) -> list[Hit]:
    """Build hits that can be told apart by their paths."""
    return [a_hit(path=f"/{number}", **changes) for number in range(count)]


def append(spool: Spool, hits: Iterable[Hit]) -> list[bool]:
    """Append hits at once and tell which of them were acknowledged."""

    async def one(hit: Hit) -> bool:
        try:
            await spool.append(hit)
        except SpoolError:
            return False
        return True

    async def every() -> list[bool]:
        return await asyncio.gather(*map(one, hits))

    return asyncio.run(every())


def waiting(spool: Spool) -> list[Hit]:
    """Read all hits that wait for the store, by way of batches."""
    while spool.close_batches(10_000):
        pass
    return [hit for batch in spool.batches() for hit in spool.hits(batch)]


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """Let the kernel refuse every write of this process beyond a size of file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
