"""Open a spool and fill it, for tests of what lies beneath acknowledgements."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.clock import Clock, SystemClock
from collector.counters import Tally
from collector.errors import SpoolError
from collector.hit import Hit
from collector.settings import Delivery as Pace
from collector.spool.spool import Journal
from tests.builders import a_hit

PACE = Pace()
PLENTY = 1 << 30


@contextmanager
def a_journal(
    folder: Path, *, max_bytes: int = PLENTY, clock: Clock | None = None, tally: Tally | None = None
) -> Iterator[Journal]:
    """Open the spool of a folder, with its thread, and close it after."""
    journal = open_journal(folder, max_bytes=max_bytes, clock=clock, tally=tally)
    journal.start()
    try:
        yield journal
    finally:
        journal.close()


def open_journal(
    folder: Path, *, max_bytes: int = PLENTY, clock: Clock | None = None, tally: Tally | None = None
) -> Journal:
    """Open the spool of a folder without its thread: everything happens when it is asked for."""
    return Journal(
        folder / "spool.sqlite3", folder / "keys", clock or SystemClock(), max_bytes, tally
    )


def some_hits(count: int, **changes: object) -> list[Hit]:
    """Build hits that can be told apart by their paths."""
    return [a_hit(path=f"/{number}", **changes) for number in range(count)]


def append(journal: Journal, hits: Iterable[Hit]) -> list[bool]:
    """Append hits at once and tell which of them were acknowledged."""

    async def one(hit: Hit) -> bool:
        try:
            await journal.append(hit)
        except SpoolError:
            return False
        return True

    async def every() -> list[bool]:
        return await asyncio.gather(*map(one, hits))

    return asyncio.run(every())


def waiting(journal: Journal) -> list[Hit]:
    """Read all hits that wait for the store, by way of batches."""
    while journal.close_batches(10_000):
        pass
    return [hit for batch in journal.batches() for hit in journal.hits(batch)]


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """Let the kernel refuse every write of this process beyond a size of file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
