"""Read the rows of an answer from sealed and open days, and put them together.

Safe for threads. Answers about open days that took much merging are cached for five seconds, one
for each statement and its parameters. Source: docs/design/0017-questions.md.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from heapq import nlargest, nsmallest
from typing import Any, NamedTuple

from collector.cells.client import Row, Store
from collector.clock import Clock
from collector.hit import OTHER
from collector.stats.open_day_folding import OpenCell, ResultRows, fold
from collector.stats.planner import Plan
from collector.stats.query import Query
from collector.stats.sealed_days import LIMITS, Days, SealedDays

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
        cells = [OpenCell._make(row) for row in read]
        results = fold(cells, plan.rules, plan.continuous)
        if sum(cell.visitors for cell in cells) >= HEAVY:
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
