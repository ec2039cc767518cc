"""Every format's door counts, refuses and drops alike, and answers as its format's acceptance."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.app import Footfall
from collector.settings import Spool
from tests.asgi import Answer, ask, get, running
from tests.builders import CHROME, a_receive, a_scope

UA = (b"user-agent", CHROME)
PEERS = orjson.loads((Path(__file__).parents[1] / "vectors" / "peers.json").read_bytes())
FROM_PAGE = (b"referer", b"https://example.org/")
UMAMI = {"website": "a-uuid", "hostname": "example.org", "url": "/a"}
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


async def knock(
    app: Footfall, path: str, body: object = b"", *headers: tuple[bytes, bytes], **scope: Any
) -> Answer:
    """Send one request to a door."""
    path, _, query = path.partition("?")
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    asked = a_scope(*(headers or (UA, FROM_PAGE)), path=path, query=query.encode(), **scope)
    return await ask(app, asked, a_receive(sent))


async def totals(app: Footfall, site: str = "example.org") -> tuple[int, int]:
    """Read today's visitors and pageviews of a site after everything was delivered."""
    app._parts.delivery.flush()
    answer = await get(
        app, f"/api/v1/stats/aggregate?site_id={site}&period=day&metrics=visitors,pageviews"
    )
    results = answer.json()["results"]
    return results["visitors"]["value"], results["pageviews"]["value"]


@pytest.mark.anyio
@pytest.mark.parametrize("sent", PEERS, ids=lambda sent: sent["client"])
async def test_what_published_clients_send_is_counted(app: Footfall, sent: dict[str, Any]) -> None:
    """Requests recorded from the peers' own npm clients are taken and answered as they expect."""
    headers = {"user-agent": CHROME.decode(), **sent["headers"]}
    wire = [(name.encode(), value.encode()) for name, value in headers.items()]

    answer = await knock(app, sent["path"], sent["body"].encode(), *wire)

    assert (sent["status"], sent["answer"]) == (answer.status, answer.body.decode())
    assert {} == app._parts.tally.totals()
    assert await totals(app) == (1, sent["pageviews"])


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_goatcounter_counts_from_the_query(app: Footfall, method: str) -> None:
    """count.js sends its parameters in the query either way, and gets an image."""
    answer = await knock(app, "/count?p=/hello&s=1440,900,1&rnd=1", method=method)

    assert (200, "image/gif", 43) == (
        answer.status,
        answer.headers["content-type"],
        len(answer.body),
    )
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_goatcounters_site_is_the_pages(app: Footfall) -> None:
    """The page's host names the site, of whatever subdomain; `d` may name it outright."""
    await knock(app, "/count?p=/", b"", UA, (b"referer", b"https://www.b.example/"), method="GET")
    await knock(app, "/count?p=/&d=b.example", b"", UA, method="GET")

    assert await totals(app, "b.example") == (1, 2)


@pytest.mark.anyio
async def test_goatcounter_tells_what_is_wrong_beside_the_image(app: Footfall) -> None:
    """A count without a path is an image with the reason in a header."""
    answer = await knock(app, "/count?t=x", method="GET")

    assert (400, "image/gif", "missing_field: p") == (
        answer.status,
        answer.headers["content-type"],
        answer.headers["x-goatcounter"],
    )


@pytest.mark.anyio
async def test_the_pixel_counts_without_javascript(app: Footfall) -> None:
    """An image counts the page it names, or the page that shows it."""
    first = await knock(
        app, "/pixel.gif?d=example.org&u=https%3A%2F%2Fexample.org%2Fa", method="GET"
    )
    second = await knock(app, "/pixel.gif?d=example.org", method="GET")
    nowhere = await knock(app, "/pixel.gif?d=example.org", b"", UA, method="GET")

    assert [200, 200, 400] == [first.status, second.status, nowhere.status]
    assert await totals(app) == (1, 2)


@pytest.mark.anyio
async def test_umami_counts_and_gives_nobodys_ids(app: Footfall) -> None:
    """Umami's tracker gets ids that are the same for everybody."""
    answer = await knock(app, "/api/send", {"type": "event", "payload": UMAMI})

    assert 200 == answer.status
    assert ACCEPTED_UMAMI == answer.json()
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("website", ["example.org", "aad03681-8b63-5304-89e0-8ca8f49461b5"])
async def test_umamis_clients_name_the_site(app: Footfall, website: str) -> None:
    """A client that tells no host names the site by its domain or by the id made of it."""
    payload = {"website": website, "name": "order"}

    await knock(app, "/api/send", {"type": "event", "payload": payload})

    assert {} == app._parts.tally.totals()
    assert await totals(app) == (1, 0)


