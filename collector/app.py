"""The ASGI application: handlers of hits, routes of everything else, and the lifespan."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.routing import Route

from collector.api import v1
from collector.clock import Clock
from collector.demo.seed import add_sites
from collector.errors import SpoolError
from collector.ingest import tracker_script
from collector.ingest.router import handlers
from collector.privacy.consent import Receive, Scope, Send
from collector.service import health, operations, scheduler
from collector.service.background import run_in_thread, threads_running
from collector.service.container import Container, build_container
from collector.service.control_socket import ControlServer
from collector.settings import Settings
from collector.visitors import my_data, notice_pages, opt_out, well_known, widget
from dashboards import routes as dashboards
from dashboards.responses import renderer

DRAIN_SECONDS = 10
_log = logging.getLogger(__name__)


class Footfall:
    """The ASGI application: hits go to their handlers directly, all else through Starlette.

    Attributes:
        container: everything the service is made of.
        handlers: the handlers of hits, by path.
        routes: all other routes.
        on_startup: called once at startup, after the embedded engine has installed its
            signal handlers.
    """

    def __init__(self, container: Container, *, demo: bool = False) -> None:
        """Build the handlers and the routes; add the demo sites if wanted."""
        self.container = container
        self.on_startup: Callable[[], None] = lambda: None
        self._demo_site = add_sites(container.registry) if demo else None
        container.read_sites()
        self.handlers = handlers(
            container, container.spool, container.counters, container.registry.token_grant
        )
        self.routes = _routes(container, demo=demo)
        self._starlette = Starlette(routes=self.routes, lifespan=lambda _: self._lifespan())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; hits pass no middleware."""
        if scope["type"] == "http":
            handler = self.handlers.get(scope["path"])
            if handler is not None:
                await handler(scope, receive, send)
                return
        await self._starlette(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        container = self.container
        container.spool.start()
        container.visits.load(container.spool.load_visits(), container.clock.now())
        if container.store.embedded:
            # A server may be down at startup: the scheduler retries while the spool takes hits.
            scheduler.open_store(container)
        self.on_startup()
        control = ControlServer(
            container.settings.control_socket, operations.operation_handlers(container)
        )
        await control.start()
        tasks = scheduler.start(container, self._demo_site)
        gc.freeze()
        try:
            yield
        finally:
            await scheduler.stop(container, tasks)
            await control.close()
            await _drain(container)
            _save_visits(container)
            container.spool.close()
            # The engine must not be closed around a thread that still works in it.
            if not threads_running() and not container.delivery.is_running:
                container.store.close()
            container.registry.close()


def create_app(settings: Settings, clock: Clock | None = None, *, demo: bool = False) -> Footfall:
    """Build the whole application, with all its data below `settings.data_dir`.

    Raises:
        CollectorError: if stored data cannot be opened.
    """
    return Footfall(build_container(settings, clock), demo=demo)


def _routes(container: Container, *, demo: bool) -> list[Route]:
    render, settings = renderer(), container.settings
    return [
        *tracker_script.routes(),
        *health.routes(container),
        *opt_out.routes(render, settings.public_url, lambda: container.sites),
        *widget.routes(render, settings.public_url),
        *my_data.routes(render, lambda: container.ingest),
        *notice_pages.routes(render, settings, lambda: container.sites),
        *well_known.routes(settings, lambda: container.sites, container.clock),
        *v1.routes(container.reports, container.registry),
        *dashboards.routes(
            container.reports,
            container.registry,
            container.settings,
            clock=container.clock,
            demo=demo,
            attribution=lambda: container.geo.status().attribution,
        ),
    ]


async def _drain(container: Container) -> None:
    """Deliver what the spool holds, for at most ten seconds; the rest stays in the spool."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS + 1):
            await run_in_thread(container.delivery.stop, DRAIN_SECONDS)


def _save_visits(container: Container) -> None:
    """Save visits under way for the next process, if day secrets outlive this one."""
    if not container.secrets.outlive_process:
        return
    try:
        container.spool.save_visits(container.visits.dump(container.clock.now()))
    except SpoolError as failed:
        _log.warning("visits under way will be split in two: %s", failed)
