"""Count refusals, drops and other outcomes by reason, UTC day and site; nothing about visitors.

The spool drains the counts with its next commit, and delivery moves them into the store.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

Counted = tuple[int, str, int]
"""The key of a count: (days since 1970-01-01 in UTC, reason, site or 0)."""

SHED = "shed"
"""A valid hit was answered with 503: the spool is full or failed."""

LATE = "late"
"""A hit counts in the first open day: the clock was set back into a day that is sealed."""

MADE_ANEW = "secret_made_anew"
"""A site's day lost its secret, as by a reboot; the day of this count is local, not UTC."""


class Counters:
    """Counts by (UTC day, reason, site) not yet in the spool, and totals since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Counted, int] = {}
        self._totals: dict[str, int] = {}

    def count(self, reason: str, day_utc: int, site: int = 0, times: int = 1) -> None:
        """Add to a count; safe in any thread.

        Args:
            reason: from a closed list (`Refusal`, `Drop`, `PayloadCode`, outcomes).
            day_utc: days since 1970-01-01 in UTC.
            site: the site's number; 0 for what must not be tied to one, such as refusals.
            times: how often; 1 or more.
        """
        key = (day_utc, reason, site)
        with self._lock:
            self._waiting[key] = self._waiting.get(key, 0) + times
            self._totals[reason] = self._totals.get(reason, 0) + times

    def drain(self) -> dict[Counted, int]:
        """Return the counts not yet in the spool, and reset them."""
        if not self._waiting:
            return {}
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return waiting

    def restore(self, counts: Mapping[Counted, int]) -> None:
        """Add drained counts back, after the spool could not store them."""
        with self._lock:
            for key, count in counts.items():
                self._waiting[key] = self._waiting.get(key, 0) + count

    def totals(self) -> dict[str, int]:
        """Return the total of each reason since the start of this process."""
        with self._lock:
            return dict(self._totals)
