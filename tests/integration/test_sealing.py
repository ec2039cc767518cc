"""Seal days of a real store, with a real spool and real day secrets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.cells import folding, sealing
from collector.cells.client import Store
from collector.cells.partitions import partitions
from collector.cells.snapshots import Snapshots
from collector.cells.views import VIEW_BY_DIMENSIONS, Grain
from collector.day import day_at
from collector.errors import SealError, Unreachable
from collector.registry.sites import Sites
from tests.builders import FakeClock, a_site
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
    """After sealing, the totals are unchanged and no open cell is left."""
    deliver(store, visits_of(20))

    with closing(store, tmp_path) as days:
        (result,) = days.sealer.run_once()

    (total,) = [cell for cell in sealed(store) if cell.view == 1 and cell.grain == Grain.DAY]
    assert (20, 20, 20) == (total.sum("pageviews"), total.sum("visits"), total.visitors)
    assert (CLOSES_AT, 1) == (result.closes_at, result.sites)
    assert [(0,)] == store.query("SELECT count() FROM open_cells")


def test_no_file_of_an_open_day_is_left(store: Store, tmp_path: Path) -> None:
    """The partition's folders are deleted from disk when sealing returns."""
    deliver(store, visits_of(3))
    before = list(store.path.rglob(f"{CLOSES_AT}_*"))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert before
    assert [] == list(store.path.rglob(f"{CLOSES_AT}_*"))


def test_a_day_is_not_due_before_its_grace_is_over(store: Store, tmp_path: Path) -> None:
    """The last hits of a day have five minutes to arrive."""
    deliver(store, visits_of(3))

    with closing(store, tmp_path) as days:
        early, late = days.sealer.due_days(CLOSES_AT + 299), days.sealer.due_days(CLOSES_AT + 300)

    assert ([], [CLOSES_AT]) == (early, late)


def test_a_day_with_hits_in_the_spool_stays_open(store: Store, tmp_path: Path) -> None:
    """Sealing waits for delivery, and an explicit sealing is refused with the reason."""
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
    """Sites in a time zone where the day is not over keep their open cells."""
    elsewhere = "Pacific/Honolulu"
    deliver(store, visits_of(3))
    deliver(store, [hit("far", "2026-11-20 10:30", zone=elsewhere, site=2)])
    later = day_at(elsewhere, CLOSES_AT - 60).closes_at

    with closing(store, tmp_path, a_site(), a_site(id=2, domain="far.example")) as days:
        days.sealer.run_once()

    assert [] == still_open(store)
    assert {2} == {cell.site for cell in still_open(store, later)}


def test_zones_whose_days_end_together_are_sealed_together(store: Store, tmp_path: Path) -> None:
    """Two sites in two zones with the same midnight share a partition and a seal."""
    deliver(store, visits_of(3, zone="Europe/Berlin"))
    deliver(store, visits_of(4, zone="Europe/Paris", site=2))
    together = day_at("Europe/Berlin", CLOSES_AT - 40_000).closes_at

    with closing(store, tmp_path, a_site(), a_site(id=2, domain="b.example")) as days:
        (result,) = days.sealer.run_once()

    assert (together, 2) == (result.closes_at, result.sites)


def test_sealing_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A second run finds nothing due; an explicit one changes nothing."""
    deliver(store, visits_of(5))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()
        once = sealed(store)
        nothing = days.sealer.run_once()
        days.sealer.seal(CLOSES_AT)

    assert [] == nothing
    assert once == sealed(store)
    assert [(1,)] == store.query("SELECT count() FROM seals")


def test_an_unfinished_sealing_is_redone(store: Store, tmp_path: Path) -> None:
    """Rows that were written without their seal are replaced and not counted twice."""
    deliver(store, visits_of(5))
    sites = Sites([a_site()])
    sealing.write_chunk(store, CLOSES_AT, [1], sites, {})
    half_done = sealed(store)

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert half_done
    assert sorted(map(repr, half_done)) == sorted(map(repr, sealed(store)))


def test_a_sealing_interrupted_before_the_drop_is_finished(store: Store, tmp_path: Path) -> None:
    """A sealed day that still has open cells only loses those."""
    deliver(store, visits_of(5))
    with closing(store, tmp_path / "first") as days:
        days.sealer._write(CLOSES_AT)
        written = sealed(store)

    with closing(store, tmp_path / "second") as days:
        days.sealer.run_once()

    assert written == sealed(store)
    assert [] == still_open(store)


def test_a_sealing_interrupted_at_a_drop_leaves_no_snapshot(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open partition is dropped last: while it exists, the next run drops the snapshot too."""
    strict = a_site(profile="strict")
    sites = Sites([strict])
    deliver(store, visits_of(5))
    Snapshots(store, FakeClock(), lambda _, __: 0, lambda: sites).refresh(sites)
    command = store.command

    def interrupted(sql: str, *more: Any, **named: Any) -> None:
        if sql.startswith("ALTER TABLE snapshot_cells DROP PARTITION"):
            raise Unreachable("connection reset")
        command(sql, *more, **named)

    with closing(store, tmp_path, strict) as days:
        with monkeypatch.context() as patched:
            patched.setattr(store, "command", interrupted)
            with pytest.raises(Unreachable):
                days.sealer.run_once()
        left = partitions(store, "snapshot_cells")
        days.sealer.run_once()

    assert [str(CLOSES_AT)] == left
    assert [] == partitions(store, "snapshot_cells") == partitions(store, "open_cells")


def test_a_dry_run_returns_what_sealing_then_does(store: Store, tmp_path: Path) -> None:
    """`footfall seal --dry-run` counts correctly and changes nothing."""
    deliver(store, visits_of(9) + visits_of(1, source="x", path="/x", properties=("a=b",)))

    with closing(store, tmp_path) as days:
        expected = days.sealer.dry_run(CLOSES_AT)
        nothing = sealed(store)
        (done,) = days.sealer.run_once()

    assert [] == nothing
    assert expected.folded_cells > 0
    assert (expected.sites, expected.open_cells, expected.sealed_cells) == (
        done.sites,
        done.open_cells,
        done.sealed_cells,
    )


def test_sums_that_do_not_agree_stop_the_sealing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a count is missing, nothing is committed or dropped; the next run can succeed."""
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
    """The chunk size limits memory and does not change the result."""
    few = visits_of(1, utm_campaign="a") + visits_of(2, utm_campaign="b")
    hits = [msgspec.structs.replace(one, site=site) for site in (1, 2, 3) for one in few]
    deliver(store, hits)
    chunks: list[list[int]] = []
    fold = sealing.fold_chunk

    def recorded(*arguments: Any) -> Any:
        chunks.append(arguments[2])
        return fold(*arguments)

    monkeypatch.setattr(sealing, "fold_chunk", recorded)
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
    """A jump of over an hour against the monotonic clock stops sealing until it is confirmed."""
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
    """Pseudonyms are computed at receipt, so the secret need not wait for delivery."""
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
    """No sealed cell covers less than an hour, and no receipt is sealed."""
    deliver(store, visits_of(9))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    assert {Grain.DAY, Grain.HOUR} == {cell.grain for cell in sealed(store)}
    assert 0 not in {cell.view for cell in sealed(store)}


def test_rules_are_written_beside_the_seal(store: Store, tmp_path: Path) -> None:
    """A seal records the version of the rules and views that its day was folded by."""
    deliver(store, visits_of(3))

    with closing(store, tmp_path) as days:
        days.sealer.run_once()

    ((rules,),) = store.query("SELECT rules FROM seals")
    assert rules.startswith(f"rules {folding.RULES}, views ")
