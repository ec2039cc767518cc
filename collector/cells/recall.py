"""Read back which values open days hold, so that caps go on where the last process ended.

Knows which views hold the values that are capped; refuses to know caps. Called
once by `parts` before anything is delivered.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.cells.client import Store
from collector.cells.views import VIEW_BY_DIMENSIONS, VIEW_BY_ID, Grain
from collector.hit import HIT_VALUES, OTHER, VISIT_VALUES

Recalled = tuple[int, int, str, str, int]
"""(site, closes_at, dimension, value, how often it was seen), as `cardinality.Caps` takes it."""

# An entry page is decided where it is read, as a path.
_CAPPED = (*HIT_VALUES, *(name for name in VISIT_VALUES if name != "entry_path"))
_PROPERTY = VIEW_BY_DIMENSIONS[frozenset(("event", "property"))].id


def open_values(store: Store) -> Iterator[Recalled]:
    """Go through the values of all open days."""
    views = [VIEW_BY_DIMENSIONS[frozenset((name,))].id for name in _CAPPED]
    for site, closes_at, view, value, seen in store.query(
        "SELECT site, toUnixTimestamp(closes_at) AS ends, view, "
        f"if(view = {_PROPERTY}, other, value) AS kept, toInt64(sum(pageviews) + sum(events)) "
        f"FROM open_cells WHERE grain = {int(Grain.DAY)} AND view IN {{views:Array(UInt16)}} "
        "GROUP BY site, ends, view, kept",
        {"views": [*views, _PROPERTY]},
    ):
        if view != _PROPERTY:
            yield site, closes_at, VIEW_BY_ID[view].name, value, seen
            continue
        name, _, text = value.partition("=")
        if name != OTHER:
            yield site, closes_at, "property_name", name, seen
        if text and text != OTHER:
            yield site, closes_at, "property", value, seen
