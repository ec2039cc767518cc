"""Write the two small SELECTs that answer a question: one of sealed cells, one of open ones.

Pure. ClickHouse takes longer to analyse a statement than to read the cells, so each contains no
more than its question needs, and the small cells of an open day are folded in Python. Values
are bound as parameters and are never part of the text. The thresholds are those of
`cells.thresholds`; whether a day is thin is known when it is over, so only profiles that ask for
it hide thin slices before. Source: docs/design/0010-open-days.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector.cells.folding_sql import (
    OTHER_OTHER_IN_PARENT,
    OTHER_VALUE_IN_PARENT,
    OWN_PATH_VIEWS,
)
from collector.cells.schema import SKETCH
from collector.cells.thresholds import (
    CONTINUOUS_SUMS,
    NEVER,
    Profile,
    folds_by_visits,
    is_hierarchy,
    is_table,
    known_values_stay,
    open_table,
    profile_of,
    survives_thin_day,
    threshold,
)
from collector.cells.views import DIMENSIONS, TOTAL, Grain, View, Vocabulary
from collector.hit import NONE, OTHER
from collector.registry.sites import Site
from collector.stats.query import Filter

Known = Mapping[str, Sequence[str]]
"""Values that identify no visitor at any site, such as the named sources; by dimension."""

Keys = Callable[[str, str], str]
"""Writes the key of a row from the two columns that hold a cell's values."""

LARGE_CELLS_ONLY = {"timed_visits": "visits", "read_pageviews": "engaged_pageviews"}
"""Counts of only those cells that keep continuous sums: the denominators of such sums."""

CONTINUOUS = (*CONTINUOUS_SUMS, *LARGE_CELLS_ONLY)
"""The sums that a cell of few visitors leaves out."""

NO_KEY = "''"
"""The key where only the sums of a whole selection are read."""

_MERGE = SKETCH.replace("(", "Merge(", 1)
_VISITORS = f"toInt64({_MERGE}(cells.visitors))"
_WEIGHTS = {"visitors": _VISITORS, "visits": "sum(cells.visits)"}
_IN_PERIOD = "site = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date}"
_SELECTION = "view * 4 + grain AS selection"

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
        name: `rows` or `base`; the prefix of its parameters.
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
    def number(self) -> int:
        """The number in the column `selection` of its rows: `view * 4 + grain`."""
        return self.view.id * 4 + int(self.grain)

    @property
    def of_view(self) -> str:
        """The condition that a cell is of this view and grain."""
        return f"view = {self.view.id} AND grain = {int(self.grain)}"

    def matches(self, value: str = "value", other: str = "other") -> str:
        """Write the condition that a cell passes the filters.

        Args:
            value: the column of the first dimension's values; `other` of the second's.
        """
        conditions = [
            _OPERATORS[one.operator].format(
                column=(value, other)[self.view.dimensions.index(one.dimension)], name=f"filter{n}"
            )
            for n, one in enumerate(self.filters)
        ]
        if self.grain is Grain.MINUTE:
            conditions.append("at >= {since:UInt32}")
        return " AND ".join(conditions) or "1"

    @property
    def to_read(self) -> str:
        """The condition that an open cell is read: a list is folded whole, then filtered."""
        return self.of_view if self.is_list else f"{self.of_view} AND {self.matches()}"

    @property
    def weight(self) -> str:
        """The sum that is compared with the threshold."""
        return "visits" if folds_by_visits(self.view) else "visitors"

    def threshold(self, *, thin: bool) -> str:
        """Write how much weight an open cell needs, or else it is folded.

        Args:
            thin: whether `thin_days` and `thin_hours` list slices that show only their totals.
        """
        if not self.view.dimensions:
            return "0"
        least = f"{{{self.name}_least:Int64}}"
        if known_values_stay(self.view, self.grain):
            least = f"if({self._is_known}, 0, {least})"
        slices = self._is_thin if thin else ()
        return f"if({' OR '.join(slices)}, {NEVER}, {least})" if slices else least

    def parameters(self, site: Site, profile: Profile, known: Known) -> dict[str, Any]:
        """Return the threshold, the values that never fold and the filters' values."""
        least = threshold(profile, self.view, self.grain)
        return {
            f"{self.name}_least": least,
            f"{self.name}_own": site.own_path_pattern,
            f"{self.name}_known": self._known_values(site, known) if least < NEVER else [],
            **{f"filter{n}": list(one.values) for n, one in enumerate(self.filters)},
        }

    @property
    def _is_known(self) -> str:
        known = f"has({{{self.name}_known:Array(String)}}, value)"
        if self.view.dimensions[0] not in OWN_PATH_VIEWS:
            return known
        seen = "value IN (SELECT path FROM own_paths WHERE site = {site:UInt32})"
        return f"({known} OR {seen} OR match(value, {{{self.name}_own:String}}))"

    @property
    def _is_thin(self) -> tuple[str, ...]:
        if self.grain is Grain.HOUR:
            return ("has(thin_days, day)", "has(thin_hours, at)")
        return () if survives_thin_day(self.view) else ("has(thin_days, day)",)

    def _known_values(self, site: Site, known: Known) -> list[str]:
        if not known_values_stay(self.view, self.grain):
            return []
        name = self.view.dimensions[0]
        if DIMENSIONS[name].vocabulary is not Vocabulary.KNOWN:
            return [NONE]
        own = site.exact_own_paths if name in OWN_PATH_VIEWS else ()
        hosts = (site.domain, f"www.{site.domain}", *site.hostnames) if name == "hostname" else ()
        return [NONE, *known.get(name, ()), *own, *hosts]


