"""The journal: acknowledged means durable, in order, by day, and unreadable for others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.errors import SpoolError
from collector.spool.spool import Journal
from tests.builders import FakeClock, a_hit
from tests.spooling import a_journal, append, open_journal, some_hits, waiting

TODAY, TOMORROW = 1_795_305_600, 1_795_392_000


def test_an_acknowledged_hit_is_there_after_a_restart(tmp_path: Path) -> None:
    """What was awaited is read by the next process, in order."""
    hits = some_hits(50)
    with a_journal(tmp_path) as journal:
        assert all(append(journal, hits))

    with a_journal(tmp_path) as journal:
        assert hits == waiting(journal)


def test_hits_that_wait_together_share_one_commit(journal: Journal) -> None:
    """A burst becomes few frames, so that a disk's sync is shared by many hits."""
    append(journal, some_hits(500))

    batches = journal.close_batches(10)

    assert 500 == sum(batch.count for batch in batches)
    assert len(batches) <= 5


def test_a_group_waits_for_what_has_arrived(tmp_path: Path) -> None:
    """While each turn of the event loop brings a hit, they gather; a turn without one ends that."""
    with a_resting_journal(tmp_path) as journal:
        handed_over = asyncio.run(handed_over_after(journal, hits=20, idle_turns=1))

    assert [0] * 20 + [1] == handed_over
    with a_journal(tmp_path) as journal:
        assert some_hits(20) == waiting(journal)


def test_a_group_does_not_wait_for_ever(tmp_path: Path) -> None:
    """However many hits arrive, a group of some size is committed before all of them have."""
    with a_resting_journal(tmp_path) as journal:
        handed_over = asyncio.run(handed_over_after(journal, hits=400, idle_turns=0))

    assert 50 < handed_over.count(0) < 300
    assert [0, 1] == sorted(set(handed_over))


@contextmanager
def a_resting_journal(folder: Path) -> Iterator[Journal]:
    """Open a spool whose thread never starts: what is handed over waits until it is closed."""
    journal = open_journal(folder)
    try:
        yield journal
    finally:
        journal.close()


async def handed_over_after(journal: Journal, *, hits: int, idle_turns: int) -> list[int]:
    """Append a hit in each turn of the loop; tell after each how often the thread was woken."""
    woken = []
    for hit in [*some_hits(hits), *[None] * idle_turns]:
        if hit is not None:
            journal.append(hit)
        await asyncio.sleep(0)
        woken.append(journal._writer._wake.qsize())
    return woken


def test_a_batch_holds_hits_of_one_day(journal: Journal) -> None:
    """Sites whose days end apart never share a batch."""
    append(journal, [*some_hits(3, closes_at=TODAY), *some_hits(2, closes_at=TOMORROW)])

    batches = journal.close_batches(1000)

    assert [(TODAY, 3), (TOMORROW, 2)] == [(batch.closes_at, batch.count) for batch in batches]
    for batch in batches:
        assert {batch.closes_at} == {hit.closes_at for hit in journal.hits(batch)}


def test_a_batch_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """Token and hits of a closed batch never change, whatever arrives later."""
    with a_journal(tmp_path) as journal:
        append(journal, some_hits(3))
        (batch,) = journal.close_batches(1000)
        before = journal.hits(batch)
        append(journal, some_hits(2))

    with a_journal(tmp_path) as journal:
        assert [batch] == journal.batches()
        assert before == journal.hits(batch)


def test_no_two_batches_share_a_token(tmp_path: Path) -> None:
    """Tokens are never used again, not even when everything before was forgotten."""
    tokens = []
    for _ in range(3):
        with a_journal(tmp_path) as journal:
            append(journal, some_hits(1))
            for batch in journal.close_batches(1000):
                tokens.append(batch.token)
                journal.forget(batch)

    assert 3 == len(set(tokens))


def test_a_forgotten_batch_is_gone(journal: Journal) -> None:
    """After `forget` neither the batch nor its bytes are held."""
    append(journal, some_hits(3))
    (batch,) = journal.close_batches(1000)

    journal.forget(batch)

    assert [] == journal.batches()
    assert (0, 0, None) == journal.stats()[:3][:3]
    assert not journal.holds(TODAY)


def test_a_day_is_held_until_its_last_batch_is_forgotten(journal: Journal) -> None:
    """`holds` is true from the first hit on, whether or not it is in a batch."""
    append(journal, some_hits(1, closes_at=TODAY))
    open_frame = journal.holds(TODAY)
    (batch,) = journal.close_batches(1000)
    closed_batch = journal.holds(TODAY)
    journal.forget(batch)

    assert (True, True, False) == (open_frame, closed_batch, journal.holds(TODAY))


