"""What the service does by itself: delete by age once a day, erase removed sites, stop at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.day import DAY_SECONDS
from collector.errors import SealError
from collector.hit import VisitValues
from collector.registry.sites import Goal
from collector.service import operations
from collector.service.container import Parts, make_parts
from collector.service.scheduler import Expiry
from collector.settings import Secrets, Settings
from tests.builders import NOON, FakeClock, a_hit
from tests.service import Service

GONE = 1


class Jumping(FakeClock):
    """A clock whose wall can be moved without the steady one."""

    ahead = 0.0

    def now(self) -> float:
        """Return the instant shown, wrong as it may be."""
        return self.at + self.ahead


@pytest.fixture
def clock() -> Jumping:
    """Show noon."""
    return Jumping()


@pytest.fixture
def parts(tmp_path: Path, clock: Jumping) -> Iterator[Parts]:
    """Make the parts of a service with two sites, ready for errands."""
    made = make_parts(Settings(data_dir=tmp_path, secrets=Secrets(store="memory")), clock)
    made.registry.add_site("gone.example", total_days=10)
    made.registry.add_site("stays.example", goals=(Goal("Thanks", path="/thanks"),))
    made.make_ready()
    made.opened = True
    made.journal.start()
    made.read_sites()
    yield made
    made.close()


def put(parts: Parts, days_ago: int) -> None:
    """Write a sealed cell of the first site."""
    parts.store.command(
        "INSERT INTO sealed_cells (site, day, view, value, pageviews) "
        f"VALUES (1, toDate({int(NOON) // DAY_SECONDS - days_ago}), 10, '/old', 1)"
    )


def cells(parts: Parts) -> int:
    """Count sealed cells."""
    return int(parts.store.query("SELECT count() FROM sealed_cells")[0][0])


def test_what_is_old_goes_once_a_day(parts: Parts, clock: Jumping) -> None:
    """The first turn deletes; later turns of the day do nothing; the next day's does again."""
    expiry = Expiry(parts)
    put(parts, 11)
    expiry()
    first = cells(parts)
    put(parts, 11)
    expiry()
    same_day = cells(parts)

    clock.pass_by(DAY_SECONDS)
    expiry()

    assert (first, same_day, cells(parts)) == (0, 1, 0)


def test_what_is_old_goes_after_a_sealing(parts: Parts) -> None:
    """Each closing instant is followed by a look at what is too old."""
    expiry = Expiry(parts)
    expiry()
    put(parts, 11)

    parts.seals += 1
    expiry()

    assert cells(parts) == 0


def test_a_clock_that_jumped_deletes_nothing(parts: Parts, clock: Jumping) -> None:
    """A wrong year would make everything look old."""
    put(parts, 1)
    clock.ahead = 800 * DAY_SECONDS

    with pytest.raises(SealError, match="the clock jumped"):
        Expiry(parts)()

    assert cells(parts) == 1


def test_owners_decisions_reach_the_intake(parts: Parts) -> None:
    """A changed site is read with all its rules."""
    parts.registry.set_site("stays.example", excluded_paths=("/intern/*",))

    parts.read_sites()

    assert parts.intake.rules[2].excluded_paths == ("/intern/*",)
    assert parts.intake.rules[2].goals == (Goal("Thanks", path="/thanks"),)


def test_hits_on_their_way_when_a_site_is_removed_never_become_cells(parts: Parts) -> None:
    """What was spooled is left out of its batch; the other site's hits of the batch are not."""

    async def spool() -> None:
        await parts.journal.append(a_hit(site=GONE))
        await parts.journal.append(a_hit(site=2))

    asyncio.run(spool())
    parts.registry.remove_site("gone.example")

    operations.run(parts, "erase", {})

    sites = parts.store.query("SELECT DISTINCT site FROM open_cells WHERE view != 0")
    assert sites == [(2,)]
    assert parts.journal.stats().rows == 0


def test_an_erasing_is_over_when_no_hit_can_follow(parts: Parts, clock: Jumping) -> None:
    """The site's number is remembered for a minute, so that a straggler finds no gap."""
    parts.registry.remove_site("gone.example")
    operations.run(parts, "erase", {})
    at_once = dict(parts.registry.erasures())

    clock.pass_by(operations.STRAGGLERS_SECONDS)
    operations.run(parts, "erase", {})

    assert list(at_once) == [GONE]
    assert parts.registry.erasures() == {}
    assert parts.shaping.gone == frozenset()


def test_values_over_their_cap_are_counted_as_such(parts: Parts) -> None:
    """The caps stand before delivery: a flood of paths ends in "(other)" and in the counts."""
    plain = VisitValues()

    async def one(number: int) -> None:
        await parts.journal.append(a_hit(site=2, path=f"/{number}", exit_path="", visit=plain))

    async def spool() -> None:
        await asyncio.gather(*map(one, range(5_100)))

    asyncio.run(spool())

    parts.delivery.flush()

    kept = parts.store.query(
        "SELECT uniqExact(value) FROM open_cells WHERE view = 10 AND grain = 0"
    )
    counted = parts.store.query("SELECT site, count FROM suppressed WHERE reason = 'cap'")
    assert kept == [(5_001,)]
    assert counted == [(2, 100)]


def test_a_stop_in_the_middle_of_the_demonstration_is_quick_and_quiet(tmp_path: Path) -> None:
    """The filling ends between two days, and speaks in one line."""
    service = Service(tmp_path / "data", public_sites=(), options=("--demo",))
    service.start()

    code = service.stop()

    log = service.log.read_text()
    assert code == 0
    assert log.count("INFO sealed:") == 0
    assert log.count("INFO invented") <= 1
