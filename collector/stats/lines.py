"""Read the lines of an answer from sealed and open days, and put them together.

Knows which lines a page needs; refuses to know what they mean. Called by `report`.
"""

from __future__ import annotations

from heapq import nsmallest

from collector.cells.client import Store
from collector.clock import Clock
from collector.hit import OTHER
from collector.stats.days import LIMITS, Calendar, Days
from collector.stats.plan import Plan
from collector.stats.query import Query
from collector.stats.unsealed import Lines, fold

QUICK_S = 1.5
"""How long the days that were found may be relied on: open ones go two seconds after sealing."""

EVERYTHING = 2**31
"""More rows than there are: for an answer that is not cut into pages."""


class Reader:
    """Reads what a plan plans."""

    def __init__(self, store: Store, clock: Clock, calendar: Calendar) -> None:
        self._store = store
        self._clock = clock
        self._calendar = calendar

    def read(self, query: Query, plan: Plan) -> dict[int, Lines]:
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

    def _of_days(self, query: Query, plan: Plan, days: Days) -> dict[int, Lines]:
        bound = plan.parameters | {"sealed": days.sealed}
        opened = self._store.query(plan.opened, bound, LIMITS) if days.open else []
        found = fold(opened, plan.rules, plan.fine)
        if days.sealed:
            kept, taken = _page(query, found.get(plan.parts[0], Lines()))
            bound |= {"kept": kept, "taken": taken}
            for part, key, told, *sums in self._store.query(plan.sealed, bound, LIMITS):
                if part in plan.parts:
                    found.setdefault(part, Lines()).read(key, told, sums)
        return found


def _page(query: Query, opened: Lines) -> tuple[list[str], int]:
    """Say which lines of sealed days to read in any case, and how many in all.

    A line that open days have may weigh more in all than in the sealed ones, so all those are
    read; and one more than the page shows, to know whether another follows.
    """
    if not query.dimension or query.limit == 0:
        return [""], EVERYTHING
    kept = ["", OTHER, *opened.lines]
    # Without a key there are at most three: the whole of each part, and of both.
    return kept, len(kept) + 2 + query.page * query.limit + 1


def shown(query: Query, lines: Lines, weight: int) -> tuple[list[tuple[str, list[int]]], bool]:
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
