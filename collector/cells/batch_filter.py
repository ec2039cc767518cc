"""Filter each batch before it is sent: cap the values of dimensions, drop hits of removed sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from collector.cells.cardinality import Caps, SeenValue
from collector.cells.views import VIEW_BY_DIMENSIONS, VIEW_BY_ID, Grain
from collector.clock import Clock
from collector.counters import Counters
from collector.day import DAY_SECONDS
from collector.hit import HIT_VALUES, OTHER, VISIT_VALUES, Hit

if TYPE_CHECKING:
    from collector.cells.client import Store
    from collector.cells.sealing import Sealer

REASON = "cap"
"""The reason under which hits are counted that had a value replaced by "(other)"."""

# An entry page is capped as a path.
_CAPPED = (*HIT_VALUES, *(name for name in VISIT_VALUES if name != "entry_path"))
_PROPERTY = VIEW_BY_DIMENSIONS[frozenset(("event", "property"))].id


class BatchFilter:
    """Filters the hits of every batch; its state belongs to the delivery thread.

    Args:
        sealer: its `sealed_until` shows which days are closed for new hits.

    Attributes:
        removed_sites: the numbers of sites whose hits are dropped. Replaced as a whole.
    """

    def __init__(self, caps: Caps, counters: Counters, clock: Clock, sealer: Sealer) -> None:
        self.removed_sites: frozenset[int] = frozenset()
        self._caps = caps
        self._counters = counters
        self._clock = clock
        self._sealer = sealer
        self._forgotten_until = 0

    def restore(self, values: Iterable[SeenValue]) -> None:
        """Load the values that open days hold, once at startup; see `open_values`."""
        self._caps.restore(values)

    def __call__(self, hits: Iterable[Hit]) -> list[Hit]:
        """Filter a batch; a batch that is sent again may be filtered again."""
        removed = self.removed_sites
        self._forget(removed)
        filtered = self._caps.apply(hit for hit in hits if hit.site not in removed)
        today = int(self._clock.now()) // DAY_SECONDS
        for capped, count in self._caps.take_capped().items():
            self._counters.count(REASON, today, capped.site, count)
        return filtered

    def _forget(self, removed: frozenset[int]) -> None:
        sealed_until = self._sealer.sealed_until
        if sealed_until > self._forgotten_until:
            self._caps.forget(sealed_until)
            self._forgotten_until = sealed_until
        for site in removed:
            self._caps.forget_site(site)


def open_values(store: Store) -> Iterator[SeenValue]:
    """Read the capped values of all open days, so that a restart changes no decision."""
    views = [VIEW_BY_DIMENSIONS[frozenset((name,))].id for name in _CAPPED]
    for site, closes_at, view, value, times in store.query(
        "SELECT site, toUnixTimestamp(closes_at) AS ends, view, "
        f"if(view = {_PROPERTY}, other, value) AS kept, toInt64(sum(pageviews) + sum(events)) "
        f"FROM open_cells WHERE grain = {int(Grain.DAY)} AND view IN {{views:Array(UInt16)}} "
        "GROUP BY site, ends, view, kept",
        {"views": [*views, _PROPERTY]},
    ):
        if view != _PROPERTY:
            yield SeenValue(site, closes_at, VIEW_BY_ID[view].name, value, times)
            continue
        name, _, text = value.partition("=")
        if name != OTHER:
            yield SeenValue(site, closes_at, "property_name", name, times)
        if text and text != OTHER:
            yield SeenValue(site, closes_at, "property", value, times)
