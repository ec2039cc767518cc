"""Seal days of a real store, with a real spool and real secrets beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.cells import folding, sealing
from collector.cells.client import Store
from collector.cells.views import VIEW_BY_DIMENSIONS, Grain
from collector.day import day_at
from collector.errors import SealError
from collector.registry.sites import Sites
from tests.builders import a_site
from tests.integration.closing import (
    AFTER,
    CLOSES_AT,
    closing,
    deliver,
    sealed,
    still_open,
    visits_of,
)
from tests.integration.seeding import hit


def test_sealing_keeps_totals_and_leaves_integers_only(store: Store, tmp_path: Path) -> None:
    """After sealing, the totals are what they were and no open cell is left."""
    deliver(store, visits_of(20))

    with closing(store, tmp_path) as days:
        (result,) = days.sealer.run_once()

    (total,) = [cell for cell in sealed(store) if cell.view == 1 and cell.grain == Grain.DAY]
    assert (20, 20, 20) == (total.sum("pageviews"), total.sum("visits"), total.visitors)
    assert (CLOSES_AT, 1) == (result.closes_at, result.sites)
    assert [(0,)] == store.query("SELECT count() FROM open_cells")


def test_no_file_of_an_open_day_is_left(store: Store, tmp_path: Path) -> None:
    """The partition's folders are gone from the disk when sealing returns."""
    deliver(store, visits_of(3))
    before = list(store.path.rglob(f"{CLOSES_AT}_*"))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert before
    assert [] == list(store.path.rglob(f"{CLOSES_AT}_*"))


def test_a_day_is_not_due_before_its_grace_is_over(store: Store, tmp_path: Path) -> None:
    """Hits of the last second have five minutes to arrive."""
    deliver(store, visits_of(3))

    with closing(store, tmp_path) as days:
        early, late = days.sealer.due_days(CLOSES_AT + 299), days.sealer.due_days(CLOSES_AT + 300)

    assert ([], [CLOSES_AT]) == (early, late)


def test_a_day_of_which_the_spool_holds_hits_stays_open(store: Store, tmp_path: Path) -> None:
    """Sealing waits for delivery, and says so when told to seal anyway."""
    deliver(store, visits_of(3))

    async def append() -> None:
        await days.spool.append(visits_of(1)[0])

    with closing(store, tmp_path) as days:
        asyncio.run(append())
        nothing = days.sealer.run_once()
        with pytest.raises(SealError, match="still holds hits"):
            days.sealer.seal(CLOSES_AT)

    assert [] == nothing
    assert still_open(store)


def test_only_the_days_that_closed_are_touched(store: Store, tmp_path: Path) -> None:
    """Sites whose day goes on keep their open cells."""
    elsewhere = "Pacific/Honolulu"
    deliver(store, visits_of(3))
    deliver(store, [hit("far", "2026-11-20 10:30", zone=elsewhere, site=2)])
    later = day_at(elsewhere, CLOSES_AT - 60).closes_at

    with closing(store, tmp_path, a_site(), a_site(id=2, domain="far.example")) as days:
        days.sealer.run_once()

    assert [] == still_open(store)
    assert {2} == {cell.site for cell in still_open(store, later)}


def test_zones_whose_days_end_together_are_sealed_together(store: Store, tmp_path: Path) -> None:
    """Two sites in two zones with one midnight share a partition and a seal."""
    deliver(store, visits_of(3, zone="Europe/Berlin"))
    deliver(store, visits_of(4, zone="Europe/Paris", site=2))
    together = day_at("Europe/Berlin", CLOSES_AT - 40_000).closes_at

    with closing(store, tmp_path, a_site(), a_site(id=2, domain="b.example")) as days:
        (result,) = days.sealer.run_once()

    assert (together, 2) == (result.closes_at, result.sites)


