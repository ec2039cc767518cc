"""Say which cells an answer is made of, and which of them are too small to be told.

Pure. The thresholds are those of `cells.thresholds`; but whether a day is thin
is known when it is over, so only profiles that say so hide slices before.
Source: docs/design/0010-open-days.md. Values never enter the text of a
condition, only parameters do. Called by `plan` and `reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector.cells.folding_sql import OWN_PATH_VIEWS
from collector.cells.own_paths import exact, pattern
from collector.cells.thresholds import (
    NEVER,
    Profile,
    folds_by_visits,
    is_table,
    known_values_stay,
    profile_of,
    survives_thin_day,
    threshold,
)
from collector.cells.views import DIMENSIONS, Grain, View, Vocabulary
from collector.hit import NONE, OTHER
from collector.registry.sites import Site
from collector.stats.query import Filter

Known = Mapping[str, Sequence[str]]
"""Values that are nobody's secret at any site, such as the named sources; by dimension."""

_OPERATORS = {
    "is": "{column} IN {{{name}:Array(String)}}",
    "is_not": "{column} NOT IN {{{name}:Array(String)}}",
    "contains": (
        f"{{column}} != '{OTHER}' AND arrayExists(wanted -> "
        "positionCaseInsensitiveUTF8({column}, wanted) > 0, {{{name}:Array(String)}})"
    ),
    "starts": "arrayExists(wanted -> startsWith({column}, wanted), {{{name}:Array(String)}})",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cells one part of an answer is made of.

    Attributes:
        name: `rows` or `base`; names its parameters.
        filters: all on dimensions of the view; the first of both parts are the same ones.
    """

    name: str
    view: View
    grain: Grain
    filters: tuple[Filter, ...]

    @property
    def is_list(self) -> bool:
        """Whether small cells become "(other)"; in tables they are left out, totals have none."""
        return bool(self.view.dimensions) and self.grain is Grain.DAY and not is_table(self.view)

    @property
    def of_its_view(self) -> str:
        """The condition on a cell to be of this part's view and grain."""
        return f"view = {self.view.id} AND grain = {int(self.grain)}"

    @property
    def number(self) -> int:
        """What tells its cells from those of another part: `view * 4 + grain`."""
        return self.view.id * 4 + int(self.grain)

    def wanted(self, value: str = "value", other: str = "other") -> str:
        """Write the condition on a cell to pass the filters.

        Args:
            value: the column of the first dimension's values; `other` of the second's.
        """
        kept = [
            _OPERATORS[one.operator].format(
                column=(value, other)[self.view.dimensions.index(one.dimension)], name=f"filter{n}"
            )
            for n, one in enumerate(self.filters)
        ]
        if self.grain is Grain.MINUTE:
            kept.append("at >= {since:UInt32}")
        return " AND ".join(kept) or "1"

    @property
    def to_read(self) -> str:
        """The condition on an open cell to be read: a list is folded whole, then filtered."""
        return self.of_its_view if self.is_list else f"{self.of_its_view} AND {self.wanted()}"

    @property
    def weight(self) -> str:
        """The sum that the threshold looks at."""
        return "visits" if folds_by_visits(self.view) else "visitors"

    def needed(self, *, thin: bool) -> str:
        """Write how much weight an open cell needs to be told.

        Args:
            thin: whether `thin_days` and `thin_hours` list slices that tell only their totals.
        """
        if not self.view.dimensions:
            return "0"
        least = f"{{{self.name}_least:Int64}}"
        if known_values_stay(self.view, self.grain):
            least = f"if({self._known}, 0, {least})"
        slices = self._thin if thin else ()
        return f"if({' OR '.join(slices)}, {NEVER}, {least})" if slices else least

    def parameters(self, site: Site, profile: Profile, known: Known) -> dict[str, Any]:
        """Give the threshold of this part, the values it spares and the filters' values."""
        least = threshold(profile, self.view, self.grain)
        return {
            f"{self.name}_least": least,
            f"{self.name}_own": pattern(site),
            f"{self.name}_known": self._known_values(site, known) if least < NEVER else [],
            **{f"filter{n}": list(one.values) for n, one in enumerate(self.filters)},
        }

    @property
    def _known(self) -> str:
        known = f"has({{{self.name}_known:Array(String)}}, value)"
        if self.view.dimensions[0] not in OWN_PATH_VIEWS:
            return known
        seen = "value IN (SELECT path FROM own_paths WHERE site = {site:UInt32})"
        return f"({known} OR {seen} OR match(value, {{{self.name}_own:String}}))"

    @property
    def _thin(self) -> tuple[str, ...]:
        if self.grain is Grain.HOUR:
            return ("has(thin_days, day)", "has(thin_hours, at)")
        return () if survives_thin_day(self.view) else ("has(thin_days, day)",)

    def _known_values(self, site: Site, known: Known) -> list[str]:
        if not known_values_stay(self.view, self.grain):
            return []
        name = self.view.dimensions[0]
        if DIMENSIONS[name].vocabulary is not Vocabulary.KNOWN:
            return [NONE]
        own = exact(site) if name in OWN_PATH_VIEWS else ()
        hosts = (site.domain, f"www.{site.domain}", *site.hostnames) if name == "hostname" else ()
        return [NONE, *known.get(name, ()), *own, *hosts]


def parameters(site: Site, parts: tuple[Selection, ...], known: Known) -> dict[str, Any]:
    """Give all parameters that the parts' conditions name."""
    profile = profile_of(site.profile)
    bound: dict[str, Any] = {"site": site.id}
    for part in parts:
        bound |= part.parameters(site, profile, known)
    return bound
