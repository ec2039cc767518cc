"""Do blocking work beside the event loop, in threads that a stop need not wait for.

Knows threads; refuses to know what the work is. A pool's threads are joined
when the process ends, so that one call to a server that hangs would hold up
the stop: these are not. Used by `rounds` and `app`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")

_AT_WORK, _DONE = "aside", "aside, done"


async def run_in_thread(work: Callable[[], Result]) -> Result:
    """Run work in a thread of its own and wait for it; cancelled, it is left to itself.

    Raises:
        whatever the work raises.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            news = partial(outcome.set_result, work())
        except BaseException as failed:  # noqa: BLE001 - told to whoever waits
            news = partial(outcome.set_exception, failed)
        # Whoever waited may look before this thread has ended: its work has.
        threading.current_thread().name = _DONE
        _deliver(loop, outcome, news)

    threading.Thread(target=run, name=_AT_WORK, daemon=True).start()
    return await outcome


def _deliver(
    loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Result], news: Callable[[], None]
) -> None:
    def tell() -> None:
        if not outcome.done():
            news()

    # Whoever waited may be gone, and the loop with it.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(tell)


def threads_running() -> bool:
    """Tell whether work goes on that nobody waits for any more."""
    return any(thread.name == _AT_WORK for thread in threading.enumerate())
