"""Write, as SQL, what one cell is to folding: its shape, its keys, its group and its threshold.

Pure: expressions over the columns of a cell, generated from `thresholds` and
`views`. Called by `folding` alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.cells.schema import SKETCH
from collector.cells.thresholds import (
    NEVER,
    STANDARD,
    STRICT,
    Profile,
    averages_few,
    foldable_views,
    folds_by_visits,
    is_hierarchy,
    is_table,
    known_values_stay,
    marginals,
    parent_view,
    survives_thin_day,
    threshold,
)
from collector.cells.views import DIMENSIONS, TOTAL, VIEWS, Grain, View, Vocabulary
from collector.hit import NONE, OTHER

OWN_PATH_VIEWS = ("path", "entry_path", "exit_path")

TOTALS, LIST, HIERARCHY, TABLE = range(4)
"""The shapes of a cell's view; the total by day and by hour folds nothing."""

MERGED = f"toInt64({SKETCH.replace('(', 'Merge(')}(visitors))"
IS_STANDARD = "site IN (SELECT arrayJoin({standard:Array(UInt32)}))"
OF_CHUNK = (
    "closes_at = toDateTime({closes_at:UInt32}, 'UTC') "
    "AND site IN (SELECT arrayJoin({sites:Array(UInt32)}))"
)


def key(view: str, grain: str) -> str:
    """Name a cell by a number; that of a marginal is what `above` and `beside` look for."""
    return f"cityHash64(site, {view}, {grain}, value, other, at)"


def _marginal(view: str, value: str) -> str:
    day = f"toUInt8({int(Grain.DAY)})"
    return f"cityHash64(site, toUInt16({view}), {day}, {value}, '', toUInt32(0))"


def other_name() -> str:
    """Name the "(other)" that a cell of a list or hierarchy would go into."""
    return f"cityHash64(site, view, {other_value()}, {other_other()})"


def is_orphan() -> str:
    """Tell whether the parent or row value of a cell is folded in its own view."""
    return "(above != 0 AND above IN (SELECT id FROM closing_folds))"


def shape() -> str:
    """Tell which of the four shapes a cell has."""
    hierarchies = _ids(view for view in foldable_views() if is_hierarchy(view))
    tables = _ids(view for view in foldable_views() if is_table(view))
    return (
        f"toUInt8(multiIf(view = {TOTAL.id}, {TOTALS}, grain = {int(Grain.HOUR)}, {TABLE}, "
        f"view IN ({hierarchies}), {HIERARCHY}, view IN ({tables}), {TABLE}, {LIST}))"
    )


def weight() -> str:
    """Tell by what a cell is measured against its threshold."""
    counted = _ids(view for view in foldable_views() if folds_by_visits(view))
    return f"if(view IN ({counted}), visits, visitors)"


def row() -> str:
    """Name the group of a list's cell, or the row of a table's."""
    return (
        f"multiIf(shape = {TABLE}, cityHash64(site, view, grain, 1, value), "
        f"shape = {HIERARCHY}, cityHash64(site, view, {other_value(whole=False)}, "
        f"{other_other(whole=False)}), cityHash64(site, view))"
    )


def col() -> str:
    """Name the column of a table's cell; 0 for others."""
    return f"if(shape = {TABLE}, cityHash64(site, view, grain, 2, other, at), 0)"


def above() -> str:
    """Name the marginal cell of a table's row, or the parent of a hierarchy's child; or 0."""
    pairs = [(view, marginals(view)[0]) for view in foldable_views() if is_table(view)]
    parents = [(view, parent_view(view)) for view in foldable_views() if is_hierarchy(view)]
    return (
        f"multiIf(grain = {int(Grain.HOUR)}, {_marginal('view', 'value')}, "
        f"shape = {HIERARCHY}, {_marginal(_look_up(parents), _parent_value())}, "
        f"shape = {TABLE} AND {_look_up(pairs)} != 0, {_marginal(_look_up(pairs), 'value')}, 0)"
    )


def beside() -> str:
    """Name the marginal cell of a pair's column; or 0."""
    pairs = [(view, marginals(view)[1]) for view in foldable_views() if is_table(view)]
    return (
        f"if(shape = {TABLE} AND grain = {int(Grain.DAY)} AND {_look_up(pairs)} != 0, "
        f"{_marginal(_look_up(pairs), 'other')}, 0)"
    )


def is_thin() -> str:
    """Tell whether a cell belongs to a site-day or site-hour of too few visitors."""
    total = f"view = {TOTAL.id} AND {OF_CHUNK}"
    survivors = _ids(view for view in foldable_views() if survives_thin_day(view))
    days = (
        f"SELECT site FROM open_cells WHERE {total} AND grain = {int(Grain.DAY)} "
        f"GROUP BY site HAVING {MERGED} < {by_profile('thin_day')}"
    )
    hours = (
        f"SELECT site, at FROM open_cells WHERE {total} AND grain = {int(Grain.HOUR)} "
        f"GROUP BY site, at HAVING {MERGED} < {by_profile('thin_hour')}"
    )
    return (
        f"(view NOT IN ({survivors}) AND site IN ({days})) "
        f"OR (grain = {int(Grain.HOUR)} AND (site, at) IN ({hours}))"
    )


