"""Write the store's tables and the one view that fans hits out, from `views.VIEWS`.

Pure: returns statements, runs none. Called by `client` at start and by the
audit, which compares what is declared here with what is there.
"""

from __future__ import annotations

import hashlib

from collector.cells.views import DIMENSIONS as _DIMENSIONS
from collector.cells.views import (
    LIST_DIMENSIONS,
    RECEIPT_VIEW,
    VIEWS,
    Grain,
    Says,
    Scope,
    View,
    says,
)
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

# A server would keep the files of dropped and merged parts for eight minutes more.
_DROPPED_AT_ONCE = "old_parts_lifetime = 0, cleanup_delay_period = 1"

# Bits that tell the view what one cell takes of a hit's sums.
_TAKES_VISITS = 1
_EXIT_PLUS = 2
_EXIT_MINUS = 4
_NEEDS_VALUE = 8
_NEEDS_OTHER = 16
_BOUNCE_ONLY = 32


def tables() -> dict[str, str]:
    """Return the CREATE statement of every table, by name, in the order to run them."""
    sums = ", ".join(f"{name} SimpleAggregateFunction(sum, Int64)" for name in SUMS)
    integers = ", ".join(f"{name} Int64" for name in SUMS)
    columns = ", ".join(f"{name} {kind}" for name, kind in HIT_COLUMNS.items())
    return {
        "hits": f"CREATE TABLE IF NOT EXISTS hits ({columns}) ENGINE = Null",
        "open_cells": (
            "CREATE TABLE IF NOT EXISTS open_cells (site UInt32, closes_at DateTime('UTC'), "
            "view UInt16, grain UInt8, at UInt32, value String, other String, "
            f"day SimpleAggregateFunction(any, Date), {sums}, "
            f"visitors AggregateFunction({SKETCH}, UInt64)) "
            "ENGINE = AggregatingMergeTree PARTITION BY closes_at "
            "ORDER BY (site, view, grain, value, other, at) "
            f"SETTINGS non_replicated_deduplication_window = 1000, {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        "sealed_cells": (
            "CREATE TABLE IF NOT EXISTS sealed_cells (site UInt32, closes_at DateTime('UTC'), "
            "day Date, grain UInt8, view UInt16, at UInt32, value LowCardinality(String), "
            f"other LowCardinality(String), {integers}, visitors Int64, folded UInt32) "
            "ENGINE = MergeTree PARTITION BY (grain, toYYYYMM(day)) "
            "ORDER BY (site, view, day, value, other, at) "
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
        "suppressed": (
            "CREATE TABLE IF NOT EXISTS suppressed (day Date, reason LowCardinality(String), "
            "site UInt32, collector LowCardinality(String), count Int64) "
            "ENGINE = ReplacingMergeTree(count) ORDER BY (day, reason, site, collector) "
            f"SETTINGS {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        **_closing_tables(),
    }


def _closing_tables() -> dict[str, str]:
    """Return the tables in which a day is folded: in memory only, empty but while sealing."""
    integers = ", ".join(f"{name} Int64" for name in SUMS)
    keys = "id UInt64, row UInt64, col UInt64, above UInt64, beside UInt64"
    return {
        "closing_cells": (
            "CREATE TABLE IF NOT EXISTS closing_cells (site UInt32, view UInt16, grain UInt8, "
            f"at UInt32, value String, other String, day Date, {integers}, visitors Int64, "
            f"weight Int64, shape UInt8, {keys}, small UInt8, slight UInt8) ENGINE = Memory"
        ),
        "closing_known": (
            "CREATE TABLE IF NOT EXISTS closing_known (site UInt32, view UInt16, value String) "
            "ENGINE = Memory"
        ),
        "closing_folds": (
            "CREATE TABLE IF NOT EXISTS closing_folds (id UInt64, row UInt64, col UInt64) "
            "ENGINE = Memory"
        ),
        "closing_few": (
            "CREATE TABLE IF NOT EXISTS closing_few (id UInt64, row UInt64, col UInt64) "
            "ENGINE = Memory"
        ),
        "closing_struck": (
            "CREATE TABLE IF NOT EXISTS closing_struck (id UInt64, row UInt64, col UInt64) "
            "ENGINE = Memory"
        ),
    }


def columns_of(statement: str) -> dict[str, str]:
    """Read the names and types of columns out of one of our CREATE TABLE statements."""
    begin = statement.index("(") + 1
    columns: dict[str, str] = {}
    depth, start = 1, begin
    for place in range(begin, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[place], 0)
        if depth == 0 or (depth == 1 and statement[place] == ","):
            name, _, kind = statement[start:place].strip().partition(" ")
            columns[name] = kind
            start = place + 1
        if depth == 0:
            break
    return columns


def fan_out() -> str:
    """Return the SELECT that turns every hit into its cells, and a receipt row into its receipt."""
    function, _, parameters = SKETCH.partition("(")
    state = f"{function}StateIf({parameters}" if parameters else f"{function}StateIf"
    taken = f"bitTest(cell.6, {_bit(_TAKES_VISITS)})"
    plus = f"bitTest(cell.6, {_bit(_EXIT_PLUS)})"
    minus = f"bitTest(cell.6, {_bit(_EXIT_MINUS)})"
    earlier = f"bitTest(cell.6, {_bit(_BOUNCE_ONLY)})"
    own_bounce = f"({taken} AND (bounce_minute = 0 OR cell.2 = {int(Grain.DAY)}))"
    partly = f"({plus} OR {minus} OR {earlier})"
    plain = ", ".join(
        f"sum(hits.{name} * (NOT {partly})) AS {name}"
        for name in SUMS
        if name not in ("visits", "bounces", "visit_seconds")
    )
    return (
        "SELECT site, toDateTime(closes_at, 'UTC') AS closes_at, cell.1 AS view, cell.2 AS grain, "
        "cell.3 AS at, cell.4 AS value, cell.5 AS other, toDate(any(hits.day)) AS day, "
        f"{plain}, sum(multiIf({taken}, hits.visits, {plus}, 1, {minus}, -1, 0)) AS visits, "
        f"sum(hits.bounces * ({own_bounce} OR {earlier})) AS bounces, "
        f"sum(hits.visit_seconds * {taken}) AS visit_seconds, "
        f"{state}(sipHash64Keyed((k0, k1), cell.1, cell.2, cell.3, cell.4, cell.5), "
        f"counts_visitor = 1 AND NOT {partly}) AS visitors "
        f"FROM hits ARRAY JOIN {_cells()} AS cell "
        f"WHERE (cell.4 != '' OR NOT bitTest(cell.6, {_bit(_NEEDS_VALUE)})) "
        f"AND (cell.5 != '' OR NOT bitTest(cell.6, {_bit(_NEEDS_OTHER)})) "
        "GROUP BY site, closes_at, view, grain, at, value, other"
    )


def fan_out_statement() -> str:
    """Return the CREATE statement of the view `fan_out`, marked with its fingerprint."""
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS fan_out TO open_cells AS {fan_out()} "
        f"COMMENT '{fingerprint()}'"
    )


def fingerprint() -> str:
    """Name this version of the fan-out; changes when a view is added or ended."""
    return hashlib.sha256(fan_out().encode()).hexdigest()[:16]


def _cells() -> str:
    scalar = ", ".join(cell for view in VIEWS for cell in _scalar_cells(view))
    lists = [array for view in VIEWS for array in _list_cells(view)]
    earlier = ", ".join(cell for view in VIEWS for cell in _earlier_cells(view))
    lists.append(f"if(bounce_minute = 0, [], [{earlier}])")
    every = f"arrayConcat([{scalar}], {', '.join(lists)})"
    receipt = _cell(RECEIPT_VIEW, Grain.DAY, "receipt", "''", _NEEDS_VALUE)
    return f"if(receipt = '', {every}, [{receipt}])"


def _scalar_cells(view: View) -> list[str]:
    if any(name in LIST_DIMENSIONS for name in view.dimensions):
        return []
    if _is_exit(view):
        return [
            _cell(view.id, Grain.DAY, "exit_path", "''", _EXIT_PLUS | _NEEDS_VALUE),
            _cell(view.id, Grain.DAY, "left_path", "''", _EXIT_MINUS | _NEEDS_VALUE),
        ]
    value, other = (*view.dimensions, "''", "''")[:2]
    return [_cell(view.id, grain, value, other, _bits(view)) for grain in view.grains]


def _earlier_cells(view: View) -> list[str]:
    """Give the cells of the hour and minute in which a bounce was counted that now is none."""
    if not _bits(view) & _TAKES_VISITS or _is_exit(view):
        return []
    value, other = (*view.dimensions, "''", "''")[:2]
    bits = _bits(view) & ~_TAKES_VISITS | _BOUNCE_ONLY
    at = {Grain.HOUR: "bounce_hour", Grain.MINUTE: "bounce_minute"}
    return [
        _cell_at(at[grain], view.id, grain, value, other, bits)
        for grain in view.grains
        if grain in at
    ]


def _list_cells(view: View) -> list[str]:
    listed = [name for name in view.dimensions if name in LIST_DIMENSIONS]
    if not listed:
        return []
    columns = ["one" if name in LIST_DIMENSIONS else name for name in view.dimensions]
    value, other = (*columns, "''", "''")[:2]
    return [
        f"arrayMap(one -> {_cell(view.id, grain, value, other, _bits(view))}, "
        f"{LIST_DIMENSIONS[listed[0]]})"
        for grain in view.grains
    ]


def _bits(view: View) -> int:
    bits = _TAKES_VISITS if Says.VISITS in says(view) else 0
    return bits | (0, _NEEDS_VALUE, _NEEDS_VALUE | _NEEDS_OTHER)[len(view.dimensions)]


def _is_exit(view: View) -> bool:
    return any(_DIMENSIONS[name].scope is Scope.EXIT for name in view.dimensions)


def _cell(view: int, grain: Grain, value: str, other: str, bits: int) -> str:
    at = {Grain.DAY: "toUInt32(0)", Grain.HOUR: "hour", Grain.MINUTE: "minute"}[grain]
    return _cell_at(at, view, grain, value, other, bits)


def _cell_at(at: str, view: int, grain: Grain, value: str, other: str, bits: int) -> str:
    return (
        f"(toUInt16({view}), toUInt8({int(grain)}), {at}, toString({value}), toString({other}), "
        f"toUInt8({bits}))"
    )


def _bit(mask: int) -> int:
    return mask.bit_length() - 1
