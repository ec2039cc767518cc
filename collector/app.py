"""Run the service: the one application over all parts, and the server around it.

Knows which door a request goes to, and in which order things begin and end;
refuses to decide anything else. Called by `cli`, and by tests that want a
whole service in their own process.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import click
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from collector.api import v1
from collector.clock import Clock
from collector.demo.filling import add_sites
from collector.errors import CollectorError, SpoolError
from collector.ingest import tracker_script
from collector.ingest.fast_path import fast_path_protocol
from collector.ingest.formats.plausible import PlausibleHandler
from collector.ingest.router import handlers
from collector.privacy.consent import Receive, Scope, Send
from collector.service import health, operations, scheduler
from collector.service.background import run_in_thread, threads_running
from collector.service.container import Container, build_container
from collector.service.control import ControlServer
from collector.settings import Settings
from collector.visitors import my_data, notice_pages, opt_out, well_known, widget
from dashboards import routes as dashboards
from dashboards.responses import renderer

GRACEFUL_SECONDS = 10
DRAIN_SECONDS = 10
SWITCH_SECONDS = 0.0005
COLLECT_EVERY = 50_000
_log = logging.getLogger(__name__)


class Footfall:
    """The ASGI application: hits go to their doors at once, all else through the router.

    Attributes:
        when_open: called at the start, once the engine has made itself at home in the process.
    """

    def __init__(self, container: Container, *, demo: bool = False) -> None:
        """Lay out the doors and the routes; add the sites of the demonstration."""
        self.container = container
        self.when_open: Callable[[], None] = lambda: None
        self._demo_site = add_sites(container.registry) if demo else None
        container.read_sites()
        self._handlers = handlers(
            lambda: container.ingest,
            container.spool,
            container.counters,
            container.registry.token_grant,
        )
        self._pages = Starlette(
            routes=_routes(container, demo=demo), lifespan=lambda _: self._running()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no middleware stands before the doors of hits."""
        if scope["type"] == "http":
            handler = self._handlers.get(scope["path"])
            if handler is not None:
                await handler(scope, receive, send)
                return
        await self._pages(scope, receive, send)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        container = self.container
        container.spool.start()
        container.visits.load(container.spool.load_visits(), container.clock.now())
        if container.store.embedded:
            # A server that is down is awaited by the rounds, while the spool takes hits.
            scheduler.open_store(container)
        self.when_open()
        control = ControlServer(
            container.settings.control_socket, operations.operation_handlers(container)
        )
        await control.start()
        work = scheduler.start(container, self._demo_site)
        gc.freeze()
        try:
            yield
        finally:
            await scheduler.stop(container, work)
            await control.close()
            await _drain(container)
            _hand_over(container)
            container.spool.close()
            if not threads_running():
                container.store.close()
            container.registry.close()


def create_app(settings: Settings, clock: Clock | None = None, *, demo: bool = False) -> Footfall:
    """Make the whole application, with everything it keeps below `settings.data_dir`."""
    return Footfall(build_container(settings, clock), demo=demo)


def serve(settings: Settings, clock: Clock | None = None, *, demo: bool = False) -> int:
    """Run the service until it is told to stop.

    Args:
        clock: what it lives by; the machine's own unless told otherwise.

    Returns:
        The exit code: 0 after a clean stop, 1 if it could not start.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        container = build_container(settings, clock)
        app = Footfall(container, demo=demo)
    except CollectorError as failed:
        click.echo(f"footfall: {failed}", err=True)
        return 1
    # A core dump would write day secrets to the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    app.when_open = _crash_plainly
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(COLLECT_EVERY, 20, 100)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=fast_path_protocol(
                _plausible_handler(container), container.count_rejected_connection
            ),
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
    if threads_running():
        # An engine that still works must not be torn down around its thread: a kill is safer.
        logging.shutdown()
        os._exit(0)
    return 0


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


def _plausible_handler(container: Container) -> PlausibleHandler:
    return PlausibleHandler(lambda: container.ingest, container.spool, container.counters)


async def _drain(container: Container) -> None:
    """Deliver what is left, if that takes no longer than it may; the rest stays in the spool."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS + 1):
            await run_in_thread(lambda: container.delivery.stop(DRAIN_SECONDS))


def _crash_plainly() -> None:
    """Let a crash end the process at once, so that a supervisor starts the next.

    The engine's own handlers keep a crashed process, deaf, for minutes.
    """
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE):
        signal.signal(number, signal.SIG_DFL)


def _hand_over(container: Container) -> None:
    """Give the visits under way to the next process, if it will know their visitors again."""
    if not container.secrets.outlive_process:
        return
    try:
        container.spool.save_visits(container.visits.dump(container.clock.now()))
    except SpoolError as failed:
        _log.warning("visits under way will split: %s", failed)


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
