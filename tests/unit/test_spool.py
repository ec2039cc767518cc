"""The spool: acknowledged means durable, in order, by day, and unreadable for others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.errors import SpoolError
from collector.spool.spool import Spool
from tests.builders import FakeClock, a_hit
from tests.spooling import a_spool, append, open_spool, some_hits, waiting

TODAY, TOMORROW = 1_795_305_600, 1_795_392_000


def test_an_acknowledged_hit_is_there_after_a_restart(tmp_path: Path) -> None:
    """What was awaited is read by the next process, in order."""
    hits = some_hits(50)
    with a_spool(tmp_path) as spool:
        assert all(append(spool, hits))

    with a_spool(tmp_path) as spool:
        assert hits == waiting(spool)


def test_hits_that_wait_together_share_one_commit(spool: Spool) -> None:
    """A burst becomes few frames, so that a disk's sync is shared by many hits."""
    append(spool, some_hits(500))

    batches = spool.close_batches(10)

    assert 500 == sum(batch.hits for batch in batches)
    assert len(batches) <= 5


def test_a_group_waits_for_what_has_arrived(tmp_path: Path) -> None:
    """While each turn of the event loop brings a hit, they gather; a turn without one ends that."""
    with a_spool_without_its_thread(tmp_path) as spool:
        handed_over = asyncio.run(handed_over_after(spool, hits=20, idle_turns=1))

    assert [0] * 20 + [1] == handed_over
    with a_spool(tmp_path) as spool:
        assert some_hits(20) == waiting(spool)


def test_a_group_does_not_wait_for_ever(tmp_path: Path) -> None:
    """However many hits arrive, a group of some size is committed before all of them have."""
    with a_spool_without_its_thread(tmp_path) as spool:
        handed_over = asyncio.run(handed_over_after(spool, hits=400, idle_turns=0))

    assert 50 < handed_over.count(0) < 300
    assert [0, 1] == sorted(set(handed_over))


@contextmanager
def a_spool_without_its_thread(folder: Path) -> Iterator[Spool]:
    """Open a spool whose thread never starts: what is handed over waits until it is closed."""
    spool = open_spool(folder)
    try:
        yield spool
    finally:
        spool.close()


async def handed_over_after(spool: Spool, *, hits: int, idle_turns: int) -> list[int]:
    """Append a hit in each turn of the loop; tell after each how often the thread was woken."""
    woken = []
    for hit in [*some_hits(hits), *[None] * idle_turns]:
        if hit is not None:
            spool.append(hit)
        await asyncio.sleep(0)
        woken.append(spool._group_commit._jobs.qsize())
    return woken


def test_a_batch_holds_hits_of_one_day(spool: Spool) -> None:
    """Sites whose days end apart never share a batch."""
    append(spool, [*some_hits(3, closes_at=TODAY), *some_hits(2, closes_at=TOMORROW)])

    batches = spool.close_batches(1000)

    assert [(TODAY, 3), (TOMORROW, 2)] == [(batch.closes_at, batch.hits) for batch in batches]
    for batch in batches:
        assert {batch.closes_at} == {hit.closes_at for hit in spool.hits(batch)}


def test_a_batch_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """Token and hits of a closed batch never change, whatever arrives later."""
    with a_spool(tmp_path) as spool:
        append(spool, some_hits(3))
        (batch,) = spool.close_batches(1000)
        before = spool.hits(batch)
        append(spool, some_hits(2))

    with a_spool(tmp_path) as spool:
        assert [batch] == spool.batches()
        assert before == spool.hits(batch)


def test_no_two_batches_share_a_token(tmp_path: Path) -> None:
    """Tokens are never used again, not even when everything before was deleted."""
    tokens = []
    for _ in range(3):
        with a_spool(tmp_path) as spool:
            append(spool, some_hits(1))
            for batch in spool.close_batches(1000):
                tokens.append(batch.token)
                spool.delete(batch)

    assert 3 == len(set(tokens))


def test_a_deleted_batch_is_gone(spool: Spool) -> None:
    """After `delete` neither the batch nor its bytes are held."""
    append(spool, some_hits(3))
    (batch,) = spool.close_batches(1000)

    spool.delete(batch)

    assert [] == spool.batches()
    assert (0, 0, None) == spool.stats()[:3]
    assert not spool.holds(TODAY)


def test_a_day_is_held_until_its_last_batch_is_deleted(spool: Spool) -> None:
    """`holds` is true from the first hit on, whether or not it is in a batch."""
    append(spool, some_hits(1, closes_at=TODAY))
    open_frame = spool.holds(TODAY)
    (batch,) = spool.close_batches(1000)
    closed_batch = spool.holds(TODAY)
    spool.delete(batch)

    assert (True, True, False) == (open_frame, closed_batch, spool.holds(TODAY))


