"""Run blocking functions in daemon threads that shutdown does not wait for.

A pool's threads, as of `anyio.to_thread`, are joined when the process exits: one call to a
server that hangs would delay the exit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

_running: set[Future[Any]] = set()


async def run_in_thread(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """Run a function in a thread of its own and wait for it; if cancelled, it runs on.

    Raises:
        BaseException: what the function raised.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            result = work(*arguments)
        except BaseException as failed:  # noqa: BLE001 - raised in the awaiting task
            future.set_exception(failed)
        else:
            future.set_result(result)

    # A running future cannot be cancelled, so that it counts until its work has ended.
    future.set_running_or_notify_cancel()
    _running.add(future)
    future.add_done_callback(_running.discard)
    awaitable = asyncio.wrap_future(future)
    threading.Thread(target=run, name="background", daemon=True).start()
    return await awaitable


def threads_running() -> bool:
    """Return True while any function is still running, awaited or not."""
    return bool(_running)