@pytest.mark.anyio
async def test_umamis_body_names_no_address_and_no_time(app: Footfall) -> None:
    """Without a token nobody may say whose hit it is: four such bodies are one visitor."""
    for number in range(4):
        told = {"ip": f"192.0.2.{number}", "userAgent": f"Firefox/{number}", "timestamp": number}
        await knock(app, "/api/send", {"type": "event", "payload": {**UMAMI, **told}})

    assert await totals(app) == (1, 4)


@pytest.mark.anyio
async def test_umamis_identities_are_not_read(app: Footfall) -> None:
    """An identify is accepted, and nothing of it is kept or counted."""
    answer = await knock(app, "/api/send", {"type": "identify", "payload": {"id": "jane"}})

    assert ACCEPTED_UMAMI == answer.json()
    assert {} == app._parts.tally.totals()
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_umamis_batches_tell_what_failed_by_place(app: Footfall) -> None:
    """Good objects count; a bad one is told by its index."""
    good = {"type": "event", "payload": UMAMI}

    answer = await knock(app, "/api/batch", [good, {"type": "event"}, good])

    told = answer.json()
    assert (200, 3, 2, 1) == (answer.status, told["size"], told["processed"], told["errors"])
    assert [1] == [detail["index"] for detail in told["details"]]
    assert await totals(app) == (1, 2)


@pytest.mark.anyio
@pytest.mark.parametrize("body", [{"type": "event", "payload": UMAMI}, [{}] * 51])
async def test_a_batch_is_an_array_of_fifty_at_most(app: Footfall, body: object) -> None:
    """Anything else is refused in Umami's words."""
    answer = await knock(app, "/api/batch", body)

    assert (400, "bad-request") == (answer.status, answer.json()["error"]["code"])


@pytest.mark.anyio
async def test_umamis_preflight_allows_its_headers(app: Footfall) -> None:
    """The tracker sends JSON and its own header, so browsers ask first."""
    answer = await knock(app, "/api/send", b"", UA, method="OPTIONS")

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
        await knock(app, target, body, UA, FROM_PAGE, method=method),
        await knock(app, target, body, UA, FROM_PAGE, (b"dnt", b"1"), method=method),
        await knock(app, target, body, (b"user-agent", b"Googlebot/2.1"), FROM_PAGE, method=method),
        await knock(app, nobody, foreign, UA, elsewhere, method=method),
    ]

    assert all(answers[0] == answer for answer in answers)
    assert {"dnt": 1, "bot": 1, "unknown_site": 1} == app._parts.tally.totals()
    assert await totals(app) == (1, 1)


def a_token(app: Footfall, site: str | None = None, scope: str = "ingest") -> tuple[bytes, bytes]:
    """Make a token and the header that carries it."""
    token = app._parts.registry.create_token(secrets.token_hex(4), site, [scope])
    return (b"authorization", b"Bearer " + token.encode())


def a_relayed(number: int = 0, /, **changes: Any) -> dict[str, Any]:
    """Build a hit that a server relays: each number is another visitor."""
    return {
        "name": "pageview",
        "url": "https://example.org/a",
        "domain": "example.org",
        "ip": f"203.0.113.{number}",
        "user_agent": CHROME.decode(),
        **changes,
    }


