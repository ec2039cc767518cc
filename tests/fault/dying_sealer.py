"""A collector that kills itself at a chosen point of sealing.

`python -m tests.fault.dying_sealer FOLDER DSN POINT`: appends a crowd's hits,
delivers and seals them; when POINT is reached the process sends itself
SIGKILL. Every acknowledged hit is a line on standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.cells.client import Store
from collector.cells.sealing import Sealer
from collector.clock import Clock, SystemClock
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Sites
from collector.settings import DeliverySettings as Pace
from collector.spool.delivery import Delivery
from collector.spool.spool import Spool
from tests.builders import a_site
from tests.fault.dying import CrashPoint, DyingSpool, DyingStore, append_and_print
from tests.fault.traffic import a_crowd

STATEMENTS = {
    "gather": "INSERT INTO closing_cells",
    "seal-insert": "INSERT INTO sealed_cells",
    "seal-commit": "INSERT INTO seals",
    "drop": "ALTER TABLE open_cells DROP PARTITION",
}
POINTS = (
    "before gather",
    "before seal-insert",
    "after seal-insert",
    "before seal-commit",
    "before drop",
    "after drop",
    "before destroy",
    "after destroy",
)
ZONES = ("UTC",)
SITES = Sites([a_site()])


class DyingSealersStore(DyingStore):
    """The store, with a crash point around each step of sealing too."""

    def command(
        self,
        sql: str,
        settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell the store."""
        steps = [step for step, begins in STATEMENTS.items() if sql.startswith(begins)]
        for step in steps:
            self.crash.reached(f"before {step}")
        super().command(sql, settings, parameters)
        for step in steps:
            self.crash.reached(f"after {step}")


def sealer_of(store: Store, spool: Spool, folder: Path, clock: Clock) -> Sealer:
    """Make a sealer that waits for no question."""
    secrets = DaySecrets(folder / "secrets", clock, "disk")
    return Sealer(store, spool, secrets, lambda: SITES, clock, queries_end_s=0)


def main(folder: Path, dsn: str, point: str) -> None:
    """Append, deliver and seal until it crashes."""
    DyingSpool.crash = DyingSealersStore.crash = CrashPoint(point, 1)
    clock = SystemClock()
    spool = DyingSpool(folder / "spool.sqlite3", folder / "keys", clock, 1 << 30)
    spool.start()
    store = DyingSealersStore(folder / "clickhouse", dsn)
    hits = a_crowd(ZONES)
    asyncio.run(append_and_print(spool, hits))
    Delivery(spool, store, clock, Pace()).flush()
    sealer_of(store, spool, folder, clock).seal(hits[0].closes_at)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
