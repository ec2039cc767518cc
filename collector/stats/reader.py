"""Read the rows of an answer from sealed and open days, and put them together.

Safe for threads. Which days are sealed is looked up first: both kinds are read by that list.
Answers about open days that took much merging are cached for five seconds, one for each statement
and its parameters. Source: docs/design/0017-questions.md.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from heapq import nlargest, nsmallest
from typing import Any, NamedTuple, TypeVar

from collector.cells.client import Row, Store
from collector.cells.thresholds import open_table
from collector.cells.views import TOTAL
from collector.clock import Clock
from collector.day import DAY_SECONDS, day_number, day_of_date, zone_of
from collector.hit import OTHER
from collector.registry.sites import Site
from collector.stats.open_day_folding import OpenCell, ResultRows, fold
from collector.stats.planner import Plan
from collector.stats.query import Query

LIMITS = {"max_execution_time": 10, "max_result_rows": 200_000, "result_overflow_mode": "throw"}
"""What one statement may cost: seconds, and rows of its answer."""

CACHED_S = 5
"""How long a look-up in the store is cached, at most."""

FRESH_S = 5.0
"""How long an answer about open days is cached, from the moment it was asked of the store."""

HEAVY = 20_000
"""How many visitors' tags must be merged for an answer to be cached; all others are read anew."""

MOST_ROWS = 50_000
"""How many rows are cached in all, some 400 bytes each."""

QUICK_S = 1.5
"""How long the list of sealed days is valid: open ones are dropped two seconds after sealing."""

SPARE = 50
"""How many more rows are read than a page shows, so that few are missed among them."""

FIRST_SUM = 3
"""Where the sums begin in a row of `sql.sealed_select`."""

EVERYTHING = 2**31
"""More rows than there are: for an answer that is not cut into pages."""

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


class _CachedRows(NamedTuple):
    since: float
    results: dict[int, ResultRows]


class OpenDayCache:
    """The folded rows of open days, read or cached."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: dict[bytes, _CachedRows] = {}

    def rows(self, plan: Plan, parameters: Mapping[str, Any]) -> dict[int, ResultRows]:
        """Return the folded rows of each selection; the caller's own to change."""
        name = hashlib.blake2b(repr((plan.open_sql, *parameters.items())).encode()).digest()
        self.forget()
        cached = self._cached.get(name)
        if cached:
            return _copied(cached.results)
        since = self._clock.monotonic()
        read = self._store.query(plan.open_sql, parameters, LIMITS)
        cells = list(map(OpenCell._make, read))
        results = fold(cells, plan.rules, plan.continuous)
        if sum(cell.sums[-1] for cell in cells) >= HEAVY:
            self._keep(name, _CachedRows(since, _copied(results)))
        return results

    def forget(self) -> None:
        """Drop what is not fresh any more, and the oldest of what is too much."""
        with self._lock:
            since = self._clock.monotonic() - FRESH_S
            fresh = {name: cached for name, cached in self._cached.items() if cached.since > since}
            room = MOST_ROWS
            for name, cached in sorted(fresh.items(), key=lambda one: -one[1].since):
                room -= sum(len(result.rows) for result in cached.results.values())
                if room < 0:
                    del fresh[name]
            self._cached = fresh

    def _keep(self, name: bytes, cached: _CachedRows) -> None:
        with self._lock:
            self._cached = self._cached | {name: cached}
        self.forget()


def _copied(results: Mapping[int, ResultRows]) -> dict[int, ResultRows]:
    return {
        selection: ResultRows(result.folded_count, result.whole, dict(result.rows))
        for selection, result in results.items()
    }


