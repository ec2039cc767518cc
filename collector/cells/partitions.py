"""Look after the files of tables: which there are, and that dropped ones are gone.

Knows ClickHouse's parts and partitions, refuses to know what is in them.
Called by sealing, retention and the audit.
"""

from __future__ import annotations

from pathlib import Path

from collector.cells.client import Store
from collector.clock import Clock
from collector.errors import SealError

# A merge or a question that runs holds dropped parts for a moment.
_LOOKS = 600
_LOOK_EVERY_S = 0.1


def partitions(store: Store, table: str) -> list[str]:
    """List the partitions of a table that hold anything, by their id."""
    return [
        str(row[0])
        for row in store.query(
            "SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() "
            "AND table = {table:String} AND active ORDER BY partition_id",
            {"table": table},
        )
    ]


def folders(store: Store, table: str, partition: str = "") -> list[str]:
    """List the folders of a table's parts, also of those that only wait to be removed."""
    return [
        str(row[0])
        for row in store.query(
            "SELECT path FROM system.parts WHERE database = currentDatabase() "
            "AND table = {table:String} AND {partition:String} IN ('', partition_id)",
            {"table": table, "partition": partition},
        )
    ]


def is_detached(store: Store, table: str) -> bool:
    """Tell whether a table has parts that were taken out of it and still lie on the disk."""
    return bool(
        store.query(
            "SELECT 1 FROM system.detached_parts WHERE database = currentDatabase() "
            "AND table = {table:String} LIMIT 1",
            {"table": table},
        )
    )


def drop(store: Store, table: str, partition: str, clock: Clock) -> None:
    """Drop a partition, and broken leftovers of the table, and see that the files are gone.

    Raises:
        SealError: if any of them is still there after a minute.
    """
    before = folders(store, table, partition)
    store.command(f"ALTER TABLE {table} DROP PARTITION ID '{partition}'")
    store.command(f"ALTER TABLE {table} DROP DETACHED PARTITION ALL", {"allow_drop_detached": 1})
    verify_deleted(store, table, before, clock, partition=partition)


def verify_deleted(
    store: Store, table: str, before: list[str], clock: Clock, *, partition: str = ""
) -> None:
    """Wait until folders are gone, in the store's own books and on a disk that can be seen.

    Raises:
        SealError: if any of them is still there after a minute.
    """
    left = before
    for _ in range(_LOOKS):
        listed = folders(store, table, partition)
        left = [path for path in before if path in listed]
        if store.embedded:
            left += [path for path in before if Path(path).exists()]
        if not left:
            return
        clock.sleep(_LOOK_EVERY_S)
        # TRICKY: dropping any partition removes all outdated files of its table, which would
        # otherwise take seconds or minutes; so one is dropped that does not exist.
        store.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
    raise SealError(f"dropped parts of {table} are still there: {', '.join(left)}")
