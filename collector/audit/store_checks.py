"""Check the store: undeclared tables, personal texts, small cells, old sketches, logs.

No value that is found is quoted: more people read a report than the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from collector.cells import fan_out, partitions, schema
from collector.cells.client import Store
from collector.cells.thresholds import (
    CONTINUOUS_SUMS,
    STANDARD,
    foldable_views,
    folds_by_visits,
    known_values_stay,
    survives_thin_day,
    threshold,
)
from collector.cells.views import DIMENSIONS, TOTAL, VIEW_BY_ID, Grain, View, Vocabulary
from collector.hit import NONE, OTHER

OVERDUE_S = 3600
"""How long after its end a day may stay unsealed before the audit reports it."""

_PERSONAL = {
    # Loopback identifies no one: it is the demo site's host name.
    "an IPv4 address": re.compile(
        r"(?<![\d.])(?!127\.0\.0\.1(?!\d))(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    ),
    "an IPv6 address": re.compile(
        r"(?i)(?<![\w:])(?=[a-f:]*\d)"
        r"(?:(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,7}:[0-9a-f:]*)(?!\w)"
    ),
    "an e-mail address": re.compile(r"[\w.+-]+(?:@|%40)[\w-]+\.[\w.-]+"),
    "a UUID": re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    "a signed token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}"),
    "a key": re.compile(r"(?i)(?<![0-9a-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{32,}(?![0-9a-z])"),
}
_KEPT = {
    table: schema.columns_of(statement)
    for table, statement in schema.tables().items()
    if "ENGINE = Null" not in statement
}
_TEXTS = {
    table: tuple(name for name, kind in columns.items() if "String" in kind)
    for table, columns in _KEPT.items()
}
_LISTED = f"value NOT LIKE '%{OTHER}' AND other NOT LIKE '%{OTHER}'"
_E_MAIL = r"[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\\.[a-zA-Z]"
_SKETCHED = ("open_cells", "snapshot_cells")
_OURS = "database = currentDatabase()"


def undeclared(store: Store) -> Iterator[str]:
    """Yield tables and columns that exist but are not declared, or the reverse."""
    declared = {table: schema.columns_of(statement) for table, statement in schema.tables().items()}
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in store.query(
        f"SELECT table, name, type FROM system.columns WHERE {_OURS} AND table != 'fan_out'"
    ):
        found.setdefault(table, {})[column] = kind
    for table in sorted(found.keys() | declared.keys()):
        if table not in declared:
            yield f"table {table} is not declared"
        elif table not in found:
            yield f"table {table} is missing"
        elif found[table] != declared[table]:
            names = found[table].items() ^ declared[table].items()
            yield f"table {table} differs in {', '.join(sorted({name for name, _ in names}))}"
    if comment := store.query(
        f"SELECT comment FROM system.tables WHERE {_OURS} AND name = 'fan_out'"
    ):
        if comment[0][0] != fan_out.fingerprint():
            yield "the view fan_out is not the declared one"
    else:
        yield "the view fan_out is missing"


def inventory(store: Store) -> str:
    """Count tables, columns and rows."""
    (columns,), *_ = store.query(
        f"SELECT count() FROM system.columns WHERE {_OURS} AND table != 'fan_out'"
    )
    rows = store.query(
        f"SELECT table, sum(rows) FROM system.parts WHERE {_OURS} AND active GROUP BY table "
        "ORDER BY table"
    )
    counted = ", ".join(f"{table} {count:,}" for table, count in rows) or "none"
    return f"{columns} columns of {len(schema.tables())} tables; rows: {counted}"


def personal_strings(store: Store) -> Iterator[str]:
    """Yield columns with a text that looks personal; the text itself is not quoted."""
    for table, column in text_columns():
        for (text,) in store.query(_distinct(table, column)):
            for what, shape in _PERSONAL.items():
                if shape.search(text):
                    yield f"{table}.{column} holds a text like {what}"


def texts(store: Store) -> str:
    """Count the texts that are searched."""
    columns = list(text_columns())
    searched = sum(
        store.query(f"SELECT count() FROM ({_distinct(table, column)})")[0][0]
        for table, column in columns
    )
    return f"{searched:,} different texts of {len(columns)} columns, for {', '.join(_PERSONAL)}"


def text_columns() -> Iterator[tuple[str, str]]:
    """Yield the columns that are searched, each with its table."""
    for table, columns in _TEXTS.items():
        yield from ((table, column) for column in columns)


def _distinct(table: str, column: str) -> str:
    # A receipt's token is random, and would look like a key.
    receipts = "WHERE view != 0" if table in _SKETCHED else ""
    return f"SELECT DISTINCT toString({column}) FROM {table} {receipts}"


def too_small(store: Store) -> Iterator[str]:
    """Yield views with cells that the loosest profile does not allow."""
    yield from _told(store, _under_threshold(), "are too small")
    yield from _told(
        store, _continuous_sums_kept(), "of too few visitors keep their continuous sums"
    )
    yield from _told(store, _thin_days_kept(), "list too much of a day of very few visitors")


def sealed(store: Store) -> str:
    """Count the sealed cells, and name the thresholds they are checked against."""
    (sites, cells, days), *_ = store.query(
        "SELECT uniqExact(site), count(), uniqExact(day) FROM sealed_cells"
    )
    least = {"lists": STANDARD.open, "cities": STANDARD.city, "hours": STANDARD.hour}
    needed = ", ".join(f"{name} {k}" for name, k in (least | {"pairs": STANDARD.pair}).items())
    return (
        f"sealed cells: {cells:,}, sites: {sites}, days: {days}; visitors needed: {needed}, "
        f"known values and short lists {STANDARD.closed}"
    )


def _told(store: Store, condition: str, what: str) -> Iterator[str]:
    for site, view, grain, cells in store.query(
        "SELECT site, view, grain, count() FROM sealed_cells WHERE "
        f"{condition} GROUP BY site, view, grain ORDER BY site, view, grain"
    ):
        name = VIEW_BY_ID[view].name if view in VIEW_BY_ID else str(view)
        yield f"site {site}: {cells} cells of {name} by {Grain(grain).name.lower()} {what}"


def _under_threshold() -> str:
    weighed = ", ".join(str(view.id) for view in foldable_views() if folds_by_visits(view))
    least = " ".join(
        f"WHEN view = {view.id} AND grain = {int(grain)} THEN {_floor(view, grain)}"
        for view in foldable_views()
        for grain in view.grains
    )
    return (
        f"{_LISTED} AND if(view IN ({weighed}), visits, visitors) < "
        f"if(value = '{NONE}' AND other = '' AND grain = 0, 1, CASE {least} ELSE 0 END)"
    )


def _continuous_sums_kept() -> str:
    kept = " OR ".join(f"{name} != 0" for name in CONTINUOUS_SUMS)
    few = f"visitors < {STANDARD.small_sums}"
    return f"view != {TOTAL.id} AND ({few} OR struck) AND ({kept})"


def _thin_days_kept() -> str:
    kept = ", ".join(str(view.id) for view in foldable_views() if survives_thin_day(view))
    thin = (
        f"SELECT site, closes_at FROM sealed_cells WHERE view = {TOTAL.id} "
        f"AND grain = {int(Grain.DAY)} AND visitors < {STANDARD.thin_day}"
    )
    return (
        f"{_LISTED} AND view NOT IN ({TOTAL.id}, {kept}) AND grain = {int(Grain.DAY)} "
        f"AND (site, closes_at) IN ({thin})"
    )


def open_partitions(store: Store) -> str:
    """Return which days have sketches."""
    days = sorted({int(one) for one in partitions.partitions(store, "open_cells")})
    ends = [datetime.fromtimestamp(day, UTC).strftime("%Y-%m-%d %H:%M UTC") for day in days]
    return f"open days: {len(days)}" + (f", closing at {', '.join(ends)}" if ends else "")


def overdue(store: Store, now: float, holds: Callable[[int], bool]) -> Iterator[str]:
    """Yield days whose sketches should be deleted."""
    for closes_at in sorted(
        {int(one) for table in _SKETCHED for one in partitions.partitions(store, table)}
    ):
        if closes_at + OVERDUE_S < now:
            why = "the spool still has hits of it" if holds(closes_at) else "it was not sealed"
            yield f"the day that ended at {closes_at} still has sketches: {why}"
    for table in _SKETCHED:
        if partitions.is_detached(store, table):
            yield f"{table} has a detached part"


def logged(store: Store) -> Iterator[str]:
    """Yield log tables of the server that hold our rows or e-mail addresses."""
    for table, column in _log_columns(store):
        held = store.query(
            f"SELECT countIf(positionCaseInsensitive({column}, 'VALUES') > 0 AND "
            f"match({column}, '(?i)INTO +[^ ]*(hits|open_cells|sealed_cells|own_paths)\\\\b')), "
            f"countIf(match({column}, '{_E_MAIL}')) FROM system.{table}"
        )
        for count, what in zip(held[0], ("rows of ours", "a text like an e-mail"), strict=True):
            if count:
                yield f"system.{table}.{column} has {count} entries with {what}"


def logs(store: Store) -> str:
    """Return the names of the log tables."""
    found = [f"system.{table}" for table, _ in _log_columns(store)]
    return ", ".join(found) if found else "there are no log tables"


def _log_columns(store: Store) -> list[tuple[str, str]]:
    return [
        (str(table), str(column))
        for table, column in store.query(
            "SELECT table, name FROM system.columns WHERE database = 'system' "
            "AND table LIKE '%\\_log' AND name IN ('query', 'message') ORDER BY table, name"
        )
    ]


def _floor(view: View, grain: Grain) -> int:
    """Return the threshold that applies even to a known value in the loosest profile."""
    if known_values_stay(view, grain):
        vocabulary = DIMENSIONS[view.dimensions[0]].vocabulary
        if vocabulary is Vocabulary.KNOWN:
            return STANDARD.closed
    return threshold(STANDARD, view, grain)
