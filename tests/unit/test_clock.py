"""The machine's own clock."""

from __future__ import annotations

import time
from pathlib import Path

from collector.clock import SystemClock


def test_the_wall_clock_is_the_machines() -> None:
    """`now` is the time of day, in seconds since 1970."""
    before = time.time()

    now = SystemClock().now()

    assert before <= now <= time.time()


def test_the_steady_clock_counts_sleep_of_the_machine() -> None:
    """`monotonic` counts from the boot, and so goes on while the machine is suspended."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])

    assert 0 <= SystemClock().monotonic() - uptime < 1


def test_sleeping_takes_its_time() -> None:
    """`sleep` returns no earlier than asked."""
    clock = SystemClock()
    before = clock.monotonic()

    clock.sleep(0.02)

    assert clock.monotonic() - before >= 0.02
