"""The journal: what is kept beside the hits: counts by reason, and visits for the next process."""

from __future__ import annotations

from pathlib import Path

from collector.counters import Tally
from collector.spool.spool import Journal
from tests.builders import FakeClock
from tests.spooling import a_journal, append, some_hits

TODAY = 1_795_305_600


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


def test_lost_hits_are_counted(journal: Journal) -> None:
    """What could not be read is told by reason."""
    append(journal, some_hits(3))
    (batch,) = journal.close_batches(1000)

    journal.forget(batch, lost=2)

    assert [("lost", 2)] == [(reason, count) for (_, reason, _), count in journal.counts().items()]
