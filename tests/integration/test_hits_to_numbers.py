"""What is sent by the wire is told by the reading API and the dashboard: each kind, in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.app import Footfall, create_app
from collector.registry.sites import Goal
from collector.registry.store import Registry
from tests.asgi import found, get, lifespan, post, some_settings
from tests.builders import a_body
from tests.integration.dashboards.browsing import words_of

VISITORS = 5
SENT: tuple[dict[str, Any], ...] = (
    {"u": "https://example.org/find?q=Red+Shoes"},
    {"n": "Order", "$": {"amount": "19.90", "currency": "EUR"}, "p": {"plan": "pro"}},
    {"n": "Outbound Link: Click", "p": {"url": "https://other.example/docs"}},
    {"n": "File Download", "p": {"url": "https://example.org/brochure.pdf"}},
    {"n": "Form: Submission", "p": {"path": "/contact"}},
    {"n": "404", "u": "https://example.org/gone", "p": {"path": "/gone"}},
    {"n": "pageview", "u": "https://example.org/docs/setup"},
    {"n": "engagement", "u": "https://example.org/docs/setup", "sd": 80, "e": 30_000},
)
GOALS = (Goal("Sale", event="Order"), Goal("Docs", path="/docs/*"))
PROPERTIES = {
    "Order": ("plan", "pro"),
    "Outbound Link: Click": ("url", "https://other.example/docs"),
    "File Download": ("url", "https://example.org/brochure.pdf"),
    "Form: Submission": ("path", "/contact"),
    "404": ("path", "/gone"),
}


async def told(app: Footfall, asked: str, key: str, *metrics: str) -> dict[str, tuple[Any, ...]]:
    """Read one of today's breakdowns through the reading API."""
    path = f"/api/v1/stats/breakdown?site_id=example.org&period=day&metrics={','.join(metrics)}"
    answer = (await get(app, f"{path}&property={asked}")).json()
    return {row[key]: tuple(row[name] for name in metrics) for row in answer["results"]}


@pytest.mark.anyio
async def test_hits_of_every_kind_become_numbers(tmp_path: Path) -> None:
    """Five visitors do everything once: searches, buys, leaves, reads, reaches goals."""
    settings = some_settings(tmp_path / "data")
    found(settings, "example.org")
    with Registry(settings.registry_path) as registry:
        registry.set_site("example.org", goals=GOALS, search_parameter="q")
    app = create_app(settings)

    async with lifespan(app):
        for visitor in range(VISITORS):
            for sent in SENT:
                await post(app, a_body(**sent), peer=f"198.51.100.{visitor}")
        app.container.delivery.flush()
        events = await told(app, "event:name", "name", "visitors", "events")
        searched = await told(app, "event:search_query", "search_query", "visitors")
        goals = await told(app, "event:goal", "goal", "visitors", "conversion_rate")
        read = await told(app, "event:page", "page", "time_on_page", "scroll_depth")
        euros = await told(
            app, "event:name&filters=event:currency%3D%3DEUR", "name", "events", "revenue"
        )
        properties = {
            event: await told(
                app,
                f"event:props:{name}&filters=event:name%3D%3D{event.replace(' ', '%20')}",
                name,
                "visitors",
            )
            for event, (name, _) in PROPERTIES.items()
        }
        page = words_of((await get(app, "/example.org?period=today")).body.decode())

    assert dict.fromkeys(PROPERTIES, (VISITORS, VISITORS)) == events
    assert {"red shoes": (VISITORS,)} == searched
    assert {"Sale": (VISITORS, 100), "Docs": (VISITORS, 100)} == goals
    assert (30, 80) == read["/docs/setup"]
    assert {"Order": (VISITORS, VISITORS * 1990)} == euros
    assert {event: {value: (VISITORS,)} for event, (_, value) in PROPERTIES.items()} == properties
    for words in ("Sale 5 100%", "Docs 5 100%", "red shoes 5", *(f"{name} 5" for name in events)):
        assert words in page
