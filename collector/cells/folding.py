"""Write the statements that fold the cells of a closed day: sketches in, integers out.

All work is done inside the store, in tables with the memory engine: one pass over the cells and a
few over their keys. docs/sql/ shows every statement.

A view with one dimension is a *list*; its small values become one "(other)". A *hierarchy* is a
list per parent. A pair of dimensions, or one dimension by hour, is a *table* with rows and columns,
whose folded cells are not stored: readers subtract the listed cells from the marginals. Each group,
row and column has no folded cell or at least two, so that no single one can be computed by
subtraction (secondary suppression).

Source: docs/design/0007-folding.md.
"""

from __future__ import annotations

from collector.cells import folding_sql as sql
from collector.cells.folding_sql import CLOSES_AT, HIERARCHY, LIST, OF_CHUNK, TABLE, TOTALS
from collector.cells.thresholds import CONTINUOUS_SUMS
from collector.cells.views import Grain
from collector.hit import OTHER, SUMS

RULES = "1"
"""The version of these rules; stored with every seal."""

COUNTS = tuple(name for name in SUMS if name not in CONTINUOUS_SUMS)

_DAY = int(Grain.DAY)
_FOLDED = "id IN (SELECT id FROM closing_folded)"
_SUPPRESSED = "id IN (SELECT id FROM closing_suppressed)"
_AVERAGED = "id IN (SELECT id FROM closing_averaged)"
_GROUPED = f"shape IN ({LIST}, {HIERARCHY})"
_WORK_TABLES = (
    "closing_cells",
    "closing_known",
    "closing_folded",
    "closing_averaged",
    "closing_suppressed",
)
_INTO_SEALED = (
    "INSERT INTO sealed_cells (site, closes_at, day, grain, view, at, value, other, "
    f"{', '.join(SUMS)}, visitors, folded, struck)"
)


def clear() -> tuple[str, ...]:
    """Empty the work tables of sealing."""
    return tuple(f"TRUNCATE TABLE {table}" for table in _WORK_TABLES)


def declare_known() -> str:
    """Declare values of a view as known; site 0 stands for all sites."""
    return (
        "INSERT INTO closing_known "
        "SELECT {site:UInt32}, {view:UInt16}, arrayJoin({values:Array(String)})"
    )


def declare_matching() -> str:
    """Declare a site's paths as known that match a regular expression."""
    paths = ", ".join(str(sql.id_of(name)) for name in sql.OWN_PATH_VIEWS)
    return (
        "INSERT INTO closing_known SELECT DISTINCT site, view, value FROM open_cells "
        f"WHERE closes_at = {CLOSES_AT} AND site = {{site:UInt32}} "
        f"AND view IN ({paths}) AND grain = {_DAY} AND match(value, {{pattern:String}})"
    )


def gather() -> str:
    """Merge the open cells of some sites and mark the small ones.

    Parameters are `closes_at`, `sites`, and `standard`: those of the sites with the standard
    profile. Minutes, receipts and the cells of views that are no longer declared are left out: no
    threshold is known for them.
    """
    sums = ", ".join(SUMS)
    # FINAL copies each sketch once, GROUP BY twice. A cell's key does not contain its day, so each
    # partition must be merged separately.
    return (
        f"INSERT INTO closing_cells SELECT site, view, grain, at, value, other, day, {sums}, "
        f"visitors, {sql.weight()} AS weight, {sql.shape()} AS shape, "
        f"{sql.cell_id('view', 'grain')} AS id, {sql.row()} AS row, {sql.col()} AS col, "
        f"{sql.parent_id()} AS parent_id, {sql.col_parent_id()} AS col_parent_id, "
        f"shape != {TOTALS} AND ({sql.is_thin()} OR weight < {sql.cell_threshold()}) AS small, "
        f"shape != {TOTALS} AND visitors < {sql.by_profile('small_sums')} AS few_visitors "
        f"FROM (SELECT site, view, grain, at, value, other, day, {sums}, "
        "toInt64(finalizeAggregation(open_cells.visitors)) AS visitors FROM open_cells FINAL "
        f"WHERE {OF_CHUNK} AND view IN ({sql.declared_views()}) "
        f"AND grain != {int(Grain.MINUTE)}) "
        f"WHERE visitors != 0 OR {' OR '.join(f'{name} != 0' for name in SUMS)} "
        "SETTINGS max_block_size = 8192, do_not_merge_across_partitions_select_final = 1"
    )


