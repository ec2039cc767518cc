"""Send requests to the routes that receive hits, and read what was counted."""

from __future__ import annotations

from typing import Any

import orjson

from collector.app import Footfall
from tests.asgi import Answer, ask, get
from tests.builders import CHROME, a_receive, a_scope

UA = (b"user-agent", CHROME)
FROM_PAGE = (b"referer", b"https://example.org/")
UMAMI = {"website": "a-uuid", "hostname": "example.org", "url": "/a"}


async def submit(
    app: Footfall, path: str, body: object = b"", *headers: tuple[bytes, bytes], **scope: Any
) -> Answer:
    """Send one request to a route."""
    path, _, query = path.partition("?")
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    asked = a_scope(*(headers or (UA, FROM_PAGE)), path=path, query=query.encode(), **scope)
    return await ask(app, asked, a_receive(sent))


async def totals(app: Footfall, site: str = "example.org") -> tuple[int, int]:
    """Read today's visitors and pageviews of a site after everything was delivered."""
    app.container.delivery.flush()
    answer = await get(
        app, f"/api/v1/stats/aggregate?site_id={site}&period=day&metrics=visitors,pageviews"
    )
    results = answer.json()["results"]
    return results["visitors"]["value"], results["pageviews"]["value"]
