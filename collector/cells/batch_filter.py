"""Shape the hits of a batch before they become cells: cap values, leave removed sites out.

Pure but for its state, which belongs to delivery's thread; refuses to know the
store. Called by delivery for each batch; what is open is recalled at start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from collector.cells.cardinality import Caps
from collector.clock import Clock
from collector.counters import Counters
from collector.day import DAY_SECONDS
from collector.hit import Hit

REASON = "cap"
"""Under it hits are counted of which some value became "(other)"."""


class BatchFilter:
    """What is done to the hits of every batch.

    Args:
        sealed_until: tells the last closing instant that was sealed, whose values
            nobody will send again.

    Attributes:
        gone: the numbers of removed sites, whose hits are left out. Replaced as a whole.
    """

    def __init__(
        self, caps: Caps, counters: Counters, clock: Clock, sealed_until: Callable[[], int]
    ) -> None:
        self.gone: frozenset[int] = frozenset()
        self._caps = caps
        self._counters = counters
        self._clock = clock
        self._sealed_until = sealed_until
        self._forgotten_until = 0

    def restore(self, rows: Iterable[tuple[int, int, str, str, int]]) -> None:
        """Take over what open days hold: (site, closes_at, dimension, value, count)."""
        self._caps.restore(rows)

    def __call__(self, hits: Iterable[Hit]) -> list[Hit]:
        """Shape a batch; one that is sent again may be given again."""
        gone = self.gone
        self._forget(gone)
        shaped = self._caps.apply(hit for hit in hits if hit.site not in gone)
        today = int(self._clock.now()) // DAY_SECONDS
        for turned, times in self._caps.take_capped().items():
            self._counters.count(REASON, today, turned.site, times)
        return shaped

    def _forget(self, gone: frozenset[int]) -> None:
        sealed_until = self._sealed_until()
        if sealed_until > self._forgotten_until:
            self._caps.forget(sealed_until)
            self._forgotten_until = sealed_until
        for site in gone:
            self._caps.forget_site(site)
