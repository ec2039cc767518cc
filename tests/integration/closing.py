"""Seal days in tests, with a real spool and real day secrets, and read the result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from collector.cells.client import Store
from collector.cells.receipts import hits_block
from collector.cells.schema import SKETCH
from collector.cells.sealing import Sealer
from collector.cells.views import VIEW_BY_DIMENSIONS, Grain
from collector.day import day_at
from collector.hit import SUMS, Hit
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Site, Sites
from collector.spool.spool import Spool
from tests.builders import FakeClock, a_site
from tests.integration.seeding import FIRST_HIT, hit

DAY = date(2026, 11, 20)
CLOSES_AT = day_at("UTC", datetime(2026, 11, 20, 12).timestamp()).closes_at
AFTER = CLOSES_AT + 600.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of `sealed_cells`, or one merged cell of `open_cells`."""

    site: int
    view: int
    grain: int
    at: int
    value: str
    other: str
    sums: tuple[int, ...]
    visitors: int
    folded: int = 0

    def sum(self, name: str) -> int:
        """Return a sum by its name."""
        return self.sums[SUMS.index(name)]


@dataclass(frozen=True, slots=True)
class Closing:
    """A sealer and what it works on."""

    store: Store
    spool: Spool
    secrets: DaySecrets
    clock: FakeClock
    sealer: Sealer


@contextmanager
def closing(
    store: Store,
    folder: Path,
    *sites: Site,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Closing]:
    """Open a spool and day secrets, and build a sealer on them."""
    clock = FakeClock(AFTER)
    spool = Spool(folder / "spool.sqlite3", folder / "spool-keys", clock, 2**20)
    spool.start()
    secrets = DaySecrets(folder / "secrets", clock, "disk")
    registered = Sites(sites or (a_site(),))
    sealer = Sealer(store, spool, secrets, lambda: registered, clock, known=known)
    try:
        yield Closing(store, spool, secrets, clock, sealer)
    finally:
        spool.close()


def deliver(store: Store, hits: Iterable[Hit]) -> None:
    """Send hits as delivery does: one batch with its receipt for each closing instant."""
    by_day: dict[int, list[Hit]] = {}
    for one in hits:
        by_day.setdefault(one.closes_at, []).append(one)
    for closes_at, batch in by_day.items():
        token = hashlib.blake2b(repr(batch).encode(), digest_size=16).hexdigest()
        columns, block = hits_block(batch, token, closes_at)
        store.insert_block("hits", columns, block, token=token)


def visits_of(count: int, when: str = "2026-11-20 10:30", **columns: Any) -> list[Hit]:
    """Generate the first hits of so many visitors with equal values."""
    tag = repr(sorted(columns.items()))
    return [hit(f"{tag} {one}", when, **(FIRST_HIT | columns)) for one in range(count)]


def sealed(store: Store, closes_at: int = CLOSES_AT) -> list[Cell]:
    """Read the sealed rows of a closing instant."""
    return _read(
        store,
        f"SELECT site, view, grain, at, value, other, {', '.join(SUMS)}, visitors, folded "
        "FROM sealed_cells WHERE closes_at = toDateTime({closes_at:UInt32}, 'UTC')",
        closes_at,
    )


def still_open(store: Store, closes_at: int = CLOSES_AT) -> list[Cell]:
    """Read the open day and hour cells of a closing instant, merged."""
    sums = ", ".join(f"sum({name})" for name in SUMS)
    return _read(
        store,
        f"SELECT site, view, grain, at, value, other, {sums}, "
        f"toInt64({SKETCH.replace('(', 'Merge(')}(visitors)), 0 FROM open_cells "
        "WHERE closes_at = toDateTime({closes_at:UInt32}, 'UTC') AND view != 0 "
        f"AND grain != {int(Grain.MINUTE)} GROUP BY site, view, grain, at, value, other",
        closes_at,
    )


def of_view(cells: Iterable[Cell], *dimensions: str, grain: Grain = Grain.DAY) -> dict[str, Cell]:
    """Return a list's cells, by value."""
    view = VIEW_BY_DIMENSIONS[frozenset(dimensions)].id
    return {cell.value: cell for cell in cells if cell.view == view and cell.grain == grain}


def of_pair(cells: Iterable[Cell], *dimensions: str) -> dict[tuple[str, str], Cell]:
    """Return a pair's cells, by both values."""
    view = VIEW_BY_DIMENSIONS[frozenset(dimensions)].id
    return {(cell.value, cell.other): cell for cell in cells if cell.view == view}


def _read(store: Store, sql: str, closes_at: int) -> list[Cell]:
    cells = []
    for row in sorted(store.query(sql, {"closes_at": closes_at})):
        site, view, grain, at, value, other, *sums, visitors, folded = row
        cells.append(Cell(site, view, grain, at, value, other, tuple(sums), visitors, folded))
    return cells
