"""Read open days and fold them; know for a few seconds what took much merging.

Knows one answer from another by all that was asked, thresholds and sealed days included; refuses
to know what lines mean. Safe for threads. Source: docs/design/0017-questions.md.
Called by `lines`; what is old is forgotten by `rounds`, too, when nobody asks.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from collector.cells.client import Store
from collector.clock import Clock
from collector.stats.open_day_folding import VISITORS, ResultRows, fold
from collector.stats.planner import Plan
from collector.stats.sealed_days import LIMITS

FRESH_S = 5.0
"""How old an answer about open days may be, from the moment it was asked of the store."""

HEAVY = 20_000
"""How many visitors' tags must be merged for an answer to be kept; all others are read anew."""

MOST_LINES = 50_000
"""How many lines are kept in all, some 400 bytes each."""


class _CachedRows(NamedTuple):
    since: float
    lines: dict[int, ResultRows]


class OpenDayCache:
    """The lines of open days, read or known."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[bytes, _CachedRows] = {}

    def rows(self, plan: Plan, bound: Mapping[str, Any]) -> dict[int, ResultRows]:
        """Give the folded lines of each part; the caller's own to change.

        Args:
            bound: the statement's parameters.
        """
        name = hashlib.blake2b(repr((plan.open_sql, *bound.items())).encode()).digest()
        self.forget()
        known = self._known.get(name)
        if known:
            return _copied(known.lines)
        since = self._clock.monotonic()
        rows = self._store.query(plan.open_sql, bound, LIMITS)
        lines = fold(rows, plan.rules, plan.continuous)
        if sum(row[VISITORS] for row in rows) >= HEAVY:
            self._keep(name, _CachedRows(since, _copied(lines)))
        return lines

    def forget(self) -> None:
        """Forget what is not fresh any more, and the oldest of what is too much."""
        with self._lock:
            since = self._clock.monotonic() - FRESH_S
            fresh = {name: known for name, known in self._known.items() if known.since > since}
            room = MOST_LINES
            for name, known in sorted(fresh.items(), key=lambda one: -one[1].since):
                room -= sum(len(part.lines) for part in known.lines.values())
                if room < 0:
                    del fresh[name]
            self._known = fresh

    def _keep(self, name: bytes, known: _CachedRows) -> None:
        with self._lock:
            self._known = self._known | {name: known}
        self.forget()


def _copied(found: Mapping[int, ResultRows]) -> dict[int, ResultRows]:
    return {
        part: ResultRows(lines.folded_count, lines.whole, dict(lines.lines))
        for part, lines in found.items()
    }
