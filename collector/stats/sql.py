"""Write the two small SELECTs that answer a question: one of sealed cells, one of open ones.

Pure. ClickHouse takes longer to analyse a statement than to read the cells, so each says no
more than its question needs, and what is small in an open day is folded in `unsealed`.
Called by `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collector.cells.folding_sql import OTHER_OTHER_IN_PARENT, OTHER_VALUE_IN_PARENT
from collector.cells.schema import SKETCH
from collector.cells.thresholds import CONTINUOUS_SUMS, Profile, is_hierarchy, open_table
from collector.cells.views import TOTAL, Grain
from collector.hit import OTHER
from collector.stats.selection import Selection

KEPT_APART = {"timed_visits": "visits", "read_pageviews": "engaged_pageviews"}
"""Counts of those cells alone that keep continuous sums: what such a sum is divided by."""

FINE = (*CONTINUOUS_SUMS, *KEPT_APART)
"""What a cell of few visitors does not tell."""

NO_KEY = "''"
"""The key where only whole parts are asked."""

_MERGE = SKETCH.replace("(", "Merge(", 1)
_OF_PERIOD = "site = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date}"
_PART = "view * 4 + grain AS part"


def of_sealed(parts: Sequence[Selection], sums: Sequence[str], key: str, weight: str) -> str:
    """Write the SELECT of sealed cells.

    Args:
        key: the expression of a line's key.
        weight: the sum by which lines are sorted, heaviest first, then by key.

    Returns:
        A statement whose rows are `part, key, told` and the sums; `told` is how many values were
        folded. The row of a whole part has no key. It and the lines with a key in `kept` come
        first, then other lines of the first part, `taken` rows in all.
    """
    either = " OR ".join(f"({part.of_its_view} AND {part.wanted()})" for part in parts)
    read = ", ".join(f"sum({_unless_struck(name)}) AS {name}" for name in sums)
    something = " OR ".join(f"{name} != 0" for name in sums)
    lines = (
        f", key WITH ROLLUP HAVING grouping(key) OR part = {parts[0].number} AND ({something}) "
        f"ORDER BY key IN {{kept:Array(String)}} DESC, {weight} DESC, key LIMIT {{taken:UInt64}}"
    )
    return (
        f"SELECT {_PART}, {key} AS key, {_told(parts[0])} AS told, {read} "
        f"FROM sealed_cells WHERE {_OF_PERIOD} AND closes_at IN {{sealed:Array(UInt32)}} "
        f"AND ({either}) GROUP BY part{'' if key == NO_KEY else lines}"
    )


def _unless_struck(name: str) -> str:
    column = f"sealed_cells.{KEPT_APART.get(name, name)}"
    return f"if(struck, 0, {column})" if name in FINE else column


def _told(part: Selection) -> str:
    """Write how many values were folded: of all days, on the one on which it was most."""
    if not part.is_list:
        return "0"
    if is_hierarchy(part.view):
        return "arrayMax(sumMapIf([day], [folded], folded > 0).2)"
    return "max(folded)"


def of_open(
    parts: Sequence[Selection],
    sums: Sequence[str],
    keys: Callable[[str, str], str],
    profile: Profile,
) -> str:
    """Write the SELECT of open cells, nothing of which is folded yet.

    Args:
        sums: visitors last.
        keys: writes a line's key from the two columns that hold a cell's values.

    Returns:
        A statement whose rows are those of `unsealed.Row`.
    """
    rows = parts[0]
    either = " OR ".join(f"({part.to_read})" for part in parts)
    read = "".join(f", sum(cells.{KEPT_APART.get(name, name)}) AS {name}" for name in sums[:-1])
    called, further = _other_of(rows)
    thin = profile.thin_while_open
    needed = _each(parts, lambda part: part.needed(thin=thin))
    # A page that every visit moved on from is no exit page: it hides nothing when folded.
    left = " HAVING weight != 0" if rows.weight == "visits" else ""
    return (
        f"{_thin_slices(profile) if thin else ''}"
        f"SELECT {_PART}, day, {keys('value', 'other')} AS key, {called} AS called, "
        f"{further} AS further, {keys('called', 'further')} AS called_key, "
        f"{_each(parts, lambda part: part.wanted() if part.is_list else '1')} AS is_wanted, "
        f"{_each(parts, _wants_folded)} AS wants_folded, {needed} AS needed, "
        f"cityHash64({{site:UInt32}}, view, toUInt8({int(Grain.DAY)}), value, other, at) AS id, "
        f"{_WEIGHTS[rows.weight]} AS weight{read}, {_VISITORS} AS visitors "
        f"FROM {open_table(profile.name)} AS cells WHERE {_OF_PERIOD} "
        f"AND closes_at NOT IN {{sealed:Array(UInt32)}} AND ({either}) "
        f"GROUP BY view, grain, day, at, value, other{left}"
    )


_VISITORS = f"toInt64({_MERGE}(cells.visitors))"
_WEIGHTS = {"visitors": _VISITORS, "visits": "sum(cells.visits)"}


def _thin_slices(profile: Profile) -> str:
    """Ask which days and hours have too few visitors to be told apart, before they are over."""
    return "WITH {}, {} ".format(
        *(
            f"(SELECT groupArray({key}) FROM (SELECT {key} FROM {open_table(profile.name)} "
            f"WHERE {_OF_PERIOD} AND view = {TOTAL.id} AND grain = {int(grain)} GROUP BY {key} "
            f"HAVING {_MERGE}(visitors) < {least})) AS {name}"
            for name, grain, key, least in (
                ("thin_days", Grain.DAY, "day", profile.thin_day),
                ("thin_hours", Grain.HOUR, "at", profile.thin_hour),
            )
        )
    )


def _wants_folded(part: Selection) -> str:
    return part.wanted("called", "further") if part.is_list else "0"


def _other_of(rows: Selection) -> tuple[str, str]:
    """Name the "(other)" that a cell would go into; shorter where it has no parents."""
    if is_hierarchy(rows.view):
        return OTHER_VALUE_IN_PARENT, OTHER_OTHER_IN_PARENT
    return f"'{OTHER}'", "''"


def _each(parts: Sequence[Selection], what: Callable[[Selection], str]) -> str:
    first, *others = parts
    if not others:
        return what(first)
    return f"if(part = {first.number}, {what(first)}, {what(others[0])})"
