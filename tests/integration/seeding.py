"""Insert generated hits into a real store, and seal days without folding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collector.cells.client import Store
from collector.cells.schema import HIT_COLUMNS, SKETCH
from collector.day import day_at, hour_at, minute_at
from collector.hit import SUMS, Hit, VisitValues

FIRST_HIT: dict[str, Any] = {"visits": 1, "bounces": 1}
VALUES = VisitValues(
    entry_path="/",
    source="Google",
    channel="Organic Search",
    country="FR",
    browser="Firefox",
    os="Linux",
    device="Desktop",
)


def hit(visitor: str, when: str, *, zone: str = "UTC", **columns: Any) -> Hit:
    """Generate a pageview of a visitor at a local time such as `2026-11-20 10:30`.

    Columns of `VisitValues` and of `Hit` may be given by name.
    """
    local = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo(zone))
    instant = local.timestamp()
    day = day_at(zone, instant)
    visit = {name: columns.pop(name) for name in VisitValues.__struct_fields__ if name in columns}
    facts: dict[str, Any] = {
        "site": 1,
        "path": "/",
        "hostname": "example.org",
        "pageviews": 1,
        "closes_at": day.closes_at,
        "day": day.number,
        "hour": hour_at(zone, instant),
        "minute": minute_at(instant),
        "pseudonym": hashlib.blake2b(f"{visitor} {day.number}".encode(), digest_size=16).digest(),
        "visit": msgspec.structs.replace(VALUES, **visit),
    }
    return Hit(**(facts | columns))


def insert(store: Store, hits: Iterable[Hit]) -> None:
    """Send hits through the fan-out, one INSERT for each closing instant."""
    by_day: dict[int, list[Hit]] = {}
    for one in hits:
        by_day.setdefault(one.closes_at, []).append(one)
    for batch in by_day.values():
        rows = ", ".join(_row(one) for one in batch)
        store.command(
            f"INSERT INTO hits ({', '.join(HIT_COLUMNS)}) SETTINGS async_insert=0 VALUES {rows}"
        )


def seal_plainly(store: Store, closes_at: int, *, commit: bool = True) -> None:
    """Turn one closing instant's sketches into integers without folding."""
    sums = ", ".join(SUMS)
    merged = ", ".join(f"sum({name})" for name in SUMS)
    store.command(
        f"INSERT INTO sealed_cells (site, closes_at, day, grain, view, at, value, other, {sums}, "
        f"visitors, folded) SELECT site, closes_at, any(open_cells.day), grain, view, at, value, "
        f"other, {merged}, toInt64({SKETCH.replace('(', 'Merge(')}(visitors)), 0 FROM open_cells "
        f"WHERE closes_at = {closes_at} AND view != 0 AND grain != 2 "
        "GROUP BY site, closes_at, grain, view, at, value, other"
    )
    if commit:
        store.command(f"INSERT INTO seals VALUES ({closes_at}, 'plain', {closes_at + 300})")


def closes_at(day: date, zone: str = "UTC") -> int:
    """Return the instant at which a local date ends."""
    return day_at(
        zone, datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).timestamp()
    ).closes_at


def _row(one: Hit) -> str:
    values: dict[str, Any] = msgspec.structs.asdict(one) | msgspec.structs.asdict(one.visit)
    values |= {
        "k0": int.from_bytes(one.pseudonym[:8], "little"),
        "k1": int.from_bytes(one.pseudonym[8:], "little"),
        "receipt": "",
    }
    return "(" + ", ".join(_literal(values[name]) for name in HIT_COLUMNS) + ")"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, tuple):
        return "[" + ", ".join(_literal(one) for one in value) + "]"
    return str(int(value))
