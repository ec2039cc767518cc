"""The full path of a hit but for the spool: what remains when durability costs nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import uvicorn

from collector.hit import Hit
from collector.ingest.fast_path import fast_path_protocol
from collector.ingest.formats.plausible import PlausibleHandler
from collector.service.container import build_container
from collector.settings import Settings


class Forgetful:
    """Acknowledge at once and keep nothing."""

    def append(self, hit: Hit, undo: Callable[[], None] | None = None) -> asyncio.Future[None]:
        """Encode the hit, as the journal would, and let it go."""
        msgspec.msgpack.encode(hit)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def append_all(self, hits: Sequence[tuple[Hit, Callable[[], None]]]) -> asyncio.Future[None]:
        """Let several go."""
        return [self.append(hit) for hit, _ in hits][-1]


def main() -> None:
    """Serve at the given port, with an empty data directory in the given folder."""
    settings = Settings(data_dir=Path(sys.argv[2]) / "data", trusted_proxies=("127.0.0.1/32",))
    container = build_container(settings)
    container.registry.add_site("localhost", public=True)
    container.ingest = replace(container.ingest, sites=container.registry.sites())
    handler = PlausibleHandler(container, Forgetful(), container.counters)
    uvicorn.run(
        handler,
        port=int(sys.argv[1]),
        http=fast_path_protocol(handler, container.count_rejected_connection),
        loop="uvloop",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
