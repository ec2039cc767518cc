"""Count what happened, by reason and nothing else.

Knows reasons, UTC days and site numbers; refuses to know anything of a
visitor. Called by the endpoints; the journal's writer drains it into the
spool, from where delivery takes it to the store.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

Counted = tuple[int, str, int]
"""What one count is of: (days since 1970-01-01 in UTC, reason, site or 0)."""

SHED = "shed"
"""Why a good hit was answered with 503: the spool took no more."""

LATE = "late"
"""That a hit counts in the first open day: the one the clock shows, as one set back, is sealed."""

MADE_ANEW = "secret_made_anew"
"""That a site's day lost its secret, as by a reboot; its day is the site's own, not UTC's."""


class Counters:
    """Counts by (UTC day, reason, site) that wait for the spool, and totals since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Counted, int] = {}
        self._totals: dict[str, int] = {}

    def count(self, reason: str, day_utc: int, site: int = 0, times: int = 1) -> None:
        """Count something that happened; any thread, never waits.

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
        """Take all counts that wait for the spool."""
        if not self._waiting:
            return {}
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return waiting

    def restore(self, counts: Mapping[Counted, int]) -> None:
        """Return drained counts that the spool could not take."""
        with self._lock:
            for key, count in counts.items():
                self._waiting[key] = self._waiting.get(key, 0) + count

    def totals(self) -> dict[str, int]:
        """Return how often each reason was counted since the start of this process."""
        with self._lock:
            return dict(self._totals)
