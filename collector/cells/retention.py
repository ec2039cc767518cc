"""Delete sealed cells that are past their site's retention period, and all data of removed sites.

A partition in which every cell is expired is dropped; otherwise its files are rewritten. Both
verify that the old files are deleted.
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
    """How many days a site keeps each kind of cell, counted from the date of the day.

    Attributes:
        total_days: all cells.
        hour_days: hour cells of dimensions; the hours of totals are kept for `total_days`.
        pair_days: cells of pairs of dimensions.
    """

    total_days: int = MOST_DAYS
    hour_days: int = HOUR_DAYS
    pair_days: int = MOST_DAYS


def keeps_of(sites: Sites) -> dict[int, Keep]:
    """Return the retention periods of each site, by its number."""
    return {site.id: Keep(site.total_days, site.hour_days, site.pair_days) for site in sites}


@dataclass(frozen=True, slots=True)
class Expired:
    """What was deleted, or would be.

    Attributes:
        partition: its id in `sealed_cells`.
        rows: the number of cells.
        whole: whether the whole partition is dropped.
    """

    partition: str
    rows: int
    whole: bool


class Retention:
    """Deletes expired cells.

    Args:
        keeps: returns the retention periods by site number; for other sites `Keep()` applies.
    """

    def __init__(self, store: Store, keeps: Callable[[], Mapping[int, Keep]], clock: Clock) -> None:
        self._store = store
        self._keeps = keeps
        self._clock = clock

    def dry_run(self) -> list[Expired]:
        """Return what would be deleted now."""
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
        """Delete expired cells and verify that their files are deleted.

        Raises:
            SealError: if files of them still exist.
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
    """Write the condition on a sealed cell to be expired.

    Returns:
        The condition and the parameters it names.
    """
    groups: dict[Keep, list[int]] = {}
    for site, keep in sorted(keeps.items()):
        groups.setdefault(keep, []).append(site)
    parameters: dict[str, Any] = {"all_sites": sorted(keeps)}
    conditions = [f"(NOT has({{all_sites:Array(UInt32)}}, site) AND {_expired(Keep(), today)})"]
    for number, (keep, sites) in enumerate(groups.items()):
        parameters[f"sites{number}"] = sites
        owned = f"has({{sites{number}:Array(UInt32)}}, site)"
        conditions.append(f"({owned} AND {_expired(keep, today)})")
    return " OR ".join(conditions), parameters


def erase_site(store: Store, site: int, clock: Clock) -> int:
    """Delete every row of a site from the store and verify that the files are deleted.

    Returns:
        How many rows there were.

    Raises:
        SealError: if files of them still exist.
    """
    rows = 0
    parameters = {"site": site}
    for table in _OWNED:
        query = f"SELECT count() FROM {table} WHERE site = {{site:UInt32}}"
        ((found,),) = store.query(query, parameters)
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
    rewritten = before.difference(partitions.folders(store, table, only_active=True))
    partitions.verify_deleted(store, table, sorted(rewritten), clock)


def _expired(keep: Keep, today: date) -> str:
    tables = ", ".join(str(view.id) for view in foldable_views() if is_table(view))
    hours = f"grain = {int(Grain.HOUR)} AND view != {TOTAL.id}"
    pairs = f"grain = {int(Grain.DAY)} AND view IN ({tables})"
    return (
        f"(day < {_first_day(keep.total_days, today)} "
        f"OR ({hours} AND day < {_first_day(keep.hour_days, today)}) "
        f"OR ({pairs} AND day < {_first_day(keep.pair_days, today)}))"
    )


def _first_day(days: int, today: date) -> str:
    return f"toDate('{today - timedelta(days=days)}')"
