"""The spool: what cannot be kept is refused, undone, and never appears."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from collector.errors import SpoolError, SpoolFull, StoreBusy
from collector.hit import Hit
from collector.spool.encryption import encode_hit
from collector.spool.spool import Spool
from tests.builders import FakeClock, a_hit
from tests.spooling import (
    a_spool,
    append,
    files_no_larger_than,
    open_spool,
    some_hits,
    waiting,
)


def test_a_full_spool_refuses_and_takes_again(tmp_path: Path) -> None:
    """Beyond `max_bytes` hits are refused; once a batch is deleted they are taken."""
    with a_spool(tmp_path, max_bytes=2000) as spool:
        taken = [append(spool, [hit])[0] for hit in some_hits(30)]
        with pytest.raises(SpoolFull):
            asyncio.run(awaited(spool, a_hit()))
        for batch in spool.close_batches(1000):
            spool.delete(batch)
        after = append(spool, some_hits(1))

    assert 5 < taken.count(True) < 30
    assert sorted(taken, reverse=True) == taken
    assert [True] == after


async def awaited(spool: Spool, hit: Hit) -> None:
    """Append one hit and wait for it."""
    await spool.append(hit)


def test_a_refused_hit_is_undone_at_once(tmp_path: Path) -> None:
    """A hit for which there is no room takes back what it did to its visit."""
    undone = []

    with a_spool(tmp_path, max_bytes=10) as spool, pytest.raises(SpoolFull):
        spool.append(a_hit(), lambda: undone.append("hit"))

    assert ["hit"] == undone


def test_a_hit_that_cannot_be_written_down_is_refused_alone(spool: Spool) -> None:
    """A lone surrogate fails its own hit and no other of its group."""
    undone = []

    async def both() -> None:
        good = spool.append(a_hit())
        with pytest.raises(SpoolError, match="encoded"):
            spool.append(a_hit(path="\ud800"), lambda: undone.append("bad"))
        await good

    asyncio.run(both())

    assert ["bad"] == undone
    assert [a_hit()] == waiting(spool)


def test_a_request_that_goes_away_does_not_take_its_group_along(spool: Spool) -> None:
    """Cancelling one waiting sender leaves the acknowledgement of the others alone."""

    async def two() -> None:
        first = asyncio.ensure_future(awaited(spool, a_hit(path="/first")))
        second = asyncio.ensure_future(awaited(spool, a_hit(path="/second")))
        await asyncio.sleep(0)
        first.cancel()
        await second

    asyncio.run(two())

    assert {"/first", "/second"} == {hit.path for hit in waiting(spool)}


def test_a_second_process_is_refused(spool: Spool, tmp_path: Path) -> None:
    """The message says that another process has the directory, and which."""
    with pytest.raises(StoreBusy, match=str(tmp_path)):
        open_spool(tmp_path)


def test_a_spool_of_a_newer_version_is_refused_whole(tmp_path: Path) -> None:
    """A newer format is left as it is, with a sentence that says what to do."""
    with a_spool(tmp_path) as spool:
        append(spool, some_hits(1))
    database = sqlite3.connect(tmp_path / "spool.sqlite3")
    database.execute("PRAGMA user_version = 99")
    database.close()
    before = (tmp_path / "spool.sqlite3").read_bytes()

    with pytest.raises(SpoolError, match="newer version"):
        open_spool(tmp_path)

    assert before == (tmp_path / "spool.sqlite3").read_bytes()


def test_a_failed_commit_refuses_all_that_rested_on_it(tmp_path: Path) -> None:
    """All hits that wait fail, and each undoes its visit before any that came before it."""
    applied = list[int]()
    out_of_order = list[int]()

    def undo(number: int) -> None:
        if applied.pop() != number:
            out_of_order.append(number)

    async def one(spool: Spool, number: int) -> bool:
        applied.append(number)
        try:
            await spool.append(a_hit(), lambda: undo(number))
        except SpoolError:
            return False
        return True

    async def fill(spool: Spool) -> list[bool]:
        return await asyncio.gather(*(one(spool, number) for number in range(300)))

    with a_spool(tmp_path) as spool:
        append(spool, some_hits(1))
        with files_no_larger_than(20_000):
            outcomes = asyncio.run(fill(spool))

    assert not any(outcomes)
    assert ([], []) == (applied, out_of_order)


def test_a_failed_disk_is_used_again_without_a_restart(tmp_path: Path) -> None:
    """Refused hits never appear, and hits are taken again once the disk works."""
    with a_spool(tmp_path) as spool:
        append(spool, [a_hit(path="/before")])
        with files_no_larger_than(20_000):
            refused = append(spool, some_hits(500))
            still = append(spool, some_hits(1))
            failure = spool.failure
        taken = [False]
        while not any(taken):
            taken = append(spool, [a_hit(path="/after")])
        paths = [hit.path for hit in waiting(spool)]

    assert not any(refused + still)
    assert failure is not None
    assert ["/before", "/after"] == paths


def test_hits_sent_together_are_kept_or_refused_together(tmp_path: Path) -> None:
    """Where there is room for one of two, neither is kept, and both are undone, newest first."""
    undone: list[str] = []
    hits = [(hit, partial(undone.append, hit.path)) for hit in some_hits(2)]

    async def together(spool: Spool) -> bool:
        try:
            await spool.append_all(hits)
        except SpoolFull:
            return False
        return True

    with a_spool(tmp_path / "small", max_bytes=len(encode_hit(hits[0][0])) + 10) as spool:
        assert not asyncio.run(together(spool))
        assert [] == waiting(spool)
    with a_spool(tmp_path / "large") as spool:
        assert asyncio.run(together(spool))
        assert [hit for hit, _ in hits] == waiting(spool)

    assert ["/1", "/0"] == undone


def test_hits_sent_together_are_refused_with_the_one_that_cannot_be_kept(tmp_path: Path) -> None:
    """A hit that cannot be encoded takes those sent with it along."""
    undone: list[str] = []
    hits = [a_hit(path="/fine"), a_hit(path="/odd", revenue=1 << 70)]

    async def together(spool: Spool) -> None:
        await spool.append_all([(hit, partial(undone.append, hit.path)) for hit in hits])

    with a_spool(tmp_path) as spool:
        with pytest.raises(SpoolError, match="cannot be encoded"):
            asyncio.run(together(spool))

        assert [] == waiting(spool)
    assert ["/odd", "/fine"] == undone


class FaultyClock(FakeClock):
    """A clock that fails once, as code with a defect does.

    Attributes:
        fails: whether the next question fails.
    """

    fails = False

    def now(self) -> float:
        """Return the instant shown, or fail."""
        if self.fails:
            self.fails = False
            raise ArithmeticError("a defect")
        return super().now()


def test_an_unexpected_error_refuses_its_hits_and_no_later_ones(tmp_path: Path) -> None:
    """Whatever fails within a commit, its hits are refused, and the thread goes on."""
    clock = FaultyClock()
    with a_spool(tmp_path, clock=clock) as spool:
        clock.fails = True
        refused = append(spool, some_hits(3))
        taken = [False]
        while not any(taken):
            taken = append(spool, [a_hit(path="/after")])

        assert [False] * 3 == refused
        assert ["/after"] == [hit.path for hit in waiting(spool)]


@pytest.mark.anyio
async def test_a_closed_spool_stays_closed(tmp_path: Path) -> None:
    """What still asks it after its end is refused, and does not open it again."""
    spool = open_spool(tmp_path)
    spool.start()
    spool.close()

    with pytest.raises(SpoolError, match="closed"):
        spool.batches()
    with pytest.raises(SpoolError, match="closed"):
        spool.append(a_hit())
