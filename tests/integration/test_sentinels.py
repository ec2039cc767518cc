"""The sentinel sweep (S-30): marked values go through every route and are found nowhere."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from starlette.routing import Route

from collector.app import Footfall
from collector.cells.client import Store
from collector.service.container import build_container
from collector.settings import SecretsSettings, Settings
from tests.sentinels import (
    ADDRESS_6,
    ADDRESSES,
    COOKIE_MARK,
    QUERY_TOKEN,
    REFERRER_TOKEN,
    USER_AGENT_MARK,
    WORDS,
    files_under,
    forms,
    packed_addresses,
    sweep,
)
from tests.service import CHROME, Answer, Service

BEYOND = ["/", "/nobody.example", "/no/such/page", "/api/v1/stats/aggregate?site_id=localhost"]
TOLD_TO_THEMSELVES = ("/privacy/localhost/me", "/login", "/api/v2/query")
"""Answers that tell senders what they sent: what was read, the name they typed, a wrong key."""

FILLED = {"name": "dashboards.css", "year": "2026"}
BODIES = [
    b"{",
    b'{"n":"pageview"}',
    b'{"n":"pageview","u":1,"d":"localhost"}',
    f'{{"n":"pageview","u":"http://localhost/?t={QUERY_TOKEN}","d":"nobody.example"}}'.encode(),
    f'{{"n":"{QUERY_TOKEN}","u":"http://foreign.example/{QUERY_TOKEN}","d":"localhost"}}'.encode(),
    f'{{"{QUERY_TOKEN}":"{QUERY_TOKEN}"}}'.encode(),
    QUERY_TOKEN.encode() * 1000,
    f'{{"type":"event","payload":{{"website":"localhost","url":"/?t={QUERY_TOKEN}"}}}}'.encode(),
    f'{{"no_sessions":true,"hits":[{{"path":"/?t={QUERY_TOKEN}"}}]}}'.encode(),
    f'[{{"url":"http://localhost/?t={QUERY_TOKEN}","domain":"localhost"}}]'.encode(),
    f"choice=sideways&name={QUERY_TOKEN}&password={QUERY_TOKEN}".encode(),
]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service behind a trusted proxy, its temporary files in a folder of its own."""
    runtime, temporary = tmp_path / "runtime", tmp_path / "tmp"
    runtime.mkdir()
    temporary.mkdir()
    return Service(
        tmp_path / "data",
        environ={
            "FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32",
            "TMPDIR": str(temporary),
            "PYTHONDEVMODE": "0",
        },
    )


def marked_headers(address: str) -> dict[str, str]:
    """Headers of a marked visitor; the token stands in a header of every kind."""
    return {
        "X-Forwarded-For": address,
        "User-Agent": f"{CHROME} {USER_AGENT_MARK}",
        "Cookie": f"session={COOKIE_MARK}; other={COOKIE_MARK}",
        "Referer": f"https://search.example/?q={REFERRER_TOKEN}",
        "Authorization": f"Bearer {QUERY_TOKEN}",
        "X-Unheard-Of": COOKIE_MARK,
    }


def every_route(folder: Path) -> list[str]:
    """List the paths of all routes of the application, those that receive hits among them."""
    container = build_container(Settings(data_dir=folder, secrets=SecretsSettings(store="memory")))
    app = Footfall(container, demo=True)
    paths = [
        *app.handlers,
        *(route.path for route in app.routes if isinstance(route, Route)),
    ]
    container.close()
    filled = [re.sub(r"{(\w+)[^}]*}", lambda it: FILLED.get(it[1], "localhost"), p) for p in paths]
    return [*dict.fromkeys(filled), *BEYOND]


def send_everything(service: Service, routes: list[str]) -> list[tuple[str, Answer]]:
    """Send marked hits, refusals, errors and page views through every route."""
    answers = []
    for address in (*ADDRESSES, ADDRESS_6):
        headers = marked_headers(address)
        for number in range(10):
            page = f"/page-{number}?token={QUERY_TOKEN}&utm_source=letter#{QUERY_TOKEN}"
            referrer = f"https://search.example/?q={REFERRER_TOKEN}"
            answers.append(("/api/event", service.hit(page, headers=headers, r=referrer)))
        for refusal in ({"DNT": "1"}, {"Sec-GPC": "1"}, {"Cookie": f"optout=1; x={COOKIE_MARK}"}):
            refused = service.hit(f"/?t={QUERY_TOKEN}", headers={**headers, **refusal})
            answers.append(("/api/event", refused))
        answers += [
            (route, service.post(route, body, headers))
            for body, route in itertools.product(BODIES, routes)
            if address == ADDRESS_6 or route == "/api/event"
        ]
        for route in routes:
            joint = "&" if "?" in route else "?"
            asked = service.get(f"{route}{joint}token={QUERY_TOKEN}", headers)
            answers.append((route, asked))
    return answers


def test_no_marked_byte_rests_anywhere(service: Service, tmp_path: Path) -> None:
    """Addresses, user agents, query tokens, cookies and referrer queries leave no byte behind."""
    service.start()
    routes = every_route(tmp_path.with_name("routes"))
    answers = send_everything(service, routes)
    assert len(routes) > 30
    assert [] == [(route, one.status) for route, one in answers if one.status >= 500]
    # Ten hits of each address, and the one body that Umami's handler takes.
    service.wait_for(51, lambda: service.aggregate()["pageviews"])

    running = list(files_under(tmp_path))
    service.stop()
    stopped = [*files_under(tmp_path), ("the store's rows", dump(tmp_path / "data/clickhouse"))]
    spoken = [(route, one.body) for route, one in answers if route not in TOLD_TO_THEMSELVES]

    assert [] == sweep([*running, *stopped])
    assert len(packed_addresses([*running, *stopped])) < 2
    assert [] == sweep(
        [(f"an answer of {route}", body) for route, body in spoken],
        [word for word in WORDS if word not in (*ADDRESSES, ADDRESS_6)],
    )


def test_the_sweep_finds_what_is_planted(tmp_path: Path) -> None:
    """Each form of each mark is found when it is there, so an empty sweep means something."""
    for number, word in enumerate(WORDS):
        for form in forms(word):
            (tmp_path / f"{number}").write_bytes(b"abc" + form + b"xyz")

            assert f"{word} in {tmp_path / str(number)}" in sweep(files_under(tmp_path))


def dump(folder: Path) -> bytes:
    """Write out every row of every table, so that compression hides nothing."""
    store = Store(folder)
    try:
        tables = [
            row[0]
            for row in store.query(
                "SELECT name FROM system.tables WHERE database = currentDatabase() "
                "AND engine LIKE '%MergeTree'"
            )
        ]
        rows = {
            table: [
                [str(value) for value in row]
                for row in store.query(f"SELECT * EXCEPT visitors FROM {table}")
            ]
            if table in ("open_cells", "sealed_cells")
            else [[str(value) for value in row] for row in store.query(f"SELECT * FROM {table}")]
            for table in tables
        }
    finally:
        store.close()
    assert rows["open_cells"]
    return json.dumps(rows).encode()
