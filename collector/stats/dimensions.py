"""List what is particular about dimensions: their names in the reading API, and their pairs."""

from __future__ import annotations

from collector.cells.views import DIMENSIONS, VIEWS, Scope

PROPERTIES: dict[str, str] = {
    "event:page": "path",
    "event:hostname": "hostname",
    "event:name": "event",
    "event:goal": "goal",
    "event:search_query": "search_query",
    "event:currency": "currency",
    "visit:entry_page": "entry_path",
    "visit:exit_page": "exit_path",
    **{
        f"visit:{name}": name
        for name, dimension in DIMENSIONS.items()
        if dimension.scope is Scope.VISIT and name != "entry_path"
    },
}
"""Plausible's names of what one groups or filters by, two of ours, and our dimensions."""

PARTIAL = frozenset({"event", "property", "search_query", "goal", "currency", "exit_path"})
"""Dimensions of which some hits have no value: their rows do not sum to the total."""


def partners(name: str) -> tuple[str, ...]:
    """List the dimensions that a dimension is kept together with, in the order of declaration."""
    return tuple(
        other
        for view in VIEWS
        if name in view.dimensions
        for other in view.dimensions
        if other != name
    )
