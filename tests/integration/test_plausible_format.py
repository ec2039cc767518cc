"""Hits go in over HTTP's lower half and come out as numbers; nothing undeclared is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from socket import AF_INET, inet_ntop

import pytest

from collector.app import Footfall
from collector.counters import Counters
from collector.day import day_at
from collector.ingest.enrich.geo import Place
from collector.ingest.formats.plausible import PlausibleHandler
from collector.ingest.pipeline import NothingSealed
from collector.privacy.consent import Message
from collector.settings import SpoolSettings
from tests.asgi import ask, get, post, running
from tests.builders import CHROME, a_body, a_context, a_receive, a_scope

UA = (b"user-agent", CHROME)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application with two sites."""
    async with running(tmp_path / "data", "example.org", "b.example") as app:
        yield app


async def totals(app: Footfall, site: str = "example.org") -> dict[str, int]:
    """Read today's totals of a site after everything was delivered."""
    app.container.delivery.flush()
    answer = await get(
        app,
        f"/api/v1/stats/aggregate?site_id={site}&period=day&metrics=visitors,visits,pageviews",
    )
    assert answer.status == 200, answer
    return {name: cell["value"] for name, cell in answer.json()["results"].items()}


@pytest.mark.anyio
async def test_a_hit_becomes_a_number(app: Footfall) -> None:
    """One acknowledged pageview is one visitor, one visit and one pageview."""
    answer = await post(app, a_body())

    assert (202, b"ok") == (answer.status, answer.body)
    assert {"visitors": 1, "visits": 1, "pageviews": 1} == await totals(app)


@pytest.mark.anyio
async def test_the_answer_carries_what_it_must(app: Footfall) -> None:
    """Every answer says that nobody is tracked, is not cached, and may be read by any page."""
    answer = await post(app, a_body())

    assert {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "2",
        "tk": "N",
        "cache-control": "no-store",
        "access-control-allow-origin": "*",
    } == answer.headers


@pytest.mark.anyio
async def test_what_is_wrong_is_told_in_plausibles_form_too(app: Footfall) -> None:
    """By the field, as its clients read it; what is no JSON at all is the request's fault."""
    bodies = [a_body(u=None), a_body(d=",".join(f"{n}.example" for n in range(11))), b"{"]

    answers = [await post(app, body, UA) for body in bodies]

    assert [400] * 3 == [answer.status for answer in answers]
    assert [
        {"url": ["missing field"]},
        {"domain": ["bad field"]},
        {"request": ["not json"]},
    ] == [answer.json()["errors"] for answer in answers]


@pytest.mark.anyio
async def test_one_payload_counts_for_every_site_it_names(app: Footfall) -> None:
    """Each site gets its own hit; one whose hosts do not allow the page gets none."""
    await post(app, a_body(d="example.org,b.example,nobody.example"))

    assert 1 == (await totals(app))["pageviews"]
    assert 0 == (await totals(app, "b.example"))["pageviews"]
    assert {"hostname": 1, "unknown_site": 1} == app.container.counters.totals()


@pytest.mark.anyio
async def test_a_visit_is_followed(app: Footfall) -> None:
    """Three pages of one browser are one visit; another browser is another visitor."""
    for page in ("/", "/a", "/b"):
        await post(app, a_body(u=f"https://example.org{page}"))
    await post(app, a_body(), UA, peer="203.0.113.8")

    assert {"visitors": 2, "visits": 2, "pageviews": 4} == await totals(app)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_other_methods_are_not_allowed(app: Footfall, method: str) -> None:
    """Events are posted."""
    answer = await ask(app, a_scope(UA, method=method), a_receive())

    assert (405, "POST, OPTIONS") == (answer.status, answer.headers["allow"])


@pytest.mark.anyio
async def test_drops_are_counted_for_their_site_and_refusals_for_none(app: Footfall) -> None:
    """The reason of a drop is known per site; a refusal and an unknown site belong to none."""
    counters = Counters()
    handler = PlausibleHandler(app.container, app.container.spool, counters)
    today = int(app.container.clock.now()) // 86_400
    requests = [
        (a_body(), (b"user-agent", b"Googlebot/2.1")),
        (a_body(d="nobody.example"), UA),
        (a_body(), (b"dnt", b"1")),
        (b"{", UA),
    ]

    for body, header in requests:
        await handler(a_scope(header), a_receive(body), _nowhere)

    assert {
        (today, "bot", 1): 1,
        (today, "unknown_site", 0): 1,
        (today, "dnt", 0): 1,
        (today, "not_json", 0): 1,
    } == counters.drain()


@pytest.mark.anyio
async def test_shed_hits_are_told_so_and_take_their_visit_back(tmp_path: Path) -> None:
    """What cannot be kept is not acknowledged: 503 with Retry-After, and no visit remains."""
    async with running(tmp_path / "data", spool=SpoolSettings(max_bytes=1)) as app:
        answer = await post(app, a_body())

        assert (503, b"", "5") == (answer.status, answer.body, answer.headers["retry-after"])
        assert 0 == len(app.container.visits)
        assert {"shed": 1} == app.container.counters.totals()


@pytest.mark.anyio
async def test_a_payload_for_several_sites_counts_for_all_or_none(tmp_path: Path) -> None:
    """With room for one of two hits, neither is kept: the sender may send both again."""
    both = a_body(d="example.org,b.example", u="https://example.org/")
    async with running(tmp_path / "data", spool=SpoolSettings(max_bytes=400)) as app:
        app.container.registry.add_site("b.example", hostnames=("example.org",))
        app.container.read_sites()

        alone = await post(app, a_body())
        together = await post(app, both)

        assert [202, 503] == [alone.status, together.status]
        assert 1 == app.container.spool.stats().acknowledged
        assert 1 == len(app.container.visits)


@pytest.mark.anyio
async def test_a_late_hit_counts_in_the_day_that_is_open(app: Footfall) -> None:
    """When the clock shows a sealed day, a hit goes to the next one, under the reason `late`."""
    container = app.container
    midnight = day_at("UTC", container.clock.now()).closes_at
    sealed = NothingSealed()
    sealed.sealed_until = midnight
    container.ingest = replace(container.ingest, sealed=sealed)

    answer = await post(app, a_body())

    assert 202 == answer.status
    assert {"late": 1} == container.counters.totals()
    container.delivery.flush()
    days = container.store.query("SELECT DISTINCT toUnixTimestamp(closes_at) FROM open_cells")
    assert [(midnight + 86_400,)] == days


@pytest.mark.anyio
async def test_what_nobody_foresaw_says_nothing(
    app: Footfall, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of ours answers an empty 500, and the log holds its place but no value."""
    app.container.ingest = a_context(places=Broken())

    answer = await post(app, a_body())

    assert (500, b"") == (answer.status, answer.body)
    assert "RuntimeError in Broken.locate" in caplog.text
    assert "198.51.100" not in caplog.text


class Broken:
    """A look-up of places that fails and says too much."""

    def locate(self, network: bytes) -> Place:
        """Fail with the address in the message."""
        raise RuntimeError(f"no place for {inet_ntop(AF_INET, network)}")


async def _nowhere(_: Message) -> None:
    """Send an answer to nobody."""
