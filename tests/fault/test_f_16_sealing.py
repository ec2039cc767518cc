"""F-16: a sealing that ends at any of its statements is finished by the next, and counts once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from collector.cells.client import Store
from collector.cells.sealing import Sealer
from collector.hit import Hit
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Sites
from collector.spool.spool import Spool
from tests.builders import FakeClock, a_site
from tests.fault.traffic import invented
from tests.integration.closing import Cell, deliver, sealed, still_open

FIRST_DAY = 1_790_000_000 // 86_400


class Struck(BaseException):
    """The end of the process, as far as sealing is concerned."""


class Doomed(Store):
    """The store, whose asker dies before its n-th statement that changes anything.

    Attributes:
        left: how many statements it has left, the one that it dies of among them.
    """

    left = 10_000

    def command(
        self,
        sql: str,
        settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell, or die."""
        self.left -= 1
        if not self.left:
            raise Struck
        super().command(sql, settings, parameters)


def hits_of(day: int) -> list[Hit]:
    """Invent a day's hits: the same for every day, but for the day."""
    closes_at = (FIRST_DAY + day + 1) * 86_400
    return [
        replace(hit, closes_at=closes_at, day=FIRST_DAY + day, hour=closes_at - 7200)
        for hit in invented(12, zones=("UTC",))
    ]


@pytest.mark.timeout(400)
def test_f_16_a_sealing_struck_at_any_statement_is_finished_once(
    spool: Spool, tmp_path: Path
) -> None:
    """Whichever statement is the last, the next sealing leaves the rows of an unbroken one."""
    clock = FakeClock()
    store = Doomed(tmp_path / "clickhouse")
    store.prepare()
    sites = Sites([a_site()])
    secrets = DaySecrets(tmp_path / "secrets", clock, "disk")
    sealer = Sealer(store, spool, secrets, lambda: sites, clock)
    found, statement, struck = list[list[str]](), 0, True

    while struck:
        statement += 1
        closes_at = hits_of(statement)[0].closes_at
        deliver(store, hits_of(statement))
        store.left, struck = statement, False
        try:
            sealer.seal(closes_at)
        except Struck:
            struck = True
        store.left = 10_000
        sealer.seal(closes_at)
        found.append(_without_hours(sealed(store, closes_at)))
        assert [] == still_open(store, closes_at)

    store.close()
    assert statement > 5
    assert found[-1]
    unbroken = set(found[-1])
    assert {} == {
        number: sorted(unbroken.symmetric_difference(cells)) or "a row twice"
        for number, cells in enumerate(found, 1)
        if cells != found[-1]
    }


def _without_hours(cells: list[Cell]) -> list[str]:
    return sorted(repr(dataclasses.replace(cell, at=0)) for cell in cells)