def needed() -> str:
    """Tell the threshold of a cell."""
    day, hour = (
        f"if({IS_STANDARD}, {_thresholds(STANDARD, grain)}, {_thresholds(STRICT, grain)})"
        for grain in (Grain.DAY, Grain.HOUR)
    )
    return (
        f"multiIf(grain = {int(Grain.HOUR)}, {hour}, "
        f"{_is_known()} AND {day} < {NEVER}, {by_profile('closed')}, {day})"
    )


def _is_known() -> str:
    lists = _ids(view for view in foldable_views() if known_values_stay(view))
    known = _ids(view for view in foldable_views() if _vocabulary_is_known(view))
    paths = ", ".join(str(id_of(name)) for name in OWN_PATH_VIEWS)
    declared = (
        "(site, view, value) IN (SELECT site, view, value FROM closing_known) "
        "OR (toUInt32(0), view, value) IN (SELECT site, view, value FROM closing_known)"
    )
    seen = (
        f"view IN ({paths}) AND (site, value) IN (SELECT site, path FROM own_paths "
        "WHERE since < toDateTime({closes_at:UInt32}, 'UTC') "
        "AND site IN (SELECT arrayJoin({sites:Array(UInt32)})))"
    )
    return (
        f"(view IN ({lists}) AND value = '{NONE}' OR view IN ({known}) AND ({declared} OR {seen}))"
    )


def _thresholds(profile: Profile, grain: Grain) -> str:
    return _transform([(view.id, threshold(profile, view, grain)) for view in foldable_views()])


def declared_views() -> str:
    """List the views that are declared."""
    return _ids(VIEWS)


def averaging_views() -> str:
    """List the views whose smallest cells tell averages."""
    return _ids(view for view in foldable_views() if averages_few(view))


def by_profile(field: str) -> str:
    """Give a field of the site's profile."""
    return f"if({IS_STANDARD}, {getattr(STANDARD, field)}, {getattr(STRICT, field)})"


def _look_up(pairs: list[tuple[View, View | None]]) -> str:
    return _transform([(view.id, found.id) for view, found in pairs if found is not None])


def _transform(pairs: list[tuple[int, int]]) -> str:
    keys, values = zip(*pairs, strict=True)
    return f"transform(view, {list(keys)}, {list(values)}, 0)"


def _parent_value() -> str:
    first, last, _ = _by_separator()
    return (
        f"multiIf(view IN ({first}), substringIndex(value, '-', 1), "
        f"view IN ({last}), {_before_last_space()}, value)"
    )


def other_value(*, whole: bool = True) -> str:
    """Write the value under which a folded cell is counted."""
    first, last, property_ = _by_separator()
    orphan = f"{is_orphan()}, '{OTHER}', " if whole else ""
    return (
        f"multiIf({orphan}view IN ({first}), concat(substringIndex(value, '-', 1), '-{OTHER}'), "
        f"view IN ({last}), concat({_before_last_space()}, ' {OTHER}'), "
        f"view IN ({property_}), value, '{OTHER}')"
    )


def other_other(*, whole: bool = True) -> str:
    """Write the second value under which a folded cell is counted."""
    property_ = _by_separator()[2]
    orphan = f"{is_orphan()}, if(view IN ({property_}), '{OTHER}', ''), " if whole else ""
    return (
        f"multiIf({orphan}view IN ({property_}), "
        f"concat(substringIndex(other, '=', 1), '={OTHER}'), '')"
    )


def _before_last_space() -> str:
    words = "splitByChar(' ', value)"
    return f"if(length({words}) > 1, arrayStringConcat(arrayPopBack({words}), ' '), value)"


def _by_separator() -> tuple[str, str, str]:
    found = {
        separator: _ids(
            view
            for view in foldable_views()
            if is_hierarchy(view) and DIMENSIONS[view.dimensions[-1]].separator == separator
        )
        for separator in ("-", " ", "=")
    }
    return found["-"], found[" "], found["="]


def _vocabulary_is_known(view: View) -> bool:
    return known_values_stay(view) and (
        DIMENSIONS[view.dimensions[0]].vocabulary is Vocabulary.KNOWN
    )


def id_of(dimension: str) -> int:
    """Find the number of a dimension's own view."""
    return next(view.id for view in foldable_views() if view.dimensions == (dimension,))


def _ids(views: Iterable[View]) -> str:
    return ", ".join(str(view.id) for view in views)