def test_the_key_of_a_held_day_is_not_destroyed(journal: Journal) -> None:
    """Destroying a key can never cost a hit."""
    append(journal, some_hits(1))

    with pytest.raises(SpoolError, match="still holds"):
        journal.destroy_key(TODAY)

    assert 1 == len(waiting(journal))
    assert journal.trouble is None


def test_the_key_of_a_drained_day_is_destroyed(journal: Journal, tmp_path: Path) -> None:
    """Once nothing is held, the key's file is unlinked."""
    append(journal, some_hits(1))
    (batch,) = journal.close_batches(1000)
    journal.forget(batch)

    journal.destroy_key(TODAY)

    assert [] == list((tmp_path / "keys").iterdir())


def test_nothing_of_a_hit_is_readable_on_the_disk(tmp_path: Path) -> None:
    """Neither the file nor its log shows a value or a pseudonym."""
    with a_journal(tmp_path) as journal:
        append(journal, [a_hit(path="/marked", pseudonym=b"marked-pseudonym")])
        on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("spool*"))

    assert len(on_disk) > 4096
    assert b"marked" not in on_disk


def test_only_the_owner_can_read_the_spool(tmp_path: Path) -> None:
    """The file has mode 0600."""
    with a_journal(tmp_path):
        assert 0o600 == (tmp_path / "spool.sqlite3").stat().st_mode & 0o777


def test_a_batch_can_be_halved(journal: Journal) -> None:
    """The halves hold the same hits in the same order, under tokens of their own."""
    hits = some_hits(5)
    append(journal, hits)
    (batch,) = journal.close_batches(1000)

    journal.split(batch, hits)

    first, second = journal.batches()
    assert hits == journal.hits(first) + journal.hits(second)
    assert [batch.token + ".0", batch.token + ".1"] == [first.token, second.token]
    assert 5 == journal.stats().rows


def test_halving_again_changes_nothing(journal: Journal) -> None:
    """A batch that is gone is not replaced a second time."""
    hits = some_hits(4)
    append(journal, hits)
    (batch,) = journal.close_batches(1000)
    journal.split(batch, hits)

    journal.split(batch, hits)

    assert 4 == sum(each.count for each in journal.batches())


def test_hits_after_a_halved_batch_stay_apart_from_it(journal: Journal) -> None:
    """Batches closed later take the open frames and none of the halves'."""
    hits = some_hits(4)
    append(journal, hits)
    (batch,) = journal.close_batches(1000)
    append(journal, [a_hit(path="/later")])
    journal.split(batch, hits)

    (later,) = journal.close_batches(1000)

    assert ["/later"] == [hit.path for hit in journal.hits(later)]


def test_a_drained_spool_gives_its_room_back(tmp_path: Path) -> None:
    """After an outage the file shrinks again, a few megabytes at a time."""
    with a_journal(tmp_path) as journal:
        append(journal, [a_hit(path="/" + "x" * 1000)] * 10_000)
        for batch in journal.close_batches(100_000):
            journal.forget(batch)
        full = (tmp_path / "spool.sqlite3").stat().st_size

        for _ in range(3):
            journal._writer.do(journal.idle)

        assert full > 10_000_000
        assert (tmp_path / "spool.sqlite3").stat().st_size < full / 2


def test_the_oldest_frame_tells_the_lag(tmp_path: Path) -> None:
    """`oldest` is when the first hit that still waits was written."""
    clock = FakeClock(1000.0)
    with a_journal(tmp_path, clock=clock) as journal:
        append(journal, some_hits(1))
        clock.at = 2000.0
        append(journal, some_hits(1))

        assert 1000.0 == journal.stats().oldest


def test_a_damaged_frame_costs_its_own_hits_only(tmp_path: Path) -> None:
    """A flipped bit loses a frame, never more, and never changes a count."""
    with a_journal(tmp_path) as journal:
        for number in range(3):
            append(journal, [a_hit(path=f"/{number}")])
    database = sqlite3.connect(tmp_path / "spool.sqlite3")
    database.execute(
        "UPDATE frame SET body = CAST(substr(body, 1, 40) || 'x' AS BLOB) WHERE id % 10 = 2"
    )
    database.commit()
    database.close()

    with a_journal(tmp_path) as journal:
        (batch,) = journal.close_batches(1000)

        assert ["/0", "/2"] == [hit.path for hit in journal.hits(batch)]
        assert 3 == batch.count