@pytest.mark.anyio
async def test_server_side_hits_need_a_token_to_ingest(app: Footfall) -> None:
    """No token, an unknown one and one that only reads are turned away or count nothing."""
    body = {"hits": [a_relayed()]}
    none = await knock(app, "/api/v1/hits", body, UA)
    unknown = await knock(app, "/api/v1/hits", body, (b"authorization", b"Bearer ffl_x"))
    reader = await knock(app, "/api/v1/hits", body, a_token(app, scope="read"))

    assert [401, 401, 400] == [none.status, unknown.status, reader.status]
    assert "Bearer" == none.headers["www-authenticate"]
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_server_side_hits_name_their_visitors(app: Footfall) -> None:
    """Address and user agent of each hit tell visitors apart."""
    hits = [a_relayed(number % 3) for number in range(9)]

    answer = await knock(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    assert (202, {"accepted": 9, "errors": {}}) == (answer.status, answer.json())
    assert await totals(app) == (3, 9)


@pytest.mark.anyio
async def test_relayed_refusals_are_obeyed(app: Footfall) -> None:
    """A hit whose visitor refused is accepted, unread and not counted; even a broken one."""
    hits = [a_relayed(gpc=True), a_relayed(dnt="1"), {"opt_out": 1, "nonsense": []}]

    answer = await knock(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    assert {"accepted": 3, "errors": {}} == answer.json()
    assert {"gpc": 1, "dnt": 1, "opt_out": 1} == app._parts.tally.totals()
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_a_bad_hit_is_told_by_its_place(app: Footfall) -> None:
    """The good hits of a batch count, whatever the others are."""
    hits = [a_relayed(), a_relayed(ip="x"), a_relayed(domain=None), a_relayed(url=None)]

    answer = await knock(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    expected = {"1": "bad_field: ip", "2": "missing_field: domain", "3": "missing_field: url"}
    assert (202, {"accepted": 1, "errors": expected}) == (answer.status, answer.json())
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_a_token_of_one_site_counts_for_no_other(app: Footfall) -> None:
    """Its site need not be named; another's may not be."""
    token = a_token(app, "example.org")
    hits = [a_relayed(domain=None), a_relayed(domain="b.example", url="https://b.example/")]

    answer = await knock(app, "/api/v1/hits", {"hits": hits}, token)

    assert {"accepted": 1, "errors": {"1": "bad_field: domain"}} == answer.json()
    assert await totals(app, "b.example") == (0, 0)


@pytest.mark.anyio
async def test_a_batch_sent_again_counts_once(app: Footfall) -> None:
    """With an idempotency key the same batch, sent twice at once and later, counts once."""
    token, key = a_token(app), (b"idempotency-key", b"batch-1")
    body = {"hits": [a_relayed(number) for number in range(5)]}

    answers = await asyncio.gather(
        knock(app, "/api/v1/hits", body, token, key), knock(app, "/api/v1/hits", body, token, key)
    )

    later = await knock(app, "/api/v1/hits", body, token, key)
    other_sender = await knock(app, "/api/v1/hits", body, a_token(app), key)

    assert answers[0] == answers[1] == later == other_sender
    assert await totals(app) == (5, 10)


@pytest.mark.anyio
async def test_outside_day(app: Footfall) -> None:
    """A hit of yesterday or of the future is dropped: a closed day never reopens."""
    now = app._parts.clock.now()
    hits = [a_relayed(time=now - 86_400), a_relayed(time=now + 3600), a_relayed(time=now)]

    answer = await knock(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    assert {"accepted": 3, "errors": {}} == answer.json()
    assert {"outside_day": 2} == app._parts.tally.totals()
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_software_may_call_itself_by_its_name(app: Footfall) -> None:
    """Telemetry of a program is no bot, and may tell its installations apart without addresses."""
    program: dict[str, Any] = {"ip": "", "user_agent": "MyApp/1.2 (Linux)"}
    hits = [a_relayed(visitor=f"installation {number}", **program) for number in (1, 1, 2)]
    crawler = a_relayed(user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")

    await knock(app, "/api/v1/hits", {"hits": [*hits, crawler]}, a_token(app))

    assert {"bot": 1} == app._parts.tally.totals()
    assert await totals(app) == (2, 3)


@pytest.mark.anyio
async def test_goatcounters_api_counts_with_a_token_of_the_site(app: Footfall) -> None:
    """Its batch is answered in its own words; the token says which site."""
    hits = [{"path": "/a", "session": "s1"}, {"path": "/b", "session": "s1"}, {"path": ""}]
    token = a_token(app, "example.org")

    fine = await knock(app, "/api/v0/count", {"hits": hits[:2]}, token)
    wrong = await knock(app, "/api/v0/count", {"hits": hits}, token)

    assert (202, {"status": "ok"}) == (fine.status, fine.json())
    assert (400, {"errors": {"2": "missing_field: p"}}) == (wrong.status, wrong.json())
    assert await totals(app) == (1, 4)


BATCHES: dict[str, object] = {
    "/api/batch": [{"type": "event", "payload": UMAMI}] * 3,
    "/api/v1/hits": {"hits": [a_relayed(number) for number in range(3)]},
}


@pytest.mark.anyio
@pytest.mark.parametrize("path", BATCHES)
async def test_a_batch_counts_as_a_whole_or_not_at_all(tmp_path: Path, path: str) -> None:
    """With room for some of its hits none is kept, so that it can be sent again as it is."""
    async with running(tmp_path / "data", spool=Spool(max_bytes=400)) as app:
        answer = await knock(app, path, BATCHES[path], UA, FROM_PAGE, a_token(app))

        assert 503 == answer.status
        assert {"shed": 1} == app._parts.tally.totals()
        assert (0, 0) == (app._parts.journal.stats().acknowledged, len(app._parts.visits))
