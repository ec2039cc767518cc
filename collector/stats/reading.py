"""Write the SELECTs that read the cells of an answer: sealed ones as they are, open ones folded.

Pure. An open day answers with what sealing would keep: the thresholds are
those of `cells.thresholds`. Values never enter the text, only parameters do.
Called by `plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from collector.cells.schema import SKETCH
from collector.cells.thresholds import (
    CONTINUOUS_SUMS,
    folds_by_visits,
    known_values_stay,
    profile_of,
    survives_thin_day,
    threshold,
)
from collector.cells.views import DIMENSIONS, TOTAL, Grain, View, Vocabulary
from collector.hit import NONE, OTHER
from collector.registry.sites import Site
from collector.stats.query import Filter

KEPT_APART = {"timed_visits": "visits", "read_pageviews": "engaged_pageviews"}
"""Counts of those cells alone that keep continuous sums: what such a sum is divided by."""

_MERGE = SKETCH.replace("(", "Merge(", 1)
_KEEPS_SUMS = f"(view = {TOTAL.id} OR visitors >= {{small_sums:Int64}})"
_OPERATORS = {
    "is": "{column} IN {{{name}:Array(String)}}",
    "is_not": "{column} NOT IN {{{name}:Array(String)}}",
    "contains": (
        f"{{column}} != '{OTHER}' AND arrayExists(wanted -> "
        "positionCaseInsensitiveUTF8({column}, wanted) > 0, {{{name}:Array(String)}})"
    ),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Which cells one part of an answer is made of.

    Attributes:
        name: `rows` or `base`; names its parameters.
        filters: all on dimensions of the view; the first of both parts are the same ones.
    """

    name: str
    view: View
    grain: Grain
    filters: tuple[Filter, ...]

    def column(self, dimension: str) -> str:
        """Name the column that holds a dimension's values."""
        return ("value", "other")[self.view.dimensions.index(dimension)]

    @property
    def folds(self) -> bool:
        """Whether small cells are shown together as "(other)", rather than left out."""
        return len(self.view.dimensions) == 1 and all(
            one.operator == "is_not" for one in self.filters
        )

    @property
    def sql(self) -> str:
        """The condition on a cell to be of this part."""
        kept = [
            _OPERATORS[one.operator].format(column=self.column(one.dimension), name=f"filter{n}")
            for n, one in enumerate(self.filters)
        ]
        if self.grain is Grain.MINUTE:
            kept.append("at >= {since:UInt32}")
        return " AND ".join((self.of_its_view, *kept))

    @property
    def of_its_view(self) -> str:
        """The condition on a cell to be of this part's view and grain."""
        return f"view = {self.view.id} AND grain = {int(self.grain)}"

    @property
    def small(self) -> str:
        """The condition on an open cell to be too small to be told."""
        if not self.view.dimensions:
            return "0"
        weight = "visits" if folds_by_visits(self.view) else "visitors"
        small = f"{weight} < {{{self.name}_least:Int64}}"
        if known_values_stay(self.view, self.grain):
            known = f"has({{{self.name}_known:Array(String)}}, value)"
            small = f"({small} AND value != '{NONE}' AND NOT {known})"
        return " OR ".join((small, *self._thin))

    @property
    def _thin(self) -> tuple[str, ...]:
        if self.grain is Grain.HOUR:
            return ("has(thin_days, day)", "has(thin_hours, at)")
        return () if survives_thin_day(self.view) else ("has(thin_days, day)",)

    def parameters(self, site: Site) -> dict[str, Any]:
        """Give the thresholds of this part for a site's profile, and the values they spare."""
        least = threshold(profile_of(site.profile), self.view, self.grain)
        return {f"{self.name}_least": least, f"{self.name}_known": known_values(site, self.view)}


def known_values(site: Site, view: View) -> list[str]:
    """List the values of a view that a site declared as its own; they never fold."""
    if (
        len(view.dimensions) != 1
        or DIMENSIONS[view.dimensions[0]].vocabulary is not Vocabulary.KNOWN
    ):
        return []
    name = view.dimensions[0]
    if name == "hostname":
        return [site.domain, *site.hostnames]
    return [] if name == "source" else list(site.own_paths)


