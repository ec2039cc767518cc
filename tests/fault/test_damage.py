"""F-9: the spool's files are torn, flipped, cut or put back; nothing is counted twice."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.clock import SystemClock
from collector.spool.delivery import Delivery
from tests.fault.oracle import verdict
from tests.fault.traffic import invented
from tests.spooling import PACE, a_spool, append, open_spool, waiting

HITS, ROUNDS = 200, 25
Damage = Callable[[bytearray, random.Random], bytes]


def flip(content: bytearray, chance: random.Random) -> bytes:
    """Change one bit."""
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def cut(content: bytearray, chance: random.Random) -> bytes:
    """Cut the tail off."""
    return bytes(content[: chance.randrange(len(content))])


def blank(content: bytearray, chance: random.Random) -> bytes:
    """Fill the tail with zeros."""
    start = chance.randrange(len(content))
    return bytes(content[:start]) + bytes(len(content) - start)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a spool half of whose hits are in batches: as after a kill, and as after a stop."""
    folder = tmp_path_factory.mktemp("spool")
    hits = invented(HITS)
    spool = open_spool(folder / "live")
    spool.start()
    for start in range(0, HITS, 5):
        append(spool, hits[start : start + 5])
        if start == HITS // 2:
            spool.close_batches(40)
    shutil.copytree(folder / "live", folder / "killed")
    spool.close()
    return folder / "killed", folder / "live"


def damaged(picture: Path, name: str, damage: Damage, seed: int, folder: Path) -> Path:
    """Copy a picture and damage one of its files."""
    copy = folder / str(seed)
    shutil.copytree(picture, copy)
    file = copy / name
    file.write_bytes(damage(bytearray(file.read_bytes()), random.Random(seed)))
    return copy


@pytest.mark.parametrize("damage", [flip, cut, blank])
def test_f_9_a_damaged_file_stops_nothing(
    pictures: tuple[Path, Path], tmp_path: Path, damage: Damage
) -> None:
    """The spool opens and takes hits; no old one is there twice or changed, none is lost unsaid."""
    hits = {hit.path: hit for hit in invented(HITS)}
    (new,) = invented(1, seed=2)

    for seed in range(ROUNDS):
        with a_spool(damaged(pictures[1], "spool.sqlite3", damage, seed, tmp_path)) as spool:
            found = waiting(spool)
            unreadable = sum(batch.hits for batch in spool.batches()) - len(found)
            reasons = {reason for _, reason, _ in spool.counts()}
            assert [True] == append(spool, [new])
            assert new in waiting(spool)
        assert len(found) == len({hit.path for hit in found})
        assert all(hit == hits[hit.path] for hit in found)
        assert len(found) == HITS or unreadable or "spool_damaged" in reasons


def test_f_9_a_damaged_file_is_moved_aside(
    pictures: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays beside the new one, under a name that the log says, and is counted once."""
    copy = damaged(pictures[1], "spool.sqlite3", cut, 1, tmp_path)
    content = (copy / "spool.sqlite3").read_bytes()

    for _ in range(2):
        with a_spool(copy) as spool:
            assert all(append(spool, invented(5)))

    with a_spool(copy) as spool:
        assert 10 == len(waiting(spool))
        assert [1] == list(spool.counts().values())
    aside = copy / "spool.sqlite3.damaged"
    assert content == aside.read_bytes()
    assert [str(aside)] == [
        word for word in caplog.text.split() if "damaged" in word and "/" in word
    ]


def test_f_9_damage_that_is_found_while_hits_arrive_is_survived(tmp_path: Path) -> None:
    """The hit that met it is refused; the file is moved aside, and later hits are taken."""
    with a_spool(tmp_path) as spool:
        append(spool, invented(HITS))
        batches = spool.close_batches(1000)
        spool._group_commit.run_on_thread(lambda: spool._database.checkpoint("TRUNCATE"))
        with (tmp_path / "spool.sqlite3").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 65536)
        spool._group_commit.run_on_thread(spool._database.close)
        spool._group_commit.run_on_thread(spool._open)
        found = waiting(spool)
        later = invented(5, seed=2)
        assert all(append(spool, later))
        spool.delete(batches[0])

        assert ([], later) == (found, waiting(spool))
        assert 5 == spool.stats().rows
    assert (tmp_path / "spool.sqlite3.damaged").exists()


def test_f_9_a_flipped_bit_of_the_log_loses_the_last_hits_only(
    pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    """What SQLite still reads of the log are the first hits, without a gap."""
    order = [hit.path for hit in invented(HITS)]

    for seed in range(ROUNDS):
        copy = damaged(pictures[0], "spool.sqlite3-wal", flip, seed, tmp_path)
        with a_spool(copy) as spool:
            found = [hit.path for hit in waiting(spool)]

        assert set(order[: len(found)]) == set(found)
        assert len(found) == len(set(found))


def test_f_9_a_torn_tail_of_the_log_loses_the_last_hits_only(
    pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    """What a cut log still holds are the first hits, without a gap."""
    order = [hit.path for hit in invented(HITS)]

    for seed in range(ROUNDS):
        copy = damaged(pictures[0], "spool.sqlite3-wal", cut, seed, tmp_path)
        with a_spool(copy) as spool:
            found = {hit.path for hit in waiting(spool)}

        assert set(order[: len(found)]) == found


def test_f_9_hits_that_look_open_after_damage_are_not_counted_twice(
    server: Store, tmp_path: Path
) -> None:
    """The file is damaged after everything was delivered and before it was deleted."""
    hits = invented(60)
    live, copy = tmp_path / "live", tmp_path / "copy"
    with a_spool(live) as spool:
        append(spool, hits)
        shutil.copytree(live, copy)
        Delivery(spool, server, SystemClock(), PACE).flush()

    later = invented(20, seed=2)
    with a_spool(copy) as spool:
        append(spool, later)
        Delivery(spool, server, SystemClock(), PACE).flush()

    assert [] == verdict(server, hits + later)


def test_f_23_an_older_copy_of_the_spool_is_not_counted_twice(
    server: Store, tmp_path: Path
) -> None:
    """A copy put back over a newer spool: the receipts know it, and new hits are new."""
    live, copy = tmp_path / "live", tmp_path / "copy"
    first, second, third = (invented(30, seed=seed) for seed in (1, 2, 3))
    with a_spool(live) as spool:
        append(spool, first)
        spool.close_batches(10)
        shutil.copytree(live, copy)
        append(spool, second)
        Delivery(spool, server, SystemClock(), PACE).flush()
    shutil.rmtree(live)
    copy.rename(live)

    with a_spool(live) as spool:
        append(spool, third)
        Delivery(spool, server, SystemClock(), PACE).flush()

    assert [] == verdict(server, first + second + third)
