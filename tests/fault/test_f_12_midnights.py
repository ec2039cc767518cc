"""F-12: midnights of every kind, under load: days of 23 to 25 hours, and visits that span them."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from collector.cells.client import Store
from collector.cells.partitions import partitions
from collector.day import day_of_date
from collector.hit import SUMS
from tests.fault.jumping import JumpingClock, a_service, hit, pageviews_by_day, round_of_seals

DAYS = [
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Pacific/Chatham", date(2026, 9, 27), 23),
    ("Pacific/Chatham", date(2026, 11, 21), 24),
    ("Pacific/Pago_Pago", date(2026, 11, 21), 24),
    ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("Africa/Cairo", date(2026, 4, 24), 23),
    ("UTC", date(2026, 11, 21), 24),
]


@pytest.mark.parametrize(("zone", "day", "hours"), DAYS)
def test_f_12_hits_beside_a_midnight_count_in_their_own_days(
    tmp_path: Path, zone: str, day: date, hours: float
) -> None:
    """The first and the last second of a day of any length are that day's, and no other is."""
    bounds = day_of_date(zone, day)
    instants = (bounds.opens_at - 1, bounds.opens_at, bounds.closes_at - 1, bounds.closes_at)

    async def story() -> dict[tuple[int, int], int]:
        clock = JumpingClock(bounds.opens_at - 1)
        async with a_service(tmp_path, clock, {"example.org": zone}) as app:
            for instant in instants:
                clock.pass_to(instant)
                await hit(app)
            app.container.delivery.flush()
            return pageviews_by_day(app.container)

    counted = asyncio.run(story())

    assert hours * 3600 == bounds.closes_at - bounds.opens_at
    assert 2 == counted[1, bounds.closes_at]
    assert 1 == counted[1, bounds.opens_at]
    assert 4 == sum(counted.values())


def test_f_12_midnight_under_load_leaves_no_negative_cell(tmp_path: Path) -> None:
    """Visits under way at a midnight end there: every cell of both days is whole and positive."""
    bounds = day_of_date("Pacific/Chatham", date(2026, 11, 21))
    choose = random.Random(20261123)

    async def story() -> dict[str, Any]:
        clock = JumpingClock(bounds.closes_at - 900)
        async with a_service(tmp_path, clock, {"example.org": "Pacific/Chatham"}) as app:
            for _ in range(60):
                clock.pass_by(30)
                group = [hit(app, f"/{choose.randrange(6)}", visitor=_any(choose)) for _ in "12345"]
                assert {202} == {answer.status for answer in await asyncio.gather(*group)}
            clock.pass_to(bounds.closes_at + 86_400 + 301)
            problem = await round_of_seals(app.container)
            store = app.container.store
            return {
                "problem": problem,
                "open": [name for name in partitions(store, "open_cells") if name.isdecimal()],
                "days": pageviews_by_day(app.container),
                "negative": negative_sealed(store),
                "bounces": store.query(
                    "SELECT sum(bounces) <= sum(visits), sum(visits) > 60 FROM sealed_cells "
                    "WHERE view = 1 AND grain = 0"
                ),
            }

    outcome = asyncio.run(story())

    assert 300 == sum(outcome["days"].values())
    assert {(1, bounds.closes_at), (1, bounds.closes_at + 86_400)} == outcome["days"].keys()
    assert ("", [], [], [(1, 1)]) == (
        outcome["problem"],
        outcome["open"],
        outcome["negative"],
        outcome["bounces"],
    )


def _any(choose: random.Random) -> int:
    return 1 + choose.randrange(40)


def negative_sealed(store: Store) -> list[tuple[Any, ...]]:
    """Find sealed rows with anything below nought."""
    below = " OR ".join(f"{name} < 0" for name in (*SUMS, "visitors"))
    return store.query(f"SELECT view, grain, value, other FROM sealed_cells WHERE {below}")
