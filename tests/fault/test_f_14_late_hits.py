"""F-14: hits that come late or out of order count when they come, or are dropped by reason."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from collector.day import day_at
from tests.asgi import Answer, ask
from tests.builders import NOON, a_receive, a_scope
from tests.fault.jumping import JumpingClock, a_service, hit, pageviews_by_day

HOUR, DAY = 3600, 86_400
TODAY = day_at("UTC", NOON).closes_at


async def report(app: Any, token: str, *times: float) -> Answer:
    """Send a server's batch of hits that happened at these instants."""
    hits = [
        {"n": "pageview", "u": "https://example.org/", "time": at, "visitor": "till 7"}
        for at in times
    ]
    headers = ((b"authorization", f"Bearer {token}".encode()), (b"user-agent", b"till/1.0"))
    scope = a_scope(*headers, path="/api/v1/hits")
    return await ask(app, scope, a_receive(json.dumps({"hits": hits}).encode()))


def test_f_14_a_page_that_was_offline_counts_today(tmp_path: Path) -> None:
    """A browser says nothing of time: what it kept overnight is a hit of the day it arrives."""

    async def story() -> dict[tuple[int, int], int]:
        clock = JumpingClock()
        async with a_service(tmp_path, clock) as app:
            await hit(app, "/second")
            await hit(app, "/first")
            clock.pass_to(TODAY + HOUR)
            await hit(app, "/kept-overnight")
            app.container.delivery.flush()
            return pageviews_by_day(app.container)

    assert {(1, TODAY): 2, (1, TODAY + DAY): 1} == asyncio.run(story())


def test_f_14_told_times_stay_within_the_open_day(tmp_path: Path) -> None:
    """A sender's hits of today count at their hour in any order; yesterday's are dropped."""

    async def story() -> tuple[int, dict[str, int], list[tuple[Any, ...]]]:
        clock = JumpingClock()
        async with a_service(tmp_path, clock) as app:
            token = app.container.registry.create_token("till", "example.org", {"ingest"})
            answer = await report(app, token, NOON, NOON - 3 * HOUR, NOON - DAY, NOON - HOUR)
            app.container.delivery.flush()
            rows = app.container.store.query(
                "SELECT at, sum(pageviews) FROM open_cells WHERE view = 1 AND grain = 1 "
                "GROUP BY at ORDER BY at"
            )
            return answer.status, app.container.counters.totals(), rows

    status, dropped, hours = asyncio.run(story())

    assert 202 == status
    assert {"outside_day": 1} == dropped
    assert [(NOON - 3 * HOUR, 1), (NOON - HOUR, 1), (NOON, 1)] == hours
