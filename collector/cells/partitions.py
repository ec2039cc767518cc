"""List the partitions and folders of a table, and verify that dropped ones are deleted."""

from __future__ import annotations

from pathlib import Path

from collector.cells.client import Store
from collector.clock import Clock
from collector.errors import SealError

# A running merge or query holds dropped parts for a moment.
_CHECKS = 600
_CHECK_EVERY_S = 0.1


def partitions(store: Store, table: str) -> list[str]:
    """List the ids of a table's partitions that are not empty."""
    return [
        str(partition)
        for (partition,) in store.query(
            "SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() "
            "AND table = {table:String} AND active ORDER BY partition_id",
            {"table": table},
        )
    ]


def folders(
    store: Store, table: str, partition: str = "", *, only_active: bool = False
) -> list[str]:
    """List the folders of a table's parts, including those that wait for deletion."""
    return [
        str(path)
        for (path,) in store.query(
            "SELECT path FROM system.parts WHERE database = currentDatabase() "
            "AND table = {table:String} AND {partition:String} IN ('', partition_id) "
            "AND active >= {only_active:UInt8}",
            {"table": table, "partition": partition, "only_active": int(only_active)},
        )
    ]


def is_detached(store: Store, table: str) -> bool:
    """Return whether a table has detached parts on disk."""
    return bool(
        store.query(
            "SELECT 1 FROM system.detached_parts WHERE database = currentDatabase() "
            "AND table = {table:String} LIMIT 1",
            {"table": table},
        )
    )


def drop(store: Store, table: str, partition: str, clock: Clock) -> None:
    """Drop a partition, and the table's detached parts, and verify that the files are deleted.

    Raises:
        SealError: if any of them still exists after a minute.
    """
    before = folders(store, table, partition)
    store.command(f"ALTER TABLE {table} DROP PARTITION ID '{partition}'")
    store.command(f"ALTER TABLE {table} DROP DETACHED PARTITION ALL", {"allow_drop_detached": 1})
    verify_deleted(store, table, before, clock, partition=partition)


def verify_deleted(
    store: Store, table: str, before: list[str], clock: Clock, *, partition: str = ""
) -> None:
    """Wait until folders are deleted, in `system.parts` and, if embedded, on disk.

    Raises:
        SealError: if any of them still exists after a minute.
    """
    left = before
    for _ in range(_CHECKS):
        listed = folders(store, table, partition)
        left = [path for path in before if path in listed]
        if store.embedded:
            left += [path for path in before if Path(path).exists()]
        if not left:
            return
        clock.sleep(_CHECK_EVERY_S)
        # TRICKY: dropping any partition deletes all outdated files of its table, which otherwise
        # takes seconds or minutes; so a partition is dropped that does not exist.
        store.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
    raise SealError(f"dropped parts of {table} are still there: {', '.join(left)}")
