"""A world in one thread: a clock, a disk and a ClickHouse that fail when a seed says so.

The spool, its SQLite file, delivery, visits and sealing are the real ones; only what
lies beneath them is made up. A midnight passes, now and then two. No thread and no
time pass unseen, so a seed always tells the same story.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from collector.cells.client import Store
from collector.cells.sealing import Sealer, open_days
from collector.counters import Counters
from collector.errors import DeliveryError, SealError, SpoolError
from collector.hit import Hit, Kind, VisitValues
from collector.ingest.visits import VisitInput, Visits
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Sites
from collector.settings import DeliverySettings as Pace
from collector.spool.database import SpoolDatabase, disk_errors
from collector.spool.delivery import Delivery
from collector.spool.spool import Spool
from tests.builders import FakeClock, a_hit, a_site
from tests.fault.fake_clickhouse import POISON, FakeClickHouse

MIDNIGHT, DAY_SECONDS = 1_795_305_600, 86_400
SITES = Sites([a_site()])


class FailingFile(SpoolDatabase):
    """The spool's file on a disk whose next commit may fail, with or without having happened.

    Attributes:
        fault: `before`, `after` or empty.
    """

    fault = ""

    def run(self, statement: str, *values: object) -> list[Any]:
        """Execute, unless the disk fails."""
        alone = statement.startswith("INSERT") and not self._connection.in_transaction
        if not self.fault or not (alone or statement == "COMMIT"):
            return super().run(statement, *values)
        fault, self.fault = self.fault, ""
        with disk_errors():
            if fault == "after":
                super().run(statement, *values)
            raise sqlite3.OperationalError("disk I/O error")


class World:
    """One collector, its disk and its server, driven by a seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        """Begin with nothing."""
        self.chance = random.Random(seed)
        self.clock = FakeClock(float(MIDNIGHT - 3000))
        self.loop = asyncio.new_event_loop()
        self.folder, self.lives, self.hits = folder, 0, 0
        self.server = FakeClickHouse()
        self.acknowledged: list[Hit] = []
        self.refused: list[Hit] = []
        self.in_flight: list[Hit] = []
        self._live(folder / "0")

    def run(self, steps: int) -> None:
        """Let that many things happen, then let all faults end and the spool drain."""
        deeds: tuple[Callable[[], None], ...] = (
            self._hits,
            self._hits,
            self._flush,
            self._flush,
            self._disk_fault,
        )
        deeds += (self._store_fault, self._crash, self._server_restart, self.server.let_one_arrive)
        deeds += (self._seal, self._seal, self._stumble)
        for _ in range(steps):
            self.clock.pass_by(self.chance.choice((0.1, 1.0, 60.0, 700.0)))
            self.chance.choice(deeds)()
        self.disk.fault = self.server.fault = self.server.stumbles = ""
        self.server.down = False
        self.server.let_one_arrive()
        self.clock.pass_by(DAY_SECONDS * self.chance.randrange(2))
        for _ in range(20):
            self._flush()
        self._seal()
        self.left_open = set(open_days(cast(Store, self.server))) & set(
            self.sealer.due_days(self.clock.now())
        )
        self.spool.close()
        self.loop.close()

    def _live(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.visits, self.counters = Visits(), Counters()
        self.spool = Spool(
            folder / "spool.sqlite3", folder / "keys", self.clock, 1 << 30, self.counters
        )
        self.disk = FailingFile.__new__(FailingFile)
        self.disk.__dict__ = self.spool._database.__dict__
        self.spool._database = self.disk
        store = cast(Store, self.server)
        pace = Pace(max_batch_hits=self.chance.choice((3, 50)))
        self.delivery = Delivery(self.spool, store, self.clock, pace)
        secrets = DaySecrets(None, self.clock, "memory")
        self.sealer = Sealer(store, self.spool, secrets, lambda: SITES, self.clock)
        with suppress(DeliveryError):
            self.sealer.load_last_seal()

    def _hits(self) -> None:
        hits = self.loop.run_until_complete(self._append(self.chance.randrange(1, 8)))
        self.spool._group_commit.commit_pending()
        for hit, outcome in hits:
            try:
                self.loop.run_until_complete(_awaited(outcome))
            except SpoolError:
                self.refused.append(hit)
            else:
                self.acknowledged.append(hit)

    async def _append(self, count: int) -> list[tuple[Hit, Any]]:
        taken = []
        for _ in range(count):
            hit, step = self._invent()
            try:
                taken.append((hit, self.spool.append(hit, partial(self.visits.undo, step))))
            except SpoolError:
                self.refused.append(hit)
        return taken

    def _invent(self) -> tuple[Hit, Any]:
        self.hits += 1
        path = f"/page-{self.hits}"
        kind = self.chance.choice((Kind.PAGEVIEW, Kind.PAGEVIEW, Kind.EVENT))
        pseudonym = bytes([self.chance.randrange(4)] * 16)
        country = self.chance.choice(("FR", "DE"))
        values = VisitValues(entry_path=path, source="Google", country=country)
        now = max(int(self.clock.now()), self.sealer.sealed_until)
        day = now // DAY_SECONDS
        closes_at = (day + 1) * DAY_SECONDS
        step = self.visits.record(
            VisitInput(1, closes_at, pseudonym, now, kind, path, lambda: values)
        )
        hit = a_hit(
            closes_at=closes_at,
            day=day,
            pseudonym=pseudonym,
            visit=step.values,
            path=path,
            hostname=POISON if self.chance.random() < 0.03 else "example.org",
            exit_path=step.exit_path,
            left_path=step.left_path,
            visits=step.visits,
            bounces=step.bounces,
            visit_seconds=step.seconds,
        )
        return hit, step

    def _flush(self) -> None:
        with suppress(DeliveryError, SpoolError):
            self.delivery.flush()
        self.loop.run_until_complete(asyncio.sleep(0))

    def _seal(self) -> None:
        with suppress(DeliveryError, SealError, SpoolError):
            self.sealer.run_once()
        self.loop.run_until_complete(asyncio.sleep(0))

    def _stumble(self) -> None:
        self.server.stumbles = self.chance.choice(("refuse", "lose reply"))

    def _disk_fault(self) -> None:
        self.disk.fault = self.chance.choice(("before", "after"))

    def _store_fault(self) -> None:
        self.server.fault = self.chance.choice(("refuse", "lose reply", "late", "log only"))
        self.server.down = self.chance.random() < 0.2

    def _server_restart(self) -> None:
        self.server.restart()
        self.server.down = False

    def _crash(self) -> None:
        """Die with hits in flight: the next life has the files and no memory."""
        hits = self.loop.run_until_complete(self._append(self.chance.randrange(4)))
        if self.chance.random() < 0.5:
            self.spool._group_commit.commit_pending()
        self.in_flight += [hit for hit, _ in hits]
        if self.spool._outcome_unknown:
            # Refused, but perhaps on the disk: only reopening it would have deleted them.
            self.in_flight += self.refused
            self.refused = []
        self.lives += 1
        old, new = self.folder / str(self.lives - 1), self.folder / str(self.lives)
        shutil.copytree(old, new)
        self.disk.fault = ""
        self.spool.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        for _, outcome in hits:
            if outcome.done():
                outcome.exception()
        self._live(new)

    def verdict(self) -> list[str]:
        """Say what is wrong with the end of the story."""
        there = Counter(hit.path for hit in self._counted())
        kept = [hit for hit in self.acknowledged if hit.hostname != POISON]
        wrong = [f"lost {hit.path}" for hit in kept if not there[hit.path]]
        wrong += [f"{path} {times} times" for path, times in there.items() if times > 1]
        wrong += [f"refused and counted {hit.path}" for hit in self.refused if there[hit.path]]
        wrong += [f"not drained: {self.spool.stats()}"] if self.spool.stats().rows else []
        poisoned = len(self.acknowledged) - len(kept)
        counted = sum(self.server.counts.values())
        if not poisoned <= counted <= poisoned + len(self.in_flight):
            wrong.append(f"{poisoned} hits were rejected, {counted} were counted as such")
        wrong += [f"sealed and still open: {day}" for day in self.left_open & self.server.seals]
        wrong += [f"not sealed: {day}" for day in self.left_open - self.server.seals]
        return wrong + self._negative()

    def _counted(self) -> list[Hit]:
        """List what a reader counts: sealed days from their sealed rows, all others open."""
        sealed = self.server.seals
        hits = [hit for _, batch in self.server.applied for hit in batch]
        hits = [hit for hit in hits if hit.closes_at not in sealed]
        return hits + [hit for day in sealed for hit in self.server.sealed.get(day, [])]

    def _negative(self) -> list[str]:
        """List cells below zero, but for what rejected hits would have added to them."""
        cells: Counter[tuple[int, str, str, str]] = Counter()
        for hit in [*self._counted(), *self.server.rejected.values()]:
            cells[hit.closes_at, "exit_path", hit.exit_path, "visits"] += 1
            cells[hit.closes_at, "exit_path", hit.left_path, "visits"] -= 1
            for name in ("visits", "bounces", "visit_seconds"):
                for dimension in ("entry_path", "country"):
                    value = getattr(hit.visit, dimension)
                    cells[hit.closes_at, dimension, value, name] += getattr(hit, name)
        return [f"negative {cell}" for cell, total in cells.items() if total < 0 and cell[2]]


async def _awaited(outcome: Any) -> None:
    await outcome
