"""The journal: acknowledged means durable, in order, bounded, and by one process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from collector.errors import SpoolError, SpoolFull, StoreBusy
from collector.hit import Hit
from collector.spool.frames import encode_hit
from collector.spool.journal import Journal
from collector.telemetry import Tally
from tests.builders import FakeClock, a_hit
from tests.spooling import a_journal, append, files_no_larger_than, open_journal, waiting

TODAY, TOMORROW = 1_795_305_600, 1_795_392_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty spool."""
    with a_journal(tmp_path) as opened:
        yield opened


def some_hits(count: int, **changes: object) -> list[Hit]:
    """Build hits that can be told apart by their paths."""
    return [a_hit(path=f"/{number}", **changes) for number in range(count)]


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


def test_a_full_spool_refuses_and_takes_again(tmp_path: Path) -> None:
    """Beyond `max_bytes` hits are refused; once a batch is forgotten they are taken."""
    with a_journal(tmp_path, max_bytes=2000) as journal:
        taken = [append(journal, [hit])[0] for hit in some_hits(30)]
        with pytest.raises(SpoolFull):
            asyncio.run(awaited(journal, a_hit()))
        for batch in journal.close_batches(1000):
            journal.forget(batch)
        after = append(journal, some_hits(1))

    assert 5 < taken.count(True) < 30
    assert sorted(taken, reverse=True) == taken
    assert [True] == after


async def awaited(journal: Journal, hit: Hit) -> None:
    """Append one hit and wait for it."""
    await journal.append(hit)


def test_a_refused_hit_is_undone_at_once(tmp_path: Path) -> None:
    """A hit for which there is no room takes back what it did to its visit."""
    undone = []

    with a_journal(tmp_path, max_bytes=10) as journal, pytest.raises(SpoolFull):
        journal.append(a_hit(), lambda: undone.append("hit"))

    assert ["hit"] == undone


def test_a_hit_that_cannot_be_written_down_is_refused_alone(journal: Journal) -> None:
    """A lone surrogate fails its own hit and no other of its group."""
    undone = []

    async def both() -> None:
        good = journal.append(a_hit())
        with pytest.raises(SpoolError, match="encoded"):
            journal.append(a_hit(path="\ud800"), lambda: undone.append("bad"))
        await good

    asyncio.run(both())

    assert ["bad"] == undone
    assert [a_hit()] == waiting(journal)


def test_a_request_that_goes_away_does_not_take_its_group_along(journal: Journal) -> None:
    """Cancelling one waiting sender leaves the acknowledgement of the others alone."""

    async def two() -> None:
        first = asyncio.ensure_future(awaited(journal, a_hit(path="/first")))
        second = asyncio.ensure_future(awaited(journal, a_hit(path="/second")))
        await asyncio.sleep(0)
        first.cancel()
        await second

    asyncio.run(two())

    assert {"/first", "/second"} == {hit.path for hit in waiting(journal)}


def test_a_second_process_is_refused(journal: Journal, tmp_path: Path) -> None:
    """The message says that another process has the directory, and which."""
    with pytest.raises(StoreBusy, match=str(tmp_path)):
        open_journal(tmp_path)


def test_a_spool_of_a_newer_version_is_refused_whole(tmp_path: Path) -> None:
    """A newer format is left as it is, with a sentence that says what to do."""
    with a_journal(tmp_path) as journal:
        append(journal, some_hits(1))
    database = sqlite3.connect(tmp_path / "spool.sqlite3")
    database.execute("PRAGMA user_version = 99")
    database.close()
    before = (tmp_path / "spool.sqlite3").read_bytes()

    with pytest.raises(SpoolError, match="newer version"):
        open_journal(tmp_path)

    assert before == (tmp_path / "spool.sqlite3").read_bytes()


def test_a_failed_commit_refuses_all_that_rested_on_it(tmp_path: Path) -> None:
    """All hits that wait fail, and each undoes its visit before any that came before it."""
    applied = list[int]()
    out_of_order = list[int]()

    def undo(number: int) -> None:
        if applied.pop() != number:
            out_of_order.append(number)

    async def one(journal: Journal, number: int) -> bool:
        applied.append(number)
        try:
            await journal.append(a_hit(), lambda: undo(number))
        except SpoolError:
            return False
        return True

    async def fill(journal: Journal) -> list[bool]:
        return await asyncio.gather(*(one(journal, number) for number in range(300)))

    with a_journal(tmp_path) as journal:
        append(journal, some_hits(1))
        with files_no_larger_than(20_000):
            outcomes = asyncio.run(fill(journal))

    assert not any(outcomes)
    assert ([], []) == (applied, out_of_order)


