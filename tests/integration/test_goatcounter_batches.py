"""GoatCounter's API as its clients know it: what was filtered, where a visitor is, how often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from collector.app import Footfall
from collector.ingest.formats.goatcounter_batch import MAX_BATCHES, REFILL_S
from tests.asgi import Answer, get, running
from tests.builders import CHROME, FakeClock
from tests.integration.senders import submit, totals
from tests.integration.test_batch_format import a_token

PATH = "/api/v0/count"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application, with a network whose hits are not counted."""
    async with running(
        tmp_path / "data", "example.org", excluded_networks=("203.0.113.0/24",)
    ) as app:
        yield app


def a_hit(address: str, **changes: Any) -> dict[str, Any]:
    """Build one of GoatCounter's hits."""
    return {"path": "/a", "ip": address, "user_agent": CHROME.decode(), **changes}


async def count(app: Footfall, *hits: dict[str, Any], **batch: Any) -> Answer:
    """Send a batch with a token of its own."""
    return await submit(app, PATH, {"hits": hits, **batch}, a_token(app, "example.org"))


async def countries(app: Footfall) -> list[str]:
    """List today's countries after everything was delivered."""
    app.container.delivery.flush()
    answer = await get(
        app, "/api/v1/stats/breakdown?site_id=example.org&period=day&property=visit:country"
    )
    return sorted(line["country"] for line in answer.json()["results"])


@pytest.mark.anyio
async def test_filtered_hits_are_told_by_their_place(app: Footfall) -> None:
    """Hits of excluded networks are never counted, and listed unless the batch wants no filter."""
    hits = [a_hit(address) for address in ("203.0.113.1", "198.51.100.1", "203.0.113.2")]
    batches: list[dict[str, Any]] = [{}, {"filter": None}, {"filter": ["ip"]}, {"filter": []}]

    answers = [await count(app, *hits, **batch) for batch in batches]

    assert [(202, {"status": "ok"})] * 4 == [(answer.status, answer.json()) for answer in answers]
    told = [answer.headers.get("x-goatcounter-filter") for answer in answers]
    assert ["0, 2", "0, 2", "0, 2", None] == told
    assert await totals(app) == (1, 4)


@pytest.mark.anyio
async def test_what_is_dropped_otherwise_is_not_told(app: Footfall) -> None:
    """A bot and a refusal look like what was counted, beside a hit that is wrong."""
    hits = [a_hit("198.51.100.1", bot=150), a_hit("203.0.113.1", gpc=True), a_hit("x")]

    answer = await count(app, *hits)

    assert (400, {"errors": {"2": "bad_field: ip"}}) == (answer.status, answer.json())
    assert "x-goatcounter-filter" not in answer.headers


@pytest.mark.anyio
async def test_an_unknown_filter_is_refused(app: Footfall) -> None:
    """What cannot be filtered by is told, and nothing is taken."""
    answers = [await count(app, a_hit("198.51.100.1"), filter=wrong) for wrong in (["bots"], "ip")]

    told = [(answer.status, answer.json()) for answer in answers]
    assert [(400, {"error": "bad_field: filter"})] * 2 == told
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_a_hit_may_state_its_country(app: Footfall) -> None:
    """It goes before what the address says, and needs none; a code of no country is unknown."""
    hits = [
        a_hit("198.51.100.1", location="NL"),
        {"path": "/a", "session": "s", "location": "id"},
        {"path": "/a", "session": "t", "location": "XX"},
    ]

    answer = await count(app, *hits)

    assert 202 == answer.status
    assert ["(unknown)", "ID", "NL"] == await countries(app)


@pytest.mark.anyio
async def test_a_stated_country_may_be_excluded(app: Footfall) -> None:
    """The owner's rules hold for what is stated as for what is looked up."""
    app.container.registry.set_site("example.org", excluded_countries=("NL",))
    app.container.read_sites()

    await count(app, a_hit("198.51.100.1", location="NL"))

    assert {"excluded_country": 1} == app.container.counters.totals()


@pytest.mark.anyio
async def test_a_location_that_is_no_country_is_refused(app: Footfall) -> None:
    """Two letters name a country; what is longer might name a place."""
    wrong = ("Netherlands", "N1", "ID-BA")

    answer = await count(app, *(a_hit("198.51.100.1", location=location) for location in wrong))

    assert {"errors": dict.fromkeys("012", "bad_field: location")} == answer.json()


@pytest.mark.anyio
async def test_a_token_sends_sixty_batches_in_two_minutes(tmp_path: Path) -> None:
    """One more is rejected with the seconds until the next; other tokens are not affected."""
    clock = FakeClock()
    async with running(tmp_path / "data", "example.org", clock=clock) as app:
        tokens = a_token(app, "example.org"), a_token(app, "example.org")
        batch = {"hits": [{"path": "/a", "session": "s"}]}
        first = [await submit(app, PATH, batch, tokens[0]) for _ in range(MAX_BATCHES)]
        refused = await submit(app, PATH, batch, tokens[0])
        other = await submit(app, PATH, batch, tokens[1])
        clock.pass_by(REFILL_S)
        later = await submit(app, PATH, batch, tokens[0])

        assert {202} == {answer.status for answer in (*first, other, later)}
        assert 429 == refused.status
        limits = [
            refused.headers[f"x-rate-limit-{name}"] for name in ("limit", "remaining", "reset")
        ]
        assert ["60", "0", "2"] == limits
        assert MAX_BATCHES + 2 == app.container.spool.stats().acknowledged
