"""Note since when each view is kept, so that questions about days before can say so.

Knows which views the store has had; refuses to let an id mean something else
than it did. Called once at start, after the fan-out was aligned.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from collector.cells.client import Store
from collector.cells.views import VIEWS
from collector.clock import Clock
from collector.day import EPOCH
from collector.errors import SchemaMismatch

RENAMED: dict[int, tuple[str, ...]] = {}
"""Former names of views whose dimensions were renamed, by id; the cells stay what they are."""


def note_views(store: Store, clock: Clock) -> None:
    """Note the views that are new: kept from the next UTC day on, or always in an empty store.

    Raises:
        SchemaMismatch: if an id was given to another view.
    """
    known = {
        int(view): name for view, name in store.query("SELECT view, name FROM views_begun FINAL")
    }
    for view in VIEWS:
        former = known.get(view.id, view.name)
        if former != view.name and former not in RENAMED.get(view.id, ()):
            raise SchemaMismatch(f"view {view.id} was {former} and is now {view.name}")
    new = [view for view in VIEWS if known.get(view.id) != view.name]
    began = _next_day(clock) if known or _holds_cells(store) else EPOCH
    since = views_began(store)
    if not new:
        return
    store.command(
        "INSERT INTO views_begun SELECT row.1, row.2, row.3 FROM (SELECT arrayJoin(arrayZip("
        "{ids:Array(UInt16)}, {names:Array(String)}, {began:Array(Date)})) AS row)",
        {"async_insert": 0},
        {
            "ids": [view.id for view in new],
            "names": [view.name for view in new],
            "began": [since.get(view.id, began) for view in new],
        },
    )


def views_began(store: Store) -> dict[int, date]:
    """Tell the first whole UTC day that each view was kept; 1970-01-01 is always."""
    return {
        int(view): began for view, began in store.query("SELECT view, began FROM views_begun FINAL")
    }


def _holds_cells(store: Store) -> bool:
    return bool(store.query("SELECT 1 FROM open_cells LIMIT 1")) or bool(
        store.query("SELECT 1 FROM sealed_cells LIMIT 1")
    )


def _next_day(clock: Clock) -> date:
    number = int(clock.now()) // 86_400 + 1
    return datetime.fromtimestamp(number * 86_400, UTC).date()
