"""A clock that passes, stands still and jumps; and a service that lives by it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio.to_thread

from collector.app import Footfall, create_app
from collector.errors import SealError
from collector.registry.store import Registry
from collector.service import operations, scheduler
from collector.service.container import Container
from collector.settings import SecretsSettings, Settings
from tests.asgi import Answer, lifespan, post
from tests.builders import CHROME, NOON, FakeClock, a_body


class JumpingClock(FakeClock):
    """A wall clock that can be set, over a steady one that cannot.

    Attributes:
        steady: what has passed; never set.
    """

    def __init__(self, at: float = NOON) -> None:
        """Show an instant."""
        super().__init__(at)
        self.steady = 1000.0

    def monotonic(self) -> float:
        """Return the steady clock."""
        return self.steady

    def sleep(self, seconds: float) -> None:
        """Wait for nobody: only the test lets time pass."""

    def pass_by(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self.at += seconds
        self.steady += seconds

    def pass_to(self, instant: float) -> None:
        """Let time pass until an instant."""
        self.pass_by(instant - self.at)

    def jump(self, seconds: float) -> None:
        """Set the wall clock; no time passes."""
        self.at += seconds


@contextlib.asynccontextmanager
async def a_service(
    folder: Path, clock: JumpingClock, zones: dict[str, str] | None = None
) -> AsyncIterator[Footfall]:
    """Run a service by this clock, from start to clean stop; its rounds are gone by the test.

    Args:
        zones: the zone of each site it is founded with.
    """
    settings = Settings(data_dir=folder / "data", secrets=SecretsSettings(store="disk"))
    if not settings.data_dir.exists():
        settings.data_dir.mkdir()
        registry = Registry(settings.registry_path)
        for domain, zone in (zones or {"example.org": "UTC"}).items():
            registry.add_site(domain, zone=zone, public=True)
        registry.close()
    app = create_app(settings, clock)
    async with lifespan(app):
        yield app


async def hit(
    app: Footfall, path: str = "/", *, visitor: int = 1, site: str = "example.org", **keys: object
) -> Answer:
    """Report a pageview of a visitor."""
    body = a_body(u=f"https://{site}{path}", d=site, **keys)
    return await post(app, body, (b"user-agent", CHROME), peer=f"198.51.100.{visitor}")


async def round_of_secrets(container: Container) -> str:
    """Destroy what is due; return the problem, empty if there was none."""
    return await _round(scheduler.destroy_secrets, container)


async def round_of_seals(container: Container) -> str:
    """Deliver, then seal what is due; return the problem, empty if there was none."""
    await anyio.to_thread.run_sync(container.delivery.flush)
    return await _round(scheduler.seal_days, container)


async def seal_by_hand(container: Container) -> list[int]:
    """Do what `footfall seal` asks of the running service; return what was sealed."""
    results = await anyio.to_thread.run_sync(operations.run_operation, container, "seal", {})
    return [result["closes_at"] for result in results]


async def _round(work: Callable[[Container], object], container: Container) -> str:
    try:
        await anyio.to_thread.run_sync(work, container)
    except SealError as problem:
        return str(problem)
    return ""


def pageviews_by_day(container: Container) -> dict[tuple[int, int], int]:
    """Count the pageviews of each (site, closes_at), open or sealed."""
    found: dict[tuple[int, int], int] = {}
    for table in ("open_cells", "sealed_cells"):
        for site, closes_at, pageviews in container.store.query(
            f"SELECT site, toUnixTimestamp(closes_at), sum(pageviews) FROM {table} "
            "WHERE view = 1 AND grain = 0 GROUP BY site, closes_at"
        ):
            key = (int(site), int(closes_at))
            found[key] = found.get(key, 0) + int(pageviews)
    return found