def test_a_failed_disk_is_mended_without_a_restart(tmp_path: Path) -> None:
    """Refused hits never appear, and hits are taken again once the disk works."""
    with a_journal(tmp_path) as journal:
        append(journal, [a_hit(path="/before")])
        with files_no_larger_than(20_000):
            refused = append(journal, some_hits(500))
            still = append(journal, some_hits(1))
            trouble = journal.trouble
        taken = [False]
        while not any(taken):
            taken = append(journal, [a_hit(path="/after")])
        paths = [hit.path for hit in waiting(journal)]

    assert not any(refused + still)
    assert trouble is not None
    assert ["/before", "/after"] == paths


def test_counts_are_kept_beside_the_hits(tmp_path: Path) -> None:
    """Counts by reason survive the process and add up over several."""
    for _ in range(2):
        tally = Tally()
        with a_journal(tmp_path, tally=tally) as journal:
            tally.count("bot", 20_000, 3)

    with a_journal(tmp_path) as journal:
        assert {(20_000, "bot", 3): 2} == journal.counts()


def test_delivered_counts_are_told_again_only_when_they_grow(tmp_path: Path) -> None:
    """A count is cumulative: the store gets the new total, never a difference."""
    tally = Tally()
    with a_journal(tmp_path, tally=tally, clock=FakeClock(20_000 * 86_400)) as journal:
        tally.count("bot", 20_000, 3)
        journal.counts_delivered(journal.counts())
        between = journal.counts()
        tally.count("bot", 20_000, 3)

        assert {} == between
        assert {(20_000, "bot", 3): 2} == journal.counts()


def test_old_delivered_counts_are_forgotten(tmp_path: Path) -> None:
    """The spool does not grow with the years."""
    tally = Tally()
    with a_journal(tmp_path, tally=tally, clock=FakeClock(20_010 * 86_400)) as journal:
        tally.count("bot", 20_000, 3)
        journal.counts_delivered(journal.counts())
        tally.count("bot", 20_000, 3)

        assert {(20_000, "bot", 3): 1} == journal.counts()


def test_visits_are_handed_over_once(tmp_path: Path) -> None:
    """The next process takes the visits in flight, and a third finds none."""
    with a_journal(tmp_path) as journal:
        journal.hand_over({TODAY: b"visits of today"})

    with a_journal(tmp_path) as journal:
        first, second = journal.take_over(), journal.take_over()

    assert {TODAY: b"visits of today"} == first
    assert {} == second


def test_visits_handed_over_cannot_be_read_without_the_key(tmp_path: Path) -> None:
    """They are encrypted like hits, and die with the key of their day."""
    with a_journal(tmp_path) as journal:
        journal.hand_over({TODAY: b"marked visits"})
        on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("spool*"))
        journal.destroy_key(TODAY)

        assert {} == journal.take_over()
    assert b"marked" not in on_disk


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


def test_lost_hits_are_counted(journal: Journal) -> None:
    """What could not be read is told by reason."""
    append(journal, some_hits(3))
    (batch,) = journal.close_batches(1000)

    journal.forget(batch, lost=2)

    assert [("lost", 2)] == [(reason, count) for (_, reason, _), count in journal.counts().items()]


def test_hits_sent_together_are_kept_or_refused_together(tmp_path: Path) -> None:
    """Where there is room for one of two, neither is kept, and both are undone, newest first."""
    undone: list[str] = []
    hits = [(hit, partial(undone.append, hit.path)) for hit in some_hits(2)]

    async def together(journal: Journal) -> bool:
        try:
            await journal.append_all(hits)
        except SpoolFull:
            return False
        return True

    with a_journal(tmp_path / "small", max_bytes=len(encode_hit(hits[0][0])) + 10) as journal:
        assert not asyncio.run(together(journal))
        assert [] == waiting(journal)
    with a_journal(tmp_path / "large") as journal:
        assert asyncio.run(together(journal))
        assert [hit for hit, _ in hits] == waiting(journal)

    assert ["/1", "/0"] == undone


def test_hits_sent_together_are_refused_with_the_one_that_cannot_be_kept(tmp_path: Path) -> None:
    """A hit that cannot be encoded takes those sent with it along."""
    undone: list[str] = []
    hits = [a_hit(path="/fine"), a_hit(path="/odd", revenue=1 << 70)]

    async def together(journal: Journal) -> None:
        await journal.append_all([(hit, partial(undone.append, hit.path)) for hit in hits])

    with a_journal(tmp_path) as journal:
        with pytest.raises(SpoolError, match="cannot be encoded"):
            asyncio.run(together(journal))

        assert [] == waiting(journal)
    assert ["/odd", "/fine"] == undone
