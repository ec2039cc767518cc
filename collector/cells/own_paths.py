"""Store the paths of a site's sitemap, which are never folded."""

from __future__ import annotations

from collections.abc import Sequence

from collector.cells.client import Store

_PATHS_PER_INSERT = 500
# Since 1970, so that they are known for every open day.
_FROM_SITEMAP = "site = {site:UInt32} AND since = toDateTime(0, 'UTC')"


def declare_paths(store: Store, site: int, paths: Sequence[str]) -> None:
    """Replace the paths of a site's sitemap; an empty sequence removes them."""
    store.command(
        f"ALTER TABLE own_paths DELETE WHERE {_FROM_SITEMAP}", {"mutations_sync": 2}, {"site": site}
    )
    for start in range(0, len(paths), _PATHS_PER_INSERT):
        store.command(
            "INSERT INTO own_paths SELECT {site:UInt32}, arrayJoin({paths:Array(String)}), "
            "toDateTime(0, 'UTC')",
            {"async_insert": 0},
            {"site": site, "paths": list(paths[start : start + _PATHS_PER_INSERT])},
        )
