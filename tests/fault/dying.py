"""A collector that kills itself at a chosen point: it appends, delivers, and prints.

`python -m tests.fault.dying FOLDER DSN POINT TIMES`: when POINT is reached for the TIMES-th
time, the process sends itself SIGKILL. Every acknowledged path is written to standard output
before anything else happens.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from collector.cells.client import Store
from collector.clock import SystemClock
from collector.hit import Hit
from collector.settings import DeliverySettings as Pace
from collector.spool.database import Batch
from collector.spool.delivery import Delivery
from collector.spool.group_commit import Undo
from collector.spool.spool import Spool
from tests.fault.traffic import invented

ROUNDS, HITS = 4, 40
POINTS = (
    "before append",
    "after append",
    "before commit",
    "after commit",
    "before close",
    "after close",
    "before send",
    "within send",
    "after send",
    "before delete",
    "after delete",
    "before destroy",
    "after destroy",
)


class CrashPoint:
    """Where the process kills itself."""

    def __init__(self, point: str, times: int) -> None:
        """Choose the point, and which time it is reached."""
        self.point, self.left = point, times

    def reached(self, point: str) -> None:
        """Kill the process if this is the point, reached for the last time."""
        if point == self.point:
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


class DyingSpool(Spool):
    """The spool, with a crash point around each of its steps."""

    crash: CrashPoint

    def __init__(self, *arguments: Any) -> None:
        """Open it."""
        super().__init__(*arguments)
        self.append = self._append

    def _append(self, hit: Hit, undo: Undo | None = None) -> asyncio.Future[None]:
        self.crash.reached("before append")
        taken = self._group_commit.append(hit, undo)
        self.crash.reached("after append")
        return taken

    def _commit(self, hits: Mapping[int, list[bytes]]) -> None:
        self.crash.reached("before commit")
        super()._commit(hits)
        self.crash.reached("after commit")

    def close_batches(self, max_hits: int) -> list[Batch]:
        """Close batches."""
        self.crash.reached("before close")
        closed = super().close_batches(max_hits)
        self.crash.reached("after close")
        return closed

    def delete(self, batch: Batch, lost: int = 0, rejected: Iterable[Hit] = ()) -> None:
        """Delete a batch."""
        self.crash.reached("before delete")
        super().delete(batch, lost, rejected)
        self.crash.reached("after delete")

    def destroy_key(self, closes_at: int) -> None:
        """Destroy a key."""
        self.crash.reached("before destroy")
        super().destroy_key(closes_at)
        self.crash.reached("after destroy")


class DyingStore(Store):
    """The store, with a crash point around each send."""

    crash: CrashPoint

    def insert_block(self, table: str, columns: Sequence[str], block: bytes, **named: Any) -> None:
        """Send."""
        self.crash.reached("before send")
        within = threading.Timer(0.02, self.crash.reached, ["within send"])
        within.start()
        super().insert_block(table, columns, block, **named)
        within.cancel()
        self.crash.reached("after send")


def hits_of_round(number: int) -> list[Hit]:
    """Invent what is appended in a round."""
    return invented(HITS, seed=number)


async def append_and_print(spool: Spool, hits: Sequence[Hit]) -> None:
    """Append hits at once, and print each acknowledgement."""

    async def one(hit: Hit) -> None:
        await spool.append(hit)
        os.write(1, hit.path.encode() + b"\n")

    await asyncio.gather(*map(one, hits))


def main(folder: Path, dsn: str, point: str, times: int) -> None:
    """Append and deliver in turns until it crashes."""
    DyingSpool.crash = DyingStore.crash = CrashPoint(point, times)
    clock = SystemClock()
    spool = DyingSpool(folder / "spool.sqlite3", folder / "keys", clock, 1 << 30)
    spool.start()
    store = DyingStore(folder / "clickhouse", dsn)
    delivery = Delivery(spool, store, clock, Pace(max_batch_hits=15))
    for number in range(ROUNDS):
        asyncio.run(append_and_print(spool, hits_of_round(number)))
        delivery.flush()
        for hit in hits_of_round(number)[:1]:
            spool.destroy_key(hit.closes_at)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
