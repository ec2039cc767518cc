"""The clock: the only module that reads the system's time.

All other code takes a `Clock`, so that tests can make days pass.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00Z; may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never jumps."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        ...


class SystemClock:
    """The system clock.

    Its functions are attributes: each hit reads the time twice, and a method costs a call more.
    """

    now = staticmethod(time.time)
    # It includes time the machine was suspended: a clock that stopped meanwhile would make
    # every resume look like a jump of the wall clock.
    monotonic = staticmethod(partial(time.clock_gettime, time.CLOCK_BOOTTIME))
    sleep = staticmethod(time.sleep)
