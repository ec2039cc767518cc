"""Make the service: every part, top to bottom, and the one application over them.

Knows what belongs to what, and in which order things begin and end; refuses
to decide anything else. No globals: `Parts` holds what there is. Called by
`cli`, and by tests that want a whole service in their own process.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from collector import health, rounds, tracker
from collector.cells.client import Store
from collector.cells.sealing import Sealer
from collector.clock import Clock, SystemClock
from collector.control import ControlServer
from collector.demo.filling import add_sites
from collector.errors import CollectorError
from collector.ingest.acquisition import known_values
from collector.ingest.assemble import Intake, forget_visitors
from collector.ingest.endpoint import EventEndpoint
from collector.ingest.limits import Limits
from collector.ingest.place import Places
from collector.ingest.protocol import guarded
from collector.ingest.visits import Visits
from collector.privacy import optout
from collector.privacy.address import Networks
from collector.privacy.consent import Receive, Scope, Send
from collector.privacy.secrets import DaySecrets, runtime_directory
from collector.registry.sites import Sites
from collector.registry.store import Registry
from collector.settings import Settings, runtime_candidates
from collector.spool.delivery import Delivery
from collector.spool.journal import Journal
from collector.stats import api
from collector.stats.report import Reports
from collector.telemetry import Tally
from dashboards import app as dashboards
from dashboards.answers import renderer

Door = Callable[[Scope, Receive, Send], object]

DAY_SECONDS = 86_400
GRACEFUL_SECONDS = 10
DRAIN_SECONDS = 15
SWITCH_SECONDS = 0.0005
COLLECT_EVERY = 50_000

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything a running service is made of.

    Attributes:
        intake: what assembling needs; replaced when sites change.
        sealing: held while days are sealed, whoever asks for it.
    """

    settings: Settings
    clock: Clock
    registry: Registry
    tally: Tally
    store: Store
    journal: Journal
    delivery: Delivery
    secrets: DaySecrets
    visits: Visits
    sealer: Sealer
    reports: Reports
    intake: Intake
    sealing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sites(self) -> Sites:
        """The sites, as last read from the registry."""
        return self.intake.sites

    def turned_away(self, reason: str) -> None:
        """Count a connection that was closed before a request could be read."""
        self.tally.count(reason, int(self.clock.now()) // DAY_SECONDS)


def make_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Open what the service keeps, and make what works on it; nothing runs yet.

    Raises:
        StoreBusy: if another process has the data directory.
        CollectorError: if something kept cannot be read.
    """
    clock = clock or SystemClock()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    registry = Registry(settings.registry_path, clock)
    tally = Tally()
    journal = Journal(
        settings.spool_path, settings.spool_keys_dir, clock, settings.spool.max_bytes, tally
    )
    store = Store(settings.store_path, settings.clickhouse_dsn)
    secrets = _day_secrets(settings, clock)
    visits = Visits()
    intake = Intake(
        sites=registry.sites(),
        secrets=secrets,
        visits=visits,
        places=Places(Path(settings.geo_database) if settings.geo_database else None),
        clock=clock,
        limits=Limits(),
        trusted_proxies=Networks(settings.trusted_proxies),
        address_header=settings.client_address_header.lower().encode(),
        excluded=Networks(settings.excluded_networks),
    )
    return Parts(
        settings=settings,
        clock=clock,
        registry=registry,
        tally=tally,
        store=store,
        journal=journal,
        delivery=Delivery(journal, store, clock, settings.delivery),
        secrets=secrets,
        visits=visits,
        sealer=Sealer(
            store,
            journal,
            secrets,
            registry.sites,
            clock,
            settings.seal.grace_s,
            known=known_values(),
        ),
        reports=Reports(
            store,
            registry.sites,
            clock,
            lambda site: visits.now_visitors(site, int(clock.now())),
            known_values(),
        ),
        intake=intake,
    )


class Footfall:
    """The ASGI application: hits go to their doors at once, all else through the router."""

    def __init__(self, parts: Parts, *, demo: bool = False) -> None:
        """Lay out the doors and the routes; add the sites of the demonstration."""
        self._parts = parts
        self._demo_site = add_sites(parts.registry) if demo else None
        parts.intake = replace(parts.intake, sites=parts.registry.sites())
        self._hits: Mapping[str, EventEndpoint] = {
            "/api/event": EventEndpoint(lambda: parts.intake, parts.journal, parts.tally)
        }
        self._pages = Starlette(
            routes=_routes(parts, demo=demo), lifespan=lambda _: self._running()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no middleware stands before the doors of hits."""
        if scope["type"] == "http":
            door = self._hits.get(scope["path"])
            if door is not None:
                await door(scope, receive, send)
                return
        await self._pages(scope, receive, send)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        parts = self._parts
        parts.store.prepare()
        parts.journal.start()
        parts.delivery.start()
        control = ControlServer(parts.settings.control_socket, rounds.handlers(parts))
        await control.start()
        work = rounds.begin(parts, self._demo_site)
        gc.freeze()
        try:
            yield
        finally:
            await rounds.end(work)
            await control.close()
            parts.delivery.stop(DRAIN_SECONDS)
            parts.journal.close()
            parts.store.close()
            parts.registry.close()


def create_app(settings: Settings, clock: Clock | None = None, *, demo: bool = False) -> Footfall:
    """Make the whole application, with everything it keeps below `settings.data_dir`."""
    return Footfall(make_parts(settings, clock), demo=demo)


def serve(settings: Settings, *, demo: bool = False) -> int:
    """Run the service until it is told to stop.

    Returns:
        The exit code: 0 after a clean stop, 1 if it could not start.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        parts = make_parts(settings)
        app = Footfall(parts, demo=demo)
    except CollectorError as failed:
        click.echo(f"footfall: {failed}", err=True)
        return 1
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(COLLECT_EVERY, 20, 100)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=guarded(parts.turned_away),
            loop="uvloop" if sys.platform != "win32" else "asyncio",
            ws="none",
            lifespan="on",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
    )
    _say_addresses(settings, demo=demo)
    with _signals_end_quietly():
        try:
            server.run()
        except SystemExit as failed:
            return 1 if failed.code else 0
    return 0


def _routes(parts: Parts, *, demo: bool) -> list[Route]:
    return [
        *tracker.routes(),
        *health.routes(parts.journal, parts.delivery),
        *optout.routes(renderer(), parts.settings.public_url, lambda: parts.sites),
        *api.routes(parts.reports, parts.registry),
        *dashboards.routes(
            parts.reports, parts.registry, parts.settings, clock=parts.clock, demo=demo
        ),
    ]


def _day_secrets(settings: Settings, clock: Clock) -> DaySecrets:
    chosen, folder = settings.secrets.store, settings.secrets.runtime_dir
    # One machine may run several services: each has a folder of its own, found again by its data.
    name = hashlib.sha256(str(settings.data_dir.resolve()).encode()).hexdigest()[:16]
    if chosen == "disk":
        directory = settings.data_dir / "day-secrets"
    elif folder:
        directory = Path(folder)
    else:
        memory = runtime_directory(runtime_candidates())
        if memory is None and chosen == "runtime":
            _log.warning("no folder on tmpfs: day secrets live in memory only, until the stop")
            chosen = "memory"
        directory = (memory or Path()) / f"footfall-{os.getuid()}-{name}"
    return DaySecrets(directory, clock, chosen, forget=forget_visitors)


def _say_addresses(settings: Settings, *, demo: bool) -> None:
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    click.echo(f"Footfall serves {base}")
    if demo:
        click.echo(f"  your own visits   {base}/demo       (carries the real snippet)")
        click.echo(f"  their numbers     {base}/localhost  (empty until you look around the demo)")
        click.echo(f"  a busy site       {base}/demo.example  (invented traffic)")


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Let a stop that was asked for end with 0: uvicorn raises the signal anew once it is done."""
    kept = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
