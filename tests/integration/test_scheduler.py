"""Background tasks: delete old data once a day, erase removed sites, stop at once."""

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
from collector.service.container import Container, build_container
from collector.service.scheduler import delete_old
from collector.settings import SecretsSettings, Settings
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
def container(tmp_path: Path, clock: Jumping) -> Iterator[Container]:
    """Build the container of a service with two sites, its store prepared."""
    made = build_container(
        Settings(data_dir=tmp_path, secrets=SecretsSettings(store="memory")), clock
    )
    made.registry.add_site("gone.example", total_days=10)
    made.registry.add_site("stays.example", goals=(Goal("Thanks", path="/thanks"),))
    made.prepare()
    made.store_ready = True
    made.spool.start()
    made.read_sites()
    yield made
    made.close()


def put(container: Container, days_ago: int) -> None:
    """Write a sealed cell of the first site."""
    container.store.command(
        "INSERT INTO sealed_cells (site, day, view, value, pageviews) "
        f"VALUES (1, toDate({int(NOON) // DAY_SECONDS - days_ago}), 10, '/old', 1)"
    )


def cells(container: Container) -> int:
    """Count sealed cells."""
    return int(container.store.query("SELECT count() FROM sealed_cells")[0][0])


def test_what_is_old_goes_once_a_day(container: Container, clock: Jumping) -> None:
    """The first run deletes; later runs of the day do nothing; the next day's first run does."""
    put(container, 11)
    delete_old(container)
    first = cells(container)
    put(container, 11)
    delete_old(container)
    same_day = cells(container)

    clock.pass_by(DAY_SECONDS)
    delete_old(container)

    assert (first, same_day, cells(container)) == (0, 1, 0)


def test_what_is_old_goes_after_a_sealing(container: Container) -> None:
    """Each sealing is followed by a deletion of old data."""
    delete_old(container)
    put(container, 11)

    container.sealed_days += 1
    delete_old(container)

    assert cells(container) == 0


def test_a_clock_that_jumped_deletes_nothing(container: Container, clock: Jumping) -> None:
    """A wrong year would make everything look old."""
    put(container, 1)
    clock.ahead = 800 * DAY_SECONDS

    with pytest.raises(SealError, match="the clock jumped"):
        delete_old(container)

    assert cells(container) == 1


def test_owners_decisions_reach_the_intake(container: Container) -> None:
    """A changed site is read with all its rules."""
    container.registry.set_site("stays.example", excluded_paths=("/intern/*",))

    container.read_sites()

    assert container.ingest.rules[2].excluded_paths == ("/intern/*",)
    assert container.ingest.rules[2].goals == (Goal("Thanks", path="/thanks"),)


def test_hits_on_their_way_when_a_site_is_removed_never_become_cells(container: Container) -> None:
    """What was spooled is left out of its batch; the other site's hits of the batch are not."""

    async def spool() -> None:
        await container.spool.append(a_hit(site=GONE))
        await container.spool.append(a_hit(site=2))

    asyncio.run(spool())
    container.registry.remove_site("gone.example")

    operations.run_operation(container, "erase", {})

    sites = container.store.query("SELECT DISTINCT site FROM open_cells WHERE view != 0")
    assert sites == [(2,)]
    assert container.spool.stats().rows == 0


def test_an_erasing_is_over_when_no_hit_can_follow(container: Container, clock: Jumping) -> None:
    """The site's number is remembered for a minute, so that a straggler finds no gap."""
    container.registry.remove_site("gone.example")
    operations.run_operation(container, "erase", {})
    at_once = dict(container.registry.erasures())

    clock.pass_by(operations.STRAGGLERS_SECONDS)
    operations.run_operation(container, "erase", {})

    assert list(at_once) == [GONE]
    assert container.registry.erasures() == {}
    assert container.batch_filter.removed_sites == frozenset()


def test_values_over_their_cap_are_counted_as_such(container: Container) -> None:
    """The caps stand before delivery: a flood of paths ends in "(other)" and in the counts."""
    plain = VisitValues()

    async def one(number: int) -> None:
        await container.spool.append(a_hit(site=2, path=f"/{number}", exit_path="", visit=plain))

    async def spool() -> None:
        await asyncio.gather(*map(one, range(5_100)))

    asyncio.run(spool())

    container.delivery.flush()

    kept = container.store.query(
        "SELECT uniqExact(value) FROM open_cells WHERE view = 10 AND grain = 0"
    )
    counted = container.store.query("SELECT site, count FROM suppressed WHERE reason = 'cap'")
    assert kept == [(5_001,)]
    assert counted == [(2, 100)]


def test_a_stop_in_the_middle_of_the_demonstration_is_quick_and_quiet(tmp_path: Path) -> None:
    """The seeding ends between two days, and logs at most one line."""
    service = Service(tmp_path / "data", public_sites=(), options=("--demo",))
    service.start()

    code = service.stop()

    log = service.log.read_text()
    assert code == 0
    assert log.count("INFO sealed:") == 0
    assert log.count("INFO generated") <= 1
