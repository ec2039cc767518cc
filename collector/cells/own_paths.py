"""Tell which paths are a site's own, so that folding keeps them even with one visitor.

Own are the paths in the site's settings, the templates that paths are grouped under, and the paths
of its sitemap, which are kept in the table `own_paths`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from collector.registry.sites import Site

if TYPE_CHECKING:
    from collector.cells.client import Store

NOTHING = "^$"
"""A pattern that matches no path."""

_PATHS_PER_INSERT = 500
# A path of the sitemap counts as own for every open day, so it is stored as known since 1970.
_FROM_SITEMAP = "site = {site:UInt32} AND since = toDateTime(0, 'UTC')"


def exact(site: Site) -> tuple[str, ...]:
    """List the own paths that contain no `*`, and the templates that paths are grouped under."""
    return (*(path for path in site.own_paths if "*" not in path), *site.templates)


def pattern(site: Site) -> str:
    """Write the own paths that contain `*` as one regular expression (RE2) for whole paths."""
    sources = [
        ".*".join(re.escape(part) for part in path.split("*"))
        for path in site.own_paths
        if "*" in path
    ]
    return f"^(?:{'|'.join(sources)})$" if sources else NOTHING


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
