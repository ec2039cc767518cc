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
from collector.ingest.fast_path import doorstep
from collector.ingest.formats.plausible import EventEndpoint
from collector.service.container import make_parts
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
    parts = make_parts(settings)
    parts.registry.add_site("localhost", public=True)
    parts.intake = replace(parts.intake, sites=parts.registry.sites())
    door = EventEndpoint(lambda: parts.intake, Forgetful(), parts.tally)
    uvicorn.run(
        door,
        port=int(sys.argv[1]),
        http=doorstep(door, parts.turned_away),
        loop="uvloop",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
