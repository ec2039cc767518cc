"""Keep the same hits as raw rows, in the style of the ClickHouse-based peers, and ask it the same.

One row a hit with its visitor's number, ordered by site, day, visitor and
time; every question counts over rows. Here as the measure of our cells only.
"""

from __future__ import annotations

from collector.cells import native_format
from collector.cells.client import Store
from collector.cells.schema import HIT_COLUMNS
from tests.bench.traffic import Traffic

_LEFT_OUT = {"k0", "k1", "receipt", "counts_visitor", "exit_path", "left_path", "hour", "minute"}
_LEFT_OUT |= {"bounce_hour", "bounce_minute", "properties", "goals", "day", "closes_at"}
AT_ONCE = 50_000
COLUMNS = [name for name in HIT_COLUMNS if name not in _LEFT_OUT]


def create(store: Store) -> None:
    """Make the table."""
    columns = ", ".join(f"{name} {HIT_COLUMNS[name]}" for name in COLUMNS)
    store.command(
        f"CREATE TABLE raw_events ({columns}, at DateTime, visitor UInt64) ENGINE = MergeTree "
        "PARTITION BY toYYYYMM(at) ORDER BY (site, toDate(at), visitor, at)"
    )


def insert(store: Store, traffic: Traffic, day: int) -> None:
    """Insert a day."""
    kinds = {name: HIT_COLUMNS[name] for name in COLUMNS} | {"at": "UInt32", "visitor": "UInt64"}
    columns = {name: traffic.columns[name] for name in COLUMNS}
    columns |= {"at": traffic.seconds + day * 86_400, "visitor": traffic.columns["k0"]}
    for part, start in enumerate(range(0, len(traffic), AT_ONCE)):
        some = {name: column[start : start + AT_ONCE].tolist() for name, column in columns.items()}
        store.insert_block(
            "raw_events", *native_format.block(kinds, some), token=f"raw-{day}-{part}"
        )


def question(dimension: str, condition: str, days: int) -> str:
    """Write a breakdown, or with no dimension a series by day, over the last days."""
    key = dimension or "toDate(at)"
    metrics = "uniq(visitor), sum(pageviews), sum(visits), sum(bounces), sum(visit_seconds)"
    order = "ORDER BY uniq(visitor) DESC LIMIT 10" if dimension else "ORDER BY key"
    return (
        f"SELECT {key} AS key, {metrics} FROM raw_events WHERE site = 1 "
        f"AND at >= (SELECT max(at) FROM raw_events) - INTERVAL {days} DAY AND {condition} "
        f"GROUP BY key {order}"
    )
