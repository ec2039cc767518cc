"""Write the CREATE statements of the store's tables; docs/sql/tables.sql shows them."""

from __future__ import annotations

from collector.cells.views import LIST_DIMENSIONS
from collector.hit import HIT_VALUES, SUMS, VISIT_VALUES

SKETCH = "uniqCombined64(17)"
"""Exact for small cells, 0.2 % off at 100 000 visitors. Source: docs/design/0003-sketch.md."""

HIT_COLUMNS: dict[str, str] = {
    "site": "UInt32",
    "closes_at": "UInt32",
    "day": "UInt16",
    "hour": "UInt32",
    "minute": "UInt32",
    "k0": "UInt64",
    "k1": "UInt64",
    "counts_visitor": "UInt8",
    "receipt": "String",
    **dict.fromkeys(
        (*HIT_VALUES, "currency", "exit_path", "left_path", *VISIT_VALUES),
        "LowCardinality(String)",
    ),
    **dict.fromkeys(LIST_DIMENSIONS.values(), "Array(String)"),
    **dict.fromkeys(SUMS, "Int64"),
    "bounce_hour": "UInt32",
    "bounce_minute": "UInt32",
}

# Source: docs/design/0002-one-part-one-receipt.md: without these a power cut loses acknowledged
# parts, and more than a hundred broken parts keep the store from opening.
DURABLE = (
    "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, "
    "min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 1000000, "
    "max_suspicious_broken_parts_bytes = 1000000000000"
)

# By default a server keeps the files of dropped and merged parts for another eight minutes.
_DROPPED_AT_ONCE = "old_parts_lifetime = 0, cleanup_delay_period = 1"

# Reading one cell reads its whole granule, sketches included: 10 MB by default.
# Measured in docs/design/0017-questions.md.
_SMALL_GRANULES = "index_granularity_bytes = 131072"

# A snapshot lives for minutes: merging its parts would be wasted work.
_NEVER_MERGED = (
    "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"
)

# Sealed cells are small integers: bit-packed they take 40 % of their size under LZ4.
_PACKED = "CODEC(T64, ZSTD(1))"
_SQUEEZED = "CODEC(ZSTD(1))"

# Pairs are split into six buckets by the first value and sorted by the second within each: a
# query that filters by either value reads only a part. Source: docs/design/0017-questions.md.
_SEALED_ORDER = "site, view, cityHash64(value) % 6, other, value, day, at"


def tables() -> dict[str, str]:
    """Return the CREATE statement of every table, by name, in the order to run them."""
    sums = ", ".join(f"{name} SimpleAggregateFunction(sum, Int64)" for name in SUMS)
    cells = (
        "(site UInt32, closes_at DateTime('UTC'), "
        "view UInt16, grain UInt8, at UInt32, value String, other String, "
        f"day SimpleAggregateFunction(any, Date), {sums}, "
        f"visitors AggregateFunction({SKETCH}, UInt64)) "
        "ENGINE = AggregatingMergeTree PARTITION BY closes_at "
        "ORDER BY (site, view, grain, value, other, at)"
    )
    integers = ", ".join(f"{name} Int64 {_PACKED}" for name in SUMS)
    columns = ", ".join(f"{name} {kind}" for name, kind in HIT_COLUMNS.items())
    return {
        "hits": f"CREATE TABLE IF NOT EXISTS hits ({columns}) ENGINE = Null",
        "open_cells": (
            f"CREATE TABLE IF NOT EXISTS open_cells {cells} "
            f"SETTINGS non_replicated_deduplication_window = 1000, {_SMALL_GRANULES}, "
            f"{_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        # Same columns and order as open_cells: parts are hard-linked from one to the other.
        "snapshot_cells": (
            f"CREATE TABLE IF NOT EXISTS snapshot_cells {cells} "
            f"SETTINGS {_NEVER_MERGED}, {_SMALL_GRANULES}, {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        "sealed_cells": (
            "CREATE TABLE IF NOT EXISTS sealed_cells (site UInt32, closes_at DateTime('UTC'), "
            "day Date, grain UInt8, view UInt16, "
            f"at UInt32 {_PACKED}, value LowCardinality(String) {_SQUEEZED}, "
            f"other LowCardinality(String) {_SQUEEZED}, {integers}, visitors Int64 {_PACKED}, "
            f"folded UInt32 {_PACKED}, struck UInt8 {_SQUEEZED}) "
            "ENGINE = MergeTree PARTITION BY (grain, toYYYYMM(day)) "
            f"ORDER BY ({_SEALED_ORDER}) "
            f"SETTINGS {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        "seals": (
            "CREATE TABLE IF NOT EXISTS seals (closes_at DateTime('UTC'), rules String, "
            f"sealed_at DateTime('UTC')) ENGINE = MergeTree ORDER BY closes_at SETTINGS {DURABLE}"
        ),
        "own_paths": (
            "CREATE TABLE IF NOT EXISTS own_paths (site UInt32, path String, "
            "since SimpleAggregateFunction(min, DateTime('UTC'))) "
            "ENGINE = AggregatingMergeTree ORDER BY (site, path) "
            f"SETTINGS {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        "views_begun": (
            "CREATE TABLE IF NOT EXISTS views_begun "
            "(view UInt16, name String, began DateTime('UTC')) "
            f"ENGINE = ReplacingMergeTree ORDER BY view SETTINGS {DURABLE}"
        ),
        "suppressed": (
            "CREATE TABLE IF NOT EXISTS suppressed (day Date, reason LowCardinality(String), "
            "site UInt32, collector LowCardinality(String), count Int64) "
            "ENGINE = ReplacingMergeTree(count) ORDER BY (day, reason, site, collector) "
            f"SETTINGS {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        **_closing_tables(),
    }


def _closing_tables() -> dict[str, str]:
    """Return the work tables of sealing: in memory only, and empty at all other times."""
    integers = ", ".join(f"{name} Int64" for name in SUMS)
    keys = "id UInt64, row UInt64, col UInt64, parent_id UInt64, col_parent_id UInt64"
    marks = {
        f"closing_{name}": (
            f"CREATE TABLE IF NOT EXISTS closing_{name} (id UInt64, row UInt64, col UInt64) "
            "ENGINE = Memory"
        )
        for name in ("folded", "suppressed", "averaged")
    }
    return {
        "closing_cells": (
            "CREATE TABLE IF NOT EXISTS closing_cells (site UInt32, view UInt16, grain UInt8, "
            f"at UInt32, value String, other String, day Date, {integers}, visitors Int64, "
            f"weight Int64, shape UInt8, {keys}, small UInt8, few_visitors UInt8) ENGINE = Memory"
        ),
        "closing_known": (
            "CREATE TABLE IF NOT EXISTS closing_known (site UInt32, view UInt16, value String) "
            "ENGINE = Memory"
        ),
        **marks,
    }


def columns_of(statement: str) -> dict[str, str]:
    """Parse the names and types of the columns from one of the CREATE TABLE statements above."""
    begin = statement.index("(") + 1
    columns: dict[str, str] = {}
    depth, start = 1, begin
    for place in range(begin, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[place], 0)
        if depth == 0 or (depth == 1 and statement[place] == ","):
            name, _, kind = statement[start:place].strip().partition(" ")
            columns[name] = kind.partition(" CODEC")[0]
            start = place + 1
        if depth == 0:
            break
    return columns
