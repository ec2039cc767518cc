"""Write SQL expressions for folding: a cell's shape, keys, group, threshold and "(other)".

All are generated from `views` and `thresholds`; docs/sql/seal_1_gather.sql shows them in place.
"""

from __future__ import annotations

from collections import Counter
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
"""The shapes of a cell's view; totals are never folded."""

CLOSES_AT = "toDateTime({closes_at:UInt32}, 'UTC')"
MERGED = f"toInt64({SKETCH.replace('(', 'Merge(')}(visitors))"
IS_STANDARD = "site IN (SELECT arrayJoin({standard:Array(UInt32)}))"
OF_CHUNK = f"closes_at = {CLOSES_AT} AND site IN (SELECT arrayJoin({{sites:Array(UInt32)}}))"
IS_ORPHAN = "(parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded))"
"""The condition on a cell whose parent or row value is folded in its own view."""


def _ids(views: Iterable[View]) -> str:
    return ", ".join(str(view.id) for view in views)


def _joined_by(separator: str) -> str:
    """List the hierarchies whose values join parent and child by a separator."""
    return _ids(
        view
        for view in foldable_views()
        if is_hierarchy(view) and DIMENSIONS[view.dimensions[-1]].separator == separator
    )


# In the values `DE-BE`, `Mac OS 15` and the pair `buy`, `plan=pro` the parents are `DE`, `Mac OS`
# and `buy`.
_DASHED, _SPACED, _PROPERTIES = _joined_by("-"), _joined_by(" "), _joined_by("=")
_WORDS = "splitByChar(' ', value)"
_BEFORE_DASH = "substringIndex(value, '-', 1)"
_BEFORE_LAST_SPACE = (
    f"if(length({_WORDS}) > 1, arrayStringConcat(arrayPopBack({_WORDS}), ' '), value)"
)
_PARENT_VALUE = (
    f"multiIf(view IN ({_DASHED}), {_BEFORE_DASH}, "
    f"view IN ({_SPACED}), {_BEFORE_LAST_SPACE}, value)"
)

OTHER_VALUE_IN_PARENT = (
    f"multiIf(view IN ({_DASHED}), concat({_BEFORE_DASH}, '-{OTHER}'), "
    f"view IN ({_SPACED}), concat({_BEFORE_LAST_SPACE}, ' {OTHER}'), "
    f"view IN ({_PROPERTIES}), value, '{OTHER}')"
)
"""The `value` that a cell is folded into, within its parent.

`DE-BE` becomes `DE-(other)`, `Firefox 142` becomes `Firefox (other)`, `/pricing` becomes
`(other)`; an event property keeps its event, `buy`, and is folded in the second column.
"""

OTHER_OTHER_IN_PARENT = (
    f"multiIf(view IN ({_PROPERTIES}), concat(substringIndex(other, '=', 1), '={OTHER}'), '')"
)
"""The `other` that a cell is folded into: `plan=pro` becomes `plan=(other)`; else empty."""

OTHER_VALUE = f"if({IS_ORPHAN}, '{OTHER}', {OTHER_VALUE_IN_PARENT})"
"""As `OTHER_VALUE_IN_PARENT`, but where `DE` is folded itself, `DE-BE` becomes `(other)`."""

OTHER_OTHER = (
    f"if({IS_ORPHAN}, if(view IN ({_PROPERTIES}), '{OTHER}', ''), {OTHER_OTHER_IN_PARENT})"
)
"""As `OTHER_OTHER_IN_PARENT`, but where `buy` is folded itself, `plan=pro` becomes `(other)`."""

OTHER_ID = f"cityHash64(site, view, {OTHER_VALUE}, {OTHER_OTHER})"
"""Identifies the "(other)" that a cell of a list or hierarchy is folded into."""


def cell_id(view: str, grain: str) -> str:
    """Identify a cell by a number; `parent_id` and `col_parent_id` hold those of marginals."""
    return f"cityHash64(site, {view}, {grain}, value, other, at)"


def _marginal_id(view: str, value: str) -> str:
    """Identify the day cell of a value in a view with one dimension."""
    day = f"toUInt8({int(Grain.DAY)})"
    return f"cityHash64(site, toUInt16({view}), {day}, {value}, '', toUInt32(0))"


