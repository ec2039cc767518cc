"""Delete sealed cells that are older than their site keeps them, and all of a removed site.

Knows how long what is kept; refuses to touch open days, which sealing ends.
Deletes by partition where all of it is old, else by rewriting the partition's
files, and sees that the old files are gone. Called once a day by the sealing
round of `app`, and by `footfall site remove`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from collector.cells import partitions
from collector.cells.client import Store
from collector.cells.thresholds import foldable_views, is_table
from collector.cells.views import TOTAL, Grain
from collector.clock import Clock
from collector.registry.sites import HOUR_DAYS, MOST_DAYS, Sites

_OWNED = ("open_cells", "snapshot_cells", "sealed_cells", "own_paths", "suppressed")
_NOW = {"mutations_sync": 2, "alter_sync": 2}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days of what a site keeps, counted from the day's own date.

    Attributes:
        total_days: of everything.
        hour_days: of hours of dimensions; the hours of totals stay with the rest.
        pair_days: of pairs of dimensions.
    """

    total_days: int = MOST_DAYS
    hour_days: int = HOUR_DAYS
    pair_days: int = MOST_DAYS


def keeps_of(sites: Sites) -> dict[int, Keep]:
    """Tell how long each site keeps what, by its number."""
    return {site.id: Keep(site.total_days, site.hour_days, site.pair_days) for site in sites}


@dataclass(frozen=True, slots=True)
class Expired:
    """What was deleted, or would be.

    Attributes:
        partition: its id in `sealed_cells`.
        rows: how many cells went.
        whole: whether the partition went with them.
    """

    partition: str
    rows: int
    whole: bool


class Retention:
    """Deletes what is too old.

    Args:
        keeps: how long each site keeps what, by its number; others as `Keep()` says.
    """

    def __init__(self, store: Store, keeps: Callable[[], Mapping[int, Keep]], clock: Clock) -> None:
        self._store = store
        self._keeps = keeps
        self._clock = clock

    def dry_run(self) -> list[Expired]:
        """Tell what would be deleted now."""
        expired, parameters = expired_cells(self._keeps(), self._today())
        return [
            Expired(str(partition), int(rows), whole=not left)
            for partition, rows, left in self._store.query(
                f"SELECT _partition_id, countIf({expired}), countIf(NOT ({expired})) "
                f"FROM sealed_cells GROUP BY _partition_id HAVING countIf({expired}) > 0 "
                "ORDER BY _partition_id",
                parameters,
            )
        ]

    def run_once(self) -> list[Expired]:
        """Delete what is too old and see that its files are gone.

        Raises:
            SealError: if files of it are still there.
        """
        due = self.dry_run()
        expired, parameters = expired_cells(self._keeps(), self._today())
        for one in due:
            if one.whole:
                partitions.drop(self._store, "sealed_cells", one.partition, self._clock)
            else:
                where = f"IN PARTITION ID '{one.partition}' WHERE {expired}"
                _rewrite(self._store, "sealed_cells", where, parameters, self._clock)
            _log.info("deleted by age: %s", one)
        return due

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()


def expired_cells(keeps: Mapping[int, Keep], today: date) -> tuple[str, dict[str, Any]]:
    """Write the condition on a sealed cell to be too old.

    Returns:
        The condition and the parameters it names.
    """
    groups: dict[Keep, list[int]] = {}
    for site, keep in sorted(keeps.items()):
        groups.setdefault(keep, []).append(site)
    parameters: dict[str, Any] = {"all_sites": sorted(keeps)}
    conditions = [f"(NOT has({{all_sites:Array(UInt32)}}, site) AND {_older(Keep(), today)})"]
    for number, (keep, sites) in enumerate(groups.items()):
        parameters[f"sites{number}"] = sites
        conditions.append(f"(has({{sites{number}:Array(UInt32)}}, site) AND {_older(keep, today)})")
    return " OR ".join(conditions), parameters


def erase_site(store: Store, site: int, clock: Clock) -> int:
    """Delete every row of a site from the store, open and sealed, and see the files gone.

    Returns:
        How many rows there were.

    Raises:
        SealError: if files of it are still there.
    """
    rows = 0
    parameters = {"site": site}
    for table in _OWNED:
        found = int(
            store.query(f"SELECT count() FROM {table} WHERE site = {{site:UInt32}}", parameters)[0][
                0
            ]
        )
        if found:
            _rewrite(store, table, "WHERE site = {site:UInt32}", parameters, clock)
        rows += found
    _log.info("deleted site %d: %d rows", site, rows)
    return rows


def _rewrite(
    store: Store, table: str, where: str, parameters: Mapping[str, Any], clock: Clock
) -> None:
    before = set(partitions.folders(store, table))
    store.command(f"ALTER TABLE {table} DELETE {where}", _NOW, parameters)
    rewritten = before - _active(store, table)
    partitions.verify_deleted(store, table, sorted(rewritten), clock)


def _active(store: Store, table: str) -> set[str]:
    return {
        str(row[0])
        for row in store.query(
            "SELECT path FROM system.parts WHERE database = currentDatabase() "
            "AND table = {table:String} AND active",
            {"table": table},
        )
    }


def _older(keep: Keep, today: date) -> str:
    tables = ", ".join(str(view.id) for view in foldable_views() if is_table(view))
    hours = f"grain = {int(Grain.HOUR)} AND view != {TOTAL.id}"
    pairs = f"grain = {int(Grain.DAY)} AND view IN ({tables})"
    return (
        f"(day < {_first(keep.total_days, today)} "
        f"OR ({hours} AND day < {_first(keep.hour_days, today)}) "
        f"OR ({pairs} AND day < {_first(keep.pair_days, today)}))"
    )


def _first(days: int, today: date) -> str:
    return f"toDate('{today - timedelta(days=days)}')"
