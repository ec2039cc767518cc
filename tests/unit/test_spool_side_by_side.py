"""The spool: what is kept beside the hits: counts by reason, and visits for the next process."""

from __future__ import annotations

from pathlib import Path

from collector.counters import Counters
from collector.spool.spool import Spool
from tests.builders import FakeClock
from tests.spooling import a_spool, append, some_hits

TODAY = 1_795_305_600


def test_counts_are_kept_beside_the_hits(tmp_path: Path) -> None:
    """Counts by reason survive the process and add up over several."""
    for _ in range(2):
        counters = Counters()
        with a_spool(tmp_path, counters=counters) as spool:
            counters.count("bot", 20_000, 3)

    with a_spool(tmp_path) as spool:
        assert {(20_000, "bot", 3): 2} == spool.counts()


def test_delivered_counts_are_sent_again_only_when_they_grow(tmp_path: Path) -> None:
    """A count is cumulative: the store gets the new total, never a difference."""
    counters = Counters()
    with a_spool(tmp_path, counters=counters, clock=FakeClock(20_000 * 86_400)) as spool:
        counters.count("bot", 20_000, 3)
        spool.counts_delivered(spool.counts())
        between = spool.counts()
        counters.count("bot", 20_000, 3)

        assert {} == between
        assert {(20_000, "bot", 3): 2} == spool.counts()


def test_old_delivered_counts_are_deleted(tmp_path: Path) -> None:
    """The spool does not grow with the years."""
    counters = Counters()
    with a_spool(tmp_path, counters=counters, clock=FakeClock(20_010 * 86_400)) as spool:
        counters.count("bot", 20_000, 3)
        spool.counts_delivered(spool.counts())
        counters.count("bot", 20_000, 3)

        assert {(20_000, "bot", 3): 1} == spool.counts()


def test_visits_are_loaded_once(tmp_path: Path) -> None:
    """The next process takes the visits in flight, and a third finds none."""
    with a_spool(tmp_path) as spool:
        spool.save_visits({TODAY: b"visits of today"})

    with a_spool(tmp_path) as spool:
        first, second = spool.load_visits(), spool.load_visits()

    assert {TODAY: b"visits of today"} == first
    assert {} == second


def test_saved_visits_cannot_be_read_without_the_key(tmp_path: Path) -> None:
    """They are encrypted like hits, and die with the key of their day."""
    with a_spool(tmp_path) as spool:
        spool.save_visits({TODAY: b"marked visits"})
        on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("spool*"))
        spool.destroy_key(TODAY)

        assert {} == spool.load_visits()
    assert b"marked" not in on_disk


def test_lost_hits_are_counted(spool: Spool) -> None:
    """What could not be read is counted under a reason."""
    append(spool, some_hits(3))
    (batch,) = spool.close_batches(1000)

    spool.delete(batch, lost=2)

    assert [("lost", 2)] == [(reason, count) for (_, reason, _), count in spool.counts().items()]
