"""Every format counts, refuses and drops alike, and always answers as accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.app import Footfall
from tests.asgi import running
from tests.builders import CHROME
from tests.integration.senders import FROM_PAGE, UA, UMAMI, submit, totals

PEERS = orjson.loads((Path(__file__).parents[1] / "vectors" / "peers.json").read_bytes())
ACCEPTED_UMAMI = {
    "cache": "footfall",
    "sessionId": "00000000-0000-0000-0000-000000000000",
    "visitId": "00000000-0000-0000-0000-000000000000",
}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application with two sites."""
    async with running(tmp_path / "data", "example.org", "b.example") as app:
        yield app


@pytest.mark.anyio
@pytest.mark.parametrize("sent", PEERS, ids=lambda sent: sent["client"])
async def test_what_published_clients_send_is_counted(app: Footfall, sent: dict[str, Any]) -> None:
    """Requests recorded from the peers' own npm clients are taken and answered as they expect."""
    headers = {"user-agent": CHROME.decode(), **sent["headers"]}
    wire = [(name.encode(), value.encode()) for name, value in headers.items()]

    answer = await submit(app, sent["path"], sent["body"].encode(), *wire)

    assert (sent["status"], sent["answer"]) == (answer.status, answer.body.decode())
    assert {} == app.container.counters.totals()
    assert await totals(app) == (1, sent["pageviews"])


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_goatcounter_counts_from_the_query(app: Footfall, method: str) -> None:
    """count.js sends its parameters in the query either way, and gets an image."""
    answer = await submit(app, "/count?p=/hello&s=1440,900,1&rnd=1", method=method)

    assert (200, "image/gif", 43) == (
        answer.status,
        answer.headers["content-type"],
        len(answer.body),
    )
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_goatcounters_site_is_the_pages(app: Footfall) -> None:
    """The page's host names the site, of whatever subdomain; `d` may name it outright.

    Where the browser says no page, it is the site that the collector's own host belongs to.
    """
    await submit(app, "/count?p=/", b"", UA, (b"referer", b"https://www.b.example/"), method="GET")
    await submit(app, "/count?p=/&d=b.example", b"", UA, method="GET")
    await submit(app, "/count?p=/", b"", UA, (b"host", b"count.b.example:8000"), method="GET")

    assert await totals(app, "b.example") == (1, 3)


@pytest.mark.anyio
async def test_goatcounter_tells_what_is_wrong_beside_the_image(app: Footfall) -> None:
    """A count without a path is an image with the reason in a header."""
    answer = await submit(app, "/count?t=x", method="GET")

    assert (400, "image/gif", "missing_field: p") == (
        answer.status,
        answer.headers["content-type"],
        answer.headers["x-goatcounter"],
    )


@pytest.mark.anyio
async def test_the_pixel_counts_without_javascript(app: Footfall) -> None:
    """An image counts the page it names, or the page that shows it."""
    first = await submit(
        app, "/pixel.gif?d=example.org&u=https%3A%2F%2Fexample.org%2Fa", method="GET"
    )
    second = await submit(app, "/pixel.gif?d=example.org", method="GET")
    nowhere = await submit(app, "/pixel.gif?d=example.org", b"", UA, method="GET")

    assert [200, 200, 400] == [first.status, second.status, nowhere.status]
    assert await totals(app) == (1, 2)


@pytest.mark.anyio
async def test_umami_counts_and_gives_nobodys_ids(app: Footfall) -> None:
    """Umami's tracker gets ids that are the same for everybody."""
    payload = {**UMAMI, "hostname": "WWW.Example.org:8443"}

    answer = await submit(app, "/api/send", {"type": "event", "payload": payload})

    assert 200 == answer.status
    assert ACCEPTED_UMAMI == answer.json()
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("website", ["example.org", "aad03681-8b63-5304-89e0-8ca8f49461b5"])
async def test_umamis_clients_name_the_site(app: Footfall, website: str) -> None:
    """A client that tells no host names the site by its domain or by the id made of it."""
    payload = {"website": website, "name": "order"}

    await submit(app, "/api/send", {"type": "event", "payload": payload})

    assert {} == app.container.counters.totals()
    assert await totals(app) == (1, 0)