def parameters(site: Site, parts: tuple[Part, ...]) -> dict[str, Any]:
    """Give all parameters of the parts: the filters' values and the thresholds."""
    profile = profile_of(site.profile)
    bound: dict[str, Any] = {
        "site": site.id,
        "small_sums": profile.small_sums,
        "thin_day": profile.thin_day,
        "thin_hour": profile.thin_hour,
    }
    for part in parts:
        bound |= part.parameters(site)
        bound |= {f"filter{n}": list(one.values) for n, one in enumerate(part.filters)}
    return bound


def scalars() -> str:
    """Write what is asked once and holds for the whole statement: which days are sealed or thin."""
    return (
        f"{_SEALED} AS sealed, {_thin(Grain.DAY)} AS thin_days, {_thin(Grain.HOUR)} AS thin_hours"
    )


def cells(parts: tuple[Part, ...], sums: tuple[str, ...]) -> str:
    """Write the SELECT of all cells of the parts.

    Returns:
        A statement whose rows are `origin` (the part's place in `parts`), `day`, `at`, `value`,
        `other`, the sums, `visitors` and `folded` (how many values were folded into it).
    """
    taken = "".join(f"{_of_a_cell(name)}, " for name in sums)
    return (
        f"SELECT {_origin(parts)} AS origin, day, at, toString(value) AS value, "
        f"toString(other) AS other, {taken}visitors, toInt64(folded) AS folded FROM sealed_cells "
        f"WHERE {_of_parts(parts)} AND has(sealed, closes_at) "
        f"UNION ALL SELECT origin, day, at, shown AS value, other, {taken}visitors, folded "
        f"FROM ({_folded(parts, _read(sums))})"
    )


_SEALED = (
    "(SELECT groupArray(closes_at) FROM seals WHERE closes_at BETWEEN "
    "toDateTime({first:Date}, 'UTC') AND toDateTime({last:Date}, 'UTC') + INTERVAL 3 DAY)"
)


def _thin(grain: Grain) -> str:
    name, key = ("thin_hour", "at") if grain is Grain.HOUR else ("thin_day", "day")
    return (
        f"(SELECT groupArray({key}) FROM (SELECT {key} FROM open_cells "
        f"WHERE site = {{site:UInt32}} AND view = {TOTAL.id} AND grain = {int(grain)} AND day BETWEEN {{first:Date}} AND "
        f"{{last:Date}} GROUP BY {key} HAVING {_MERGE}(visitors) < {{{name}:Int64}}))"
    )


def _folded(parts: tuple[Part, ...], read: tuple[str, ...]) -> str:
    summed = "".join(f"sum({name}) AS {name}, " for name in read)
    small = ", ".join(f"origin = {n}, {part.small}" for n, part in enumerate(parts))
    folds = ", ".join(str(n) for n, part in enumerate(parts) if part.folds)
    merged = (
        f"SELECT view, {_origin(parts)} AS origin, day, at, value, other, {summed}"
        f"toInt64({_MERGE}(open_cells.visitors)) AS visitors FROM open_cells "
        f"WHERE {_of_parts(parts)} AND NOT has(sealed, closes_at) "
        "GROUP BY view, origin, day, at, value, other"
    )
    judged = f"SELECT *, multiIf({small}, 0) AS small FROM ({merged})"
    return (
        f"SELECT view, origin, day, at, if(small, '{OTHER}', value) AS shown, other, {summed}"
        f"sum(visitors) AS visitors, toInt64(countIf(small)) AS folded FROM ({judged}) "
        f"WHERE NOT small OR has([{folds}], origin) GROUP BY view, origin, day, at, shown, other"
    )


def _read(sums: tuple[str, ...]) -> tuple[str, ...]:
    # Visits are read whether asked for or not: exit pages are judged by them.
    return tuple(dict.fromkeys((*(KEPT_APART.get(name, name) for name in sums), "visits")))


def _of_a_cell(name: str) -> str:
    if name in KEPT_APART or name in CONTINUOUS_SUMS:
        return f"if({_KEEPS_SUMS}, {KEPT_APART.get(name, name)}, 0) AS {name}"
    return name


def _origin(parts: tuple[Part, ...]) -> str:
    return f"toUInt8(NOT ({parts[0].of_its_view}))"


def _of_parts(parts: tuple[Part, ...]) -> str:
    either = " OR ".join(f"({part.sql})" for part in parts)
    return f"site = {{site:UInt32}} AND day BETWEEN {{first:Date}} AND {{last:Date}} AND ({either})"
