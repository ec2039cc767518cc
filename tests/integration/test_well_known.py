"""Looking for our promises leaves no trace, and a choice holds whatever day it is."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.app import Footfall
from collector.hit import Refusal
from tests.asgi import get, post, running
from tests.builders import CHROME, FakeClock, a_body
from tests.integration.test_my_data import states

PATHS = (
    "/.well-known/gpc.json",
    "/.well-known/dnt/",
    "/.well-known/dnt/example.org",
    "/.well-known/dnt/unknown.example",
    "/.well-known/security.txt",
)
# Named by hand: what an earlier release has set in a browser is honoured for as long as it lives.
COOKIES = (b"__Host-optout=1", b"__Host-optout_p=1", b"optout=1")
DAY_S = 86_400


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands until it is moved."""
    return FakeClock()


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Footfall]:
    """The whole application."""
    async with running(
        tmp_path / "data", "example.org", clock=clock, security_contact="mailto:a@example.org"
    ) as app:
        yield app


@pytest.mark.anyio
async def test_well_known_answers_leave_no_trace(
    app: Footfall, caplog: pytest.LogCaptureFixture
) -> None:
    """No line in a log, no count, no cell and no cookie for any client (R-23)."""
    before = states(app)

    with caplog.at_level(logging.DEBUG):
        answers = [
            await get(app, path, (b"cookie", b"optout=1"), (b"user-agent", CHROME))
            for path in PATHS
        ]

    assert [200, 200, 200, 404, 200] == [answer.status for answer in answers]
    assert before == states(app)
    assert [] == caplog.records
    assert all("set-cookie" not in answer.headers for answer in answers)


@pytest.mark.anyio
@pytest.mark.parametrize("cookie", COOKIES)
async def test_a_choice_holds_when_the_day_changes(
    app: Footfall, clock: FakeClock, cookie: bytes
) -> None:
    """The refusal lies in the browser alone, so no midnight of ours ends it (R-27)."""
    headers = ((b"cookie", cookie), (b"user-agent", CHROME))
    for days in (0, 1, 394):
        clock.pass_by(days * DAY_S)
        await post(app, a_body(), *headers)

    state = (await get(app, "/opt-out/state", *headers)).json()

    assert app.container.counters.totals() == {str(Refusal.OPT_OUT): 3}
    assert {"opted_out": True, "gpc": False, "dnt": False, "counted": False} == state
