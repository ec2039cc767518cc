"""Servers and software with a token send batches: of their visitors, once, and of no other site."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.app import Footfall
from collector.ingest.idempotency import KEYS_LIVE_S, MAX_KEYS, IdempotencyCache
from collector.settings import SpoolSettings
from tests.asgi import running
from tests.builders import CHROME, FakeClock
from tests.integration.senders import FROM_PAGE, UA, UMAMI, submit, totals


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application with two sites."""
    async with running(tmp_path / "data", "example.org", "b.example") as app:
        yield app


def a_token(app: Footfall, site: str | None = None, scope: str = "ingest") -> tuple[bytes, bytes]:
    """Make a token and the header that carries it."""
    token = app.container.registry.create_token(secrets.token_hex(4), site, [scope])
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
    """No token and an unknown one get 401, one that only reads 403; nothing is counted."""
    body = {"hits": [a_relayed()]}
    none = await submit(app, "/api/v1/hits", body, UA)
    unknown = await submit(app, "/api/v1/hits", body, (b"authorization", b"Bearer ffl_x"))
    reader = await submit(app, "/api/v1/hits", body, a_token(app, scope="read"))

    assert [401, 401, 403] == [none.status, unknown.status, reader.status]
    assert "Bearer" == none.headers["www-authenticate"]
    assert "insufficient_scope" in reader.headers["www-authenticate"]
    assert (403, "forbidden") == (reader.json()["status"], reader.json()["code"])
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_server_side_hits_name_their_visitors(app: Footfall) -> None:
    """Address and user agent of each hit tell visitors apart."""
    hits = [a_relayed(number % 3) for number in range(9)]

    answer = await submit(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    assert (202, {"accepted": 9, "errors": {}}) == (answer.status, answer.json())
    assert await totals(app) == (3, 9)


@pytest.mark.anyio
async def test_relayed_refusals_are_obeyed(app: Footfall) -> None:
    """A hit whose visitor refused is accepted, unread and not counted; even a broken one."""
    hits = [a_relayed(gpc=True), a_relayed(dnt="1"), {"opt_out": 1, "ip": "nowhere", "visitor": []}]

    answer = await submit(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    assert {"accepted": 3, "errors": {}} == answer.json()
    assert {"gpc": 1, "dnt": 1, "opt_out": 1} == app.container.counters.totals()
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_a_bad_hit_is_told_by_its_place(app: Footfall) -> None:
    """The good hits of a batch count, whatever the others are."""
    hits = [a_relayed(), a_relayed(ip="x"), a_relayed(domain=None), a_relayed(url=None)]

    answer = await submit(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    expected = {"1": "bad_field: ip", "2": "missing_field: domain", "3": "missing_field: url"}
    assert (202, {"accepted": 1, "errors": expected}) == (answer.status, answer.json())
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_a_token_of_one_site_counts_for_no_other(app: Footfall) -> None:
    """Its site need not be named; another's may not be."""
    token = a_token(app, "example.org")
    hits = [a_relayed(domain=None), a_relayed(domain="b.example", url="https://b.example/")]

    answer = await submit(app, "/api/v1/hits", {"hits": hits}, token)

    assert {"accepted": 1, "errors": {"1": "bad_field: domain"}} == answer.json()
    assert await totals(app, "b.example") == (0, 0)


@pytest.mark.anyio
async def test_a_batch_sent_again_counts_once(app: Footfall) -> None:
    """With an idempotency key the same batch, sent twice at once and later, counts once."""
    token, key = a_token(app), (b"idempotency-key", b"batch-1")
    body = {"hits": [a_relayed(number) for number in range(5)]}

    answers = await asyncio.gather(
        submit(app, "/api/v1/hits", body, token, key),
        submit(app, "/api/v1/hits", body, token, key),
    )

    later = await submit(app, "/api/v1/hits", body, token, key)
    other_sender = await submit(app, "/api/v1/hits", body, a_token(app), key)

    assert answers[0] == answers[1] == later == other_sender
    assert await totals(app) == (5, 10)


@pytest.mark.anyio
async def test_key_reused(app: Footfall) -> None:
    """A key that comes again with another body is refused, and still good for its own."""
    token, key = a_token(app), (b"idempotency-key", b"batch-1")
    mine, other = {"hits": [a_relayed(1)]}, {"hits": [a_relayed(2)]}

    first = await submit(app, "/api/v1/hits", mine, token, key)
    reused = await submit(app, "/api/v1/hits", other, token, key)
    again = await submit(app, "/api/v1/hits", mine, token, key)

    assert (422, "key_reused") == (reused.status, reused.json()["code"])
    assert first == again
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_a_key_of_a_batch_that_failed_is_free(tmp_path: Path) -> None:
    """What was answered with 503 was not taken: its key may come with what fits."""
    async with running(tmp_path / "data", spool=SpoolSettings(max_bytes=400)) as app:
        token, key = a_token(app), (b"idempotency-key", b"batch-1")
        many = {"hits": [a_relayed(number) for number in range(3)]}
        refused = {"hits": [a_relayed(gpc=True)]}

        answers = [await submit(app, "/api/v1/hits", body, token, key) for body in (many, refused)]

    assert [503, 202] == [answer.status for answer in answers]


@pytest.mark.anyio
async def test_a_key_is_known_for_an_hour(tmp_path: Path) -> None:
    """Within it a batch that is sent again counts once, however late; then its key is free."""
    clock = FakeClock()
    async with running(tmp_path / "data", "example.org", clock=clock) as app:
        token, key = a_token(app), (b"idempotency-key", b"batch-1")
        body = {"hits": [a_relayed()]}
        counted = []
        for seconds in (0, KEYS_LIVE_S - 1, 1):
            clock.pass_by(seconds)
            await submit(app, "/api/v1/hits", body, token, key)
            counted.append(app.container.spool.stats().acknowledged)

    assert [1, 1, 2] == counted


def test_ten_thousand_keys_are_known_at_a_time() -> None:
    """However many batches come within the hour, memory is bounded: the oldest key is forgotten."""
    cache = IdempotencyCache()
    keys = [b"%d" % number for number in range(MAX_KEYS + 1)]

    first, *_, last = [cache.batch(b"sender", key, 0.0) for key in keys]

    assert MAX_KEYS == len(cache._batches)
    assert last is cache.batch(b"sender", keys[-1], 0.0)
    assert first is not cache.batch(b"sender", keys[0], 0.0)


@pytest.mark.anyio
async def test_of_a_batch_only_hashes_are_remembered(app: Footfall) -> None:
    """Neither key, token nor body is in memory, nor a hash that could be tried out."""
    token, key = a_token(app), (b"idempotency-key", b"batch-1")
    body = orjson.dumps({"hits": [a_relayed()]})

    await submit(app, "/api/v1/hits", body, token, key)

    cache = app.handlers["/api/v1/hits"]._cache  # type: ignore[attr-defined]
    ((name, batch),) = cache._batches.items()
    assert (16, 16) == (len(name), len(batch.digest))
    assert batch.digest not in (blake2b(body, digest_size=16).digest(), body)
    assert b'{"accepted":1,"errors":{}}' == batch.answer.body


@pytest.mark.anyio
async def test_of_a_batch_without_a_key_nothing_is_remembered(app: Footfall) -> None:
    """It counts as often as it is sent, and leaves no hash of its sender or body behind."""
    token, body = a_token(app), {"hits": [a_relayed()]}

    answers = [await submit(app, "/api/v1/hits", body, token) for _ in range(2)]

    assert [202, 202] == [answer.status for answer in answers]
    assert not app.handlers["/api/v1/hits"]._cache._batches  # type: ignore[attr-defined]
    assert await totals(app) == (1, 2)


@pytest.mark.anyio
async def test_outside_day(app: Footfall) -> None:
    """A hit of yesterday or of the future is dropped: a closed day never reopens."""
    now = app.container.clock.now()
    hits = [a_relayed(time=now - 86_400), a_relayed(time=now + 120), a_relayed(time=now)]

    answer = await submit(app, "/api/v1/hits", {"hits": hits}, a_token(app))

    assert {"accepted": 3, "errors": {}} == answer.json()
    assert {"outside_day": 2} == app.container.counters.totals()
    assert await totals(app) == (1, 1)


@pytest.mark.anyio
async def test_software_may_call_itself_by_its_name(app: Footfall) -> None:
    """Telemetry of a program is no bot, and may tell its installations apart without addresses."""
    program: dict[str, Any] = {"ip": "", "user_agent": "MyApp/1.2 (Linux)"}
    hits = [a_relayed(visitor=f"installation {number}", **program) for number in (1, 1, 2)]
    crawler = a_relayed(user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")

    await submit(app, "/api/v1/hits", {"hits": [*hits, crawler]}, a_token(app))

    assert {"bot": 1} == app.container.counters.totals()
    assert await totals(app) == (2, 3)


@pytest.mark.anyio
async def test_goatcounters_api_counts_with_a_token_of_the_site(app: Footfall) -> None:
    """Its batch is answered in its own words; the token says which site."""
    hits = [{"path": path, "session": "s1"} for path in ("/a", "/b", "")]
    token = a_token(app, "example.org")

    fine = await submit(app, "/api/v0/count", {"hits": hits[:2]}, token)
    wrong = await submit(app, "/api/v0/count", {"hits": hits}, token)

    assert (202, {"status": "ok"}) == (fine.status, fine.json())
    assert (400, {"errors": {"2": "missing_field: path"}}) == (wrong.status, wrong.json())
    assert await totals(app) == (1, 4)


@pytest.mark.anyio
async def test_goatcounters_api_names_its_own_keys(app: Footfall) -> None:
    """What is wrong with a hit is told by the key that its sender knows."""
    wrong: dict[str, dict[str, Any]] = {
        "missing_field: path": {"path": ""},
        "bad_field: path": {"path": "x" * 121, "event": True},
        "bad_field: bot": {"bot": 7},
        "bad_field: created_at": {"created_at": "yesterday"},
        "bad_field: session": {"session": "x" * 201},
        "bad_field: ip": {"ip": "nowhere"},
        "missing_field: session": {"session": ""},
    }
    hits = [{"path": "/a", "session": "s1", **changes} for changes in wrong.values()]

    answer = await submit(app, "/api/v0/count", {"hits": hits}, a_token(app, "example.org"))

    assert [*wrong] == [*answer.json()["errors"].values()]
    assert await totals(app) == (0, 0)


@pytest.mark.anyio
async def test_goatcounters_api_says_what_token_it_needs(app: Footfall) -> None:
    """Without a token, with one that only reads, or with one for every site: what to do is said."""
    body = {"hits": [{"path": "/a", "session": "s1"}]}
    tokens = [UA, a_token(app, "example.org", "read"), a_token(app)]

    answers = [await submit(app, "/api/v0/count", body, token) for token in tokens]
    empty = await submit(app, "/api/v0/count", {"hits": []}, a_token(app, "example.org"))

    assert [401, 403, 403] == [answer.status for answer in answers]
    assert "--site DOMAIN --scope ingest" in answers[2].json()["error"]
    assert (400, {"error": "missing_field: hits"}) == (empty.status, empty.json())
    assert await totals(app) == (0, 0)


BATCHES: dict[str, object] = {
    "/api/batch": [{"type": "event", "payload": UMAMI}] * 3,
    "/api/v1/hits": {"hits": [a_relayed(number) for number in range(3)]},
}


@pytest.mark.anyio
@pytest.mark.parametrize("path", BATCHES)
async def test_a_batch_counts_as_a_whole_or_not_at_all(tmp_path: Path, path: str) -> None:
    """With room for some of its hits none is kept, so that it can be sent again as it is."""
    async with running(tmp_path / "data", spool=SpoolSettings(max_bytes=400)) as app:
        answer = await submit(app, path, BATCHES[path], UA, FROM_PAGE, a_token(app))

        assert 503 == answer.status
        assert {"shed": 1} == app.container.counters.totals()
        assert (0, 0) == (app.container.spool.stats().acknowledged, len(app.container.visits))
