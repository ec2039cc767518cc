"""Look for what must not be in the store: tables, texts, small cells, old sketches, logs.

Knows what is declared and asks what is there; refuses to change anything or to
quote what it finds, for a report is read by more people than the store. Called
by `privacy.audit`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collector.cells import parts, schema
from collector.cells.client import Store
from collector.cells.thresholds import (
    STANDARD,
    foldable_views,
    folds_by_visits,
    known_values_stay,
    threshold,
)
from collector.cells.views import DIMENSIONS, VIEW_BY_ID, Grain, View, Vocabulary
from collector.hit import NONE, OTHER

OVERDUE_S = 3600
"""How long after its end a day may wait for its sealing before the audit calls it overdue."""

_PERSONAL = {
    # Loopback names nobody: it is the demo site's own host name.
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
_TEXTS = {
    "open_cells": ("value", "other"),
    "snapshot_cells": ("value", "other"),
    "sealed_cells": ("value", "other"),
    "own_paths": ("path",),
    "suppressed": ("reason",),
    "views_begun": ("name",),
    "seals": ("rules",),
}
_SKETCHED = ("open_cells", "snapshot_cells")
_OURS = "database = currentDatabase()"


def undeclared(store: Store) -> Iterator[str]:
    """Name tables and columns that are there and not declared, or the other way round."""
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
    if fan_out := store.query(
        f"SELECT comment FROM system.tables WHERE {_OURS} AND name = 'fan_out'"
    ):
        if fan_out[0][0] != schema.fingerprint():
            yield "the view fan_out is not the declared one"
    else:
        yield "the view fan_out is missing"


def personal_strings(store: Store) -> Iterator[str]:
    """Tell where a text looks like a person's; the text itself is not told."""
    for table, columns in _TEXTS.items():
        receipts = "WHERE view != 0" if table in _SKETCHED else ""
        for column in columns:
            for (text,) in store.query(
                f"SELECT DISTINCT toString({column}) FROM {table} {receipts}"
            ):
                for what, shape in _PERSONAL.items():
                    if shape.search(text):
                        yield f"{table}.{column} holds a text like {what}"


def too_small(store: Store) -> Iterator[str]:
    """Name views of which a listed cell is under the threshold of the loosest profile."""
    weighed = ", ".join(str(view.id) for view in foldable_views() if folds_by_visits(view))
    least = " ".join(
        f"WHEN view = {view.id} AND grain = {int(grain)} THEN {_floor(view, grain)}"
        for view in foldable_views()
        for grain in view.grains
    )
    for site, view, grain, cells in store.query(
        "SELECT site, view, grain, count() FROM sealed_cells WHERE "
        f"value NOT LIKE '%{OTHER}' AND other NOT LIKE '%{OTHER}' "
        f"AND if(view IN ({weighed}), visits, visitors) < "
        f"if(value = '{NONE}' AND other = '' AND grain = 0, 1, CASE {least} ELSE 0 END) "
        "GROUP BY site, view, grain ORDER BY site, view, grain"
    ):
        name = VIEW_BY_ID[view].name if view in VIEW_BY_ID else str(view)
        yield (f"site {site}: {cells} cells of {name} by {Grain(grain).name.lower()} are too small")


def overdue(store: Store, now: float, holds: Callable[[int], bool]) -> Iterator[str]:
    """Name closing instants whose sketches should be gone."""
    for closes_at in sorted(
        {int(one) for table in _SKETCHED for one in parts.partitions(store, table)}
    ):
        if closes_at + OVERDUE_S < now:
            why = "the spool still holds hits of it" if holds(closes_at) else "it was not sealed"
            yield f"the day that closed at {closes_at} still has sketches: {why}"
    for table in _SKETCHED:
        if any("detached" in folder for folder in parts.folders(store, table)):
            yield f"a detached part of {table} was left behind"


def logged(store: Store) -> Iterator[str]:
    """Name log tables of the server that hold statements with our rows in them."""
    for (table,) in store.query(
        "SELECT table FROM system.columns WHERE database = 'system' AND table LIKE '%\\_log' "
        "AND name = 'query' GROUP BY table"
    ):
        held = store.query(
            f"SELECT count() FROM system.{table} WHERE positionCaseInsensitive(query, 'INTO hits') "
            "> 0 AND positionCaseInsensitive(query, 'VALUES') > 0"
        )
        if held[0][0]:
            yield f"system.{table} holds {held[0][0]} statements with rows of hits"


def _floor(view: View, grain: Grain) -> int:
    """Give the threshold that even a known value of the loosest profile needs."""
    if known_values_stay(view, grain):
        vocabulary = DIMENSIONS[view.dimensions[0]].vocabulary
        if vocabulary is Vocabulary.KNOWN:
            return STANDARD.closed
    return threshold(STANDARD, view, grain)
