"""The demonstration: thirty days once, today as it happens, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from collector.cells.client import Store
from collector.cells.sealing import Sealer
from collector.day import day_at
from collector.demo import seed, traffic
from collector.demo.seed import LIVE_SECONDS, SEED, add_sites, fill, trickle
from collector.errors import SealError
from collector.hit import Hit, Kind
from collector.ingest.visits import Visits
from collector.registry.sites import Site
from collector.registry.store import Registry
from tests.builders import NOON, FakeClock, a_site, some_sites

DAYS = 3
SITE = a_site(id=1, domain="demo.example")


class Drained:
    """A spool and secrets that hold nothing."""

    def holds(self, _: int) -> bool:
        """Hold nothing."""
        return False

    def destroy_key(self, _: int) -> None:
        """Have no key."""

    def destroy(self, _: float) -> None:
        """Have no secret."""


class Taken:
    """Keeps the hits it is given, and stops the trickle after some."""

    def __init__(self, most: int) -> None:
        self.hits: list[Hit] = []
        self.most = most

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> Awaitable[None]:
        """Take a hit."""
        assert undo is not None
        self.hits.append(hit)
        if len(self.hits) >= self.most:
            raise asyncio.CancelledError
        return asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Show noon, and let the past be three days long."""
    monkeypatch.setattr(seed, "PAST_DAYS", DAYS)
    return FakeClock()


@pytest.fixture
def sealer(store: Store, clock: FakeClock) -> Sealer:
    """Seal without waiting for questions."""
    nothing: Any = Drained()
    return Sealer(store, nothing, nothing, lambda: some_sites(SITE), clock, queries_end_s=0)


def pageviews(store: Store) -> dict[str, int]:
    """Sum the pageviews of all sealed and open days, by table."""
    return {
        table: int(
            store.query(f"SELECT sum(pageviews) FROM {table} WHERE view = 1 AND grain = 0")[0][0]
        )
        for table in ("sealed_cells", "open_cells")
    }


def invented(since: float, until: float) -> int:
    """Count the pageviews invented between two instants."""
    days = {day_at(SITE.zone, since + 86400 * n) for n in range(-1, DAYS + 2)}
    return sum(
        deed.kind is Kind.PAGEVIEW and since < deed.at <= until
        for day in days
        for deed in traffic.actions_of(SEED, day)
    )


def test_past_days_are_sealed_and_today_is_open(
    store: Store, sealer: Sealer, clock: FakeClock, tmp_path: Path
) -> None:
    """Every invented pageview up to half an hour ago is counted, closed days in seals."""
    midnight = day_at(SITE.zone, NOON).opens_at

    filled = fill(store, sealer.seal, SITE, clock, tmp_path / "mark")

    assert filled.days == DAYS + 1
    assert pageviews(store) == {
        "sealed_cells": invented(midnight - DAYS * 86400 - 1, midnight - 1),
        "open_cells": invented(midnight - 1, NOON - LIVE_SECONDS),
    }


def test_a_second_start_adds_only_what_is_missing(
    store: Store, sealer: Sealer, clock: FakeClock, tmp_path: Path
) -> None:
    """Starting again at once adds nothing; an hour later, that hour."""
    mark = tmp_path / "mark"
    fill(store, sealer.seal, SITE, clock, mark)
    before = pageviews(store)

    at_once = fill(store, sealer.seal, SITE, clock, mark)
    unchanged = pageviews(store)
    clock.pass_by(3600)
    fill(store, sealer.seal, SITE, clock, mark)

    assert at_once.hits == 0
    assert unchanged == before
    assert pageviews(store)["open_cells"] == before["open_cells"] + invented(
        NOON - LIVE_SECONDS, NOON + 3600 - LIVE_SECONDS
    )


def test_a_filling_cut_off_is_taken_up_again(
    store: Store, sealer: Sealer, clock: FakeClock, tmp_path: Path
) -> None:
    """Stopped after two days, the next start does the rest, and no day twice."""
    turns = iter([True, True, False])

    cut = fill(store, sealer.seal, SITE, clock, tmp_path / "mark", lambda: next(turns))
    rest = fill(store, sealer.seal, SITE, clock, tmp_path / "mark")

    midnight = day_at(SITE.zone, NOON).opens_at
    assert (cut.days, rest.days) == (2, DAYS - 1)
    assert sum(pageviews(store).values()) == invented(
        midnight - DAYS * 86400 - 1, NOON - LIVE_SECONDS
    )


def test_a_day_that_cannot_be_sealed_yet_stays_open(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """Where real hits still wait for delivery, the invented ones are left for the next round."""

    def refuse(_: int) -> None:
        raise SealError("the spool still holds hits")

    filled = fill(store, refuse, SITE, clock, tmp_path / "mark")

    assert filled.days == DAYS + 1
    assert pageviews(store)["sealed_cells"] == 0


def test_the_trickle_goes_on_where_the_filling_ended(clock: FakeClock, tmp_path: Path) -> None:
    """The last half hour comes first, each hit with its undo, and visitors are there now."""
    clock.at = NOON + 86400
    spool, visits = Taken(40), Visits()
    mark = tmp_path / "mark"
    mark.write_text(f"{int(clock.at) - LIVE_SECONDS}\n")

    asyncio.run(_ended(trickle(spool, visits, SITE, Hurried(clock), mark)))

    times = [hit.minute for hit in spool.hits]
    assert times == sorted(times)
    assert clock.at - LIVE_SECONDS - 60 <= times[0] <= clock.at
    assert len(visits) > 0
    assert int(mark.read_text()) > clock.at - LIVE_SECONDS


def test_the_sites_of_the_demonstration_are_added_once(tmp_path: Path) -> None:
    """Both are public, and an owner's own settings of them stay."""
    with Registry(tmp_path / "registry.sqlite3") as registry:
        first = add_sites(registry)
        registry.set_site("localhost", zone="Europe/Berlin", public=False)
        second = add_sites(registry)

        found = {site.domain: site.public for site in registry.sites()}

    assert isinstance(first, Site)
    assert first == second
    assert found == {"localhost": False, "demo.example": True}


class Hurried(FakeClock):
    """A clock that is always a second later than it was, so that nothing is waited for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock.at)

    def now(self) -> float:
        """Move on by an hour each time one looks."""
        self.at += 3600
        return self.at - 3600


async def _ended(work: Awaitable[None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        return