def test_sealing_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A second round finds nothing to do; told to, it leaves all as it is."""
    deliver(store, visits_of(5))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()
        once = sealed(store)
        nothing = days.sealer.run_once()
        days.sealer.seal(CLOSES_AT)

    assert [] == nothing
    assert once == sealed(store)
    assert [(1,)] == store.query("SELECT count() FROM seals")


def test_an_unfinished_sealing_is_done_over(store: Store, tmp_path: Path) -> None:
    """Rows written without their seal are no obstacle and count nothing twice."""
    deliver(store, visits_of(5))
    sites = Sites([a_site()])
    sealing.write_chunk(store, CLOSES_AT, [1], sites, {})
    half_done = sealed(store)

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert half_done
    assert sorted(map(repr, half_done)) == sorted(map(repr, sealed(store)))


def test_a_sealing_cut_off_before_the_drop_is_finished(store: Store, tmp_path: Path) -> None:
    """A sealed day whose open cells are still there only loses those."""
    deliver(store, visits_of(5))
    with closing(store, tmp_path / "first") as days:
        days.sealer._write(CLOSES_AT)
        written = sealed(store)

    with closing(store, tmp_path / "second") as days:
        days.sealer.run_once()

    assert written == sealed(store)
    assert [] == still_open(store)


def test_a_dry_run_tells_what_sealing_then_does(store: Store, tmp_path: Path) -> None:
    """`footfall seal --dry-run` counts right and changes nothing."""
    deliver(store, visits_of(9) + visits_of(1, source="x", path="/x", properties=("a=b",)))

    with closing(store, tmp_path) as days:
        foreseen = days.sealer.dry_run(CLOSES_AT)
        nothing = sealed(store)
        (done,) = days.sealer.run_once()

    assert [] == nothing
    assert foreseen.folded_cells > 0
    assert (foreseen.sites, foreseen.open_cells, foreseen.sealed_cells) == (
        done.sites,
        done.open_cells,
        done.sealed_cells,
    )


def test_sums_that_do_not_agree_stop_the_sealing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a count goes missing nothing is committed or dropped, until all is there."""
    deliver(store, visits_of(5))
    command = store.command

    def losing(sql: str, *more: Any, **further: Any) -> None:
        command(sql, *more, **further)
        if sql.startswith("INSERT INTO sealed_cells"):
            country = VIEW_BY_DIMENSIONS[frozenset(("country",))].id
            kept = {"lightweight_deletes_sync": 2}
            command(f"DELETE FROM sealed_cells WHERE view = {country}", kept)

    with closing(store, tmp_path) as days:
        with monkeypatch.context() as patched:
            patched.setattr(store, "command", losing)
            with pytest.raises(SealError, match="does not add up"):
                days.sealer.run_once()
        seals, untouched = store.query("SELECT * FROM seals"), still_open(store)
        results = days.sealer.run_once()

    assert [] == seals
    assert untouched
    assert [CLOSES_AT] == [result.closes_at for result in results]


def test_sites_are_folded_a_few_at_a_time_with_the_same_outcome(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What bounds the memory of a sealing changes nothing that is sealed."""
    few = visits_of(1, utm_campaign="a") + visits_of(2, utm_campaign="b")
    hits = [msgspec.structs.replace(one, site=site) for site in (1, 2, 3) for one in few]
    deliver(store, hits)
    chunks: list[list[int]] = []
    fold = sealing.fold_chunk

    def noting(*told: Any) -> Any:
        chunks.append(told[2])
        return fold(*told)

    monkeypatch.setattr(sealing, "fold_chunk", noting)
    with closing(
        store, tmp_path, *(a_site(id=n, domain=f"{n}.example") for n in (1, 2, 3))
    ) as days:
        at_once = days.sealer.dry_run(CLOSES_AT)
        monkeypatch.setattr(sealing, "CHUNK_CELLS", 1)
        (done,) = days.sealer.run_once()

    assert [[1, 2, 3], [1], [2], [3]] == chunks
    assert (at_once.sites, at_once.sealed_cells, at_once.folded_cells) == (
        done.sites,
        done.sealed_cells,
        done.folded_cells,
    )
    assert 3 == done.sites


def test_a_clock_that_jumped_freezes_sealing(store: Store, tmp_path: Path) -> None:
    """More than an hour off the steady clock: no day is closed until a person says so."""
    deliver(store, visits_of(5))

    with closing(store, tmp_path) as days:
        days.clock.monotonic = lambda: AFTER - 4_000  # type: ignore[method-assign]
        with pytest.raises(SealError, match="the clock jumped"):
            days.sealer.run_once()
        untouched = still_open(store)
        days.sealer.accept_clock()
        results = days.sealer.run_once()

    assert untouched
    assert [CLOSES_AT] == [result.closes_at for result in results]


def test_day_secrets_are_destroyed_even_if_the_spool_still_holds_hits(
    store: Store, tmp_path: Path
) -> None:
    """Pseudonyms are made at receipt, so the secret's end waits for nothing."""
    day = day_at("UTC", CLOSES_AT - 60)

    async def append() -> None:
        await days.spool.append(visits_of(1)[0])

    with closing(store, tmp_path) as days:
        asyncio.run(append())
        days.secrets.secret(1, day)
        before = days.secrets.open()
        days.sealer.run_once()
        after = days.secrets.open()

    assert (1, 0) == (len(before), len(after))
    assert [] == list((tmp_path / "secrets").iterdir())


def test_minutes_die_with_the_open_day(store: Store, tmp_path: Path) -> None:
    """No sealed cell is shorter than an hour, and no receipt is sealed."""
    deliver(store, visits_of(9))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert {Grain.DAY, Grain.HOUR} == {cell.grain for cell in sealed(store)}
    assert 0 not in {cell.view for cell in sealed(store)}


def test_rules_are_written_beside_the_seal(store: Store, tmp_path: Path) -> None:
    """A seal says by which rules and views its day was folded."""
    deliver(store, visits_of(3))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    ((rules,),) = store.query("SELECT rules FROM seals")
    assert rules.startswith(f"rules {folding.RULES}, views ")
