"""Say which paths an owner declared as the site's own, for folding to leave them be.

Pure. Called by `sealing` and, for open days, by `stats.parts`.
"""

from __future__ import annotations

import re

from collector.registry.sites import Site

NOTHING = "^$"
"""A pattern that no path fits."""


def exact(site: Site) -> tuple[str, ...]:
    """List the own paths that are written out, and the templates that paths became."""
    return (*(path for path in site.own_paths if "*" not in path), *site.templates)


def pattern(site: Site) -> str:
    """Write the own paths with `*` as one regular expression (RE2) of whole paths."""
    sources = [
        ".*".join(re.escape(part) for part in path.split("*"))
        for path in site.own_paths
        if "*" in path
    ]
    return f"^(?:{'|'.join(sources)})$" if sources else NOTHING
