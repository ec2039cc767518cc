"""The floor every figure is held against: a bare ASGI app on the same server, answering at once."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

from collector.ingest.http_limits import LimitedHttpProtocol


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer 202 to everything, reading nothing."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    uvicorn.run(
        answer,
        port=int(sys.argv[1]),
        http=LimitedHttpProtocol,
        loop="uvloop",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_level="warning",
    )
