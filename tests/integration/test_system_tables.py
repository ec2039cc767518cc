"""ClickHouse's own system tables are swept too (S-30), in the process through which hits went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from collector.app import Footfall
from collector.cells.client import Store
from collector.errors import DeliveryError
from collector.service.container import Container, build_container
from collector.settings import SecretsSettings, Settings
from tests.builders import CHROME, FakeClock
from tests.integration.forgetful import come, masked
from tests.integration.queries import ask
from tests.integration.senders import submit
from tests.sentinels import (
    ADDRESS_6,
    COOKIE_MARK,
    QUERY_TOKEN,
    USER_AGENT_MARK,
    Place,
    sweep,
)

MARKS = (ADDRESS_6, USER_AGENT_MARK, QUERY_TOKEN, COOKIE_MARK)

STATIC = {"contributors", "data_type_families", "documentation", "formats", "functions", "licenses"}
"""What comes with the engine, word for word: over twenty megabytes."""

CLOSED = {
    # Of what the engine has not: ZooKeeper, a heap profile, users other than its own.
    "distributed_ddl_queue",
    "jemalloc_profile_text",
    "grants",
    "masking_policies",
    "quota_limits",
    "quota_usage",
    "quotas",
    "quotas_usage",
    "role_grants",
    "roles",
    "row_policies",
    "settings_profile_elements",
    "settings_profiles",
    "users",
}
"""System tables that the embedded engine may refuse to read."""


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    """Make the parts of a service behind a proxy, with one site."""
    settings = Settings(
        data_dir=tmp_path,
        secrets=SecretsSettings(store="memory"),
        trusted_proxies=("127.0.0.1/32",),
    )
    made = build_container(settings, FakeClock())
    made.registry.add_site("example.org", public=True)
    made.prepare()
    made.spool.start()
    made.read_sites()
    yield made
    made.close()


def system_tables(store: Store) -> tuple[list[Place], set[str]]:
    """Write out every text of every row of the system tables; also name those that refused."""
    found: list[Place] = []
    refused: set[str] = set()
    for table, columns in store.query(
        "SELECT table, arrayStringConcat(groupArray(concat('`', name, '`')), ', ') "
        "FROM system.columns WHERE database = 'system' AND type LIKE '%String%' GROUP BY table"
    ):
        if table in STATIC:
            continue
        try:
            rows = store.query(f"SELECT toString(tuple({columns})) FROM system.`{table}`")
        except DeliveryError:
            refused.add(table)
        else:
            found.append((f"system.{table}", "\n".join(row[0] for row in rows).encode()))
    return found, refused


async def come_by_every_other_door(container: Container) -> list[int]:
    """Send one marked hit in each other format; the statuses of the answers."""
    app = Footfall(container)
    token = container.registry.create_token("relay", "example.org", ["ingest"]).encode()
    url = f"https://example.org/a?token={QUERY_TOKEN}"
    payload = {"website": "example.org", "hostname": "example.org", "url": f"/?t={QUERY_TOKEN}"}
    sent: dict[str, object] = {
        f"/count?p=/a%3Ft%3D{QUERY_TOKEN}&d=example.org&t={QUERY_TOKEN}": b"",
        f"/pixel.gif?d=example.org&u={quote(url)}": b"",
        "/api/send": {"type": "event", "payload": payload},
        "/api/batch": [{"type": "event", "payload": payload}],
        "/api/v0/count": {
            "hits": [
                {"path": f"/a?t={QUERY_TOKEN}", "ip": ADDRESS_6, "user_agent": CHROME.decode()}
            ]
        },
        "/api/v1/hits": {
            "hits": [{"name": "pageview", "url": url, "domain": "example.org", "ip": ADDRESS_6}]
        },
    }
    headers = (
        (b"authorization", b"Bearer " + token),
        (b"user-agent", CHROME + b" " + USER_AGENT_MARK.encode()),
        (b"cookie", b"session=" + COOKIE_MARK.encode()),
        (b"x-forwarded-for", ADDRESS_6.encode()),
    )
    answers = [
        await submit(app, path, body, *headers, peer="127.0.0.1", method="POST" if body else "GET")
        for path, body in sent.items()
    ]
    return [answer.status for answer in answers]


def test_no_mark_stands_in_a_system_table(container: Container) -> None:
    """After hits in every format, a delivery, a question and a sealing no row holds a mark."""
    asyncio.run(come(container, [masked(mark.encode()) for mark in MARKS]))
    statuses = asyncio.run(come_by_every_other_door(container))
    container.delivery.flush()
    told = container.reports.ask(ask("pageviews", site=container.sites.named("example.org")))
    while_open, _ = system_tables(container.store)
    container.clock.pass_by(86_400)  # type: ignore[attr-defined]
    sealed = container.sealer.run_once()
    once_sealed, refused = system_tables(container.store)

    names = {place for place, _ in once_sealed}
    assert statuses == [200, 200, 200, 200, 202, 202]
    assert told.totals["pageviews"] == 7
    assert len(sealed) == 1
    assert {"system.errors", "system.processes", "system.parts", "system.mutations"} <= names
    assert refused <= CLOSED
    assert sweep([*while_open, *once_sealed], MARKS) == []


def test_a_mark_in_a_statement_that_failed_is_found(container: Container) -> None:
    """The engine keeps the text of its last error, and there the sweep finds a planted mark."""
    with pytest.raises(DeliveryError):
        container.store.query(f"SELECT {QUERY_TOKEN} FROM open_cells")

    found, _ = system_tables(container.store)

    assert f"{QUERY_TOKEN} in system.errors" in sweep(found, MARKS)