def parameters(site: Site, selections: Sequence[Selection], known: Known) -> dict[str, Any]:
    """Return all parameters that the conditions of some selections name."""
    profile = profile_of(site.profile)
    bound: dict[str, Any] = {"site": site.id}
    for one in selections:
        bound |= one.parameters(site, profile, known)
    return bound


def sealed_select(
    selections: Sequence[Selection], sums: Sequence[str], key: str, weight: str
) -> str:
    """Write the SELECT of sealed cells.

    Args:
        key: the expression of a row's key.
        weight: the sum by which rows are sorted, heaviest first, then by key.

    Returns:
        A statement whose columns are `selection, key, folded_count` and the sums. The row with
        the sums of a whole selection has no key. It and the rows with a key in `kept` come
        first, then other rows of the first selection, `taken` rows in all.
    """
    rows = selections[0]
    either = " OR ".join(f"({one.of_view} AND {one.matches()})" for one in selections)
    read = ", ".join(f"sum({_unless_suppressed(name)}) AS {name}" for name in sums)
    not_empty = " OR ".join(f"{name} != 0" for name in sums)
    by_key = (
        f", key WITH ROLLUP HAVING grouping(key) OR selection = {rows.number} AND ({not_empty}) "
        f"ORDER BY key IN {{kept:Array(String)}} DESC, {weight} DESC, key LIMIT {{taken:UInt64}}"
    )
    return (
        f"SELECT {_SELECTION}, {key} AS key, {_folded_count(rows)} AS folded_count, {read} "
        f"FROM sealed_cells WHERE {_IN_PERIOD} AND closes_at IN {{sealed:Array(UInt32)}} "
        f"AND ({either}) GROUP BY selection{'' if key == NO_KEY else by_key}"
    )


def _unless_suppressed(name: str) -> str:
    column = f"sealed_cells.{LARGE_CELLS_ONLY.get(name, name)}"
    return f"if(struck, 0, {column})" if name in CONTINUOUS else column


def _folded_count(selection: Selection) -> str:
    """Write how many values were folded: the largest number of any day of the period."""
    if not selection.is_list:
        return "0"
    if is_hierarchy(selection.view):
        return "arrayMax(sumMapIf([day], [folded], folded > 0).2)"
    return "max(folded)"


def open_select(
    selections: Sequence[Selection], sums: Sequence[str], keys: Keys, profile: Profile
) -> str:
    """Write the SELECT of open cells, none of which is folded yet.

    Args:
        sums: visitors last.

    Returns:
        A statement whose columns are those of `open_day_folding.OpenCell`.
    """
    rows = selections[0]
    either = " OR ".join(f"({one.to_read})" for one in selections)
    read = "".join(f"sum(cells.{LARGE_CELLS_ONLY.get(name, name)}), " for name in sums[:-1])
    value, other = f"'{OTHER}'", "''"
    if is_hierarchy(rows.view):
        value, other = OTHER_VALUE_IN_PARENT, OTHER_OTHER_IN_PARENT
    thin = profile.thin_while_open
    threshold = _of_each(selections, lambda one: one.threshold(thin=thin))
    # A page that every visit moved on from is no exit page: it hides nothing when folded.
    left = " HAVING weight != 0" if rows.weight == "visits" else ""
    return (
        f"{_thin_slices(profile) if thin else ''}"
        f"SELECT {_SELECTION}, day, {value} AS fold_value, {other} AS fold_other, "
        f"{keys('value', 'other')} AS key, {keys('fold_value', 'fold_other')} AS fold_key, "
        f"{_of_each(selections, lambda one: one.matches() if one.is_list else '1')} AS matches, "
        f"{_of_each(selections, _fold_matches)} AS fold_matches, {threshold} AS threshold, "
        f"cityHash64({{site:UInt32}}, view, toUInt8({int(Grain.DAY)}), value, other, at) AS id, "
        f"{_WEIGHTS[rows.weight]} AS weight, tuple({read}{_VISITORS}) AS sums "
        f"FROM {open_table(profile.name)} AS cells WHERE {_IN_PERIOD} "
        f"AND closes_at NOT IN {{sealed:Array(UInt32)}} AND ({either}) "
        f"GROUP BY view, grain, day, at, value, other{left}"
    )


def _thin_slices(profile: Profile) -> str:
    """Write which days and hours have too few visitors to show more than their totals."""
    return "WITH {}, {} ".format(
        *(
            f"(SELECT groupArray({key}) FROM (SELECT {key} FROM {open_table(profile.name)} "
            f"WHERE {_IN_PERIOD} AND view = {TOTAL.id} AND grain = {int(grain)} GROUP BY {key} "
            f"HAVING {_MERGE}(visitors) < {least})) AS {name}"
            for name, grain, key, least in (
                ("thin_days", Grain.DAY, "day", profile.thin_day),
                ("thin_hours", Grain.HOUR, "at", profile.thin_hour),
            )
        )
    )


def _fold_matches(selection: Selection) -> str:
    return selection.matches("fold_value", "fold_other") if selection.is_list else "0"


def _of_each(selections: Sequence[Selection], write: Callable[[Selection], str]) -> str:
    first, *others = selections
    if not others:
        return write(first)
    return f"if(selection = {first.number}, {write(first)}, {write(others[0])})"
