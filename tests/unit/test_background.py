"""A background function counts as running until it returns, whether it is awaited or not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from collector.service.background import run_in_thread, threads_running

SLOW_TO_END_S = 0.5


@pytest.mark.anyio
async def test_a_function_that_returned_is_not_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However late its thread ends: otherwise the store would not be closed at shutdown."""
    loop = asyncio.get_running_loop()
    tell = loop.call_soon_threadsafe

    def tell_and_linger(callback: Callable[..., None], *arguments: Any) -> None:
        tell(callback, *arguments)
        time.sleep(SLOW_TO_END_S)

    monkeypatch.setattr(loop, "call_soon_threadsafe", tell_and_linger)
    threads = threading.active_count()

    assert "done" == await run_in_thread(lambda: "done")

    assert threads < threading.active_count()
    assert not threads_running()


@pytest.mark.anyio
async def test_a_cancelled_function_is_running_until_it_returns() -> None:
    """Cancelling the wait does not stop the function, and `threads_running` reports it."""
    goes_on, before = threading.Event(), set(threading.enumerate())
    task = asyncio.create_task(run_in_thread(goes_on.wait))
    await asyncio.sleep(0)
    (worker,) = set(threading.enumerate()) - before

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    meanwhile = threads_running()
    goes_on.set()
    await asyncio.to_thread(worker.join, 30)

    assert meanwhile
    assert not threads_running()


@pytest.mark.anyio
async def test_an_exception_is_raised_where_the_function_is_awaited() -> None:
    """The awaiting task gets the exception, and nothing is left running."""
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0)

    assert not threads_running()
