"""F-12: a clock that jumps freezes sealing and destruction, and costs no hit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from collector.app import Footfall
from collector.day import day_at
from tests.asgi import get
from tests.builders import NOON
from tests.fault.jumping import (
    JumpingClock,
    a_service,
    hit,
    pageviews_by_day,
    round_of_seals,
    round_of_secrets,
    seal_by_hand,
)

HOUR, DAY = 3600, 86_400
TODAY = day_at("UTC", NOON).closes_at
JUMPS = {
    "an hour ahead": HOUR + 60,
    "an hour back": -HOUR - 60,
    "a day ahead": DAY,
    "a day back": -DAY,
    "to 1970": -NOON + 100,
}


async def readiness(app: Footfall) -> tuple[int, list[str]]:
    """Ask whether the service is ready; return the status and the reasons."""
    answer = await get(app, "/readyz")
    return answer.status, answer.json()["reasons"]


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_f_12_a_jump_freezes_sealing_and_loses_nothing(tmp_path: Path, jump: float) -> None:
    """While the clock is wrong hits count, nothing is sealed or destroyed, and /readyz says so."""

    async def story() -> dict[str, Any]:
        clock = JumpingClock()
        async with a_service(tmp_path, clock) as app:
            container = app.container
            await hit(app, "/before")
            secrets = container.secrets.open()
            clock.jump(jump)
            accepted = await hit(app, "/within")
            problem = [await round_of_secrets(container), await round_of_seals(container)]
            status, reasons = await readiness(app)
            kept = set(secrets) <= set(container.secrets.open())
            sealed = container.store.query("SELECT count() FROM seals")
            clock.jump(-jump)
            clock.pass_to(TODAY + DAY + 600)
            healed = [await round_of_secrets(container), await round_of_seals(container)]
            return {
                "accepted": accepted.status,
                "frozen": [("clock" in said) for said in problem],
                "ready": status,
                "reported": any("clock" in reason for reason in reasons),
                "kept": kept,
                "sealed within": sealed,
                "healed": healed,
                "reasons after": (await readiness(app))[1],
                "secrets after": [
                    one for one in container.secrets.open() if one.closes_at <= TODAY
                ],
                "counted": sum(pageviews_by_day(container).values()),
            }

    assert {
        "accepted": 202,
        "frozen": [True, True],
        "ready": 200,
        "reported": True,
        "kept": True,
        "sealed within": [(0,)],
        "healed": ["", ""],
        "reasons after": [],
        "secrets after": [],
        "counted": 2,
    } == asyncio.run(story())


def test_f_12_a_person_can_say_that_the_clock_is_right(tmp_path: Path) -> None:
    """`footfall seal` after a jump seals what is due by the new clock."""

    async def story() -> tuple[str, list[int], list[str]]:
        clock = JumpingClock()
        async with a_service(tmp_path, clock) as app:
            await hit(app)
            clock.jump(DAY)
            frozen = await round_of_seals(app.container)
            sealed = await seal_by_hand(app.container)
            return frozen, sealed, (await readiness(app))[1]

    frozen, sealed, reasons = asyncio.run(story())

    assert "86400 s" in frozen
    assert [TODAY] == sealed
    assert [] == reasons


def test_f_12_a_sealed_day_never_reopens(tmp_path: Path) -> None:
    """A clock set back behind a sealed midnight counts hits in the day after it."""

    async def story() -> tuple[dict[tuple[int, int], int], ...]:
        clock = JumpingClock(TODAY - 60)
        async with a_service(tmp_path, clock) as app:
            await hit(app, "/before")
            clock.pass_to(TODAY + 301)
            await round_of_seals(app.container)
            clock.jump(-HOUR / 2)
            await hit(app, "/back")
            await round_of_seals(app.container)
            running = pageviews_by_day(app.container)
        clock.jump(-HOUR)
        async with a_service(tmp_path, clock) as app:
            await hit(app, "/back-at-the-start")
            await round_of_seals(app.container)
            return running, pageviews_by_day(app.container)

    running, restarted = asyncio.run(story())

    assert {(1, TODAY): 1, (1, TODAY + DAY): 1} == running
    assert {(1, TODAY): 1, (1, TODAY + DAY): 2} == restarted


def test_f_12_a_clock_that_was_never_set_seals_nothing(tmp_path: Path) -> None:
    """A machine that starts in 1970 counts its hits, and says that it cannot seal."""

    async def story() -> tuple[int, str, list[str], dict[tuple[int, int], int]]:
        clock = JumpingClock(1000)
        async with a_service(tmp_path, clock) as app:
            status = (await hit(app)).status
            clock.pass_by(2 * DAY)
            problem = await round_of_seals(app.container)
            return status, problem, (await readiness(app))[1], pageviews_by_day(app.container)

    status, problem, reasons, counted = asyncio.run(story())

    assert 202 == status
    assert "the clock was never set" in problem
    assert [problem] == reasons
    assert {(1, DAY): 1} == counted
