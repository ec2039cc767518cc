"""What is left behind is work that goes on, not a thread that has done its work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from collector.service.background import run_in_thread, threads_running

SLOW_TO_END_S = 0.5


@pytest.mark.anyio
async def test_work_that_was_waited_for_is_not_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However late its thread ends: else the store would not be closed, for nothing."""
    loop = asyncio.get_running_loop()
    tell = loop.call_soon_threadsafe

    def tell_and_linger(news: Callable[[], None]) -> None:
        tell(news)
        time.sleep(SLOW_TO_END_S)

    monkeypatch.setattr(loop, "call_soon_threadsafe", tell_and_linger)
    threads = threading.active_count()

    assert "done" == await run_in_thread(lambda: "done")

    assert threads < threading.active_count()
    assert not threads_running()


@pytest.mark.anyio
async def test_work_that_nobody_waits_for_any_more_is_left_behind() -> None:
    """A cancelled wait leaves its work to itself, and one is told so until it has ended."""
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
async def test_a_failure_is_told_to_whoever_waits() -> None:
    """What the work raises is raised where it is waited for, and leaves nothing behind."""
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0)

    assert not threads_running()
