"""Keep the paths of a site's sitemap in the store, where folding and reading look them up.

Knows the table of own paths; refuses to read a sitemap. A path is declared from
1970 on, so it is known for every day that is still open. Called by `errands`.
"""

from __future__ import annotations

from collections.abc import Sequence

from collector.cells.client import Store

AT_ONCE = 500
_DECLARED = "site = {site:UInt32} AND since = toDateTime(0, 'UTC')"


def declare_paths(store: Store, site: int, paths: Sequence[str]) -> None:
    """Replace the paths that a site declared by a sitemap; none takes them all back."""
    store.command(
        f"ALTER TABLE own_paths DELETE WHERE {_DECLARED}", {"mutations_sync": 2}, {"site": site}
    )
    for start in range(0, len(paths), AT_ONCE):
        store.command(
            "INSERT INTO own_paths SELECT {site:UInt32}, arrayJoin({paths:Array(String)}), "
            "toDateTime(0, 'UTC')",
            {"async_insert": 0},
            {"site": site, "paths": list(paths[start : start + AT_ONCE])},
        )
