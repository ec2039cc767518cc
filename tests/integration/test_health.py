"""Health is told as it is: alive, ready, or why not; and never a word of a visitor."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from collector.app import Footfall
from collector.errors import PayloadCode
from collector.hit import Drop, Refusal
from collector.settings import DeliverySettings, SpoolSettings
from tests.asgi import get, post, running
from tests.builders import CHROME, a_body
from tests.sentinels import ADDRESSES, COOKIE_MARK, QUERY_TOKEN, USER_AGENT_MARK

PAUSED = DeliverySettings(flush_interval_s=3600)
ROOM, VISITORS = 2000, 20
SMALL = SpoolSettings(max_bytes=1 << 20)
LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
REASONS = {"", *Refusal, *Drop, *get_args(PayloadCode)}
STATES = {"idle", "ok", "waiting", "schema"}


async def readiness(app: Footfall) -> tuple[int, str, list[str]]:
    """Ask whether the service is ready."""
    answer = await get(app, "/readyz")
    told = answer.json()
    return answer.status, told["status"], told["reasons"]


async def measures(app: Footfall) -> tuple[int, dict[str, float], str]:
    """Scrape as a monitor with a token does; return status, values by name and labels, all text."""
    token = app.container.registry.create_token("monitor", None, {"read"})
    answer = await get(app, "/metrics", (b"authorization", b"Bearer " + token.encode()))
    text = answer.body.decode()
    found = [LINE.match(line) for line in text.splitlines() if not line.startswith("#")]
    values = {f"{one[1]}{{{one[2] or ''}}}": float(one[3]) for one in found if one}
    return answer.status, values, text


def test_a_service_that_runs_is_alive_and_ready(tmp_path: Path) -> None:
    """Both say yes, without reasons, and are kept by no cache."""

    async def story() -> list[Any]:
        async with running(tmp_path / "data") as app:
            alive = await get(app, "/healthz")
            return [alive.status, alive.json(), alive.headers, await readiness(app)]

    status, told, headers, ready = asyncio.run(story())

    assert (200, {"status": "alive", "reasons": []}) == (status, told)
    assert "no-store" == headers["cache-control"]
    assert (200, "ready", []) == ready


def test_a_full_spool_is_not_ready_until_it_is_emptied(tmp_path: Path) -> None:
    """Hits get 503 and a time to come back, readiness says why; once delivered all is well."""

    async def story() -> tuple[Any, ...]:
        async with running(tmp_path / "data", delivery=PAUSED, spool=SMALL) as app:
            refused, accepted = None, 0
            while refused is None:
                peer = f"198.18.{accepted // 200}.7"
                sent = [post(app, _long_hit(accepted + one), peer=peer) for one in range(200)]
                answers = await asyncio.gather(*sent)
                accepted += sum(answer.status == 202 for answer in answers)
                refused = next((one for one in answers if one.status != 202), None)
            full = await readiness(app)
            await asyncio.to_thread(app.container.delivery.flush)
            return refused, full, await readiness(app), (await post(app, _long_hit(1))).status

    refused, full, emptied, after = asyncio.run(story())

    assert (503, "5") == (refused.status, refused.headers["retry-after"])
    assert (503, "not ready") == full[:2]
    assert "the spool is full: hits are refused until some are delivered" == full[2][0]
    assert (200, "ready", []) == emptied
    assert 202 == after


def _long_hit(number: int) -> bytes:
    path = f"/{number}/" + "-".join(f"word{place}" for place in range(60))
    return a_body(u=f"https://example.org{path}")


def test_foreign_tables_are_told_while_hits_are_taken(tmp_path: Path) -> None:
    """A schema mismatch stops delivery alone: ready to take hits, with a reason that is loud."""

    async def story() -> tuple[Any, ...]:
        async with running(tmp_path / "data") as app:
            store, delivery = app.container.store, app.container.delivery
            store.command("DROP VIEW fan_out SYNC")
            status = (await post(app, a_body())).status
            await asyncio.to_thread(_until, lambda: delivery.health().state == "schema")
            told, values = await readiness(app), (await measures(app))[1]
            store.prepare()
            await asyncio.to_thread(delivery.flush)
            rows = store.query("SELECT sum(pageviews) FROM open_cells WHERE view = 1 AND grain = 0")
            return status, told, values, rows

    status, told, values, rows = asyncio.run(story())

    assert 202 == status
    assert 200 == told[0]
    assert "the store's tables are not those of this version" in told[2][0]
    assert 1 == values['footfall_delivery_state{state="schema"}']
    assert 1 == values["footfall_spool_hits{}"]
    assert [(1,)] == rows


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not true() and time.monotonic() < ends:
        time.sleep(0.05)


def test_measures_say_how_much_and_how_old(tmp_path: Path) -> None:
    """Acknowledged, refused and dropped hits, the spool and the day secrets are counted."""

    async def story() -> dict[str, float]:
        async with running(tmp_path / "data", delivery=PAUSED) as app:
            await post(app, a_body())
            await post(app, a_body(), (b"user-agent", CHROME), (b"sec-gpc", b"1"))
            await post(app, a_body(), (b"user-agent", b"Googlebot/2.1"))
            await post(app, b"{")
            return (await measures(app))[1]

    values = asyncio.run(story())

    assert 1 == values['footfall_hits_total{outcome="acknowledged",reason=""}']
    assert 1 == values['footfall_hits_total{outcome="refused",reason="gpc"}']
    assert 1 == values['footfall_hits_total{outcome="dropped",reason="bot"}']
    assert 1 == values['footfall_hits_total{outcome="rejected",reason="not_json"}']
    assert values["footfall_spool_bytes{}"] > 100
    assert 1 << 30 == values["footfall_spool_max_bytes{}"]
    assert 1 == values["footfall_day_secrets{}"]
    assert 0 < values["footfall_day_secret_age_seconds{}"] <= 86_400
    assert 0 == values["footfall_sealing_in_trouble{}"]


def test_measures_are_for_those_who_may_read_every_site(tmp_path: Path) -> None:
    """No token, a wrong one, one of a single site or one that may only send: 401."""

    async def story() -> list[int]:
        async with running(tmp_path / "data", "example.org") as app:
            create = app.container.registry.create_token
            one_site, sender = (
                create("one", "example.org", {"read"}),
                create("sender", None, {"ingest"}),
            )
            answers = [await get(app, "/metrics")]
            for token in ("ffl_wrong", one_site, sender):
                header = (b"authorization", f"Bearer {token}".encode())
                answers.append(await get(app, "/metrics", header))
            return [answer.status for answer in answers]

    assert [401] * 4 == asyncio.run(story())


def test_no_measure_carries_what_a_visitor_sent(tmp_path: Path) -> None:
    """Marked addresses, agents, paths, cookies, sites are in no line; labels are closed lists."""

    async def story() -> str:
        async with running(tmp_path / "data", "example.org") as app:
            for body in (
                a_body(u=f"https://example.org/{QUERY_TOKEN}?q={QUERY_TOKEN}"),
                a_body(d=f"{QUERY_TOKEN}.example", u=f"https://{QUERY_TOKEN}.example/"),
                b'{"%s": 1}' % QUERY_TOKEN.encode(),
            ):
                await post(
                    app,
                    body,
                    (b"user-agent", f"Mozilla/5.0 {USER_AGENT_MARK} Chrome/142.0".encode()),
                    (b"cookie", COOKIE_MARK.encode()),
                    (b"x-forwarded-for", ADDRESSES[1].encode()),
                    peer=ADDRESSES[0],
                )
            status, _, text = await measures(app)
            assert 200 == status
            return text

    text = asyncio.run(story())

    marks = (*ADDRESSES, USER_AGENT_MARK, QUERY_TOKEN, QUERY_TOKEN.lower(), COOKIE_MARK)
    assert [] == [mark for mark in (*marks, "example.org") if mark in text]
    assert 'outcome="acknowledged"' in text
    assert {"outcome", "reason", "state"} == set(re.findall(r"(\w+)=\"", text))
    assert set(re.findall(r"reason=\"(.*?)\"", text)) <= REASONS
    assert STATES == set(re.findall(r"state=\"(.*?)\"", text))


def test_visits_that_end_for_want_of_room_are_told(tmp_path: Path) -> None:
    """What visits under way take stays below its bound, and how many ended early is counted."""

    async def story() -> tuple[dict[str, float], int]:
        async with running(tmp_path / "data") as app:
            app.container.visits._max = ROOM
            for visitor in range(VISITORS):
                agent = (b"user-agent", CHROME)
                answer = await post(app, a_body(), agent, peer=f"198.51.100.{visitor}")
                assert answer.status == 202
            _, values, _ = await measures(app)
            return values, len(app.container.visits)

    values, go_on = asyncio.run(story())

    assert 0 < values["footfall_visits_bytes{}"] <= ROOM
    assert 0 < go_on < VISITORS
    assert VISITORS - go_on == values["footfall_visits_ended_early_total{}"]
