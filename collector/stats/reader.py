"""Read the lines of an answer from sealed and open days, and put them together.

Knows which lines a page needs; refuses to know what they mean. Called by `report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from heapq import nlargest, nsmallest
from typing import Any

from collector.cells.client import Row, Store
from collector.clock import Clock
from collector.hit import OTHER
from collector.stats.open_day_cache import OpenDayCache
from collector.stats.open_day_folding import ResultRows
from collector.stats.planner import Plan
from collector.stats.query import Query
from collector.stats.sealed_days import LIMITS, Days, SealedDays

QUICK_S = 1.5
"""How long the days that were found may be relied on: open ones go two seconds after sealing."""

SPARE = 50
"""How many more lines are read than a page shows, so that few are missed among them."""

FIRST_SUM = 3
"""Where the sums begin in a row of `reading.of_sealed`."""

EVERYTHING = 2**31
"""More rows than there are: for an answer that is not cut into pages."""


class ResultReader:
    """Reads what a plan plans."""

    def __init__(self, store: Store, clock: Clock, calendar: SealedDays) -> None:
        self._store = store
        self._clock = clock
        self._calendar = calendar
        self._opened = OpenDayCache(store, clock)

    def forget(self) -> None:
        """Forget what is known of open days and not fresh any more."""
        self._opened.forget()

    def read(self, query: Query, plan: Plan) -> dict[int, ResultRows]:
        """Read all lines that an answer is made of, by part.

        Both statements are told the same sealed days. If they took so long that a day may have
        been sealed and dropped between them, they are asked again.
        """
        began, days = self._clock.monotonic(), self._calendar.days(query)
        found = self._of_days(query, plan, days)
        while self._clock.monotonic() - began > QUICK_S:
            began, before, days = self._clock.monotonic(), days, self._calendar.days(query)
            if days.sealed == before.sealed:
                break
            found = self._of_days(query, plan, days)
        return found

    def _of_days(self, query: Query, plan: Plan, days: Days) -> dict[int, ResultRows]:
        bound = plan.parameters | {"sealed": days.sealed}
        found = self._opened.rows(plan, bound) if days.open else {}
        if days.sealed:
            self._add_sealed(query, plan, bound, found)
        return found

    def _add_sealed(
        self, query: Query, plan: Plan, bound: dict[str, Any], found: dict[int, ResultRows]
    ) -> None:
        opened = dict(found.get(plan.selections[0], ResultRows()).lines)
        kept, taken = _page(query, opened, plan.weight)
        rows = self._store.query(plan.sealed_sql, bound | {"kept": kept, "taken": taken}, LIMITS)
        for part, key, told, *sums in rows:
            if part in plan.selections:
                found.setdefault(part, ResultRows()).read(key, told, sums)
        unread = opened.keys() - {row[1] for row in rows}
        if len(rows) < taken or not unread:
            return
        missed = _missed(query, plan, found[plan.selections[0]], unread, rows[-1])
        if missed:
            bound |= {"kept": missed, "taken": len(missed)}
            for part, key, told, *sums in self._store.query(plan.sealed_sql, bound, LIMITS):
                if key in missed:
                    found[part].read(key, told, sums)


def _page(query: Query, opened: Mapping[str, list[int]], weight: int) -> tuple[list[str], int]:
    """Say which lines of sealed days to read in any case, and how many in all.

    A line that open days have may weigh more in all than in the sealed ones, so the heaviest of
    those are read; and one more than the page shows, to know whether another follows.
    """
    if not query.dimension or query.limit == 0:
        return [""], EVERYTHING
    past = query.page * query.limit + (SPARE if opened else 1)
    heaviest = nlargest(past, opened, key=lambda key: opened[key][weight])
    kept = ["", OTHER, *heaviest]
    # Without a key there are at most three: the whole of each part, and of both.
    return kept, len(kept) + 2 + past


def _missed(
    query: Query, plan: Plan, lines: ResultRows, unread: AbstractSet[str], last: Row
) -> list[str]:
    """List the lines of open days that may be on the page with what sealed ones have of them.

    Args:
        lines: all that were found; more than a page needs are whole.
        unread: those of which nothing sealed was read.
        last: the lightest row that was read: what was not read weighs no more in sealed days.
    """
    weights = {key: sums[plan.weight] for key, sums in lines.lines.items() if key != OTHER}
    whole = (weight for key, weight in weights.items() if key not in unread)
    least = nlargest(query.page * query.limit + 1, whole)[-1] - last[FIRST_SUM + plan.weight]
    return [key for key in unread & weights.keys() if weights[key] >= least]


def shown(query: Query, lines: ResultRows, weight: int) -> tuple[list[tuple[str, list[int]]], bool]:
    """Pick the lines of a page, heaviest first, then by key, without "(other)".

    Args:
        weight: the place of the sum by which lines are sorted.

    Returns:
        The lines, and whether another page follows.
    """
    some = [line for line in lines.lines.items() if line[0] != OTHER and any(line[1])]
    past = query.page * query.limit or len(some)
    heaviest = nsmallest(past + 1, some, key=lambda line: (-line[1][weight], line[0]))
    return heaviest[past - query.limit if query.limit else 0 : past], len(heaviest) > past
