"""Write the store's tables and the one view that fans hits out, from `views.VIEWS`.

Pure: returns statements, runs none. Called by `client` at start and by the
audit, which compares what is declared here with what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import IntEnum
from itertools import count
from typing import NamedTuple

from collector.cells.thresholds import CONTINUOUS_SUMS
from collector.cells.views import DIMENSIONS as _DIMENSIONS
from collector.cells.views import (
    LIST_DIMENSIONS,
    RECEIPT_VIEW,
    TOTAL,
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

# A granule is read whole for one cell in it, with all its sketches: 10 MB of them by default.
_SMALL_GRANULES = "index_granularity_bytes = 1048576"

# A picture lives for minutes: to merge its parts would be work for nothing.
_NEVER_MERGED = (
    "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"
)

# Sealed cells are small numbers: packed by bits they take two fifths of what LZ4 leaves.
_PACKED = "CODEC(T64, ZSTD(1))"
_SQUEEZED = "CODEC(ZSTD(1))"

SEALED_ORDER = "site, view, value, other, day, at"
"""How sealed cells are sorted, a value's days together. Source: docs/design/0017-questions.md."""

# Rows written before there was this mark: what was struck left zeros in all continuous sums.
_ALL_ZERO = " AND ".join(f"{name} = 0" for name in CONTINUOUS_SUMS)
_STRUCK = f"DEFAULT view != {TOTAL.id} AND {_ALL_ZERO} {_SQUEEZED}"

_KINDS = ("UInt16", "UInt8", "UInt32", "String", "String", *["Int8"] * 5)
_AT = {Grain.DAY: "0", Grain.HOUR: "hour", Grain.MINUTE: "minute"}


class _Bounce(IntEnum):
    """When a cell takes a hit's bounces: a bounce taken back is taken where it was given."""

    NEVER = 0
    ALWAYS = 1
    UNLESS_EARLIER = 2
    EARLIER = 3


