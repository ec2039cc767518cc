"""Run `footfall serve` by a clock that a day passes on with each SIGUSR1.

`python -m tests.bench.days_pass serve`; all else is told by the environment.
"""

from __future__ import annotations

import os
import signal
import sys

from collector.clock import SystemClock
from collector.server import serve
from collector.settings import load

DAY_SECONDS = 86_400


class PassingClock(SystemClock):
    """The machine's clock, and the days that passed besides."""

    def __init__(self) -> None:
        """Begin with none."""
        self._days = 0
        signal.signal(signal.SIGUSR1, lambda *_: self._pass())

    def now(self) -> float:
        """Return the wall clock."""
        return super().now() + self._days * DAY_SECONDS

    def monotonic(self) -> float:
        """Return the steady clock, on which the days passed too."""
        return super().monotonic() + self._days * DAY_SECONDS

    def _pass(self) -> None:
        self._days += 1


if __name__ == "__main__":
    sys.exit(serve(load(os.environ), PassingClock()))