def fold_lists() -> tuple[str, ...]:
    """Fold the small cells of lists, then of hierarchies, whose parents may be folded by then."""
    return tuple(
        statement
        for shape in (LIST, HIERARCHY)
        for statement in (
            _fold(f"shape = {shape} AND (small OR {sql.IS_ORPHAN})"),
            _complement_lists("closing_folded", _FOLDED, f"shape = {shape}"),
        )
    )


def fold_tables() -> str:
    """Fold the small cells of tables, and all cells in the row or column of a folded marginal."""
    in_folded_line = (
        "parent_id IN (SELECT id FROM closing_folded) "
        "OR col_parent_id IN (SELECT id FROM closing_folded)"
    )
    return _fold(f"shape = {TABLE} AND (small OR {in_folded_line})")


def complement_tables() -> str:
    """Fold one more cell in each row and column with only one folded cell.

    Repeat until no cell is added: a cell chosen for its row may be the first one
    of its column. Cells whose other line has folded cells already are preferred, which ends the
    chain.
    """
    return _complement_tables("closing_folded")


def suppress_small() -> str:
    """Suppress the continuous sums of cells with few visitors and of folded cells."""
    return (
        "INSERT INTO closing_suppressed SELECT id, row, col FROM closing_cells "
        f"WHERE few_visitors OR {_FOLDED}"
    )


def suppress_lists() -> str:
    """Suppress the continuous sums of larger cells of a list where they would reveal a small one.

    A group has none or at least two suppressed cells, which together have at least as many
    visitors as one cell would need.
    """
    order = "PARTITION BY row ORDER BY suppressed DESC, weight, id"
    return (
        "INSERT INTO closing_suppressed SELECT id, row, col FROM ("
        "SELECT id, row, col, suppressed, site, "
        f"sum(visitors) OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) "
        f"AS visitors_before, row_number() OVER ({order}) AS place, "
        "max(suppressed) OVER (PARTITION BY row) AS any_suppressed "
        f"FROM (SELECT id, row, col, site, visitors, weight, {_SUPPRESSED} AS suppressed "
        f"FROM closing_cells WHERE {_GROUPED})) "
        "WHERE NOT suppressed AND any_suppressed "
        f"AND (place <= 2 OR visitors_before < {sql.by_profile('small_sums')})"
    )


def suppress_tables() -> str:
    """Suppress the continuous sums of one more cell in each row and column with only one.

    Repeat until no cell is added.
    """
    return _complement_tables("closing_suppressed")


def pick_averaged() -> tuple[str, ...]:
    """Pick the cells with one or two visitors, whose counts are averaged within their group.

    Where a group has only one such cell, the next smallest is averaged with it.
    """
    candidates = f"{_GROUPED} AND view IN ({sql.averaging_views()}) AND NOT {_FOLDED}"
    few = f"{candidates} AND visitors < {sql.by_profile('averaged')}"
    return (
        f"INSERT INTO closing_averaged SELECT id, row, col FROM closing_cells WHERE {few}",
        _complement_lists("closing_averaged", _AVERAGED, candidates),
    )


def count_outcome() -> str:
    """Count sites, cells before folding, rows to be written and folded cells."""
    others = f"uniqExactIf({sql.OTHER_ID}, {_FOLDED} AND {_GROUPED})"
    tables = f"uniqExactIf((site, view), {_FOLDED} AND shape = {TABLE} AND grain = {_DAY})"
    return (
        "SELECT toInt64(uniqExact(site)), toInt64(count()), "
        f"toInt64(countIf(NOT {_FOLDED}) + {others} + {tables}), "
        f"toInt64(countIf({_FOLDED})) FROM closing_cells"
    )


def learn_own_paths() -> str:
    """Remember paths seen by enough visitors as the site's own, from the next closing day on."""
    return (
        f"INSERT INTO own_paths SELECT site, value, {CLOSES_AT} "
        f"FROM closing_cells WHERE view = {sql.id_of('path')} AND grain = {_DAY} "
        f"AND visitors >= {sql.by_profile('open')}"
    )


def write_listed() -> str:
    """Write the listed cells."""
    suppressed = f"shape != {TOTALS} AND {_SUPPRESSED}"
    sums = ", ".join(
        f"if({suppressed}, 0, {name})" if name in CONTINUOUS_SUMS else name for name in SUMS
    )
    return (
        f"{_INTO_SEALED} SELECT site, {CLOSES_AT}, day, grain, view, "
        f"at, value, other, {sums}, visitors, 0, {suppressed} "
        f"FROM closing_cells WHERE NOT {_FOLDED} AND NOT {_AVERAGED}"
    )