def test_the_key_of_a_held_day_is_not_destroyed(spool: Spool) -> None:
    """Destroying a key can never cost a hit."""
    append(spool, some_hits(1))

    with pytest.raises(SpoolError, match="still holds"):
        spool.destroy_key(TODAY)

    assert 1 == len(waiting(spool))
    assert spool.failure is None


def test_the_key_of_a_drained_day_is_destroyed(spool: Spool, tmp_path: Path) -> None:
    """Once nothing is held, the key's file is unlinked."""
    append(spool, some_hits(1))
    (batch,) = spool.close_batches(1000)
    spool.delete(batch)

    spool.destroy_key(TODAY)

    assert [] == list((tmp_path / "keys").iterdir())


def test_nothing_of_a_hit_is_readable_on_the_disk(tmp_path: Path) -> None:
    """Neither the file nor its log shows a value or a pseudonym."""
    with a_spool(tmp_path) as spool:
        append(spool, [a_hit(path="/marked", pseudonym=b"marked-pseudonym")])
        on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("spool*"))

    assert len(on_disk) > 4096
    assert b"marked" not in on_disk


def test_only_the_owner_can_read_the_spool(tmp_path: Path) -> None:
    """The file has mode 0600."""
    with a_spool(tmp_path):
        assert 0o600 == (tmp_path / "spool.sqlite3").stat().st_mode & 0o777


def test_a_batch_that_is_not_there_deletes_nothing(spool: Spool) -> None:
    """Deleting twice, or a batch of a file that was replaced, touches no other batch."""
    append(spool, some_hits(3))
    (gone,) = spool.close_batches(1000)
    spool.delete(gone)
    append(spool, some_hits(2))

    spool.delete(gone, lost=3)

    assert 2 == len(waiting(spool))
    assert {} == spool.counts()


def test_a_drained_spool_gives_its_room_back(tmp_path: Path) -> None:
    """After an outage the file shrinks again, a few megabytes at a time."""
    with a_spool(tmp_path) as spool:
        append(spool, [a_hit(path="/" + "x" * 1000)] * 10_000)
        spool._group_commit.run_on_thread(spool._checkpoint)
        full = (tmp_path / "spool.sqlite3").stat().st_size
        for batch in spool.close_batches(100_000):
            spool.delete(batch)

        for _ in range(3):
            spool._group_commit.run_on_thread(spool._idle)

        assert full > 10_000_000
        assert (tmp_path / "spool.sqlite3").stat().st_size < full / 2


def test_the_oldest_frame_tells_the_lag(tmp_path: Path) -> None:
    """`oldest` is when the first hit that still waits was written."""
    clock = FakeClock(1000.0)
    with a_spool(tmp_path, clock=clock) as spool:
        append(spool, some_hits(1))
        clock.at = 2000.0
        append(spool, some_hits(1))

        assert 1000.0 == spool.stats().oldest


def test_a_damaged_frame_costs_its_own_hits_only(tmp_path: Path) -> None:
    """A flipped bit loses a frame, never more, and never changes a count."""
    with a_spool(tmp_path) as spool:
        for number in range(3):
            append(spool, [a_hit(path=f"/{number}")])
    database = sqlite3.connect(tmp_path / "spool.sqlite3")
    database.execute(
        "UPDATE frame SET body = CAST(substr(body, 1, 40) || 'x' AS BLOB) WHERE id % 10 = 2"
    )
    database.commit()
    database.close()

    with a_spool(tmp_path) as spool:
        (batch,) = spool.close_batches(1000)

        assert ["/0", "/2"] == [hit.path for hit in spool.hits(batch)]
        assert 3 == batch.hits


def test_a_probe_of_a_rejected_batch_confirms_nothing(tmp_path: Path) -> None:
    """Its receipt holds no hit, so the frames stay; a half's counts what may be lost."""
    with a_spool(tmp_path) as spool:
        append(spool, some_hits(2))
    with a_spool(tmp_path) as spool:
        ((closes_at, first),) = spool.unconfirmed_days()
        token = f"{spool.epoch}.{closes_at}.{first}-{first + 1000}"
        spool.confirm(closes_at, [f"{token}.empty"])
        kept = spool.stats().rows
        spool.confirm(closes_at, [f"{token}.0"])

        assert (2, 0) == (kept, spool.stats().rows)
        assert 2 in spool.counts().values()
