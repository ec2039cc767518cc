"""Each refusal on the real routes: the accepting answer, one count by reason and day, no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.app import Footfall
from collector.hit import Refusal
from tests.asgi import get, post, running
from tests.builders import CHROME, a_body

UA = (b"user-agent", CHROME)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application with one site."""
    async with running(tmp_path / "data", "example.org") as app:
        yield app


async def refused(app: Footfall, header: tuple[bytes, bytes], reason: Refusal) -> None:
    """Send a hit that says no, and see that only its reason is known afterwards."""
    answer = await post(app, a_body(), UA, header)
    counted = app.container.counters.totals()
    app.container.delivery.flush()

    numbers = await get(
        app, "/api/v1/stats/aggregate?site_id=example.org&period=day&metrics=visitors,pageviews"
    )
    rows = app.container.store.query("SELECT reason, site, collector != '', count FROM suppressed")

    assert (answer.status, answer.body) == (202, b"ok")
    assert counted == {str(reason): 1}
    assert rows == [(str(reason), 0, 1, 1)]
    assert [cell["value"] for cell in numbers.json()["results"].values()] == [0, 0]
    assert app.container.secrets.open() == []


@pytest.mark.anyio
async def test_opt_out_refuses(app: Footfall) -> None:
    """The visitor's opt-out cookie."""
    await refused(app, (b"cookie", b"optout=1"), Refusal.OPT_OUT)


@pytest.mark.anyio
async def test_gpc_refuses(app: Footfall) -> None:
    """Global Privacy Control."""
    await refused(app, (b"sec-gpc", b"1"), Refusal.GPC)


@pytest.mark.anyio
async def test_dnt_refuses(app: Footfall) -> None:
    """Do Not Track."""
    await refused(app, (b"dnt", b"1"), Refusal.DNT)
