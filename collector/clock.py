"""Tell the time: the only module that asks the machine for it.

Everything else is handed a `Clock`, so that tests can make days pass.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the rest of the service knows of time."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00Z; may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never jumps."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait in this thread."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the wall clock, in seconds since 1970-01-01T00:00Z."""
        return time.time()

    def monotonic(self) -> float:
        """Return the steady clock, in seconds; it goes on while the machine sleeps.

        A clock that stood still then would make every wake-up look like a jump.
        """
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Block this thread for so many seconds."""
        time.sleep(seconds)