class _Cell(NamedTuple):
    """One cell of the fan-out.

    Attributes:
        at: when, in columns of `hits`; likewise `value` and `other`.
        hits: 1 if it takes the visitor and the sums of the hit, else 0.
        visits: 1 if it takes the sums of the visit, else 0.
        move: what it adds to the visits of an exit page.
        needs: how many of its values must be set.
    """

    view: int
    grain: Grain
    at: str = "0"
    value: str = "''"
    other: str = "''"
    hits: int = 1
    visits: int = 0
    move: int = 0
    bounces: _Bounce = _Bounce.NEVER
    needs: int = 0


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
        # The same to the letter, for parts are linked from one to the other.
        "snapshot_cells": (
            f"CREATE TABLE IF NOT EXISTS snapshot_cells {cells} "
            f"SETTINGS {_NEVER_MERGED}, {_SMALL_GRANULES}, {_DROPPED_AT_ONCE}, {DURABLE}"
        ),
        "sealed_cells": (
            "CREATE TABLE IF NOT EXISTS sealed_cells (site UInt32, closes_at DateTime('UTC'), "
            "day Date, grain UInt8, view UInt16, "
            f"at UInt32 {_PACKED}, value LowCardinality(String) {_SQUEEZED}, "
            f"other LowCardinality(String) {_SQUEEZED}, {integers}, visitors Int64 {_PACKED}, "
            f"folded UInt32 {_PACKED}, struck UInt8 {_STRUCK}) "
            "ENGINE = MergeTree PARTITION BY (grain, toYYYYMM(day)) "
            f"ORDER BY ({SEALED_ORDER}) "
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


def later_columns() -> tuple[str, ...]:
    """Return the statements that make an older store's columns what they are now."""
    return (
        f"ALTER TABLE sealed_cells ADD COLUMN IF NOT EXISTS struck UInt8 {_STRUCK}",
        "ALTER TABLE views_begun MODIFY COLUMN began DateTime('UTC')",
    )


def sort_anew() -> tuple[str, ...]:
    """Return the statements that sort an older store's sealed cells; done twice is done.

    Cut off at any of them, they begin again: the cells are in one table, whole, until the end.
    """
    create = tables()["sealed_cells"].replace("sealed_cells", "sealed_anew", 1)
    return (
        "DROP TABLE IF EXISTS sealed_anew",
        create,
        (
            "INSERT INTO sealed_anew SELECT * FROM sealed_cells "
            "SETTINGS async_insert = 0, max_partitions_per_insert_block = 0"
        ),
        "EXCHANGE TABLES sealed_anew AND sealed_cells",
        "DROP TABLE sealed_anew",
    )


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
            columns[name] = kind.partition(" CODEC")[0].partition(" DEFAULT")[0]
            start = place + 1
        if depth == 0:
            break
    return columns


def fan_out() -> str:
    """Return the SELECT that turns every hit into its cells, and a receipt row into its receipt."""
    state = SKETCH.replace("(", "StateIf(")
    takes = dict(zip(_Cell._fields, (f"cell.{place}" for place in count(1)), strict=False))
    plain = ", ".join(
        f"sum(hits.{name} * {takes['hits']}) AS {name}"
        for name in SUMS
        if name not in ("visits", "bounces", "visit_seconds")
    )
    in_own = f"({takes['bounces']} != {_Bounce.UNLESS_EARLIER:d} OR bounce_minute = 0)"
    return (
        "SELECT site, toDateTime(closes_at, 'UTC') AS closes_at, cell.1 AS view, cell.2 AS grain, "
        "cell.3 AS at, cell.4 AS value, cell.5 AS other, toDate(any(hits.day)) AS day, "
        f"{plain}, sum(hits.visits * {takes['visits']} + {takes['move']}) AS visits, "
        f"sum(hits.bounces * ({takes['bounces']} != 0 AND {in_own})) AS bounces, "
        f"sum(hits.visit_seconds * {takes['visits']}) AS visit_seconds, "
        f"{state}(sipHash64Keyed((k0, k1), cell.1, cell.2, cell.3, cell.4, cell.5), "
        f"counts_visitor = 1 AND {takes['hits']} = 1) AS visitors "
        f"FROM hits ARRAY JOIN {_cells()} AS cell "
        f"WHERE (cell.4 != '' OR {takes['needs']} = 0) AND (cell.5 != '' OR {takes['needs']} < 2) "
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
    plain = [cell for view in VIEWS for cell in _scalar_cells(view)]
    earlier = [cell for view in VIEWS for cell in _earlier_cells(view)]
    lists = [
        f"arrayFlatten(arrayMap(one -> {_zipped(cells)}, {field}))"
        for name, field in LIST_DIMENSIONS.items()
        if (cells := _list_cells(name))
    ]
    lists.append(f"if(bounce_minute = 0, [], {_zipped(earlier)})")
    receipt = _Cell(RECEIPT_VIEW, Grain.DAY, value="receipt", needs=1)
    every = f"arrayConcat({', '.join([_zipped(plain), *lists])})"
    return f"if(receipt = '', {every}, {_zipped([receipt])})"


def _zipped(cells: Sequence[_Cell]) -> str:
    """Write cells as an array of tuples, column by column: analysed much sooner than by tuple."""
    columns = zip(*cells, strict=True)
    return f"arrayZip({', '.join(map(_column, columns, _KINDS))})"


def _column(values: Sequence[int | str], kind: str) -> str:
    written = ", ".join(value if isinstance(value, str) else str(int(value)) for value in values)
    return f"CAST([{written}], 'Array({kind})')"


def _scalar_cells(view: View) -> list[_Cell]:
    if any(name in LIST_DIMENSIONS for name in view.dimensions):
        return []
    if _is_exit(view):
        return [
            _Cell(view.id, Grain.DAY, value=path, hits=0, move=move, needs=1)
            for path, move in (("exit_path", 1), ("left_path", -1))
        ]
    return [_cell(view, grain, view.dimensions) for grain in view.grains]


def _earlier_cells(view: View) -> list[_Cell]:
    """Give the cells of the hour and minute in which a bounce was counted that now is none."""
    if Says.VISITS not in says(view):
        return []
    at = {Grain.HOUR: "bounce_hour", Grain.MINUTE: "bounce_minute"}
    return [
        _cell(view, grain, view.dimensions)._replace(
            at=at[grain], hits=0, visits=0, bounces=_Bounce.EARLIER
        )
        for grain in view.grains
        if grain in at
    ]


def _list_cells(listed: str) -> list[_Cell]:
    """Give the cells of all views of a dimension of which a hit has several values, for `one`."""
    return [
        _cell(view, grain, ["one" if name == listed else name for name in view.dimensions])
        for view in VIEWS
        if listed in view.dimensions
        for grain in view.grains
    ]


def _cell(view: View, grain: Grain, columns: Sequence[str]) -> _Cell:
    value, other = (*columns, "''", "''")[:2]
    visits = Says.VISITS in says(view)
    own = _Bounce.ALWAYS if grain is Grain.DAY else _Bounce.UNLESS_EARLIER
    return _Cell(
        view.id,
        grain,
        at=_AT[grain],
        value=value,
        other=other,
        visits=int(visits),
        bounces=own if visits else _Bounce.NEVER,
        needs=len(columns),
    )


def _is_exit(view: View) -> bool:
    return any(_DIMENSIONS[name].scope is Scope.EXIT for name in view.dimensions)
