"""Run the service in this process: uvicorn, signals, memory limits, the start-up message."""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import uvicorn

from collector.app import Footfall, create_app
from collector.clock import Clock
from collector.errors import CollectorError
from collector.ingest.fast_path import fast_path_protocol
from collector.service.background import threads_running
from collector.settings import Settings

GRACEFUL_SECONDS = 10
SWITCH_SECONDS = 0.0005
COLLECT_EVERY = 50_000
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)


def serve(settings: Settings, clock: Clock | None = None, *, demo: bool = False) -> int:
    """Run the service until SIGTERM or SIGINT.

    Args:
        clock: the clock to use; None: the system clock.

    Returns:
        The exit code: 0 after a clean stop, 1 if it could not start.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        app = create_app(settings, clock, demo=demo)
    except CollectorError as failed:
        click.echo(f"footfall: {failed}", err=True)
        return 1
    app.on_startup = _restore_crash_signals
    # A core dump would write day secrets to the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(COLLECT_EVERY, 20, 100)
    server = uvicorn.Server(_server_config(app, settings))
    _print_addresses(settings, demo=demo)
    with _ignore_repeated_signals():
        try:
            server.run()
        except SystemExit as failed:
            return 1 if failed.code else 0
    if threads_running():
        # The engine must not be torn down under a thread that still uses it: exit at once.
        logging.shutdown()
        os._exit(0)
    return 0


def _server_config(app: Footfall, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=fast_path_protocol(
            app.handlers["/api/event"],
            app.container.count_rejected_connection,
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


def _restore_crash_signals() -> None:
    """Let a crash end the process at once, so that a supervisor can restart it.

    The embedded engine's own handlers keep a crashed process alive and unresponsive for minutes.
    """
    for number in _CRASHES:
        signal.signal(number, signal.SIG_DFL)


def _print_addresses(settings: Settings, *, demo: bool) -> None:
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    click.echo(f"Footfall serves {base}")
    if demo:
        click.echo(f"  demo page         {base}/demo       (carries the real snippet)")
        click.echo(f"  its dashboard     {base}/localhost  (empty until you visit the demo page)")
        click.echo(f"  a busy site       {base}/demo.example  (generated traffic)")


@contextmanager
def _ignore_repeated_signals() -> Iterator[None]:
    """Exit with 0 after a requested stop: uvicorn raises the signal again once it has stopped."""
    previous = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