class ResultReader:
    """Reads what a plan selects."""

    def __init__(self, store: Store, clock: Clock, sealed_days: SealedDays) -> None:
        self._store = store
        self._clock = clock
        self._sealed_days = sealed_days
        self._open_days = OpenDayCache(store, clock)

    def forget(self) -> None:
        """Drop cached rows of open days that are not fresh any more."""
        self._open_days.forget()

    def read(self, query: Query, plan: Plan) -> dict[int, ResultRows]:
        """Read all rows that an answer is made of, by selection.

        Both statements get the same list of sealed days. If they took so long that a day may
        have been sealed and dropped between them, they are run again.
        """
        began, days = self._clock.monotonic(), self._sealed_days.days(query)
        results = self._of_days(query, plan, days)
        while self._clock.monotonic() - began > QUICK_S:
            began, before, days = self._clock.monotonic(), days, self._sealed_days.days(query)
            if days.sealed == before.sealed:
                break
            results = self._of_days(query, plan, days)
        return results

    def _of_days(self, query: Query, plan: Plan, days: Days) -> dict[int, ResultRows]:
        parameters = plan.parameters | {"sealed": days.sealed}
        results = self._open_days.rows(plan, parameters) if days.open else {}
        if days.sealed:
            self._add_sealed(query, plan, parameters, results)
        return results

    def _add_sealed(
        self, query: Query, plan: Plan, parameters: dict[str, Any], results: dict[int, ResultRows]
    ) -> None:
        first = plan.selections[0]
        of_open = dict(results.get(first, ResultRows()).rows)
        kept, taken = _page(query, of_open, plan.weight)
        read = self._sealed_rows(plan, parameters, kept, taken)
        for selection, key, folded_count, *sums in read:
            if selection in plan.selections:
                results.setdefault(selection, ResultRows()).add_sealed(key, folded_count, sums)
        unread = of_open.keys() - {row[1] for row in read}
        if len(read) < taken or not unread:
            return
        missed = _missed(query, plan, results[first], unread, read[-1])
        if missed:
            for selection, key, folded_count, *sums in self._sealed_rows(
                plan, parameters, missed, len(missed)
            ):
                if key in missed:
                    results[selection].add_sealed(key, folded_count, sums)

    def _sealed_rows(
        self, plan: Plan, parameters: dict[str, Any], kept: list[str], taken: int
    ) -> list[Row]:
        bound = parameters | {"kept": kept, "taken": taken}
        return self._store.query(plan.sealed_sql, bound, LIMITS)


def _closing_instants(query: Query) -> Iterator[int]:
    first, zone = query.period.first, query.site.zone
    for number in range(query.period.days):
        yield day_of_date(zone, first + timedelta(days=number)).closes_at


def _page(query: Query, of_open: Mapping[str, list[int]], weight: int) -> tuple[list[str], int]:
    """Say which rows of sealed days to read in any case, and how many in all.

    A row that open days have may weigh more in all than in the sealed ones, so the heaviest of
    those are read; and one more than the page shows, to know whether another follows.
    """
    if not query.dimension or query.limit == 0:
        return [""], EVERYTHING
    end = query.page * query.limit + (SPARE if of_open else 1)
    heaviest = nlargest(end, of_open, key=lambda key: of_open[key][weight])
    kept = ["", OTHER, *heaviest]
    # Without a key there are at most three: the whole of each selection, and of both.
    return kept, len(kept) + 2 + end


def _missed(
    query: Query, plan: Plan, result: ResultRows, unread: AbstractSet[str], last: Row
) -> list[str]:
    """List the rows of open days that may be on the page with what sealed ones have of them.

    Args:
        result: all that was read; more rows than a page needs are complete.
        unread: the keys without any row of sealed days read.
        last: the lightest row that was read: what was not read weighs no more in sealed days.
    """
    weights = {key: sums[plan.weight] for key, sums in result.rows.items() if key != OTHER}
    complete = (weight for key, weight in weights.items() if key not in unread)
    least = nlargest(query.page * query.limit + 1, complete)[-1] - last[FIRST_SUM + plan.weight]
    return [key for key in unread & weights.keys() if weights[key] >= least]


def page_of(
    query: Query, result: ResultRows, weight: int
) -> tuple[list[tuple[str, list[int]]], bool]:
    """Pick the rows of a page, heaviest first, then by key, without "(other)".

    Args:
        weight: the index of the sum by which rows are sorted.

    Returns:
        The rows, and whether another page follows.
    """
    some = [row for row in result.rows.items() if row[0] != OTHER and any(row[1])]
    end = query.page * query.limit or len(some)
    heaviest = nsmallest(end + 1, some, key=lambda row: (-row[1][weight], row[0]))
    return heaviest[end - query.limit if query.limit else 0 : end], len(heaviest) > end
