"""Record since when each view is kept, so that answers about earlier days can mention it."""

from __future__ import annotations

from typing import NamedTuple

from collector.cells.client import Store
from collector.cells.views import VIEWS
from collector.clock import Clock
from collector.errors import SchemaMismatch

ALWAYS = 0
ENDED = 2**32 - 1
"""The beginning of a view that this version does not keep; it is replaced if a later one does."""


class _Record(NamedTuple):
    """What the store knows of a view; `began` is in seconds since 1970, or ALWAYS, or ENDED."""

    name: str
    began: int


def record_views(store: Store, clock: Clock) -> None:
    """Record new and ended views, once at startup: new ones begin now.

    The views of an empty history were always kept.

    Raises:
        SchemaMismatch: if an id was given to another view.
    """
    known = _records(store)
    now = int(clock.now()) if known else ALWAYS
    records: dict[int, _Record] = {}
    for view in VIEWS:
        before = known.get(view.id, _Record(view.name, ENDED))
        if before.name != view.name:
            raise SchemaMismatch(f"view {view.id} was {before.name} and is now {view.name}")
        records[view.id] = before._replace(began=now) if before.began == ENDED else before
    for ended in known.keys() - records.keys():
        records[ended] = known[ended]._replace(began=ENDED)
    _write(store, {view: new for view, new in records.items() if known.get(view) != new})


def views_began(store: Store) -> dict[int, int]:
    """Return when each view's first hit was counted, in seconds since 1970; or ALWAYS, or ENDED."""
    return {view: record.began for view, record in _records(store).items()}


def _records(store: Store) -> dict[int, _Record]:
    rows = store.query("SELECT view, name, toUnixTimestamp(began) FROM views_begun FINAL")
    return {view: _Record(name, began) for view, name, began in rows}


def _write(store: Store, records: dict[int, _Record]) -> None:
    if not records:
        return
    store.command(
        "INSERT INTO views_begun SELECT row.1, row.2, row.3 FROM (SELECT arrayJoin(arrayZip("
        "{ids:Array(UInt16)}, {names:Array(String)}, {began:Array(UInt32)})) AS row)",
        {"async_insert": 0},
        {
            "ids": list(records),
            "names": [record.name for record in records.values()],
            "began": [record.began for record in records.values()],
        },
    )
