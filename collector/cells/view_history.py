"""Note since when each view is kept, so that questions about days before can say so.

Knows which views the store has had; refuses to let an id mean something else
than it did. Called once at start, after the fan-out was aligned.
"""

from __future__ import annotations

from collector.cells.client import Store
from collector.cells.views import VIEWS
from collector.clock import Clock
from collector.errors import SchemaMismatch

RENAMED: dict[int, tuple[str, ...]] = {}
"""Former names of views whose dimensions were renamed, by id; the cells stay what they are."""

ALWAYS = 0
ENDED = 2**32 - 1
"""When a view begins that this version does not keep; it begins anew if a later one does."""


def record_views(store: Store, clock: Clock) -> None:
    """Note the views that are new, renamed or ended: new ones begin now.

    Those of a store of which nothing was noted yet were always there.

    Raises:
        SchemaMismatch: if an id was given to another view.
    """
    known = _noted(store)
    fresh = int(clock.now()) if known else ALWAYS
    changed: dict[int, tuple[str, int]] = {}
    for view in VIEWS:
        former, began = known.get(view.id, (view.name, ENDED))
        if former != view.name and former not in RENAMED.get(view.id, ()):
            raise SchemaMismatch(f"view {view.id} was {former} and is now {view.name}")
        changed[view.id] = view.name, fresh if began == ENDED else began
    for ended in known.keys() - changed.keys():
        changed[ended] = known[ended][0], ENDED
    _note(store, {view: now for view, now in changed.items() if known.get(view) != now})


def views_began(store: Store) -> dict[int, int]:
    """Tell when each view's first hit was counted, in seconds since 1970; or ALWAYS, or ENDED."""
    return {view: began for view, (_, began) in _noted(store).items()}


def _noted(store: Store) -> dict[int, tuple[str, int]]:
    return {
        int(view): (name, int(began))
        for view, name, began in store.query(
            "SELECT view, name, toUnixTimestamp(began) FROM views_begun FINAL"
        )
    }


def _note(store: Store, views: dict[int, tuple[str, int]]) -> None:
    if not views:
        return
    store.command(
        "INSERT INTO views_begun SELECT row.1, row.2, row.3 FROM (SELECT arrayJoin(arrayZip("
        "{ids:Array(UInt16)}, {names:Array(String)}, {began:Array(UInt32)})) AS row)",
        {"async_insert": 0},
        {
            "ids": list(views),
            "names": [name for name, _ in views.values()],
            "began": [began for _, began in views.values()],
        },
    )
