"""F-18: a question that the engine has no memory for is refused, and costs no hit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from collector.app import Footfall
from collector.stats import reader
from tests.asgi import Answer, get, post, running
from tests.builders import a_body

SITE = "/api/v1/stats/aggregate?site_id=example.org&period=day&metrics=pageviews"
PAGE = "/example.org"
TOO_LITTLE = {"max_memory_usage": 1000, "max_untracked_memory": 1}


async def counted(app: Footfall) -> Answer:
    """Have what waits delivered, then ask for the day's pageviews."""
    await anyio.to_thread.run_sync(app.container.delivery.flush)
    return await get(app, SITE)


def test_f_18_a_question_out_of_memory_is_refused_and_hits_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """API and page say 503 and when to try again; hits are taken, delivered, and counted after."""

    async def story() -> dict[str, Any]:
        async with running(tmp_path / "data") as app:
            statuses = [(await post(app, a_body())).status for _ in range(3)]
            before = await counted(app)
            with monkeypatch.context() as engine:
                for name, most in TOO_LITTLE.items():
                    engine.setitem(reader.LIMITS, name, most)
                statuses += [(await post(app, a_body())).status for _ in range(3)]
                refused = [await counted(app), await get(app, PAGE)]
                statuses += [(await post(app, a_body())).status for _ in range(3)]
                waiting = app.container.delivery.health().state
            after = await counted(app)
            page = await get(app, PAGE)
            return {
                "statuses": statuses,
                "before": before,
                "refused": refused,
                "waiting": waiting,
                "after": after,
                "page": page,
            }

    outcome = asyncio.run(story())

    assert [202] * 9 == outcome["statuses"]
    assert [(503, "5")] * 2 == [
        (answer.status, answer.headers.get("retry-after")) for answer in outcome["refused"]
    ]
    assert "cannot be read at the moment" in outcome["refused"][0].json()["error"]
    assert b"The database did not answer" in outcome["refused"][1].body
    assert not any(
        b"241" in answer.body or b"emory" in answer.body for answer in outcome["refused"]
    )
    assert outcome["waiting"] in {"ok", "idle"}
    assert {"pageviews": {"value": 3}} == outcome["before"].json()["results"]
    assert {"pageviews": {"value": 9}} == outcome["after"].json()["results"]
    assert 200 == outcome["page"].status
