"""Find which days of a period are sealed, and whether any is open; cache what was looked up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from collector.cells.client import Store
from collector.cells.thresholds import open_table
from collector.cells.views import TOTAL
from collector.clock import Clock
from collector.day import DAY_SECONDS, day_number, day_of_date, zone_of
from collector.registry.sites import Site
from collector.stats.query import Query

LIMITS = {"max_execution_time": 10, "max_result_rows": 200_000, "result_overflow_mode": "throw"}
"""What one statement may cost: seconds, and rows of its answer."""

CACHED_S = 5
"""How long a look-up in the store is cached, at most."""

Found = TypeVar("Found")

_SEALED = (
    "SELECT toUInt32(closes_at) FROM seals WHERE closes_at BETWEEN {from:Int64} AND {until:Int64}"
)
_HAS = (
    f"(SELECT toUInt32(0) FROM {{}} WHERE site = {{{{site:UInt32}}}} AND view = {TOTAL.id} "
    "AND grain = 0 AND day BETWEEN {{first:Date}} AND {{last:Date}} LIMIT 1)"
)
_CLOSED_WITHIN = 3 * DAY_SECONDS
"""After its UTC midnight a date closes in every time zone."""


class Days(NamedTuple):
    """The kinds of day of a period.

    Attributes:
        sealed: closing instants, in seconds since 1970: what is sealed is read as sealed only.
        open: whether the period may hold anything else.
    """

    sealed: list[int]
    open: bool


class SealedDays:
    """The days of all sites, as the store has them now."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cached: dict[Hashable, tuple[Hashable, Any]] = {}

    def days(self, query: Query) -> Days:
        """Find the kinds of day that a question is about.

        A day that is sealed at this very moment is found either way. A period that is wholly
        sealed stays so, and is cached for a few seconds: a page's panels ask about the same one.
        """
        today, period = self.today(query.site), query.period
        if period.first == period.last == today and not self._sealed_today(query):
            return Days([], open=True)
        if today <= period.last:
            return Days(sorted(self._ask(_SEALED, query)), open=True)
        return self._days_before_today(query)

    def _days_before_today(self, query: Query) -> Days:
        # One statement for both: an open day is dropped only some time after it was sealed.
        sql = f"{_SEALED} UNION ALL {_HAS.format(open_table(query.site.profile))}"
        key = ("closed", query.site.id)
        found = self.cached(key, (query.period, query.site.profile), lambda: self._ask(sql, query))
        if 0 in found or not found.issuperset(_closing_instants(query)):
            # What is not sealed may be sealed, or opened by a late hit, at any moment.
            self._cached.pop(key, None)
        return Days(sorted(found - {0}), open=0 in found)

    def today(self, site: Site) -> date:
        """Return a site's local date."""
        return datetime.fromtimestamp(self._clock.now(), zone_of(site.zone)).date()

    def cached(self, key: Hashable, version: Hashable, find: Callable[[], Found]) -> Found:
        """Return what was found for a key and version in the last few seconds, or find it anew."""
        valid = (int(self._clock.now()) // CACHED_S, version)
        entry = self._cached.get(key)
        if entry is None or entry[0] != valid:
            entry = self._cached[key] = (valid, find())
        found: Found = entry[1]
        return found

    def _sealed_today(self, query: Query) -> bool:
        """Find whether anything of today is sealed, as after a change of time zone."""
        sql = _HAS.format("sealed_cells")
        return self.cached(query.site.id, query.period, lambda: bool(self._ask(sql, query)))

    def _ask(self, sql: str, query: Query) -> set[int]:
        period = query.period
        bound = {
            "site": query.site.id,
            "first": period.first,
            "last": period.last,
            "from": day_number(period.first) * DAY_SECONDS,
            "until": day_number(period.last) * DAY_SECONDS + _CLOSED_WITHIN,
        }
        return {row[0] for row in self._store.query(sql, bound, LIMITS)}


def _closing_instants(query: Query) -> Iterator[int]:
    first, zone = query.period.first, query.site.zone
    for number in range(query.period.days):
        yield day_of_date(zone, first + timedelta(days=number)).closes_at