@pytest.mark.anyio
async def test_umamis_body_names_no_address_and_no_time(app: Footfall) -> None:
    """Without a token nobody may say whose hit it is: four such bodies are one visitor."""
    for number in range(4):
        told = {"ip": f"192.0.2.{number}", "userAgent": f"Firefox/{number}", "timestamp": number}
        await submit(app, "/api/send", {"type": "event", "payload": {**UMAMI, **told}})

    assert await totals(app) == (1, 4)


@pytest.mark.anyio
async def test_umamis_identities_are_not_read(app: Footfall) -> None:
    """An identify is accepted, and nothing of it is kept or counted."""
    answer = await submit(app, "/api/send", {"type": "identify", "payload": {"id": "jane"}})

    assert ACCEPTED_UMAMI == answer.json()
    assert {} == app.container.counters.totals()
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_umamis_batches_tell_what_failed_by_place(app: Footfall) -> None:
    """Good objects count; a bad one is told by its index."""
    good = {"type": "event", "payload": UMAMI}

    answer = await submit(app, "/api/batch", [good, {"type": "event"}, good])

    told = answer.json()
    assert (200, 3, 2, 1) == (answer.status, told["size"], told["processed"], told["errors"])
    assert [1] == [detail["index"] for detail in told["details"]]
    assert await totals(app) == (1, 2)


@pytest.mark.anyio
@pytest.mark.parametrize("body", [{"type": "event", "payload": UMAMI}, [{}] * 51])
async def test_a_batch_is_an_array_of_fifty_at_most(app: Footfall, body: object) -> None:
    """Anything else is refused in Umami's words."""
    answer = await submit(app, "/api/batch", body)

    assert (400, "bad-request") == (answer.status, answer.json()["error"]["code"])


@pytest.mark.anyio
async def test_umamis_preflight_allows_its_headers(app: Footfall) -> None:
    """The tracker sends JSON and its own header, so browsers ask first."""
    answer = await submit(app, "/api/send", b"", UA, method="OPTIONS")

    assert 200 == answer.status
    assert "x-umami-cache" in answer.headers["access-control-allow-headers"]


REQUESTS: dict[str, tuple[str, object]] = {
    "/count": ("/count?p=/", b""),
    "/pixel.gif": ("/pixel.gif?d=example.org", b""),
    "/api/send": ("/api/send", {"type": "event", "payload": UMAMI}),
}


@pytest.mark.anyio
@pytest.mark.parametrize("path", REQUESTS)
async def test_each_format_accepts_refusals_and_drops_alike(app: Footfall, path: str) -> None:
    """Counted, refused, a bot, an unknown site: the answers of one format are the same bytes."""
    target, body = REQUESTS[path]
    method = "POST" if path == "/api/send" else "GET"
    foreign = body
    if isinstance(body, dict):
        foreign = {"type": "event", "payload": {**UMAMI, "hostname": "nobody.example"}}
    nobody = target.replace("d=example.org", "d=nobody.example")
    elsewhere = (b"referer", b"https://nobody.example/")

    answers = [
        await submit(app, target, body, UA, FROM_PAGE, method=method),
        await submit(app, target, body, UA, FROM_PAGE, (b"dnt", b"1"), method=method),
        await submit(
            app, target, body, (b"user-agent", b"Googlebot/2.1"), FROM_PAGE, method=method
        ),
        await submit(app, nobody, foreign, UA, elsewhere, method=method),
    ]

    assert all(answers[0] == answer for answer in answers)
    assert {"dnt": 1, "bot": 1, "unknown_site": 1} == app.container.counters.totals()
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_a_refused_batch_is_answered_as_an_empty_one(app: Footfall) -> None:
    """How many objects it holds is not read, so the answer cannot tell."""
    batch = [{"type": "event", "payload": UMAMI}] * 3

    refused = await submit(app, "/api/batch", batch, UA, (b"sec-gpc", b"1"))

    assert refused == await submit(app, "/api/batch", [])
    assert {"gpc": 1} == app.container.counters.totals()
    assert await totals(app) == (0, 0)
