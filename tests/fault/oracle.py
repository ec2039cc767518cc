"""Judge a store by the hits that were acknowledged: a count of its own, by its own code.

Nothing here calls the code under test; it reads design.md section 5 the slow
way. Every hit of a fault run has a path of its own, so that the store itself
tells which hits it has: an acknowledged one must be there once, any other at
most once. Every cell of every view is then derived from the hits that are there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from collector.cells.client import Store
from collector.cells.views import DIMENSIONS, VIEWS
from collector.hit import Hit

SUMS: tuple[str, ...] = (
    *("pageviews", "events", "visits", "bounces", "visit_seconds"),
    *("engaged_ms", "engaged_pageviews", "scroll_percent", "revenue"),
)
OF_VISITS = {"visits", "bounces", "visit_seconds"}
LISTED = {"property": "properties", "goal": "goals"}
PATH_VIEW, RECEIPT_VIEW, MINUTE = 10, 0, 2

Cell = tuple[int, int, int, int, int, str, str]
"""(site, closes_at, view, grain, at, value, other)."""


def verdict(store: Store, acknowledged: Iterable[Hit], others: Iterable[Hit] = ()) -> list[str]:
    """Say everything that is wrong with a store; an empty list if nothing is.

    Args:
        acknowledged: hits that must be there exactly once.
        others: hits that may be there, at most once: cut off in flight, or refused.
    """
    hits = {one.path: one for one in acknowledged}
    doubtful = {one.path: one for one in others}
    there = Counter(_paths(store))
    wrong = [f"lost: {path}" for path in hits if not there[path]]
    wrong += [f"counted {times} times: {path}" for path, times in there.items() if times > 1]
    everyone = {**doubtful, **hits}
    wrong += [f"from nowhere: {path}" for path in there if path not in everyone]
    if wrong:
        return wrong
    return _differences(cells_of_hits([everyone[path] for path in there]), cells_of_store(store))


def verdict_of_sealed(store: Store, hits: list[Hit]) -> list[str]:
    """Likewise of sealed days, each of whose values so many visitors share that none folds."""
    expected = {
        cell: sums for cell, sums in cells_of_hits(hits).items() if cell[3] != MINUTE and any(sums)
    }
    return _differences(expected, cells_of_store(store, "sealed_cells", "sum(visitors)"))


def _differences(expected: dict[Cell, list[int]], found: dict[Cell, list[int]]) -> list[str]:
    return [
        f"{cell}: {expected.get(cell)} expected, {found.get(cell)} found"
        for cell in sorted(expected.keys() | found.keys())
        if expected.get(cell) != found.get(cell)
    ]


def cells_of_store(
    store: Store, table: str = "open_cells", visitors: str = "uniqCombined64Merge(17)(visitors)"
) -> dict[Cell, list[int]]:
    """Read every cell but receipts: the sums, then the visitors."""
    sums = ", ".join(f"sum({name})" for name in SUMS)
    return {
        tuple(map(_plain, row[:7])): [int(number) for number in row[7:]]
        for row in store.query(
            "SELECT site, toUnixTimestamp(closes_at), view, grain, at, value, other, "
            f"{sums}, {visitors} FROM {table} "
            f"WHERE view != {RECEIPT_VIEW} GROUP BY site, closes_at, view, grain, at, value, other"
        )
    }


def cells_of_hits(hits: list[Hit]) -> dict[Cell, list[int]]:
    """Derive every cell from the hits."""
    sums: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
    visitors: defaultdict[Cell, set[bytes]] = defaultdict(set)
    for one in hits:
        for cell, added in _cells_of(one):
            sums[cell].update(added)
            if one.counts_visitor and added.get("moved") is None:
                visitors[cell].add(one.pseudonym)
    return {
        cell: [*(added[name] for name in SUMS), len(visitors[cell])] for cell, added in sums.items()
    }


def _cells_of(one: Hit) -> Iterable[tuple[Cell, dict[str, int]]]:
    for view in VIEWS:
        scopes = {str(DIMENSIONS[name].scope) for name in view.dimensions}
        if "exit" in scopes:
            for path, moved in ((one.exit_path, 1), (one.left_path, -1)):
                if path:
                    cell = (one.site, one.closes_at, view.id, 0, 0, path, "")
                    yield cell, {"visits": moved, "moved": moved}
            continue
        for value, other in _values(one, view.dimensions):
            for grain in map(int, view.grains):
                key = (one.site, one.closes_at, view.id, grain)
                for at, added in _times(one, grain, of_visit="hit" not in scopes):
                    yield (*key, at, value, other), added


def _times(one: Hit, grain: int, *, of_visit: bool) -> Iterable[tuple[int, dict[str, int]]]:
    at = (0, one.hour, one.minute)[grain]
    began = (0, one.bounce_hour, one.bounce_minute)[grain]
    added = {name: getattr(one, name) for name in SUMS if of_visit or name not in OF_VISITS}
    if began and of_visit:
        # A bounce is taken back where it was counted.
        yield began, {"bounces": added.pop("bounces"), "moved": 1}
    yield at, added


def _values(one: Hit, dimensions: tuple[str, ...]) -> list[tuple[str, str]]:
    if not dimensions:
        return [("", "")]
    listed = [_of(one, name) for name in dimensions]
    if len(listed) == 1:
        return [(value, "") for value in listed[0] if value]
    return [(value, other) for value in listed[0] for other in listed[1] if value and other]


def _of(one: Hit, dimension: str) -> list[str]:
    if dimension in LISTED:
        return list(getattr(one, LISTED[dimension]))
    holder: Any = one if hasattr(one, dimension) else one.visit
    return [getattr(holder, dimension)]


def _paths(store: Store) -> Iterable[str]:
    rows = store.query(
        f"SELECT value, greatest(sum(pageviews), sum(events)) FROM open_cells "
        f"WHERE view = {PATH_VIEW} AND grain = 0 "
        "GROUP BY value"
    )
    return [path for path, times in rows for _ in range(int(times))]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)