def write_averaged() -> str:
    """Write the averaged cells: each count is spread over the group's visitors, with equal sums.

    A cell gets the difference of two rounded running totals, so the group's sum stays exact.
    """
    share = (
        "intDiv({0}_of_group * running_visitors * 2 + group_visitors, group_visitors * 2) - "
        "intDiv({0}_of_group * (running_visitors - visitors) * 2 + group_visitors, "
        "group_visitors * 2)"
    )
    sums = ", ".join(share.format(name) if name in COUNTS else "0" for name in SUMS)
    group = "PARTITION BY group_id"
    totals = ", ".join(f"sum({name}) OVER ({group}) AS {name}_of_group" for name in COUNTS)
    return (
        f"{_INTO_SEALED} SELECT site, {CLOSES_AT}, day, grain, view, "
        f"at, value, other, {sums}, visitors, 0, 1 FROM (SELECT *, {totals}, "
        f"sum(visitors) OVER ({group}) AS group_visitors, "
        f"sum(visitors) OVER ({group} ORDER BY id) AS running_visitors "
        f"FROM (SELECT *, {sql.OTHER_ID} AS group_id FROM closing_cells WHERE {_AVERAGED}))"
    )


def write_others() -> str:
    """Write every "(other)" of lists and hierarchies."""
    sums = ", ".join("0" if name in CONTINUOUS_SUMS else f"sum({name})" for name in SUMS)
    return (
        f"{_INTO_SEALED} SELECT site, {CLOSES_AT}, any(day), grain, view, 0, "
        f"{sql.OTHER_VALUE} AS other_value, {sql.OTHER_OTHER} AS other_other, {sums}, "
        f"sum(visitors), count(), 1 FROM closing_cells WHERE {_GROUPED} AND {_FOLDED} "
        "GROUP BY site, grain, view, other_value, other_other"
    )


def write_folded_counts() -> str:
    """Write how many cells of each pair are folded."""
    zeros = ", ".join("0" for _ in SUMS)
    return (
        f"{_INTO_SEALED} SELECT site, {CLOSES_AT}, any(day), grain, view, 0, "
        f"'{OTHER}', '{OTHER}', {zeros}, 0, count(), 1 FROM closing_cells "
        f"WHERE shape = {TABLE} AND grain = {_DAY} AND {_FOLDED} GROUP BY site, grain, view"
    )


def _fold(condition: str) -> str:
    return f"INSERT INTO closing_folded SELECT id, row, col FROM closing_cells WHERE {condition}"


def _complement_lists(target: str, marked: str, cells: str) -> str:
    """Mark the smallest unmarked cell in each group that has exactly one marked cell.

    Args:
        target: the table of marked cells.
        marked: the condition on a cell to be in it.
        cells: the condition on the cells of the groups.
    """
    return (
        f"INSERT INTO {target} SELECT tupleElement(smallest, 2), 0, 0 FROM ("
        "SELECT argMinIf((weight, id), (weight, id), NOT marked) AS smallest FROM ("
        f"SELECT id, weight, {marked} AS marked, {sql.OTHER_ID} AS group_id "
        f"FROM closing_cells WHERE {cells}) "
        "GROUP BY group_id HAVING countIf(marked) = 1 AND count() > 1)"
    )


def _complement_tables(target: str) -> str:
    """Mark one more cell in each row and column that has exactly one marked cell.

    Only these lines are grouped.

    Args:
        target: the table of marked cells, which holds each of them once.
    """
    lines = " UNION ALL ".join(
        "SELECT argMinIf((id, row, col), (crosses_unmarked, weight, id), NOT marked) AS smallest "
        f"FROM (SELECT id, row, col, weight, id IN (SELECT id FROM {target}) AS marked, "
        f"{across} NOT IN (SELECT {across} FROM {target}) AS crosses_unmarked "
        f"FROM closing_cells WHERE shape = {TABLE} AND {along} IN "
        f"(SELECT {along} FROM {target} GROUP BY {along} HAVING count() = 1)) "
        f"GROUP BY {along} HAVING countIf(marked) = 1 AND count() > 1"
        for along, across in (("row", "col"), ("col", "row"))
    )
    return f"INSERT INTO {target} SELECT DISTINCT smallest.1, smallest.2, smallest.3 FROM ({lines})"