def shape() -> str:
    """Return which of the four shapes a cell has."""
    hierarchies = _ids(view for view in foldable_views() if is_hierarchy(view))
    tables = _ids(view for view in foldable_views() if is_table(view))
    return (
        f"toUInt8(multiIf(view = {TOTAL.id}, {TOTALS}, grain = {int(Grain.HOUR)}, {TABLE}, "
        f"view IN ({hierarchies}), {HIERARCHY}, view IN ({tables}), {TABLE}, {LIST}))"
    )


def weight() -> str:
    """Return the count that is compared with the threshold: visitors, or visits of exit pages."""
    counted = _ids(view for view in foldable_views() if folds_by_visits(view))
    return f"if(view IN ({counted}), visits, visitors)"


def row() -> str:
    """Identify the group of a list's cell, or the row of a table's."""
    return (
        f"multiIf(shape = {TABLE}, cityHash64(site, view, grain, 1, value), "
        f"shape = {HIERARCHY}, "
        f"cityHash64(site, view, {OTHER_VALUE_IN_PARENT}, {OTHER_OTHER_IN_PARENT}), "
        "cityHash64(site, view))"
    )


def col() -> str:
    """Identify the column of a table's cell; 0 for other shapes."""
    return f"if(shape = {TABLE}, cityHash64(site, view, grain, 2, other, at), 0)"


def parent_id() -> str:
    """Identify the parent of a hierarchy's cell, or the marginal cell of a table's row; else 0."""
    parents = _mapped((view, parent_view(view)) for view in foldable_views() if is_hierarchy(view))
    rows = _mapped((view, marginals(view)[0]) for view in foldable_views() if is_table(view))
    return (
        f"multiIf(grain = {int(Grain.HOUR)}, {_marginal_id('view', 'value')}, "
        f"shape = {HIERARCHY}, {_marginal_id(parents, _PARENT_VALUE)}, "
        f"shape = {TABLE}, {_marginal_id(rows, 'value')}, 0)"
    )


def col_parent_id() -> str:
    """Identify the marginal cell of a pair's column; else 0."""
    columns = _mapped((view, marginals(view)[1]) for view in foldable_views() if is_table(view))
    return f"if(shape = {TABLE} AND grain = {int(Grain.DAY)}, {_marginal_id(columns, 'other')}, 0)"


def is_thin() -> str:
    """Return whether a cell belongs to a site-day or site-hour with too few visitors."""
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


def cell_threshold() -> str:
    """Return the weight that a cell needs to be listed."""
    day, hour = (
        _of_profile(_thresholds(STANDARD, grain), _thresholds(STRICT, grain))
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
    own = (
        f"view IN ({paths}) AND (site, value) IN (SELECT site, path FROM own_paths "
        f"WHERE since < {CLOSES_AT} AND site IN (SELECT arrayJoin({{sites:Array(UInt32)}})))"
    )
    return (
        f"(view IN ({lists}) AND value = '{NONE}' OR view IN ({known}) AND ({declared} OR {own}))"
    )


def _thresholds(profile: Profile, grain: Grain) -> str:
    least = {view.id: threshold(profile, view, grain) for view in foldable_views()}
    ((usual, _),) = Counter(least.values()).most_common(1)
    return _transform([(view, k) for view, k in least.items() if k != usual], usual)


def declared_views() -> str:
    """List the views that are declared."""
    return _ids(VIEWS)


def averaging_views() -> str:
    """List the views whose smallest cells are averaged."""
    return _ids(view for view in foldable_views() if averages_few(view))


def by_profile(field: str) -> str:
    """Return a field of the site's profile."""
    return _of_profile(getattr(STANDARD, field), getattr(STRICT, field))


def _of_profile(standard: object, strict: object) -> str:
    return str(standard) if standard == strict else f"if({IS_STANDARD}, {standard}, {strict})"


def _mapped(pairs: Iterable[tuple[View, View | None]]) -> str:
    """Map a cell's view to another one; 0, which is the view of no gathered cell, if none."""
    return _transform([(view.id, found.id) for view, found in pairs if found is not None])


def _transform(pairs: list[tuple[int, int]], default: int = 0) -> str:
    if not pairs:
        return str(default)
    keys, values = zip(*pairs, strict=True)
    return f"transform(view, {list(keys)}, {list(values)}, {default})"


def _vocabulary_is_known(view: View) -> bool:
    return known_values_stay(view) and (
        DIMENSIONS[view.dimensions[0]].vocabulary is Vocabulary.KNOWN
    )


def id_of(dimension: str) -> int:
    """Return the id of a dimension's own view."""
    return next(view.id for view in foldable_views() if view.dimensions == (dimension,))
